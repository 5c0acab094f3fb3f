//! What is wrong with a statement that fits no form, in the user's words.

mod brackets;
mod expected;
mod foreign;
mod invalid_name;
mod repair;
mod slips;

pub(super) use brackets::{length, too_deep};

use super::grammar::{Rule, ScmParser};
use crate::diag::{Diagnostic, Span};
use brackets::{code_only, unclosed};
use expected::{location, token_at, unexpected};
use foreign::foreign;
use invalid_name::invalid_name;
use pest::Parser;
use pest::error::Error;
use repair::repair;
use slips::slip;

/// A form of statement: how it starts, its rule, and what it looks like.
struct Form {
    keyword: &'static str,
    rule: Rule,
    example: &'static str,
}

/// The forms that a keyword announces.
const FORMS: &[Form] = &[
    Form { keyword: "data", rule: Rule::one_data, example: "data obs = \"file.csv\"" },
    Form { keyword: "query", rule: Rule::one_query, example: "query effect: " },
    Form { keyword: "truth", rule: Rule::one_truth, example: "truth { X ~ bernoulli(0.5) }" },
    Form { keyword: "train", rule: Rule::one_train, example: "train { epochs: 300 }" },
    Form { keyword: "expect", rule: Rule::one_expect, example: "expect tv(effect, truth) < 0.05" },
    Form { keyword: "output", rule: Rule::one_output, example: "output effect -> \"effect.csv\"" },
    Form { keyword: "latent", rule: Rule::one_latent, example: "latent U -> {A, B}" },
    Form { keyword: "import", rule: Rule::one_import, example: "import \"other.scm\" as other" },
    Form { keyword: "assert", rule: Rule::one_assertion, example: "assert identifiable(effect)" },
    Form { keyword: "dcm", rule: Rule::one_edition, example: "dcm 1 \"A title\"" },
];

/// What a query looks like, by the word that it begins with; the first where it begins with none of them.
const QUERIES: &[(&str, &str)] = &[
    ("P", "P(Y | do(X = 1))"),
    ("E", "E[Y | do(X = 1)]"),
    ("ATE", "ATE(Y, X = 1 vs 0)"),
    ("ETT", "ETT(Y, X = 1 vs 0)"),
    ("NDE", "NDE(Y, X = 1 vs 0, M)"),
    ("NIE", "NIE(Y, X = 1 vs 0, M)"),
    ("PN", "PN(Y = 1, X = 1 vs 0)"),
    ("PS", "PS(Y = 1, X = 1 vs 0)"),
    ("sample", "sample(Y | do(X = 1), n: 10)"),
];

/// The diagnostic for an unreadable statement at `place`.
pub(super) fn statement(text: &str, place: Span) -> Diagnostic {
    let source = &text[place.start..place.end];
    if let Some(found) = unclosed(text, place).or_else(|| foreign(source, place)) {
        return found;
    }
    if let Some(found) = type_first(source, place) {
        return found;
    }
    let form = FORMS.iter().find(|f| starts_with_keyword(source, f.keyword));
    if let (None, Some(found)) = (form, misspelt(source, place)) {
        return found;
    }
    if form.is_none()
        && let Some(found) = invalid_name(source, &code_only(source), place.start)
    {
        return found;
    }
    let (rule, example) = match form {
        Some(form) if form.keyword == "query" => {
            let asked = source.split_once(':').map_or("", |(_, asked)| asked);
            (form.rule, format!("{}{}", form.example, query_like(asked)))
        }
        Some(form) => (form.rule, form.example.to_owned()),
        None if looks_like_declaration(source) => (Rule::one_declaration, "X: int[0..9]".to_owned()),
        None => (Rule::one_edges, "X -> Y".to_owned()),
    };
    let example = match source.contains("independent") {
        true if rule == Rule::one_assertion => "assert independent(X, Y | Z, do(W))".to_owned(),
        _ => example,
    };
    slip(unexpected(text, place, rule, &example), source, place.start)
}

/// A query that begins as `text` does.
fn query_like(text: &str) -> &'static str {
    let word: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric()).collect();
    QUERIES.iter().find(|(start, _)| *start == word).map_or(QUERIES[0].1, |(_, example)| example)
}

/// The diagnostic for an unreadable query that stands alone.
pub(super) fn query(text: &str) -> Diagnostic {
    let place = Span::new(0, text.len());
    unclosed(text, place).unwrap_or_else(|| unexpected(text, place, Rule::one_query_form, query_like(text)))
}

/// The diagnostic for an unreadable line of the truth block at `place`.
pub(super) fn truth_entry(text: &str, place: Span) -> Diagnostic {
    let source = &text[place.start..place.end];
    if let Some(found) = unclosed(text, place) {
        return found;
    }
    let (rule, example) = match source.find(['~', '=', ':']).map(|at| &source[at..=at]) {
        Some("~") if source.contains("table") => {
            (Rule::one_truth_table, "Y ~ table(X) { 0: [0.9, 0.1]; 1: [0.2, 0.8] }")
        }
        Some("~") => (Rule::one_draw, "X ~ bernoulli(0.5)"),
        Some(":") => (Rule::one_truth_type, "U: categorical {yes, no}"),
        _ => (Rule::one_compute, "Y = X xor bernoulli(0.1)"),
    };
    unexpected(text, place, rule, example)
}

/// The diagnostic for a file that even the catch-all rule cannot follow.
pub(super) fn unreadable(text: &str, error: &Error<Rule>) -> Diagnostic {
    let at = location(error).min(text.len());
    Diagnostic::new("E0101", "this cannot be read").label(token_at(text, at, text.len()), "here")
}

/// A line of the truth block that is too long to follow.
pub(super) fn too_many_operators(place: Span, limit: usize) -> Diagnostic {
    Diagnostic::new("E0101", format!("this line has more than {limit} operators"))
        .label(place, "here")
        .help("give parts of it a name of their own")
}

/// Where the truth block that `statement` (at byte `start`) begins ends, going by its braces alone.
pub(super) fn end_of_truth(text: &str, statement: &str, start: usize) -> Option<usize> {
    if !starts_with_keyword(statement, "truth") {
        return None;
    }
    let mut depth = 0_usize;
    for (at, c) in code_only(&text[start..]).char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return Some(start + at + 1),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether a statement could stand in a truth block.
pub(super) fn is_equation(statement: &str) -> bool {
    let forms = [Rule::one_draw, Rule::one_compute, Rule::one_truth_table, Rule::one_truth_type];
    forms.iter().any(|&form| ScmParser::parse(form, statement.trim_end()).is_ok())
}

fn starts_with_keyword(source: &str, keyword: &str) -> bool {
    let Some(rest) = source.strip_prefix(keyword) else { return false };
    rest.starts_with([' ', '\t', '{', '\n']) || rest.is_empty()
}

/// Two words in a row, the first nearly a keyword.
fn misspelt(source: &str, place: Span) -> Option<Diagnostic> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let length = source.find(|c| !is_word(c))?;
    let (word, rest) = source.split_at(length);
    rest.trim_start_matches([' ', '\t']).starts_with(|c| is_word(c) || c == '{').then_some(())?;
    let distance = |f: &Form| strsim::damerau_levenshtein(f.keyword, &word.to_lowercase());
    let nearest = FORMS.iter().min_by_key(|f| distance(f))?;
    let close = distance(nearest) * 3 <= word.chars().count().max(3);
    let title = Diagnostic::new("E0101", format!("`{word}` begins no statement"));
    let start = place.start;
    let place = Span::new(start, start + length);
    close.then(|| {
        let found = title.label(place, format!("did you mean `{}`?", nearest.keyword));
        repair(found, source, start, vec![(0..word.len(), nearest.keyword.to_owned())], nearest.keyword)
    })
}

/// `binary X` or `X = binary`: a type in the order of other languages.
fn type_first(source: &str, place: Span) -> Option<Diagnostic> {
    let types = ["binary", "real", "int", "categorical", "bool", "float"];
    let code = source[..length(source)].trim_end();
    let (variable, type_) = match code.split_once('=').map(|(left, right)| (left.trim(), right.trim())) {
        Some((left, right)) if types.contains(&right) => (left, right),
        _ => code
            .split_once([' ', '\t'])
            .map(|(left, right)| (right.trim(), left))
            .filter(|(_, left)| types.contains(left))?,
    };
    ScmParser::parse(Rule::one_plain, variable).ok()?;
    let right = format!("{variable}: {type_}");
    let found = Diagnostic::new("E0101", "a type stands after its variable and a colon");
    let found = found.label(Span::new(place.start, place.start + code.len()), "here").help(format!("write `{right}`"));
    Some(repair(found, source, place.start, vec![(0..code.len(), right.clone())], &right))
}

fn looks_like_declaration(source: &str) -> bool {
    source.find(':').is_some_and(|colon| source.find("->").is_none_or(|arrow| colon < arrow))
}
