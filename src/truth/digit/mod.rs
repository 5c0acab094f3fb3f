//! Drawing digits as if by hand: strokes, or images of a collection, bent and inked in many ways.

mod collection;
mod pen;
mod strokes;

pub use collection::Collection;

use rand::Rng;
use std::f32::consts::PI;
use strokes::TEMPLATES;

/// How one digit is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// 0 to 9.
    pub digit: u8,
    /// Red, green and blue of the ink; images with one channel have white ink.
    pub color: [u8; 3],
    /// 0 is thin, 1 is thick, up to 2; `None` varies.
    pub thickness: Option<f32>,
    /// How far the top leans to the right, as a share of the height, −1 to 1; `None` varies.
    pub slant: Option<f32>,
    /// How much shape and place vary: 1 as people's hands do, 0 not at all.
    pub jitter: f32,
    /// Standard deviation of noise on each pixel, as a share of full brightness.
    pub noise: f32,
}

impl Default for Style {
    fn default() -> Self {
        Self { digit: 0, color: [255; 3], thickness: None, slant: None, jitter: 1.0, noise: 0.0 }
    }
}

/// Draws one digit into `pixels`, of shape `[channels, height, width]` on a black ground; from `collection` if there
/// is one. The same state of `rng` gives the same pixels.
pub fn draw(style: &Style, shape: [usize; 3], collection: Option<&Collection>, rng: &mut impl Rng, pixels: &mut [u8]) {
    let [channels, height, width] = shape;
    let mut ink = vec![0.0; height * width];
    match collection {
        Some(collection) => collection.draw(style, height, width, rng, &mut ink),
        None => write(style, height, width, rng, &mut ink),
    }
    let brightness = 1.0 - 0.15 * style.jitter.min(1.0) * rng.random::<f32>();
    for (channel, plane) in pixels.chunks_exact_mut(height * width).enumerate() {
        let tint = if channels == 3 { f32::from(style.color[channel]) } else { 255.0 } * brightness;
        for (pixel, cover) in plane.iter_mut().zip(&ink) {
            let noise = if style.noise > 0.0 { 255.0 * style.noise * normal(rng) } else { 0.0 };
            *pixel = (cover * tint + noise).round().clamp(0.0, 255.0) as u8;
        }
    }
}

/// Draws the strokes of a digit.
fn write(style: &Style, height: usize, width: usize, rng: &mut impl Rng, ink: &mut [f32]) {
    let templates = TEMPLATES[usize::from(style.digit).min(9)];
    let strokes = templates[rng.random_range(0..templates.len())];
    let jitter = style.jitter;
    let side = height.min(width) as f32;
    let bend = Bend::new(style, 0.1, rng);
    let (aspect, size) = (0.66 * (1.0 + 0.1 * jitter * normal(rng)), 0.7 * (1.0 + 0.06 * jitter * normal(rng)));
    // A slow wave bends the whole figure.
    let (wave, phase) = (0.03 * jitter * normal(rng), rng.random::<f32>() * 2.0 * PI);
    let mut curves: Vec<Vec<[f32; 2]>> = Vec::with_capacity(strokes.len());
    let mut end: Option<([f32; 2], [f32; 2])> = None; // where the last stroke ended: as in the template, and as drawn
    for stroke in strokes {
        let mut shift = |point: &[f32; 2]| match end {
            Some((written, drawn)) if written == *point => drawn,
            _ => point.map(|x| x + 0.028 * jitter * normal(rng)),
        };
        let points: Vec<[f32; 2]> = stroke.iter().map(&mut shift).collect();
        end = stroke.last().copied().zip(points.last().copied());
        let place = |[x, y]: [f32; 2]| {
            let x = (x - 0.5 + wave * (PI * 1.5 * y + phase).sin()) * aspect;
            bend.apply([x, y - 0.5]).map(|v| v * size * side)
        };
        curves.push(pen::curve(&points).into_iter().map(place).collect());
    }
    let middle = middle(curves.iter().flatten());
    let to = [width as f32 / 2.0 - middle[0], height as f32 / 2.0 - middle[1]];
    let shift = to.map(|x| x + 0.025 * side * jitter * normal(rng));
    let thickness = style.thickness.unwrap_or_else(|| 0.15 + 0.7 * rng.random::<f32>());
    let pen = (0.055 + 0.06 * thickness) * side / 2.0;
    for curve in &mut curves {
        curve.iter_mut().for_each(|p| *p = [p[0] + shift[0], p[1] + shift[1]]);
        // The pen presses a little more or less from stroke to stroke.
        pen::line(curve, pen * (1.0 + 0.06 * jitter * normal(rng)), ink, width);
    }
}

/// Turning and leaning, about the origin.
struct Bend {
    lean: f32,
    sine: f32,
    cosine: f32,
}

impl Bend {
    /// `spread`: how much the lean varies where it is not set.
    fn new(style: &Style, spread: f32, rng: &mut impl Rng) -> Self {
        let own = spread * style.jitter * (1.0 + 1.2 * normal(rng)); // most hands lean to the right
        let angle = 0.06 * style.jitter * normal(rng);
        Self { lean: style.slant.unwrap_or(own), sine: angle.sin(), cosine: angle.cos() }
    }

    fn apply(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let x = x - self.lean * y;
        [self.cosine * x - self.sine * y, self.sine * x + self.cosine * y]
    }

    /// The point that [`Bend::apply`] takes to this one.
    fn undo(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (self.cosine * x + self.sine * y, self.cosine * y - self.sine * x);
        [x + self.lean * y, y]
    }
}

/// The middle of the box around points.
fn middle<'a>(points: impl Iterator<Item = &'a [f32; 2]>) -> [f32; 2] {
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for point in points {
        for axis in [0, 1] {
            low[axis] = low[axis].min(point[axis]);
            high[axis] = high[axis].max(point[axis]);
        }
    }
    [0, 1].map(|axis| (low[axis] + high[axis]) / 2.0)
}

/// A number with mean 0, variance 1 and no tails: the sum of four uniform ones, between −3.5 and 3.5.
fn normal(rng: &mut impl Rng) -> f32 {
    let sum: f32 = (0..4).map(|_| rng.random::<f32>()).sum();
    (sum - 2.0) * 3.0_f32.sqrt()
}

#[cfg(test)]
mod tests;
