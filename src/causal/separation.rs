//! m-separation in ADMGs.

use super::Admg;

/// Whether `z` m-separates `x` from `y` (Richardson 2003). A set that shares a node with the other is
/// not separated from it; nodes of `z` in `x` or `y` block themselves.
///
/// Reachability over (node, how it was entered), as in Bayes-ball (Shachter 1998): `O(n + m)`. On
/// `A -> B <-> C` and on `A <-> B <-> C` the node `B` is a collider: open only if it is in `An(z)`.
pub fn m_separated(graph: &Admg, x: &[usize], y: &[usize], z: &[usize]) -> bool {
    let mark = |set: &[usize]| {
        let mut marks = vec![false; graph.len()];
        set.iter().for_each(|&v| marks[v] = true);
        marks
    };
    let (target, given) = (mark(y), mark(z));
    let above_given = mark(&super::ancestors(graph, z));
    // [entered through a tail (or the start), entered through an arrowhead]
    let mut seen = vec![[false; 2]; graph.len()];
    let mut queue: Vec<(usize, bool)> = x.iter().filter(|&&v| !given[v]).map(|&v| (v, false)).collect();
    while let Some((node, arrowhead)) = queue.pop() {
        if std::mem::replace(&mut seen[node][usize::from(arrowhead)], true) {
            continue;
        }
        if target[node] && !given[node] {
            return false;
        }
        if !given[node] {
            queue.extend(graph.children(node).iter().map(|&c| (c, true)));
        }
        let through_an_arrowhead = if arrowhead { above_given[node] } else { !given[node] };
        if through_an_arrowhead {
            queue.extend(graph.parents(node).iter().map(|&p| (p, false)));
            queue.extend(graph.spouses(node).iter().map(|&s| (s, true)));
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::{ancestors, random_admg};
    use crate::seed::stream;

    /// Moralisation: in the augmented graph over `An(x, y, z)` nodes joined by a collider path are
    /// neighbours, and separation is separation in that undirected graph (Richardson 2003, theorem 1).
    fn separated_by_moralisation(g: &Admg, x: usize, y: usize, z: &[usize]) -> bool {
        let mut all = vec![x, y];
        all.extend_from_slice(z);
        let inside = ancestors(g, &all);
        let parts = crate::causal::c_components_of(g, &inside);
        let mut adjacent = vec![vec![false; g.len()]; g.len()];
        for part in &parts {
            let mut clique = part.clone();
            clique.extend(g.parents_of(part));
            for &a in &clique {
                clique.iter().for_each(|&b| adjacent[a][b] = true);
            }
        }
        let (mut seen, mut queue) = (vec![false; g.len()], vec![x]);
        while let Some(v) = queue.pop() {
            if !z.contains(&v) && !std::mem::replace(&mut seen[v], true) {
                queue.extend((0..g.len()).filter(|&w| adjacent[v][w]));
            }
        }
        !seen[y]
    }

    #[test]
    fn agrees_with_moralisation_on_every_pair_and_every_set() {
        let mut rng = stream(1, "separation");
        for _ in 0..60 {
            let g = random_admg(&mut rng, 6, 0.3, 0.25);
            for (x, y) in (0..6).flat_map(|x| (0..x).map(move |y| (x, y))) {
                let rest: Vec<usize> = (0..6).filter(|&v| v != x && v != y).collect();
                for mask in 0..16_u32 {
                    let z: Vec<usize> =
                        rest.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, &v)| v).collect();
                    let expected = separated_by_moralisation(&g, x, y, &z);
                    assert_eq!(m_separated(&g, &[x], &[y], &z), expected, "{g:?} {x} {y} {z:?}");
                }
            }
        }
    }

    #[test]
    fn bidirected_colliders_open_on_their_descendants() {
        let g = Admg::with_edges(4, &[(1, 3)], &[(0, 1), (1, 2)]);
        assert!(m_separated(&g, &[0], &[2], &[]));
        assert!(!m_separated(&g, &[0], &[2], &[1]));
        assert!(!m_separated(&g, &[0], &[2], &[3]));
    }
}
