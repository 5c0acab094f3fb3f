//! Tian's Identify: one c-factor from another.

use super::{Admg, ancestors_within, c_components_of};

/// Whether `Q[target]` is a function of `Q[from]`, where `Q[S] = P(S | do(V \ S))`. Both ascending,
/// `target ⊆ from`.
///
/// Algorithm Identify of Tian & Pearl (2002, UCLA R-290-L, figure 7), complete by Huang & Valtorta
/// (2006): drop what is no ancestor of the target, keep the target's c-component, repeat. `O(n (n + m))`.
pub fn q_identifiable(graph: &Admg, target: &[usize], from: &[usize]) -> bool {
    let parts = c_components_of(graph, target);
    parts.iter().all(|part| part_identifiable(graph, part, from))
}

fn part_identifiable(graph: &Admg, part: &[usize], from: &[usize]) -> bool {
    let Some(mut within) = component_around(graph, part, from) else { return false };
    loop {
        let above = ancestors_within(graph, part, &within);
        if above.len() == part.len() {
            return true;
        }
        if above.len() == within.len() {
            return false;
        }
        match component_around(graph, part, &above) {
            Some(component) => within = component,
            None => return false,
        }
    }
}

/// The c-component of the subgraph over `within` that holds all of `part`.
fn component_around(graph: &Admg, part: &[usize], within: &[usize]) -> Option<Vec<usize>> {
    let components = c_components_of(graph, within);
    components.into_iter().find(|c| part.iter().all(|v| c.binary_search(v).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::random_admg;
    use crate::seed::stream;

    #[test]
    fn known_verdicts() {
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
