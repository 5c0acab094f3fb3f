//! Diagnostics for programs, as JSON.

use super::{Diagnostic, Sources, Span, format, human};
use serde_json::{Value, json};

/// The diagnostics as one JSON object.
pub fn render_json(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    render_json_limited(diagnostics, sources, 0)
}

/// The diagnostics as one JSON object, at most `limit` of them (0: all); `left_out` says how many are not in it.
pub fn render_json_limited(diagnostics: &[Diagnostic], sources: &Sources, limit: usize) -> Value {
    let shown = format::select(diagnostics, limit);
    let left_out = diagnostics.len() - shown.len();
    let mut whole = json!({ "schema": 1, "diagnostics": objects(&shown, sources) });
    if left_out > 0 {
        whole["left_out"] = left_out.into();
    }
    whole
}

/// One object a line; a last line says how many are left out, if any.
pub(super) fn lines(diagnostics: &[&Diagnostic], sources: &Sources, left_out: usize) -> String {
    let mut text: String = objects(diagnostics, sources).iter().map(|object| format!("{object}\n")).collect();
    if left_out > 0 {
        text += &format!("{}\n", json!({ "left_out": left_out }));
    }
    text
}

/// Each diagnostic with its places as files, byte ranges of the file, lines and columns (from 1, in characters).
fn objects(diagnostics: &[&Diagnostic], sources: &Sources) -> Vec<Value> {
    let rendered = human::each(diagnostics, sources, false);
    diagnostics.iter().zip(rendered).map(|(d, text)| object(d, sources, text)).collect()
}

fn object(diagnostic: &Diagnostic, sources: &Sources, rendered: String) -> Value {
    let mut object = json!(diagnostic);
    if let Some(label) = diagnostic.labels.first() {
        put_place(&mut object, sources, label.span);
    }
    for (label, written) in array(&mut object["labels"]).zip(&diagnostic.labels) {
        put_place(label, sources, written.span);
    }
    for (fix, written) in array(&mut object["fixes"]).zip(&diagnostic.fixes) {
        for (edit, written) in array(&mut fix["edits"]).zip(&written.edits) {
            put_place(edit, sources, written.span);
        }
    }
    object["rendered"] = rendered.into();
    object
}

fn array(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_array_mut().into_iter().flatten()
}

fn put_place(object: &mut Value, sources: &Sources, span: Span) {
    let Some((file, range)) = sources.locate(span) else { return };
    let (start, end) = (file.position(range.start), file.position(range.end));
    object["file"] = file.name.as_str().into();
    object["span"] = json!({ "start": range.start, "end": range.end });
    object["line"] = start.line.into();
    object["column"] = start.column.into();
    object["end_line"] = end.line.into();
    object["end_column"] = end.column.into();
}
