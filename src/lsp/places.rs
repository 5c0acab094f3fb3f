//! From bytes to the lines and columns of the protocol (from 0, columns in UTF-16 code units) and back.

use super::uri::uri;
use crate::diag::{SourceFile, Span};
use crate::ide::Analysis;
use lsp_types::Position;
use serde_json::{Value, json};
use std::ops::Range;
use std::path::Path;

/// A byte of a file.
pub(super) fn position(file: &SourceFile, at: usize) -> Value {
    let place = file.position(at);
    json!({ "line": place.line - 1, "character": place.column_utf16 - 1 })
}

/// A range of bytes of a file.
pub(super) fn range(file: &SourceFile, range: Range<usize>) -> Value {
    json!({ "start": position(file, range.start), "end": position(file, range.end) })
}

/// The byte at a position.
pub(super) fn offset(file: &SourceFile, position: Position) -> usize {
    file.offset_utf16(position.line as usize + 1, position.character as usize + 1)
}

/// The model file of a program.
pub(super) fn home(analysis: &Analysis) -> Option<&SourceFile> {
    analysis.program.sources.files().first()
}

/// A place of the model file.
pub(super) fn span(analysis: &Analysis, span: Span) -> Value {
    home(analysis).map_or(Value::Null, |file| range(file, span.start..span.end))
}

/// A place anywhere in a program, as a file and a range; the model file goes by the editor's own name for it.
pub(super) fn location(analysis: &Analysis, home_uri: &str, span: Span) -> Option<Value> {
    let (file, place) = analysis.program.sources.locate(span)?;
    Some(json!({ "uri": uri_of(home_uri, file), "range": range(file, place) }))
}

/// The URI of a file of a program.
pub(super) fn uri_of(home_uri: &str, file: &SourceFile) -> String {
    if file.start == 0 { home_uri.to_owned() } else { uri(Path::new(&file.name)) }
}
