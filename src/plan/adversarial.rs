//! The tasks of adversarial modules: which distribution of which data set to match.

use super::regimes::{Obstacle, Skipped, Training};
use super::support::{Limits, gap};
use super::{NumberedTask, is_subset};
use crate::causal::{Closure, c_components_of, m_separated};
use crate::model::{Model, VarId};
use std::collections::BTreeSet;

/// Finds tasks for modules; keeps the closures' scratch space.
pub(super) struct Tasks<'a> {
    model: &'a Model,
    regimes: &'a [Training],
    closures: Vec<Closure<'a>>,
    /// Tasks that must not be used: their ancestors are not known when the module is trained.
    pub banned: BTreeSet<NumberedTask>,
}

impl<'a> Tasks<'a> {
    pub fn new(model: &'a Model, regimes: &'a [Training]) -> Self {
        let closures = regimes.iter().map(|regime| Closure::new(&regime.graph)).collect();
        Self { model, regimes, closures, banned: BTreeSet::new() }
    }

    /// The tasks of the module `variables` with the c-components `parts`: every regime whose I meets it,
    /// and of the others those that tie for the smallest A. Where these fix parents, regimes with the next
    /// larger A join until every value of the parents that occurs anywhere is supported.
    pub fn of(&mut self, variables: &[VarId], parts: &[Vec<VarId>]) -> Vec<NumberedTask> {
        let offered: Vec<NumberedTask> = (0..self.regimes.len()).flat_map(|r| self.offered_by(r, variables)).collect();
        let regimes = self.regimes;
        let (mut chosen, free): (Vec<_>, Vec<_>) =
            offered.into_iter().partition(|task| regimes[task.regime].meets(variables));
        for part in parts {
            let teaching: Vec<&NumberedTask> = free.iter().filter(|task| is_subset(part, &task.teaches)).collect();
            let mut sizes: Vec<usize> = teaching.iter().map(|task| task.ancestors.len()).collect();
            sizes.sort_unstable();
            sizes.dedup();
            for size in sizes {
                let ties = teaching.iter().filter(|task| task.ancestors.len() == size);
                chosen.extend(ties.map(|&task| task.clone()));
                if unsupported(self.model, regimes, part, &chosen).is_none() {
                    break;
                }
            }
        }
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    /// What stands between `regime` and a c-component that it does not set a variable of.
    pub fn obstacle(&mut self, regime: usize, c_component: &[VarId]) -> Option<Obstacle> {
        let task = self.task(regime, c_component);
        self.obstacle_to(&task)
    }

    /// What the experiments on a module would teach it but for an obstacle; `tasks` are the ones it has.
    /// Other regimes only repeat what these and the observational data teach, so they are not listed.
    pub fn skipped(&mut self, variables: &[VarId], tasks: &[NumberedTask]) -> Vec<Skipped> {
        let mut skipped = vec![];
        let regimes = self.regimes;
        for (at, regime) in regimes.iter().enumerate().filter(|(_, regime)| regime.meets(variables)) {
            let taught = |v: &VarId| tasks.iter().any(|t| t.regime == at && t.teaches.binary_search(v).is_ok());
            let rest: Vec<VarId> = regime.without_set(variables).into_iter().filter(|v| !taught(v)).collect();
            for part in c_components_of(&regime.graph, &rest) {
                if let Some(obstacle) = self.obstacle(at, &part) {
                    skipped.push(Skipped { regime: at, variables: part, obstacle });
                }
            }
        }
        skipped
    }

    /// The tasks that a regime can serve the module with: one, over all of the module that its columns
    /// suffice for; one per part where they do not suffice for the parts together.
    fn offered_by(&mut self, regime: usize, variables: &[VarId]) -> Vec<NumberedTask> {
        let remaining = self.regimes[regime].without_set(variables);
        if remaining.is_empty() {
            return vec![];
        }
        let whole = self.task(regime, &remaining);
        if self.obstacle_to(&whole).is_none() {
            return vec![whole];
        }
        let parts = c_components_of(&self.regimes[regime].graph, &remaining);
        let parts: Vec<NumberedTask> = parts.iter().map(|part| self.task(regime, part)).collect();
        let usable: Vec<NumberedTask> = parts.into_iter().filter(|task| self.obstacle_to(task).is_none()).collect();
        let mut together: Vec<VarId> = usable.iter().flat_map(|task| &task.teaches).copied().collect();
        together.sort_unstable();
        let joint = self.task(regime, &together);
        if usable.len() > 1 && self.obstacle_to(&joint).is_none() { vec![joint] } else { usable }
    }

    fn task(&mut self, regime: usize, teaches: &[VarId]) -> NumberedTask {
        let ancestors = self.closures[regime].of(teaches);
        let mut task = NumberedTask { regime, teaches: teaches.to_vec(), ancestors, conditions: vec![] };
        let parents = self.regimes[regime].graph.parents_of(&task.matched());
        task.conditions = self.regimes[regime].without_set(&parents);
        task
    }

    fn obstacle_to(&self, task: &NumberedTask) -> Option<Obstacle> {
        let regime = &self.regimes[task.regime];
        if !regime.complete {
            let missing = regime.missing(task.matched().iter().chain(&task.conditions));
            if !missing.is_empty() {
                return Some(Obstacle::Missing(missing));
            }
        }
        if let Some(&by) = regime.selects.iter().find(|w| !selection_is_harmless(regime, task, **w)) {
            return Some(Obstacle::Selection(by));
        }
        self.banned.contains(task).then(|| Obstacle::Unknown(task.ancestors.clone()))
    }
}

/// Whether keeping rows by `by` leaves `P(S | X)` as it is: `by` is in `X`, or separated from `S` by it.
fn selection_is_harmless(regime: &Training, task: &NumberedTask, by: VarId) -> bool {
    let matched = task.matched();
    let parents = regime.graph.parents_of(&matched);
    parents.binary_search(&by).is_ok()
        || regime.sets.binary_search(&by).is_ok()
        || (matched.binary_search(&by).is_err() && m_separated(&regime.graph, &matched, &[by], &parents))
}

/// Values of the parents of `c_component` that occur in some regime but in none of those by which
/// `tasks` teach it.
pub(super) fn unsupported(
    model: &Model,
    regimes: &[Training],
    c_component: &[VarId],
    tasks: &[NumberedTask],
) -> Option<super::support::Cell> {
    let needed: Vec<&Limits> = regimes.iter().map(|regime| &regime.limits).collect();
    if needed.iter().all(|limits| limits.is_empty()) {
        return None;
    }
    let taught: Vec<&Limits> =
        tasks.iter().filter(|task| covers(regimes, task, c_component)).map(|t| &regimes[t.regime].limits).collect();
    gap(model, &model.graph.parents_of(c_component), &needed, &taught)
}

/// Whether a task teaches the c-factor `Q[C]` of the whole c-component.
pub(super) fn covers(regimes: &[Training], task: &NumberedTask, c_component: &[VarId]) -> bool {
    !regimes[task.regime].meets(c_component) && is_subset(c_component, &task.teaches)
}
