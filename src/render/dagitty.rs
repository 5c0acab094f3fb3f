//! DAGitty.

use super::Drawing;

/// The graph as a DAGitty model, for <https://www.dagitty.net> or its R package.
pub fn dagitty(drawing: &Drawing) -> String {
    let mut text = "dag {\n".to_owned();
    for node in &drawing.nodes {
        let latent = if node.latent { " [latent]" } else { "" };
        text += &format!("  {}{latent}\n", name(&node.name));
    }
    for edge in &drawing.edges {
        let arrow = if edge.hidden { "<->" } else { "->" };
        let (from, to) = (&drawing.nodes[edge.from].name, &drawing.nodes[edge.to].name);
        text += &format!("  {} {arrow} {}\n", name(from), name(to));
    }
    text + "}\n"
}

/// DAGitty takes letters, digits, `_` and `.` without quotes, and no variable called `graph` or `node`.
fn name(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    if plain && !matches!(text, "graph" | "node" | "edge" | "subgraph") {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
