//! What each word is, for colours that a list of words alone cannot give.

use super::{Analysis, Occurrence, Role, Space};
use crate::diag::Span;
use crate::syntax::{TokenKind, tokens};
use std::collections::BTreeSet;

/// A word and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Painted {
    /// Where it stands, in one line.
    pub span: Span,
    /// What it is.
    pub colour: Colour,
    /// Whether it is defined here.
    pub defined: bool,
}

/// What words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Colour {
    /// A keyword.
    Keyword,
    /// A type.
    Type,
    /// An observed variable.
    Variable,
    /// A hidden cause.
    Hidden,
    /// A query.
    Query,
    /// A data set.
    Data,
    /// A value of a categorical variable.
    Label,
    /// A setting.
    Setting,
    /// A distribution or function.
    Function,
    /// A number.
    Number,
    /// A text in quotes.
    Text,
    /// A comment.
    Comment,
    /// An arrow or operator.
    Operator,
}

/// The words of the model file, by place.
pub fn paint(analysis: &Analysis) -> Vec<Painted> {
    let hidden: BTreeSet<&str> = analysis.program.model.latents.iter().filter_map(|l| l.name.as_deref()).collect();
    let mut names = analysis.occurrences().iter().filter(|o| analysis.is_home(o.span)).peekable();
    let mut found = vec![];
    for token in tokens(analysis.text()) {
        while names.next_if(|o| o.span.start < token.span.start).is_some() {}
        let name = names.peek().filter(|o| o.span.start == token.span.start && o.span.end >= token.span.end);
        let colour = match (token.kind, name) {
            (TokenKind::Name | TokenKind::Keyword, Some(name)) => of_name(name, &hidden, analysis),
            (TokenKind::Name | TokenKind::Open | TokenKind::Close, _) => continue,
            (TokenKind::Keyword, _) => Colour::Keyword,
            (TokenKind::Type, _) => Colour::Type,
            (TokenKind::Number, _) => Colour::Number,
            (TokenKind::Text, _) => Colour::Text,
            (TokenKind::Comment, _) => Colour::Comment,
            (TokenKind::Arrow | TokenKind::Symbol, _) => Colour::Operator,
        };
        let defined = name.is_some_and(|n| n.role == Role::Declaration && n.space != Space::Setting);
        found.push(Painted { span: token.span, colour, defined });
    }
    found
}

fn of_name(name: &Occurrence, hidden: &BTreeSet<&str>, analysis: &Analysis) -> Colour {
    match name.space {
        Space::Variable if hidden.contains(name.name.as_str()) => Colour::Hidden,
        Space::Variable if analysis.program.model.id(&name.name).is_none() => Colour::Hidden,
        Space::Variable => Colour::Variable,
        Space::Query => Colour::Query,
        Space::Data => Colour::Data,
        Space::Label => Colour::Label,
        Space::Setting => Colour::Setting,
        Space::Function => Colour::Function,
        Space::Alias => Colour::Data,
    }
}
