//! The ordered local Markov property (Richardson 2003, *Markov properties for acyclic directed mixed graphs*, section 3.1).

use super::Independence;
use crate::causal::{Admg, descendants};
use std::collections::BTreeSet;

/// A basis of the conditional independences over `nodes` (ascending): every m-separation follows from these by the
/// semi-graphoid axioms. `graph` is acyclic and has no edges at other nodes.
///
/// For each node `v` and each ancestral set `A` of its predecessors, `v` is independent of the rest of `A` given its
/// Markov blanket in `A`: its c-component in `A` and the parents of that. One `A` for each c-component suffices, the
/// largest; `G` without hidden causes thus gives one statement a node. There may be exponentially many c-components: no
/// more than `limit` statements are made, and the flag says whether these are all.
pub fn local_markov(graph: &Admg, nodes: &[usize], limit: usize) -> (Vec<Independence>, bool) {
    let order = graph.topological_order().unwrap_or_default();
    let order: Vec<usize> = order.into_iter().filter(|v| nodes.binary_search(v).is_ok()).collect();
    let mut found = vec![];
    for (at, &v) in order.iter().enumerate() {
        let mut before = order[..=at].to_vec();
        before.sort_unstable();
        let mut seen = BTreeSet::new();
        let mut queue = vec![component(graph, v, &before)];
        while let Some(district) = queue.pop() {
            if !seen.insert(district.clone()) {
                continue;
            }
            let inside = largest(graph, &district, &before);
            let blanket = blanket(graph, v, &district);
            let rest: Vec<usize> =
                inside.iter().copied().filter(|w| *w != v && blanket.binary_search(w).is_err()).collect();
            if !rest.is_empty() {
                if found.len() == limit {
                    return (found, false);
                }
                found.push(Independence { left: vec![v], right: rest, given: blanket });
            }
            for &gone in district.iter().filter(|&&w| w != v) {
                let below = descendants(graph, &[gone]);
                if below.binary_search(&v).is_err() {
                    queue.push(component(graph, v, &without(&inside, &below)));
                }
            }
        }
    }
    (found, true)
}

/// The c-component of `v` among `within`, ascending.
fn component(graph: &Admg, v: usize, within: &[usize]) -> Vec<usize> {
    let mut seen = BTreeSet::from([v]);
    let mut queue = vec![v];
    while let Some(node) = queue.pop() {
        for &spouse in graph.spouses(node) {
            if within.binary_search(&spouse).is_ok() && seen.insert(spouse) {
                queue.push(spouse);
            }
        }
    }
    seen.into_iter().collect()
}

/// The largest ancestral set of `before` in which `district` is a c-component: without the descendants of its other
/// spouses.
fn largest(graph: &Admg, district: &[usize], before: &[usize]) -> Vec<usize> {
    let beside: Vec<usize> = district
        .iter()
        .flat_map(|&d| graph.spouses(d))
        .copied()
        .filter(|s| district.binary_search(s).is_err() && before.binary_search(s).is_ok())
        .collect();
    without(before, &descendants(graph, &beside))
}

/// The c-component with its parents, without `v`.
fn blanket(graph: &Admg, v: usize, district: &[usize]) -> Vec<usize> {
    let mut blanket = [graph.parents_of(district), district.to_vec()].concat();
    blanket.sort_unstable();
    blanket.retain(|&w| w != v);
    blanket
}

fn without(set: &[usize], gone: &[usize]) -> Vec<usize> {
    set.iter().copied().filter(|v| gone.binary_search(v).is_err()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::closure::{Elementary, separations};
    use super::super::pairwise;
    use super::*;
    use crate::causal::random_admg;
    use crate::seed::stream;

    #[test]
    fn every_separation_follows_from_the_basis_and_nothing_else() {
        let mut rng = stream(1, "local Markov");
        for round in 0..300 {
            let n = 4 + round % 3;
            let graph = random_admg(&mut rng, n, 0.3, 0.1 + 0.05 * (round % 7) as f64);
            let all: Vec<usize> = (0..n).collect();
            let (basis, complete) = local_markov(&graph, &all, usize::MAX);
            assert!(complete);
            let mut closure = Elementary::of(n, &basis);
            closure.close(false);
            assert!(closure == separations(&graph), "{graph:?} {basis:?}");
        }
    }

    #[test]
    fn without_hidden_causes_there_is_one_statement_a_node() {
        let graph = Admg::with_edges(4, &[(0, 1), (1, 2), (2, 3)], &[]);
        let (basis, _) = local_markov(&graph, &[0, 1, 2, 3], usize::MAX);
        let given: Vec<_> = basis.iter().map(|s| (s.left[0], s.right.clone(), s.given.clone())).collect();
        assert_eq!(given, [(2, vec![0], vec![1]), (3, vec![0, 1], vec![2])]);
        assert_eq!(local_markov(&graph, &[0, 1, 2, 3], 1), (basis[..1].to_vec(), false));
    }

    #[test]
    fn the_pairs_are_a_basis_where_composition_and_intersection_hold() {
        let mut rng = stream(1, "pairs as a basis");
        for (n, directed, hidden) in [(5, 0.3, 0.0), (5, 0.3, 0.15), (5, 0.4, 0.3), (6, 0.3, 0.0), (6, 0.3, 0.2)] {
            for _ in 0..200 {
                let graph = random_admg(&mut rng, n, directed, hidden);
                let mut closure = Elementary::of(n, &pairwise(&graph, &(0..n).collect::<Vec<_>>()));
                closure.close(true);
                assert!(closure == separations(&graph), "{graph:?}");
            }
        }
    }
}
