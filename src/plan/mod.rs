//! The training plan: modules, their tasks, and the order they are trained in.
//!
//! [`make`] compiles a model's graph and data statements to a [`Plan`]; [`explain`] says in words why the
//! plan is what it is. The method is Rahman & Kocaoglu's (ICML 2024, section 4 and appendix D.2) with the
//! smallest ancestor sets ([`Closure`](crate::causal::Closure)) and an h-graph made from them
//! ([`h_graph`](crate::causal::h_graph)).

mod adversarial;
mod assemble;
mod engines;
mod explain;
mod known;
mod likelihood;
mod messages;
mod planner;
mod regimes;
mod support;

pub use explain::{Explained, ExplainedModule, Fact, explain, explain_module, to_text};
pub use planner::make;

use crate::causal::Merge;
use crate::diag::Diagnostic;
use crate::model::{Engine, VarId};
use serde::{Deserialize, Serialize};

/// How the h-graph is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HGraph {
    /// From the closures: no order leaves an ancestor untrained.
    #[default]
    Closure,
    /// As in the paper's experiments (definition 4.3 of the paper), to reproduce its figures.
    Paper,
}

/// What a caller can choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How the h-graph is made.
    pub hgraph: HGraph,
}

/// A plan and what there is to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Warnings and notes.
    pub diagnostics: Vec<Diagnostic>,
    /// The options it was made with.
    pub options: Options,
    /// What forced c-components into one module, in the order of the merges.
    pub merges: Vec<Merge>,
}

/// A training plan (`plan.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The format's version: 1.
    pub schema: u32,
    /// The modules, in an order in which they can be trained.
    pub modules: Vec<Module>,
    /// The modules' ids, in that order.
    pub order: Vec<String>,
    /// Modules that can train at the same time, each as early as possible.
    pub stages: Vec<Vec<String>>,
}

/// An h-node: c-components that are trained together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// `H1`, `H2`, … in the order of the plan.
    pub id: String,
    /// The variables whose mechanisms are trained (H), sorted.
    pub variables: Vec<String>,
    /// Its c-components, each sorted, sorted.
    pub c_components: Vec<Vec<String>>,
    /// What is matched, one per data set that teaches the module. (Several of one data set only where it
    /// lacks a column that its parts need when matched together.)
    pub tasks: Vec<Task>,
    /// The modules that must be trained first.
    pub after: Vec<String>,
    /// How it is trained.
    pub engine: Engine,
}

/// One distribution to match: `P(teaches ∪ ancestors | conditions)` under `do`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The data set.
    pub data: String,
    /// The variables the data set intervenes on.
    #[serde(rename = "do")]
    pub interventions: Vec<String>,
    /// The variables matched along with those it teaches (the paper's A): frozen, but for members of the
    /// module itself, which other tasks teach.
    pub ancestors: Vec<String>,
    /// The variables whose values come from the rows: Pa(H ∪ A), less `do`.
    pub conditions: Vec<String>,
    /// The module's variables that this task teaches: H less `do` and what the data set cannot teach.
    pub teaches: Vec<String>,
}

/// A [`Task`] by numbers: every set ascending.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct NumberedTask {
    /// Place among the training regimes.
    regime: usize,
    teaches: Vec<VarId>,
    ancestors: Vec<VarId>,
    conditions: Vec<VarId>,
}

impl NumberedTask {
    /// Everything matched: S = teaches ∪ A, ascending.
    fn matched(&self) -> Vec<VarId> {
        let mut all = [&self.teaches[..], &self.ancestors].concat();
        all.sort_unstable();
        all
    }
}

/// Whether the ascending set `inner` is part of the ascending set `outer`.
fn is_subset(inner: &[VarId], outer: &[VarId]) -> bool {
    inner.iter().all(|v| outer.binary_search(v).is_ok())
}
