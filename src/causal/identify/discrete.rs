//! Explicit discrete models of a graph: the exact numbers that formulas and counterexamples are checked by.

use crate::causal::Admg;
use rand::Rng;
use std::collections::BTreeMap;

/// What is done with an assignment: the values of the nodes, those of the hidden causes, the probability.
type Visit<'a> = dyn FnMut(&[usize], &[usize], f64) + 'a;

/// A structural model with one hidden cause for every bidirected edge, and tables of conditional probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscreteModel {
    /// The graph.
    pub graph: Admg,
    /// The number of values of every node.
    pub cards: Vec<usize>,
    /// The hidden causes: the two nodes `a < b` it acts on, and the probabilities of its values.
    pub hidden: Vec<([usize; 2], Vec<f64>)>,
    /// `P(v | parents, hidden causes)` of every node: row-major over its parents ascending, then its hidden causes in
    /// the order of `hidden`, then its own value, the last fastest.
    pub tables: Vec<Vec<f64>>,
}

impl DiscreteModel {
    /// A random model: `cards` values of the nodes, `levels` of the hidden causes, every probability positive.
    pub fn random(
        rng: &mut impl Rng,
        graph: &Admg,
        cards: &[usize],
        levels: impl Fn(&mut dyn rand::RngCore) -> usize,
    ) -> Self {
        let mut hidden = vec![];
        for a in 0..graph.len() {
            for &b in graph.spouses(a).iter().filter(|&&b| a < b) {
                let count = levels(rng);
                hidden.push(([a, b], distribution(rng, count)));
            }
        }
        let mut model = Self { graph: graph.clone(), cards: cards.to_vec(), hidden, tables: vec![] };
        for (v, &card) in cards.iter().enumerate() {
            let table = (0..model.rows(v)).flat_map(|_| distribution(rng, card)).collect();
            model.tables.push(table);
        }
        model
    }

    /// The hidden causes that act on `v`, by their places.
    pub fn causes(&self, v: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.hidden.len()).filter(move |&at| self.hidden[at].0.contains(&v))
    }

    /// The number of rows of the table of `v`.
    pub fn rows(&self, v: usize) -> usize {
        self.graph.parents(v).iter().map(|&p| self.cards[p]).product::<usize>()
            * self.causes(v).map(|at| self.hidden[at].1.len()).product::<usize>()
    }

    /// The row of the table of `v` for these values of the nodes and the hidden causes.
    pub fn row(&self, v: usize, values: &[usize], hidden: &[usize]) -> usize {
        let row = self.graph.parents(v).iter().fold(0, |row, &p| row * self.cards[p] + values[p]);
        self.causes(v).fold(row, |row, at| row * self.hidden[at].1.len() + hidden[at])
    }

    /// The value of the parent `parent` of `v` in a row of the table of `v`.
    pub(super) fn parent_value(&self, v: usize, parent: usize, row: usize) -> usize {
        let parents = self.graph.parents(v);
        let after = parents.iter().filter(|&&p| p > parent).map(|&p| self.cards[p]).product::<usize>();
        let hidden = self.causes(v).map(|at| self.hidden[at].1.len()).product::<usize>();
        row / (after * hidden) % self.cards[parent]
    }

    /// The joint distribution under `do(v = x)` for the pairs `(v, x)`: every assignment of positive probability.
    /// Exponential in the number of nodes and hidden causes; deterministic mechanisms prune.
    ///
    /// # Panics
    /// If the graph has a cycle.
    pub fn distribution(&self, interventions: &[(usize, usize)]) -> BTreeMap<Vec<usize>, f64> {
        let mut joint = BTreeMap::new();
        self.each(interventions, &mut |values, _, p| *joint.entry(values.to_vec()).or_insert(0.0) += p);
        joint
    }

    /// Visits every assignment of nodes and hidden causes of positive probability.
    pub fn each(&self, interventions: &[(usize, usize)], visit: &mut Visit) {
        let order = self.graph.topological_order().expect("an acyclic graph");
        let mut set = vec![None; self.graph.len()];
        interventions.iter().for_each(|&(v, x)| set[v] = Some(x));
        // A hidden cause is drawn before the first node that listens to it; the others do not matter.
        let mut drawn = vec![false; self.hidden.len()];
        let mut plan = vec![];
        for &v in &order {
            if set[v].is_none() {
                for at in self.causes(v).filter(|&at| !std::mem::replace(&mut drawn[at], true)) {
                    plan.push(Draw::Hidden(at));
                }
            }
            plan.push(Draw::Node(v));
        }
        let (mut values, mut hidden) = (vec![0; self.graph.len()], vec![0; self.hidden.len()]);
        self.walk(&plan, &set, &mut values, &mut hidden, 1.0, visit);
    }

    fn walk(
        &self,
        plan: &[Draw],
        set: &[Option<usize>],
        values: &mut Vec<usize>,
        hidden: &mut Vec<usize>,
        p: f64,
        visit: &mut Visit,
    ) {
        let Some((draw, rest)) = plan.split_first() else { return visit(values, hidden, p) };
        match *draw {
            Draw::Hidden(at) => {
                for value in 0..self.hidden[at].1.len() {
                    hidden[at] = value;
                    self.walk(rest, set, values, hidden, p * self.hidden[at].1[value], visit);
                }
            }
            Draw::Node(v) => match set[v] {
                Some(value) => {
                    values[v] = value;
                    self.walk(rest, set, values, hidden, p, visit);
                }
                None => {
                    let row = self.row(v, values, hidden) * self.cards[v];
                    for value in 0..self.cards[v] {
                        let chance = self.tables[v][row + value];
                        if chance > 0.0 {
                            values[v] = value;
                            self.walk(rest, set, values, hidden, p * chance, visit);
                        }
                    }
                }
            },
        }
    }
}

enum Draw {
    Hidden(usize),
    Node(usize),
}

/// `P(of | given)` of a joint distribution at these values; zero where the condition has no probability.
pub(super) fn conditional(joint: &BTreeMap<Vec<usize>, f64>, of: &[usize], given: &[usize], values: &[usize]) -> f64 {
    let (mut above, mut below) = (0.0, 0.0);
    for (cell, p) in joint {
        if given.iter().all(|&v| cell[v] == values[v]) {
            below += p;
            if of.iter().all(|&v| cell[v] == values[v]) {
                above += p;
            }
        }
    }
    if below == 0.0 { 0.0 } else { above / below }
}

/// A random distribution over `n` values, each at least `0.1 / n` before scaling.
fn distribution(rng: &mut (impl Rng + ?Sized), n: usize) -> Vec<f64> {
    let weights: Vec<f64> = (0..n).map(|_| 0.1 + rng.random::<f64>()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / total).collect()
}
