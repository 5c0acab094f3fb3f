//! What stands before the cursor: the statement and the brackets around it. Works on text that is not finished yet.

/// The statement before the cursor, and the brackets that are open there, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// The level of the statement, then those of the open brackets.
    pub levels: Vec<Level<'a>>,
    /// Where the word begins that the cursor is in or behind; the cursor, if it is in none.
    pub word: usize,
    /// The text between the quote and the cursor, if that is in a string.
    pub string: Option<&'a str>,
}

/// What stands in one level of brackets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level<'a> {
    /// The bracket; a space for the statement itself.
    pub bracket: char,
    /// The words and symbols before the cursor, since the last separator; a bracket that is closed is one `)`.
    pub tokens: Vec<&'a str>,
    /// How many commas stand before the cursor.
    pub commas: usize,
    /// Whether a `|` does.
    pub given: bool,
}

/// Symbols of several characters, the longest first.
const SYMBOLS: [&str; 8] = ["<->", "->", "<-", "==", "!=", "<=", ">=", ".."];

/// After these a newline ends nothing.
const OPEN_ENDED: [&str; 21] =
    ["<->", "->", "<-", "→", "←", "↔", ",", "|", ":", "=", "+", "-", "*", "/", "%", "==", "!=", "<=", ">=", "<", ">"];

/// The context at a byte of a text; `None` inside comments.
pub fn context(text: &str, at: usize) -> Option<Context<'_>> {
    let before = text.get(..at)?;
    let mut context = Context { levels: vec![Level { bracket: ' ', ..Level::default() }], word: at, string: None };
    let mut from = 0;
    while let Some(c) = before[from..].chars().next() {
        let rest = &before[from..];
        let length = match c {
            '#' => rest.find('\n')?,
            '"' => match string(rest) {
                Some(length) => length,
                None => {
                    context.string = Some(&rest[1..]);
                    break;
                }
            },
            '`' => rest[1..].find(['`', '\n']).map_or(rest.len(), |n| n + 2).min(rest.len()),
            _ if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => SYMBOLS.iter().find(|s| rest.starts_with(**s)).map_or(c.len_utf8(), |s| s.len()),
        };
        let token = &rest[..length];
        from += length;
        let is_name = is_word(c) || c == '`';
        if is_name && from == before.len() {
            context.word = at - length;
            break;
        }
        context.push(token, c);
    }
    Some(context)
}

impl<'a> Context<'a> {
    fn push(&mut self, token: &'a str, first: char) {
        match first {
            '(' | '[' | '{' => self.levels.push(Level { bracket: first, ..Level::default() }),
            ')' | ']' | '}' => {
                if self.levels.len() > 1 {
                    self.levels.pop();
                }
                self.top().tokens.push(")");
            }
            '\n' => self.newline(),
            ';' => {
                if matches!(self.top().bracket, ' ' | '{') {
                    self.top().tokens.clear();
                }
            }
            ',' => {
                let top = self.top();
                top.commas += 1;
                match top.bracket {
                    ' ' => top.tokens.push(token),
                    _ => top.tokens.clear(),
                }
            }
            '|' => {
                let top = self.top();
                top.given = true;
                top.tokens.clear();
            }
            c if c.is_whitespace() || c == '\u{feff}' => {}
            _ => self.top().tokens.push(token),
        }
    }

    fn newline(&mut self) {
        let top = self.top();
        let ends = matches!(top.bracket, ' ' | '{') && !top.tokens.last().is_some_and(|t| OPEN_ENDED.contains(t));
        if ends {
            top.tokens.clear();
            top.commas = 0;
        }
    }

    fn top(&mut self) -> &mut Level<'a> {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    /// The word before the bracket of a level: `P` for the inside of `P(`.
    pub fn head(&self, level: usize) -> &'a str {
        let outer = level.checked_sub(1).and_then(|outer| self.levels.get(outer));
        outer.and_then(|level| level.tokens.last()).copied().unwrap_or("")
    }
}

/// The length of the string that `text` begins with; `None` if it is not closed.
fn string(text: &str) -> Option<usize> {
    let mut escaped = true;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return Some(at + 1),
            '\n' => return Some(at),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '\'' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::type_complexity)] // a list of levels and a place
    fn at(text: &str) -> Option<(Vec<(char, Vec<&str>, usize, bool)>, usize)> {
        let found = context(text, text.len())?;
        let levels = found.levels.into_iter().map(|l| (l.bracket, l.tokens, l.commas, l.given));
        Some((levels.collect(), found.word))
    }

    #[test]
    fn statements_and_brackets_are_told_apart() {
        assert_eq!(at("A -> B\nC -> D"), Some((vec![(' ', vec!["C", "->"], 0, false)], 12)));
        assert_eq!(at("A ->\n"), Some((vec![(' ', vec!["A", "->"], 0, false)], 5)));
        let inside = vec![(' ', vec!["query", "q", ":", "P"], 0, false), ('(', vec!["D", "="], 1, true)];
        assert_eq!(at("query q: P(A | do(X), D = "), Some((inside, 26)));
        assert_eq!(at("truth { U ~ bernoulli(0.5)\n A").map(|c| c.0[1].1.len()), Some(0));
        assert_eq!(at("A # comm"), None);
        assert_eq!(at("data d = \"fi"), Some((vec![(' ', vec!["data", "d", "="], 0, false)], 12)));
        assert_eq!(context("data d = \"fi", 12).and_then(|c| c.string), Some("fi"));
        assert_eq!(context("data d = \"fi\"", 13).and_then(|c| c.string), None);
    }

    #[test]
    fn no_text_is_too_strange() {
        for text in ["", ")]}", "`", "`a", "\"\\", "((((", "→", "\u{feff}", "P(\n|,"] {
            for (cut, _) in text.char_indices().chain([(text.len(), ' ')]) {
                context(text, cut);
            }
        }
        assert_eq!(context("→", 1), None);
    }
}
