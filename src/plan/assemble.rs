//! From numbered h-nodes to the plan's names, ids, order and stages.

use super::regimes::Training;
use super::{Module, NumberedTask, Plan, Task};
use crate::causal::HGraph;
use crate::model::{Engine, Model};

/// The stage of each h-node, from 1: one more than the latest of those it comes after. `O(n + m)`.
pub(super) fn stages<T>(h_graph: &HGraph<T>) -> Vec<usize> {
    let count = h_graph.nodes.len();
    let (mut waiting_for, mut next) = (vec![0; count], vec![vec![]; count]);
    for (at, h_node) in h_graph.nodes.iter().enumerate() {
        waiting_for[at] = h_node.after.len();
        h_node.after.iter().for_each(|&before| next[before].push(at));
    }
    let mut stages = vec![1; count];
    let mut ready: Vec<usize> = (0..count).filter(|&at| waiting_for[at] == 0).collect();
    while let Some(at) = ready.pop() {
        for &later in &next[at] {
            stages[later] = stages[later].max(stages[at] + 1);
            waiting_for[later] -= 1;
            if waiting_for[later] == 0 {
                ready.push(later);
            }
        }
    }
    stages
}

/// The plan: modules by stage, then by the names of their variables.
pub(super) fn plan(
    model: &Model,
    regimes: &[Training],
    h_graph: &HGraph<Vec<NumberedTask>>,
    engines: &[Engine],
) -> Plan {
    let stages = stages(h_graph);
    let mut named: Vec<(usize, Vec<String>, usize)> = h_graph
        .nodes
        .iter()
        .enumerate()
        .map(|(at, h_node)| (stages[at], model.sorted_names(h_node.variables.iter().copied()), at))
        .collect();
    named.sort_unstable();
    let mut place = vec![0; named.len()];
    named.iter().enumerate().for_each(|(place_of, (_, _, at))| place[*at] = place_of);
    let id = |place: usize| format!("H{}", place + 1);

    let mut plan = Plan { schema: 1, modules: vec![], order: vec![], stages: vec![] };
    for (stage, variables, at) in named {
        let h_node = &h_graph.nodes[at];
        let mut after: Vec<usize> = h_node.after.iter().map(|&before| place[before]).collect();
        after.sort_unstable();
        let id_here = id(plan.modules.len());
        plan.stages.resize(stage, vec![]);
        plan.stages[stage - 1].push(id_here.clone());
        plan.order.push(id_here.clone());
        let mut c_components: Vec<Vec<String>> =
            h_node.parts.iter().map(|part| model.sorted_names(part.iter().copied())).collect();
        c_components.sort();
        plan.modules.push(Module {
            id: id_here,
            variables,
            c_components,
            tasks: h_node.payload.iter().map(|task| named_task(model, regimes, task)).collect(),
            after: after.into_iter().map(id).collect(),
            engine: engines[at],
        });
    }
    plan
}

fn named_task(model: &Model, regimes: &[Training], task: &NumberedTask) -> Task {
    let names = |variables: &[usize]| model.sorted_names(variables.iter().copied());
    Task {
        data: regimes[task.regime].name.clone(),
        interventions: names(&regimes[task.regime].sets),
        ancestors: names(&task.ancestors),
        conditions: names(&task.conditions),
        teaches: names(&task.teaches),
    }
}
