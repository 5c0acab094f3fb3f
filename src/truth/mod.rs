//! The ground-truth structural causal model a file may declare: simulation and exact answers.
//!
//! Every draw inside an expression is independent of the others, so a variable's distribution given
//! its causes is found by enumeration; the model becomes a network of tables over observed and
//! hidden variables, which is sampled forwards and summed by variable elimination.

mod build;
mod evaluate;
mod expr;
pub mod written;

pub use build::infer_domains;

use crate::factor::{Factor, TooLarge, eliminate};
use crate::model::{DoValue, Value, VarId};
use rand::Rng;

/// The largest table that exact answers may need on the way.
const MAX_CELLS: usize = 1 << 24;

/// A ground-truth model over discrete variables.
#[derive(Clone, Debug, Default)]
pub struct Scm {
    /// Observed and hidden variables, causes first.
    nodes: Vec<Node>,
    /// The node of each variable of the model; `usize::MAX` for images and the like, which have no equation.
    of_variable: Vec<usize>,
}

/// A variable of the ground truth.
#[derive(Clone, Debug)]
struct Node {
    /// Its variable of the model; `None` if hidden.
    variable: Option<VarId>,
    /// Its values; for a variable of the model in the order of its domain.
    values: Vec<Value>,
    /// The nodes it depends on.
    parents: Vec<usize>,
    /// `P(node | parents)`, row-major `[parents…, value]`.
    table: Vec<f64>,
}

impl Scm {
    /// Draws `rows` rows under `interventions`; a variable set from a column takes each of its values
    /// equally often at random. Returns the codes of every variable of the model, none for those without an equation.
    pub fn simulate(&self, interventions: &[(VarId, DoValue)], rows: usize, rng: &mut impl Rng) -> Vec<Vec<u32>> {
        let mut drawn: Vec<Vec<u32>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let set = node.variable.and_then(|v| interventions.iter().find(|i| i.0 == v)).map(|i| i.1);
            let column = match set {
                Some(DoValue::Fixed(code)) => vec![code; rows],
                Some(DoValue::Column) => (0..rows).map(|_| rng.random_range(0..node.values.len() as u32)).collect(),
                None => (0..rows).map(|row| self.draw(node, |p| drawn[p][row] as usize, rng)).collect(),
            };
            drawn.push(column);
        }
        self.of_variable.iter().map(|&node| drawn.get(node).cloned().unwrap_or_default()).collect()
    }

    fn draw(&self, node: &Node, value_of: impl Fn(usize) -> usize, rng: &mut impl Rng) -> u32 {
        let cell = node.parents.iter().fold(0, |cell, &p| cell * self.nodes[p].values.len() + value_of(p));
        let card = node.values.len();
        let mut left: f64 = rng.random();
        let row = &node.table[cell * card..(cell + 1) * card];
        let found = row.iter().position(|&p| {
            left -= p;
            left < 0.0
        });
        // Rounding may leave a sliver above the last positive probability.
        found.or_else(|| row.iter().rposition(|&p| p > 0.0)).unwrap_or(0) as u32
    }

    /// The exact `P(outcome | do(interventions), evidence)` as a normalised table over `outcome` in its
    /// order, and the probability of the evidence (the table is all zero where that is zero).
    ///
    /// # Errors
    /// [`TooLarge`] where a table on the way would be too large.
    pub fn answer(
        &self,
        outcome: &[VarId],
        interventions: &[(VarId, u32)],
        evidence: &[(VarId, u32)],
    ) -> Result<(Factor, f64), TooLarge> {
        let set = |node: &Node| node.variable.and_then(|v| interventions.iter().find(|i| i.0 == v)).map(|i| i.1);
        let relevant = self.ancestors(outcome.iter().chain(evidence.iter().map(|(v, _)| v)), |n| set(n).is_some());
        let mut factors = vec![];
        for (at, node) in self.nodes.iter().enumerate().filter(|&(at, _)| relevant[at]) {
            let card = node.values.len();
            let mut factor = match set(node) {
                Some(code) => Factor::new(vec![at], vec![card], one_hot(card, code)),
                None => {
                    let scope: Vec<usize> = node.parents.iter().copied().chain([at]).collect();
                    let cards = scope.iter().map(|&n| self.nodes[n].values.len()).collect();
                    Factor::new(scope, cards, node.table.clone())
                }
            };
            for &(variable, code) in evidence {
                let seen = self.of_variable[variable];
                if !outcome.contains(&variable) {
                    factor = factor.restrict(seen, code as usize);
                }
            }
            factors.push(factor);
        }
        let keep: Vec<usize> = outcome.iter().map(|&v| self.of_variable[v]).collect();
        let mut joint = eliminate(factors, &keep, MAX_CELLS)?;
        joint.variables = outcome.to_vec();
        let probability = joint.total();
        Ok((joint.normalised(), probability))
    }

    /// `P(variable | causes)`: the causes, and the probabilities row-major `[causes…, value]`; `None` if a
    /// cause is hidden.
    pub fn table(&self, variable: VarId) -> Option<(Vec<VarId>, &[f64])> {
        let node = &self.nodes[self.of_variable[variable]];
        let causes: Option<Vec<VarId>> = node.parents.iter().map(|&p| self.nodes[p].variable).collect();
        Some((causes?, &node.table))
    }

    /// Which nodes are ancestors of `variables`, not looking above nodes that `stop`.
    fn ancestors<'a>(&self, variables: impl Iterator<Item = &'a VarId>, stop: impl Fn(&Node) -> bool) -> Vec<bool> {
        let mut relevant = vec![false; self.nodes.len()];
        variables.for_each(|&v| relevant[self.of_variable[v]] = true);
        for (at, node) in self.nodes.iter().enumerate().rev() {
            if relevant[at] && !stop(node) {
                node.parents.iter().for_each(|&p| relevant[p] = true);
            }
        }
        relevant
    }
}

fn one_hot(card: usize, code: u32) -> Vec<f64> {
    (0..card).map(|k| if k == code as usize { 1.0 } else { 0.0 }).collect()
}
