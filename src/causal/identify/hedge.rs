//! Why an effect is not identified: hedges (Shpitser & Pearl 2006), one for each regime that leaves the failing
//! district alone (a thicket: Lee, Correa & Bareinboim 2019), and the experiments that would help.
//!
//! Both forests are made minimal greedily, by `O(n)` closures of `O((n + m) log n)`.

use super::c_factor::closure;
use super::estimand::{disjoint, minus, shared, union};
use super::{Effect, Regime};
use crate::causal::{Admg, c_components_of};
use std::collections::BTreeSet;

/// Additional experiments are searched with at most this many closures.
const SEARCHED: usize = 4_000;
/// And set at most this many nodes.
const EXTRA: usize = 3;

/// A c-forest: its bidirected edges are a spanning tree, and every node that is no root has one child.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forest {
    /// Its nodes, ascending.
    pub nodes: Vec<usize>,
    /// Its edges `from -> to`.
    pub directed: Vec<(usize, usize)>,
    /// Its edges `a <-> b`.
    pub bidirected: Vec<(usize, usize)>,
}

/// Two c-forests with the same roots, `f_prime ⊂ f`: the regime cannot tell what `f` adds from what it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// The regime's place in the list.
    pub regime: usize,
    /// The larger forest; it meets the interventions.
    pub f: Forest,
    /// The smaller one; it does not.
    pub f_prime: Forest,
}

/// Why an effect is not identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The effect after evidence that acts as an intervention was made one and idle interventions were dropped.
    pub effect: Effect,
    /// The nodes that no regime observes or sets; the witness is about the graph without them
    /// ([`project`](super::project)).
    pub hidden: Vec<usize>,
    /// Nodes of the effect that no regime observes though it needs them; then there is no hedge.
    pub unseen: Vec<usize>,
    /// The c-connected set whose mechanisms no regime gives: the smaller forest of every hedge.
    pub district: Vec<usize>,
    /// One hedge for every regime that leaves the district alone.
    pub hedges: Vec<Hedge>,
    /// The regimes that set nodes of the district, and so say nothing of it.
    pub blocked: Vec<usize>,
    /// The smallest sets of nodes that one more complete regime may set to identify the effect; the empty set is plain
    /// observation. Where more than three nodes are needed, only the effect's own interventions are named.
    pub smallest_extra_regimes: Vec<Vec<usize>>,
}

impl Witness {
    pub(super) fn of_unseen(effect: &Effect, hidden: Vec<usize>, unseen: Vec<usize>) -> Self {
        let (district, hedges, blocked) = (vec![], vec![], vec![]);
        let smallest_extra_regimes = vec![];
        Self { effect: effect.clone(), hidden, unseen, district, hedges, blocked, smallest_extra_regimes }
    }
}

/// The witness for an effect whose c-factors over `failing` no regime gives. Regimes as complete over `nodes`.
pub(super) fn witness(
    graph: &Admg,
    regimes: &[Regime],
    effect: &Effect,
    hidden: Vec<usize>,
    failing: &[Vec<usize>],
) -> Witness {
    let nodes = minus(&(0..graph.len()).collect::<Vec<_>>(), &hidden);
    let views: Vec<RegimeGraph> = regimes.iter().map(|regime| RegimeGraph::new(graph, regime, &nodes)).collect();
    let smallest = failing.iter().min_by_key(|part| part.len()).cloned().unwrap_or_default();
    let district = shrink_district(graph, &views, &effect.interventions, smallest);
    let mut hedges = vec![];
    for (regime, view) in views.iter().enumerate().filter(|(_, view)| disjoint(&district, &view.sets)) {
        let f = view.shrink(&district, &effect.interventions);
        let f_prime = forest(graph, &district, &district, &Forest::default());
        hedges.push(Hedge { regime, f: forest(&view.graph, &f, &district, &f_prime), f_prime });
    }
    let blocked = (0..views.len()).filter(|&at| !disjoint(&district, &views[at].sets)).collect();
    let smallest_extra_regimes = extra(graph, &nodes, &effect.interventions, failing);
    Witness { effect: effect.clone(), hidden, unseen: vec![], district, hedges, blocked, smallest_extra_regimes }
}

struct RegimeGraph {
    sets: Vec<usize>,
    columns: Vec<usize>,
    graph: Admg,
}

impl RegimeGraph {
    fn new(graph: &Admg, regime: &Regime, nodes: &[usize]) -> Self {
        let sets = shared(&regime.interventions, nodes);
        Self { columns: minus(nodes, &sets), graph: graph.intervene(&sets), sets }
    }

    /// Whether a complete data set of the regime leaves `Q[part]` open.
    fn fails(&self, part: &[usize], interventions: &[usize]) -> bool {
        !disjoint(part, &self.sets)
            || !disjoint(&minus(&closure(&self.graph, part, &self.columns), part), interventions)
    }

    /// A minimal closed set around the district that meets the interventions outside it.
    fn shrink(&self, district: &[usize], interventions: &[usize]) -> Vec<usize> {
        let mut f = closure(&self.graph, district, &self.columns);
        let mut at = 0;
        while at < f.len() {
            let without = minus(&f, &[f[at]]);
            if district.binary_search(&f[at]).is_err() {
                let smaller = closure(&self.graph, district, &without);
                if !disjoint(&minus(&smaller, district), interventions) {
                    at = smaller.iter().take_while(|v| **v < f[at]).count();
                    f = smaller;
                    continue;
                }
            }
            at += 1;
        }
        f
    }
}

/// A minimal c-connected part of the district that is open in every regime for want of these interventions.
fn shrink_district(graph: &Admg, views: &[RegimeGraph], interventions: &[usize], district: Vec<usize>) -> Vec<usize> {
    let fails = |part: &[usize]| views.iter().all(|view| view.fails(part, interventions));
    if let Some(single) = district.iter().find(|&&v| fails(&[v])) {
        return vec![*single];
    }
    let mut part = district;
    let mut at = 0;
    while at < part.len() && part.len() > 1 {
        let fewer = minus(&part, &[part[at]]);
        if c_components_of(graph, &fewer).len() == 1 && fails(&fewer) {
            part = fewer;
            at = 0;
        } else {
            at += 1;
        }
    }
    part
}

/// Edges for the c-forest over `nodes` with all of `roots` as roots, the edges of `inner` among them.
pub(super) fn forest(graph: &Admg, nodes: &[usize], roots: &[usize], inner: &Forest) -> Forest {
    let mut bidirected = inner.bidirected.clone();
    // A spanning tree grown from what the inner forest joins.
    let mut joined: BTreeSet<usize> = if inner.nodes.is_empty() {
        nodes.first().copied().into_iter().collect()
    } else {
        inner.nodes.iter().copied().collect()
    };
    let mut queue: std::collections::VecDeque<usize> = joined.iter().copied().collect();
    while let Some(v) = queue.pop_front() {
        for &s in graph.spouses(v).iter().filter(|s| nodes.binary_search(s).is_ok()) {
            if joined.insert(s) {
                bidirected.push((v.min(s), v.max(s)));
                queue.push_back(s);
            }
        }
    }
    // Each other node points one step nearer to the roots.
    let mut directed = vec![];
    let mut reached: BTreeSet<usize> = roots.iter().copied().collect();
    let mut queue: std::collections::VecDeque<usize> = roots.iter().copied().collect();
    while let Some(v) = queue.pop_front() {
        for &p in graph.parents(v).iter().filter(|p| nodes.binary_search(p).is_ok()) {
            if reached.insert(p) {
                directed.push((p, v));
                queue.push_back(p);
            }
        }
    }
    directed.sort_unstable();
    bidirected.sort_unstable();
    Forest { nodes: nodes.to_vec(), directed, bidirected }
}

/// All smallest sets `Z` of at most [`EXTRA`] nodes such that `P(V | do(Z))` gives every failing c-factor; the
/// empty one where plain observation does.
fn extra(graph: &Admg, nodes: &[usize], interventions: &[usize], failing: &[Vec<usize>]) -> Vec<Vec<usize>> {
    // Only nodes of a closure can open it.
    let closures: Vec<Vec<usize>> = failing.iter().map(|part| closure(graph, part, nodes)).collect();
    let parts = failing.iter().fold(vec![], |all, part| union(&all, part));
    let candidates = minus(&closures.iter().fold(vec![], |all, f| union(&all, f)), &parts);
    if failing.iter().zip(&closures).all(|(part, f)| part.len() == f.len()) {
        return vec![vec![]];
    }
    let mut left = SEARCHED;
    for size in 1..=EXTRA {
        let mut found = vec![];
        let mut chosen: Vec<usize> = (0..size).collect();
        while chosen.last().is_some_and(|&last| last < candidates.len()) {
            let set: Vec<usize> = chosen.iter().map(|&at| candidates[at]).collect();
            let mut opens = |(part, f): (&Vec<usize>, &Vec<usize>)| {
                left = left.saturating_sub(1);
                let outside = minus(f, &set);
                closure(graph, part, &outside).len() == part.len()
            };
            if failing.iter().zip(&closures).all(&mut opens) {
                found.push(set);
            }
            if left == 0 {
                break;
            }
            next_choice(&mut chosen, candidates.len());
        }
        if !found.is_empty() {
            return found;
        }
        if left == 0 {
            break;
        }
    }
    vec![interventions.to_vec()]
}

/// The next ascending choice of `chosen.len()` out of `n`; past the last one the final place is `n`.
fn next_choice(chosen: &mut [usize], n: usize) {
    let size = chosen.len();
    for at in (0..size).rev() {
        if chosen[at] + (size - at) < n {
            chosen[at] += 1;
            for later in at + 1..size {
                chosen[later] = chosen[later - 1] + 1;
            }
            return;
        }
    }
    chosen[size - 1] = n;
}
