//! A new name for a variable, a query or a data set, everywhere it stands.

use super::{Analysis, Occurrence, Space, occurrences};
use crate::diag::{Edit, SourceFile, Span};
use crate::syntax::{self, ast::Ast, spell};
use std::collections::BTreeSet;

/// Edits by their places in the program.
pub type Renamed = Vec<Edit>;

/// Words that cannot be names in truth blocks unless they stand in backquotes.
const RESERVED: [&str; 7] = ["if", "then", "else", "and", "or", "xor", "not"];

/// The place of the name at a byte that can be renamed, and the name.
pub fn renamable(analysis: &Analysis, at: usize) -> Option<(Span, &str)> {
    let found = analysis.occurrence(at)?;
    let can = matches!(found.space, Space::Variable | Space::Query | Space::Data);
    can.then_some((found.span, found.name.as_str()))
}

/// Gives what is named at a byte the name `to`, in the model file and in the files it imports. Strings, the names of
/// columns among them, stay.
///
/// # Errors
/// Why that name cannot be, in a sentence.
pub fn rename(analysis: &Analysis, at: usize, to: &str) -> Result<Renamed, String> {
    let asked = analysis.occurrence(at).filter(|_| renamable(analysis, at).is_some());
    let asked = asked.ok_or("only variables, queries and data sets have names to change")?;
    let to = to.trim();
    let to = to.strip_prefix('`').and_then(|t| t.strip_suffix('`')).unwrap_or(to);
    if to.is_empty() || to.contains(['`', '\n', '\r']) {
        return Err(format!("`{to}` is no name"));
    }
    let files = instances(analysis);
    let home = home(&files, analysis, asked);
    let base = asked.name.strip_prefix(&home).unwrap_or(&asked.name);
    let taken = |name: &str| {
        let clash = |o: &&Occurrence| {
            o.name == name && (o.space == asked.space || (o.space, asked.space) == (Space::Label, Space::Variable))
        };
        analysis.occurrences().iter().find(clash)
    };
    if base != to && taken(&format!("{home}{to}")).is_some() {
        return Err(format!("there is already a `{home}{to}`"));
    }
    let mut edits = vec![];
    let mut seen = BTreeSet::new();
    for name in aliases(&files, &home, base) {
        for file in &files {
            let Some(local) = name.strip_suffix(base).and_then(|before| before.strip_prefix(&file.prefix)) else {
                continue;
            };
            let new = written(&format!("{local}{to}"));
            let old = format!("{local}{base}");
            let here = file.names().into_iter().filter(|o| o.space == asked.space && o.name == old);
            for found in here.filter(|o| seen.insert((file.file.name.clone(), o.span))) {
                let span = Span::new(found.span.start + file.file.start, found.span.end + file.file.start);
                edits.push(Edit { span, text: new.clone() });
            }
        }
    }
    edits.sort_by_key(|edit| edit.span);
    Ok(edits)
}

fn written(name: &str) -> String {
    if RESERVED.contains(&name) { format!("`{name}`") } else { spell(name) }
}

/// A file of the program, under one of the names it is imported by.
struct Instance<'a> {
    file: &'a SourceFile,
    prefix: String,
}

impl Instance<'_> {
    /// The names in the file, as it spells them, with places of its text.
    fn names(&self) -> Vec<Occurrence> {
        let (ast, _): (Ast, _) = syntax::parse(&self.file.text);
        occurrences(&ast, &|span| self.file.text.get(span.start..span.end).unwrap_or_default())
    }
}

fn instances(analysis: &Analysis) -> Vec<Instance<'_>> {
    let prefix = |start: usize| analysis.program.ast.imports.iter().find(|i| i.start == start).map(|i| &i.prefix);
    let files = analysis.program.sources.files().iter();
    files.map(|file| Instance { file, prefix: prefix(file.start).cloned().unwrap_or_default() }).collect()
}

/// The prefix of the innermost file that names what is asked for.
fn home(files: &[Instance], analysis: &Analysis, asked: &Occurrence) -> String {
    let places = analysis.occurrences().iter().filter(|o| o.space == asked.space && o.name == asked.name);
    let starts: BTreeSet<usize> =
        places.filter_map(|o| analysis.program.sources.locate(o.span)).map(|(file, _)| file.start).collect();
    let named = files.iter().filter(|f| starts.contains(&f.file.start) && asked.name.starts_with(&f.prefix));
    named.map(|f| f.prefix.clone()).max_by_key(String::len).unwrap_or_default()
}

/// All names that the program has for it: a file may be imported under several.
fn aliases(files: &[Instance], home: &str, base: &str) -> BTreeSet<String> {
    let own: BTreeSet<&str> = files.iter().filter(|f| f.prefix == home).map(|f| f.file.name.as_str()).collect();
    let same = files.iter().filter(|f| f.prefix == home || (own.contains(f.file.name.as_str()) && !home.is_empty()));
    same.map(|f| format!("{}{base}", f.prefix)).collect()
}
