//! From pest's pairs to the syntax tree.

mod blocks;
mod data;
mod graph;
mod query;
mod tokens;
mod truth;

use super::ast::*;
use super::explain;
use super::grammar::{Rule, ScmParser};
use crate::diag::{Diagnostic, Span};
use data::{data, train};
use graph::{declaration, edges, edition, group, latent};
use pest::Parser;
use query::{claim, expect, import, output, query, query_form};
use tokens::{Node, only, parts, span};
use truth::truth_entry;

/// How many operators one line of a truth block, or an expectation, may have: its tree is as deep as they are many.
const MAX_OPERATORS: usize = 2_000;

/// How deep brackets and prefix operators may nest before the parser refuses to follow (its own stack is finite).
const MAX_DEPTH: usize = 200;

/// Reads a file. Statements that cannot be read are reported and left out of the tree.
pub fn parse(text: &str) -> (Ast, Vec<Diagnostic>) {
    if let Some(problem) = explain::too_deep(text, MAX_DEPTH) {
        return (Ast::default(), vec![problem]);
    }
    let file = match ScmParser::parse(Rule::file, text) {
        Ok(mut pairs) => pairs.next(),
        Err(error) => return (Ast::default(), vec![explain::unreadable(text, &error)]),
    };
    let mut ast = Ast::default();
    let mut diagnostics = vec![];
    // Where a truth block ends that could not be read as a whole, and whether it is closed there.
    let (mut truth_end, mut truth_closed) = (0, false);
    for node in file.into_iter().flat_map(Node::into_inner) {
        match node.as_rule() {
            Rule::EOI => {}
            Rule::edition => ast.edition = Some(edition(node)),
            // The lines of a truth block that could not be read as a whole.
            Rule::unknown if span(&node).start < truth_end => {
                let line = node.as_str();
                if !line.starts_with('}') && !explain::is_equation(line) {
                    let explain = if truth_closed { explain::truth_entry } else { explain::statement };
                    diagnostics.push(explain(text, span(&node)));
                }
            }
            Rule::unknown => {
                let (line, place) = (node.as_str(), span(&node));
                let found = explain::statement(text, place);
                if found.code == "E0104" && line.starts_with("truth") {
                    let closed = explain::end_of_truth(text, line, place.start);
                    (truth_end, truth_closed) = (closed.unwrap_or(text.len()), closed.is_some());
                    // A block that is closed has its mistake further down.
                    if truth_closed && line.trim_end().ends_with('{') {
                        continue;
                    }
                }
                diagnostics.push(found);
            }
            _ => {
                let span = Span::new(span(&node).start, span(&node).start + explain::length(node.as_str()));
                let mut unread = unread_entries(&node);
                if let Some(place) = too_many_operators(&node) {
                    diagnostics.push(explain::too_many_operators(place, MAX_OPERATORS));
                } else if unread.is_empty() {
                    ast.statements.push(Statement { kind: statement(node), span });
                } else {
                    diagnostics.extend(unread.drain(..).map(|s| explain::truth_entry(text, s)));
                }
            }
        }
    }
    (ast, diagnostics)
}

/// Reads a file whose text begins at `start` of the sources: all places are counted from there.
pub(super) fn parse_at(text: &str, start: usize) -> (Ast, Vec<Diagnostic>) {
    parse(&placed_at(text, start))
}

/// As [`parse_query`], for a text that begins at `start` of the sources.
///
/// # Errors
/// What is wrong with it.
pub fn parse_query_at(text: &str, start: usize) -> Result<QueryForm, Vec<Diagnostic>> {
    parse_query(&placed_at(text, start))
}

/// As much space before the text as there is text before it puts every place where it belongs.
fn placed_at(text: &str, start: usize) -> String {
    " ".repeat(start) + text
}

/// Reads a query alone, e.g. `P(A | do(D = 1))`.
///
/// # Errors
/// What is wrong with it; places are bytes of `text`.
pub fn parse_query(text: &str) -> Result<QueryForm, Vec<Diagnostic>> {
    if let Some(problem) = explain::too_deep(text, MAX_DEPTH) {
        return Err(vec![problem]);
    }
    match ScmParser::parse(Rule::one_query_form, text).ok().and_then(|mut pairs| pairs.next()) {
        Some(node) => Ok(query_form(only(node))),
        None => Err(vec![explain::query(text)]),
    }
}

/// Whether brackets nest deeper than the parser follows.
pub(super) fn is_too_deep(text: &str) -> bool {
    explain::too_deep(text, MAX_DEPTH).is_some()
}

/// The lines of a truth block that fit no form.
fn unread_entries(node: &Node) -> Vec<Span> {
    if node.as_rule() != Rule::truth {
        return vec![];
    }
    let entries = node.clone().into_inner().flat_map(Node::into_inner);
    entries.filter(|n| n.as_rule() == Rule::truth_unknown).map(|n| span(&n)).collect()
}

/// The first line of a truth block, or the expectation, with too many operators.
fn too_many_operators(node: &Node) -> Option<Span> {
    let lines: Vec<Node> = match node.as_rule() {
        Rule::expect => vec![node.clone()],
        _ => node.clone().into_inner().filter(|n| n.as_rule() == Rule::truth_entry).collect(),
    };
    let operators = |n: &Node| {
        let all = n.clone().into_inner().flatten();
        all.filter(|n| matches!(n.as_rule(), Rule::infix | Rule::prefix | Rule::if_expr | Rule::sign)).count()
    };
    lines.iter().find(|n| operators(n) > MAX_OPERATORS).map(span)
}

fn statement(node: Node) -> StatementKind {
    match node.as_rule() {
        Rule::edges => edges(node),
        Rule::latent => latent(node),
        Rule::bare => StatementKind::Bare(parts(node).flat_map(group).collect()),
        Rule::declaration => declaration(node),
        Rule::data => StatementKind::Data(data(node)),
        Rule::truth => StatementKind::Truth(parts(node).map(|n| truth_entry(only(n))).collect()),
        Rule::train => train(node),
        Rule::query => query(node),
        Rule::output => output(node),
        Rule::expect => expect(node),
        Rule::assertion => StatementKind::Assert(claim(only(node))),
        Rule::import => import(node),
        rule => unreachable!("{rule:?} is no statement"),
    }
}
