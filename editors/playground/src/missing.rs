//! A page has no files: what a model names is taken for granted, and said.

use dcmc::data::Schema;
use dcmc::diag::{Diagnostic, Severity};
use dcmc::ide::Analysis;
use dcmc::model::{Regime, Source, VarId};

/// A data file that cannot be read, an image collection or an import that is not there.
const UNREADABLE: [&str; 2] = ["E0501", "E0205"];

/// Takes data files for what the model says of them: each holds the columns it names, or all variables. So graph, plan
/// and formulas are there; numbers are not.
pub fn assume_files(analysis: &mut Analysis) {
    let known = std::mem::take(&mut analysis.schemas);
    let diagnostics = &mut analysis.program.diagnostics;
    let variables = analysis.program.model.variables.len();
    for regime in &analysis.program.model.regimes {
        if let Some(schema) = known.iter().find(|s| s.name == regime.name) {
            analysis.schemas.push(schema.clone());
            continue;
        }
        analysis.schemas.push(Schema { name: regime.name.clone(), observed: observed(regime, variables) });
        for found in diagnostics.iter_mut().filter(|d| is_of_file(d, regime)) {
            assumed(found, regime);
        }
    }
    for found in diagnostics.iter_mut().filter(|d| d.is_error() && UNREADABLE.contains(&d.code)) {
        found.notes.retain(|note| !note.starts_with("looked for"));
        found.helps =
            vec!["the playground holds one text and reads no files: write here what the file would say".to_owned()];
    }
}

/// The variables that a data set may be expected to hold, ascending.
fn observed(regime: &Regime, variables: usize) -> Vec<VarId> {
    let Some(columns) = &regime.columns else { return (0..variables).collect() };
    let set = regime.interventions.iter().map(|(variable, _)| *variable);
    let mut observed: Vec<VarId> = columns.iter().map(|c| c.variable).chain(set).collect();
    observed.sort_unstable();
    observed.dedup();
    observed
}

fn is_of_file(found: &Diagnostic, regime: &Regime) -> bool {
    let Source::File { span, .. } = &regime.source else { return false };
    found.code == "E0501" && found.labels.first().is_some_and(|label| label.span == *span)
}

fn assumed(found: &mut Diagnostic, regime: &Regime) {
    let Source::File { path, .. } = &regime.source else { return };
    let holds = if regime.columns.is_some() { "the columns that it names" } else { "every variable of the model" };
    found.severity = Severity::Note;
    found.message = format!("the playground reads no files: `{path}` is taken to hold {holds}");
    found.notes = vec!["graph, plan and formulas need no more".to_owned()];
    found.helps = vec![format!(
        "for numbers write a `truth` block and `data {} = simulate(truth, n: 1000)`, or run `dcmc` where the file is",
        regime.name
    )];
}
