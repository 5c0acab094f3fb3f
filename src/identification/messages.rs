//! E0701, with the hedge in the source.

use super::explain::why_not;
use super::{Finding, Known, Term, Verdict, judge};
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
    Some(found.help("`dcmc identify --evaluate` gives bounds; `--allow-unidentified` a number all the same, marked"))
}

/// E0701 for a query that the data sets determine, but not what training takes from them (N0613).
pub fn not_trained(query: &Query, finding: &Finding) -> Diagnostic {
    let mut needed: Vec<&str> = finding.terms.iter().flat_map(used).collect();
    needed.sort_unstable();
    needed.dedup();
    let title = format!("`{}` has no unique answer after training", query.name);
    Diagnostic::new("E0701", title)
        .label(query.span, format!("identifiable from {}", needed.join(", ")))
        .note("training leaves out what a data set shows only summed over a column that it lacks (N0613 names it): two trained models may agree on all that is left and differ here")
        .help("observe the missing column; `dcmc identify --evaluate` computes the answer from the formula, without training")
        .help("`--allow-unidentified` gives a number all the same, and marks it")
}

/// The names of the data sets in a term's formula.
fn used(term: &Term) -> Vec<&str> {
    let mut places = vec![];
    if let Verdict::Identified(found) = &term.verdict {
        found.estimand.regimes(&mut places);
    }
    places.iter().filter_map(|&at| term.data.get(at)).map(String::as_str).collect()
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
