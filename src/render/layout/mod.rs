//! Where everything of a drawing goes: a layered layout (Sugiyama, Tagawa & Toda 1981) along the lines of
//! Gansner, Koutsofios, North & Vo (1993). Directed edges run from layer to layer; hidden edges have no say in
//! the layers but draw their ends together. Unconnected parts are laid out one by one. Deterministic.

mod coordinates;
mod geometry;
mod layered;
mod layers;
mod order;
mod route;
mod shade;
mod simplex;
#[cfg(test)]
mod tests;
mod text;

pub use geometry::{Curve, Frame, Point};
pub use shade::{BAND, PAD, Shade};

use super::{Drawing, Edge, Node};
pub(super) use geometry::samples;
use geometry::{at, leave, reversed};
use layered::{Layered, Link};
use route::{Place, routes};

/// The font size of names, in pixels.
pub const FONT_SIZE: f64 = 14.0;
/// The height of a node, and its least width.
const NODE: f64 = 36.0;
/// The least space between two layers.
const LAYER_GAP: f64 = 48.0;
/// The most space between two layers.
const WIDEST_GAP: f64 = 420.0;
/// How much space between layers an edge that rises by a pixel takes.
const SLOPE: f64 = 0.3;
/// The space between unconnected parts.
const PART_GAP: f64 = 28.0;
/// The space around the drawing.
const MARGIN: f64 = 18.0;
/// The space between the tip of an arrow and its node.
const TIP_GAP: f64 = 1.5;

/// Which way causes run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    #[default]
    Right,
    /// From top to bottom.
    Down,
}

/// Places and shapes in pixels; y runs downwards and everything is within `width` and `height`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// The width of the drawing.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// The outline of each node.
    pub nodes: Vec<Frame>,
    /// What is written in each node: its name, shortened if very long.
    pub labels: Vec<String>,
    /// The curve of each edge from border to border.
    pub edges: Vec<Curve>,
    /// The shape of each group.
    pub groups: Vec<Shade>,
}

/// Lays a drawing out. Near-linear in nodes and virtual vertices for large graphs; cycles are drawn with
/// some edges against the direction.
pub fn layout(drawing: &Drawing, direction: Direction) -> Layout {
    let labels: Vec<String> = drawing.nodes.iter().map(|node| text::shortened(&node.name)).collect();
    let mut frames: Vec<Frame> = drawing.nodes.iter().zip(&labels).map(|(node, label)| frame(node, label)).collect();
    let mut curves: Vec<Curve> = vec![vec![]; drawing.edges.len()];
    let mut parts: Vec<Part> = connected(drawing.nodes.len(), &drawing.edges);
    for part in &mut parts {
        part.lay_out(&mut frames, &mut curves, &drawing.edges, direction);
    }
    pack(&parts, &mut frames, &mut curves);
    let groups = shade::shades(&frames, &drawing.edges, &curves, &drawing.groups);
    for (edge, curve) in drawing.edges.iter().zip(&mut curves) {
        let forwards = leave(std::mem::take(curve), &frames[edge.from], TIP_GAP);
        *curve = reversed(leave(reversed(forwards), &frames[edge.to], TIP_GAP));
    }
    let mut layout = Layout { nodes: frames, labels, edges: curves, groups, ..Layout::default() };
    layout.fit();
    layout
}

/// The node's outline at the origin: a pill, or a squarer box for an image.
fn frame(node: &Node, label: &str) -> Frame {
    let padding = if label.chars().count() > 3 { 26.0 } else { 14.0 };
    let width = (text::width(label, FONT_SIZE) + padding).max(NODE).ceil();
    if node.is_image() {
        return Frame { center: at(0.0, 0.0), width: width.max(NODE + 6.0), height: NODE + 2.0, radius: 4.0 };
    }
    Frame { center: at(0.0, 0.0), width, height: NODE, radius: NODE / 2.0 }
}

/// A connected part of the graph.
#[derive(Debug, Default)]
struct Part {
    nodes: Vec<usize>,
    edges: Vec<usize>,
    /// Its borders: left, top, right, bottom.
    borders: [f64; 4],
}

/// The connected parts: the largest first, in the order of their first nodes among equals.
fn connected(nodes: usize, edges: &[Edge]) -> Vec<Part> {
    let mut neighbours = vec![vec![]; nodes];
    for edge in edges {
        neighbours[edge.from].push(edge.to);
        neighbours[edge.to].push(edge.from);
    }
    let mut part_of = vec![usize::MAX; nodes];
    let mut parts: Vec<Part> = vec![];
    for start in 0..nodes {
        if part_of[start] != usize::MAX {
            continue;
        }
        let mut members = vec![start];
        part_of[start] = parts.len();
        let mut next = 0;
        while next < members.len() {
            for &other in &neighbours[members[next]] {
                if part_of[other] == usize::MAX {
                    part_of[other] = parts.len();
                    members.push(other);
                }
            }
            next += 1;
        }
        members.sort_unstable();
        parts.push(Part { nodes: members, ..Part::default() });
    }
    for (number, edge) in edges.iter().enumerate() {
        parts[part_of[edge.from]].edges.push(number);
    }
    parts.sort_by_key(|part| std::cmp::Reverse(part.nodes.len()));
    parts
}

impl Part {
    fn lay_out(&mut self, frames: &mut [Frame], curves: &mut [Curve], edges: &[Edge], direction: Direction) {
        let number = |node: usize| self.nodes.binary_search(&node).unwrap_or_default();
        let links = self.edges.iter().map(|&e| (e, edges[e])).filter(|(_, edge)| edge.from != edge.to);
        let (kept, links): (Vec<usize>, Vec<Link>) = links
            .map(|(e, edge)| (e, Link { from: number(edge.from), to: number(edge.to), hidden: edge.hidden }))
            .unzip();
        let turned = |frame: &Frame| match direction {
            Direction::Right => *frame,
            Direction::Down => Frame { width: frame.height, height: frame.width, ..*frame },
        };
        let mut own: Vec<Frame> = self.nodes.iter().map(|&node| turned(&frames[node])).collect();
        let mut found = place(&mut own, &links);
        if direction == Direction::Down {
            own.iter_mut().for_each(|f| *f = Frame { center: f.center.transposed(), ..turned(f) });
            found.iter_mut().flatten().for_each(|point| *point = point.transposed());
        }
        let mut borders = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
        for (&node, frame) in self.nodes.iter().zip(&own) {
            frames[node] = *frame;
            let [left, top, right, bottom] = frame.borders();
            stretch(&mut borders, at(left - PAD, top - PAD));
            stretch(&mut borders, at(right + PAD, bottom + PAD));
        }
        for (&edge, curve) in kept.iter().zip(found) {
            samples(&curve, 4.0).into_iter().for_each(|point| stretch(&mut borders, point));
            curves[edge] = curve;
        }
        for &edge in self.edges.iter().filter(|&&e| edges[e].from == edges[e].to) {
            curves[edge] = vec![frames[edges[edge].from].center; 4];
        }
        self.borders = borders;
    }
}

fn stretch(borders: &mut [f64; 4], point: Point) {
    let [left, top, right, bottom] = *borders;
    *borders = [left.min(point.x), top.min(point.y), right.max(point.x), bottom.max(point.y)];
}

/// Places connected nodes, layers along x, and returns the curves of their edges.
fn place(frames: &mut [Frame], links: &[Link]) -> Vec<Curve> {
    let nodes = frames.len();
    let pairs = |hidden: bool| links.iter().filter(move |l| l.hidden == hidden).map(|l| (l.from, l.to));
    let mut directed: Vec<(usize, usize)> = pairs(false).collect();
    let turned = layers::backward(nodes, &directed);
    for (edge, turned) in directed.iter_mut().zip(turned) {
        *edge = if turned { (edge.1, edge.0) } else { *edge };
    }
    let hidden: Vec<(usize, usize)> = pairs(true).collect();
    let mut graph = Layered::new(nodes, layers::layers(nodes, &directed, &hidden), links);
    order::order(&mut graph);
    let heights: Vec<f64> = frames.iter().map(|f| f.height).collect();
    let y = coordinates::coordinates(&graph, &heights);
    let extent = extents(&graph, frames, &y);
    for (node, frame) in frames.iter_mut().enumerate() {
        let (left, right) = extent[graph.layer[node]];
        frame.center = at((left + right) / 2.0, y[node]);
    }
    routes(&Place { graph: &graph, frames, y: &y, extent: &extent }, links)
}

/// From where to where each layer reaches; the more the edges between two layers rise, the wider the gap.
fn extents(graph: &Layered, frames: &[Frame], y: &[f64]) -> Vec<(f64, f64)> {
    let mut rise = vec![0.0_f64; graph.layers.len()];
    for (v, after) in graph.after.iter().enumerate() {
        for &w in after {
            rise[graph.layer[v]] = rise[graph.layer[v]].max((y[v] - y[w]).abs());
        }
    }
    let mut left = 0.0;
    let extent = |(layer, vertices): (usize, &Vec<usize>)| {
        let width = vertices.iter().filter_map(|&v| frames.get(v)).map(|f| f.width).fold(0.0, f64::max);
        let found = (left, left + width);
        left += width + (rise[layer] * SLOPE).clamp(LAYER_GAP, WIDEST_GAP);
        found
    };
    graph.layers.iter().enumerate().map(extent).collect()
}

/// Puts the parts in rows from left to right, about three wide for two high.
fn pack(parts: &[Part], frames: &mut [Frame], curves: &mut [Curve]) {
    let size = |part: &Part| (part.borders[2] - part.borders[0], part.borders[3] - part.borders[1]);
    let area: f64 = parts.iter().map(size).map(|(w, h)| (w + PART_GAP) * (h + PART_GAP)).sum();
    let widest = parts.iter().map(|part| size(part).0).fold((area * 1.5).sqrt(), f64::max);
    let (mut x, mut y, mut row) = (0.0, 0.0, 0.0_f64);
    for part in parts {
        let (width, height) = size(part);
        if x > 0.0 && x + width > widest {
            (x, y, row) = (0.0, y + row + PART_GAP, 0.0);
        }
        let shift = at(x - part.borders[0], y - part.borders[1]);
        part.nodes.iter().for_each(|&node| frames[node].center = frames[node].center + shift);
        for &edge in &part.edges {
            curves[edge].iter_mut().for_each(|point| *point = *point + shift);
        }
        x += width + PART_GAP;
        row = row.max(height);
    }
}

impl Layout {
    /// Moves everything so that it begins at the margin, and measures it.
    fn fit(&mut self) {
        let mut borders = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
        for frame in &self.nodes {
            let [left, top, right, bottom] = frame.borders();
            stretch(&mut borders, at(left, top));
            stretch(&mut borders, at(right, bottom));
        }
        self.edges.iter().for_each(|c| samples(c, 4.0).into_iter().for_each(|p| stretch(&mut borders, p)));
        for shade in &self.groups {
            for point in shade.areas.iter().flatten() {
                stretch(&mut borders, *point - at(PAD, PAD));
                stretch(&mut borders, *point + at(PAD, PAD));
            }
        }
        if self.nodes.is_empty() {
            borders = [0.0; 4];
        }
        let shift = at(MARGIN - borders[0], MARGIN - borders[1]);
        self.width = (borders[2] - borders[0] + 2.0 * MARGIN).ceil();
        self.height = (borders[3] - borders[1] + 2.0 * MARGIN).ceil();
        self.nodes.iter_mut().for_each(|frame| frame.center = frame.center + shift);
        self.edges.iter_mut().flatten().for_each(|p| *p = *p + shift);
        for shade in &mut self.groups {
            let areas = shade.areas.iter_mut().chain(&mut shade.bands);
            areas.flatten().chain([&mut shade.label]).for_each(|p| *p = *p + shift);
        }
    }
}
