//! The normal distribution that a generator's value of a real variable is drawn from, given all of its inputs.

use statrs::function::erf::{erf_inv, erfc};
use std::f64::consts::{LN_10, PI, SQRT_2};

/// The numbers a generator gives for a normal distribution: its mean, and the logarithm of what its standard deviation has
/// above [`LEAST_DEVIATION`].
pub const OUTPUTS: usize = 2;
/// The least standard deviation, in standardised units: what is seen of a value always leaves some of the noise possible.
pub const LEAST_DEVIATION: f64 = 0.05;
/// The largest logarithm counts: 10 standard deviations.
pub const MOST: f64 = LN_10;

/// The last layer's biases from which training starts: most of the spread comes from the noise that the network sees.
pub const START: [f32; OUTPUTS] = [0.0, -1.0];

/// A normal distribution of standardised numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    mean: f64,
    deviation: f64,
}

impl Normal {
    /// The distribution that a network's [`OUTPUTS`] mean (missing ones count as zeros).
    pub fn new(outputs: &[f32]) -> Self {
        let at = |place: usize| outputs.get(place).map_or(0.0, |v| f64::from(*v));
        Self { mean: at(0), deviation: LEAST_DEVIATION + at(1).min(MOST).exp() }
    }

    /// The number at which the distribution function is `share` (0 < `share` < 1; others count as the nearest such).
    pub fn quantile(&self, share: f64) -> f64 {
        self.mean + self.deviation * SQRT_2 * erf_inv(2.0 * share.clamp(1e-15, 1.0 - 1e-15) - 1.0)
    }

    /// The probability of at most `number`.
    pub fn distribution(&self, number: f64) -> f64 {
        0.5 * erfc((self.mean - number) / self.deviation / SQRT_2)
    }

    /// The logarithm of the density at a number.
    pub fn log_density(&self, number: f64) -> f64 {
        let off = (number - self.mean) / self.deviation;
        -0.5 * off * off - (self.deviation * (2.0 * PI).sqrt()).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_invert_the_distribution_function_and_the_density_is_its_slope() {
        for outputs in [[0.3f32, -1.0], [-2.0, 0.5], [0.0, -30.0], [1.0, 9.0]] {
            let normal = Normal::new(&outputs);
            assert!((LEAST_DEVIATION..=10.1).contains(&normal.deviation));
            for share in [1e-6, 0.02, 0.5, 0.8, 0.9999] {
                let number = normal.quantile(share);
                assert!((normal.distribution(number) - share).abs() < 1e-9, "{outputs:?} {share}");
                let step = 1e-4 * normal.deviation;
                let slope = (normal.distribution(number + step) - normal.distribution(number - step)) / (2.0 * step);
                assert!((slope / normal.log_density(number).exp() - 1.0).abs() < 1e-3, "{outputs:?} {share}");
            }
            assert!([0.0, 1.0].into_iter().all(|share| normal.quantile(share).is_finite()));
        }
    }
}
