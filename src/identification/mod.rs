//! Which queries of a model have one answer, given its data: verdict, formula, reason.
//!
//! [`judge`] puts the question to [`causal::identify`](crate::causal::identify) for every term of a query. A data
//! set collected under `do(X = x0)` says nothing of other values of `X`, so it counts only for terms that set `X`
//! to `x0`, or in which the value of `X` does not matter (Kivva et al. 2022 on positivity). Queries about several worlds go
//! to [`causal::counterfactual`](crate::causal::counterfactual).

mod bounds;
mod copies;
mod distributions;
mod estimate;
mod evaluate;
mod explain;
mod judge;
mod messages;
mod page;
mod pair;
mod plugin;
mod positivity;
mod tables;
mod worlds;
mod worlds_text;
mod worlds_values;

pub use bounds::{Interval, bounds_text};
pub use distributions::{Distribution, distributions};
pub use estimate::Gap;
pub use evaluate::{Evaluation, Row, Seen, evaluate};
pub use explain::{to_json, to_text};
pub use judge::{judge, judge_trained};
pub use messages::{broken_assertion, not_identifiable, not_trained};
pub use page::{page, section};
pub use pair::{Pair, PairRow, pair};
pub use plugin::{How, Plugin, Question, Solved};
pub use positivity::{unsupported, unsupported_by_truth};

use crate::causal::counterfactual;
use crate::causal::identify::{Effect, Identified, Regime, Witness};
use crate::model::{CounterfactualTerm, VarId};

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

/// A finding with the numbers and models that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The verdict.
    pub finding: Finding,
    /// What the formula gives; `None` if that was not asked for.
    pub values: Option<Evaluation>,
    /// Two models that show a "no", or why there are none; `None` if that was not asked for or the verdict is no "no".
    pub counterexample: Option<Result<Pair, String>>,
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
    /// Where each of them comes from.
    pub sources: Vec<Source>,
    /// What each of them shows.
    pub regimes: Vec<Regime>,
}

/// Where a distribution that formulas name comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Data sets taken together, by their places in [`Model::regimes`](crate::model::Model::regimes).
    Data(Vec<usize>),
    /// The pretrained mechanism of a variable.
    Mechanism(VarId),
    /// Taken as known, without a data set.
    Assumed,
}

impl Source {
    /// The data sets, if it is made of them.
    pub fn data(&self) -> &[usize] {
        if let Self::Data(places) = self { places } else { &[] }
    }
}

/// A c-factor, or several, that a data set trains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taught {
    /// The data set's place in [`Model::regimes`](crate::model::Model::regimes).
    pub regime: usize,
    /// The variables whose mechanisms it teaches, ascending.
    pub variables: Vec<VarId>,
}

impl Term {
    /// The distribution it is about; of nothing where it asks for events in several worlds.
    pub fn effect(&self) -> &Effect {
        static NOTHING: Effect = Effect { outcome: vec![], interventions: vec![], evidence: vec![] };
        if let Asked::Effect(effect) = &self.asked { effect } else { &NOTHING }
    }
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

    /// Whether an earlier term has the same question and answer as term `at`; only their values differ.
    fn repeats(&self, at: usize) -> bool {
        let (before, rest) = self.terms.split_at(at);
        let same = |t: &Term| rest.first().is_some_and(|term| t.asked == term.asked && t.verdict == term.verdict);
        before.iter().any(same)
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
