//! Moves of rows that keep the distribution `prior × weight^power` of all that is random of them.
//!
//! The randomness falls into blocks: which member of a module a row uses, each hidden cause, each variable's own noise. A
//! proposal leaves the prior as it is (a draw from it, or a step of random length: for normal numbers the preconditioned
//! Crank-Nicolson proposal of Cotter, Roberts, Stuart & White 2013, doi:10.1214/13-STS421; for uniform ones around a circle), so the
//! ratio of the weights alone decides (Metropolis et al. 1953).

use super::differences::{Partners, along, numbers};
use super::weighted::{Randomness, Worlds};
use crate::causal::counterfactual::Place;
use crate::nets::column::Column;
use crate::nets::lanes::{Lane, Rows};
use crate::nets::noise::Noise;
use crate::nets::{Hidden, Sampler};
use candle_core::Result;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::ops::Range;

/// The lengths of steps; 1 forgets where it was.
const LENGTHS: [f64; 5] = [1.0, 0.5, 0.2, 0.08, 0.03];

/// A part of the randomness that is moved at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// Everything that the variables of a module share.
    Module(usize),
    /// A hidden cause of a module.
    Cause(usize, usize),
    /// The own noise of a variable, by its group.
    Noise(usize),
}

/// What a proposal took the place of.
enum Replaced {
    Hidden(usize, Hidden),
    Noise(usize, Noise),
}

/// Rows with their randomness, values and weights.
pub(super) struct Moves<'a> {
    worlds: &'a Worlds<'a>,
    groups: Vec<Range<usize>>,
    blocks: Vec<Block>,
    random: Randomness,
    /// Per copy.
    columns: Vec<Column>,
    /// Per group the logarithms of the rows' weights.
    weights: Vec<Vec<f64>>,
}

impl<'a> Moves<'a> {
    /// Rows as the model draws them.
    pub fn start(worlds: &'a Worlds<'a>, rows: usize, rng: &mut ChaCha8Rng) -> Result<Self> {
        let (groups, random) = (worlds.twin.groups(), worlds.randomness(rows, rng)?);
        let (mut columns, mut weights) = (vec![], vec![]);
        for group in 0..groups.len() {
            let (found, logs) = worlds.values(group, &random, &columns)?;
            columns.extend(found);
            weights.push(logs);
        }
        let blocks = blocks(worlds, &groups, &random)?;
        Ok(Self { worlds, groups, blocks, random, columns, weights })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.weights.first().map_or(0, Vec::len)
    }

    /// The number of blocks.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The columns of all copies.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The logarithms of the rows' weights.
    pub fn logs(&self) -> Vec<f64> {
        (0..self.rows()).map(|row| self.weights.iter().map(|logs| logs[row]).sum()).collect()
    }

    /// Proposes other values of the `chosen` blocks to every row, which takes or leaves them. How many moves would change a
    /// weight, and how many of these were accepted.
    pub fn step(&mut self, chosen: &[usize], power: f64, rng: &mut ChaCha8Rng) -> Result<[usize; 2]> {
        let before = self.logs();
        let mut old = vec![];
        for &block in chosen {
            old.push(self.propose(self.blocks[block], rng)?);
        }
        let touched = self.touched(chosen)?;
        self.settle(old, &touched, None, &before, power, rng)
    }

    /// Proposes to every row of one half (0 or 1) of each island of `size` rows a step along the difference of two rows of the
    /// other half, which stays (as in Foreman-Mackey et al. 2013, doi:10.1086/670067).
    pub fn step_along(&mut self, size: usize, half: usize, power: f64, rng: &mut ChaCha8Rng) -> Result<[usize; 2]> {
        let (rows, before) = (self.rows(), self.logs());
        let causes =
            self.blocks.iter().filter_map(|b| if let Block::Cause(module, _) = b { Some(*module) } else { None });
        let modules: Vec<usize> = causes.collect::<BTreeSet<usize>>().into_iter().collect();
        let usual = 2.38 / (2.0 * numbers(&self.random, &modules) as f64).sqrt();
        let middle = size / 2;
        let partners: Vec<Partners> = (0..rows)
            .map(|row| {
                let (first, inside) = (row / size * size, row % size);
                let (start, count) = if half == 0 { (first + middle, size - middle) } else { (first, middle) };
                // Now and then as far as from one row to the other: where these are in different places.
                let length = match rng.random_range(0..10) {
                    0 => 1.0,
                    1..4 => usual / 3.0,
                    _ => usual,
                };
                let mut pick = || start + rng.random_range(0..count);
                ((inside < middle) == (half == 0)).then(|| (pick(), pick(), length))
            })
            .collect();
        let mut old: Vec<Replaced> =
            modules.iter().map(|&m| Replaced::Hidden(m, self.random.hidden[m].clone())).collect();
        old.extend(self.random.noise.iter().cloned().enumerate().map(|(group, noise)| Replaced::Noise(group, noise)));
        let prior = along(&mut self.random, &modules, &partners);
        let all: Vec<usize> = (0..self.groups.len()).collect();
        self.settle(old, &all, Some(&prior), &before, power, rng)
    }

    /// Computes what proposals make of the groups that they touch, and puts rows that do not take them back as they were. `prior`
    /// says how much likelier a proposal is than the row before it, where that is not reckoned with in how it was made.
    fn settle(
        &mut self,
        old: Vec<Replaced>,
        touched: &[usize],
        prior: Option<&[f64]>,
        before: &[f64],
        power: f64,
        rng: &mut ChaCha8Rng,
    ) -> Result<[usize; 2]> {
        let rows = before.len();
        let mut kept = vec![];
        for &group in touched {
            let (found, logs) = self.worlds.values(group, &self.random, &self.columns)?;
            let mut columns = vec![];
            for (copy, column) in self.groups[group].clone().zip(found) {
                columns.push(std::mem::replace(&mut self.columns[copy], column));
            }
            kept.push((group, columns, std::mem::replace(&mut self.weights[group], logs)));
        }
        let after = self.logs();
        let mut counts = [0; 2];
        let mut rejected = vec![];
        for (row, (before, after)) in before.iter().zip(&after).enumerate() {
            let ratio = prior.map_or(0.0, |prior| prior[row]) + power * (after - before);
            // What is no number is not taken.
            let accepted = rng.random::<f64>() < ratio.exp();
            counts[0] += usize::from(after != before);
            counts[1] += usize::from(after != before && accepted);
            if !accepted {
                rejected.push(row);
            }
        }
        for old in old.into_iter().rev() {
            match old {
                Replaced::Hidden(module, mut old) => self.random.hidden[module].put_back(rows, &mut old, &rejected),
                Replaced::Noise(group, mut old) => self.random.noise[group].put_back(rows, &mut old, &rejected),
            }
        }
        for (group, mut columns, mut logs) in kept {
            for (copy, column) in self.groups[group].clone().zip(&mut columns) {
                self.columns[copy].put_back(rows, column, &rejected);
            }
            self.weights[group].put_back(rows, &mut logs, &rejected);
        }
        Ok(counts)
    }

    /// The groups whose values or weights the `chosen` blocks change, causes first.
    fn touched(&self, chosen: &[usize]) -> Result<Vec<usize>> {
        let mut touched: Vec<bool> = vec![false; self.groups.len()];
        for (group, copies) in self.groups.iter().enumerate() {
            let home = self.worlds.mechanism(copies)?.1;
            let own = chosen.iter().any(|&block| match self.blocks[block] {
                Block::Module(module) | Block::Cause(module, _) => module == home,
                Block::Noise(noise) => noise == group,
            });
            let changed = |place: &Place| match *place {
                Place::Copy(at) => self.groups.iter().zip(&touched).any(|(g, touched)| *touched && g.contains(&at)),
                Place::Code(_) => false,
            };
            let below = copies.clone().any(|copy| self.worlds.twin.copies[copy].parents.iter().any(changed));
            touched[group] = own || below;
        }
        Ok((0..touched.len()).filter(|&group| touched[group]).collect())
    }

    /// Proposes another value of a block to every row; what was there before.
    fn propose(&mut self, block: Block, rng: &mut ChaCha8Rng) -> Result<Replaced> {
        let rows = self.rows();
        let lengths: Vec<f64> = (0..rows).map(|_| LENGTHS[rng.random_range(0..LENGTHS.len())]).collect();
        Ok(match block {
            Block::Module(module) => {
                let hidden = self.worlds.modules[module].hidden(rows, rng);
                Replaced::Hidden(module, std::mem::replace(&mut self.random.hidden[module], hidden))
            }
            Block::Cause(module, cause) => {
                let hidden = &mut self.random.hidden[module];
                let old = hidden.clone();
                self.worlds.modules[module].redraw(hidden, cause, rng)?;
                if let (Hidden::Vectors { noise, .. }, Hidden::Vectors { noise: old, .. }) = (hidden, &old) {
                    step_normals(&mut noise[cause], &old[cause], &lengths);
                }
                Replaced::Hidden(module, old)
            }
            Block::Noise(group) => {
                let (variable, module) = self.worlds.mechanism(&self.groups[group])?;
                let mut noise = self.worlds.modules[module].noise(variable, rows, rng)?;
                step_noise(&mut noise, &self.random.noise[group], &lengths);
                Replaced::Noise(group, std::mem::replace(&mut self.random.noise[group], noise))
            }
        })
    }

    /// Takes these rows, in this order, repeated ones too.
    pub fn gather(&mut self, rows: &[usize]) {
        let count = self.rows();
        self.random.gather(count, rows);
        self.columns.iter_mut().for_each(|column| column.gather(count, rows));
        self.weights.iter_mut().for_each(|logs| logs.gather(count, rows));
    }

    /// Adds the rows of `other`, of the same worlds.
    pub fn append(&mut self, mut other: Self) {
        self.random.append(&mut other.random);
        self.columns.iter_mut().zip(&mut other.columns).for_each(|(column, other)| column.append(other));
        self.weights.iter_mut().zip(&mut other.weights).for_each(|(logs, other)| logs.append(other));
    }
}

/// The blocks of the modules and variables that the worlds need.
fn blocks(worlds: &Worlds, groups: &[Range<usize>], random: &Randomness) -> Result<Vec<Block>> {
    let homes = groups.iter().map(|group| Ok(worlds.mechanism(group)?.1)).collect::<Result<Vec<usize>>>()?;
    let mut blocks = vec![];
    for (module, hidden) in random.hidden.iter().enumerate().filter(|(module, _)| homes.contains(module)) {
        let several = matches!(hidden, Hidden::Levels { member, .. } if member.iter().any(|&m| m != member[0]));
        blocks.extend(several.then_some(Block::Module(module)));
        blocks.extend((0..hidden.causes()).map(|cause| Block::Cause(module, cause)));
    }
    blocks.extend((0..groups.len()).map(Block::Noise));
    Ok(blocks)
}

/// `fresh` numbers become a step from `old` ones: `√(1 − s²) old + s fresh` is normal if both are.
fn step_normals(fresh: &mut [f32], old: &[f32], lengths: &[f64]) {
    let width = fresh.len() / lengths.len().max(1);
    for (at, (fresh, old)) in fresh.iter_mut().zip(old).enumerate() {
        let s = lengths[at / width];
        *fresh = ((1.0 - s * s).sqrt() * f64::from(*old) + s * f64::from(*fresh)) as f32;
    }
}

/// A `fresh` uniform number becomes a step of at most half `length` around the circle from `old`.
fn step_uniform(fresh: f64, old: f64, length: f64) -> f64 {
    let moved = (old + length * (fresh - 0.5)).rem_euclid(1.0);
    // Rounding may give 1 itself.
    if moved < 1.0 { moved } else { 0.0 }
}

/// Each part of `fresh` noise becomes a step from `old`.
fn step_noise(fresh: &mut Noise, old: &Noise, lengths: &[f64]) {
    step_normals(&mut fresh.vectors, &old.vectors, lengths);
    for ((fresh, &old), &length) in fresh.uniform.iter_mut().zip(&old.uniform).zip(lengths) {
        *fresh = step_uniform(*fresh, old, length);
    }
    let width = fresh.gumbel.len() / lengths.len().max(1);
    let share = |gumbel: f32| (-(-f64::from(gumbel)).exp()).exp();
    for (at, (fresh, &old)) in fresh.gumbel.iter_mut().zip(&old.gumbel).enumerate() {
        // By the distribution function to uniform numbers and back.
        let moved = step_uniform(share(*fresh), share(old), lengths[at / width]);
        *fresh = -(-moved.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON).ln()).ln() as f32;
    }
}

impl Rows for Randomness {
    fn lanes(&mut self) -> Vec<Lane<'_>> {
        let hidden = self.hidden.iter_mut().flat_map(Rows::lanes);
        hidden.chain(self.noise.iter_mut().flat_map(Rows::lanes)).collect()
    }
}
