//! What the formats have in common: variables, edges, tables, and notes about the rest.

use crate::diag::{Diagnostic, Span};
use indexmap::IndexMap;
use std::collections::HashSet;

/// More edges than this are refused: a line with two large groups makes one for each pair.
pub(super) const MAX_EDGES: usize = 200_000;

/// The code of notes about what was left out or changed.
pub(super) const CHANGED: &str = "N0109";

/// A graph of another program.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub title: Option<String>,
    /// Variables by name, in the order of the file.
    pub nodes: IndexMap<String, Node>,
    /// `(cause, effect)`, without repeats.
    pub directed: Vec<(usize, usize)>,
    /// Pairs with a hidden common cause, the smaller number first, without repeats.
    pub bidirected: Vec<(usize, usize)>,
    /// What the user wants to set, and what to learn of.
    pub exposures: Vec<usize>,
    pub outcomes: Vec<usize>,
    /// The tables of a Bayesian network: of every variable or of none.
    pub tables: Vec<Table>,
    pub notes: Vec<Diagnostic>,
    seen: HashSet<(usize, usize, bool)>,
    ignored: IndexMap<String, Span>,
}

/// A variable.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub span: Span,
    pub latent: bool,
    /// Its values, if known.
    pub labels: Vec<String>,
}

/// `P(of | parents)`
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub of: usize,
    pub parents: Vec<usize>,
    pub rows: Vec<Row>,
}

/// The probabilities, as written, where the parents have the values `key`; `None` stands for all other values.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub key: Option<Vec<usize>>,
    pub probabilities: Vec<String>,
}

impl Graph {
    /// The variable's number; it is new if no variable has the name.
    pub fn node(&mut self, name: &str, span: Span) -> usize {
        if let Some(known) = self.nodes.get_index_of(name) {
            return known;
        }
        self.nodes.insert_full(name.to_owned(), Node { span, ..Node::default() }).0
    }

    /// The name of a variable.
    pub fn name(&self, node: usize) -> &str {
        self.nodes.get_index(node).map_or("?", |(name, _)| name)
    }

    /// Adds `from -> to`, or `from <-> to` if `hidden`; a repeat changes nothing.
    pub fn edge(&mut self, from: usize, to: usize, hidden: bool, span: Span) -> Result<(), Diagnostic> {
        let (from, to) = if hidden { (from.min(to), from.max(to)) } else { (from, to) };
        if !self.seen.insert((from, to, hidden)) {
            return Ok(());
        }
        if self.seen.len() > MAX_EDGES {
            return Err(Diagnostic::new("E0101", format!("more than {MAX_EDGES} edges")).label(span, "here"));
        }
        let list = if hidden { &mut self.bidirected } else { &mut self.directed };
        list.push((from, to));
        Ok(())
    }

    /// Notes something that a model file cannot hold.
    pub fn note(&mut self, span: Span, message: impl Into<String>, label: &str) {
        self.notes.push(Diagnostic::new(CHANGED, message).label(span, label));
    }

    /// Notes an attribute that means nothing to a model file; all of them make one note.
    pub fn ignore(&mut self, key: &str, span: Span) {
        if self.ignored.len() < 50 && !self.ignored.contains_key(key) {
            self.ignored.insert(key.chars().take(40).collect(), span);
        }
    }

    /// Takes back that an attribute was ignored.
    pub fn use_after_all(&mut self, key: &str) {
        self.ignored.shift_remove(key);
    }

    /// One note for all attributes that were ignored.
    pub fn say_what_was_ignored(&mut self) {
        let keys: Vec<String> = self.ignored.keys().map(|k| format!("`{k}`")).collect();
        if let Some((_, &first)) = self.ignored.first() {
            let message = format!("left out, because a model file does not hold it: {}", keys.join(", "));
            self.note(first, message, if keys.len() == 1 { "here" } else { "the first is here" });
        }
    }

    /// Names that even backquotes cannot hold are errors.
    pub fn check_names(&self) -> Result<(), Diagnostic> {
        for (name, node) in &self.nodes {
            let why = match name.chars().find(|c| matches!(c, '`' | '\n' | '\r')) {
                Some('`') => "a name cannot hold a backquote",
                Some(_) => "a name cannot hold a line break",
                None if name.is_empty() => "a name cannot be empty",
                None => continue,
            };
            return Err(Diagnostic::new("E0101", why).label(node.span, "here").help("rename it in the other program"));
        }
        Ok(())
    }
}
