//! What the data sets show, as sparse tables: the distributions that formulas and bounds are computed from.

use super::Source;
use super::estimate::{MAX_CELLS, Obstacle, Setting, Weights};
use crate::data::Table;
use crate::factor::Factor;
use crate::model::{DoValue, Model, VarId};
use crate::truth::Scm;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Gamma};

/// The joint distribution of one data set's discrete variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// The data set's name.
    pub name: String,
    /// Its place in [`Model::regimes`].
    pub regime: usize,
    /// The variables that it sets, ascending.
    pub interventions: Vec<VarId>,
    /// Those of them that have one value in all rows, with that value.
    pub fixed: Vec<(VarId, u32)>,
    /// The discrete variables it has columns of or sets, ascending.
    pub variables: Vec<VarId>,
    /// Every combination of their values that occurs, once, with its weight (above 0), in ascending order.
    pub cells: Vec<(Vec<u32>, f64)>,
    /// The sum of the weights.
    pub total: f64,
    /// The number of rows.
    pub rows: usize,
}

/// The distributions of the data sets that may be learned from: those held out are missing. `tables[i]` belongs to
/// `model.regimes[i]`.
pub fn distributions(model: &Model, tables: &[Table]) -> Vec<Distribution> {
    let used = model.regimes.iter().zip(tables).enumerate().filter(|(_, (regime, _))| !regime.test);
    used.map(|(at, (_, table))| Distribution::new(model, at, table)).collect()
}

impl Distribution {
    fn new(model: &Model, at: usize, table: &Table) -> Self {
        let regime = &model.regimes[at];
        let variables: Vec<VarId> = (0..model.variables.len()).filter(|&v| table.column(v).is_some()).collect();
        let mut cells: Vec<(Vec<u32>, f64)> = table.counts(&variables).into_iter().flatten().collect();
        cells.retain(|(_, weight)| *weight > 0.0);
        cells.sort_by(|a, b| a.0.cmp(&b.0));
        let mut interventions: Vec<VarId> = regime.interventions.iter().map(|(v, _)| *v).collect();
        interventions.sort_unstable();
        let fixed = regime.interventions.iter().filter_map(|&(v, value)| match value {
            DoValue::Fixed(code) => Some((v, code)),
            DoValue::Column => None,
        });
        Self {
            name: regime.name.clone(),
            regime: at,
            interventions,
            fixed: fixed.collect(),
            variables,
            cells,
            total: table.total_weight(),
            rows: table.rows,
        }
    }

    /// The distribution that another sample of as many rows might show: the Bayesian bootstrap (Rubin 1981,
    /// doi:10.1214/aos/1176345338), a weight being the number of rows where all are whole.
    pub fn resampled(&self, rng: &mut ChaCha8Rng) -> Self {
        let counts = self.cells.iter().all(|(_, weight)| weight.fract() == 0.0);
        let rows = if counts { 1.0 } else { self.rows as f64 / self.total };
        let draw = |(values, weight): &(Vec<u32>, f64)| {
            let gamma = Gamma::new(weight * rows, 1.0 / rows).map_or(*weight, |gamma| gamma.sample(&mut *rng));
            (values.clone(), gamma.max(f64::MIN_POSITIVE))
        };
        let cells: Vec<_> = self.cells.iter().map(draw).collect();
        Self { total: cells.iter().map(|c| c.1).sum(), cells, ..self.clone() }
    }

    /// Adds the weights of the cells that agree with `at` to a table over `scope`; whether all variables are there.
    fn add_to(&self, sums: &mut Factor, at: &Setting) -> Result<(), VarId> {
        let column = |v: VarId| self.variables.binary_search(&v).map_err(|_| v);
        let scope = sums.variables.iter().map(|&v| column(v)).collect::<Result<Vec<_>, _>>()?;
        let tests = at.iter().map(|(&v, &code)| Ok((column(v)?, code))).collect::<Result<Vec<_>, VarId>>()?;
        for (values, weight) in self.cells.iter().filter(|(values, _)| tests.iter().all(|&(c, code)| values[c] == code))
        {
            let cell = scope.iter().zip(&sums.cards).fold(0, |cell, (&c, &card)| cell * card + values[c] as usize);
            sums.values[cell] += weight;
        }
        Ok(())
    }
}

/// The empirical distributions of data sets.
pub(super) struct Empirical<'a> {
    pub model: &'a Model,
    pub distributions: &'a [Distribution],
}

impl Empirical<'_> {
    fn sets<'s>(&'s self, source: &'s Source) -> impl Iterator<Item = &'s Distribution> {
        self.distributions.iter().filter(|d| source.data().contains(&d.regime))
    }
}

impl Weights for Empirical<'_> {
    fn weights(
        &self,
        source: &Source,
        scope: &[VarId],
        interventions: &[VarId],
        at: &Setting,
    ) -> Result<Factor, Obstacle> {
        if !matches!(source, Source::Data(_)) || self.sets(source).next().is_none() {
            return Err(Obstacle::NoRows);
        }
        let mut at = at.clone();
        // A value that all rows were set to is the only one they can speak of; where the formula may take any, this one.
        if let [only] = source.data() {
            let fixed = self.distributions.iter().find(|d| d.regime == *only).map_or(&[][..], |d| &d.fixed);
            at.extend(fixed.iter().filter(|(v, _)| interventions.contains(v)).copied());
        }
        let free: Vec<VarId> = scope.iter().copied().filter(|v| !at.contains_key(v)).collect();
        at.retain(|v, _| scope.contains(v));
        let cards = cards(self.model, &free)?;
        let mut sums = zeros(free, cards)?;
        for set in self.sets(source) {
            set.add_to(&mut sums, &at).map_err(Obstacle::NoColumn)?;
        }
        Ok(sums)
    }

    fn by_frequency(&self, variable: VarId) -> Vec<u32> {
        let card = self.model.card(variable).unwrap_or(0);
        let mut counts = vec![0.0; card];
        for set in self.distributions {
            let Ok(column) = set.variables.binary_search(&variable) else { continue };
            set.cells.iter().for_each(|(values, weight)| counts[values[column] as usize] += weight);
        }
        let mut codes: Vec<u32> = (0..card as u32).collect();
        codes.sort_by(|&a, &b| counts[b as usize].total_cmp(&counts[a as usize]));
        codes
    }

    fn rows(&self, source: &Source) -> Option<usize> {
        Some(self.sets(source).map(|d| d.rows).sum())
    }
}

/// The exact distributions of the ground truth, whatever the data sets hold.
pub(super) struct Exact<'a> {
    pub model: &'a Model,
    pub truth: &'a Scm,
}

impl Weights for Exact<'_> {
    fn weights(&self, _: &Source, scope: &[VarId], interventions: &[VarId], at: &Setting) -> Result<Factor, Obstacle> {
        let free: Vec<VarId> = scope.iter().copied().filter(|v| !at.contains_key(v)).collect();
        let (set, drawn): (Vec<VarId>, Vec<VarId>) = free.iter().partition(|v| interventions.contains(v));
        let fixed = |of_do: bool| {
            let chosen = at.iter().filter(|(v, _)| scope.contains(v) && interventions.contains(v) == of_do);
            chosen.map(|(&v, &code)| (v, code)).collect::<Vec<_>>()
        };
        let (mut interventions, evidence) = (fixed(true), fixed(false));
        let known = interventions.len();
        let order = [&set[..], &drawn].concat();
        let mut sums = zeros(order.clone(), cards(self.model, &order)?)?;
        let block = cards(self.model, &drawn)?.iter().product::<usize>();
        let settings = sums.values.len() / block;
        for number in 0..settings {
            interventions.truncate(known);
            let mut rest = number;
            for &v in set.iter().rev() {
                let card = self.model.card(v).unwrap_or(1);
                interventions.push((v, (rest % card) as u32));
                rest /= card;
            }
            let answer = self.truth.answer(&drawn, &interventions, &evidence);
            let (table, probability) = answer?;
            let part = &mut sums.values[number * block..(number + 1) * block];
            part.iter_mut().zip(&table.values).for_each(|(cell, p)| *cell = p * probability);
        }
        Ok(sums.reordered(&free))
    }

    fn by_frequency(&self, variable: VarId) -> Vec<u32> {
        (0..self.model.card(variable).unwrap_or(0) as u32).collect()
    }

    fn rows(&self, _: &Source) -> Option<usize> {
        None
    }
}

/// The numbers of values of discrete variables.
pub(super) fn cards(model: &Model, variables: &[VarId]) -> Result<Vec<usize>, Obstacle> {
    variables.iter().map(|&v| model.card(v).ok_or(Obstacle::NotDiscrete(v))).collect()
}

fn zeros(variables: Vec<VarId>, cards: Vec<usize>) -> Result<Factor, Obstacle> {
    let cells: f64 = cards.iter().map(|&c| c as f64).product();
    if cells > MAX_CELLS as f64 {
        return Err(Obstacle::TooLarge(cells));
    }
    let values = vec![0.0; cards.iter().product()];
    Ok(Factor::new(variables, cards, values))
}
