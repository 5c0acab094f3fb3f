//! DAGitty.

use super::Drawing;

/// The graph as a DAGitty model, for <https://www.dagitty.net> or its R package.
///
/// # Errors
/// A name that DAGitty cannot hold, as a sentence.
pub fn dagitty(drawing: &Drawing) -> Result<String, String> {
    let names: Result<Vec<String>, String> = drawing.nodes.iter().map(|node| name(&node.name)).collect();
    let names = names?;
    let mut text = "dag {\n".to_owned();
    for (node, name) in drawing.nodes.iter().zip(&names) {
        let latent = if node.latent { " [latent]" } else { "" };
        text += &format!("  {name}{latent}\n");
    }
    for edge in &drawing.edges {
        let arrow = if edge.hidden { "<->" } else { "->" };
        text += &format!("  {} {arrow} {}\n", names[edge.from], names[edge.to]);
    }
    Ok(text + "}\n")
}

/// DAGitty takes letters, digits, `_` and `.` without quotes.
fn name(text: &str) -> Result<String, String> {
    if matches!(text, "graph" | "node") || text.ends_with('\\') || text.contains("\\\"") {
        return Err(format!("DAGitty cannot hold the name `{text}`: rename it"));
    }
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    let keyword = matches!(text, "edge" | "subgraph");
    Ok(if plain && !keyword { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\\\"")) })
}
