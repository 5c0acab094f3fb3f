//! `output` statements: which kinds of files take which answers.

use super::{Lowering, list};
use crate::diag::{Diagnostic, Span};
use crate::model::{Domain, Event, GridOptions, Output, QueryKind};
use crate::syntax::ast::{Block, Name, Spanned};
use crate::syntax::words::OUTPUT_KEYS;

/// Files of rows and of tables.
const TABLES: [&str; 4] = ["csv", "tsv", "json", "parquet"];
/// Files of rows alone: arrays, images among them.
const ARRAYS: [&str; 2] = ["npz", "safetensors"];
const PICTURE: &str = "png";

impl Lowering {
    /// One output of a query that exists.
    pub(super) fn output(&mut self, query: &Name, path: &Spanned<String>, options: &Block, span: Span) {
        if let Some(found) = self.unwritable(query, path) {
            return self.report(found);
        }
        let mut grid = GridOptions::default();
        for entry in &options.entries {
            match entry.key.value.as_str() {
                "grid" if entry.value.is_none() => {}
                "grid" => {
                    let found = Diagnostic::new("E0101", "`grid` has no value").label(entry.span, "here");
                    self.report(found.help("write `{ grid }`, or `{ columns: 8, scale: 3 }`"));
                }
                "columns" => grid.columns = self.count(entry, 1, 1_000),
                "scale" => grid.scale = self.count(entry, 1, 100),
                other => self.unknown_key(other, entry.key.span, "`output`", &OUTPUT_KEYS),
            }
        }
        if let (Some(entry), false) = (options.entries.first(), extension(&path.value) == PICTURE) {
            let found = Diagnostic::new("E0709", "only pictures are laid out").label(entry.span, "has no effect here");
            return self.report(found.label(path.span, "not a .png file"));
        }
        self.model.outputs.push(Output { query: query.value.clone(), path: path.value.clone(), grid, span });
    }

    /// E0709 where a file of this name cannot hold the query's answer.
    fn unwritable(&self, query: &Name, path: &Spanned<String>) -> Option<Diagnostic> {
        let asked = self.model.queries.iter().find(|q| q.name == query.value)?;
        let drawn = match &asked.kind {
            QueryKind::Samples { term, .. } => Some(term),
            _ => None,
        };
        let shape = |event: &Event| match self.model.domain(event.variable) {
            Some(Domain::Image(shape)) => Some(*shape),
            _ => None,
        };
        let shapes: Vec<[usize; 3]> = drawn.iter().flat_map(|term| term.outcome.iter().filter_map(shape)).collect();
        let extension = extension(&path.value);
        let title = match &*extension {
            PICTURE if shapes.is_empty() => "a .png file shows images",
            PICTURE if shapes.iter().any(|s| *s != shapes[0]) => "a .png file shows images of one shape",
            PICTURE => return None,
            "" if path.value.ends_with('/') && drawn.is_some() => return None,
            known if TABLES.contains(&known) => return None,
            known if ARRAYS.contains(&known) && drawn.is_some() => return None,
            known if ARRAYS.contains(&known) => "an array file holds rows that are drawn",
            _ => "there is no such kind of output file",
        };
        let found = Diagnostic::new("E0709", title).label(path.span, format!("cannot hold `{}`", query.value));
        let found = found.label(asked.span, "what is asked");
        Some(match drawn {
            Some(_) => {
                let kinds = [&TABLES[..], &ARRAYS, &[PICTURE]].concat();
                found.help(format!("write a file that ends in {}, or a folder: `\"{}/\"`", dotted(&kinds), query.value))
            }
            None => found.help(format!("write a file that ends in {}", dotted(&TABLES))),
        })
    }
}

fn dotted(extensions: &[&str]) -> String {
    list(extensions.iter().map(|e| format!(".{e}")))
}

/// What follows the last dot of the last part of a path, in lower case.
fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_lowercase())
}
