//! Answers from trained modules: by summation where every module is a table, else by forward sampling.

pub mod answer;
pub mod exact;
mod expect;
mod fit;
mod images;
mod rows;
mod sample;

pub use expect::{check, measure};
pub use fit::fit;
pub use images::{Gallery, GalleryRow, gallery};
pub use sample::{Draw, Visit};

use crate::model::{Model, Query, QueryKind, Term, VarId};
use crate::seed;
use crate::train::Trained;
use crate::truth::{Scm, TruthAnswer};
use answer::{Answer, Assignment, Row};

/// Samples drawn per query unless the settings say otherwise,
pub const SAMPLES: usize = 100_000;
/// and where images are drawn for it.
pub const IMAGE_SAMPLES: usize = 20_000;

/// An answer has at most this many rows.
const MAX_ROWS: usize = 1_000_000;

/// Two-sided 90 % quantile of the normal distribution.
const Z90: f64 = 1.644_853_6;

/// A trained model that answers queries.
pub struct Runtime<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its trained modules.
    pub modules: Vec<&'a Trained>,
    /// The ground truth, where the model declares one.
    pub truth: Option<&'a Scm>,
    /// The run's seed.
    pub seed: u64,
    /// Samples drawn where an answer is not summed; [`SAMPLES`] or [`IMAGE_SAMPLES`] where `None`.
    pub samples: Option<usize>,
}

/// Why a query has no answer.
#[derive(Debug)]
pub enum QueryError {
    /// The answer would have too many rows.
    TooManyRows(f64),
    /// No sample out of so many agreed with the evidence.
    NoEvidence(usize),
    /// This variable, a cause of what is asked, has no trained mechanism.
    Untrained(String),
    /// Counterfactuals are for a later version.
    NotYet,
    /// Drawn images that need a temporary file cannot be kept.
    File(std::io::Error),
    /// Candle failed.
    Candle(candle_core::Error),
}

impl From<candle_core::Error> for QueryError {
    fn from(error: candle_core::Error) -> Self {
        Self::Candle(error)
    }
}

impl std::fmt::Display for QueryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManyRows(rows) => write!(f, "the answer would have {rows:.0} rows: give some variables a value"),
            Self::NoEvidence(drawn) => {
                write!(f, "the evidence has (nearly) no probability: none of {drawn} samples agrees with it")
            }
            Self::File(error) => write!(f, "the drawn images cannot be kept: {error}"),
            Self::Untrained(name) => write!(f, "`{name}` has no trained mechanism: train the whole model"),
            Self::NotYet => f.write_str("this version does not answer this kind of query"),
            Self::Candle(error) => write!(f, "{error}"),
        }
    }
}

/// Values of variables as codes.
pub(crate) type Values = Vec<(VarId, u32)>;

/// One table of an answer: the distribution of the outcome for one setting of `do` and evidence.
struct Group {
    interventions: Values,
    evidence: Values,
}

/// A distribution over an outcome's values, its uncertainty, and how it was found.
struct Distribution {
    /// Row-major over the outcome's values.
    point: Vec<f64>,
    /// The same from each replicate of the modules; empty where it was sampled.
    replicates: Vec<Vec<f64>>,
    samples: usize,
    ess: f64,
}

impl Runtime<'_> {
    /// Answers a query, with the truth beside it where it is known. The rows of a `sample(…)` query are drawn by
    /// [`Self::rows`].
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn answer(&self, query: &Query) -> Result<Answer, QueryError> {
        let mut answer = Answer {
            name: query.name.clone(),
            query: query.text.clone(),
            kind: String::new(),
            values: vec![],
            samples: 0,
            ess: 0.0,
            method: "exact".to_owned(),
            truth: None,
            tv_truth: None,
            truth_error: None,
            identifiable: None,
            measured: None,
            file: None,
        };
        match &query.kind {
            QueryKind::Distribution(term) => self.distribution_answer(term, &mut answer)?,
            QueryKind::Expectation { terms, constant } => self.expectation_answer(terms, *constant, &mut answer)?,
            QueryKind::Samples { count, .. } => {
                answer.kind = "samples".to_owned();
                (answer.samples, answer.ess) = (*count, *count as f64);
            }
            QueryKind::Counterfactual { .. } => return Err(QueryError::NotYet),
        }
        if answer.samples > 0 {
            answer.method = "sampling".to_owned();
        }
        Ok(answer)
    }

    fn distribution_answer(&self, term: &Term, answer: &mut Answer) -> Result<(), QueryError> {
        answer.kind = "distribution".to_owned();
        let outcome: Vec<VarId> = term.outcome.iter().map(|o| o.0).collect();
        let groups = self.groups(term)?;
        let mut truth = vec![];
        let (mut distance, mut error): (f64, f64) = (0.0, 0.0);
        for group in &groups {
            let found = self.distribution(&outcome, group, &answer.name)?;
            answer.samples = answer.samples.max(found.samples);
            answer.ess = if answer.ess == 0.0 { found.ess } else { answer.ess.min(found.ess) };
            let known = self.truth_of(&outcome, group);
            if let Some(errors) = known.as_ref().and_then(|k| k.standard_errors.as_ref()) {
                error = errors.iter().copied().fold(error, f64::max);
            }
            let exact = known.map(|k| k.table.values);
            if let Some(exact) = &exact {
                distance = distance.max(total_variation(&found.point, exact));
            }
            for (cell, values) in self.cells(&term.outcome) {
                let replicates: Vec<f64> = found.replicates.iter().map(|r| r[cell]).collect();
                let p = found.point[cell];
                let (low, high) = match found.samples {
                    0 => exact::probability_interval(p, &replicates),
                    _ => wilson(p, found.ess),
                };
                let row = Row { outcome: self.assignment(&values), ..self.row(group) };
                let (low, high) = (low.clamp(0.0, p), high.clamp(p, 1.0));
                answer.values.push(Row { p: Some(p), low: Some(low), high: Some(high), ..row.clone() });
                truth.extend(exact.as_ref().map(|exact| Row { p: Some(exact[cell]), ..row }));
            }
        }
        if truth.len() == answer.values.len() {
            answer.truth = Some(truth);
            answer.tv_truth = Some(distance);
            answer.truth_error = (error > 0.0).then_some(error);
        }
        Ok(())
    }

    fn expectation_answer(&self, terms: &[(f64, Term)], constant: f64, answer: &mut Answer) -> Result<(), QueryError> {
        answer.kind = "expectation".to_owned();
        // A bare name that several terms share has the same value in all of them.
        let free = shared_free(terms);
        let (mut truth, mut largest): (Vec<Row>, f64) = (vec![], 0.0);
        for values in self.assignments(&free) {
            let (mut value, mut exact, mut variance) = (constant, Some(constant), 0.0);
            let mut error = 0.0; // of the truth, at most
            let mut replicates: Vec<f64> = vec![];
            let mut sampled = false;
            for (at, (factor, term)) in terms.iter().enumerate() {
                let group = fix(term, &values);
                let outcome = [term.outcome[0].0];
                let found = self.distribution(&outcome, &group, &format!("{}/{at}", answer.name))?;
                sampled |= found.samples > 0;
                answer.samples = answer.samples.max(found.samples);
                answer.ess = if answer.ess == 0.0 { found.ess } else { answer.ess.min(found.ess) };
                let scores = self.scores(term);
                let mean = dot(&found.point, &scores);
                value += factor * mean;
                let second: f64 = found.point.iter().zip(&scores).map(|(p, s)| p * s * s).sum();
                variance += factor * factor * (second - mean * mean).max(0.0) / found.ess.max(1.0);
                replicates.resize(replicates.len().max(found.replicates.len()), constant);
                for (total, table) in replicates.iter_mut().zip(&found.replicates) {
                    *total += factor * dot(table, &scores);
                }
                let known = self.truth_of(&outcome, &group);
                if let Some(errors) = known.as_ref().and_then(|k| k.standard_errors.as_ref()) {
                    error += factor.abs() * dot(errors, &scores.iter().map(|s| s.abs()).collect::<Vec<_>>());
                }
                exact = exact.zip(known).map(|(sum, k)| sum + factor * dot(&k.table.values, &scores));
            }
            let half = Z90 * variance.sqrt();
            let (low, high) = if sampled { (value - half, value + half) } else { exact::interval(value, &replicates) };
            let row = self.row(&Group {
                interventions: self.shown(terms, &values, true),
                evidence: self.shown(terms, &values, false),
            });
            answer.values.push(Row { value: Some(value), low: Some(low), high: Some(high), ..row.clone() });
            truth.extend(exact.map(|value| Row { value: Some(value), ..row }));
            largest = largest.max(error);
        }
        answer.truth = (truth.len() == answer.values.len()).then_some(truth);
        answer.truth_error = (largest > 0.0).then_some(largest).filter(|_| answer.truth.is_some());
        Ok(())
    }

    /// The distribution of `outcome` for one setting, by summation if possible.
    fn distribution(&self, outcome: &[VarId], group: &Group, name: &str) -> Result<Distribution, QueryError> {
        let summed = exact::joint(self.model, &self.modules, outcome, &group.interventions, &group.evidence);
        if let Ok(Some(found)) = summed {
            if found.evidence <= 0.0 {
                return Err(QueryError::NoEvidence(0));
            }
            let replicates = found.replicates.into_iter().map(|r| r.values).collect();
            return Ok(Distribution { point: found.point.values, replicates, samples: 0, ess: 0.0 });
        }
        let mut rng = seed::stream(self.seed, &format!("query/{name}"));
        let wanted: Vec<VarId> = outcome.iter().copied().chain(group.evidence.iter().map(|e| e.0)).collect();
        let set: Vec<VarId> = group.interventions.iter().map(|i| i.0).collect();
        let draw = self.draw(&wanted, &set);
        if let Some(missing) = draw.missing(&set) {
            return Err(QueryError::Untrained(self.model.name(missing).to_owned()));
        }
        let drawn = draw.codes(&group.interventions, &mut rng)?;
        let (point, kept) = sample::tally(self.model, &drawn, outcome, &group.evidence);
        if kept == 0 {
            return Err(QueryError::NoEvidence(draw.rows));
        }
        Ok(Distribution { point, replicates: vec![], samples: draw.rows, ess: kept as f64 })
    }

    /// What is drawn to see `wanted` where `set` is intervened on.
    fn draw<'b>(&'b self, wanted: &'b [VarId], set: &[VarId]) -> Draw<'b> {
        let mut draw = self.draw_rows(wanted, 0);
        let usual = if draw.has_images(set) { IMAGE_SAMPLES } else { SAMPLES };
        draw.rows = self.samples.unwrap_or(usual);
        draw
    }

    fn draw_rows<'b>(&'b self, wanted: &'b [VarId], rows: usize) -> Draw<'b> {
        Draw { model: self.model, modules: &self.modules, wanted, rows }
    }

    fn truth_of(&self, outcome: &[VarId], group: &Group) -> Option<TruthAnswer> {
        let found = self.truth?.estimate(outcome, &group.interventions, &group.evidence).ok()?;
        (found.evidence > 0.0).then_some(found)
    }

    /// Every setting of the term's interventions and evidence: bare names take each of their values.
    fn groups(&self, term: &Term) -> Result<Vec<Group>, QueryError> {
        let card = |v: VarId| self.model.card(v).unwrap_or(1) as f64;
        let rows: f64 = (term.interventions.iter().chain(&term.evidence).chain(&term.outcome))
            .filter(|(_, code)| code.is_none())
            .map(|(v, _)| card(*v))
            .product();
        if rows > MAX_ROWS as f64 {
            return Err(QueryError::TooManyRows(rows));
        }
        let free: Vec<VarId> =
            term.interventions.iter().chain(&term.evidence).filter(|(_, c)| c.is_none()).map(|(v, _)| *v).collect();
        Ok(self.assignments(&free).iter().map(|values| fix(term, values)).collect())
    }

    /// Every assignment of values to `variables`, the last one fastest.
    fn assignments(&self, variables: &[VarId]) -> Vec<Values> {
        variables.iter().fold(vec![vec![]], |lists: Vec<Values>, &variable| {
            let card = self.model.card(variable).unwrap_or(1) as u32;
            let extend = |list: Values| {
                (0..card).map(move |code| list.iter().copied().chain([(variable, code)]).collect::<Values>())
            };
            lists.into_iter().flat_map(extend).collect()
        })
    }

    /// The cells of the outcome's table that were asked for, with their values.
    fn cells(&self, outcome: &[(VarId, Option<u32>)]) -> Vec<(usize, Values)> {
        let variables: Vec<VarId> = outcome.iter().map(|o| o.0).collect();
        let all = self.assignments(&variables).into_iter().enumerate();
        all.filter(|(_, values)| {
            outcome.iter().zip(values).all(|((_, asked), (_, code))| asked.is_none_or(|a| a == *code))
        })
        .collect()
    }

    /// What each value of an expectation's outcome counts: the value itself, or 1 for the value asked for.
    fn scores(&self, term: &Term) -> Vec<f64> {
        let (variable, asked) = term.outcome[0];
        let card = self.model.card(variable).unwrap_or(0) as u32;
        let number = |code| self.model.domain(variable).and_then(|d| d.number(code)).unwrap_or(0.0);
        (0..card).map(|code| asked.map_or_else(|| number(code), |a| f64::from(u8::from(a == code)))).collect()
    }

    /// The values to show beside a row of an expectation: the free ones, and of a single term its own.
    fn shown(&self, terms: &[(f64, Term)], values: &[(VarId, u32)], interventions: bool) -> Values {
        let part = |term: &Term| if interventions { term.interventions.clone() } else { term.evidence.clone() };
        let mut shown: Values = vec![];
        for (variable, code) in terms.iter().flat_map(|(_, t)| part(t)) {
            let free = values.iter().find(|v| v.0 == variable).map(|v| v.1);
            let code = if terms.len() == 1 { code.or(free) } else { code.is_none().then_some(free).flatten() };
            if let Some(code) = code.filter(|_| !shown.iter().any(|s| s.0 == variable)) {
                shown.push((variable, code));
            }
        }
        shown
    }

    fn row(&self, group: &Group) -> Row {
        Row {
            interventions: self.assignment(&group.interventions),
            given: self.assignment(&group.evidence),
            ..Row::default()
        }
    }

    fn assignment(&self, values: &[(VarId, u32)]) -> Assignment {
        let named = |&(variable, code): &(VarId, u32)| {
            let value = self.model.domain(variable).map(|d| d.value(code));
            value.map(|value| (self.model.name(variable).to_owned(), value))
        };
        values.iter().filter_map(named).collect()
    }
}

fn fix(term: &Term, values: &[(VarId, u32)]) -> Group {
    let fixed = |part: &[(VarId, Option<u32>)]| {
        let value = |v: VarId| values.iter().find(|(other, _)| *other == v).map(|(_, code)| *code);
        part.iter().filter_map(|&(v, code)| Some((v, code.or_else(|| value(v))?))).collect()
    };
    Group { interventions: fixed(&term.interventions), evidence: fixed(&term.evidence) }
}

fn shared_free(terms: &[(f64, Term)]) -> Vec<VarId> {
    let mut free = vec![];
    for (variable, code) in terms.iter().flat_map(|(_, t)| t.interventions.iter().chain(&t.evidence)) {
        if code.is_none() && !free.contains(variable) {
            free.push(*variable);
        }
    }
    free
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Half the sum of absolute differences.
pub(crate) fn total_variation(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).sum::<f64>() / 2.0
}

/// The 90 % Wilson score interval of a proportion `p` of `n` samples.
fn wilson(p: f64, n: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let z2 = Z90 * Z90;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z90 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    (centre - half, centre + half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_samples_where_images_are_drawn_and_untrained_causes_are_named() {
        let mut model = Model::from_graph(&["D", "I", "A"], &[("D", "I"), ("I", "A")], &[]);
        model.variables.values_mut().for_each(|v| v.domain = Some(crate::model::Domain::Binary));
        model.variables[1].domain = Some(crate::model::Domain::Image([1, 8, 8]));
        let mut runtime = Runtime { model: &model, modules: vec![], truth: None, seed: 1, samples: None };
        let rows = |runtime: &Runtime, wanted, set: &[VarId]| runtime.draw(&[wanted], set).rows;
        assert_eq!(rows(&runtime, 2, &[]), IMAGE_SAMPLES);
        assert_eq!(rows(&runtime, 0, &[]), SAMPLES);
        runtime.samples = Some(7);
        assert_eq!(rows(&runtime, 2, &[]), 7);
        let group = Group { interventions: vec![(0, 1)], evidence: vec![] };
        let found = runtime.distribution(&[2], &group, "q");
        assert!(matches!(found, Err(QueryError::Untrained(name)) if name == "I"));
        let table = crate::data::Table { rows: 1, columns: vec![Some(vec![0]), None, None], ..Default::default() };
        assert!(fit(&runtime, &[table]).unwrap().is_empty());
    }

    #[test]
    fn wilson_agrees_with_a_published_value() {
        // 10 of 100 at 95 % is (0.0552, 0.1744) (Newcombe 1998); at 90 % it is narrower and holds 0.1.
        let (low, high) = wilson(0.1, 100.0);
        assert!(low > 0.0552 && low < 0.1 && high < 0.1744 && high > 0.1);
        let z: f64 = 1.96;
        let centre = (0.1 + z * z / 200.0) / (1.0 + z * z / 100.0);
        assert!((centre - 0.1148).abs() < 1e-3);
    }
}
