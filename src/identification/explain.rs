//! Findings in words and as JSON.

use super::{Asked, Finding, Report, Term, Verdict, bounds_text, tables, worlds_text};
use crate::causal::identify::{Effect, Forest, Names, Rule, Step, Witness, no_value};
use crate::model::{Model, VarId, counterfactual_text};
use serde_json::{Value, json};

/// The findings as one JSON object: `{"schema": 1, "queries": […]}`.
pub fn to_json(model: &Model, reports: &[Report]) -> Value {
    let queries: Vec<Value> = reports.iter().map(|r| report_json(model, r)).collect();
    json!({ "schema": 1, "queries": queries })
}

fn report_json(model: &Model, report: &Report) -> Value {
    let mut found = finding_json(model, &report.finding);
    if let Some(values) = &report.values {
        found["values"] = tables::json(model, values);
        found["bounds"] = match &values.bounds {
            Ok(list) => list.iter().map(|interval| interval.json(model)).collect(),
            Err(_) => Value::Null,
        };
    }
    match &report.counterexample {
        Some(Ok(pair)) => found["counterexample"] = pair.json(model),
        Some(Err(why)) => found["counterexample"] = json!({ "models": null, "why": why }),
        None => {}
    }
    found
}

fn finding_json(model: &Model, finding: &Finding) -> Value {
    let terms: Vec<Value> = finding.terms.iter().map(|t| term_json(model, t)).collect();
    let witness = terms.iter().map(|t| &t["witness"]).find(|w| !w.is_null()).cloned();
    // A query of one term is that term; one of several has a formula for each.
    let only = |key: &str| if let [term] = &terms[..] { term[key].clone() } else { Value::Null };
    json!({
        "name": finding.name,
        "query": finding.query,
        "identifiable": finding.identifiable(),
        "method": only("method"),
        "method_text": only("method_text"),
        "note": only("note"),
        "estimand": only("estimand"),
        "witness": witness,
        "terms": terms,
    })
}

fn term_json(model: &Model, term: &Term) -> Value {
    let (node, regime) = (|v| model.name(v).to_owned(), |r| term.data.get::<usize>(r).cloned().unwrap_or_default());
    let names = &Names { node: &node, value: &no_value, regime: &regime };
    let (mut method, mut method_text, mut estimand, mut witness, mut reason) = Default::default();
    match &term.verdict {
        Verdict::Identified(found) => {
            method = json!(method_name(term));
            method_text = json!(found.method.text(names));
            let (text, latex) = (found.estimand.text(names), found.estimand.latex(names));
            estimand = json!({ "text": text, "latex": latex, "tree": found.estimand.json(names) });
        }
        Verdict::NotIdentified(found) => witness = witness_json(model, term, found),
        Verdict::Open(why) => reason = json!(why),
        Verdict::Worlds(worlds) => return worlds_text::to_json(model, term, worlds),
    }
    json!({
        "factor": term.factor, "of": effect_text(model, term), "data": term.data, "method": method,
        "method_text": method_text, "estimand": estimand, "witness": witness, "reason": reason,
        "note": null,
    })
}

impl Finding {
    /// The formula of a query that has one: of several terms a formula for each, those that repeat once.
    pub fn formula(&self, model: &Model) -> Option<String> {
        let text = |term: &Term| match &term.verdict {
            Verdict::Identified(found) => {
                let regime = |r: usize| term.data.get(r).cloned().unwrap_or_default();
                let node = |v: VarId| model.name(v).to_owned();
                Some(found.estimand.text(&Names { node: &node, value: &no_value, regime: &regime }))
            }
            Verdict::Worlds(worlds) => worlds_text::formula(model, term, worlds),
            _ => None,
        };
        let mut texts: Vec<String> = self.terms.iter().map(text).collect::<Option<_>>()?;
        texts.dedup();
        (!texts.is_empty()).then(|| texts.join("; "))
    }
}

/// The algorithm that covers the case: `id`, `idc` with evidence, `gid` and `gidc` from several data sets.
fn method_name(term: &Term) -> &'static str {
    let evidence = matches!(&term.asked, Asked::Effect(effect) if !effect.evidence.is_empty());
    match (term.data.len() > 1, !evidence) {
        (false, true) => "id",
        (false, false) => "idc",
        (true, true) => "gid",
        (true, false) => "gidc",
    }
}

/// Hedges, and the experiments that would help.
pub(super) fn witness_json(model: &Model, term: &Term, witness: &Witness) -> Value {
    let forest = |f: &Forest| {
        let nodes: Vec<&str> = f.nodes.iter().map(|&v| model.name(v)).collect();
        json!({ "nodes": nodes, "edges": edges_text(model, f) })
    };
    let hedges = witness.hedges.iter().map(|hedge| {
        json!({ "data": term.data.get(hedge.regime), "f": forest(&hedge.f), "f_prime": forest(&hedge.f_prime) })
    });
    let hedges: Vec<Value> = hedges.collect();
    let kind = match hedges.len() {
        0 if !witness.unseen.is_empty() => "unobserved",
        0 | 1 => "hedge",
        _ => "thicket",
    };
    let extra: Vec<Vec<&str>> =
        witness.smallest_extra_regimes.iter().map(|set| set.iter().map(|&v| model.name(v)).collect()).collect();
    let unseen: Vec<&str> = witness.unseen.iter().map(|&v| model.name(v)).collect();
    let first = |key: &str| hedges.first().map_or(Value::Null, |h| h[key].clone());
    json!({
        "kind": kind, "f": first("f"), "f_prime": first("f_prime"), "hedges": hedges, "unobserved": unseen,
        "experiments_that_would_help": extra,
    })
}

/// The findings in words, each with its formula and the steps to it, or with what stands in the way.
pub fn to_text(model: &Model, reports: &[Report]) -> String {
    reports.iter().map(|r| report_text(model, r)).collect::<Vec<_>>().join("\n")
}

fn report_text(model: &Model, report: &Report) -> String {
    let mut text = finding_text(model, &report.finding);
    if let Some(values) = &report.values {
        text += &format!("\n{}", tables::sheet(model, values).text(4));
        bounds_text(model, &values.bounds).iter().for_each(|line| text += &format!("    {line}\n"));
    }
    match &report.counterexample {
        Some(Ok(pair)) => {
            text.push('\n');
            pair.sentences().iter().for_each(|sentence| text += &format!("    {sentence}\n"));
            text += &format!("\n{}\n{}\n{}", pair.sheet(model).text(4), pair.programs[0], pair.programs[1]);
        }
        Some(Err(why)) => text += &format!("\n    {why}\n"),
        None => {}
    }
    text
}

fn finding_text(model: &Model, finding: &Finding) -> String {
    let mut text = format!("{}  {}\n", finding.name, finding.query);
    for (at, term) in finding.terms.iter().enumerate() {
        if finding.terms.len() > 1 {
            text += &format!("  {}\n", effect_text(model, term));
        }
        text += &if finding.repeats(at) { "  as above\n".to_owned() } else { term_text(model, term) };
    }
    text
}

fn term_text(model: &Model, term: &Term) -> String {
    let (node, regime) = (|v| model.name(v).to_owned(), |r| term.data.get::<usize>(r).cloned().unwrap_or_default());
    let names = &Names { node: &node, value: &no_value, regime: &regime };
    match &term.verdict {
        Verdict::Open(why) => format!("  not established: {why}\n"),
        Verdict::Worlds(worlds) => worlds_text::to_text(model, term, worlds),
        Verdict::NotIdentified(witness) => {
            let mut text = format!("  not identifiable from {}\n", term.data.join(", "));
            for sentence in why_not(model, term, witness) {
                text += &format!("    {sentence}\n");
            }
            text
        }
        Verdict::Identified(found) => {
            let mut text = format!("  identifiable from {}: {}\n", term.data.join(", "), found.method.text(names));
            text += &format!("    = {}\n", found.estimand.text(names));
            for (at, step) in found.derivation.iter().enumerate() {
                text += &format!(
                    "    {}. {}\n       {}\n",
                    at + 1,
                    step_text(model, term, step),
                    step.expression.text(names)
                );
            }
            text
        }
    }
}

/// Why two models agree on the data and differ in the answer, a sentence each.
pub(super) fn why_not(model: &Model, term: &Term, witness: &Witness) -> Vec<String> {
    let list = |set: &[VarId]| set.iter().map(|&v| model.name(v)).collect::<Vec<_>>().join(", ");
    let mut sentences = vec![];
    if !witness.unseen.is_empty() {
        sentences.push(format!("no data set observes {}", list(&witness.unseen)));
    }
    for hedge in &witness.hedges {
        let added: Vec<VarId> = hedge.f.nodes.iter().copied().filter(|v| !hedge.f_prime.nodes.contains(v)).collect();
        let data = term.data.get(hedge.regime).map_or("the data", String::as_str);
        sentences.push(format!(
            "hedge in {data}: hidden causes join F' = {{{}}} with {} (F = {{{}}}), so {data} cannot tell what {} does from what they share",
            list(&hedge.f_prime.nodes), list(&added), list(&hedge.f.nodes), list(&added),
        ));
        sentences.push(format!("F: {}", edges_text(model, &hedge.f).join(", ")));
    }
    for &regime in &witness.blocked {
        let data = term.data.get(regime).map_or("a data set", String::as_str);
        sentences.push(format!("{data} sets one of {{{}}} and says nothing of its mechanism", list(&witness.district)));
    }
    let experiments: Vec<String> = witness
        .smallest_extra_regimes
        .iter()
        .map(|set| match set.is_empty() {
            true => "plain observation of all variables".to_owned(),
            false => format!("`data … do({})`", list(set)),
        })
        .collect();
    if !experiments.is_empty() {
        sentences.push(format!("it would be identifiable with {}", experiments.join(", or ")));
    }
    sentences
}

/// A step of a derivation, in words.
pub(super) fn step_text(model: &Model, term: &Term, step: &Step) -> String {
    let list = |set: &[VarId]| set.iter().map(|&v| model.name(v)).collect::<Vec<_>>().join(", ");
    let (set, nodes) = (list(&step.set), list(&step.graph.nodes));
    let data = step.regime.and_then(|r| term.data.get(r)).map_or(String::new(), |name| format!(" ({name})"));
    let what = match step.rule {
        Rule::EvidenceToIntervention => format!("rule 2 of do-calculus: knowing {set} is as good as setting it"),
        Rule::DropInterventions => format!("rule 3 of do-calculus: setting {set} changes nothing here"),
        Rule::AddInterventions => {
            format!("rule 3 of do-calculus: setting {set}, as the data set does, changes nothing here")
        }
        Rule::InterventionToEvidence => format!("rule 2 of do-calculus: setting {set} is as good as knowing it"),
        Rule::Adjustment => format!("back-door criterion: {{{set}}} blocks every path into the cause"),
        Rule::FrontDoor => format!("front-door criterion: all of the effect runs through {{{set}}}"),
        Rule::Districts if step.set.is_empty() => format!("c-component factorisation over {{{nodes}}}"),
        Rule::Districts => format!("c-component factorisation over {{{nodes}}}, summed over {{{set}}}"),
        Rule::Marginalisation => format!("{{{set}}} is ancestral in {{{nodes}}}: the others are summed out"),
        Rule::CFactor => {
            format!("{{{set}}} is a c-component of {{{nodes}}}: its c-factor is a product of conditionals")
        }
        Rule::Conditioning => format!("conditioning: divide by the sum over {{{set}}}"),
    };
    what + &data
}

/// The term in short.
pub(super) fn effect_text(model: &Model, term: &Term) -> String {
    let (open, close) = if term.mean { ("E[", "]") } else { ("P(", ")") };
    match &term.asked {
        Asked::Effect(effect) => effect_between(model, effect, open, close),
        Asked::Events(events) => counterfactual_text(model, events, term.mean),
    }
}

/// `P(Y | do(X), Z)`.
pub(super) fn effect_of_text(model: &Model, effect: &Effect) -> String {
    effect_between(model, effect, "P(", ")")
}

fn effect_between(model: &Model, effect: &Effect, open: &str, close: &str) -> String {
    let list = |set: &[VarId]| set.iter().map(|&v| model.name(v)).collect::<Vec<_>>().join(", ");
    let mut given = vec![];
    if !effect.interventions.is_empty() {
        given.push(format!("do({})", list(&effect.interventions)));
    }
    if !effect.evidence.is_empty() {
        given.push(list(&effect.evidence));
    }
    let bar = if given.is_empty() { "" } else { " | " };
    format!("{open}{}{bar}{}{close}", list(&effect.outcome), given.join(", "))
}

pub(super) fn edges_text(model: &Model, forest: &Forest) -> Vec<String> {
    let directed = forest.directed.iter().map(|&(a, b)| format!("{} -> {}", model.name(a), model.name(b)));
    directed.chain(forest.bidirected.iter().map(|&(a, b)| format!("{} <-> {}", model.name(a), model.name(b)))).collect()
}
