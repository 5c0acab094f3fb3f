//! DAGitty's language: <https://www.dagitty.net>, like DOT with `<->`, `[exposure]`, `[latent]` and more.

use super::dot::{Dialect, Parser};
use super::graph::Graph;
use crate::diag::Diagnostic;

/// The kinds of graphs; the longer of two names that begin alike first.
const KINDS: [&str; 6] = ["dag", "pdag", "mag", "pag", "digraph", "graph"];

/// The graph of a DAGitty model; as in DAGitty, its statements may stand without `dag { }`.
pub(super) fn read(text: &str) -> Result<Graph, Diagnostic> {
    let mut parser = Parser::new(text, Dialect::Dagitty);
    parser.cursor.skip()?;
    if !has_header(parser.cursor.rest()) {
        parser.all_statements()?;
        return Ok(parser.graph);
    }
    let (kind, place) = parser.header(&KINDS, "`dag`")?;
    parser.body()?;
    if matches!(kind, "pdag" | "mag" | "pag") {
        let message =
            format!("the `{kind}` is read as a graph of causes: `->` is a cause, `<->` a hidden common cause");
        parser.graph.note(place, message, "here");
    }
    Ok(parser.graph)
}

/// Whether the text begins with a kind of graph and a `{` follows in its line or the next.
fn has_header(text: &str) -> bool {
    let word: String = text.chars().take_while(|c| c.is_ascii_alphanumeric()).flat_map(char::to_lowercase).collect();
    let rest = text[word.len()..].trim_start();
    word == "strict" || KINDS.contains(&word.as_str()) && !rest.starts_with(['[', '-', '<', '=', '@'])
}
