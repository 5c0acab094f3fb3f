//! Training: a plan's modules, one engine a file.

pub mod wgan_gp;

use crate::nets::generator::GeneratorModule;
use crate::nets::table::TableModule;
use serde::Serialize;

/// A trained module.
#[derive(Clone, Debug)]
pub enum Trained {
    /// Conditional probability tables.
    Tables(TableModule),
    /// Implicit generators.
    Generators(GeneratorModule),
}

/// A line of `metrics.jsonl`, and what progress bars show.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// The module's id.
    pub module: String,
    /// Steps (of the engine's own kind) done.
    pub step: usize,
    /// Steps in all, as far as known.
    pub total: usize,
    /// The engine's loss: negative log-likelihood per row in nats, or the critic's loss.
    pub loss: f64,
    /// Total variation distance between the task's rows and the module, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tv: Option<f64>,
}

/// Watches training.
pub trait Observer: Sync {
    /// Something was measured.
    fn metric(&self, metric: &Metric);
    /// Whether training should stop as soon as it can.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Why training failed.
#[derive(Debug)]
pub enum TrainError {
    /// Stopped on request.
    Cancelled,
    /// The loss became infinite or NaN in this module at this step.
    NotFinite {
        /// The module's id.
        module: String,
        /// The step.
        step: usize,
    },
    /// The module cannot be trained from what it was given.
    Input {
        /// The module's id.
        module: String,
        /// What is missing or does not fit.
        reason: String,
    },
    /// Candle failed.
    Candle(candle_core::Error),
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        Self::Candle(error)
    }
}
