//! `--set` for the truth block.

use crate::syntax::ast::{Argument, Ast, Expr, ExprKind, Spanned, StatementKind, TruthEntry};

/// Applies `--set truth.mnist=FILE` to the syntax tree: every `digit(…)` takes its digits from that file.
///
/// # Errors
/// What is wrong with the key, as a sentence.
pub fn set_truth(ast: &mut Ast, key: &str, value: &str) -> Result<(), String> {
    if key != "truth.mnist" {
        return Err(format!("there is no setting `{key}`; there is `truth.mnist`"));
    }
    let entries = ast.statements.iter_mut().filter_map(|s| match &mut s.kind {
        StatementKind::Truth(entries) => Some(entries),
        _ => None,
    });
    let mut found = false;
    for entry in entries.flatten() {
        let TruthEntry::Equation { expr: Expr { kind: ExprKind::Call(name, arguments), span }, .. } = entry else {
            continue;
        };
        if name.value == "digit" {
            found = true;
            arguments.retain(|a| a.name.as_ref().is_none_or(|n| n.value != "mnist"));
            let name = Some(Spanned { value: "mnist".to_owned(), span: *span });
            let value = Expr { kind: ExprKind::Text(value.to_owned()), span: *span };
            arguments.push(Argument { name, value });
        }
    }
    if found { Ok(()) } else { Err("no equation of the truth block is `digit(…)`".to_owned()) }
}
