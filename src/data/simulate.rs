//! Data sets drawn from the truth block.

use super::Table;
use crate::diag::Diagnostic;
use crate::model::{Model, Regime, Source, VarId};
use crate::truth::Scm;

/// The variables a simulated data set holds, ascending.
///
/// # Errors
/// E0501 without a truth block, E0502 where the statement names columns of a file that is not there.
pub fn observed(model: &Model, regime: &Regime) -> Result<Vec<VarId>, Vec<Diagnostic>> {
    if model.truth.is_none() {
        let message = format!("data set `{}` is simulated, but there is no truth block", regime.name);
        return Err(vec![
            Diagnostic::new("E0501", message)
                .label(regime.span, "draws from the truth")
                .help("add a `truth { … }` block with an equation for each variable"),
        ]);
    }
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
    let drawn = |v: &VarId| model.domain(*v).is_none_or(|d| d.cardinality().is_some());
    let Some(bindings) = &regime.columns else { return Ok((0..model.variables.len()).filter(drawn).collect()) };
    let set = regime.interventions.iter().map(|(variable, _)| *variable);
    let mut observed: Vec<VarId> = bindings.iter().map(|b| b.variable).chain(set).collect();
    observed.sort_unstable();
    observed.dedup();
    Ok(observed)
}

/// The rows of a simulated data set; without a seed of its own it has the stream `data/NAME` of `seed`.
///
/// # Errors
/// Those of [`observed`] and of [`Scm::build`].
pub fn table(model: &Model, regime: &Regime, seed: u64) -> Result<Table, Vec<Diagnostic>> {
    let observed = observed(model, regime)?;
    let Source::Simulate { rows, seed: own } = regime.source else { return Ok(Table::default()) };
    let seed = own.unwrap_or_else(|| crate::seed::derive(seed, &format!("data/{}", regime.name)));
    let Some(truth) = Scm::build(model)? else { return Ok(Table::default()) };
    let drawn = truth.simulate(&regime.interventions, rows, &mut crate::seed::stream(seed, "simulate"));
    let shown = |(variable, codes)| observed.contains(&variable).then_some(codes);
    let columns = drawn.into_iter().enumerate().map(shown).collect();
    Ok(Table { name: regime.name.clone(), rows, columns, weights: None })
}
