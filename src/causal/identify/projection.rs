//! Latent projection: the graph that the other nodes have once some are hidden.

use crate::causal::Admg;
use std::collections::BTreeSet;

/// The graph after `hidden` is marginalised out (Verma 1993; Richardson et al. 2023, definition 2.3): every pair
/// joined through a hidden node by `-> h ->` gets `->`, by `<- h ->` or `<-> h ->` gets `<->`. Hidden nodes stay,
/// without edges, so that numbers keep their meaning. `O(Σ d²)` in the degrees met on the way.
pub fn project(graph: &Admg, hidden: &[usize]) -> Admg {
    let n = graph.len();
    let sets = |f: fn(&Admg, usize) -> &[usize]| -> Vec<BTreeSet<usize>> {
        (0..n).map(|v| f(graph, v).iter().copied().collect()).collect()
    };
    let (mut parents, mut children, mut spouses) = (sets(Admg::parents), sets(Admg::children), sets(Admg::spouses));
    for &h in hidden {
        let (above, below, beside) =
            (std::mem::take(&mut parents[h]), std::mem::take(&mut children[h]), std::mem::take(&mut spouses[h]));
        above.iter().for_each(|p| _ = children[*p].remove(&h));
        below.iter().for_each(|c| _ = parents[*c].remove(&h));
        beside.iter().for_each(|s| _ = spouses[*s].remove(&h));
        for &c in &below {
            for &p in &above {
                children[p].insert(c);
                parents[c].insert(p);
            }
            for &s in below.iter().chain(&beside).filter(|&&s| s != c) {
                spouses[c].insert(s);
                spouses[s].insert(c);
            }
        }
    }
    let lists = |sets: Vec<BTreeSet<usize>>| sets.into_iter().map(|set| set.into_iter().collect()).collect();
    Admg::from_lists(lists(parents), lists(children), lists(spouses))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::{m_separated, random_admg};
    use crate::seed::stream;

    #[test]
    fn a_hidden_fork_chain_and_collider() {
        let g = Admg::with_edges(5, &[(0, 1), (1, 2), (1, 3), (3, 4)], &[(1, 4)]);
        let expected = Admg::with_edges(5, &[(0, 2), (0, 3), (3, 4)], &[(2, 3), (2, 4), (3, 4)]);
        assert_eq!(project(&g, &[1]), expected);
        assert_eq!(project(&Admg::with_edges(3, &[(0, 1), (2, 1)], &[]), &[1]), Admg::new(3));
    }

    #[test]
    fn the_nodes_left_keep_their_separations() {
        let mut rng = stream(1, "projection");
        for _ in 0..200 {
            let g = random_admg(&mut rng, 7, 0.3, 0.2);
            let p = project(&g, &[1, 4]);
            assert!(p.topological_order().is_ok());
            let kept = [0, 2, 3, 5, 6];
            for (x, y) in kept.iter().flat_map(|&x| kept.iter().map(move |&y| (x, y))).filter(|(x, y)| x < y) {
                let rest: Vec<usize> = kept.iter().copied().filter(|&v| v != x && v != y).collect();
                for mask in 0..8_u32 {
                    let z: Vec<usize> = (0..3).filter(|i| mask >> i & 1 == 1).map(|i| rest[i]).collect();
                    assert_eq!(m_separated(&g, &[x], &[y], &z), m_separated(&p, &[x], &[y], &z));
                }
            }
        }
    }
}
