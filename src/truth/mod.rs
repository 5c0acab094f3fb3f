//! The ground-truth structural causal model a file may declare: simulation and exact answers.
//!
//! Every draw inside an expression is independent of the others, so a variable's distribution given
//! its causes is found by enumeration; the model becomes a network of tables over observed and
//! hidden variables, which is sampled forwards and summed by variable elimination.
//! Where several worlds are compared they share the noise of every draw: a uniform number that is put through the inverse of
//! the draw's distribution function, in each world its own (`worlds`).
//!
//! Real numbers, and what depends on them, are drawn: answers that need them are simulated, with a standard error.
//!
//! Images are drawn (`digit`) and looked at (`classify`). What looks at an image depends on a hidden variable, the
//! class of the image, whose table given the image's causes is estimated by drawing; everything else stays exact.

mod answer;
mod build;
mod classify;
pub mod digit;
mod evaluate;
mod expr;
mod picture;
mod real;
mod simulate;
mod worlds;
pub mod written;

pub use answer::{NoAnswer, TruthAnswer};
pub use build::infer_domains;
pub use expr::functions;

use crate::diag::Span;
use crate::model::{Value, VarId};
use classify::Classifier;
use digit::Collection;
use picture::Picture;
use std::sync::Arc;

/// A ground-truth model over discrete and real variables and images.
#[derive(Clone, Debug, Default)]
pub struct Scm {
    /// Observed and hidden variables, causes first.
    nodes: Vec<Node>,
    /// The node of each variable of the model; `usize::MAX` for those without an equation.
    of_variable: Vec<usize>,
}

/// A variable of the ground truth.
#[derive(Clone, Debug)]
struct Node {
    /// Its variable of the model; `None` if hidden.
    variable: Option<VarId>,
    /// Its values, none for images and real numbers; for a variable of the model in the order of its domain.
    values: Vec<Value>,
    /// The nodes it depends on.
    parents: Vec<usize>,
    /// `P(node | parents)`, row-major `[parents…, value]`; empty unless its kind is a table.
    table: Vec<f64>,
    kind: Kind,
    /// What the table was made from, unless it was written as a table.
    expression: Option<Expression>,
}

/// The right side of an equation.
#[derive(Clone, Debug)]
struct Expression {
    term: expr::Term,
    /// The place in the scope of each of the node's parents.
    places: Vec<usize>,
}

/// How a variable of the ground truth gets its value.
#[derive(Clone, Debug)]
enum Kind {
    /// From its table.
    Table,
    /// It is an image.
    Image(Box<Picture>),
    /// It is the class of an image, its only parent.
    Class(Classifier),
    /// From its expression: a real number (then it has no list of values), or a value that depends on one.
    Drawn,
}

impl Scm {
    /// `P(variable | causes)`: the causes, and the probabilities row-major `[causes…, value]`; `None` if a
    /// cause is hidden or it has no table.
    pub fn table(&self, variable: VarId) -> Option<(Vec<VarId>, &[f64])> {
        let node = self.nodes.get(self.of_variable[variable]).filter(|n| matches!(n.kind, Kind::Table))?;
        let causes: Option<Vec<VarId>> = node.parents.iter().map(|&p| self.nodes[p].variable).collect();
        Some((causes?, &node.table))
    }

    /// Whether the truth block draws `variable`: it has an equation.
    pub fn draws(&self, variable: VarId) -> bool {
        self.of_variable[variable] < self.nodes.len()
    }

    /// The shape `[channels, height, width]` of the images of `variable`, if it has any.
    pub fn image_shape(&self, variable: VarId) -> Option<[usize; 3]> {
        match &self.nodes.get(self.of_variable[variable])?.kind {
            Kind::Image(picture) => Some(picture.shape),
            _ => None,
        }
    }

    /// The files of images that digits are taken from, each once, and where they are named.
    pub fn collections(&self) -> Vec<(String, Span)> {
        let mut found: Vec<(String, Span)> = vec![];
        for picture in self.nodes.iter().filter_map(|n| if let Kind::Image(p) = &n.kind { Some(p) } else { None }) {
            found.extend(picture.mnist.clone().filter(|(path, _)| found.iter().all(|f| f.0 != *path)));
        }
        found
    }

    /// Gives the images of the file `path` to the equations that name it.
    pub fn set_collection(&mut self, path: &str, collection: &Arc<Collection>) {
        for node in &mut self.nodes {
            if let Kind::Image(picture) = &mut node.kind
                && picture.mnist.as_ref().is_some_and(|m| m.0 == path)
            {
                picture.collection = Some(Arc::clone(collection));
            }
        }
    }
}
