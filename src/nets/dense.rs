//! Fully connected layers with batch normalisation: values, and the layers to sample with.

use super::ops::{EPSILON, Matrix, multiply};
use rand::Rng;

/// Hidden blocks and an output layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers {
    /// The hidden blocks, first to last.
    pub blocks: Vec<Block>,
    /// The last layer.
    pub output: Dense,
}

/// A hidden block: linear, batch normalisation, ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The linear layer.
    pub dense: Dense,
    /// Its normalisation.
    pub norm: BatchNorm,
}

/// A linear layer `x W + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// The number of inputs.
    pub inputs: usize,
    /// The number of outputs.
    pub outputs: usize,
    /// `W [inputs, outputs]`, row-major.
    pub weight: Vec<f32>,
    /// `b [outputs]`.
    pub bias: Vec<f32>,
}

/// Batch normalisation with the statistics that stand for a batch's when sampling.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// The factor of each column.
    pub scale: Vec<f32>,
    /// The constant of each column.
    pub shift: Vec<f32>,
    /// The running mean of each column.
    pub mean: Vec<f32>,
    /// The running variance of each column.
    pub variance: Vec<f32>,
}

impl Layers {
    /// Random weights, hidden layers of the widths `hidden`.
    pub fn random(mut inputs: usize, hidden: &[usize], outputs: usize, rng: &mut impl Rng) -> Self {
        let mut blocks = Vec::with_capacity(hidden.len());
        for &width in hidden {
            blocks.push(Block { dense: Dense::random(inputs, width, rng), norm: BatchNorm::identity(width) });
            inputs = width;
        }
        Self { output: Dense::random(inputs, outputs, rng), blocks }
    }

    /// The layers to sample with: the folded blocks, each followed by ReLU, and the output layer.
    pub fn folded(&self) -> Vec<Dense> {
        self.blocks.iter().map(Block::folded).chain([self.output.clone()]).collect()
    }
}

impl Dense {
    /// Uniform weights in ±√(6 / (inputs + outputs)), zero bias (Glorot & Bengio 2010).
    pub fn random(inputs: usize, outputs: usize, rng: &mut impl Rng) -> Self {
        let bound = (6.0 / (inputs + outputs).max(1) as f32).sqrt();
        let weight = (0..inputs * outputs).map(|_| (2.0 * rng.random::<f32>() - 1.0) * bound).collect();
        Self { inputs, outputs, weight, bias: vec![0.0; outputs] }
    }

    /// The layer's values for `x [rows, inputs]`, row-major; of a layer without inputs `x` has one number of any value per row.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let rows = x.len() / self.inputs.max(1);
        let mut y: Vec<f32> = self.bias.iter().copied().cycle().take(rows * self.outputs).collect();
        if self.inputs == 0 {
            return y;
        }
        let weight = Matrix::new(&self.weight, self.inputs, self.outputs);
        multiply(Matrix::new(x, rows, self.inputs), weight, &mut y, true);
        y
    }
}

impl BatchNorm {
    /// The identity of `columns` columns.
    pub fn identity(columns: usize) -> Self {
        let (zeros, ones) = (vec![0.0; columns], vec![1.0; columns]);
        Self { scale: ones.clone(), shift: zeros.clone(), mean: zeros, variance: ones }
    }
}

impl Block {
    /// The linear layer that does what the block does with its running statistics, but for the ReLU.
    pub fn folded(&self) -> Dense {
        let norm = &self.norm;
        let factors: Vec<f32> = norm.scale.iter().zip(&norm.variance).map(|(s, v)| s / (v + EPSILON).sqrt()).collect();
        let mut dense = self.dense.clone();
        for row in dense.weight.chunks_exact_mut(dense.outputs.max(1)) {
            row.iter_mut().zip(&factors).for_each(|(w, f)| *w *= f);
        }
        for (j, bias) in dense.bias.iter_mut().enumerate() {
            *bias = (*bias - norm.mean[j]) * factors[j] + norm.shift[j];
        }
        dense
    }
}
