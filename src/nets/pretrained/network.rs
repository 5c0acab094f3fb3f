//! Networks of other programs as mechanisms: noise, one-hot codes and pictures in, pictures or logits out.

use super::super::image::layers::LayerNetwork;
use super::super::noise::normal;
#[cfg(feature = "onnx")]
use super::onnx::OnnxNetwork;
use crate::nets::ops::device;
use crate::pretrained::{Kind, Node, Range, Request};
use candle_core::{DType, Result, Tensor, bail};
use rand_chacha::ChaCha8Rng;

/// A network and the numbers of pixels in it.
#[derive(Debug)]
pub struct FileNetwork {
    /// The network.
    pub runner: Runner,
    /// The numbers of pixels that it reads and gives.
    pub range: Range,
}

/// What runs the network.
#[derive(Debug)]
pub enum Runner {
    /// Layers that the model file says.
    Layers(LayerNetwork),
    /// An ONNX file.
    #[cfg(feature = "onnx")]
    Onnx(OnnxNetwork),
}

impl FileNetwork {
    /// As [`super::PretrainedModule::soft`].
    pub fn soft(&self, request: &Request, parents: &[Tensor], rows: usize, rng: &mut ChaCha8Rng) -> Result<Tensor> {
        self.with_noise(request, parents, &normal(rows, request.reading.latent, rng)?)
    }

    /// The same with the noise `[rows, latent]`.
    pub fn with_noise(&self, request: &Request, parents: &[Tensor], noise: &Tensor) -> Result<Tensor> {
        self.output(request, &self.parts(request, parents, noise)?)
    }

    /// The variable for the network's inputs, in its order.
    pub(super) fn output(&self, request: &Request, parts: &[Tensor]) -> Result<Tensor> {
        let output = match &self.runner {
            Runner::Layers(network) => match parts {
                [only] => network.forward(only)?,
                several => network.forward(&Tensor::cat(several, 1)?)?,
            },
            #[cfg(feature = "onnx")]
            Runner::Onnx(network) => network.forward(parts)?,
        };
        match &request.variable.kind {
            Kind::Image(_) => self.signed(&output),
            _ => logits(&output, &request.variable),
        }
    }

    /// The network's inputs in its order: noise `[rows, latent]`, codes `[rows, classes]`, pictures in its range.
    fn parts(&self, request: &Request, parents: &[Tensor], noise: &Tensor) -> Result<Vec<Tensor>> {
        let order: Vec<usize> = request.inputs.clone().unwrap_or_else(|| (0..parents.len()).collect());
        let mut parts = vec![];
        for at in order {
            let (Some(parent), Some(node)) = (parents.get(at), request.parents.get(at)) else {
                bail!("no parent {at}")
            };
            parts.push(match node.kind {
                Kind::Image(_) => self.unsigned(parent)?,
                _ => classes(parent, node)?,
            });
        }
        if request.reading.latent > 0 {
            let place = if request.reading.noise_last { parts.len() } else { 0 };
            parts.insert(place, noise.clone());
        }
        Ok(parts)
    }

    /// Pixels of the network's range as numbers in [−1, 1].
    fn signed(&self, pixels: &Tensor) -> Result<Tensor> {
        match self.range {
            Range::Signed => Ok(pixels.clone()),
            Range::Unit => pixels.affine(2.0, -1.0),
        }
    }

    /// The inverse of [`Self::signed`].
    fn unsigned(&self, pixels: &Tensor) -> Result<Tensor> {
        match self.range {
            Range::Signed => Ok(pixels.clone()),
            Range::Unit => pixels.affine(0.5, 0.5),
        }
    }
}

/// Codes `[rows, card]` of a variable's values as codes `[rows, classes]` of the file's.
pub fn classes(codes: &Tensor, node: &Node) -> Result<Tensor> {
    let Kind::Discrete(card) = node.kind else { bail!("{} is not discrete", node.name) };
    if card == node.classes && node.labels.is_none() {
        return Ok(codes.clone());
    }
    let mut map = vec![0.0f32; card * node.classes];
    for code in 0..card {
        map[code * node.classes + node.class(code as u32) as usize] = 1.0;
    }
    codes.matmul(&Tensor::from_vec(map, (card, node.classes), &device())?)
}

/// The network's logits in the order of the variable's values; a single one is that of the second of two classes.
pub fn logits(output: &Tensor, node: &Node) -> Result<Tensor> {
    let (rows, count) = output.dims2()?;
    let output = match count {
        1 => Tensor::cat(&[&Tensor::zeros((rows, 1), DType::F32, &device())?, output], 1)?,
        _ => output.clone(),
    };
    match &node.labels {
        None => Ok(output),
        Some(labels) => {
            let order: Vec<u32> = labels.iter().map(|&class| class as u32).collect();
            output.index_select(&Tensor::new(order, &device())?, 1)
        }
    }
}
