//! Mermaid.

use super::Drawing;

/// The graph as a Mermaid flowchart, for Markdown pages: hidden common causes are dotted with two
/// heads, hidden variables have dashed borders, modules are boxes.
pub fn mermaid(drawing: &Drawing) -> String {
    let mut text = String::new();
    if let Some(title) = &drawing.title {
        // JSON strings are YAML strings.
        text += &format!("---\ntitle: {}\n---\n", serde_json::Value::from(title.as_str()));
    }
    text += "flowchart LR\n";
    for (number, node) in drawing.nodes.iter().enumerate() {
        let class = if node.latent { ":::latent" } else { "" };
        text += &format!("  n{number}[\"{}\"]{class}\n", escaped(&node.name));
    }
    for (number, group) in drawing.groups.iter().enumerate() {
        let members: String = group.members.iter().map(|m| format!("    n{m}\n")).collect();
        text += &format!("  subgraph g{number}[\"{}\"]\n{members}  end\n", escaped(&group.name));
    }
    for edge in &drawing.edges {
        let arrow = if edge.hidden { "<-.->" } else { "-->" };
        text += &format!("  n{} {arrow} n{}\n", edge.from, edge.to);
    }
    if drawing.nodes.iter().any(|n| n.latent) {
        text += "  classDef latent stroke-dasharray: 4 3\n";
    }
    text
}

/// Anything but words by its number: labels are Markdown, with marks of Mermaid's own.
fn escaped(text: &str) -> String {
    let plain = |at: usize, c: char| c.is_alphanumeric() || c == ' ' || c == '_' && at > 0;
    let shown = text.char_indices().map(|(at, c)| if plain(at, c) { c.to_string() } else { format!("#{};", c as u32) });
    shown.collect()
}
