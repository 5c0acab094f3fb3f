//! Data sets drawn from the truth block.

use super::Table;
use crate::diag::Diagnostic;
use crate::model::{Model, Regime, Source, VarId};

/// The variables a simulated data set holds, ascending.
///
/// # Errors
/// E0502 where the statement names columns of a file that is not there.
pub fn observed(model: &Model, regime: &Regime) -> Result<Vec<VarId>, Vec<Diagnostic>> {
    let filter = regime.filter.iter().flat_map(|f| f.terms.first()).map(|t| ("where", t.span));
    let weight = regime.weight.iter().map(|(_, span)| ("weight", *span));
    let errors: Vec<Diagnostic> = filter
        .chain(weight)
        .map(|(word, span)| {
            Diagnostic::new("E0502", format!("a simulated data set has no columns for `{word}`"))
                .label(span, "needs a file")
                .label(regime.span, "simulated")
        })
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let Some(bindings) = &regime.columns else { return Ok((0..model.variables.len()).collect()) };
    let set = regime.interventions.iter().map(|(variable, _)| *variable);
    let mut observed: Vec<VarId> = bindings.iter().map(|b| b.variable).chain(set).collect();
    observed.sort_unstable();
    observed.dedup();
    Ok(observed)
}

/// The rows of a simulated data set; without a seed of its own it has the stream `data/NAME` of `seed`.
///
/// # Errors
/// Where the truth block cannot be drawn from.
pub fn table(model: &Model, regime: &Regime, seed: u64) -> Result<Table, Vec<Diagnostic>> {
    let observed = observed(model, regime)?;
    let Source::Simulate { rows, seed: own } = regime.source else { return Ok(Table::default()) };
    let seed = own.unwrap_or_else(|| crate::seed::derive(seed, &format!("data/{}", regime.name)));
    let mut columns = draw(model, regime, rows, seed).map_err(|error| vec![error])?;
    for (variable, column) in columns.iter_mut().enumerate() {
        if !observed.contains(&variable) {
            *column = None;
        }
    }
    Ok(Table { name: regime.name.clone(), rows, columns, weights: None })
}

/// The one place that draws from the truth block.
fn draw(model: &Model, regime: &Regime, rows: usize, seed: u64) -> Result<Vec<Option<Vec<u32>>>, Diagnostic> {
    let _ = (rows, seed);
    let message = match model.truth {
        None => format!("data set `{}` is simulated, but the model has no truth block", regime.name),
        Some(_) => format!("cannot draw data set `{}`: the truth block does not simulate yet", regime.name),
    };
    Err(Diagnostic::new("E0501", message).label(regime.span, "simulated"))
}
