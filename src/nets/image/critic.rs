//! The critic of a Wasserstein GAN with gradient penalty on codes and pictures together
//! (Gulrajani et al. 2017; paper Algorithms 3 and 4, appendix F.2).
//!
//! The norm of the penalty is that of the gradient by everything the critic sees, codes and pictures.

use super::network::{Architecture, Part, Soft};
use super::trunk::{SLOPE, Trunks, check, dense, dense_parts};
use super::{Batch, ImageSize};
use crate::nets::ops::{device, leaky_mask, linear_transposed, masked, squared_norms};
use candle_core::{DType, Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// A critic: a trunk for each picture, whose channels the codes shift, then fully connected layers on features
/// and codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageCritic {
    /// The pictures it sees; without any it is a critic of codes.
    pub pictures: Vec<ImageSize>,
    /// The numbers it sees beside them.
    pub codes: usize,
    /// The channels after a picture's first halving.
    pub width: usize,
    /// The widths of the fully connected hidden layers.
    pub hidden: Vec<usize>,
}

impl ImageCritic {
    fn trunks(&self) -> Trunks {
        Trunks::new(&self.pictures, self.codes, self.width, true)
    }
}

impl Architecture for ImageCritic {
    const KIND: &'static str = "image_critic";

    fn check(&self) -> std::result::Result<(), String> {
        check(&self.pictures, self.width, &[&[self.codes], &self.hidden[..]].concat())?;
        let empty = self.pictures.is_empty() && self.codes == 0;
        if empty || self.hidden.contains(&0) { Err("a critic of nothing, or an empty layer".into()) } else { Ok(()) }
    }

    fn parts(&self) -> Vec<Part> {
        let trunks = self.trunks();
        let widths: Vec<usize> = [trunks.columns()].iter().chain(&self.hidden).chain(&[1]).copied().collect();
        trunks.parts().into_iter().chain(dense_parts(&widths)).collect()
    }
}

impl Soft<ImageCritic> {
    /// The critic's loss `mean D(fake) − mean D(real) + λ · mean (‖∇D(between)‖ − 1)²` on three batches without
    /// gradients of their own.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn loss(&self, real: &Batch, fake: &Batch, between: &Batch, lambda: f64) -> Result<Tensor> {
        let (real_rows, fake_rows) = (real.rows()?, fake.rows()?);
        let shares = [vec![-1.0 / real_rows as f32; real_rows], vec![1.0 / fake_rows as f32; fake_rows]].concat();
        let shares = Tensor::from_vec(shares, (real_rows + fake_rows, 1), &device())?;
        let difference = self.score(&real.followed_by(fake)?)?.mul(&shares)?.sum_all()?;
        difference + (self.penalty(between)? * lambda)?
    }

    /// `D [rows, 1]`, differentiable in the batch.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn score(&self, batch: &Batch) -> Result<Tensor> {
        match self.forward(batch)?.1.pop() {
            Some(score) => Ok(score),
            None => bail!("a critic without layers"),
        }
    }

    /// `mean (‖∇D‖ − 1)²` over the rows of a batch.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn penalty(&self, batch: &Batch) -> Result<Tensor> {
        // The tiny constant keeps the root's derivative finite at zero.
        let mut squares = (Tensor::zeros(batch.rows()?, DType::F32, &device())? + 1e-12)?;
        for gradient in self.input_gradient(&batch.detach())? {
            squares = (squares + squared_norms(&gradient)?)?;
        }
        (squares.sqrt()? - 1.0)?.sqr()?.mean_all()
    }

    /// `∇D` by the codes, if there are any, and by each picture, differentiable in the parameters: transposed
    /// layers and the activations' masks, last layer to first. Masks are constant almost everywhere, so this
    /// is exact.
    fn input_gradient(&self, batch: &Batch) -> Result<Vec<Tensor>> {
        let (outputs, hidden) = self.detached().forward(batch)?;
        let (trunks, head) = self.parameters.split_at(self.architecture.trunks().parameters());
        let mut u = Tensor::ones((batch.rows()?, 1), DType::F32, &device())?;
        for (at, layer) in head.chunks_exact(2).enumerate().rev() {
            u = linear_transposed(&u, &layer[0])?;
            if at > 0 {
                u = masked(&u, &leaky_mask(&hidden[at - 1], None, SLOPE)?)?;
            }
        }
        self.architecture.trunks().backward(trunks, &outputs, &u)
    }

    /// The outputs of the trunks' layers and of the fully connected ones.
    fn forward(&self, batch: &Batch) -> Result<(Vec<Vec<Tensor>>, Vec<Tensor>)> {
        let trunks = self.architecture.trunks();
        let (below, head) = self.parameters.split_at(trunks.parameters());
        let (matrix, outputs) = trunks.forward(below, batch)?;
        Ok((outputs, dense(head, &matrix)?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::Network;
    use super::*;
    use crate::nets::ops::check::{gradients, random};
    use crate::nets::ops::{Adam, Parameter, with_threads};
    use candle_core::Device;

    const SMALL: ImageSize = ImageSize { channels: 2, height: 8, width: 9 };

    fn critic(pictures: usize, codes: usize, hidden: &[usize]) -> ImageCritic {
        ImageCritic { pictures: vec![SMALL; pictures], codes, width: 3, hidden: hidden.to_vec() }
    }

    fn batch(critic: &ImageCritic, rows: usize, seed: u64) -> Batch {
        let matrix = |columns: usize, dims: &[usize], seed| {
            Tensor::from_vec(random(rows * columns, seed), dims, &Device::Cpu).unwrap()
        };
        let pictures = critic.pictures.iter().enumerate();
        Batch {
            codes: (critic.codes > 0).then(|| matrix(critic.codes, &[rows, critic.codes], seed)),
            pictures: pictures
                .map(|(at, s)| matrix(s.count(), &[rows, s.height, s.width, s.channels], seed + 100 * at as u64))
                .collect(),
        }
    }

    /// Weights that are small beside the biases: each channel is on one side of its kink, and a small step
    /// crosses none (the penalty jumps there).
    fn parameters(critic: &ImageCritic) -> Vec<(Vec<f32>, Vec<usize>)> {
        let values = |at: usize, part: &Part| -> Vec<f32> {
            let (factor, far) = if part.name.ends_with("bias") { (1.0, 3.0) } else { (0.2, 0.0) };
            let random = random(part.shape.iter().product(), at as u64);
            random.into_iter().map(|v| v * factor + far * v.signum()).collect()
        };
        critic.parts().into_iter().enumerate().map(|(at, part)| (values(at, &part), part.shape)).collect()
    }

    fn soft(critic: &ImageCritic, parameters: &[Parameter]) -> Soft<ImageCritic> {
        let mut soft =
            Soft::trained(&Network::random(critic.clone(), &mut crate::seed::stream(1, "w")).unwrap()).unwrap();
        soft.parameters = parameters.to_vec();
        soft
    }

    fn cases() -> [ImageCritic; 4] {
        [critic(1, 0, &[]), critic(1, 3, &[]), critic(2, 2, &[5]), critic(0, 4, &[6, 5])]
    }

    #[test]
    fn the_input_gradient_is_the_slope_of_the_score() {
        for case in cases() {
            let mut network = Network::random(case.clone(), &mut crate::seed::stream(1, "weights")).unwrap();
            network.values.iter_mut().enumerate().for_each(|(at, v)| *v = random(v.len(), at as u64));
            let critic = Soft::trained(&network).unwrap();
            let batch = batch(&case, 2, 50);
            let mut tensors: Vec<Tensor> = batch.codes.iter().chain(&batch.pictures).cloned().collect();
            let found = critic.input_gradient(&batch).unwrap();
            assert_eq!(found.len(), tensors.len());
            for which in 0..tensors.len() {
                let before = tensors[which].clone();
                let (values, dims) = (before.flatten_all().unwrap().to_vec1::<f32>().unwrap(), before.dims());
                let found = found[which].flatten_all().unwrap().to_vec1::<f32>().unwrap();
                for at in (0..values.len()).step_by(7) {
                    let mut score = |step: f32| {
                        let mut moved = values.clone();
                        moved[at] += step;
                        tensors[which] = Tensor::from_vec(moved, dims, &Device::Cpu).unwrap();
                        let mut all = tensors.clone();
                        let codes = batch.codes.as_ref().map(|_| all.remove(0));
                        let score = critic.score(&Batch { codes, pictures: all }).unwrap();
                        f64::from(score.sum_all().unwrap().to_scalar::<f32>().unwrap())
                    };
                    let expected = ((score(1e-3) - score(-1e-3)) / 2e-3) as f32;
                    assert!((found[at] - expected).abs() < 2e-2, "{case:?} {which}[{at}]: {} {expected}", found[at]);
                }
                tensors[which] = before;
            }
        }
    }

    #[test]
    fn gradients_of_the_penalty() {
        for case in cases() {
            gradients(&parameters(&case), |p| soft(&case, p).penalty(&batch(&case, 2, 50)));
        }
    }

    #[test]
    fn gradients_of_the_loss() {
        let case = critic(1, 2, &[4]);
        let batches = [50, 60, 70].map(|seed| batch(&case, 2, seed));
        gradients(&parameters(&case), |p| soft(&case, p).loss(&batches[0], &batches[1], &batches[2], 10.0));
    }

    #[test]
    fn training_is_the_same_on_any_number_of_threads_and_lowers_the_loss() {
        let case = ImageCritic {
            pictures: vec![ImageSize { channels: 3, height: 16, width: 16 }],
            width: 16,
            ..critic(1, 2, &[8])
        };
        let train = || {
            let network = Network::random(case.clone(), &mut crate::seed::stream(1, "weights")).unwrap();
            let critic = Soft::trained(&network).unwrap();
            let mut adam = Adam::new(critic.parameters(), (0.5, 0.9));
            let batches = [50, 60, 70].map(|seed| batch(&case, 8, seed));
            let mut losses = vec![];
            for _ in 0..5 {
                let loss = critic.loss(&batches[0], &batches[1], &batches[2], 10.0).unwrap();
                loss.backward().unwrap();
                adam.step(1e-3).unwrap();
                losses.push(loss.to_scalar::<f32>().unwrap());
            }
            losses
        };
        let losses = train();
        assert!(losses[4] < losses[0], "{losses:?}");
        assert_eq!(with_threads(3, train).unwrap(), losses);
    }
}
