//! An answer as columns for a data file (`output effect -> "effect.parquet"`).

use super::sheet::{Role, Sheet};
use crate::data::{Column, Values};
use crate::model::Value;
use crate::query::answer::Answer;

/// The rows of `answer` as columns: `do_X` and `given_X` for what was set and seen, the outcome under its
/// own name, then `p` or `value`, `low`, `high`, and `truth` or `measured` and `formula` where there is one.
pub fn columns(answer: &Answer) -> Vec<Column> {
    let sheet = Sheet::new(answer);
    let mut columns: Vec<Column> = vec![];
    for (at, key) in sheet.keys.iter().enumerate() {
        let name = match key.role {
            Role::Do => format!("do_{}", key.name),
            Role::Given => format!("given_{}", key.name),
            Role::Outcome => key.name.clone(),
        };
        columns.push(Column { name, values: values(sheet.lines.iter().map(|line| line.cells[at].as_ref())) });
    }
    let mut add = |name: &str, values: Vec<Option<f64>>| {
        if values.iter().any(Option::is_some) || name == "p" || name == "value" {
            columns.push(Column { name: name.to_owned(), values: Values::Float(values) });
        }
    };
    let estimate = if answer.kind == "expectation" { "value" } else { "p" };
    add(estimate, sheet.lines.iter().map(|line| Some(line.estimate)).collect());
    add("low", sheet.lines.iter().map(|line| line.interval.map(|i| i.0)).collect());
    add("high", sheet.lines.iter().map(|line| line.interval.map(|i| i.1)).collect());
    let reference = if answer.truth.is_some() { "truth" } else { "measured" };
    add(reference, sheet.lines.iter().map(|line| line.reference).collect());
    add("formula", sheet.lines.iter().map(|line| line.formula).collect());
    columns
}

fn values<'a>(cells: impl Iterator<Item = Option<&'a Value>> + Clone) -> Values {
    let whole = |cell: Option<&Value>| match cell {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    };
    let real = |cell: Option<&Value>| match cell {
        Some(Value::Real(number)) => Some(number.0),
        _ => None,
    };
    match cells.clone().flatten().all(|value| matches!(value, Value::Int(_))) {
        true => Values::Int(cells.map(whole).collect()),
        false if cells.clone().flatten().all(|value| matches!(value, Value::Real(_))) => {
            Values::Float(cells.map(real).collect())
        }
        false => Values::Text(cells.map(|cell| cell.map(Value::to_string)).collect()),
    }
}
