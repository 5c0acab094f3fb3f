//! Noise for networks, from the run's own streams (Candle's CPU generator cannot be seeded), and the noise of mechanisms,
//! which can be kept, used again in another world, and conditioned on a value.

use crate::nets::ops::device;
use candle_core::{Result, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
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

/// What is a mechanism's own in some rows: with equal parents and hidden causes it gives equal values. A mechanism uses
/// the parts that it needs; the others are empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Noise {
    /// The network's own noise, `[rows, numbers]`, row-major.
    pub vectors: Vec<f32>,
    /// Per row the number in [0, 1) that is put through the inverse of the value's distribution function.
    pub uniform: Vec<f64>,
    /// Standard Gumbel numbers, `[rows, values]`, row-major: the value is where they and the logits add up to most.
    pub gumbel: Vec<f32>,
}

impl Noise {
    /// Uniform numbers alone.
    pub fn uniform(rows: usize, rng: &mut ChaCha8Rng) -> Self {
        Self { uniform: (0..rows).map(|_| rng.random()).collect(), ..Self::default() }
    }

    /// The values that the uniform numbers give, with one row of probabilities for each of them.
    pub fn quantiles<'a>(&self, probabilities: impl Iterator<Item = &'a [f64]>) -> Vec<u32> {
        probabilities.zip(&self.uniform).map(|(row, &noise)| quantile(row, noise)).collect()
    }

    /// Moves the uniform numbers to where they give `value`, each keeping its relative place; the rows' probabilities
    /// of that. Rows without any keep their number.
    pub fn narrow<'a>(&mut self, value: u32, probabilities: impl Iterator<Item = &'a [f64]>) -> Vec<f64> {
        let narrow = |(row, noise): (&[f64], &mut f64)| {
            let p = row.get(value as usize).copied().unwrap_or(0.0);
            if p > 0.0 {
                let below: f64 = row[..value as usize].iter().sum();
                *noise = below + *noise * p;
            }
            p
        };
        probabilities.zip(&mut self.uniform).map(narrow).collect()
    }
}

/// The first value at which the distribution function of `probabilities` is above `noise` (in [0, 1)).
pub fn quantile(probabilities: &[f64], noise: f64) -> u32 {
    let mut left = noise;
    for (value, p) in probabilities.iter().enumerate() {
        left -= p;
        if left < 0.0 {
            return value as u32;
        }
    }
    // Rounding may leave a sliver above the last value that has a probability: it is that value's.
    probabilities.iter().rposition(|&p| p > 0.0).unwrap_or(0) as u32
}

/// The place where `logits` and standard Gumbel numbers add up to most: a draw from the softmax (Gumbel 1954).
pub fn gumbel_max(logits: &[f32], gumbel: &[f32]) -> u32 {
    let mut best = (f32::NEG_INFINITY, 0);
    for (value, (logit, noise)) in logits.iter().zip(gumbel).enumerate() {
        if logit + noise > best.0 {
            best = (logit + noise, value as u32);
        }
    }
    best.1
}

/// Turns standard Gumbel numbers into ones that give `value`, distributed as those that do (Maddison, Tarlow & Minka 2014,
/// *A\* Sampling*: the largest sum is a Gumbel number whoever attains it, the others lie below it). The softmax's
/// probability of the value.
pub fn gumbel_given(logits: &[f32], gumbel: &mut [f32], value: u32) -> f64 {
    let Some(&chosen) = logits.get(value as usize) else { return 0.0 };
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total = largest + logits.iter().map(|l| (l - largest).exp()).sum::<f32>().ln();
    let top = total + gumbel[value as usize];
    for (at, (logit, noise)) in logits.iter().zip(gumbel.iter_mut()).enumerate() {
        *noise = if at == value as usize {
            top - chosen
        } else {
            // A Gumbel number cut off at `top`, by its distribution function.
            let sum = logit + *noise;
            let low = top.min(sum);
            low - (-(top - sum).abs()).exp().ln_1p() - logit
        };
    }
    f64::from(chosen - total).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::stream;

    /// Noise that was conditioned on a value is distributed as the noise of the draws that had it: seen in
    /// another distribution it gives the values that those give.
    #[test]
    fn conditioned_noise_is_that_of_the_draws_with_the_value() {
        const ROWS: usize = 200_000;
        let logits = [0.3f32, -1.0, 0.8, -0.2];
        let other = [-0.5f32, 0.9, 0.4, 0.0];
        let soft = |logits: &[f32]| {
            let total: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
            logits.iter().map(|l| f64::from(*l).exp() / total).collect::<Vec<f64>>()
        };
        let (here, there) = (soft(&logits), soft(&other));
        let mut rng = stream(1, "conditioned");
        for value in 0..4u32 {
            let (mut rejected, mut given, mut kept) = ([0.0; 4], [0.0; 4], 0.0);
            let (mut cut, mut narrowed, mut left) = ([0.0; 4], [0.0; 4], 0.0);
            for _ in 0..ROWS {
                let mut noise: Vec<f32> = (0..4).map(|_| gumbel_number(&mut rng)).collect();
                if gumbel_max(&logits, &noise) == value {
                    rejected[gumbel_max(&other, &noise) as usize] += 1.0;
                    kept += 1.0;
                }
                let p = gumbel_given(&logits, &mut noise, value);
                assert!((p - here[value as usize]).abs() < 1e-5 && gumbel_max(&logits, &noise) == value);
                given[gumbel_max(&other, &noise) as usize] += 1.0;
                let mut uniform = Noise::uniform(1, &mut rng);
                if uniform.quantiles([&here[..]].into_iter()) == [value] {
                    cut[quantile(&there, uniform.uniform[0]) as usize] += 1.0;
                    left += 1.0;
                }
                assert_eq!(uniform.narrow(value, [&here[..]].into_iter()), [here[value as usize]]);
                narrowed[quantile(&there, uniform.uniform[0]) as usize] += 1.0;
            }
            for at in 0..4 {
                assert!(
                    (rejected[at] / kept - given[at] / ROWS as f64).abs() < 0.015,
                    "{value}: {rejected:?} {given:?}"
                );
                assert!((cut[at] / left - narrowed[at] / ROWS as f64).abs() < 0.015, "{value}: {cut:?} {narrowed:?}");
            }
        }
    }

    #[test]
    fn a_value_without_probability_leaves_the_noise() {
        let mut noise = Noise { uniform: vec![0.5], ..Noise::default() };
        assert_eq!(noise.narrow(1, [&[1.0, 0.0][..]].into_iter()), [0.0]);
        assert_eq!(noise.uniform, [0.5]);
        assert_eq!(quantile(&[0.3, 0.7, 0.0], 0.999_999_999_999_999_9), 1);
    }
}
