//! BIF, the Interchange Format of Bayesian networks.

use crate::model::{Model, Value, VarId};
use crate::truth::{Scm, written};

/// The ground truth as a BIF file, for bnlearn, pgmpy and others. Probabilities are those written in the
/// truth block, where it holds them, else the computed ones.
///
/// # Errors
/// Why the model is no Bayesian network over its observed variables, or which name BIF cannot hold.
pub fn bif(model: &Model, truth: &Scm) -> Result<String, String> {
    refuse_hidden(model)?;
    let title = model.title.as_deref().unwrap_or("unknown");
    let mut text = format!("network {} {{\n}}\n", word(title)?);
    for variable in 0..model.variables.len() {
        let labels: Result<Vec<String>, String> =
            values(model, variable).iter().map(|v| word(&v.to_string())).collect();
        let labels = labels?;
        let (name, count) = (word(model.name(variable))?, labels.len());
        text += &format!("variable {name} {{\n  type discrete [ {count} ] {{ {} }};\n}}\n", labels.join(", "));
    }
    for variable in 0..model.variables.len() {
        text += &probability(model, truth, variable)?;
    }
    Ok(text)
}

fn refuse_hidden(model: &Model) -> Result<(), String> {
    if let Some(hidden) = written::hidden(model) {
        return Err(format!("BIF has no hidden variables, and the truth block draws `{hidden}`"));
    }
    match model.latents.iter().map(|l| &l.children[..]).find(|children| children.len() > 1) {
        Some([a, b, ..]) => {
            let (a, b) = (model.name(*a), model.name(*b));
            Err(format!("BIF has no hidden common causes, and the graph has one of `{a}` and `{b}`"))
        }
        _ => Ok(()),
    }
}

fn values(model: &Model, variable: VarId) -> Vec<Value> {
    let codes = 0..model.card(variable).unwrap_or(0) as u32;
    model.domain(variable).map(|domain| codes.map(|code| domain.value(code)).collect()).unwrap_or_default()
}

/// `probability ( X | A, B ) { … }` with all causes of the graph, also those that the truth does not use.
fn probability(model: &Model, truth: &Scm, variable: VarId) -> Result<String, String> {
    let name = model.name(variable);
    let (used, table) = truth.table(variable).ok_or_else(|| format!("`{name}` depends on a hidden variable"))?;
    let mut causes = used.clone();
    causes.extend(model.graph.parents(variable).iter().filter(|p| !used.contains(p)));
    let values: Vec<Vec<Value>> = causes.iter().map(|&c| values(model, c)).collect();
    let card = model.card(variable).unwrap_or(0);
    let names: Result<Vec<String>, String> = causes.iter().map(|&c| word(model.name(c))).collect();
    let mut text = match &names?[..] {
        [] => format!("probability ( {} ) {{\n", word(name)?),
        names => format!("probability ( {} | {} ) {{\n", word(name)?, names.join(", ")),
    };
    for cell in 0..values.iter().map(Vec::len).product() {
        let digits = digits(cell, &values);
        let key: Vec<&Value> = digits.iter().zip(&values).map(|(&d, values)| &values[d]).collect();
        let row = digits.iter().zip(&values).take(used.len()).fold(0, |row, (d, values)| row * values.len() + d);
        let computed = &table[row * card..(row + 1) * card];
        let row = written::probabilities(model, name, &key).filter(|row| alike(row, computed));
        let row = row.unwrap_or_else(|| computed.to_vec());
        let numbers: Vec<String> = row.iter().map(|p| format!("{p:?}")).collect();
        let labels: Result<Vec<String>, String> = key.iter().map(|v| word(&v.to_string())).collect();
        let start = if causes.is_empty() { "table".to_owned() } else { format!("({})", labels?.join(", ")) };
        text += &format!("  {start} {};\n", numbers.join(", "));
    }
    Ok(text + "}\n")
}

/// The values of the causes in the table's `cell`; the last varies fastest.
fn digits(mut cell: usize, values: &[Vec<Value>]) -> Vec<usize> {
    let mut digits = vec![0; values.len()];
    for (digit, values) in digits.iter_mut().zip(values).rev() {
        *digit = cell % values.len();
        cell /= values.len();
    }
    digits
}

/// Whether the numbers are the same but for making them add up to exactly 1.
fn alike(written: &[f64], computed: &[f64]) -> bool {
    written.len() == computed.len() && written.iter().zip(computed).all(|(a, b)| (a - b).abs() < 2e-6)
}

/// A word of the format, in quotes where it needs them.
fn word(text: &str) -> Result<String, String> {
    if text.contains(['"', '\n', '\r']) {
        return Err(format!("BIF cannot hold the name `{}`: rename it", text.escape_debug()));
    }
    let apart = |c: char| c.is_whitespace() || "{}()[],;|".contains(c);
    let plain = !text.is_empty() && !text.contains(apart) && !text.starts_with("//") && !text.starts_with("/*");
    Ok(if plain { text.to_owned() } else { format!("\"{text}\"") })
}
