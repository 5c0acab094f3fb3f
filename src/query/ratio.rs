//! How much likelier a picture is under some values of an image's parents than under others: ratio estimation (Hermans, Begy &
//! Louppe 2020, *Likelihood-free MCMC with amortized ratio estimators*; Cranmer, Brehmer & Louppe 2020, doi:10.1073/pnas.1912789117).
//!
//! A classifier learns to read the parents' joint value from pictures that the mechanism draws, each value as often as any other.
//! Its probability of a value is then proportional to the picture's density given that value.

use super::images::{Oracle, RATE};
use crate::data::ImagesBuilder;
use crate::model::{Domain, Model, VarId};
use crate::nets::Sampler;
use crate::nets::column::{Column, Pixels};
use crate::nets::image::{Batch, Classifier, Network, Soft};
use crate::nets::ops::with_threads;
use crate::seed;
use crate::train::Trained;
use candle_core::{Result, bail};

/// Pictures that are drawn to learn from,
const DRAWN: usize = 20_000;
/// and of these the ones that only say how sure to be.
const HELD_OUT: usize = 2_000;
/// Pictures that are drawn at a time.
const CHUNK: usize = 250;
/// Steps of the classifier's training.
const STEPS: usize = 1_200;
/// Bytes of pictures that are held in memory.
const MEMORY: usize = 1 << 30;

/// The classifier of an image variable.
#[derive(Clone, Debug)]
pub struct Ratio {
    network: Network<Classifier>,
}

impl Ratio {
    /// Learns from what the mechanism of `variable` in `module` draws; all parents must be discrete.
    ///
    /// # Errors
    /// Candle's, and where `variable` is no image of discrete parents or pictures cannot be kept.
    pub fn learn(model: &Model, module: &Trained, variable: VarId, seed: u64) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        with_threads(threads, || Self::from_draws(model, module, variable, seed))?
    }

    fn from_draws(model: &Model, module: &Trained, variable: VarId, seed: u64) -> Result<Self> {
        let Some(&Domain::Image(shape)) = model.domain(variable) else { bail!("{} is no image", model.name(variable)) };
        let parents = model.graph.parents(variable);
        let Some(cards) = parents.iter().map(|&p| model.card(p)).collect::<Option<Vec<usize>>>() else {
            bail!("{} has a parent that is not discrete", model.name(variable))
        };
        let count: usize = cards.iter().product();
        let mut rng = seed::stream(seed, &format!("ratio/{}", model.name(variable)));
        let (mut images, mut labels) = (ImagesBuilder::new(shape, MEMORY), vec![]);
        while labels.len() < DRAWN {
            let cells: Vec<usize> = (labels.len()..labels.len() + CHUNK).map(|at| at % count).collect();
            let mut rest = cells.clone();
            let mut columns: Vec<Column> = vec![];
            for card in cards.iter().rev() {
                columns.insert(0, Column::Codes(rest.iter().map(|cell| (cell % card) as u32).collect()));
                rest.iter_mut().for_each(|cell| *cell /= card);
            }
            let hidden = module.hidden(CHUNK, &mut rng);
            let drawn = module.sample(variable, &columns.iter().collect::<Vec<_>>(), &hidden, &mut rng)?;
            let Column::Pixels(pixels) = drawn else { bail!("{} is not drawn as images", model.name(variable)) };
            for row in 0..CHUNK {
                images.push(&pixels.bytes(row))?;
            }
            labels.extend(cells.into_iter().map(|cell| cell as u32));
        }
        let images = images.finish()?;
        // Cells come one after the other: the held out ones are as even as the others.
        let (held, learnt) = (0..HELD_OUT, (HELD_OUT..DRAWN).collect::<Vec<_>>());
        // The rate falls to nothing: what is left of its noise would be taken for evidence.
        let rate = |step: usize| RATE * (1.0 - step as f32 / STEPS as f32);
        let oracle = Oracle::train(&images, &[(variable, &labels, count)], &learnt, (STEPS, rate), &mut rng)?;
        let mut network = oracle.into_network()?;
        let pictures: Vec<Vec<u8>> = held.clone().map(|row| images.row(row)).collect::<std::io::Result<_>>()?;
        let values = pictures.iter().flatten().map(|&byte| crate::data::scaled(byte)).collect();
        let logits = logits(&network, &Pixels { shape, values })?;
        cool(&mut network, temperature(&logits, &labels[held], count));
        Ok(Self { network })
    }

    /// The classifier as a network of a file.
    pub fn network(&self) -> &Network<Classifier> {
        &self.network
    }

    /// The classifier that a file holds; `None` where it is not one of `variable`'s.
    pub fn of_network(model: &Model, variable: VarId, network: Network<Classifier>) -> Option<Self> {
        let cards = model.graph.parents(variable).iter().map(|&p| model.card(p)).collect::<Option<Vec<usize>>>()?;
        let sees = network.architecture.pictures.iter().map(|s| [s.channels, s.height, s.width]).collect::<Vec<_>>();
        let fits = matches!(model.domain(variable), Some(Domain::Image(shape)) if sees == [*shape]);
        (fits && network.architecture.outputs == cards.iter().product::<usize>()).then_some(Self { network })
    }

    /// The logarithm of the density of one picture given each joint value of the parents (the last one fastest), relative to the mean
    /// over all of them.
    ///
    /// # Errors
    /// Candle's.
    pub fn logs(&self, picture: &Pixels) -> Result<Vec<f64>> {
        let logits: Vec<f64> = logits(&self.network, picture)?.into_iter().map(f64::from).collect();
        let total = log_total(&logits) - (logits.len() as f64).ln();
        Ok(logits.into_iter().map(|logit| logit - total).collect())
    }
}

/// The logits of pictures, `[pictures, values]`.
fn logits(network: &Network<Classifier>, pictures: &Pixels) -> Result<Vec<f32>> {
    let Some(&size) = network.architecture.pictures.first() else { bail!("a classifier of no pictures") };
    let soft = Soft::<Classifier>::fixed(network)?;
    let mut found = vec![];
    let rows: Vec<usize> = (0..pictures.rows()).collect();
    for rows in rows.chunks(CHUNK) {
        let batch = Batch { codes: None, pictures: vec![pictures.pictures(rows, size)?] };
        found.extend(soft.outputs(&batch)?.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(found)
}

fn log_total(logits: &[f64]) -> f64 {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + logits.iter().map(|logit| (logit - top).exp()).sum::<f64>().ln()
}

/// The number by which logits must be divided to make the labels likeliest (Guo, Pleiss, Sun & Weinberger 2017, *On Calibration
/// of Modern Neural Networks*): between 1/4 and 16, by golden section on its logarithm.
fn temperature(logits: &[f32], labels: &[u32], count: usize) -> f64 {
    let loss = |log: f64| {
        let one = |(logits, &label): (&[f32], &u32)| {
            let scaled: Vec<f64> = logits.iter().map(|logit| f64::from(*logit) / log.exp()).collect();
            log_total(&scaled) - scaled[label as usize]
        };
        logits.chunks_exact(count).zip(labels).map(one).sum::<f64>()
    };
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.25f64.ln(), 16f64.ln());
    for _ in 0..40 {
        let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
        if loss(left) < loss(right) { high = right } else { low = left }
    }
    f64::midpoint(low, high).exp()
}

/// Divides the logits of a network by `temperature`.
fn cool(network: &mut Network<Classifier>, temperature: f64) {
    // The last two parts are the weights and the bias of the last layer.
    let last = network.values.len().saturating_sub(2);
    network.values[last..].iter_mut().flatten().for_each(|v| *v = (f64::from(*v) / temperature) as f32);
}
