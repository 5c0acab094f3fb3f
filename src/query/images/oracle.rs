//! A classifier of images that is trained on a data set alone, to look at drawn images with.

use crate::data::{Images, scaled};
use crate::model::VarId;
use crate::nets::image::{Batch, Classifier, ImageSize, Network, Soft, from_planes};
use crate::nets::ops::{Adam, device};
use candle_core::{D, Error, Result, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

const BATCH: usize = 64;
/// The usual rate of learning.
pub const RATE: f32 = 1e-3;
const WIDTH: usize = 16;
const FEATURES: usize = 64;

/// A trained classifier with an output for each value of each variable that it reads.
pub struct Oracle {
    network: Soft<Classifier>,
    cards: Vec<usize>,
    size: ImageSize,
}

/// What the oracle sees in images.
pub struct Seen {
    /// Per image what the last hidden layer holds.
    pub features: Vec<Vec<f32>>,
    /// Per variable the value read from each image.
    pub read: Vec<Vec<u32>>,
}

impl Oracle {
    /// Trains a classifier in `steps` steps, each as far as `rate` says, to read `labels` (variable, codes by row, number of values) from the images of
    /// `rows`.
    ///
    /// # Errors
    /// Candle's, and where an image cannot be read.
    pub fn train(
        images: &Images,
        labels: &[(VarId, &[u32], usize)],
        rows: &[usize],
        (steps, rate): (usize, impl Fn(usize) -> f32),
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let [channels, height, width] = images.shape();
        let size = ImageSize { channels, height, width };
        let cards: Vec<usize> = labels.iter().map(|l| l.2).collect();
        let outputs = cards.iter().sum();
        let architecture = Classifier { pictures: vec![size], codes: 0, width: WIDTH, hidden: vec![FEATURES], outputs };
        let network = Soft::trained(&Network::random(architecture, rng).map_err(Error::msg)?)?;
        let mut adam = Adam::new(network.parameters(), (0.9, 0.999));
        let mut oracle = Self { network, cards, size };
        for step in 0..steps {
            let batch: Vec<usize> = (0..BATCH).map(|_| rows[rng.random_range(0..rows.len())]).collect();
            let bytes: Vec<Vec<u8>> = batch.iter().map(|&row| images.row(row)).collect::<std::io::Result<_>>()?;
            let codes: Vec<Vec<u32>> = labels.iter().map(|l| batch.iter().map(|&row| l.1[row]).collect()).collect();
            adam.gather(&oracle.loss(&bytes, &codes)?.backward()?)?;
            adam.step(rate(step))?;
        }
        oracle.network = oracle.network.detached();
        Ok(oracle)
    }

    /// The classifier alone.
    ///
    /// # Errors
    /// Candle's.
    pub fn into_network(self) -> Result<Network<Classifier>> {
        let values = self.network.parameters().map(|p| p.values()).collect::<Result<_>>()?;
        Ok(Network { architecture: self.network.architecture, values })
    }

    /// The mean over the images of the sum over the variables of the cross-entropy, in nats.
    fn loss(&self, images: &[Vec<u8>], codes: &[Vec<u32>]) -> Result<Tensor> {
        let logits = self.network.outputs(&self.batch(images)?)?;
        let (mut loss, mut start) = (Tensor::zeros((), candle_core::DType::F32, &device())?, 0);
        for (&card, codes) in self.cards.iter().zip(codes) {
            let part = logits.narrow(1, start, card)?;
            let logs = part.broadcast_sub(&part.log_sum_exp(D::Minus1)?.unsqueeze(1)?)?;
            let hot = codes.iter().flat_map(|&code| (0..card).map(move |k| f32::from(u8::from(k == code as usize))));
            let hot = Tensor::from_vec(hot.collect::<Vec<f32>>(), (codes.len(), card), &device())?;
            loss = (loss - ((logs * hot)?.sum_all()? / codes.len() as f64)?)?;
            start += card;
        }
        Ok(loss)
    }

    /// What it sees in images `[channels, height, width]` of bytes.
    ///
    /// # Errors
    /// Candle's.
    pub fn look(&self, images: &[Vec<u8>]) -> Result<Seen> {
        let mut seen = Seen { features: vec![], read: vec![vec![]; self.cards.len()] };
        for chunk in images.chunks(BATCH) {
            let (features, logits) = self.network.features(&self.batch(chunk)?)?;
            seen.features.extend(features.to_vec2::<f32>()?);
            for logits in logits.to_vec2::<f32>()? {
                let mut start = 0;
                for (&card, read) in self.cards.iter().zip(&mut seen.read) {
                    let part = &logits[start..start + card];
                    let best = (0..card).max_by(|&a, &b| part[a].total_cmp(&part[b])).unwrap_or(0);
                    read.push(best as u32);
                    start += card;
                }
            }
        }
        Ok(seen)
    }

    fn batch(&self, images: &[Vec<u8>]) -> Result<Batch> {
        let planes: Vec<f32> = images.iter().flatten().map(|&byte| scaled(byte)).collect();
        Ok(Batch { codes: None, pictures: vec![from_planes(&planes, self.size)?] })
    }
}
