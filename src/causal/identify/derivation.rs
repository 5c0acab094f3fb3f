//! The steps that lead from an effect to its formula, as data for words and pictures.

use super::estimand::Estimand;

/// What justifies a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Rule 2 of do-calculus: evidence that acts as an intervention is made one.
    EvidenceToIntervention,
    /// Rule 3 of do-calculus: interventions without an effect on the outcome are dropped.
    DropInterventions,
    /// Rule 3 of do-calculus, the other way: a regime's own interventions change nothing and are added.
    AddInterventions,
    /// Rule 2 of do-calculus: interventions are observed instead.
    InterventionToEvidence,
    /// The adjustment criterion for the set (back-door).
    Adjustment,
    /// The front-door criterion for the set.
    FrontDoor,
    /// The effect is a sum over the set of a product of c-factors (Tian & Pearl 2002).
    Districts,
    /// The set is ancestral among the nodes: the others are summed out.
    Marginalisation,
    /// The set is a c-component of the nodes: its c-factor is a product of conditionals.
    CFactor,
    /// Division by the sum over the outcome, the set.
    Conditioning,
}

/// The part of the graph that a step looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subgraph {
    /// Its nodes, ascending.
    pub nodes: Vec<usize>,
    /// Edges into these are cut.
    pub cut_into: Vec<usize>,
    /// Directed edges out of these are cut.
    pub cut_out_of: Vec<usize>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What justifies it.
    pub rule: Rule,
    /// What it is applied to, ascending.
    pub set: Vec<usize>,
    /// Where it looks.
    pub graph: Subgraph,
    /// The regime it draws on, if one.
    pub regime: Option<usize>,
    /// The formula after it; for a c-factor that factor alone.
    pub expression: Estimand,
}
