//! Mechanisms of pictures: a conditional DCGAN (Radford, Metz & Chintala 2016; paper appendices C.3 and F.2).
//!
//! A fully connected layer makes the smallest picture of the row's codes (own noise, noise of hidden causes,
//! parents) and of what trunks find in picture parents; transposed convolutions double it to the picture's size.
//! Batch normalisation and ReLU follow each layer but the last, which ends in tanh.

use super::network::{Architecture, Network, Part, Soft, Start};
use super::trunk::{HALVING, Trunks, channels, check, geometries};
use super::{Batch, ImageSize};
use crate::nets::ops::{EPSILON, Moments, Parameter, Shift, batch_norm_relu, conv_transpose2d, linear, tanh};
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// A generator of pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageGenerator {
    /// The picture it draws.
    pub size: ImageSize,
    /// The numbers it draws from.
    pub codes: usize,
    /// The pictures it draws from.
    pub pictures: Vec<ImageSize>,
    /// The channels before the last doubling, twice as many before the one before, up to eight times these.
    pub width: usize,
}

/// The standard deviation of first weights.
const DEVIATION: f32 = 0.02;

impl ImageGenerator {
    fn trunks(&self) -> Trunks {
        Trunks::new(&self.pictures, self.codes, self.width, false)
    }

    /// Side lengths and channels of the smallest picture.
    fn smallest(&self) -> ((usize, usize), usize) {
        let size = self.size.halvings().last().copied().unwrap_or((1, 1));
        (size, channels(self.size, self.width).last().copied().unwrap_or(1))
    }
}

impl Architecture for ImageGenerator {
    const KIND: &'static str = "image_generator";

    fn check(&self) -> std::result::Result<(), String> {
        let all: Vec<ImageSize> = self.pictures.iter().chain([&self.size]).copied().collect();
        check(&all, self.width, &[self.codes])?;
        if self.pictures.is_empty() && self.codes == 0 { Err("a generator from nothing".into()) } else { Ok(()) }
    }

    /// After the trunks: per normalised layer the weight and the normalisation's scale, shift, mean and variance;
    /// then the last kernel and its bias.
    fn parts(&self) -> Vec<Part> {
        let (trunks, ((height, width), most)) = (self.trunks(), self.smallest());
        let mut parts = trunks.parts();
        let deviation = Start::Normal(DEVIATION);
        parts.push(Part::new("dense.weight".into(), &[trunks.columns(), height * width * most], deviation));
        parts.extend(norm_parts(0, most));
        let channels: Vec<usize> = channels(self.size, self.width).into_iter().rev().collect();
        for (at, pair) in channels.windows(2).enumerate() {
            let shape = [HALVING.0, HALVING.0, pair[1], pair[0]];
            parts.push(Part::new(format!("{at}.weight"), &shape, deviation));
            if at + 2 < channels.len() {
                parts.extend(norm_parts(at + 1, pair[1]));
            }
        }
        parts.push(Part::new("bias".into(), &[self.size.channels], Start::Constant(0.0)));
        parts
    }
}

fn norm_parts(at: usize, channels: usize) -> Vec<Part> {
    let part = |(name, value, trained): (&str, f32, bool)| Part {
        trained,
        ..Part::new(format!("norm{at}.{name}"), &[channels], Start::Constant(value))
    };
    [("scale", 1.0, true), ("shift", 0.0, true), ("mean", 0.0, false), ("variance", 1.0, false)].map(part).into()
}

impl Soft<ImageGenerator> {
    /// The network as it samples: parameters that never move, running statistics folded into the layers.
    ///
    /// # Errors
    /// Where Candle cannot hold the values.
    pub fn fixed(network: &Network<ImageGenerator>) -> Result<Self> {
        let mut folded = network.clone();
        let first = network.architecture.trunks().parameters();
        // Weight, scale, shift, mean, variance: the shift takes the constant.
        for (at, layer) in folded.values[first..].chunks_exact_mut(5).enumerate() {
            let [weight, scale, shift, mean, variance] = layer else { continue };
            let factors: Vec<f32> =
                scale.iter().zip(&*variance).map(|(s, v)| s / (v.max(0.0) + EPSILON).sqrt()).collect();
            shift.iter_mut().zip(&*mean).zip(&factors).for_each(|((shift, mean), f)| *shift -= mean * f);
            // The output channel is the last dimension of the fully connected layer and the one before the last
            // of a transposed convolution's kernel.
            let run = if at == 0 { 1 } else { weight.len() / (HALVING.0 * HALVING.0 * factors.len()) };
            for (run, factor) in weight.chunks_exact_mut(run).zip(factors.iter().cycle()) {
                run.iter_mut().for_each(|w| *w *= factor);
            }
        }
        Self::new(&folded, false, true)
    }

    /// The pictures `[rows, height, width, channels]` in (−1, 1), differentiable in the batch; each
    /// normalisation hands the moments of the batch to `watch`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn pictures(&self, batch: &Batch, mut watch: impl FnMut(usize, &Moments)) -> Result<Tensor> {
        let trunks = self.architecture.trunks();
        let (below, own) = self.parameters.split_at(trunks.parameters());
        let (matrix, _) = trunks.forward(below, batch)?;
        let ((height, width), most) = self.architecture.smallest();
        let mut x = self.first(&own[..5], &matrix, &mut watch)?.reshape((batch.rows()?, height, width, most))?;
        let doublings: Vec<_> = geometries(self.architecture.size)?.into_iter().rev().collect();
        for (at, geometry) in doublings.iter().enumerate() {
            let layer = &own[5 * (at + 1)..];
            if at + 1 == doublings.len() {
                return tanh(&conv_transpose2d(&x, &layer[0], Shift::Bias(&layer[1]), 1.0, *geometry)?);
            }
            x = if self.folded {
                conv_transpose2d(&x, &layer[0], Shift::Bias(&layer[2]), 0.0, *geometry)?
            } else {
                let before = conv_transpose2d(&x, &layer[0], Shift::None, 1.0, *geometry)?;
                normalised(&before, layer, at + 1, &mut watch)?
            };
        }
        candle_core::bail!("a picture that is not doubled")
    }

    /// The smallest picture, flat.
    fn first(&self, layer: &[Parameter], matrix: &Tensor, watch: &mut impl FnMut(usize, &Moments)) -> Result<Tensor> {
        let ((height, width), most) = self.architecture.smallest();
        let pixels = height * width;
        if self.folded {
            let bias = Parameter::fixed(layer[2].values()?.repeat(pixels), &[pixels * most])?;
            return linear(matrix, &layer[0], &bias, 0.0);
        }
        let none = Parameter::fixed(vec![0.0; pixels * most], &[pixels * most])?;
        let before = linear(matrix, &layer[0], &none, 1.0)?.reshape((matrix.dim(0)? * pixels, most))?;
        normalised(&before, layer, 0, watch)
    }
}

fn normalised(x: &Tensor, layer: &[Parameter], at: usize, watch: &mut impl FnMut(usize, &Moments)) -> Result<Tensor> {
    let (y, moments) = batch_norm_relu(x, &layer[1], &layer[2])?;
    moments.get().into_iter().for_each(|moments| watch(at, moments));
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::ops::check::{gradients, random, weighted};
    use candle_core::Device;

    fn architecture(height: usize, width: usize) -> ImageGenerator {
        let pictures = vec![ImageSize { channels: 1, height: 8, width: 8 }];
        ImageGenerator { size: ImageSize { channels: 2, height, width }, codes: 3, pictures, width: 2 }
    }

    fn batch(rows: usize) -> Batch {
        let tensor =
            |dims: &[usize], seed| Tensor::from_vec(random(dims.iter().product(), seed), dims, &Device::Cpu).unwrap();
        Batch { codes: Some(tensor(&[rows, 3], 1)), pictures: vec![tensor(&[rows, 8, 8, 1], 2)] }
    }

    fn network(architecture: &ImageGenerator) -> Network<ImageGenerator> {
        let mut network = Network::random(architecture.clone(), &mut crate::seed::stream(1, "weights")).unwrap();
        for (at, (part, values)) in architecture.parts().iter().zip(&mut network.values).enumerate() {
            if part.trained {
                *values = random(values.len(), at as u64);
            }
        }
        network
    }

    #[test]
    fn pictures_have_their_size() {
        for (height, width) in [(8, 8), (9, 14), (16, 16), (28, 28), (15, 31), (64, 40)] {
            let soft = Soft::trained(&network(&architecture(height, width))).unwrap();
            let pictures = soft.pictures(&batch(3), |_, _| ()).unwrap();
            assert_eq!(pictures.dims(), [3, height, width, 2]);
            let values = pictures.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(values.iter().all(|v| v.abs() <= 1.0));
        }
    }

    /// With a batch's own moments as running statistics, the folded network does what the trained one did.
    #[test]
    fn folding_the_moments_of_a_batch_changes_nothing() {
        let mut network = network(&architecture(17, 16));
        let mut seen = vec![];
        let soft = Soft::trained(&network).unwrap();
        let expected = soft.pictures(&batch(4), |at, m| seen.push((at, m.clone()))).unwrap();
        assert_eq!(seen.iter().map(|s| s.0).collect::<Vec<_>>(), [0, 1]);
        seen.iter().for_each(|(at, moments)| network.set_moments(*at, moments));
        let found = Soft::<ImageGenerator>::fixed(&network).unwrap().pictures(&batch(4), |_, _| ()).unwrap();
        let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let largest = flat(&found).iter().zip(flat(&expected)).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(largest < 1e-3, "{largest}");
    }

    /// The last layers' parameters: no kink between them and the pictures.
    #[test]
    fn gradients_reach_the_parameters() {
        let architecture = architecture(8, 8);
        let network = network(&architecture);
        let parts = architecture.parts();
        let last = parts.len() - 2;
        let parameters: Vec<_> = (last..parts.len())
            .map(|at| (network.values[at].iter().map(|v| v * 0.1).collect(), parts[at].shape.clone()))
            .collect();
        gradients(&parameters, |p| {
            let mut soft = Soft::trained(&network)?;
            soft.parameters.truncate(last);
            soft.parameters.extend_from_slice(p);
            weighted(&soft.pictures(&batch(3), |_, _| ())?)
        });
        let soft = Soft::trained(&network).unwrap();
        weighted(&soft.pictures(&batch(3), |_, _| ()).unwrap()).unwrap().backward().unwrap();
        for (at, parameter) in soft.parameters().enumerate() {
            assert!(parameter.gradient().unwrap().iter().any(|g| *g != 0.0), "parameter {at} has no gradient");
        }
        assert!(soft.detached().parameters().all(|p| p.gradient().is_none()));
    }
}
