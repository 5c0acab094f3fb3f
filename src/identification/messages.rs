//! E0701 and E0702, with the edges at fault in the source.

use super::explain::why_not;
use super::{Finding, Known, Term, Verdict, Worlds, judge, worlds_text};
use crate::causal::counterfactual::{self, Conflict, Demand, Obstacle};
use crate::causal::identify::Witness;
use crate::data::Schema;
use crate::diag::{Diagnostic, Span};
use crate::model::{Assertion, Claim, Model, Query, VarId};

/// E0701 or, for several worlds, E0702 for a query that is not identifiable; `None` for others.
pub fn not_identifiable(model: &Model, query: &Query, finding: &Finding) -> Option<Diagnostic> {
    let term = finding.terms.iter().find(|t| t.verdict.identifiable() == Some(false))?;
    let found = match &term.verdict {
        Verdict::NotIdentified(witness) => {
            let title =
                format!("`{}` has no unique answer: it is not identifiable from {}", query.name, term.data.join(", "));
            let found = Diagnostic::new("E0701", title)
                .label(query.span, "two models of this graph agree on all declared data and differ here");
            let found = edges(found, hedge_places(model, witness));
            why_not(model, term, witness).into_iter().fold(found, Diagnostic::note)
        }
        Verdict::Worlds(worlds) => not_identifiable_worlds(model, query, term, worlds)?,
        _ => return None,
    };
    let found = found.help("`dcmc identify --evaluate` gives bounds");
    Some(found.help("`--allow-unidentified` gives a number all the same, and marks it"))
}

/// E0702.
fn not_identifiable_worlds(model: &Model, query: &Query, term: &Term, worlds: &Worlds) -> Option<Diagnostic> {
    let counterfactual::Verdict::NotIdentified(witness) = &worlds.verdict else { return None };
    let (title, label, places, help) = match &witness.obstacle {
        Obstacle::Conflict(conflict) => (
            "no experiment can show these worlds together".to_owned(),
            "two models of this graph agree on every experiment and differ here",
            conflict_places(model, conflict),
            Some("ask for one world, or measure the hidden causes or a variable in between"),
        ),
        Obstacle::Hedge(witness) => (
            format!("it is not identifiable from {}", term.data.join(", ")),
            "two models of this graph agree on all declared data and differ here",
            hedge_places(model, witness),
            None,
        ),
    };
    let title = format!("`{}` has no unique answer: {title}", query.name);
    let found = edges(Diagnostic::new("E0702", title).label(query.span, label), places);
    let found = worlds_text::why_not(model, term, worlds, witness).into_iter().fold(found, Diagnostic::note);
    Some(help.into_iter().fold(found, Diagnostic::help))
}

/// The edges of the hedges.
fn hedge_places(model: &Model, witness: &Witness) -> Vec<(Span, String)> {
    let mut places = vec![];
    for forest in witness.hedges.iter().map(|hedge| &hedge.f) {
        for &(from, to) in &forest.directed {
            let message = format!("{} -> {} is part of the hedge", model.name(from), model.name(to));
            places.extend(directed(model, from, to).map(|span| (span, message)));
        }
        for &(a, b) in &forest.bidirected {
            let message = format!("so is the hidden cause of {} and {}", model.name(a), model.name(b));
            places.extend(hidden(model, a, b).map(|span| (span, message)));
        }
    }
    places
}

/// The edges by which the two worlds ask for the variable, and the hidden causes that tie them together.
fn conflict_places(model: &Model, conflict: &Conflict) -> Vec<(Span, String)> {
    let mut places = vec![];
    for Demand { copy, value } in &conflict.demands {
        let named = worlds_text::copy_text(model, copy);
        let needs = worlds_text::assigned(model, conflict.variable, *value);
        let (span, message) = match copy.variable == conflict.variable {
            true => (Some(model.variables[copy.variable].span), format!("in one world {needs}")),
            false => (directed(model, conflict.variable, copy.variable), format!("{named} depends on {needs}")),
        };
        places.extend(span.map(|span| (span, message)));
    }
    for pair in conflict.path.windows(2) {
        let message = format!("a hidden cause ties {} and {} together", model.name(pair[0]), model.name(pair[1]));
        places.extend(hidden(model, pair[0], pair[1]).map(|span| (span, message)));
    }
    places
}

fn directed(model: &Model, from: VarId, to: VarId) -> Option<Span> {
    model.written.get(&(from, to)).copied()
}

fn hidden(model: &Model, a: VarId, b: VarId) -> Option<Span> {
    let joins = model.latents.iter().find(|l| l.children.contains(&a) && l.children.contains(&b));
    joins.map(|latent| latent.span)
}

/// The first of the places as labels, each once.
fn edges(found: Diagnostic, mut places: Vec<(Span, String)>) -> Diagnostic {
    places.dedup();
    places.into_iter().take(MAX_EDGES).fold(found, |found, (span, message)| found.label(span, message))
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
        Verdict::Worlds(worlds) => match &worlds.verdict {
            counterfactual::Verdict::NotIdentified(witness) => {
                worlds_text::why_not(model, term, worlds, witness).into_iter().fold(found, Diagnostic::note)
            }
            counterfactual::Verdict::Undefined(_) => found.note(worlds_text::UNDEFINED),
            _ => found,
        },
        Verdict::Identified(_) => found,
    }))
}
