//! Reading a text again after a small change: only the statements around the change are read, the others move.

use super::ast::Ast;
use super::parse::parse;
use super::shift::Shift;
use crate::diag::Diagnostic;

/// Statements on either side of the change that are read again: a change can join a statement to the one beside it.
const MARGIN: usize = 2;

/// As [`parse`] for a `text` that is like `old`, whose tree is `tree` and in which nothing was wrong.
pub fn reparse(old: &str, tree: &Ast, text: &str) -> (Ast, Vec<Diagnostic>) {
    incremental(old, tree, text).unwrap_or_else(|| parse(text))
}

/// `None` where the statements around the change do not tell.
fn incremental(old: &str, tree: &Ast, text: &str) -> Option<(Ast, Vec<Diagnostic>)> {
    let statements = &tree.statements;
    let same = |(a, b): &(u8, u8)| a == b;
    let before = old.bytes().zip(text.bytes()).take_while(same).count();
    let rest = old.len().min(text.len()) - before;
    let after = old.bytes().rev().zip(text.bytes().rev()).take(rest).take_while(same).count();
    let moved = text.len() as isize - old.len() as isize;
    let first = statements.partition_point(|s| s.span.end < before).saturating_sub(MARGIN);
    let last = statements.partition_point(|s| s.span.start <= old.len() - after) + MARGIN;
    let from = if first == 0 { 0 } else { statements.get(first)?.span.start };
    let to = statements.get(last).map_or(text.len(), |s| s.span.start.saturating_add_signed(moved));
    let changed = text.get(from..to)?;
    let (mut middle, mut found) = parse(changed);
    // What a bracket without its partner means, the whole text says; and an edition stands only at its start.
    if (!found.is_empty() && !is_balanced(changed)) || (first > 0 && middle.edition.is_some()) {
        return None;
    }
    let shift = Shift(from as isize);
    middle.statements.iter_mut().for_each(|s| shift.statement(s));
    middle.edition.iter_mut().for_each(|e| shift.edition(e));
    found.iter_mut().for_each(|d| shift.diagnostic(d));
    let mut all = Vec::with_capacity(statements.len() + 1);
    all.extend_from_slice(&statements[..first]);
    all.append(&mut middle.statements);
    let kept = all.len();
    all.extend_from_slice(statements.get(last..).unwrap_or_default());
    all[kept..].iter_mut().for_each(|s| Shift(moved).statement(s));
    let edition = if first == 0 { middle.edition } else { tree.edition.clone() };
    Some((Ast { edition, statements: all, imports: vec![] }, found))
}

/// Whether brackets come in pairs, those in comments and strings too.
fn is_balanced(text: &str) -> bool {
    let mut open = vec![];
    for c in text.chars() {
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.pop() != Some(c) => return false,
            _ => {}
        }
    }
    open.is_empty()
}
