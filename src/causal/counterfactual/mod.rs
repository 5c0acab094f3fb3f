//! Whether the probability of events in several worlds follows from the distributions of the given data, and by
//! which formula.
//!
//! ctf-ID and its conditional form (Correa, Lee & Bareinboim 2021, *Nested Counterfactual Identification from Arbitrary
//! Surrogate Experiments*), of which ID* and IDC* (Shpitser & Pearl 2007, *What Counterfactuals Can Be Tested*) are the
//! case of all experiments. The events and their ancestors make a counterfactual graph in which copies of a
//! variable with equal parents are one (`worlds`); its c-components are factors, each a c-factor `Q[C]` at certain
//! values unless it asks for one variable at two values at once (`factors`). A conditional probability is the
//! quotient of two such products without the groups of factors they share.
//!
//! Verdicts hold for domains of any size and positive distributions. With `w` worlds: `O(w (n + m) log n)` for
//! the graph, and one c-factor for each of at most `n` c-components of each of two products.

mod factors;
mod formula;
mod inclusion;
mod twin;
mod worlds;

pub use factors::{Conflict, Demand};
pub use formula::{Copy, CopyValue, Formula, Names};
pub use inclusion::{Inclusion, Joint, by_inclusion};
pub use twin::{Place, Twin, TwinCopy};
pub use worlds::{Contradiction, Node, Term};

use super::Admg;
use super::identify::{self, Reason, Regime, Step};
use factors::{Factor, cancel, factors, groups};
use formula::Builder;
use std::collections::BTreeMap;
use worlds::Keys;

/// A value in a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// The value with this code.
    Code(u32),
    /// An unnamed value; those of different numbers are different, and different from every code of the query.
    Any(usize),
}

/// What a world sets a variable to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// A value.
    Value(Value),
    /// What the variable itself is in another world.
    Potential(World),
}

/// The variables that a world sets, each once; none of them in the actual world.
pub type World = BTreeMap<usize, Setting>;

/// `variable[world] = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The variable.
    pub variable: usize,
    /// Where it is seen.
    pub world: World,
    /// The value it has there.
    pub value: Value,
}

/// `P(outcome | evidence)`, all of it at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What is asked; not empty.
    pub outcome: Vec<Event>,
    /// What is known.
    pub evidence: Vec<Event>,
}

impl Query {
    /// `P(outcome | do(interventions), evidence)`: variables with their codes, each in one role.
    pub fn in_one_world(outcome: &[(usize, u32)], interventions: &[(usize, u32)], evidence: &[(usize, u32)]) -> Self {
        let world: World = interventions.iter().map(|&(v, code)| (v, Setting::Value(Value::Code(code)))).collect();
        let event =
            |&(variable, code): &(usize, u32)| Event { variable, world: world.clone(), value: Value::Code(code) };
        Self { outcome: outcome.iter().map(event).collect(), evidence: evidence.iter().map(event).collect() }
    }
}

/// A data source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// What it sets and observes.
    pub regime: Regime,
    /// The set variables that have one value in it; the others take every value.
    pub fixed: BTreeMap<usize, u32>,
}

/// What is known of the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The data sources. None stands for nothing at all.
    pub sources: Vec<Source>,
    /// Whether every experiment counts as known besides (`P*`); its place in the list is past the last source.
    pub every_experiment: bool,
}

impl Data {
    /// The distribution of all of `nodes` variables, observed.
    pub fn observational(nodes: usize) -> Self {
        let source = Source { regime: Regime::complete(nodes, &[]), fixed: BTreeMap::new() };
        Self { sources: vec![source], every_experiment: false }
    }

    /// Every experiment.
    pub fn all(nodes: usize) -> Self {
        Self { every_experiment: true, ..Self::observational(nodes) }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The formula gives the probability in every model of the graph.
    Identified(Box<Identified>),
    /// The events exclude each other: the probability is zero.
    Zero(Contradiction),
    /// The evidence has probability zero: there is nothing to ask.
    Undefined(Contradiction),
    /// Two models of the graph agree on the data and differ in the probability.
    NotIdentified(Box<Witness>),
    /// Neither is shown.
    NotEstablished(Reason),
}

/// A formula, and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Identified {
    /// The formula; one where the evidence makes the outcome certain.
    pub formula: Formula,
    /// The graph of outcome and evidence.
    pub graph: Vec<Node>,
    /// The factors of numerator and denominator that do not cancel.
    pub factors: Vec<Solved>,
    /// How many groups of factors numerator and denominator shared.
    pub cancelled: usize,
}

/// A factor with its formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Solved {
    /// The c-component.
    pub component: Vec<usize>,
    /// Its copies with the values of their parents.
    pub copies: Vec<Node>,
    /// Whether it belongs to the probability of the evidence.
    pub below: bool,
    /// The c-factor at these values.
    pub formula: Formula,
    /// How the c-factor follows; the regimes are places in the list of sources.
    pub steps: Vec<Step>,
    /// The source it comes from.
    pub source: Option<usize>,
}

/// Why a probability is not identified.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The c-component whose factor no data give.
    pub component: Vec<usize>,
    /// Its copies with the values of their parents.
    pub copies: Vec<Node>,
    /// What stands in the way.
    pub obstacle: Obstacle,
}

/// What stands in the way of a factor.
#[derive(Clone, Debug, PartialEq)]
pub enum Obstacle {
    /// It asks for a variable at two values at once: no experiment shows that.
    Conflict(Conflict),
    /// No data give the c-factor.
    Hedge(identify::Witness),
}

/// Whether and how the probability follows from the data.
pub fn identify(graph: &Admg, data: &Data, query: &Query) -> Verdict {
    let Ok(order) = graph.topological_order() else { return Verdict::NotEstablished(Reason::Cyclic) };
    let events = || query.outcome.iter().chain(&query.evidence);
    if query.outcome.is_empty() || !events().all(|e| e.variable < graph.len() && inside(&e.world, graph.len())) {
        return Verdict::NotEstablished(Reason::Malformed);
    }
    let mut keys = Keys::default();
    let below = match worlds::counterfactual_graph(graph, &order, query.evidence.iter(), &mut keys) {
        Ok(nodes) => nodes,
        Err(contradiction) => return Verdict::Undefined(contradiction),
    };
    let above = match worlds::counterfactual_graph(graph, &order, events(), &mut keys) {
        Ok(nodes) => nodes,
        Err(contradiction) => return Verdict::Zero(contradiction),
    };
    let mut num = groups(factors(graph, &above));
    let mut den = groups(factors(graph, &below));
    let cancelled = cancel(&mut num, &mut den);
    let mut builder = Builder::default();
    let mut solved = vec![];
    let mut side = |groups: &[Vec<Factor>], below: bool| -> Result<identify::Estimand, Verdict> {
        let mut product = vec![];
        for group in groups {
            let mut parts = vec![];
            for factor in group {
                let (estimand, found) = solve(graph, data, factor, below, &mut builder)?;
                parts.push(estimand);
                solved.push(found);
            }
            product.push(builder.sum(group, parts));
        }
        Ok(identify::product(product))
    };
    let both = side(&num, false).and_then(|num| Ok((num, side(&den, true)?)));
    let (num, den) = match both {
        Ok(both) => both,
        Err(verdict) => return verdict,
    };
    let formula = builder.formula(&identify::fraction(num, den));
    Verdict::Identified(Box::new(Identified { formula, graph: above, factors: solved, cancelled }))
}

fn inside(world: &World, nodes: usize) -> bool {
    world.iter().all(|(&v, setting)| {
        v < nodes
            && match setting {
                Setting::Value(_) => true,
                Setting::Potential(world) => inside(world, nodes),
            }
    })
}

/// The factor as a formula over copies, from the data that give it at its values.
fn solve(
    graph: &Admg,
    data: &Data,
    factor: &Factor,
    below: bool,
    builder: &mut Builder,
) -> Result<(identify::Estimand, Solved), Verdict> {
    let (component, copies) = (factor.component.clone(), factor.copies.clone());
    let refused = |obstacle| Verdict::NotIdentified(Box::new(Witness { component, copies, obstacle }));
    let values = match factor.values(graph) {
        Ok(values) => values,
        Err(conflict) => return Err(refused(Obstacle::Conflict(*conflict))),
    };
    let parents = graph.parents_of(&factor.component);
    // Data with one value of a parent say nothing of its other values.
    let mut usable: Vec<usize> = (0..data.sources.len())
        .filter(|&at| {
            let fixed = |(v, code): (&usize, &u32)| !parents.contains(v) || values.get(v) == Some(&Term::Code(*code));
            data.sources[at].fixed.iter().all(fixed)
        })
        .collect();
    let mut regimes: Vec<Regime> = usable.iter().map(|&at| data.sources[at].regime.clone()).collect();
    if data.every_experiment {
        usable.push(data.sources.len());
        regimes.push(Regime::complete(graph.len(), &parents));
    }
    if regimes.is_empty() {
        usable.push(usize::MAX);
        regimes.push(Regime::default());
    }
    let Some((estimand, mut steps)) = identify::c_factor_from(graph, &regimes, &factor.component) else {
        let effect = identify::Effect { outcome: factor.component.clone(), interventions: parents, evidence: vec![] };
        return Err(match identify::identify(graph, &regimes, &effect) {
            identify::Verdict::NotIdentified(mut witness) => {
                witness.hedges.iter_mut().for_each(|hedge| hedge.regime = usable[hedge.regime]);
                witness.blocked.iter_mut().for_each(|regime| *regime = usable[*regime]);
                refused(Obstacle::Hedge(witness))
            }
            identify::Verdict::NotEstablished(reason) => Verdict::NotEstablished(reason),
            // The effect as a whole may come from data that lack columns for the c-factor alone.
            identify::Verdict::Identified(_) => Verdict::NotEstablished(Reason::PartialColumns),
        });
    };
    let source = steps.iter().find_map(|step| step.regime).map(|at| usable[at]);
    steps.iter_mut().for_each(|step| step.regime = step.regime.map(|at| usable[at]));
    let none = BTreeMap::new();
    let fixed = source.and_then(|at| data.sources.get(at)).map_or(&none, |source| &source.fixed);
    let estimand = builder.substitute(&estimand, &values, fixed, &usable);
    let formula = builder.formula(&estimand);
    let found =
        Solved { component: factor.component.clone(), copies: factor.copies.clone(), below, formula, steps, source };
    Ok((estimand, found))
}
