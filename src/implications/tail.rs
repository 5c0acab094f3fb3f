//! Tail probabilities.

use statrs::function::gamma::gamma_ur;

/// The probability that a χ² variable with `df` degrees of freedom is `x` or more; 1 for `df` 0.
pub(super) fn chi_squared(x: f64, df: f64) -> f64 {
    if df <= 0.0 || x <= 0.0 {
        return 1.0;
    }
    gamma_ur(df / 2.0, x / 2.0)
}

/// Exceedances from which a p-value is counted; a smaller one comes from a fitted curve.
pub(super) const COUNTED: usize = 10;

/// The p-value of `x` among `draws` of its null distribution: counted where enough draws exceed it, else from the scaled χ²
/// distribution with the draws' mean and variance (Satterthwaite 1946), so that small ones need not millions of draws.
pub(super) fn among(x: f64, draws: &[f64]) -> f64 {
    let count = draws.len() as f64;
    let above = draws.iter().filter(|&&d| d >= x - 1e-9 * x.abs().max(1.0)).count();
    let counted = (above + 1) as f64 / (count + 1.0);
    let mean = mean(draws);
    let variance = draws.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (count - 1.0).max(1.0);
    if above >= COUNTED || mean <= 0.0 || variance <= 0.0 {
        return counted;
    }
    chi_squared(x * 2.0 * mean / variance, 2.0 * mean * mean / variance)
}

pub(super) fn mean(draws: &[f64]) -> f64 {
    draws.iter().sum::<f64>() / draws.len().max(1) as f64
}
