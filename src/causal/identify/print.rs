//! Estimands and methods as text, LaTeX, MathML and JSON.
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

    /// Presentation MathML: what stands between `<math>` and `</math>`.
    pub fn mathml(&self, names: &Names) -> String {
        Printer::new(self, names, &MATHML).write(self, &Scope::of(self), Place::Alone)
    }

    /// Calls `visit` for every mention of a node, bound or free.
    pub fn mentions(&self, visit: &mut impl FnMut(usize)) {
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

/// How the parts of a formula are written.
struct Notation {
    name: fn(&str) -> String,
    /// `P(of | do(set), given)`: the lists as they are written.
    probability: fn(&[String], &[String], &[String]) -> String,
    product: fn(&[String]) -> String,
    sum: fn(&[String], &str) -> String,
    quotient: fn(&str, &str) -> String,
    brackets: fn(&str) -> String,
    /// Whether quotients among factors need brackets.
    bracketed: bool,
}

static TEXT: Notation = Notation {
    name: str::to_owned,
    probability: |of, set, given| probability(of, set, given, " | ", "do"),
    product: |factors| factors.join(" "),
    sum: |over, body| format!("Σ_{{{}}} {body}", over.join(", ")),
    quotient: |num, den| format!("({num}) / ({den})"),
    brackets: |body| format!("[{body}]"),
    bracketed: true,
};

static LATEX: Notation = Notation {
    name: latex_name,
    probability: |of, set, given| probability(of, set, given, " \\mid ", "\\operatorname{do}"),
    product: |factors| factors.join(" "),
    sum: |over, body| format!("\\sum_{{{}}} {body}", over.join(", ")),
    quotient: |num, den| format!("\\frac{{{num}}}{{{den}}}"),
    brackets: |body| format!("\\left[{body}\\right]"),
    bracketed: false,
};

static MATHML: Notation = Notation {
    name: mathml_name,
    probability: |of, set, given| {
        let list = |names: &[String]| names.join("<mo separator=\"true\">,</mo>");
        let mut behind = vec![];
        if !set.is_empty() {
            behind.push(format!("<mi>do</mi><mo>(</mo>{}<mo>)</mo>", list(set)));
        }
        if !given.is_empty() {
            behind.push(list(given));
        }
        let bar = if behind.is_empty() { "" } else { "<mo lspace=\"0.3em\" rspace=\"0.3em\">∣</mo>" };
        format!("<mrow><mi>P</mi><mo>(</mo>{}{bar}{}<mo>)</mo></mrow>", list(of), list(&behind))
    },
    product: |factors| factors.join("<mspace width=\"0.2em\"/>"),
    sum: |over, body| {
        let over = over.join("<mo separator=\"true\">,</mo>");
        format!("<mrow><munder><mo>∑</mo><mrow>{over}</mrow></munder>{body}</mrow>")
    },
    quotient: |num, den| format!("<mfrac><mrow>{num}</mrow><mrow>{den}</mrow></mfrac>"),
    brackets: |body| format!("<mrow><mo>[</mo>{body}<mo>]</mo></mrow>"),
    bracketed: false,
};

fn probability(of: &[String], set: &[String], given: &[String], bar: &str, intervene: &str) -> String {
    let mut behind = vec![];
    if !set.is_empty() {
        behind.push(format!("{intervene}({})", set.join(", ")));
    }
    if !given.is_empty() {
        behind.push(given.join(", "));
    }
    let bar = if behind.is_empty() { "" } else { bar };
    format!("P({}{bar}{})", of.join(", "), behind.join(", "))
}

/// Single letters with digits get a subscript; signs of XML are escaped.
fn mathml_name(name: &str) -> String {
    let bare = name.trim_end_matches('\'');
    let primes = "′".repeat(name.chars().count() - bare.chars().count());
    let text = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let core = match split(bare) {
        Some((letter, "")) => format!("<mi>{}</mi>", text(&letter.to_string())),
        Some((letter, digits)) => format!("<msub><mi>{}</mi><mn>{digits}</mn></msub>", text(&letter.to_string())),
        None => format!("<mi>{}</mi>", text(bare)),
    };
    if primes.is_empty() { core } else { format!("<mrow>{core}<mo lspace=\"0\" rspace=\"0\">{primes}</mo></mrow>") }
}

/// A single letter and the number behind it, which may be empty.
fn split(bare: &str) -> Option<(char, &str)> {
    let mut letters = bare.chars();
    let first = letters.next().filter(|c| c.is_alphabetic())?;
    let rest = letters.as_str();
    let digits = rest.strip_prefix('_').unwrap_or(rest);
    let numbered = !digits.is_empty() && digits.chars().all(|d| d.is_ascii_digit());
    (rest.is_empty() || numbered).then_some((first, digits))
}

/// Single letters with digits as `X_{1}`, other names upright; signs of LaTeX are escaped.
fn latex_name(name: &str) -> String {
    let bare = name.trim_end_matches('\'');
    let primes = &name[bare.len()..];
    let core = match split(bare) {
        Some((letter, "")) => letter.to_string(),
        Some((letter, digits)) => format!("{letter}_{{{digits}}}"),
        None => format!("\\mathit{{{}}}", bare.chars().map(escaped).collect::<String>()),
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
        let bracketed = |text: String, needed: bool| if needed { (self.notation.brackets)(&text) } else { text };
        match estimand {
            Estimand::P(p) => self.probability(p, scope),
            Estimand::Product(factors) if factors.is_empty() => "1".to_owned(),
            Estimand::Product(factors) => {
                let factors: Vec<String> = factors.iter().map(|f| self.write(f, scope, Place::Factor)).collect();
                (self.notation.product)(&factors)
            }
            Estimand::Fraction { num, den } => {
                let (num, den) = (self.write(num, scope, Place::Alone), self.write(den, scope, Place::Alone));
                let quotient = (self.notation.quotient)(&num, &den);
                bracketed(quotient, place == Place::Factor && self.notation.bracketed)
            }
            Estimand::Sum { over, of } => {
                let mut inner = scope.clone();
                over.iter().for_each(|&v| _ = inner.0.insert(v, self.primes(v, scope)));
                let bound: Vec<String> = over.iter().map(|&v| self.name(v, &inner)).collect();
                let body = self.write(of, &inner, Place::Factor);
                bracketed((self.notation.sum)(&bound, &body), place == Place::Factor)
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
        let list = |nodes: &[usize]| nodes.iter().map(|&v| self.name(v, scope)).collect::<Vec<_>>();
        (self.notation.probability)(&list(&p.of), &list(&p.interventions), &list(&p.given))
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
