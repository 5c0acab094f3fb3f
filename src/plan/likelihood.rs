//! The tasks of likelihood modules: one term per regime, over the mechanisms that its columns pin down.

use super::NumberedTask;
use super::regimes::{Obstacle, Skipped, Training};
use crate::causal::{Admg, ancestors, c_components_of};
use crate::model::VarId;

/// What the regimes offer to likelihood modules.
pub(super) struct Terms {
    /// Per c-component of the graph, its tasks in the order of the regimes.
    pub tasks: Vec<Vec<NumberedTask>>,
    /// What is left unused: the mechanisms of these variables appear in the distribution of the regime's
    /// columns, but only summed over variables it does not observe, or in selected rows.
    pub skipped: Vec<Skipped>,
}

/// The terms of every c-component of `graph` that `wanted` accepts; `owner` says which one a variable is in.
///
/// In regime I the distribution of the observed O is `Σ_hidden Π Q[C]` over the c-components `C` of
/// `G_do(I)[An(O) \ I]` (Tian & Pearl 2002, lemmas 1 to 3). `Q[C]` is a term of its own where `C ∪ Pa(C)`
/// is observed. Rows selected by a variable `W` serve `C` only if `W` is no descendant of `C`.
/// `O(n + m)` per regime.
pub(super) fn terms(graph: &Admg, regimes: &[Training], owner: &[usize], wanted: &[bool]) -> Terms {
    let mut terms = Terms { tasks: vec![vec![]; wanted.len()], skipped: vec![] };
    for (at, regime) in regimes.iter().enumerate() {
        let observed: Vec<VarId> = (0..graph.len()).filter(|&v| regime.observed[v]).collect();
        let kept = regime.without_set(&ancestors(&regime.graph, &observed));
        let causes_of_selection = ancestors(&regime.graph, &regime.selects);
        for part in c_components_of(&regime.graph, &kept) {
            let c_component = owner[part[0]];
            if !wanted[c_component] {
                continue;
            }
            let parents = regime.graph.parents_of(&part);
            let missing = regime.missing(part.iter().chain(&parents));
            let selected = part.iter().any(|v| causes_of_selection.binary_search(v).is_ok());
            let obstacle = match regime.selects.iter().find(|w| selected && selects_by_effect(regime, &part, **w)) {
                _ if !missing.is_empty() => Obstacle::Missing(missing),
                Some(&by) => Obstacle::Selection(by),
                None => {
                    add(&mut terms.tasks[c_component], at, &part);
                    continue;
                }
            };
            terms.skipped.push(Skipped { regime: at, variables: part, obstacle });
        }
        for tasks in &mut terms.tasks {
            finish(tasks, at, regime);
        }
    }
    terms
}

fn selects_by_effect(regime: &Training, part: &[VarId], by: VarId) -> bool {
    let causes = ancestors(&regime.graph, &[by]);
    part.iter().any(|v| causes.binary_search(v).is_ok())
}

/// Parts of one c-component under one regime share a task: the term is the sum of theirs.
fn add(tasks: &mut Vec<NumberedTask>, regime: usize, part: &[VarId]) {
    match tasks.last_mut().filter(|task| task.regime == regime) {
        Some(task) => task.teaches.extend_from_slice(part),
        None => {
            tasks.push(NumberedTask { regime, teaches: part.to_vec(), ancestors: vec![], conditions: vec![] });
        }
    }
}

fn finish(tasks: &mut [NumberedTask], at: usize, regime: &Training) {
    if let Some(task) = tasks.last_mut().filter(|task| task.regime == at) {
        task.teaches.sort_unstable();
        task.conditions = regime.without_set(&regime.graph.parents_of(&task.teaches));
    }
}
