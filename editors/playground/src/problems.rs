//! Diagnostics as the page shows them.

use crate::units::Units;
use dcmc::diag::fix::place;
use dcmc::diag::{Diagnostic, Fix, Label, Sources};
use dcmc::ide::Analysis;
use serde_json::{Value, json};

/// Each with its places and repairs in UTF-16 units of the text, lines and columns from 1.
pub fn problems(analysis: &Analysis, diagnostics: &[Diagnostic]) -> Vec<Value> {
    diagnostics.iter().map(|found| problem(analysis, found)).collect()
}

fn problem(analysis: &Analysis, found: &Diagnostic) -> Value {
    let sources = &analysis.program.sources;
    let labels: Vec<Value> = found.labels.iter().filter_map(|l| label(sources, l)).collect();
    let fixes: Vec<Value> = found.fixes.iter().filter_map(|f| fix(sources, f)).collect();
    json!({
        "code": found.code,
        "severity": found.severity,
        "message": found.message,
        "labels": labels,
        "notes": found.notes,
        "helps": found.helps,
        "fixes": fixes,
    })
}

fn label(sources: &Sources, label: &Label) -> Option<Value> {
    let (file, range) = sources.locate(label.span).filter(|(file, _)| file.start == 0)?;
    let mut units = Units::of(&file.text);
    let (start, end) = (units.at(range.start), units.at(range.end));
    let (line, column) = file.line_and_column(range.start);
    Some(json!({ "start": start, "end": end, "line": line, "column": column, "message": label.message }))
}

/// The repair; `None` if it changes another file.
fn fix(sources: &Sources, fix: &Fix) -> Option<Value> {
    let text = &sources.files().first()?.text;
    let placed = place(fix, sources)?;
    let home = placed.iter().all(|(name, ..)| sources.files().first().is_some_and(|f| f.name == *name));
    let mut units = Units::of(text);
    let edits = placed
        .into_iter()
        .map(|(_, range, text)| json!({ "start": units.at(range.start), "end": units.at(range.end), "text": text }));
    let edits: Vec<Value> = edits.collect();
    home.then(|| json!({ "title": fix.title, "edits": edits }))
}
