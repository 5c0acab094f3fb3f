//! Habits from other languages.

use super::brackets::code_only;
use super::repair::repair;
use super::starts_with_keyword;
use crate::diag::{Diagnostic, Span};

/// Arrows of other languages, and what to write; longer ones first.
const ARROWS: [(&str, &str); 16] = [
    ("<-->", "<->"),
    ("<==>", "<->"),
    ("<=>", "<->"),
    ("-->", "->"),
    ("==>", "->"),
    ("<--", "<-"),
    ("=>", "->"),
    ("~>", "->"),
    ("--", "<->"),
    ("—>", "->"),
    ("–>", "->"),
    ("⇒", "->"),
    ("⟶", "->"),
    ("⟵", "<-"),
    ("⇔", "<->"),
    ("⟷", "<->"),
];

/// Habits from other languages.
pub(super) fn foreign(source: &str, place: Span) -> Option<Diagnostic> {
    let code = code_only(source);
    // `digraph G {`, `dag {`: a word of another format, perhaps a name, a brace.
    let word = code.split([' ', '{', '\n']).next().unwrap_or("");
    let header = code.split_once('{').map_or("", |(header, _)| header);
    if matches!(word, "digraph" | "graph" | "dag" | "network" | "strict")
        && (1..=3).contains(&header.split_whitespace().count())
    {
        let here = Span::new(place.start, place.start + word.len());
        let title = Diagnostic::new("E0102", format!("`{word} {{ … }}` belongs to another format"));
        let found = title.label(here, "here").help("write the edges alone, one chain a line: `X -> Y -> Z`");
        let extension = match word {
            "dag" => "dagitty",
            "network" => "bif",
            _ => "dot",
        };
        return Some(
            found
                .help(format!("or keep it in a file of its own: `dcmc import FILE.{extension}` turns it into a model")),
        );
    }
    let arrows = foreign_arrows(&code);
    if let Some(&(at, wrong, right)) = arrows.first().filter(|_| !starts_with_keyword(source, "expect")) {
        let here = Span::new(place.start + at, place.start + at + wrong.len());
        let title = Diagnostic::new("E0102", format!("`{wrong}` is not an arrow of this language"));
        // `A -- B` may mean a hidden cause, or a cause whose direction is not known.
        if arrows.iter().any(|(_, wrong, _)| *wrong == "--") {
            let found = title.label(here, "says no direction");
            return Some(found.help("for a cause write `->` or `<-`, for a hidden common cause `<->`"));
        }
        let found = title.label(here, format!("write `{right}`"));
        let edits = arrows.iter().map(|(at, wrong, right)| (*at..at + wrong.len(), (*right).to_owned())).collect();
        return Some(repair(found, source, place.start, edits, right));
    }
    formula(source, &code, place)
}

/// The arrows of other languages in a statement, in order: where, which, and what to write.
pub(super) fn foreign_arrows(code: &str) -> Vec<(usize, &'static str, &'static str)> {
    let (mut found, mut at) = (vec![], 0);
    while let Some(c) = code[at..].chars().next() {
        let rest = &code[at..];
        if let Some(&(wrong, right)) = ARROWS.iter().find(|(wrong, _)| rest.starts_with(wrong)) {
            found.push((at, wrong, right));
            at += wrong.len();
        } else {
            let own = ["<->", "->", "<-", ">=", "<=", "=="].iter().find(|own| rest.starts_with(**own));
            at += own.map_or(c.len_utf8(), |own| own.len());
        }
    }
    found
}

/// `Y ~ X1 + X2` of R; `Y ~~ X` and `F =~ x1 + x2` of lavaan.
pub(super) fn formula(source: &str, code: &str, place: Span) -> Option<Diagnostic> {
    let at = code.find('~')?;
    let (left, sign, right) = match (code[..at].strip_suffix('='), code[at + 1..].strip_prefix('~')) {
        (Some(left), _) => (left, "=~", &source[at + 1..]),
        (None, Some(_)) => (&source[..at], "~~", &source[at + 2..]),
        (None, None) => (&source[..at], "~", &source[at + 1..code.trim_end().len().max(at + 1)]),
    };
    let left = left.trim();
    let terms: Vec<&str> = right.split('+').map(str::trim).collect();
    let set = if let [only] = terms[..] { only.to_owned() } else { format!("{{{}}}", terms.join(", ")) };
    let (title, what, edges) = match sign {
        "=~" => ("`=~` is lavaan's sign for a latent variable", "a hidden cause", format!("latent {left} -> {set}")),
        "~~" => ("`~~` is lavaan's sign for a covariance", "a hidden common cause", format!("{left} <-> {set}")),
        _ => ("`~` draws a variable inside `truth { … }` only", "causes", format!("{set} -> {left}")),
    };
    let here = Span::new(place.start, place.start + code.trim_end().len());
    let found = Diagnostic::new("E0102", title).label(here, "here");
    Some(match right.contains('(') {
        true => found.help("put it into a block: `truth { … }`"),
        false => {
            let help = found.help(format!("for {what} write `{edges}`"));
            repair(help, source, place.start, vec![(0..code.trim_end().len(), edges.clone())], &edges)
        }
    })
}
