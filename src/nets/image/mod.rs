//! Networks on pictures: generators, critics, classifiers and encoders, for a training engine to put together.
//!
//! Pictures are tensors `[rows, height, width, channels]` (channels last) of numbers in [−1, 1];
//! [`from_planes`] and [`to_planes`] translate the order of data files and columns. A network takes a [`Batch`]: a matrix of
//! everything that is not a picture (noise, hidden causes' noise, one-hot codes soft or hard, real numbers), and
//! any number of pictures.
//!
//! | architecture | from a batch to | its methods |
//! |---|---|---|
//! | [`ImageGenerator`] | pictures | [`Soft::pictures`] |
//! | [`ImageCritic`] | a score for each row | [`Soft::loss`] of the critic's step, [`Soft::score`] |
//! | [`Classifier`] | logits, real values, or an encoder's features | [`Soft::outputs`] |
//!
//! An architecture says what a network looks like and is what files keep of it; [`Network`] is an architecture
//! with its values (random, read, written); [`Soft`] is a network ready for differentiation: `trained`
//! (gradients gather in its parameters for [`super::ops::Adam`]), `detached` (follows training without gradients)
//! or `fixed` (as it samples: frozen, with running statistics). A step of an adversarial engine is
//!
//! 1. `fake = generator.detached().pictures(&batch, |_, _| ())`, joined with the other generated columns to the
//!    [`Batch`] that the critic sees; `real` likewise from the rows;
//! 2. `critic.loss(&real, &fake.detach(), &between(&real, &fake, rng)?, lambda)?.backward()?`, Adam's step;
//! 3. `critic.detached().score(&fake)?.mean_all()?.neg()?.backward()?` with the trained generator, Adam's step.
//!
//! Wrap training in [`super::ops::with_threads`] to give it more than the calling thread. The running statistics
//! of a generator's normalisations come from `watch` (as in `SoftGenerator`): see [`Network::set_moments`].

mod classifier;
mod critic;
mod generator;
pub mod layers;
mod network;
mod trunk;

pub use classifier::{Classifier, mean_squared_error};
pub use critic::ImageCritic;
pub use generator::ImageGenerator;
pub use network::{Architecture, Network, Part, Soft, Start};

use crate::nets::ops::device;
use candle_core::{Result, Tensor, bail};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The size of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSize {
    /// 1 (grey) or 3 (red, green, blue) as a rule.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl ImageSize {
    /// Says what is wrong with the size of a picture that networks are to take or draw.
    ///
    /// # Errors
    /// Where a side is shorter than 8 or longer than 256 pixels, or there are no or more than 16 channels.
    pub fn check(&self) -> std::result::Result<(), String> {
        let sides = 8..=256;
        if sides.contains(&self.height) && sides.contains(&self.width) && (1..=16).contains(&self.channels) {
            return Ok(());
        }
        let Self { channels, height, width } = self;
        Err(format!("a picture [{channels}, {height}, {width}]: sides must have 8 to 256 pixels, 1 to 16 channels"))
    }

    /// The numbers of a picture.
    pub fn count(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// The sizes that a network passes through, the picture's first: each half of the one before, until the
    /// longer side has less than 8 pixels or the shorter one less than 4 (32, 16, 8, 4; 28, 14, 7).
    fn halvings(&self) -> Vec<(usize, usize)> {
        let mut sizes = vec![(self.height, self.width)];
        let mut last = sizes[0];
        while last.0.max(last.1) >= 8 && last.0.min(last.1) >= 4 {
            last = (last.0 / 2, last.1 / 2);
            sizes.push(last);
        }
        sizes
    }
}

/// Rows as networks on pictures take them.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Everything that is not a picture: `[rows, numbers]`, if there is any.
    pub codes: Option<Tensor>,
    /// The pictures, `[rows, height, width, channels]` each.
    pub pictures: Vec<Tensor>,
}

impl Batch {
    /// The number of rows.
    ///
    /// # Errors
    /// Where there is neither a matrix nor a picture.
    pub fn rows(&self) -> Result<usize> {
        match self.codes.as_ref().or(self.pictures.first()) {
            Some(tensor) => tensor.dim(0),
            None => bail!("a batch of nothing"),
        }
    }

    /// The same numbers without a history.
    pub fn detach(&self) -> Self {
        self.map(|t| Ok(t.detach())).unwrap_or_else(|_| self.clone())
    }

    /// The rows of `self`, then those of `other`.
    fn followed_by(&self, other: &Self) -> Result<Self> {
        self.zip(other, |a, b| Tensor::cat(&[a, b], 0))
    }

    fn map(&self, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        let pictures = self.pictures.iter().map(&f).collect::<Result<_>>()?;
        Ok(Self { codes: self.codes.as_ref().map(&f).transpose()?, pictures })
    }

    fn zip(&self, other: &Self, mut f: impl FnMut(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Self> {
        let codes = match (&self.codes, &other.codes) {
            (Some(a), Some(b)) => Some(f(a, b)?),
            (None, None) => None,
            _ => bail!("a batch with codes and one without"),
        };
        if self.pictures.len() != other.pictures.len() {
            bail!("batches of {} and {} pictures", self.pictures.len(), other.pictures.len())
        }
        let pictures = self.pictures.iter().zip(&other.pictures).map(|(a, b)| f(a, b)).collect::<Result<_>>()?;
        Ok(Self { codes, pictures })
    }
}

/// A random point between each row of `real` and of `fake`, the same share of the way in all its parts.
///
/// # Errors
/// Where the batches have different shapes.
pub fn between(real: &Batch, fake: &Batch, rng: &mut impl Rng) -> Result<Batch> {
    let shares: Vec<f32> = (0..real.rows()?).map(|_| rng.random()).collect();
    real.zip(fake, |real, fake| {
        if real.dims() != fake.dims() {
            bail!("points between {:?} and {:?}", real.dims(), fake.dims())
        }
        if !real.device().is_cpu() {
            let dims: Vec<usize> = [shares.len()].into_iter().chain(real.dims()[1..].iter().map(|_| 1)).collect();
            let shares = Tensor::from_slice(&shares, dims, real.device())?;
            return fake + (real - fake)?.broadcast_mul(&shares)?;
        }
        let width = (real.elem_count() / shares.len().max(1)).max(1);
        let (from, to) = (fake.flatten_all()?.to_vec1::<f32>()?, real.flatten_all()?.to_vec1::<f32>()?);
        let mut points = from;
        for ((points, to), share) in points.chunks_exact_mut(width).zip(to.chunks_exact(width)).zip(&shares) {
            points.iter_mut().zip(to).for_each(|(p, to)| *p += share * (to - *p));
        }
        Tensor::from_vec(points, real.dims(), &device())
    })
}

/// Pictures as networks take them from numbers in the order of [`crate::nets::column::Pixels`] and of data files,
/// `[pictures, channels, height, width]`.
///
/// # Errors
/// Where the numbers are no whole number of pictures.
pub fn from_planes(planes: &[f32], size: ImageSize) -> Result<Tensor> {
    let ImageSize { channels, height, width } = size;
    let pictures = planes.len() / size.count().max(1);
    if pictures * size.count() != planes.len() {
        bail!("{} numbers for pictures of {}", planes.len(), size.count())
    }
    let mut values = vec![0.0; planes.len()];
    for (values, picture) in values.chunks_exact_mut(size.count()).zip(planes.chunks_exact(size.count())) {
        for (channel, plane) in picture.chunks_exact(height * width).enumerate() {
            for (pixel, value) in plane.iter().enumerate() {
                values[pixel * channels + channel] = *value;
            }
        }
    }
    Tensor::from_vec(values, (pictures, height, width, channels), &device())
}

/// The numbers of pictures, `[pictures, channels, height, width]`: the inverse of [`from_planes`].
///
/// # Errors
/// Where the tensor has other dimensions.
pub fn to_planes(pictures: &Tensor) -> Result<Vec<f32>> {
    pictures.permute((0, 3, 1, 2))?.contiguous()?.flatten_all()?.to_vec1::<f32>()
}

#[cfg(test)]
mod tests;
