//! What binary variables make identifiable besides: `P(e, x = 1) = P(e) - P(e, x = 0)`, where the events on the right
//! are identifiable although those on the left are not for larger domains. The best known case is the effect of treatment on the
//! treated behind a hidden common cause, from an experiment (Pearl, *Causality*, 2009, section 8.2.5).
//!
//! One event at a time is taken apart: `O(k)` identifications for `k` events. Sound, not complete.

use super::{Data, Event, Formula, Query, Value, Verdict, identify};
use crate::causal::Admg;

/// A formula for binary variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Inclusion {
    /// The probability of outcome and evidence.
    pub above: Joint,
    /// The probability of the evidence; `None` where there is none.
    pub below: Option<Joint>,
}

/// The probability of events.
#[derive(Clone, Debug, PartialEq)]
pub enum Joint {
    /// By a formula; `None` is zero.
    Whole(Option<Formula>),
    /// As a difference.
    Difference {
        /// The binary variable whose event was taken apart.
        variable: usize,
        /// The probability of the other events.
        without: Option<Formula>,
        /// Their probability with the variable at its other value.
        other: Option<Formula>,
    },
}

impl Joint {
    fn binary(&self) -> Option<usize> {
        if let Self::Difference { variable, .. } = self { Some(*variable) } else { None }
    }
}

impl Inclusion {
    /// The variables that must be binary.
    pub fn binary(&self) -> Vec<usize> {
        let mut found: Vec<usize> =
            [Some(&self.above), self.below.as_ref()].into_iter().flatten().filter_map(Joint::binary).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// A formula that holds if the variables for which `binary` says so have two values, 0 and 1.
pub fn by_inclusion(graph: &Admg, data: &Data, query: &Query, binary: &dyn Fn(usize) -> bool) -> Option<Inclusion> {
    let all: Vec<Event> = query.outcome.iter().chain(&query.evidence).cloned().collect();
    let above = joint(graph, data, &all, binary)?;
    let below = match &query.evidence[..] {
        [] => None,
        evidence => Some(joint(graph, data, evidence, binary)?),
    };
    Some(Inclusion { above, below })
}

fn joint(graph: &Admg, data: &Data, events: &[Event], binary: &dyn Fn(usize) -> bool) -> Option<Joint> {
    if let Some(whole) = whole(graph, data, events) {
        return Some(Joint::Whole(whole));
    }
    (0..events.len()).filter(|_| events.len() > 1).find_map(|at| {
        let variable = events[at].variable;
        let Value::Code(code @ 0..=1) = events[at].value else { return None };
        if !binary(variable) {
            return None;
        }
        let mut other = events.to_vec();
        let mut without = events.to_vec();
        other[at].value = Value::Code(1 - code);
        without.remove(at);
        let (without, other) = (whole(graph, data, &without)?, whole(graph, data, &other)?);
        Some(Joint::Difference { variable, without, other })
    })
}

/// The formula of the events, `Some(None)` where it is zero.
fn whole(graph: &Admg, data: &Data, events: &[Event]) -> Option<Option<Formula>> {
    match identify(graph, data, &Query { outcome: events.to_vec(), evidence: vec![] }) {
        Verdict::Identified(found) => Some(Some(found.formula)),
        Verdict::Zero(_) => Some(None),
        _ => None,
    }
}
