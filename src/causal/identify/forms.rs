//! The textbook forms, tried before the general algorithm: an experiment that is the effect itself, plain
//! conditioning, back-door adjustment and the front door, each in every regime.
//!
//! Adjustment sets by the adjustment criterion, sound and complete (Shpitser, VanderWeele & Robins 2010; Perković
//! et al. 2018): the canonical set first, then a minimal one by two searches (van der Zander, Liśkiewicz & Textor
//! 2019, *Separators and adjustment sets in causal graphs*). Front-door sets as the largest one (Jeong, Tian &
//! Bareinboim 2022), then a minimal one. A few graph searches a regime, `O(n + m)` each, but for the front door,
//! where each search removes a node: `O(n (n + m))`.

use super::c_factor::View;
use super::derivation::{Rule, Step, Subgraph};
use super::estimand::{Estimand, disjoint, minus, probability, product, shared, subset, sum, union};
use super::{Effect, Method};
use crate::causal::{Admg, ancestors, ancestors_within, c_components_of, descendants, m_separated};

/// Front-door sets larger than this are not made minimal.
const MINIMISED: usize = 12;

/// A formula in a textbook form.
pub(super) struct Form {
    pub estimand: Estimand,
    pub method: Method,
    pub steps: Vec<Step>,
}

/// The simplest form that some regime allows. `effect` has no interventions without effect.
pub(super) fn textbook(graph: &Admg, views: &[View], effect: &Effect) -> Option<Form> {
    let settings: Vec<Setting> = views.iter().filter_map(|view| Setting::new(graph, view, effect)).collect();
    let tiers = [Setting::conditioning, Setting::adjustment, Setting::front_door];
    tiers.iter().find_map(|tier| settings.iter().find_map(tier))
}

/// The effect as one that a regime may answer: that of `treatment` in its graph.
struct Setting<'a> {
    view: &'a View,
    graph: Admg,
    treatment: Vec<usize>,
    outcome: &'a [usize],
    evidence: &'a [usize],
    steps: Vec<Step>,
}

impl<'a> Setting<'a> {
    /// `None` where the regime lacks columns or its own interventions change the effect.
    fn new(graph: &Admg, view: &'a View, effect: &'a Effect) -> Option<Self> {
        let Effect { outcome, interventions, evidence } = effect;
        let treatment = minus(interventions, &view.interventions);
        let added = minus(&view.interventions, interventions);
        if ![outcome, evidence, &treatment].iter().all(|set| subset(set, &view.columns)) {
            return None;
        }
        let mut steps = vec![];
        if !added.is_empty() {
            let cut = graph.intervene(interventions);
            let above = ancestors(&cut, evidence);
            let cut_into = union(interventions, &minus(&added, &above));
            if !m_separated(&graph.intervene(&cut_into), outcome, &added, &union(interventions, evidence)) {
                return None;
            }
            let subgraph = Subgraph { nodes: (0..graph.len()).collect(), cut_into, cut_out_of: vec![] };
            let all = union(interventions, &added);
            let expression = probability(outcome, evidence, &all, None);
            steps.push(Step { rule: Rule::AddInterventions, set: added, graph: subgraph, regime: None, expression });
        }
        let graph = if view.interventions.is_empty() { graph.clone() } else { graph.intervene(&view.interventions) };
        Some(Self { view, graph, treatment, outcome, evidence, steps })
    }

    fn p(&self, of: &[usize], given: &[usize]) -> Estimand {
        probability(of, given, &self.view.interventions, Some(self.view.regime))
    }

    fn form(&self, rule: Rule, set: &[usize], cut_out_of: &[usize], estimand: Estimand, method: Method) -> Form {
        let nodes = (0..self.graph.len()).collect();
        let graph = Subgraph { nodes, cut_into: self.view.interventions.clone(), cut_out_of: cut_out_of.to_vec() };
        let regime = Some(self.view.regime);
        let step = Step { rule, set: set.to_vec(), graph, regime, expression: estimand.clone() };
        Form { estimand, method, steps: [&self.steps[..], &[step]].concat() }
    }

    /// `P(y | x, z)`: rule 2 for all of the treatment.
    fn conditioning(&self) -> Option<Form> {
        let estimand = self.p(self.outcome, &union(&self.treatment, self.evidence));
        if self.treatment.is_empty() {
            let method = if self.view.interventions.is_empty() { Method::AdjustmentFree } else { Method::Experiment };
            let steps = self.steps.clone();
            return Some(Form { estimand, method, steps });
        }
        let given = union(self.evidence, &self.view.interventions);
        let cut = self.graph.without_edges_out_of(&self.treatment);
        m_separated(&cut, self.outcome, &self.treatment, &given).then(|| {
            let rule = Rule::InterventionToEvidence;
            self.form(rule, &self.treatment, &self.treatment, estimand, Method::AdjustmentFree)
        })
    }

    /// `Σ_z P(y | x, z) P(z)` for a minimal adjustment set.
    fn adjustment(&self) -> Option<Form> {
        if !self.evidence.is_empty() {
            return None;
        }
        let set = self.adjustment_set()?;
        let first = self.p(self.outcome, &union(&self.treatment, &set));
        let estimand = sum(&set, product(vec![first, self.p(&set, &[])]));
        Some(self.form(Rule::Adjustment, &set, &self.treatment, estimand, Method::BackDoor(set.clone())))
    }

    fn adjustment_set(&self) -> Option<Vec<usize>> {
        let (graph, x, y) = (&self.graph, &self.treatment[..], self.outcome);
        let below = descendants(&graph.intervene(x), x);
        let above = ancestors(&graph.without_edges_out_of(x), y);
        let causal = minus(&shared(&below, &above), x);
        let forbidden = union(&union(&descendants(graph, &causal), x), &union(y, &self.view.interventions));
        let candidates = shared(&minus(&ancestors(graph, &union(x, y)), &forbidden), &self.view.columns);
        let mut back_door = graph.clone();
        for &x in x {
            shared(graph.children(x), &causal).iter().for_each(|&c| back_door.remove_directed(x, c));
        }
        let fixed = &self.view.interventions;
        if !m_separated(&back_door, x, y, &union(&candidates, fixed)) {
            return None;
        }
        let from_x = nearest(&back_door, x, y, &candidates, fixed);
        let set = nearest(&back_door, y, x, &from_x, fixed);
        debug_assert!(m_separated(&back_door, x, y, &union(&set, fixed)));
        Some(set)
    }

    /// `Σ_m P(m | x) Σ_x' P(y | x', m) P(x')` for a front-door set (Pearl 1995).
    fn front_door(&self) -> Option<Form> {
        if !self.evidence.is_empty() {
            return None;
        }
        let set = self.front_door_set()?;
        let (x, y) = (&self.treatment[..], self.outcome);
        let inner = sum(x, product(vec![self.p(y, &union(x, &set)), self.p(x, &[])]));
        let estimand = sum(&set, product(vec![self.p(&set, x), inner]));
        let cut = union(x, &set);
        Some(self.form(Rule::FrontDoor, &set, &cut, estimand, Method::FrontDoor(set.clone())))
    }

    fn front_door_set(&self) -> Option<Vec<usize>> {
        let (x, y, fixed) = (&self.treatment[..], self.outcome, &self.view.interventions);
        let between = shared(&descendants(&self.graph, x), &ancestors(&self.graph, y));
        let between = minus(&minus(&between, &union(x, y)), fixed);
        let cut = self.graph.without_edges_out_of(x);
        let mut set: Vec<usize> = shared(&between, &self.view.columns);
        set.retain(|&m| m_separated(&cut, x, &[m], fixed));
        let given = union(x, fixed);
        // A node with an open back-door path to the outcome is in no front-door set within this one.
        loop {
            let cut = self.graph.without_edges_out_of(&set);
            let kept: Vec<usize> = set.iter().copied().filter(|&m| m_separated(&cut, &[m], y, &given)).collect();
            if kept.len() == set.len() {
                break;
            }
            set = kept;
        }
        if set.is_empty() || !self.intercepts(&set) {
            return None;
        }
        if set.len() <= MINIMISED {
            for m in set.clone() {
                let fewer = minus(&set, &[m]);
                let cut = self.graph.without_edges_out_of(&fewer);
                if !fewer.is_empty() && self.intercepts(&fewer) && m_separated(&cut, &fewer, y, &given) {
                    set = fewer;
                }
            }
        }
        Some(set)
    }

    /// Whether every directed path from the treatment to the outcome meets the set.
    fn intercepts(&self, set: &[usize]) -> bool {
        let outside = minus(&(0..self.graph.len()).collect::<Vec<_>>(), set);
        disjoint(&self.treatment, &ancestors_within(&self.graph, self.outcome, &outside))
    }
}

/// The nodes of the separator that are reached first from `from` in the moral graph over the ancestors of both
/// sides (nodes joined by a collider path are neighbours; Richardson 2003).
fn nearest(graph: &Admg, from: &[usize], to: &[usize], separator: &[usize], fixed: &[usize]) -> Vec<usize> {
    let inside = ancestors(graph, &union(&union(from, to), fixed));
    // A clique is a c-component with its parents.
    let parts = c_components_of(graph, &inside);
    let cliques: Vec<Vec<usize>> = parts.iter().map(|part| union(part, &graph.parents_of(part))).collect();
    let mut member_of: Vec<Vec<usize>> = vec![vec![]; graph.len()];
    for (clique, members) in cliques.iter().enumerate() {
        members.iter().for_each(|&v| member_of[v].push(clique));
    }
    let (mut seen, mut used) = (vec![false; graph.len()], vec![false; cliques.len()]);
    let mut queue = from.to_vec();
    from.iter().for_each(|&v| seen[v] = true);
    let mut touched = vec![];
    while let Some(v) = queue.pop() {
        for &clique in &member_of[v] {
            if std::mem::replace(&mut used[clique], true) {
                continue;
            }
            for &w in &cliques[clique] {
                if std::mem::replace(&mut seen[w], true) || fixed.binary_search(&w).is_ok() {
                    continue;
                }
                if separator.binary_search(&w).is_ok() { touched.push(w) } else { queue.push(w) }
            }
        }
    }
    touched.sort_unstable();
    touched
}
