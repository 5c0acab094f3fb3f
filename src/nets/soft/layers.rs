//! Fully connected layers with batch normalisation as a differentiable network.

use crate::nets::dense::{BatchNorm, Block, Dense, Layers};
use crate::nets::ops::{Moments, Parameter, batch_norm_relu, linear};
use candle_core::Result;
use candle_core::Tensor;

/// [`Layers`] from `[rows, inputs]` to logits `[rows, card]`.
#[derive(Clone, Debug)]
pub struct SoftLayers {
    blocks: Vec<SoftBlock>,
    output: Layer,
}

#[derive(Clone, Debug)]
struct Layer {
    weight: Parameter,
    bias: Parameter,
}

/// A linear layer, then batch normalisation over the batch at hand unless it is folded into the layer, then ReLU.
#[derive(Clone, Debug)]
struct SoftBlock {
    layer: Layer,
    norm: Option<Layer>,
}

impl SoftLayers {
    /// The network with trained parameters, normalising over batches.
    ///
    /// # Errors
    /// Where Candle cannot hold the weights.
    pub fn trained(layers: &Layers) -> Result<Self> {
        let block = |block: &Block| {
            Ok(SoftBlock { layer: Layer::trained(&block.dense)?, norm: Some(Layer::of_norm(&block.norm)?) })
        };
        let blocks = layers.blocks.iter().map(block).collect::<Result<_>>()?;
        Ok(Self { blocks, output: Layer::trained(&layers.output)? })
    }

    /// The network as it samples: fixed weights, running statistics.
    ///
    /// # Errors
    /// Where Candle cannot hold the weights.
    pub fn fixed(layers: &Layers) -> Result<Self> {
        let mut layers = layers.folded().iter().map(Layer::fixed).collect::<Result<Vec<_>>>()?;
        let Some(output) = layers.pop() else { candle_core::bail!("layers without a last one") };
        Ok(Self { blocks: layers.into_iter().map(|layer| SoftBlock { layer, norm: None }).collect(), output })
    }

    /// The same network, following training, without gradients for its own weights.
    pub fn detached(&self) -> Self {
        let block = |b: &SoftBlock| SoftBlock { layer: b.layer.detached(), norm: b.norm.as_ref().map(Layer::detached) };
        Self { blocks: self.blocks.iter().map(block).collect(), output: self.output.detached() }
    }

    /// The parameters, in the order of [`Self::write`].
    pub fn parameters(&self) -> Vec<&Parameter> {
        let blocks = self.blocks.iter().flat_map(|b| [Some(&b.layer), b.norm.as_ref()].into_iter().flatten());
        blocks.chain([&self.output]).flat_map(|layer| [&layer.weight, &layer.bias]).collect()
    }

    /// Writes parameters, in the order of [`Self::parameters`] of a trained network, to `layers`.
    pub fn write(parameters: Vec<Vec<f32>>, layers: &mut Layers) {
        let mut places = Vec::with_capacity(parameters.len());
        for block in &mut layers.blocks {
            let (dense, norm) = (&mut block.dense, &mut block.norm);
            places.extend([&mut dense.weight, &mut dense.bias, &mut norm.scale, &mut norm.shift]);
        }
        places.extend([&mut layers.output.weight, &mut layers.output.bias]);
        places.into_iter().zip(parameters).for_each(|(place, values)| *place = values);
    }

    /// The logits for `x [rows, inputs]`; each normalisation hands the moments of the batch to `watch`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn logits(&self, x: &Tensor, mut watch: impl FnMut(usize, &Moments)) -> Result<Tensor> {
        let mut x = x.clone();
        for (at, block) in self.blocks.iter().enumerate() {
            let Some(norm) = &block.norm else {
                x = linear(&x, &block.layer.weight, &block.layer.bias, 0.0)?;
                continue;
            };
            let before = linear(&x, &block.layer.weight, &block.layer.bias, 1.0)?;
            let (after, moments) = batch_norm_relu(&before, &norm.weight, &norm.bias)?;
            moments.get().into_iter().for_each(|moments| watch(at, moments));
            x = after;
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

    fn of_norm(norm: &BatchNorm) -> Result<Self> {
        let columns = [norm.scale.len()];
        Ok(Self {
            weight: Parameter::trained(&norm.scale, &columns)?,
            bias: Parameter::trained(&norm.shift, &columns)?,
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

    /// With a batch's own moments as running statistics, the folded network does what the trained one did.
    #[test]
    fn folding_the_moments_of_a_batch_changes_nothing() {
        let mut layers = layers();
        let x = Tensor::from_vec(random(32, 3), (8, 4), &Device::Cpu).unwrap();
        let mut seen = vec![];
        let trained = SoftLayers::trained(&layers).unwrap();
        let expected = trained.logits(&x, |_, m| seen.push(m.clone())).unwrap().to_vec2::<f32>().unwrap();
        for (block, moments) in layers.blocks.iter_mut().zip(seen) {
            (block.norm.mean, block.norm.variance) = (moments.mean, moments.variance);
        }
        let found = SoftLayers::fixed(&layers).unwrap().logits(&x, |_, _| ()).unwrap().to_vec2::<f32>().unwrap();
        for (found, expected) in found.concat().iter().zip(expected.concat()) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    #[test]
    fn parameters_are_written_back_to_their_places() {
        let (mut empty, full) = (layers(), layers());
        for block in &mut empty.blocks {
            block.dense.weight.fill(0.0);
            block.norm.scale.fill(0.0);
        }
        empty.output.weight.fill(0.0);
        let parameters = SoftLayers::trained(&full).unwrap();
        let values = parameters.parameters().into_iter().map(|p| p.values().unwrap()).collect();
        SoftLayers::write(values, &mut empty);
        assert_eq!(empty, full);
    }
}
