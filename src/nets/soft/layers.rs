//! Fully connected layers as a differentiable network.

use crate::nets::dense::{Dense, Layers};
use crate::nets::ops::{Parameter, linear};
use candle_core::Result;
use candle_core::Tensor;

/// [`Layers`] from `[rows, inputs]` to `[rows, outputs]`.
#[derive(Clone, Debug)]
pub struct SoftLayers {
    hidden: Vec<Layer>,
    output: Layer,
}

#[derive(Clone, Debug)]
struct Layer {
    weight: Parameter,
    bias: Parameter,
}

impl SoftLayers {
    /// The network with trained parameters.
    ///
    /// # Errors
    /// Where Candle cannot hold the weights.
    pub fn trained(layers: &Layers) -> Result<Self> {
        Ok(Self {
            hidden: layers.hidden.iter().map(Layer::trained).collect::<Result<_>>()?,
            output: Layer::trained(&layers.output)?,
        })
    }

    /// The network as it samples: fixed weights.
    ///
    /// # Errors
    /// Where Candle cannot hold the weights.
    pub fn fixed(layers: &Layers) -> Result<Self> {
        Ok(Self {
            hidden: layers.hidden.iter().map(Layer::fixed).collect::<Result<_>>()?,
            output: Layer::fixed(&layers.output)?,
        })
    }

    /// The same network, following training, without gradients for its own weights.
    pub fn detached(&self) -> Self {
        Self { hidden: self.hidden.iter().map(Layer::detached).collect(), output: self.output.detached() }
    }

    /// The parameters, in the order of [`Self::write`].
    pub fn parameters(&self) -> Vec<&Parameter> {
        self.hidden.iter().chain([&self.output]).flat_map(|layer| [&layer.weight, &layer.bias]).collect()
    }

    /// Writes parameters, in the order of [`Self::parameters`] of a trained network, to `layers`.
    pub fn write(parameters: Vec<Vec<f32>>, layers: &mut Layers) {
        let layers = layers.hidden.iter_mut().chain([&mut layers.output]);
        let places = layers.flat_map(|layer| [&mut layer.weight, &mut layer.bias]);
        places.zip(parameters).for_each(|(place, values)| *place = values);
    }

    /// The outputs (a discrete variable's logits) for `x [rows, inputs]`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn outputs(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for layer in &self.hidden {
            x = linear(&x, &layer.weight, &layer.bias, 0.0)?;
        }
        linear(&x, &self.output.weight, &self.output.bias, 1.0)
    }
}

impl Layer {
    fn trained(dense: &Dense) -> Result<Self> {
        Ok(Self {
            weight: Parameter::trained(&dense.weight, &[dense.inputs, dense.outputs])?,
            bias: Parameter::trained(&dense.bias, &[dense.outputs])?,
        })
    }

    fn fixed(dense: &Dense) -> Result<Self> {
        Ok(Self {
            weight: Parameter::fixed(dense.weight.clone(), &[dense.inputs, dense.outputs])?,
            bias: Parameter::fixed(dense.bias.clone(), &[dense.outputs])?,
        })
    }

    fn detached(&self) -> Self {
        Self { weight: self.weight.detached(), bias: self.bias.detached() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::ops::check::random;
    use candle_core::Device;

    fn layers() -> Layers {
        Layers::random(4, &[6, 5], 3, &mut crate::seed::stream(1, "weights"))
    }

    /// Each row by itself: what other rows of a batch hold makes no difference.
    #[test]
    fn rows_are_apart() {
        let soft = SoftLayers::trained(&layers()).unwrap();
        let x = random(32, 3);
        let outputs = |rows: &[f32]| {
            let x = Tensor::from_slice(rows, (rows.len() / 4, 4), &Device::Cpu).unwrap();
            soft.outputs(&x).unwrap().to_vec2::<f32>().unwrap()
        };
        let together = outputs(&x);
        for (row, expected) in x.chunks_exact(4).zip(&together) {
            for (found, expected) in outputs(row)[0].iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn parameters_are_written_back_to_their_places() {
        let (mut empty, full) = (layers(), layers());
        empty.hidden.iter_mut().for_each(|layer| layer.weight.fill(0.0));
        empty.output.weight.fill(0.0);
        let parameters = SoftLayers::trained(&full).unwrap();
        let values = parameters.parameters().into_iter().map(|p| p.values().unwrap()).collect();
        SoftLayers::write(values, &mut empty);
        assert_eq!(empty, full);
    }
}
