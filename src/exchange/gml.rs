//! GML (Himsolt 1997), as networkx, DoWhy and igraph write it.

use super::cursor::Cursor;
use super::dot::hides;
use super::graph::Graph;
use crate::diag::{Diagnostic, Span};
use std::collections::HashMap;

/// A key, its value and the key's place.
struct Entry {
    key: String,
    value: Value,
    span: Span,
}

enum Value {
    Text(String),
    List(Vec<Entry>),
}

/// The graph of a GML file.
pub(super) fn read(text: &str) -> Result<Graph, Diagnostic> {
    let mut cursor = Cursor::new(text, &["#"]);
    let top = entries(&mut cursor)?;
    if cursor.peek().is_some() {
        return Err(cursor.unexpected("a key"));
    }
    let mut graph = Graph::default();
    let mut found: Option<(Vec<Entry>, Span)> = None;
    for Entry { key, value, span } in top {
        match (key.as_str(), value) {
            ("graph", Value::List(_)) if found.is_some() => {
                return Err(Diagnostic::new("E0202", "a second graph in one file").label(span, "here"));
            }
            ("graph", Value::List(entries)) => found = Some((entries, span)),
            ("creator" | "version" | "comment", _) => {}
            (other, _) => graph.ignore(other, span),
        }
    }
    let Some((entries, span)) = found else { return Err(cursor.unexpected("`graph [`")) };
    read_graph(&mut graph, entries, span)?;
    Ok(graph)
}

/// Keys and values up to a `]` or the end.
fn entries(cursor: &mut Cursor) -> Result<Vec<Entry>, Diagnostic> {
    let mut list = vec![];
    loop {
        cursor.skip()?;
        let start = cursor.at;
        let key = cursor.take(|c| c.is_alphanumeric() || c == '_').to_lowercase();
        let span = cursor.since(start);
        if key.is_empty() {
            return match cursor.peek() {
                None | Some(']') => Ok(list),
                Some(_) => Err(cursor.unexpected("a key")),
            };
        }
        cursor.skip()?;
        let value = match cursor.peek() {
            Some('[') => {
                cursor.open('[')?;
                let inner = entries(cursor)?;
                cursor.must_close(']', "a key or ")?;
                Value::List(inner)
            }
            Some('"') => Value::Text(decoded(&cursor.string("")?)),
            Some(c) if c.is_alphanumeric() || "+-._".contains(c) => {
                Value::Text(cursor.take(|c| c.is_alphanumeric() || "+-._".contains(c)).to_owned())
            }
            _ => return Err(cursor.unexpected("a value")),
        };
        list.push(Entry { key, value, span });
    }
}

fn read_graph(graph: &mut Graph, entries: Vec<Entry>, span: Span) -> Result<(), Diagnostic> {
    let mut of_id: HashMap<String, usize> = HashMap::new();
    let (mut directed, mut edges) = (false, vec![]);
    for Entry { key, value, span } in entries {
        match (key.as_str(), value) {
            ("node", Value::List(node)) => read_node(graph, &mut of_id, node, span)?,
            ("edge", Value::List(edge)) => edges.push((edge, span)),
            ("directed", Value::Text(text)) => directed = matches!(text.to_lowercase().as_str(), "1" | "true"),
            ("label" | "name", Value::Text(text)) if !text.is_empty() => graph.title = Some(text),
            ("multigraph", _) => {}
            (other, _) => graph.ignore(other, span),
        }
    }
    if !directed && !edges.is_empty() {
        return Err(Diagnostic::new("E0102", "this graph is undirected: its edges do not say what is the cause")
            .label(span, "no `directed 1` in here")
            .help("write `directed 1` if each edge goes from the cause to the effect"));
    }
    edges.into_iter().try_for_each(|(edge, span)| read_edge(graph, &of_id, edge, span))
}

fn read_node(
    graph: &mut Graph,
    of_id: &mut HashMap<String, usize>,
    entries: Vec<Entry>,
    span: Span,
) -> Result<(), Diagnostic> {
    let (mut id, mut label, mut name, mut latent) = (None, None, None, false);
    for Entry { key, value, span } in entries {
        match (key.as_str(), value) {
            ("id", Value::Text(text)) => id = Some(text),
            ("label", Value::Text(text)) => label = Some(text),
            ("name", Value::Text(text)) => name = Some(text),
            (other, Value::Text(text)) => match hides(other, Some(&text)) {
                Some(hidden) => latent = hidden,
                None => graph.ignore(other, span),
            },
            (other, Value::List(_)) => graph.ignore(other, span),
        }
    }
    let Some(id) = id else {
        return Err(Diagnostic::new("E0103", "this node has no `id`").label(span, "here").help("write `id 0`"));
    };
    let name = label.or(name).unwrap_or_else(|| id.clone());
    if graph.nodes.contains_key(&name) {
        return Err(Diagnostic::new("E0202", format!("two nodes are called `{name}`")).label(span, "the second"));
    }
    let node = graph.node(&name, span);
    graph.nodes[node].latent = latent;
    match of_id.insert(id.clone(), node) {
        Some(_) => Err(Diagnostic::new("E0202", format!("two nodes have the id {id}")).label(span, "the second")),
        None => Ok(()),
    }
}

fn read_edge(
    graph: &mut Graph,
    of_id: &HashMap<String, usize>,
    entries: Vec<Entry>,
    span: Span,
) -> Result<(), Diagnostic> {
    let mut ends: [Option<usize>; 2] = [None, None];
    for Entry { key, value, span } in entries {
        let end = match key.as_str() {
            "source" => 0,
            "target" => 1,
            "key" => continue,
            other => {
                graph.ignore(other, span);
                continue;
            }
        };
        let Value::Text(id) = value else {
            return Err(Diagnostic::new("E0101", format!("`{key}` takes the id of a node")).label(span, "here"));
        };
        let Some(&node) = of_id.get(&id) else {
            return Err(Diagnostic::new("E0201", format!("there is no node with the id {id}")).label(span, "unknown"));
        };
        ends[end] = Some(node);
    }
    let [Some(from), Some(to)] = ends else {
        let found = Diagnostic::new("E0103", "this edge needs a `source` and a `target`").label(span, "here");
        return Err(found.help("write `edge [ source 0 target 1 ]`"));
    };
    graph.edge(from, to, false, span)
}

/// The text with `&amp;`, `&#38;` and their like replaced.
fn decoded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain += &rest[..at];
        rest = &rest[at..];
        // The longest reference, `&#x10ffff;`, has ten bytes.
        let end = rest.bytes().take(10).position(|b| b == b';');
        match end.and_then(|end| Some((character(&rest[1..end])?, end))) {
            Some((c, end)) => {
                plain.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain + rest
}

fn character(reference: &str) -> Option<char> {
    match reference {
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = reference.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}
