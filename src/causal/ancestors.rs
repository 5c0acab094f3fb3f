//! Ancestors and descendants by breadth-first search.

use super::Admg;

/// `An(S)`: the nodes with a directed path into `set`, the set included; ascending. `O(n + m)`.
pub fn ancestors(graph: &Admg, set: &[usize]) -> Vec<usize> {
    reach(graph.len(), set, |v| graph.parents(v))
}

/// `De(S)`: the nodes with a directed path from `set`, the set included; ascending. `O(n + m)`.
pub fn descendants(graph: &Admg, set: &[usize]) -> Vec<usize> {
    reach(graph.len(), set, |v| graph.children(v))
}

/// `An(S)` in the subgraph over `within` (ascending, holds `set`); ascending. Takes no time for nodes
/// outside `within`, so it may be called for many small sets of a large graph.
pub fn ancestors_within(graph: &Admg, set: &[usize], within: &[usize]) -> Vec<usize> {
    let mut seen = vec![false; within.len()];
    let mut queue: Vec<usize> = set.to_vec();
    while let Some(node) = queue.pop() {
        let Ok(at) = within.binary_search(&node) else { continue };
        if !std::mem::replace(&mut seen[at], true) {
            queue.extend_from_slice(graph.parents(node));
        }
    }
    within.iter().zip(seen).filter(|(_, seen)| *seen).map(|(&v, _)| v).collect()
}

fn reach<'g>(nodes: usize, set: &[usize], next: impl Fn(usize) -> &'g [usize]) -> Vec<usize> {
    let mut seen = vec![false; nodes];
    let mut queue = set.to_vec();
    while let Some(node) = queue.pop() {
        if !std::mem::replace(&mut seen[node], true) {
            queue.extend_from_slice(next(node));
        }
    }
    (0..nodes).filter(|&v| seen[v]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::random_admg;
    use crate::seed::stream;

    /// Reachability by repeated squaring of the adjacency matrix (Warshall 1962), the oracle.
    fn warshall(graph: &Admg, within: &[usize]) -> Vec<Vec<bool>> {
        let n = graph.len();
        let mut path = vec![vec![false; n]; n];
        for &v in within {
            path[v][v] = true;
            graph.children(v).iter().filter(|c| within.contains(c)).for_each(|&c| path[v][c] = true);
        }
        for k in 0..n {
            for i in 0..n {
                for j in 0..n {
                    path[i][j] |= path[i][k] && path[k][j];
                }
            }
        }
        path
    }

    #[test]
    fn both_directions_agree_with_warshall() {
        let mut rng = stream(1, "ancestors");
        for _ in 0..300 {
            let g = random_admg(&mut rng, 8, 0.25, 0.2);
            let all: Vec<usize> = (0..8).collect();
            let within = [0, 2, 3, 5, 7];
            let (path, inner) = (warshall(&g, &all), warshall(&g, &within));
            let set = [2, 5];
            let up = |p: &Vec<Vec<bool>>| all.iter().copied().filter(|&v| set.iter().any(|&s| p[v][s])).collect();
            let expected: Vec<usize> = up(&path);
            assert_eq!(ancestors(&g, &set), expected);
            let expected: Vec<usize> = up(&inner);
            assert_eq!(ancestors_within(&g, &set, &within), expected);
            let down: Vec<usize> = all.iter().copied().filter(|&v| set.iter().any(|&s| path[s][v])).collect();
            assert_eq!(descendants(&g, &set), down);
        }
    }
}
