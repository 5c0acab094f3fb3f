//! Whether frozen ancestors are right where a task uses them.

use super::NumberedTask;
use super::regimes::Training;
use super::support::{Limits, gap};
use crate::causal::{HGraph, c_components_of, q_identifiable};
use crate::model::{Model, VarId};

/// The tasks that freeze a mechanism which no earlier task has taught, in the first stage that has some.
///
/// A task over `S = H ∪ A` fixes `Q[H]` only if `Q[A]` is right. `Q[A]` is the product of `Q[D]` over
/// the c-components `D` of `G[A]`; an earlier task gives `Q[D]` if Tian's Identify leads to it from a
/// c-factor of what that task matches. With complete columns this always holds, so it is checked only
/// where some data set is partial.
pub(super) fn with_unknown_ancestors(
    model: &Model,
    regimes: &[Training],
    h_graph: &HGraph<Vec<NumberedTask>>,
    stages: &[usize],
) -> Vec<NumberedTask> {
    if regimes.iter().all(|regime| regime.complete) {
        return vec![];
    }
    let mut owner = vec![0; model.graph.len()];
    for (at, h_node) in h_graph.nodes.iter().enumerate() {
        h_node.variables.iter().for_each(|&v| owner[v] = at);
    }
    let mut found: Vec<(usize, NumberedTask)> = vec![];
    for (at, h_node) in h_graph.nodes.iter().enumerate() {
        let unknown = |task: &&NumberedTask| {
            let parts = c_components_of(&model.graph, &task.ancestors);
            // What is in the module itself is trained along with it.
            let mut outside = parts.iter().filter(|d| owner[d[0]] != at);
            outside.any(|d| !is_known(model, regimes, &h_graph.nodes[owner[d[0]]].payload, d, task))
        };
        found.extend(h_node.payload.iter().filter(unknown).map(|task| (stages[at], task.clone())));
    }
    let first = found.iter().map(|(stage, _)| *stage).min();
    found.into_iter().filter(|(stage, _)| Some(*stage) == first).map(|(_, task)| task).collect()
}

/// Whether `earlier` tasks give `Q[part]` for every value of its parents that occurs in the rows of `task`.
fn is_known(
    model: &Model,
    regimes: &[Training],
    earlier: &[NumberedTask],
    part: &[VarId],
    task: &NumberedTask,
) -> bool {
    let gives = |candidate: &&NumberedTask| {
        let graph = &regimes[candidate.regime].graph;
        c_components_of(graph, &candidate.matched())
            .iter()
            .any(|factor| super::is_subset(part, factor) && q_identifiable(&model.graph, part, factor))
    };
    let taught: Vec<&Limits> = earlier.iter().filter(gives).map(|t| &regimes[t.regime].limits).collect();
    let needed = &regimes[task.regime].limits;
    !taught.is_empty() && gap(model, &model.graph.parents_of(part), &[needed], &taught).is_none()
}
