//! The h-graph: which groups of c-components can be trained on their own, and in which order.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::VecDeque;

/// An acyclic h-graph. `T` is what the caller found out about each node along with its needs.
#[derive(Clone, Debug)]
pub struct HGraph<T> {
    /// The h-nodes, in the order of their smallest nodes.
    pub nodes: Vec<HNode<T>>,
    /// Every merge of nodes on cycles, in the order in which they happened.
    pub merges: Vec<Merge>,
}

/// One h-node: c-components that are trained together.
#[derive(Clone, Debug)]
pub struct HNode<T> {
    /// All its nodes, ascending.
    pub variables: Vec<usize>,
    /// Its c-components, in the order of their smallest nodes.
    pub parts: Vec<Vec<usize>>,
    /// The nodes outside it that must be trained first, ascending.
    pub needs: Vec<usize>,
    /// The h-nodes that hold these, ascending.
    pub after: Vec<usize>,
    /// What the caller found out.
    pub payload: T,
}

/// H-nodes that had to be merged because they need each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The merged h-nodes.
    pub members: Vec<Vec<usize>>,
    /// Cycles of needs that together pass through every member: each need leads on to the next.
    pub cycles: Vec<Vec<Need>>,
}

/// `module` needs `node`, which is in the h-node `of`, trained first; both are places in
/// [`Merge::members`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The h-node that needs something.
    pub module: usize,
    /// The node it needs.
    pub node: usize,
    /// The h-node that holds it.
    pub of: usize,
}

/// Merges `parts` (disjoint, ascending sets of nodes below `nodes`) until the h-graph is acyclic.
///
/// `inspect` says for an h-node (its nodes, its parts) which nodes must be trained first (those inside it
/// are ignored), and is called again for every merged one: `H_s → H_t` iff `needs(H_t) ∩ H_s ≠ ∅`. With
/// needs from the closure no order leaves an ancestor untrained, unlike Algorithm 1 of Rahman & Kocaoglu
/// (2024), whose cycles are merged in the same way. Strongly connected components by Kosaraju (without
/// recursion): `O(n + m)` a round; a round happens only after a merge.
pub fn h_graph<T>(
    nodes: usize,
    parts: Vec<Vec<usize>>,
    mut inspect: impl FnMut(&[usize], &[Vec<usize>]) -> (T, Vec<usize>),
) -> HGraph<T> {
    let mut make = |variables: Vec<usize>, parts: Vec<Vec<usize>>| {
        let (payload, mut needs) = inspect(&variables, &parts);
        needs.retain(|v| variables.binary_search(v).is_err());
        needs.sort_unstable();
        needs.dedup();
        HNode { variables, parts, needs, after: vec![], payload }
    };
    let mut h_nodes: Vec<HNode<T>> = parts.into_iter().map(|part| make(part.clone(), vec![part])).collect();
    let mut merges = vec![];
    loop {
        connect(nodes, &mut h_nodes);
        let groups = strongly_connected(&h_nodes);
        if groups.iter().all(|g| g.len() == 1) {
            return HGraph { nodes: h_nodes, merges };
        }
        merges.extend(groups.iter().filter(|g| g.len() > 1).map(|g| explain(&h_nodes, g)));
        h_nodes = merge(h_nodes, groups, &mut make);
    }
}

/// Fills in [`HNode::after`].
fn connect<T>(nodes: usize, h_nodes: &mut [HNode<T>]) {
    let mut owner = vec![usize::MAX; nodes];
    for (at, h_node) in h_nodes.iter().enumerate() {
        h_node.variables.iter().for_each(|&v| owner[v] = at);
    }
    for h_node in h_nodes {
        h_node.after = h_node.needs.iter().map(|&v| owner[v]).filter(|&o| o != usize::MAX).collect();
        h_node.after.sort_unstable();
        h_node.after.dedup();
    }
}

/// Strongly connected components of the `after` relation, each ascending, in the order of their first nodes.
fn strongly_connected<T>(h_nodes: &[HNode<T>]) -> Vec<Vec<usize>> {
    components(
        h_nodes.len(),
        h_nodes.iter().enumerate().flat_map(|(to, h)| h.after.iter().map(move |&from| (from, to))),
    )
}

/// Strongly connected components of a graph over `0..nodes`, each ascending, in the order of their first nodes.
pub(super) fn components(nodes: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Vec<Vec<usize>> {
    let mut graph = DiGraph::<(), ()>::new();
    (0..nodes).for_each(|_| _ = graph.add_node(()));
    for (from, to) in edges {
        graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
    }
    let numbers = |group: Vec<NodeIndex>| {
        let mut group: Vec<usize> = group.into_iter().map(NodeIndex::index).collect();
        group.sort_unstable();
        group
    };
    let mut groups: Vec<Vec<usize>> = kosaraju_scc(&graph).into_iter().map(numbers).collect();
    groups.sort_unstable();
    groups
}

fn merge<T>(
    h_nodes: Vec<HNode<T>>,
    groups: Vec<Vec<usize>>,
    make: &mut impl FnMut(Vec<usize>, Vec<Vec<usize>>) -> HNode<T>,
) -> Vec<HNode<T>> {
    let mut slots: Vec<Option<HNode<T>>> = h_nodes.into_iter().map(Some).collect();
    let mut merged: Vec<HNode<T>> = Vec::with_capacity(groups.len());
    for group in groups {
        let mut members: Vec<HNode<T>> = group.iter().filter_map(|&at| slots[at].take()).collect();
        if members.len() > 1 {
            let mut variables: Vec<usize> = members.iter().flat_map(|m| &m.variables).copied().collect();
            let mut parts: Vec<Vec<usize>> = members.into_iter().flat_map(|m| m.parts).collect();
            variables.sort_unstable();
            parts.sort_unstable();
            merged.push(make(variables, parts));
        } else {
            merged.append(&mut members);
        }
    }
    merged
}

/// Shortest cycles of needs through the members of `group` until each lies on one.
fn explain<T>(h_nodes: &[HNode<T>], group: &[usize]) -> Merge {
    let members: Vec<Vec<usize>> = group.iter().map(|&at| h_nodes[at].variables.clone()).collect();
    let mut on_a_cycle = vec![false; group.len()];
    let mut cycles = vec![];
    for start in 0..group.len() {
        if !on_a_cycle[start] {
            let cycle = shortest_cycle(h_nodes, group, start);
            cycle.iter().for_each(|need| on_a_cycle[need.module] = true);
            cycles.push(cycle);
        }
    }
    Merge { members, cycles }
}

fn shortest_cycle<T>(h_nodes: &[HNode<T>], group: &[usize], start: usize) -> Vec<Need> {
    let mut needed_by: Vec<Option<Need>> = vec![None; group.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(module) = queue.pop_front() {
        for &node in &h_nodes[group[module]].needs {
            let holds = |&at: &usize| h_nodes[at].variables.binary_search(&node).is_ok();
            let Some(of) = group.iter().position(holds) else { continue };
            if needed_by[of].is_none() {
                needed_by[of] = Some(Need { module, node, of });
                queue.push_back(of);
            }
        }
        if needed_by[start].is_some() {
            break;
        }
    }
    let mut cycle = vec![];
    let mut at = start;
    while let Some(need) = needed_by[at] {
        cycle.push(need);
        at = need.module;
        if at == start {
            break;
        }
    }
    cycle.reverse();
    cycle
}
