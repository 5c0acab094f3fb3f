//! Edge lists of Neural Causal Models.

use super::Drawing;

/// The graph as a `.cg` file of the Neural Causal Models code (Xia et al. 2021). A hidden cause of three
/// or more becomes an edge `--` between each pair, which that code takes for one hidden cause again.
///
/// # Errors
/// A name that the format cannot hold, as a sentence: it has no quotes.
pub fn cg(drawing: &Drawing) -> Result<String, String> {
    let observed = || drawing.nodes.iter().enumerate().filter(|(_, node)| !node.latent);
    for (_, node) in observed() {
        let marks = ["->", "<-", "--", "=>", "//"];
        let taken = node.name.starts_with(['<', '#']) || node.name.trim() != node.name || node.name.ends_with('-');
        if taken || node.name.starts_with(['-', '>']) || marks.iter().any(|mark| node.name.contains(mark)) {
            return Err(format!("a .cg file cannot hold the name `{}`: rename it", node.name));
        }
    }
    let mut text = "<NODES>\n".to_owned();
    observed().for_each(|(_, node)| text += &format!("{}\n", node.name));
    text += "\n<EDGES>\n";
    let line = |from: usize, arrow: &str, to: usize| {
        format!("{} {arrow} {}\n", drawing.nodes[from].name, drawing.nodes[to].name)
    };
    let mut effects: Vec<Vec<usize>> = vec![vec![]; drawing.nodes.len()];
    for edge in &drawing.edges {
        if drawing.nodes[edge.from].latent {
            effects[edge.from].push(edge.to);
        } else {
            text += &line(edge.from, if edge.hidden { "--" } else { "->" }, edge.to);
        }
    }
    for effects in effects {
        for (at, &one) in effects.iter().enumerate() {
            effects[at + 1..].iter().for_each(|&other| text += &line(one, "--", other));
        }
    }
    Ok(text)
}
