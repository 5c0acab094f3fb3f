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
        self.files.push(SourceFile { name: name.into(), text: text.into(), start: self.end() });
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
    /// The line and the column of a byte of its text, both from 1; columns count characters.
    pub fn line_and_column(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..character_border(&self.text, at)];
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The line that holds byte `at`, without its end.
    pub fn line(&self, at: usize) -> &str {
        let at = character_border(&self.text, at);
        let start = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
        let end = self.text[at..].find('\n').map_or(self.text.len(), |n| at + n);
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
}
