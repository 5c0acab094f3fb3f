//! Exact answers by summation over trained tables.

use crate::factor::{Factor, TooLarge, eliminate};
use crate::model::{Model, VarId};
use crate::nets::table::{TableMember, TableModule};
use crate::train::Trained;
use std::collections::{BTreeMap, BTreeSet};

/// Tables of more cells than this are not built.
const MAX_CELLS: usize = 1 << 24;

/// The answer to `P(outcome | do(…), evidence)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// `P(outcome | do, evidence)`, variables in the order asked for, summing to one (all zero where
    /// the evidence is impossible).
    pub point: Factor,
    /// `P(evidence | do)`.
    pub evidence: f64,
    /// The same table from each replicate of the modules: their spread is the estimate's uncertainty.
    pub replicates: Vec<Factor>,
}

/// `P(outcome | do(interventions), evidence)` by variable elimination; only the mechanisms of ancestors
/// of what is asked enter. `Ok(None)` where one of them has no tables.
///
/// The point estimate averages `P(outcome, evidence | do)` over all combinations of the modules' members
/// before it conditions, which is what sampling a member per row does; replicate `r` joins the
/// replicates `r` of all modules, which saw the same resampled rows.
///
/// # Errors
/// [`TooLarge`] where an intermediate table would be too large to sum.
pub fn joint(
    model: &Model,
    modules: &[&Trained],
    outcome: &[VarId],
    interventions: &[(VarId, u32)],
    evidence: &[(VarId, u32)],
) -> Result<Option<Estimate>, TooLarge> {
    let question = Question { model, outcome, interventions, evidence };
    let mut parts = vec![];
    for &variable in &question.needed() {
        let Some(part) = modules.iter().enumerate().find_map(|(at, m)| part(at, m, variable)) else { return Ok(None) };
        parts.push(part);
    }
    let (point, evidence) = question.answer(&parts, Fits::Members)?;
    let count = parts.iter().map(|p| p.tables.replicates.len()).max().unwrap_or(0);
    let replicates =
        (0..count).map(|r| Ok(question.answer(&parts, Fits::Replicate(r))?.0)).collect::<Result<_, TooLarge>>()?;
    Ok(Some(Estimate { point, evidence, replicates }))
}

/// As [`joint`], the point estimate alone.
///
/// # Errors
/// [`TooLarge`] where an intermediate table would be too large to sum.
pub fn point(
    model: &Model,
    modules: &[&Trained],
    outcome: &[VarId],
    interventions: &[(VarId, u32)],
    evidence: &[(VarId, u32)],
) -> Result<Option<Factor>, TooLarge> {
    let question = Question { model, outcome, interventions, evidence };
    let parts: Option<Vec<Part>> = question
        .needed()
        .iter()
        .map(|&variable| modules.iter().enumerate().find_map(|(at, m)| part(at, m, variable)))
        .collect();
    parts.map(|parts| question.answer(&parts, Fits::Members).map(|(point, _)| point)).transpose()
}

/// The 90 % interval around `point`: Student's t times the replicates' standard deviation, widened for
/// the finite number of replicates. The same for probabilities and for differences of expectations; it
/// can leave the unit interval (see [`probability_interval`]).
pub fn interval(point: f64, replicates: &[f64]) -> (f64, f64) {
    let n = replicates.len() as f64;
    if replicates.len() < 2 {
        return (point, point);
    }
    let mean = replicates.iter().sum::<f64>() / n;
    let variance = replicates.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = student_95(n - 1.0) * (variance * (1.0 + 1.0 / n)).sqrt();
    (point - half, point + half)
}

/// [`interval`] of a probability, within [0, 1].
pub fn probability_interval(point: f64, replicates: &[f64]) -> (f64, f64) {
    let (low, high) = interval(point, replicates);
    (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0))
}

/// The 95 % point of Student's t, by its expansion around the normal one (Abramowitz & Stegun 26.7.5).
fn student_95(freedom: f64) -> f64 {
    let z = 1.644_853_626_951_472_f64;
    let (z3, z5) = (z.powi(3), z.powi(5));
    z + (z3 + z) / (4.0 * freedom) + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * freedom * freedom)
}

struct Question<'a> {
    model: &'a Model,
    outcome: &'a [VarId],
    interventions: &'a [(VarId, u32)],
    evidence: &'a [(VarId, u32)],
}

/// A needed mechanism: its module and its place there.
struct Part<'a> {
    module: usize,
    tables: &'a TableModule,
    mechanism: usize,
}

#[derive(Clone, Copy)]
enum Fits {
    Members,
    Replicate(usize),
}

fn part<'a>(module: usize, trained: &'a Trained, variable: VarId) -> Option<Part<'a>> {
    let tables = trained.tables()?;
    let mechanism = tables.mechanisms.iter().position(|m| m.variable == variable)?;
    Some(Part { module, tables, mechanism })
}

impl Question<'_> {
    fn set_to(&self, variable: VarId) -> Option<u32> {
        self.interventions.iter().find(|(v, _)| *v == variable).map(|(_, value)| *value)
    }

    /// The ancestors of outcome and evidence in the mutilated graph, less what is intervened on.
    fn needed(&self) -> Vec<VarId> {
        let mut open: Vec<VarId> = self.outcome.iter().copied().chain(self.evidence.iter().map(|e| e.0)).collect();
        let mut needed = BTreeSet::new();
        while let Some(variable) = open.pop() {
            if self.set_to(variable).is_none() && needed.insert(variable) {
                open.extend(self.model.graph.parents(variable));
            }
        }
        needed.into_iter().collect()
    }

    /// `P(outcome | do, evidence)` and `P(evidence | do)`.
    fn answer(&self, parts: &[Part], fits: Fits) -> Result<(Factor, f64), TooLarge> {
        let mut nodes = Nodes { next: self.model.graph.len(), known: BTreeMap::new() };
        let mut factors = vec![];
        for part in parts {
            let mechanism = part.factors(part.fits(fits), &mut nodes, &mut factors);
            factors.push(self.restricted(mechanism));
        }
        let free: Vec<VarId> = self.outcome.iter().copied().filter(|&v| self.fixed(v).is_none()).collect();
        let table = eliminate(factors, &free, MAX_CELLS)?;
        let total = if self.contradictory() { 0.0 } else { table.total() };
        let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
        Ok((self.with_fixed(table, scale), total))
    }

    /// The value of a variable that is intervened on or observed.
    fn fixed(&self, variable: VarId) -> Option<u32> {
        self.set_to(variable).or_else(|| self.evidence.iter().find(|(v, _)| *v == variable).map(|(_, value)| *value))
    }

    fn restricted(&self, mut factor: Factor) -> Factor {
        for (v, value) in self.interventions.iter().chain(self.evidence) {
            if self.card(*v) > *value as usize {
                factor = factor.restrict(*v, *value as usize);
            }
        }
        factor
    }

    /// Whether the evidence says that a variable is not what it was set to, is two things at once, or
    /// has a value outside its domain.
    fn contradictory(&self) -> bool {
        let outside = |&(v, value): &(VarId, u32)| value as usize >= self.card(v);
        self.evidence.iter().any(|&(v, value)| self.fixed(v) != Some(value))
            || self.interventions.iter().chain(self.evidence).any(outside)
    }

    /// `table` times `scale`, with the outcome variables whose value is fixed put back in.
    fn with_fixed(&self, table: Factor, scale: f64) -> Factor {
        let mut whole = table;
        whole.values.iter_mut().for_each(|v| *v *= scale);
        for &v in self.outcome {
            if let Some(value) = self.fixed(v) {
                let card = self.card(v);
                let point = (0..card).map(|k| f64::from(k == value as usize)).collect();
                whole = whole.product(&Factor::new(vec![v], vec![card], point));
            }
        }
        whole.reordered(self.outcome)
    }

    fn card(&self, variable: VarId) -> usize {
        self.model.variables[variable].domain.as_ref().and_then(|d| d.cardinality()).unwrap_or(1)
    }
}

/// Numbers of what has no number of its own among the factors' variables.
struct Nodes {
    next: usize,
    known: BTreeMap<Node, usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    /// Which member a module uses.
    Member(usize),
    /// A latent by its module and its place there.
    Latent(usize, usize),
}

impl Nodes {
    /// The number of `node`, and whether it is new.
    fn number(&mut self, node: Node) -> (usize, bool) {
        let new = !self.known.contains_key(&node);
        let number = *self.known.entry(node).or_insert(self.next);
        self.next += usize::from(new);
        (number, new)
    }
}

impl Part<'_> {
    /// The mechanism as a factor over `[member, parents…, latents…, variable]`; the distributions of
    /// member and latents are added to `factors` when they are met for the first time.
    fn factors(&self, fits: &[TableMember], nodes: &mut Nodes, factors: &mut Vec<Factor>) -> Factor {
        let m = &self.tables.mechanisms[self.mechanism];
        let (mut variables, mut cards) = (vec![], vec![]);
        if fits.len() > 1 {
            let (member, new) = nodes.number(Node::Member(self.module));
            variables.push(member);
            cards.push(fits.len());
            if new {
                factors.push(Factor::new(vec![member], vec![fits.len()], vec![1.0 / fits.len() as f64; fits.len()]));
            }
        }
        let member = variables.clone();
        variables.extend(&m.parents);
        cards.extend(&m.parent_cards);
        for &l in &m.latents {
            let (number, new) = nodes.number(Node::Latent(self.module, l));
            let levels = self.tables.latents[l].levels;
            variables.push(number);
            cards.push(levels);
            if new {
                let scope = member.iter().copied().chain([number]).collect();
                let sizes = member.iter().map(|_| fits.len()).chain([levels]).collect();
                factors.push(Factor::new(scope, sizes, fits.iter().flat_map(|f| &f.priors[l]).copied().collect()));
            }
        }
        variables.push(m.variable);
        cards.push(m.card);
        Factor::new(variables, cards, fits.iter().flat_map(|f| &f.tables[self.mechanism]).copied().collect())
    }

    fn fits(&self, fits: Fits) -> &[TableMember] {
        match fits {
            Fits::Members => &self.tables.members,
            Fits::Replicate(r) if self.tables.replicates.is_empty() => {
                let r = r % self.tables.members.len();
                &self.tables.members[r..=r]
            }
            Fits::Replicate(r) => {
                let r = r % self.tables.replicates.len();
                &self.tables.replicates[r..=r]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::Admg;
    use crate::model::{Domain, Latent, Variable};
    use crate::nets::table::{TableLatent, TableMechanism};
    use crate::seed;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;

    const CARDS: [usize; 5] = [2, 3, 2, 2, 3];

    /// `0 -> 1 -> 2 -> 3 -> 4`, `0 -> 3`; hidden causes of {0, 2, 4} and of {1, 3}.
    fn model() -> Model {
        let variable = |(v, &k): (usize, &usize)| {
            (format!("V{v}"), Variable { domain: Some(Domain::Categorical(k)), ..Variable::default() })
        };
        let latent = |children: &[usize]| Latent { name: None, children: children.to_vec(), span: Default::default() };
        let directed = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 3)];
        let bidirected = [(0, 2), (0, 4), (2, 4), (1, 3)];
        Model {
            variables: CARDS.iter().enumerate().map(variable).collect(),
            graph: Admg::with_edges(5, &directed, &bidirected),
            latents: vec![latent(&[0, 2, 4]), latent(&[1, 3])],
            ..Model::default()
        }
    }

    fn module(model: &Model, latent: usize, members: usize, rng: &mut ChaCha8Rng) -> TableModule {
        let mechanism = |&variable: &usize| TableMechanism {
            variable,
            card: CARDS[variable],
            parents: model.graph.parents(variable).to_vec(),
            parent_cards: model.graph.parents(variable).iter().map(|&p| CARDS[p]).collect(),
            latents: vec![0],
        };
        let mechanisms: Vec<TableMechanism> = model.latents[latent].children.iter().map(mechanism).collect();
        let mut row = |card: usize| {
            let draws: Vec<f64> = (0..card).map(|_| rng.random::<f64>() + 0.01).collect();
            let total: f64 = draws.iter().sum();
            draws.into_iter().map(move |d| d / total)
        };
        let mut fit = || TableMember {
            priors: vec![row(4).collect()],
            tables: mechanisms.iter().map(|m| (0..m.rows() * 4).flat_map(|_| row(m.card)).collect()).collect(),
        };
        let (members, replicates) = ((0..members).map(|_| fit()).collect(), (0..2).map(|_| fit()).collect());
        TableModule { latents: vec![TableLatent { latent, levels: 4 }], mechanisms, members, replicates }
    }

    /// `P(variables = values | do)` from one fit of each module, by enumeration of the latents.
    fn probability(modules: &[&TableModule], fits: &[&TableMember], values: &[usize], set: &[(VarId, u32)]) -> f64 {
        let mut total = 0.0;
        for (u, w) in (0..4).flat_map(|u| (0..4).map(move |w| (u, w))) {
            let mut p = fits[0].priors[0][u] * fits[1].priors[0][w];
            for ((module, fit), u) in modules.iter().zip(fits).zip([u, w]) {
                for (at, m) in module.mechanisms.iter().enumerate() {
                    if set.iter().any(|s| s.0 == m.variable) {
                        continue;
                    }
                    let row = m.parents.iter().zip(&m.parent_cards).fold(0, |row, (&p, &k)| row * k + values[p]);
                    p *= fit.tables[at][(row * 4 + u) * m.card + values[m.variable]];
                }
            }
            total += p;
        }
        if set.iter().all(|&(v, value)| values[v] == value as usize) { total } else { 0.0 }
    }

    fn assignments() -> impl Iterator<Item = Vec<usize>> {
        (0..CARDS.iter().product::<usize>()).map(|mut cell| {
            let mut values = vec![0; CARDS.len()];
            for v in (0..CARDS.len()).rev() {
                values[v] = cell % CARDS[v];
                cell /= CARDS[v];
            }
            values
        })
    }

    /// `P(outcome, evidence | do)` averaged over the pairs of fits, by enumeration of everything.
    fn brute_force(
        modules: &[&TableModule],
        pairs: &[[&TableMember; 2]],
        outcome: &[VarId],
        set: &[(VarId, u32)],
        evidence: &[(VarId, u32)],
    ) -> Vec<f64> {
        let mut table = vec![0.0; outcome.iter().map(|&v| CARDS[v]).product()];
        for values in assignments().filter(|x| evidence.iter().all(|&(v, value)| x[v] == value as usize)) {
            let cell = outcome.iter().fold(0, |cell, &v| cell * CARDS[v] + values[v]);
            for pair in pairs {
                table[cell] += probability(modules, pair, &values, set) / pairs.len() as f64;
            }
        }
        table
    }

    #[test]
    fn answers_equal_enumeration_of_everything() {
        type Case<'a> = (&'a [VarId], &'a [(VarId, u32)], &'a [(VarId, u32)]);
        let cases: [Case; 9] = [
            (&[4], &[], &[]),
            (&[4, 0], &[(2, 1)], &[]),
            (&[4], &[(1, 2)], &[(0, 1)]),
            (&[2], &[(1, 0)], &[(4, 2), (3, 0)]),
            (&[1, 4, 3], &[(0, 1), (2, 0)], &[]),
            (&[2, 4], &[(2, 1)], &[]),
            (&[4, 1], &[], &[(1, 2)]),
            (&[4], &[(1, 1)], &[(1, 1)]),
            (&[4], &[(1, 1)], &[(1, 2)]),
        ];
        let mut rng = seed::stream(8, "exact");
        let model = model();
        let (a, b) = (module(&model, 0, 3, &mut rng), module(&model, 1, 2, &mut rng));
        let trained = [Trained::Tables(a.clone()), Trained::Tables(b.clone())];
        let trained: Vec<&Trained> = trained.iter().collect();
        let modules = [&a, &b];
        let pairs: Vec<[&TableMember; 2]> =
            a.members.iter().flat_map(|m| b.members.iter().map(move |n| [m, n])).collect();
        for (outcome, set, evidence) in cases {
            let found = joint(&model, &trained, outcome, set, evidence).unwrap().unwrap();
            let expected = brute_force(&modules, &pairs, outcome, set, evidence);
            let total: f64 = expected.iter().sum();
            assert!((found.evidence - total).abs() < 1e-12);
            assert_eq!(found.point.variables, outcome);
            check(&found.point.values, &expected, total);
            assert_eq!(found.replicates.len(), 2);
            for (r, replicate) in found.replicates.iter().enumerate() {
                let pair = [[&a.replicates[r], &b.replicates[r]]];
                let expected = brute_force(&modules, &pair, outcome, set, evidence);
                check(&replicate.values, &expected, expected.iter().sum());
            }
        }
    }

    fn check(found: &[f64], expected: &[f64], total: f64) {
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            let e = if total > 0.0 { e / total } else { 0.0 };
            assert!((f - e).abs() < 1e-12, "{f} {e}");
        }
    }

    #[test]
    fn only_the_modules_of_ancestors_are_needed() {
        let model = model();
        let a = Trained::Tables(module(&model, 0, 1, &mut seed::stream(8, "ancestors")));
        assert!(joint(&model, &[&a], &[0], &[], &[]).unwrap().is_some());
        assert!(joint(&model, &[&a], &[2], &[(1, 0)], &[]).unwrap().is_some());
        assert!(joint(&model, &[&a], &[2], &[], &[]).unwrap().is_none());
        assert!(joint(&model, &[&a], &[4], &[], &[]).unwrap().is_none());
    }

    #[test]
    fn a_value_outside_its_domain_has_probability_zero() {
        let model = model();
        let mut rng = seed::stream(8, "outside");
        let modules = [0, 1].map(|latent| Trained::Tables(module(&model, latent, 1, &mut rng)));
        let modules: Vec<&Trained> = modules.iter().collect();
        let answer = joint(&model, &modules, &[4], &[], &[(0, 7)]).unwrap().unwrap();
        assert_eq!((answer.evidence, answer.point.total()), (0.0, 0.0));
    }

    #[test]
    fn the_interval_covers_normal_replicates_nine_times_in_ten() {
        let mut rng = seed::stream(8, "interval");
        let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        let covered = (0..4000).filter(|_| {
            let (truth, replicates) = (normal(), (0..20).map(|_| normal()).collect::<Vec<_>>());
            // The mean of the replicates as the point: the truth is one more draw like them.
            let point = replicates.iter().sum::<f64>() / 20.0;
            let (low, high) = interval(point, &replicates);
            low <= truth && truth <= high
        });
        let share = covered.count() as f64 / 4000.0;
        assert!((share - 0.9).abs() < 0.02, "{share}");
        assert_eq!(interval(0.3, &[]), (0.3, 0.3));
        assert_eq!(probability_interval(0.99, &[0.9, 1.0]).1, 1.0);
    }
}
