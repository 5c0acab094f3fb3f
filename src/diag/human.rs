//! Diagnostics for people: each with the source beside it.

use super::{Diagnostic, Severity, Sources};
use ariadne::{Cache, CharSet, Color, Config, IndexType, Label, Report, ReportKind};

/// Source lines of more bytes than this are not shown.
const MAX_LINE: usize = 2_000;

/// The diagnostics as text, each with the source beside it.
pub fn render_human(diagnostics: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    render(&diagnostics.iter().collect::<Vec<_>>(), sources, colour)
}

pub(super) fn render(diagnostics: &[&Diagnostic], sources: &Sources, colour: bool) -> String {
    each(diagnostics, sources, colour).concat()
}

/// The text of each diagnostic.
pub(super) fn each(diagnostics: &[&Diagnostic], sources: &Sources, colour: bool) -> Vec<String> {
    // ariadne reads every line of its sources: it is given only the files that are shown.
    let shown: Vec<usize> = diagnostics
        .iter()
        .flat_map(|d| &d.labels)
        .filter_map(|label| Some(sources.locate(label.span)?.0.start))
        .collect();
    let files = sources.files().iter().filter(|f| shown.contains(&f.start));
    let mut cache = ariadne::sources(files.map(|f| (f.name.clone(), f.text.as_str())));
    let text = |d: &&Diagnostic| {
        let text = render_one(d, sources, &mut cache, colour);
        // ariadne colours the title of a custom kind whatever its configuration says.
        if colour { text } else { anstream::adapter::strip_str(&text).to_string() }
    };
    diagnostics.iter().map(text).collect()
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
    let severity = diagnostic.severity.word();
    let mut text = format!("[{}] {severity}: {place}{}\n", diagnostic.code, diagnostic.message);
    for note in &diagnostic.notes {
        text += &format!("  note: {note}\n");
    }
    for help in &diagnostic.helps {
        text += &format!("  help: {help}\n");
    }
    text
}
