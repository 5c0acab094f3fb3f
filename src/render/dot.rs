//! Graphviz.

use super::{Drawing, Node};

/// The graph as a Graphviz file: hidden common causes dashed with two heads, hidden variables with
/// `observed=no`, modules as clusters. `dcmc import` reads it back.
pub fn dot(drawing: &Drawing) -> String {
    let mut text = "digraph {\n  rankdir=LR;\n  node [shape=ellipse];\n".to_owned();
    if let Some(title) = &drawing.title {
        text += &format!("  label={};\n  labelloc=t;\n", quoted(title));
    }
    for node in &drawing.nodes {
        text += &format!("  {}{};\n", quoted(&node.name), attributes(node));
    }
    for (number, group) in drawing.groups.iter().enumerate() {
        let members: String =
            group.members.iter().map(|&m| format!("    {};\n", quoted(&drawing.nodes[m].name))).collect();
        let label = quoted(&group.name);
        text += &format!(
            "  subgraph cluster_{number} {{\n    label={label};\n    style=\"rounded,filled\";\n    color=lightgrey;\n{members}  }}\n"
        );
    }
    for edge in &drawing.edges {
        let (from, to) = (quoted(&drawing.nodes[edge.from].name), quoted(&drawing.nodes[edge.to].name));
        let style = if edge.hidden { " [dir=both, style=dashed, constraint=false]" } else { "" };
        text += &format!("  {from} -> {to}{style};\n");
    }
    text + "}\n"
}

fn attributes(node: &Node) -> String {
    let mut attributes = vec![];
    if node.latent {
        attributes.push("observed=no, style=dashed".to_owned());
    }
    let about = if node.about.is_empty() { node.domain.as_deref() } else { Some(&node.about[..]) };
    attributes.extend(about.map(|about| format!("tooltip={}", quoted(about))));
    if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) }
}

/// In quotes, where a backslash is written twice.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
