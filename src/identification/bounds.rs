//! Bounds of what the data do not determine: queries without a formula, and values without support.

use super::distributions::Distribution;
use super::evaluate::{Aim, Row, Seen, Values, rows_asked, score, setting, shown};
use super::judge::Data;
use super::tables::{about, assignment};
use crate::causal::bounds::{Bounder, Method, NoBounds, Source};
use crate::causal::counterfactual;
use crate::model::{DoValue, Model, Query, QueryKind, Term, VarId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What one number of an answer can be, however many rows there are of the data sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// The values that are set.
    pub interventions: Vec<Seen>,
    /// The values of the evidence.
    pub given: Vec<Seen>,
    /// The values of the outcome; empty for means.
    pub outcome: Vec<Seen>,
    /// The smallest value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
    /// How the two were found.
    pub method: Method,
    /// How far the frequencies are from every model of the graph; 0 where some model fits.
    pub discrepancy: f64,
}

/// The bounds of the numbers that `found` leaves undefined; of all numbers where there is no formula.
pub(super) fn bounds(
    model: &Model,
    query: &Query,
    data: &Data,
    distributions: &[Distribution],
    found: &Result<Vec<Row>, String>,
) -> Result<Vec<Interval>, String> {
    let rows: Vec<Row> = match found {
        Ok(rows) => rows.iter().filter(|row| row.value.is_none()).cloned().collect(),
        Err(_) => rows_asked(model, query)?,
    };
    let aims = rows.into_iter().map(|row| {
        let (terms, constant) = aim(model, query, &row);
        Aim { row, terms, constant }
    });
    within(model, data, distributions, aims.collect())
}

/// The bounds of the numbers that are aimed at.
pub(super) fn within(
    model: &Model,
    data: &Data,
    distributions: &[Distribution],
    aims: Vec<Aim>,
) -> Result<Vec<Interval>, String> {
    let (places, more) = data.places();
    let used: Vec<&Distribution> =
        distributions.iter().filter(|d| places.contains(&d.regime) && d.total > 0.0).collect();
    if aims.is_empty() || used.is_empty() {
        return Ok(vec![]);
    }
    let joints: Vec<BTreeMap<Vec<u32>, f64>> = used.iter().map(|d| d.cells.iter().cloned().collect()).collect();
    let sources: Vec<Source> = used.iter().zip(&joints).map(|(d, joint)| source(model, d, joint)).collect();
    let cards: Vec<usize> = (0..model.graph.len()).map(|v| model.card(v).unwrap_or(1)).collect();
    let bounder = Bounder::new(&model.graph, &cards, &sources).map_err(in_words)?;
    let interval = |Aim { row, terms, constant }: Aim| {
        let found = bounder.bounds(&terms).map_err(in_words)?;
        Ok(Interval {
            low: found.low + constant,
            high: found.high + constant,
            method: if more && found.method == Method::Sharp { Method::Relaxed } else { found.method },
            discrepancy: found.discrepancy,
            interventions: row.interventions,
            given: row.given,
            outcome: row.outcome,
        })
    };
    aims.into_iter().map(interval).collect()
}

fn source<'a>(model: &Model, distribution: &Distribution, joint: &'a BTreeMap<Vec<u32>, f64>) -> Source<'a> {
    let set = model.regimes[distribution.regime].interventions.iter();
    let fixed = |&(v, value): &(VarId, DoValue)| match value {
        DoValue::Fixed(code) => (v, Some(code)),
        DoValue::Column => (v, None),
    };
    Source { interventions: set.map(fixed).collect(), columns: distribution.variables.clone(), joint }
}

/// A row of an answer as a weighted sum of probabilities and a constant.
fn aim(model: &Model, query: &Query, row: &Row) -> (Vec<(f64, counterfactual::Query)>, f64) {
    let values: Values = row.interventions.iter().chain(&row.given).map(|seen| (seen.variable, seen.code)).collect();
    let outcome: Values = row.outcome.iter().map(|seen| (seen.variable, seen.code)).collect();
    let event = |term: &Term, outcome: &[(VarId, u32)]| {
        let at = setting(term, &values);
        let (set, known) = (shown(&term.interventions, &at), shown(&term.evidence, &at));
        counterfactual::Query::in_one_world(outcome, &set, &known)
    };
    match &query.kind {
        QueryKind::Distribution(term) => (vec![(1.0, event(term, &outcome))], 0.0),
        QueryKind::Expectation { terms, constant } => {
            let scored = terms.iter().flat_map(|(factor, term)| {
                let (v, asked) = term.outcome[0];
                let codes = 0..model.card(v).unwrap_or(0) as u32;
                codes.map(move |code| (factor * score(model, (v, asked), code), event(term, &[(v, code)])))
            });
            (scored.filter(|(weight, _)| *weight != 0.0).collect(), *constant)
        }
        _ => (vec![], 0.0),
    }
}

fn in_words(why: NoBounds) -> String {
    match why {
        NoBounds::Cyclic => "the graph has a directed cycle",
        NoBounds::Unobserved => "a variable of the query is in no data set",
        NoBounds::TooLarge => "there are too many combinations of values",
        NoBounds::NoEvidence => "the evidence has no probability",
        NoBounds::Numerical => "the linear program could not be solved",
    }
    .to_owned()
}

/// The method as a word of the JSON, and in words.
fn method(method: Method) -> (&'static str, &'static str) {
    match method {
        Method::Identified => ("identified", "determined by other data"),
        Method::Sharp => ("sharp", "sharp: linear program over response types; both ends fit the data"),
        Method::Relaxed => ("relaxed", "valid, maybe not the narrowest: linear program over response types"),
        Method::Combined => ("combined", "valid, maybe not the narrowest: products of bounds"),
        Method::Natural => ("natural", "valid, seldom the narrowest: natural bounds, too many response types for more"),
    }
}

impl Interval {
    /// How the two were found, as in JSON.
    pub fn method_name(&self) -> &'static str {
        method(self.method).0
    }

    /// `{"do", "given", "outcome", "low", "high", "method", "discrepancy"}`.
    pub(super) fn json(&self, model: &Model) -> Value {
        json!({
            "do": assignment(model, &self.interventions), "given": assignment(model, &self.given),
            "outcome": assignment(model, &self.outcome), "low": self.low, "high": self.high,
            "method": method(self.method).0, "discrepancy": self.discrepancy,
        })
    }

    /// `P(dysp = yes | do(either = no)) lies in [0.3875, 0.4425]`, and how that was found.
    pub(super) fn sentence(&self, model: &Model) -> String {
        let about = match about(model, &self.interventions, &self.given, &self.outcome) {
            none if none.is_empty() => "the mean".to_owned(),
            condition if self.outcome.is_empty() => format!("the mean at {condition}"),
            probability => probability,
        };
        format!("{about} lies in {}", self.text())
    }

    fn text(&self) -> String {
        let end = |x: f64| format!("{:.4}", if x.abs() < 5e-5 { 0.0 } else { x });
        let mut text = format!("[{}, {}] ({})", end(self.low), end(self.high), method(self.method).1);
        if self.discrepancy > 0.0 {
            text += &format!(
                "; no model of the graph has these frequencies: the nearest, off by {:.4}, is bounded",
                self.discrepancy
            );
        }
        text
    }
}

/// The intervals in words, a line each.
pub fn bounds_text(model: &Model, bounds: &Result<Vec<Interval>, String>) -> Vec<String> {
    match bounds {
        Err(why) => vec![format!("no bounds: {why}")],
        Ok(list) => list.iter().map(|i| i.sentence(model)).collect(),
    }
}
