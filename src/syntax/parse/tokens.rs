//! Tokens, and ways through pest's pairs.

use crate::diag::Span;
use crate::syntax::ast::*;
use crate::syntax::grammar::Rule;
use pest::iterators::Pair;

/// A node of the parse.
pub(super) type Node<'a> = Pair<'a, Rule>;

pub(super) fn span(node: &Node) -> Span {
    let whole = node.as_span();
    Span::new(whole.start(), whole.start() + whole.as_str().trim_end().len())
}

pub(super) fn names(node: Node) -> Vec<Name> {
    parts(node).map(|n| name(&n)).collect()
}

pub(super) fn name(node: &Node) -> Name {
    let text = node.as_str().trim();
    let bare = text.strip_prefix('`').and_then(|t| t.strip_suffix('`')).unwrap_or(text);
    Spanned { value: bare.to_owned(), span: span(node) }
}

pub(super) fn string(node: &Node) -> Spanned<String> {
    let text = node.as_str();
    let mut value = String::with_capacity(text.len());
    let mut characters = text[1..text.len() - 1].chars();
    while let Some(c) = characters.next() {
        value.push(if c == '\\' { escaped(characters.next()) } else { c });
    }
    Spanned { value, span: span(node) }
}

pub(super) fn escaped(c: Option<char>) -> char {
    match c {
        Some('n') => '\n',
        Some('t') => '\t',
        Some(other) => other,
        None => '\\',
    }
}

pub(super) fn number(node: &Node) -> f64 {
    node.as_str().trim().parse().unwrap_or(f64::NAN)
}

pub(super) fn signum(node: &Node) -> f64 {
    if node.as_str() == "-" { -1.0 } else { 1.0 }
}

/// A node's children without the keywords.
pub(super) fn parts(node: Node) -> impl Iterator<Item = Node> {
    let keyword = |rule| {
        matches!(
            rule,
            Rule::kw_abs
                | Rule::kw_and
                | Rule::kw_as
                | Rule::kw_assert
                | Rule::kw_data
                | Rule::kw_dcm
                | Rule::kw_do
                | Rule::kw_else
                | Rule::kw_expect
                | Rule::kw_identifiable
                | Rule::kw_if
                | Rule::kw_import
                | Rule::kw_independent
                | Rule::kw_latent
                | Rule::kw_output
                | Rule::kw_pretrained
                | Rule::kw_query
                | Rule::kw_sample
                | Rule::kw_simulate
                | Rule::kw_table
                | Rule::kw_then
                | Rule::kw_train
                | Rule::kw_truth
                | Rule::kw_vs
        )
    };
    node.into_inner().filter(move |n| !keyword(n.as_rule()))
}

/// The grammar guarantees the children these two ask for.
pub(super) fn only(node: Node) -> Node {
    parts(node).next().expect("the grammar gives one child")
}

pub(super) fn next<'a>(nodes: &mut impl Iterator<Item = Node<'a>>) -> Node<'a> {
    nodes.next().expect("the grammar gives another child")
}
