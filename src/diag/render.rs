//! Renderers of diagnostics: for people (ariadne) and for programs (JSON).

use super::{Diagnostic, Severity};
use ariadne::{CharSet, Color, Config, IndexType, Label, Report, ReportKind, Source};
use std::io::IsTerminal;

/// Whether to colour what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// Colour on a terminal that has not asked for none (`NO_COLOR`, `CLICOLOR_FORCE`).
    #[default]
    Auto,
    /// Colour.
    Always,
    /// No colour.
    Never,
}

impl ColorChoice {
    /// The decision for a stream, standard error if `stderr`.
    pub fn resolve(self, stderr: bool) -> bool {
        let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "0");
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if set("NO_COLOR") => false,
            Self::Auto if set("CLICOLOR_FORCE") => true,
            Self::Auto if stderr => std::io::stderr().is_terminal(),
            Self::Auto => std::io::stdout().is_terminal(),
        }
    }
}

/// More diagnostics than this are counted, not shown.
const MAX_SHOWN: usize = 50;

/// Source lines of more bytes than this are not shown.
const MAX_LINE: usize = 2_000;

/// The diagnostics as text, each with the source beside it; `name` is the file's name.
pub fn render_human(diagnostics: &[Diagnostic], name: &str, source: &str, colour: bool) -> String {
    let cache = Source::from(source);
    let shown = diagnostics.iter().take(MAX_SHOWN).map(|d| render_one(d, name, source, &cache, colour));
    let mut text: String = shown.collect();
    if diagnostics.len() > MAX_SHOWN {
        text += &format!("… and {} more\n", diagnostics.len() - MAX_SHOWN);
    }
    // ariadne colours the title of a custom kind whatever its configuration says.
    if colour { text } else { anstream::adapter::strip_str(&text).to_string() }
}

fn render_one(diagnostic: &Diagnostic, name: &str, text: &str, source: &Source<&str>, colour: bool) -> String {
    let (kind, hue) = match diagnostic.severity {
        Severity::Error => (ReportKind::Custom("error", Color::Red), Color::Red),
        Severity::Warning => (ReportKind::Custom("warning", Color::Yellow), Color::Yellow),
        Severity::Note => (ReportKind::Custom("note", Color::Cyan), Color::Cyan),
    };
    let Some(primary) = diagnostic.labels.first() else { return render_plain(diagnostic, "") };
    if diagnostic.labels.iter().any(|l| line_length(text, l.span.start) > MAX_LINE) {
        let (line, column) = line_and_column(text, &line_starts(text), primary.span.start);
        return render_plain(diagnostic, &format!("{name}:{line}:{column}: "));
    }
    let config = Config::default().with_color(colour).with_index_type(IndexType::Byte).with_char_set(CharSet::Unicode);
    let mut report = Report::build(kind, (name, clamp(text, primary.span.start, primary.span.end)))
        .with_config(config)
        .with_code(diagnostic.code)
        .with_message(&diagnostic.message);
    // ariadne starts a new excerpt wherever labels are not in the order of the text.
    let mut labels: Vec<_> = diagnostic.labels.iter().collect();
    labels.sort_by_key(|l| l.span);
    for label in labels {
        let hue = if label.primary { hue } else { Color::Blue };
        let place = (name, clamp(text, label.span.start, label.span.end));
        report = report.with_label(Label::new(place).with_message(&label.message).with_color(hue));
    }
    report = diagnostic.notes.iter().fold(report, |r, note| r.with_note(wrapped(note)));
    report = diagnostic.helps.iter().fold(report, |r, help| r.with_help(wrapped(help)));
    let mut bytes = vec![];
    match report.finish().write((name, source), &mut bytes) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => render_plain(diagnostic, ""),
    }
}

/// The text in lines of at most 84 columns where its words allow.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + 1 + word.chars().count() > 84 {
            lines.push(word.to_owned());
        } else {
            let gap = if lines[last].is_empty() { "" } else { " " };
            lines[last] += &format!("{gap}{word}");
        }
    }
    lines.join("\n")
}

/// A diagnostic without its source; `place` stands before its title.
fn render_plain(diagnostic: &Diagnostic, place: &str) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let mut text = format!("[{}] {severity}: {place}{}\n", diagnostic.code, diagnostic.message);
    for note in &diagnostic.notes {
        text += &format!("  note: {note}\n");
    }
    for help in &diagnostic.helps {
        text += &format!("  help: {help}\n");
    }
    text
}

/// A byte range moved inwards to character borders, inside the text.
fn clamp(text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let border = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (border(start), border(end.max(start)));
    start..end
}

/// The diagnostics as one JSON object, with byte ranges and lines and columns (from 1, columns in characters).
pub fn render_json(diagnostics: &[Diagnostic], source: &str) -> serde_json::Value {
    let starts = line_starts(source);
    let labelled = diagnostics.iter().map(|d| {
        let mut json = serde_json::json!(d);
        for (label, place) in json["labels"].as_array_mut().into_iter().flatten().zip(&d.labels) {
            let (line, column) = line_and_column(source, &starts, place.span.start);
            label["line"] = line.into();
            label["column"] = column.into();
        }
        json
    });
    serde_json::json!({ "schema": 1, "diagnostics": labelled.collect::<Vec<_>>() })
}

/// The bytes of the line that holds byte `at`.
fn line_length(source: &str, at: usize) -> usize {
    let at = clamp(source, at, at).start;
    let before = at - source[..at].rfind('\n').map_or(0, |n| n + 1);
    before + source[at..].find('\n').unwrap_or(source.len() - at)
}

/// Where the lines begin.
fn line_starts(source: &str) -> Vec<usize> {
    std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

fn line_and_column(source: &str, line_starts: &[usize], at: usize) -> (usize, usize) {
    let at = clamp(source, at, at).start;
    let line = line_starts.partition_point(|&start| start <= at);
    (line, source[line_starts[line - 1]..at].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn places_past_the_text_and_inside_characters_are_clamped() {
        let text = "A → B\nC";
        for start in 0..text.len() + 3 {
            let found = Diagnostic::new("E0101", "title").label(Span::new(start, start + 1), "here");
            assert!(render_human(std::slice::from_ref(&found), "m.scm", text, false).contains("title"));
            render_json(&[found], text);
        }
        assert_eq!(line_and_column(text, &line_starts(text), 8), (2, 1));
    }
}
