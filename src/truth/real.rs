//! Real numbers in a truth block: draws from continuous distributions, and the noise behind a value that is known.

use super::evaluate::{Item, value};
use super::expr::{Function, Term, TermKind};
use super::{Kind, Node, Scm};
use crate::diag::{Diagnostic, Span};
use crate::model::Value;
use crate::syntax::ast::{Binary, Unary};
use rand::Rng;
use statrs::function::erf::{erf_inv, erfc};
use std::f64::consts::{PI, SQRT_2};

/// Individuals that are drawn to see whether the equations can be.
const TRIALS: usize = 200;
/// Standard normal numbers beyond this are not looked for.
const FARTHEST: f64 = 8.0;

impl Function {
    /// Whether it draws from a continuous distribution.
    pub(super) fn is_continuous(self) -> bool {
        matches!(self, Self::Normal | Self::Uniform | Self::Exponential)
    }
}

impl Term {
    /// Whether a draw from a continuous distribution is in it.
    pub(super) fn is_continuous(&self) -> bool {
        let mut places = vec![];
        continuous(self, &mut places);
        !places.is_empty()
    }

    /// The values that it has whatever the numbers in it are; `None` where that cannot be seen from its form.
    pub(super) fn support(&self) -> Option<Vec<Value>> {
        let whole = |count: usize| Some((0..count as i64).map(Value::Int).collect());
        match &self.kind {
            TermKind::Unary(Unary::Not, _) | TermKind::Call(Function::Bernoulli, _) => whole(2),
            TermKind::Call(Function::Categorical, list) => whole(list.len()),
            TermKind::Binary(op, ..) => match op {
                Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => None,
                _ => whole(2),
            },
            TermKind::If(_, then, otherwise) => {
                let (a, b) = (then.support()?, otherwise.support()?);
                Some(if a.len() > b.len() { a } else { b })
            }
            _ => None,
        }
    }
}

/// The places in the text of the draws from continuous distributions.
fn continuous(term: &Term, found: &mut Vec<usize>) {
    match &term.kind {
        TermKind::Number(_) | TermKind::Label(_) | TermKind::Variable(_) => {}
        TermKind::Unary(_, inner) => continuous(inner, found),
        TermKind::Binary(_, left, right) => {
            continuous(left, found);
            continuous(right, found);
        }
        TermKind::If(test, then, otherwise) => [test, then, otherwise].iter().for_each(|t| continuous(t, found)),
        TermKind::Call(function, arguments) => {
            if function.is_continuous() {
                found.push(term.span.start);
            }
            arguments.iter().for_each(|t| continuous(t, found));
        }
    }
}

/// The value of a continuous distribution whose distribution function is `noise` there.
pub(super) fn inverse(function: Function, list: &[f64], noise: f64, span: Span) -> Result<f64, Diagnostic> {
    let share = noise.clamp(1e-16, 1.0 - 1e-16);
    let wrong = |title: &str, usage: &str| Err(Diagnostic::new("E0404", title).label(span, usage.to_owned()));
    match (function, list) {
        (Function::Normal, &[mean, deviation]) if deviation >= 0.0 => {
            Ok(mean + deviation * SQRT_2 * erf_inv(2.0 * share - 1.0))
        }
        (Function::Uniform, &[low, high]) if low <= high => Ok(low + (high - low) * noise),
        (Function::Exponential, &[rate]) if rate > 0.0 => Ok(-(-share).ln_1p() / rate),
        (Function::Normal, _) => wrong("a standard deviation cannot be negative", "normal(mean, standard deviation)"),
        (Function::Uniform, _) => wrong("`uniform` needs the smaller number first", "uniform(a, b)"),
        _ => wrong("a rate is more than 0", "exponential(rate)"),
    }
}

impl Node {
    /// Whether its values are real numbers, whose codes are the bits of an `f32`.
    pub(super) fn is_real(&self) -> bool {
        matches!(self.kind, Kind::Drawn) && self.values.is_empty()
    }

    /// The value with a code.
    pub(super) fn item(&self, code: u32) -> Item {
        match self.values.get(code as usize) {
            Some(value) if !self.is_real() => Item::of(value),
            _ => Item::Number(f64::from(f32::from_bits(code))),
        }
    }

    /// The code of what its expression gives where its parents have these values and its draws this noise.
    pub(super) fn drawn(
        &self,
        parent: &dyn Fn(usize) -> Item,
        noise: &dyn Fn(usize) -> f64,
    ) -> Result<u32, Diagnostic> {
        let Some(expression) = &self.expression else { return Ok(0) };
        let of = |place: usize| parent(expression.places.iter().position(|p| *p == place).unwrap_or(0));
        let item = value(&expression.term, &of, &noise)?;
        let found = match (&item, self.is_real()) {
            (Item::Number(x), true) => Some(*x as f32 + 0.0).filter(|x| x.is_finite()).map(f32::to_bits),
            (_, true) => None,
            (item, false) => super::build::code_of(item, &self.values).map(|code| code as u32),
        };
        found.ok_or_else(|| {
            let text = match &item {
                Item::Number(x) => x.to_string(),
                Item::Label(label) => label.clone(),
            };
            let title = format!("the truth block gives {text}, which is not a value of this variable");
            Diagnostic::new("E0404", title).label(expression.term.span, "drawn here")
        })
    }

    /// Moves the noise of one draw to where the node has the real value `known`; the density of that value given its
    /// parents and the other draws. It is the first continuous draw that the value only grows or only falls with;
    /// `Err` where there is none, `None` where the value is out of reach.
    pub(super) fn explain(
        &self,
        parent: &dyn Fn(usize) -> Item,
        noise: &mut [(usize, f64)],
        known: f64,
    ) -> Result<Option<f64>, ()> {
        let Some(expression) = &self.expression else { return Err(()) };
        let mut places = vec![];
        continuous(&expression.term, &mut places);
        let others = noise.to_vec();
        for place in places {
            let at = |number: f64| {
                let of = |at: usize| others.iter().find(|d| d.0 == at).map_or(0.0, |d| d.1);
                let moved = |at: usize| if at == place { normal_share(number) } else { of(at) };
                let position = |place: usize| parent(expression.places.iter().position(|p| *p == place).unwrap_or(0));
                match value(&expression.term, &position, &moved) {
                    Ok(Item::Number(x)) => x,
                    _ => f64::NAN,
                }
            };
            let grid = [-FARTHEST, -3.0, -1.0, 0.0, 1.0, 3.0, FARTHEST].map(at);
            let rises = grid.windows(2).all(|w| w[0] < w[1]);
            if !rises && !grid.windows(2).all(|w| w[0] > w[1]) {
                continue;
            }
            let Some(number) = root(&|number| at(number) - known, (-FARTHEST, FARTHEST)) else { return Ok(None) };
            let slope = ((at(number + 1e-4) - at(number - 1e-4)) / 2e-4).abs();
            noise.iter_mut().filter(|d| d.0 == place).for_each(|d| d.1 = normal_share(number));
            let density = (-0.5 * number * number).exp() / (2.0 * PI).sqrt();
            return Ok(Some(density / slope).filter(|density| density.is_finite()));
        }
        Err(())
    }
}

/// The standard normal distribution function.
fn normal_share(number: f64) -> f64 {
    0.5 * erfc(-number / SQRT_2)
}

/// Where a monotone function is zero, if it is between the ends: regula falsi that halves the value of an end that
/// stays (Dowell & Jarratt 1971, *A modified regula falsi method*).
fn root(f: &dyn Fn(f64) -> f64, (mut a, mut b): (f64, f64)) -> Option<f64> {
    let (mut fa, mut fb) = (f(a), f(b));
    let apart = fa * fb < 0.0;
    if !apart {
        return None;
    }
    for _ in 0..200 {
        let c = (a * fb - b * fa) / (fb - fa);
        let fc = f(c);
        if fc == 0.0 || (b - a).abs() < 1e-10 {
            return Some(c);
        }
        if fc * fb < 0.0 {
            (a, fa) = (b, fb);
        } else {
            fa *= 0.5;
        }
        if (c - b).abs() < 1e-12 {
            return Some(c);
        }
        (b, fb) = (c, fc);
    }
    Some(b)
}

impl Scm {
    /// Whether some variable is drawn without a table.
    pub(super) fn has_drawn(&self, relevant: &[bool]) -> bool {
        self.nodes.iter().zip(relevant).any(|(node, relevant)| *relevant && matches!(node.kind, Kind::Drawn))
    }

    /// Draws some individuals, to find what goes wrong in equations that are not enumerated.
    pub(super) fn try_out(&self) -> Result<(), Diagnostic> {
        if !self.has_drawn(&vec![true; self.nodes.len()]) {
            return Ok(());
        }
        let mut rng = crate::seed::stream(0, "truth/trial");
        for _ in 0..TRIALS {
            let mut codes: Vec<u32> = vec![];
            for node in &self.nodes {
                codes.push(match node.kind {
                    Kind::Drawn => self.draw_number(node, &|p| codes[p], &mut rng)?,
                    Kind::Table => self.draw(node, |p| codes[p] as usize, &mut rng),
                    Kind::Image(_) | Kind::Class(_) => 0,
                });
            }
        }
        Ok(())
    }

    /// Draws a node that has no table; the code of its value.
    pub(super) fn draw_number(
        &self,
        node: &Node,
        code: &dyn Fn(usize) -> u32,
        rng: &mut impl Rng,
    ) -> Result<u32, Diagnostic> {
        let mut places = vec![];
        node.expression.iter().for_each(|e| super::evaluate::draws(&e.term, &mut places));
        let noise: Vec<(usize, f64)> = places.into_iter().map(|place| (place, rng.random())).collect();
        let parent = |at: usize| self.nodes[node.parents[at]].item(code(node.parents[at]));
        node.drawn(&parent, &|place| noise.iter().find(|d| d.0 == place).map_or(0.0, |d| d.1))
    }
}
