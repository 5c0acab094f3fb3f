//! E0701, with the hedge in the source.

use super::explain::why_not;
use super::{Finding, Known, Verdict, judge};
use crate::data::Schema;
use crate::diag::{Diagnostic, Span};
use crate::model::{Assertion, Claim, Model, Query};

/// E0701 for a query that is not identifiable; `None` for others.
pub fn not_identifiable(model: &Model, query: &Query, finding: &Finding) -> Option<Diagnostic> {
    let term = finding.terms.iter().find(|t| matches!(t.verdict, Verdict::NotIdentified(_)))?;
    let Verdict::NotIdentified(witness) = &term.verdict else { return None };
    let title = format!("`{}` has no unique answer: it is not identifiable from {}", query.name, term.data.join(", "));
    let mut found = Diagnostic::new("E0701", title)
        .label(query.span, "two models of this graph agree on all declared data and differ here");
    let mut places: Vec<(Span, String)> = vec![];
    for forest in witness.hedges.iter().map(|hedge| &hedge.f) {
        for &(from, to) in &forest.directed {
            if let Some(&span) = model.written.get(&(from, to)) {
                places.push((span, format!("{} -> {} is part of the hedge", model.name(from), model.name(to))));
            }
        }
        for &(a, b) in &forest.bidirected {
            if let Some(latent) = model.latents.iter().find(|l| l.children.contains(&a) && l.children.contains(&b)) {
                places
                    .push((latent.span, format!("so is the hidden cause of {} and {}", model.name(a), model.name(b))));
            }
        }
    }
    places.dedup();
    for (span, message) in places.into_iter().take(MAX_EDGES) {
        found = found.label(span, message);
    }
    found = why_not(model, term, witness).into_iter().fold(found, Diagnostic::note);
    Some(found.help("`--allow-unidentified` gives a number all the same, and marks it"))
}

/// Edges that a message shows in the source.
const MAX_EDGES: usize = 12;

/// E0801 for an assertion that a query is identifiable, where that is not shown.
pub fn broken_assertion(model: &Model, schemas: &[Schema], assertion: &Assertion) -> Option<Diagnostic> {
    let Claim::Identifiable(kind) = &assertion.claim else { return None };
    let query = Query { name: String::new(), text: String::new(), kind: kind.clone(), span: assertion.span };
    let finding = judge(model, schemas, &query, Known::Declared);
    let title = match finding.identifiable() {
        Some(true) => return None,
        Some(false) => "it is not identifiable",
        None => "it is not shown to be identifiable",
    };
    let found = Diagnostic::new("E0801", title).label(assertion.span, "asserted here");
    Some(finding.terms.iter().fold(found, |found, term| match &term.verdict {
        Verdict::NotIdentified(witness) => why_not(model, term, witness).into_iter().fold(found, Diagnostic::note),
        Verdict::Open(why) => found.note(why.as_str()),
        Verdict::Identified(_) => found,
    }))
}
