//! The tokens of a file, newlines and comments among them, each with the rule of the grammar that it stands in.

use crate::syntax::grammar::Rule;
use pest::iterators::Pair;

/// What a token is, as far as layout cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::syntax) enum Kind {
    Newline,
    Comment,
    /// A name or the word before a bracket: `X`, `P`, `int`.
    Name,
    /// A word with a place of its own: `data`, `then`, `xor`.
    Keyword,
    /// A number or a string.
    Literal,
    Open,
    Close,
    /// An arrow, an operator, a colon, …
    Symbol,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug)]
pub(in crate::syntax) struct Token<'a> {
    pub text: &'a str,
    /// Where it begins.
    pub at: usize,
    pub kind: Kind,
    /// The innermost rule that it is text of.
    pub rule: Rule,
    /// The number of that rule's match in the file.
    pub pair: usize,
    /// Whether that match begins with it.
    pub first: bool,
    /// Whether it is the sign of what follows, not an operation.
    pub sign: bool,
}

/// Symbols of several characters, the longest first.
const SYMBOLS: [&str; 8] = ["<->", "->", "<-", "==", "!=", "<=", ">=", ".."];

/// The tokens of a match in order. Text is cut at the borders of inner matches, so that the grammar decides
/// what `a<-1` means; what lies between them (brackets, commas, newlines) is cut by its characters.
pub(in crate::syntax) fn tokens<'a>(file: Pair<'a, Rule>) -> Vec<Token<'a>> {
    let mut cutter = Cutter { text: file.get_input(), tokens: vec![], pairs: 0 };
    cutter.pair(file);
    cutter.tokens
}

struct Cutter<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    pairs: usize,
}

/// A match of a rule: the rule, its number, and where it starts.
#[derive(Clone, Copy)]
struct Owner {
    rule: Rule,
    pair: usize,
    start: usize,
}

impl<'a> Cutter<'a> {
    fn pair(&mut self, pair: Pair<'a, Rule>) {
        let span = pair.as_span();
        let owner = Owner { rule: pair.as_rule(), pair: self.pairs, start: span.start() };
        self.pairs += 1;
        let mut inner = pair.into_inner().peekable();
        if inner.peek().is_none() && is_token(span.as_str()) {
            return self.push(span.start(), span.as_str(), kind_of(span.as_str(), owner.rule), owner);
        }
        let mut at = span.start();
        // `balanced` is text that the grammar does not look into.
        for child in inner.filter(|_| owner.rule != Rule::balanced) {
            let place = child.as_span();
            self.between(at, place.start(), owner);
            at = place.end();
            self.pair(child);
        }
        self.between(at, span.end(), owner);
    }

    /// Cuts text that no inner rule matches.
    fn between(&mut self, mut at: usize, end: usize, owner: Owner) {
        while let Some(c) = self.text[at..end].chars().next() {
            let rest = &self.text[at..end];
            let length = match c {
                '\r' if rest.starts_with("\r\n") => 2,
                '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
                '"' => string_length(rest),
                '`' => rest[1..].find('`').map_or(rest.len(), |n| n + 2),
                _ if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                _ => SYMBOLS.iter().find(|s| rest.starts_with(**s)).map_or(c.len_utf8(), |s| s.len()),
            };
            if !is_space(c) {
                let text = &rest[..length];
                self.push(at, text, kind_of(text, owner.rule), owner);
            }
            at += length;
        }
    }

    fn push(&mut self, at: usize, text: &'a str, kind: Kind, owner: Owner) {
        if text.is_empty() {
            return;
        }
        let before = self.tokens.iter().rfind(|t| !matches!(t.kind, Kind::Newline | Kind::Comment));
        let after_operand = before.is_some_and(|t| matches!(t.kind, Kind::Name | Kind::Literal | Kind::Close));
        let sign = matches!(text, "+" | "-") && !after_operand;
        self.tokens.push(Token { text, at, kind, rule: owner.rule, pair: owner.pair, first: at == owner.start, sign });
    }
}

/// Whether the text of a match without inner matches is one token. (`{}` is two, and an arrow's match may reach
/// over spaces and a comment.)
fn is_token(text: &str) -> bool {
    text.starts_with(['"', '`']) || !text.contains(|c: char| is_space(c) || matches!(c, '(' | '[' | '{' | '#'))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{feff}' | '\u{a0}')
}

fn kind_of(text: &str, rule: Rule) -> Kind {
    let operator = matches!(rule, Rule::not | Rule::and | Rule::or | Rule::xor);
    match text.chars().next() {
        Some('\n' | '\r') => Kind::Newline,
        Some('#') => Kind::Comment,
        Some('(' | '[' | '{') => Kind::Open,
        Some(')' | ']' | '}') => Kind::Close,
        Some('"' | '0'..='9') => Kind::Literal,
        Some('-' | '.') if text.contains(|c: char| c.is_ascii_digit()) => Kind::Literal,
        Some('→' | '←' | '↔') => Kind::Symbol,
        Some('`' | '_') => Kind::Name,
        Some(c) if !c.is_ascii_punctuation() => {
            if operator || format!("{rule:?}").starts_with("kw_") {
                Kind::Keyword
            } else {
                Kind::Name
            }
        }
        _ => Kind::Symbol,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '\''
}

/// The bytes of the string that `text` starts with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = true; // the opening quote does not close
    let end = text.char_indices().find(|&(_, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}
