//! Neural conditionals, for mechanisms whose tables are too large or the rows too few to fill them, and for real variables.
//!
//! The loss is the exact marginal likelihood: the gradient of `log Σ_u Π P(u) Π P(v | pa, u)` is the
//! posterior expectation of the gradient of the complete-data likelihood (Fisher's identity), and the
//! posterior comes from [`Elimination`]. So each step is a weighted classification; densities take the place of
//! probabilities where a variable is real.

mod compiled;
mod fit;
mod heads;
mod line;

use super::layout::Layout;
use super::rows::{Rows, Term, Weights};
use crate::model::{Domain, Model, Overrides, VarId};
use crate::nets::conditional::{ConditionalMember, ConditionalModule, SoftNetwork};
use crate::nets::ops::Adam;
use crate::nets::table::TableMechanism;
use crate::seed;
use crate::train::{Metric, Observer, TrainError};
use compiled::Compiled;
use fit::{Fit, STEPS};
use rayon::prelude::*;
use std::ops::Range;

/// The share of the rows that is held out to stop early: one part of so many.
const PARTS: usize = 8;
/// That share.
pub const HELD_OUT: f64 = 1.0 / PARTS as f64;
/// What Adam's rate falls to, once, where real variables are among them and the held-out rows gain no more: from the best weights so
/// far the fit then settles, instead of going on in steps as large as what it still has to learn.
const SETTLING: f32 = 0.2;
/// First epochs without images, so that hidden causes explain what they can before the encoders do. Where images
/// show other parents of their children plainly, the rows tell the two ways apart only slowly.
const BLIND_EPOCHS: usize = 10;

/// A module to be fitted with networks.
pub(super) struct Job<'a> {
    pub model: &'a Model,
    pub module: &'a str,
    pub variables: &'a [VarId],
    pub rows: &'a Rows,
    pub settings: &'a Overrides,
    pub seed: u64,
    pub observer: &'a dyn Observer,
}

/// Fits of the same layout.
struct Members {
    layout: Layout,
    /// Each with its loss on the rows held out for it, in nats a row.
    found: Vec<(ConditionalMember, f64)>,
}

/// Steps of a fit on images, at least: few rows are seen more often.
const IMAGE_STEPS: usize = 2500;

/// Choices of the networks and their training.
struct Recipe {
    /// Values of each hidden cause; of several, those are kept with which the first member does best on the held-out rows.
    levels: Vec<usize>,
    /// Widths of the hidden layers.
    hidden: Vec<usize>,
    rate: f32,
    /// Rows of a step.
    batch: usize,
    epochs: usize,
    /// Epochs without an improvement on the held-out rows before a fit stops.
    patience: usize,
    /// Fits, each from other random weights and with other rows held out.
    members: usize,
    /// Whether images are among the inputs. Networks see each image once, and would learn resampled rows by heart,
    /// so all rows count the same.
    images: bool,
}

impl Recipe {
    /// The recipe for a model's settings; a pass over images takes long, so there are fewer of them, and none is left
    /// out: the rate falls over the last half of them, which is where much is gained (on 20,000 digits from 1.50 to
    /// 1.48 nats a row, and from 0.058 to 0.028 in the total variation of an effect).
    fn new(settings: &Overrides, images: bool, rows: usize) -> Self {
        let either = |with: usize, without: usize| if images { with } else { without };
        let batch = settings.batch.unwrap_or(either(128, 256)).max(1);
        let enough = IMAGE_STEPS.div_ceil(rows.div_ceil(batch).max(STEPS));
        let epochs = settings.epochs.unwrap_or(either(enough.max(12), 100)).max(1);
        Self {
            levels: settings
                .levels
                .map_or_else(|| if images { vec![2, 4] } else { vec![4] }, |levels| vec![levels.max(1)]),
            hidden: settings.hidden.clone().unwrap_or_else(|| vec![64, 64]),
            rate: settings.lr.unwrap_or(if images { 1e-3 } else { 3e-3 }) as f32,
            batch,
            epochs,
            patience: either(epochs, 6),
            members: settings.bootstrap.unwrap_or(either(2, 8)).max(1),
            images,
        }
    }
}

impl Recipe {
    /// Adam's rate in an epoch.
    fn rate_at(&self, epoch: usize) -> f32 {
        let left = 1.0 - (epoch as f32 + 0.5) / self.epochs as f32;
        if self.images { self.rate * (2.0 * left).min(1.0) } else { self.rate }
    }
}

/// Whether rows have a higher likelihood than before by more than twice the standard error of the sum of differences.
fn clearly_better(logs: &[f64], before: &[f64]) -> bool {
    let (mut sum, mut squares) = (0.0, 0.0);
    for gain in logs.iter().zip(before).map(|(log, before)| log - before) {
        (sum, squares) = (sum + gain, squares + gain * gain);
    }
    sum > 2.0 * (squares - sum * sum / logs.len().max(1) as f64).max(0.0).sqrt()
}

impl Job<'_> {
    /// Fits several sets of networks (as many as the settings ask bootstrap refits), each to a bootstrap
    /// resample of the rows.
    pub fn fit(&self) -> Result<ConditionalModule, TrainError> {
        let recipe = self.recipe();
        let first = |levels: &usize| Ok((*levels, self.members(&recipe, *levels, 0..1)?));
        let mut fits: Vec<(usize, Members)> = recipe.levels.par_iter().map(first).collect::<Result<_, TrainError>>()?;
        let loss = |fit: &(usize, Members)| fit.1.found.first().map_or(f64::INFINITY, |(_, loss)| *loss);
        let best = (0..fits.len()).min_by(|&a, &b| loss(&fits[a]).total_cmp(&loss(&fits[b]))).unwrap_or(0);
        let (levels, Members { layout, mut found }) = fits.swap_remove(best);
        let count = recipe.members;
        found.extend(self.members(&recipe, levels, 1..count)?.found);
        let mut members = vec![];
        for (at, (member, loss)) in found.into_iter().enumerate() {
            if !loss.is_finite() {
                return Err(TrainError::NotFinite { module: self.module.into(), step: at });
            }
            self.observer.metric(&Metric { module: self.module.into(), step: at + 1, total: count, loss, tv: None });
            members.push(member);
        }
        let (latents, mechanisms) = (layout.latents, layout.mechanisms);
        Ok(ConditionalModule { latents, mechanisms, reals: self.rows.reals.clone(), members })
    }

    /// Some of the fits, with their losses.
    fn members(&self, recipe: &Recipe, levels: usize, which: Range<usize>) -> Result<Members, TrainError> {
        let layout = Layout::new(self.model, self.variables, levels);
        let compiled: Vec<Compiled> =
            self.rows.terms.iter().map(|term| Compiled::new(&layout, self.rows, term)).collect();
        let found =
            which.into_par_iter().map(|at| self.member(&layout, &compiled, recipe, at)).collect::<Result<_, _>>()?;
        drop(compiled);
        Ok(Members { layout, found })
    }

    /// One fit and its loss on the held-out rows, in nats per row.
    fn member(
        &self,
        layout: &Layout,
        compiled: &[Compiled],
        recipe: &Recipe,
        at: usize,
    ) -> Result<(ConditionalMember, f64), TrainError> {
        let mut rng = seed::stream(self.seed, &format!("likelihood/{}/network/{at}", self.module));
        let (train, test) = self.split(recipe, at);
        let total: f64 = test.iter().flatten().sum();
        let mut fit = Fit::new(layout, compiled, recipe, &train, &mut rng)?;
        let optimiser = |fit: &Fit| Adam::new(fit.networks.iter().flat_map(SoftNetwork::parameters), (0.9, 0.999));
        let mut adam = optimiser(&fit);
        let mut best = (fit.member()?, f64::INFINITY, 0);
        // A regression is left only for what the held-out rows clearly gain: little of what few of them seem to gain is true,
        // and it differs from fit to fit.
        let is_real = |m: &TableMechanism| self.rows.reals.contains_key(&m.variable);
        let settles = !recipe.images && layout.mechanisms.iter().any(is_real);
        let mut settling = false;
        let regression = !recipe.images && layout.latents.is_empty() && layout.mechanisms.iter().all(is_real);
        let mut start = if regression { Some(fit.log_likelihoods(&test)?) } else { None };
        if recipe.images {
            fit.without_images(true);
            for _ in 0..BLIND_EPOCHS {
                fit.epoch(&train, &mut adam, &mut rng, &|| self.observer.cancelled())?;
            }
            fit.without_images(false);
        }
        for epoch in 0..recipe.epochs {
            fit.rate = recipe.rate_at(epoch) * if settling { SETTLING } else { 1.0 };
            fit.epoch(&train, &mut adam, &mut rng, &|| self.observer.cancelled())?;
            if self.observer.cancelled() {
                return Err(TrainError::Cancelled);
            }
            let logs = fit.log_likelihoods(&test)?;
            let loss = -logs.iter().sum::<f64>() / total.max(1.0);
            let gains = start.as_ref().is_none_or(|start| clearly_better(&logs, start));
            if loss.is_nan() || (loss < best.1 && gains) {
                best = (fit.member()?, loss, epoch);
                start = None;
            }
            if !loss.is_finite() {
                break;
            }
            if epoch >= best.2 + recipe.patience {
                if settling || !settles {
                    break;
                }
                settling = true;
                best.2 = epoch;
                fit.restore(&best.0)?;
                adam = optimiser(&fit);
            }
        }
        let kept = start.map(|logs| -logs.iter().sum::<f64>() / total.max(1.0));
        Ok((best.0, kept.unwrap_or(best.1)))
    }

    fn recipe(&self) -> Recipe {
        let is_image = |v: &VarId| matches!(self.model.domain(*v), Some(Domain::Image(_)));
        let images = self.variables.iter().any(|&v| self.model.graph.parents(v).iter().any(is_image));
        Recipe::new(self.settings, images, self.rows.terms.iter().map(Term::rows).sum())
    }

    /// Resampled rows (or the rows as they are) to train on, and real rows, none of them among those, to stop on.
    fn split(&self, recipe: &Recipe, at: usize) -> (Weights, Weights) {
        let (rest, part) = self.rows.folds(seed::derive(self.seed, &format!("networks/{at}")), PARTS).swap_remove(0);
        if recipe.images {
            return (rest, part);
        }
        let resampled = self.rows.resampled(self.seed, at);
        let share = |(rest, part): (&f64, &f64)| if rest + part > 0.0 { rest / (rest + part) } else { 0.0 };
        let train = |((r, p), w): ((&Vec<f64>, &Vec<f64>), &Vec<f64>)| {
            r.iter().zip(p).map(share).zip(w).map(|(share, w)| share * w).collect()
        };
        (rest.iter().zip(&part).zip(&resampled).map(train).collect(), part)
    }
}

#[cfg(test)]
mod tests {
    use super::clearly_better;

    #[test]
    fn gains_must_be_larger_than_their_errors() {
        let before = vec![-1.0; 100];
        let gains = |gain: f64, noise: f64| -> Vec<f64> {
            (0..100).map(|at| -1.0 + gain + if at % 2 == 0 { noise } else { -noise }).collect()
        };
        // The standard error of the sum is ten times the noise.
        assert!(clearly_better(&gains(0.05, 0.2), &before));
        assert!(!clearly_better(&gains(0.03, 0.2), &before));
        assert!(!clearly_better(&gains(-0.05, 0.2), &before));
        assert!(!clearly_better(&before, &before));
    }
}
