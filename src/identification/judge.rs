//! The question that each term of a query puts, and the data it may be answered from.

use super::{Asked, Finding, Known, Source, Taught, Term, Verdict};
use crate::causal::identify::{self, Effect, Estimand, Reason, Regime};
use crate::causal::{Admg, c_components_of};
use crate::data::Schema;
use crate::model::{DoValue, Model, Query, QueryKind, VarId};
use std::collections::{BTreeMap, BTreeSet};

/// The most values of the interventions that are looked at one by one.
pub(super) const MAX_VALUES: usize = 256;

/// What can be said of `query`; `schemas[i]` belongs to `model.regimes[i]`, a missing one counts as complete.
pub fn judge(model: &Model, schemas: &[Schema], query: &Query, known: Known) -> Finding {
    judge_by(&Data::of(model, schemas, known), query)
}

/// What can be said of `query` from what a plan trains alone: `taught` by its data sets, and mechanisms from files.
pub fn judge_trained(model: &Model, taught: &[Taught], query: &Query) -> Finding {
    judge_by(&Data::trained(model, taught), query)
}

fn judge_by(data: &Data, query: &Query) -> Finding {
    let term = |factor: f64, mean: bool, term: &crate::model::Term| data.term(factor, mean, term);
    let terms = match &query.kind {
        QueryKind::Distribution(t) => vec![term(1.0, false, t)],
        QueryKind::Samples { term: t, .. } => match t.in_one_world() {
            Some(t) => vec![term(1.0, false, &t)],
            None => vec![data.events(1.0, false, t)],
        },
        QueryKind::Expectation { terms, .. } => terms.iter().map(|(factor, t)| term(*factor, true, t)).collect(),
        QueryKind::Counterfactual { terms, mean, .. } => {
            terms.iter().map(|(factor, t)| data.events(*factor, *mean, t)).collect()
        }
    };
    Finding { name: query.name.clone(), query: query.text.clone(), terms }
}

/// What is known.
pub(super) struct Data<'a> {
    pub model: &'a Model,
    pub sets: Vec<Set>,
    /// Whether some rows were left out of account, because they are selected by a variable of the graph.
    pub selected: bool,
    pub known: Known,
}

/// A data set, or several that together hold every value of their interventions.
#[derive(Clone)]
pub(super) struct Set {
    pub name: String,
    pub regime: Regime,
    /// The values that are fixed.
    pub fixed: BTreeMap<VarId, u32>,
    pub source: Source,
}

impl<'a> Data<'a> {
    pub fn of(model: &'a Model, schemas: &[Schema], known: Known) -> Self {
        let mut data = Self { model, sets: vec![], selected: false, known };
        let nodes = model.graph.len();
        let declared = model.regimes.iter().enumerate().filter(|(_, r)| !r.test && known == Known::Declared);
        for (at, regime) in declared {
            let observed = schemas.get(at).map_or_else(|| (0..nodes).collect(), |s| s.observed.clone());
            if regime.selects(model) {
                data.selected = true;
                continue;
            }
            let fixed = regime.interventions.iter().filter_map(|&(v, value)| match value {
                DoValue::Fixed(code) => Some((v, code)),
                DoValue::Column => None,
            });
            let interventions = regime.interventions.iter().map(|(v, _)| *v).collect();
            let (regime_, fixed) = (Regime { interventions, observed }, fixed.collect());
            let source = Source::Data(vec![at]);
            data.sets.push(Set { name: regime.name.clone(), regime: regime_, fixed, source });
        }
        data.join_values();
        if data.sets.is_empty() && !data.selected {
            let regime = Regime::complete(nodes, &[]);
            let source = match known {
                Known::Observational => {
                    observational(model, schemas).map_or(Source::Assumed, |at| Source::Data(vec![at]))
                }
                _ => Source::Assumed,
            };
            data.sets.push(Set { name: "obs".to_owned(), regime, fixed: BTreeMap::new(), source });
        }
        if known == Known::Declared {
            data.add_mechanisms();
        }
        data
    }

    /// The c-factors that `taught` data sets train: each is the experiment on everything else.
    fn trained(model: &'a Model, taught: &[Taught]) -> Self {
        let mut data = Self { model, sets: vec![], selected: false, known: Known::Declared };
        let all: Vec<VarId> = (0..model.graph.len()).collect();
        for Taught { regime: at, variables } in taught {
            let regime = &model.regimes[*at];
            let interventions: Vec<VarId> = regime.interventions.iter().map(|(v, _)| *v).collect();
            for part in c_components_of(&model.graph.intervene(&interventions), variables) {
                let parents = model.graph.parents_of(&part);
                let fixed = regime.interventions.iter().filter_map(|&(v, value)| match value {
                    DoValue::Fixed(code) if parents.contains(&v) => Some((v, code)),
                    _ => None,
                });
                let fixed = fixed.collect();
                let others: Vec<VarId> = all.iter().copied().filter(|v| !part.contains(v)).collect();
                let regime_ = Regime { interventions: others, observed: part };
                let set = Set { name: regime.name.clone(), regime: regime_, fixed, source: Source::Data(vec![*at]) };
                data.sets.push(set);
            }
        }
        data.join_values();
        data.add_mechanisms();
        data
    }

    /// Data sets of all values of an intervention are one experiment with that intervention.
    fn join_values(&mut self) {
        type Experiment = (Vec<VarId>, Vec<VarId>, Vec<VarId>);
        let mut groups: BTreeMap<Experiment, Vec<&Set>> = BTreeMap::new();
        for set in self.sets.iter().filter(|s| !s.fixed.is_empty()) {
            let mut interventions = set.regime.interventions.clone();
            interventions.sort_unstable();
            let key = (set.fixed.keys().copied().collect(), interventions, set.regime.observed.clone());
            groups.entry(key).or_default().push(set);
        }
        let mut joined = vec![];
        for ((variables, interventions, observed), sets) in groups {
            let values: BTreeSet<Vec<u32>> = sets.iter().map(|s| s.fixed.values().copied().collect()).collect();
            let all: Option<usize> = variables.iter().map(|&v| self.model.card(v)).product();
            if all == Some(values.len()) {
                let names: Vec<&str> = sets.iter().map(|s| s.name.as_str()).collect();
                let regime = Regime { interventions, observed };
                let source = Source::Data(sets.iter().flat_map(|s| s.source.data()).copied().collect());
                joined.push(Set { name: names.join(" and "), regime, fixed: BTreeMap::new(), source });
            }
        }
        self.sets.extend(joined);
    }

    /// A mechanism from a file is an experiment on its variable's causes, seen at the variable alone.
    fn add_mechanisms(&mut self) {
        for (id, variable) in self.model.variables.values().enumerate() {
            let Some((file, _)) = variable.pretrained().filter(|_| self.model.graph.spouses(id).is_empty()) else {
                continue;
            };
            let regime = Regime { interventions: self.model.graph.parents(id).to_vec(), observed: vec![id] };
            let (name, source) = (format!("`{file}`"), Source::Mechanism(id));
            self.sets.push(Set { name, regime, fixed: BTreeMap::new(), source });
        }
    }

    fn term(&self, factor: f64, mean: bool, term: &crate::model::Term) -> Term {
        let effect = effect_of(term);
        let mut found: Option<(Verdict, Vec<Set>)> = None;
        for values in self.values_of(&term.interventions) {
            let (verdict, sets) = self.at(&effect, &values);
            let is_yes = matches!(verdict, Verdict::Identified(_));
            if found.is_none() || !is_yes {
                found = Some((verdict, sets));
            }
            if !is_yes {
                break;
            }
        }
        let (verdict, sets) = found.unwrap_or_else(|| (Verdict::Open("nothing is asked".to_owned()), vec![]));
        let data = sets.iter().map(|s| s.name.clone()).collect();
        let sources = sets.iter().map(|s| s.source.clone()).collect();
        let regimes = sets.into_iter().map(|s| s.regime).collect();
        Term { factor, mean, asked: Asked::Effect(effect), verdict, data, sources, regimes }
    }

    /// The data sets that count, by their places in the model, and whether more than data sets is known.
    pub fn places(&self) -> (BTreeSet<usize>, bool) {
        let places = self.sets.iter().flat_map(|s| s.source.data()).copied().collect();
        (places, self.sets.iter().any(|s| s.source.data().is_empty()))
    }

    /// The variables that some data set holds at one value.
    pub fn fixed(&self) -> BTreeSet<VarId> {
        self.sets.iter().flat_map(|s| s.fixed.keys().copied()).collect()
    }

    /// The settings of the interventions that data sets of single values tell apart.
    fn values_of(&self, interventions: &[(VarId, Option<u32>)]) -> Vec<BTreeMap<VarId, u32>> {
        let fixed = self.fixed();
        let mut settings = vec![BTreeMap::new()];
        for &(variable, value) in interventions {
            let codes: Vec<u32> = match (value, self.model.card(variable)) {
                (Some(code), _) => vec![code],
                (None, Some(card)) if fixed.contains(&variable) && settings.len() * card <= MAX_VALUES => {
                    (0..card as u32).collect()
                }
                (None, _) => continue,
            };
            let with = |setting: &BTreeMap<VarId, u32>, code| {
                let mut setting = setting.clone();
                setting.insert(variable, code);
                setting
            };
            settings = settings.iter().flat_map(|s| codes.iter().map(move |&code| with(s, code))).collect();
        }
        settings
    }

    /// The verdict where the interventions have `values`, and the data sets that formula and witness number.
    pub fn at(&self, effect: &Effect, values: &BTreeMap<VarId, u32>) -> (Verdict, Vec<Set>) {
        let graph = &self.model.graph;
        let usable = |set: &&Set| {
            set.fixed.iter().all(|(v, code)| !effect.interventions.contains(v) || values.get(v) == Some(code))
        };
        let every_experiment = Set {
            name: ITSELF.to_owned(),
            regime: Regime::complete(graph.len(), &effect.interventions),
            fixed: BTreeMap::new(),
            source: Source::Assumed,
        };
        let all: Vec<&Set> = self.sets.iter().chain((self.known == Known::All).then_some(&every_experiment)).collect();
        let mut sets: Vec<&Set> = all.iter().copied().filter(usable).collect();
        let owned = |sets: &[&Set]| sets.iter().map(|&s| s.clone()).collect();
        loop {
            match identified(graph, &sets, effect) {
                identify::Verdict::Identified(found) => {
                    let misused =
                        |set: &&&Set| set.fixed.keys().any(|v| needs_other_values(&found.estimand, effect, *v));
                    match sets.iter().position(|set| misused(&set)) {
                        Some(at) => _ = sets.remove(at),
                        None => return (Verdict::Identified(found), owned(&sets)),
                    }
                }
                identify::Verdict::NotIdentified(witness) if !self.selected && all.len() == sets.len() => {
                    return (Verdict::NotIdentified(witness), owned(&sets));
                }
                identify::Verdict::NotIdentified(_) => {
                    // "No" is certain only if it holds however much the data sets left out might say.
                    return match identified(graph, &all, effect) {
                        identify::Verdict::NotIdentified(witness) if !self.selected => {
                            (Verdict::NotIdentified(witness), owned(&all))
                        }
                        _ => (Verdict::Open(LEFT_OUT.to_owned()), owned(&sets)),
                    };
                }
                identify::Verdict::NotEstablished(reason) => {
                    return (Verdict::Open(in_words(reason).to_owned()), owned(&sets));
                }
            }
        }
    }
}

/// The variables of a term without their values.
pub(super) fn effect_of(term: &crate::model::Term) -> Effect {
    let variables = |part: &[(VarId, Option<u32>)]| part.iter().map(|(v, _)| *v).collect::<Vec<_>>();
    Effect {
        outcome: variables(&term.outcome),
        interventions: variables(&term.interventions),
        evidence: variables(&term.evidence),
    }
}

/// The first data set that shows P(V): all variables, nothing set, no rows selected by one of them, not held out.
fn observational(model: &Model, schemas: &[Schema]) -> Option<usize> {
    (0..model.regimes.len()).find(|&at| {
        let regime = &model.regimes[at];
        let complete = schemas.get(at).is_none_or(|s| s.observed.len() == model.graph.len());
        regime.interventions.is_empty() && !regime.test && !regime.selects(model) && complete
    })
}

/// The name of whatever experiment is needed.
pub(super) const ITSELF: &str = "the experiment itself";
/// Why "no" is not certain.
pub(super) const LEFT_OUT: &str =
    "some data sets hold single values or selected rows only; without them it is not identifiable";

fn identified(graph: &Admg, sets: &[&Set], effect: &Effect) -> identify::Verdict {
    let regimes: Vec<Regime> = sets.iter().map(|s| s.regime.clone()).collect();
    if regimes.is_empty() {
        // No list stands for plain observation; here nothing at all is known.
        let nothing = Regime { interventions: vec![], observed: vec![] };
        return identify::identify(graph, &[nothing], effect);
    }
    identify::identify(graph, &regimes, effect)
}

/// Whether the formula uses `variable` at values other than the one that the effect sets: it sums over it, or asks for it.
fn needs_other_values(estimand: &Estimand, effect: &Effect, variable: VarId) -> bool {
    if effect.interventions.contains(&variable) {
        return sums_over(estimand, variable);
    }
    effect.outcome.contains(&variable) || effect.evidence.contains(&variable) || sums_over(estimand, variable)
}

fn sums_over(estimand: &Estimand, variable: VarId) -> bool {
    match estimand {
        Estimand::Sum { over, of } => over.contains(&variable) || sums_over(of, variable),
        Estimand::Product(factors) => factors.iter().any(|f| sums_over(f, variable)),
        Estimand::Fraction { num, den } => sums_over(num, variable) || sums_over(den, variable),
        Estimand::P(_) => false,
    }
}

/// A reason as a sentence.
pub(super) fn in_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Cyclic => "the graph has a directed cycle",
        Reason::Malformed => "the query is not well formed",
        Reason::PartialColumns => "data sets lack columns, and no formula was found that does without them",
        Reason::TooLarge => "it is identifiable, but the formula is too long to be written",
    }
}
