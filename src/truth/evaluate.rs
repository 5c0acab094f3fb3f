//! The distribution of an expression, given values of the variables it names.

use super::expr::{Function, Term, TermKind};
use crate::diag::{Diagnostic, Span};
use crate::model::Value;
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
            Value::Label(label) => Self::Label(label.clone()),
        }
    }
}

/// Values and their probabilities, each value once.
pub(super) type Distribution = Vec<(Item, f64)>;

/// More values than this in one expression is taken for a mistake.
const MAX_SUPPORT: usize = 100_000;

/// The distribution of `term` where the variable at place `p` of the scope has the value `values(p)`.
/// All draws inside are independent of each other.
pub(super) fn distribution(term: &Term, values: &impl Fn(usize) -> Item) -> Result<Distribution, Diagnostic> {
    match &term.kind {
        TermKind::Number(n) => Ok(certain(Item::Number(*n))),
        TermKind::Label(label) => Ok(certain(Item::Label(label.clone()))),
        TermKind::Variable(place) => Ok(certain(values(*place))),
        TermKind::Unary(op, inner) => {
            let inner = distribution(inner, values)?;
            collect(inner.into_iter().map(|(item, p)| Ok((unary(*op, &item, term.span)?, p))))
        }
        TermKind::Binary(op, left, right) => {
            let (left, right) = (distribution(left, values)?, distribution(right, values)?);
            let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (a, b)));
            collect(pairs.map(|(a, b)| Ok((binary(*op, &a.0, &b.0, term.span)?, a.1 * b.1))))
        }
        TermKind::If(test, then, otherwise) => {
            let yes = probability_of_truth(test, values)?;
            let mut mixture = vec![];
            for (branch, weight) in [(then, yes), (otherwise, 1.0 - yes)] {
                if weight > 0.0 {
                    mixture.extend(distribution(branch, values)?.into_iter().map(|(item, p)| Ok((item, p * weight))));
                }
            }
            collect(mixture.into_iter())
        }
        TermKind::Call(function, arguments) => call(*function, arguments, term.span, values),
    }
}

fn certain(item: Item) -> Distribution {
    vec![(item, 1.0)]
}

fn collect(items: impl Iterator<Item = Result<(Item, f64), Diagnostic>>) -> Result<Distribution, Diagnostic> {
    let mut merged: Distribution = vec![];
    for found in items {
        let (item, p) = found?;
        match merged.iter_mut().find(|(other, _)| *other == item) {
            Some((_, total)) => *total += p,
            None => merged.push((item, p)),
        }
    }
    Ok(merged)
}

fn probability_of_truth(test: &Term, values: &impl Fn(usize) -> Item) -> Result<f64, Diagnostic> {
    let mut yes = 0.0;
    for (item, p) in distribution(test, values)? {
        if number(&item, test.span)? != 0.0 {
            yes += p;
        }
    }
    Ok(yes)
}

fn call(
    function: Function,
    arguments: &[Term],
    span: Span,
    values: &impl Fn(usize) -> Item,
) -> Result<Distribution, Diagnostic> {
    // Arguments may be random themselves: every combination of their values is a branch.
    let mut branches: Vec<(Vec<f64>, f64)> = vec![(vec![], 1.0)];
    for argument in arguments {
        let mut extended = vec![];
        for (item, p) in distribution(argument, values)? {
            let value = number(&item, argument.span)?;
            extended.extend(branches.iter().map(|(list, weight)| ([&list[..], &[value]].concat(), weight * p)));
        }
        branches = extended;
        if branches.len() > MAX_SUPPORT {
            return Err(Diagnostic::new("E0402", "this has too many possible values").label(span, "here"));
        }
    }
    let mut mixture = vec![];
    for (list, weight) in branches {
        mixture
            .extend(apply(function, &list, span)?.into_iter().map(|(value, p)| Ok((Item::Number(value), p * weight))));
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
