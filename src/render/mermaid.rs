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

/// Characters that mean something in a label, by their numbers.
fn escaped(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | ';' | '*' => plain += &format!("#{};", c as u32),
            '\n' => plain.push(' '),
            _ => plain.push(c),
        }
    }
    plain
}
