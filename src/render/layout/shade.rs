//! The shapes behind groups. A shape never touches a node that is not a member: where the hull of the members
//! would, the members are shaded one by one and joined along the edges between them.

use super::geometry::{Curve, Frame, Point, hull, length, polyline, samples};
use crate::render::{Edge, Group};

/// How far a shape reaches beyond its members.
pub const PAD: f64 = 11.0;
/// The least space between a shape and a foreign node.
const SPACE: f64 = 3.0;
/// Half the width of a band between members.
pub const BAND: f64 = 9.0;
/// In larger groups no hull is tried and bands follow edges only.
const MOST_PAIRS: usize = 60;

/// The shape of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shade {
    /// Closed outlines, drawn with rounded corners [`PAD`] pixels beyond them.
    pub areas: Vec<Vec<Point>>,
    /// Bands that join the areas, [`BAND`] pixels to each side.
    pub bands: Vec<Curve>,
    /// Where its name begins.
    pub label: Point,
}

/// The shapes of all groups.
pub(super) fn shades(frames: &[Frame], edges: &[Edge], routes: &[Curve], groups: &[Group]) -> Vec<Shade> {
    let mut inside: Vec<Vec<usize>> = vec![vec![]; groups.len()];
    let mut owners: Vec<Vec<usize>> = vec![vec![]; frames.len()];
    for (number, group) in groups.iter().enumerate() {
        group.members.iter().for_each(|&v| owners[v].push(number));
    }
    for (number, edge) in edges.iter().enumerate() {
        for &owner in owners[edge.from].iter().filter(|o| owners[edge.to].contains(o)) {
            inside[owner].push(number);
        }
    }
    let shade = |(group, inside): (&Group, &Vec<usize>)| shade(frames, &group.members, edges, routes, inside);
    groups.iter().zip(&inside).map(shade).collect()
}

fn shade(frames: &[Frame], members: &[usize], edges: &[Edge], routes: &[Curve], inside: &[usize]) -> Shade {
    let Some(&first) = members.iter().min_by(|&&a, &&b| {
        let key = |v: usize| frames[v].borders();
        key(a)[1].total_cmp(&key(b)[1]).then(key(a)[0].total_cmp(&key(b)[0]))
    }) else {
        return Shade::default();
    };
    let [left, top, ..] = frames[first].borders();
    let mut shade = Shade { label: Point { x: left - 3.0, y: top - 2.0 }, ..Shade::default() };
    let foreign: Vec<&Frame> = (0..frames.len()).filter(|v| !members.contains(v)).map(|v| &frames[v]).collect();
    let whole = hull(members.iter().flat_map(|&v| frames[v].corners()).collect());
    if members.len() <= MOST_PAIRS && !foreign.iter().any(|frame| touches(&whole, frame)) {
        shade.areas.push(whole);
        return shade;
    }
    shade.areas = members.iter().map(|&v| frames[v].corners().to_vec()).collect();
    shade.bands = bands(frames, members, edges, routes, inside, &foreign);
    shade
}

/// Whether the rounded shape around a convex outline comes near a node.
fn touches(outline: &[Point], frame: &Frame) -> bool {
    let reach = PAD + SPACE;
    let [left, top, right, bottom] = frame.borders();
    let beyond = |coordinate: fn(&Point) -> f64, low: f64, high: f64| {
        outline.iter().all(|p| coordinate(p) < low - reach) || outline.iter().all(|p| coordinate(p) > high + reach)
    };
    if beyond(|p| p.x, left, right) || beyond(|p| p.y, top, bottom) {
        return false;
    }
    let mut ring = outline.to_vec();
    ring.push(outline[0]);
    contains(outline, frame.center) || samples(&polyline(&ring), 3.0).into_iter().any(|p| frame.distance(p) < reach)
}

/// Whether a point is within a convex outline.
fn contains(outline: &[Point], point: Point) -> bool {
    let side = |at: usize| {
        let (a, b) = (outline[at], outline[(at + 1) % outline.len()]);
        (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x)
    };
    (0..outline.len()).all(|i| side(i) >= 0.0) || (0..outline.len()).all(|i| side(i) <= 0.0)
}

/// The shortest bands that join the members without touching a foreign node: straight ones, or along edges.
fn bands(
    frames: &[Frame],
    members: &[usize],
    edges: &[Edge],
    routes: &[Curve],
    inside: &[usize],
    foreign: &[&Frame],
) -> Vec<Curve> {
    let mut choices: Vec<(f64, usize, usize, Curve)> = vec![];
    if members.len() <= MOST_PAIRS {
        for (at, &a) in members.iter().enumerate() {
            for &b in &members[at + 1..] {
                let line = polyline(&[frames[a].center, frames[b].center]);
                choices.push((length(&line), a, b, line));
            }
        }
    }
    for &number in inside {
        let Edge { from, to, hidden, .. } = edges[number];
        let route = routes[number].clone();
        // Hidden edges make c-components, so they come before longer detours.
        choices.push((length(&route) * if hidden { 1.0 } else { 1.3 } + 40.0, from, to, route));
    }
    choices.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut part: Vec<usize> = (0..frames.len()).collect();
    let mut bands = vec![];
    for (_, a, b, curve) in choices {
        let clear = |points: &[Point]| {
            points.iter().all(|p| foreign.iter().all(|frame| frame.distance(*p) >= BAND + SPACE))
        };
        let (of_a, of_b) = (part[a], part[b]);
        if of_a != of_b && clear(&samples(&curve, 3.0)) {
            part.iter_mut().filter(|p| **p == of_b).for_each(|p| *p = of_a);
            bands.push(curve);
        }
    }
    bands
}
