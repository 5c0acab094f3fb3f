//! Repairs of statements that cannot be read.

use crate::diag::{Diagnostic, Edit, Span};
use crate::syntax::grammar::{Rule, ScmParser};
use pest::Parser;

/// Adds a repair of a statement, if the statement can be read after it; `written` is what it writes.
pub(super) fn repair(
    found: Diagnostic,
    source: &str,
    start: usize,
    edits: Vec<(std::ops::Range<usize>, String)>,
    written: &str,
) -> Diagnostic {
    if !reads_after(source, &edits) {
        return found;
    }
    let edit = |(range, text): (std::ops::Range<usize>, String)| Edit {
        span: Span::new(start + range.start, start + range.end),
        text,
    };
    let edits = edits.into_iter().map(edit).collect();
    found.fix_all(format!("write `{written}`"), edits)
}

/// Whether the statement is a program after edits, which stand in order and apart.
pub(super) fn reads_after(source: &str, edits: &[(std::ops::Range<usize>, String)]) -> bool {
    let mut text = source.to_owned();
    for (range, new) in edits.iter().rev() {
        text.replace_range(range.clone(), new);
    }
    reads(&text)
}

/// Whether the statement `source` at `start` is a program after the edits.
pub(super) fn reads_with(source: &str, start: usize, edits: &[Edit]) -> bool {
    let mut text = source.to_owned();
    for edit in edits.iter().rev() {
        text.replace_range(edit.span.start - start..edit.span.end - start, &edit.text);
    }
    reads(&text)
}

/// Whether a text is a program, as far as its form goes.
pub(super) fn reads(text: &str) -> bool {
    let unknown = |rule| matches!(rule, Rule::unknown | Rule::truth_unknown);
    ScmParser::parse(Rule::file, text).is_ok_and(|file| !file.flatten().any(|node| unknown(node.as_rule())))
}
