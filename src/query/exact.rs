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
    let Trained::Tables(tables) = trained;
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
            factor = factor.restrict(*v, *value as usize);
        }
        factor
    }

    /// Whether the evidence says that a variable is not what it was set to, or two things at once.
    fn contradictory(&self) -> bool {
        self.evidence.iter().any(|&(v, value)| self.fixed(v) != Some(value))
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
