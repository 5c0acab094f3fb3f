//! Diagnostics: what is wrong, where, why, and what to write instead.

pub mod catalogue;
pub mod fix;
mod format;
mod human;
mod json;
mod sarif;
mod short;
mod sources;

pub use format::{ColorChoice, MessageFormat, render};
pub use human::render_human;
pub use json::{render_json, render_json_limited};
pub use sources::{Position, SourceFile, Sources};

use serde::Serialize;

/// A half-open byte range of the [`Sources`]; in a program of one file, of that file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest range that holds both.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// How serious a diagnostic is; errors stop the pipeline after the step that found them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The model cannot be used.
    Error,
    /// The model can be used, but something deserves a look.
    Warning,
    /// A fact worth knowing, such as a type taken from the data.
    Note,
}

impl Severity {
    /// What the first letter of a code says (`E`, `W` or `N`).
    pub fn of_code(code: &str) -> Self {
        match code.as_bytes().first() {
            Some(b'W') => Self::Warning,
            Some(b'N') => Self::Note,
            _ => Self::Error,
        }
    }

    /// As it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A place in the source and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What, in a few words.
    pub message: String,
    /// Whether this is the place that the title speaks of.
    pub primary: bool,
}

/// One message to the user.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnostic {
    /// The code, e.g. `E0301`; its first letter tells the severity.
    pub code: &'static str,
    /// How serious it is.
    pub severity: Severity,
    /// The title: lowercase, no full stop.
    pub message: String,
    /// The places, primary first.
    pub labels: Vec<Label>,
    /// Facts.
    pub notes: Vec<String>,
    /// What to write instead.
    pub helps: Vec<String>,
    /// Repairs that a program can make; each alone removes the cause, the likeliest first.
    pub fixes: Vec<Fix>,
}

/// A repair: edits that are made together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fix {
    /// What it does, e.g. "write `smoker`".
    pub title: String,
    /// The edits; they do not overlap.
    pub edits: Vec<Edit>,
}

/// A piece of text to be replaced.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edit {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic whose severity is the code's first letter (`E`, `W` or `N`).
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        debug_assert!(catalogue::entry(code).is_some(), "{code} is not in the table of codes");
        let severity = Severity::of_code(code);
        Self { code, severity, message: message.into(), labels: vec![], notes: vec![], helps: vec![], fixes: vec![] }
    }

    /// Adds a labelled place; the first one added is the primary.
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        let primary = self.labels.is_empty();
        self.labels.push(Label { span, message: message.into(), primary });
        self
    }

    /// Adds a fact.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// Adds a repair of one edit.
    pub fn fix(self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.fix_all(title, vec![Edit { span, text: text.into() }])
    }

    /// Adds a repair of several edits that are made together.
    pub fn fix_all(mut self, title: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.fixes.push(Fix { title: title.into(), edits });
        self
    }

    /// Whether the pipeline must stop.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Sorts by place, errors before warnings at the same place, and drops repeats.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    let place = |d: &Diagnostic| d.labels.first().map_or(Span::new(usize::MAX, usize::MAX), |l| l.span);
    diagnostics.sort_by(|a, b| place(a).cmp(&place(b)).then(a.severity.cmp(&b.severity)).then(a.code.cmp(b.code)));
    diagnostics.dedup();
}
