//! The parameters of a table module as one flat vector, and how its tables lie in it.

use crate::model::{Domain, Model, VarId};
use crate::nets::real::OUTPUTS;
use crate::nets::table::{TableLatent, TableMechanism, TableMember};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, Gamma};

/// Where each table of a module lies in its parameter vector.
///
/// First the priors `P(u)`, then per mechanism a table `[parents…, value, latents…]`: the cells of one
/// row of data, over all joint values of the mechanism's latents, lie side by side.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub latents: Vec<TableLatent>,
    pub mechanisms: Vec<TableMechanism>,
    /// Where the prior of each latent starts.
    pub priors: Vec<usize>,
    /// Where the table of each mechanism starts.
    pub tables: Vec<usize>,
    /// The number of joint values of each mechanism's latents.
    pub states: Vec<usize>,
    /// The length of the parameter vector.
    pub cells: usize,
}

/// The pseudo-counts of the Dirichlet priors, per cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Prior {
    /// For the tables `P(variable | parents, latents)`: what each `P(variable | parents)` gets, shared
    /// evenly among the joint values of the latents, so that more levels do not mean a stronger prior.
    pub table: f64,
    /// For the latents' `P(u)`.
    pub latent: f64,
}

impl Layout {
    /// The tables of `variables` and of the latents that act on them, which have `levels` values each.
    /// Other variables without a finite domain than real ones and image parents are the caller's to exclude.
    pub fn new(model: &Model, variables: &[VarId], levels: usize) -> Self {
        let touching = |latent: &crate::model::Latent| latent.children.iter().any(|c| variables.contains(c));
        let numbers: Vec<usize> = (0..model.latents.len()).filter(|&l| touching(&model.latents[l])).collect();
        let mechanisms = variables.iter().map(|&v| mechanism(model, v, &numbers)).collect();
        let latents = numbers.iter().map(|&latent| TableLatent { latent, levels }).collect();
        Self::of(latents, mechanisms)
    }

    /// The layout of tables of known shapes; sizes that cannot be counted are as large as can be.
    pub fn of(latents: Vec<TableLatent>, mechanisms: Vec<TableMechanism>) -> Self {
        let mut cells = 0_usize;
        let mut place = |size: usize| {
            let start = cells;
            cells = cells.saturating_add(size);
            start
        };
        let states: Vec<usize> =
            mechanisms.iter().map(|m| m.latents.iter().map(|&l| latents[l].levels).product()).collect();
        let priors = latents.iter().map(|l| place(l.levels)).collect();
        let size = |m: &TableMechanism, states: usize| m.rows().saturating_mul(m.card).saturating_mul(states);
        let tables = mechanisms.iter().zip(&states).map(|(m, &s)| place(size(m, s))).collect();
        Self { latents, mechanisms, priors, tables, states, cells }
    }

    /// Calls `visit(start, stride, length, is_table)` for each distribution of the parameter vector.
    pub fn distributions(&self, mut visit: impl FnMut(usize, usize, usize, bool)) {
        for (latent, &start) in self.latents.iter().zip(&self.priors) {
            visit(start, 1, latent.levels, false);
        }
        for ((m, &start), &states) in self.mechanisms.iter().zip(&self.tables).zip(&self.states) {
            for row in 0..m.rows() {
                for state in 0..states {
                    visit(start + row * m.card * states + state, states, m.card, true);
                }
            }
        }
    }

    /// Turns counts into the mode of the parameters: `θ ∝ counts + pseudo-counts`.
    pub fn normalise(&self, counts: &mut [f64], prior: Prior) {
        self.distributions(|start, stride, length, is_table| {
            let pseudo = if is_table { prior.table / stride as f64 } else { prior.latent };
            let end = start + stride * (length - 1) + 1;
            let total: f64 = counts[start..end].iter().step_by(stride).map(|c| c + pseudo).sum();
            for cell in counts[start..end].iter_mut().step_by(stride) {
                // The floor keeps an unseen value from making a row of data impossible.
                *cell = if total > 0.0 { ((*cell + pseudo) / total).max(1e-12) } else { 1.0 / length as f64 };
            }
        });
    }

    /// Parameters drawn from the Dirichlet distributions `counts + pseudo-counts`.
    pub fn draw(&self, counts: &mut [f64], prior: Prior, rng: &mut ChaCha8Rng) {
        self.distributions(|start, stride, length, is_table| {
            let pseudo = if is_table { prior.table / stride as f64 } else { prior.latent };
            let end = start + stride * (length - 1) + 1;
            for cell in counts[start..end].iter_mut().step_by(stride) {
                *cell = gamma(*cell + pseudo, rng);
            }
        });
        self.normalise(counts, Prior { table: 0.0, latent: 0.0 });
    }

    /// Random parameters: every distribution uniform on its simplex.
    pub fn random(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let mut cells: Vec<f64> = (0..self.cells).map(|_| Exp1.sample(rng)).collect();
        self.normalise(&mut cells, Prior { table: 1e-3, latent: 1e-3 });
        cells
    }

    /// The logarithm of the Dirichlet priors' density at `parameters`, up to a constant.
    pub fn log_prior(&self, parameters: &[f64], prior: Prior) -> f64 {
        let split = self.tables.first().copied().unwrap_or(self.cells);
        let sum = |cells: &[f64]| cells.iter().map(|p| p.ln()).sum::<f64>();
        let ends = self.tables.iter().skip(1).copied().chain([self.cells]);
        let tables = self.tables.iter().zip(ends).zip(&self.states);
        let in_tables: f64 = tables.map(|((&start, end), &states)| sum(&parameters[start..end]) / states as f64).sum();
        prior.latent * sum(&parameters[..split]) + prior.table * in_tables
    }

    /// The parameters as tables `[parents…, latents…, value]`.
    pub fn member(&self, parameters: &[f64]) -> TableMember {
        let mut member = TableMember { priors: vec![], tables: vec![] };
        for (latent, &start) in self.latents.iter().zip(&self.priors) {
            member.priors.push(normalised(parameters[start..start + latent.levels].iter().copied()));
        }
        for ((m, &start), &states) in self.mechanisms.iter().zip(&self.tables).zip(&self.states) {
            let mut table = Vec::with_capacity(m.rows() * m.card * states);
            for row in 0..m.rows() {
                for state in 0..states {
                    let first = start + row * m.card * states + state;
                    table.extend(normalised((0..m.card).map(|k| parameters[first + k * states])));
                }
            }
            member.tables.push(table);
        }
        member
    }
}

fn mechanism(model: &Model, variable: VarId, latents: &[usize]) -> TableMechanism {
    // A real parent is one number.
    let card = |v: VarId| match model.domain(v) {
        Some(Domain::Image(_)) => 0,
        domain => domain.and_then(Domain::cardinality).unwrap_or(1),
    };
    let real = model.domain(variable).is_some_and(Domain::is_real);
    let parents = model.graph.parents(variable).to_vec();
    TableMechanism {
        variable,
        card: if real { OUTPUTS } else { card(variable) },
        parent_cards: parents.iter().map(|&p| card(p)).collect(),
        parents,
        latents: (0..latents.len()).filter(|&l| model.latents[latents[l]].children.contains(&variable)).collect(),
    }
}

fn normalised(values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let total: f64 = values.clone().sum();
    values.map(|v| v / total).collect()
}

/// A draw from the gamma distribution with this shape and scale 1.
pub(super) fn gamma(shape: f64, rng: &mut ChaCha8Rng) -> f64 {
    if shape >= 0.3 {
        return Gamma::new(shape, 1.0).map_or(0.0, |g| g.sample(rng));
    }
    if shape <= 0.0 {
        return 0.0;
    }
    // Small shapes: gamma(a) = gamma(a + 1) · u^(1/a), which underflows gracefully.
    let whole = Gamma::new(shape + 1.0, 1.0).map_or(0.0, |g| g.sample(rng));
    whole * rng.random::<f64>().powf(1.0 / shape)
}
