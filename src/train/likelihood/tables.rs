//! Conditional tables: restarts of EM, the number of levels, and draws around the best fits.

use super::em::{Fit, Likelihood, Stop};
use super::layout::{Layout, Prior};
use super::posterior;
use super::rows::{Rows, Weights};
use crate::model::{Model, Overrides, VarId};
use crate::nets::table::TableModule;
use crate::seed;
use crate::train::{Metric, Observer, TrainError};
use rayon::prelude::*;

/// Choices of the table engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Values of each hidden cause; chosen on held-out rows where `None`.
    pub levels: Option<usize>,
    /// Restarts of EM from random tables.
    pub restarts: usize,
    /// Dirichlet pseudo-count of every `P(v | pa)`, shared among the joint values of the hidden causes. More
    /// predicts random models better and pulls published tables of counts away from their textbook answers.
    pub pseudo_count: f64,
    /// Dirichlet pseudo-count of every cell `P(u)`.
    pub latent_pseudo_count: f64,
    /// Draws around the near-best fits, behind the intervals.
    pub draws: usize,
    /// Gibbs sweeps from the bootstrap refit that a draw starts from.
    pub sweeps: usize,
    /// A restart is near-best if its objective is within this many nats of the best one's.
    pub near: f64,
    /// Cells of work (clique cells of all distinct rows, per pass) that training may spend in all.
    pub budget: f64,
}

impl Recipe {
    /// The recipe for a model's settings.
    pub fn new(settings: &Overrides) -> Self {
        Self {
            levels: settings.levels,
            restarts: settings.restarts.unwrap_or(8),
            pseudo_count: 0.3,
            latent_pseudo_count: 1.0,
            draws: settings.bootstrap.unwrap_or(48),
            sweeps: 20,
            near: 2.0,
            budget: 1.2e9,
        }
    }

    /// EM as it is usually run, to compare with: fixed levels, no prior, only the best restart.
    pub fn plain(levels: usize, restarts: usize) -> Self {
        Self {
            levels: Some(levels),
            restarts,
            pseudo_count: 1e-6,
            latent_pseudo_count: 1e-6,
            draws: 0,
            near: 0.0,
            ..Self::new(&Overrides::default())
        }
    }

    fn prior(&self) -> Prior {
        Prior { table: self.pseudo_count, latent: self.latent_pseudo_count }
    }
}

/// Levels that are tried where none are set: each next one only if the one before paid off.
const LEVELS: [usize; 3] = [4, 8, 16];
/// Parts of the rows that are held out in turn to choose the levels.
const FOLDS: usize = 3;
/// Cells of all tables beyond which fewer levels are used.
pub(super) const MAX_CELLS: usize = 4 << 20;

/// A module to be fitted.
pub(super) struct Job<'a> {
    pub model: &'a Model,
    pub module: &'a str,
    pub variables: &'a [VarId],
    pub rows: &'a Rows,
    pub recipe: &'a Recipe,
    pub seed: u64,
    pub observer: &'a dyn Observer,
}

impl Job<'_> {
    /// Chooses the levels, climbs from random restarts, and draws around the near-best fits.
    pub fn fit(&self) -> Result<TableModule, TrainError> {
        let weights = self.rows.weights();
        let likelihood = self.at(self.levels()?);
        let fits = self.restarts(&likelihood, &weights)?;
        let near: Vec<Vec<f64>> = fits
            .iter()
            .filter(|f| f.objective >= fits[0].objective - self.recipe.near)
            .map(|f| f.parameters.clone())
            .collect();
        let draws = self.draws(&likelihood, &near, &weights)?;
        let layout = &likelihood.layout;
        Ok(TableModule {
            members: near.iter().map(|p| layout.member(p)).collect(),
            replicates: draws.iter().map(|p| layout.member(p)).collect(),
            latents: layout.latents.clone(),
            mechanisms: layout.mechanisms.clone(),
        })
    }

    /// The likelihood with `levels` values of each latent.
    fn at(&self, levels: usize) -> Likelihood {
        Likelihood::new(Layout::new(self.model, self.variables, levels), self.rows)
    }

    /// The number of levels that predicts held-out rows best.
    fn levels(&self) -> Result<usize, TrainError> {
        if let Some(levels) = self.recipe.levels {
            return Ok(levels.max(1));
        }
        if self.at(1).layout.latents.is_empty() {
            return Ok(1);
        }
        let folds = self.rows.folds(self.seed, FOLDS);
        let mut best = (LEVELS[0], f64::NEG_INFINITY);
        for (done, &levels) in LEVELS.iter().enumerate() {
            let likelihood = self.at(levels);
            let passes = self.passes(&likelihood, 0.1, 2 * FOLDS);
            if done > 0 && (likelihood.layout.cells > MAX_CELLS || passes < 20) {
                self.observer.warning(
                    self.module,
                    &format!("{levels} levels of each hidden cause would take too long: not tried"),
                );
                break;
            }
            let score = self.held_out(&likelihood, &folds, passes)?;
            if score <= best.1 {
                break;
            }
            best = (levels, score);
        }
        Ok(best.0)
    }

    /// The log-likelihood of the held-out parts, each under a fit to the others.
    fn held_out(
        &self,
        likelihood: &Likelihood,
        folds: &[(Weights, Weights)],
        passes: usize,
    ) -> Result<f64, TrainError> {
        let stop = Stop { gain: 1e-2, passes };
        let scores: Vec<(f64, f64)> = (0..2 * folds.len())
            .into_par_iter()
            .map(|at| {
                let (rest, part) = &folds[at / 2];
                let fit = self.climb(likelihood, rest, &format!("folds/{at}"), stop)?;
                Ok((fit.objective, likelihood.pass(&fit.parameters, part, None, None)))
            })
            .collect::<Result<_, TrainError>>()?;
        let better = |pair: &[(f64, f64)]| if pair[0].0 >= pair[1].0 { pair[0].1 } else { pair[1].1 };
        Ok(scores.chunks_exact(2).map(better).sum())
    }

    /// Fits from random tables, best first.
    fn restarts(&self, likelihood: &Likelihood, weights: &Weights) -> Result<Vec<Fit>, TrainError> {
        let count = if likelihood.layout.latents.is_empty() { 1 } else { self.recipe.restarts.max(1) };
        let stop = Stop { gain: 1e-3, passes: self.passes(likelihood, 0.4, count) };
        let mut fits: Vec<Fit> = (0..count)
            .into_par_iter()
            .map(|at| self.climb(likelihood, weights, &format!("restart/{at}"), stop))
            .collect::<Result<_, _>>()?;
        fits.sort_by(|a, b| b.objective.total_cmp(&a.objective));
        let total: f64 = self.rows.total_weight();
        for (at, fit) in fits.iter().enumerate() {
            let log = fit.objective - likelihood.layout.log_prior(&fit.parameters, self.recipe.prior());
            if !log.is_finite() {
                return Err(TrainError::NotFinite { module: self.module.into(), step: at });
            }
            let (step, loss) = (at + 1, -log / total.max(1.0));
            self.observer.metric(&Metric { module: self.module.into(), step, total: count, loss, tv: None });
        }
        Ok(fits)
    }

    fn climb(&self, likelihood: &Likelihood, weights: &Weights, name: &str, stop: Stop) -> Result<Fit, TrainError> {
        self.check()?;
        let mut rng = seed::stream(self.seed, &format!("likelihood/{}/{name}", self.module));
        Ok(likelihood.fit(likelihood.layout.random(&mut rng), weights, self.recipe.prior(), stop))
    }

    /// Tables whose spread is that of the answers: each starts from a refit of a near-best fit to
    /// resampled rows and runs a few sweeps of Gibbs sampling on the real ones. Where the sampler moves
    /// fast these are draws from the posterior; where it moves slowly, the bootstrap. Both have the
    /// spread of the sampling error.
    fn draws(
        &self,
        likelihood: &Likelihood,
        near: &[Vec<f64>],
        weights: &Weights,
    ) -> Result<Vec<Vec<f64>>, TrainError> {
        let passes = self.passes(likelihood, 0.5, self.recipe.draws.max(1));
        let sweeps = self.recipe.sweeps.min(passes / 4);
        let stop = Stop { gain: 1e-2, passes: passes - sweeps };
        (0..self.recipe.draws)
            .into_par_iter()
            .map(|at| {
                self.check()?;
                let start = near[at % near.len()].clone();
                let refit = likelihood.fit(start, &self.rows.resampled(self.seed, at), self.recipe.prior(), stop);
                let mut rng = seed::stream(self.seed, &format!("likelihood/{}/draw/{at}", self.module));
                let prior = self.recipe.prior();
                Ok(posterior::draw(likelihood, refit.parameters, weights, prior, sweeps, &mut rng))
            })
            .collect()
    }

    /// The passes that each of `jobs` may spend out of a share of the budget.
    fn passes(&self, likelihood: &Likelihood, share: f64, jobs: usize) -> usize {
        let each = self.recipe.budget * share / (jobs * likelihood.work().max(1)) as f64;
        (each as usize).clamp(8, 3000)
    }

    fn check(&self) -> Result<(), TrainError> {
        if self.observer.cancelled() { Err(TrainError::Cancelled) } else { Ok(()) }
    }
}
