//! Bounds of effects and counterfactuals that the data do not determine, for discrete nodes.
//!
//! In Tian's form an effect is `Σ Π Q[D ∩ C]` over the c-components `C` (`D = An(Y)` in `G` without `X`); of events in several
//! worlds the copies of nodes with equal causes fall into c-components in the same way (Correa, Lee & Bareinboim 2021).
//! C-factors that the sources determine and support are numbers. If the others lie in one c-component, what is asked is linear in the
//! distribution of that component's response types, and so are the sources' c-factors: its smallest and largest
//! values are two linear programs (Balke & Pearl 1994, 1997; Tian & Pearl 2000; Zhang, Tian & Bareinboim 2022). They are sharp where one
//! hidden cause may act on the whole component (its bidirected edges join all pairs) and every source knows all nodes.
//! Combinations of values without probability constrain nothing, so the same programs bound effects that are
//! identified but lack support. Several such components are bounded one by one and multiplied as intervals; where
//! there are more than [`MAX_TYPES`] response types the natural bounds take the place of the program (Manski 1990).

mod program;
mod sources;

pub use program::ResponseModel;
pub use sources::Source;

use super::counterfactual::{Event, Place, Query, Setting, Twin, Value, World};
use super::identify::{self, Effect, Estimand, Regime, Verdict, advance, project};
use super::{Admg, ancestors, c_components, c_components_of};
use program::{Form, Optimum, optimise};
use sources::{Fact, Literal, Tables, ancestral, facts, parents_at, row};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};

/// The most response types of a c-component that a linear program is set up for.
pub const MAX_TYPES: f64 = 65_536.0;
/// The most facts of a c-component: combinations of values of its nodes and their parents.
const MAX_FACTS: usize = 1 << 14;
/// The most combinations of values that a probability is summed over.
const MAX_TERMS: f64 = 1e5;

/// All values that the aim can have.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// How they were found, and so what they are worth.
    pub method: Method,
    /// The c-component that makes the difference and distributions of its response types at the lower and the upper
    /// end, where one linear program gave the bounds.
    pub attained: Option<Box<(Vec<usize>, [ResponseModel; 2])>>,
    /// How far the sources are from every model of the graph: the largest difference of a probability, after the
    /// nearest model was taken in their place; zero where some model fits.
    pub discrepancy: f64,
}

/// Ways to bounds, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// The sources determine the value: both ends are equal.
    Identified,
    /// A linear program; both ends are attained by models that agree with the sources.
    Sharp,
    /// A linear program that leaves some of what is known out of account: valid, maybe not the narrowest.
    Relaxed,
    /// Products and sums of bounds: valid, maybe not the narrowest.
    Combined,
    /// Natural bounds: valid, seldom the narrowest.
    Natural,
}

/// Why there are no bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBounds {
    /// The graph has a directed cycle.
    Cyclic,
    /// A node of the question is in no source.
    Unobserved,
    /// Too many combinations of values.
    TooLarge,
    /// The evidence has no probability.
    NoEvidence,
    /// The linear program could not be solved.
    Numerical,
}

/// A graph with its sources, to bound any number of effects and counterfactuals.
pub struct Bounder<'a> {
    /// The graph without the nodes that no source knows.
    graph: Admg,
    /// Its nodes, causes first.
    order: Vec<usize>,
    cards: &'a [usize],
    tables: Tables<'a>,
    hidden: Vec<usize>,
    components: Vec<Vec<usize>>,
    facts: Vec<OnceCell<Result<Vec<Fact>, NoBounds>>>,
    /// The formulas of c-factors, one for each choice of sources.
    formulas: RefCell<HashMap<Vec<usize>, Vec<Formula>>>,
    cells: RefCell<HashMap<Vec<Literal>, Option<f64>>>,
    /// Bounds of events of a component.
    events: RefCell<HashMap<Vec<Literal>, [f64; 2]>>,
    worst: Cell<Method>,
}

/// A formula and the sources that its regimes number.
type Formula = (Estimand, Vec<usize>);

/// A number times events of different c-components whose probability is not known.
struct Monomial {
    weight: f64,
    unknown: Vec<(usize, Vec<Literal>)>,
}

impl<'a> Bounder<'a> {
    /// `cards[v]` is the number of values of node `v`. Every combination of a source has a code below it.
    ///
    /// # Errors
    /// [`NoBounds::Cyclic`].
    pub fn new(graph: &Admg, cards: &'a [usize], sources: &'a [Source<'a>]) -> Result<Self, NoBounds> {
        let order = graph.topological_order().map_err(|_| NoBounds::Cyclic)?;
        let hidden: Vec<usize> = (0..graph.len()).filter(|&v| !sources.iter().any(|s| s.knows(v))).collect();
        let graph = if hidden.is_empty() { graph.clone() } else { project(graph, &hidden) };
        let components: Vec<Vec<usize>> =
            c_components(&graph).into_iter().filter(|c| !hidden.contains(&c[0])).collect();
        Ok(Self {
            facts: components.iter().map(|_| OnceCell::new()).collect(),
            graph,
            order,
            cards,
            tables: Tables::new(sources),
            hidden,
            components,
            formulas: RefCell::default(),
            cells: RefCell::default(),
            events: RefCell::default(),
            worst: Cell::new(Method::Identified),
        })
    }

    /// The bounds of `Σ weight · P(outcome | evidence)`, all values codes. Terms with equal evidence are bounded together.
    ///
    /// # Errors
    /// [`NoBounds`].
    pub fn bounds(&self, aim: &[(f64, Query)]) -> Result<Bounds, NoBounds> {
        let mut groups: Vec<Vec<&(f64, Query)>> = vec![];
        for term in aim {
            match groups.iter_mut().find(|group| group[0].1.evidence == term.1.evidence) {
                Some(group) => group.push(term),
                None => groups.push(vec![term]),
            }
        }
        let mut groups = groups.iter().map(|group| self.group(group)).collect::<Result<Vec<Bounds>, NoBounds>>()?;
        if groups.len() == 1 {
            return Ok(groups.remove(0));
        }
        let worst = groups.iter().map(|b| b.method).max().unwrap_or(Method::Identified);
        Ok(Bounds {
            low: groups.iter().map(|b| b.low).sum(),
            high: groups.iter().map(|b| b.high).sum(),
            method: if worst == Method::Identified { worst } else { worst.max(Method::Combined) },
            attained: None,
            discrepancy: groups.iter().map(|b| b.discrepancy).fold(0.0, f64::max),
        })
    }

    /// Terms with the same evidence.
    fn group(&self, terms: &[&(f64, Query)]) -> Result<Bounds, NoBounds> {
        let mut num = vec![];
        for (weight, query) in terms {
            let monomials = self.monomials(&[&query.outcome[..], &query.evidence].concat())?;
            num.extend(monomials.into_iter().map(|m| Monomial { weight: weight * m.weight, ..m }));
        }
        let first = &terms[0].1;
        let den = match first.evidence.is_empty() {
            true => vec![Monomial { weight: 1.0, unknown: vec![] }],
            false => self.monomials(&first.evidence)?,
        };
        let mut unknown: Vec<usize> =
            num.iter().chain(&den).flat_map(|m| m.unknown.iter().map(|(component, _)| *component)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        match unknown[..] {
            [] => {
                let sum = |list: &[Monomial]| list.iter().map(|m| m.weight).sum::<f64>();
                let value = sum(&num) / sum(&den);
                let exact = |value| Bounds {
                    low: value,
                    high: value,
                    method: Method::Identified,
                    attained: None,
                    discrepancy: 0.0,
                };
                if value.is_finite() { Ok(exact(value)) } else { Err(NoBounds::NoEvidence) }
            }
            [component] => match self.linear(component, &num, &den) {
                Err(NoBounds::TooLarge | NoBounds::Numerical) => self.combined(terms),
                found => found,
            },
            _ => self.combined(terms),
        }
    }

    fn linear(&self, component: usize, num: &[Monomial], den: &[Monomial]) -> Result<Bounds, NoBounds> {
        let (optimum, whole) = self.optimum(component, &form(num), &form(den))?;
        let nodes = &self.components[component];
        let clique = nodes.iter().all(|&a| nodes.iter().all(|b| a == *b || self.graph.spouses(a).contains(b)));
        let complete = |source: &Source| {
            ancestral(&self.graph, source).len() + source.set().len() + self.hidden.len() == self.graph.len()
        };
        let sharp = whole && clique && self.hidden.is_empty() && self.tables.sources.iter().all(complete);
        Ok(Bounds {
            low: optimum.ends[0],
            high: optimum.ends[1],
            method: if sharp { Method::Sharp } else { Method::Relaxed },
            attained: Some(Box::new((nodes.clone(), optimum.models))),
            discrepancy: optimum.discrepancy,
        })
    }

    /// The linear program with all nodes of the component, and whether that is so; else with the causes of what is
    /// asked alone.
    fn optimum(&self, component: usize, num: &Form, den: &Form) -> Result<(Optimum, bool), NoBounds> {
        let small = |facts: &[Fact]| program::types(self.cards, facts, &[num, den]) <= MAX_TYPES;
        if let Ok(facts) = self.facts(component)
            && small(facts)
        {
            return Ok((optimise(self.cards, facts, num, den)?, true));
        }
        let nodes: Vec<usize> = (num.events.iter().chain(&den.events).flat_map(|(e, _)| e)).map(|l| l.0).collect();
        let within = ancestors(&self.graph, &nodes);
        let facts = facts(&self.graph, self.cards, &self.tables, &self.components[component], &within, MAX_FACTS)?;
        if small(&facts) { Ok((optimise(self.cards, &facts, num, den)?, false)) } else { Err(NoBounds::TooLarge) }
    }

    fn facts(&self, component: usize) -> Result<&[Fact], NoBounds> {
        let all: Vec<usize> = (0..self.graph.len()).collect();
        let found = self.facts[component]
            .get_or_init(|| facts(&self.graph, self.cards, &self.tables, &self.components[component], &all, MAX_FACTS));
        found.as_ref().map(Vec::as_slice).map_err(|why| *why)
    }

    /// Interval arithmetic over the bounds of single events, each term for itself.
    fn combined(&self, terms: &[&(f64, Query)]) -> Result<Bounds, NoBounds> {
        let (mut low, mut high) = (0.0, 0.0);
        self.worst.set(Method::Combined);
        for (weight, query) in terms {
            let part = self.one(query)?;
            let ends = [weight * part[0], weight * part[1]];
            low += ends[0].min(ends[1]);
            high += ends[0].max(ends[1]);
        }
        Ok(Bounds { low, high, method: self.worst.get(), attained: None, discrepancy: 0.0 })
    }

    /// One term: from what it asks, and from what else could happen.
    fn one(&self, query: &Query) -> Result<[f64; 2], NoBounds> {
        let Query { outcome, evidence } = query;
        let own = self.interval(outcome, evidence)?;
        let (places, cards): (Vec<usize>, Vec<usize>) =
            outcome.iter().enumerate().map(|(at, event)| (at, self.cards[event.variable])).unzip();
        let mut values = vec![0; outcome.len()];
        let mut others = [0.0; 2];
        loop {
            let at = |(event, &value): (&Event, &usize)| Event { value: Value::Code(value as u32), ..event.clone() };
            let other: Vec<Event> = outcome.iter().zip(&values).map(at).collect();
            if other != *outcome {
                let other = self.interval(&other, evidence)?;
                others = [others[0] + other[0], others[1] + other[1]];
            }
            if !advance(&places, &cards, &mut values) {
                break;
            }
        }
        if evidence.is_empty() {
            return Ok([own[0].max(1.0 - others[1]), own[1].min(1.0 - others[0])]);
        }
        if own[1] + others[1] == 0.0 {
            return Err(NoBounds::NoEvidence);
        }
        let share = |a: f64, b: f64, empty: f64| if a + b > 0.0 { a / (a + b) } else { empty };
        Ok([share(own[0], others[1], 0.0), share(own[1], others[0], 1.0)])
    }

    fn interval(&self, outcome: &[Event], evidence: &[Event]) -> Result<[f64; 2], NoBounds> {
        let mut total = [0.0; 2];
        for monomial in self.monomials(&[outcome, evidence].concat())? {
            let mut ends = [monomial.weight; 2];
            for (component, literals) in &monomial.unknown {
                let part = self.event(*component, literals)?;
                ends = [ends[0] * part[0], ends[1] * part[1]];
            }
            total = [total[0] + ends[0], total[1] + ends[1]];
        }
        Ok(total.map(|end| end.min(1.0)))
    }

    /// The bounds of one event of a c-component: by a linear program, else the natural ones.
    fn event(&self, component: usize, literals: &[Literal]) -> Result<[f64; 2], NoBounds> {
        if let Some(&found) = self.events.borrow().get(literals) {
            return Ok(found);
        }
        let num = Form { events: vec![(literals.to_vec(), 1.0)], constant: 0.0 };
        let ends = match self.optimum(component, &num, &Form { events: vec![], constant: 1.0 }) {
            Ok((optimum, _)) => optimum.ends,
            Err(NoBounds::TooLarge | NoBounds::Numerical) => {
                self.worst.set(Method::Natural);
                natural(self.facts(component).unwrap_or(&[]), literals)
            }
            Err(why) => return Err(why),
        };
        self.events.borrow_mut().insert(literals.to_vec(), ends);
        Ok(ends)
    }

    /// The probability of all `events` as a sum; what is certain is multiplied out.
    fn monomials(&self, events: &[Event]) -> Result<Vec<Monomial>, NoBounds> {
        if events.iter().any(|event| self.hidden.contains(&event.variable) || self.sets_hidden(&event.world)) {
            return Err(NoBounds::Unobserved);
        }
        let known = events.iter().filter_map(|event| match event.value {
            Value::Code(code) => Some((event.variable, event.world.clone(), code)),
            Value::Any(_) => None,
        });
        let known: Vec<(usize, World, u32)> = known.collect();
        // Events that exclude each other have no copies, and no probability.
        let Some(twin) = Twin::new(&self.order, &|v| self.graph.parents(v), &[], &known) else { return Ok(vec![]) };
        let cards: Vec<usize> = twin.copies.iter().map(|copy| self.cards[copy.variable]).collect();
        let mut values: Vec<usize> = twin.copies.iter().map(|copy| copy.known.unwrap_or(0) as usize).collect();
        let free: Vec<usize> = (0..values.len()).filter(|&at| twin.copies[at].known.is_none()).collect();
        if free.iter().map(|&at| cards[at] as f64).product::<f64>() > MAX_TERMS {
            return Err(NoBounds::TooLarge);
        }
        let mut districts: HashMap<Vec<usize>, Vec<Vec<usize>>> = HashMap::new();
        let mut monomials = vec![];
        loop {
            if let Some(literals) = self.answers(&twin, &values) {
                let monomial = self.monomial(&literals, &mut districts);
                if monomial.weight > 0.0 {
                    monomials.push(monomial);
                }
            }
            if !advance(&free, &cards, &mut values) {
                return Ok(monomials);
            }
        }
    }

    fn sets_hidden(&self, world: &World) -> bool {
        world.iter().any(|(v, setting)| {
            self.hidden.contains(v) || matches!(setting, Setting::Potential(other) if self.sets_hidden(other))
        })
    }

    /// What the nodes answer where the copies have these values, ascending; `None` where two copies with the same causes
    /// differ.
    fn answers(&self, twin: &Twin, values: &[usize]) -> Option<Vec<Literal>> {
        let mut literals: Vec<Literal> = vec![];
        for (copy, &value) in twin.copies.iter().zip(values) {
            let at = |row: usize, (place, &parent): (&Place, &usize)| {
                let value = match *place {
                    Place::Code(code) => code as usize,
                    Place::Copy(at) => values[at],
                };
                row * self.cards[parent] + value
            };
            let row = copy.parents.iter().zip(self.graph.parents(copy.variable)).fold(0, at);
            literals.push((copy.variable, row, value as u32));
        }
        literals.sort_unstable();
        literals.dedup();
        let apart = literals.windows(2).all(|two| (two[0].0, two[0].1) != (two[1].0, two[1].1));
        apart.then_some(literals)
    }

    /// The probability of such answers: one factor for each district of each c-component.
    fn monomial(&self, literals: &[Literal], districts: &mut HashMap<Vec<usize>, Vec<Vec<usize>>>) -> Monomial {
        let mut monomial = Monomial { weight: 1.0, unknown: vec![] };
        let mut nodes: Vec<usize> = literals.iter().map(|literal| literal.0).collect();
        nodes.dedup();
        for (component, members) in self.components.iter().enumerate() {
            let part: Vec<usize> = nodes.iter().copied().filter(|v| members.binary_search(v).is_ok()).collect();
            let parts = districts.entry(part).or_insert_with_key(|part| c_components_of(&self.graph, part));
            let mut unknown = vec![];
            for district in parts.iter() {
                let of = literals.iter().filter(|literal| district.binary_search(&literal.0).is_ok());
                let of: Vec<Literal> = of.copied().collect();
                match self.in_one_world(&of).and_then(|values| self.cell(district, &values)) {
                    Some(p) => monomial.weight *= p,
                    None => unknown.extend(of),
                }
            }
            if !unknown.is_empty() {
                unknown.sort_unstable();
                monomial.unknown.push((component, unknown));
            }
        }
        monomial
    }

    /// The values of the nodes and their parents where one experiment shows all these answers together: each node
    /// answers once, and each parent has one value, its own answer where it has one.
    fn in_one_world(&self, literals: &[Literal]) -> Option<Vec<usize>> {
        let mut values: Vec<Option<usize>> = vec![None; self.graph.len()];
        for &(v, _, value) in literals {
            if values[v].replace(value as usize).is_some() {
                return None;
            }
        }
        for &(v, row, _) in literals {
            for (parent, value) in parents_at(&self.graph, self.cards, v, row) {
                if *values[parent].get_or_insert(value) != value {
                    return None;
                }
            }
        }
        Some(values.into_iter().map(Option::unwrap_or_default).collect())
    }

    fn literals(&self, district: &[usize], values: &[usize]) -> Vec<Literal> {
        district.iter().map(|&v| (v, row(&self.graph, self.cards, v, values), values[v] as u32)).collect()
    }

    /// `Q[district]` at these values, where some formula for it has support there.
    fn cell(&self, district: &[usize], values: &[usize]) -> Option<f64> {
        let key = self.literals(district, values);
        if let Some(&found) = self.cells.borrow().get(&key) {
            return found;
        }
        let mut formulas = self.formulas.borrow_mut();
        let formulas = formulas.entry(district.to_vec()).or_insert_with(|| self.formulas_of(district));
        let found = formulas.iter().find_map(|formula| self.evaluate(formula, district, values));
        self.cells.borrow_mut().insert(key, found);
        found
    }

    /// Formulas from all sources and from each alone: one may have support where another has none.
    fn formulas_of(&self, district: &[usize]) -> Vec<Formula> {
        let effect =
            Effect { outcome: district.to_vec(), interventions: self.graph.parents_of(district), evidence: vec![] };
        let sources = self.tables.sources;
        let all: Vec<usize> = (0..sources.len()).collect();
        let alone = all.iter().map(|&source| vec![source]);
        let choices = [all.clone()].into_iter().chain(alone).take(if sources.len() == 1 { 1 } else { usize::MAX });
        let mut formulas: Vec<Formula> = vec![];
        for choice in choices.filter(|choice| !choice.is_empty()) {
            let regime =
                |&at: &usize| Regime { interventions: sources[at].set(), observed: sources[at].columns.clone() };
            let regimes: Vec<Regime> = choice.iter().map(regime).collect();
            if let Verdict::Identified(found) = identify::identify(&self.graph, &regimes, &effect) {
                formulas.push((found.estimand, choice));
            }
        }
        formulas
    }

    /// The formula's value; its variables beyond the district and its parents may have any value that has support.
    fn evaluate(&self, (formula, sources): &Formula, district: &[usize], values: &[usize]) -> Option<f64> {
        let parents = self.graph.parents_of(district);
        let mut free = formula.free_variables();
        free.retain(|v| district.binary_search(v).is_err() && parents.binary_search(v).is_err());
        let mut values = values.to_vec();
        free.iter().for_each(|&v| values[v] = 0);
        loop {
            let table = |p: &identify::Probability, values: &[usize]| {
                let given = [&p.given[..], &p.interventions].concat();
                self.tables.conditional(sources[p.regime?], &p.of, &sorted(given), values)
            };
            let [low, high] = formula.interval(self.cards, &mut values, &table);
            if low == high {
                return Some(low.clamp(0.0, 1.0));
            }
            if !advance(&free, self.cards, &mut values) {
                return None;
            }
        }
    }
}

fn sorted(mut nodes: Vec<usize>) -> Vec<usize> {
    nodes.sort_unstable();
    nodes
}

/// The monomials of one component as a linear form; equal events once.
fn form(monomials: &[Monomial]) -> Form {
    let mut form = Form::default();
    let mut events: BTreeMap<&[Literal], f64> = BTreeMap::new();
    for monomial in monomials {
        match monomial.unknown.first() {
            Some((_, event)) => *events.entry(event).or_insert(0.0) += monomial.weight,
            None => form.constant += monomial.weight,
        }
    }
    form.events = events.into_iter().map(|(event, weight)| (event.to_vec(), weight)).collect();
    form
}

/// What implies the event has its probability at least, what excludes it not more than the rest. For `X -> Y`,
/// `X <-> Y` these are `P(y, x)` and `P(y, x) + 1 - P(x)` (Manski 1990).
fn natural(facts: &[Fact], event: &[Literal]) -> [f64; 2] {
    let mut groups: BTreeMap<usize, [f64; 2]> = BTreeMap::new();
    for fact in facts {
        let group = groups.entry(fact.group).or_insert([0.0, 0.0]);
        if event.iter().all(|literal| fact.event.contains(literal)) {
            group[0] += fact.p;
        }
        let excludes = |&(v, row, value): &Literal| fact.event.iter().any(|f| (f.0, f.1) == (v, row) && f.2 != value);
        if event.iter().any(excludes) {
            group[1] += fact.p;
        }
    }
    let low = groups.values().map(|g| g[0]).fold(0.0, f64::max);
    let high = groups.values().map(|g| 1.0 - g[1]).fold(1.0, f64::min);
    [low, high.max(low)]
}

#[cfg(test)]
mod tests;
