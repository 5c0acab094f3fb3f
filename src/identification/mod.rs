//! Which queries of a model have one answer, given its data: verdict, formula, reason.
//!
//! [`judge`] puts the question to [`causal::identify`](crate::causal::identify) for every term of a query. A data
//! set collected under `do(X = x0)` says nothing of other values of `X`, so it counts only for terms that set `X`
//! to `x0`, or in which the value of `X` does not matter (Kivva et al. 2022 on positivity). Queries about several worlds go
//! to [`causal::counterfactual`](crate::causal::counterfactual).

mod explain;
mod judge;
mod messages;
mod worlds;
mod worlds_text;

pub use explain::{to_json, to_text};
pub use judge::judge;
pub use messages::{broken_assertion, not_identifiable};

use crate::causal::counterfactual;
use crate::causal::identify::{Effect, Identified, Witness};
use crate::model::CounterfactualTerm;

/// Which distributions are taken as known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// The declared data sets; without any, the observational distribution.
    #[default]
    Declared,
    /// The observational distribution of all variables alone.
    Observational,
    /// Every experiment.
    All,
}

/// What there is to say about one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The query's name.
    pub name: String,
    /// The query in canonical spelling.
    pub query: String,
    /// Its terms, in order.
    pub terms: Vec<Term>,
}

/// One `P(…)` or `E[…]` of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Its factor in the query.
    pub factor: f64,
    /// Whether its mean is asked for.
    pub mean: bool,
    /// What it is about.
    pub asked: Asked,
    /// The answer.
    pub verdict: Verdict,
    /// The names of the data sets that formula and witness number.
    pub data: Vec<String>,
}

/// What a term is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// A distribution in one world.
    Effect(Effect),
    /// Events in several worlds.
    Events(CounterfactualTerm),
}

/// The answer for one term.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// One answer, by this formula.
    Identified(Identified),
    /// Two models agree on the data and differ in the answer.
    NotIdentified(Witness),
    /// Neither is shown, and why.
    Open(String),
    /// What there is to say about events in several worlds; never "not established".
    Worlds(Box<Worlds>),
}

/// The answer for events in several worlds.
#[derive(Clone, Debug, PartialEq)]
pub struct Worlds {
    /// The question, bare names as unnamed values.
    pub query: counterfactual::Query,
    /// The answer.
    pub verdict: counterfactual::Verdict,
    /// Where the answer is "no" for variables of any domain: a formula for those that are binary.
    pub binary: Option<counterfactual::Inclusion>,
    /// Whether bare names that meet other values of their variable have formulas of their own.
    pub other_cases: bool,
}

impl Finding {
    /// Whether the query has one answer; `None` where that is open.
    pub fn identifiable(&self) -> Option<bool> {
        let verdicts = || self.terms.iter().map(|t| t.verdict.identifiable());
        if verdicts().any(|v| v == Some(false)) {
            return Some(false);
        }
        verdicts().all(|v| v == Some(true)).then_some(true)
    }
}

impl Verdict {
    /// Whether there is one answer; `None` where that is open, or where evidence of probability zero leaves nothing to ask.
    pub fn identifiable(&self) -> Option<bool> {
        use counterfactual::Verdict as Of;
        match self {
            Self::Identified(_) => Some(true),
            Self::NotIdentified(_) => Some(false),
            Self::Open(_) => None,
            Self::Worlds(worlds) => match worlds.verdict {
                Of::Identified(_) | Of::Zero(_) => Some(true),
                Of::NotIdentified(_) => Some(false),
                Of::Undefined(_) | Of::NotEstablished(_) => None,
            },
        }
    }
}
