//! The tokens of a file with their places, for colours and folding; mistakes in it do no harm.

use super::format::tokens::{Kind, tokens as cut};
use super::grammar::{Rule, ScmParser};
use super::parse::is_too_deep;
use crate::diag::Span;
use pest::Parser;

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: TokenKind,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `# …` to the end of the line.
    Comment,
    /// A name, or a word of a list that is no keyword.
    Name,
    /// A word that is a keyword where it stands, `P`, `E` and `ATE` among them.
    Keyword,
    /// The name of a type.
    Type,
    /// A number.
    Number,
    /// A text in quotes.
    Text,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// An arrow.
    Arrow,
    /// An operator, a comma, a colon, …
    Symbol,
}

/// The tokens of a text in their order, without newlines; of what cannot be read at all, none.
pub fn tokens(text: &str) -> Vec<Token> {
    if is_too_deep(text) {
        return vec![];
    }
    let file = ScmParser::parse(Rule::file, text).ok().and_then(|mut pairs| pairs.next());
    let written = file.map(cut).unwrap_or_default().into_iter();
    let tokens = written.filter(|t| t.kind != Kind::Newline && !t.text.is_empty());
    tokens
        .map(|t| Token { span: Span::new(t.at, t.at + t.text.trim_end().len()), kind: kind(t.kind, t.rule, t.text) })
        .collect()
}

fn kind(kind: Kind, rule: Rule, text: &str) -> TokenKind {
    match kind {
        Kind::Newline | Kind::Comment => TokenKind::Comment,
        Kind::Keyword => TokenKind::Keyword,
        Kind::Name if is_form(rule) || rule == Rule::distance_name => TokenKind::Keyword,
        Kind::Name if rule == Rule::type_name => TokenKind::Type,
        Kind::Name => TokenKind::Name,
        Kind::Literal if text.starts_with('"') => TokenKind::Text,
        Kind::Literal => TokenKind::Number,
        Kind::Open => TokenKind::Open,
        Kind::Close => TokenKind::Close,
        Kind::Symbol if matches!(rule, Rule::hidden_arrow | Rule::right_arrow | Rule::left_arrow) => TokenKind::Arrow,
        Kind::Symbol => TokenKind::Symbol,
    }
}

/// Whether the rule begins with the name of a form, as `P(…)`.
fn is_form(rule: Rule) -> bool {
    use Rule::{ate, ett, expectation, nde, nie, pn, probability, ps};
    matches!(rule, probability | expectation | ate | ett | nde | nie | pn | ps)
}
