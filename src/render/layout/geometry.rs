//! Points, node outlines and curves.

use std::ops::{Add, Mul, Sub};

/// A place or a direction, in pixels; y runs downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

/// The point `(x, y)`.
pub(super) fn at(x: f64, y: f64) -> Point {
    Point { x, y }
}

impl Point {
    pub(in crate::render) fn length(self) -> f64 {
        self.x.hypot(self.y)
    }

    /// Turned by a quarter.
    pub(in crate::render) fn normal(self) -> Self {
        at(-self.y, self.x)
    }

    pub(super) fn transposed(self) -> Self {
        at(self.y, self.x)
    }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        at(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        at(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f64> for Point {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        at(self.x * factor, self.y * factor)
    }
}

/// A node's outline: a rectangle with round corners.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Frame {
    /// Its middle.
    pub center: Point,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// The radius of its corners.
    pub radius: f64,
}

impl Frame {
    /// How far `point` is outside; negative inside.
    pub fn distance(&self, point: Point) -> f64 {
        let p = point - self.center;
        let x = p.x.abs() - self.width / 2.0 + self.radius;
        let y = p.y.abs() - self.height / 2.0 + self.radius;
        at(x.max(0.0), y.max(0.0)).length() + x.max(y).min(0.0) - self.radius
    }

    /// The corners of its box, clockwise.
    pub(super) fn corners(&self) -> [Point; 4] {
        let (w, h) = (self.width / 2.0, self.height / 2.0);
        [at(-w, -h), at(w, -h), at(w, h), at(-w, h)].map(|corner| self.center + corner)
    }

    /// The left, top, right and bottom border.
    pub fn borders(&self) -> [f64; 4] {
        let (w, h) = (self.width / 2.0, self.height / 2.0);
        [self.center.x - w, self.center.y - h, self.center.x + w, self.center.y + h]
    }
}

/// A smooth curve: a point, then three for each cubic Bézier piece.
pub type Curve = Vec<Point>;

/// The curve along straight lines between `points`.
pub(super) fn polyline(points: &[Point]) -> Curve {
    let mut curve = vec![points[0]];
    for pair in points.windows(2) {
        let third = (pair[1] - pair[0]) * (1.0 / 3.0);
        curve.extend([pair[0] + third, pair[1] - third, pair[1]]);
    }
    curve
}

/// The curve from `from` to `to` that bends by `bend` to the side of their normal.
pub(super) fn arc(from: Point, to: Point, bend: f64) -> Curve {
    let along = to - from;
    let side = along.normal() * (bend / along.length().max(1e-9) * 4.0 / 3.0);
    vec![from, from + along * 0.28 + side, to - along * 0.28 + side, to]
}

/// A smooth curve through `points` (centripetal tangents as in Catmull & Rom 1974).
pub(super) fn through(points: &[Point]) -> Curve {
    let last = points.len() - 1;
    let tangent = |i: usize| {
        if i == 0 || i == last {
            return Point::default();
        }
        let (before, after) = (points[i] - points[i - 1], points[i + 1] - points[i]);
        let (a, b) = (before.length().max(1e-9), after.length().max(1e-9));
        // The direction of the circle through the three points.
        (before * (b / a) + after * (a / b)) * (1.0 / (a + b))
    };
    let mut curve = vec![points[0]];
    for i in 0..last {
        let (from, to) = (points[i], points[i + 1]);
        let length = (to - from).length() / 3.0;
        let (mut leave, mut enter) = (from + tangent(i) * length, to - tangent(i + 1) * length);
        if i == 0 {
            leave = from + (enter - from) * 0.5;
        }
        if i + 1 == last {
            enter = to + (leave - to) * 0.5;
        }
        curve.extend([leave, enter, to]);
    }
    curve
}

fn bezier(piece: &[Point], t: f64) -> Point {
    let s = 1.0 - t;
    piece[0] * (s * s * s) + piece[1] * (3.0 * s * s * t) + piece[2] * (3.0 * s * t * t) + piece[3] * (t * t * t)
}

/// Points on the curve, at most about `step` pixels apart.
pub(in crate::render) fn samples(curve: &[Point], step: f64) -> Vec<Point> {
    walk(curve, step).collect()
}

/// [`samples`], one after the other.
pub(super) fn walk(curve: &[Point], step: f64) -> impl Iterator<Item = Point> {
    let pieces = (0..curve.len() - 1).step_by(3).map(|start| &curve[start..start + 4]);
    let points = pieces.flat_map(move |piece| {
        let length: f64 = piece.windows(2).map(|w| (w[1] - w[0]).length()).sum();
        let count = (length / step).ceil().clamp(1.0, 4000.0) as usize;
        (1..=count).map(move |i| bezier(piece, i as f64 / count as f64))
    });
    std::iter::once(curve[0]).chain(points)
}

/// The length of the curve.
pub(super) fn length(curve: &[Point]) -> f64 {
    samples(curve, 4.0).windows(2).map(|w| (w[1] - w[0]).length()).sum()
}

pub(super) fn reversed(mut curve: Curve) -> Curve {
    curve.reverse();
    curve
}

/// The curve without what lies inside or nearer than `gap` to the node it starts from.
pub(super) fn leave(curve: Curve, from: &Frame, gap: f64) -> Curve {
    const STEPS: usize = 64;
    let outside = |piece: &[Point], t: f64| from.distance(bezier(piece, t)) > gap;
    for start in (0..curve.len() - 1).step_by(3) {
        let piece = &curve[start..start + 4];
        let Some(first) = (1..=STEPS).find(|&i| outside(piece, i as f64 / STEPS as f64)) else { continue };
        let (mut low, mut high) = ((first - 1) as f64 / STEPS as f64, first as f64 / STEPS as f64);
        for _ in 0..24 {
            let middle = (low + high) / 2.0;
            if outside(piece, middle) { high = middle } else { low = middle }
        }
        let mut rest = after(piece, high);
        rest.extend(&curve[start + 4..]);
        return rest;
    }
    curve
}

/// The part of a Bézier piece after `t` (de Casteljau).
fn after(piece: &[Point], t: f64) -> Curve {
    let between = |a: Point, b: Point| a * (1.0 - t) + b * t;
    let (p01, p12, p23) = (between(piece[0], piece[1]), between(piece[1], piece[2]), between(piece[2], piece[3]));
    let (p012, p123) = (between(p01, p12), between(p12, p23));
    vec![between(p012, p123), p123, p23, piece[3]]
}

/// The convex hull, counter-clockwise in a frame whose y runs upwards (Andrew 1979).
pub(super) fn hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let turns_left = |a: Point, b: Point, c: Point| (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x) > 1e-9;
    let half = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = vec![];
        for point in points {
            while chain.len() >= 2 && !turns_left(chain[chain.len() - 2], chain[chain.len() - 1], point) {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut all = half(&mut points.iter().copied());
    all.extend(half(&mut points.iter().rev().copied()));
    all
}
