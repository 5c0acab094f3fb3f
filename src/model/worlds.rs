//! The worlds of counterfactual queries, and the bare names in them.

use super::{CounterfactualTerm, Event, Term, VarId, WorldValue};
use crate::causal::counterfactual::{Setting, Value, World};

/// A bare name, which stands for each value of its variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bare<'a> {
    /// What worlds set the variable to: the same in all of them.
    Set(VarId),
    /// What the variable is in a world, independently of the others.
    Seen(VarId, &'a [(VarId, WorldValue)]),
}

impl Bare<'_> {
    /// The variable.
    pub fn variable(&self) -> VarId {
        match self {
            Self::Set(v) | Self::Seen(v, _) => *v,
        }
    }
}

/// One value for each bare name.
pub type Case<'a> = Vec<(Bare<'a>, u32)>;

/// The bare names of the terms that each row of an answer has one value for: those that are set, then those of the evidence. Of
/// the outcome an answer has all values.
pub fn bare_names<'a>(terms: &[&'a CounterfactualTerm]) -> Vec<Bare<'a>> {
    let mut found: Vec<Bare> = vec![];
    let mut add = |name: Bare<'a>| {
        if !found.contains(&name) {
            found.push(name);
        }
    };
    for term in terms {
        term.names().into_iter().filter(|(_, value)| value.is_none()).for_each(|(name, _)| {
            if matches!(name, Bare::Set(_)) {
                add(name);
            }
        });
        term.evidence.iter().filter(|e| e.value.is_none()).for_each(|e| add(Bare::Seen(e.variable, &e.world)));
    }
    found
}

/// The value that is written, else that of the case.
pub fn value_in(case: &Case, name: &Bare, written: Option<u32>) -> Option<u32> {
    written.or_else(|| case.iter().find(|(other, _)| other == name).map(|(_, code)| *code))
}

/// A question about one world as one about several.
impl From<&Term> for CounterfactualTerm {
    fn from(term: &Term) -> Self {
        let events = |part: &[(VarId, Option<u32>)]| {
            part.iter().map(|&(variable, value)| Event { variable, world: vec![], value }).collect()
        };
        Self {
            outcome: events(&term.outcome),
            interventions: term.interventions.clone(),
            evidence: events(&term.evidence),
            cut: term.cut,
        }
    }
}

impl CounterfactualTerm {
    /// The term of one world, where no event names another.
    pub fn in_one_world(&self) -> Option<Term> {
        let values = |events: &[Event]| -> Option<Vec<(VarId, Option<u32>)>> {
            events.iter().map(|e| e.world.is_empty().then_some((e.variable, e.value))).collect()
        };
        let (outcome, evidence) = (values(&self.outcome)?, values(&self.evidence)?);
        Some(Term { outcome, interventions: self.interventions.clone(), evidence, cut: self.cut })
    }

    /// A variable that is set or known, but to no value: a bare name in a condition.
    pub fn open_condition(&self) -> Option<VarId> {
        let set = self.names().into_iter().filter_map(|(name, value)| match (name, value) {
            (Bare::Set(variable), None) => Some(variable),
            _ => None,
        });
        set.chain(self.evidence.iter().filter(|e| e.value.is_none()).map(|e| e.variable)).next()
    }

    /// Every value that is set or seen, in the order of `do`, outcome and evidence, with the code that is written; `None`
    /// for bare names. A name may come several times.
    pub fn names(&self) -> Vec<(Bare<'_>, Option<u32>)> {
        let mut found: Vec<_> = self.interventions.iter().map(|&(v, value)| (Bare::Set(v), value)).collect();
        for event in self.outcome.iter().chain(&self.evidence) {
            found.push((Bare::Seen(event.variable, &event.world), event.value));
            let mut worlds = vec![&event.world];
            while let Some(world) = worlds.pop() {
                for (v, value) in world {
                    match value {
                        WorldValue::Value(value) => found.push((Bare::Set(*v), *value)),
                        WorldValue::Potential(other) => worlds.push(other),
                    }
                }
            }
        }
        found
    }

    /// The world of one of its events, bare names taken from `value`.
    pub fn world_of(&self, event: &Event, value: &dyn Fn(VarId, Option<u32>) -> Value) -> World {
        world(&event.world, &self.interventions, value)
    }
}

/// A world with what all worlds of its query set, bare names taken from `value`.
fn world(
    settings: &[(VarId, WorldValue)],
    everywhere: &[(VarId, Option<u32>)],
    value: &dyn Fn(VarId, Option<u32>) -> Value,
) -> World {
    let mut set: World = everywhere.iter().map(|&(v, code)| (v, Setting::Value(value(v, code)))).collect();
    for (v, setting) in settings {
        let setting = match setting {
            WorldValue::Value(code) => Setting::Value(value(*v, *code)),
            WorldValue::Potential(other) => Setting::Potential(world(other, everywhere, value)),
        };
        set.insert(*v, setting);
    }
    set
}
