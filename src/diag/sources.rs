//! The texts that spans point into.

use super::Span;

/// The model file and the files it imports, end to end: a span is a place in one of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    files: Vec<SourceFile>,
}

/// One file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceFile {
    /// Its name, as shown to people.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Where its spans begin.
    pub start: usize,
    /// Where its lines begin.
    lines: Vec<usize>,
    /// Characters and UTF-16 code units before each [`STEP`]-th byte, so that no column is counted from afar.
    counts: Vec<(usize, usize)>,
}

/// Bytes between two counts.
const STEP: usize = 1024;

/// A place as editors count: lines and columns from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
    /// The column, in UTF-16 code units.
    pub column_utf16: usize,
}

impl Sources {
    /// A program of one file.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut sources = Self::default();
        sources.push(name, text);
        sources
    }

    /// Adds a file; its spans begin at [`Sources::end`] before the call.
    pub fn push(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.files.push(SourceFile::new(name.into(), text.into(), self.end()));
    }

    /// Where the spans of the next file begin. A byte lies between files, so that no place is in two.
    pub fn end(&self) -> usize {
        self.files.last().map_or(0, |file| file.start + file.text.len() + 1)
    }

    /// All files, the model file first.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The file that holds the span, and the span as a byte range of its text, clamped to character borders.
    pub fn locate(&self, span: Span) -> Option<(&SourceFile, std::ops::Range<usize>)> {
        let after = self.files.partition_point(|file| file.start <= span.start);
        let file = self.files.get(after.checked_sub(1)?)?;
        let border = |at: usize| character_border(&file.text, at.saturating_sub(file.start));
        let start = border(span.start);
        Some((file, start..border(span.end).max(start)))
    }
}

impl SourceFile {
    fn new(name: String, text: String, start: usize) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let (mut counts, mut characters, mut units) = (vec![], 0, 0);
        for (at, c) in text.char_indices() {
            while counts.len() * STEP <= at {
                counts.push((characters, units));
            }
            characters += 1;
            units += c.len_utf16();
        }
        Self { name, text, start, lines, counts }
    }

    /// The line and the column of a byte of its text, both from 1; columns count characters.
    pub fn line_and_column(&self, at: usize) -> (usize, usize) {
        let position = self.position(at);
        (position.line, position.column)
    }

    /// Where a byte of its text stands.
    pub fn position(&self, at: usize) -> Position {
        let at = character_border(&self.text, at);
        let line = self.lines.partition_point(|&start| start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let ((characters, units), (characters_before, units_before)) = (self.count(at), self.count(start));
        Position { line, column: characters - characters_before + 1, column_utf16: units - units_before + 1 }
    }

    /// The byte at a line and a UTF-16 column, both from 1; what lies behind a line or inside a character is moved
    /// to the line's end or the character's start.
    pub fn offset_utf16(&self, line: usize, column: usize) -> usize {
        let Some(&start) = self.lines.get(line.max(1) - 1) else { return self.text.len() };
        let (mut at, mut units) = (start, 1);
        for c in self.line(start).chars() {
            units += c.len_utf16();
            if units > column {
                break;
            }
            at += c.len_utf8();
        }
        at
    }

    /// The characters and the UTF-16 code units before byte `at`.
    fn count(&self, at: usize) -> (usize, usize) {
        let Some(last) = self.counts.len().checked_sub(1) else { return (0, 0) };
        let step = (at / STEP).min(last);
        // A count is of the characters that begin before its byte; one of them may reach past it.
        let from = (step * STEP..).find(|&at| self.text.is_char_boundary(at)).unwrap_or(at).min(at);
        let (characters, units) = self.counts[step];
        let between = &self.text[from..at];
        (characters + between.chars().count(), units + between.encode_utf16().count())
    }

    /// The line that holds byte `at`, without its end.
    pub fn line(&self, at: usize) -> &str {
        let line = self.position(at).line;
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        self.text[start..end].trim_end_matches('\r')
    }
}

/// The last character border at or before byte `at`, inside the text.
fn character_border(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_past_the_text_and_inside_characters_are_clamped() {
        let mut sources = Sources::new("a.scm", "A → B\nC");
        sources.push("b.scm", "X");
        for start in 0..14 {
            let (file, range) = sources.locate(Span::new(start, start + 1)).unwrap();
            assert!(file.text.get(range).is_some());
        }
        assert_eq!(sources.files()[0].line_and_column(8), (2, 1));
        let (file, range) = sources.locate(Span::new(sources.files()[1].start, usize::MAX)).unwrap();
        assert_eq!((&file.name[..], &file.text[range]), ("b.scm", "X"));
    }

    #[test]
    fn columns_far_in_a_line_are_counted_as_from_its_start() {
        let text: String =
            (0..3000).map(|n| ["a", "é", "→", "😀", "\n"][if n % 700 == 699 { 4 } else { n % 4 }]).collect();
        let sources = Sources::new("a.scm", text.as_str());
        let file = &sources.files()[0];
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let before = &text[..at];
            let line = before.rsplit('\n').next().unwrap();
            let slow = (before.matches('\n').count() + 1, line.chars().count() + 1, line.encode_utf16().count() + 1);
            let fast = file.position(at);
            assert_eq!((fast.line, fast.column, fast.column_utf16), slow, "byte {at}");
            assert_eq!(file.offset_utf16(fast.line, fast.column_utf16), at);
            assert_eq!(file.line(at), text.lines().nth(slow.0 - 1).unwrap_or(""));
        }
    }
}
