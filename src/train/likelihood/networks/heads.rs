//! What the networks of a term say of a batch: probabilities of discrete values, mixtures of real ones.

use super::compiled::Compiled;
use crate::nets::conditional::softmax;
use crate::nets::real::{Mixture, OUTPUTS};
use crate::nets::table::TableMechanism;

/// One mechanism's say, in each of its inputs in a batch and each joint value of its hidden causes.
pub(super) struct Head {
    /// Per row of the batch the place of its input.
    places: Vec<usize>,
    says: Says,
}

enum Says {
    /// Probabilities `[inputs · states, card]`.
    Discrete(Vec<f64>),
    /// A mixture for each input and state, with the outputs that it is made from.
    Real(Vec<f32>, Vec<Mixture>),
}

impl Head {
    /// What the outputs `[inputs · states, card]` of a mechanism's network mean.
    pub fn new(outputs: Vec<f32>, places: Vec<usize>, card: usize, real: bool) -> Self {
        let says = if real {
            let mixtures = outputs.chunks_exact(OUTPUTS).map(Mixture::new).collect();
            Says::Real(outputs, mixtures)
        } else {
            Says::Discrete(softmax(&outputs, card))
        };
        Self { places, says }
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
        let start = self.places[at] * states;
        match &self.says {
            Says::Discrete(probabilities) => {
                let first = start * m.card + compiled.term.code(row, m.variable);
                into.extend((0..states).map(|s| probabilities[first + s * m.card].max(1e-30)));
                0.0
            }
            Says::Real(_, mixtures) => {
                let number = compiled.number(row, m.variable);
                let before = into.len();
                into.extend(mixtures[start..][..states].iter().map(|mixture| mixture.log_density(number)));
                let top = into[before..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
                into[before..].iter_mut().for_each(|log| *log = (*log - top).exp().max(1e-30));
                top
            }
        }
    }

    /// The gradient, with respect to the outputs, of minus the log-likelihood of `rows` where each row and state counts
    /// `weights`.
    pub fn gradient(&self, compiled: &Compiled, m: &TableMechanism, rows: &[usize], weights: &[f64]) -> Vec<f32> {
        let states = weights.len() / rows.len().max(1);
        let cells = weights.iter().enumerate().map(|(cell, weight)| {
            let (at, state) = (cell / states, cell % states);
            (rows[at], self.places[at] * states + state, *weight)
        });
        match &self.says {
            Says::Discrete(probabilities) => {
                let mut gradient = vec![0.0; probabilities.len()];
                for (row, cell, weight) in cells {
                    // Per logit: weight · (probability − [the row's value]).
                    let value = compiled.term.code(row, m.variable);
                    let range = cell * m.card..(cell + 1) * m.card;
                    let pairs = gradient[range.clone()].iter_mut().zip(&probabilities[range]);
                    pairs.enumerate().for_each(|(k, (g, p))| *g += (weight * (p - f64::from(k == value))) as f32);
                }
                gradient
            }
            Says::Real(outputs, mixtures) => {
                let mut gradient = vec![0.0; outputs.len()];
                for (row, cell, weight) in cells {
                    let range = cell * OUTPUTS..(cell + 1) * OUTPUTS;
                    let number = compiled.number(row, m.variable);
                    mixtures[cell].descend(&outputs[range.clone()], number, weight, &mut gradient[range]);
                }
                gradient
            }
        }
    }
}
