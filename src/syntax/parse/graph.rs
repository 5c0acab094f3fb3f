//! Edges, hidden causes and declarations.

use super::blocks::block;
use super::tokens::*;
use crate::syntax::ast::*;
use crate::syntax::grammar::Rule;

pub(super) fn edition(node: Node) -> Edition {
    let mut inner = parts(node);
    let number = next(&mut inner);
    let value = number.as_str().parse().unwrap_or(i64::MAX);
    Edition { number: Spanned { value, span: span(&number) }, title: inner.next().map(|n| string(&n).value) }
}

pub(super) fn edges(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let first = group(next(&mut inner));
    let mut rest = vec![];
    while let Some(symbol) = inner.next() {
        rest.push((arrow(symbol), group(next(&mut inner))));
    }
    StatementKind::Edges { first, rest }
}

pub(super) fn arrow(node: Node) -> Spanned<Arrow> {
    let span = span(&node);
    let value = match only(node).as_rule() {
        Rule::right_arrow => Arrow::Right,
        Rule::left_arrow => Arrow::Left,
        _ => Arrow::Hidden,
    };
    Spanned { value, span }
}

pub(super) fn group(node: Node) -> Vec<Name> {
    let inner = only(node);
    if inner.as_rule() == Rule::set { parts(inner).map(|n| name(&n)).collect() } else { vec![name(&inner)] }
}

pub(super) fn latent(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let names = names(next(&mut inner));
    inner.next();
    StatementKind::Latent { names, children: inner.next().map(group).unwrap_or_default() }
}

pub(super) fn declaration(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let names = names(only(next(&mut inner)));
    let type_ = type_of(next(&mut inner));
    let (mut pretrained, mut braces) = (None, None);
    for part in inner {
        match part.as_rule() {
            Rule::pretrained => pretrained = Some(string(&only(part))),
            _ => braces = Some(block(part)),
        }
    }
    StatementKind::Declaration { names, type_, pretrained, block: braces }
}

pub(super) fn type_of(node: Node) -> Type {
    let form = only(node);
    if form.as_rule() == Rule::type_name {
        return Type { name: name(&form), arguments: TypeArguments::None, span: span(&form) };
    }
    sized(form)
}

/// A type's name with what follows it.
pub(super) fn sized(node: Node) -> Type {
    let (whole, rule) = (span(&node), node.as_rule());
    // `real[..10]`: nothing stands between the bracket and the dots.
    let open_below = node.as_str().split_once("..").is_some_and(|(before, _)| before.trim_end().ends_with('['));
    let mut inner = parts(node);
    let type_name = name(&next(&mut inner));
    let arguments = match rule {
        Rule::labels => TypeArguments::Labels(inner.map(|l| scalar_name(only(l))).collect()),
        _ => {
            let sizes: Vec<i64> = inner.map(|n| n.as_str().parse().unwrap_or(i64::MAX)).collect();
            match sizes[..] {
                _ if rule != Rule::range => TypeArguments::Sizes(sizes),
                [low, high] => TypeArguments::Range(Some(low), Some(high)),
                [low] if !open_below => TypeArguments::Range(Some(low), None),
                _ => TypeArguments::Range(None, sizes.first().copied()),
            }
        }
    };
    Type { name: type_name, arguments, span: whole }
}

pub(super) fn scalar_name(node: Node) -> Name {
    match node.as_rule() {
        Rule::string => string(&node),
        _ => name(&node),
    }
}
