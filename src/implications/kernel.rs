//! Whether a kernel depends on variables that it should not depend on, by resampling.
//!
//! The formula is computed from relative frequencies for each combination of its variables that the data support. The
//! statistic is the sum of squared differences of the kernel from its mean over what it should not depend on, each
//! divided by its variance; its null distribution is that of the resampled kernels about the computed one, which is what
//! the kernel would vary by if the statement held (Hall & Wilson 1991, *Two guidelines for bootstrap hypothesis testing*).

use super::{Measured, Method, Sample, tail};
use crate::causal::identify::{Estimand, Probability};
use crate::causal::implied::Verma;
use crate::model::VarId;
use rand::Rng;
use rand_distr::{Distribution, Poisson};
use std::cell::Cell;

/// Resampled tables.
const DRAWS: usize = 1_000;
/// Conditionals on fewer rows than this are not used.
const SUPPORT: f64 = 10.0;
/// Combinations of values that are looked at, at most.
const COMBINATIONS: usize = 20_000;

/// Tests that `statement` holds.
///
/// # Errors
/// In words, where the formula has too many values, or the data support it nowhere for two values of what it should not
/// depend on.
pub fn kernel(sample: &Sample, statement: &Verma, rng: &mut impl Rng) -> Result<Measured, String> {
    let mut formula = Formula::new(sample, &statement.formula)?;
    let groups = formula.groups(sample, statement)?;
    let found: Vec<Vec<f64>> = formula.kernels(&groups);
    let draws: Vec<Vec<Vec<f64>>> = (0..DRAWS)
        .map(|_| {
            formula.resample(sample.counts(), rng);
            formula.kernels(&groups)
        })
        .collect();
    let (mut statistic, mut null) = (0.0, vec![0.0; DRAWS]);
    let (mut distance, mut chance, mut weight) = (0.0, 0.0, 0.0);
    for (at, group) in groups.iter().enumerate() {
        let about: Vec<Vec<f64>> =
            draws.iter().map(|d| d[at].iter().zip(&found[at]).map(|(d, f)| d - f).collect()).collect();
        let precision: Vec<f64> = (0..group.members.len())
            .map(|m| {
                let noise = about.iter().map(|d| d[m] * d[m]).sum::<f64>() / DRAWS as f64;
                // Where few rows make a frequency 0 or 1 the resampled ones do not vary.
                let pooled = tail::mean(&found[at]).clamp(0.0, 1.0);
                1.0 / noise.max(pooled * (1.0 - pooled) / group.members[m].support).max(1e-12)
            })
            .collect();
        statistic += spread(&found[at], &precision);
        null.iter_mut().zip(&about).for_each(|(null, about)| *null += spread(about, &precision));
        let apart = |values: &[f64]| {
            let mean = weighted_mean(values, &precision);
            group.members.iter().zip(values).map(|(m, v)| m.support * (v - mean).abs() / 2.0).sum::<f64>()
        };
        distance += apart(&found[at]);
        chance += about.iter().map(|a| apart(a)).sum::<f64>() / DRAWS as f64;
        weight += group.members.iter().map(|m| m.support).sum::<f64>() / group.values as f64;
    }
    let p = tail::among(statistic, &null);
    Ok(Measured { method: Method::Bootstrap, statistic, df: None, p, effect: ((distance - chance) / weight).max(0.0) })
}

fn weighted_mean(values: &[f64], weights: &[f64]) -> f64 {
    values.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>() / weights.iter().sum::<f64>()
}

/// `Σ w (v - v̄)²` about the weighted mean.
fn spread(values: &[f64], weights: &[f64]) -> f64 {
    let mean = weighted_mean(values, weights);
    values.iter().zip(weights).map(|(v, w)| w * (v - mean).powi(2)).sum()
}

/// One value of the kernel's variables and parents, with the values of the rest that the data support.
struct Group {
    members: Vec<Member>,
    /// The number of values of the kernel's variables.
    values: usize,
}

struct Member {
    values: Vec<usize>,
    /// The fewest rows behind any conditional in it.
    support: f64,
}

/// A formula over the relative frequencies of a sample.
struct Formula<'a> {
    estimand: &'a Estimand,
    cards: Vec<usize>,
    leaves: Vec<Leaf<'a>>,
}

/// One conditional probability of the formula.
struct Leaf<'a> {
    of: &'a Probability,
    /// For each distinct row of the sample its cell, and for each cell that of the condition.
    cells: Vec<u32>,
    joint: Vec<f64>,
    /// The number of values of `of.of`.
    values: usize,
    /// The conditionals, cells of one condition side by side.
    conditional: Vec<f64>,
    /// The rows behind each condition in the sample itself.
    support: Vec<f64>,
}

impl<'a> Formula<'a> {
    fn new(sample: &Sample, estimand: &'a Estimand) -> Result<Self, String> {
        let mut found = vec![];
        leaves(estimand, &mut found);
        let last = found.iter().flat_map(|p| p.of.iter().chain(&p.given)).max().map_or(0, |v| v + 1);
        let cards: Vec<usize> = (0..last).map(|v| sample.card(v).max(1)).collect();
        let leaves = found.into_iter().map(|p| Leaf::new(sample, &cards, p)).collect::<Result<_, _>>()?;
        let mut formula = Self { estimand, cards, leaves };
        formula.fill(sample.counts());
        for leaf in &mut formula.leaves {
            leaf.support = leaf.joint.chunks(leaf.values).map(|cells| cells.iter().sum()).collect();
        }
        Ok(formula)
    }

    /// The conditionals from counts of the sample's distinct rows; where a condition has none, those before stay.
    fn fill(&mut self, counts: &[f64]) {
        for leaf in &mut self.leaves {
            leaf.joint.fill(0.0);
            leaf.cells.iter().zip(counts).for_each(|(&cell, n)| leaf.joint[cell as usize] += n);
            let cells = leaf.joint.chunks(leaf.values).zip(leaf.conditional.chunks_mut(leaf.values));
            for (joint, conditional) in cells {
                let total: f64 = joint.iter().sum();
                if total > 0.0 {
                    conditional.iter_mut().zip(joint).for_each(|(p, n)| *p = n / total);
                }
            }
        }
    }

    /// The counts drawn anew: Poisson, which is the multinomial but for the total, and that cancels in conditionals.
    fn resample(&mut self, counts: &[f64], rng: &mut impl Rng) {
        let draw = |&n: &f64| Poisson::new(n).map_or(0.0, |p| p.sample(rng));
        let drawn: Vec<f64> = counts.iter().map(draw).collect();
        self.fill(&drawn);
    }

    /// The value of the formula and the fewest rows behind a conditional in it.
    fn value(&self, values: &mut [usize]) -> (f64, f64) {
        let support = Cell::new(f64::INFINITY);
        let value = self.estimand.evaluate(&self.cards, values, &|p, values| {
            let Some(leaf) = self.leaves.iter().find(|leaf| leaf.of == p) else { return 0.0 };
            let at = leaf.at(&self.cards, values);
            support.set(support.get().min(leaf.support[at / leaf.values]));
            leaf.conditional[at]
        });
        (value, support.get())
    }

    /// The combinations that the data support, by the values of the kernel's variables and parents.
    fn groups(&self, sample: &Sample, statement: &Verma) -> Result<Vec<Group>, String> {
        let free: Vec<VarId> = self.estimand.free_variables();
        let count = |set: &[VarId]| set.iter().map(|&v| sample.card(v)).try_fold(1_usize, usize::checked_mul);
        let total = count(&free).filter(|&n| n <= COMBINATIONS).ok_or("the kernel has too many values")?;
        let own = |v: &VarId| statement.free_of.binary_search(v).is_err();
        let mut groups: indexmap::IndexMap<Vec<usize>, Vec<Member>> = indexmap::IndexMap::new();
        for number in 0..total {
            let (mut values, mut rest) = (vec![0; self.cards.len()], number);
            for &v in &free {
                values[v] = rest % self.cards[v];
                rest /= self.cards[v];
            }
            let (_, support) = self.value(&mut values);
            if support >= SUPPORT {
                let key = free.iter().filter(|v| own(v)).map(|&v| values[v]).collect();
                groups.entry(key).or_default().push(Member { values, support });
            }
        }
        let values = count(&statement.of).unwrap_or(1);
        let groups: Vec<Group> =
            groups.into_values().filter(|m| m.len() > 1).map(|members| Group { members, values }).collect();
        match groups.is_empty() {
            true => Err(format!("no two kernels to compare have {SUPPORT} rows behind each conditional")),
            false => Ok(groups),
        }
    }

    fn kernels(&self, groups: &[Group]) -> Vec<Vec<f64>> {
        let kernel = |member: &Member| self.value(&mut member.values.clone()).0;
        groups.iter().map(|group| group.members.iter().map(kernel).collect()).collect()
    }
}

impl<'a> Leaf<'a> {
    fn new(sample: &Sample, cards: &[usize], of: &'a Probability) -> Result<Self, String> {
        let size = of.given.iter().chain(&of.of).map(|&v| cards[v]).try_fold(1_usize, usize::checked_mul);
        let size = size.filter(|&n| n <= COMBINATIONS).ok_or("a conditional of its formula has too many values")?;
        let mut cells = vec![0_u32; sample.counts().len()];
        for &v in of.given.iter().chain(&of.of) {
            let codes = sample.column(v).ok_or("the data set lacks a variable of its formula")?;
            cells.iter_mut().zip(codes).for_each(|(cell, code)| *cell = *cell * cards[v] as u32 + code);
        }
        let values = of.of.iter().map(|&v| cards[v]).product();
        Ok(Self { of, cells, joint: vec![0.0; size], values, conditional: vec![0.0; size], support: vec![] })
    }

    /// The cell of an assignment.
    fn at(&self, cards: &[usize], values: &[usize]) -> usize {
        self.of.given.iter().chain(&self.of.of).fold(0, |at, &v| at * cards[v] + values[v])
    }
}

fn leaves<'a>(estimand: &'a Estimand, found: &mut Vec<&'a Probability>) {
    match estimand {
        Estimand::P(p) if found.contains(&p) => {}
        Estimand::P(p) => found.push(p),
        Estimand::Product(factors) => factors.iter().for_each(|f| leaves(f, found)),
        Estimand::Sum { of, .. } => leaves(of, found),
        Estimand::Fraction { num, den } => {
            leaves(num, found);
            leaves(den, found);
        }
    }
}
