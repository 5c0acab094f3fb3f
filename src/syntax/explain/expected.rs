//! What could have stood where a statement breaks off.

use crate::diag::{Diagnostic, Span};
use crate::syntax::grammar::{Rule, ScmParser};
use pest::Parser;
use pest::error::{Error, InputLocation};

/// Reads the statement again as `rule` to learn how far it gets and what could have stood there.
pub(super) fn unexpected(text: &str, place: Span, rule: Rule, example: &str) -> Diagnostic {
    let source = &text[place.start..place.end];
    pest::set_error_detail(true);
    let outcome = ScmParser::parse(rule, source);
    pest::set_error_detail(false);
    let (at, expected) = match outcome {
        Ok(_) => (0, vec![]),
        Err(error) => expectation(&error),
    };
    let at = place.start + at + (source[at..].len() - source[at..].trim_start_matches([' ', '\t']).len());
    let found = token_at(text, at, place.end);
    let what = &text[found.start..found.end];
    let finished = what.is_empty() || what.starts_with('\n');
    let (code, title) = match finished {
        true => ("E0103", "this statement is not finished".to_owned()),
        false => ("E0101", format!("unexpected `{what}`")),
    };
    let message = match expected.is_empty() {
        true => "this does not belong here".to_owned(),
        false => format!("expected {}", one_of(&expected)),
    };
    Diagnostic::new(code, title).label(found, message).help(format!("write it like `{example}`"))
}

/// How far the parser got, and what it would have taken there.
pub(super) fn expectation(error: &Error<Rule>) -> (usize, Vec<String>) {
    let Some(attempts) = error.parse_attempts() else { return (location(error), vec![]) };
    let mut expected: Vec<String> = vec![];
    for stack in attempts.call_stacks() {
        let deepest = stack.deepest.get_rule().copied();
        expected.extend([deepest, stack.parent].into_iter().flatten().filter_map(describe).map(str::to_owned));
    }
    let tokens = attempts.expected_tokens();
    expected.extend(tokens.iter().map(ToString::to_string).filter_map(|t| token_name(&t)));
    expected.sort();
    expected.dedup();
    if expected.iter().any(|e| e == "a name") {
        expected.iter_mut().filter(|e| *e == "`{`").for_each(|e| *e = "a set `{…}`".to_owned());
    }
    // A kind of thing says it all; the signs that such a thing can begin or go on with say nothing more.
    let named = |what: &str| expected.iter().any(|e| e == what);
    let (query, number, type_) = (named("P(…) or E[…]"), named("a number"), named("a type"));
    expected.retain(|e| match e.as_str() {
        "`.`" => false,
        "`+`" | "`ATE`" | "`E`" | "`ETT`" | "`NDE`" | "`NIE`" | "`P`" | "`PN`" | "`PS`" | "`sample`" => !query,
        "`-`" => !query && !number,
        "a name" => !type_,
        _ => true,
    });
    (attempts.max_position, expected)
}

/// A terminal of the grammar as the user would call it; letters, spaces and newlines say nothing.
pub(super) fn token_name(token: &str) -> Option<String> {
    if token.contains("BUILTIN_RULE") {
        return Some("a name".to_owned());
    }
    let plain = token.trim_matches('"').trim_matches('`');
    let telling = !plain.is_empty()
        && !plain.contains("..")
        && !matches!(
            plain,
            "." | "XID_START" | "XID_CONTINUE" | "ANY" | "SOI" | "EOI" | "WHITESPACE" | "_" | "'" | "\\"
        )
        && !plain.chars().any(|c| c.is_whitespace() || c == '\u{feff}' || matches!(c, '#' | '\\' | '→' | '←' | '↔'));
    telling.then(|| format!("`{plain}`"))
}

/// The rules worth naming.
pub(super) fn describe(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::name | Rule::plain | Rule::quoted | Rule::names => "a name",
        Rule::number | Rule::integer | Rule::unsigned | Rule::digits => "a number",
        Rule::string => "a quoted string",
        Rule::type_ | Rule::type_name => "a type",
        Rule::expr | Rule::primary => "an expression",
        Rule::query_form => "P(…) or E[…]",
        _ => return None,
    })
}

pub(super) fn location(error: &Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

/// The word or symbol at `at`, not past `end`.
pub(super) fn token_at(text: &str, at: usize, end: usize) -> Span {
    let rest = &text[at.min(end)..end];
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
    let length = match rest.chars().next() {
        None => 0,
        Some(c) if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        Some('-' | '=' | '<' | '>') => rest.find(|c| !"-=<>".contains(c)).unwrap_or(rest.len()),
        Some(c) => c.len_utf8(),
    };
    Span::new(at.min(end), at.min(end) + length)
}

pub(super) fn one_of(expected: &[String]) -> String {
    match expected {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
