//! Mechanisms of variables with picture parents, and encoders of pictures.

use super::network::{Architecture, Network, Part, Soft};
use super::trunk::{Trunks, check, dense, dense_parts};
use super::{Batch, ImageSize};
use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// A trunk for each picture, then fully connected layers on features and codes.
///
/// The outputs are the logits of a discrete child (a value is a Gumbel-max draw, with the noise of hidden
/// causes among the codes, or the softmax itself for a likelihood), a real child's value (with noise among the
/// codes), or the features of an encoder. A small autoencoder is a `Classifier` of one picture and an
/// `ImageGenerator` with as many codes, trained on [`mean_squared_error`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classifier {
    /// The pictures it sees.
    pub pictures: Vec<ImageSize>,
    /// The numbers it sees beside them.
    pub codes: usize,
    /// The channels after a picture's first halving.
    pub width: usize,
    /// The widths of the fully connected hidden layers.
    pub hidden: Vec<usize>,
    /// The number of outputs.
    pub outputs: usize,
}

impl Classifier {
    fn trunks(&self) -> Trunks {
        Trunks::new(&self.pictures, self.codes, self.width, false)
    }
}

impl Architecture for Classifier {
    const KIND: &'static str = "image_classifier";

    fn check(&self) -> std::result::Result<(), String> {
        check(&self.pictures, self.width, &[&[self.codes, self.outputs], &self.hidden[..]].concat())?;
        let empty = self.pictures.is_empty() && self.codes == 0;
        if empty || self.outputs == 0 || self.hidden.contains(&0) {
            return Err("a classifier of nothing, without outputs, or with an empty layer".into());
        }
        Ok(())
    }

    fn parts(&self) -> Vec<Part> {
        let trunks = self.trunks();
        let widths: Vec<usize> =
            [trunks.columns()].iter().chain(&self.hidden).chain(&[self.outputs]).copied().collect();
        trunks.parts().into_iter().chain(dense_parts(&widths)).collect()
    }
}

impl Soft<Classifier> {
    /// The network without gradients for its own parameters, which never move.
    ///
    /// # Errors
    /// Where Candle cannot hold the values.
    pub fn fixed(network: &Network<Classifier>) -> Result<Self> {
        Self::new(network, false, false)
    }

    /// The outputs `[rows, outputs]`, differentiable in the batch.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn outputs(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.features(batch)?.1)
    }

    /// What the last layer sees (the last hidden layer's outputs, or the trunks'), and the outputs: both
    /// differentiable in the batch.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn features(&self, batch: &Batch) -> Result<(Tensor, Tensor)> {
        let trunks = self.architecture.trunks();
        let (below, head) = self.parameters.split_at(trunks.parameters());
        let (matrix, _) = trunks.forward(below, batch)?;
        let mut layers = dense(head, &matrix)?;
        match layers.pop() {
            Some(outputs) => Ok((layers.pop().unwrap_or(matrix), outputs)),
            None => bail!("a classifier without layers"),
        }
    }
}

/// The mean of `(a − b)²` over all entries.
///
/// # Errors
/// Where the shapes differ.
pub fn mean_squared_error(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    (a - b)?.sqr()?.mean_all()
}
