//! Formulas with real variables: every conditional mean in them by least squares.
//!
//! What is integrated is a polynomial in features of variables: indicators of discrete values, standardised numbers.
//! `E[monomial | condition]` is regressed on the condition's features, their squares and as many of their products as the
//! rows bear; the result is again a polynomial, in which what is set or known is replaced by its value.

use super::Formula;
use super::polynomial::{Feature, Monomial, Polynomial, times};
use crate::causal::counterfactual::CopyValue;
use crate::causal::identify::{Estimand, Probability};
use crate::data::Table;
use crate::model::{Model, VarId};
use std::collections::{BTreeMap, BTreeSet};

/// Rows for each coefficient, at least, for all products of pairs,
const ROWS_FOR_PAIRS: f64 = 20.0;
/// and for the squares and the products with what is set.
const ROWS_FOR_SOME: f64 = 10.0;
/// Regressions of more coefficients are not tried.
const MOST: usize = 160;
/// Conditions of discrete variables with at most so many joint values are told apart entirely.
const CELLS: usize = 64;
/// Polynomials of more terms are not handled.
const MOST_TERMS: usize = 4_000;
/// What is added to each sum of squares, as a share of it: features may be collinear.
const RIDGE: f64 = 1e-8;

/// Least squares on rows with these weights.
pub(super) struct Regression<'a> {
    model: &'a Model,
    tables: &'a [Table],
    weights: &'a [Vec<f64>],
    /// Mean and standard deviation of real variables.
    scales: BTreeMap<VarId, (f64, f64)>,
}

/// One formula on its way.
#[derive(Clone)]
struct Task<'a, 'b> {
    regression: &'b Regression<'a>,
    formula: &'b Formula,
    /// The copies that a sum around binds: their values are not those of the question.
    bound: BTreeSet<usize>,
}

impl<'a> Regression<'a> {
    pub fn new(model: &'a Model, tables: &'a [Table], weights: &'a [Vec<f64>]) -> Self {
        let mut scales = BTreeMap::new();
        for v in (0..model.variables.len()).filter(|&v| model.domain(v).is_some_and(|d| d.is_real())) {
            let mut sums = [0.0; 3];
            for (table, weights) in tables.iter().zip(weights) {
                for (x, w) in table.reals.get(&v).into_iter().flatten().zip(weights) {
                    let x = f64::from(*x);
                    sums = [sums[0] + w, sums[1] + w * x, sums[2] + w * x * x];
                }
            }
            let mean = sums[1] / sums[0].max(f64::MIN_POSITIVE);
            let deviation = (sums[2] / sums[0].max(f64::MIN_POSITIVE) - mean * mean).max(0.0).sqrt();
            scales.insert(v, (mean, if deviation > 1e-12 { deviation } else { 1.0 }));
        }
        Self { model, tables, weights, scales }
    }

    /// The probability of the outcome's values, or the mean of the only outcome; `None` where the formula is of another kind
    /// (densities of real values in a quotient, say), or the rows are too few.
    pub fn value(&mut self, formula: &Formula, mean: bool) -> Option<f64> {
        let task = Task { regression: self, formula, bound: BTreeSet::new() };
        if !mean {
            return task.apply(&formula.estimand, &BTreeSet::new(), Polynomial::constant(1.0))?.number();
        }
        let [outcome] = formula.outcome[..] else { return None };
        let variable = formula.copies[outcome].variable;
        let (centre, deviation) = *self.scales.get(&variable)?;
        let mut asked = Polynomial::default();
        asked.add(vec![(Feature { copy: outcome, code: None }, 1)], 1.0);
        let found = task.apply(&formula.estimand, &BTreeSet::from([outcome]), asked)?.number()?;
        Some(centre + deviation * found)
    }
}

impl Task<'_, '_> {
    /// `Σ_targets estimand · function`, as a function of what is left.
    fn apply(&self, estimand: &Estimand, targets: &BTreeSet<usize>, function: Polynomial) -> Option<Polynomial> {
        match estimand {
            Estimand::P(p) => self.mean(p, targets, function),
            Estimand::Sum { over, of } => {
                // An inner variable of the same name is another one.
                let hides = function.0.keys().flatten().any(|(f, _)| over.contains(&f.copy));
                let inner: BTreeSet<usize> = targets.iter().chain(over).copied().collect();
                if hides || inner.len() < targets.len() + over.len() {
                    return None;
                }
                let mut inside = self.clone();
                inside.bound.extend(over);
                inside.apply(of, &inner, function)
            }
            Estimand::Product(factors) => self.product(factors, targets, function),
            Estimand::Fraction { num, den } => {
                let den = self.apply(den, &BTreeSet::new(), Polynomial::constant(1.0))?.number()?;
                let mut num = self.apply(num, targets, function)?;
                num.0.values_mut().for_each(|factor| *factor /= den);
                (den > 1e-9).then_some(num)
            }
        }
    }

    /// Factors are integrated one after the other, first those on which no other depends.
    fn product(&self, factors: &[Estimand], targets: &BTreeSet<usize>, mut function: Polynomial) -> Option<Polynomial> {
        let mut left: Vec<&Estimand> = factors.iter().collect();
        while !left.is_empty() {
            let own = |factor: &Estimand| -> BTreeSet<usize> {
                distributed(factor).into_iter().filter(|v| targets.contains(v)).collect()
            };
            let free = |at: &usize| {
                let own = own(left[*at]);
                let others = left.iter().enumerate().filter(|(other, _)| other != at);
                others.flat_map(|(_, f)| f.free_variables()).all(|v| !own.contains(&v))
            };
            let at = (0..left.len()).find(free)?;
            let factor = left.remove(at);
            function = self.apply(factor, &own(factor), function)?;
        }
        Some(function)
    }

    /// `E[function | given]` over the `targets` among `p.of`; the others of them are known values.
    fn mean(&self, p: &Probability, targets: &BTreeSet<usize>, function: Polynomial) -> Option<Polynomial> {
        if !targets.iter().all(|t| p.of.contains(t)) {
            return None;
        }
        let mut known: Monomial = vec![];
        for &copy in p.of.iter().filter(|copy| !targets.contains(copy)) {
            let code = self.code(copy)?;
            self.regression.model.card(self.formula.copies[copy].variable)?;
            known.push((Feature { copy, code: Some(code) }, 1));
        }
        known.sort_unstable();
        let condition: Vec<usize> = p.given.iter().chain(&p.interventions).copied().collect();
        let mut wanted: BTreeMap<Monomial, Vec<(Monomial, f64)>> = BTreeMap::new();
        for (monomial, factor) in function.0 {
            let (own, rest): (Monomial, Monomial) = monomial.into_iter().partition(|(f, _)| targets.contains(&f.copy));
            wanted.entry(times(&own, &known)?).or_default().push((rest, factor));
        }
        let columns: Vec<&Monomial> = wanted.keys().collect();
        let fitted = self.fitted(p.regime?, &condition, &columns)?;
        let mut found = Polynomial::default();
        for (of, rests) in fitted.into_iter().zip(wanted.values()) {
            for (rest, factor) in rests {
                for (monomial, slope) in &of.0 {
                    if let Some(product) = times(monomial, rest) {
                        found.add(product, factor * slope);
                    }
                }
            }
        }
        (found.0.len() <= MOST_TERMS).then_some(found)
    }

    /// Per column the polynomial that least squares give it, with known values put in.
    fn fitted(&self, source: usize, condition: &[usize], columns: &[&Monomial]) -> Option<Vec<Polynomial>> {
        let places = self.formula.sources.get(source)?.data();
        let rows = || {
            let tables =
                places.iter().filter_map(|&at| Some((self.regression.tables.get(at)?, &self.regression.weights[at])));
            tables.flat_map(|(table, w)| (0..table.rows).filter(|&r| w[r] > 0.0).map(move |r| (table, r, w[r])))
        };
        let count = rows().count();
        if columns.iter().all(|column| column.is_empty()) {
            return Some(vec![Polynomial::constant(1.0); columns.len()]);
        }
        let basis = self.basis(condition, count)?;
        let width = basis.len();
        let mut sums = vec![vec![0.0; width + columns.len()]; width];
        for (table, row, weight) in rows() {
            let x: Vec<f64> = basis.iter().map(|m| self.at_row(m, table, row)).collect::<Option<_>>()?;
            let y: Vec<f64> = columns.iter().map(|m| self.at_row(m, table, row)).collect::<Option<_>>()?;
            for (sums, a) in sums.iter_mut().zip(&x).filter(|(_, a)| **a != 0.0) {
                sums.iter_mut().zip(x.iter().chain(&y)).for_each(|(sum, b)| *sum += weight * a * b);
            }
        }
        let slopes = solved(sums)?;
        let values: BTreeMap<usize, u32> =
            condition.iter().filter_map(|&copy| Some((copy, self.code(copy)?))).collect();
        let put_in = |column: usize| {
            let mut found = Polynomial::default();
            for (monomial, slopes) in basis.iter().zip(&slopes) {
                let (mut factor, mut rest) = (slopes[column], vec![]);
                for &(feature, power) in monomial {
                    match values.get(&feature.copy) {
                        Some(&code) => factor *= self.feature(feature, code).powi(power as i32),
                        None => rest.push((feature, power)),
                    }
                }
                found.add(rest, factor);
            }
            found
        };
        Some((0..columns.len()).map(put_in).collect())
    }

    /// What is regressed on: one, the condition's features, and as many of their products as `rows` rows bear.
    fn basis(&self, condition: &[usize], rows: usize) -> Option<Vec<Monomial>> {
        let model = self.regression.model;
        let card = |copy: &usize| model.card(self.formula.copies[*copy].variable);
        let rows = rows as f64;
        let features = |copy: usize| -> Vec<Monomial> {
            match card(&copy) {
                Some(card) => (1..card as u32).map(|code| vec![(Feature { copy, code: Some(code) }, 1)]).collect(),
                None => vec![vec![(Feature { copy, code: None }, 1)]],
            }
        };
        let cells: Option<usize> = condition.iter().map(card).product();
        if cells.is_some_and(|cells| cells <= CELLS && cells as f64 * 2.0 <= rows) {
            return Some(condition.iter().fold(vec![vec![]], |all: Vec<Monomial>, &copy| {
                let with = |m: &Monomial| features(copy).into_iter().filter_map(|f| times(m, &f)).collect::<Vec<_>>();
                all.iter().flat_map(|m| [vec![m.clone()], with(m)].concat()).collect()
            }));
        }
        let (mut mains, mut some, mut pairs) = (vec![vec![]], vec![], vec![]);
        for (at, &copy) in condition.iter().enumerate() {
            let own = features(copy);
            some.extend(own.iter().filter(|_| card(&copy).is_none()).filter_map(|f| times(f, f)));
            for &other in &condition[..at] {
                let products = own.iter().flat_map(|a| features(other).into_iter().filter_map(|b| times(a, &b)));
                let is_set = |copy: usize| self.formula.set.contains(&self.formula.copies[copy].variable);
                if is_set(copy) || is_set(other) { &mut some } else { &mut pairs }.extend(products);
            }
            mains.extend(own);
        }
        let (few, many) = (mains.len() + some.len(), mains.len() + some.len() + pairs.len());
        let fits = |count: usize, each: f64| count <= MOST && count as f64 * each <= rows;
        if fits(many, ROWS_FOR_PAIRS) {
            return Some([mains, some, pairs].concat());
        }
        if fits(few, ROWS_FOR_SOME) {
            return Some([mains, some].concat());
        }
        fits(mains.len(), 2.0).then_some(mains)
    }

    /// The value that the question gives a copy.
    fn code(&self, copy: usize) -> Option<u32> {
        match self.formula.copies[copy].value {
            CopyValue::Code(code) if !self.bound.contains(&copy) => Some(code),
            _ => None,
        }
    }

    fn at_row(&self, monomial: &Monomial, table: &Table, row: usize) -> Option<f64> {
        let mut product = 1.0;
        for &(feature, power) in monomial {
            let variable = self.formula.copies[feature.copy].variable;
            let code = match table.reals.get(&variable) {
                Some(numbers) => numbers[row].to_bits(),
                None => table.column(variable)?[row],
            };
            product *= self.feature(feature, code).powi(power as i32);
        }
        Some(product)
    }

    /// A feature of a value.
    fn feature(&self, feature: Feature, code: u32) -> f64 {
        match feature.code {
            Some(own) => f64::from(u8::from(own == code)),
            None => {
                let variable = self.formula.copies[feature.copy].variable;
                let (mean, deviation) = self.regression.scales.get(&variable).copied().unwrap_or((0.0, 1.0));
                (f64::from(f32::from_bits(code)) - mean) / deviation
            }
        }
    }
}

/// The variables whose distribution a factor is, given others.
fn distributed(estimand: &Estimand) -> BTreeSet<usize> {
    match estimand {
        Estimand::P(p) => p.of.iter().copied().collect(),
        Estimand::Product(factors) => factors.iter().flat_map(distributed).collect(),
        Estimand::Fraction { num, .. } => distributed(num),
        Estimand::Sum { over, of } => distributed(of).into_iter().filter(|v| !over.contains(v)).collect(),
    }
}

/// Solves `A X = B` for the rows `[A | B]` of a positive semidefinite `A`; what is collinear gets zero.
fn solved(mut rows: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let count = rows.len();
    let diagonal: Vec<f64> = (0..count).map(|at| rows[at][at]).collect();
    rows.iter_mut().enumerate().for_each(|(at, row)| row[at] *= 1.0 + RIDGE);
    let mut used = vec![false; count];
    for at in 0..count {
        let pivot = rows[at][at];
        // What is left of a feature beside those before it.
        if pivot <= 1e-7 * diagonal[at] || pivot <= 0.0 {
            continue;
        }
        used[at] = true;
        let own = rows[at].clone();
        for (other, row) in rows.iter_mut().enumerate().filter(|(other, _)| *other != at) {
            let share = row[at] / pivot;
            if share != 0.0 && (other > at || used[other]) {
                row.iter_mut().zip(&own).skip(at).for_each(|(cell, own)| *cell -= share * own);
            }
        }
    }
    let solution = rows.iter().zip(&used).enumerate().map(|(at, (row, &used))| {
        row[count..].iter().map(|b| if used { b / row[at] } else { 0.0 }).collect::<Vec<f64>>()
    });
    let solution: Vec<Vec<f64>> = solution.collect();
    solution.iter().flatten().all(|x| x.is_finite()).then_some(solution)
}
