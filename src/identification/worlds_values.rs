//! The numbers of questions about several worlds: their formulas on rows and on the truth block, and the truth's own
//! answers.

use super::Source;
use super::copies::Copied;
use super::distributions::cards;
use super::estimate::{Evaluator, Gap, Obstacle, Setting, Weights};
use super::evaluate::{Aim, MAX_ROWS, Row, Seen, Values, assignments, choices, in_words, score};
use super::judge::Data;
use crate::causal::counterfactual::{Copy, CopyValue, Event, Identified, Query, Value, Verdict, World};
use crate::model::{self, Bare, Case, CounterfactualTerm, Model, VarId, bare_names, seen_text, value_in};
use crate::truth::Scm;

/// The rows of the answer to `Σ factor · term + constant`, or to the distribution of the only term.
pub(super) fn aims(
    model: &Model,
    terms: &[(f64, CounterfactualTerm)],
    constant: f64,
    mean: bool,
) -> Result<Vec<Aim>, String> {
    let parts: Vec<&CounterfactualTerm> = terms.iter().map(|(_, term)| term).collect();
    let names = bare_names(&parts);
    let variables: Vec<VarId> = names.iter().map(Bare::variable).collect();
    let outcomes: Vec<VarId> = parts.iter().flat_map(|term| &term.outcome).map(|e| e.variable).collect();
    let sizes = cards(model, &variables).map_err(|o| in_words(model, &o))?;
    let widths = cards(model, &outcomes).map_err(|o| in_words(model, &o))?;
    let count: f64 = sizes.iter().chain(&widths).map(|&c| c as f64).product();
    if count > MAX_ROWS {
        return Err(format!("the answer would have {count:.0} rows: give some variables a value"));
    }
    let mut aims = vec![];
    for chosen in assignments(&variables, &sizes) {
        let case: Case = names.iter().copied().zip(chosen.into_iter().map(|(_, code)| code)).collect();
        let row = conditions(model, &parts, &case);
        if mean {
            let scored = terms.iter().zip(&widths).flat_map(|((factor, term), &card)| {
                let event = &term.outcome[0];
                let weighed = |code| (factor * score(model, (event.variable, event.value), code), code);
                let codes = (0..card as u32).map(weighed).filter(|(weight, _)| *weight != 0.0);
                codes.map(|(weight, code)| (weight, question(term, &case, &[code]))).collect::<Vec<_>>()
            });
            aims.push(Aim { row, terms: scored.collect(), constant });
            continue;
        }
        for values in parts.first().into_iter().flat_map(|_| assignments(&outcomes, &widths)) {
            let codes: Vec<u32> = values.iter().map(|(_, code)| *code).collect();
            let outcome = &parts[0].outcome;
            if outcome.iter().zip(&codes).all(|(event, code)| event.value.is_none_or(|asked| asked == *code)) {
                let seen = |(event, &code): (&model::Event, &u32)| seen(model, event, code);
                let row = Row { outcome: outcome.iter().zip(&codes).map(seen).collect(), ..row.clone() };
                aims.push(Aim { row, terms: vec![(1.0, question(parts[0], &case, &codes))], constant: 0.0 });
            }
        }
    }
    Ok(aims)
}

fn seen(model: &Model, event: &model::Event, code: u32) -> Seen {
    Seen { name: seen_text(model, event), variable: event.variable, code }
}

/// What a row holds for: of a single term all that is set everywhere and known, of several what the case chooses.
fn conditions(model: &Model, terms: &[&CounterfactualTerm], case: &Case) -> Row {
    let alone = terms.len() == 1;
    let mut row = Row::default();
    let mut set: Values = vec![];
    for term in terms {
        for &(v, code) in &term.interventions {
            set.extend(value_in(case, &Bare::Set(v), code.filter(|_| alone)).map(|code| (v, code)));
        }
        for event in &term.evidence {
            let name = Bare::Seen(event.variable, &event.world);
            let code = value_in(case, &name, event.value.filter(|_| alone));
            row.given.extend(code.map(|code| seen(model, event, code)));
        }
    }
    let chosen = case.iter().filter(|(name, _)| matches!(name, Bare::Set(_)));
    set.extend(chosen.map(|(name, code)| (name.variable(), *code)));
    set.sort_unstable();
    set.dedup();
    row.interventions = Seen::list(model, &set);
    row
}

/// A term with the values of a case and of its outcome.
fn question(term: &CounterfactualTerm, case: &Case, outcome: &[u32]) -> Query {
    let set = |v: VarId, code: Option<u32>| value_in(case, &Bare::Set(v), code).map_or(Value::Any(v), Value::Code);
    let event = |e: &model::Event, code: Option<u32>| {
        let value = code.map_or(Value::Any(e.variable), Value::Code);
        Event { variable: e.variable, world: term.world_of(e, &set), value }
    };
    let known = |e: &model::Event| event(e, value_in(case, &Bare::Seen(e.variable, &e.world), e.value));
    Query {
        outcome: term.outcome.iter().zip(outcome).map(|(e, &code)| event(e, Some(code))).collect(),
        evidence: term.evidence.iter().map(known).collect(),
    }
}

/// One probability of a row; `None` where it is undefined, and why.
#[derive(Default)]
struct Number {
    value: Option<f64>,
    gaps: Vec<Gap>,
    sources: Vec<String>,
    chosen: Values,
}

/// The rows with their numbers by the formulas that `data` give.
pub(super) fn by_formula(data: &Data, aims: &[Aim], weights: &dyn Weights) -> Result<Vec<Row>, String> {
    summed(aims, &|query| data.number(query, weights))
}

/// The rows with the truth's own answers.
pub(super) fn by_truth(model: &Model, truth: &Scm, aims: &[Aim]) -> Result<Vec<Row>, String> {
    let number = |query: &Query| {
        let outcome: Vec<(VarId, World)> = query.outcome.iter().map(|e| (e.variable, e.world.clone())).collect();
        let known = query.evidence.iter().filter_map(|e| Some((e.variable, e.world.clone(), code(e)?)));
        let answer = truth.counterfactual(&outcome, &known.collect::<Vec<_>>());
        let answer = answer.map_err(|e| in_words(model, &e.into()))?;
        if answer.evidence <= 0.0 {
            return Ok(Number { gaps: vec![impossible(query)], ..Number::default() });
        }
        let codes = query.outcome.iter().filter_map(code);
        let cell = codes.zip(&answer.table.cards).fold(0, |cell, (code, card)| cell * card + code as usize);
        Ok(Number { value: answer.table.values.get(cell).copied(), ..Number::default() })
    };
    summed(aims, &number)
}

fn summed(aims: &[Aim], number: &dyn Fn(&Query) -> Result<Number, String>) -> Result<Vec<Row>, String> {
    let row = |aim: &Aim| {
        let mut row = Row { value: Some(aim.constant), ..aim.row.clone() };
        for (factor, query) in &aim.terms {
            let part = number(query)?;
            row.value = row.value.zip(part.value).map(|(sum, p)| sum + factor * p);
            if row.gaps.is_empty() {
                (row.gaps, row.sources) = (part.gaps, part.sources);
            }
            row.chosen.extend(part.chosen.into_iter().filter(|_| aim.terms.len() == 1));
        }
        Ok(row)
    };
    aims.iter().map(row).collect()
}

fn code(event: &Event) -> Option<u32> {
    if let Value::Code(code) = event.value { Some(code) } else { None }
}

/// The evidence has no probability.
fn impossible(query: &Query) -> Gap {
    let given = query.evidence.iter().filter_map(|e| Some((e.variable, code(e)?))).collect();
    Gap { source: None, of: query.outcome.iter().map(|e| e.variable).collect(), given, rows: None }
}

impl Data<'_> {
    fn number(&self, query: &Query, weights: &dyn Weights) -> Result<Number, String> {
        match self.verdict(query) {
            Ok(Verdict::Identified(found)) => self.value(&found, weights).map_err(|o| in_words(self.model, &o)),
            Ok(Verdict::Zero(_)) => Ok(Number { value: Some(0.0), ..Number::default() }),
            Ok(Verdict::Undefined(_)) => Ok(Number { gaps: vec![impossible(query)], ..Number::default() }),
            Ok(Verdict::NotIdentified(_)) => Err("it is not identifiable".to_owned()),
            Ok(Verdict::NotEstablished(reason)) => {
                Err(format!("no formula is known: {}", super::judge::in_words(reason)))
            }
            Err(why) => Err(format!("no formula is known: {why}")),
        }
    }

    fn value(&self, found: &Identified, weights: &dyn Weights) -> Result<Number, Obstacle> {
        let (copies, formula) = (&found.formula.copies, &found.formula.estimand);
        let sources: Vec<Source> = self.sets.iter().map(|set| set.source.clone()).collect();
        let weights = Copied { inner: weights, copies };
        let card = |at: usize| self.model.card(copies[at].variable);
        let evaluator = Evaluator { weights: &weights, sources: &sources, card: &card };
        let code = |(at, copy): (usize, &Copy)| match copy.value {
            CopyValue::Code(code) => Some((at, code)),
            _ => None,
        };
        let fixed: Setting = copies.iter().enumerate().filter_map(code).collect();
        let open: Vec<usize> = formula.free_variables().into_iter().filter(|at| !fixed.contains_key(at)).collect();
        let mut first: Option<Number> = None;
        for chosen in choices(&weights, &open) {
            let mut at = fixed.clone();
            at.extend(chosen.iter().copied());
            let part = evaluator.value(formula, &at)?;
            let undefined = part.undefined.as_ref().is_some_and(|u| u.values.first().is_some_and(|u| *u > 0.0));
            let value = part.values.values.first().copied().filter(|_| !undefined);
            let gaps = if undefined { evaluator.gaps(formula, &at) } else { vec![] };
            let of = |at: usize| copies[at].variable;
            let named = |gap: Gap| Gap {
                of: gap.of.into_iter().map(of).collect(),
                given: gap.given.into_iter().map(|(at, code)| (of(at), code)).collect(),
                ..gap
            };
            if first.is_none() || value.is_some() {
                first = Some(Number {
                    value,
                    gaps: gaps.into_iter().map(named).collect(),
                    sources: self.sets.iter().map(|set| set.name.clone()).collect(),
                    chosen: chosen.into_iter().map(|(at, code)| (of(at), code)).collect(),
                });
            }
            if value.is_some() {
                break;
            }
        }
        Ok(first.unwrap_or_default())
    }
}
