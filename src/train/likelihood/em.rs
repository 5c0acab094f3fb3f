//! Expectation–maximisation over conditional tables (Dempster, Laird & Rubin 1977), accelerated by
//! SQUAREM (Varadhan & Roland 2008, doi:10.1111/j.1467-9469.2007.00585.x).

use super::elimination::{Elimination, Scratch};
use super::layout::{Layout, Prior};
use super::rows::{Rows, Term, Weights};
use rand_chacha::ChaCha8Rng;

/// A module's likelihood: its tables and the rows they are fitted to.
pub(super) struct Likelihood {
    pub layout: Layout,
    terms: Vec<Compiled>,
}

struct Compiled {
    elimination: Elimination,
    /// Where the slices of a distinct row's mechanisms start, row-major.
    slices: Vec<usize>,
    mechanisms: usize,
}

/// A (local) maximum of the posterior density.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    pub parameters: Vec<f64>,
    /// `Σ weight · log P'(row)` plus the log density of the prior.
    pub objective: f64,
}

/// When [`Likelihood::fit`] stops.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    /// Where three passes gain less than this many nats in all.
    pub gain: f64,
    /// After this many passes.
    pub passes: usize,
}

impl Likelihood {
    /// The likelihood of `rows` under tables of this `layout`.
    pub fn new(layout: Layout, rows: &Rows) -> Self {
        let slice = |term: &Term, row: usize, m: usize| {
            layout.tables[m] + term.cell(row, &layout.mechanisms[m]) * layout.states[m]
        };
        let compile = |term: &Term| Compiled {
            elimination: Elimination::new(&layout, &term.mechanisms),
            slices: (0..term.rows())
                .flat_map(|row| term.mechanisms.iter().map(move |&m| (row, m)))
                .map(|(row, m)| slice(term, row, m))
                .collect(),
            mechanisms: term.mechanisms.len(),
        };
        let terms = rows.terms.iter().map(compile).collect();
        Self { layout, terms }
    }

    /// The work of one pass: cells of cliques over all distinct rows.
    pub fn work(&self) -> usize {
        self.terms.iter().map(|t| t.elimination.cells.max(1) * t.slices.len() / t.mechanisms).sum()
    }

    /// `Σ weight · log P'(row)`; the expected counts are added to `counts` where given, drawn ones with `rng`.
    pub fn pass(
        &self,
        parameters: &[f64],
        weights: &Weights,
        mut counts: Option<&mut [f64]>,
        mut rng: Option<&mut ChaCha8Rng>,
    ) -> f64 {
        let mut scratch = Scratch::default();
        let mut sum = 0.0;
        for (compiled, weights) in self.terms.iter().zip(weights) {
            for (slices, &weight) in compiled.slices.chunks_exact(compiled.mechanisms).zip(weights) {
                if weight <= 0.0 {
                    continue;
                }
                sum += weight * compiled.elimination.log_likelihood(parameters, slices, &mut scratch);
                if let Some(counts) = counts.as_deref_mut() {
                    compiled.elimination.count(slices, weight, counts, &mut scratch, rng.as_deref_mut());
                }
            }
        }
        sum
    }

    /// One step of EM from `parameters` into `next`; returns the objective at `parameters`.
    pub fn step(&self, parameters: &[f64], weights: &Weights, prior: Prior, next: &mut Vec<f64>) -> f64 {
        next.clear();
        next.resize(self.layout.cells, 0.0);
        let sum = self.pass(parameters, weights, Some(next), None);
        self.layout.normalise(next, prior);
        sum + self.layout.log_prior(parameters, prior)
    }

    /// Climbs from `start` to a local maximum. The objective never falls from one cycle to the next.
    pub fn fit(&self, start: Vec<f64>, weights: &Weights, prior: Prior, stop: Stop) -> Fit {
        let (mut current, mut first, mut second) = (start, vec![], vec![]);
        let (mut leap, mut fresh) = (vec![], vec![]);
        let mut objective = self.step(&current, weights, prior, &mut first);
        let mut passes = 1;
        while passes < stop.passes {
            self.step(&first, weights, prior, &mut second);
            extrapolate(&current, &first, &second, &mut leap);
            self.layout.normalise(&mut leap, Prior { table: 0.0, latent: 0.0 });
            let mut next = self.step(&leap, weights, prior, &mut fresh);
            passes += 2;
            if next >= objective {
                std::mem::swap(&mut current, &mut leap);
            } else {
                next = self.step(&second, weights, prior, &mut fresh);
                passes += 1;
                std::mem::swap(&mut current, &mut second);
            }
            std::mem::swap(&mut first, &mut fresh);
            let gain = next - objective;
            objective = next;
            if gain < stop.gain {
                break;
            }
        }
        Fit { parameters: current, objective }
    }
}

/// The SQUAREM step in log parameters: `log θ₀ − 2αr + α²v` with `r = log θ₁ − log θ₀`,
/// `v = (log θ₂ − log θ₁) − r` and the step length `α = −‖r‖ / ‖v‖`, at most −1.
fn extrapolate(zero: &[f64], one: &[f64], two: &[f64], leap: &mut Vec<f64>) {
    let logs: Vec<[f64; 2]> = zero
        .iter()
        .zip(one)
        .zip(two)
        .map(|((&a, &b), &c)| {
            let r = (b / a).ln();
            [r, (c / b).ln() - r]
        })
        .collect();
    // Cells weigh by their probability: those that all but vanish must not set the step length.
    let norm = |at: usize| logs.iter().zip(one).map(|(l, p)| p * l[at] * l[at]).sum::<f64>().sqrt();
    let (r, v) = (norm(0), norm(1));
    let alpha = if v > 1e-12 { (-r / v).clamp(-64.0, -1.0) } else { -1.0 };
    leap.clear();
    leap.extend(zero.iter().zip(&logs).map(|(&a, &[r, v])| {
        let power = (-2.0 * alpha * r + alpha * alpha * v).clamp(-50.0, 50.0);
        (a * power.exp()).max(1e-12)
    }));
}
