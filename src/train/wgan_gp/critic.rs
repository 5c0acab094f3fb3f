//! The critic of one task: of codes alone, or of codes and pictures.

use super::Options;
use super::task::Fake;
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

    /// What the generators are to lower: minus the mean score of generated rows. Its gradient goes through numbers and pictures;
    /// for what was chosen it is that of the score function, `(D − mean D) ∇ log p`, which is unbiased (Williams 1992; both
    /// together: Schulman, Heess, Weber & Abbeel 2015). Relaxed draws (Gumbel-softmax, the paper's appendix F.1) are not: a
    /// critic tells soft draws from the rows' codes, which makes generators keep their chances out of the logits.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn generator_loss(&self, fake: &Fake, rng: &mut ChaCha8Rng) -> Result<Tensor> {
        let (scores, joined) = match self {
            Self::Codes(critic, pac) => (critic.detached().score(&packed(&fake.seen, *pac)?, rng)?, *pac),
            Self::Pictures(critic) => (critic.detached().score(&fake.seen)?, 1),
        };
        let through_values = scores.mean_all()?;
        let Some(log_p) = &fake.log_p else { return through_values.neg() };
        let above = scores.detach().broadcast_sub(&through_values.detach())?;
        let through_choices = (above * log_p.reshape(((), joined))?.sum_keepdim(1)?)?.mean_all()?;
        (through_values + through_choices)?.neg()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Overrides;
    use crate::nets::noise::gumbel;
    use crate::nets::ops::{choose, device, linear, log_probability};
    use crate::seed::stream;
    use crate::train::wgan_gp::Sight;

    /// Of codes drawn from logits, the gradient is that of the exact mean score, `Σ p (D − Σ p D)` by each logit; rows that are
    /// joined count together.
    #[test]
    fn codes_are_learnt_by_the_exact_gradient() {
        const ROWS: usize = 100_000;
        for pac in [1, 2] {
            let options = Options::new(&Overrides { pac: Some(pac), ..Overrides::default() }, Sight::Codes);
            let critic = TaskCritic::random((3, vec![]), &options, &mut stream(1, "critic")).unwrap();
            let logits = [0.5f32, -1.0, 1.2];
            let parameter = Parameter::trained(&logits, &[1, 3]).unwrap();
            let bias = Parameter::fixed(vec![0.0; 3], &[3]).unwrap();
            let ones = Tensor::ones((ROWS, 1), candle_core::DType::F32, &device()).unwrap();
            let drawn = linear(&ones, &parameter, &bias, 1.0).unwrap();
            let mut rng = stream(1, "gumbel");
            let codes = choose(&drawn, &gumbel(ROWS, 3, &mut rng).unwrap()).unwrap();
            let log_p = Some(log_probability(&drawn, &codes).unwrap());
            let fake = Fake { seen: of_codes(&codes), log_p };
            critic.generator_loss(&fake, &mut rng).unwrap().backward().unwrap();
            let found = parameter.gradient().unwrap();

            let total: f32 = logits.iter().map(|l| l.exp()).sum();
            let p = logits.map(|l| l.exp() / total);
            let score = |codes: &[usize]| {
                let hot =
                    codes.iter().flat_map(|&code| (0..3).map(move |at| f32::from(u8::from(at == code)))).collect();
                let batch = of_codes(&Tensor::from_vec::<_, f32>(hot, (codes.len(), 3), &device()).unwrap());
                let TaskCritic::Codes(critic, pac) = &critic else { panic!("a critic of codes") };
                critic.score(&packed(&batch, *pac).unwrap(), &mut stream(1, "")).unwrap().to_vec2::<f32>().unwrap()[0]
                    [0]
            };
            // The mean score of a row with each code, whatever the row it is joined with.
            let mean = |code: usize| match pac {
                1 => score(&[code]),
                _ => (0..3).map(|other| p[other] * (score(&[code, other]) + score(&[other, code]))).sum(),
            };
            let scores = [mean(0), mean(1), mean(2)];
            let all: f32 = p.iter().zip(&scores).map(|(p, score)| p * score).sum();
            for at in 0..3 {
                let expected = -p[at] * (scores[at] - all);
                assert!((found[at] - expected).abs() < 0.002, "{pac}: {found:?}, not {expected} at {at}");
            }
            assert!(scores.iter().any(|score| (score - all).abs() > 0.02), "{scores:?}");
        }
    }
}
