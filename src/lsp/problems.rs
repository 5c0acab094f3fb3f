//! Diagnostics as editors take them.

use super::places::{home, location, span};
use crate::diag::{Diagnostic, Severity};
use crate::ide::Analysis;
use lsp_server::{Message, Notification};
use serde_json::{Value, json};

/// The message that shows what is wrong with a document, in the place of what was shown before.
pub(super) fn publication(uri: &str, version: Option<i32>, diagnostics: Vec<Value>) -> Message {
    let mut params = json!({ "uri": uri, "diagnostics": diagnostics });
    if let Some(version) = version {
        params["version"] = version.into();
    }
    Message::Notification(Notification::new("textDocument/publishDiagnostics".to_owned(), params))
}

/// All of them; what stands in an imported file is shown where that is imported.
pub(super) fn problems(analysis: &Analysis, uri: &str, diagnostics: &[Diagnostic]) -> Vec<Value> {
    diagnostics.iter().map(|d| problem(analysis, uri, d)).collect()
}

/// One diagnostic: the primary place, the others as related places; notes and helps are lines of the message.
pub(super) fn problem(analysis: &Analysis, uri: &str, diagnostic: &Diagnostic) -> Value {
    let first = diagnostic.labels.first();
    let mut message = diagnostic.message.clone();
    if let Some(label) = first.filter(|l| !l.message.is_empty()) {
        message += &format!("\n{}", label.message);
    }
    diagnostic.notes.iter().for_each(|note| message += &format!("\nnote: {note}"));
    diagnostic.helps.iter().for_each(|help| message += &format!("\nhelp: {help}"));
    let imported = first.filter(|l| !analysis.is_home(l.span));
    let others = imported.into_iter().chain(diagnostic.labels.iter().skip(1));
    let related = |label: &crate::diag::Label| {
        Some(json!({ "location": location(analysis, uri, label.span)?, "message": label.message }))
    };
    let related: Vec<Value> = others.filter_map(related).collect();
    let whole = home(analysis).map_or(Value::Null, |file| super::places::range(file, 0..0));
    json!({
        "range": first.map_or(whole, |l| span(analysis, analysis.home(l.span))),
        "severity": match diagnostic.severity { Severity::Error => 1, Severity::Warning => 2, Severity::Note => 3 },
        "code": diagnostic.code,
        "source": "dcmc",
        "message": message,
        "relatedInformation": related,
    })
}
