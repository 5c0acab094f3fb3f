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

/// A bracket that is open.
struct Inside<'a> {
    open: Token<'a>,
    /// Whether it is a block of several lines.
    broken: bool,
    /// Whether its separators stay: `X: kind { a; b }` would become the type `kind {a, b}` with others.
    settled: bool,
}

/// The tokens with separators only where they separate, and a block of several lines broken after `{` and before `}`.
pub(super) fn tidy<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut stack: Vec<Inside> = vec![];
    for (at, &token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        let inside = stack.last();
        match token.kind {
            Kind::Open => {
                let broken = bracket(&token) == Bracket::Block && has_newline(&tokens[at..]);
                let settled = kept.iter().rfind(|t| t.kind != Kind::Comment).is_some_and(|t| t.rule == Rule::type_name);
                kept.push(token);
                if broken && next.is_some_and(|n| !matches!(n.kind, Kind::Newline | Kind::Comment)) {
                    kept.push(newline(&token));
                }
                stack.push(Inside { open: token, broken, settled });
                continue;
            }
            Kind::Close => {
                close(&mut kept, &token, inside.is_some_and(|i| i.broken));
                stack.pop();
                continue;
            }
            _ if token.text == "," && next.is_some_and(|n| matches!(n.text, "]" | "}")) && !is_settled(inside) => {
                continue;
            }
            _ if is_separator(&token, inside) && is_idle(&kept, &tokens[at + 1..], inside) => continue,
            _ => {}
        }
        kept.push(token);
        if inside.is_some_and(|i| bracket(&i.open) == Bracket::Set) {
            separate_members(&mut kept, &tokens[at + 1..]);
        }
    }
    kept
}

fn is_settled(inside: Option<&Inside>) -> bool {
    inside.is_some_and(|i| i.settled && bracket(&i.open) == Bracket::Block)
}

/// Whether `token` ends a statement or entry by a sign: `;`, or `,` in a block.
fn is_separator(token: &Token, inside: Option<&Inside>) -> bool {
    let Some(open) = inside.map(|i| &i.open) else { return token.text == ";" };
    match bracket(open) {
        _ if is_settled(inside) => false,
        Bracket::Set => false,
        _ => token.text == ";" || token.text == "," && separates(token, Some(open)),
    }
}

/// Whether a separator between the two has nothing to separate, or a line break or another separator does so.
fn is_idle(before: &[Token], after: &[Token], inside: Option<&Inside>) -> bool {
    let begins = |t: &Token| matches!(t.kind, Kind::Newline | Kind::Open) || is_separator(t, inside);
    let ends = |t: &Token| matches!(t.kind, Kind::Newline | Kind::Comment | Kind::Close);
    before.last().is_none_or(begins) || after.iter().find(|t| !is_separator(t, inside)).is_none_or(ends)
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
