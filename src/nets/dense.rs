//! Fully connected layers: their values.

use super::ops::{Matrix, multiply};
use rand::Rng;

/// Hidden layers, each followed by a ReLU, and an output layer.
///
/// There is no batch normalisation: a task whose data set intervenes has batches in which the intervened variable has one
/// value, and centred by such a batch a layer no longer sees which.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers {
    /// The hidden layers, first to last.
    pub hidden: Vec<Dense>,
    /// The last layer.
    pub output: Dense,
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

impl Layers {
    /// Random weights, hidden layers of the widths `hidden`.
    pub fn random(mut inputs: usize, hidden: &[usize], outputs: usize, rng: &mut impl Rng) -> Self {
        let mut layers = Vec::with_capacity(hidden.len());
        for &width in hidden {
            layers.push(Dense::before_relu(inputs, width, rng));
            inputs = width;
        }
        Self { output: Dense::random(inputs, outputs, rng), hidden: layers }
    }

    /// All layers, first to last.
    pub fn all(&self) -> impl Iterator<Item = &Dense> {
        self.hidden.iter().chain([&self.output])
    }
}

impl Dense {
    /// Uniform weights in ±√(6 / (inputs + outputs)), zero bias (Glorot & Bengio 2010).
    pub fn random(inputs: usize, outputs: usize, rng: &mut impl Rng) -> Self {
        Self::uniform(inputs, outputs, inputs + outputs, rng)
    }

    /// Uniform weights in ±√(6 / inputs), zero bias: a ReLU after it halves the mean square of what comes in, and the layer
    /// doubles it (He, Zhang, Ren & Sun 2015).
    pub fn before_relu(inputs: usize, outputs: usize, rng: &mut impl Rng) -> Self {
        Self::uniform(inputs, outputs, inputs, rng)
    }

    fn uniform(inputs: usize, outputs: usize, fan: usize, rng: &mut impl Rng) -> Self {
        let bound = (6.0 / fan.max(1) as f32).sqrt();
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
