//! Random graphs for tests and benchmarks.

use super::Admg;
use rand::Rng;
use rand::seq::SliceRandom;

/// A random ADMG over `nodes` nodes: each pair has a directed edge with probability `directed` (along a
/// random order) and a bidirected edge with probability `bidirected`. The numbers of the nodes say nothing
/// about their order. `O(n²)` draws.
pub fn random_admg(rng: &mut impl Rng, nodes: usize, directed: f64, bidirected: f64) -> Admg {
    let mut order: Vec<usize> = (0..nodes).collect();
    order.shuffle(rng);
    let mut graph = Admg::new(nodes);
    for from in 0..nodes {
        for to in from + 1..nodes {
            if rng.random_bool(directed) {
                graph.add_directed(order[from], order[to]);
            }
            if rng.random_bool(bidirected) {
                graph.add_bidirected(order[from], order[to]);
            }
        }
    }
    graph
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::stream;

    #[test]
    fn random_graphs_are_acyclic_and_repeat_with_the_seed() {
        let draw = |seed| random_admg(&mut stream(seed, "random"), 12, 0.4, 0.3);
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
        assert!((0..50).all(|seed| draw(seed).topological_order().is_ok()));
    }
}
