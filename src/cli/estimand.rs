//! The formula of an identified query on the rows of the data sets, beside the trained model's answer.

use crate::identification::{Evaluation, Finding, Row};
use crate::model::{Model, VarId};
use crate::query::answer::{self, Answer, Assignment};

/// Puts beside `answer` what the formula gives, where it is defined for each of the answer's rows.
pub(super) fn beside(model: &Model, finding: &Finding, found: &Evaluation, answer: &mut Answer) {
    let (Ok(rows), Some(text)) = (&found.data, finding.formula(model)) else { return };
    let rows: Option<Vec<answer::Row>> = rows.iter().map(|row| named(model, row, found.mean)).collect();
    answer.estimand = rows.and_then(|rows| answer.by_formula(text, &rows));
}

fn named(model: &Model, row: &Row, mean: bool) -> Option<answer::Row> {
    let names = |values: &[(VarId, u32)]| -> Assignment {
        let value = |&(v, code): &(VarId, u32)| Some((model.name(v).to_owned(), model.value(v, code)?));
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
