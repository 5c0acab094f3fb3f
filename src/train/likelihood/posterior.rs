//! Draws from the posterior distribution of the tables, by Gibbs sampling.

use super::em::Likelihood;
use super::layout::Prior;
use super::rows::Weights;
use rand_chacha::ChaCha8Rng;

/// The state of a chain from `start` after this many sweeps.
///
/// A sweep draws every row's hidden causes given the tables, then the tables given the completed counts
/// (data augmentation: Tanner & Wong 1987, doi:10.1080/01621459.1987.10478458).
pub(super) fn draw(
    likelihood: &Likelihood,
    start: Vec<f64>,
    weights: &Weights,
    prior: Prior,
    sweeps: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<f64> {
    let mut parameters = start;
    for _ in 0..sweeps {
        let mut counts = vec![0.0; likelihood.layout.cells];
        likelihood.pass(&parameters, weights, Some(&mut counts), Some(rng));
        likelihood.layout.draw(&mut counts, prior, rng);
        parameters = counts;
    }
    parameters
}
