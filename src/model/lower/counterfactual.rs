//! Counterfactual queries, `P(A[D = 1] = 1 | D = 0)`, and samples.

use super::Lowering;
use super::query::{combination_text, values_text};
use crate::diag::{Diagnostic, Span};
use crate::model::{CounterfactualTerm, Domain, Event, Model, QueryKind, VarId, WorldValue};
use crate::syntax::ast::{self, Assigned, Entry, QueryForm, WorldSetting};

/// The samples of `sample(…)` without `n`.
const SAMPLES: usize = 64;

/// Whether some variable of a query is seen in a world other than the actual one.
pub(super) fn is_counterfactual(form: &QueryForm) -> bool {
    let in_world = |term: &ast::Term| term.outcome.iter().chain(&term.evidence).any(|a| !a.world.is_empty());
    match form {
        QueryForm::Probability(term) => in_world(term),
        QueryForm::Samples(..) => false,
        QueryForm::Combination(terms, _) => terms.iter().any(|(_, term)| in_world(term)),
    }
}

impl Lowering {
    pub(super) fn counterfactual(&mut self, form: &QueryForm) -> Option<QueryKind> {
        match form {
            QueryForm::Probability(term) => {
                let terms = vec![(1.0, self.counterfactual_term(term, false)?)];
                Some(QueryKind::Counterfactual { terms, constant: 0.0, mean: false })
            }
            QueryForm::Combination(terms, constant) => {
                let mut lowered = vec![];
                for (factor, term) in terms {
                    if let [_, second, ..] = &term.outcome[..] {
                        self.report(super::query::one_mean(second.name.span));
                        return None;
                    }
                    lowered.push((*factor, self.counterfactual_term(term, true)?));
                }
                Some(QueryKind::Counterfactual { terms: lowered, constant: *constant, mean: true })
            }
            QueryForm::Samples(term, options) => self.samples(term, options),
        }
    }

    fn counterfactual_term(&mut self, term: &ast::Term, mean: bool) -> Option<CounterfactualTerm> {
        let outcome: Vec<_> = term.outcome.iter().map(|a| (self.asked(a, mean), a)).collect();
        let outcome: Vec<_> = outcome.into_iter().map(|(value, a)| self.event(value, a)).collect();
        let outcome = outcome.into_iter().collect::<Option<Vec<_>>>();
        let evidence: Vec<_> = term.evidence.iter().map(|a| (self.value_of(a), a)).collect();
        let evidence: Vec<_> = evidence.into_iter().map(|(value, a)| self.event(value, a)).collect();
        let evidence = evidence.into_iter().collect::<Option<Vec<_>>>();
        let interventions: Vec<_> = term.interventions.iter().map(|a| self.value_of(a)).collect();
        let interventions = interventions.into_iter().collect::<Option<Vec<_>>>();
        let cut = self.cut(term);
        let term = CounterfactualTerm { outcome: outcome?, interventions: interventions?, evidence: evidence?, cut };
        self.contradictions(&term);
        Some(term)
    }

    fn event(&mut self, value: Option<(VarId, Option<u32>)>, assigned: &Assigned) -> Option<Event> {
        let world = self.world(&assigned.world);
        let (variable, value) = value?;
        Some(Event { variable, world: world?, value })
    }

    fn world(&mut self, settings: &[WorldSetting]) -> Option<Vec<(VarId, WorldValue)>> {
        let mut world: Vec<(VarId, WorldValue)> = vec![];
        let mut whole = true;
        for setting in settings {
            let Some(variable) = self.variable(&setting.name) else {
                whole = false;
                continue;
            };
            if world.iter().any(|(v, _)| *v == variable) {
                let title = format!("`{}` is set twice in one world", setting.name.value);
                self.report(Diagnostic::new("E0202", title).label(setting.name.span, "again here"));
                whole = false;
            }
            let value = match &setting.value {
                None if self.model.domain(variable).is_some_and(|d| d.is_real() || d.is_image()) => {
                    let image = self.model.domain(variable).is_some_and(Domain::is_image);
                    let (kind, value) = if image { ("an image", "\"picture.png\"") } else { ("real", "1.5") };
                    let title = format!("`{}` is {kind}: its values cannot be listed", setting.name.value);
                    let found = Diagnostic::new("E0707", title).label(setting.name.span, "not discrete");
                    self.report(found.help(format!("give it a value: `{} = {value}`", setting.name.value)));
                    None
                }
                None => Some(WorldValue::Value(None)),
                Some(ast::WorldValue::Constant(value)) => {
                    self.code(variable, value).map(|code| WorldValue::Value(Some(code)))
                }
                Some(ast::WorldValue::Potential(name, inner)) => {
                    if name.value != setting.name.value {
                        let title = format!("`{}` can only take its own value of another world", setting.name.value);
                        let found = Diagnostic::new("E0101", title).label(name.span, "another variable");
                        self.report(found.help(format!("write `{} = {}[…]`", setting.name.value, setting.name.value)));
                        whole = false;
                    }
                    self.world(inner).map(WorldValue::Potential)
                }
            };
            match value {
                Some(value) => world.push((variable, value)),
                None => whole = false,
            }
        }
        whole.then_some(world)
    }

    /// E0704: a variable with two values in the same world.
    fn contradictions(&mut self, term: &CounterfactualTerm) {
        let events: Vec<&Event> = term.outcome.iter().chain(&term.evidence).collect();
        for (at, event) in events.iter().enumerate() {
            let earlier = events[..at].iter().find(|e| e.variable == event.variable && e.world == event.world);
            if let (Some(first), Some(value)) = (earlier.and_then(|e| e.value), event.value)
                && first != value
            {
                let name = self.model.name(event.variable);
                let title = format!("`{name}` has two values in the same world");
                let found = Diagnostic::new("E0704", title).note("nothing can be both: the query has no answer");
                let span = self.asking;
                self.report(found.label(span, "in this query"));
            }
        }
    }

    pub(super) fn samples(&mut self, term: &ast::Term, options: &[Entry]) -> Option<QueryKind> {
        let mut count = Some(SAMPLES);
        for option in options {
            match option.key.value.as_str() {
                "n" => count = self.count(option, 1, 1_000_000_000),
                other => self.unknown_key(other, option.key.span, "`sample`", &["n"]),
            }
        }
        let outcome: Vec<_> = term.outcome.iter().map(|a| self.drawn(a)).collect();
        for (at, later) in term.outcome.iter().enumerate() {
            if term.outcome[..at].iter().any(|first| first.name.value == later.name.value) {
                let title = format!("`{}` is drawn twice", later.name.value);
                let found = Diagnostic::new("E0202", title).label(later.name.span, "again here");
                self.report(
                    found.help("a row has one place for each variable: draw the other world in a query of its own"),
                );
                return None;
            }
        }
        let evidence: Vec<_> = term.evidence.iter().map(|a| self.fixed(a)).collect();
        let interventions: Vec<_> = term.interventions.iter().map(|a| self.fixed(a)).collect();
        let interventions: Option<Vec<_>> =
            interventions.into_iter().map(|event| event.map(|e| (e.variable, e.value))).collect();
        let (outcome, evidence) =
            (outcome.into_iter().collect::<Option<_>>(), evidence.into_iter().collect::<Option<_>>());
        let (outcome, interventions, evidence) = (outcome?, interventions?, evidence?);
        let term = CounterfactualTerm { outcome, interventions, evidence, cut: None };
        self.contradictions(&term);
        Some(QueryKind::Samples { term, count: count? })
    }

    /// A variable to draw, of any type.
    fn drawn(&mut self, assigned: &Assigned) -> Option<Event> {
        let variable = self.variable(&assigned.name)?;
        if let Some(value) = &assigned.value {
            let title = format!("`{}` is drawn: it cannot have a value", assigned.name.value);
            let found = Diagnostic::new("E0703", title).label(value.span, "a value");
            self.report(found.help(format!(
                "condition on it: `sample(… | {} = {})`",
                assigned.name.value,
                value.value.text()
            )));
            return None;
        }
        Some(Event { variable, world: self.fixed_world(assigned)?, value: None })
    }

    /// A variable with the one value that samples are drawn at.
    fn fixed(&mut self, assigned: &Assigned) -> Option<Event> {
        if assigned.value.is_none() {
            return self.one_value(&assigned.name.value, assigned.name.span);
        }
        let value = self.value_of(assigned);
        let world = self.fixed_world(assigned);
        let (variable, value) = value?;
        Some(Event { variable, world: world?, value })
    }

    /// A world without bare names.
    fn fixed_world(&mut self, assigned: &Assigned) -> Option<Vec<(VarId, WorldValue)>> {
        let world = self.world(&assigned.world)?;
        let mut open = vec![];
        free_in_world(&world, &mut open);
        match open.first() {
            Some(&variable) => {
                let name = self.model.name(variable).to_owned();
                self.one_value(&name, assigned.name.span)
            }
            None => Some(world),
        }
    }

    /// E0103: samples are drawn at one value of what is set and known.
    fn one_value<T>(&mut self, name: &str, span: Span) -> Option<T> {
        let found = Diagnostic::new("E0103", format!("samples need one value of `{name}`")).label(span, "which?");
        self.report(found.help(format!("write `{name} = 1`")));
        None
    }
}

/// The variables of a term that stand for all their values.
pub(super) fn free(term: &CounterfactualTerm, outcome: bool) -> Vec<VarId> {
    let mut free = vec![];
    for event in term.outcome.iter().filter(|_| outcome).chain(&term.evidence) {
        free.extend(event.value.is_none().then_some(event.variable));
    }
    for event in term.outcome.iter().chain(&term.evidence) {
        free_in_world(&event.world, &mut free);
    }
    free.extend(term.interventions.iter().filter(|(_, code)| code.is_none()).map(|(v, _)| *v));
    free
}

fn free_in_world(world: &[(VarId, WorldValue)], free: &mut Vec<VarId>) {
    for (variable, value) in world {
        match value {
            WorldValue::Value(None) => free.push(*variable),
            WorldValue::Value(Some(_)) => {}
            WorldValue::Potential(inner) => free_in_world(inner, free),
        }
    }
}

/// One term of a counterfactual query in canonical spelling, `E[…]` if its mean is asked for.
pub fn counterfactual_text(model: &Model, term: &CounterfactualTerm, mean: bool) -> String {
    text_of(model, &[(1.0, term.clone())], 0.0, mean)
}

/// A counterfactual query in canonical spelling.
pub(super) fn text_of(model: &Model, terms: &[(f64, CounterfactualTerm)], constant: f64, mean: bool) -> String {
    let text = |term: &CounterfactualTerm| term_text(model, term);
    match mean {
        true => combination_text(terms.iter().map(|(factor, t)| (*factor, format!("E[{}]", text(t)))), constant),
        false => terms.iter().map(|(_, t)| format!("P({})", text(t))).collect(),
    }
}

/// `Y[X = 1] | do(Z = 0), W = 1`.
pub(super) fn term_text(model: &Model, term: &CounterfactualTerm) -> String {
    let events = |events: &[Event]| -> Vec<String> { events.iter().map(|e| event_text(model, e)).collect() };
    let mut given = vec![];
    if !term.interventions.is_empty() {
        given.push(format!("do({})", values_text(model, &term.interventions)));
    }
    given.extend(events(&term.evidence));
    let bar = if given.is_empty() { String::new() } else { format!(" | {}", given.join(", ")) };
    let cut = term.cut.map_or_else(String::new, |cut| format!(" {cut}"));
    format!("{}{cut}{bar}", events(&term.outcome).join(", "))
}

fn event_text(model: &Model, event: &Event) -> String {
    let value = event.value.map_or(String::new(), |code| value_text(model, event.variable, code));
    seen_text(model, event) + &value
}

/// The variable of an event in its world, `Y[X = 1]`, whatever its value.
pub fn seen_text(model: &Model, event: &Event) -> String {
    format!("{}{}", model.name(event.variable), world_text(model, &event.world))
}

fn world_text(model: &Model, world: &[(VarId, WorldValue)]) -> String {
    let settings: Vec<String> = world
        .iter()
        .map(|(variable, value)| {
            let name = model.name(*variable);
            match value {
                WorldValue::Value(None) => name.to_owned(),
                WorldValue::Value(Some(code)) => format!("{name}{}", value_text(model, *variable, *code)),
                WorldValue::Potential(inner) => format!("{name} = {name}{}", world_text(model, inner)),
            }
        })
        .collect();
    if settings.is_empty() { String::new() } else { format!("[{}]", settings.join(", ")) }
}

fn value_text(model: &Model, variable: VarId, code: u32) -> String {
    model.value_text(variable, code).map_or(String::new(), |value| format!(" = {value}"))
}
