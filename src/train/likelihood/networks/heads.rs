//! What the networks of a term say of a batch: probabilities of discrete values, mixtures of real ones.

use super::compiled::Compiled;
use crate::nets::conditional::softmax;
use crate::nets::real::{Mixture, OUTPUTS};
use crate::nets::table::TableMechanism;

/// One mechanism's say, in each row and each joint value of its hidden causes.
pub(super) enum Head {
    /// Probabilities `[rows · states, card]`.
    Discrete(Vec<f64>),
    /// A mixture for each row and state, with the outputs that it is made from.
    Real(Vec<f32>, Vec<Mixture>),
}

impl Head {
    /// What the outputs `[rows · states, card]` of a mechanism's network mean.
    pub fn new(outputs: Vec<f32>, card: usize, real: bool) -> Self {
        if real {
            let mixtures = outputs.chunks_exact(OUTPUTS).map(Mixture::new).collect();
            return Self::Real(outputs, mixtures);
        }
        Self::Discrete(softmax(&outputs, card))
    }

    /// Appends how likely the value of the distinct row `row`, number `at` of the batch, is in each of `states`, up to a
    /// factor whose logarithm is returned.
    pub fn likelihoods(
        &self,
        compiled: &Compiled,
        m: &TableMechanism,
        (at, row, states): (usize, usize, usize),
        into: &mut Vec<f64>,
    ) -> f64 {
        match self {
            Self::Discrete(probabilities) => {
                let first = at * states * m.card + compiled.term.code(row, m.variable);
                into.extend((0..states).map(|s| probabilities[first + s * m.card].max(1e-30)));
                0.0
            }
            Self::Real(_, mixtures) => {
                let number = compiled.number(row, m.variable);
                let logs: Vec<f64> =
                    mixtures[at * states..][..states].iter().map(|mixture| mixture.log_density(number)).collect();
                let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                into.extend(logs.iter().map(|log| (log - top).exp().max(1e-30)));
                top
            }
        }
    }

    /// The gradient, with respect to the outputs, of minus the log-likelihood of `rows` where each row and state counts
    /// `weights`.
    pub fn gradient(&self, compiled: &Compiled, m: &TableMechanism, rows: &[usize], weights: &[f64]) -> Vec<f32> {
        let states = weights.len() / rows.len().max(1);
        match self {
            Self::Discrete(probabilities) => {
                let mut gradient = Vec::with_capacity(probabilities.len());
                for (cell, p) in probabilities.chunks_exact(m.card).enumerate() {
                    // Per logit: weight · (probability − [the row's value]).
                    let value = compiled.term.code(rows[cell / states], m.variable);
                    let off = |(k, p): (usize, &f64)| (weights[cell] * (p - f64::from(k == value))) as f32;
                    gradient.extend(p.iter().enumerate().map(off));
                }
                gradient
            }
            Self::Real(outputs, mixtures) => {
                let mut gradient = Vec::with_capacity(outputs.len());
                for (cell, (outputs, mixture)) in outputs.chunks_exact(OUTPUTS).zip(mixtures).enumerate() {
                    let number = compiled.number(rows[cell / states], m.variable);
                    mixture.descend(outputs, number, weights[cell], &mut gradient);
                }
                gradient
            }
        }
    }
}
