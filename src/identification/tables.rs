//! Numbers of formulas as tables: for people and as JSON.

use super::estimate::Gap;
use super::evaluate::{Evaluation, Row, Seen, gaps_of};
use crate::model::{Model, VarId};
use serde_json::{Map, Value, json};

/// A table of texts, the first row its heading; what is said below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sheet {
    /// The rows, equally long.
    pub rows: Vec<Vec<String>>,
    /// Sentences below the table.
    pub notes: Vec<String>,
}

impl Sheet {
    /// The table with its columns aligned, each line indented by `indent` spaces.
    pub fn text(&self, indent: usize) -> String {
        let width = |text: &String| text.chars().count();
        let columns = self.rows.first().map_or(0, Vec::len);
        let widths: Vec<usize> =
            (0..columns).map(|c| self.rows.iter().map(|row| width(&row[c])).max().unwrap_or(0)).collect();
        let mut out = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &wide))| {
                let space = " ".repeat(wide - width(cell));
                if column == 0 { format!("{cell}{space}") } else { format!("{space}{cell}") }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            out += &format!("{}{}\n", " ".repeat(indent), line.trim_end());
        }
        self.notes.iter().for_each(|note| out += &format!("{}{note}\n", " ".repeat(indent)));
        out
    }
}

/// `X = 1, Z = b`.
pub(super) fn values_text(model: &Model, values: &[Seen]) -> String {
    let one = |seen: &Seen| format!("{} = {}", seen.name, value_text(model, seen.variable, seen.code));
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn value_text(model: &Model, variable: VarId, code: u32) -> String {
    model.value_text(variable, code).unwrap_or_else(|| code.to_string())
}

/// What a number is about: `P(Y = 1 | do(X = 0), Z = 1)`, and for means, which have no outcome, the condition alone.
pub(super) fn about(model: &Model, interventions: &[Seen], given: &[Seen], outcome: &[Seen]) -> String {
    let mut condition = vec![];
    if !interventions.is_empty() {
        condition.push(format!("do({})", values_text(model, interventions)));
    }
    if !given.is_empty() {
        condition.push(values_text(model, given));
    }
    match (outcome.is_empty(), condition.is_empty()) {
        (true, _) => condition.join(", "),
        (false, true) => format!("P({})", values_text(model, outcome)),
        (false, false) => format!("P({} | {})", values_text(model, outcome), condition.join(", ")),
    }
}

/// A number as it is printed.
pub(super) fn number(value: f64) -> String {
    format!("{value:.6}")
}

/// The numbers side by side.
pub(super) fn sheet(model: &Model, found: &Evaluation) -> Sheet {
    let lists = [
        ("from the data", Some(&found.data)),
        ("from the truth", found.truth.as_ref()),
        ("the truth itself", found.exact.as_ref()),
    ];
    let mut sheet = Sheet::default();
    let mut columns = vec![];
    let mut reasons: Vec<(&String, Vec<&str>)> = vec![];
    for (name, list) in lists.into_iter().filter_map(|(name, list)| Some((name, list?))) {
        match list {
            Ok(rows) => columns.push((name, rows)),
            Err(why) => match reasons.iter_mut().find(|(known, _)| *known == why) {
                Some((_, names)) => names.push(name),
                None => reasons.push((why, vec![name])),
            },
        }
    }
    sheet.notes.extend(reasons.iter().map(|(why, names)| format!("{}: no numbers: {why}", names.join(" and "))));
    let Some((_, first)) = columns.first() else { return sheet };
    let heading = if found.mean { "mean" } else { "probability" };
    sheet.rows.push(std::iter::once(heading).chain(columns.iter().map(|c| c.0)).map(str::to_owned).collect());
    for (at, row) in first.iter().enumerate() {
        let cell = |(_, rows): &(&str, &Vec<Row>)| rows[at].value.map_or_else(|| "undefined".to_owned(), number);
        let about = about(model, &row.interventions, &row.given, &row.outcome);
        let about = if about.is_empty() { "mean".to_owned() } else { about };
        sheet.rows.push(std::iter::once(about).chain(columns.iter().map(cell)).collect());
    }
    for (name, rows) in &columns {
        for (gap, source) in gaps_of(rows) {
            sheet.notes.push(format!("{name}: {}", gap_text(model, &gap, &source)));
        }
        let mut chosen: Vec<String> = rows
            .iter()
            .filter(|r| !r.chosen.is_empty())
            .map(|r| values_text(model, &Seen::list(model, &r.chosen)))
            .collect();
        chosen.sort();
        chosen.dedup();
        for values in chosen {
            sheet.notes.push(format!("{name}: taken at {values}; with unlimited rows any value gives the same"));
        }
    }
    sheet
}

fn gap_text(model: &Model, gap: &Gap, source: &str) -> String {
    let names = |set: &[VarId]| set.iter().map(|&v| model.name(v)).collect::<Vec<_>>().join(", ");
    let given = values_text(model, &Seen::list(model, &gap.given));
    match (gap.source, gap.rows) {
        (None, _) if gap.of.is_empty() => format!("the divisor is 0 at {given}"),
        (None, _) => format!("{given} has no probability"),
        (Some(_), Some(rows)) => {
            format!(
                "no support for the distribution of {} given {given}: 0 of the {rows} rows of {source}",
                names(&gap.of)
            )
        }
        (Some(_), None) => {
            format!(
                "no support for the distribution of {} given {given}, which has no probability in {source}",
                names(&gap.of)
            )
        }
    }
}

/// The numbers as JSON: `data`, `truth` and `exact`, each a list of rows like those of `dcmc run`, or null.
pub(super) fn json(model: &Model, found: &Evaluation) -> Value {
    let list = |list: Option<&Result<Vec<Row>, String>>| match list {
        Some(Ok(rows)) => rows.iter().map(|row| row_json(model, row, found.mean)).collect(),
        _ => Value::Null,
    };
    let lists = [("data", Some(&found.data)), ("truth", found.truth.as_ref()), ("exact", found.exact.as_ref())];
    let mut object: Map<String, Value> = lists.iter().map(|(name, rows)| ((*name).to_owned(), list(*rows))).collect();
    let why = lists.iter().filter_map(|(name, rows)| Some((*name, rows.as_ref()?.as_ref().err()?)));
    let why: Map<String, Value> = why.map(|(name, why)| (name.to_owned(), json!(why))).collect();
    object.insert("missing".to_owned(), Value::Object(why));
    Value::Object(object)
}

fn row_json(model: &Model, row: &Row, mean: bool) -> Value {
    let mut object = Map::new();
    object.insert("do".to_owned(), assignment(model, &row.interventions));
    object.insert("given".to_owned(), assignment(model, &row.given));
    if !mean {
        object.insert("outcome".to_owned(), assignment(model, &row.outcome));
    }
    object.insert(if mean { "value" } else { "p" }.to_owned(), json!(row.value));
    if !row.chosen.is_empty() {
        object.insert("chosen".to_owned(), assignment(model, &Seen::list(model, &row.chosen)));
    }
    if !row.gaps.is_empty() {
        let gap = |gap: &Gap| {
            let of: Vec<&str> = gap.of.iter().map(|&v| model.name(v)).collect();
            let data = gap.source.and_then(|at| row.sources.get(at));
            json!({ "data": data, "of": of, "given": assignment(model, &Seen::list(model, &gap.given)), "rows": gap.rows })
        };
        object.insert("no_support".to_owned(), row.gaps.iter().map(gap).collect());
    }
    Value::Object(object)
}

/// Values by the variables' names, as JSON.
pub(super) fn assignment(model: &Model, values: &[Seen]) -> Value {
    let value = |v: VarId, code: u32| model.value(v, code).map_or(json!(code), |value| json!(value));
    Value::Object(values.iter().map(|seen| (seen.name.clone(), value(seen.variable, seen.code))).collect())
}
