//! What holds for every layout.

use super::geometry::{at, samples};
use super::*;
use crate::causal::random_admg;
use crate::render::Group;
use crate::seed::stream;
use rand::Rng;

fn node(name: &str) -> Node {
    Node { name: name.to_owned(), latent: false, domain: None, about: String::new() }
}

fn drawing(nodes: usize, directed: &[(usize, usize)], hidden: &[(usize, usize)]) -> Drawing {
    let edge = |hidden: bool| move |&(from, to): &(usize, usize)| Edge { from, to, hidden, span: None };
    let mut edges: Vec<Edge> = directed.iter().map(edge(false)).collect();
    edges.extend(hidden.iter().map(edge(true)));
    let name = |v: usize| "variable".chars().cycle().take(1 + v * 7 % 11).collect::<String>();
    Drawing { nodes: (0..nodes).map(|v| node(&name(v))).collect(), edges, ..Drawing::default() }
}

/// A random graph, with groups of random nodes.
fn random(rng: &mut impl Rng, nodes: usize, directed: f64, hidden: f64) -> Drawing {
    let graph = random_admg(rng, nodes, directed, hidden);
    let mut causes = vec![];
    let mut confounded = vec![];
    for v in 0..nodes {
        causes.extend(graph.children(v).iter().map(|&w| (v, w)));
        confounded.extend(graph.spouses(v).iter().filter(|&&w| w > v).map(|&w| (v, w)));
    }
    let mut drawing = drawing(nodes, &causes, &confounded);
    for name in ["H1", "H2", "H3"] {
        let members: Vec<usize> = (0..nodes).filter(|_| rng.random_bool(0.25)).collect();
        drawing.groups.push(Group { name: name.to_owned(), members, about: String::new() });
    }
    drawing
}

fn drawings() -> Vec<Drawing> {
    let mut rng = stream(1, "layout");
    (0..120)
        .map(|_| {
            let nodes = rng.random_range(1..=14);
            let (directed, hidden) = (rng.random_range(0.0..0.5), rng.random_range(0.0..0.25));
            random(&mut rng, nodes, directed, hidden)
        })
        .collect()
}

fn overlap(a: &Frame, b: &Frame) -> bool {
    let gap = (a.center - b.center) * 2.0;
    gap.x.abs() < a.width + b.width && gap.y.abs() < a.height + b.height
}

#[test]
fn causes_go_forward_and_nodes_keep_apart_within_the_picture() {
    for drawing in drawings() {
        for direction in [Direction::Right, Direction::Down] {
            let layout = layout(&drawing, direction);
            for edge in drawing.edges.iter().filter(|e| !e.hidden) {
                let along = layout.nodes[edge.to].center - layout.nodes[edge.from].center;
                assert!(if direction == Direction::Right { along.x > 0.0 } else { along.y > 0.0 });
            }
            for (v, frame) in layout.nodes.iter().enumerate() {
                assert!(layout.nodes[..v].iter().all(|other| !overlap(frame, other)));
                let [left, top, right, bottom] = frame.borders();
                assert!(left >= 0.0 && top >= 0.0 && right <= layout.width && bottom <= layout.height);
            }
            assert_eq!(layout, super::layout(&drawing, direction));
        }
    }
}

#[test]
fn edges_run_from_border_to_border_and_past_foreign_nodes() {
    let (mut edges, mut through_nodes) = ([0, 0], [0, 0]);
    for drawing in drawings() {
        let layout = layout(&drawing, Direction::Right);
        for (edge, curve) in drawing.edges.iter().zip(&layout.edges) {
            let (first, last) = (curve[0], curve[curve.len() - 1]);
            assert!((layout.nodes[edge.from].distance(first) - TIP_GAP).abs() < 0.1);
            assert!((layout.nodes[edge.to].distance(last) - TIP_GAP).abs() < 0.1);
            let foreign = |v: &usize| *v != edge.from && *v != edge.to;
            let points = samples(curve, 2.0);
            let hit = (0..drawing.nodes.len())
                .filter(foreign)
                .any(|v| points.iter().any(|p| layout.nodes[v].distance(*p) < 0.0));
            edges[usize::from(edge.hidden)] += 1;
            through_nodes[usize::from(edge.hidden)] += usize::from(hit);
        }
    }
    println!("{edges:?} edges (directed, hidden), through foreign nodes: {through_nodes:?}");
    assert_eq!(through_nodes[0], 0, "no directed edge of {} crosses a node", edges[0]);
    assert!(through_nodes[1] * 100 <= edges[1], "{through_nodes:?} of {edges:?}");
}

/// How far a shape reaches beyond a point: positive inside.
fn depth(shade: &Shade, point: Point) -> f64 {
    let near = |points: Vec<Point>| points.iter().map(|p| (*p - point).length()).fold(f64::MAX, f64::min);
    let inside = |area: &[Point]| {
        let crosses = |i: usize| {
            let (a, b) = (area[i], area[(i + 1) % area.len()]);
            (a.y > point.y) != (b.y > point.y) && point.x < (b.x - a.x) * (point.y - a.y) / (b.y - a.y) + a.x
        };
        (0..area.len()).filter(|&i| crosses(i)).count() % 2 == 1
    };
    let area = |area: &Vec<Point>| {
        let mut ring = area.clone();
        ring.push(area[0]);
        if inside(area) { f64::MAX } else { PAD - near(samples(&geometry::polyline(&ring), 1.0)) }
    };
    let bands = shade.bands.iter().map(|band| BAND - near(samples(band, 1.0)));
    shade.areas.iter().map(area).chain(bands).fold(f64::MIN, f64::max)
}

#[test]
fn the_shape_of_a_group_holds_its_members_and_touches_no_other_node() {
    let mut shapes = [0, 0];
    for drawing in drawings() {
        let layout = layout(&drawing, Direction::Right);
        for (group, shade) in drawing.groups.iter().zip(&layout.groups) {
            shapes[usize::from(shade.areas.len() == 1)] += 1;
            for (v, frame) in layout.nodes.iter().enumerate() {
                let [left, top, right, bottom] = frame.borders();
                let steps = |low: f64, high: f64| (0..=8).map(move |i| low + (high - low) * f64::from(i) / 8.0);
                let points: Vec<Point> = steps(left, right)
                    .flat_map(|x| steps(top, bottom).map(move |y| at(x, y)))
                    .filter(|p| frame.distance(*p) <= 0.0)
                    .collect();
                let member = group.members.contains(&v);
                assert!(points.iter().all(|p| (depth(shade, *p) > 0.0) == member), "{group:?} and {v}");
            }
        }
    }
    assert!(shapes.iter().all(|count| *count > 50), "hulls and joined shapes are both met: {shapes:?}");
}

#[test]
fn a_chain_is_straight_and_its_confounder_bends_around_it() {
    let layout = layout(&drawing(3, &[(0, 1), (1, 2)], &[(0, 2)]), Direction::Right);
    let y: Vec<f64> = layout.nodes.iter().map(|frame| frame.center.y).collect();
    assert!(y[0] == y[1] && y[1] == y[2], "{y:?}");
    let highest = samples(&layout.edges[2], 2.0).iter().map(|p| p.y).fold(f64::MAX, f64::min);
    assert!(highest < y[1] - 18.0 - BAND, "the arc passes above the middle node");
}

#[test]
fn cycles_and_large_graphs_are_drawn() {
    let circle = drawing(3, &[(0, 1), (1, 2), (2, 0), (1, 0)], &[]);
    assert!(layout(&circle, Direction::Right).edges.iter().all(|curve| curve.len() >= 4));
    assert_eq!(layout(&Drawing::default(), Direction::Right).nodes, []);

    let mut rng = stream(2, "layout");
    let nodes = 2_000;
    let mut directed = std::collections::BTreeSet::new();
    while directed.len() < 6_000 {
        let (a, b) = (rng.random_range(0..nodes), rng.random_range(0..nodes));
        if a != b {
            directed.insert((a.min(b), a.max(b)));
        }
    }
    let hidden: Vec<(usize, usize)> = (0..nodes / 4).map(|v| (v, nodes - 1 - v)).collect();
    let large = drawing(nodes, &directed.into_iter().collect::<Vec<_>>(), &hidden);
    let start = std::time::Instant::now();
    let found = layout(&large, Direction::Right);
    println!("2,000 nodes and 6,500 edges: {:?}", start.elapsed());
    assert!(found.width.is_finite() && found.height.is_finite());

    let mut path: Vec<(usize, usize)> = (1..3_000).map(|v| (v - 1, v)).collect();
    path.extend((0..2_000).map(|v| (v, 2_999 - v / 3)));
    let found = layout(&drawing(3_000, &path, &[]), Direction::Right);
    assert!(found.width.is_finite() && found.edges.iter().all(|curve| curve.len() >= 4));
}
