//! `assert` statements.

use super::Lowering;
use crate::causal::open_path;
use crate::diag::{Diagnostic, Span};
use crate::model::{Assertion, Claim, VarId};
use crate::syntax::ast::{self, Ast, Name, StatementKind};

impl Lowering {
    /// Reads the assertions, and decides those about independence.
    pub(super) fn assertions(&mut self, ast: &Ast) {
        for statement in &ast.statements {
            let StatementKind::Assert(written) = &statement.kind else { continue };
            let claim = match written {
                ast::Claim::Identifiable(name) => self.identifiable(name),
                ast::Claim::IdentifiableForm(form) => {
                    self.asking = statement.span;
                    self.query_kind(form).map(Claim::Identifiable)
                }
                ast::Claim::Independent { left, right, given, interventions } => {
                    self.independent(left, right, given, interventions)
                }
            };
            let Some(claim) = claim else { continue };
            self.decide(&claim, statement.span);
            self.model.assertions.push(Assertion { claim, span: statement.span });
        }
    }

    fn identifiable(&mut self, name: &Name) -> Option<Claim> {
        self.query_named(name).then_some(())?;
        let query = self.model.queries.iter().find(|q| q.name == name.value)?;
        Some(Claim::Identifiable(query.kind.clone()))
    }

    fn independent(&mut self, left: &[Name], right: &[Name], given: &[Name], set: &[Name]) -> Option<Claim> {
        let parts = [left, right, given, set].map(|names| self.variables(names));
        let [left_ids, right_ids, given, interventions] = &parts;
        let twice = left.iter().chain(right).enumerate().find_map(|(at, name)| {
            let earlier = left.iter().chain(right).take(at).find(|n| n.value == name.value)?;
            Some((name, earlier))
        });
        if let Some((name, earlier)) = twice {
            let title = format!("`{}` is on both sides", name.value);
            let found = Diagnostic::new("E0202", title).label(name.span, "again here");
            self.report(found.label(earlier.span, "first here"));
            return None;
        }
        let known = |v: &VarId| given.contains(v) || interventions.contains(v);
        if let Some(name) = left.iter().chain(right).find(|n| self.model.id(&n.value).is_some_and(|v| known(&v))) {
            let title = format!("`{}` is both asked about and given", name.value);
            self.report(Diagnostic::new("E0703", title).label(name.span, "given after the bar"));
            return None;
        }
        let whole = left_ids.len() == left.len() && right_ids.len() == right.len();
        whole.then(|| {
            let [left, right, given, interventions] = parts;
            Claim::Independent { left, right, given, interventions }
        })
    }

    fn variables(&mut self, names: &[Name]) -> Vec<VarId> {
        names.iter().filter_map(|n| self.variable(n)).collect()
    }

    /// E0801 for an independence that the graph does not imply, with an open path.
    fn decide(&mut self, claim: &Claim, span: Span) {
        // What is identifiable depends on the data sets' columns: `identification` decides it.
        let Claim::Independent { left, right, given, interventions } = claim else { return };
        let graph = self.model.graph.intervene(interventions);
        let known: Vec<VarId> = given.iter().chain(interventions).copied().collect();
        let Some((first, steps)) = open_path(&graph, left, right, &known) else { return };
        let names = |set: &[VarId]| set.iter().map(|&v| self.model.name(v)).collect::<Vec<_>>().join(", ");
        let bar = if known.is_empty() { String::new() } else { format!(" given {}", names(&known)) };
        let title = format!("{} and {} need not be independent{bar}", names(left), names(right));
        let path = self.model.path_text(first, &steps);
        let found = Diagnostic::new("E0801", title).label(span, "this does not follow from the graph");
        self.report(found.note(format!("the path {path} is open")));
    }
}
