//! From a name to where it is defined and used.

use super::{Analysis, Occurrence, Role, Space};
use crate::diag::Span;

/// Where the name at a byte is defined: its declaration or, without one, where it is first named. At an import's path,
/// the file.
pub fn definition(analysis: &Analysis, at: usize) -> Option<Span> {
    let imports = &analysis.program.ast.imports;
    if let Some(file) = imports.iter().find(|i| i.path.span.start <= at && at <= i.path.span.end) {
        return Some(Span::new(file.start, file.start));
    }
    let asked = analysis.occurrence(at).filter(|o| o.space != Space::Function && o.space != Space::Setting)?;
    same(analysis, asked).min_by_key(|o| (o.role, o.span)).map(|o| o.span)
}

/// Every place of the name at a byte, in the model file and in what it takes from other files; without its
/// declarations, if `uses_only`.
pub fn references(analysis: &Analysis, at: usize, uses_only: bool) -> Vec<Span> {
    let Some(asked) = analysis.occurrence(at) else { return vec![] };
    same(analysis, asked).filter(|o| !uses_only || o.role != Role::Declaration).map(|o| o.span).collect()
}

/// As [`references`], in the model file alone, each with whether the name is defined there.
pub fn highlights(analysis: &Analysis, at: usize) -> Vec<(Span, bool)> {
    let Some(asked) = analysis.occurrence(at) else { return vec![] };
    let here = same(analysis, asked).filter(|o| analysis.is_home(o.span));
    here.map(|o| (o.span, matches!(o.role, Role::Declaration | Role::Equation))).collect()
}

fn same<'a>(analysis: &'a Analysis, asked: &'a Occurrence) -> impl Iterator<Item = &'a Occurrence> {
    analysis.occurrences().iter().filter(move |o| o.space == asked.space && o.name == asked.name)
}
