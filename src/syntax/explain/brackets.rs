//! Brackets and strings that are not closed, or nested too deeply.

use super::repair::repair;
use crate::diag::{Diagnostic, Span};

/// Brackets and prefix operators nested deeper than `limit`.
pub(in crate::syntax) fn too_deep(text: &str, limit: usize) -> Option<Diagnostic> {
    let text = &code_only(text);
    let (mut depth, mut prefixes) = (0_usize, 0_usize);
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
    let keyword = |at: usize, word: &str| {
        !text[..at].ends_with(is_word) && text[at..].strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_word))
    };
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            'i' if keyword(at, "if") => prefixes += 1,
            'n' if keyword(at, "not") => prefixes += 1,
            '\n' | ';' if depth == 0 => prefixes = 0,
            _ => {}
        }
        if depth + prefixes > 10 * limit || depth > limit {
            let here = Span::new(at, at + c.len_utf8());
            return Some(
                Diagnostic::new("E0101", "this is nested too deeply")
                    .label(here, format!("more than {limit} levels here"))
                    .help("split it into several statements"),
            );
        }
    }
    None
}

/// A bracket or string that is opened and never closed.
pub(super) fn unclosed(text: &str, place: Span) -> Option<Diagnostic> {
    let source = &text[place.start..place.end];
    let code = code_only(source);
    let mut open: Vec<(usize, char)> = vec![];
    let mut crossed = false;
    for (at, c) in code.char_indices() {
        match c {
            '"' => return Some(unclosed_string(source, &code, at, place.start)),
            '(' | '[' | '{' => open.push((at, c)),
            ')' | ']' | '}' if open.last().is_some_and(|(_, top)| closing(*top) == c) => drop(open.pop()),
            // What is closed here was opened outside of a bracket that is still open.
            ')' | ']' | '}' if open.iter().any(|(_, bracket)| closing(*bracket) == c) => {
                crossed = true;
                break;
            }
            _ => {}
        }
    }
    let &(at, bracket) = open.last()?;
    let title = Diagnostic::new("E0104", format!("this `{bracket}` is never closed"));
    let here = Span::new(place.start + at, place.start + at + 1);
    let found = title.label(here, "opened here").help(format!("add a `{}`", closing(bracket)));
    let missing: String = open.iter().rev().map(|(_, bracket)| closing(*bracket)).collect();
    let end = code.trim_end().len();
    // A `}` further down may be the one that is missed here.
    let clear = !crossed && (!missing.contains('}') || !closes_more(&text[place.end..]));
    Some(match clear {
        true => repair(found, source, place.start, vec![(end..end, missing.clone())], &missing),
        false => found,
    })
}

pub(super) fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// Whether a `}` that nothing opens stands near in the rest of the text.
pub(super) fn closes_more(rest: &str) -> bool {
    const NEAR: usize = 1 << 16;
    let end = (0..=rest.len().min(NEAR)).rev().find(|&at| rest.is_char_boundary(at)).unwrap_or(0);
    let mut depth = 0_i64;
    code_only(&rest[..end]).chars().any(|c| {
        depth += i64::from(c == '{') - i64::from(c == '}');
        depth < 0
    })
}

pub(super) fn unclosed_string(source: &str, code: &str, at: usize, start: usize) -> Diagnostic {
    let found = Diagnostic::new("E0106", "this string is never closed")
        .label(Span::new(start + at, start + at + 1), "opened here")
        .help("close it with `\"` on the same line");
    let line = code[at + 1..].lines().next().unwrap_or("").trim_end();
    // Brackets and such are probably not part of what was meant.
    if line.is_empty() || line.contains(['(', ')', '{', '}', '[', ']', '=', '#', ',']) {
        return found;
    }
    let end = at + 1 + line.len();
    repair(found, source, start, vec![(end..end, "\"".to_owned())], "\"")
}

/// The length of a statement without what follows it: spaces and comments.
pub(in crate::syntax) fn length(statement: &str) -> usize {
    code_only(statement).trim_end().len()
}

/// The statement with spaces in the place of comments and `_` in that of backquoted names and strings; an unclosed
/// string stays.
pub(super) fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let line = || &rest[..rest.find('\n').unwrap_or(rest.len())];
        let (kept, skipped) = match c {
            '#' => (0, line().len()),
            '"' => string_length(line()).map_or_else(|| (line().len(), 0), |length| (0, length)),
            '`' => rest[1..line().len()].find('`').map_or((1, 0), |end| (0, end + 2)),
            _ => (c.len_utf8(), 0),
        };
        code.push_str(&rest[..kept]);
        code.extend(std::iter::repeat_n(if c == '#' { ' ' } else { '_' }, skipped));
        rest = &rest[kept + skipped..];
    }
    code
}

/// The length of the string that `line` begins with, with its quotes.
pub(super) fn string_length(line: &str) -> Option<usize> {
    let mut escape = false;
    let end = line.char_indices().skip(1).find(|&(_, c)| {
        let closes = c == '"' && !escape;
        escape = c == '\\' && !escape;
        closes
    });
    end.map(|(at, _)| at + 1)
}
