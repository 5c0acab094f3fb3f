//! Queries about several worlds: their events, the cases that bare names stand for, and the data.

use super::judge::{Data, ITSELF, LEFT_OUT, MAX_VALUES, in_words};
use super::{Asked, Known, Term, Verdict, Worlds};
use crate::causal::Admg;
use crate::causal::counterfactual::{self as ctf, Event, Obstacle, Query, Setting, Source, Value, World};
use crate::causal::identify::{Regime, project};
use crate::model::{self, Bare, CounterfactualTerm, Model, VarId};
use std::collections::{BTreeMap, BTreeSet};

impl Data<'_> {
    /// The verdict for one term, and the names of the data sets that its formula and witness number.
    pub(super) fn events(&self, factor: f64, mean: bool, term: &CounterfactualTerm) -> Term {
        let names =
            self.sets.iter().map(|s| s.name.clone()).chain((self.known == Known::All).then(|| ITSELF.to_owned()));
        let verdict = self.of_cases(term);
        Term {
            factor,
            mean,
            asked: Asked::Events(term.clone()),
            verdict,
            data: names.collect(),
            sources: vec![],
            regimes: vec![],
        }
    }

    fn known_distributions(&self) -> ctf::Data {
        let sources = self.sets.iter().map(|s| Source { regime: s.regime.clone(), fixed: s.fixed.clone() });
        ctf::Data { sources: sources.collect(), every_experiment: self.known == Known::All }
    }

    /// "Yes" if every case that the bare names stand for has an answer; the formula is that of the first case.
    fn of_cases(&self, term: &CounterfactualTerm) -> Verdict {
        let Some(queries) = cases(self.model, term) else {
            return Verdict::Open("its bare names stand for too many different cases".to_owned());
        };
        let data = self.known_distributions();
        let graph = self.seen(&data, &queries);
        let other_cases = queries.len() > 1;
        let mut first: Option<Verdict> = None;
        for query in queries {
            let verdict = match self.certain(&graph, &data, &query) {
                Ok(verdict) => verdict,
                Err(why) => return Verdict::Open(why.to_owned()),
            };
            let refused = matches!(verdict, ctf::Verdict::NotIdentified(_));
            let formula = matches!(verdict, ctf::Verdict::Identified(_));
            let binary = || ctf::by_inclusion(&graph, &data, &query, &|v| self.model.card(v) == Some(2));
            let worlds = Worlds { binary: refused.then(binary).flatten(), query, verdict, other_cases };
            let verdict = Verdict::Worlds(Box::new(worlds));
            if refused {
                return verdict;
            }
            let better = |known: &Verdict| {
                formula && !matches!(known, Verdict::Worlds(w) if matches!(w.verdict, ctf::Verdict::Identified(_)))
            };
            if first.as_ref().is_none_or(better) {
                first = Some(verdict);
            }
        }
        first.unwrap_or_else(|| Verdict::Open("nothing is asked".to_owned()))
    }

    /// The verdict for events whose values are all named; the reason where neither "yes" nor "no" is certain.
    pub(super) fn verdict(&self, query: &Query) -> Result<ctf::Verdict, &'static str> {
        let data = self.known_distributions();
        self.certain(&self.seen(&data, std::slice::from_ref(query)), &data, query)
    }

    /// The graph without variables that nothing observes, sets or asks for (latent projection).
    fn seen(&self, data: &ctf::Data, queries: &[Query]) -> Admg {
        let mut seen = BTreeSet::new();
        for source in &data.sources {
            seen.extend(source.regime.observed.iter().chain(&source.regime.interventions).copied());
        }
        for event in queries.iter().flat_map(|q| q.outcome.iter().chain(&q.evidence)) {
            seen.insert(event.variable);
            mentioned(&event.world, &mut seen);
        }
        let graph = &self.model.graph;
        let hidden: Vec<usize> = (0..graph.len()).filter(|v| !data.every_experiment && !seen.contains(v)).collect();
        if hidden.is_empty() { graph.clone() } else { project(graph, &hidden) }
    }

    /// The verdict; "no" only if it holds however much data of single values, selected rows and missing columns might say.
    fn certain(&self, graph: &Admg, data: &ctf::Data, query: &Query) -> Result<ctf::Verdict, &'static str> {
        let verdict = ctf::identify(graph, data, query);
        let refused = match &verdict {
            ctf::Verdict::NotIdentified(witness) => matches!(witness.obstacle, Obstacle::Hedge(_)),
            ctf::Verdict::NotEstablished(_) => true,
            _ => false,
        };
        if !refused {
            return Ok(verdict);
        }
        let complete = |source: &Source| {
            let regime = Regime { observed: (0..graph.len()).collect(), ..source.regime.clone() };
            Source { regime, fixed: BTreeMap::new() }
        };
        let most = ctf::Data { sources: data.sources.iter().map(complete).collect(), ..data.clone() };
        match ctf::identify(graph, &most, query) {
            ctf::Verdict::NotIdentified(witness)
                if !self.selected || matches!(witness.obstacle, Obstacle::Conflict(_)) =>
            {
                Ok(ctf::Verdict::NotIdentified(witness))
            }
            ctf::Verdict::NotIdentified(_) => Err(LEFT_OUT),
            _ => match verdict {
                ctf::Verdict::NotEstablished(reason) => Err(in_words(reason)),
                _ => Err("data sets lack columns, values or rows; without them it is not identifiable"),
            },
        }
    }
}

fn mentioned(world: &World, seen: &mut BTreeSet<usize>) {
    for (&v, setting) in world {
        seen.insert(v);
        if let Setting::Potential(other) = setting {
            mentioned(other, seen);
        }
    }
}

/// The bare names of a term, each once, and the written values of each variable.
#[derive(Default)]
struct NamesAndCodes<'a> {
    bare: Vec<Bare<'a>>,
    codes: BTreeMap<VarId, BTreeSet<u32>>,
}

impl<'a> NamesAndCodes<'a> {
    fn add(&mut self, what: Bare<'a>, value: Option<u32>) {
        match value {
            Some(code) => _ = self.codes.entry(what.variable()).or_default().insert(code),
            None if self.bare.contains(&what) => {}
            None => self.bare.push(what),
        }
    }
}

/// The term for every way in which the values of bare names may be equal to each other and to written values, all different
/// first; `None` if these are too many.
fn cases(model: &Model, term: &CounterfactualTerm) -> Option<Vec<Query>> {
    let mut names = NamesAndCodes::default();
    term.names().into_iter().for_each(|(name, value)| names.add(name, value));
    let NamesAndCodes { bare, codes } = names;
    let mut choices: Vec<Vec<Value>> = vec![vec![]];
    for (at, name) in bare.iter().enumerate() {
        let v = name.variable();
        let written = codes.get(&v).into_iter().flatten().map(|&code| Value::Code(code));
        let mut next = vec![];
        for chosen in &choices {
            let mut used: Vec<Value> = written.clone().collect();
            used.extend(bare.iter().zip(chosen).filter(|(other, _)| other.variable() == v).map(|(_, value)| *value));
            used.sort_unstable();
            used.dedup();
            let fresh = model.card(v).is_none_or(|card| used.len() < card).then_some(Value::Any(at));
            next.extend(fresh.into_iter().chain(used).map(|value| [&chosen[..], &[value]].concat()));
        }
        choices = next;
        if choices.len() > MAX_VALUES {
            return None;
        }
    }
    let queries = choices.iter().map(|chosen| {
        let value = |what: Bare, value: Option<u32>| match value {
            Some(code) => Value::Code(code),
            None => bare.iter().position(|b| *b == what).map_or(Value::Any(0), |at| chosen[at]),
        };
        let event = |e: &model::Event| Event {
            variable: e.variable,
            world: term.world_of(e, &|v, code| value(Bare::Set(v), code)),
            value: value(Bare::Seen(e.variable, &e.world), e.value),
        };
        Query { outcome: term.outcome.iter().map(event).collect(), evidence: term.evidence.iter().map(event).collect() }
    });
    Some(queries.collect())
}
