//! m-separation in ADMGs.

use super::Admg;
use std::collections::VecDeque;

/// Whether `z` m-separates `x` from `y` (Richardson 2003). A set that shares a node with the other is
/// not separated from it; nodes of `z` in `x` or `y` block themselves.
///
/// Reachability over (node, how it was entered), as in Bayes-ball (Shachter 1998): `O(n + m)`. On
/// `A -> B <-> C` and on `A <-> B <-> C` the node `B` is a collider: open only if it is in `An(z)`.
pub fn m_separated(graph: &Admg, x: &[usize], y: &[usize], z: &[usize]) -> bool {
    open_path(graph, x, y, z).is_none()
}

/// One step of a path: how it goes on to the next node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Along `->`.
    Right,
    /// Against `->`.
    Left,
    /// Along `<->`.
    Hidden,
}

/// The step to a state, and the state before it.
type CameFrom = Option<(Step, usize, bool)>;

/// A shortest walk from `x` to `y` that `z` leaves open: its first node, and each step with the node it
/// leads to. `None` where `z` m-separates them. Colliders on it are ancestors of `z`, or in `z`. `O(n + m)`.
pub fn open_path(graph: &Admg, x: &[usize], y: &[usize], z: &[usize]) -> Option<(usize, Vec<(Step, usize)>)> {
    let mark = |set: &[usize]| {
        let mut marks = vec![false; graph.len()];
        set.iter().for_each(|&v| marks[v] = true);
        marks
    };
    let (target, given) = (mark(y), mark(z));
    let above_given = mark(&super::ancestors(graph, z));
    // States are [entered through a tail (or the start), entered through an arrowhead].
    let mut came_from: Vec<[CameFrom; 2]> = vec![[None; 2]; graph.len()];
    let mut seen = vec![[false; 2]; graph.len()];
    let mut queue: VecDeque<(usize, bool)> = VecDeque::new();
    for &start in x.iter().filter(|&&v| !given[v]) {
        seen[start][0] = true;
        queue.push_back((start, false));
    }
    while let Some((node, arrowhead)) = queue.pop_front() {
        if target[node] && !given[node] {
            return Some(walk_to(&came_from, node, arrowhead));
        }
        let mut next = |to: usize, entered: bool, step: Step| {
            if !std::mem::replace(&mut seen[to][usize::from(entered)], true) {
                came_from[to][usize::from(entered)] = Some((step, node, arrowhead));
                queue.push_back((to, entered));
            }
        };
        if !given[node] {
            graph.children(node).iter().for_each(|&c| next(c, true, Step::Right));
        }
        let through_an_arrowhead = if arrowhead { above_given[node] } else { !given[node] };
        if through_an_arrowhead {
            graph.parents(node).iter().for_each(|&p| next(p, false, Step::Left));
            graph.spouses(node).iter().for_each(|&s| next(s, true, Step::Hidden));
        }
    }
    None
}

fn walk_to(came_from: &[[CameFrom; 2]], mut node: usize, mut arrowhead: bool) -> (usize, Vec<(Step, usize)>) {
    let mut steps = vec![];
    while let Some((step, before, entered)) = came_from[node][usize::from(arrowhead)] {
        steps.push((step, node));
        (node, arrowhead) = (before, entered);
    }
    steps.reverse();
    (node, steps)
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

    /// The walk is one of the graph, and open by the definition.
    fn check_walk(g: &Admg, x: usize, y: usize, z: &[usize]) {
        let Some((first, steps)) = open_path(g, &[x], &[y], z) else { return };
        assert_eq!((first, steps.last().unwrap().1), (x, y));
        let (above, mut at) = (ancestors(g, z), first);
        for (n, &(step, to)) in steps.iter().enumerate() {
            let edges = match step {
                Step::Right => g.children(at),
                Step::Left => g.parents(at),
                Step::Hidden => g.spouses(at),
            };
            assert!(edges.contains(&to));
            if let Some((next, _)) = steps.get(n + 1) {
                let collider = step != Step::Left && *next != Step::Right;
                assert!(if collider { above.contains(&to) } else { !z.contains(&to) });
            }
            at = to;
        }
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
                    check_walk(&g, x, y, &z);
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
