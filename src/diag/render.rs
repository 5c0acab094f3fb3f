//! Renderers of diagnostics: for people (ariadne) and for programs (JSON).

use super::{Diagnostic, Severity, Sources};
use ariadne::{Cache, CharSet, Color, Config, IndexType, Label, Report, ReportKind};
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

/// The diagnostics as text, each with the source beside it.
pub fn render_human(diagnostics: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let mut cache = ariadne::sources(sources.files().iter().map(|f| (f.name.clone(), f.text.as_str())));
    let shown = diagnostics.iter().take(MAX_SHOWN).map(|d| render_one(d, sources, &mut cache, colour));
    let mut text: String = shown.collect();
    if diagnostics.len() > MAX_SHOWN {
        text += &format!("… and {} more\n", diagnostics.len() - MAX_SHOWN);
    }
    // ariadne colours the title of a custom kind whatever its configuration says.
    if colour { text } else { anstream::adapter::strip_str(&text).to_string() }
}

fn render_one(diagnostic: &Diagnostic, sources: &Sources, cache: &mut impl Cache<String>, colour: bool) -> String {
    let (kind, hue) = match diagnostic.severity {
        Severity::Error => (ReportKind::Custom("error", Color::Red), Color::Red),
        Severity::Warning => (ReportKind::Custom("warning", Color::Yellow), Color::Yellow),
        Severity::Note => (ReportKind::Custom("note", Color::Cyan), Color::Cyan),
    };
    // ariadne starts a new excerpt wherever labels are not in the order of the text.
    let mut labels: Vec<_> = diagnostic.labels.iter().collect();
    labels.sort_by_key(|l| l.span);
    let mut places = vec![];
    for label in labels {
        let Some((file, range)) = sources.locate(label.span) else { continue };
        places.push((label, file, range));
    }
    let Some((_, file, range)) = places.iter().find(|(label, ..)| label.primary) else {
        return render_plain(diagnostic, "");
    };
    if places.iter().any(|(_, file, range)| file.line(range.start).len() > MAX_LINE) {
        let (line, column) = file.line_and_column(range.start);
        return render_plain(diagnostic, &format!("{}:{line}:{column}: ", file.name));
    }
    let config = Config::default().with_color(colour).with_index_type(IndexType::Byte).with_char_set(CharSet::Unicode);
    let mut report = Report::build(kind, (file.name.clone(), range.clone()))
        .with_config(config)
        .with_code(diagnostic.code)
        .with_message(&diagnostic.message);
    for (label, file, range) in &places {
        let hue = if label.primary { hue } else { Color::Blue };
        let place = (file.name.clone(), range.clone());
        report = report.with_label(Label::new(place).with_message(&label.message).with_color(hue));
    }
    report = diagnostic.notes.iter().fold(report, |r, note| r.with_note(wrapped(note)));
    report = diagnostic.helps.iter().fold(report, |r, help| r.with_help(wrapped(help)));
    let mut bytes = vec![];
    match report.finish().write(cache, &mut bytes) {
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

/// The diagnostics as one JSON object, with byte ranges and lines and columns (from 1, columns in characters).
pub fn render_json(diagnostics: &[Diagnostic], sources: &Sources) -> serde_json::Value {
    let labelled = diagnostics.iter().map(|d| {
        let mut json = serde_json::json!(d);
        for (label, place) in json["labels"].as_array_mut().into_iter().flatten().zip(&d.labels) {
            let Some((file, range)) = sources.locate(place.span) else { continue };
            let (line, column) = file.line_and_column(range.start);
            label["span"] = serde_json::json!({ "start": range.start, "end": range.end });
            label["file"] = file.name.as_str().into();
            label["line"] = line.into();
            label["column"] = column.into();
        }
        json
    });
    serde_json::json!({ "schema": 1, "diagnostics": labelled.collect::<Vec<_>>() })
}
