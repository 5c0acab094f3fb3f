//! Coordinates within layers: edges short and long edges straight (Gansner et al. 1993, section 4).

use super::layered::Layered;
use super::simplex::{Span, shortest};

/// Space between two nodes of a layer.
const NODE_GAP: f64 = 30.0;
/// Space between an edge and a node.
const EDGE_GAP: f64 = 20.0;
/// Space between two edges.
const LINE_GAP: f64 = 12.0;
/// Graphs of more vertices get sweeps instead of the optimum.
const MOST_EXACT: usize = 1_500;
/// Sweeps over the layers of large graphs.
const SWEEPS: usize = 16;

/// The middle of each vertex within its layer; `sizes` are those of the nodes in that direction.
pub(super) fn coordinates(graph: &Layered, sizes: &[f64]) -> Vec<f64> {
    let packed = packed(graph, sizes);
    if graph.layer.len() > MOST_EXACT {
        return swept(graph, sizes, packed);
    }
    // The optimum is rarely unique: halfway between that of the graph and of its mirror image is one, too.
    let mut mirrored = graph.clone();
    mirrored.layers.iter_mut().for_each(|layer| layer.reverse());
    mirrored.number();
    let there = optimum(graph, sizes, &packed);
    let back = optimum(&mirrored, sizes, &self::packed(&mirrored, sizes));
    let width = |found: &[f64]| found.iter().copied().fold(0.0, f64::max);
    // The two drawings lie on each other where their sums of distances are least: at a median difference.
    let mut shifts: Vec<f64> = (0..graph.nodes).map(|v| there[v] + back[v]).collect();
    shifts.sort_by(f64::total_cmp);
    let shift = shifts.get(shifts.len() / 2).copied().unwrap_or_else(|| width(&there));
    there.iter().zip(&back).map(|(a, b)| (a + shift - b) / 2.0).collect()
}

/// The least distance of two neighbours in a layer.
fn distance(graph: &Layered, sizes: &[f64], a: usize, b: usize) -> f64 {
    let half = |v: usize| sizes.get(v).map_or(0.0, |size| size / 2.0);
    let gap = match (graph.is_virtual(a), graph.is_virtual(b)) {
        (false, false) => NODE_GAP,
        (true, true) => LINE_GAP,
        _ => EDGE_GAP,
    };
    (half(a) + half(b) + gap).ceil()
}

/// Every layer as close together as allowed.
fn packed(graph: &Layered, sizes: &[f64]) -> Vec<f64> {
    let mut found = vec![0.0; graph.layer.len()];
    for pair in graph.layers.iter().flat_map(|layer| layer.windows(2)) {
        found[pair[1]] = found[pair[0]] + distance(graph, sizes, pair[0], pair[1]);
    }
    found
}

/// What a pixel costs a segment: long edges are straight before anything else.
fn weight(graph: &Layered, hidden: bool, a: usize, b: usize) -> i64 {
    let straight = match (graph.is_virtual(a), graph.is_virtual(b)) {
        (false, false) => 2,
        (true, true) => 8,
        _ => 2,
    };
    if hidden { straight.max(2) / 2 } else { straight * 2 }
}

fn segments(graph: &Layered) -> impl Iterator<Item = (usize, usize, i64)> {
    let segments = graph.chains.iter().zip(&graph.hidden);
    let segments = segments.flat_map(|(chain, &hidden)| chain.windows(2).map(move |pair| (pair[0], pair[1], hidden)));
    segments.map(|(a, b, hidden)| (a, b, weight(graph, hidden, a, b)))
}

fn optimum(graph: &Layered, sizes: &[f64], start: &[f64]) -> Vec<f64> {
    let mut spans = vec![];
    let mut start: Vec<i64> = start.iter().map(|p| *p as i64).collect();
    for pair in graph.layers.iter().flat_map(|layer| layer.windows(2)) {
        let length = distance(graph, sizes, pair[0], pair[1]) as i64;
        spans.push(Span { tail: pair[0], head: pair[1], length, weight: 0 });
    }
    for (a, b, weight) in segments(graph) {
        let tail = start.len();
        spans.extend([a, b].map(|head| Span { tail, head, length: 0, weight }));
        start.push(start[a].min(start[b]));
    }
    let found = shortest(&spans, start);
    found[..graph.layer.len()].iter().map(|p| *p as f64).collect()
}

/// Moves each layer as near to its neighbours as its order allows, forwards and backwards in turn.
fn swept(graph: &Layered, sizes: &[f64], mut found: Vec<f64>) -> Vec<f64> {
    let mut neighbours = vec![vec![]; graph.layer.len()];
    for (a, b, weight) in segments(graph) {
        neighbours[a].push((b, weight as f64));
        neighbours[b].push((a, weight as f64));
    }
    let count = graph.layers.len();
    for sweep in 0..SWEEPS {
        for step in 0..count {
            let layer = if sweep % 2 == 0 { step } else { count - 1 - step };
            // The last sweeps look both ways.
            let seen = |other: usize| {
                let there = graph.layer[other];
                sweep + 4 >= SWEEPS || (if sweep % 2 == 0 { there < layer } else { there > layer })
            };
            let wish = |v: usize| {
                let looked = neighbours[v].iter().filter(|(w, _)| seen(*w));
                let (sum, weights) =
                    looked.fold((0.0, 0.0), |(s, n), (w, weight)| (s + found[*w] * weight, n + weight));
                if weights > 0.0 { (sum / weights, weights) } else { (found[v], 0.1) }
            };
            let wishes: Vec<(f64, f64)> = graph.layers[layer].iter().map(|&v| wish(v)).collect();
            for (&vertex, place) in graph.layers[layer].iter().zip(apart(graph, sizes, layer, &wishes)) {
                found[vertex] = place;
            }
        }
    }
    let least = found.iter().copied().fold(f64::MAX, f64::min);
    found.iter().map(|p| p - least).collect()
}

/// The places nearest to the wishes (weighted squares) that keep order and distance: isotonic regression by
/// pooling neighbours (Barlow, Bartholomew, Bremner & Brunk 1972).
fn apart(graph: &Layered, sizes: &[f64], layer: usize, wishes: &[(f64, f64)]) -> Vec<f64> {
    let vertices = &graph.layers[layer];
    let mut offsets = vec![0.0; vertices.len()];
    for at in 1..vertices.len() {
        offsets[at] = offsets[at - 1] + distance(graph, sizes, vertices[at - 1], vertices[at]);
    }
    let mut pools: Vec<(f64, f64, usize)> = vec![];
    for (at, &(wish, weight)) in wishes.iter().enumerate() {
        let mut pool = (wish - offsets[at], weight, 1);
        while let Some(&(value, weight, members)) = pools.last().filter(|last| last.0 > pool.0) {
            let sum = weight + pool.1;
            pool = ((value * weight + pool.0 * pool.1) / sum, sum, members + pool.2);
            pools.pop();
        }
        pools.push(pool);
    }
    let values = pools.iter().flat_map(|&(value, _, members)| std::iter::repeat_n(value, members));
    values.zip(&offsets).map(|(value, offset)| value + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::layout::layered::Link;

    #[test]
    fn neighbours_keep_their_distance_with_either_method_and_a_fan_is_symmetric() {
        let links: Vec<Link> = (1..4).map(|to| Link { from: 0, to, hidden: false }).collect();
        let graph = Layered::new(4, vec![0, 1, 1, 1], &links);
        let sizes = [36.0; 4];
        for found in [coordinates(&graph, &sizes), swept(&graph, &sizes, packed(&graph, &sizes))] {
            assert!((found[0] - found[2]).abs() < 1.0, "{found:?}");
            assert_eq!((found[2] - found[1], found[3] - found[2]), (66.0, 66.0));
        }
        let two = Layered::new(3, vec![0, 1, 1], &links[..2]);
        let found = coordinates(&two, &sizes);
        assert_eq!(found[0] * 2.0, found[1] + found[2], "{found:?}");
    }
}
