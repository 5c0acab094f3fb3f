//! Graphs as pictures and as text for other programs: one format a file.
//!
//! [`Drawing`] is what all of them show; it is made from a model, and from its plan where h-nodes are
//! to be seen.

mod bif;
mod cg;
mod dagitty;
mod dot;
mod gml;
mod mermaid;

pub use bif::bif;
pub use cg::cg;
pub use dagitty::dagitty;
pub use dot::dot;
pub use gml::gml;
pub use mermaid::mermaid;

use crate::diag::Span;
use crate::model::Model;

/// A graph to be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    /// The title, if the model has one.
    pub title: Option<String>,
    /// The observed variables in the order of the model, then the hidden causes of three or more.
    pub nodes: Vec<Node>,
    /// The edges; each hidden cause of two is one hidden edge.
    pub edges: Vec<Edge>,
    /// Modules (h-nodes) to shade; empty without a plan.
    pub groups: Vec<Group>,
}

/// A variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Whether it is a hidden cause.
    pub latent: bool,
    /// Its type as written in a model file, if known.
    pub domain: Option<String>,
    /// What is to be said about it on hover.
    pub about: String,
}

/// An edge between two nodes, by their places in [`Drawing::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The cause, or one end of a hidden edge.
    pub from: usize,
    /// The effect, or the other end of a hidden edge.
    pub to: usize,
    /// A hidden common cause of both ends (`<->`).
    pub hidden: bool,
    /// Where it is written, if it is.
    pub span: Option<Span>,
}

/// A shaded group of nodes: an h-node.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name, `H1`.
    pub name: String,
    /// Its members' places in [`Drawing::nodes`].
    pub members: Vec<usize>,
    /// What is to be said about it on hover.
    pub about: String,
}

impl Drawing {
    /// The graph of a model, without its modules.
    pub fn of(model: &Model) -> Self {
        let mut drawing = Self { title: model.title.clone(), ..Self::default() };
        for (name, variable) in &model.variables {
            let domain = variable.domain.as_ref().map(ToString::to_string);
            drawing.nodes.push(Node { name: name.clone(), latent: false, domain, about: String::new() });
        }
        for to in 0..model.variables.len() {
            let causes = model.graph.parents(to).iter();
            drawing.edges.extend(causes.map(|&from| Edge { from, to, hidden: false, span: None }));
        }
        for latent in &model.latents {
            match (&latent.name, &latent.children[..]) {
                (None, &[from, to]) | (Some(_), &[from, to]) => {
                    drawing.edges.push(Edge { from, to, hidden: true, span: Some(latent.span) });
                }
                (name, children) => {
                    let from = drawing.nodes.len();
                    let name = name.clone().unwrap_or_else(|| format!("U{from}"));
                    drawing.nodes.push(Node { name, latent: true, domain: None, about: String::new() });
                    drawing.edges.extend(children.iter().map(|&to| Edge {
                        from,
                        to,
                        hidden: false,
                        span: Some(latent.span),
                    }));
                }
            }
        }
        drawing
    }
}
