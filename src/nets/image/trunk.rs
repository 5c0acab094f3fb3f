//! From a picture to features: convolutions that halve it, each with a leaky ReLU.
//!
//! Codes of the row, where there are any, shift every layer's channels: as if constant planes of the codes had
//! been among the layer's input channels, but for the border. No normalisation: the gradient penalty asks for a
//! gradient of each row by itself (Gulrajani et al. 2017, section 4).

use super::ImageSize;
use super::network::{Part, Start};
use crate::nets::ops::pixel_sums;
use crate::nets::ops::{Geometry, Parameter, Shift, conv_transpose2d, conv2d, leaky_masked, linear, linear_transposed};
use candle_core::{Result, Tensor, bail};

/// The slope of leaky ReLUs below zero.
pub const SLOPE: f32 = 0.2;

/// The shape of a trunk.
#[derive(Clone, Copy, Debug)]
pub struct Trunk {
    /// The picture.
    pub size: ImageSize,
    /// The channels after the first halving; each further one doubles them, up to eight times these.
    pub width: usize,
    /// The codes of the row.
    pub codes: usize,
}

/// Side, stride and padding of the kernels that halve a picture or double it.
pub const HALVING: (usize, usize, usize) = (4, 2, 1);

/// The channels at each size of `halvings`, the picture's first.
pub fn channels(size: ImageSize, width: usize) -> Vec<usize> {
    (0..size.halvings().len()).map(|at| if at == 0 { size.channels } else { width << (at - 1).min(3) }).collect()
}

/// The geometries between the sizes of a picture's halvings.
pub fn geometries(size: ImageSize) -> Result<Vec<Geometry>> {
    let (kernel, stride, padding) = HALVING;
    let steps = size.halvings();
    let geometry = |pair: &[(usize, usize)]| match Geometry::conv(pair[0], kernel, stride, padding) {
        Some(geometry) if geometry.small == pair[1] => Ok(geometry),
        _ => bail!("a picture of {:?} has no half", pair[0]),
    };
    steps.windows(2).map(geometry).collect()
}

impl Trunk {
    /// The number of layers.
    fn layers(&self) -> usize {
        self.size.halvings().len() - 1
    }

    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        self.layers() * if self.codes > 0 { 3 } else { 2 }
    }

    /// The number of features.
    pub fn features(&self) -> usize {
        let last = self.size.halvings().last().map_or(0, |size| size.0 * size.1);
        last * channels(self.size, self.width).last().unwrap_or(&0)
    }

    /// The trunk's tensors: per layer the kernel, the bias and, where there are codes, their matrix.
    pub fn parts(&self, prefix: &str) -> Vec<Part> {
        let channels = channels(self.size, self.width);
        let mut parts = vec![];
        for (at, pair) in channels.windows(2).enumerate() {
            let (kernel, inputs) = (HALVING.0, HALVING.0 * HALVING.0 * pair[0]);
            parts.push(Part::weight(format!("{prefix}{at}.weight"), &[kernel, kernel, pair[0], pair[1]], inputs));
            parts.push(Part::new(format!("{prefix}{at}.bias"), &[pair[1]], Start::Constant(0.0)));
            if self.codes > 0 {
                parts.push(Part::weight(format!("{prefix}{at}.codes"), &[self.codes, pair[1]], self.codes));
            }
        }
        parts
    }

    /// The outputs of the layers, first to last.
    pub fn forward(&self, parameters: &[Parameter], picture: &Tensor, codes: Option<&Tensor>) -> Result<Vec<Tensor>> {
        let mut outputs: Vec<Tensor> = Vec::with_capacity(self.layers());
        let per_layer = if self.codes > 0 { 3 } else { 2 };
        for (geometry, layer) in geometries(self.size)?.into_iter().zip(parameters.chunks_exact(per_layer)) {
            let x = outputs.last().unwrap_or(picture);
            let y = match (layer, codes) {
                ([weight, bias], _) => conv2d(x, weight, Shift::Bias(bias), SLOPE, geometry)?,
                ([weight, bias, matrix], Some(codes)) => {
                    let rows = linear(codes, matrix, bias, 1.0)?;
                    conv2d(x, weight, Shift::Rows(&rows), SLOPE, geometry)?
                }
                _ => bail!("a network with codes, and a batch without"),
            };
            outputs.push(y);
        }
        Ok(outputs)
    }

    /// Takes the gradient `u [rows, features]` back to the picture and to the codes, with the `outputs` that
    /// [`Self::forward`] gave; differentiable in `u` and the parameters.
    pub fn backward(
        &self,
        parameters: &[Parameter],
        outputs: &[Tensor],
        u: &Tensor,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let Some(last) = outputs.last() else { bail!("a trunk without layers") };
        let mut u = u.reshape(last.dims())?;
        let mut to_codes: Option<Tensor> = None;
        let per_layer = if self.codes > 0 { 3 } else { 2 };
        let layers = geometries(self.size)?.into_iter().zip(parameters.chunks_exact(per_layer)).zip(outputs);
        for ((geometry, layer), output) in layers.rev() {
            u = leaky_masked(&u, output, SLOPE)?;
            if let [_, _, matrix] = layer {
                let here = linear_transposed(&pixel_sums(&u)?, matrix)?;
                to_codes = Some(match to_codes {
                    Some(sum) => (sum + here)?,
                    None => here,
                });
            }
            u = conv_transpose2d(&u, &layer[0], Shift::None, 1.0, geometry)?;
        }
        Ok((u, to_codes))
    }
}

/// The trunks of several pictures, and the matrix that comes after them: features side by side, then the codes.
#[derive(Clone, Debug)]
pub struct Trunks {
    trunks: Vec<Trunk>,
    codes: usize,
}

impl Trunks {
    /// The trunks of `pictures`; `conditional`: whether codes shift their channels.
    pub fn new(pictures: &[ImageSize], codes: usize, width: usize, conditional: bool) -> Self {
        let inside = if conditional { codes } else { 0 };
        Self { trunks: pictures.iter().map(|&size| Trunk { size, width, codes: inside }).collect(), codes }
    }

    /// The trunks' tensors.
    pub fn parts(&self) -> Vec<Part> {
        self.trunks.iter().enumerate().flat_map(|(at, trunk)| trunk.parts(&format!("picture{at}."))).collect()
    }

    /// The columns of the matrix that comes after them.
    pub fn columns(&self) -> usize {
        self.trunks.iter().map(Trunk::features).sum::<usize>() + self.codes
    }

    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        self.trunks.iter().map(Trunk::parameters).sum()
    }

    /// The matrix `[rows, columns]`, and the outputs of each trunk's layers.
    pub fn forward(&self, parameters: &[Parameter], batch: &super::Batch) -> Result<(Tensor, Vec<Vec<Tensor>>)> {
        let codes = batch.codes.as_ref();
        if batch.pictures.len() != self.trunks.len() || codes.map_or(Ok(0), |c| c.dim(1))? != self.codes {
            let (pictures, codes) = (batch.pictures.len(), codes.map(Tensor::dims));
            bail!("{pictures} pictures and codes {codes:?} for {} pictures and {} codes", self.trunks.len(), self.codes)
        }
        let (rows, mut start) = (batch.rows()?, 0);
        let (mut columns, mut outputs) = (vec![], vec![]);
        for (trunk, picture) in self.trunks.iter().zip(&batch.pictures) {
            let parameters = &parameters[start..start + trunk.parameters()];
            let layers = trunk.forward(parameters, picture, codes)?;
            let Some(last) = layers.last() else { bail!("a trunk without layers") };
            columns.push(last.reshape((rows, trunk.features()))?);
            outputs.push(layers);
            start += parameters.len();
        }
        columns.extend(codes.cloned());
        let matrix = if let [one] = &columns[..] { one.clone() } else { Tensor::cat(&columns, 1)? };
        Ok((matrix, outputs))
    }

    /// Takes the gradient `u [rows, columns]` back to everything in the batch: codes first, then pictures.
    pub fn backward(&self, parameters: &[Parameter], outputs: &[Vec<Tensor>], u: &Tensor) -> Result<Vec<Tensor>> {
        let (mut start, mut column) = (0, 0);
        let (mut gradients, mut to_codes) = (vec![], vec![]);
        for (trunk, outputs) in self.trunks.iter().zip(outputs) {
            let parameters = &parameters[start..start + trunk.parameters()];
            let part =
                if self.columns() == trunk.features() { u.clone() } else { u.narrow(1, column, trunk.features())? };
            let (picture, codes) = trunk.backward(parameters, outputs, &part)?;
            gradients.push(picture);
            to_codes.extend(codes);
            start += parameters.len();
            column += trunk.features();
        }
        if self.codes > 0 {
            let mut sum = u.narrow(1, column, self.codes)?.contiguous()?;
            for codes in to_codes {
                sum = (sum + codes)?;
            }
            gradients.insert(0, sum);
        }
        Ok(gradients)
    }
}

/// The tensors of the fully connected layers between these widths.
pub fn dense_parts(widths: &[usize]) -> Vec<Part> {
    let layer = |(at, pair): (usize, &[usize])| {
        let bias = Part::new(format!("dense{at}.bias"), &pair[1..], Start::Constant(0.0));
        [Part::weight(format!("dense{at}.weight"), pair, pair[0]), bias]
    };
    widths.windows(2).enumerate().flat_map(layer).collect()
}

/// The outputs of fully connected layers, leaky but for the last.
pub fn dense(parameters: &[Parameter], x: &Tensor) -> Result<Vec<Tensor>> {
    let mut outputs: Vec<Tensor> = vec![];
    for (at, layer) in parameters.chunks_exact(2).enumerate() {
        let slope = if 2 * at + 2 == parameters.len() { 1.0 } else { SLOPE };
        outputs.push(linear(outputs.last().unwrap_or(x), &layer[0], &layer[1], slope)?);
    }
    Ok(outputs)
}

/// Checks the sizes that critics and classifiers share.
pub fn check(pictures: &[ImageSize], width: usize, others: &[usize]) -> std::result::Result<(), String> {
    pictures.iter().try_for_each(ImageSize::check)?;
    if !(1..=1024).contains(&width) || others.iter().any(|&n| n > 1 << 16) {
        return Err(format!("layers of {width} channels and {others:?} numbers are not supported"));
    }
    Ok(())
}
