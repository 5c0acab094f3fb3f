//! What stands in a truth block, before it is turned into tables.

use crate::model::{Model, Value};
use crate::syntax::ast::{Binary, Expr, ExprKind, TableRow, TruthEntry};

/// The names of the variables with an equation, hidden ones among them.
pub fn equations(model: &Model) -> impl Iterator<Item = &str> {
    model.truth.iter().flat_map(|block| &block.entries).filter_map(|entry| match entry {
        TruthEntry::Type(..) => None,
        TruthEntry::Equation { name, .. } | TruthEntry::Table { name, .. } => Some(&name.value[..]),
    })
}

/// The first hidden variable that the truth block draws.
pub fn hidden(model: &Model) -> Option<&str> {
    equations(model).find(|name| model.id(name).is_none())
}

/// The probabilities of `variable` for these values of its causes as they stand in a `table(…)` or
/// `categorical(…)`, before they are made to add up to exactly 1; `None` for other equations.
pub fn probabilities(model: &Model, variable: &str, causes: &[&Value]) -> Option<Vec<f64>> {
    model.truth.as_ref()?.entries.iter().find_map(|entry| match entry {
        TruthEntry::Equation { name, expr, .. } if name.value == variable => categorical(expr),
        TruthEntry::Table { name, rows, .. } if name.value == variable => {
            rows.iter().find(|row| is_about(row, causes)).map(|row| row.probabilities.clone())
        }
        _ => None,
    })
}

/// Whether a row of a table is about these values of the causes; the first that is counts.
fn is_about(row: &TableRow, causes: &[&Value]) -> bool {
    row.key.iter().zip(causes).all(|(written, value)| {
        let text = written.value.text();
        text == "_" || text == "else" || text == value.to_string()
    })
}

/// The numbers of `categorical(0.1, 0.9)`, also with a number added to it.
fn categorical(expr: &Expr) -> Option<Vec<f64>> {
    match &expr.kind {
        ExprKind::Call(name, arguments) if name.value == "categorical" => {
            arguments.iter().map(|a| if let ExprKind::Number(n) = a.value.kind { Some(n) } else { None }).collect()
        }
        ExprKind::Binary(Binary::Add | Binary::Sub, left, _) => categorical(left),
        _ => None,
    }
}
