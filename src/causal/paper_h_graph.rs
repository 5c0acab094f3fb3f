//! The h-graph as the paper's authors build it, kept to reproduce their figures.

use super::h_graph::components;
use super::{Admg, Closure, c_components};

/// The h-nodes of the paper, as groups of c-components, and for each the h-nodes that come before it.
///
/// Rahman & Kocaoglu (ICML 2024), definition 4.3 and algorithm 1, with the edge test of their
/// experiments: `H_s → H_t` iff a parent of `H_t` that lies in `H_s` is a descendant of `H_t`. (Taken to
/// the letter the definition adds edges which the paper's own examples do not have.) Cycles are merged
/// once. The order can leave an ancestor untrained: see [`h_graph`](super::h_graph). `waits` says of a
/// c-component whether edges may lead into it.
pub fn paper_h_graph(graph: &Admg, waits: impl Fn(&[usize]) -> bool) -> (Vec<Vec<Vec<usize>>>, Vec<Vec<usize>>) {
    let parts = c_components(graph);
    let mut owner = vec![0; graph.len()];
    for (at, part) in parts.iter().enumerate() {
        part.iter().for_each(|&v| owner[v] = at);
    }
    let mut closure = Closure::new(graph);
    let mut edges = vec![];
    for (to, part) in parts.iter().enumerate().filter(|(_, part)| waits(part)) {
        edges.extend(closure.violations(part).into_iter().map(|v| (owner[v], to)));
    }
    let groups = components(parts.len(), edges.iter().copied());
    let mut group_of = vec![0; parts.len()];
    for (at, group) in groups.iter().enumerate() {
        group.iter().for_each(|&part| group_of[part] = at);
    }
    let mut after = vec![vec![]; groups.len()];
    for (from, to) in edges {
        if group_of[from] != group_of[to] {
            after[group_of[to]].push(group_of[from]);
        }
    }
    for list in &mut after {
        list.sort_unstable();
        list.dedup();
    }
    (groups.into_iter().map(|g| g.into_iter().map(|part| parts[part].clone()).collect()).collect(), after)
}
