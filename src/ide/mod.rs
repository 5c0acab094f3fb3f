//! What an editor asks about a program, answered from its text: places are bytes of the model file.
//!
//! [`Analysis`] is the quick part, made anew after each keystroke; [`Analysis::conclude`] is the rest.

mod complete;
mod context;
mod files;
mod glossary;
mod graph;
mod hints;
mod hover;
mod lens;
mod navigate;
mod occurrences;
mod outline;
mod paint;
mod rename;
mod signature;

pub use complete::{Completion, CompletionKind, complete};
pub use files::List;
pub use graph::graph;
pub use hints::{Hint, hints};
pub use hover::{Hover, hover};
pub use lens::{Lens, lens_title, lenses};
pub use navigate::{definition, highlights, references};
pub use occurrences::{Occurrence, Role, Space, occurrences};
pub use outline::{Fold, Symbol, SymbolKind, folds, symbols};
pub use paint::{Colour, Painted, paint};
pub use rename::{Renamed, renamable, rename};
pub use signature::{Signature, signature};

use crate::check::{Conclusions, Program, SAMPLE};
use crate::data::Schema;
use crate::diag::{self, Diagnostic, Span};
use std::io;
use std::path::Path;
use std::sync::OnceLock;

/// A program and what is quickly known about it.
#[derive(Debug, Default)]
pub struct Analysis {
    /// The program, with its quick diagnostics.
    pub program: Program,
    /// What its data sets offer.
    pub schemas: Vec<Schema>,
    occurrences: OnceLock<Vec<Occurrence>>,
}

/// What is slowly known about a program.
#[derive(Debug, Default)]
pub struct Slow {
    /// Everything that is wrong, quick or slow, by place: what `dcmc check` says.
    pub diagnostics: Vec<Diagnostic>,
    /// The plan and what was found on the way.
    pub conclusions: Conclusions,
}

impl Analysis {
    /// Reads the file `name` with the given text; `read` gives the texts of imported files.
    pub fn new(name: &str, text: String, read: &dyn Fn(&Path) -> io::Result<String>) -> Self {
        Self::after(None, name, text, read)
    }

    /// As [`Analysis::new`]; quick where the text is like that of an `earlier` one.
    pub fn after(earlier: Option<&Self>, name: &str, text: String, read: &dyn Fn(&Path) -> io::Result<String>) -> Self {
        let mut program = Program::parse_after(earlier.map(|a| &a.program), name, text, read);
        let Ok(()) = program.lower(SAMPLE, |_| Ok::<(), std::convert::Infallible>(()));
        let schemas = program.schemas();
        Self { program, schemas, occurrences: OnceLock::new() }
    }

    /// The text of the model file.
    pub fn text(&self) -> &str {
        self.program.sources.files().first().map_or("", |file| &file.text)
    }

    /// The plan and the identification of queries; `None` once nobody wants to know any more.
    pub fn conclude(&self, unwanted: &dyn Fn() -> bool) -> Option<Slow> {
        let conclusions = match self.program.has_errors() {
            true => Conclusions::default(),
            false => self.program.conclusions(&self.schemas, unwanted)?,
        };
        let mut diagnostics = self.program.diagnostics.clone();
        diagnostics.extend(conclusions.diagnostics.iter().cloned());
        diag::sort(&mut diagnostics);
        Some(Slow { diagnostics, conclusions })
    }

    /// Whether a place is in the model file, not in one that it imports.
    pub fn is_home(&self, span: Span) -> bool {
        span.start <= self.text().len()
    }

    /// The place in the model file for one anywhere in the program: for one in an imported file, the path that brings
    /// it in.
    pub fn home(&self, span: Span) -> Span {
        let mut span = span;
        // An import stands before what it brings in, so this ends.
        while !self.is_home(span) {
            let imported = self.program.ast.imports.iter().rfind(|i| i.start <= span.start);
            span = imported.filter(|i| i.path.span.start < i.start).map_or(Span::default(), |i| i.path.span);
        }
        span
    }

    /// Every name of the program's statements, by place.
    fn occurrences(&self) -> &[Occurrence] {
        self.occurrences.get_or_init(|| {
            let sources = &self.program.sources;
            let text = |span| sources.locate(span).and_then(|(file, range)| file.text.get(range)).unwrap_or_default();
            occurrences(&self.program.ast, &text)
        })
    }

    /// The name at a byte of the model file: under it, or ending there.
    fn occurrence(&self, at: usize) -> Option<&Occurrence> {
        let all = self.occurrences();
        let next = all.partition_point(|o| o.span.start <= at);
        let under = |o: &&Occurrence| o.span.start <= at && at <= o.span.end && self.is_home(o.span);
        all[..next].iter().rev().take(4).find(under)
    }
}

/// The word at a byte: letters, digits, `_`, `.` and primes around it.
fn word_at(text: &str, at: usize) -> Option<Span> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '.');
    let before = text.get(..at)?;
    let start = before.rfind(|c| !is_word(c)).map_or(0, |b| b + before[b..].chars().next().map_or(1, char::len_utf8));
    let end = at + text[at..].find(|c| !is_word(c)).unwrap_or(text.len() - at);
    (start < end).then(|| Span::new(start, end))
}
