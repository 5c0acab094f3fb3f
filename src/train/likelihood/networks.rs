//! Neural conditionals, for mechanisms whose tables are too large or the rows too few to fill them.
//!
//! The loss is the exact marginal likelihood: the gradient of `log Σ_u Π P(u) Π P(v | pa, u)` is the
//! posterior expectation of the gradient of the complete-data likelihood (Fisher's identity), and the
//! posterior comes from [`Elimination`]. So each step is a weighted classification.

use super::elimination::{Elimination, Scratch};
use super::layout::Layout;
use super::rows::{Rows, Term, Weights};
use crate::model::{Model, Overrides, VarId};
use crate::nets::conditional::{ConditionalMember, ConditionalModule, Network, encode, forward, softmax};
use crate::nets::ops::{Adam, Parameter};
use crate::nets::table::TableLatent;
use crate::seed;
use crate::train::{Metric, Observer, TrainError};
use candle_core::{Device, Tensor};
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Levels of each hidden cause where none are set.
const LEVELS: usize = 4;
/// The share of the rows that is held out to stop early: one part of so many.
const PARTS: usize = 8;
/// Steps of an epoch where the distinct rows make fewer batches.
const STEPS: usize = 50;
/// Epochs without an improvement on the held-out rows before a fit stops.
const PATIENCE: usize = 6;
/// Fits, each to other resampled rows.
const MEMBERS: usize = 8;

/// A module to be fitted with networks.
pub(super) struct Job<'a> {
    pub model: &'a Model,
    pub module: &'a str,
    pub variables: &'a [VarId],
    pub rows: &'a Rows,
    pub settings: &'a Overrides,
    pub seed: u64,
    pub observer: &'a dyn Observer,
}

/// One fit in progress.
struct Fit<'a> {
    layout: &'a Layout,
    compiled: &'a [Compiled<'a>],
    /// Per mechanism the layers' weights and biases.
    networks: Vec<Vec<(Parameter, Parameter)>>,
    priors: Vec<Vec<f64>>,
    rate: f32,
    batch: usize,
}

struct Compiled<'a> {
    term: &'a Term,
    elimination: Elimination,
    /// The numbers of values of the inputs of each mechanism of the term: parents, then latents.
    cards: Vec<Vec<usize>>,
}

/// The posterior of a batch's hidden causes.
struct Posterior {
    log_likelihood: f64,
    /// Per mechanism of the term `[rows, states]`, times the rows' weights.
    states: Vec<Vec<f64>>,
    /// Per latent the expected counts of its values.
    latents: Vec<Vec<f64>>,
}

impl Job<'_> {
    /// Fits [`MEMBERS`] sets of networks (or as many as the settings ask bootstrap refits), each to a
    /// bootstrap resample of the rows.
    pub fn fit(&self) -> Result<ConditionalModule, TrainError> {
        let layout = Layout::new(self.model, self.variables, self.settings.levels.unwrap_or(LEVELS).max(1));
        let compiled: Vec<Compiled> = self.rows.terms.iter().map(|term| Compiled::new(&layout, term)).collect();
        let count = self.settings.bootstrap.unwrap_or(MEMBERS).max(1);
        let fits: Vec<(ConditionalMember, f64)> =
            (0..count).into_par_iter().map(|at| self.member(&layout, &compiled, at)).collect::<Result<_, _>>()?;
        let mut members = vec![];
        for (at, (member, loss)) in fits.into_iter().enumerate() {
            if !loss.is_finite() {
                return Err(TrainError::NotFinite { module: self.module.into(), step: at });
            }
            self.observer.metric(&Metric { module: self.module.into(), step: at + 1, total: count, loss, tv: None });
            members.push(member);
        }
        Ok(ConditionalModule { latents: layout.latents, mechanisms: layout.mechanisms, members })
    }

    /// One fit and its loss on the held-out rows, in nats per row.
    fn member(
        &self,
        layout: &Layout,
        compiled: &[Compiled],
        at: usize,
    ) -> Result<(ConditionalMember, f64), TrainError> {
        let mut rng = seed::stream(self.seed, &format!("likelihood/{}/network/{at}", self.module));
        let (train, test) = self.split(at);
        let total: f64 = test.iter().flatten().sum();
        let mut fit = Fit::new(layout, compiled, self.settings, &mut rng)?;
        let mut adam = Adam::new(fit.networks.iter().flatten().flat_map(|(w, b)| [w, b]), (0.9, 0.999));
        let mut best = (fit.member()?, f64::INFINITY, 0);
        for epoch in 0..self.settings.epochs.unwrap_or(100).max(1) {
            if self.observer.cancelled() {
                return Err(TrainError::Cancelled);
            }
            fit.epoch(&train, &mut adam, &mut rng)?;
            let loss = -fit.log_likelihood(&test)? / total.max(1.0);
            if loss.is_nan() || loss < best.1 {
                best = (fit.member()?, loss, epoch);
            }
            if !loss.is_finite() || epoch >= best.2 + PATIENCE {
                break;
            }
        }
        Ok((best.0, best.1))
    }

    /// Resampled rows to train on, and real rows, none of them among those, to stop on.
    fn split(&self, at: usize) -> (Weights, Weights) {
        let (rest, part) = self.rows.folds(seed::derive(self.seed, &format!("networks/{at}")), PARTS).swap_remove(0);
        let resampled = self.rows.resampled(self.seed, at);
        let share = |(rest, part): (&f64, &f64)| if rest + part > 0.0 { rest / (rest + part) } else { 0.0 };
        let train = |((r, p), w): ((&Vec<f64>, &Vec<f64>), &Vec<f64>)| {
            r.iter().zip(p).map(share).zip(w).map(|(share, w)| share * w).collect()
        };
        (rest.iter().zip(&part).zip(&resampled).map(train).collect(), part)
    }
}

impl<'a> Compiled<'a> {
    fn new(layout: &Layout, term: &'a Term) -> Self {
        let cards = |&m: &usize| {
            let m = &layout.mechanisms[m];
            m.parent_cards.iter().copied().chain(m.latents.iter().map(|&l| layout.latents[l].levels)).collect()
        };
        let elimination = Elimination::new(layout, &term.mechanisms);
        Self { term, elimination, cards: term.mechanisms.iter().map(cards).collect() }
    }

    /// The inputs `[rows · states, …]` of a mechanism, by its place in the term.
    fn inputs(&self, layout: &Layout, place: usize, rows: &[usize]) -> Vec<f32> {
        let mechanism = self.term.mechanisms[place];
        let m = &layout.mechanisms[mechanism];
        let cards = &self.cards[place];
        let (parents, latents) = cards.split_at(m.parents.len());
        let states = layout.states[mechanism];
        let mut x = Vec::with_capacity(rows.len() * states * cards.iter().sum::<usize>());
        for &row in rows {
            for state in 0..states {
                encode(parents, m.parents.iter().map(|&p| self.term.code(row, p)), &mut x);
                let mut inner = states;
                let digits = latents.iter().map(|&card| {
                    inner /= card;
                    state / inner % card
                });
                encode(latents, digits, &mut x);
            }
        }
        x
    }
}

impl<'a> Fit<'a> {
    fn new(
        layout: &'a Layout,
        compiled: &'a [Compiled<'a>],
        settings: &Overrides,
        rng: &mut ChaCha8Rng,
    ) -> candle_core::Result<Self> {
        let hidden = settings.hidden.clone().unwrap_or_else(|| vec![64, 64]);
        let networks = layout
            .mechanisms
            .iter()
            .map(|m| {
                let latents: usize = m.latents.iter().map(|&l| layout.latents[l].levels).sum();
                Network::random(m.parent_cards.iter().sum::<usize>() + latents, &hidden, m.card, rng).trained()
            })
            .collect::<candle_core::Result<_>>()?;
        let prior = |l: &TableLatent| {
            let draws: Vec<f64> = (0..l.levels).map(|_| 0.5 + rng.random::<f64>()).collect();
            let total: f64 = draws.iter().sum();
            draws.into_iter().map(|d| d / total).collect()
        };
        let priors = layout.latents.iter().map(prior).collect();
        let (rate, batch) = (settings.lr.unwrap_or(3e-3) as f32, settings.batch.unwrap_or(256).max(1));
        Ok(Self { layout, compiled, networks, priors, rate, batch })
    }

    /// At least one pass over the rows in random order, and [`STEPS`] steps; the latents' priors move to their expected shares.
    fn epoch(&mut self, weights: &Weights, adam: &mut Adam, rng: &mut ChaCha8Rng) -> candle_core::Result<()> {
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
            let weights: Vec<f64> = rows.iter().map(|&row| weights[at][row]).collect();
            let posterior = self.step(&self.compiled[at], &rows, &weights, mean)?;
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
    fn step(&self, at: &Compiled, rows: &[usize], weights: &[f64], mean: f64) -> candle_core::Result<Posterior> {
        let logits = self.logits(at, rows)?;
        let probabilities = self.probabilities(at, &logits)?;
        let posterior = self.posterior(at, rows, weights, &probabilities);
        let scale = 1.0 / (mean * rows.len() as f64);
        for (place, logits) in logits.iter().enumerate() {
            let m = &self.layout.mechanisms[at.term.mechanisms[place]];
            let states = self.layout.states[at.term.mechanisms[place]];
            // d loss / d logit = weight · (probability − [the row's value]).
            let mut gradient: Vec<f32> = Vec::with_capacity(probabilities[place].len());
            for (cell, p) in probabilities[place].chunks_exact(m.card).enumerate() {
                let value = at.term.code(rows[cell / states], m.variable);
                let weight = posterior.states[place][cell] * scale;
                gradient.extend(p.iter().enumerate().map(|(k, p)| (weight * (p - f64::from(k == value))) as f32));
            }
            let gradient = Tensor::from_vec(gradient, logits.shape(), &Device::Cpu)?;
            (logits * gradient)?.sum_all()?.backward()?;
        }
        Ok(posterior)
    }

    /// `Σ weight · log P'(row)`.
    fn log_likelihood(&self, weights: &Weights) -> candle_core::Result<f64> {
        let mut sum = 0.0;
        for (at, weights) in self.compiled.iter().zip(weights) {
            let rows: Vec<usize> = (0..weights.len()).filter(|&row| weights[row] > 0.0).collect();
            for rows in rows.chunks(1024) {
                let weights: Vec<f64> = rows.iter().map(|&row| weights[row]).collect();
                let probabilities = self.probabilities(at, &self.logits(at, rows)?)?;
                sum += self.posterior(at, rows, &weights, &probabilities).log_likelihood;
            }
        }
        Ok(sum)
    }

    /// Per mechanism of the term its logits `[rows · states, card]`.
    fn logits(&self, at: &Compiled, rows: &[usize]) -> candle_core::Result<Vec<Tensor>> {
        (at.term.mechanisms.iter().enumerate())
            .map(|(place, &mechanism)| {
                let count = rows.len() * self.layout.states[mechanism];
                let inputs: usize = at.cards[place].iter().sum();
                let x = Tensor::from_vec(at.inputs(self.layout, place, rows), (count, inputs), &Device::Cpu)?;
                forward(&self.networks[mechanism], x)
            })
            .collect()
    }

    fn probabilities(&self, at: &Compiled, logits: &[Tensor]) -> candle_core::Result<Vec<Vec<f64>>> {
        let card = |place: usize| self.layout.mechanisms[at.term.mechanisms[place]].card;
        let values = |(place, t): (usize, &Tensor)| Ok(softmax(&t.flatten_all()?.to_vec1()?, card(place)));
        logits.iter().enumerate().map(values).collect()
    }

    fn posterior(&self, at: &Compiled, rows: &[usize], weights: &[f64], probabilities: &[Vec<f64>]) -> Posterior {
        let priors: Vec<f64> = self.priors.concat();
        let states: Vec<usize> = at.term.mechanisms.iter().map(|&m| self.layout.states[m]).collect();
        let mut found = Posterior {
            log_likelihood: 0.0,
            states: states.iter().map(|s| Vec::with_capacity(s * rows.len())).collect(),
            latents: self.priors.iter().map(|p| vec![0.0; p.len()]).collect(),
        };
        // A row's parameters: the priors, then per mechanism the probability of the row's value in each state.
        let mut starts = vec![];
        let mut length = priors.len();
        for s in &states {
            starts.push(length);
            length += s;
        }
        let mut scratch = Scratch::default();
        for (b, &row) in rows.iter().enumerate() {
            let mut parameters = priors.clone();
            for (place, &mechanism) in at.term.mechanisms.iter().enumerate() {
                let m = &self.layout.mechanisms[mechanism];
                let value = at.term.code(row, m.variable);
                let first = b * states[place] * m.card + value;
                let picked = (0..states[place]).map(|s| probabilities[place][first + s * m.card].max(1e-30));
                parameters.extend(picked);
            }
            let mut counts = vec![0.0; length];
            found.log_likelihood += weights[b] * at.elimination.log_likelihood(&parameters, &starts, &mut scratch);
            at.elimination.count(&starts, weights[b], &mut counts, &mut scratch, None);
            for (place, &start) in starts.iter().enumerate() {
                found.states[place].extend(&counts[start..start + states[place]]);
            }
            found.latents.iter_mut().flatten().zip(&counts).for_each(|(sum, c)| *sum += c);
        }
        found
    }

    /// The networks as they stand.
    fn member(&self) -> candle_core::Result<ConditionalMember> {
        let networks = self.networks.iter().map(|n| Network::of(n)).collect::<candle_core::Result<_>>()?;
        Ok(ConditionalMember { priors: self.priors.clone(), networks })
    }
}
