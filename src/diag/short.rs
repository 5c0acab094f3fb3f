//! One line for each diagnostic, as compilers and editors' error lists have it.

use super::{Diagnostic, Sources};

/// `file:line:column: error[E0301]: message` for each; what has no place begins with the severity.
pub(super) fn render(diagnostics: &[&Diagnostic], sources: &Sources) -> String {
    diagnostics.iter().map(|d| line(d, sources)).collect()
}

fn line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let place = diagnostic.labels.first().and_then(|label| sources.locate(label.span));
    let place = place.map_or(String::new(), |(file, range)| {
        let (line, column) = file.line_and_column(range.start);
        format!("{}:{line}:{column}: ", file.name)
    });
    format!("{place}{}[{}]: {}\n", diagnostic.severity.word(), diagnostic.code, diagnostic.message.replace('\n', " "))
}
