//! Conditional probability tables on one-hot codes.

use crate::nets::conditional::ConditionalModule;
use crate::nets::ops::{device, largest};
use crate::nets::table::TableModule;
use candle_core::{Result, Tensor, bail};
use rand::Rng;

/// What rows draw of a table module's hidden parts: one entry per row in each list.
#[derive(Clone, Debug)]
pub struct TableHidden {
    /// The member of the module.
    pub member: Vec<usize>,
    /// Per hidden cause of the module its value.
    pub levels: Vec<Vec<usize>>,
}

impl TableHidden {
    /// Draws members uniformly and the values of hidden causes from their members' priors.
    pub fn draw(module: &TableModule, rows: usize, rng: &mut impl Rng) -> Self {
        let members = module.members.len().max(1);
        let member: Vec<usize> = (0..rows).map(|_| rng.random_range(0..members)).collect();
        let levels = (0..module.latents.len())
            .map(|latent| member.iter().map(|&m| level(&module.members[m].priors[latent], rng)).collect())
            .collect();
        Self { member, levels }
    }

    /// The first member of a module of neural conditionals, and its hidden causes.
    pub fn of_first(module: &ConditionalModule, rows: usize, rng: &mut impl Rng) -> Self {
        let priors = module.members.first().map_or(&[][..], |m| &m.priors);
        let levels = priors.iter().map(|prior| (0..rows).map(|_| level(prior, rng)).collect()).collect();
        Self { member: vec![0; rows], levels }
    }

    /// Adds the rows of `other`, of the same module.
    pub fn extend(&mut self, other: &Self) {
        self.member.extend(&other.member);
        self.levels.iter_mut().zip(&other.levels).for_each(|(own, other)| own.extend(other));
    }

    /// The one-hot codes `[rows, levels]` of a hidden cause.
    ///
    /// # Errors
    /// Candle's.
    pub fn one_hot(&self, latent: usize, levels: usize) -> Result<Tensor> {
        let mut codes = Vec::with_capacity(self.member.len() * levels);
        for &value in &self.levels[latent] {
            codes.extend((0..levels).map(|k| f32::from(u8::from(k == value))));
        }
        Tensor::from_vec(codes, (self.member.len(), levels), &device())
    }
}

/// A draw from `prior`; its last value takes what rounding leaves over.
fn level(prior: &[f64], rng: &mut impl Rng) -> usize {
    let mut left: f64 = rng.random::<f64>() * prior.iter().sum::<f64>();
    for (value, p) in prior.iter().enumerate() {
        left -= p;
        if left < 0.0 {
            return value;
        }
    }
    prior.len().saturating_sub(1)
}

/// The log probabilities `[rows, card]` of a mechanism of `module` for one-hot codes of its parents (each `[rows, its card]`, in
/// the mechanism's order): without gradients.
///
/// # Errors
/// Where the shapes do not fit.
pub fn table_logits(
    module: &TableModule,
    mechanism: usize,
    parents: &[Tensor],
    hidden: &TableHidden,
) -> Result<Tensor> {
    let shape = &module.mechanisms[mechanism];
    if parents.len() != shape.parents.len() {
        bail!("variable {}: {} parents for a table of {}", shape.variable, parents.len(), shape.parents.len())
    }
    let rows = hidden.member.len();
    let mut cells = vec![0; rows];
    for (parent, &card) in parents.iter().zip(&shape.parent_cards) {
        if parent.dims() != [rows, card] {
            bail!("variable {}: codes of {:?} for {rows} rows of {card} values", shape.variable, parent.dims())
        }
        let codes = parent.to_vec2::<f32>()?;
        cells.iter_mut().zip(&codes).for_each(|(cell, row)| *cell = *cell * card + largest(row));
    }
    let levels: usize = shape.latents.iter().map(|&l| module.latents[l].levels).product();
    let mut logits = Vec::with_capacity(rows * shape.card);
    for (row, (&member, cell)) in hidden.member.iter().zip(cells).enumerate() {
        let level = shape.latents.iter().fold(0, |at, &l| at * module.latents[l].levels + hidden.levels[l][row]);
        let start = (cell * levels + level) * shape.card;
        let table = &module.members[member].tables[mechanism];
        logits.extend(table[start..start + shape.card].iter().map(|p| p.ln() as f32));
    }
    Tensor::from_vec(logits, (rows, shape.card), &device())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::ops::check::random;
    use crate::nets::table::{TableLatent, TableMechanism, TableMember};
    use candle_core::Device;

    /// `P(v | a, b, u)` with two members; a has 2 values, b 3, u 2, v 2.
    fn module() -> TableModule {
        let table = |seed| {
            let p = random(12, seed).into_iter().map(|v| f64::from(v).abs());
            p.flat_map(|p| [p, 1.0 - p]).collect::<Vec<f64>>()
        };
        TableModule {
            latents: vec![TableLatent { latent: 0, levels: 2 }],
            mechanisms: vec![TableMechanism {
                variable: 2,
                card: 2,
                parents: vec![0, 1],
                parent_cards: vec![2, 3],
                latents: vec![0],
            }],
            members: [1, 2].map(|s| TableMember { priors: vec![vec![0.25, 0.75]], tables: vec![table(s)] }).to_vec(),
            replicates: vec![],
        }
    }

    fn hidden() -> TableHidden {
        TableHidden { member: vec![0, 1, 1, 0], levels: vec![vec![0, 1, 0, 1]] }
    }

    #[test]
    fn hard_codes_read_the_table() {
        let module = module();
        let codes = [(0, 2), (1, 0), (1, 1), (0, 0)];
        let hot = |card: usize, pick: fn(&(usize, usize)) -> usize| {
            let values: Vec<f32> = codes.iter().flat_map(|c| (0..card).map(move |v| f32::from(v == pick(c)))).collect();
            Tensor::from_vec(values, (4, card), &Device::Cpu).unwrap()
        };
        let found = table_logits(&module, 0, &[hot(2, |c| c.0), hot(3, |c| c.1)], &hidden()).unwrap();
        for (row, found) in found.to_vec2::<f32>().unwrap().into_iter().enumerate() {
            let (a, b) = codes[row];
            let start = ((a * 3 + b) * 2 + hidden().levels[0][row]) * 2;
            let expected = &module.members[hidden().member[row]].tables[0][start..start + 2];
            assert!(found.iter().zip(expected).all(|(log_p, p)| (f64::from(log_p.exp()) - p).abs() < 1e-6));
        }
    }

    #[test]
    fn levels_follow_the_priors() {
        let drawn = TableHidden::draw(&module(), 20_000, &mut crate::seed::stream(1, "levels"));
        let mean = |values: &[usize]| values.iter().sum::<usize>() as f64 / 20_000.0;
        assert!((mean(&drawn.levels[0]) - 0.75).abs() < 0.015 && (mean(&drawn.member) - 0.5).abs() < 0.015);
    }
}
