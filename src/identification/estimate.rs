//! The value of a formula: sums of products by variable elimination, with places where it is undefined.
//!
//! A conditional probability is undefined where its condition has no probability. What is undefined counts for
//! nothing where it is multiplied by zero, and makes everything else it enters undefined. To tell the two apart the
//! terms of a sum are counted twice, with and without the undefined ones: the counts are whole numbers, so that no
//! rounding can hide a difference.

use super::Source;
use crate::causal::identify::{Estimand, Probability};
use crate::factor::{Factor, eliminate};
use crate::model::VarId;
use crate::truth::NoAnswer;
use std::collections::BTreeMap;

/// The largest table on the way to a value.
pub(super) const MAX_CELLS: usize = 1 << 22;
/// Undefined conditionals that are named.
const MAX_GAPS: usize = 6;
/// Combinations of values that are looked at to name them.
const LOOKED_AT: usize = 2_000;

/// Values of variables, as codes of their domains.
pub type Setting = BTreeMap<VarId, u32>;

/// Where the probabilities of a formula are taken from.
pub(super) trait Weights {
    /// The weight of every combination of values of `scope` in `source`, as a table over those of them that `at` gives
    /// no value, in the order of `scope`; for each value of the `interventions` among them up to a factor of its own.
    fn weights(
        &self,
        source: &Source,
        scope: &[VarId],
        interventions: &[VarId],
        at: &Setting,
    ) -> Result<Factor, Obstacle>;

    /// The values of a variable, the one with most rows first.
    fn by_frequency(&self, variable: VarId) -> Vec<u32>;

    /// The number of rows behind a source, where it has rows.
    fn rows(&self, source: &Source) -> Option<usize>;
}

/// Why a formula has no value at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Obstacle {
    /// A table of so many cells would be needed.
    TooLarge(f64),
    /// The variable is not discrete.
    NotDiscrete(VarId),
    /// Rows have no column of the variable.
    NoColumn(VarId),
    /// The formula needs what is no data set.
    NoRows,
    /// The truth takes digits from a file that was not read.
    NoImages,
}

impl From<NoAnswer> for Obstacle {
    fn from(found: NoAnswer) -> Self {
        match found {
            NoAnswer::TooLarge(table) => Self::TooLarge(table.cells),
            NoAnswer::NotDiscrete(variable) => Self::NotDiscrete(variable),
            NoAnswer::NoCollection(_) => Self::NoImages,
        }
    }
}

/// A function of discrete variables that may be undefined in places.
#[derive(Clone, Debug, PartialEq)]
pub struct Partial {
    /// Its values; zero where it is undefined.
    pub values: Factor,
    /// One where it is undefined and zero elsewhere, over the same variables; `None` where it is defined everywhere.
    pub undefined: Option<Factor>,
}

/// A condition that has no probability where it is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// The distribution's place among the sources of the term; `None` for a divisor that is a longer formula.
    pub source: Option<usize>,
    /// The variables whose distribution is undefined.
    pub of: Vec<VarId>,
    /// The condition, with the variables that were set.
    pub given: Vec<(VarId, u32)>,
    /// The number of rows of the data set, none of which meets the condition; `None` for exact distributions.
    pub rows: Option<usize>,
}

/// Evaluates formulas over `sources`.
pub(super) struct Evaluator<'a> {
    pub weights: &'a dyn Weights,
    pub sources: &'a [Source],
    pub card: &'a dyn Fn(VarId) -> Option<usize>,
}

impl Evaluator<'_> {
    /// The formula as a function of its free variables that `at` gives no value.
    pub fn value(&self, formula: &Estimand, at: &Setting) -> Result<Partial, Obstacle> {
        match formula {
            Estimand::P(p) => self.conditional(p, at),
            Estimand::Product(factors) => self.sum_of_product(&[], factors, at),
            Estimand::Fraction { num, den } => Ok(quotient(&self.value(num, at)?, &self.value(den, at)?)),
            Estimand::Sum { over, of } => {
                let mut inner = at.clone();
                inner.retain(|v, _| !over.contains(v));
                match &**of {
                    Estimand::Product(factors) => self.sum_of_product(over, factors, &inner),
                    other => self.sum_of_product(over, std::slice::from_ref(other), &inner),
                }
            }
        }
    }

    fn conditional(&self, p: &Probability, at: &Setting) -> Result<Partial, Obstacle> {
        let source = p.regime.and_then(|at| self.sources.get(at)).ok_or(Obstacle::NoRows)?;
        let condition = [&p.given[..], &p.interventions].concat();
        let all = [&condition[..], &p.of].concat();
        let above = self.weights.weights(source, &all, &p.interventions, at)?;
        let below = self.weights.weights(source, &condition, &p.interventions, at)?;
        Ok(quotient(&above.into(), &below.into()))
    }

    /// `Σ_over Π factors`.
    fn sum_of_product(&self, over: &[VarId], factors: &[Estimand], at: &Setting) -> Result<Partial, Obstacle> {
        let mut parts = factors.iter().map(|f| self.value(f, at)).collect::<Result<Vec<_>, _>>()?;
        // A sum over a variable that no factor mentions counts its values.
        for &v in over {
            let card = (self.card)(v).ok_or(Obstacle::NotDiscrete(v))?;
            parts.push(Factor::new(vec![v], vec![card], vec![1.0; card]).into());
        }
        let mut keep: Vec<VarId> = parts.iter().flat_map(|p| p.values.variables.clone()).collect();
        keep.sort_unstable();
        keep.dedup();
        keep.retain(|v| !over.contains(v));
        let sum = |table: &dyn Fn(&Partial) -> Factor| {
            eliminate(parts.iter().map(table).collect(), &keep, MAX_CELLS).map_err(|e| Obstacle::TooLarge(e.cells))
        };
        let values = sum(&|p| p.values.clone())?;
        if parts.iter().all(|p| p.undefined.is_none()) {
            return Ok(values.into());
        }
        let (all, defined) = (sum(&|p| p.terms(true))?, sum(&|p| p.terms(false))?);
        let missing = all.values.iter().zip(&defined.values).map(|(a, d)| f64::from(u8::from(a - d > 0.5)));
        let undefined = Factor { values: missing.collect(), ..all };
        Ok(Partial::new(values, undefined))
    }

    /// What is undefined in a formula that is undefined at `at`, which gives every free variable a value.
    pub fn gaps(&self, formula: &Estimand, at: &Setting) -> Vec<Gap> {
        let mut found = vec![];
        // Where even a part is too large there is nothing more to say.
        let _ = self.find_gaps(formula, at, &mut found);
        found
    }

    fn find_gaps(&self, formula: &Estimand, at: &Setting, found: &mut Vec<Gap>) -> Result<(), Obstacle> {
        if found.len() >= MAX_GAPS || self.value(formula, at)?.undefined.is_none() {
            return Ok(());
        }
        match formula {
            Estimand::P(p) => {
                let source = p.regime.and_then(|at| self.sources.get(at));
                let given = p.interventions.iter().chain(&p.given).filter_map(|&v| Some((v, *at.get(&v)?)));
                let rows = source.and_then(|s| self.weights.rows(s));
                let gap = Gap { source: p.regime, of: p.of.clone(), given: given.collect(), rows };
                if !found.contains(&gap) {
                    found.push(gap);
                }
                Ok(())
            }
            Estimand::Product(factors) => factors.iter().try_for_each(|f| self.find_gaps(f, at, found)),
            Estimand::Fraction { num, den } => {
                let before = found.len();
                self.find_gaps(num, at, found)?;
                self.find_gaps(den, at, found)?;
                if found.len() == before {
                    let free = den.free_variables();
                    let given = at.iter().filter(|(v, _)| free.contains(v)).map(|(&v, &code)| (v, code)).collect();
                    found.push(Gap { source: None, of: vec![], given, rows: None });
                }
                Ok(())
            }
            Estimand::Sum { over, of } => {
                let mut inner = at.clone();
                inner.retain(|v, _| !over.contains(v));
                let Some(undefined) = self.value(of, &inner)?.undefined else { return Ok(()) };
                let cells = undefined.values.iter().enumerate().filter(|(_, u)| **u > 0.0).take(LOOKED_AT);
                for (cell, _) in cells {
                    let mut rest = cell;
                    for (&v, &card) in undefined.variables.iter().zip(&undefined.cards).rev() {
                        inner.insert(v, (rest % card) as u32);
                        rest /= card;
                    }
                    self.find_gaps(of, &inner, found)?;
                }
                Ok(())
            }
        }
    }
}

impl From<Factor> for Partial {
    fn from(values: Factor) -> Self {
        Self { values, undefined: None }
    }
}

impl Partial {
    fn new(mut values: Factor, undefined: Factor) -> Self {
        values.values.iter_mut().zip(&undefined.values).for_each(|(value, u)| *value *= 1.0 - u);
        let nowhere = undefined.values.iter().all(|u| *u == 0.0);
        Self { values, undefined: (!nowhere).then_some(undefined) }
    }

    /// One where a term of a product counts: where it is not zero, and with `undefined` where it is undefined.
    fn terms(&self, undefined: bool) -> Factor {
        let mut terms = self.values.clone();
        terms.values.iter_mut().for_each(|v| *v = f64::from(u8::from(*v != 0.0)));
        if let (Some(places), true) = (&self.undefined, undefined) {
            terms.values.iter_mut().zip(&places.values).for_each(|(term, place)| *term += place);
        }
        terms
    }
}

/// The quotient; undefined wherever the divisor is zero or either is undefined.
fn quotient(above: &Partial, below: &Partial) -> Partial {
    let inverse = Factor {
        values: below.values.values.iter().map(|&d| if d > 0.0 { 1.0 / d } else { 0.0 }).collect(),
        ..below.values.clone()
    };
    let values = above.values.product(&inverse);
    let one = |table: &Factor| Factor { values: vec![1.0; table.values.len()], ..table.clone() };
    let zero = Factor {
        values: below.values.values.iter().map(|&d| f64::from(u8::from(d <= 0.0))).collect(),
        ..below.values.clone()
    };
    let mut undefined = one(&above.values).product(&zero);
    if let Some(places) = &above.undefined {
        let places = places.product(&one(&below.values));
        undefined.values.iter_mut().zip(&places.values).for_each(|(u, place)| *u = u.max(*place));
    }
    Partial::new(values, undefined)
}
