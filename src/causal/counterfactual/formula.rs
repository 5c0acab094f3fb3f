//! Formulas at certain values: an [`Estimand`] whose variables are copies of the graph's, each with a value, a
//! value that is summed over, or one that does not matter.
//!
//! The scopes, simplifications and printers of estimands serve unchanged: a copy is a variable. `O(s log s)` in the
//! size `s` of the formula, and evaluation as for estimands.

use super::factors::Factor;
use super::worlds::Term;
use crate::causal::identify::{self, Estimand, Probability};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A variable at a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Copy {
    /// The variable.
    pub variable: usize,
    /// Its value.
    pub value: CopyValue,
}

/// The value of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CopyValue {
    /// The value with this code.
    Code(u32),
    /// An unnamed value of the query.
    Any(usize),
    /// Summed over: the value of the copy of this number.
    Sum(usize),
    /// Summed over inside one c-factor.
    Inner,
    /// Whatever value: the result is the same.
    Idle,
}

/// A formula over copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formula {
    /// The formula; its variables are places in `copies`.
    pub estimand: Estimand,
    /// The copies.
    pub copies: Vec<Copy>,
}

/// The names to print.
pub struct Names<'a> {
    /// The name of a variable.
    pub node: &'a dyn Fn(usize) -> String,
    /// A value of a variable, by its code: a number or a text.
    pub value: &'a dyn Fn(usize, u32) -> Value,
    /// The name of a source, by its place in the list.
    pub regime: &'a dyn Fn(usize) -> String,
}

impl Formula {
    /// The number where `cards[v]` is the number of values of variable `v` and `any[n]` the unnamed value `n`; `table` gives
    /// the probabilities of the sources, as in [`Estimand::evaluate`], over the graph's variables.
    pub fn evaluate(&self, cards: &[usize], any: &[usize], table: &dyn Fn(&Probability, &[usize]) -> f64) -> f64 {
        let copy_cards: Vec<usize> = self.copies.iter().map(|copy| cards[copy.variable]).collect();
        let start = |copy: &Copy| match copy.value {
            CopyValue::Code(code) => code as usize,
            CopyValue::Any(number) => any[number],
            CopyValue::Sum(_) | CopyValue::Inner | CopyValue::Idle => 0,
        };
        let mut values: Vec<usize> = self.copies.iter().map(start).collect();
        self.estimand.evaluate(&copy_cards, &mut values, &|p, values| {
            let mut here = vec![0; cards.len()];
            let mut variables = |set: &[usize]| {
                let mut variables: Vec<usize> = set
                    .iter()
                    .map(|&at| {
                        here[self.copies[at].variable] = values[at];
                        self.copies[at].variable
                    })
                    .collect();
                variables.sort_unstable();
                variables
            };
            let (of, given, interventions) = (variables(&p.of), variables(&p.given), variables(&p.interventions));
            table(&Probability { of, given, interventions, regime: p.regime }, &here)
        })
    }

    /// One line of text: `Σ_{Z'} P(Y = 1 | X = 0, Z') P(Z' | X = 1)`.
    pub fn text(&self, names: &Names) -> String {
        self.named(names, |names| self.estimand.text(names))
    }

    /// LaTeX for mathematics mode.
    pub fn latex(&self, names: &Names) -> String {
        self.named(names, |names| self.estimand.latex(names))
    }

    /// The tree of [`Estimand::json`]: a variable at a value is `{"var": "X", "value": 0}`, others are names, with primes
    /// where a name stands for several values.
    pub fn json(&self, names: &Names) -> Value {
        self.named(names, |names| self.estimand.json(names))
    }

    fn named<T>(&self, names: &Names, print: impl FnOnce(&identify::Names) -> T) -> T {
        let copies = self.copy_names(names.node);
        let value = |at: usize| match self.copies[at].value {
            CopyValue::Code(code) => Some((names.value)(self.copies[at].variable, code)),
            _ => None,
        };
        print(&identify::Names { node: &|at| copies[at].clone(), value: &value, regime: names.regime })
    }

    /// A name for every copy that is used, different for different copies of one variable without a value.
    fn copy_names(&self, node: &dyn Fn(usize) -> String) -> Vec<String> {
        let mut used: Vec<usize> = vec![];
        self.estimand.mentions(&mut |at| used.push(at));
        used.sort_by_key(|&at| (self.copies[at], at));
        used.dedup();
        let mut taken: BTreeSet<String> = used.iter().map(|&at| node(self.copies[at].variable)).collect();
        let mut plain: BTreeSet<usize> = BTreeSet::new();
        let mut names: Vec<String> = self.copies.iter().map(|copy| node(copy.variable)).collect();
        for at in used {
            let Copy { variable, value } = self.copies[at];
            // The first copy has the plain name; those at a value share it.
            if plain.insert(variable) || matches!(value, CopyValue::Code(_)) {
                continue;
            }
            while !taken.insert(names[at].clone()) {
                names[at].push('\'');
            }
        }
        names
    }
}

/// Estimands over copies, and the copies.
#[derive(Default)]
pub(super) struct Builder {
    copies: Vec<Copy>,
}

impl Builder {
    fn copy(&mut self, variable: usize, value: CopyValue) -> usize {
        let copy = Copy { variable, value };
        self.copies.iter().position(|other| *other == copy).unwrap_or_else(|| {
            self.copies.push(copy);
            self.copies.len() - 1
        })
    }

    /// The estimand, its free variables at `values`, those of the source at `fixed`, its regimes renumbered.
    pub fn substitute(
        &mut self,
        estimand: &Estimand,
        values: &BTreeMap<usize, Term>,
        fixed: &BTreeMap<usize, u32>,
        regimes: &[usize],
    ) -> Estimand {
        let value = |v: usize| match (values.get(&v), fixed.get(&v)) {
            (Some(&term), _) => term.into(),
            (None, Some(&code)) => CopyValue::Code(code),
            (None, None) => CopyValue::Idle,
        };
        self.replace(estimand, &mut vec![], &value, regimes)
    }

    fn replace(
        &mut self,
        estimand: &Estimand,
        bound: &mut Vec<usize>,
        value: &dyn Fn(usize) -> CopyValue,
        regimes: &[usize],
    ) -> Estimand {
        match estimand {
            Estimand::Sum { over, of } => {
                let before = bound.len();
                bound.extend(over);
                let of = Box::new(self.replace(of, bound, value, regimes));
                bound.truncate(before);
                let mut over: Vec<usize> = over.iter().map(|&v| self.copy(v, CopyValue::Inner)).collect();
                over.sort_unstable();
                Estimand::Sum { over, of }
            }
            Estimand::Product(factors) => {
                Estimand::Product(factors.iter().map(|f| self.replace(f, bound, value, regimes)).collect())
            }
            Estimand::Fraction { num, den } => {
                let num = Box::new(self.replace(num, bound, value, regimes));
                Estimand::Fraction { num, den: Box::new(self.replace(den, bound, value, regimes)) }
            }
            Estimand::P(p) => {
                let mut copies = |set: &[usize]| -> Vec<usize> {
                    let copy = |&v: &usize| {
                        let value = if bound.contains(&v) { CopyValue::Inner } else { value(v) };
                        self.copy(v, value)
                    };
                    set.iter().map(copy).collect()
                };
                let (of, given, interventions) = (copies(&p.of), copies(&p.given), copies(&p.interventions));
                identify::probability(&of, &given, &interventions, p.regime.map(|at| regimes[at]))
            }
        }
    }

    /// The product of the parts of a group, summed over the values they share.
    pub fn sum(&mut self, group: &[Factor], parts: Vec<Estimand>) -> Estimand {
        let summed: BTreeSet<(usize, usize)> = group.iter().flat_map(Factor::summed).collect();
        let over: Vec<usize> = summed.into_iter().map(|(v, key)| self.copy(v, CopyValue::Sum(key))).collect();
        identify::sum(&over, identify::product(parts))
    }

    /// The estimand with the copies it uses, in the order of their variables.
    pub fn formula(&self, estimand: &Estimand) -> Formula {
        let mut copies: Vec<Copy> = vec![];
        estimand.mentions(&mut |at| copies.push(self.copies[at]));
        copies.sort_unstable();
        copies.dedup();
        let place: Vec<usize> = self.copies.iter().map(|copy| copies.binary_search(copy).unwrap_or_default()).collect();
        Formula { estimand: renumbered(estimand, &place), copies }
    }
}

/// The formula with `place[v]` for each variable `v`.
fn renumbered(estimand: &Estimand, place: &[usize]) -> Estimand {
    let set = |set: &[usize]| {
        let mut set: Vec<usize> = set.iter().map(|&v| place[v]).collect();
        set.sort_unstable();
        set
    };
    match estimand {
        Estimand::Sum { over, of } => Estimand::Sum { over: set(over), of: Box::new(renumbered(of, place)) },
        Estimand::Product(factors) => Estimand::Product(factors.iter().map(|f| renumbered(f, place)).collect()),
        Estimand::Fraction { num, den } => {
            Estimand::Fraction { num: Box::new(renumbered(num, place)), den: Box::new(renumbered(den, place)) }
        }
        Estimand::P(p) => identify::probability(&set(&p.of), &set(&p.given), &set(&p.interventions), p.regime),
    }
}

impl From<Term> for CopyValue {
    fn from(term: Term) -> Self {
        match term {
            Term::Code(code) => Self::Code(code),
            Term::Any(number) => Self::Any(number),
            Term::Sum(key) => Self::Sum(key),
        }
    }
}
