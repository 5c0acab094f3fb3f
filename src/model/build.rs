//! Models made in a program instead of from text.

use super::{Latent, Model, Regime, Source};
use crate::causal::Admg;
use crate::diag::Span;

impl Model {
    /// A model with a graph and nothing else: the variables in the order of `names`, then of their first
    /// appearance in an edge; each bidirected edge has a hidden cause of its own. No types, no data.
    pub fn from_graph(names: &[&str], directed: &[(&str, &str)], bidirected: &[(&str, &str)]) -> Self {
        let mut model = Self::default();
        let ends = directed.iter().chain(bidirected).flat_map(|&(a, b)| [a, b]);
        for name in names.iter().copied().chain(ends) {
            model.variables.entry(name.to_owned()).or_default();
        }
        let numbered = |edges: &[(&str, &str)]| -> Vec<(usize, usize)> {
            edges.iter().filter_map(|(a, b)| Some((model.id(a)?, model.id(b)?))).collect()
        };
        let (directed, bidirected) = (numbered(directed), numbered(bidirected));
        model.graph = Admg::with_edges(model.variables.len(), &directed, &bidirected);
        let latent =
            |&(a, b): &(usize, usize)| Latent { name: None, children: vec![a.min(b), a.max(b)], span: Span::default() };
        model.latents = bidirected.iter().map(latent).collect();
        model
    }
}

impl Regime {
    /// A data set called `name`, read from the file of that name, without interventions, filters or weights.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            span: Span::default(),
            source: Source::File { path: name.to_owned(), span: Span::default() },
            interventions: vec![],
            columns: None,
            images: vec![],
            filter: None,
            weight: None,
            test: false,
            prefix: String::new(),
        }
    }
}
