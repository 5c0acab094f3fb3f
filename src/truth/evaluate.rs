//! The distribution of an expression, given values of the variables it names.

use super::expr::{Function, Term, TermKind};
use super::real::inverse;
use crate::diag::{Diagnostic, Span};
use crate::factor::coupled;
use crate::model::{Number, Value};
use crate::syntax::ast::{Binary, Unary};

/// What an expression can evaluate to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Number(f64),
    Label(String),
}

impl Item {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Int(n) => Self::Number(*n as f64),
            Value::Real(Number(x)) => Self::Number(*x),
            Value::Label(label) => Self::Label(label.clone()),
        }
    }
}

/// Values and their probabilities, each value once.
pub(super) type Distribution = Vec<(Item, f64)>;

/// More values than this in one expression is taken for a mistake.
const MAX_SUPPORT: usize = 100_000;

/// A value for each of several worlds, and the probability of all of them together; each list once.
pub(super) type Joint = Vec<(Vec<Item>, f64)>;

/// Values of variables: `(world, place)` to the value of the variable at that place of the scope.
pub(super) type Values<'a> = dyn Fn(usize, usize) -> Item + 'a;

/// The distribution of `term` where the variable at place `p` of the scope has the value `values(p)`.
/// All draws inside are independent of each other.
pub(super) fn distribution(term: &Term, values: &impl Fn(usize) -> Item) -> Result<Distribution, Diagnostic> {
    let joint = in_worlds(term, &[0], &|_, place| values(place))?;
    Ok(joint.into_iter().filter_map(|(mut items, p)| Some((items.pop()?, p))).collect())
}

/// The values of `term` in each of `worlds` at once: all worlds share the noise of each draw, which is put through the
/// inverse of the distribution function that the draw has there ([`coupled`]).
pub(super) fn in_worlds(term: &Term, worlds: &[usize], values: &Values) -> Result<Joint, Diagnostic> {
    let certain = |items: Vec<Item>| Ok(vec![(items, 1.0)]);
    match &term.kind {
        TermKind::Number(n) => certain(vec![Item::Number(*n); worlds.len()]),
        TermKind::Label(label) => certain(vec![Item::Label(label.clone()); worlds.len()]),
        TermKind::Variable(place) => certain(worlds.iter().map(|&world| values(world, *place)).collect()),
        TermKind::Unary(op, inner) => {
            let inner = in_worlds(inner, worlds, values)?;
            collect(inner.into_iter().map(|(items, p)| {
                let items: Result<_, _> = items.iter().map(|item| unary(*op, item, term.span)).collect();
                Ok((items?, p))
            }))
        }
        TermKind::Binary(op, left, right) => {
            let (left, right) = (in_worlds(left, worlds, values)?, in_worlds(right, worlds, values)?);
            let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (a, b)));
            collect(pairs.map(|(a, b)| {
                let items: Result<_, _> = a.0.iter().zip(&b.0).map(|(a, b)| binary(*op, a, b, term.span)).collect();
                Ok((items?, a.1 * b.1))
            }))
        }
        TermKind::If(test, then, otherwise) => {
            let mut mixture = vec![];
            for (holds, weight) in truths(test, worlds, values)? {
                let part = |yes: bool| -> Vec<usize> {
                    worlds.iter().zip(&holds).filter(|(_, holds)| **holds == yes).map(|(world, _)| *world).collect()
                };
                let (yes, no) = (in_worlds(then, &part(true), values)?, in_worlds(otherwise, &part(false), values)?);
                for (a, b) in yes.iter().flat_map(|a| no.iter().map(move |b| (a, b))) {
                    let (mut a_items, mut b_items) = (a.0.iter(), b.0.iter());
                    let items = holds.iter().filter_map(|&yes| if yes { a_items.next() } else { b_items.next() });
                    mixture.push(Ok((items.cloned().collect(), weight * a.1 * b.1)));
                }
            }
            collect(mixture.into_iter())
        }
        TermKind::Call(function, arguments) => call(*function, arguments, term.span, worlds, values),
    }
}

/// The value of `term` where each draw has a noise between 0 and 1, found by the draw's place in the text: its value is
/// the first whose distribution function is above the noise, as in [`in_worlds`].
pub(super) fn value(
    term: &Term,
    values: &impl Fn(usize) -> Item,
    noise: &impl Fn(usize) -> f64,
) -> Result<Item, Diagnostic> {
    let of = |inner: &Term| value(inner, values, noise);
    Ok(match &term.kind {
        TermKind::Number(n) => Item::Number(*n),
        TermKind::Label(label) => Item::Label(label.clone()),
        TermKind::Variable(place) => values(*place),
        TermKind::Unary(op, inner) => unary(*op, &of(inner)?, term.span)?,
        TermKind::Binary(op, left, right) => binary(*op, &of(left)?, &of(right)?, term.span)?,
        TermKind::If(test, then, _) if number(&of(test)?, test.span)? != 0.0 => of(then)?,
        TermKind::If(_, _, otherwise) => of(otherwise)?,
        TermKind::Call(function, arguments) => {
            let list = arguments.iter().map(|a| number(&of(a)?, a.span)).collect::<Result<Vec<f64>, _>>()?;
            if function.is_continuous() {
                return inverse(*function, &list, noise(term.span.start), term.span).map(Item::Number);
            }
            let drawn = apply(*function, &list, term.span)?;
            let distribution: Vec<f64> = drawn.iter().map(|d| d.1).collect();
            Item::Number(drawn[quantile(&distribution, || noise(term.span.start))].0)
        }
    })
}

/// The places in the text of everything that may be a draw.
pub(super) fn draws(term: &Term, found: &mut Vec<usize>) {
    match &term.kind {
        TermKind::Number(_) | TermKind::Label(_) | TermKind::Variable(_) => {}
        TermKind::Unary(_, inner) => draws(inner, found),
        TermKind::Binary(_, left, right) => {
            draws(left, found);
            draws(right, found);
        }
        TermKind::If(test, then, otherwise) => [test, then, otherwise].iter().for_each(|t| draws(t, found)),
        TermKind::Call(_, arguments) => {
            found.push(term.span.start);
            arguments.iter().for_each(|t| draws(t, found));
        }
    }
}

/// The place in a distribution where its distribution function passes the noise.
pub(super) fn quantile(distribution: &[f64], noise: impl FnOnce() -> f64) -> usize {
    if distribution.len() == 1 {
        return 0;
    }
    let mut left = noise();
    let found = distribution.iter().position(|&p| {
        left -= p;
        left < 0.0
    });
    // Rounding may leave a sliver above the last positive probability.
    found.or_else(|| distribution.iter().rposition(|&p| p > 0.0)).unwrap_or(0)
}

fn collect(items: impl Iterator<Item = Result<(Vec<Item>, f64), Diagnostic>>) -> Result<Joint, Diagnostic> {
    let mut merged: Joint = vec![];
    for found in items {
        let (items, p) = found?;
        match merged.iter_mut().find(|(other, _)| *other == items) {
            Some((_, total)) => *total += p,
            None => merged.push((items, p)),
        }
    }
    Ok(merged)
}

/// In which of the worlds `test` holds, with what probability (not zero).
fn truths(test: &Term, worlds: &[usize], values: &Values) -> Result<Vec<(Vec<bool>, f64)>, Diagnostic> {
    let mut merged: Vec<(Vec<bool>, f64)> = vec![];
    for (items, p) in in_worlds(test, worlds, values)?.into_iter().filter(|(_, p)| *p > 0.0) {
        let holds: Result<Vec<bool>, _> = items.iter().map(|i| Ok(number(i, test.span)? != 0.0)).collect();
        let holds = holds?;
        match merged.iter_mut().find(|(other, _)| *other == holds) {
            Some((_, total)) => *total += p,
            None => merged.push((holds, p)),
        }
    }
    Ok(merged)
}

fn call(
    function: Function,
    arguments: &[Term],
    span: Span,
    worlds: &[usize],
    values: &Values,
) -> Result<Joint, Diagnostic> {
    // Arguments may be random themselves: every combination of their values is a branch, with a list for each world.
    let mut branches: Vec<(Vec<Vec<f64>>, f64)> = vec![(vec![vec![]; worlds.len()], 1.0)];
    for argument in arguments {
        let mut extended = vec![];
        for (items, p) in in_worlds(argument, worlds, values)? {
            let numbers: Result<Vec<f64>, _> = items.iter().map(|item| number(item, argument.span)).collect();
            let numbers = numbers?;
            extended.extend(branches.iter().map(|(lists, weight)| {
                let longer = lists.iter().zip(&numbers).map(|(list, value)| [&list[..], &[*value]].concat());
                (longer.collect::<Vec<_>>(), weight * p)
            }));
        }
        branches = extended;
        if branches.len() > MAX_SUPPORT {
            return Err(Diagnostic::new("E0402", "this has too many possible values").label(span, "here"));
        }
    }
    let mut mixture = vec![];
    for (lists, weight) in branches {
        let drawn = lists.iter().map(|list| apply(function, list, span)).collect::<Result<Vec<_>, _>>()?;
        if let [only] = &drawn[..] {
            mixture.extend(only.iter().map(|&(value, p)| Ok((vec![Item::Number(value)], p * weight))));
            continue;
        }
        let distributions: Vec<Vec<f64>> = drawn.iter().map(|d| d.iter().map(|(_, p)| *p).collect()).collect();
        for (places, p) in coupled(&distributions.iter().map(Vec::as_slice).collect::<Vec<_>>()) {
            let items = places.iter().zip(&drawn).map(|(&at, drawn)| Item::Number(drawn[at].0)).collect();
            mixture.push(Ok((items, p * weight)));
        }
    }
    collect(mixture.into_iter())
}

fn apply(function: Function, list: &[f64], span: Span) -> Result<Vec<(f64, f64)>, Diagnostic> {
    let single = |value: f64| Ok(vec![(value, 1.0)]);
    match function {
        Function::Min => single(list.iter().copied().fold(f64::INFINITY, f64::min)),
        Function::Max => single(list.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        Function::Abs => single(list[0].abs()),
        Function::Floor => single(list[0].floor()),
        Function::Ceil => single(list[0].ceil()),
        Function::Round => single(list[0].round()),
        Function::Exp => single(list[0].exp()),
        Function::Log if list[0] > 0.0 => single(list[0].ln()),
        Function::Sqrt if list[0] >= 0.0 => single(list[0].sqrt()),
        Function::Log | Function::Sqrt => {
            let title = format!("{} has no logarithm or root", list[0]);
            Err(Diagnostic::new("E0404", title).label(span, "here"))
        }
        Function::Normal | Function::Uniform | Function::Exponential => {
            Err(Diagnostic::new("E0404", "a real number is drawn where values must be listed").label(span, "here"))
        }
        Function::Bernoulli => {
            let p = probability(list[0], span)?;
            Ok(vec![(1.0, p), (0.0, 1.0 - p)])
        }
        Function::UniformInt => uniform(list[0], list[1], span),
        Function::Binomial => binomial(list[0], probability(list[1], span)?, span),
        Function::Categorical => {
            let total: f64 = list.iter().sum();
            list.iter().try_for_each(|&p| probability(p, span).map(drop))?;
            if (total - 1.0).abs() > 1e-6 {
                return Err(sum_is_not_one(total, span));
            }
            Ok(list.iter().enumerate().map(|(k, &p)| (k as f64, p / total)).collect())
        }
    }
}

/// The diagnostic for probabilities that do not add up.
pub(super) fn sum_is_not_one(total: f64, span: Span) -> Diagnostic {
    Diagnostic::new("E0404", "these probabilities do not add up to 1").label(span, format!("their sum is {total}"))
}

fn probability(p: f64, span: Span) -> Result<f64, Diagnostic> {
    if (0.0..=1.0).contains(&p) {
        return Ok(p);
    }
    Err(Diagnostic::new("E0404", format!("{p} is not a probability")).label(span, "here"))
}

fn uniform(low: f64, high: f64, span: Span) -> Result<Vec<(f64, f64)>, Diagnostic> {
    let count = high - low + 1.0;
    if low.fract() != 0.0 || high.fract() != 0.0 || !(1.0..=MAX_SUPPORT as f64).contains(&count) {
        let title = format!("`uniform_int({low}, {high})` has no values");
        return Err(Diagnostic::new("E0403", title).label(span, "takes two whole numbers, the smaller first"));
    }
    Ok((0..count as usize).map(|k| (low + k as f64, 1.0 / count)).collect())
}

fn binomial(trials: f64, p: f64, span: Span) -> Result<Vec<(f64, f64)>, Diagnostic> {
    if trials.fract() != 0.0 || !(0.0..=1000.0).contains(&trials) {
        let title = format!("{trials} is not a number of trials");
        return Err(Diagnostic::new("E0404", title).label(span, "takes 0 to 1000 trials"));
    }
    let mut rows = vec![1.0];
    for _ in 0..trials as usize {
        let mut next = vec![0.0; rows.len() + 1];
        for (k, mass) in rows.iter().enumerate() {
            next[k] += mass * (1.0 - p);
            next[k + 1] += mass * p;
        }
        rows = next;
    }
    Ok(rows.into_iter().enumerate().map(|(k, mass)| (k as f64, mass)).collect())
}

fn number(item: &Item, span: Span) -> Result<f64, Diagnostic> {
    match item {
        Item::Number(n) => Ok(*n),
        Item::Label(label) => Err(Diagnostic::new("E0404", format!("`{label}` is a label, not a number"))
            .label(span, "a number is needed here")
            .help(format!("compare it: `X == {label}`"))),
    }
}

fn unary(op: Unary, item: &Item, span: Span) -> Result<Item, Diagnostic> {
    let value = number(item, span)?;
    Ok(Item::Number(match op {
        Unary::Not => f64::from(value == 0.0),
        Unary::Minus => -value,
    }))
}

fn binary(op: Binary, left: &Item, right: &Item, span: Span) -> Result<Item, Diagnostic> {
    let truth = |holds: bool| Ok(Item::Number(f64::from(holds)));
    match op {
        Binary::Eq => return truth(left == right),
        Binary::Ne => return truth(left != right),
        _ => {}
    }
    let (a, b) = (number(left, span)?, number(right, span)?);
    if b == 0.0 && matches!(op, Binary::Div | Binary::Rem) {
        return Err(Diagnostic::new("E0404", "division by zero").label(span, format!("{a} divided by 0")));
    }
    match op {
        Binary::Or => truth(a != 0.0 || b != 0.0),
        Binary::Xor => truth((a != 0.0) != (b != 0.0)),
        Binary::And => truth(a != 0.0 && b != 0.0),
        Binary::Lt => truth(a < b),
        Binary::Le => truth(a <= b),
        Binary::Gt => truth(a > b),
        Binary::Ge => truth(a >= b),
        Binary::Add => Ok(Item::Number(a + b)),
        Binary::Sub => Ok(Item::Number(a - b)),
        Binary::Mul => Ok(Item::Number(a * b)),
        Binary::Div => Ok(Item::Number(a / b)),
        _ => Ok(Item::Number(a.rem_euclid(b))),
    }
}
