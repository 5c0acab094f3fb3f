//! Mechanisms from files that somebody trained before: frozen, of one variable each.
//!
//! | file | mechanism | gradients to image parents |
//! |---|---|---|
//! | a module of this program | as the run that wrote it sampled | yes |
//! | weights of another program, layers in the model file | `network`: noise and codes, or an image, to an image or logits | yes |
//! | ONNX | the same by `onnx`, a black box | no |

mod load;
mod module;
mod network;
#[cfg(feature = "onnx")]
mod onnx;

use super::column::{Column, Pixels};
use super::conditional::softmax;
use super::noise::{Noise, normals};
use super::soft::{TableHidden, table_logits};
use super::table::TableModule;
use super::{Hidden, Sampler};
use crate::nets::ops::device;
use crate::pretrained::{Kind, Request};
use candle_core::{Result, Tensor, bail};
use module::FileModule;
use network::FileNetwork;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Rows that pass through a network at a time.
const CHUNK: usize = 128;

/// The frozen mechanism of one variable, from a file.
#[derive(Clone, Debug)]
pub struct PretrainedModule {
    /// The variable.
    pub variable: usize,
    /// Its parents, ascending.
    pub parents: Vec<usize>,
    inside: Arc<Inside>,
}

#[derive(Debug)]
struct Inside {
    request: Request,
    source: Source,
    /// The SHA-256 of the file.
    sha256: String,
}

#[derive(Debug)]
enum Source {
    /// In the model's numbers and values.
    Tables(TableModule),
    /// In the file's.
    Module(FileModule),
    Network(FileNetwork),
}

impl PretrainedModule {
    /// The SHA-256 of the file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.inside.sha256
    }

    /// What the model asked of the file.
    pub fn request(&self) -> &Request {
        &self.inside.request
    }

    /// The mechanism as a table of the model's variables, where the file has one.
    pub fn tables(&self) -> Option<&TableModule> {
        match &self.inside.source {
            Source::Tables(tables) => Some(tables),
            Source::Module(_) | Source::Network(_) => None,
        }
    }

    /// The variable for values of its parents, ascending: one-hot codes `[rows, card]` of a discrete one, `[rows, height,
    /// width, channels]` in [−1, 1] of an image. Gives logits `[rows, card]` or pictures, likewise, and passes
    /// gradients to pictures of the parents unless the file is ONNX. Each row draws its own noise.
    ///
    /// # Errors
    /// Where `variable` is not the module's, or a parent does not have the mechanism's shape.
    pub fn soft(&self, variable: usize, parents: &[Tensor], rows: usize, rng: &mut ChaCha8Rng) -> Result<Tensor> {
        self.check(variable, parents.len())?;
        let request = &self.inside.request;
        match &self.inside.source {
            Source::Tables(tables) => {
                let hidden = TableHidden::draw(tables, rows, rng);
                table_logits(tables, 0, parents, &hidden)
            }
            Source::Module(module) => module.soft(request, parents, rows, rng),
            Source::Network(network) => network.soft(request, parents, rows, rng),
        }
    }

    fn check(&self, variable: usize, parents: usize) -> Result<()> {
        if variable != self.variable || parents != self.parents.len() {
            bail!("variable {variable} with {parents} parents: the module holds {}", self.variable)
        }
        Ok(())
    }
}

impl Sampler for PretrainedModule {
    fn hidden(&self, rows: usize, rng: &mut ChaCha8Rng) -> Hidden {
        match &self.inside.source {
            Source::Tables(tables) => tables.hidden(rows, rng),
            Source::Module(module) => module.sampler().hidden(rows, rng),
            Source::Network(_) => Hidden::Vectors { rows, noise: vec![] },
        }
    }

    fn noise(&self, variable: usize, rows: usize, rng: &mut ChaCha8Rng) -> Result<Noise> {
        let request = &self.inside.request;
        match &self.inside.source {
            Source::Tables(tables) => tables.noise(variable, rows, rng),
            Source::Module(module) => module.noise(rows, rng),
            Source::Network(_) => {
                let vectors = normals(rows * request.reading.latent, rng);
                let discrete = !matches!(request.variable.kind, Kind::Image(_));
                Ok(Noise { vectors, ..if discrete { Noise::uniform(rows, rng) } else { Noise::default() } })
            }
        }
    }

    fn replay(&self, variable: usize, parents: &[&Column], hidden: &Hidden, noise: &Noise) -> Result<Column> {
        self.check(variable, parents.len())?;
        let request = &self.inside.request;
        match &self.inside.source {
            Source::Tables(tables) => tables.replay(variable, parents, hidden, noise),
            Source::Module(module) => module.replay(request, parents, hidden, noise),
            Source::Network(network) => match request.variable.kind {
                Kind::Image(shape) => {
                    let planes = |output: &Tensor| output.permute((0, 3, 1, 2))?.contiguous();
                    let values = outputs(network, request, parents, (hidden.rows(), noise), planes)?;
                    Ok(Column::Pixels(Pixels { shape, values }))
                }
                _ => {
                    let (probabilities, card) = distributions(network, request, parents, (hidden.rows(), noise))?;
                    Ok(Column::Codes(noise.quantiles(probabilities.chunks_exact(card))))
                }
            },
        }
    }

    fn observe(
        &self,
        variable: usize,
        parents: &[&Column],
        hidden: &Hidden,
        noise: &mut Noise,
        value: u32,
    ) -> Result<Vec<f64>> {
        self.check(variable, parents.len())?;
        let request = &self.inside.request;
        match &self.inside.source {
            Source::Tables(tables) => tables.observe(variable, parents, hidden, noise, value),
            Source::Module(module) => module.observe(request, parents, hidden, noise, value),
            Source::Network(network) => {
                let (probabilities, card) = distributions(network, request, parents, (hidden.rows(), noise))?;
                Ok(noise.narrow(value, probabilities.chunks_exact(card)).into_iter().map(f64::ln).collect())
            }
        }
    }

    fn redraw(&self, hidden: &mut Hidden, latent: usize, rng: &mut ChaCha8Rng) -> Result<()> {
        match &self.inside.source {
            Source::Tables(tables) => tables.redraw(hidden, latent, rng),
            Source::Module(module) => module.sampler().redraw(hidden, latent, rng),
            Source::Network(_) => bail!("a network of a file has no hidden causes"),
        }
    }
}

/// Each row's distribution of a discrete variable, `[rows, values]`, and the number of its values.
fn distributions(
    network: &FileNetwork,
    request: &Request,
    parents: &[&Column],
    rows: (usize, &Noise),
) -> Result<(Vec<f64>, usize)> {
    let Kind::Discrete(card) = request.variable.kind else { bail!("{} is not discrete", request.variable.name) };
    let logits = outputs(network, request, parents, rows, |output| Ok(output.clone()))?;
    Ok((softmax(&logits, card), card))
}

/// What the network gives for each row, arranged by `arrange`.
fn outputs(
    network: &FileNetwork,
    request: &Request,
    parents: &[&Column],
    (rows, noise): (usize, &Noise),
    arrange: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Vec<f32>> {
    let latent = request.reading.latent;
    if parents.iter().any(|p| p.rows() != rows) || noise.vectors.len() != rows * latent {
        bail!("{}: parents of other numbers of rows than {rows}", request.variable.name)
    }
    let mut values = vec![];
    for start in (0..rows).step_by(CHUNK) {
        let range = start..rows.min(start + CHUNK);
        let soft = parents.iter().zip(&request.parents);
        let soft = soft.map(|(column, node)| tensor(column, &node.kind, range.clone()));
        let vectors = noise.vectors[range.start * latent..range.end * latent].to_vec();
        let vectors = Tensor::from_vec(vectors, (range.len(), latent), &device())?;
        let output = network.with_noise(request, &soft.collect::<Result<Vec<_>>>()?, &vectors)?;
        values.extend(arrange(&output)?.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(values)
}

/// Rows of a column as [`PretrainedModule::soft`] takes them.
fn tensor(column: &Column, kind: &Kind, range: std::ops::Range<usize>) -> Result<Tensor> {
    match (column, kind) {
        (Column::Codes(codes), Kind::Discrete(card)) => one_hot(&codes[range], *card),
        (Column::Pixels(pixels) | Column::Still(pixels, _), Kind::Image(shape)) if pixels.shape == *shape => {
            let [channels, height, width] = *shape;
            let still = matches!(column, Column::Still(..));
            let (count, values) = (range.len(), pixels.of_rows(still, range).into_owned());
            let planes = Tensor::from_vec(values, (count, channels, height, width), &device())?;
            planes.permute((0, 2, 3, 1))?.contiguous()
        }
        _ => bail!("a parent's values are not of its type"),
    }
}

/// The codes `[rows, card]` of values.
fn one_hot(codes: &[u32], card: usize) -> Result<Tensor> {
    if codes.iter().any(|&code| code as usize >= card) {
        bail!("a parent's code is outside its domain")
    }
    let values: Vec<f32> =
        codes.iter().flat_map(|&code| (0..card).map(move |v| f32::from(v == code as usize))).collect();
    Tensor::from_vec(values, (codes.len(), card), &device())
}

#[cfg(test)]
mod tests;
