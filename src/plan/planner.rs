//! From a model and its data sets to a plan.

use super::adversarial::{Tasks, covers, unsupported};
use super::likelihood::{Terms, terms};
use super::regimes::{Skipped, Training, training};
use super::{HGraph as Choice, NumberedTask, Options, Planned, assemble, engines, known, messages};
use crate::causal::{HGraph, HNode, Merge, c_components, h_graph, paper_h_graph};
use crate::data::Schema;
use crate::diag::Diagnostic;
use crate::model::{Engine, Model, VarId};

/// Compiles the graph and the data statements of `model` to a plan.
///
/// `schemas[i]` belongs to `model.regimes[i]`; a missing one counts as complete. Regimes with the role
/// `test` never train; without any other the plan is made for one complete observational data set `obs`.
///
/// # Errors
/// E0505 for every c-component that no data set teaches, or not at all values of its parents; E0612 for
/// `engine: likelihood` where it does not apply.
///
/// Near-linear in the graph for each regime while ancestor sets are small.
pub fn make(model: &Model, schemas: &[Schema], options: Options) -> Result<Planned, Vec<Diagnostic>> {
    let regimes = training(model, schemas);
    let planner = Planner::new(model, &regimes)?;
    let (h_graph, mut tasks) = match options.hgraph {
        _ if !model.settings.modular() => planner.all_at_once(),
        Choice::Closure => planner.with_known_ancestors(),
        Choice::Paper => planner.in_the_papers_order(),
    };
    let uncovered = planner.uncovered(&h_graph, &mut tasks);
    if !uncovered.is_empty() {
        return Err(uncovered);
    }
    let engines: Vec<Engine> = h_graph.nodes.iter().map(|h_node| planner.engine(&h_node.variables)).collect();
    let plan = assemble::plan(model, &regimes, &h_graph, &engines);
    let adversarial = h_graph.nodes.iter().zip(&engines).filter(|(_, engine)| **engine == Engine::WganGp);
    let mut skipped: Vec<Skipped> =
        adversarial.flat_map(|(h_node, _)| tasks.skipped(&h_node.variables, &h_node.payload)).collect();
    skipped.extend(planner.terms.skipped);
    let mut diagnostics = messages::skipped(model, &regimes, &skipped);
    diagnostics.extend(messages::merges(model, &plan, &h_graph.merges, options.hgraph));
    if options.hgraph == Choice::Paper {
        diagnostics.extend(messages::untrained_ancestors(model, &h_graph));
    }
    diagnostics.extend(messages::whole_images(model, &plan));
    crate::diag::sort(&mut diagnostics);
    Ok(Planned { plan, diagnostics, options, merges: h_graph.merges })
}

struct Planner<'a> {
    model: &'a Model,
    regimes: &'a [Training],
    c_components: Vec<Vec<VarId>>,
    /// Per variable, its c-component.
    owner: Vec<usize>,
    /// Per c-component, whether its engine is `likelihood`.
    by_likelihood: Vec<bool>,
    terms: Terms,
}

impl<'a> Planner<'a> {
    fn new(model: &'a Model, regimes: &'a [Training]) -> Result<Self, Vec<Diagnostic>> {
        let c_components = c_components(&model.graph);
        let mut owner = vec![0; model.graph.len()];
        let (mut by_likelihood, mut errors) = (vec![], vec![]);
        for (at, c_component) in c_components.iter().enumerate() {
            c_component.iter().for_each(|&v| owner[v] = at);
            match engines::engine_of(model, c_component) {
                Ok(engine) => by_likelihood.push(engine == Engine::Likelihood),
                Err(error) => errors.push(*error),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let terms = terms(&model.graph, regimes, &owner, &by_likelihood);
        Ok(Self { model, regimes, c_components, owner, by_likelihood, terms })
    }

    fn engine(&self, variables: &[VarId]) -> Engine {
        match self.by_likelihood[self.owner[variables[0]]] {
            true => Engine::Likelihood,
            false if engines::is_pretrained(self.model, variables) => Engine::Pretrained,
            false if variables.iter().any(|&v| self.model.variables[v].is_diffusion()) => Engine::Diffusion,
            false => Engine::WganGp,
        }
    }

    /// The h-graph of the closures; tasks whose ancestors would not be known are replaced by the next regime's.
    fn with_known_ancestors(&self) -> (HGraph<Vec<NumberedTask>>, Tasks<'a>) {
        let mut tasks = Tasks::new(self.model, self.regimes);
        loop {
            let h_graph = h_graph(self.model.graph.len(), self.c_components.clone(), |variables, parts| {
                self.inspect(&mut tasks, variables, parts)
            });
            let stages = assemble::stages(&h_graph);
            let unknown = known::with_unknown_ancestors(self.model, self.regimes, &h_graph, &stages);
            if unknown.is_empty() {
                return (h_graph, tasks);
            }
            tasks.banned.extend(unknown);
        }
    }

    /// The tasks of an h-node and the variables that must be trained before it.
    fn inspect(
        &self,
        tasks: &mut Tasks<'a>,
        variables: &[VarId],
        parts: &[Vec<VarId>],
    ) -> (Vec<NumberedTask>, Vec<VarId>) {
        let c_component = self.owner[variables[0]];
        if self.by_likelihood[c_component] {
            return (self.terms.tasks[c_component].clone(), vec![]);
        }
        let tasks = tasks.of(variables, parts);
        let needs = tasks.iter().flat_map(|task| &task.ancestors).copied().collect();
        (tasks, needs)
    }

    fn in_the_papers_order(&self) -> (HGraph<Vec<NumberedTask>>, Tasks<'a>) {
        let mut tasks = Tasks::new(self.model, self.regimes);
        let waits = |part: &[VarId]| !self.by_likelihood[self.owner[part[0]]];
        let (groups, after) = paper_h_graph(&self.model.graph, waits);
        let merges = groups.iter().filter(|parts| parts.len() > 1);
        let merges = merges.map(|parts| Merge { members: parts.clone(), cycles: vec![] }).collect();
        let nodes = groups.into_iter().zip(after).map(|(parts, after)| self.h_node(&mut tasks, parts, after));
        (HGraph { nodes: nodes.collect(), merges }, tasks)
    }

    /// One h-node of everything that is trained, as a baseline; what comes from files keeps its own.
    fn all_at_once(&self) -> (HGraph<Vec<NumberedTask>>, Tasks<'a>) {
        let mut tasks = Tasks::new(self.model, self.regimes);
        let (given, parts): (Vec<_>, Vec<_>) =
            self.c_components.iter().cloned().partition(|part| engines::is_pretrained(self.model, part));
        let mut groups: Vec<Vec<Vec<VarId>>> = given.into_iter().map(|part| vec![part]).collect();
        let before: Vec<usize> = (0..groups.len()).collect();
        groups.extend((!parts.is_empty()).then_some(parts));
        let nodes = groups.into_iter().enumerate().map(|(at, parts)| {
            let after = if at < before.len() { vec![] } else { before.clone() };
            self.h_node(&mut tasks, parts, after)
        });
        let nodes = nodes.collect();
        (HGraph { nodes, merges: vec![] }, tasks)
    }

    /// The h-node of `parts`, trained after the h-nodes `after`.
    fn h_node(&self, tasks: &mut Tasks<'a>, parts: Vec<Vec<VarId>>, after: Vec<usize>) -> HNode<Vec<NumberedTask>> {
        let mut variables = parts.concat();
        variables.sort_unstable();
        let (payload, mut needs) = self.inspect(tasks, &variables, &parts);
        needs.retain(|v| variables.binary_search(v).is_err());
        needs.sort_unstable();
        needs.dedup();
        HNode { variables, parts, needs, after, payload }
    }

    /// E0505 for every c-component to be trained that the tasks do not teach at all values of its parents.
    fn uncovered(&self, h_graph: &HGraph<Vec<NumberedTask>>, tasks: &mut Tasks<'a>) -> Vec<Diagnostic> {
        let mut errors = vec![];
        for h_node in &h_graph.nodes {
            // What comes from a file needs no data.
            for part in h_node.parts.iter().filter(|part| !engines::is_pretrained(self.model, part)) {
                if !h_node.payload.iter().any(|task| covers(self.regimes, task, part)) {
                    let tasks = if self.engine(part) == Engine::Likelihood { None } else { Some(&mut *tasks) };
                    errors.push(messages::untaught(self.model, self.regimes, part, tasks));
                } else if let Some(cell) = unsupported(self.model, self.regimes, part, &h_node.payload) {
                    let taught_by = h_node.payload.iter().filter(|task| covers(self.regimes, task, part));
                    let names = taught_by.map(|task| self.regimes[task.regime].name.as_str()).collect();
                    errors.push(messages::untaught_values(self.model, self.regimes, part, &cell, names));
                }
            }
        }
        crate::diag::sort(&mut errors);
        errors
    }
}
