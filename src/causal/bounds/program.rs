//! The linear program over the response types of a c-component.
//!
//! A response type is one function from parents' values to the node's value for every node of the component
//! (Balke & Pearl 1994); rows of parents that neither the facts nor the aim mention are left out, types in an event
//! of probability zero too, and types that no fact and no part of the aim tells apart are one. A quotient of two linear
//! forms is made linear by scaling (Charnes & Cooper 1962).

use super::NoBounds;
use super::sources::{Fact, Literal};
use microlp::{ComparisonOp, Error, OptimizationDirection, Problem, Variable};
use std::collections::{BTreeMap, HashSet};

/// A distribution over response types, as an explicit model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseModel {
    /// The nodes and rows of parents' values that the types answer to. Rows number the values of the node's parents,
    /// ascending, the last fastest. What is not listed does not matter and may be anything.
    pub slots: Vec<(usize, usize)>,
    /// The answers to each slot, and the probability of the type.
    pub types: Vec<(Vec<u32>, f64)>,
}

impl ResponseModel {
    /// The probability that every `(node, row, value)` holds; a slot that is not listed answers 0.
    pub fn probability(&self, event: &[Literal]) -> f64 {
        let places: Vec<(Option<usize>, u32)> =
            event.iter().map(|&(v, row, value)| (self.slots.binary_search(&(v, row)).ok(), value)).collect();
        let holds = |answers: &[u32]| places.iter().all(|&(at, value)| at.map_or(0, |at| answers[at]) == value);
        self.types.iter().filter(|(answers, _)| holds(answers)).map(|(_, p)| p).sum()
    }
}

/// A linear form: weights of events, and a constant.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    pub(super) events: Vec<(Vec<Literal>, f64)>,
    pub(super) constant: f64,
}

/// The end points of an aim, with models that attain them.
pub(super) struct Optimum {
    pub(super) ends: [f64; 2],
    pub(super) models: [ResponseModel; 2],
    /// The largest difference between a fact and the nearest model; zero where the facts are consistent.
    pub(super) discrepancy: f64,
}

/// Differences below this are rounding.
const ROUNDING: f64 = 1e-7;

/// The number of response types over the slots that facts and forms mention.
pub(super) fn types(cards: &[usize], facts: &[Fact], forms: &[&Form]) -> f64 {
    slots(facts, forms).iter().map(|&(v, _)| cards[v] as f64).product()
}

fn slots(facts: &[Fact], forms: &[&Form]) -> Vec<(usize, usize)> {
    let events = facts.iter().map(|f| &f.event).chain(forms.iter().flat_map(|f| f.events.iter().map(|(e, _)| e)));
    let mut slots: Vec<(usize, usize)> = events.flatten().map(|&(v, row, _)| (v, row)).collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// The smallest and the largest `num / den` over all distributions of response types with these facts.
pub(super) fn optimise(cards: &[usize], facts: &[Fact], num: &Form, den: &Form) -> Result<Optimum, NoBounds> {
    let slots = slots(facts, &[num, den]);
    let facts = &merged(facts);
    let targets: Vec<f64> = facts.iter().map(|(_, p)| *p).collect();
    let mut columns = possible(cards, &slots, facts, [num, den], true);
    let mut solved = Program::new(&columns, num, den).both(&targets);
    if matches!(solved, Err(Error::Infeasible)) {
        // Either the evidence is impossible, or no model has these facts: then what is never seen may be possible.
        columns = possible(cards, &slots, facts, [num, den], false);
        let program = Program::new(&columns, num, den);
        solved = program.nearest(&targets).and_then(|nearest| program.both(&nearest));
    }
    let solved = solved.map_err(|error| match error {
        Error::Infeasible => NoBounds::NoEvidence,
        _ => NoBounds::Numerical,
    })?;
    let ends = [solved[0].0, solved[1].0];
    let models = solved.map(|(_, weights)| {
        let types = columns.iter().zip(weights).filter(|(_, w)| *w > 0.0);
        ResponseModel { slots: slots.clone(), types: types.map(|(c, w)| (c.answers.clone(), w)).collect() }
    });
    let misses = facts.iter().map(|(event, p)| (models[0].probability(event) - p).abs());
    let discrepancy = Some(misses.fold(0.0, f64::max)).filter(|d| *d > ROUNDING).unwrap_or(0.0);
    Ok(Optimum { ends, models, discrepancy })
}

/// Each event once, with the mean of what the sources say of it.
fn merged(facts: &[Fact]) -> Vec<(Vec<Literal>, f64)> {
    let mut sums: BTreeMap<&[Literal], (f64, f64)> = BTreeMap::new();
    for fact in facts {
        let entry = sums.entry(&fact.event).or_insert((0.0, 0.0));
        *entry = (entry.0 + fact.p, entry.1 + 1.0);
    }
    sums.into_iter().map(|(event, (sum, count))| (event.to_vec(), sum / count)).collect()
}

/// Response types that nothing tells apart: one of them, the facts it belongs to, its part in the aim.
struct Column {
    answers: Vec<u32>,
    facts: Vec<usize>,
    num: f64,
    den: f64,
}

/// An event by places of slots.
type Compiled = Vec<(Vec<(usize, u32)>, f64)>;

/// The response types, one of each kind; with `prune` without those in an event of probability zero.
fn possible(
    cards: &[usize],
    slots: &[(usize, usize)],
    facts: &[(Vec<Literal>, f64)],
    [num, den]: [&Form; 2],
    prune: bool,
) -> Vec<Column> {
    let place = |&(v, row, value): &Literal| (slots.binary_search(&(v, row)).expect("a slot"), value);
    let compile = |list: &[(Vec<Literal>, f64)]| -> Compiled {
        list.iter().map(|(event, weight)| (event.iter().map(place).collect(), *weight)).collect()
    };
    let (compiled, num, den) = (compile(facts), compile(&num.events), compile(&den.events));
    let holds = |event: &[(usize, u32)], answers: &[u32]| event.iter().all(|&(at, value)| answers[at] == value);
    let value = |form: &Compiled, answers: &[u32]| -> f64 {
        form.iter().filter(|(event, _)| holds(event, answers)).map(|(_, weight)| weight).sum()
    };
    let mut columns: Vec<Column> = vec![];
    let mut seen: HashSet<(Vec<usize>, u64, u64)> = HashSet::new();
    let mut answers = vec![0_u32; slots.len()];
    loop {
        let impossible = prune && compiled.iter().any(|(event, p)| *p == 0.0 && holds(event, &answers));
        if !impossible {
            let of: Vec<usize> = (0..compiled.len()).filter(|&at| holds(&compiled[at].0, &answers)).collect();
            let (num, den) = (value(&num, &answers), value(&den, &answers));
            if seen.insert((of.clone(), num.to_bits(), den.to_bits())) {
                columns.push(Column { answers: answers.clone(), facts: of, num, den });
            }
        }
        let next = (0..slots.len()).rev().find(|&at| {
            answers[at] += 1;
            let carried = answers[at] as usize == cards[slots[at].0];
            if carried {
                answers[at] = 0;
            }
            !carried
        });
        if next.is_none() {
            return columns;
        }
    }
}

struct Program<'a> {
    columns: &'a [Column],
    num: f64,
    den: f64,
}

/// The value, and the probability of each column.
type Solved = (f64, Vec<f64>);

impl<'a> Program<'a> {
    fn new(columns: &'a [Column], num: &Form, den: &Form) -> Self {
        Self { columns, num: num.constant, den: den.constant }
    }

    fn both(&self, targets: &[f64]) -> Result<[Solved; 2], Error> {
        let low = self.solve(OptimizationDirection::Minimize, targets)?;
        Ok([low, self.solve(OptimizationDirection::Maximize, targets)?])
    }

    /// Optimises `num / den`: with `q' = t q` and `den(q') = 1` both are linear in `q'` and `t`.
    fn solve(&self, direction: OptimizationDirection, targets: &[f64]) -> Result<Solved, Error> {
        let mut problem = Problem::new(direction);
        let scale = problem.add_var(self.num, (0.0, f64::INFINITY));
        let columns: Vec<Variable> =
            self.columns.iter().map(|c| problem.add_var(c.num, (0.0, f64::INFINITY))).collect();
        for (row, target) in self.rows(targets) {
            let mut terms: Vec<(Variable, f64)> = row.iter().map(|&at| (columns[at], 1.0)).collect();
            terms.push((scale, -target));
            problem.add_constraint(&terms[..], ComparisonOp::Eq, 0.0);
        }
        let mut den: Vec<(Variable, f64)> = self.columns.iter().zip(&columns).map(|(c, &v)| (v, c.den)).collect();
        den.push((scale, self.den));
        den.retain(|(_, weight)| *weight != 0.0);
        problem.add_constraint(&den[..], ComparisonOp::Eq, 1.0);
        let solution = problem.solve()?.into_solution().map_err(|_| Error::InternalError(String::new()))?;
        let scale = solution.var_value(scale);
        let weights = columns.iter().map(|&v| solution.var_value(v) / scale).collect();
        Ok((solution.objective(), weights))
    }

    /// The targets of the model that misses the given ones by the least sum of differences.
    fn nearest(&self, targets: &[f64]) -> Result<Vec<f64>, Error> {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let columns: Vec<Variable> = self.columns.iter().map(|_| problem.add_var(0.0, (0.0, f64::INFINITY))).collect();
        for (at, (row, target)) in self.rows(targets).into_iter().enumerate() {
            let mut terms: Vec<(Variable, f64)> = row.iter().map(|&at| (columns[at], 1.0)).collect();
            // The first row says that the probabilities add up to one.
            if at > 0 {
                terms.push((problem.add_var(1.0, (0.0, f64::INFINITY)), 1.0));
                terms.push((problem.add_var(1.0, (0.0, f64::INFINITY)), -1.0));
            }
            problem.add_constraint(&terms[..], ComparisonOp::Eq, target);
        }
        let solution = problem.solve()?.into_solution().map_err(|_| Error::InternalError(String::new()))?;
        let mut nearest = vec![0.0; targets.len()];
        for (column, &variable) in self.columns.iter().zip(&columns) {
            column.facts.iter().for_each(|&fact| nearest[fact] += solution.var_value(variable));
        }
        Ok(nearest)
    }

    /// The columns of every fact with its target, after the row of all columns; equal rows once.
    fn rows(&self, targets: &[f64]) -> Vec<(Vec<usize>, f64)> {
        let mut rows = vec![vec![]; targets.len()];
        for (at, column) in self.columns.iter().enumerate() {
            column.facts.iter().for_each(|&fact| rows[fact].push(at));
        }
        let mut sums: BTreeMap<Vec<usize>, (f64, f64)> = BTreeMap::new();
        // A fact without types has probability zero, by construction if that is its target.
        for (row, target) in rows.into_iter().zip(targets).filter(|(row, p)| !row.is_empty() || **p > 0.0) {
            let entry = sums.entry(row).or_insert((0.0, 0.0));
            *entry = (entry.0 + target, entry.1 + 1.0);
        }
        let all = ((0..self.columns.len()).collect(), 1.0);
        [all].into_iter().chain(sums.into_iter().map(|(row, (sum, count))| (row, sum / count))).collect()
    }
}
