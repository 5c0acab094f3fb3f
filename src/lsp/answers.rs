//! Answers that change nothing.

use super::places::{home, location, position, span};
use super::requests::nothing;
use crate::diag::{SourceFile, Span};
use crate::ide::{self, Analysis, Colour, CompletionKind, Slow, Symbol, SymbolKind};
use serde_json::{Value, json};
use std::path::Path;

/// The types of semantic tokens, in the order of their numbers.
pub(super) const TOKEN_TYPES: [&str; 11] = [
    "keyword",
    "type",
    "variable",
    "parameter",
    "function",
    "namespace",
    "enumMember",
    "property",
    "number",
    "string",
    "comment",
];
/// Their modifiers, in the order of their bits.
pub(super) const TOKEN_MODIFIERS: [&str; 2] = ["declaration", "readonly"];

pub(super) fn hover(analysis: &Analysis, slow: Option<&Slow>, at: usize) -> Value {
    let found = ide::hover(analysis, slow, at);
    found.map_or(
        Value::Null,
        |h| json!({ "contents": { "kind": "markdown", "value": h.markdown }, "range": span(analysis, h.span) }),
    )
}

pub(super) fn completion(analysis: &Analysis, at: usize, model: &Path) -> Value {
    let folder = model.parent().unwrap_or(Path::new(""));
    let (replaced, found) = ide::complete(analysis, at, &|inner| names(&folder.join(inner)));
    let replaced = span(analysis, replaced);
    let items = found.into_iter().map(|c| {
        let kind = match c.kind {
            CompletionKind::Keyword => 14,
            CompletionKind::Variable => 6,
            CompletionKind::Type => 25,
            CompletionKind::Query => 18,
            CompletionKind::Data => 9,
            CompletionKind::Setting => 10,
            CompletionKind::Value => 12,
            CompletionKind::Function => 3,
            CompletionKind::File => 17,
            CompletionKind::Folder => 19,
        };
        let format = if c.snippet.is_some() { 2 } else { 1 };
        let text = c.snippet.unwrap_or_else(|| c.label.clone());
        json!({
            "label": c.label, "kind": kind, "detail": c.detail, "insertTextFormat": format,
            "textEdit": { "range": replaced, "newText": text },
        })
    });
    items.collect()
}

/// The names in a folder, those of folders with a `/` behind them.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some(if entry.path().is_dir() { name + "/" } else { name })
    };
    entries.filter_map(name).collect()
}

pub(super) fn signature(analysis: &Analysis, at: usize) -> Value {
    let Some(found) = ide::signature(analysis.text(), at) else { return Value::Null };
    let units = |at: usize| found.label[..at].encode_utf16().count();
    let parameters = found.parameters.iter().map(|p| json!({ "label": [units(p.start), units(p.end)] }));
    let parameters: Vec<Value> = parameters.collect();
    let mut help = json!({
        "signatures": [{ "label": found.label, "documentation": found.about, "parameters": parameters }],
        "activeSignature": 0,
    });
    if let Some(active) = found.active {
        help["activeParameter"] = active.into();
    }
    help
}

pub(super) fn definition(analysis: &Analysis, uri: &str, at: usize) -> Value {
    ide::definition(analysis, at).and_then(|place| location(analysis, uri, place)).unwrap_or_default()
}

pub(super) fn references(analysis: &Analysis, uri: &str, at: usize, uses_only: bool) -> Value {
    let places = ide::references(analysis, at, uses_only);
    places.into_iter().filter_map(|place| location(analysis, uri, place)).collect()
}

pub(super) fn highlights(analysis: &Analysis, at: usize) -> Value {
    let places = ide::highlights(analysis, at).into_iter();
    // 3 is written, 2 read.
    places
        .map(|(place, defined)| json!({ "range": span(analysis, place), "kind": if defined { 3 } else { 2 } }))
        .collect()
}

pub(super) fn symbols(analysis: &Analysis) -> Value {
    ide::symbols(analysis).iter().map(|s| symbol(analysis, s)).collect()
}

fn symbol(analysis: &Analysis, symbol: &Symbol) -> Value {
    let kind = match symbol.kind {
        SymbolKind::Variable => 13,
        SymbolKind::Hidden => 21,
        SymbolKind::Data => 18,
        SymbolKind::Truth => 2,
        SymbolKind::Equation => 8,
        SymbolKind::Train => 7,
        SymbolKind::Query => 12,
        SymbolKind::Output => 1,
        SymbolKind::Claim => 17,
    };
    let inner: Vec<Value> = symbol.inner.iter().map(|s| self::symbol(analysis, s)).collect();
    json!({
        "name": symbol.name, "detail": symbol.detail, "kind": kind, "range": span(analysis, symbol.span),
        "selectionRange": span(analysis, symbol.name_span), "children": inner,
    })
}

pub(super) fn folds(analysis: &Analysis) -> Value {
    let Some(file) = home(analysis) else { return nothing() };
    let fold = |fold: &ide::Fold| {
        let kind = if fold.comment { "comment" } else { "region" };
        json!({ "startLine": fold.first, "endLine": fold.last, "kind": kind })
    };
    ide::folds(file).iter().map(fold).collect()
}

pub(super) fn hints(analysis: &Analysis, slow: Option<&Slow>, part: Option<Span>) -> Value {
    let Some(file) = home(analysis) else { return nothing() };
    let all = Span::new(0, file.text.len());
    let hints = ide::hints(analysis, slow, part.unwrap_or(all)).into_iter();
    hints.map(|h| json!({ "position": position(file, h.at), "label": h.text, "tooltip": h.about, "kind": 1 })).collect()
}

pub(super) fn lenses(analysis: &Analysis, uri: &str, version: i32) -> Value {
    let lenses = ide::lenses(analysis).into_iter();
    let data = |query: String| json!({ "uri": uri, "version": version, "query": query });
    let start = |place: Span| span(analysis, Span::new(place.start, place.start));
    lenses.map(|lens| json!({ "range": start(lens.span), "data": data(lens.query) })).collect()
}

/// A line to read in the place of a lens: no command stands behind it.
pub(super) fn lens(lens: &Value, title: &str) -> Value {
    let mut lens = lens.clone();
    lens["command"] = json!({ "title": title, "command": "" });
    lens
}

/// The words of the model file, or of a part of it.
pub(super) fn tokens(analysis: &Analysis, part: Option<Span>) -> Value {
    let Some(file) = home(analysis) else { return Value::Null };
    let part = part.unwrap_or(Span::new(0, file.text.len()));
    let (mut data, mut before) = (vec![], (0, 0));
    let mut cursor = Cursor { file, at: 0, line: 0, column: 0 };
    for word in ide::paint(analysis) {
        let Some(kind) = token_type(word.colour).filter(|_| word.span.start < part.end && word.span.end > part.start)
        else {
            continue;
        };
        let (line, column) = cursor.go(word.span.start);
        let length = file.text[word.span.start..word.span.end].encode_utf16().count();
        let from = if line == before.0 { before.1 } else { 0 };
        let modifiers = u32::from(word.defined) | (u32::from(word.colour == Colour::Label) << 1);
        data.extend([line - before.0, column - from, length, kind, modifiers as usize]);
        before = (line, column);
    }
    json!({ "data": data })
}

fn token_type(colour: Colour) -> Option<usize> {
    let name = match colour {
        Colour::Keyword => "keyword",
        Colour::Type => "type",
        Colour::Variable => "variable",
        Colour::Hidden => "parameter",
        Colour::Query | Colour::Function => "function",
        Colour::Data => "namespace",
        Colour::Label => "enumMember",
        Colour::Setting => "property",
        Colour::Number => "number",
        Colour::Text => "string",
        Colour::Comment => "comment",
        Colour::Operator => return None,
    };
    TOKEN_TYPES.iter().position(|known| *known == name)
}

/// Counts lines and columns while it goes forward through a text.
struct Cursor<'a> {
    file: &'a SourceFile,
    at: usize,
    line: usize,
    column: usize,
}

impl Cursor<'_> {
    fn go(&mut self, to: usize) -> (usize, usize) {
        for c in self.file.text[self.at..to].chars() {
            match c {
                '\n' => (self.line, self.column) = (self.line + 1, 0),
                c => self.column += c.len_utf16(),
            }
        }
        self.at = to;
        (self.line, self.column)
    }
}
