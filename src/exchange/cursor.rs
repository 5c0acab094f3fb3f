//! A place in a text that moves forward, and what to say when it cannot.

use crate::diag::{Diagnostic, Span};

/// How deep brackets may nest.
const MAX_DEPTH: usize = 100;

/// A reader of a text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    pub at: usize,
    /// What begins a comment that ends with its line.
    line_comments: &'static [&'static str],
    /// Brackets that are open, with their places.
    open: Vec<(usize, char)>,
}

impl<'a> Cursor<'a> {
    /// At the start of `text`; `/* … */` is a comment where `//` is.
    pub fn new(text: &'a str, line_comments: &'static [&'static str]) -> Self {
        Self { text, at: 0, line_comments, open: vec![] }
    }

    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Where the next character stands.
    pub fn here(&self) -> Span {
        Span::new(self.at, self.at + self.peek().map_or(0, char::len_utf8))
    }

    /// From `start` to here.
    pub fn since(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    /// The next characters for which `belongs` holds.
    pub fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Takes one character.
    pub fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Takes `token` if it stands here.
    pub fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    /// Takes spaces, line breaks and comments.
    pub fn skip(&mut self) -> Result<(), Diagnostic> {
        loop {
            self.take(|c| c.is_whitespace() || c == '\u{feff}');
            let start = self.at;
            if self.line_comments.iter().any(|mark| self.rest().starts_with(mark)) {
                self.take(|c| c != '\n');
            } else if self.line_comments.contains(&"//") && self.eat("/*") {
                let Some(end) = self.rest().find("*/") else {
                    let title = "this comment is never closed";
                    return Err(Diagnostic::new("E0104", title).label(Span::new(start, start + 2), "opened here"));
                };
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    /// Takes an opening bracket.
    ///
    /// # Errors
    /// If something else stands here, or too many are open.
    pub fn open(&mut self, bracket: char) -> Result<(), Diagnostic> {
        self.skip()?;
        if self.peek() != Some(bracket) {
            return Err(self.unexpected(&format!("`{bracket}`")));
        }
        if self.open.len() >= MAX_DEPTH {
            let title = "this is nested too deeply";
            let label = format!("more than {MAX_DEPTH} levels here");
            return Err(Diagnostic::new("E0101", title).label(self.here(), label));
        }
        self.open.push((self.at, bracket));
        self.bump();
        Ok(())
    }

    /// Takes the closing bracket if it stands here.
    pub fn close(&mut self, bracket: char) -> Result<bool, Diagnostic> {
        self.skip()?;
        if self.peek() != Some(bracket) {
            return Ok(false);
        }
        self.bump();
        self.open.pop();
        Ok(true)
    }

    /// Takes the closing bracket.
    ///
    /// # Errors
    /// If something else stands here.
    pub fn must_close(&mut self, bracket: char, or: &str) -> Result<(), Diagnostic> {
        if self.close(bracket)? { Ok(()) } else { Err(self.unexpected(&format!("{or}`{bracket}`"))) }
    }

    /// The text up to the next `"`; the first quote stands here. A backslash before one of `escaped` stands
    /// for that character.
    pub fn string(&mut self, escaped: &str) -> Result<String, Diagnostic> {
        let start = self.at;
        self.bump();
        let mut value = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(value),
                Some('\\') if !escaped.is_empty() => match self.peek() {
                    Some(next) if escaped.contains(next) => value.extend(self.bump()),
                    // A line of the file that goes on in the next.
                    Some('\n') => drop(self.bump()),
                    _ => value.push('\\'),
                },
                Some(c) => value.push(c),
                None => {
                    let title = "this string is never closed";
                    let found = Diagnostic::new("E0104", title).label(Span::new(start, start + 1), "opened here");
                    return Err(found.help("close it with `\"`"));
                }
            }
        }
    }

    /// The diagnostic for something else than `expected`.
    pub fn unexpected(&self, expected: &str) -> Diagnostic {
        let Some(next) = self.peek() else { return self.too_short(expected) };
        let rest = self.rest();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match is_word(next) {
            true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            false => next.len_utf8(),
        };
        let shown: String = rest[..length].chars().take(40).collect();
        Diagnostic::new("E0101", format!("unexpected `{}`", shown.escape_debug()))
            .label(Span::new(self.at, self.at + length), format!("expected {expected}"))
    }

    fn too_short(&self, expected: &str) -> Diagnostic {
        match self.open.last() {
            Some(&(at, bracket)) => Diagnostic::new("E0104", format!("this `{bracket}` is never closed"))
                .label(Span::new(at, at + 1), "opened here")
                .note(format!("the file ends where {expected} was expected")),
            None => {
                Diagnostic::new("E0103", "the file ends too early").label(self.here(), format!("expected {expected}"))
            }
        }
    }
}
