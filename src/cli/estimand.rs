//! What the rows of the data sets say themselves, beside the trained model's answer: the formula of an identified query, the bounds
//! of another.

use crate::identification::{Evaluation, Finding, Interval, Row, Seen};
use crate::model::Model;
use crate::query::answer::{self, Answer, Assignment, Limits};

/// Puts beside `answer` what the formula gives, where it is defined for each of the answer's rows, or the bounds.
pub(super) fn beside(model: &Model, finding: &Finding, found: &Evaluation, answer: &mut Answer) {
    if finding.identifiable() == Some(false) {
        answer.bounds = found.bounds.as_ref().ok().and_then(|bounds| limits(model, bounds, answer));
        return;
    }
    let (Ok(rows), Some(text)) = (&found.data, finding.formula(model)) else { return };
    let rows: Option<Vec<answer::Row>> = rows.iter().map(|row| named(model, row, found.mean)).collect();
    answer.estimand = rows.and_then(|rows| answer.by_formula(text, &rows));
}

fn limits(model: &Model, bounds: &[Interval], answer: &Answer) -> Option<Vec<Limits>> {
    let rows = bounds.iter().map(|i| about(model, [&i.interventions, &i.given, &i.outcome])).collect::<Vec<_>>();
    let limits = |at: usize| {
        let Interval { low, high, .. } = bounds[at];
        Limits { low, high, method: bounds[at].method_name().to_owned() }
    };
    Some(answer.places(&rows)?.into_iter().map(limits).collect())
}

fn named(model: &Model, row: &Row, mean: bool) -> Option<answer::Row> {
    let (p, value) = if mean { (None, Some(row.value?)) } else { (Some(row.value?), None) };
    Some(answer::Row { p, value, ..about(model, [&row.interventions, &row.given, &row.outcome]) })
}

/// A row that is about these values: set, known and asked for.
fn about(model: &Model, parts: [&[Seen]; 3]) -> answer::Row {
    let [interventions, given, outcome] = parts.map(|values| -> Assignment {
        let value = |seen: &Seen| Some((seen.name.clone(), model.domain(seen.variable)?.value(seen.code)));
        values.iter().filter_map(value).collect()
    });
    answer::Row { interventions, given, outcome, ..answer::Row::default() }
}
