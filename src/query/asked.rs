//! What is asked of a model, with all values known: variables in worlds.

use super::Values;
use crate::causal::counterfactual::{Setting, Twin, Value, World};
use crate::model::{Cut, Domain, Model, VarId};

/// `P(outcome | evidence)` of variables in worlds, whose settings are codes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// The variables asked for, each in its world.
    pub outcome: Vec<(VarId, World)>,
    /// The variables that are known, with their codes.
    pub evidence: Vec<(VarId, World, u32)>,
    /// Beyond which number the only outcome, a real variable, is asked to be.
    pub cut: Option<Cut>,
}

impl Asked {
    /// `P(outcome | do(interventions), evidence)`.
    pub fn in_one_world(outcome: &[VarId], interventions: &[(VarId, u32)], evidence: &[(VarId, u32)]) -> Self {
        let world: World = interventions.iter().map(|&(v, code)| (v, Setting::Value(Value::Code(code)))).collect();
        Self {
            outcome: outcome.iter().map(|&v| (v, world.clone())).collect(),
            evidence: evidence.iter().map(|&(v, code)| (v, world.clone(), code)).collect(),
            cut: None,
        }
    }

    /// What the only world sets, where there is only one.
    pub(super) fn world(&self) -> Option<Values> {
        let mut worlds = self.outcome.iter().map(|o| &o.1).chain(self.evidence.iter().map(|e| &e.1));
        let world = worlds.next()?;
        let setting = |(&v, setting): (&VarId, &Setting)| match setting {
            Setting::Value(Value::Code(code)) => Some((v, *code)),
            _ => None,
        };
        if worlds.all(|other| other == world) { world.iter().map(setting).collect() } else { None }
    }

    /// The copies of variables that see it all; `None` where the evidence contradicts itself or is outside a domain.
    pub fn twin(&self, model: &Model) -> Option<Twin> {
        let inside = |&(v, _, code): &(VarId, World, u32)| model.domain(v).is_some_and(|domain| domain.holds(code));
        let order = model.graph.topological_order().ok()?;
        let known = self.evidence.iter().all(inside);
        known.then(|| Twin::new(&order, &|v| model.graph.parents(v), &self.outcome, &self.evidence)).flatten()
    }

    /// Whether the mean of a real variable is asked for.
    pub(super) fn is_real(&self, model: &Model) -> bool {
        self.cut.is_none() && self.outcome.iter().any(|(v, _)| model.domain(*v).is_some_and(Domain::is_real))
    }

    /// The number of values of each variable of the outcome; 1 of a real one, whose mean is asked for, 2 where it is asked to be
    /// beyond a number.
    pub(super) fn cards(&self, model: &Model) -> Vec<usize> {
        let real = if self.cut.is_some() { 2 } else { 1 };
        self.outcome.iter().map(|(v, _)| model.card(*v).unwrap_or(real)).collect()
    }
}
