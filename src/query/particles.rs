//! Rare evidence: a sequential Monte Carlo sampler over all that is random of a row (Del Moral, Doucet & Jasra 2006,
//! doi:10.1111/j.1467-9868.2006.00553.x).
//!
//! Rows start as the model draws them. Their weights by the evidence are raised from the power 0 to 1 in steps that leave half
//! of the effective sample size; after each step rows are resampled and moved ([`Moves`]) without leaving the distribution
//! of that power. The rows stand on islands that share nothing but the powers, so how far the islands' answers
//! disagree says how good the joint answer is, whatever the rows of one island have in common (Vergé, Dubarry,
//! Del Moral & Moulines 2015, doi:10.1007/s11222-013-9429-x).

use super::moves::Moves;
use super::weighted::Worlds;
use crate::nets::column::Column;
use candle_core::Result;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Groups of rows that are resampled among themselves only,
const ISLANDS: usize = 32;
/// the rows of each,
const ROWS: usize = 256;
/// and where images are among them.
const IMAGE_ROWS: usize = 32;
/// The share of the effective sample size that a step leaves.
const LEFT: f64 = 0.5;
/// Sweeps of moves after each step.
const SWEEPS: usize = 5;
/// Steps from the power 0 to 1, at most.
const STEPS: usize = 500;
/// The first rows are taken from so many times as many, so that rare causes are among them;
const POOL: usize = 16;
/// and from so many with images.
const IMAGE_POOL: usize = 4;
/// Where fewer islands carry the answer, how far they agree says little of it.
const FEW: f64 = 8.0;
/// The sweeps at the power 1 from which rows are taken, at least and at most.
const ROUNDS: (usize, usize) = (8, 128);

/// What rows that all agree may seem to vary.
const ROUNDING: f64 = 1e-12;

/// The numbers of the rows of each island.
type Islands = Vec<Vec<usize>>;

/// Rows of the posterior.
pub(super) struct Particles<'a> {
    moves: Moves<'a>,
    /// Per island the logarithm of its estimate of the evidence's probability.
    evidence: Vec<f64>,
    /// Per row the row it descends from.
    ancestors: Vec<u32>,
    /// Rows computed so far.
    pub computed: usize,
}

/// An answer from particles.
#[derive(Clone, Debug, PartialEq)]
pub struct Refined {
    /// The means of the indicators of the outcome's values, or of a real outcome and its square.
    pub means: Vec<f64>,
    /// The effective sample size: how many independent rows of the posterior would vary as the islands do.
    pub ess: f64,
    /// The probability of the evidence.
    pub evidence: f64,
    /// The rows computed,
    pub rows: usize,
    /// and the share of moves that were accepted, among those that changed the rows' weights.
    pub acceptance: f64,
}

impl<'a> Particles<'a> {
    /// Rows of the posterior; `None` where the evidence rules out all rows of an island, or they never get there.
    ///
    /// # Errors
    /// Candle's.
    pub fn anneal(worlds: &'a Worlds<'a>, rng: &mut ChaCha8Rng) -> Result<Option<Self>> {
        let (size, pool) = if worlds.has_images() { (IMAGE_ROWS, IMAGE_POOL) } else { (ROWS, POOL) };
        let mut islands: Islands = vec![vec![]; ISLANDS];
        let mut all: Option<Moves> = None;
        for _ in 0..pool {
            let mut drawn = Moves::start(worlds, ISLANDS * size, rng)?;
            let logs = drawn.logs();
            let kept: Vec<usize> = (0..logs.len()).filter(|&row| logs[row].is_finite()).collect();
            let before = all.as_ref().map_or(0, Moves::rows);
            kept.iter().enumerate().for_each(|(at, row)| islands[row / size].push(before + at));
            drawn.gather(&kept);
            match &mut all {
                Some(all) => all.append(drawn),
                None => all = Some(drawn),
            }
        }
        let Some(moves) = all.filter(|_| islands.iter().all(|rows| !rows.is_empty())) else { return Ok(None) };
        let (ancestors, computed) = ((0..moves.rows() as u32).collect(), pool * ISLANDS * size);
        let mut particles = Self { moves, evidence: vec![0.0; ISLANDS], ancestors, computed };
        let (mut power, mut drawn) = (0.0, pool * size);
        for _ in 0..STEPS {
            let next = next_power(&particles.moves.logs(), &islands, size, power);
            particles.resample(&islands, (drawn, size), next - power, rng);
            (power, drawn) = (next, size);
            islands = (0..ISLANDS).map(|island| (island * size..(island + 1) * size).collect()).collect();
            for _ in 0..SWEEPS {
                particles.sweep(power, rng)?;
            }
            if power >= 1.0 {
                return Ok(Some(particles));
            }
        }
        Ok(None)
    }

    /// Raises the power of the weights by `step`: the islands' evidence changes by the mean weight of the rows `drawn` on each,
    /// and `size` rows of each are taken by their weights.
    fn resample(&mut self, islands: &Islands, (drawn, size): (usize, usize), step: f64, rng: &mut ChaCha8Rng) {
        let logs = self.moves.logs();
        let mut taken = Vec::with_capacity(ISLANDS * size);
        for (rows, evidence) in islands.iter().zip(&mut self.evidence) {
            let top = rows.iter().map(|&row| logs[row]).fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = rows.iter().map(|&row| (step * (logs[row] - top)).exp()).collect();
            let total: f64 = weights.iter().sum();
            *evidence += step * top + (total / drawn as f64).ln();
            // Systematic resampling: evenly spaced marks with one random start.
            let (mut sum, mut at, start) = (weights[0], 0, rng.random::<f64>());
            for mark in 0..size {
                while sum < (mark as f64 + start) / size as f64 * total && at + 1 < rows.len() {
                    at += 1;
                    sum += weights[at];
                }
                taken.push(rows[at]);
            }
        }
        self.moves.gather(&taken);
        self.ancestors = taken.iter().map(|&row| self.ancestors[row]).collect();
    }

    /// Moves every block of the rows once, several together, and all along differences of rows. The moves that were tried and
    /// those accepted, of those that change a weight.
    pub fn sweep(&mut self, power: f64, rng: &mut ChaCha8Rng) -> Result<[usize; 2]> {
        let blocks = self.moves.blocks();
        let (size, mut counts) = (self.moves.rows() / ISLANDS, [0; 2]);
        let together: Vec<usize> = (0..blocks).filter(|_| rng.random::<bool>()).collect();
        for chosen in (0..blocks).map(|block| vec![block]).chain([together]) {
            let found = self.moves.step(&chosen, power, rng)?;
            counts.iter_mut().zip(found).for_each(|(sum, count)| *sum += count);
        }
        for half in 0..2 {
            let found = self.moves.step_along(size, half, power, rng)?;
            counts.iter_mut().zip(found).for_each(|(sum, count)| *sum += count);
        }
        self.computed += self.moves.rows();
        Ok(counts)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.moves.rows()
    }

    /// The columns of all copies.
    pub fn columns(&self) -> &[Column] {
        self.moves.columns()
    }

    /// The numbers of `count` rows, each as likely as its island's evidence makes it.
    pub fn choose(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let (size, weights) = (self.moves.rows() / ISLANDS, relative(&self.evidence).0);
        let row = |_| {
            let mut left = rng.random::<f64>();
            let island = weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            island.unwrap_or(ISLANDS - 1) * size + rng.random_range(0..size)
        };
        (0..count).map(row).collect()
    }

    /// What the rows of as many sweeps say of the outcome as give `enough` effective ones, if [`ROUNDS`] do.
    ///
    /// # Errors
    /// Candle's.
    pub fn measure(&mut self, outcome: &Outcome, enough: f64, rng: &mut ChaCha8Rng) -> Result<Refined> {
        let size = self.moves.rows() / ISLANDS;
        let mut sums = vec![vec![0.0; outcome.slots()]; ISLANDS];
        let (mut moved, mut rounds, mut ess) = ([0; 2], 0, 0.0);
        let (weights, evidence) = relative(&self.evidence);
        // Looked at seldom, so that a chance agreement of the islands does not end it.
        let mut look = ROUNDS.0;
        while rounds < ROUNDS.1 && ess < enough {
            while rounds < look {
                let found = self.sweep(1.0, rng)?;
                moved.iter_mut().zip(found).for_each(|(sum, count)| *sum += count);
                outcome.add(self.moves.columns(), size, &mut sums);
                rounds += 1;
            }
            look *= 2;
            ess = self.ess(outcome, &sums, &weights, rounds);
        }
        let count = (rounds * size) as f64;
        let mean = |slot: usize| weights.iter().zip(&sums).map(|(w, sums)| w * sums[slot] / count).sum();
        Ok(Refined {
            means: (0..outcome.slots()).map(mean).collect(),
            ess,
            evidence,
            rows: self.computed,
            acceptance: moved[1] as f64 / moved[0].max(1) as f64,
        })
    }

    /// The variance of a row over that of the islands' joint mean (a ratio of sums, by the delta method), never more than the rows
    /// there are; where all rows agree, or few islands carry them, at most the number of first rows that they descend from.
    fn ess(&self, outcome: &Outcome, sums: &[Vec<f64>], weights: &[f64], rounds: usize) -> f64 {
        let (rows, islands) = (self.moves.rows() * rounds, ISLANDS as f64);
        let count = (rows / ISLANDS) as f64;
        let mean = |slot: usize| weights.iter().zip(sums).map(|(w, sums)| w * sums[slot] / count).sum::<f64>();
        let means: Vec<f64> = (0..outcome.slots()).map(mean).collect();
        let error = |slot: usize| {
            let off = |(w, sums): (&f64, &Vec<f64>)| (w * (sums[slot] / count - means[slot])).powi(2);
            weights.iter().zip(sums).map(off).sum::<f64>() * islands / (islands - 1.0)
        };
        let error: f64 = outcome.compared().map(error).sum();
        let carrying = 1.0 / weights.iter().map(|w| w * w).sum::<f64>();
        let variance = outcome.variance(&means);
        let by_islands = (error > 0.0 && variance > 0.0).then(|| variance / error);
        match by_islands {
            Some(ess) if carrying >= FEW => ess.min(rows as f64),
            _ => by_islands.unwrap_or(f64::INFINITY).min(self.first_rows(weights)),
        }
    }

    /// The effective number of first rows that the rows descend from.
    fn first_rows(&self, weights: &[f64]) -> f64 {
        let size = self.ancestors.len() / ISLANDS;
        let mut shares: BTreeMap<u32, f64> = BTreeMap::new();
        for (row, &ancestor) in self.ancestors.iter().enumerate() {
            *shares.entry(ancestor).or_default() += weights[row / size] / size as f64;
        }
        1.0 / shares.values().map(|share| share * share).sum::<f64>()
    }
}

/// What rows are asked for.
pub(super) enum Outcome<'a> {
    /// The number of values in all, and the number of the value of each row.
    Values(usize, &'a dyn Fn(&[Column], usize) -> usize),
    /// The number of each row.
    Number(&'a dyn Fn(&[Column], usize) -> f64),
}

impl Outcome<'_> {
    /// One for each value; of a number that and its square.
    fn slots(&self) -> usize {
        if let Self::Values(count, _) = self { *count } else { 2 }
    }

    /// The slots by which islands are compared.
    fn compared(&self) -> std::ops::Range<usize> {
        if let Self::Values(count, _) = self { 0..*count } else { 0..1 }
    }

    /// The variance of those slots, summed, given the means of all.
    fn variance(&self, means: &[f64]) -> f64 {
        match self {
            Self::Values(..) => {
                let variance: f64 = means.iter().map(|p| p * (1.0 - p)).sum();
                if variance > ROUNDING { variance } else { 0.0 }
            }
            Self::Number(_) => (means[1] - means[0] * means[0]).max(0.0),
        }
    }

    /// Adds rows to the sums of their islands, `size` rows each.
    fn add(&self, columns: &[Column], size: usize, sums: &mut [Vec<f64>]) {
        for (island, sums) in sums.iter_mut().enumerate() {
            for row in island * size..(island + 1) * size {
                match self {
                    Self::Values(_, cell) => sums[cell(columns, row)] += 1.0,
                    Self::Number(number) => {
                        let number = number(columns, row);
                        sums[0] += number;
                        sums[1] += number * number;
                    }
                }
            }
        }
    }
}

/// The largest power up to 1 at which the weights of every island leave [`LEFT`] of `size` effective rows.
fn next_power(logs: &[f64], islands: &Islands, size: usize, power: f64) -> f64 {
    let left = |next: f64| {
        let share = |rows: &Vec<usize>| {
            let top = rows.iter().map(|&row| logs[row]).fold(f64::NEG_INFINITY, f64::max);
            let weights = rows.iter().map(|&row| ((next - power) * (logs[row] - top)).exp());
            let [sum, squares] = weights.fold([0.0, 0.0], |[s, q], w| [s + w, q + w * w]);
            sum * sum / squares / size as f64
        };
        islands.iter().map(share).fold(f64::INFINITY, f64::min)
    };
    if left(1.0) >= LEFT {
        return 1.0;
    }
    // The powers between which it lies; it always moves on.
    let (mut low, mut high) = (power, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if left(middle) >= LEFT { low = middle } else { high = middle }
    }
    high
}

/// Numbers given by their logarithms as shares of their sum, and their mean.
fn relative(logs: &[f64]) -> (Vec<f64>, f64) {
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - top).exp()).collect();
    let total: f64 = weights.iter().sum();
    (weights.iter().map(|w| w / total).collect(), top.exp() * total / logs.len() as f64)
}
