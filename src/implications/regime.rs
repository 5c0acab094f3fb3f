//! Which graph a data set obeys.

use super::Sample;
use crate::causal::Admg;
use crate::causal::identify::project;
use crate::causal::implied::pairwise;
use crate::data::Schema;
use crate::model::{DoValue, Model, Regime, VarId};

/// A data set's view of the graph.
pub struct View {
    /// The graph over the variables that can be tested; others have no edges.
    pub graph: Admg,
    /// Those variables, ascending.
    pub nodes: Vec<VarId>,
    /// Observed variables that are not discrete, and how many independences are not tested for that.
    pub not_discrete: (Vec<VarId>, usize),
}

/// The graph without edges into the variables that `regime` sets, projected on those that `sample` has. A variable set to
/// one value is a constant, so what leaves it goes too. Variables set to values of their own were assigned in some design:
/// they may depend on each other.
pub fn view(model: &Model, regime: &Regime, schema: &Schema, sample: &Sample) -> View {
    let set = |kind: fn(&DoValue) -> bool| -> Vec<VarId> {
        regime.interventions.iter().filter(|(_, value)| kind(value)).map(|(v, _)| *v).collect()
    };
    let (constant, assigned) = (set(|v| matches!(v, DoValue::Fixed(_))), set(|v| matches!(v, DoValue::Column)));
    let mut graph = model.graph.intervene(&[&constant[..], &assigned].concat()).without_edges_out_of(&constant);
    for (at, &a) in assigned.iter().enumerate() {
        assigned[..at].iter().for_each(|&b| graph.add_bidirected(a, b));
    }
    let all = 0..model.variables.len();
    let discrete = |v: &VarId| sample.column(*v).is_some();
    let not_discrete: Vec<VarId> = schema.observed.iter().copied().filter(|&v| model.card(v).is_none()).collect();
    let nodes: Vec<VarId> = all.clone().filter(|v| discrete(v) && !constant.contains(v)).collect();
    let onto = |kept: &dyn Fn(&VarId) -> bool| {
        let hidden: Vec<VarId> = all.clone().filter(|v| !kept(v)).collect();
        project(&graph, &hidden)
    };
    let tested = onto(&discrete);
    let mut lost = 0;
    if !not_discrete.is_empty() {
        let mut wider = [&nodes[..], &not_discrete].concat();
        wider.sort_unstable();
        let whole = onto(&|v| discrete(v) || not_discrete.contains(v));
        lost = pairwise(&whole, &wider).len().saturating_sub(pairwise(&tested, &nodes).len());
    }
    View { graph: tested, nodes, not_discrete: (not_discrete, lost) }
}
