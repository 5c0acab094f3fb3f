//! Draws from the posterior distribution of the tables, by Gibbs sampling.
//!
//! Data augmentation (Tanner & Wong 1987, doi:10.1080/01621459.1987.10478458): draw every row's hidden
//! causes given the tables, then the tables given the completed counts.

use super::em::Likelihood;
use super::layout::Prior;
use super::rows::Weights;
use rand_chacha::ChaCha8Rng;

/// How long a chain runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// Sweeps before the first draw is kept.
    pub warm_up: usize,
    /// Sweeps from one kept draw to the next.
    pub thin: usize,
    /// Draws to keep.
    pub draws: usize,
}

/// The kept draws of a chain from `start`.
pub(super) fn chain(
    likelihood: &Likelihood,
    start: &[f64],
    weights: &Weights,
    prior: Prior,
    length: Chain,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<f64>> {
    let mut current = start.to_vec();
    let mut kept = Vec::with_capacity(length.draws);
    for sweep in 1..=length.warm_up + length.thin * length.draws {
        let mut counts = vec![0.0; likelihood.layout.cells];
        likelihood.pass(&current, weights, Some(&mut counts), Some(rng));
        likelihood.layout.draw(&mut counts, prior, rng);
        current = counts;
        if sweep > length.warm_up && (sweep - length.warm_up) % length.thin == 0 {
            kept.push(current.clone());
        }
    }
    kept
}
