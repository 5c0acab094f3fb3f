//! The shapes behind groups. A shape never touches a node that is not a member: where the hull of the members
//! would, the members are shaded one by one and joined along the edges between them.

use super::geometry::{Curve, Frame, Point, hull, length, polyline, samples};
use crate::render::{Edge, Group};
use std::collections::BTreeMap;

/// How far a shape reaches beyond its members.
pub const PAD: f64 = 11.0;
/// The least space between a shape and a foreign node.
const SPACE: f64 = 3.0;
/// Half the width of a band between members.
pub const BAND: f64 = 9.0;
/// Members as near as this are joined straight rather than along their hidden edge.
const NEAR: f64 = 110.0;
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
    let ends = |edge: &Edge| edge.from == first || edge.to == first;
    let touching = edges.iter().zip(routes).filter(|(edge, _)| ends(edge)).map(|(_, route)| route);
    let label = label(&frames[first], touching.flat_map(|route| samples(route, 3.0)).collect());
    let mut shade = Shade { label, ..Shade::default() };
    let foreign: Vec<&Frame> = (0..frames.len()).filter(|v| !members.contains(v)).map(|v| &frames[v]).collect();
    let whole = hull(members.iter().flat_map(|&v| frames[v].corners()).collect());
    if members.len() <= MOST_PAIRS && !foreign.iter().any(|frame| touches(&whole, frame)) {
        shade.areas.push(whole);
        return shade;
    }
    join(&mut shade, frames, members, choices(frames, members, edges, routes, inside), &foreign);
    shade
}

/// Where the name of a group begins: at the corner of its first member that edges leave most room at.
fn label(frame: &Frame, edges: Vec<Point>) -> Point {
    /// The width and the height of a short name.
    const SIZE: (f64, f64) = (18.0, 11.0);
    let [left, top, right, bottom] = frame.borders();
    let corners = [(left - 3.0, top - 2.0), (right + 3.0 - SIZE.0, top - 2.0), (left - 3.0, bottom + SIZE.1 - 2.0)];
    let met = |&(x, y): &(f64, f64)| {
        let covers = |p: &&Point| p.x > x - 2.0 && p.x < x + SIZE.0 && p.y > y - SIZE.1 && p.y < y + 2.0;
        edges.iter().filter(covers).count()
    };
    let (x, y) = corners.into_iter().min_by_key(met).unwrap_or(corners[0]);
    Point { x, y }
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

/// A way to join two members.
struct Choice {
    cost: f64,
    a: usize,
    b: usize,
    curve: Curve,
    straight: bool,
}

/// The ways to join members, cheapest first: straight ones, and along edges.
fn choices(frames: &[Frame], members: &[usize], edges: &[Edge], routes: &[Curve], inside: &[usize]) -> Vec<Choice> {
    let mut choices = vec![];
    if members.len() <= MOST_PAIRS {
        for (at, &a) in members.iter().enumerate() {
            for &b in &members[at + 1..] {
                let curve = polyline(&[frames[a].center, frames[b].center]);
                let straight = length(&curve);
                let cost = if straight < NEAR { straight * 0.8 } else { straight };
                choices.push(Choice { cost, a, b, curve, straight: true });
            }
        }
    }
    for &number in inside {
        let Edge { from: a, to: b, hidden, .. } = edges[number];
        let curve = routes[number].clone();
        // Hidden edges make c-components; a band along a cause would say something else.
        let cost = length(&curve) * if hidden { 0.85 } else { 1.5 };
        choices.push(Choice { cost, a, b, curve, straight: false });
    }
    choices.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    choices
}

/// Joins the members by the hull of two parts where no foreign node is near it, else by a band where none is
/// near that; what cannot be joined stays apart.
fn join(shade: &mut Shade, frames: &[Frame], members: &[usize], choices: Vec<Choice>, foreign: &[&Frame]) {
    let mut part: BTreeMap<usize, usize> = members.iter().map(|&v| (v, v)).collect();
    let mut areas: BTreeMap<usize, Vec<Vec<Point>>> =
        members.iter().map(|&v| (v, vec![frames[v].corners().to_vec()])).collect();
    let clear = |curve: &Curve| {
        let points = samples(curve, 3.0);
        let reach = |coordinate: fn(&Point) -> f64| {
            points.iter().map(coordinate).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)))
        };
        let (x, y) = (reach(|p| p.x), reach(|p| p.y));
        let beyond =
            |(low, high): (f64, f64), from: f64, to: f64| to + BAND + SPACE < low || from - BAND - SPACE > high;
        foreign.iter().all(|frame| {
            let [left, top, right, bottom] = frame.borders();
            let far = beyond(x, left, right) || beyond(y, top, bottom);
            far || points.iter().all(|p| frame.distance(*p) >= BAND + SPACE)
        })
    };
    for Choice { a, b, curve, straight, .. } in choices {
        let (of_a, of_b) = (part[&a], part[&b]);
        if of_a == of_b {
            continue;
        }
        let both = || hull(areas[&of_a].iter().chain(&areas[&of_b]).flatten().copied().collect());
        let whole = Some(both()).filter(|hull| straight && !foreign.iter().any(|frame| touches(hull, frame)));
        if whole.is_none() && !clear(&curve) {
            continue;
        }
        part.values_mut().filter(|p| **p == of_b).for_each(|p| *p = of_a);
        let mut joined = areas.remove(&of_a).unwrap_or_default();
        joined.extend(areas.remove(&of_b).unwrap_or_default());
        match whole {
            Some(hull) => joined = vec![hull],
            None => shade.bands.push(curve),
        }
        areas.insert(of_a, joined);
    }
    shade.areas = areas.into_values().flatten().collect();
}
