//! Whether an effect follows from the distributions of the given regimes, and by which formula.
//!
//! Tian's form of ID (Tian & Pearl 2002; Shpitser & Pearl 2006; Huang & Valtorta 2006): with `D = An(Y)` in
//! `G` without `X`, the effect is `Σ Π Q[D_i]` over the districts `D_i` of `D`, and each `Q[D_i]` comes from a
//! regime that leaves it alone (gID: Lee, Correa & Bareinboim 2019). Conditional effects by rule-2 moves first
//! (IDC: Shpitser & Pearl 2006, *Identification of conditional interventional distributions*). Textbook forms
//! are preferred where they apply. Polynomial: `O(n)` closures of `O(n (n + m) log n)`.
//!
//! Partial columns are sound, not complete (as Lee & Bareinboim 2020): what is answered "no" holds even if every
//! regime observed all nodes that any regime observes; else the answer is "not established".

mod c_factor;
mod counterexample;
mod derivation;
mod discrete;
mod estimand;
mod forms;
mod hedge;
mod parity;
mod print;
mod projection;

pub use c_factor::{closure as c_factor_closure, q_identifiable};
pub use counterexample::counterexample;
pub use derivation::{Rule, Step, Subgraph};
pub use discrete::DiscreteModel;
pub(super) use estimand::advance;
pub use estimand::{Estimand, Probability};
pub use hedge::{Forest, Hedge, Witness};
pub use print::{Names, no_value};
pub use projection::project;

pub(in crate::causal) use estimand::{fraction, probability, product, sum};

use crate::causal::{Admg, ancestors, ancestors_within, c_components_of, m_separated};
use c_factor::{Obstacle, View, view};
use estimand::{disjoint, minus, shared, subset, union};

/// A data source: `P(observed | do(interventions))` for all values of the interventions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regime {
    /// The nodes it sets, in any order.
    pub interventions: Vec<usize>,
    /// The nodes it has columns of, in any order. Those it sets count as known whether listed or not.
    pub observed: Vec<usize>,
}

impl Regime {
    /// The regime that sets `interventions` and observes every other of the `nodes` nodes.
    pub fn complete(nodes: usize, interventions: &[usize]) -> Self {
        Self { interventions: interventions.to_vec(), observed: (0..nodes).collect() }
    }
}

/// `P(outcome | do(interventions), evidence)`: three sets without shared nodes, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The nodes whose distribution is asked for; not empty.
    pub outcome: Vec<usize>,
    /// The nodes set.
    pub interventions: Vec<usize>,
    /// The nodes conditioned on, after the intervention.
    pub evidence: Vec<usize>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The formula gives the effect in every model of the graph, where the regimes have support.
    Identified(Identified),
    /// Two models of the graph agree on all regimes and differ in the effect.
    NotIdentified(Witness),
    /// Neither is shown.
    NotEstablished(Reason),
}

/// A formula for the effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The formula. Its free variables beyond the effect's may have any value.
    pub estimand: Estimand,
    /// How it was found.
    pub method: Method,
    /// The steps to it.
    pub derivation: Vec<Step>,
}

/// Ways to a formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// The interventions have no effect on the outcome.
    NoEffect,
    /// Conditioning alone.
    AdjustmentFree,
    /// A regime is the experiment asked for.
    Experiment,
    /// Adjustment for the set.
    BackDoor(Vec<usize>),
    /// The front door through the set.
    FrontDoor(Vec<usize>),
    /// The general algorithm.
    CFactors,
}

/// Why an answer is not established.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The graph has a directed cycle.
    Cyclic,
    /// The effect has no outcome, or one node in two roles, or a node that the graph lacks.
    Malformed,
    /// Regimes lack columns, and no formula was found that does without them.
    PartialColumns,
    /// The effect is identified, but the formula found has too many terms to be written.
    TooLarge,
}

/// Whether and how `effect` follows from the `regimes`; none stands for one complete observational regime.
pub fn identify(graph: &Admg, regimes: &[Regime], effect: &Effect) -> Verdict {
    let effect = effect.sorted();
    if graph.topological_order().is_err() {
        return Verdict::NotEstablished(Reason::Cyclic);
    }
    if !effect.well_formed(graph.len()) {
        return Verdict::NotEstablished(Reason::Malformed);
    }
    let regimes = sorted(graph.len(), regimes);
    let mut steps = vec![];
    let reduced = effect.reduced(graph, &mut steps);
    let all: Vec<usize> = (0..graph.len()).collect();
    let mut first = None;
    for kept in kept_sets(&all, &regimes, &reduced) {
        match over(graph, &regimes, &reduced, &kept, &all) {
            Ok(mut found) => {
                let idle = reduced.interventions.is_empty() && !effect.interventions.is_empty();
                if idle && found.method == Method::AdjustmentFree {
                    found.method = Method::NoEffect;
                }
                found.derivation = [steps, found.derivation].concat();
                return Verdict::Identified(found);
            }
            Err(failure) => _ = first.get_or_insert(failure),
        }
    }
    match first {
        Some(Failure::TooLarge) | None => Verdict::NotEstablished(Reason::TooLarge),
        Some(Failure::Districts(failing)) => refute(graph, &regimes, &reduced, failing),
    }
}

impl Effect {
    fn sorted(&self) -> Self {
        let sorted = |set: &[usize]| union(set, &[]);
        Self {
            outcome: sorted(&self.outcome),
            interventions: sorted(&self.interventions),
            evidence: sorted(&self.evidence),
        }
    }

    fn well_formed(&self, nodes: usize) -> bool {
        let sets = [&self.outcome, &self.interventions, &self.evidence];
        !self.outcome.is_empty()
            && disjoint(&self.outcome, &self.interventions)
            && disjoint(&self.outcome, &self.evidence)
            && disjoint(&self.interventions, &self.evidence)
            && sets.iter().all(|set| set.iter().all(|&v| v < nodes))
    }

    fn nodes(&self) -> Vec<usize> {
        union(&union(&self.outcome, &self.interventions), &self.evidence)
    }

    /// The effect itself as a formula, not yet reduced to regimes.
    pub fn formula(&self) -> Estimand {
        probability(&self.outcome, &self.evidence, &self.interventions, None)
    }

    /// Rule 2 as often as it applies, so that no evidence is left that acts as an intervention; then rule 3.
    fn reduced(&self, graph: &Admg, steps: &mut Vec<Step>) -> Self {
        let mut effect = self.clone();
        let nodes: Vec<usize> = (0..graph.len()).collect();
        let step = |rule, set: &[usize], cut: [&[usize]; 2], effect: &Self| {
            let graph = Subgraph { nodes: nodes.clone(), cut_into: cut[0].to_vec(), cut_out_of: cut[1].to_vec() };
            Step { rule, set: set.to_vec(), graph, regime: None, expression: effect.formula() }
        };
        loop {
            let cut = graph.intervene(&effect.interventions);
            let moves = |&&z: &&usize| {
                let given = union(&effect.interventions, &minus(&effect.evidence, &[z]));
                m_separated(&cut.without_edges_out_of(&[z]), &effect.outcome, &[z], &given)
            };
            let Some(&z) = effect.evidence.iter().find(moves) else { break };
            let before = effect.interventions.clone();
            effect.evidence = minus(&effect.evidence, &[z]);
            effect.interventions = union(&before, &[z]);
            steps.push(step(Rule::EvidenceToIntervention, &[z], [&before, &[z]], &effect));
        }
        let above = effect.ancestral(graph);
        let needed = shared(&effect.interventions, &graph.parents_of(&above));
        let idle = minus(&effect.interventions, &needed);
        if !idle.is_empty() {
            effect.interventions = needed;
            steps.push(step(Rule::DropInterventions, &idle, [&union(&effect.interventions, &idle), &[]], &effect));
        }
        effect
    }

    /// `D`: the ancestors of outcome and evidence in the graph without the interventions.
    fn ancestral(&self, graph: &Admg) -> Vec<usize> {
        let outside = minus(&(0..graph.len()).collect::<Vec<_>>(), &self.interventions);
        ancestors_within(graph, &union(&self.outcome, &self.evidence), &outside)
    }
}

/// The regimes with sorted sets; `observed` without the nodes they set.
fn sorted(nodes: usize, regimes: &[Regime]) -> Vec<Regime> {
    if regimes.is_empty() {
        return vec![Regime::complete(nodes, &[])];
    }
    let known = |set: &[usize]| -> Vec<usize> { union(set, &[]).into_iter().filter(|&v| v < nodes).collect() };
    let sort = |regime: &Regime| {
        let interventions = known(&regime.interventions);
        Regime { observed: minus(&known(&regime.observed), &interventions), interventions }
    };
    regimes.iter().map(sort).collect()
}

impl Regime {
    fn known(&self) -> Vec<usize> {
        union(&self.interventions, &self.observed)
    }
}

/// The sets of nodes over which a formula is sought: all, and where columns are missing what single regimes,
/// pairs of them and all together have.
fn kept_sets(all: &[usize], regimes: &[Regime], effect: &Effect) -> Vec<Vec<usize>> {
    const PAIRED: usize = 8;
    let mut sets = vec![all.to_vec()];
    let known: Vec<Vec<usize>> = regimes.iter().map(Regime::known).collect();
    if known.iter().all(|known| known.len() == all.len()) {
        return sets;
    }
    let mut add = |set: Vec<usize>| {
        let set = union(&set, &effect.nodes());
        if !sets.contains(&set) {
            sets.push(set);
        }
    };
    add(known.iter().fold(vec![], |set, known| union(&set, known)));
    known.iter().for_each(|known| add(known.clone()));
    for (at, a) in known.iter().enumerate().take(PAIRED) {
        for b in &known[at + 1..known.len().min(PAIRED)] {
            add(union(a, b));
            add(shared(a, b));
        }
    }
    add(known.iter().fold(all.to_vec(), |set, known| shared(&set, known)));
    sets
}

enum Failure {
    /// The c-factors that no regime gives.
    Districts(Vec<Vec<usize>>),
    TooLarge,
}

/// A formula over the nodes `kept`, the others projected out.
fn over(
    graph: &Admg,
    regimes: &[Regime],
    effect: &Effect,
    kept: &[usize],
    all: &[usize],
) -> Result<Identified, Failure> {
    let projected;
    let graph = if kept.len() == all.len() {
        graph
    } else {
        projected = project(graph, &minus(all, kept));
        &projected
    };
    let views = views(graph, regimes, kept);
    if let Some(form) = forms::textbook(graph, &views, effect) {
        return Ok(Identified { estimand: form.estimand, method: form.method, derivation: form.steps });
    }
    by_c_factors(graph, &views, effect)
}

/// The regimes that set only nodes of `kept`, as seen over these.
fn views(graph: &Admg, regimes: &[Regime], kept: &[usize]) -> Vec<View> {
    let usable = regimes.iter().enumerate().filter(|(_, regime)| subset(&regime.interventions, kept));
    usable.map(|(at, regime)| view(graph, at, &regime.interventions, &shared(&regime.observed, kept), kept)).collect()
}

/// The c-factor `Q[part] = P(part | do(V \ part))` from the regimes, by the shortest formula that one of them gives, and
/// the steps to it; `None` where none of them does. `part` is ascending and c-connected, the graph acyclic. For
/// algorithms that need single c-factors; [`identify`] finds effects.
pub fn c_factor_from(graph: &Admg, regimes: &[Regime], part: &[usize]) -> Option<(Estimand, Vec<Step>)> {
    let all: Vec<usize> = (0..graph.len()).collect();
    c_factor(graph, &views(graph, &sorted(graph.len(), regimes), &all), part).ok()
}

/// `Σ Π Q[D_i]`, divided by its sum over the outcome where there is evidence.
fn by_c_factors(graph: &Admg, views: &[View], effect: &Effect) -> Result<Identified, Failure> {
    let above = effect.ancestral(graph);
    let districts = c_components_of(graph, &above);
    let summed = minus(&above, &union(&effect.outcome, &effect.evidence));
    let sought = districts.iter().map(|part| probability(part, &[], &graph.parents_of(part), None));
    let mut steps = vec![Step {
        rule: Rule::Districts,
        set: summed.clone(),
        graph: Subgraph { nodes: above.clone(), cut_into: effect.interventions.clone(), cut_out_of: vec![] },
        regime: None,
        expression: Estimand::Product(sought.collect()),
    }];
    let (mut factors, mut failing, mut too_large) = (vec![], vec![], false);
    for part in &districts {
        match c_factor(graph, views, part) {
            Ok((factor, more)) => {
                factors.push(factor);
                steps.extend(more);
            }
            Err(Obstacle::TooLarge) => too_large = true,
            Err(_) => failing.push(part.clone()),
        }
    }
    if !failing.is_empty() {
        return Err(Failure::Districts(failing));
    }
    if too_large {
        return Err(Failure::TooLarge);
    }
    let joint = sum(&summed, product(factors));
    let estimand = if effect.evidence.is_empty() {
        joint
    } else {
        let estimand = fraction(joint.clone(), sum(&effect.outcome, joint));
        let graph = Subgraph { nodes: above, cut_into: effect.interventions.clone(), cut_out_of: vec![] };
        let (rule, set) = (Rule::Conditioning, effect.outcome.clone());
        steps.push(Step { rule, set, graph, regime: None, expression: estimand.clone() });
        estimand
    };
    Ok(Identified { estimand, method: Method::CFactors, derivation: steps })
}

/// `Q[part]` from the regime that gives it by the shortest formula.
fn c_factor(graph: &Admg, views: &[View], part: &[usize]) -> Result<(Estimand, Vec<Step>), Obstacle> {
    let parents = graph.parents_of(part);
    let mut best: Result<(Estimand, Vec<Step>), Obstacle> = Err(Obstacle::Unusable);
    for view in views {
        match (view.c_factor(part, &parents), &best) {
            (Ok(found), Ok((shortest, _))) if found.0.size() >= shortest.size() => {}
            (Ok(found), _) => best = Ok(found),
            (Err(Obstacle::TooLarge), Err(_)) => best = Err(Obstacle::TooLarge),
            _ => {}
        }
    }
    best
}

/// "No" with its witness where it holds whatever columns are missing.
fn refute(graph: &Admg, regimes: &[Regime], effect: &Effect, failing: Vec<Vec<usize>>) -> Verdict {
    let all: Vec<usize> = (0..graph.len()).collect();
    let complete = regimes.iter().all(|regime| regime.known().len() == all.len());
    let known = regimes.iter().fold(vec![], |set, regime| union(&set, &regime.known()));
    let unseen = effect.unseen(graph, regimes, &known);
    let hidden = minus(&all, &union(&known, &effect.nodes()));
    if complete {
        return Verdict::NotIdentified(hedge::witness(graph, regimes, effect, hidden, &failing));
    }
    let graph = project(graph, &hidden);
    let kept = minus(&all, &hidden);
    let full: Vec<Regime> = regimes
        .iter()
        .map(|r| Regime { interventions: r.interventions.clone(), observed: minus(&kept, &r.interventions) })
        .collect();
    match over(&graph, &full, effect, &kept, &all) {
        Err(Failure::Districts(failing)) => {
            Verdict::NotIdentified(hedge::witness(&graph, &full, effect, hidden, &failing))
        }
        _ if !unseen.is_empty() => Verdict::NotIdentified(Witness::of_unseen(effect, hidden, unseen)),
        _ => Verdict::NotEstablished(Reason::PartialColumns),
    }
}

impl Effect {
    /// Outcomes that no regime observes, or interventions with an effect that no regime knows of: relabelling
    /// their values changes the effect and no regime. Empty where evidence makes that uncertain.
    fn unseen(&self, graph: &Admg, regimes: &[Regime], known: &[usize]) -> Vec<usize> {
        let observed = regimes.iter().fold(vec![], |set, regime| union(&set, &regime.observed));
        let outcome = minus(&self.outcome, &observed);
        if !outcome.is_empty() || !self.evidence.is_empty() {
            return outcome;
        }
        debug_assert!(subset(&self.interventions, &ancestors(graph, &self.outcome)));
        minus(&self.interventions, known)
    }
}
