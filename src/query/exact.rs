//! Exact answers by summation over trained tables.

use super::asked::Asked;
use crate::causal::counterfactual::{Place, Twin, TwinCopy};
use crate::factor::{Factor, TooLarge, coupled, eliminate};
use crate::model::Model;
use crate::nets::table::{TableMember, TableModule};
use crate::train::Trained;
use std::collections::BTreeMap;
use std::ops::Range;

/// Tables of more cells than this are not built.
const MAX_CELLS: usize = 1 << 24;

/// The answer to a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// `P(outcome | evidence)` over the places 0, 1, … of the outcome, summing to one (all zero where the evidence is
    /// impossible).
    pub point: Factor,
    /// The probability of the evidence.
    pub evidence: f64,
    /// The same table from each replicate of the modules: their spread is the estimate's uncertainty. None where the
    /// evidence is impossible.
    pub replicates: Vec<Factor>,
}

/// The answer by variable elimination over the copies of variables in all worlds, latents and members; only the
/// mechanisms of ancestors of what is asked enter. `Ok(None)` where one of them has no tables.
///
/// A variable's own noise is one uniform number for all worlds, put through the inverse of the distribution function
/// that the variable has there ([`coupled`]), as where rows are drawn. The point estimate averages the probability of outcome
/// and evidence over all combinations of the modules' members before it conditions, which is what sampling a member per
/// row does; replicate `r` joins the replicates `r` of all modules, which saw the same resampled rows.
///
/// # Errors
/// [`TooLarge`] where an intermediate table would be too large to sum.
pub fn joint(model: &Model, modules: &[&Trained], asked: &Asked) -> Result<Option<Estimate>, TooLarge> {
    let cards = asked.cards(model);
    let Some(twin) = asked.twin(model) else {
        let point = Factor::new((0..cards.len()).collect(), cards.clone(), vec![0.0; cards.iter().product()]);
        return Ok(Some(Estimate { point, evidence: 0.0, replicates: vec![] }));
    };
    let question = Question { model, twin: &twin, cards: &cards };
    let Some(parts) = question.parts(modules) else { return Ok(None) };
    let (point, evidence) = question.answer(&parts, Fits::Members)?;
    let count = match evidence > 0.0 {
        true => parts.iter().map(|p| p.tables.replicates.len()).max().unwrap_or(0),
        false => 0,
    };
    let replicates =
        (0..count).map(|r| Ok(question.answer(&parts, Fits::Replicate(r))?.0)).collect::<Result<_, TooLarge>>()?;
    Ok(Some(Estimate { point, evidence, replicates }))
}

/// As [`joint`], the point estimate alone.
///
/// # Errors
/// [`TooLarge`] where an intermediate table would be too large to sum.
pub fn point(model: &Model, modules: &[&Trained], asked: &Asked) -> Result<Option<Factor>, TooLarge> {
    let cards = asked.cards(model);
    let Some(twin) = asked.twin(model) else { return Ok(None) };
    let question = Question { model, twin: &twin, cards: &cards };
    let parts = question.parts(modules);
    parts.map(|parts| question.answer(&parts, Fits::Members).map(|(point, _)| point)).transpose()
}

/// The 90 % interval around `point`: Student's t times the replicates' standard deviation, widened for
/// the finite number of replicates. The same for probabilities and for differences of expectations; it
/// can leave the unit interval (see [`probability_interval`]).
pub fn interval(point: f64, replicates: &[f64]) -> (f64, f64) {
    let half = half_width(&[replicates]);
    (point - half, point + half)
}

/// Half the width of the interval of a sum whose parts vary by themselves, from the replicates of each.
pub fn half_width(parts: &[&[f64]]) -> f64 {
    let (mut variance, mut freedom) = (0.0, f64::INFINITY);
    for replicates in parts.iter().filter(|replicates| replicates.len() >= 2) {
        let n = replicates.len() as f64;
        let mean = replicates.iter().sum::<f64>() / n;
        variance += replicates.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0) * (1.0 + 1.0 / n);
        freedom = (n - 1.0).min(freedom);
    }
    if variance > 0.0 { student_95(freedom) * variance.sqrt() } else { 0.0 }
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

/// The copies that are asked for, and the number of values of each place of the outcome.
struct Question<'a> {
    model: &'a Model,
    twin: &'a Twin,
    cards: &'a [usize],
}

/// The mechanism of a group of copies: its module and its place there.
struct Part<'a> {
    copies: Range<usize>,
    module: usize,
    tables: &'a TableModule,
    mechanism: usize,
}

#[derive(Clone, Copy)]
enum Fits {
    Members,
    Replicate(usize),
}

impl Question<'_> {
    /// The mechanisms of all copies; `None` where one has no table.
    fn parts<'b>(&self, modules: &[&'b Trained]) -> Option<Vec<Part<'b>>> {
        let groups = self.twin.groups().into_iter();
        let part = |copies: Range<usize>| {
            let variable = self.twin.copies[copies.start].variable;
            modules.iter().enumerate().find_map(|(module, trained)| {
                let tables = trained.tables()?;
                let mechanism = tables.mechanisms.iter().position(|m| m.variable == variable)?;
                Some(Part { copies: copies.clone(), module, tables, mechanism })
            })
        };
        groups.map(part).collect()
    }

    /// `P(outcome | evidence)` and the probability of the evidence.
    fn answer(&self, parts: &[Part], fits: Fits) -> Result<(Factor, f64), TooLarge> {
        let first = self.twin.copies.len() + self.cards.len();
        let mut nodes = Nodes { next: first, known: BTreeMap::new() };
        let mut factors = vec![];
        for part in parts {
            let mut factor = self.factor(part, part.fits(fits), &mut nodes, &mut factors)?;
            for at in part.copies.clone() {
                if let Some(known) = self.twin.copies[at].known {
                    factor = factor.restrict(at, known as usize);
                }
            }
            factors.push(factor);
        }
        let mut keep = vec![];
        for (at, place) in self.twin.outcome.iter().enumerate() {
            let own = self.twin.copies.len() + at;
            match *place {
                Place::Copy(copy) if !keep.contains(&copy) => keep.push(copy),
                Place::Copy(copy) => {
                    factors.push(Factor::equal(copy, own, self.cards[at]));
                    keep.push(own);
                }
                Place::Code(code) => {
                    factors.push(Factor::one_hot(own, self.cards[at], code as usize));
                    keep.push(own);
                }
            }
        }
        let mut table = eliminate(factors, &keep, MAX_CELLS)?;
        table.variables = (0..keep.len()).collect();
        let total = table.total();
        Ok((table.normalised(), total))
    }

    /// The distribution of a group of copies given what their parents, the member and the latents are; the distributions of
    /// member and latents are added to `factors` when they are met for the first time.
    fn factor(
        &self,
        part: &Part,
        fits: &[TableMember],
        nodes: &mut Nodes,
        factors: &mut Vec<Factor>,
    ) -> Result<Factor, TooLarge> {
        let m = &part.tables.mechanisms[part.mechanism];
        let hidden = part.hidden(fits, nodes, factors);
        let copies = &self.twin.copies[part.copies.clone()];
        let mut inputs = hidden.clone();
        for place in copies.iter().flat_map(|copy| &copy.parents) {
            if let Place::Copy(at) = *place {
                let input = (at, self.model.card(self.twin.copies[at].variable).unwrap_or(1));
                if !inputs.contains(&input) {
                    inputs.push(input);
                }
            }
        }
        let outputs: Vec<(usize, usize)> = part.copies.clone().map(|at| (at, m.card)).collect();
        let members = usize::from(fits.len() > 1);
        Factor::from_rows((&inputs, &outputs), MAX_CELLS, |codes| {
            let code = |place: &Place| match *place {
                Place::Code(code) => code as usize,
                Place::Copy(at) => inputs.iter().position(|i| i.0 == at).map_or(0, |i| codes[i]),
            };
            let table = &fits[if members == 1 { codes[0] } else { 0 }].tables[part.mechanism];
            let row = |copy: &TwinCopy| {
                let parents = copy.parents.iter().zip(&m.parent_cards);
                let cell = parents.fold(0, |cell, (place, card)| cell * card + code(place));
                let latents = (members..hidden.len()).map(|at| (codes[at], hidden[at].1));
                let cell = latents.fold(cell, |cell, (code, card)| cell * card + code);
                &table[cell * m.card..(cell + 1) * m.card]
            };
            if let [only] = copies {
                return Ok(row(only).iter().enumerate().map(|(code, &p)| (vec![code], p)).collect());
            }
            Ok(coupled(&copies.iter().map(row).collect::<Vec<_>>()))
        })
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
    /// Member (where there are several) and latents of the mechanism, as numbers and cards.
    fn hidden(&self, fits: &[TableMember], nodes: &mut Nodes, factors: &mut Vec<Factor>) -> Vec<(usize, usize)> {
        let mut found = vec![];
        if fits.len() > 1 {
            let (member, new) = nodes.number(Node::Member(self.module));
            found.push((member, fits.len()));
            if new {
                factors.push(Factor::new(vec![member], vec![fits.len()], vec![1.0 / fits.len() as f64; fits.len()]));
            }
        }
        let member = found.clone();
        for &l in &self.tables.mechanisms[self.mechanism].latents {
            let (number, new) = nodes.number(Node::Latent(self.module, l));
            let levels = self.tables.latents[l].levels;
            found.push((number, levels));
            if new {
                let (scope, sizes) = member.iter().copied().chain([(number, levels)]).unzip();
                factors.push(Factor::new(scope, sizes, fits.iter().flat_map(|f| &f.priors[l]).copied().collect()));
            }
        }
        found
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
    use crate::model::{Domain, Latent, VarId, Variable};
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
            let asked = Asked::in_one_world(outcome, set, evidence);
            let found = joint(&model, &trained, &asked).unwrap().unwrap();
            let expected = brute_force(&modules, &pairs, outcome, set, evidence);
            let total: f64 = expected.iter().sum();
            assert!((found.evidence - total).abs() < 1e-12);
            assert_eq!(found.point.variables, (0..outcome.len()).collect::<Vec<_>>());
            check(&found.point.values, &expected, total);
            assert_eq!(found.replicates.len(), if total > 0.0 { 2 } else { 0 });
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
        assert!(joint(&model, &[&a], &Asked::in_one_world(&[0], &[], &[])).unwrap().is_some());
        assert!(joint(&model, &[&a], &Asked::in_one_world(&[2], &[(1, 0)], &[])).unwrap().is_some());
        assert!(joint(&model, &[&a], &Asked::in_one_world(&[2], &[], &[])).unwrap().is_none());
        assert!(joint(&model, &[&a], &Asked::in_one_world(&[4], &[], &[])).unwrap().is_none());
    }

    #[test]
    fn a_value_outside_its_domain_has_probability_zero() {
        let model = model();
        let mut rng = seed::stream(8, "outside");
        let modules = [0, 1].map(|latent| Trained::Tables(module(&model, latent, 1, &mut rng)));
        let modules: Vec<&Trained> = modules.iter().collect();
        let answer = joint(&model, &modules, &Asked::in_one_world(&[4], &[], &[(0, 7)])).unwrap().unwrap();
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
