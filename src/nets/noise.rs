//! Noise for networks, from the run's own streams (Candle's CPU generator cannot be seeded).

use crate::nets::ops::device;
use candle_core::{Result, Tensor};
use rand::Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};

/// Standard normal numbers as a matrix `[rows, columns]`.
pub fn normal(rows: usize, columns: usize, rng: &mut impl Rng) -> Result<Tensor> {
    Tensor::from_vec(normals(rows * columns, rng), (rows, columns), &device())
}

/// Standard Gumbel numbers as a matrix `[rows, columns]`.
pub fn gumbel(rows: usize, columns: usize, rng: &mut impl Rng) -> Result<Tensor> {
    let values: Vec<f32> = (0..rows * columns).map(|_| gumbel_number(rng)).collect();
    Tensor::from_vec(values, (rows, columns), &device())
}

/// `count` standard normal numbers.
pub fn normals(count: usize, rng: &mut impl Rng) -> Vec<f32> {
    (0..count).map(|_| StandardNormal.sample(rng)).collect()
}

/// A standard Gumbel number: minus the logarithm of an exponential one.
pub fn gumbel_number(rng: &mut impl Rng) -> f32 {
    let exponential: f32 = Exp1.sample(rng);
    -exponential.max(f32::MIN_POSITIVE).ln()
}
