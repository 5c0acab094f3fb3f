//! Answers from trained modules: by summation where every module is a table, else by sampling, with weights where
//! something is known. Every query is one about several worlds ([`Asked`]), most of them about one.

pub mod answer;
mod asked;
mod cases;
mod differences;
pub mod exact;
mod expect;
mod fit;
mod images;
mod moves;
mod particles;
mod pictures;
mod ratio;
mod real_fit;
mod rows;
mod sample;
mod sampled;
#[cfg(test)]
mod tests;
mod weighted;

pub use asked::Asked;
pub use cases::RowAsked;
pub use expect::{check, measure};
pub use fit::fit;
pub use images::{Gallery, GalleryRow, gallery};
pub use particles::Refined;
pub use pictures::{Pictures, Refused};
pub use ratio::Ratio;
pub use sample::{Draw, Visit};
pub use weighted::{Method, Tally, Worlds};

use crate::causal::counterfactual::{Setting, Twin, World};
use crate::model::{CounterfactualTerm, Domain, Event, Model, Query, QueryKind, VarId};
use crate::train::Trained;
use crate::truth::{Scm, TruthAnswer};
use answer::{Answer, Row};
use cases::asked;
use pictures::exchanged;

/// Samples drawn per query unless the settings say otherwise,
pub const SAMPLES: usize = 100_000;
/// and where images are drawn for it.
pub const IMAGE_SAMPLES: usize = 20_000;

/// How answers are found, what is used where nothing simpler will do last.
const METHODS: [&str; 4] = ["exact", "sampling", "importance_sampling", "sequential_monte_carlo"];

/// Two-sided 90 % quantile of the normal distribution.
const Z90: f64 = 1.644_853_6;

/// A trained model that answers queries.
pub struct Runtime<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its trained modules.
    pub modules: Vec<&'a Trained>,
    /// Refits of the modules on resampled rows, behind the intervals of sampled answers; without them (`ensemble`) the modules'
    /// own replicates serve, where each has some.
    pub refits: Vec<Vec<&'a Trained>>,
    /// The ground truth, where the model declares one.
    pub truth: Option<&'a Scm>,
    /// The run's seed.
    pub seed: u64,
    /// Samples drawn where an answer is not summed; [`SAMPLES`] or [`IMAGE_SAMPLES`] where `None`.
    pub samples: Option<usize>,
    /// The pictures that questions set or know.
    pub pictures: Pictures,
}

/// Why a query has no answer.
#[derive(Debug)]
pub enum QueryError {
    /// The answer would have too many rows.
    TooManyRows(f64),
    /// No sample out of so many agreed with the evidence; of none where it was summed.
    NoEvidence(usize),
    /// This variable, a cause of what is asked, has no trained mechanism.
    Untrained(String),
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
            Self::NoEvidence(0) => f.write_str("the evidence has no probability: it contradicts itself or the model"),
            Self::NoEvidence(drawn) => {
                write!(f, "the evidence has (nearly) no probability: none of {drawn} samples agrees with it")
            }
            Self::File(error) => write!(f, "the drawn images cannot be kept: {error}"),
            Self::Untrained(name) => write!(f, "`{name}` has no trained mechanism: train the whole model"),
            Self::Candle(error) => write!(f, "{error}"),
        }
    }
}

/// Values of variables as codes.
pub(crate) type Values = Vec<(VarId, u32)>;

/// What is known of one individual's outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Individual {
    /// The probability of each value; 1 alone for a real variable.
    pub distribution: Vec<f64>,
    /// The mean of a real variable.
    pub mean: Option<f64>,
    /// The effective sample size; 0 where it was summed.
    pub ess: f64,
}

/// A distribution over an outcome's values, its uncertainty, and how it was found.
struct Distribution {
    /// Row-major over the outcome's values.
    point: Vec<f64>,
    /// The same from each replicate of the modules or, where it was sampled and there are any, from each refit; the mean alone
    /// of a real outcome.
    replicates: Vec<Vec<f64>>,
    samples: usize,
    ess: f64,
    /// The probability of the evidence and, where it was sampled, the share of samples that it fits or of moves accepted.
    evidence: Option<(f64, Option<f64>)>,
    /// How it was found, as [`Answer::method`].
    method: &'static str,
    /// The means of a real outcome and of its square.
    moments: Option<[f64; 2]>,
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
            estimand: None,
            bounds: None,
            refits: 0,
            replicates: 0,
            file: None,
            evidence: None,
            acceptance: None,
        };
        match &query.kind {
            QueryKind::Distribution(term) => self.distribution_answer(&term.into(), &mut answer)?,
            QueryKind::Expectation { terms, constant } => {
                let terms: Vec<_> = terms.iter().map(|(factor, term)| (*factor, term.into())).collect();
                self.expectation_answer(&terms, *constant, &mut answer)?;
            }
            QueryKind::Counterfactual { terms, constant, mean: true } => {
                self.expectation_answer(terms, *constant, &mut answer)?;
            }
            QueryKind::Counterfactual { terms, .. } => {
                for (_, term) in terms {
                    self.distribution_answer(term, &mut answer)?;
                }
            }
            QueryKind::Samples { count, .. } => {
                (answer.kind, answer.method) = ("samples".to_owned(), "sampling".to_owned());
                (answer.samples, answer.ess) = (*count, *count as f64);
            }
        }
        answer.refits = if answer.samples > 0 && answer.kind != "samples" { self.refits.len() } else { 0 };
        if answer.refits > 0 {
            answer.replicates = 0;
        }
        Ok(answer)
    }

    fn distribution_answer(&self, term: &CounterfactualTerm, answer: &mut Answer) -> Result<(), QueryError> {
        answer.kind = "distribution".to_owned();
        let card = |e: &Event| self.model.card(e.variable).unwrap_or(1) as f64;
        let cases = self.cases(&[term], term.outcome.iter().map(card).product())?;
        let cells = self.cells(term);
        let mut truth = vec![];
        let (mut distance, mut error): (f64, f64) = (0.0, 0.0);
        for case in &cases {
            let asked = asked(term, case);
            let found = self.distribution(&asked, &answer.name, true)?;
            found.add_to(answer);
            let known = self.truth_of(&asked);
            if let Some(errors) = known.as_ref().and_then(|k| k.standard_errors.as_ref()) {
                error = errors.iter().copied().fold(error, f64::max);
            }
            let exact = known.map(|k| k.table.values);
            if let Some(exact) = &exact {
                distance = distance.max(total_variation(&found.point, exact));
            }
            for (cell, codes) in &cells {
                let replicates: Vec<f64> = found.replicates.iter().map(|r| r[*cell]).collect();
                let p = found.point[*cell];
                let (mut low, mut high) = exact::interval(p, &replicates);
                if found.samples > 0 {
                    let drawn = wilson(p, found.ess);
                    (low, high) = (p - (p - low).hypot(p - drawn.0), p + (high - p).hypot(drawn.1 - p));
                }
                let row = Row { outcome: self.outcome(term, codes), ..self.row(&[term], case) };
                let (low, high) = (low.clamp(0.0, p), high.clamp(p, 1.0));
                answer.values.push(Row { p: Some(p), low: Some(low), high: Some(high), ..row.clone() });
                truth.extend(exact.as_ref().map(|exact| Row { p: Some(exact[*cell]), ..row }));
            }
        }
        if truth.len() == answer.values.len() {
            answer.truth = Some(truth);
            answer.tv_truth = Some(distance);
            answer.truth_error = (error > 0.0).then_some(error);
        }
        Ok(())
    }

    fn expectation_answer(
        &self,
        terms: &[(f64, CounterfactualTerm)],
        constant: f64,
        answer: &mut Answer,
    ) -> Result<(), QueryError> {
        answer.kind = "expectation".to_owned();
        // A bare name that several terms share has the same value in all of them.
        let parts: Vec<&CounterfactualTerm> = terms.iter().map(|(_, term)| term).collect();
        let (mut truth, mut largest): (Vec<Row>, f64) = (vec![], 0.0);
        for case in self.cases(&parts, 1.0)? {
            let (mut value, mut exact, mut variance) = (constant, Some(constant), 0.0);
            let mut error = 0.0; // of the truth, at most
            // What replicates make of the terms that are summed, and refits of those that are sampled.
            let mut replicates: [Vec<f64>; 2] = [vec![], vec![]];
            for (at, (factor, term)) in terms.iter().enumerate() {
                let asked = asked(term, &case);
                let found = self.distribution(&asked, &format!("{}/{at}", answer.name), true)?;
                found.add_to(answer);
                let scores = self.scores(&term.outcome[0]);
                let squares = || found.point.iter().zip(&scores).map(|(p, s)| p * s * s).sum();
                let [mean, second] = found.moments.unwrap_or_else(|| [dot(&found.point, &scores), squares()]);
                value += factor * mean;
                let sampled = found.samples > 0;
                if sampled {
                    variance += factor * factor * (second - mean * mean).max(0.0) / found.ess.max(1.0);
                }
                let sums = &mut replicates[usize::from(sampled)];
                sums.resize(sums.len().max(found.replicates.len()), 0.0);
                for (sum, table) in sums.iter_mut().zip(&found.replicates) {
                    *sum += factor * if found.moments.is_some() { table[0] } else { dot(table, &scores) };
                }
                let known = self.truth_of(&asked);
                if let Some(errors) = known.as_ref().and_then(|k| k.standard_errors.as_ref()) {
                    error += factor.abs() * dot(errors, &scores.iter().map(|s| s.abs()).collect::<Vec<_>>());
                }
                if let Some((_, of_mean)) = known.as_ref().and_then(|k| k.mean) {
                    error += factor.abs() * of_mean;
                }
                let mean = |k: TruthAnswer| k.mean.map_or_else(|| dot(&k.table.values, &scores), |(mean, _)| mean);
                exact = exact.zip(known).map(|(sum, k)| sum + factor * mean(k));
            }
            let half = exact::half_width(&[&replicates[0], &replicates[1]]).hypot(Z90 * variance.sqrt());
            let (low, high) = (value - half, value + half);
            let row = self.row(&parts, &case);
            answer.values.push(Row { value: Some(value), low: Some(low), high: Some(high), ..row.clone() });
            truth.extend(exact.map(|value| Row { value: Some(value), ..row }));
            largest = largest.max(error);
        }
        answer.truth = (truth.len() == answer.values.len()).then_some(truth);
        answer.truth_error = (largest > 0.0).then_some(largest).filter(|_| answer.truth.is_some());
        Ok(())
    }

    /// What is asked of one individual, given the codes of variables in the actual world. The names of `term` have values;
    /// its evidence does not count.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn individual(&self, term: &CounterfactualTerm, evidence: &[(VarId, u32)]) -> Result<Individual, QueryError> {
        let known = evidence.iter().map(|&(v, code)| (v, World::new(), code)).collect();
        let asked = Asked { outcome: asked(term, &vec![]).outcome, evidence: known, cut: None };
        let found = self.distribution(&asked, &format!("individual/{evidence:?}"), false)?;
        let mean = found.moments.map(|[mean, _]| mean);
        Ok(Individual { distribution: found.point, mean, ess: found.ess })
    }

    /// The distribution of the outcome, by summation if possible; with what replicates make of it where it was sampled only if
    /// its `spread` matters.
    fn distribution(&self, asked: &Asked, name: &str, spread: bool) -> Result<Distribution, QueryError> {
        let asked = &exchanged(self.model, asked);
        let known = !asked.evidence.is_empty();
        let real = asked.is_real(self.model);
        let summed =
            if real || asked.cut.is_some() { Ok(None) } else { exact::joint(self.model, &self.modules, asked) };
        if let Ok(Some(found)) = summed {
            if found.evidence <= 0.0 {
                return Err(QueryError::NoEvidence(0));
            }
            let replicates = found.replicates.into_iter().map(|r| r.values).collect();
            let evidence = known.then_some((found.evidence, None));
            let point = found.point.values;
            let method = "exact";
            return Ok(Distribution { point, replicates, samples: 0, ess: 0.0, evidence, moments: None, method });
        }
        self.sampled(asked, name, spread)
    }

    /// The worlds of `twin`, with rows weighed by what is known.
    fn worlds<'b>(&'b self, asked: &Asked, twin: &'b Twin) -> Worlds<'b> {
        let (model, modules) = (self.model, &self.modules[..]);
        Worlds { model, modules, twin, method: Method::Weighting, pictures: Some(&self.pictures), cut: asked.cut }
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

    fn truth_of(&self, asked: &Asked) -> Option<TruthAnswer> {
        let truth = self.truth?;
        if self.about_pictures(asked) {
            return None;
        }
        if let Some(cut) = asked.cut {
            let found = truth.beyond(&asked.outcome, &asked.evidence, &|number| cut.holds(number)).ok()?;
            return (found.evidence > 0.0 && found.table.values.len() == 2).then_some(found);
        }
        let found = match asked.world() {
            Some(set) => {
                let outcome: Vec<VarId> = asked.outcome.iter().map(|o| o.0).collect();
                let evidence: Values = asked.evidence.iter().map(|&(v, _, code)| (v, code)).collect();
                truth.estimate(&outcome, &set, &evidence)
            }
            None => truth.counterfactual(&asked.outcome, &asked.evidence),
        };
        found.ok().filter(|found| found.evidence > 0.0)
    }

    /// Whether a picture is set or known in the question: the truth block has no answer to such.
    fn about_pictures(&self, asked: &Asked) -> bool {
        let image = |v: VarId| self.model.domain(v).is_some_and(Domain::is_image);
        let set = |world: &World| world.iter().any(|(&v, setting)| image(v) && matches!(setting, Setting::Value(_)));
        let known = asked.evidence.iter().any(|(v, world, _)| image(*v) || set(world));
        known || asked.outcome.iter().any(|(_, world)| set(world))
    }

    /// What each value of an expectation's outcome counts: the value itself, or 1 for the value asked for.
    fn scores(&self, outcome: &Event) -> Vec<f64> {
        let card = self.model.card(outcome.variable).unwrap_or(0) as u32;
        let number = |code| self.model.domain(outcome.variable).and_then(|d| d.number(code)).unwrap_or(0.0);
        let score = |code| outcome.value.map_or_else(|| number(code), |asked| f64::from(u8::from(asked == code)));
        (0..card).map(score).collect()
    }
}

impl Distribution {
    /// Joins how it was found to what was said of the answer's other rows: the worst counts.
    fn add_to(&self, answer: &mut Answer) {
        let least = |a: Option<f64>, b: f64| Some(a.map_or(b, |a| a.min(b)));
        answer.samples = answer.samples.max(self.samples);
        if self.samples > 0 {
            answer.replicates = self.replicates.len();
        }
        let rank = |method: &str| METHODS.iter().position(|m| *m == method);
        if rank(&answer.method) < rank(self.method) {
            answer.method = self.method.to_owned();
        }
        answer.ess = if answer.ess == 0.0 { self.ess } else { answer.ess.min(self.ess) };
        if let Some((probability, acceptance)) = self.evidence {
            answer.evidence = least(answer.evidence, probability);
            answer.acceptance = acceptance.and_then(|share| least(answer.acceptance, share)).or(answer.acceptance);
        }
    }
}

/// Brings replicates that learned from a `share` of the rows as near to their mean as those of all rows are.
fn narrow(replicates: &mut [Vec<f64>], share: f64) {
    let count = replicates.len().max(1) as f64;
    for cell in 0..replicates.first().map_or(0, Vec::len) {
        let mean = replicates.iter().map(|r| r[cell]).sum::<f64>() / count;
        replicates.iter_mut().for_each(|r| r[cell] = mean + (r[cell] - mean) * share.sqrt());
    }
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
