//! C-factors `Q[S] = P(S | do(V \ S))` from the distribution of one regime.
//!
//! Algorithm Identify of Tian & Pearl (2002, UCLA R-290-L, figure 7), complete by Huang & Valtorta (2006):
//! drop what is no ancestor of the part, keep the part's c-component, repeat. The distribution is carried
//! along as an ordered list of conditionals, so that marginalising drops trailing factors and a factor serves
//! again where all its predecessors are kept: only else do sums and ratios arise.
//!
//! The closure takes `O(r (n + m) log n)` for `r` rounds, at most `n`; the formula is as long as it must be, and
//! given up beyond [`LARGEST`] terms.

use super::derivation::{Rule, Step, Subgraph};
use super::estimand::{Estimand, fraction, minus, probability, product, shared, subset, sum, union};
use crate::causal::{Admg, ancestors_within, c_components_of};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Formulas may not have more terms than this.
pub(super) const LARGEST: usize = 200_000;

/// Whether `Q[target]` is a function of `Q[from]`. Both ascending; `false` unless `target ⊆ from`.
pub fn q_identifiable(graph: &Admg, target: &[usize], from: &[usize]) -> bool {
    subset(target, from)
        && c_components_of(graph, target).iter().all(|part| closure(graph, part, from).len() == part.len())
}

/// The largest c-connected `F` with `part ⊆ F ⊆ within` in which every node is an ancestor of the c-connected
/// `part`. `Q[part]` is a function of `Q[within]` iff `F` is the part itself; else the two are a hedge.
pub fn closure(graph: &Admg, part: &[usize], within: &[usize]) -> Vec<usize> {
    rounds(graph, part, within).pop().unwrap_or_else(|| part.to_vec())
}

/// The sets that Identify passes through: ancestors, c-component, ancestors, …, the last one the closure.
fn rounds(graph: &Admg, part: &[usize], within: &[usize]) -> Vec<Vec<usize>> {
    let mut rounds = vec![ancestors_within(graph, part, within)];
    loop {
        let last = &rounds[rounds.len() - 1];
        let next = match rounds.len() % 2 {
            1 => component_of(graph, part[0], last),
            _ => ancestors_within(graph, part, last),
        };
        let settled = next.len() == last.len();
        if settled && rounds.len() > 1 {
            return rounds;
        }
        rounds.push(next);
    }
}

/// The c-component of the subgraph over `within` that holds `node`, ascending.
fn component_of(graph: &Admg, node: usize, within: &[usize]) -> Vec<usize> {
    let mut seen = vec![false; within.len()];
    let mut queue = vec![node];
    let mut component = vec![];
    while let Some(v) = queue.pop() {
        let Ok(at) = within.binary_search(&v) else { continue };
        if !std::mem::replace(&mut seen[at], true) {
            component.push(v);
            queue.extend_from_slice(graph.spouses(v));
        }
    }
    component.sort_unstable();
    component
}

/// One regime as identification sees it.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Its place in the list of regimes.
    pub regime: usize,
    /// The nodes it sets, ascending.
    pub interventions: Vec<usize>,
    /// The nodes it has columns of besides, ascending.
    pub columns: Vec<usize>,
    /// `G_do(I)` projected on both.
    pub graph: Admg,
}

/// Why a regime does not give a c-factor.
pub(super) enum Obstacle {
    /// It sets nodes of the part, or lacks columns.
    Unusable,
    /// The closure is larger than the part: a hedge.
    Hedge,
    /// The formula would be longer than [`LARGEST`].
    TooLarge,
}

impl View {
    /// `Q[part]` of the whole graph from this regime's distribution, for a c-connected `part` with the parents
    /// `parents` in the whole graph; both ascending.
    pub fn c_factor(&self, part: &[usize], parents: &[usize]) -> Result<(Estimand, Vec<Step>), Obstacle> {
        let visible = |v: &usize| self.columns.binary_search(v).is_ok() || self.interventions.binary_search(v).is_ok();
        if !subset(part, &self.columns) || !parents.iter().all(visible) {
            return Err(Obstacle::Unusable);
        }
        let rounds = rounds(&self.graph, part, &self.columns);
        if rounds[rounds.len() - 1].len() > part.len() {
            return Err(Obstacle::Hedge);
        }
        let order = order(&self.graph, &rounds);
        let component = rounds.get(1).unwrap_or(&rounds[0]);
        let mut kernel = Kernel::observed(self, component, &order);
        let mut steps = vec![self.step(Rule::CFactor, component, &rounds[0], kernel.product())];
        for pair in rounds.get(2..).unwrap_or(&[]).chunks(2) {
            kernel.marginalise(&pair[0]);
            steps.push(self.step(Rule::Marginalisation, &pair[0], &kernel.before(), kernel.product()));
            if let Some(component) = pair.get(1).filter(|c| c.len() < pair[0].len()) {
                let last = component.len() == part.len();
                let whole = if last { kernel.runs(component) } else { Estimand::one() };
                if !last {
                    kernel = kernel.component(component);
                }
                let expression = if last { whole.clone() } else { kernel.product() };
                steps.push(self.step(Rule::CFactor, component, &pair[0], expression));
                if last {
                    return if whole.size() > LARGEST { Err(Obstacle::TooLarge) } else { Ok((whole, steps)) };
                }
            }
            if kernel.size() > LARGEST {
                return Err(Obstacle::TooLarge);
            }
        }
        Ok((kernel.product(), steps))
    }

    fn step(&self, rule: Rule, set: &[usize], nodes: &[usize], expression: Estimand) -> Step {
        let graph = Subgraph { nodes: nodes.to_vec(), cut_into: self.interventions.clone(), cut_out_of: vec![] };
        Step { rule, set: set.to_vec(), graph, regime: Some(self.regime), expression }
    }
}

/// A topological order of the first set; among what could come last, what the rounds drop first comes last.
fn order(graph: &Admg, rounds: &[Vec<usize>]) -> Vec<usize> {
    let nodes = &rounds[0];
    let depth = |v: usize| rounds.iter().take_while(|set| set.binary_search(&v).is_ok()).count();
    let place = |v: usize| nodes.binary_search(&v).ok();
    let mut missing: Vec<usize> =
        nodes.iter().map(|&v| graph.children(v).iter().filter(|&&c| place(c).is_some()).count()).collect();
    let mut ready: BinaryHeap<(Reverse<usize>, usize)> =
        (0..nodes.len()).filter(|&at| missing[at] == 0).map(|at| (Reverse(depth(nodes[at])), nodes[at])).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some((_, v)) = ready.pop() {
        order.push(v);
        for &parent in graph.parents(v) {
            if let Some(at) = place(parent) {
                missing[at] -= 1;
                if missing[at] == 0 {
                    ready.push((Reverse(depth(parent)), parent));
                }
            }
        }
    }
    order.reverse();
    order
}

/// A distribution `Q[S]` as a product of conditionals in order, some of whose nodes are summed out.
struct Kernel {
    /// The nodes of the list, each with its conditional given those before it.
    list: Vec<(usize, Estimand)>,
    /// The nodes of the list that are summed out, ascending.
    summed: Vec<usize>,
}

impl Kernel {
    /// `Q[component] = Π P(v | predecessors)` for a c-component of an ancestral set (Tian & Pearl 2002, lemma 1).
    /// Each node is given only its c-component among the predecessors and its parents: the rest is m-separated.
    fn observed(view: &View, component: &[usize], order: &[usize]) -> Self {
        let ordered: Vec<usize> = order.iter().copied().filter(|v| component.binary_search(v).is_ok()).collect();
        let places: BTreeMap<usize, usize> = ordered.iter().enumerate().map(|(at, &v)| (v, at)).collect();
        let mut seen = vec![usize::MAX; ordered.len()];
        let mut list = Vec::with_capacity(ordered.len());
        for (last, &v) in ordered.iter().enumerate() {
            let (mut queue, mut blanket) = (vec![v], vec![]);
            while let Some(node) = queue.pop() {
                let Some(&at) = places.get(&node).filter(|&&at| at <= last) else { continue };
                if std::mem::replace(&mut seen[at], last) != last {
                    blanket.push(node);
                    blanket.extend_from_slice(view.graph.parents(node));
                    queue.extend_from_slice(view.graph.spouses(node));
                }
            }
            blanket.sort_unstable();
            blanket.dedup();
            blanket.retain(|&b| b != v && view.interventions.binary_search(&b).is_err());
            list.push((v, probability(&[v], &blanket, &view.interventions, Some(view.regime))));
        }
        Self { list, summed: vec![] }
    }

    /// Leaves the ancestral set `kept`.
    fn marginalise(&mut self, kept: &[usize]) {
        while self.list.last().is_some_and(|(v, _)| kept.binary_search(v).is_err()) {
            self.list.pop();
        }
        self.summed = self.list.iter().map(|(v, _)| *v).filter(|v| kept.binary_search(v).is_err()).collect();
        self.summed.sort_unstable();
    }

    /// The nodes of the list, ascending.
    fn before(&self) -> Vec<usize> {
        let mut nodes: Vec<usize> = self.list.iter().map(|(v, _)| *v).collect();
        nodes.sort_unstable();
        nodes
    }

    fn product(&self) -> Estimand {
        self.prefix(self.list.len())
    }

    /// The marginal of the first `len` nodes of the list: what comes later is dropped.
    fn prefix(&self, len: usize) -> Estimand {
        let list = &self.list[..len];
        let summed: Vec<usize> =
            list.iter().map(|(v, _)| *v).filter(|v| self.summed.binary_search(v).is_ok()).collect();
        sum(&summed, product(list.iter().map(|(_, factor)| factor.clone()).collect()))
    }

    /// The marginal of the kept nodes among the first `len`: trailing summed nodes are dropped.
    fn marginal(&self, mut len: usize) -> Estimand {
        while len > 0 && self.summed.binary_search(&self.list[len - 1].0).is_ok() {
            len -= 1;
        }
        self.prefix(len)
    }

    /// The conditionals of the nodes of one c-component of the kept nodes: a list without summed nodes.
    fn component(&self, component: &[usize]) -> Self {
        let mut list = vec![];
        let mut clean = true;
        for (at, (v, factor)) in self.list.iter().enumerate() {
            clean &= self.summed.binary_search(v).is_err();
            if component.binary_search(v).is_ok() {
                let conditional =
                    if clean { factor.clone() } else { fraction(self.marginal(at + 1), self.marginal(at)) };
                list.push((*v, conditional));
            }
        }
        Self { list, summed: vec![] }
    }

    /// The product of those conditionals, neighbours in the order taken together.
    fn runs(&self, component: &[usize]) -> Estimand {
        let kept: Vec<usize> =
            (0..self.list.len()).filter(|&at| self.summed.binary_search(&self.list[at].0).is_err()).collect();
        let inside = |at: &usize| component.binary_search(&self.list[*at].0).is_ok();
        let mut factors = vec![];
        let mut clean_until = 0;
        while clean_until < self.list.len() && self.summed.binary_search(&self.list[clean_until].0).is_err() {
            clean_until += 1;
        }
        for run in kept.chunk_by(|a, b| inside(a) == inside(b)).filter(|run| inside(&run[0])) {
            let (clean, rest): (Vec<usize>, Vec<usize>) = run.iter().partition(|&&at| at < clean_until);
            factors.extend(clean.iter().map(|&at| self.list[at].1.clone()));
            if let (Some(&first), Some(&last)) = (rest.first(), rest.last()) {
                factors.push(fraction(self.marginal(last + 1), self.marginal(first)));
            }
        }
        product(factors)
    }

    fn size(&self) -> usize {
        self.list.iter().map(|(_, factor)| factor.size()).sum()
    }
}

/// A regime's view of the graph: cut and projected on the nodes it sets or observes.
pub(super) fn view(graph: &Admg, regime: usize, interventions: &[usize], columns: &[usize], kept: &[usize]) -> View {
    let cut = if interventions.is_empty() { graph.clone() } else { graph.intervene(interventions) };
    let seen = union(interventions, columns);
    let hidden = minus(kept, &seen);
    debug_assert!(shared(columns, interventions).is_empty());
    let graph = if hidden.is_empty() { cut } else { super::projection::project(&cut, &hidden) };
    View { regime, interventions: interventions.to_vec(), columns: columns.to_vec(), graph }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::random_admg;
    use crate::seed::stream;

    #[test]
    fn known_c_factors() {
        // Bow arc: X -> Y, X <-> Y. Q[Y] = P(Y | do(X)) is not identified, Q[X] = P(X) is.
        let bow = Admg::with_edges(2, &[(0, 1)], &[(0, 1)]);
        assert!(!q_identifiable(&bow, &[1], &[0, 1]));
        assert!(q_identifiable(&bow, &[0], &[0, 1]));
        // Front door D -> I -> A, D <-> A: Q[A] = P(A | do(I)) is identified from Q[D, A].
        let front_door = Admg::with_edges(3, &[(0, 1), (1, 2)], &[(0, 2)]);
        assert!(q_identifiable(&front_door, &[2], &[0, 2]));
        // The same c-factor after the mediator is gone is a bow arc.
        let direct = Admg::with_edges(3, &[(0, 1), (0, 2), (1, 2)], &[(0, 2)]);
        assert!(!q_identifiable(&direct, &[2], &[0, 2]));
        // Two c-components at once.
        assert!(q_identifiable(&front_door, &[1, 2], &[0, 1, 2]));
        assert!(!q_identifiable(&front_door, &[1], &[0, 2]));
    }

    /// A hedge is the witness of "no" (Shpitser & Pearl 2006): some c-connected `F` with
    /// `target part ⊂ F ⊆ from` in which every node is an ancestor of the part. Found by trying all sets.
    fn hedge(graph: &Admg, part: &[usize], from: &[usize]) -> bool {
        (0..1_u32 << from.len()).any(|mask| {
            let f: Vec<usize> = from.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, &v)| v).collect();
            f.len() > part.len()
                && part.iter().all(|v| f.contains(v))
                && c_components_of(graph, &f).len() == 1
                && ancestors_within(graph, part, &f).len() == f.len()
        })
    }

    #[test]
    fn no_exactly_where_there_is_a_hedge() {
        let mut rng = stream(1, "q-identify");
        let mut verdicts = [0, 0];
        for _ in 0..400 {
            let graph = random_admg(&mut rng, 6, 0.4, 0.35);
            for from in crate::causal::c_components(&graph) {
                for mask in 1..1_u32 << from.len() {
                    let target: Vec<usize> =
                        from.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, &v)| v).collect();
                    let parts = c_components_of(&graph, &target);
                    let expected = !parts.iter().any(|part| hedge(&graph, part, &from));
                    assert_eq!(q_identifiable(&graph, &target, &from), expected, "{graph:?} {target:?} {from:?}");
                    verdicts[usize::from(expected)] += 1;
                }
            }
        }
        assert!(verdicts.iter().all(|&n| n > 500), "{verdicts:?}");
    }
}
