//! The network of one mechanism, and its differentiable form.

use crate::nets::column::Pixels;
use crate::nets::generator::Dense;
use crate::nets::image::{Batch, Classifier, ImageSize, Network as ImageNetwork, Soft};
use crate::nets::ops::{Parameter, linear};
use candle_core::{Result, Tensor, bail};
use rand::Rng;

/// Linear layers with ReLU between them. Inputs: what the encoder finds in the picture parents, then the other parents
/// in their order (one-hot codes, or a standardised number), then the one-hot codes of the latents.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// From the picture parents, in their order, to features; `None` without such parents.
    pub encoder: Option<ImageNetwork<Classifier>>,
    /// The layers.
    pub layers: Vec<Dense>,
}

impl Network {
    /// Random weights, hidden layers of the widths `hidden`, for `inputs` codes and no pictures.
    pub fn random(inputs: usize, hidden: &[usize], outputs: usize, rng: &mut impl Rng) -> Self {
        let widths: Vec<usize> = [inputs].iter().chain(hidden).chain(&[outputs]).copied().collect();
        Self { encoder: None, layers: widths.windows(2).map(|w| Dense::random(w[0], w[1], rng)).collect() }
    }

    /// The same for `inputs` codes and the pictures that `encoder` takes.
    ///
    /// # Errors
    /// A sentence, where the encoder cannot be or takes codes.
    pub fn random_with_pictures(
        encoder: Classifier,
        inputs: usize,
        hidden: &[usize],
        outputs: usize,
        rng: &mut impl Rng,
    ) -> std::result::Result<Self, String> {
        if encoder.codes > 0 || encoder.pictures.is_empty() {
            return Err("an encoder takes pictures alone".into());
        }
        let encoder = ImageNetwork::random(encoder, rng)?;
        let layers = Self::random(encoder.architecture.outputs + inputs, hidden, outputs, rng).layers;
        Ok(Self { encoder: Some(encoder), layers })
    }

    /// The sizes of the picture parents.
    pub fn pictures(&self) -> &[ImageSize] {
        self.encoder.as_ref().map_or(&[], |encoder| &encoder.architecture.pictures)
    }

    /// The number of features that come before the codes.
    pub fn features(&self) -> usize {
        self.encoder.as_ref().map_or(0, |encoder| encoder.architecture.outputs)
    }

    /// The probabilities `[rows, card]` for the layers' inputs `x [rows, features + codes]`, row-major.
    pub fn probabilities(&self, x: &[f32]) -> Vec<f64> {
        softmax(&self.outputs(x), self.layers.last().map_or(1, |l| l.outputs))
    }

    /// What the last layer gives for the layers' inputs `x`, `[rows, outputs]`, row-major.
    fn outputs(&self, x: &[f32]) -> Vec<f32> {
        let mut values = x.to_vec();
        for (at, layer) in self.layers.iter().enumerate() {
            values = layer.apply(&values);
            if at + 1 < self.layers.len() {
                values.iter_mut().for_each(|v| *v = v.max(0.0));
            }
        }
        values
    }

    /// What the last layer gives for a known number of rows, which may have no inputs: `[rows, outputs]`.
    pub fn outputs_of(&self, x: &[f32], rows: usize) -> Vec<f32> {
        match self.layers.first() {
            Some(first) if first.inputs > 0 => self.outputs(x),
            _ => self.outputs(&vec![0.0; rows]),
        }
    }
}

impl Network {
    /// What the encoder finds in these `rows` of `images`, the picture parents: `[rows, features]`, row-major. Of an image
    /// that is the same in all rows there is one only.
    pub(super) fn features_of(&self, images: &[(&Pixels, bool)], rows: &[usize]) -> Result<Vec<f32>> {
        let Some(encoder) = &self.encoder else { return Ok(vec![]) };
        let sizes = &encoder.architecture.pictures;
        if images.len() != sizes.len() {
            bail!("{} images for a network of {}", images.len(), sizes.len())
        }
        let first = vec![0; rows.len()];
        let picture = |((image, still), size): (&(&Pixels, bool), &ImageSize)| {
            image.pictures(if *still { &first } else { rows }, *size)
        };
        let pictures = images.iter().zip(sizes).map(picture).collect::<Result<_>>()?;
        let features = Soft::<Classifier>::fixed(encoder)?.outputs(&Batch { codes: None, pictures })?;
        features.flatten_all()?.to_vec1()
    }
}

/// A network ready for differentiation.
#[derive(Clone, Debug)]
pub struct SoftNetwork {
    encoder: Option<Soft<Classifier>>,
    layers: Vec<(Parameter, Parameter)>,
}

impl SoftNetwork {
    /// The network with gradients for its parameters.
    ///
    /// # Errors
    /// Candle's.
    pub fn trained(network: &Network) -> Result<Self> {
        let layer = |d: &Dense| {
            let weight = Parameter::trained(&d.weight, &[d.inputs, d.outputs])?;
            Ok((weight, Parameter::trained(&d.bias, &[d.outputs])?))
        };
        Ok(Self {
            encoder: network.encoder.as_ref().map(Soft::<Classifier>::trained).transpose()?,
            layers: network.layers.iter().map(layer).collect::<Result<_>>()?,
        })
    }

    /// The network as it is, its parameters without gradients.
    ///
    /// # Errors
    /// Candle's.
    pub fn fixed(network: &Network) -> Result<Self> {
        let encoder = network.encoder.as_ref().map(Soft::<Classifier>::fixed).transpose()?;
        Ok(Self { encoder, layers: fixed_layers(&network.layers)? })
    }

    /// The trained parameters, in a fixed order.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        let encoder = self.encoder.iter().flat_map(Soft::parameters);
        encoder.chain(self.layers.iter().flat_map(|(weight, bias)| [weight, bias]))
    }

    /// What the encoder finds in `pictures`, `[rows, height, width, channels]` each: `[rows, features]`,
    /// differentiable; `None` for a network without picture parents.
    ///
    /// # Errors
    /// Where the pictures do not have the encoder's sizes.
    pub fn features(&self, pictures: Vec<Tensor>) -> Result<Option<Tensor>> {
        match &self.encoder {
            Some(encoder) => encoder.outputs(&Batch { codes: None, pictures }).map(Some),
            None if pictures.is_empty() => Ok(None),
            None => bail!("a mechanism without image parents was given images"),
        }
    }

    /// The logits `[rows, card]`, differentiable in both arguments. `codes [rows, codes]` are the one-hot codes of
    /// discrete parents and latents, `features` come from [`Self::features`]: each of its rows serves as many
    /// neighbouring rows of `codes` as there are to one of it.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn logits(&self, features: Option<&Tensor>, codes: &Tensor) -> Result<Tensor> {
        if features.is_some() != self.encoder.is_some() {
            bail!("the features of images belong to an encoder")
        }
        let Some(features) = features else { return forward(&self.layers, codes.clone()) };
        let ((rows, _), (pictures, width)) = (codes.dims2()?, features.dims2()?);
        if pictures == 0 || rows % pictures != 0 {
            bail!("{rows} rows of codes for {pictures} pictures")
        }
        let each = rows / pictures;
        let features = match each {
            1 => features.clone(),
            _ => features.unsqueeze(1)?.broadcast_as((pictures, each, width))?.reshape((rows, width))?,
        };
        let x = if codes.dim(1)? == 0 { features } else { Tensor::cat(&[&features, codes], 1)? };
        forward(&self.layers, x)
    }

    /// The logits `[rows, card]` for inputs of any kind in their order: one-hot codes `[rows, values]`, and pictures
    /// `[rows, height, width, channels]`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn mixed(&self, inputs: &[&Tensor]) -> Result<Tensor> {
        let (pictures, codes): (Vec<&Tensor>, Vec<&Tensor>) = inputs.iter().partition(|input| input.rank() == 4);
        let features = self.features(pictures.into_iter().cloned().collect())?;
        match (codes.is_empty(), &features) {
            (true, Some(features)) => forward(&self.layers, features.clone()),
            _ => self.logits(features.as_ref(), &Tensor::cat(&codes, 1)?),
        }
    }

    /// The network with the parameters as they stand; `like` is one of the same shape.
    ///
    /// # Errors
    /// Candle's.
    pub fn network(&self, like: &Network) -> Result<Network> {
        let mut network = like.clone();
        if let (Some(soft), Some(encoder)) = (&self.encoder, &mut network.encoder) {
            Soft::write(soft.parameters().map(Parameter::values).collect::<Result<_>>()?, encoder);
        }
        for ((weight, bias), dense) in self.layers.iter().zip(&mut network.layers) {
            (dense.weight, dense.bias) = (weight.values()?, bias.values()?);
        }
        Ok(network)
    }
}

fn fixed_layers(layers: &[Dense]) -> Result<Vec<(Parameter, Parameter)>> {
    let layer = |d: &Dense| {
        let weight = Parameter::fixed(d.weight.clone(), &[d.inputs, d.outputs])?;
        Ok((weight, Parameter::fixed(d.bias.clone(), &[d.outputs])?))
    };
    layers.iter().map(layer).collect()
}

/// The softmax of each row of `logits [rows, card]`.
pub fn softmax(logits: &[f32], card: usize) -> Vec<f64> {
    let mut probabilities = Vec::with_capacity(logits.len());
    for row in logits.chunks_exact(card) {
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponentials = row.iter().map(|v| f64::from(v - top).exp());
        let total: f64 = exponentials.clone().sum();
        probabilities.extend(exponentials.map(|e| e / total));
    }
    probabilities
}

/// Appends the one-hot codes of a mechanism's inputs (parents, then latents) to `x`; an input of no values, an
/// image, has none.
pub fn encode(cards: &[usize], codes: impl Iterator<Item = usize>, x: &mut Vec<f32>) {
    for (&card, code) in cards.iter().zip(codes) {
        x.extend((0..card).map(|k| f32::from(u8::from(k == code))));
    }
}

/// The logits `[rows, card]` of layers for `x [rows, inputs]`, differentiable.
///
/// # Errors
/// Where the shapes do not fit.
fn forward(layers: &[(Parameter, Parameter)], x: Tensor) -> Result<Tensor> {
    (layers.iter().enumerate()).try_fold(x, |x, (k, (weight, bias))| {
        let slope = if k + 1 < layers.len() { 0.0 } else { 1.0 };
        linear(&x, weight, bias, slope)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::ops::Adam;
    use candle_core::Device;

    const SIZE: ImageSize = ImageSize { channels: 2, height: 8, width: 9 };

    fn network() -> Network {
        let mut rng = crate::seed::stream(1, "network");
        let encoder = Classifier { pictures: vec![SIZE], codes: 0, width: 2, hidden: vec![], outputs: 3 };
        Network::random_with_pictures(encoder, 2, &[5], 4, &mut rng).unwrap()
    }

    fn images(rows: usize) -> Pixels {
        let values = (0..rows * SIZE.count()).map(|at| ((at * 37 % 101) as f32) / 50.0 - 1.0).collect();
        Pixels { shape: [SIZE.channels, SIZE.height, SIZE.width], values }
    }

    /// Each image serves two rows of codes; the other side repeats it.
    #[test]
    fn soft_and_plain_networks_agree() {
        let (network, images) = (network(), images(3));
        let codes: Vec<f32> = (0..3).flat_map(|_| [1.0, 0.0, 0.0, 1.0]).collect();
        for soft in [SoftNetwork::fixed(&network).unwrap(), SoftNetwork::trained(&network).unwrap()] {
            let features = soft.features(vec![images.pictures(&[0, 1, 2], SIZE).unwrap()]).unwrap();
            let matrix = Tensor::from_slice(&codes, (6, 2), &Device::Cpu).unwrap();
            let logits = soft.logits(features.as_ref(), &matrix).unwrap();
            let found = softmax(&logits.flatten_all().unwrap().to_vec1().unwrap(), 4);
            let features = network.features_of(&[(&images, false)], &[0, 0, 1, 1, 2, 2]).unwrap();
            let rows = features.chunks_exact(3).zip(codes.chunks_exact(2));
            let x: Vec<f32> = rows.flat_map(|(f, c)| [f, c].concat()).collect();
            let expected = network.probabilities(&x);
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {expected:?}");
            assert!((found[0] - found[8]).abs() > 1e-4, "the image does not matter");
        }
    }

    #[test]
    fn training_reaches_every_parameter_and_comes_back() {
        let (network, images) = (network(), images(4));
        let soft = SoftNetwork::trained(&network).unwrap();
        let mut adam = Adam::new(soft.parameters(), (0.9, 0.999));
        let features = soft.features(vec![images.pictures(&[0, 1, 2, 3], SIZE).unwrap()]).unwrap();
        let codes = Tensor::ones((8, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        let logits = soft.logits(features.as_ref(), &codes).unwrap();
        logits.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        assert!(soft.parameters().all(|p| p.gradient().unwrap().iter().any(|g| *g != 0.0)));
        assert!(soft.network(&network).unwrap() == network);
        adam.step(0.01).unwrap();
        assert!(soft.network(&network).unwrap() != network);
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let (network, images) = (network(), images(2));
        let soft = SoftNetwork::fixed(&network).unwrap();
        let features = soft.features(vec![images.pictures(&[0, 1], SIZE).unwrap()]).unwrap();
        let codes = |rows| Tensor::ones((rows, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(soft.logits(features.as_ref(), &codes(4)).is_ok());
        assert!(soft.logits(features.as_ref(), &codes(3)).is_err());
        assert!(soft.logits(None, &codes(4)).is_err());
        assert!(soft.features(vec![]).is_err());
        assert!(
            images.pictures(&[2], SIZE).is_err() && images.pictures(&[0], ImageSize { height: 9, ..SIZE }).is_err()
        );
        let plain = Network::random(2, &[3], 2, &mut crate::seed::stream(1, "plain"));
        assert!(SoftNetwork::fixed(&plain).unwrap().features(vec![codes(2)]).is_err());
        let encoder = Classifier { pictures: vec![], codes: 2, width: 2, hidden: vec![], outputs: 3 };
        assert!(Network::random_with_pictures(encoder, 2, &[], 2, &mut crate::seed::stream(1, "no")).is_err());
    }
}
