//! The order within layers: sweeps by barycentres and medians, and exchanges of neighbours (Sugiyama et al.
//! 1981; Gansner et al. 1993, section 3). Crossings are counted in `O(e log v)` (Barth, Mutzel & Jünger 2004).

use super::layered::Layered;

/// Rounds of sweeps on graphs of ordinary size.
const ROUNDS: usize = 24;
/// Larger graphs get fewer rounds.
const LARGE: usize = 4_000;

/// Orders every layer; never leaves more crossings than it found.
pub(super) fn order(graph: &mut Layered) {
    let given = graph.layers.clone();
    let mut best = (cost(graph), graph.layers.clone());
    for from_the_end in [false, true] {
        graph.layers.clone_from(&given);
        graph.number();
        depth_first(graph, from_the_end);
        sweep(graph, &mut best);
    }
    graph.layers = best.1;
    graph.number();
}

/// The crossings of all edges between neighbouring layers.
pub(super) fn crossings(graph: &Layered) -> usize {
    graph.layers.windows(2).map(|pair| crossings_between(graph, &pair[0], pair[1].len())).sum()
}

/// Crossings, then how far the ends of edges within layers are apart.
fn cost(graph: &Layered) -> (usize, usize) {
    let apart = |v: usize| graph.beside[v].iter().map(move |&w| graph.place[v].abs_diff(graph.place[w]));
    (crossings(graph), (0..graph.beside.len()).flat_map(apart).sum())
}

fn crossings_between(graph: &Layered, layer: &[usize], next: usize) -> usize {
    let mut sums = vec![0_usize; next + 1];
    let (mut seen, mut crossings) = (0, 0);
    for &vertex in layer {
        let mut ends: Vec<usize> = graph.after[vertex].iter().map(|&w| graph.place[w]).collect();
        ends.sort_unstable();
        // Edges that were seen before and end after this one cross it.
        for end in &ends {
            let mut at = end + 1;
            crossings += seen;
            while at > 0 {
                crossings -= sums[at];
                at &= at - 1;
            }
        }
        for end in &ends {
            let mut at = end + 1;
            while at <= next {
                sums[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
        seen += ends.len();
    }
    crossings
}

/// A first order: as a depth-first search meets the vertices, so that what hangs together stays together.
fn depth_first(graph: &mut Layered, from_the_end: bool) {
    let vertices = graph.layer.len();
    let last = graph.layers.len();
    let mut starts: Vec<usize> = (0..vertices).collect();
    starts.sort_by_key(|&v| if from_the_end { last - graph.layer[v] } else { graph.layer[v] });
    let mut seen = vec![false; vertices];
    let mut layers = vec![vec![]; last];
    for start in starts {
        let mut stack = vec![start];
        while let Some(vertex) = stack.pop() {
            if std::mem::replace(&mut seen[vertex], true) {
                continue;
            }
            layers[graph.layer[vertex]].push(vertex);
            let lists = [&graph.beside[vertex], &graph.before[vertex], &graph.after[vertex]];
            stack.extend(lists.into_iter().flatten().rev().copied().filter(|&w| !seen[w]));
        }
    }
    graph.layers = layers;
    graph.number();
}

fn sweep(graph: &mut Layered, best: &mut ((usize, usize), Vec<Vec<usize>>)) {
    let large = graph.layer.len() > LARGE;
    let rounds = if large { ROUNDS / 3 } else { ROUNDS };
    let keep = |graph: &Layered, best: &mut ((usize, usize), Vec<Vec<usize>>)| {
        let found = cost(graph);
        if found < best.0 {
            *best = (found, graph.layers.clone());
        }
    };
    for round in 0..rounds {
        let count = graph.layers.len();
        for step in 1..count {
            match round % 2 {
                0 => arrange(graph, step, true, round % 4 < 2),
                _ => arrange(graph, count - 1 - step, false, round % 4 < 2),
            }
        }
        keep(graph, best);
        let mut before_exchange = graph.clone();
        exchange(&mut before_exchange, if large { 1 } else { 8 });
        keep(&before_exchange, best);
        if round % 4 == 3 {
            *graph = before_exchange;
        }
    }
}

/// Sorts a layer by the middle of each vertex's neighbours in the layer before (or after); vertices
/// without any keep their places.
fn arrange(graph: &mut Layered, layer: usize, before: bool, by_median: bool) {
    let neighbours = if before { &graph.before } else { &graph.after };
    let middle = |&vertex: &usize| {
        let mut places: Vec<usize> = neighbours[vertex].iter().map(|&w| graph.place[w]).collect();
        places.sort_unstable();
        let count = places.len();
        match count {
            0 => None,
            _ if by_median => Some((places[(count - 1) / 2] + places[count / 2]) as f64 / 2.0),
            _ => Some(places.iter().sum::<usize>() as f64 / count as f64),
        }
    };
    let mut movable: Vec<(f64, usize)> =
        graph.layers[layer].iter().filter_map(|v| middle(v).map(|key| (key, *v))).collect();
    movable.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut movable = movable.into_iter().map(|(_, vertex)| vertex);
    let fixed: Vec<bool> = graph.layers[layer].iter().map(|&v| neighbours[v].is_empty()).collect();
    for (slot, fixed) in fixed.into_iter().enumerate() {
        if !fixed && let Some(vertex) = movable.next() {
            graph.layers[layer][slot] = vertex;
        }
    }
    for (place, &vertex) in graph.layers[layer].iter().enumerate() {
        graph.place[vertex] = place;
    }
}

/// Exchanges neighbours in a layer while that removes crossings, or draws the ends of edges within the
/// layer together without a new crossing.
fn exchange(graph: &mut Layered, passes: usize) {
    for _ in 0..passes {
        let mut better = false;
        for layer in 0..graph.layers.len() {
            for slot in 1..graph.layers[layer].len() {
                let (v, w) = (graph.layers[layer][slot - 1], graph.layers[layer][slot]);
                let (now, then) = (crossings_of(graph, v, w), crossings_of(graph, w, v));
                if then < now || then == now && pull(graph, v) > pull(graph, w) {
                    graph.layers[layer].swap(slot - 1, slot);
                    (graph.place[v], graph.place[w]) = (slot, slot - 1);
                    better = true;
                }
            }
        }
        if !better {
            return;
        }
    }
}

/// The crossings of the edges of two vertices of a layer, `v` right before `w`.
fn crossings_of(graph: &Layered, v: usize, w: usize) -> usize {
    let side = |list: &[Vec<usize>]| {
        let places = |vertex: usize| {
            let mut places: Vec<usize> = list[vertex].iter().map(|&x| graph.place[x]).collect();
            places.sort_unstable();
            places
        };
        if list[v].is_empty() || list[w].is_empty() {
            return 0;
        }
        let (of_v, of_w) = (places(v), places(w));
        of_v.iter().map(|a| of_w.partition_point(|b| b < a)).sum()
    };
    side(&graph.before) + side(&graph.after)
}

/// How strongly edges within the layer pull the vertex backwards (negative) or forwards.
fn pull(graph: &Layered, vertex: usize) -> isize {
    graph.beside[vertex].iter().map(|&w| if graph.place[w] > graph.place[vertex] { 1 } else { -1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::layout::layered::Link;
    use crate::seed::stream;
    use rand::Rng;

    fn random(rng: &mut impl Rng) -> Layered {
        let nodes = rng.random_range(2..=14);
        let layer: Vec<usize> = (0..nodes).map(|_| rng.random_range(0..4)).collect();
        let mut links = vec![];
        for from in 0..nodes {
            for to in 0..nodes {
                let hidden = rng.random_bool(0.3);
                if from < to && rng.random_bool(0.3) && (hidden || layer[from] != layer[to]) {
                    links.push(Link { from, to, hidden });
                }
            }
        }
        Layered::new(nodes, layer, &links)
    }

    fn by_pairs(graph: &Layered) -> usize {
        let mut edges = vec![];
        for v in 0..graph.layer.len() {
            edges.extend(graph.after[v].iter().map(|&w| (graph.layer[v], graph.place[v], graph.place[w])));
        }
        let cross = |a: &(usize, usize, usize), b: &(usize, usize, usize)| a.0 == b.0 && a.1 < b.1 && a.2 > b.2;
        edges.iter().map(|a| edges.iter().filter(|b| cross(a, b)).count()).sum()
    }

    #[test]
    fn crossings_are_those_of_all_pairs_and_ordering_never_adds_any() {
        let mut rng = stream(2, "order");
        let mut removed = 0;
        for _ in 0..400 {
            let mut graph = random(&mut rng);
            let before = crossings(&graph);
            assert_eq!(before, by_pairs(&graph));
            let mut sorted = graph.layers.clone();
            order(&mut graph);
            assert_eq!(crossings(&graph), by_pairs(&graph));
            assert!(crossings(&graph) <= before);
            removed += before - crossings(&graph);
            let mut after = graph.layers.clone();
            after.iter_mut().chain(&mut sorted).for_each(|layer| layer.sort_unstable());
            assert_eq!(after, sorted, "every layer keeps its vertices");
        }
        assert!(removed > 400, "{removed}");
    }

    #[test]
    fn a_tree_is_drawn_without_crossings() {
        let mut rng = stream(3, "order");
        for _ in 0..50 {
            let nodes = 40;
            let mut layer = vec![0; nodes];
            let mut links = vec![];
            for to in 1..nodes {
                let from = rng.random_range(0..to);
                layer[to] = layer[from] + 1;
                links.push(Link { from, to, hidden: false });
            }
            let mut graph = Layered::new(nodes, layer, &links);
            order(&mut graph);
            assert_eq!(crossings(&graph), 0);
        }
    }
}
