//! GML.

use super::Drawing;

/// The graph as GML, for networkx and DoWhy: each hidden common cause is a node with `observed "no"`.
pub fn gml(drawing: &Drawing) -> String {
    let title = drawing.title.as_ref().map(|t| format!("  label \"{}\"\n", escaped(t)));
    let mut text = format!("graph [\n  directed 1\n{}", title.unwrap_or_default());
    for (id, node) in drawing.nodes.iter().enumerate() {
        text += &vertex(id, &node.name, node.latent);
    }
    let (mut edges, mut id) = (String::new(), drawing.nodes.len());
    let known = |name: &String| drawing.nodes.iter().any(|n| n.name == *name);
    let mut names = (1..).map(|k| format!("U{k}")).filter(|name| !known(name));
    let mut join = |from: usize, to: usize| edges += &format!("  edge [\n    source {from}\n    target {to}\n  ]\n");
    for edge in &drawing.edges {
        if edge.hidden {
            text += &vertex(id, &names.next().unwrap_or_default(), true);
            join(id, edge.from);
            join(id, edge.to);
            id += 1;
        } else {
            join(edge.from, edge.to);
        }
    }
    text + &edges + "]\n"
}

fn vertex(id: usize, name: &str, latent: bool) -> String {
    let observed = if latent { "    observed \"no\"\n" } else { "" };
    format!("  node [\n    id {id}\n    label \"{}\"\n{observed}  ]\n", escaped(name))
}

/// GML is ASCII: other characters, `&` and `"` are written by their numbers.
fn escaped(text: &str) -> String {
    let plain = |c: char| (' '..='~').contains(&c) && c != '&' && c != '"';
    text.chars().map(|c| if plain(c) { c.to_string() } else { format!("&#{};", c as u32) }).collect()
}
