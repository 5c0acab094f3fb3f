//! The smallest set that separates two nodes, by a minimum cut.
//!
//! A smallest separator of `x` and `y` lies in `An({x, y})` (van der Zander, Liśkiewicz & Textor 2014, *Constructing
//! separators and adjustment sets in ancestral graphs*), where m-separation is separation in the augmented graph: every
//! c-component with its parents is a clique (Richardson 2003, theorem 1). There a smallest separator is a minimum
//! vertex cut (Menger 1927), found by augmenting paths; cliques are stars, so that the network is linear in the graph.

use super::Independence;
use crate::causal::{Admg, ancestors, c_components_of};
use std::collections::VecDeque;

/// For each pair of `nodes` (ascending) that some set separates, one smallest such set. The later node of a
/// topological order is on the left, and of the smallest sets it is the one nearest to it. `graph` is acyclic and has no
/// edges at other nodes. `O(k (n + m))` for each pair, `k` the size of the set.
pub fn pairwise(graph: &Admg, nodes: &[usize]) -> Vec<Independence> {
    let order = graph.topological_order().unwrap_or_default();
    let order: Vec<usize> = order.into_iter().filter(|v| nodes.binary_search(v).is_ok()).collect();
    let mut found = vec![];
    for (at, &later) in order.iter().enumerate() {
        for &earlier in &order[..at] {
            if let Some(given) = smallest_separator(graph, later, earlier) {
                found.push(Independence { left: vec![later], right: vec![earlier], given });
            }
        }
    }
    found
}

/// The smallest set that m-separates two nodes, ascending; of several the one nearest to `x`. `None` if no set does.
/// `O(k (n + m))`, `k` the size of the set.
pub fn smallest_separator(graph: &Admg, x: usize, y: usize) -> Option<Vec<usize>> {
    if x == y {
        return None;
    }
    let inside = ancestors(graph, &[x.min(y), x.max(y)]);
    let mut network = Network::new(graph, &inside);
    let place = |v: usize| inside.binary_search(&v).ok();
    let (from, to) = (place(x)?, place(y)?);
    if network.adjacent(from, to) {
        return None;
    }
    while network.augment(Network::leaving(from), Network::entering(to)) {}
    let reached = network.reached(Network::leaving(from));
    let cut = |at: &usize| {
        *at != from && reached[Network::entering(*at)].is_some() && reached[Network::leaving(*at)].is_none()
    };
    Some((0..inside.len()).filter(cut).map(|at| inside[at]).collect())
}

/// A flow network: each node is an arc of capacity one from its entry to its exit, each clique a hub that all its
/// members enter and leave freely.
struct Network {
    /// Arcs and their reverses, in turn: the head, and whether flow may still pass.
    arcs: Vec<(usize, Capacity)>,
    /// The arcs out of each point.
    out: Vec<Vec<usize>>,
    cliques: Vec<Vec<usize>>,
}

/// What may still flow along an arc.
type Capacity = u32;
/// More than any flow.
const FREE: Capacity = Capacity::MAX / 2;

impl Network {
    fn entering(at: usize) -> usize {
        2 * at
    }

    fn leaving(at: usize) -> usize {
        2 * at + 1
    }

    /// The augmented graph over the ancestral set `inside`.
    fn new(graph: &Admg, inside: &[usize]) -> Self {
        let place = |v: &usize| inside.binary_search(v).ok();
        let clique = |part: Vec<usize>| {
            let parents = graph.parents_of(&part);
            part.iter().chain(&parents).filter_map(place).collect::<Vec<usize>>()
        };
        let cliques: Vec<Vec<usize>> = c_components_of(graph, inside).into_iter().map(clique).collect();
        let points = 2 * inside.len() + cliques.len();
        let mut network = Self { arcs: vec![], out: vec![vec![]; points], cliques: vec![] };
        for at in 0..inside.len() {
            network.arc(Self::entering(at), Self::leaving(at), 1);
        }
        for (hub, clique) in cliques.iter().enumerate().filter(|(_, clique)| clique.len() > 1) {
            for &at in clique {
                network.arc(Self::leaving(at), 2 * inside.len() + hub, FREE);
                network.arc(2 * inside.len() + hub, Self::entering(at), FREE);
            }
        }
        network.cliques = cliques;
        network
    }

    fn arc(&mut self, from: usize, to: usize, capacity: Capacity) {
        self.out[from].push(self.arcs.len());
        self.arcs.push((to, capacity));
        self.out[to].push(self.arcs.len());
        self.arcs.push((from, 0));
    }

    fn adjacent(&self, a: usize, b: usize) -> bool {
        self.cliques.iter().any(|clique| clique.contains(&a) && clique.contains(&b))
    }

    /// For each point that flow can still reach from `source` the arc by which it does; the source has an arc of no
    /// meaning.
    fn reached(&self, source: usize) -> Vec<Option<usize>> {
        let mut by = vec![None; self.out.len()];
        by[source] = Some(usize::MAX);
        let mut queue = VecDeque::from([source]);
        while let Some(point) = queue.pop_front() {
            for &arc in &self.out[point] {
                let (to, capacity) = self.arcs[arc];
                if capacity > 0 && by[to].is_none() {
                    by[to] = Some(arc);
                    queue.push_back(to);
                }
            }
        }
        by
    }

    /// Sends one unit more from `source` to `sink`, if there is a way.
    fn augment(&mut self, source: usize, sink: usize) -> bool {
        let by = self.reached(source);
        let mut point = sink;
        if by[sink].is_none() {
            return false;
        }
        while let Some(arc) = by[point].filter(|_| point != source) {
            self.arcs[arc].1 -= 1;
            self.arcs[arc ^ 1].1 += 1;
            point = self.arcs[arc ^ 1].0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::closure::{Elementary, separations};
    use super::*;
    use crate::causal::{m_separated, random_admg};
    use crate::seed::stream;

    /// The size of the smallest separator, by trying all sets.
    fn smallest_by_brute_force(graph: &Admg, x: usize, y: usize) -> Option<usize> {
        let rest: Vec<usize> = (0..graph.len()).filter(|&v| v != x && v != y).collect();
        let sets = (0..1_u32 << rest.len()).filter(|mask| {
            let z: Vec<usize> = (0..rest.len()).filter(|i| mask >> i & 1 == 1).map(|i| rest[i]).collect();
            m_separated(graph, &[x], &[y], &z)
        });
        sets.map(|mask| mask.count_ones() as usize).min()
    }

    #[test]
    fn separators_are_the_smallest_there_are() {
        let mut rng = stream(1, "smallest separators");
        let mut sizes = [0; 6];
        for round in 0..400 {
            let density = 0.15 + 0.05 * f64::from(round % 6);
            let graph = random_admg(&mut rng, 7, density, density / 2.0);
            for (x, y) in (0..7).flat_map(|x| (0..7).map(move |y| (x, y))).filter(|(x, y)| x != y) {
                let found = smallest_separator(&graph, x, y);
                assert_eq!(found.as_ref().map(Vec::len), smallest_by_brute_force(&graph, x, y), "{graph:?} {x} {y}");
                if let Some(set) = found {
                    assert!(m_separated(&graph, &[x], &[y], &set));
                    sizes[set.len()] += 1;
                }
            }
        }
        assert!(sizes[..4].iter().all(|&count| count > 100), "{sizes:?}");
    }

    #[test]
    fn the_nearest_of_several_is_taken() {
        let chain = Admg::with_edges(4, &[(0, 1), (1, 2), (2, 3)], &[]);
        assert_eq!(smallest_separator(&chain, 3, 0), Some(vec![2]));
        assert_eq!(smallest_separator(&chain, 0, 3), Some(vec![1]));
        assert_eq!(smallest_separator(&chain, 0, 1), None);
        // A -> B -> C -> D, B <-> D: an inducing path joins A and D.
        let verma = Admg::with_edges(4, &[(0, 1), (1, 2), (2, 3)], &[(1, 3)]);
        assert_eq!(smallest_separator(&verma, 3, 0), None);
        assert_eq!(pairwise(&verma, &[0, 1, 2, 3]).len(), 1);
    }

    #[test]
    fn the_pairs_are_a_basis_where_composition_and_intersection_hold() {
        let mut rng = stream(1, "pairs as a basis");
        for (n, directed, hidden) in [(5, 0.3, 0.0), (5, 0.3, 0.15), (5, 0.4, 0.3), (6, 0.3, 0.0), (6, 0.3, 0.2)] {
            for _ in 0..200 {
                let graph = random_admg(&mut rng, n, directed, hidden);
                let mut closure = Elementary::of(n, &pairwise(&graph, &(0..n).collect::<Vec<_>>()));
                closure.close();
                assert!(closure == separations(&graph), "{graph:?}");
            }
        }
    }
}
