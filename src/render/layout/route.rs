//! The curves of edges. Each edge takes the plainest curve that keeps clear of foreign nodes: a straight
//! line, an arc, a smooth curve through its virtual vertices, or one that keeps to the lanes reserved for it.

use super::geometry::{Curve, Frame, Point, arc, at, polyline, reversed, samples, through, walk};
use super::layered::{Layered, Link};
use super::shade::BAND;
use std::collections::BTreeSet;

/// The least distance of a curve from a foreign node.
const CLEARANCE: f64 = 6.0;
/// The distance that hidden edges keep where they can: the band of their module fits in.
const WIDE_CLEARANCE: f64 = BAND + 6.0;
/// The distance of the points of a curve that are looked at.
const STEP: f64 = 4.0;
/// Curves that hit more than this are equally bad.
const MOST_HITS: usize = 60;
/// How far arcs bend, as parts of the distance of their ends.
const BENDS: [f64; 6] = [0.16, 0.22, 0.3, 0.4, 0.55, 0.75];
/// The bend of two edges that point at each other.
const OPPOSITE: f64 = 12.0;

/// Where the vertices of one connected graph are; layers follow each other along x.
pub(super) struct Place<'a> {
    pub graph: &'a Layered,
    pub frames: &'a [Frame],
    /// The y of each vertex.
    pub y: &'a [f64],
    /// The least and largest x of the nodes of each layer.
    pub extent: &'a [(f64, f64)],
}

/// The curve of each edge from the middle of its first to the middle of its second end.
pub(super) fn routes(place: &Place, links: &[Link]) -> Vec<Curve> {
    let router = Router::new(place);
    let directed: BTreeSet<(usize, usize)> = links.iter().filter(|l| !l.hidden).map(|l| (l.from, l.to)).collect();
    let mut arcs: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut drawn: Vec<Vec<Point>> = vec![];
    let mut curves = vec![vec![]; links.len()];
    // Directed edges first: hidden ones keep away from them.
    let mut order: Vec<usize> = (0..links.len()).collect();
    order.sort_by_key(|&number| links[number].hidden);
    for number in order {
        let Link { from, to, hidden } = links[number];
        let chain = &place.graph.chains[number];
        let curve = match hidden {
            false if directed.contains(&(to, from)) => {
                let bend = if chain[0] == from { OPPOSITE } else { -OPPOSITE };
                router.first_clear(chain, [arc(router.middle(chain[0]), router.middle(chain[chain.len() - 1]), bend)])
            }
            false => router.directed(chain),
            true => {
                let again = !arcs.insert((from.min(to), from.max(to)));
                router.hidden(chain, again, &drawn)
            }
        };
        if links.len() <= MOST_COMPARED {
            drawn.push(samples(&curve, 3.0 * STEP));
        }
        curves[number] = if chain[0] == from { curve } else { reversed(curve) };
    }
    curves
}

/// In larger graphs hidden edges do not look at the other edges.
const MOST_COMPARED: usize = 400;

struct Router<'a> {
    place: &'a Place<'a>,
    /// The nodes of each layer in their order.
    rows: Vec<Vec<usize>>,
    tallest: f64,
}

impl<'a> Router<'a> {
    fn new(place: &'a Place<'a>) -> Self {
        let nodes = |layer: &Vec<usize>| layer.iter().copied().filter(|&v| !place.graph.is_virtual(v)).collect();
        let rows = place.graph.layers.iter().map(nodes).collect();
        let tallest = place.frames.iter().map(|f| f.height).fold(0.0, f64::max);
        Self { place, rows, tallest }
    }

    fn middle(&self, vertex: usize) -> Point {
        let (left, right) = self.place.extent[self.place.graph.layer[vertex]];
        self.place.frames.get(vertex).map_or_else(|| at((left + right) / 2.0, self.place.y[vertex]), |f| f.center)
    }

    fn directed(&self, chain: &[usize]) -> Curve {
        let (from, to) = (self.middle(chain[0]), self.middle(chain[chain.len() - 1]));
        let line = polyline(&[from, to]);
        let lean = self.lean(chain);
        let leaning = [1.0, 0.7, 1.4].map(|part| arc(from, to, lean * part));
        let flat = 0.09 * (to - from).length() * if lean < 0.0 { -1.0 } else { 1.0 };
        let flat = [1.0, -1.0, 2.0, -2.0, 3.0, -3.0].map(|times| arc(from, to, flat * times));
        let smooth = through(&chain.iter().map(|&v| self.middle(v)).collect::<Vec<_>>());
        match chain.len() {
            2 => self.first_clear(chain, std::iter::once(line).chain(flat)),
            _ => self.first_clear(chain, std::iter::once(line).chain(leaning).chain([smooth]).chain(flat)),
        }
    }

    /// How far the virtual vertices of an edge are beside the line of its ends, the farthest one.
    fn lean(&self, chain: &[usize]) -> f64 {
        let (from, to) = (self.middle(chain[0]), self.middle(chain[chain.len() - 1]));
        let along = to - from;
        let side = along.normal() * (1.0 / along.length().max(1e-9));
        let beside = chain.iter().map(|&v| self.middle(v) - from).map(|p| p.x * side.x + p.y * side.y);
        beside.max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0)
    }

    /// The first of the curves that hits nothing, then the reserved ways, then the one that hits least.
    fn first_clear(&self, chain: &[usize], curves: impl IntoIterator<Item = Curve>) -> Curve {
        let mut least: Option<(usize, Curve)> = None;
        for curve in curves.into_iter().chain(self.reserved(chain)) {
            let hits = self.hits(&curve, chain, CLEARANCE);
            if hits == 0 {
                return curve;
            }
            if least.as_ref().is_none_or(|(fewest, _)| hits < *fewest) {
                least = Some((hits, curve));
            }
        }
        least.map_or_else(Vec::new, |(_, curve)| curve)
    }

    /// An arc: as flat as its surroundings allow, on the side where it meets least.
    fn hidden(&self, chain: &[usize], again: bool, drawn: &[Vec<Point>]) -> Curve {
        let (from, to) = (self.middle(chain[0]), self.middle(chain[chain.len() - 1]));
        let distance = (to - from).length();
        let lean = self.lean(chain);
        // Rather above than below, rather on the reserved side than on the other.
        let up = if to.x >= from.x { -1.0 } else { 1.0 };
        let mut best: Option<(f64, Curve)> = None;
        let mut consider = |curve: Curve, cost: f64| {
            let hits = 1000 * self.hits(&curve, chain, CLEARANCE) + self.hits(&curve, chain, WIDE_CLEARANCE);
            let cost = cost + hits as f64 + 2.0 * meets(&samples(&curve, 3.0 * STEP), drawn);
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, curve));
            }
        };
        for (number, bend) in BENDS.iter().enumerate().skip(usize::from(again)) {
            let bend = (bend * distance).clamp(18.0 + 5.0 * number as f64, 130.0 + 30.0 * number as f64);
            for sign in [up, -up] {
                let side = if sign == up { 0.0 } else { 0.6 } + if sign * lean < -1.0 { 0.4 } else { 0.0 };
                consider(arc(from, to, sign * bend), side + 1.5 * number as f64);
            }
        }
        for (number, curve) in self.reserved(chain).into_iter().enumerate() {
            consider(curve, if chain.len() > 2 { 12.0 } else { 40.0 } + number as f64);
        }
        best.map_or_else(Vec::new, |(_, curve)| curve)
    }

    /// The ways that the layout has kept free: a smooth one, and one that is horizontal beside nodes.
    fn reserved(&self, chain: &[usize]) -> Vec<Curve> {
        let (first, last) = (chain[0], chain[chain.len() - 1]);
        if self.place.graph.layer[first] == self.place.graph.layer[last] {
            return self.around(first, last);
        }
        let points: Vec<Point> = chain.iter().map(|&v| self.middle(v)).collect();
        vec![through(&points), self.lane(chain)]
    }

    /// Out of a layer, along its border and back in.
    fn around(&self, first: usize, last: usize) -> Vec<Curve> {
        let (from, to) = (self.middle(first), self.middle(last));
        let (left, right) = self.place.extent[self.place.graph.layer[first]];
        let side = |x: f64| {
            let turn = if to.y > from.y { 20.0 } else { -20.0 };
            through(&[from, at(x, from.y + turn), at(x, to.y - turn), to])
        };
        let out = 2.0 * CLEARANCE;
        vec![side(left - out), side(right + out)]
    }

    /// Through every layer level with the virtual vertex, bending only between layers.
    fn lane(&self, chain: &[usize]) -> Curve {
        let mut curve = vec![self.middle(chain[0])];
        let straight = |curve: &mut Curve, to: Point| {
            let from = curve[curve.len() - 1];
            curve.extend(&polyline(&[from, to])[1..]);
        };
        let (first, last) = (chain[0], chain[chain.len() - 1]);
        for &vertex in chain {
            let (left, right) = self.place.extent[self.place.graph.layer[vertex]];
            let y = self.middle(vertex).y;
            if vertex != first {
                let (from, to) = (curve[curve.len() - 1], at(left, y));
                let middle = (from.x + to.x) / 2.0;
                curve.extend([at(middle, from.y), at(middle, to.y), to]);
            }
            straight(&mut curve, if vertex == last { self.middle(last) } else { at(right, y) });
        }
        curve
    }

    /// How many points of the curve are in foreign nodes or nearer to them than `clearance`, up to [`MOST_HITS`].
    fn hits(&self, curve: &[Point], chain: &[usize], clearance: f64) -> usize {
        let ends = [chain[0], chain[chain.len() - 1]];
        walk(curve, STEP).filter(|point| self.near_foreign(*point, ends, clearance)).take(MOST_HITS).count()
    }

    fn near_foreign(&self, point: Point, ends: [usize; 2], clearance: f64) -> bool {
        let extent = self.place.extent;
        let layer = extent.partition_point(|&(_, right)| right + clearance < point.x);
        if layer == extent.len() || point.x < extent[layer].0 - clearance {
            return false;
        }
        let row = &self.rows[layer];
        let reach = self.tallest / 2.0 + clearance;
        let first = row.partition_point(|&v| self.place.y[v] < point.y - reach);
        let near = row[first..].iter().take_while(|&&v| self.place.y[v] <= point.y + reach);
        near.filter(|v| !ends.contains(v)).any(|&v| self.place.frames[v].distance(point) < clearance)
    }
}

/// How much of a curve runs into or along other curves: crossings, and points near them.
fn meets(points: &[Point], drawn: &[Vec<Point>]) -> f64 {
    let inner = &points[points.len().min(3)..points.len().saturating_sub(3).max(points.len().min(3))];
    let near = |point: &Point, other: &[Point]| {
        other.iter().any(|p| (p.x - point.x).abs() < 6.0 && (p.y - point.y).abs() < 6.0)
    };
    drawn.iter().map(|other| inner.iter().filter(|p| near(p, other)).count() as f64).sum()
}
