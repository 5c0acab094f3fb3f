//! The training regimes as the planner sees them.

use super::support::Limits;
use crate::causal::Admg;
use crate::data::Schema;
use crate::diag::Span;
use crate::model::{Comparison, DoValue, Domain, Filter, Model, Regime, Value, VarId};
use std::collections::BTreeSet;

/// A training regime: a data statement, or the observational data set assumed where there is none.
pub(super) struct Training {
    /// The data set's name.
    pub name: String,
    /// The data statement; `None` for the assumed data set.
    pub span: Option<Span>,
    /// The variables it sets (I), ascending.
    pub sets: Vec<VarId>,
    /// `G_do(I)`.
    pub graph: Admg,
    /// Per variable, whether it is in O ∪ I.
    pub observed: Vec<bool>,
    /// Whether it observes every variable.
    pub complete: bool,
    /// The values its rows can have, where it fixes or selects some.
    pub limits: Limits,
    /// The variables of the model by which rows are selected (`where`), ascending.
    pub selects: Vec<VarId>,
}

/// What stands between a regime and a set of variables that it might teach.
pub(super) enum Obstacle {
    /// Columns it lacks.
    Missing(Vec<VarId>),
    /// Its rows are selected by this variable, which depends on what is matched.
    Selection(VarId),
    /// The mechanisms of these ancestors are not known by then.
    Unknown(Vec<VarId>),
}

/// Mechanisms that a regime tells something about but does not teach.
pub(super) struct Skipped {
    /// Place among the training regimes.
    pub regime: usize,
    /// The variables of the mechanisms, ascending.
    pub variables: Vec<VarId>,
    /// Why.
    pub obstacle: Obstacle,
}

/// The regimes that train, in the order of their statements; never empty.
pub(super) fn training(model: &Model, schemas: &[Schema]) -> Vec<Training> {
    let numbered = model.regimes.iter().enumerate().filter(|(_, regime)| !regime.test);
    let regimes: Vec<Training> = numbered.map(|(at, regime)| Training::new(model, regime, schemas.get(at))).collect();
    if regimes.is_empty() { vec![Training::assumed(model)] } else { regimes }
}

impl Training {
    fn assumed(model: &Model) -> Self {
        Self { span: None, ..Self::new(model, &Regime::named("obs"), None) }
    }

    /// Without a schema every variable counts as observed.
    fn new(model: &Model, regime: &Regime, schema: Option<&Schema>) -> Self {
        let nodes = model.graph.len();
        let mut sets: Vec<VarId> = regime.interventions.iter().map(|(v, _)| *v).collect();
        sets.sort_unstable();
        sets.dedup();
        let mut observed = vec![schema.is_none(); nodes];
        let columns = schema.map_or(&[][..], |s| &s.observed);
        columns.iter().chain(&sets).filter(|v| **v < nodes).for_each(|&v| observed[v] = true);
        let (limits, selects) = limits(model, regime);
        Self {
            name: regime.name.clone(),
            span: Some(regime.span),
            graph: model.graph.intervene(&sets),
            complete: observed.iter().all(|&o| o),
            sets,
            observed,
            limits,
            selects,
        }
    }

    /// Whether it sets one of `variables`.
    pub fn meets(&self, variables: &[VarId]) -> bool {
        self.sets.iter().any(|v| variables.binary_search(v).is_ok())
    }

    /// Those of `variables` that it neither observes nor sets.
    pub fn missing<'v>(&self, variables: impl IntoIterator<Item = &'v VarId>) -> Vec<VarId> {
        variables.into_iter().copied().filter(|&v| !self.observed[v]).collect()
    }

    /// `variables` without those it sets.
    pub fn without_set(&self, variables: &[VarId]) -> Vec<VarId> {
        variables.iter().copied().filter(|v| self.sets.binary_search(v).is_err()).collect()
    }
}

/// Fixed do-values and selected values, and the variables that rows are selected by.
fn limits(model: &Model, regime: &Regime) -> (Limits, Vec<VarId>) {
    let mut limits = Limits::new();
    for &(variable, value) in &regime.interventions {
        if let DoValue::Fixed(code) = value {
            limits.insert(variable, BTreeSet::from([code]));
        }
    }
    let mut selects = BTreeSet::new();
    for term in regime.filter.iter().flat_map(|Filter { terms }| terms) {
        let Some(variable) = bound_to(model, regime, &term.column) else { continue };
        selects.insert(variable);
        if let Some(domain) = model.domain(variable)
            && let Some(codes) = selected_codes(domain, term.op, &term.value)
        {
            let kept = limits.entry(variable).or_insert_with(|| codes.clone());
            *kept = kept.intersection(&codes).copied().collect();
        }
    }
    (limits, selects.into_iter().collect())
}

/// The variable that a file's column holds, if it holds one.
fn bound_to(model: &Model, regime: &Regime, column: &str) -> Option<VarId> {
    match &regime.columns {
        Some(bindings) => bindings.iter().find(|b| b.column == column).map(|b| b.variable),
        None => model.id(column),
    }
}

/// The codes of a discrete domain that a comparison keeps; domains too large to list are not limited.
fn selected_codes(domain: &Domain, op: Comparison, constant: &str) -> Option<BTreeSet<u32>> {
    let codes = u32::try_from(domain.cardinality().filter(|&k| k <= 1 << 16)?).ok()?;
    let keeps = |code: &u32| match (domain.value(*code), constant.parse::<f64>()) {
        (Value::Int(n), Ok(number)) => (n as f64).partial_cmp(&number).is_some_and(|o| op.holds(o)),
        (value, _) => op.holds(value.to_string().as_str().cmp(constant)),
    };
    Some((0..codes).filter(keeps).collect())
}
