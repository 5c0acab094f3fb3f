//! Positivity: combinations of values that an identified query needs and no row has.
//!
//! A formula needs its conditional distributions where their conditions have probability under the intervention
//! (Hernán & Robins 2020, section 3.3). Where a condition never occurs the data only bound the answer, and what a
//! model says there is its prior's or its network's taste.

use super::bounds::Interval;
use super::evaluate::{Row, Seen, evaluate, gaps_of};
use super::tables::values_text;
use super::{Evaluation, Known};
use crate::data::Schema;
use crate::diag::Diagnostic;
use crate::model::{Model, Query};
use crate::truth::Scm;

/// Narrower bounds than this are as good as an answer.
const SMALLEST_WIDTH: f64 = 0.01;
/// The most joint values of a model whose truth block is looked at.
const MAX_CELLS: f64 = 65_536.0;
/// Messages for one query.
const MAX_MESSAGES: usize = 4;

/// W0507 for each intervention of an identified query whose formula has no value on the rows of the data sets.
pub fn unsupported(model: &Model, query: &Query, found: &Evaluation) -> Vec<Diagnostic> {
    let Ok(rows) = &found.data else { return vec![] };
    let messages = undefined(query, rows).into_iter().filter_map(|row| message(model, query, found, row));
    messages.take(MAX_MESSAGES).collect()
}

/// W0507 where the exact distributions of the truth block give the formula no value, so that no number of rows drawn
/// from it would; nothing for models of more than 65,536 joint values, or where the answer is not known exactly.
pub fn unsupported_by_truth(model: &Model, schemas: &[Schema], query: &Query, truth: &Scm) -> Vec<Diagnostic> {
    let cells = (0..model.variables.len()).map(|v| model.card(v).unwrap_or(1) as f64).product::<f64>();
    if cells > MAX_CELLS {
        return vec![];
    }
    let found = evaluate(model, schemas, query, Known::Declared, &[], Some(truth));
    let Some(Ok(rows)) = &found.truth else { return vec![] };
    let message = |row: &Row| {
        let condition = condition(model, query, row);
        let needed = gaps_of(std::slice::from_ref(row))
            .first()
            .map(|(gap, _)| values_text(model, &Seen::list(model, &sorted(&gap.given))));
        let needed = needed.unwrap_or_else(|| "its values".to_owned());
        Diagnostic::new("W0507", format!("{condition} has no full support in the ground truth"))
            .label(query.span, format!("`{}` needs rows with {needed}: the truth block gives none", query.name))
            .note(
                "however many rows are drawn from it, they do not fix the answer; `dcmc identify --evaluate` bounds it",
            )
    };
    undefined(query, rows).into_iter().take(MAX_MESSAGES).map(message).collect()
}

/// The first row without a value for each setting.
fn undefined<'a>(query: &Query, rows: &'a [Row]) -> Vec<&'a Row> {
    let missing = |row: &&Row| row.value.is_none() && !(row.interventions.is_empty() && named(query).is_empty());
    let mut settings: Vec<&Row> = vec![];
    for row in rows.iter().filter(missing) {
        if !settings.iter().any(|s| (&s.interventions, &s.given) == (&row.interventions, &row.given)) {
            settings.push(row);
        }
    }
    settings
}

/// The variables that a query sets.
fn named(query: &Query) -> Vec<usize> {
    use crate::model::QueryKind::{Distribution, Expectation};
    let terms: Vec<&crate::model::Term> = match &query.kind {
        Distribution(term) => vec![term],
        Expectation { terms, .. } => terms.iter().map(|(_, term)| term).collect(),
        _ => vec![],
    };
    terms.iter().flat_map(|t| &t.interventions).map(|(v, _)| *v).collect()
}

fn message(model: &Model, query: &Query, found: &Evaluation, row: &Row) -> Option<Diagnostic> {
    let alike = |i: &&Interval| (&i.interventions, &i.given) == (&row.interventions, &row.given);
    let bounds = found.bounds.iter().flatten().filter(alike);
    let widest = bounds.max_by(|a, b| (a.high - a.low).total_cmp(&(b.high - b.low)));
    if widest.is_some_and(|i| i.high - i.low < SMALLEST_WIDTH) {
        return None;
    }
    let condition = condition(model, query, row);
    let gaps = gaps_of(std::slice::from_ref(row));
    let needed = |(gap, data): &(super::Gap, String)| {
        let given = sorted(&gap.given);
        let rows = gap.rows.map_or(String::new(), |rows| format!(" (0 of the {rows} of {data})"));
        format!("{}{rows}", values_text(model, &Seen::list(model, &given)))
    };
    let first = gaps.first().map_or_else(|| "its values".to_owned(), needed);
    let mut message = Diagnostic::new("W0507", format!("{condition} has no full support in the data"))
        .label(query.span, format!("`{}` needs rows with {first}: there is none", query.name));
    if gaps.len() > 1 {
        let others: Vec<String> = gaps[1..].iter().map(needed).collect();
        message = message.note(format!("nor with {}", others.join("; nor with ")));
    }
    match (widest, &found.bounds) {
        (Some(interval), _) => {
            Some(message.note(format!("the data bound the answer, they do not fix it: {}", interval.sentence(model))))
        }
        (None, Err(why)) => Some(message.note(format!("the data do not fix the answer; no bounds: {why}"))),
        (None, Ok(_)) => Some(message.note("the data do not fix the answer")),
    }
}

/// The setting that a row is about.
fn condition(model: &Model, query: &Query, row: &Row) -> String {
    match (row.interventions.is_empty(), row.given.is_empty()) {
        (true, _) => format!("`{}`", query.name),
        (false, true) => format!("do({})", values_text(model, &row.interventions)),
        (false, false) => {
            format!("do({}), {}", values_text(model, &row.interventions), values_text(model, &row.given))
        }
    }
}

fn sorted(values: &[(usize, u32)]) -> Vec<(usize, u32)> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values
}
