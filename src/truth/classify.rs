//! Classes of images by a network of fixed random weights: filters, rectified and pooled, and one projection of
//! those, cut where a sample of images falls into parts of equal size.

use crate::seed;
use rand::Rng;
use std::sync::OnceLock;

/// Filters, and their height and width.
const FILTERS: usize = 8;
const SIDE: usize = 5;
/// The responses are averaged over this many rows and columns of the image.
const PARTS: usize = 3;
/// Larger images are averaged down to at most this height and width.
const LARGEST: usize = 32;

/// A fixed classifier. It is whole once [`Classifier::calibrate`] has seen images.
#[derive(Clone, Debug)]
pub(super) struct Classifier {
    pub(super) classes: usize,
    seed: u64,
    calibrated: OnceLock<Calibrated>,
}

#[derive(Clone, Debug)]
struct Calibrated {
    filters: Vec<f32>,
    /// What each pooled response counts, and the constant.
    weights: Vec<f32>,
    offset: f32,
    /// Scores between the classes, ascending.
    cuts: Vec<f32>,
}

impl Classifier {
    pub(super) fn new(classes: usize, seed: u64) -> Self {
        Self { classes, seed, calibrated: OnceLock::new() }
    }

    pub(super) fn is_calibrated(&self) -> bool {
        self.calibrated.get().is_some()
    }

    /// Chooses the cuts so that each class has as many of `images` (of `shape`) as any other.
    pub(super) fn calibrate(&self, images: &[Vec<u8>], shape: [usize; 3]) {
        let mut rng = seed::stream(self.seed, "classify");
        let [channels, ..] = shape;
        let scale = 1.0 / ((channels * SIDE * SIDE) as f32).sqrt();
        let filters: Vec<f32> = (0..FILTERS * channels * SIDE * SIDE).map(|_| scale * normal(&mut rng)).collect();
        let responses: Vec<Vec<f32>> = images.iter().map(|image| pooled(image, shape, &filters)).collect();
        let count = responses.len().max(1) as f32;
        let (mut weights, mut offset) = (vec![], 0.0);
        for at in 0..FILTERS * PARTS * PARTS {
            let mean = responses.iter().map(|r| r[at]).sum::<f32>() / count;
            let variance = responses.iter().map(|r| (r[at] - mean).powi(2)).sum::<f32>() / count;
            // A response that never changes tells nothing.
            let weight = if variance > 1e-12 { normal(&mut rng) / variance.sqrt() } else { 0.0 };
            weights.push(weight);
            offset -= weight * mean;
        }
        let mut found = Calibrated { filters, weights, offset, cuts: vec![] };
        let mut scores: Vec<f32> = responses.iter().map(|r| found.score(r)).collect();
        scores.sort_by(f32::total_cmp);
        let cut = |class: usize| scores.get(class * scores.len() / self.classes).copied().unwrap_or(0.0);
        found.cuts = (1..self.classes).map(cut).collect();
        let _ = self.calibrated.set(found); // another thread finds the same
    }

    /// The class of an image.
    pub(super) fn class(&self, image: &[u8], shape: [usize; 3]) -> u32 {
        let Some(found) = self.calibrated.get() else { return 0 };
        let score = found.score(&pooled(image, shape, &found.filters));
        found.cuts.iter().take_while(|&&cut| score >= cut).count() as u32
    }
}

impl Calibrated {
    fn score(&self, responses: &[f32]) -> f32 {
        self.weights.iter().zip(responses).map(|(w, r)| w * r).sum::<f32>() + self.offset
    }
}

/// The rectified responses of each filter, averaged over the parts of the image: `[filter, row, column]`.
fn pooled(image: &[u8], shape: [usize; 3], filters: &[f32]) -> Vec<f32> {
    let (pixels, [channels, height, width]) = reduced(image, shape);
    let (rows, columns) = (height.saturating_sub(SIDE - 1), width.saturating_sub(SIDE - 1));
    let mut found = vec![0.0; FILTERS * PARTS * PARTS];
    let mut line = vec![0.0_f32; columns];
    for (filter, weights) in filters.chunks_exact(channels * SIDE * SIDE).enumerate() {
        for row in 0..rows {
            line.fill(0.0);
            for (at, &weight) in weights.iter().enumerate() {
                let (channel, down, across) = (at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE);
                let start = (channel * height + row + down) * width + across;
                for (sum, pixel) in line.iter_mut().zip(&pixels[start..start + columns]) {
                    *sum += weight * pixel;
                }
            }
            let part = (filter * PARTS + row * PARTS / rows) * PARTS;
            for (column, sum) in line.iter().enumerate() {
                found[part + column * PARTS / columns] += sum.max(0.0);
            }
        }
    }
    let area = (rows * columns).max(1) as f32 / (PARTS * PARTS) as f32;
    found.iter_mut().for_each(|f| *f /= area);
    found
}

/// The image with brightness from 0 to 1, averaged over squares until it is small enough.
fn reduced(image: &[u8], [channels, height, width]: [usize; 3]) -> (Vec<f32>, [usize; 3]) {
    let step = height.max(width).div_ceil(LARGEST);
    let (rows, columns) = (height / step, width / step);
    let mut found = Vec::with_capacity(channels * rows * columns);
    let share = 1.0 / (255 * step * step) as f32;
    for plane in image.chunks_exact(height * width).take(channels) {
        for row in 0..rows {
            for column in 0..columns {
                let squares = (0..step).map(|down| {
                    let start = (row * step + down) * width + column * step;
                    plane[start..start + step].iter().map(|&p| u32::from(p)).sum::<u32>()
                });
                found.push(squares.sum::<u32>() as f32 * share);
            }
        }
    }
    (found, [channels, rows, columns])
}

/// Nearly a standard normal number: the sum of twelve uniform ones.
fn normal(rng: &mut impl Rng) -> f32 {
    (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
}
