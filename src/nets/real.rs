//! Real numbers in networks: how values are scaled, and the mixture of normal distributions they are drawn from.

use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;
use std::f64::consts::{LN_10, PI, SQRT_2};

/// The components of a mixture. Eight follow skewed and two-peaked columns closely.
pub const COMPONENTS: usize = 8;
/// The numbers a network gives for a mixture: a logit, a mean and the logarithm of a standard deviation for each component.
pub const OUTPUTS: usize = 3 * COMPONENTS;
/// The smallest and largest logarithm of a component's standard deviation, in standardised units: 0.01 and 10.
/// The smallest keeps repeated values from getting an infinite density.
pub const LOG_DEVIATIONS: (f64, f64) = (-2.0 * LN_10, LN_10);
/// Steps of expectation–maximisation before a network takes over.
const STEPS: usize = 60;
/// Values at a bound count as this share of the column's standard deviation away from it.
const MARGIN: f64 = 1e-4;

/// How a real variable's values become standardised numbers: a logarithm of the distance to its only bound, or the
/// logit of the place between both; then less the mean, in standard deviations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Nothing is below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Nothing is above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Values count as at least this far from a bound.
    pub margin: f64,
    /// The mean of the transformed values.
    pub centre: f64,
    /// Their standard deviation; positive.
    pub spread: f64,
}

impl Scale {
    /// The scale of `values` with their weights, between the bounds that there are.
    pub fn fit(values: &[(f32, f64)], (low, high): (Option<f64>, Option<f64>)) -> Self {
        let moments = |values: &mut dyn Iterator<Item = (f64, f64)>| {
            let sums = values.fold([0.0; 3], |[n, s, q], (x, w)| [n + w, s + w * x, q + w * x * x]);
            let mean = sums[1] / sums[0].max(f64::MIN_POSITIVE);
            (mean, (sums[2] / sums[0].max(f64::MIN_POSITIVE) - mean * mean).max(0.0).sqrt())
        };
        let deviation = positive(moments(&mut values.iter().map(|&(x, w)| (f64::from(x), w))).1);
        let mut scale = Self { low, high, margin: MARGIN * deviation, centre: 0.0, spread: 1.0 };
        let (centre, spread) = moments(&mut values.iter().map(|&(x, w)| (scale.transformed(f64::from(x)).0, w)));
        (scale.centre, scale.spread) = (centre, positive(spread));
        scale
    }

    /// The standardised number of a value.
    pub fn inward(&self, value: f32) -> f64 {
        (self.transformed(f64::from(value)).0 - self.centre) / self.spread
    }

    /// The value of a standardised number.
    pub fn outward(&self, number: f64) -> f32 {
        let t = number * self.spread + self.centre;
        let value = match (self.low, self.high) {
            (None, None) => t,
            (Some(low), None) => low + t.exp(),
            (None, Some(high)) => high - (-t).exp(),
            (Some(low), Some(high)) => low + (high - low) / (1.0 + (-t).exp()),
        };
        // Rounding must not carry it over a bound.
        let value = self.low.map_or(value, |low| value.max(low));
        let value = self.high.map_or(value, |high| value.min(high));
        value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
    }

    /// The derivative of [`Self::inward`] at a value: what turns a density of numbers into one of values.
    pub fn slope(&self, value: f32) -> f64 {
        self.transformed(f64::from(value)).1 / self.spread
    }

    /// Factor and shift from this scale's numbers to another's of the same variable.
    pub fn to(&self, other: &Self) -> (f64, f64) {
        (self.spread / other.spread, (self.centre - other.centre) / other.spread)
    }

    /// Whether the numbers in a file make a scale.
    pub fn is_sound(&self) -> bool {
        let numbers = [self.low.unwrap_or(0.0), self.high.unwrap_or(0.0), self.centre, self.margin, self.spread];
        numbers.iter().all(|n| n.is_finite()) && self.spread > 0.0 && self.margin > 0.0
    }

    /// The transformed value and the derivative there.
    fn transformed(&self, value: f64) -> (f64, f64) {
        let above = |low: f64| (value - low).max(self.margin);
        let below = |high: f64| (high - value).max(self.margin);
        match (self.low, self.high) {
            (None, None) => (value, 1.0),
            (Some(low), None) => (above(low).ln(), 1.0 / above(low)),
            (None, Some(high)) => (-below(high).ln(), 1.0 / below(high)),
            (Some(low), Some(high)) => ((above(low) / below(high)).ln(), (high - low) / (above(low) * below(high))),
        }
    }
}

fn positive(spread: f64) -> f64 {
    if spread > 1e-9 { spread } else { 1.0 }
}

/// A mixture of normal distributions over standardised numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixture {
    weights: [f64; COMPONENTS],
    means: [f64; COMPONENTS],
    deviations: [f64; COMPONENTS],
    /// The logarithm of each component's weighted density at its own mean.
    peaks: [f64; COMPONENTS],
}

impl Mixture {
    /// The mixture that a network's [`OUTPUTS`] mean (fewer count as zeros).
    pub fn new(outputs: &[f32]) -> Self {
        let at = |place: usize| outputs.get(place).map_or(0.0, |v| f64::from(*v));
        let top = (0..COMPONENTS).map(at).fold(f64::NEG_INFINITY, f64::max);
        let mut weights: [f64; COMPONENTS] = std::array::from_fn(|k| (at(k) - top).exp());
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        let (least, most) = LOG_DEVIATIONS;
        let deviation = |k: usize| at(2 * COMPONENTS + k).clamp(least, most).exp();
        Self::of(weights, std::array::from_fn(|k| at(COMPONENTS + k)), std::array::from_fn(deviation))
    }

    fn of(weights: [f64; COMPONENTS], means: [f64; COMPONENTS], deviations: [f64; COMPONENTS]) -> Self {
        let peak = |k: usize| weights[k].max(1e-300).ln() - deviations[k].ln() - 0.5 * (2.0 * PI).ln();
        Self { weights, means, deviations, peaks: std::array::from_fn(peak) }
    }

    /// The [`OUTPUTS`] of a mixture that follows `numbers` with their weights: some steps of expectation–maximisation
    /// (Dempster, Laird & Rubin 1977) from components spread over where most numbers are. Each variance counts one more
    /// number of the square of all their `deviation`, so that none shrinks to a point.
    pub fn outputs_for(numbers: &[(f64, f64)], deviation: f64) -> [f32; OUTPUTS] {
        let spread = |k: usize| deviation * (3.0 * (k as f64 + 0.5) / COMPONENTS as f64 - 1.5);
        // The last component is wide: what is far from the others would pull them all.
        let wide = |k: usize| deviation * if k + 1 == COMPONENTS { 3.0 } else { 0.75 };
        let even = [1.0 / COMPONENTS as f64; COMPONENTS];
        let mut mixture = Self::of(even, std::array::from_fn(spread), std::array::from_fn(wide));
        let total: f64 = numbers.iter().map(|n| n.1).sum();
        for _ in 0..if total > 0.0 { STEPS } else { 0 } {
            let mut sums = [[0.0; 3]; COMPONENTS];
            for &(number, weight) in numbers.iter().filter(|n| n.1 > 0.0) {
                let (parts, all) = mixture.log_parts(number);
                for (sums, part) in sums.iter_mut().zip(parts) {
                    let share = weight * (part - all).exp();
                    *sums = [sums[0] + share, sums[1] + share * number, sums[2] + share * number * number];
                }
            }
            for (k, [count, sum, square]) in sums.into_iter().enumerate().filter(|(_, sums)| sums[0] > 1e-9) {
                let mean = sum / count;
                let left = (square - count * mean * mean).max(0.0);
                mixture.weights[k] = (count + 1e-3) / (total + 1e-3 * COMPONENTS as f64);
                mixture.means[k] = mean;
                mixture.deviations[k] = ((left + deviation * deviation) / (count + 1.0)).sqrt();
            }
            mixture = Self::of(mixture.weights, mixture.means, mixture.deviations);
        }
        let (least, most) = LOG_DEVIATIONS;
        std::array::from_fn(|at| match (at / COMPONENTS, at % COMPONENTS) {
            (0, k) => mixture.weights[k].max(1e-6).ln() as f32,
            (1, k) => mixture.means[k] as f32,
            (_, k) => mixture.deviations[k].ln().clamp(least, most) as f32,
        })
    }

    /// The logarithm of the density at a number.
    pub fn log_density(&self, number: f64) -> f64 {
        self.log_parts(number).1
    }

    /// The probability of at most `number`.
    pub fn distribution(&self, number: f64) -> f64 {
        let part = |k: usize| self.weights[k] * normal_distribution((number - self.means[k]) / self.deviations[k]);
        (0..COMPONENTS).map(part).sum::<f64>().min(1.0)
    }

    /// The number at which [`Self::distribution`] is `share` (0 < `share` < 1; others count as the nearest such):
    /// bisection with Newton's steps where they stay inside.
    pub fn quantile(&self, share: f64) -> f64 {
        let share = share.clamp(1e-15, 1.0 - 1e-15);
        let ends = |side: f64| (0..COMPONENTS).map(move |k| self.means[k] + side * 9.0 * self.deviations[k]);
        let mut low = ends(-1.0).fold(f64::INFINITY, f64::min);
        let mut high = ends(1.0).fold(f64::NEG_INFINITY, f64::max);
        let mut number = (0..COMPONENTS).map(|k| self.weights[k] * self.means[k]).sum::<f64>();
        for _ in 0..100 {
            let off = self.distribution(number) - share;
            if off > 0.0 {
                high = number
            } else {
                low = number
            }
            let step = off / self.log_density(number).exp().max(f64::MIN_POSITIVE);
            let next = number - step;
            let next = if next > low && next < high { next } else { 0.5 * (low + high) };
            if (next - number).abs() < 1e-11 * (1.0 + number.abs()) {
                return next;
            }
            number = next;
        }
        number
    }

    /// Adds `weight` times the gradient of minus [`Self::log_density`] with respect to the network's [`OUTPUTS`]
    /// `outputs`, from which the mixture was made, to `gradient`.
    pub fn descend(&self, outputs: &[f32], number: f64, weight: f64, gradient: &mut [f32]) {
        let (parts, total) = self.log_parts(number);
        for k in 0..COMPONENTS {
            let share = (parts[k] - total).exp();
            let off = (number - self.means[k]) / self.deviations[k];
            gradient[k] += (weight * (self.weights[k] - share)) as f32;
            gradient[COMPONENTS + k] -= (weight * share * off / self.deviations[k]) as f32;
            let slope = share * (1.0 - off * off);
            // Where a deviation is cut off, it only moves back inside.
            let output = f64::from(outputs[2 * COMPONENTS + k]);
            let outside = (output < LOG_DEVIATIONS.0 && slope > 0.0) || (output > LOG_DEVIATIONS.1 && slope < 0.0);
            gradient[2 * COMPONENTS + k] += if outside { 0.0 } else { (weight * slope) as f32 };
        }
    }

    /// Per component the logarithm of its weighted density, and that of their sum.
    fn log_parts(&self, number: f64) -> ([f64; COMPONENTS], f64) {
        let part = |k: usize| {
            let off = (number - self.means[k]) / self.deviations[k];
            self.peaks[k] - 0.5 * off * off
        };
        let parts: [f64; COMPONENTS] = std::array::from_fn(part);
        let top = parts.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (parts, top + parts.iter().map(|p| (p - top).exp()).sum::<f64>().ln())
    }
}

fn normal_distribution(number: f64) -> f64 {
    0.5 * erfc(-number / SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::stream;
    use rand::Rng;

    /// Outputs of a network at random, some deviations beyond their limits.
    fn outputs(seed: u64) -> Vec<f32> {
        let mut rng = stream(seed, "mixture");
        (0..OUTPUTS).map(|at| rng.random_range(-1.5..1.5) * if at / COMPONENTS == 2 { 1.2 } else { 2.0 }).collect()
    }

    #[test]
    fn a_density_integrates_to_its_distribution_function() {
        for seed in 0..20 {
            let mixture = Mixture::new(&outputs(seed));
            let (step, mut sum, mut largest) = (2e-3, 0.0, 0.0_f64);
            for at in -30_000..30_000 {
                let number = f64::from(at) * step;
                sum += step * mixture.log_density(number + step / 2.0).exp();
                largest = largest.max((sum - mixture.distribution(number + step)).abs());
            }
            assert!((sum - 1.0).abs() < 1e-6 && largest < 1e-5, "{seed}: {sum} {largest}");
        }
    }

    #[test]
    fn quantiles_invert_the_distribution_function() {
        for seed in 0..50 {
            let mixture = Mixture::new(&outputs(seed));
            for share in [1e-9, 1e-4, 0.01, 0.2, 0.5, 0.77, 0.999, 1.0 - 1e-7] {
                let found = mixture.distribution(mixture.quantile(share));
                assert!((found - share).abs() < 1e-10, "{seed}: {share} {found}");
            }
            assert!(mixture.quantile(0.0) < mixture.quantile(1.0));
            assert!([0.0, 1.0].into_iter().all(|share| mixture.quantile(share).is_finite()));
        }
    }

    /// Two humps and a far tail: the mixture has the numbers' own mean, variance and share beyond two.
    #[test]
    fn a_mixture_follows_numbers() {
        let mut rng = stream(3, "humps");
        let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        let mut number = |at: usize| match at % 10 {
            0 => 4.0 + 2.0 * normal(),
            1..=4 => -1.0 + 0.2 * normal(),
            _ => 0.5 + 0.3 * normal(),
        };
        let numbers: Vec<(f64, f64)> = (0..4000).map(|at| (number(at), 1.0 + (at % 3) as f64)).collect();
        let total: f64 = numbers.iter().map(|n| n.1).sum();
        let mean_of = |f: &dyn Fn(f64) -> f64| numbers.iter().map(|&(x, w)| w * f(x)).sum::<f64>() / total;
        let (mean, second) = (mean_of(&|x| x), mean_of(&|x| x * x));
        let mixture = Mixture::new(&Mixture::outputs_for(&numbers, (second - mean * mean).sqrt()));
        let of = |k: usize| mixture.weights[k];
        let found: f64 = (0..COMPONENTS).map(|k| of(k) * mixture.means[k]).sum();
        let square: f64 =
            (0..COMPONENTS).map(|k| of(k) * (mixture.means[k].powi(2) + mixture.deviations[k].powi(2))).sum();
        assert!((found - mean).abs() < 1e-3, "{found} {mean}");
        assert!((square / second - 1.0).abs() < 0.01, "{square} {second}");
        for cut in [-0.6, 0.0, 0.9, 2.0, 5.0] {
            let share = mean_of(&|x| f64::from(u8::from(x <= cut)));
            assert!((mixture.distribution(cut) - share).abs() < 0.02, "{cut}: {} {share}", mixture.distribution(cut));
        }
        assert!(Mixture::outputs_for(&[], 1.0).iter().all(|v| v.is_finite()));
        assert!(Mixture::outputs_for(&[(0.0, 1.0); 9], 1e-2).iter().all(|v| v.is_finite()));
    }

    #[test]
    fn gradients_are_those_of_differences() {
        for seed in 0..20 {
            let (outputs, number) = (outputs(seed), f64::from(seed as u32) / 5.0 - 2.0);
            let mut gradient = [0.0; OUTPUTS];
            Mixture::new(&outputs).descend(&outputs, number, 0.7, &mut gradient);
            for at in 0..OUTPUTS {
                let moved = |by: f32| {
                    let mut outputs = outputs.clone();
                    outputs[at] += by;
                    -0.7 * Mixture::new(&outputs).log_density(number)
                };
                let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
                assert!((slope - f64::from(gradient[at])).abs() < 2e-3, "{seed}, {at}: {slope} {}", gradient[at]);
            }
        }
    }

    #[test]
    fn scales_go_in_and_out_and_respect_bounds() {
        let values: Vec<(f32, f64)> = (1..200).map(|k| (0.2 + 0.019 * k as f32, 1.0 + f64::from(k % 3))).collect();
        for bounds in [(None, None), (Some(0.0), None), (None, Some(5.0)), (Some(0.0), Some(5.0))] {
            let scale = Scale::fit(&values, bounds);
            let total: f64 = values.iter().map(|v| v.1).sum();
            let mean: f64 = values.iter().map(|&(x, w)| w * scale.inward(x)).sum::<f64>() / total;
            let square: f64 = values.iter().map(|&(x, w)| w * scale.inward(x).powi(2)).sum::<f64>() / total;
            assert!(mean.abs() < 1e-9 && (square - 1.0).abs() < 1e-9, "{bounds:?}: {mean} {square}");
            for &(x, _) in &values {
                assert!((scale.outward(scale.inward(x)) - x).abs() < 1e-4, "{bounds:?}: {x}");
                let slope = (scale.inward(x + 0.005) - scale.inward(x - 0.005)) / 0.01;
                assert!((slope / scale.slope(x) - 1.0).abs() < 1e-2, "{bounds:?}: {x} {slope}");
            }
            let inside =
                |x: f32| bounds.0.is_none_or(|low| f64::from(x) >= low) && bounds.1.is_none_or(|h| f64::from(x) <= h);
            assert!(
                [-900.0, -30.0, 30.0, 900.0]
                    .into_iter()
                    .all(|z| inside(scale.outward(z)) && scale.outward(z).is_finite())
            );
            assert!(scale.inward(0.0).is_finite() && scale.inward(5.0).is_finite());
        }
        let same = Scale::fit(&[(3.0, 1.0); 5], (None, None));
        assert_eq!((same.inward(3.0), same.outward(0.0), same.is_sound()), (0.0, 3.0, true));
    }
}
