//! The engine's settings with their defaults.

use crate::model::Overrides;
use crate::nets::ops::Relaxation;

/// How a module is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Passes over the rows of the largest task, where `steps` does not say.
    pub epochs: Option<usize>,
    /// Generator steps, where `epochs` does not say.
    pub steps: usize,
    /// Rows per step, a multiple of `pac`.
    pub batch: usize,
    /// Adam's learning rate of generators and critics.
    pub rate: f64,
    /// Widths of hidden layers of generators and critics.
    pub hidden: Vec<usize>,
    /// Length of the noise vectors.
    pub noise: usize,
    /// Factor of the gradient penalty.
    pub lambda: f64,
    /// Critic steps per generator step.
    pub critic_steps: usize,
    /// Rows joined into one critic input (Lin et al. 2018).
    pub pac: usize,
    /// Dropout of the critic.
    pub dropout: f32,
    /// Decay per step of the average of the generators' weights.
    pub decay: f64,
    /// Whether generators are trained with hard draws and soft gradients.
    pub hard: bool,
    /// The share of the steps over which the temperature falls.
    pub annealing: f64,
    /// The share of the steps over which the learning rate falls to zero, at the end.
    pub cooling: f64,
}

impl Options {
    /// `settings` over the defaults.
    pub fn new(settings: &Overrides) -> Self {
        let pac = settings.pac.unwrap_or(10).max(1);
        let batch = settings.batch.unwrap_or(200).max(2);
        Self {
            epochs: settings.steps.is_none().then_some(settings.epochs).flatten(),
            steps: settings.steps.unwrap_or(6000),
            batch: batch.next_multiple_of(pac),
            rate: settings.lr.unwrap_or(5e-4),
            hidden: settings.hidden.clone().unwrap_or_else(|| vec![256, 256]),
            noise: settings.noise.unwrap_or(32).max(1),
            lambda: settings.lambda.unwrap_or(10.0),
            critic_steps: settings.critic_steps.unwrap_or(1).max(1),
            pac,
            dropout: settings.dropout.unwrap_or(0.0).clamp(0.0, 0.95) as f32,
            decay: env("DECAY", 0.999),
            hard: env("HARD", 0.0) > 0.5,
            annealing: env("ANNEAL", 0.5),
            cooling: env("COOL", 0.5),
        }
    }

    /// Generator steps for tasks of which the largest has `rows` rows.
    pub fn steps(&self, rows: usize) -> usize {
        self.epochs.map_or(self.steps, |epochs| (epochs * rows).div_ceil(self.batch))
    }

    /// How draws are made after `progress` (0 to 1) of the steps: the temperature falls from 1 to 0.1.
    pub fn relaxation(&self, progress: f64) -> Relaxation {
        let temperature = if self.hard { env("TEMP", 0.5) } else { 10f64.powf(-(progress / self.annealing).min(1.0)) };
        Relaxation { temperature: temperature as f32, hard: self.hard }
    }

    /// The learning rate after `progress` of the steps.
    pub fn rate_at(&self, progress: f64) -> f32 {
        (self.rate * ((1.0 - progress) / self.cooling).min(1.0)) as f32
    }
}

fn env(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}
