//! The critic of one task: of codes alone, or of codes and pictures.

use super::Options;
use crate::nets::critic::Critic;
use crate::nets::image::{Batch, ImageCritic, ImageSize, Network, Soft, between};
use crate::nets::ops::Parameter;
use candle_core::{Error, Result, Tensor, bail};
use rand_chacha::ChaCha8Rng;

/// A task's critic.
pub enum TaskCritic {
    /// Of codes; so many rows are joined into one of its inputs.
    Codes(Critic, usize),
    /// Of pictures, and of codes beside them.
    Pictures(Soft<ImageCritic>),
}

impl TaskCritic {
    /// A critic with random weights of rows of so many `codes` and of `pictures`. Joined rows and dropout are for
    /// critics without pictures.
    ///
    /// # Errors
    /// Where the pictures have a size that no network takes.
    pub fn random((codes, pictures): (usize, Vec<ImageSize>), options: &Options, rng: &mut ChaCha8Rng) -> Result<Self> {
        if pictures.is_empty() {
            let critic = Critic::random(codes * options.pac, &options.hidden, options.dropout, rng)?;
            return Ok(Self::Codes(critic, options.pac));
        }
        // Convolutions come first: one fully connected layer more is enough.
        let hidden = options.hidden.iter().take(1).copied().collect();
        let critic = ImageCritic { pictures, codes, width: options.width, hidden };
        Ok(Self::Pictures(Soft::trained(&Network::random(critic, rng).map_err(Error::msg)?)?))
    }

    /// The parameters, in a fixed order.
    pub fn parameters(&self) -> Vec<&Parameter> {
        match self {
            Self::Codes(critic, _) => critic.parameters().collect(),
            Self::Pictures(critic) => critic.parameters().collect(),
        }
    }

    /// The critic's loss on real and generated rows without gradients of their own.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn loss(&self, real: &Batch, fake: &Batch, lambda: f64, rng: &mut ChaCha8Rng) -> Result<Tensor> {
        match self {
            Self::Codes(critic, pac) => {
                let [real, fake] = [packed(real, *pac)?, packed(fake, *pac)?];
                let points = matrix(&between(&of_codes(&real), &of_codes(&fake), rng)?)?.clone();
                critic.loss(&real, &fake, &points, lambda, rng)
            }
            Self::Pictures(critic) => critic.loss(real, fake, &between(real, fake, rng)?, lambda),
        }
    }

    /// What the generators are to lower: minus the mean score of generated rows.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn generator_loss(&self, fake: &Batch, rng: &mut ChaCha8Rng) -> Result<Tensor> {
        match self {
            Self::Codes(critic, pac) => critic.detached().score(&packed(fake, *pac)?, rng)?,
            Self::Pictures(critic) => critic.detached().score(fake)?,
        }
        .mean_all()?
        .neg()
    }
}

fn matrix(batch: &Batch) -> Result<&Tensor> {
    match &batch.codes {
        Some(codes) => Ok(codes),
        None => bail!("a critic of codes was given none"),
    }
}

fn of_codes(codes: &Tensor) -> Batch {
    Batch { codes: Some(codes.clone()), pictures: vec![] }
}

/// `pac` rows side by side: `[rows, width]` to `[rows / pac, pac · width]`.
fn packed(batch: &Batch, pac: usize) -> Result<Tensor> {
    let (rows, width) = matrix(batch)?.dims2()?;
    matrix(batch)?.contiguous()?.reshape((rows / pac, pac * width))
}
