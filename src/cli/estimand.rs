//! The formula of an identified query on the rows of the data sets, beside the trained model's answer.

use crate::data::{Schema, Table};
use crate::identification::{
    Distribution, Evaluation, Finding, How, Known, Plugin, Question, Row, Solved, distributions, evaluate, judge,
};
use crate::model::{Model, Query, VarId};
use crate::query::Runtime;
use crate::query::answer::{self, Answer, Assignment};
use crate::seed;

/// Resamples behind the interval of a formula's number.
const TIMES: usize = 20;
/// The 95 % point of Student's t with one degree of freedom less.
const T95: f64 = 1.729;
/// Distinct rows times rows of the answer up to which there are intervals.
const MOST: usize = 2_000_000;
/// Answers of more rows than this have no numbers from regressions or in several worlds.
const MOST_ROWS: usize = 500;

/// The formulas of a model on the rows of its data sets.
pub(super) struct Formulas<'a> {
    model: &'a Model,
    schemas: &'a [Schema],
    plugin: Plugin<'a>,
    distributions: Vec<Distribution>,
    resampled: Vec<Vec<Distribution>>,
}

impl<'a> Formulas<'a> {
    /// `schemas[i]` and `tables[i]` belong to `model.regimes[i]`.
    pub fn new(model: &'a Model, schemas: &'a [Schema], tables: &'a [Table]) -> Self {
        let distributions = distributions(model, tables);
        let resample = |time: usize| {
            let mut rng = seed::stream(model.settings.seed(), &format!("formula/{time}"));
            distributions.iter().map(|d| d.resampled(&mut rng)).collect()
        };
        let resampled = (0..TIMES).map(resample).collect();
        Self { model, schemas, plugin: Plugin::new(model, schemas, tables), distributions, resampled }
    }

    /// The formula of `query` with relative frequencies.
    pub fn evaluate(&self, query: &Query) -> Evaluation {
        evaluate(self.model, self.schemas, query, Known::Declared, &self.distributions, None)
    }

    /// Puts beside `answer` what the formula gives, where it is defined for each of the answer's rows.
    pub fn beside(&self, runtime: &Runtime, query: &Query, found: &Evaluation, answer: &mut Answer) {
        let finding = judge(self.model, self.schemas, query, Known::Declared);
        answer.estimand = self.by_frequencies(query, &finding, found, answer);
        if answer.estimand.is_none() && answer.values.len() <= MOST_ROWS {
            answer.estimand = self.by_rows(runtime, query, &finding, answer);
        }
    }

    fn by_frequencies(
        &self,
        query: &Query,
        finding: &Finding,
        found: &Evaluation,
        answer: &Answer,
    ) -> Option<answer::Estimand> {
        let (Ok(rows), Some(text)) = (&found.data, finding.formula(self.model)) else { return None };
        let mut named: Vec<answer::Row> = rows.iter().map(|row| self.named(row, found.mean)).collect::<Option<_>>()?;
        let cells: usize = self.distributions.iter().map(|d| d.cells.len()).sum();
        if cells * rows.len() <= MOST {
            self.widths(query, rows.len()).into_iter().zip(&mut named).for_each(|(half, row)| spread(row, half));
        }
        answer.by_formula(text, &named)
    }

    /// Half the width of each row's interval.
    fn widths(&self, query: &Query, rows: usize) -> Vec<Option<f64>> {
        let again = |distributions: &Vec<Distribution>| {
            evaluate(self.model, self.schemas, query, Known::Declared, distributions, None).data.ok()
        };
        let Some(times) = self.resampled.iter().map(again).collect::<Option<Vec<_>>>() else { return vec![] };
        let half = |at: usize| {
            let numbers: Vec<f64> = times.iter().map(|rows| rows.get(at)?.value).collect::<Option<_>>()?;
            let mean = numbers.iter().sum::<f64>() / TIMES as f64;
            let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (TIMES - 1) as f64;
            Some(T95 * variance.sqrt())
        };
        (0..rows).map(half).collect()
    }

    /// With least squares, or in several worlds.
    fn by_rows(
        &self,
        runtime: &Runtime,
        query: &Query,
        finding: &Finding,
        answer: &Answer,
    ) -> Option<answer::Estimand> {
        let text = finding.formula(self.model)?;
        let asked = runtime.rows_asked(query).ok().filter(|asked| asked.len() == answer.values.len())?;
        // No regression says how often a number is beyond another.
        if asked.iter().flat_map(|row| &row.terms).any(|(_, of, _)| of.cut.is_some()) {
            return None;
        }
        let (mut values, mut how) = (vec![], How::Frequencies);
        for (row, asked) in answer.values.iter().zip(asked) {
            let solve = |(factor, of, codes): &(f64, crate::query::Asked, Option<Vec<u32>>)| {
                let question =
                    Question { outcome: of.outcome.clone(), codes: codes.clone(), evidence: of.evidence.clone() };
                Some((*factor, self.plugin.solve(&question)?))
            };
            let solved: Vec<(f64, Solved)> = asked.terms.iter().map(solve).collect::<Option<_>>()?;
            let solved: Vec<(f64, &Solved)> = solved.iter().map(|(factor, solved)| (*factor, solved)).collect();
            let (number, half, found) = self.plugin.value(&solved, asked.constant)?;
            how = how.max(found);
            let (p, value) = (row.p.map(|_| number), row.value.map(|_| number));
            let mut beside = answer::Row { p, value, low: None, high: None, ..row.clone() };
            spread(&mut beside, half);
            values.push(beside);
        }
        let how = if how == How::LeastSquares { "least squares" } else { "frequencies" };
        answer.compared((text, how), values)
    }

    fn named(&self, row: &Row, mean: bool) -> Option<answer::Row> {
        let model = self.model;
        let names = |values: &[(VarId, u32)]| -> Assignment {
            let value = |&(v, code): &(VarId, u32)| Some((model.name(v).to_owned(), model.domain(v)?.value(code)));
            values.iter().filter_map(value).collect()
        };
        let (p, value) = if mean { (None, Some(row.value?)) } else { (Some(row.value?), None) };
        Some(answer::Row {
            interventions: names(&row.interventions),
            given: names(&row.given),
            outcome: names(&row.outcome),
            p,
            value,
            ..answer::Row::default()
        })
    }
}

fn spread(row: &mut answer::Row, half: Option<f64>) {
    if let Some((number, half)) = row.p.or(row.value).zip(half) {
        (row.low, row.high) = (Some(number - half), Some(number + half));
    }
}
