//! Which queries of a model have one answer, given its data: verdict, formula, reason.
//!
//! [`judge`] puts the question to [`causal::identify`](crate::causal::identify) for every term of a query. A data
//! set collected under `do(X = x0)` says nothing of other values of `X`, so it counts only for terms that set `X`
//! to `x0`, or in which the value of `X` does not matter (Kivva et al. 2022 on positivity).

mod explain;
mod judge;
mod messages;

pub use explain::{to_json, to_text};
pub use judge::judge;
pub use messages::{broken_assertion, not_identifiable};

use crate::causal::identify::{Effect, Identified, Witness};

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
    /// The distribution it is about.
    pub effect: Effect,
    /// The answer.
    pub verdict: Verdict,
    /// The names of the data sets that formula and witness number.
    pub data: Vec<String>,
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
}

impl Finding {
    /// Whether the query has one answer; `None` where that is open.
    pub fn identifiable(&self) -> Option<bool> {
        let verdicts = || self.terms.iter().map(|t| &t.verdict);
        if verdicts().any(|v| matches!(v, Verdict::NotIdentified(_))) {
            return Some(false);
        }
        verdicts().all(|v| matches!(v, Verdict::Identified(_))).then_some(true)
    }
}
