//! The truth block.

use super::blocks::scalar;
use super::graph::type_of;
use super::tokens::*;
use crate::syntax::ast::*;
use crate::syntax::grammar::Rule;
use pest::pratt_parser::{Assoc, Op, PrattParser};

pub(super) fn truth_entry(node: Node) -> TruthEntry {
    let rule = node.as_rule();
    let mut inner = parts(node);
    let first = next(&mut inner);
    match rule {
        Rule::truth_type => TruthEntry::Type(names(only(first)), type_of(next(&mut inner))),
        Rule::truth_table => {
            let parents = names(next(&mut inner));
            let rows = parts(next(&mut inner)).map(table_row).collect();
            TruthEntry::Table { name: name(&first), parents, rows }
        }
        _ => TruthEntry::Equation { name: name(&first), drawn: rule == Rule::draw, expr: expr(next(&mut inner)) },
    }
}

pub(super) fn table_row(node: Node) -> TableRow {
    let span = span(&node);
    let mut inner = parts(node);
    let key = parts(next(&mut inner)).map(scalar).collect();
    let probabilities = parts(next(&mut inner)).map(|n| number(&only(n))).collect();
    TableRow { key, probabilities, span }
}

pub(super) fn expr(node: Node) -> Expr {
    let form = only(node);
    if form.as_rule() == Rule::if_expr { if_expr(form) } else { operation(form) }
}

pub(super) fn if_expr(node: Node) -> Expr {
    let span = span(&node);
    let mut branches = parts(node).map(|n| Box::new(expr(n)));
    let mut take = || branches.next().expect("three parts");
    Expr { kind: ExprKind::If(take(), take(), take()), span }
}

pub(super) fn operation(node: Node) -> Expr {
    let pratt = PrattParser::new()
        .op(Op::infix(Rule::or, Assoc::Left))
        .op(Op::infix(Rule::xor, Assoc::Left))
        .op(Op::infix(Rule::and, Assoc::Left))
        .op(Op::prefix(Rule::not))
        .op(Op::infix(Rule::compare, Assoc::Left))
        .op(Op::infix(Rule::add, Assoc::Left))
        .op(Op::infix(Rule::multiply, Assoc::Left))
        .op(Op::prefix(Rule::minus));
    pratt
        .map_primary(primary)
        .map_prefix(|op, right| {
            let whole = span(&op).to(right.span);
            let unary = if op.as_rule() == Rule::not { Unary::Not } else { Unary::Minus };
            Expr { kind: ExprKind::Unary(unary, Box::new(right)), span: whole }
        })
        .map_infix(|left, op, right| {
            let whole = left.span.to(right.span);
            Expr { kind: ExprKind::Binary(binary(op.as_str()), Box::new(left), Box::new(right)), span: whole }
        })
        .parse(parts(node).map(|n| if matches!(n.as_rule(), Rule::infix | Rule::prefix) { only(n) } else { n }))
}

fn argument(node: Node) -> Argument {
    let mut inner = parts(node);
    let first = next(&mut inner);
    match inner.next() {
        Some(value) => Argument { name: Some(name(&first)), value: expr(value) },
        None => Argument { name: None, value: expr(first) },
    }
}

pub(super) fn binary(symbol: &str) -> Binary {
    match symbol {
        "or" => Binary::Or,
        "xor" => Binary::Xor,
        "and" => Binary::And,
        "==" => Binary::Eq,
        "!=" => Binary::Ne,
        "<" => Binary::Lt,
        "<=" => Binary::Le,
        ">" => Binary::Gt,
        ">=" => Binary::Ge,
        "+" => Binary::Add,
        "-" => Binary::Sub,
        "*" => Binary::Mul,
        "/" => Binary::Div,
        _ => Binary::Rem,
    }
}

pub(super) fn primary(node: Node) -> Expr {
    let whole = span(&node);
    let inner = only(node);
    let kind = match inner.as_rule() {
        Rule::unsigned => ExprKind::Number(number(&inner)),
        Rule::string => ExprKind::Text(string(&inner).value),
        Rule::name => ExprKind::Name(name(&inner).value),
        Rule::expr => return Expr { span: whole, ..expr(inner) },
        Rule::if_expr => return if_expr(inner),
        _ => {
            let mut children = parts(inner);
            ExprKind::Call(name(&next(&mut children)), children.map(argument).collect())
        }
    };
    Expr { kind, span: whole }
}
