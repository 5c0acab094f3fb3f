//! The training plan: modules, their tasks, and the order they are trained in.

use crate::model::Engine;
use serde::{Deserialize, Serialize};

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
    /// What is matched, one per data set that teaches the module.
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
    /// The frozen variables matched along with the module's own (the paper's A).
    pub ancestors: Vec<String>,
    /// The variables whose values come from the rows: Pa(H ∪ A), less `do`.
    pub conditions: Vec<String>,
    /// The module's variables that this task teaches: H less `do` and what the data set cannot teach.
    pub teaches: Vec<String>,
}
