//! One fit of networks by gradient descent.

use super::super::elimination::Scratch;
use super::super::layout::Layout;
use super::super::rows::Weights;
use super::Recipe;
use super::compiled::{Compiled, Inputs};
use super::heads::Head;
use super::line;
use crate::nets::conditional::{ConditionalMember, Network, SoftNetwork};
use crate::nets::image::Classifier;
use crate::nets::noise::normals;
use crate::nets::ops::{Adam, device};
use crate::nets::table::{TableLatent, TableMechanism};
use candle_core::{DType, Error, Result, Tensor};
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Steps of an epoch where the distinct rows make fewer batches.
pub(super) const STEPS: usize = 50;
/// The channels after the first halving of an image: with 16 the networks learn 20,000 rows by heart sooner than they
/// learn what is rare in them.
const WIDTH: usize = 8;
/// The numbers that an encoder makes of a mechanism's image parents.
const FEATURES: usize = 64;

/// The standard deviation of the noise that is added to pixels in [−1, 1] in training.
const GRAIN: f32 = 0.3;
/// What the last weights of networks without images are multiplied by at the start, so that hidden causes matter
/// from the beginning: what they explain, the encoders of images need not learn.
const SHARP: f32 = 3.0;

/// One fit in progress.
pub(super) struct Fit<'a> {
    layout: &'a Layout,
    compiled: &'a [Compiled<'a>],
    /// Per mechanism its network.
    pub networks: Vec<SoftNetwork>,
    /// The networks before training.
    shapes: Vec<Network>,
    priors: Vec<Vec<f64>>,
    /// Adam's rate.
    pub rate: f32,
    batch: usize,
    /// Whether the images are left out.
    blind: bool,
}

/// The posterior of a batch's hidden causes.
struct Posterior {
    /// Per row `weight · log P'(row)`.
    logs: Vec<f64>,
    /// Per mechanism of the term `[rows, states]`, times the rows' weights.
    states: Vec<Vec<f64>>,
    /// Per latent the expected counts of its values.
    latents: Vec<Vec<f64>>,
}

impl<'a> Fit<'a> {
    /// Networks with random weights, those of real variables around the least-squares line through the rows ([`line`]).
    pub fn new(
        layout: &'a Layout,
        compiled: &'a [Compiled<'a>],
        recipe: &Recipe,
        weights: &Weights,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let network = |(at, m): (usize, &TableMechanism)| {
            let latents: usize = m.latents.iter().map(|&l| layout.latents[l].levels).sum();
            let inputs = m.parent_cards.iter().sum::<usize>() + latents;
            let pictures = compiled.first().map_or(vec![], |term| term.sizes(m));
            let mut network = if pictures.is_empty() {
                let mut network = Network::random(inputs, &recipe.hidden, m.card, rng);
                if recipe.images {
                    network.layers.iter_mut().next_back().into_iter().for_each(|last| sharpen(&mut last.weight));
                }
                network
            } else {
                let encoder = Classifier { pictures, codes: 0, width: WIDTH, hidden: vec![], outputs: FEATURES };
                Network::random_with_pictures(encoder, inputs, &recipe.hidden, m.card, rng).map_err(Error::msg)?
            };
            if compiled.first().is_some_and(|term| term.is_real(m.variable)) {
                line::start(&mut network, compiled, weights, (at, m));
            }
            Ok(network)
        };
        let shapes = layout.mechanisms.iter().enumerate().map(network).collect::<Result<Vec<_>>>()?;
        let networks = shapes.iter().map(SoftNetwork::trained).collect::<Result<_>>()?;
        let prior = |l: &TableLatent| {
            let draws: Vec<f64> = (0..l.levels).map(|_| 0.5 + rng.random::<f64>()).collect();
            let total: f64 = draws.iter().sum();
            draws.into_iter().map(|d| d / total).collect()
        };
        let priors = layout.latents.iter().map(prior).collect();
        Ok(Self { layout, compiled, networks, shapes, priors, rate: recipe.rate, batch: recipe.batch, blind: false })
    }

    /// Leaves the images out, or takes them in again.
    pub fn without_images(&mut self, blind: bool) {
        self.blind = blind;
    }

    /// At least one pass over the rows in random order, and [`STEPS`] steps; the latents' priors move to their
    /// expected shares. Ends early where it is to `stop`.
    pub fn epoch(
        &mut self,
        weights: &Weights,
        adam: &mut Adam,
        rng: &mut ChaCha8Rng,
        stop: &dyn Fn() -> bool,
    ) -> Result<()> {
        let mut batches: Vec<(usize, Vec<usize>)> = vec![];
        while batches.len() < STEPS {
            for (at, weights) in weights.iter().enumerate() {
                let mut rows: Vec<usize> = (0..weights.len()).filter(|&row| weights[row] > 0.0).collect();
                rows.shuffle(rng);
                batches.extend(rows.chunks(self.batch).map(|rows| (at, rows.to_vec())));
            }
            if batches.is_empty() {
                return Ok(());
            }
        }
        batches.shuffle(rng);
        let used = weights.iter().flatten().filter(|w| **w > 0.0).count();
        let mean = weights.iter().flatten().sum::<f64>() / used.max(1) as f64;
        let mut counts: Vec<Vec<f64>> = self.priors.iter().map(|p| vec![1.0; p.len()]).collect();
        for (at, rows) in batches {
            if stop() {
                return Ok(());
            }
            let weights: Vec<f64> = rows.iter().map(|&row| weights[at][row]).collect();
            let posterior = self.step(&self.compiled[at], &rows, &weights, mean, rng)?;
            adam.step(self.rate)?;
            counts.iter_mut().flatten().zip(posterior.latents.iter().flatten()).for_each(|(c, p)| *c += p);
        }
        for (prior, counts) in self.priors.iter_mut().zip(counts) {
            let total: f64 = counts.iter().sum();
            *prior = counts.into_iter().map(|c| c / total).collect();
        }
        Ok(())
    }

    /// Adds the gradient of the batch's mean loss to the parameters'.
    fn step(
        &self,
        at: &Compiled,
        rows: &[usize],
        weights: &[f64],
        mean: f64,
        rng: &mut ChaCha8Rng,
    ) -> Result<Posterior> {
        let outputs = self.outputs(at, rows, Some(rng))?;
        let heads = self.heads(at, &outputs)?;
        let posterior = self.posterior(at, rows, weights, &heads);
        let scale = 1.0 / (mean * rows.len() as f64);
        for (place, outputs) in outputs.iter().enumerate() {
            let (m, outputs) = (&self.layout.mechanisms[at.term.mechanisms[place]], &outputs.1);
            let weights: Vec<f64> = posterior.states[place].iter().map(|weight| weight * scale).collect();
            let gradient = heads[place].gradient(at, m, rows, &weights);
            let gradient = Tensor::from_vec(gradient, outputs.shape(), &device())?;
            (outputs * gradient)?.sum_all()?.backward()?;
        }
        Ok(posterior)
    }

    /// `weight · log P'(row)` of each distinct row that has a weight.
    pub fn log_likelihoods(&self, weights: &Weights) -> Result<Vec<f64>> {
        let mut logs = vec![];
        for (at, weights) in self.compiled.iter().zip(weights) {
            let rows: Vec<usize> = (0..weights.len()).filter(|&row| weights[row] > 0.0).collect();
            for rows in rows.chunks(1024) {
                let weights: Vec<f64> = rows.iter().map(|&row| weights[row]).collect();
                let heads = self.heads(at, &self.outputs(at, rows, None)?)?;
                logs.extend(self.posterior(at, rows, &weights, &heads).logs);
            }
        }
        Ok(logs)
    }

    /// Per mechanism of the term its inputs and its network's outputs for them, `[inputs · states, card]`. An encoder sees
    /// the images of a row once, whatever the number of states; in training, with noise from `grain`.
    fn outputs(
        &self,
        at: &Compiled,
        rows: &[usize],
        mut grain: Option<&mut ChaCha8Rng>,
    ) -> Result<Vec<(Inputs, Tensor)>> {
        (at.term.mechanisms.iter().enumerate())
            .map(|(place, &mechanism)| {
                let inputs = at.inputs(place, rows);
                let features = self.features(at, mechanism, &inputs.rows, grain.as_deref_mut())?;
                let codes = at.codes(self.layout, place, &inputs.rows)?;
                Ok((inputs, self.networks[mechanism].logits(features.as_ref(), &codes)?))
            })
            .collect()
    }

    /// What a mechanism's encoder finds in the images of `rows`; `None` without image parents.
    fn features(
        &self,
        at: &Compiled,
        mechanism: usize,
        rows: &[usize],
        grain: Option<&mut ChaCha8Rng>,
    ) -> Result<Option<Tensor>> {
        let m = &self.layout.mechanisms[mechanism];
        if self.blind && m.images() > 0 {
            return Tensor::zeros((rows.len(), FEATURES), DType::F32, &device()).map(Some);
        }
        let images = at.images(m, rows)?;
        let images = match grain {
            Some(rng) => images.iter().map(|image| grainy(image, rng)).collect::<Result<_>>()?,
            None => images,
        };
        self.networks[mechanism].features(images)
    }

    /// What the outputs of a term's networks mean.
    fn heads(&self, at: &Compiled, outputs: &[(Inputs, Tensor)]) -> Result<Vec<Head>> {
        let head = |(&mechanism, (inputs, outputs)): (&usize, &(Inputs, Tensor))| {
            let m = &self.layout.mechanisms[mechanism];
            let real = at.is_real(m.variable);
            Ok(Head::new(outputs.flatten_all()?.to_vec1()?, inputs.places.clone(), m.card, real))
        };
        at.term.mechanisms.iter().zip(outputs).map(head).collect()
    }

    fn posterior(&self, at: &Compiled, rows: &[usize], weights: &[f64], heads: &[Head]) -> Posterior {
        let priors: Vec<f64> = self.priors.concat();
        let states: Vec<usize> = at.term.mechanisms.iter().map(|&m| self.layout.states[m]).collect();
        let mut found = Posterior {
            logs: Vec::with_capacity(rows.len()),
            states: states.iter().map(|s| Vec::with_capacity(s * rows.len())).collect(),
            latents: self.priors.iter().map(|p| vec![0.0; p.len()]).collect(),
        };
        // A row's parameters: the priors, then per mechanism how likely the row's value is in each state.
        let mut starts = vec![];
        let mut length = priors.len();
        for s in &states {
            starts.push(length);
            length += s;
        }
        let mut scratch = Scratch::default();
        for (b, &row) in rows.iter().enumerate() {
            let (mut parameters, mut factor) = (priors.clone(), 0.0);
            for (place, &mechanism) in at.term.mechanisms.iter().enumerate() {
                let m = &self.layout.mechanisms[mechanism];
                factor += heads[place].likelihoods(at, m, (b, row, states[place]), &mut parameters);
            }
            let mut counts = vec![0.0; length];
            let log = at.elimination.log_likelihood(&parameters, &starts, &mut scratch);
            found.logs.push(weights[b] * (log + factor));
            at.elimination.count(&starts, weights[b], &mut counts, &mut scratch, None);
            for (place, &start) in starts.iter().enumerate() {
                found.states[place].extend(&counts[start..start + states[place]]);
            }
            found.latents.iter_mut().flatten().zip(&counts).for_each(|(sum, c)| *sum += c);
        }
        found
    }

    /// Goes back to a member of an earlier epoch.
    pub fn restore(&mut self, member: &ConditionalMember) -> Result<()> {
        self.networks = member.networks.iter().map(SoftNetwork::trained).collect::<Result<_>>()?;
        self.priors.clone_from(&member.priors);
        Ok(())
    }

    /// The networks as they stand.
    pub fn member(&self) -> Result<ConditionalMember> {
        let networks = self.networks.iter().zip(&self.shapes).map(|(network, like)| network.network(like));
        let networks = networks.collect::<Result<_>>()?;
        Ok(ConditionalMember { priors: self.priors.clone(), networks })
    }
}

/// The image with noise on its pixels: a network that it makes no difference to learns the rows less by heart
/// (Bishop 1995).
fn grainy(image: &Tensor, rng: &mut ChaCha8Rng) -> Result<Tensor> {
    let grain: Vec<f32> = normals(image.elem_count(), rng).into_iter().map(|v| v * GRAIN).collect();
    image + Tensor::from_vec(grain, image.dims(), &device())?
}

fn sharpen(weights: &mut [f32]) {
    weights.iter_mut().for_each(|w| *w *= SHARP);
}
