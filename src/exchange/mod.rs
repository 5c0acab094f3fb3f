//! Graphs of other programs, read into model files: one format a file.
//!
//! Each format is read into a `graph::Graph`, hidden variables with causes are moved out of the way
//! (`hidden`), and `write` lays the result out as a model file. What a model file cannot hold is said in
//! a note (N0109), never dropped silently.

mod bif;
mod cg;
mod cursor;
mod dagitty;
mod dot;
mod gml;
mod graph;
mod hidden;
mod write;

use crate::diag::Diagnostic;
use clap::ValueEnum;

/// A format that [`import`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Graphviz.
    Dot,
    /// DAGitty's `dag { … }`.
    Dagitty,
    /// Bayesian networks with their tables (bnlearn repository).
    Bif,
    /// GML, as networkx, DoWhy and igraph write it.
    Gml,
    /// Edge lists, with or without the sections of Neural Causal Models.
    Cg,
}

/// A model file made from a graph of another program.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The text of the model file.
    pub text: String,
    /// What was left out or changed; places are bytes of the text that was read.
    pub notes: Vec<Diagnostic>,
}

impl Format {
    /// The format of a file, by the extension of its name, else by how its text begins.
    pub fn of(extension: &str, text: &str) -> Option<Self> {
        match extension.to_lowercase().as_str() {
            "dot" | "gv" => Some(Self::Dot),
            "dagitty" => Some(Self::Dagitty),
            "bif" => Some(Self::Bif),
            "gml" => Some(Self::Gml),
            "cg" => Some(Self::Cg),
            "txt" => Self::of_text(text).or(Some(Self::Dagitty)),
            _ => Self::of_text(text),
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        let start = after_comments(text);
        let (word, rest) = start.split_at(start.find(|c: char| !c.is_alphanumeric()).unwrap_or(start.len()));
        let next = rest.trim_start().chars().next();
        match (word.to_lowercase().as_str(), next) {
            ("dag" | "pdag" | "mag" | "pag", _) => Some(Self::Dagitty),
            ("graph", Some('[')) | ("creator" | "version", _) => Some(Self::Gml),
            ("digraph" | "strict" | "graph", _) => Some(Self::Dot),
            ("network" | "variable", _) => Some(Self::Bif),
            _ if start.starts_with('<') => Some(Self::Cg),
            _ => None,
        }
    }
}

/// The text without the comments and spaces it begins with.
fn after_comments(text: &str) -> &str {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = match () {
            () if rest.starts_with('#') || rest.starts_with("//") => rest.find('\n'),
            () if rest.starts_with("/*") => rest.find("*/").map(|at| at + 1),
            () => return rest,
        };
        rest = end.map_or("", |at| rest[at + 1..].trim_start());
    }
}

/// Reads `text` and writes it as a model file.
///
/// # Errors
/// The first thing in the text that cannot be read or that no model file can hold, with its place.
pub fn import(text: &str, format: Format) -> Result<Imported, Diagnostic> {
    let mut graph = match format {
        Format::Dot => dot::read(text)?,
        Format::Dagitty => dagitty::read(text)?,
        Format::Bif => bif::read(text)?,
        Format::Gml => gml::read(text)?,
        Format::Cg => cg::read(text)?,
    };
    graph.check_names()?;
    hidden::without_causes(&mut graph)?;
    graph.say_what_was_ignored();
    Ok(Imported { text: write::model_file(&graph), notes: graph.notes })
}
