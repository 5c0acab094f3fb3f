//! Names that must stand in backquotes: `political-inequality -> growth`.

use super::repair::reads_with;
use crate::diag::{Diagnostic, Edit, Span};
use crate::syntax::spell;
use std::ops::Range;

/// E0105 for the first name of a statement about the graph that is none, with the repair of all of them;
/// `code` is the statement with spaces in the place of comments and `_` in that of strings and backquoted names.
pub(super) fn invalid_name(source: &str, code: &str, start: usize) -> Option<Diagnostic> {
    let part = part_with_names(code)?;
    let mut invalid = vec![];
    for range in pieces(&code[..part]) {
        let written = &source[range.clone()];
        if spell(written) == written || code[range.clone()].chars().all(|c| matches!(c, '_' | ' ')) {
            continue;
        }
        if !written.chars().all(may_be_meant) {
            return None;
        }
        invalid.push((range, written));
    }
    let (first, name) = invalid.first()?;
    let why = match name.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '_' | '\''))) {
        Some(' ') => "a name is one word".to_owned(),
        Some(c) => format!("`{c}` cannot be part of a plain name"),
        None => "a plain name begins with a letter".to_owned(),
    };
    let edit = |(range, name): &(Range<usize>, &str)| {
        let span = Span::new(start + range.start, start + range.end);
        Edit { span, text: spell(name) }
    };
    let found = Diagnostic::new("E0105", format!("`{name}` is not a plain name"))
        .label(Span::new(start + first.start, start + first.end), why)
        .help(format!("put it in backquotes: {}", spell(name)));
    let edits: Vec<Edit> = invalid.iter().map(edit).collect();
    let repaired = reads_with(source, start, &edits);
    repaired.then(|| found.fix_all(format!("write {}", spell(name)), edits))
}

/// How much of a statement holds names of variables: all of a chain of edges, a declaration up to its `:`.
fn part_with_names(code: &str) -> Option<usize> {
    let arrow = code.contains("->") || code.contains("<-") || code.contains(['→', '←', '↔']);
    match code.find(':') {
        Some(colon) => Some(colon),
        None => arrow.then_some(code.len()),
    }
}

/// The texts between arrows, braces and commas.
fn pieces(code: &str) -> Vec<Range<usize>> {
    let (mut pieces, mut from, mut at) = (vec![], 0, 0);
    while at < code.len() {
        let rest = &code[at..];
        let symbols = ["<->", "->", "<-", "→", "←", "↔", "{", "}", ",", ";", "\n"];
        match symbols.iter().find(|s| rest.starts_with(**s)) {
            Some(symbol) => {
                pieces.push(from..at);
                at += symbol.len();
                from = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    pieces.push(from..code.len());
    let trimmed = |piece: Range<usize>| {
        let text = &code[piece.clone()];
        let start = piece.start + (text.len() - text.trim_start().len());
        start..start + text.trim().len()
    };
    pieces.into_iter().map(trimmed).filter(|p| !p.is_empty()).collect()
}

/// Characters of names people use elsewhere; others are more likely a mistake of another kind.
fn may_be_meant(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | '\'' | '-' | '.' | ' ' | '/' | '%' | '&' | '+' | '*' | '$' | '@' | '!' | '?')
}
