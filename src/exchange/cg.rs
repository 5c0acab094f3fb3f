//! Edge lists: the `.cg` files of Neural Causal Models (Xia et al. 2021), and plain lists of arrows.

use super::graph::Graph;
use crate::diag::{Diagnostic, Span};

/// What the lines of a section hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    /// No section yet: arrows and names.
    None,
    Nodes,
    Edges,
    Other,
}

/// Arrows, those that begin like another one first.
const ARROWS: [&str; 7] = ["<->", "<--", "-->", "->", "<-", "--", "=>"];

/// The graph of an edge list.
pub(super) fn read(text: &str) -> Result<Graph, Diagnostic> {
    let mut graph = Graph::default();
    let (mut section, mut listed) = (Section::None, false);
    let mut start = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let at = start + (line.as_ptr() as usize - whole.as_ptr() as usize);
        start += whole.len();
        let span = Span::new(at, at + line.len());
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        if line.starts_with('<') && line.ends_with('>') && !ARROWS.contains(&line) {
            section = match line.to_uppercase().as_str() {
                "<NODES>" => Section::Nodes,
                "<EDGES>" => Section::Edges,
                _ => {
                    graph.note(span, format!("left out: the section `{line}`"), "here");
                    Section::Other
                }
            };
            listed |= section == Section::Nodes;
            continue;
        }
        match section {
            Section::Nodes => read_node(&mut graph, line, span)?,
            Section::Other => {}
            _ => read_chain(&mut graph, line, span, listed, section == Section::None)?,
        }
    }
    Ok(graph)
}

fn read_node(graph: &mut Graph, name: &str, span: Span) -> Result<(), Diagnostic> {
    if let Some(arrow) = ARROWS.iter().find(|arrow| name.contains(**arrow)) {
        let found = Diagnostic::new("E0101", format!("`{arrow}` among the nodes")).label(span, "here");
        return Err(found.help("begin the edges with a line `<EDGES>`"));
    }
    if graph.nodes.contains_key(name) {
        return Err(Diagnostic::new("E0202", format!("`{name}` is listed twice")).label(span, "again here"));
    }
    graph.node(name, span);
    Ok(())
}

/// `X -> Y`, `X <- Y`, `X <-> Y` or `X -- Y` (both hidden), in chains; a name alone where `bare` says so.
/// Where nodes were `listed`, others are unknown.
fn read_chain(graph: &mut Graph, line: &str, span: Span, listed: bool, bare: bool) -> Result<(), Diagnostic> {
    let mut rest = line;
    let mut left = None;
    loop {
        let found = ARROWS.iter().filter_map(|a| Some((rest.find(a)?, *a))).min_by_key(|(at, a)| (*at, 3 - a.len()));
        let part = &rest[..found.map_or(rest.len(), |(at, _)| at)];
        let name = part.trim();
        let at = span.start + (part.as_ptr() as usize - line.as_ptr() as usize);
        let place = Span::new(at, at + part.len());
        if name.is_empty() {
            let missing = Diagnostic::new("E0101", "a name is missing beside this arrow");
            return Err(missing.label(span, "here").help("write `X -> Y`"));
        }
        if listed && !graph.nodes.contains_key(name) {
            let unknown = Diagnostic::new("E0201", format!("`{name}` is not among the nodes")).label(place, "unknown");
            return Err(unknown.help("list it below `<NODES>`"));
        }
        if !listed && name.contains([' ', '\t', ',', ';', '=', '{', '[']) {
            let found = Diagnostic::new("E0101", "a line holds one edge or one name").label(span, "here");
            return Err(found.help("write `X -> Y`; list names with spaces below a line `<NODES>`"));
        }
        let node = graph.node(name, place);
        match left {
            Some((cause, "<-")) => graph.edge(node, cause, false, span)?,
            Some((cause, arrow)) => graph.edge(cause, node, arrow != "->", span)?,
            None if found.is_none() && !bare => {
                let found = Diagnostic::new("E0101", "this is no edge").label(span, "here");
                return Err(found.help("write `X -> Y`, or `X <-> Y` for a hidden common cause"));
            }
            None => {}
        }
        let Some((at, arrow)) = found else { return Ok(()) };
        if !matches!(arrow, "->" | "<-" | "<->" | "--") {
            let title = format!("`{arrow}` is not an arrow of edge lists");
            return Err(Diagnostic::new("E0102", title).label(span, "in this line").help("write `->`, `<->` or `--`"));
        }
        left = Some((node, arrow));
        rest = &rest[at + arrow.len()..];
    }
}
