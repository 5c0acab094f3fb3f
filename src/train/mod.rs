//! Training: a plan's modules, one engine a file.

mod checkpoint;
pub mod encoder;
mod ensemble;
pub mod likelihood;
mod scales;
mod schedule;
pub mod wgan_gp;

pub use ensemble::{refit_name, train_ensemble};
pub use schedule::{Given, train_plan};

use crate::model::{Model, VarId};
use crate::nets::column::Column;
use crate::nets::conditional::ConditionalModule;
use crate::nets::file::{FileError, ModuleFile};
use crate::nets::generator::GeneratorModule;
use crate::nets::noise::Noise;
use crate::nets::pretrained::PretrainedModule;
use crate::nets::table::TableModule;
use crate::nets::{Hidden, Sampler};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// A trained module.
#[derive(Clone, Debug)]
pub enum Trained {
    /// Conditional probability tables.
    Tables(TableModule),
    /// Neural conditionals.
    Conditionals(ConditionalModule),
    /// Implicit generators.
    Generators(GeneratorModule),
    /// A frozen mechanism from a file.
    Pretrained(PretrainedModule),
}

impl Trained {
    fn module(&self) -> &dyn Sampler {
        match self {
            Self::Tables(module) => module,
            Self::Conditionals(module) => module,
            Self::Generators(module) => module,
            Self::Pretrained(module) => module,
        }
    }

    /// The variables whose mechanisms the module holds.
    pub fn variables(&self) -> Vec<VarId> {
        match self {
            Self::Tables(module) => module.mechanisms.iter().map(|m| m.variable).collect(),
            Self::Conditionals(module) => module.mechanisms.iter().map(|m| m.variable).collect(),
            Self::Generators(module) => module.generators.iter().map(|g| g.shape.variable).collect(),
            Self::Pretrained(module) => vec![module.variable],
        }
    }

    /// The mechanisms as tables of the model's variables, where they are.
    pub fn tables(&self) -> Option<&TableModule> {
        match self {
            Self::Tables(module) => Some(module),
            Self::Pretrained(module) => module.tables(),
            Self::Conditionals(_) | Self::Generators(_) => None,
        }
    }

    /// How many of its fits saw resampled rows, each the others: their spread is what the rows leave open. None of what is frozen
    /// or has no such fits.
    pub fn replicates(&self) -> usize {
        match self {
            Self::Tables(module) => module.replicates.len(),
            // Networks on images see all rows alike.
            Self::Conditionals(module) if module.mechanisms.iter().all(|m| m.images() == 0) => module.members.len(),
            Self::Conditionals(_) | Self::Generators(_) | Self::Pretrained(_) => 0,
        }
    }

    /// The share of the rows that each of its replicates does not learn from.
    pub fn left_out(&self) -> f64 {
        if matches!(self, Self::Conditionals(_)) { likelihood::HELD_OUT } else { 0.0 }
    }

    /// The module as its replicate `number` has it (counted round); itself where it has none. Replicates of the same number
    /// saw the same resampled rows in all modules of a run.
    pub fn replicate(&self, number: usize) -> Self {
        match self {
            Self::Tables(module) if !module.replicates.is_empty() => {
                let fit = module.replicates[number % module.replicates.len()].clone();
                let (latents, mechanisms) = (module.latents.clone(), module.mechanisms.clone());
                Self::Tables(TableModule { latents, mechanisms, members: vec![fit], replicates: vec![] })
            }
            Self::Conditionals(module) if self.replicates() > 0 => {
                let fit = module.members[number % module.members.len()].clone();
                let (latents, mechanisms) = (module.latents.clone(), module.mechanisms.clone());
                let reals = module.reals.clone();
                Self::Conditionals(ConditionalModule { latents, mechanisms, reals, members: vec![fit] })
            }
            _ => self.clone(),
        }
    }

    /// The module as a file; `inputs` is the digest of what it was trained from. A pretrained one has its file.
    pub fn to_file(&self, model: &Model, inputs: &str) -> Option<ModuleFile> {
        let names: Vec<String> = model.variables.keys().cloned().collect();
        match self {
            Self::Tables(module) => Some(module.to_file(&names, inputs)),
            Self::Conditionals(module) => Some(module.to_file(&names, inputs)),
            Self::Generators(module) => Some(module.to_file(|v| model.name(v), inputs)),
            Self::Pretrained(_) => None,
        }
    }

    /// The module in a file, its variables found by name in `model`.
    ///
    /// # Errors
    /// [`FileError`] where the file's architecture or tensors do not fit together or the model.
    pub fn from_file(file: &ModuleFile, model: &Model) -> Result<Self, FileError> {
        let names: Vec<String> = model.variables.keys().cloned().collect();
        match file.header.kind.as_str() {
            "generators" => GeneratorModule::from_file(file, |name| model.id(name)).map(Self::Generators),
            "conditionals" => ConditionalModule::from_file(file, &names).map(Self::Conditionals),
            _ => TableModule::from_file(file, &names).map(Self::Tables),
        }
    }
}

impl Sampler for Trained {
    fn hidden(&self, rows: usize, rng: &mut ChaCha8Rng) -> Hidden {
        self.module().hidden(rows, rng)
    }

    fn noise(&self, variable: usize, rows: usize, rng: &mut ChaCha8Rng) -> candle_core::Result<Noise> {
        self.module().noise(variable, rows, rng)
    }

    fn replay(
        &self,
        variable: usize,
        parents: &[&Column],
        hidden: &Hidden,
        noise: &Noise,
    ) -> candle_core::Result<Column> {
        self.module().replay(variable, parents, hidden, noise)
    }

    fn observe(
        &self,
        variable: usize,
        parents: &[&Column],
        hidden: &Hidden,
        noise: &mut Noise,
        value: u32,
    ) -> candle_core::Result<Vec<f64>> {
        self.module().observe(variable, parents, hidden, noise, value)
    }

    fn redraw(&self, hidden: &mut Hidden, latent: usize, rng: &mut ChaCha8Rng) -> candle_core::Result<()> {
        self.module().redraw(hidden, latent, rng)
    }
}

/// A line of `metrics.jsonl`, and what progress bars show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tv: Option<f64>,
}

/// Watches training.
pub trait Observer: Sync {
    /// A module starts training; `reused` if its file from an earlier run is taken instead.
    fn started(&self, module: &str, reused: bool) {
        let _ = (module, reused);
    }
    /// A module is trained and saved.
    fn finished(&self, module: &str) {
        let _ = module;
    }
    /// Something was measured.
    fn metric(&self, metric: &Metric);
    /// Something that the user should know went less well than asked for.
    fn warning(&self, module: &str, message: &str) {
        let _ = (module, message);
    }
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
    /// The data sets do not hold what the plan asks of them.
    Data {
        /// The module's id.
        module: String,
        /// What is missing.
        message: String,
    },
    /// Candle failed.
    Candle(candle_core::Error),
    /// A module file cannot be written.
    File(String),
}

impl std::fmt::Display for TrainError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cancelled => f.write_str("training was stopped"),
            Self::NotFinite { module, step } => write!(f, "the loss of {module} is not a number at step {step}"),
            Self::Data { module, message } => write!(f, "{module} cannot be trained: {message}"),
            Self::Candle(error) => write!(f, "{error}"),
            Self::File(why) => f.write_str(why),
        }
    }
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        Self::Candle(error)
    }
}
