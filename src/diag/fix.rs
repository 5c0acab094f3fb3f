//! Making the repairs that diagnostics offer.

use super::{Diagnostic, Edit, Fix, Sources};
use std::collections::BTreeMap;
use std::ops::Range;

/// A repair that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The file of its first edit.
    pub file: String,
    /// Where in the file, before the repair: line and column, from 1.
    pub place: (usize, usize),
    /// The code of the diagnostic it removes.
    pub code: &'static str,
    /// What it does, e.g. "write `smoker`".
    pub title: String,
}

/// The texts of the files that change, by name, and the repairs made in them.
pub type Repaired = (BTreeMap<String, String>, Vec<Made>);

/// Names of imported files carry the importing file's `c.`; a repair in such a file writes them as that file does:
/// with as many dots as the name that it replaces.
pub fn localize(diagnostics: &mut [Diagnostic], sources: &Sources) {
    let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\'');
    for edit in diagnostics.iter_mut().flat_map(|d| &mut d.fixes).flat_map(|f| &mut f.edits) {
        let Some((file, range)) = sources.locate(edit.span).filter(|(file, _)| file.start > 0) else { continue };
        let written = &file.text[range];
        if edit.text.chars().all(name) && !written.is_empty() && written.chars().all(name) {
            let parts: Vec<&str> = edit.text.split('.').collect();
            let kept = parts.len().min(written.matches('.').count() + 1);
            edit.text = parts[parts.len() - kept..].join(".");
        }
    }
}

/// Makes the first repair of each diagnostic, in their order; one that overlaps an earlier one is left out.
pub fn apply<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>, sources: &Sources) -> Repaired {
    let mut edits: BTreeMap<String, Vec<(Range<usize>, String)>> = BTreeMap::new();
    let mut made = vec![];
    for diagnostic in diagnostics {
        let Some(fix) = diagnostic.fixes.first() else { continue };
        let Some(placed) = place(fix, sources) else { continue };
        let free = |(file, range, _): &Placed| {
            edits.get(*file).is_none_or(|taken| taken.iter().all(|(other, _)| !overlap(other, range)))
        };
        let (true, Some(first)) = (placed.iter().all(free), fix.edits.first()) else { continue };
        let Some((file, range)) = sources.locate(first.span) else { continue };
        made.push(Made {
            file: file.name.clone(),
            place: file.line_and_column(range.start),
            code: diagnostic.code,
            title: fix.title.clone(),
        });
        for (file, range, text) in placed {
            edits.entry(file.to_owned()).or_default().push((range, text.to_owned()));
        }
    }
    let texts = edits.into_iter().filter_map(|(name, edits)| {
        let file = sources.files().iter().find(|f| f.name == name)?;
        Some((name, edited(&file.text, edits)))
    });
    (texts.collect(), made)
}

/// An edit as a file, a range of its text, and the text that goes there.
pub type Placed<'a> = (&'a str, Range<usize>, &'a str);

/// The edits of a repair in their files; `None` if one is in none of them.
pub fn place<'a>(fix: &'a Fix, sources: &'a Sources) -> Option<Vec<Placed<'a>>> {
    let one = |edit: &'a Edit| {
        let (file, range) = sources.locate(edit.span)?;
        let range = if edit.text.is_empty() { whole_line(&file.text, range) } else { range };
        Some((file.name.as_str(), range, edit.text.as_str()))
    };
    fix.edits.iter().map(one).collect()
}

/// A statement that goes takes its line with it, if it is alone there.
fn whole_line(text: &str, range: Range<usize>) -> Range<usize> {
    let blank = |c: char| matches!(c, ' ' | '\t' | ';' | '\r');
    let before = text[..range.start].trim_end_matches([' ', '\t']);
    let rest = text[range.end..].trim_start_matches(blank);
    let after = text.len() - rest.len();
    match (before.is_empty() || before.ends_with('\n'), rest.strip_prefix('\n')) {
        (true, Some(_)) => before.len()..after + 1,
        _ => range,
    }
}

/// Whether two edits touch the same text; two insertions at one place do.
fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start == b.start || (a.start < b.end && b.start < a.end)
}

fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut new, mut at) = (String::with_capacity(text.len()), 0);
    for (range, replacement) in edits {
        new.push_str(&text[at..range.start]);
        new.push_str(&replacement);
        at = range.end;
    }
    new.push_str(&text[at..]);
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    fn fixed(text: &str, edits: &[(usize, usize, &str)]) -> String {
        let sources = Sources::new("m.scm", text);
        let one = |&(start, end, text): &(usize, usize, &str)| {
            Diagnostic::new("E0201", "wrong").label(Span::new(start, end), "here").fix(
                "right",
                Span::new(start, end),
                text,
            )
        };
        let diagnostics: Vec<Diagnostic> = edits.iter().map(one).collect();
        apply(&diagnostics, &sources).0.remove("m.scm").unwrap()
    }

    #[test]
    fn overlapping_repairs_wait_and_the_rest_of_the_text_stays() {
        assert_eq!(fixed("\u{feff}A -> B\r\nC", &[(3, 4, "X"), (3, 9, "Y"), (11, 12, "Z")]), "\u{feff}X -> B\r\nZ");
        assert_eq!(fixed("P(Y", &[(3, 3, ")"), (3, 3, ")")]), "P(Y)");
    }

    #[test]
    fn a_statement_alone_in_its_line_takes_the_line_with_it() {
        assert_eq!(fixed("A -> B\r\n  A -> B;\r\nC", &[(10, 16, "")]), "A -> B\r\nC");
        assert_eq!(fixed("A -> B; A -> B\nC", &[(8, 14, "")]), "A -> B; \nC");
    }
}
