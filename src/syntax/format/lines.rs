//! Lines: which tokens share one, and how far each is indented.

use super::spacing;
use super::tidy::{Bracket, bracket, separates};
use super::tokens::{Kind, Token};

/// A line of the result.
#[derive(Clone, Debug, Default)]
pub(super) struct Line<'a> {
    /// Levels of two spaces.
    pub indent: usize,
    /// Whether an empty line stands before it.
    pub blank_before: bool,
    /// Whether a statement or an entry begins here.
    pub fresh: bool,
    /// The tokens, each with the spaces before it.
    pub tokens: Vec<(usize, Token<'a>)>,
    /// The comment at its end, with the spaces before it.
    pub comment: Option<(usize, &'a str)>,
}

impl Line<'_> {
    /// The line as text, newline included.
    pub fn render(&self) -> String {
        let mut text = if self.blank_before { "\n".to_owned() } else { String::new() };
        text.extend(std::iter::repeat_n(' ', 2 * self.indent));
        let pieces = self.tokens.iter().map(|(spaces, token)| (*spaces, spacing::spelling(token)));
        for (spaces, piece) in pieces.chain(self.comment) {
            text.extend(std::iter::repeat_n(' ', spaces));
            text += piece;
        }
        text + "\n"
    }
}

/// A bracket that is open: where, and the indentation of that line.
#[derive(Clone, Copy)]
struct Open<'a> {
    token: Token<'a>,
    indent: usize,
}

/// The tokens in lines, indented and spaced.
pub(super) fn lines<'a>(tokens: &[Token<'a>]) -> Vec<Line<'a>> {
    let mut lines: Vec<Line> = vec![];
    let mut open: Vec<Open> = vec![];
    let (mut breaks, mut fresh) = (0, true);
    let mut rest = tokens.iter().peekable();
    while let Some(token) = rest.next() {
        if token.kind == Kind::Newline {
            breaks += 1;
            fresh = separates(token, open.last().map(|o| &o.token));
            continue;
        }
        let mut line = Line { fresh, ..Line::default() };
        let code = std::iter::from_fn(|| rest.next_if(|t| t.kind != Kind::Newline));
        let pieces: Vec<&Token> = std::iter::once(token).chain(code).collect();
        line.indent = indent(&pieces, &open, fresh);
        line.blank_before =
            breaks > 1 && lines.last().is_some_and(|before| !opens(before)) && token.kind != Kind::Close;
        for token in pieces {
            if token.kind == Kind::Comment {
                let spaces = if line.tokens.is_empty() { 0 } else { 2 };
                line.comment = Some((spaces, token.text.trim_end()));
                continue;
            }
            let around = open.last().map(|o| &o.token);
            let spaces = line.tokens.last().map_or(0, |(_, left)| spacing::between(left, token, around));
            line.tokens.push((spaces, *token));
            match token.kind {
                Kind::Open => open.push(Open { token: *token, indent: line.indent }),
                Kind::Close => drop(open.pop()),
                _ => {}
            }
        }
        lines.push(line);
        breaks = 0;
    }
    lines
}

/// Whether a bracket is opened at the end of `line`.
fn opens(line: &Line) -> bool {
    line.tokens.last().is_some_and(|(_, token)| token.kind == Kind::Open)
}

/// One level more than the line of the innermost bracket, and one more within an entry or statement; a bracket
/// that closes stands below the line that opened it.
fn indent(line: &[&Token], open: &[Open], fresh: bool) -> usize {
    let closing = line.iter().take_while(|t| t.kind == Kind::Close).count();
    if closing > 0 && closing <= open.len() {
        return open[open.len() - closing].indent;
    }
    match open.last() {
        None => usize::from(!fresh),
        Some(o) if bracket(&o.token) == Bracket::Block => o.indent + 1 + usize::from(!fresh),
        Some(o) => o.indent + 1,
    }
}
