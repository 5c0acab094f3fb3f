//! The space between two tokens of a line.

use super::tidy::{Bracket, bracket};
use super::tokens::{Kind, Token};
use crate::syntax::grammar::Rule;

/// A token as it is written: arrows in ASCII, all else as the author spelt it.
pub(super) fn spelling<'a>(token: &Token<'a>) -> &'a str {
    match token.text {
        "→" => "->",
        "←" => "<-",
        "↔" => "<->",
        text => text,
    }
}

/// The spaces (0 or 1) between `left` and `right`; `open` is the innermost bracket around the gap.
pub(super) fn between(left: &Token, right: &Token, open: Option<&Token>) -> usize {
    usize::from(!is_tight(left, right, open))
}

fn is_tight(left: &Token, right: &Token, open: Option<&Token>) -> bool {
    let padded = open.is_some_and(|o| o.text == "{" && bracket(o) != Bracket::Set);
    match (left.kind, right.kind) {
        (Kind::Open, Kind::Close) => true,
        (Kind::Open, _) | (_, Kind::Close) => !padded,
        _ if matches!(right.text, "," | ";" | ":" | "." | "..") || matches!(left.text, "." | "..") => true,
        _ if left.text == "," => left.rule == Rule::sized,
        (Kind::Name, Kind::Open) => right.text != "{",
        // `do(`, `table(` belong together; `if (`, `not (` do not: there the bracket begins an operand.
        (Kind::Keyword, Kind::Open) => right.text == "(" && !right.first,
        _ => left.sign,
    }
}
