//! Settings of training: global, and for single modules.

use super::VarId;
use serde::{Deserialize, Serialize};

/// How a module is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Maximum likelihood over the module's c-factors.
    Likelihood,
    /// Wasserstein GAN with gradient penalty.
    WganGp,
    /// Denoising diffusion.
    Diffusion,
    /// A frozen file.
    Pretrained,
}

/// What a model file asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineChoice {
    /// `likelihood` wherever it applies, else `wgan_gp`.
    #[default]
    Auto,
    /// [`Engine::Likelihood`].
    Likelihood,
    /// [`Engine::WganGp`].
    WganGp,
}

/// Settings as written; `None` leaves the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overrides {
    /// The engine.
    pub engine: Option<EngineChoice>,
    /// Passes over the data (neural engines), of the largest task's rows.
    pub epochs: Option<usize>,
    /// Generator steps (adversarial); overrides `epochs`.
    pub steps: Option<usize>,
    /// Rows per step.
    pub batch: Option<usize>,
    /// Adam's learning rate.
    pub lr: Option<f64>,
    /// The run's seed.
    pub seed: Option<u64>,
    /// `auto`, `cpu`, `cuda`, `cuda:1`, `metal`.
    pub device: Option<String>,
    /// Width of hidden layers.
    pub hidden: Option<Vec<usize>>,
    /// Length of the noise vectors.
    pub noise: Option<usize>,
    /// Gradient penalty (adversarial).
    pub lambda: Option<f64>,
    /// Critic steps per generator step (adversarial).
    pub critic_steps: Option<usize>,
    /// Rows joined into one critic input (adversarial).
    pub pac: Option<usize>,
    /// Critic dropout (adversarial).
    pub dropout: Option<f64>,
    /// Channels of networks on images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Values of each hidden cause (likelihood); chosen on held-out rows where absent.
    pub levels: Option<usize>,
    /// Restarts from random tables (likelihood).
    pub restarts: Option<usize>,
    /// Bootstrap refits behind the intervals (likelihood).
    pub bootstrap: Option<usize>,
    /// Refits of the whole plan on resampled rows, behind the intervals of sampled answers; none where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<usize>,
    /// Samples drawn per query where it is answered by sampling.
    pub samples: Option<usize>,
    /// Whether modules are trained one by one; `false` trains every mechanism at once, as systems without a plan do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modular: Option<bool>,
    /// MiB that the images of one variable in one data set may take in memory; more are kept in a temporary file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_memory: Option<usize>,
}

/// The `train` statements of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// `train { … }`.
    pub global: Overrides,
    /// `train {D, A} { … }`: each applies to the modules that share a variable with it.
    pub modules: Vec<(Vec<VarId>, Overrides)>,
}

impl Settings {
    /// The settings of a module with `variables`: its own blocks, in order, over the global one.
    pub fn of(&self, variables: &[VarId]) -> Overrides {
        let mut merged = self.global.clone();
        for (targets, overrides) in &self.modules {
            if targets.iter().any(|t| variables.contains(t)) {
                merged.extend(overrides);
            }
        }
        merged
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.global.seed.unwrap_or(1)
    }

    /// Whether modules are trained one by one, as they are unless `modular: false` is set.
    pub fn modular(&self) -> bool {
        self.global.modular.unwrap_or(true)
    }

    /// The bytes that the images of one variable in one data set may take in memory: 1 GiB unless set.
    pub fn image_memory(&self) -> usize {
        self.global.image_memory.unwrap_or(1024).saturating_mul(1 << 20)
    }
}

impl Overrides {
    /// Takes every setting that `other` has.
    pub fn extend(&mut self, other: &Self) {
        macro_rules! take {
            ($($field:ident),*) => { $(if other.$field.is_some() { self.$field.clone_from(&other.$field); })* };
        }
        take!(engine, epochs, steps, batch, lr, seed, device, hidden, noise, lambda, critic_steps, pac, dropout);
        take!(width, levels, restarts, bootstrap, ensemble, samples, modular, image_memory);
    }
}
