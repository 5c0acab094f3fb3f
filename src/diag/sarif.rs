//! Diagnostics as a SARIF 2.1.0 log (OASIS, "Static Analysis Results Interchange Format", 2020).

use super::catalogue::{CATALOGUE, Entry};
use super::{Diagnostic, Fix, Severity, SourceFile, Sources, Span};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::Range;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One log with one run. Columns count UTF-16 code units, from 1; the rules are the table of codes.
pub(super) fn render(diagnostics: &[&Diagnostic], sources: &Sources, left_out: usize) -> String {
    let used: BTreeSet<&str> = diagnostics.iter().map(|d| d.code).collect();
    let rules: Vec<Value> = CATALOGUE.iter().map(|entry| rule(entry, used.contains(entry.code))).collect();
    let results: Vec<Value> = diagnostics.iter().map(|d| result(d, sources)).collect();
    let mut run = json!({
        "tool": { "driver": { "name": "dcmc", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
        "columnKind": "utf16CodeUnits",
        "results": results,
    });
    if left_out > 0 {
        run["properties"] = json!({ "leftOut": left_out });
    }
    let log = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] });
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

/// A code; those that occur bring their page along.
fn rule(entry: &Entry, used: bool) -> Value {
    let mut rule = json!({
        "id": entry.code,
        "shortDescription": { "text": entry.title },
        "defaultConfiguration": { "level": level(Severity::of_code(entry.code)) },
    });
    if used {
        rule["help"] = json!({ "text": entry.page, "markdown": entry.page });
    }
    rule
}

fn level(severity: Severity) -> &'static str {
    severity.word()
}

fn result(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let mut text = diagnostic.message.clone();
    for more in diagnostic.notes.iter().chain(&diagnostic.helps) {
        text += &format!("\n{more}");
    }
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": level(diagnostic.severity),
        "message": { "text": text },
    });
    if let Some(index) = CATALOGUE.iter().position(|e| e.code == diagnostic.code) {
        result["ruleIndex"] = index.into();
    }
    let mut primary = vec![];
    let mut related = vec![];
    for label in &diagnostic.labels {
        let Some(mut location) = location(sources, label.span) else { continue };
        location["message"] = json!({ "text": label.message });
        if label.primary {
            primary.push(location);
        } else {
            location["id"] = related.len().into();
            related.push(location);
        }
    }
    result["locations"] = primary.into();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    if !diagnostic.fixes.is_empty() {
        result["fixes"] = diagnostic.fixes.iter().map(|f| fix(f, sources)).collect::<Vec<_>>().into();
    }
    result
}

fn location(sources: &Sources, span: Span) -> Option<Value> {
    let (file, range) = sources.locate(span)?;
    let artifact = json!({ "uri": uri(&file.name) });
    Some(json!({ "physicalLocation": { "artifactLocation": artifact, "region": region(file, range) } }))
}

fn region(file: &SourceFile, range: Range<usize>) -> Value {
    let (start, end) = (file.position(range.start), file.position(range.end));
    json!({
        "startLine": start.line,
        "startColumn": start.column_utf16,
        "endLine": end.line,
        "endColumn": end.column_utf16,
        "byteOffset": range.start,
        "byteLength": range.len(),
    })
}

/// A repair: the edits of each file together.
fn fix(fix: &Fix, sources: &Sources) -> Value {
    let mut changes: Vec<(String, Vec<Value>)> = vec![];
    for edit in &fix.edits {
        let Some((file, range)) = sources.locate(edit.span) else { continue };
        let replacement = json!({
            "deletedRegion": region(file, range),
            "insertedContent": { "text": edit.text },
        });
        match changes.iter_mut().find(|(name, _)| *name == file.name) {
            Some((_, replacements)) => replacements.push(replacement),
            None => changes.push((file.name.clone(), vec![replacement])),
        }
    }
    let changes: Vec<Value> = changes
        .into_iter()
        .map(|(name, replacements)| json!({ "artifactLocation": { "uri": uri(&name) }, "replacements": replacements }))
        .collect();
    json!({ "description": { "text": fix.title }, "artifactChanges": changes })
}

/// A path as a URI reference (RFC 3986): everything but unreserved characters and slashes in percent escapes.
fn uri(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let slashes = path.replace('\\', "/");
    let escaped = |b: u8| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    let text: String = slashes.bytes().map(escaped).collect();
    if text.starts_with('/') { format!("file://{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("models/front door.scm"), "models/front%20door.scm");
        assert_eq!(uri("/models/é.scm"), "file:///models/%C3%A9.scm");
    }
}
