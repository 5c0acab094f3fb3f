//! Hidden variables that have causes of their own: a model file knows hidden variables without causes only.

use super::graph::Graph;
use crate::diag::{Diagnostic, Span};
use std::collections::BTreeSet;

/// At most so many names stand in a note.
const MAX_NAMES: usize = 8;

/// Takes the causes of hidden variables away without changing what the graph says about the observed
/// ones: they become causes of what the hidden variable acts on. (Evans, Scand. J. Stat. 43
/// (2016) 625: the exogenised graph.)
pub(super) fn without_causes(graph: &mut Graph) -> Result<(), Diagnostic> {
    let mut number = 0;
    for (a, b) in std::mem::take(&mut graph.bidirected) {
        let ends = [a, b].into_iter().find(|&end| graph.nodes[end].latent);
        match ends {
            None => graph.bidirected.push((a, b)),
            Some(hidden) => {
                let span = graph.nodes[hidden].span;
                let cause = fresh_hidden(graph, &mut number, span);
                let (name, cause_name) = (graph.name(hidden), graph.name(cause));
                let message = format!("`{name}` is hidden and has a hidden cause, which is called `{cause_name}` now");
                graph.note(span, message, "hidden");
                graph.edge(cause, a, false, span)?;
                graph.edge(cause, b, false, span)?;
            }
        }
    }
    // Handing causes on gives no hidden variable a cause that had none.
    let hidden: BTreeSet<usize> = graph.directed.iter().map(|e| e.1).filter(|&n| graph.nodes[n].latent).collect();
    hidden.into_iter().try_for_each(|node| hand_on_causes(graph, node))
}

fn hand_on_causes(graph: &mut Graph, node: usize) -> Result<(), Diagnostic> {
    let causes: Vec<usize> = graph.directed.iter().filter(|e| e.1 == node).map(|e| e.0).collect();
    if causes.is_empty() {
        return Ok(());
    }
    let effects: Vec<usize> = graph.directed.iter().filter(|e| e.0 == node).map(|e| e.1).collect();
    let span = graph.nodes[node].span;
    let name = graph.name(node).to_owned();
    graph.directed.retain(|e| e.1 != node);
    for &cause in &causes {
        for &effect in effects.iter().filter(|&&e| e != node) {
            if cause == effect && graph.nodes[cause].latent {
                let message = format!("left out: the circle of hidden variables through `{name}`");
                graph.note(span, message, "hidden");
            } else {
                graph.edge(cause, effect, false, span)?;
            }
        }
    }
    let (causes, effects) = (list(&causes, graph), list(&effects, graph));
    let message = format!("`{name}` is hidden and has causes: {causes} directly act on {effects} now");
    graph.notes.push(
        Diagnostic::new(super::graph::CHANGED, message)
            .label(span, "hidden")
            .note("the graph says the same about the observed variables as before"),
    );
    Ok(())
}

/// A hidden variable called `U` and the next number that makes it a new name.
fn fresh_hidden(graph: &mut Graph, number: &mut usize, span: Span) -> usize {
    let name = loop {
        *number += 1;
        let name = format!("U{number}");
        if !graph.nodes.contains_key(&name) {
            break name;
        }
    };
    let node = graph.node(&name, span);
    graph.nodes[node].latent = true;
    node
}

fn list(nodes: &[usize], graph: &Graph) -> String {
    let names: Vec<String> = nodes.iter().take(MAX_NAMES).map(|&n| format!("`{}`", graph.name(n))).collect();
    match nodes.len() {
        0 => "nothing".to_owned(),
        n if n > MAX_NAMES => format!("{}, …", names.join(", ")),
        _ => names.join(", "),
    }
}
