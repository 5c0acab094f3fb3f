//! Separators and line breaks: what can go goes, what is missing is added.

use super::tokens::{Kind, Token};
use crate::syntax::grammar::Rule;

/// What a bracket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    /// Entries, ended by newlines, `;` or `,`.
    Block,
    /// Names or labels in braces.
    Set,
    /// Anything else.
    Other,
}

/// What an opening bracket holds.
pub(super) fn bracket(open: &Token) -> Bracket {
    match open.rule {
        Rule::block | Rule::table_block | Rule::truth => Bracket::Block,
        Rule::set | Rule::labels => Bracket::Set,
        _ => Bracket::Other,
    }
}

/// Whether a newline or comma stands between the statements of the file, or the entries of `open`.
pub(super) fn separates(token: &Token, open: Option<&Token>) -> bool {
    match open {
        None => token.rule == Rule::file,
        Some(open) => bracket(open) == Bracket::Block && open.pair == token.pair,
    }
}

/// The tokens with separators only where they separate, and a block of several lines broken after `{` and before `}`.
pub(super) fn tidy<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut open: Vec<(Token, bool)> = vec![];
    for (at, &token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        let inside = open.last().map(|(bracket, _)| bracket);
        match token.kind {
            Kind::Open => {
                open.push((token, bracket(&token) == Bracket::Block && has_newline(&tokens[at..])));
                kept.push(token);
                let (_, broken) = open[open.len() - 1];
                if broken && next.is_some_and(|n| !matches!(n.kind, Kind::Newline | Kind::Comment)) {
                    kept.push(newline(&token));
                }
                continue;
            }
            Kind::Close => {
                let broken = open.pop().is_some_and(|(_, broken)| broken);
                close(&mut kept, &token, broken);
                continue;
            }
            Kind::Newline => {}
            _ if token.text == "," && next.is_some_and(|n| matches!(n.text, "]" | "}")) => continue,
            _ if is_separator(&token, inside) => {
                let after = tokens[at + 1..].iter().find(|t| !is_separator(t, inside));
                let idle = |t: &Token| matches!(t.kind, Kind::Newline | Kind::Open) || is_separator(t, inside);
                let ends = |t: &Token| matches!(t.kind, Kind::Newline | Kind::Comment | Kind::Close);
                if kept.last().is_none_or(idle) || after.is_none_or(ends) {
                    continue;
                }
            }
            _ => {}
        }
        kept.push(token);
        if inside.is_some_and(|open| bracket(open) == Bracket::Set) {
            separate_members(&mut kept, &tokens[at + 1..]);
        }
    }
    kept
}

/// Whether `token` ends a statement or entry by a sign: `;`, or `,` in a block.
fn is_separator(token: &Token, open: Option<&Token>) -> bool {
    match token.text {
        ";" => open.is_none_or(|open| bracket(open) != Bracket::Set),
        "," => open.is_some() && separates(token, open),
        _ => false,
    }
}

/// Members of a set may be separated by `;` or by nothing: both become `,`.
fn separate_members(kept: &mut Vec<Token>, rest: &[Token]) {
    let Some(last) = kept.last_mut() else { return };
    let next = rest.iter().find(|t| !matches!(t.kind, Kind::Newline | Kind::Comment));
    if last.text == ";" {
        last.text = ",";
    } else if last.kind == Kind::Name && next.is_some_and(|n| n.kind == Kind::Name) {
        let comma = Token { text: ",", kind: Kind::Symbol, ..*last };
        kept.push(comma);
    }
}

/// Ends a bracket: on a line of its own where it is broken, right after the opening where it is empty.
fn close<'a>(kept: &mut Vec<Token<'a>>, token: &Token<'a>, broken: bool) {
    let idle = kept.iter().rev().take_while(|t| t.kind == Kind::Newline).count();
    if kept.len() > idle && kept[kept.len() - idle - 1].kind == Kind::Open {
        kept.truncate(kept.len() - idle);
    } else if broken && idle == 0 {
        kept.push(newline(token));
    }
    kept.push(*token);
}

/// A line break in the bracket of `token`.
fn newline<'a>(token: &Token<'a>) -> Token<'a> {
    Token { text: "\n", kind: Kind::Newline, ..*token }
}

/// Whether there is a newline before the bracket that `tokens` starts with is closed.
fn has_newline(tokens: &[Token]) -> bool {
    let mut depth = 0_usize;
    for token in tokens {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 1 => return false,
            Kind::Close => depth -= 1,
            Kind::Newline => return true,
            _ => {}
        }
    }
    false
}
