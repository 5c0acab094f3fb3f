//! Graphs as pictures and as text for other programs: one format a file.
//!
//! [`Drawing`] is what all of them show; it is made from a model, and from its plan where h-nodes are
//! to be seen.

mod bif;
mod cg;
mod dagitty;
mod dot;
mod gml;
pub mod layout;
mod mermaid;
mod page;
mod svg;
mod tikz;

pub use bif::bif;
pub use cg::cg;
pub use dagitty::dagitty;
pub use dot::dot;
pub use gml::gml;
pub use layout::Direction;
pub use mermaid::mermaid;
pub use page::{document, page};
pub use svg::{Marks, illustration, svg};
pub use tikz::tikz;

use crate::causal::c_components;
use crate::diag::{Sources, Span};
use crate::model::Model;
use crate::plan::{Planned, explain};

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
            let span = |from: usize| model.written.get(&(from, to)).copied();
            drawing.edges.extend(causes.map(|&from| Edge { from, to, hidden: false, span: span(from) }));
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

    /// With what there is to say about each variable on hover: where its type stands in `sources`, and its c-component.
    pub fn described(mut self, model: &Model, sources: &Sources) -> Self {
        for (node, variable) in self.nodes.iter_mut().zip(model.variables.values()) {
            let first = match variable.declared {
                Some(span) => format!("declared in {}", line(sources, span)),
                None if variable.span == Span::default() => continue,
                None => format!("first named in {}", line(sources, variable.span)),
            };
            node.add(&first);
        }
        for component in c_components(&model.graph).iter().filter(|c| c.len() > 1) {
            let names = format!("c-component {{{}}}", model.sorted_names(component.iter().copied()).join(", "));
            component.iter().for_each(|&v| self.nodes[v].add(&names));
        }
        for node in self.nodes.iter_mut().filter(|node| node.latent) {
            node.add("a hidden cause");
        }
        self
    }

    /// With the modules of the plan as groups.
    pub fn with_plan(mut self, planned: &Planned, model: &Model) -> Self {
        for (module, words) in planned.plan.modules.iter().zip(explain(planned, model).modules) {
            let mut members: Vec<usize> = module.variables.iter().filter_map(|name| model.id(name)).collect();
            members.sort_unstable();
            members.iter().for_each(|&v| self.nodes[v].add(&format!("module {}", module.id)));
            let says = |label: &str| words.lines.iter().find(|line| line.label == label).map(|line| &line.text);
            let mut about = vec![format!("{}: {}", module.id, words.summary)];
            about.extend(["trains", "keeps", "order"].iter().filter_map(|&l| Some((l, says(l)?))).map(
                |(label, text)| {
                    if label == "order" { text.clone() } else { format!("{label} {text}") }
                },
            ));
            self.groups.push(Group { name: module.id.clone(), members, about: about.join("\n") });
        }
        self
    }

    /// Why an edge is there, e.g. `D -> I, line 3: D is a cause of I`; `sources` are the texts of the model.
    pub fn why(&self, edge: &Edge, sources: &Sources) -> String {
        let (from, to) = (&self.nodes[edge.from].name, &self.nodes[edge.to].name);
        let place = match edge.span.filter(|span| *span != Span::default()) {
            Some(span) if !sources.files().is_empty() => format!(", {}", line(sources, span)),
            _ => String::new(),
        };
        match edge.hidden {
            true => format!("{from} <-> {to}{place}: a hidden common cause of {from} and {to}"),
            false if self.nodes[edge.from].latent => format!("{from} -> {to}{place}: {from} is a hidden cause of {to}"),
            false => format!("{from} -> {to}{place}: {from} is a cause of {to}"),
        }
    }
}

impl Node {
    /// Whether it is an image by its type.
    pub fn is_image(&self) -> bool {
        self.domain.as_ref().is_some_and(|domain| domain.starts_with("image["))
    }

    fn add(&mut self, fact: &str) {
        if !self.about.is_empty() {
            self.about.push('\n');
        }
        self.about.push_str(fact);
    }
}

/// Where a span begins: `line 3`, and the file unless it is the model file.
fn line(sources: &Sources, span: Span) -> String {
    let Some((file, range)) = sources.locate(span) else { return "the model".to_owned() };
    let (line, _) = file.line_and_column(range.start);
    let other = if file.start == 0 { String::new() } else { format!(" of {}", file.name) };
    format!("line {line}{other}")
}

/// `text` as it is written in XML, HTML and attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What XML does not allow at all.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
