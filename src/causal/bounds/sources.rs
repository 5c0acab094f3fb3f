//! What the sources say of a c-component: probabilities of events about its response functions.

use super::NoBounds;
use crate::causal::{Admg, ancestors_within, c_components_of};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// The joint distribution of some nodes under interventions, as a sparse table.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The nodes set: to one value, or to the value in the table's column of that node.
    pub interventions: Vec<(usize, Option<u32>)>,
    /// The nodes of the table, ascending.
    pub columns: Vec<usize>,
    /// The weights of the value combinations of `columns`, in their order: probabilities or counts, not negative.
    pub joint: &'a BTreeMap<Vec<u32>, f64>,
}

impl Source<'_> {
    /// The nodes it sets, ascending.
    pub(super) fn set(&self) -> Vec<usize> {
        let set: BTreeSet<usize> = self.interventions.iter().map(|(v, _)| *v).collect();
        set.into_iter().collect()
    }

    /// Whether it observes or sets the node.
    pub(super) fn knows(&self, node: usize) -> bool {
        self.columns.binary_search(&node).is_ok() || self.interventions.iter().any(|(v, _)| *v == node)
    }

    /// The place of a node in a row of the table, or the value it is fixed to.
    fn place(&self, node: usize) -> Result<usize, u32> {
        match self.interventions.iter().find(|(v, _)| *v == node) {
            Some((_, Some(value))) => Err(*value),
            _ => Ok(self.columns.binary_search(&node).expect("a node that the source knows")),
        }
    }
}

/// A value combination and its weight.
type Marginal = BTreeMap<Vec<u32>, f64>;

/// Marginals by source and variables.
type Marginals = HashMap<(usize, Vec<usize>), Rc<Marginal>>;

/// The sources with their marginals, each summed once.
pub(super) struct Tables<'a> {
    pub(super) sources: &'a [Source<'a>],
    marginals: RefCell<Marginals>,
}

impl<'a> Tables<'a> {
    pub(super) fn new(sources: &'a [Source<'a>]) -> Self {
        Self { sources, marginals: RefCell::default() }
    }

    /// The weights of the value combinations of `nodes` in a source that knows them.
    pub(super) fn marginal(&self, source: usize, nodes: &[usize]) -> Rc<Marginal> {
        let key = (source, nodes.to_vec());
        if let Some(found) = self.marginals.borrow().get(&key) {
            return found.clone();
        }
        let from = &self.sources[source];
        let places: Vec<Result<usize, u32>> = nodes.iter().map(|&v| from.place(v)).collect();
        let mut marginal = Marginal::new();
        for (row, weight) in from.joint.iter().filter(|(_, w)| **w > 0.0) {
            let values = places.iter().map(|place| place.map_or_else(|fixed| fixed, |at| row[at])).collect();
            *marginal.entry(values).or_insert(0.0) += weight;
        }
        let marginal = Rc::new(marginal);
        self.marginals.borrow_mut().insert(key, marginal.clone());
        marginal
    }

    /// `P(of | given)` of a source where node `v` has the value `values[v]`; `None` where the condition never occurs.
    pub(super) fn conditional(&self, source: usize, of: &[usize], given: &[usize], values: &[usize]) -> Option<f64> {
        let weight = |nodes: &[usize]| {
            let key: Vec<u32> = nodes.iter().map(|&v| values[v] as u32).collect();
            self.marginal(source, nodes).get(&key).copied().unwrap_or(0.0)
        };
        let below = weight(given);
        let mut all = [of, given].concat();
        all.sort_unstable();
        (below > 0.0).then(|| if of.is_empty() { 1.0 } else { weight(&all) / below })
    }
}

/// `f_v(row) = value`: what a node answers to one row of its parents' values.
pub(super) type Literal = (usize, usize, u32);

/// The row of the parents of `v`, mixed radix over the parents ascending, the last fastest.
pub(super) fn row(graph: &Admg, cards: &[usize], v: usize, values: &[usize]) -> usize {
    graph.parents(v).iter().fold(0, |row, &p| row * cards[p] + values[p])
}

/// The parents of `v` with their values in a row.
pub(super) fn parents_at(graph: &Admg, cards: &[usize], v: usize, row: usize) -> Vec<(usize, usize)> {
    let digit = |rest: &mut usize, &p: &usize| {
        let value = *rest % cards[p];
        *rest /= cards[p];
        Some((p, value))
    };
    graph.parents(v).iter().rev().scan(row, digit).collect()
}

/// The probability of a conjunction of literals, as a source has it.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) event: Vec<Literal>,
    pub(super) p: f64,
    /// Facts of one group exclude each other.
    pub(super) group: usize,
}

/// The nodes of a source all of whose causes it knows, what it sets left out: there its c-factors are Tian's.
pub(super) fn ancestral(graph: &Admg, source: &Source) -> Vec<usize> {
    let cut = graph.intervene(&source.set());
    let all: Vec<usize> = (0..graph.len()).collect();
    let set = source.set();
    let known = |&v: &usize| {
        set.binary_search(&v).is_err() && ancestors_within(&cut, &[v], &all).iter().all(|&a| source.knows(a))
    };
    all.iter().copied().filter(known).collect()
}

/// All that the sources say of the c-component `component`: for each source and each district `S` of what it
/// knows with all causes, `Q[S](s | pa) = Π P(s_i | blanket)` in topological order (Tian & Pearl 2002, lemma 1) for
/// every row of outer parents that occurs, down to the first condition that does not. Nodes that are not in the
/// ancestral set `within` are summed out first.
pub(super) fn facts(
    graph: &Admg,
    cards: &[usize],
    tables: &Tables,
    component: &[usize],
    within: &[usize],
    limit: usize,
) -> Result<Vec<Fact>, NoBounds> {
    let order = graph.topological_order().map_err(|_| NoBounds::Cyclic)?;
    let mut facts = vec![];
    let mut group = 0;
    for (source, from) in tables.sources.iter().enumerate() {
        let known = ancestral(graph, from);
        let asked = |v: &usize| component.binary_search(v).is_ok() && within.binary_search(v).is_ok();
        let inside: Vec<usize> = known.iter().copied().filter(asked).collect();
        for district in c_components_of(graph, &inside) {
            let ordered: Vec<usize> = order.iter().copied().filter(|v| district.binary_search(v).is_ok()).collect();
            let blankets: Vec<Vec<usize>> = (0..ordered.len()).map(|at| blanket(graph, &ordered[..=at])).collect();
            let outer = graph.parents_of(&district);
            for values in tables.marginal(source, &outer).keys() {
                let mut assigned = vec![0; graph.len()];
                outer.iter().zip(values).for_each(|(&v, &value)| assigned[v] = value as usize);
                let mut walk = Walk { graph, cards, tables, source, group, ordered: &ordered, blankets: &blankets };
                walk.from(&mut assigned, &mut vec![], 1.0, &mut facts);
                group += 1;
                if facts.len() > limit {
                    return Err(NoBounds::TooLarge);
                }
            }
        }
    }
    Ok(facts)
}

/// The condition of the last node of a prefix of a district: its c-component in the prefix with all parents.
fn blanket(graph: &Admg, prefix: &[usize]) -> Vec<usize> {
    let last = prefix[prefix.len() - 1];
    let mut sorted = prefix.to_vec();
    sorted.sort_unstable();
    let parts = c_components_of(graph, &sorted);
    let part = parts.into_iter().find(|part| part.binary_search(&last).is_ok()).unwrap_or_default();
    let mut blanket: Vec<usize> =
        part.iter().flat_map(|&v| graph.parents(v).iter().copied()).chain(part.clone()).collect();
    blanket.sort_unstable();
    blanket.dedup();
    blanket.retain(|&v| v != last);
    blanket
}

struct Walk<'a> {
    graph: &'a Admg,
    cards: &'a [usize],
    tables: &'a Tables<'a>,
    source: usize,
    group: usize,
    ordered: &'a [usize],
    blankets: &'a [Vec<usize>],
}

impl Walk<'_> {
    fn from(&mut self, values: &mut [usize], event: &mut Vec<Literal>, p: f64, facts: &mut Vec<Fact>) {
        if p == 0.0 || event.len() == self.ordered.len() {
            return facts.push(Fact { event: event.clone(), p, group: self.group });
        }
        let v = self.ordered[event.len()];
        let row = row(self.graph, self.cards, v, values);
        for value in 0..self.cards[v] {
            values[v] = value;
            let blanket = &self.blankets[event.len()];
            let Some(chance) = self.tables.conditional(self.source, &[v], blanket, values) else { return };
            event.push((v, row, value as u32));
            self.from(values, event, p * chance, facts);
            event.pop();
        }
    }
}
