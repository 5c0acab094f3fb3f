//! A generator as a differentiable network.

use super::SoftLayers;
use crate::nets::generator::{Generator, GeneratorNetwork};
use crate::nets::image::{Batch, Classifier, ImageGenerator, Soft};
use crate::nets::ops::{Moments, Parameter};
use candle_core::{Result, Tensor, bail};

/// A generator's network from a batch of codes and pictures to logits `[rows, card]` or pictures
/// `[rows, height, width, channels]`.
#[derive(Clone, Debug)]
pub enum SoftGenerator {
    /// From codes to logits.
    Layers(SoftLayers),
    /// To pictures.
    Pictures(Soft<ImageGenerator>),
    /// From pictures and codes to logits.
    Classifier(Soft<Classifier>),
}

impl SoftGenerator {
    /// The network with trained parameters, normalising over batches.
    ///
    /// # Errors
    /// Where Candle cannot hold the weights.
    pub fn trained(generator: &Generator) -> Result<Self> {
        Ok(match &generator.network {
            GeneratorNetwork::Layers(layers) => Self::Layers(SoftLayers::trained(layers)?),
            GeneratorNetwork::Pictures(network) => Self::Pictures(Soft::trained(network)?),
            GeneratorNetwork::Classifier(network) => Self::Classifier(Soft::trained(network)?),
        })
    }

    /// The network as it samples: fixed weights, running statistics.
    ///
    /// # Errors
    /// Where Candle cannot hold the weights.
    pub fn fixed(generator: &Generator) -> Result<Self> {
        Ok(match &generator.network {
            GeneratorNetwork::Layers(layers) => Self::Layers(SoftLayers::fixed(layers)?),
            GeneratorNetwork::Pictures(network) => Self::Pictures(Soft::<ImageGenerator>::fixed(network)?),
            GeneratorNetwork::Classifier(network) => Self::Classifier(Soft::<Classifier>::fixed(network)?),
        })
    }

    /// The same network, following training, without gradients for its own weights.
    pub fn detached(&self) -> Self {
        match self {
            Self::Layers(layers) => Self::Layers(layers.detached()),
            Self::Pictures(network) => Self::Pictures(network.detached()),
            Self::Classifier(network) => Self::Classifier(network.detached()),
        }
    }

    /// The parameters, in the order of [`Self::write`].
    pub fn parameters(&self) -> Vec<&Parameter> {
        match self {
            Self::Layers(layers) => layers.parameters(),
            Self::Pictures(network) => network.parameters().collect(),
            Self::Classifier(network) => network.parameters().collect(),
        }
    }

    /// Writes parameters, in the order of [`Self::parameters`] of a trained network, to `generator`.
    pub fn write(parameters: Vec<Vec<f32>>, generator: &mut Generator) {
        match &mut generator.network {
            GeneratorNetwork::Layers(layers) => SoftLayers::write(parameters, layers),
            GeneratorNetwork::Pictures(network) => Soft::write(parameters, network),
            GeneratorNetwork::Classifier(network) => Soft::write(parameters, network),
        }
    }

    /// The logits or pictures of a batch, differentiable in it; each normalisation hands the moments of the batch
    /// to `watch`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn run(&self, batch: &Batch, watch: impl FnMut(usize, &Moments)) -> Result<Tensor> {
        match (self, &batch.codes) {
            (Self::Layers(layers), Some(codes)) if batch.pictures.is_empty() => layers.logits(codes, watch),
            (Self::Layers(_), _) => bail!("layers of codes were given pictures, or nothing"),
            (Self::Pictures(network), _) => network.pictures(batch, watch),
            (Self::Classifier(network), _) => network.outputs(batch),
        }
    }
}
