//! Refits of a whole plan on resampled rows: what another sample of the same size might have taught.
//!
//! The spread of the refits' answers holds what the rows leave open and what the seeds of training do (Efron 1979,
//! doi:10.1214/aos/1176344552, for rows; Lakshminarayanan et al. 2017, arXiv:1612.01474, for seeds). It does not hold
//! what every fit gets wrong alike.

use super::{Given, Metric, Observer, TrainError, Trained, train_plan};
use crate::data::Table;
use crate::model::{Model, Regime};
use crate::plan::Plan;
use crate::seed;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, Poisson};
use std::path::Path;

/// The refits that `train { ensemble: N }` asks for, each with the plan's modules in their order; none where all of the
/// modules in `trained` are tables, which have replicates of their own. Refit `k` is kept in `folder/refit_K`.
///
/// # Errors
/// As for [`train_plan`].
pub fn train_ensemble(
    model: &Model,
    plan: &Plan,
    given: &Given<'_>,
    trained: &[Trained],
    (folder, jobs): (Option<&Path>, usize),
    observer: &dyn Observer,
) -> Result<Vec<Vec<Trained>>, TrainError> {
    if trained.iter().all(|module| module.tables().is_some()) {
        return Ok(vec![]);
    }
    let fit = |number: usize| {
        let mut model = model.clone();
        model.settings.global.seed = Some(seed::derive(model.settings.seed(), &format!("refit/{number}")));
        let mut rng = seed::stream(model.settings.seed(), "rows");
        let tables: Vec<Table> =
            model.regimes.iter().zip(given.tables).map(|(regime, table)| resampled(regime, table, &mut rng)).collect();
        let folder = folder.map(|folder| folder.join(format!("refit_{number}")));
        let observer = Refit { observer, number };
        train_plan(&model, plan, &Given { tables: &tables, ..*given }, folder.as_deref(), jobs, &observer)
    };
    (1..=model.settings.global.ensemble.unwrap_or(0)).map(fit).collect()
}

/// The name of a module in a refit, as progress and metrics show it.
pub fn refit_name(module: &str, number: usize) -> String {
    format!("{module} (refit {number})")
}

/// The rows with other weights: each row as often as a sample with replacement might have it. Rows that are held out
/// stay as they are.
fn resampled(regime: &Regime, table: &Table, rng: &mut ChaCha8Rng) -> Table {
    if regime.test {
        return table.clone();
    }
    let counts = (0..table.rows).all(|row| table.weight(row).fract() == 0.0);
    let weight = |row| match table.weight(row) {
        weight if weight <= 0.0 => 0.0,
        // Each of `weight` equal rows comes from a Poisson distribution of mean 1.
        weight if counts => Poisson::new(weight).map_or(weight, |d| d.sample(&mut *rng)),
        // The Bayesian bootstrap (Rubin 1981, doi:10.1214/aos/1176345338).
        weight => weight * Distribution::<f64>::sample(&Exp1, &mut *rng),
    };
    Table { weights: Some((0..table.rows).map(weight).collect()), ..table.clone() }
}

/// Watches a refit: its modules have names of their own.
struct Refit<'a> {
    observer: &'a dyn Observer,
    number: usize,
}

impl Observer for Refit<'_> {
    fn started(&self, module: &str, reused: bool) {
        self.observer.started(&refit_name(module, self.number), reused);
    }

    fn finished(&self, module: &str) {
        self.observer.finished(&refit_name(module, self.number));
    }

    fn metric(&self, metric: &Metric) {
        self.observer.metric(&Metric { module: refit_name(&metric.module, self.number), ..metric.clone() });
    }

    fn warning(&self, module: &str, message: &str) {
        self.observer.warning(&refit_name(module, self.number), message);
    }

    fn cancelled(&self) -> bool {
        self.observer.cancelled()
    }
}
