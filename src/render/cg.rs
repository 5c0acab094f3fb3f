//! Edge lists of Neural Causal Models.

use super::Drawing;
use pest::unicode::{XID_CONTINUE, XID_START};
use std::collections::BTreeSet;

/// The graph as a `.cg` file of the Neural Causal Models code (Xia et al. 2021). A hidden cause of three
/// or more becomes an edge `<->` between each pair.
///
/// # Errors
/// A name that is no identifier, which that code does not read, as a sentence.
pub fn cg(drawing: &Drawing) -> Result<String, String> {
    let (mut nodes, mut edges) = (String::new(), String::new());
    for node in drawing.nodes.iter().filter(|node| !node.latent) {
        if !is_identifier(&node.name) {
            let why = "names are letters, digits and `_` there";
            return Err(format!("a .cg file cannot hold the name `{}` ({why}): rename it", node.name));
        }
        nodes += &format!("{}\n", node.name);
    }
    let mut hidden = BTreeSet::new();
    let mut effects: Vec<Vec<usize>> = vec![vec![]; drawing.nodes.len()];
    for edge in &drawing.edges {
        if edge.hidden {
            hidden.insert((edge.from.min(edge.to), edge.from.max(edge.to)));
        } else if drawing.nodes[edge.from].latent {
            let others = &mut effects[edge.from];
            hidden.extend(others.iter().map(|&other| (other.min(edge.to), other.max(edge.to))));
            others.push(edge.to);
        } else {
            edges += &format!("{} -> {}\n", drawing.nodes[edge.from].name, drawing.nodes[edge.to].name);
        }
    }
    for (a, b) in hidden {
        edges += &format!("{} <-> {}\n", drawing.nodes[a].name, drawing.nodes[b].name);
    }
    Ok(format!("<NODES>\n{nodes}\n<EDGES>\n{edges}"))
}

/// What Python calls an identifier.
fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c == '_' || XID_START(c)) && characters.all(XID_CONTINUE)
}
