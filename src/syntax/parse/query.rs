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
        Rule::ate => average_effect(form),
        Rule::samples => {
            let mut inner = parts(form);
            QueryForm::Samples(term(next(&mut inner)), inner.map(entry).collect())
        }
        _ => combination(form),
    }
}

/// `ATE(A, D = 1 vs 0)` stands for `E[A | do(D = 1)] - E[A | do(D = 0)]`.
pub(super) fn average_effect(node: Node) -> QueryForm {
    let mut inner = parts(node);
    let (outcome, cause) = (name(&next(&mut inner)), name(&next(&mut inner)));
    let terms = inner.zip([1.0, -1.0]).map(|(value, sign)| {
        let set = Assigned { name: cause.clone(), world: vec![], value: Some(scalar(value)) };
        let asked = Assigned { name: outcome.clone(), world: vec![], value: None };
        (sign, Term { outcome: vec![asked], interventions: vec![set], evidence: vec![] })
    });
    QueryForm::Combination(terms.collect(), 0.0)
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
