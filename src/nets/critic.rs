//! The critic of a Wasserstein GAN with gradient penalty (Gulrajani et al. 2017; paper Algorithms 3 and 4).
//!
//! The penalty is one-sided (Petzka, Fischer & Lukovnikov 2018, arXiv:1709.08894): slopes under 1 cost nothing. One that
//! asks for slopes of 1 everywhere forbids the flat places of a critic that tells a narrow distribution from a wide one.

use super::generator::Dense;
use super::ops::{Parameter, device, leaky_mask, linear, linear_transposed, masked};
use candle_core::{Result, Tensor};
use rand::Rng;

/// A network of leaky-ReLU layers from rows to one number each.
#[derive(Clone, Debug)]
pub struct Critic {
    layers: Vec<(Parameter, Parameter)>,
    dropout: f32,
}

/// The slope of the leaky ReLU below zero.
const SLOPE: f32 = 0.2;

impl Critic {
    /// A critic of rows of `inputs` numbers with random weights, hidden layers of the widths `hidden`, and
    /// `dropout` (0 ≤ dropout < 1) after each of them.
    ///
    /// # Errors
    /// Where Candle cannot hold the weights.
    pub fn random(inputs: usize, hidden: &[usize], dropout: f32, rng: &mut impl Rng) -> Result<Self> {
        let widths: Vec<usize> = [inputs].iter().chain(hidden).chain(&[1]).copied().collect();
        let layers = widths.windows(2).map(|w| trained(&Dense::random(w[0], w[1], rng))).collect::<Result<_>>()?;
        Ok(Self { layers, dropout })
    }

    /// The weights and biases, first layer to last.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.layers.iter().flat_map(|(weight, bias)| [weight, bias])
    }

    /// The critic's loss `mean D(fake) − mean D(real) + λ · mean max(0, ‖∇D(between)‖ − 1)²` on three matrices
    /// `[rows, inputs]` without gradients of their own. (The paper prints `*` for the second `+`.)
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn loss(
        &self,
        real: &Tensor,
        fake: &Tensor,
        between: &Tensor,
        lambda: f64,
        rng: &mut impl Rng,
    ) -> Result<Tensor> {
        let real = self.score(real, rng)?.mean_all()?;
        let fake = self.score(fake, rng)?.mean_all()?;
        (fake - real)? + (self.penalty(between, rng)? * lambda)?
    }

    /// `D(x) [rows, 1]`, with dropout where the critic has it.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn score(&self, x: &Tensor, rng: &mut impl Rng) -> Result<Tensor> {
        Ok(self.forward(x, &self.keep(x.dim(0)?, rng)?)?.0)
    }

    /// The same critic, following training, without gradients for its own weights.
    pub fn detached(&self) -> Self {
        let layers = self.layers.iter().map(|(weight, bias)| (weight.detached(), bias.detached())).collect();
        Self { layers, dropout: self.dropout }
    }

    /// `mean max(0, ‖∇D(x)‖ − 1)²` over the rows of `x`.
    fn penalty(&self, x: &Tensor, rng: &mut impl Rng) -> Result<Tensor> {
        let keep = self.keep(x.dim(0)?, rng)?;
        // The tiny constant keeps the root's derivative finite at zero.
        let norm = (self.input_gradient(x, &keep)?.sqr()?.sum(1)? + 1e-12)?.sqrt()?;
        (norm - 1.0)?.relu()?.sqr()?.mean_all()
    }

    /// `∇D` at each row of `x`, differentiable in the weights: transposed weights and the activations' masks,
    /// last layer to first. Masks are constant almost everywhere, so this is exact for piecewise linear critics.
    fn input_gradient(&self, x: &Tensor, keep: &[Tensor]) -> Result<Tensor> {
        let (_, hidden) = self.detached().forward(x, keep)?;
        let mut u = Tensor::ones((x.dim(0)?, 1), candle_core::DType::F32, &device())?;
        for (at, (weight, _)) in self.layers.iter().enumerate().rev() {
            u = linear_transposed(&u, weight)?;
            if at > 0 {
                u = masked(&u, &leaky_mask(&hidden[at - 1], keep.get(at - 1), SLOPE)?)?;
            }
        }
        Ok(u)
    }

    /// The score, and the outputs of the hidden layers.
    fn forward(&self, x: &Tensor, keep: &[Tensor]) -> Result<(Tensor, Vec<Tensor>)> {
        let mut x = x.clone();
        let mut hidden = Vec::with_capacity(self.layers.len());
        for (at, (weight, bias)) in self.layers.iter().enumerate() {
            let last = at + 1 == self.layers.len();
            x = linear(&x, weight, bias, if last { 1.0 } else { SLOPE })?;
            if let Some(keep) = keep.get(at) {
                x = masked(&x, keep)?;
            }
            if !last {
                hidden.push(x.clone());
            }
        }
        Ok((x, hidden))
    }

    /// The dropout masks of the hidden layers; none without dropout.
    fn keep(&self, rows: usize, rng: &mut impl Rng) -> Result<Vec<Tensor>> {
        if self.dropout <= 0.0 {
            return Ok(vec![]);
        }
        let factor = 1.0 / (1.0 - self.dropout);
        let mut mask = |columns: usize| {
            let keep = (0..rows * columns).map(|_| if rng.random::<f32>() < self.dropout { 0.0 } else { factor });
            Tensor::from_vec(keep.collect::<Vec<f32>>(), (rows, columns), &device())
        };
        let hidden = self.layers.split_last().map_or(&[][..], |(_, hidden)| hidden);
        hidden.iter().map(|(_, bias)| mask(bias.count())).collect()
    }
}

fn trained(dense: &Dense) -> Result<(Parameter, Parameter)> {
    let weight = Parameter::trained(&dense.weight, &[dense.inputs, dense.outputs])?;
    Ok((weight, Parameter::trained(&dense.bias, &[dense.outputs])?))
}

#[cfg(test)]
mod tests {
    use super::super::ops::check::{gradients, random};
    use super::*;
    use candle_core::Device;

    fn critic(p: &[Parameter], dropout: f32) -> Critic {
        Critic { layers: p.chunks(2).map(|p| (p[0].clone(), p[1].clone())).collect(), dropout }
    }

    fn parameters() -> Vec<(Vec<f32>, Vec<usize>)> {
        let shapes: [&[usize]; 6] = [&[3, 6], &[6], &[6, 5], &[5], &[5, 1], &[1]];
        shapes.iter().enumerate().map(|(i, s)| (random(s.iter().product(), i as u64), s.to_vec())).collect()
    }

    fn rows(seed: u64) -> Tensor {
        Tensor::from_vec(random(12, seed), (4, 3), &Device::Cpu).unwrap()
    }

    fn rng() -> rand_chacha::ChaCha8Rng {
        crate::seed::stream(1, "dropout")
    }

    #[test]
    fn the_input_gradient_is_the_slope_of_the_score() {
        for dropout in [0.0, 0.4] {
            let p: Vec<Parameter> = parameters().iter().map(|(v, s)| Parameter::fixed(v.clone(), s).unwrap()).collect();
            let critic = critic(&p, dropout);
            let x = rows(20);
            let keep = critic.keep(4, &mut rng()).unwrap();
            let found = critic.input_gradient(&x, &keep).unwrap().to_vec2::<f32>().unwrap();
            let values = x.to_vec2::<f32>().unwrap();
            for (row, column) in (0..4).flat_map(|r| (0..3).map(move |c| (r, c))) {
                let score = |step: f32| {
                    let mut moved = values.clone();
                    moved[row][column] += step;
                    let x = Tensor::from_vec(moved.concat(), (4, 3), &Device::Cpu).unwrap();
                    critic.forward(&x, &keep).unwrap().0.to_vec2::<f32>().unwrap()[row][0]
                };
                let expected = (score(1e-3) - score(-1e-3)) / 2e-3;
                assert!((found[row][column] - expected).abs() < 5e-3, "{} {expected}", found[row][column]);
            }
        }
    }

    #[test]
    fn gradients_of_the_penalty() {
        for dropout in [0.0, 0.4] {
            gradients(&parameters(), |p| critic(p, dropout).penalty(&rows(20), &mut rng()));
        }
    }

    #[test]
    fn gradients_of_the_loss() {
        gradients(&parameters(), |p| critic(p, 0.0).loss(&rows(20), &rows(21), &rows(22), 10.0, &mut rng()));
    }

    #[test]
    fn the_detached_critic_follows_but_has_no_gradient() {
        let p: Vec<Parameter> = parameters().iter().map(|(v, s)| Parameter::trained(v, s).unwrap()).collect();
        let critic = critic(&p, 0.0);
        let twin = critic.detached();
        assert!(twin.parameters().all(|p| p.gradient().is_none()));
        let before = twin.score(&rows(1), &mut rng()).unwrap();
        critic.score(&rows(1), &mut rng()).unwrap().sum_all().unwrap().backward().unwrap();
        super::super::ops::Adam::new(critic.parameters(), (0.5, 0.9)).step(0.1).unwrap();
        let after = twin.score(&rows(1), &mut rng()).unwrap();
        let own = critic.score(&rows(1), &mut rng()).unwrap();
        assert_eq!(after.to_vec2::<f32>().unwrap(), own.to_vec2::<f32>().unwrap());
        assert_ne!(before.to_vec2::<f32>().unwrap(), own.to_vec2::<f32>().unwrap());
    }
}
