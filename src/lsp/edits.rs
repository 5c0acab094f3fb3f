//! Answers that change texts.

use super::document::Document;
use super::places::{home, range, span, uri_of};
use super::problems::problem;
use super::requests::nothing;
use crate::diag::{Diagnostic, Fix, Span, fix};
use crate::ide::{self, Analysis, Slow};
use crate::syntax;
use serde_json::{Map, Value, json};

/// The edit that lays the document out; none where it cannot be read or is as it should be.
pub(super) fn format(analysis: &Analysis) -> Value {
    let (Some(file), Ok(new)) = (home(analysis), syntax::format(analysis.text())) else { return nothing() };
    let old = &file.text;
    if *old == new {
        return nothing();
    }
    let same = |(a, b): &(char, char)| a == b;
    let before: usize = old.chars().zip(new.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let rest = (old[before..].chars().rev(), new[before..].chars().rev());
    let after: usize = rest.0.zip(rest.1).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let part = range(file, before..old.len() - after);
    json!([{ "range": part, "newText": new[before..new.len() - after] }])
}

/// The repairs of what is wrong in a part of the model file, and all of them at once.
pub(super) fn actions(
    analysis: &Analysis,
    slow: Option<&Slow>,
    document: &Document,
    part: Span,
    only: Option<&[String]>,
) -> Value {
    let wanted =
        |kind: &str| only.is_none_or(|list| list.iter().any(|o| kind == o || kind.starts_with(&format!("{o}."))));
    let all = slow.map_or(&analysis.program.diagnostics, |s| &s.diagnostics);
    let mut found = vec![];
    let here = |d: &&Diagnostic| {
        let place = d.labels.first().map(|l| analysis.home(l.span)).unwrap_or_default();
        place.start <= part.end && part.start <= place.end
    };
    for diagnostic in all.iter().filter(here).filter(|_| wanted("quickfix")) {
        for (at, repair) in diagnostic.fixes.iter().enumerate() {
            let Some(edit) = repair_edit(analysis, document, repair) else { continue };
            found.push(json!({
                "title": sentence(&repair.title), "kind": "quickfix", "isPreferred": at == 0, "edit": edit,
                "diagnostics": [problem(analysis, &document.uri, diagnostic)],
            }));
        }
    }
    if wanted("source.fixAll.dcmc") && all.iter().any(|d| !d.fixes.is_empty()) {
        let sources = &analysis.program.sources;
        let (texts, made) = fix::apply(all, sources);
        if let (Some(file), false) = (home(analysis), made.is_empty())
            && let Some(text) = texts.get(&file.name)
        {
            let edits = json!([{ "range": range(file, 0..file.text.len()), "newText": text }]);
            found.push(json!({
                "title": "Make all repairs", "kind": "source.fixAll.dcmc",
                "edit": { "documentChanges": [changes(document, edits)] },
            }));
        }
    }
    Value::Array(found)
}

fn sentence(title: &str) -> String {
    let mut rest = title.chars();
    rest.next().map_or(String::new(), |first| first.to_uppercase().chain(rest).collect())
}

fn repair_edit(analysis: &Analysis, document: &Document, repair: &Fix) -> Option<Value> {
    let sources = &analysis.program.sources;
    let mut files: Map<String, Value> = Map::new();
    for (name, place, text) in fix::place(repair, sources)? {
        let file = sources.files().iter().find(|f| f.name == name)?;
        push(&mut files, uri_of(&document.uri, file), json!({ "range": range(file, place), "newText": text }));
    }
    Some(json!({ "changes": files }))
}

/// Edits of this version of the document.
fn changes(document: &Document, edits: Value) -> Value {
    json!({ "textDocument": { "uri": document.uri, "version": document.version }, "edits": edits })
}

fn push(files: &mut Map<String, Value>, uri: String, edit: Value) {
    if let Value::Array(edits) = files.entry(uri).or_insert_with(|| json!([])) {
        edits.push(edit);
    }
}

pub(super) fn renamable(analysis: &Analysis, at: usize) -> Value {
    let found = ide::renamable(analysis, at);
    found.map_or(Value::Null, |(place, name)| json!({ "range": span(analysis, place), "placeholder": name }))
}

/// The edits of a new name.
///
/// # Errors
/// Why it cannot be.
pub(super) fn rename(analysis: &Analysis, document: &Document, at: usize, name: &str) -> Result<Value, String> {
    let sources = &analysis.program.sources;
    let mut files = Map::new();
    for edit in ide::rename(analysis, at, name)? {
        let Some((file, place)) = sources.locate(edit.span) else { continue };
        push(&mut files, uri_of(&document.uri, file), json!({ "range": range(file, place), "newText": edit.text }));
    }
    Ok(json!({ "changes": files }))
}
