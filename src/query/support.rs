//! Positivity: interventions under which the model must rely on combinations that no data set has.
//!
//! A c-component's answer under new values of its parents is learned from rows with those values
//! (`theory`: the conditional factors of Tian's decomposition have the parents, and the members that
//! come earlier, in their denominators). Where such a combination has probability under the
//! intervention but no row anywhere, the number rests on nothing but the network's or the prior's taste.

use super::{Group, Runtime, Values, exact};
use crate::causal::c_components;
use crate::data::Table;
use crate::model::{Query, QueryKind, Term, VarId};
use std::collections::BTreeMap;

/// A combination of values that a query needs and no row has.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// The intervention of the query.
    pub interventions: Values,
    /// The combination.
    pub combination: Values,
    /// The share of the intervention's rows that would need such combinations.
    pub share: f64,
    /// The variables whose mechanisms are asked outside the data.
    pub component: Vec<VarId>,
}

/// Smaller shares of unseen combinations are left unsaid.
const SMALLEST_SHARE: f64 = 0.01;

/// Combinations are looked at over at most this many cells.
const MAX_CELLS: f64 = 1e6;

/// The gaps of a query's interventions, the largest of each c-component and intervention.
pub fn unsupported(runtime: &Runtime, tables: &[Table], query: &Query) -> Vec<Gap> {
    let terms: Vec<&Term> = match &query.kind {
        QueryKind::Distribution(term) => vec![term],
        QueryKind::Expectation { terms, .. } => terms.iter().map(|(_, t)| t).collect(),
        QueryKind::Samples { .. } | QueryKind::Counterfactual { .. } => vec![],
    };
    let components = c_components(&runtime.model.graph);
    let mut gaps: Vec<Gap> = vec![];
    for term in terms.into_iter().filter(|t| !t.interventions.is_empty()) {
        for group in runtime.groups(term).unwrap_or_default() {
            if gaps.iter().any(|g| g.interventions == group.interventions) {
                continue;
            }
            let ancestors = ancestors(runtime, term, &group.interventions);
            let asked = components.iter().filter(|c| c.iter().any(|v| ancestors.contains(v)));
            gaps.extend(asked.filter_map(|component| gap(runtime, tables, component, &group.interventions)));
        }
    }
    gaps
}

/// What the outcome and evidence depend on under the intervention, what is set left out.
fn ancestors(runtime: &Runtime, term: &Term, set: &[(VarId, u32)]) -> Vec<VarId> {
    let mut open: Vec<VarId> = term.outcome.iter().chain(&term.evidence).map(|o| o.0).collect();
    let mut found = vec![];
    while let Some(v) = open.pop() {
        if !found.contains(&v) && !set.iter().any(|s| s.0 == v) {
            found.push(v);
            open.extend(runtime.model.graph.parents(v));
        }
    }
    found
}

/// The heaviest unseen combination of a c-component's parents and members under an intervention.
fn gap(runtime: &Runtime, tables: &[Table], component: &[VarId], set: &[(VarId, u32)]) -> Option<Gap> {
    let graph = &runtime.model.graph;
    let mut parents: Vec<VarId> = component.iter().flat_map(|&v| graph.parents(v).iter().copied()).collect();
    parents.sort_unstable();
    parents.dedup();
    parents.retain(|p| !component.contains(p));
    // The last members (without effects inside the component) are predicted, not conditioned on.
    let earlier: Vec<VarId> =
        component.iter().copied().filter(|&v| component.len() > 1 && !is_last(runtime, component, v)).collect();
    let scope: Vec<VarId> = parents.iter().chain(&earlier).copied().collect();
    let cells: f64 = scope.iter().filter_map(|&v| runtime.model.card(v)).map(|k| k as f64).product();
    if parents.is_empty() || cells > MAX_CELLS {
        return None;
    }
    let seen = pooled(tables, &scope, component, runtime)?;
    let members = pooled(tables, &earlier, component, runtime)?;
    let weight: f64 = members.values().sum();
    let group = Group { interventions: set.to_vec(), evidence: vec![] };
    let reached = match exact::point(runtime.model, &runtime.modules, &parents, set, &[]) {
        Ok(Some(summed)) => summed.values,
        _ => runtime.distribution(&parents, &group, "support").ok()?.point,
    };
    let cards: Vec<usize> = parents.iter().filter_map(|&v| runtime.model.card(v)).collect();
    let (mut share, mut heaviest): (f64, Option<(f64, Values)>) = (0.0, None);
    for (cell, &p) in reached.iter().enumerate().filter(|(_, p)| **p > 0.0) {
        let codes = super::fit::digits(cell, &cards);
        for (member_codes, member_weight) in &members {
            let key: Vec<u32> = codes.iter().chain(member_codes).copied().collect();
            let mass = p * member_weight / weight;
            if !seen.contains_key(&key) {
                share += mass;
                if heaviest.as_ref().is_none_or(|(m, _)| mass > *m) {
                    heaviest = Some((mass, scope.iter().copied().zip(key).collect()));
                }
            }
        }
    }
    let (_, combination) = heaviest.filter(|_| share >= SMALLEST_SHARE)?;
    Some(Gap { interventions: set.to_vec(), combination, share, component: component.to_vec() })
}

fn is_last(runtime: &Runtime, component: &[VarId], variable: VarId) -> bool {
    let order = runtime.model.graph.topological_order().unwrap_or_default();
    let place = |v: VarId| order.iter().position(|&o| o == v);
    component.iter().all(|&other| place(other) <= place(variable))
}

/// The weights of the combinations of `scope` over all training data that does not set the component.
fn pooled(
    tables: &[Table],
    scope: &[VarId],
    component: &[VarId],
    runtime: &Runtime,
) -> Option<BTreeMap<Vec<u32>, f64>> {
    let mut pooled = BTreeMap::new();
    let mut any = false;
    for (table, regime) in tables.iter().zip(&runtime.model.regimes) {
        let sets_it = regime.interventions.iter().any(|(v, _)| component.contains(v));
        if let Some(counts) = table.counts(scope).filter(|_| !regime.test && !sets_it) {
            any = true;
            counts.into_iter().for_each(|(key, weight)| *pooled.entry(key).or_insert(0.0) += weight);
        }
    }
    any.then_some(pooled)
}
