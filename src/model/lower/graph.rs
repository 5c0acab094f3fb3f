//! Edges, hidden causes and the variables they name.

use super::Lowering;
use crate::causal::Admg;
use crate::diag::{Diagnostic, Span};
use crate::model::{Latent, VarId, Variable};
use crate::syntax::ast::{Arrow, Ast, Name, StatementKind};
use std::collections::BTreeMap;

/// Where each directed edge was written.
type Written = BTreeMap<(VarId, VarId), Span>;

impl Lowering {
    pub(super) fn graph(&mut self, ast: &Ast) {
        let latent_names = self.latent_names(ast);
        self.declare_variables(ast, &latent_names);
        let mut edges = Edges::default();
        for statement in &ast.statements {
            match &statement.kind {
                StatementKind::Edges { first, rest } => {
                    edges.alone =
                        (first.len() == 1 && rest.len() == 1 && rest[0].1.len() == 1).then_some(statement.span);
                    self.chain(first, rest, &latent_names, &mut edges);
                }
                StatementKind::Latent { names, children } => {
                    for name in names {
                        let children = children.iter().map(|c| c.value.clone()).collect::<Vec<_>>();
                        edges.hidden.entry(name.value.clone()).or_insert((name.span, vec![])).1.extend(children);
                    }
                }
                _ => {}
            }
        }
        self.build(edges);
    }

    fn latent_names(&self, ast: &Ast) -> BTreeMap<String, Span> {
        let latents = ast.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Latent { names, .. } => Some(names),
            _ => None,
        });
        latents.flatten().map(|n| (n.value.clone(), n.span)).collect()
    }

    /// Every name of an edge, a declaration or a bare statement is a variable, in the order of the text.
    fn declare_variables(&mut self, ast: &Ast, latents: &BTreeMap<String, Span>) {
        for statement in &ast.statements {
            let names: Vec<&Name> = match &statement.kind {
                StatementKind::Edges { first, rest } => first.iter().chain(rest.iter().flat_map(|r| &r.1)).collect(),
                StatementKind::Latent { children, .. } => children.iter().collect(),
                StatementKind::Bare(names) | StatementKind::Declaration { names, .. } => names.iter().collect(),
                _ => vec![],
            };
            for name in names.into_iter().filter(|n| !latents.contains_key(&n.value)) {
                self.model
                    .variables
                    .entry(name.value.clone())
                    .or_insert(Variable { span: name.span, ..Variable::default() });
            }
        }
    }

    fn chain(
        &mut self,
        first: &[Name],
        rest: &[(crate::syntax::ast::Spanned<Arrow>, Vec<Name>)],
        latents: &BTreeMap<String, Span>,
        edges: &mut Edges,
    ) {
        let mut left = first;
        for (arrow, right) in rest {
            for a in left {
                for b in right {
                    let (from, to) = if arrow.value == Arrow::Left { (b, a) } else { (a, b) };
                    self.edge(arrow.value, from, to, a.span.to(b.span), latents, edges);
                }
            }
            left = right;
        }
    }

    fn edge(
        &mut self,
        arrow: Arrow,
        from: &Name,
        to: &Name,
        span: Span,
        latents: &BTreeMap<String, Span>,
        edges: &mut Edges,
    ) {
        if from.value == to.value {
            let title = match arrow {
                Arrow::Hidden => format!("`{}` cannot share a hidden cause with itself", from.value),
                _ => format!("`{}` cannot cause itself", from.value),
            };
            return self.report(Diagnostic::new("E0302", title).label(span, "an edge from a variable to itself"));
        }
        let hidden = |name: &Name| latents.get(&name.value).copied();
        if let Some(declared) = hidden(to).or_else(|| hidden(from).filter(|_| arrow == Arrow::Hidden)) {
            let name = if hidden(to).is_some() { to } else { from };
            let title = format!("the latent variable `{}` cannot have a cause", name.value);
            return self.report(
                Diagnostic::new("E0303", title)
                    .label(span, "this edge points into it")
                    .label(declared, "declared latent here")
                    .help("a hidden cause of its own effects is enough: remove the edge"),
            );
        }
        if let Some(declared) = hidden(from) {
            edges.hidden.entry(from.value.clone()).or_insert((declared, vec![])).1.push(to.value.clone());
            return;
        }
        let (Some(a), Some(b)) = (self.model.id(&from.value), self.model.id(&to.value)) else { return };
        let (list, pair) = match arrow {
            Arrow::Hidden => (&mut edges.bidirected, (a.min(b), a.max(b))),
            _ => (&mut edges.directed, (a, b)),
        };
        if let Some(first) = list.get(&pair) {
            let found = Diagnostic::new("W0203", "this edge is written twice");
            let found = found.label(span, "again here").label(*first, "first here");
            self.diagnostics.push(match edges.alone {
                Some(statement) => found.fix("remove the second", statement, ""),
                None => found,
            });
        } else {
            list.insert(pair, span);
        }
    }

    fn build(&mut self, edges: Edges) {
        let mut graph = Admg::new(self.model.variables.len());
        for &(from, to) in edges.directed.keys() {
            graph.add_directed(from, to);
        }
        let mut latents: Vec<Latent> =
            edges.bidirected.iter().map(|(&(a, b), &span)| Latent { name: None, children: vec![a, b], span }).collect();
        for (name, (span, children)) in edges.hidden {
            let mut children: Vec<VarId> = children.iter().filter_map(|c| self.model.id(c)).collect();
            children.sort_unstable();
            children.dedup();
            latents.push(Latent { name: Some(name), children, span });
        }
        for latent in &latents {
            for (at, &a) in latent.children.iter().enumerate() {
                latent.children[at + 1..].iter().for_each(|&b| graph.add_bidirected(a, b));
            }
        }
        if let Err(cycle) = graph.topological_order() {
            self.cycle(&cycle, &edges.directed);
        }
        self.model.graph = graph;
        self.model.written = edges.directed;
        self.model.latents = latents.into_iter().filter(|l| l.children.len() > 1).collect();
    }

    fn cycle(&mut self, cycle: &[VarId], written: &Written) {
        // The circle is told from the edge that was written first.
        let edge = |at: &usize| written.get(&(cycle[*at], cycle[(at + 1) % cycle.len()]));
        let first = (0..cycle.len()).min_by_key(edge).unwrap_or(0);
        let cycle = &[&cycle[first..], &cycle[..first]].concat();
        let names: Vec<&str> = cycle.iter().chain(&cycle[..1]).map(|&v| self.model.name(v)).collect();
        let mut found = Diagnostic::new("E0301", format!("the causes run in a circle: {}", names.join(" -> ")));
        for (at, &from) in cycle.iter().enumerate() {
            let to = cycle[(at + 1) % cycle.len()];
            if let Some(&span) = written.get(&(from, to)) {
                let what = format!("{}. {} causes {}", at + 1, self.model.name(from), self.model.name(to));
                found = found.label(span, what);
            }
        }
        self.report(
            found
                .note("a causal graph says what comes first; in a circle nothing does")
                .help("remove or turn one of these edges, or give the variable at a later time a name of its own"),
        );
    }
}

#[derive(Default)]
struct Edges {
    /// The statement that is being read, if it is one edge and nothing else.
    alone: Option<Span>,
    directed: Written,
    bidirected: Written,
    /// Named hidden causes: where they were declared and what they act on.
    hidden: BTreeMap<String, (Span, Vec<String>)>,
}
