//! The layer of each node: causes before effects, edges short (Gansner et al. 1993, section 2).

use super::simplex::{Span, shortest};

/// What one layer costs a directed edge; a hidden edge costs 1, which draws its ends together a little.
const DIRECTED: i64 = 4;

/// The layers of `nodes` connected nodes, from 0; `directed` has no cycles.
pub(super) fn layers(nodes: usize, directed: &[(usize, usize)], hidden: &[(usize, usize)]) -> Vec<usize> {
    let mut spans: Vec<Span> =
        directed.iter().map(|&(tail, head)| Span { tail, head, length: 1, weight: DIRECTED }).collect();
    let mut start = longest_paths(nodes, directed);
    // A node before both ends makes the distance of two nodes a sum of two lengths.
    for (number, &(a, b)) in hidden.iter().enumerate() {
        let tail = nodes + number;
        spans.extend([a, b].map(|head| Span { tail, head, length: 0, weight: 1 }));
        start.push(start[a].min(start[b]));
    }
    let mut found = shortest(&spans, start);
    found.truncate(nodes);
    let first = found.iter().min().copied().unwrap_or(0);
    found.iter().map(|layer| (layer - first) as usize).collect()
}

fn longest_paths(nodes: usize, directed: &[(usize, usize)]) -> Vec<i64> {
    let mut after = vec![vec![]; nodes];
    let mut missing = vec![0; nodes];
    for &(from, to) in directed {
        after[from].push(to);
        missing[to] += 1;
    }
    let mut layer = vec![0; nodes];
    let mut ready: Vec<usize> = (0..nodes).filter(|&v| missing[v] == 0).collect();
    while let Some(node) = ready.pop() {
        for &next in &after[node] {
            layer[next] = layer[next].max(layer[node] + 1);
            missing[next] -= 1;
            if missing[next] == 0 {
                ready.push(next);
            }
        }
    }
    layer
}

/// For each edge whether it must be turned so that no cycle is left: the edges back into a depth-first path.
pub(super) fn backward(nodes: usize, directed: &[(usize, usize)]) -> Vec<bool> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        New,
        OnPath,
        Done,
    }
    let mut after = vec![vec![]; nodes];
    let mut entered = vec![false; nodes];
    for (number, &(from, to)) in directed.iter().enumerate() {
        after[from].push(number);
        entered[to] = true;
    }
    let mut turned = vec![false; directed.len()];
    let mut seen = vec![Seen::New; nodes];
    // From the sources first, then from whatever only cycles reach.
    let mut starts: Vec<usize> = (0..nodes).collect();
    starts.sort_by_key(|&v| entered[v]);
    for start in starts {
        if seen[start] != Seen::New {
            continue;
        }
        seen[start] = Seen::OnPath;
        let mut path = vec![(start, 0)];
        while let Some((node, next)) = path.last_mut() {
            let Some(&number) = after[*node].get(*next) else {
                seen[*node] = Seen::Done;
                path.pop();
                continue;
            };
            *next += 1;
            let to = directed[number].1;
            match seen[to] {
                Seen::OnPath => turned[number] = true,
                Seen::New => {
                    seen[to] = Seen::OnPath;
                    path.push((to, 0));
                }
                Seen::Done => {}
            }
        }
    }
    turned
}
