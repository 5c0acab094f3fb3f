//! The marginal likelihood of a row and the posterior of its hidden causes, by variable elimination.
//!
//! Source: Koller & Friedman, *Probabilistic Graphical Models* (2009), chapters 9 and 10. The order of
//! elimination is fixed once per set of variables; a row then costs the sum of the clique sizes.

use super::layout::Layout;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};

/// How to sum out the latents of a set of mechanisms, for any row.
#[derive(Clone, Debug)]
pub(super) struct Elimination {
    steps: Vec<Step>,
    /// Mechanisms without latents, as places among the term's mechanisms.
    free: Vec<usize>,
    /// The number of cells of all messages.
    messages: usize,
    /// The number of cells of all cliques.
    pub cells: usize,
}

/// Multiplies tables over a clique and sums out one latent.
#[derive(Clone, Debug)]
struct Step {
    inputs: Vec<Input>,
    /// Where the clique starts among all cliques.
    start: usize,
    /// The number of cells of the clique, the summed latent fastest.
    cells: usize,
    /// The number of values of the summed latent.
    levels: usize,
    /// Where the result starts among all messages.
    message: usize,
    /// Whether the result is a number: the end of the elimination.
    root: bool,
}

#[derive(Clone, Debug)]
struct Input {
    source: Source,
    /// Per cell of the clique the cell of the input.
    cells: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    /// The slice of a mechanism's table at the row, by its place among the term's mechanisms.
    Mechanism(usize),
    /// A stretch of the parameters: the prior of a latent.
    Prior(usize),
    /// The result of an earlier step.
    Message(usize),
}

/// Working memory of [`Elimination`].
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    cliques: Vec<f64>,
    messages: Vec<f64>,
    shares: Vec<f64>,
}

/// A table that is still to be multiplied: its variables and where it comes from.
struct Open {
    scope: Vec<usize>,
    source: Source,
}

impl Elimination {
    /// An order for the latents of `mechanisms`, smallest clique first.
    pub fn new(layout: &Layout, mechanisms: &[usize]) -> Self {
        let levels = |l: usize| layout.latents[l].levels;
        let mut open: Vec<Open> = vec![];
        let mut free = vec![];
        let mut left: Vec<usize> = vec![];
        for (place, &m) in mechanisms.iter().enumerate() {
            let scope = layout.mechanisms[m].latents.clone();
            left.extend(&scope);
            match scope.is_empty() {
                true => free.push(place),
                false => open.push(Open { scope, source: Source::Mechanism(place) }),
            }
        }
        left.sort_unstable();
        left.dedup();
        open.extend(left.iter().map(|&l| Open { scope: vec![l], source: Source::Prior(layout.priors[l]) }));
        let mut found = Self { steps: vec![], free, messages: 0, cells: 0 };
        while !left.is_empty() {
            let size = |&l: &usize| clique(&open, l).iter().map(|&c| levels(c) as f64).product::<f64>();
            let next = (0..left.len()).min_by(|&a, &b| size(&left[a]).total_cmp(&size(&left[b]))).unwrap_or(0);
            found.sum_out(left.remove(next), &mut open, &levels);
        }
        found
    }

    fn sum_out(&mut self, latent: usize, open: &mut Vec<Open>, levels: &impl Fn(usize) -> usize) {
        let scope = clique(open, latent);
        let cards: Vec<usize> = scope.iter().map(|&l| levels(l)).collect();
        let (touching, rest): (Vec<Open>, Vec<Open>) =
            std::mem::take(open).into_iter().partition(|o| o.scope.contains(&latent));
        *open = rest;
        let cells = cards.iter().product();
        let inputs = touching
            .iter()
            .map(|o| Input { source: o.source, cells: cells_of(&scope, &cards, &o.scope, levels) })
            .collect();
        let count = cells / levels(latent);
        let outer = scope[..scope.len() - 1].to_vec();
        self.steps.push(Step {
            inputs,
            start: self.cells,
            cells,
            levels: levels(latent),
            message: self.messages,
            root: outer.is_empty(),
        });
        if !outer.is_empty() {
            open.push(Open { scope: outer, source: Source::Message(self.messages) });
        }
        self.messages += count;
        self.cells += cells;
    }

    /// `log Σ_u Π P(u) Π P(v | pa, u)` of a row, whose mechanisms' slices start at `slices`.
    /// Leaves the cliques' tables in `scratch`.
    pub fn log_likelihood(&self, parameters: &[f64], slices: &[usize], scratch: &mut Scratch) -> f64 {
        scratch.cliques.resize(self.cells, 0.0);
        scratch.messages.resize(self.messages, 0.0);
        let mut log = self.free.iter().map(|&place| parameters[slices[place]].ln()).sum::<f64>();
        for step in &self.steps {
            let clique = &mut scratch.cliques[step.start..step.start + step.cells];
            for (at, input) in step.inputs.iter().enumerate() {
                let table = match input.source {
                    Source::Mechanism(place) => &parameters[slices[place]..],
                    Source::Prior(start) => &parameters[start..],
                    Source::Message(start) => &scratch.messages[start..],
                };
                match at {
                    0 => clique.iter_mut().zip(&input.cells).for_each(|(c, &i)| *c = table[i as usize]),
                    _ => clique.iter_mut().zip(&input.cells).for_each(|(c, &i)| *c *= table[i as usize]),
                }
            }
            let message = &mut scratch.messages[step.message..step.message + step.cells / step.levels];
            for (m, block) in message.iter_mut().zip(clique.chunks_exact(step.levels)) {
                *m = block.iter().sum();
            }
            if step.root {
                log += message[0].ln();
            }
        }
        log
    }

    /// Adds `weight` times the posterior probability of each cell of the row's tables to `counts`
    /// (laid out like the parameters). Call after [`Self::log_likelihood`] of the same row. With `rng`
    /// the `weight` copies of the row draw their hidden causes instead.
    pub fn count(
        &self,
        slices: &[usize],
        weight: f64,
        counts: &mut [f64],
        scratch: &mut Scratch,
        mut rng: Option<&mut ChaCha8Rng>,
    ) {
        let Scratch { cliques, messages, shares } = scratch;
        shares.clear();
        shares.resize(self.messages, 0.0);
        for &place in &self.free {
            counts[slices[place]] += weight;
        }
        for step in self.steps.iter().rev() {
            let clique = &mut cliques[step.start..step.start + step.cells];
            if step.root {
                shares[step.message] = weight;
            }
            for (cell, block) in clique.chunks_exact_mut(step.levels).enumerate() {
                split(block, shares[step.message + cell], messages[step.message + cell], rng.as_deref_mut());
            }
            for input in &step.inputs {
                let target = match input.source {
                    Source::Mechanism(place) => &mut counts[slices[place]..],
                    Source::Prior(start) => &mut counts[start..],
                    Source::Message(start) => &mut shares[start..],
                };
                for (&share, &i) in clique.iter().zip(&input.cells) {
                    target[i as usize] += share;
                }
            }
        }
    }
}

/// Replaces the unnormalised probabilities `block` (summing to `total`) by their shares of `amount`:
/// proportional ones, or a multinomial draw.
fn split(block: &mut [f64], amount: f64, total: f64, rng: Option<&mut ChaCha8Rng>) {
    let Some(rng) = rng else {
        let scale = if total > 0.0 { amount / total } else { 0.0 };
        block.iter_mut().for_each(|b| *b *= scale);
        return;
    };
    // What is left of a fractional weight is shared out in proportion.
    let (mut left, rest) = (amount.floor(), amount.fract());
    let scale = if rest > 0.0 && total > 0.0 { rest / total } else { 0.0 };
    let mut mass = total;
    let last = block.len() - 1;
    for (at, b) in block.iter_mut().enumerate() {
        let drawn = match left {
            0.0 => 0.0,
            _ if at == last || *b >= mass => left,
            _ => binomial(left, *b / mass, rng),
        };
        mass -= *b;
        left -= drawn;
        *b = drawn + scale * *b;
    }
}

/// The successes among `trials` with probability `p` each.
fn binomial(trials: f64, p: f64, rng: &mut ChaCha8Rng) -> f64 {
    if trials <= 4.0 {
        return (0..trials as u32).filter(|_| rng.random::<f64>() < p).count() as f64;
    }
    Binomial::new(trials as u64, p).map_or(0.0, |d| d.sample(rng) as f64)
}

/// The variables that meet `latent` in an open table, itself last.
fn clique(open: &[Open], latent: usize) -> Vec<usize> {
    let mut scope: Vec<usize> =
        open.iter().filter(|o| o.scope.contains(&latent)).flat_map(|o| o.scope.iter().copied()).collect();
    scope.sort_unstable();
    scope.dedup();
    scope.retain(|&l| l != latent);
    scope.push(latent);
    scope
}

/// Per cell of a row-major table over `scope` the cell of a row-major table over `inner`.
fn cells_of(scope: &[usize], cards: &[usize], inner: &[usize], levels: &impl Fn(usize) -> usize) -> Vec<u32> {
    let stride = |v: usize| match inner.iter().position(|&i| i == v) {
        Some(at) => inner[at + 1..].iter().map(|&i| levels(i)).product(),
        None => 0,
    };
    let mut cells = vec![0_u32];
    for (&v, &card) in scope.iter().zip(cards) {
        let stride: usize = stride(v);
        cells = cells.iter().flat_map(|&c| (0..card).map(move |k| c + (k * stride) as u32)).collect();
    }
    cells
}
