//! Queries, and what is written, asserted and expected of them.

use super::blocks::{block, entry, scalar};
use super::data::assigned;
use super::graph::group;
use super::tokens::*;
use crate::syntax::ast::*;
use crate::syntax::grammar::Rule;

pub(super) fn query(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let query_name = name(&next(&mut inner));
    StatementKind::Query { name: query_name, form: query_form(next(&mut inner)) }
}

pub(super) fn query_form(node: Node) -> QueryForm {
    let form = only(node);
    match form.as_rule() {
        Rule::probability => QueryForm::Probability(term(only(form))),
        Rule::ate | Rule::ett | Rule::nde | Rule::nie | Rule::pn | Rule::ps => contrast(form),
        Rule::samples => {
            let mut inner = parts(form);
            QueryForm::Samples(term(next(&mut inner)), inner.map(entry).collect())
        }
        _ => combination(form),
    }
}

/// What is compared in `ATE(Y = y, X = treated vs untreated, M)` and its like.
struct Contrast {
    outcome: Name,
    /// `y` of `Y = y`.
    value: Option<Spanned<Scalar>>,
    cause: Name,
    treated: Spanned<Scalar>,
    untreated: Spanned<Scalar>,
    mediators: Vec<Name>,
}

/// The form that a named contrast stands for (Pearl, Causality, 2009, sections 4.5 and 9.2).
fn contrast(node: Node) -> QueryForm {
    let rule = node.as_rule();
    let mut inner = parts(node);
    let outcome = name(&next(&mut inner));
    let value = matches!(rule, Rule::pn | Rule::ps).then(|| scalar(next(&mut inner)));
    let cause = name(&next(&mut inner));
    let (treated, untreated) = (scalar(next(&mut inner)), scalar(next(&mut inner)));
    let c = Contrast { outcome, value, cause, treated, untreated, mediators: inner.map(|n| name(&n)).collect() };
    let (one, zero) = (&c.treated, &c.untreated);
    let difference = |first: Term, second: Term| QueryForm::Combination(vec![(1.0, first), (-1.0, second)], 0.0);
    let treated = vec![c.seen(&c.cause, vec![], Some(one), false)];
    match rule {
        Rule::ate => {
            let term = |value| Term {
                outcome: vec![c.seen(&c.outcome, vec![], None, false)],
                interventions: vec![c.seen(&c.cause, vec![], Some(value), false)],
                evidence: vec![],
            };
            difference(term(one), term(zero))
        }
        Rule::ett => {
            let term = |value| Term { evidence: treated.clone(), ..c.mean(vec![c.set(value)]) };
            difference(term(one), term(zero))
        }
        Rule::nde => difference(c.mean(c.with_mediators(one, zero)), c.mean(vec![c.set(zero)])),
        Rule::nie => difference(c.mean(c.with_mediators(zero, one)), c.mean(vec![c.set(zero)])),
        // Who was treated and had the outcome would not have had it; who neither, would.
        _ => {
            let necessity = rule == Rule::pn;
            let (now, then) = if necessity { (one, zero) } else { (zero, one) };
            let value = c.value.as_ref();
            QueryForm::Probability(Term {
                outcome: vec![c.seen(&c.outcome, vec![c.set(then)], value, necessity)],
                interventions: vec![],
                evidence: vec![
                    c.seen(&c.cause, vec![], Some(now), false),
                    c.seen(&c.outcome, vec![], value, !necessity),
                ],
            })
        }
    }
}

impl Contrast {
    fn seen(&self, name: &Name, world: Vec<WorldSetting>, value: Option<&Spanned<Scalar>>, other: bool) -> Assigned {
        Assigned { name: name.clone(), world, value: value.cloned(), bound: None, other }
    }

    fn set(&self, value: &Spanned<Scalar>) -> WorldSetting {
        WorldSetting { name: self.cause.clone(), value: Some(WorldValue::Constant(value.clone())) }
    }

    /// The cause at `value`, the mediators as they are where it is at `inside`.
    fn with_mediators(&self, value: &Spanned<Scalar>, inside: &Spanned<Scalar>) -> Vec<WorldSetting> {
        let mediator = |m: &Name| WorldSetting {
            name: m.clone(),
            value: Some(WorldValue::Potential(m.clone(), vec![self.set(inside)])),
        };
        [self.set(value)].into_iter().chain(self.mediators.iter().map(mediator)).collect()
    }

    fn mean(&self, world: Vec<WorldSetting>) -> Term {
        Term { outcome: vec![self.seen(&self.outcome, world, None, false)], ..Term::default() }
    }
}

pub(super) fn combination(node: Node) -> QueryForm {
    let (mut terms, mut constant, mut sign) = (vec![], 0.0, 1.0);
    let pieces = parts(node).flat_map(|n| match n.as_rule() {
        Rule::signed => parts(n).collect::<Vec<_>>(),
        _ => vec![n],
    });
    for part in pieces {
        if part.as_rule() == Rule::sign {
            sign = signum(&part);
            continue;
        }
        let (factor, asked) = scaled(part);
        match asked {
            Some(asked) => terms.push((sign * factor, asked)),
            None => constant += sign * factor,
        }
        sign = 1.0;
    }
    QueryForm::Combination(terms, constant)
}

/// `2 * E[…]`, `E[…] / 2`, `E[…]` or `2`: the factor and the term.
pub(super) fn scaled(node: Node) -> (f64, Option<Term>) {
    let (mut factor, mut asked, mut divide) = (1.0, None, false);
    for part in parts(node) {
        match part.as_rule() {
            Rule::number if divide => factor /= number(&part),
            Rule::number => factor *= number(&part),
            Rule::scale => divide = part.as_str() == "/",
            _ => asked = Some(term(only(part))),
        }
    }
    (factor, asked)
}

pub(super) fn term(node: Node) -> Term {
    let mut term = Term::default();
    for part in parts(node) {
        if part.as_rule() == Rule::event {
            term.outcome.push(assigned(part));
            continue;
        }
        let given = only(part);
        match given.as_rule() {
            Rule::do_clause => term.interventions.extend(parts(given).map(assigned)),
            _ => term.evidence.push(assigned(given)),
        }
    }
    term
}

pub(super) fn output(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let (query, path) = (name(&next(&mut inner)), string(&next(&mut inner)));
    StatementKind::Output { query, path, options: inner.next().map(block).unwrap_or_default() }
}

pub(super) fn claim(node: Node) -> Claim {
    if node.as_rule() == Rule::identifiable {
        let asked = only(node);
        return match asked.as_rule() {
            Rule::name => Claim::Identifiable(name(&asked)),
            _ => Claim::IdentifiableForm(query_form(asked)),
        };
    }
    let mut inner = parts(node);
    let (left, right) = (group(next(&mut inner)), group(next(&mut inner)));
    let (mut given, mut interventions) = (vec![], vec![]);
    for separator in inner.map(only) {
        match separator.as_rule() {
            Rule::do_names => interventions.extend(names(only(separator))),
            _ => given.extend(group(separator)),
        }
    }
    Claim::Independent { left, right, given, interventions }
}

pub(super) fn import(node: Node) -> StatementKind {
    let mut inner = parts(node);
    StatementKind::Import { path: string(&next(&mut inner)), alias: inner.next().map(|n| name(&n)) }
}

pub(super) fn expect(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let left = measure(next(&mut inner));
    let op = next(&mut inner);
    let op = Spanned { value: op.as_str().to_owned(), span: span(&op) };
    StatementKind::Expect { measure: left, op, bound: number(&next(&mut inner)) }
}

pub(super) fn measure(node: Node) -> Measure {
    let mut inner = parts(node);
    let mut left = atom(next(&mut inner));
    while let Some(sign) = inner.next() {
        left = Measure::Sum(Box::new(left), signum(&sign), Box::new(atom(next(&mut inner))));
    }
    left
}

pub(super) fn atom(node: Node) -> Measure {
    let form = only(node);
    match form.as_rule() {
        Rule::abs => Measure::Abs(Box::new(measure(only(form)))),
        Rule::measure => measure(form),
        Rule::number => Measure::Number(number(&form)),
        Rule::distance => {
            let mut inner = parts(form);
            let kind = next(&mut inner).as_str().to_owned();
            Measure::Distance { kind, query: name(&next(&mut inner)), reference: name(&next(&mut inner)) }
        }
        _ => {
            let mut inner = parts(form);
            Measure::Row { query: name(&next(&mut inner)), selection: inner.map(assigned).collect() }
        }
    }
}
