//! The counterfactual graph of a conjunction of events: the copies of variables that it needs, copies with equal
//! parents made one.
//!
//! Shpitser & Pearl 2007, lemmas 24 and 25 (*make-cg*), in one pass: variables in topological order, and of every variable
//! the worlds in which it is an ancestor of an event. In two worlds a variable is the same if its parents have the
//! same values there, for it has the same noise; so settings that are no ancestors disappear by themselves, nested
//! settings are unnested, and observed values are consistent with set ones. A copy that no event fixes has a
//! value of its own, to be summed over; such a value is never taken as equal to another. `O(w (n + m) log n)` for `w` worlds.

use super::{Event, Setting, Value, World};
use crate::causal::Admg;
use std::collections::{BTreeMap, BTreeSet};

/// The value of a copy or of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// The value with this code.
    Code(u32),
    /// An unnamed value of the query.
    Any(usize),
    /// The value of the copy with this number, which is summed over.
    Sum(usize),
}

impl From<Value> for Term {
    fn from(value: Value) -> Self {
        match value {
            Value::Code(code) => Self::Code(code),
            Value::Any(number) => Self::Any(number),
        }
    }
}

/// A variable in the worlds that give its parents these values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The variable.
    pub variable: usize,
    /// Its parents, ascending, with their values.
    pub parents: Vec<(usize, Term)>,
    /// Its value.
    pub value: Term,
    /// What the worlds set in which it is seen, the first one first.
    pub worlds: Vec<World>,
}

/// Two values for one copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The variable.
    pub variable: usize,
    /// The values.
    pub values: [Term; 2],
    /// The worlds: equal for the variable if they differ at all.
    pub worlds: [World; 2],
}

/// Numbers of copies: equal for equal variables with equal parents.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<(usize, Vec<Term>), usize>);

impl Keys {
    fn number(&mut self, variable: usize, parents: &[(usize, Term)]) -> usize {
        let next = self.0.len();
        *self.0.entry((variable, parents.iter().map(|(_, term)| *term).collect())).or_insert(next)
    }
}

/// What a variable is in a world.
pub(super) enum Resolved<'a> {
    Set(Value),
    /// What its mechanism gives in this world.
    Free(&'a World),
}

/// Follows nested settings.
pub(super) fn resolve(variable: usize, world: &World) -> Resolved<'_> {
    match world.get(&variable) {
        None => Resolved::Free(world),
        Some(Setting::Value(value)) => Resolved::Set(*value),
        Some(Setting::Potential(other)) => resolve(variable, other),
    }
}

/// The copies of all ancestors of the events, in topological order.
pub(super) fn counterfactual_graph<'a>(
    graph: &Admg,
    order: &[usize],
    events: impl Iterator<Item = &'a Event>,
    keys: &mut Keys,
) -> Result<Vec<Node>, Contradiction> {
    let mut demands: Vec<(usize, &World, Value)> = vec![];
    for event in events {
        match resolve(event.variable, &event.world) {
            Resolved::Free(world) => demands.push((event.variable, world, event.value)),
            Resolved::Set(value) if value == event.value => {}
            Resolved::Set(value) => {
                let values = [value.into(), event.value.into()];
                let worlds = [event.world.clone(), event.world.clone()];
                return Err(Contradiction { variable: event.variable, values, worlds });
            }
        }
    }
    let needed = needed(&|v| graph.parents(v), demands.iter().map(|&(v, world, _)| (v, world)));
    let mut nodes: Vec<Node> = vec![];
    let mut place: BTreeMap<(usize, &World), usize> = BTreeMap::new();
    for &variable in order {
        let mut of_key: BTreeMap<usize, usize> = BTreeMap::new();
        for &world in needed.get(&variable).into_iter().flatten() {
            let parents: Vec<(usize, Term)> = graph
                .parents(variable)
                .iter()
                .map(|&p| match resolve(p, world) {
                    Resolved::Set(value) => (p, value.into()),
                    Resolved::Free(world) => (p, nodes[place[&(p, world)]].value),
                })
                .collect();
            let key = keys.number(variable, &parents);
            let at = *of_key.entry(key).or_insert(nodes.len());
            if at == nodes.len() {
                nodes.push(Node { variable, parents, value: Term::Sum(key), worlds: vec![] });
            }
            nodes[at].worlds.push(world.clone());
            place.insert((variable, world), at);
        }
        let mut given: BTreeMap<usize, &World> = BTreeMap::new();
        for &(_, world, value) in demands.iter().filter(|(v, ..)| *v == variable) {
            let at = place[&(variable, world)];
            let first = *given.entry(at).or_insert(world);
            let node = &mut nodes[at];
            match node.value {
                Term::Sum(_) => node.value = value.into(),
                known if known == value.into() => {}
                known => {
                    let worlds = [first.clone(), world.clone()];
                    return Err(Contradiction { variable, values: [known, value.into()], worlds });
                }
            }
        }
    }
    Ok(nodes)
}

/// The worlds in which each variable is an ancestor of an event.
pub(super) fn needed<'a, 'b>(
    parents: &dyn Fn(usize) -> &'b [usize],
    events: impl Iterator<Item = (usize, &'a World)>,
) -> BTreeMap<usize, BTreeSet<&'a World>> {
    let mut needed: BTreeMap<usize, BTreeSet<&World>> = BTreeMap::new();
    let mut queue: Vec<(usize, &World)> = events.collect();
    while let Some((variable, world)) = queue.pop() {
        if needed.entry(variable).or_default().insert(world) {
            for &parent in parents(variable) {
                if let Resolved::Free(world) = resolve(parent, world) {
                    queue.push((parent, world));
                }
            }
        }
    }
    needed
}
