//! Estimands and methods as text, LaTeX and JSON.
//!
//! Sums in products and quotients stand in brackets, so that it is plain how far each binds. A variable that a
//! sum binds gets primes where its name already means something outside the sum.

use super::Method;
use super::estimand::{Estimand, Probability};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The names to print.
pub struct Names<'a> {
    /// The name of a node.
    pub node: &'a dyn Fn(usize) -> String,
    /// The value that a node stands at, a number or a text; [`no_value`] where nodes stand for all of theirs.
    pub value: &'a dyn Fn(usize) -> Option<Value>,
    /// The name of a regime, by its place in the list.
    pub regime: &'a dyn Fn(usize) -> String,
}

/// Nodes stand for each of their values.
pub fn no_value(_: usize) -> Option<Value> {
    None
}

impl Names<'_> {
    fn list(&self, nodes: &[usize]) -> String {
        nodes.iter().map(|&v| (self.node)(v)).collect::<Vec<_>>().join(", ")
    }
}

impl Estimand {
    /// One line of text: `Σ_{Z} P(Y | X, Z) P(Z)`.
    pub fn text(&self, names: &Names) -> String {
        Printer::new(self, names, &TEXT).write(self, &Scope::of(self), Place::Alone)
    }

    /// LaTeX for mathematics mode.
    pub fn latex(&self, names: &Names) -> String {
        Printer::new(self, names, &LATEX).write(self, &Scope::of(self), Place::Alone)
    }

    /// Calls `visit` for every mention of a node, bound or free.
    pub(in crate::causal) fn mentions(&self, visit: &mut impl FnMut(usize)) {
        mentioned(self, visit);
    }

    /// The tree: `sum` (`over`, `of`), `product`, `fraction` (`num`, `den`), `p` (`of`, `given`, `do`, `data`). Sums
    /// bind as in a program: an inner one hides the outer.
    pub fn json(&self, names: &Names) -> Value {
        let node = |&v: &usize| match (names.value)(v) {
            Some(value) => json!({"var": (names.node)(v), "value": value}),
            None => json!((names.node)(v)),
        };
        let list = |nodes: &[usize]| nodes.iter().map(node).collect::<Vec<_>>();
        match self {
            Self::Sum { over, of } => json!({"sum": {"over": list(over), "of": of.json(names)}}),
            Self::Product(factors) => json!({"product": factors.iter().map(|f| f.json(names)).collect::<Vec<_>>()}),
            Self::Fraction { num, den } => json!({"fraction": {"num": num.json(names), "den": den.json(names)}}),
            Self::P(Probability { of, given, interventions, regime }) => json!({"p": {
                "of": list(of), "given": list(given), "do": list(interventions),
                "data": regime.map(|at| (names.regime)(at)),
            }}),
        }
    }
}

impl Method {
    /// The method in words: `back-door adjustment for {Z}`.
    pub fn text(&self, names: &Names) -> String {
        match self {
            Self::NoEffect => "no effect of the intervention".to_owned(),
            Self::AdjustmentFree => "conditioning, without adjustment".to_owned(),
            Self::Experiment => "read off an experiment".to_owned(),
            Self::BackDoor(set) => format!("back-door adjustment for {{{}}}", names.list(set)),
            Self::FrontDoor(set) => format!("front door through {{{}}}", names.list(set)),
            Self::CFactors => "c-factors".to_owned(),
        }
    }
}

/// The signs of a notation.
struct Notation {
    sum: &'static str,
    intervene: &'static str,
    given: &'static str,
    brackets: [&'static str; 2],
    quotient: [&'static str; 3],
    name: fn(&str) -> String,
}

static TEXT: Notation = Notation {
    sum: "Σ",
    intervene: "do",
    given: " | ",
    brackets: ["[", "]"],
    quotient: ["(", ") / (", ")"],
    name: str::to_owned,
};

static LATEX: Notation = Notation {
    sum: "\\sum",
    intervene: "\\operatorname{do}",
    given: " \\mid ",
    brackets: ["\\left[", "\\right]"],
    quotient: ["\\frac{", "}{", "}"],
    name: latex_name,
};

/// Single letters with digits as `X_{1}`, other names upright; signs of LaTeX are escaped.
fn latex_name(name: &str) -> String {
    let bare = name.trim_end_matches('\'');
    let primes = &name[bare.len()..];
    let mut letters = bare.chars();
    let (first, rest) = (letters.next(), letters.as_str());
    let digits = rest.strip_prefix('_').unwrap_or(rest);
    let core = match first {
        Some(c) if c.is_alphabetic() && rest.is_empty() => c.to_string(),
        Some(c) if c.is_alphabetic() && !digits.is_empty() && digits.chars().all(|d| d.is_ascii_digit()) => {
            format!("{c}_{{{digits}}}")
        }
        _ => format!("\\mathit{{{}}}", bare.chars().map(escaped).collect::<String>()),
    };
    match (core.contains('_'), primes) {
        (_, "") => core,
        (true, primes) => format!("{{{core}}}{primes}"),
        (false, primes) => format!("{core}{primes}"),
    }
}

fn escaped(c: char) -> String {
    match c {
        '_' | '%' | '#' | '&' | '$' | '{' | '}' => format!("\\{c}"),
        ' ' => "\\ ".to_owned(),
        '\\' => "\\backslash ".to_owned(),
        '^' => "\\hat{\\ }".to_owned(),
        '~' => "\\tilde{\\ }".to_owned(),
        c => c.to_string(),
    }
}

/// What stands around a formula.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Nothing, or brackets that it needs not add.
    Alone,
    /// Other factors.
    Factor,
}

/// Nodes in scope → the primes their names carry.
#[derive(Clone)]
struct Scope(BTreeMap<usize, usize>);

impl Scope {
    fn of(estimand: &Estimand) -> Self {
        Self(estimand.free_variables().into_iter().map(|v| (v, 0)).collect())
    }
}

struct Printer<'a> {
    names: &'a Names<'a>,
    notation: &'static Notation,
    /// The names of all nodes in the formula, which no primed name may equal.
    taken: BTreeMap<String, usize>,
}

impl<'a> Printer<'a> {
    fn new(estimand: &Estimand, names: &'a Names<'a>, notation: &'static Notation) -> Self {
        let mut taken = BTreeMap::new();
        mentioned(estimand, &mut |v| _ = taken.insert((names.node)(v), v));
        Self { names, notation, taken }
    }

    fn write(&self, estimand: &Estimand, scope: &Scope, place: Place) -> String {
        let [open, close] = self.notation.brackets;
        match estimand {
            Estimand::P(p) => self.probability(p, scope),
            Estimand::Product(factors) if factors.is_empty() => "1".to_owned(),
            Estimand::Product(factors) => {
                let factors: Vec<String> = factors.iter().map(|f| self.write(f, scope, Place::Factor)).collect();
                factors.join(" ")
            }
            Estimand::Fraction { num, den } => {
                let [first, middle, last] = self.notation.quotient;
                let (num, den) = (self.write(num, scope, Place::Alone), self.write(den, scope, Place::Alone));
                let quotient = format!("{first}{num}{middle}{den}{last}");
                // A fraction bar is its own bracket.
                if place == Place::Alone || first.ends_with('{') {
                    quotient
                } else {
                    format!("{open}{quotient}{close}")
                }
            }
            Estimand::Sum { over, of } => {
                let mut inner = scope.clone();
                over.iter().for_each(|&v| _ = inner.0.insert(v, self.primes(v, scope)));
                let bound: Vec<String> = over.iter().map(|&v| self.name(v, &inner)).collect();
                let body = self.write(of, &inner, Place::Factor);
                let sum = format!("{}_{{{}}} {body}", self.notation.sum, bound.join(", "));
                if place == Place::Alone { sum } else { format!("{open}{sum}{close}") }
            }
        }
    }

    /// The fewest primes that make the name new in `scope`.
    fn primes(&self, v: usize, scope: &Scope) -> usize {
        let least = scope.0.get(&v).map_or(0, |&primes| primes + 1);
        let name = (self.names.node)(v);
        let clashes = |primes: &usize| *primes > 0 && self.taken.contains_key(&(name.clone() + &"'".repeat(*primes)));
        (least..).find(|primes| !clashes(primes)).unwrap_or(least)
    }

    fn name(&self, v: usize, scope: &Scope) -> String {
        let primes = scope.0.get(&v).copied().unwrap_or(0);
        let name = (self.notation.name)(&((self.names.node)(v) + &"'".repeat(primes)));
        match (self.names.value)(v) {
            None => name,
            Some(Value::String(label)) => format!("{name} = {}", (self.notation.name)(&label)),
            Some(value) => format!("{name} = {value}"),
        }
    }

    fn probability(&self, p: &Probability, scope: &Scope) -> String {
        let list = |nodes: &[usize]| nodes.iter().map(|&v| self.name(v, scope)).collect::<Vec<_>>().join(", ");
        let mut behind = vec![];
        if !p.interventions.is_empty() {
            behind.push(format!("{}({})", self.notation.intervene, list(&p.interventions)));
        }
        if !p.given.is_empty() {
            behind.push(list(&p.given));
        }
        match behind.is_empty() {
            true => format!("P({})", list(&p.of)),
            false => format!("P({}{}{})", list(&p.of), self.notation.given, behind.join(", ")),
        }
    }
}

fn mentioned(estimand: &Estimand, visit: &mut impl FnMut(usize)) {
    match estimand {
        Estimand::Sum { over, of } => {
            over.iter().for_each(|&v| visit(v));
            mentioned(of, visit);
        }
        Estimand::Product(factors) => factors.iter().for_each(|f| mentioned(f, visit)),
        Estimand::Fraction { num, den } => {
            mentioned(num, visit);
            mentioned(den, visit);
        }
        Estimand::P(p) => [&p.of, &p.given, &p.interventions].into_iter().flatten().for_each(|&v| visit(v)),
    }
}
