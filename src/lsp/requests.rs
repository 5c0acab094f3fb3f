//! Requests: who answers what.

use super::document::Document;
use super::worker::{Task, Worker};
use super::{answers, edits, places, read};
use crate::render::Direction;
use lsp_server::{ErrorCode, Request};
use lsp_types::Position;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What becomes of a request.
pub(super) enum Answer {
    /// The result.
    Now(Value),
    /// The worker sends it.
    Later,
    /// Why there is none.
    Refused(ErrorCode, String),
}

/// The document that a request is about.
pub(super) fn uri(params: &Value) -> Option<&str> {
    let direct = params["textDocument"]["uri"].as_str();
    direct.or_else(|| params["data"]["uri"].as_str()).or_else(|| params["uri"].as_str())
}

/// Answers a request about a document, if it is open.
pub(super) fn answer(request: Request, document: Option<&Document>, worker: &Worker) -> Answer {
    let known = |method: &str| method.starts_with("textDocument/") || slow(method) || method == "dcmc/text";
    match document {
        None if known(&request.method) => Answer::Now(Value::Null),
        None => Answer::Refused(ErrorCode::MethodNotFound, format!("there is no `{}`", request.method)),
        Some(document) if slow(&request.method) => later(request, document, worker),
        // A bug of ours in one answer must not end the others; the panic has printed what happened.
        Some(document) => catch_unwind(AssertUnwindSafe(|| now(&request, document)))
            .unwrap_or_else(|_| Answer::Refused(ErrorCode::InternalError, "a bug in dcmc".to_owned())),
    }
}

fn slow(method: &str) -> bool {
    matches!(method, "codeLens/resolve" | "dcmc/graph" | "dcmc/plan")
}

fn later(request: Request, document: &Document, worker: &Worker) -> Answer {
    let Request { id, method, params } = request;
    let task = match method.as_str() {
        "dcmc/graph" => {
            let down = params["direction"] == "down";
            Task::Graph(id, if down { Direction::Down } else { Direction::Right })
        }
        "dcmc/plan" => Task::Plan(id),
        // Editors ask for new ones; a refusal they would show as a mistake meanwhile.
        _ if params["data"]["version"] != document.version => return Answer::Now(answers::lens(&params, "…")),
        _ => Task::Lens(id, params),
    };
    match worker.ask(document, task) {
        true => Answer::Later,
        false => Answer::Refused(ErrorCode::InternalError, "nobody answers".to_owned()),
    }
}

fn now(request: &Request, document: &Document) -> Answer {
    let (Some(analysis), params) = (&document.analysis, &request.params) else { return Answer::Now(Value::Null) };
    let slow = document.latest.slow();
    let slow = slow.as_deref();
    let at = position(params, "position").zip(places::home(analysis)).map_or(0, |(p, file)| places::offset(file, p));
    let uri = &document.uri;
    Answer::Now(match request.method.as_str() {
        // For finding out why an editor and the server disagree.
        "dcmc/text" => json!({ "text": document.text, "version": document.version }),
        "textDocument/hover" => answers::hover(analysis, slow, at),
        "textDocument/completion" => answers::completion(analysis, at, &document.path),
        "textDocument/signatureHelp" => answers::signature(analysis, at),
        "textDocument/definition" => answers::definition(analysis, uri, at),
        "textDocument/references" => {
            let uses_only = params["context"]["includeDeclaration"] == false;
            answers::references(analysis, uri, at, uses_only)
        }
        "textDocument/documentHighlight" => answers::highlights(analysis, at),
        "textDocument/documentSymbol" => answers::symbols(analysis),
        "textDocument/foldingRange" => answers::folds(analysis),
        "textDocument/semanticTokens/full" => answers::tokens(analysis, None),
        "textDocument/semanticTokens/range" => answers::tokens(analysis, bytes(document, &params["range"])),
        "textDocument/inlayHint" => answers::hints(analysis, slow, bytes(document, &params["range"])),
        "textDocument/codeLens" => answers::lenses(analysis, uri, document.version),
        "textDocument/formatting" => edits::format(analysis),
        "textDocument/codeAction" => {
            let range = bytes(document, &params["range"]).unwrap_or_default();
            let only: Option<Vec<String>> = read(params["context"]["only"].clone());
            edits::actions(analysis, slow, document, range, only.as_deref())
        }
        "textDocument/prepareRename" => edits::renamable(analysis, at),
        "textDocument/rename" => {
            let name = params["newName"].as_str().unwrap_or_default();
            match edits::rename(analysis, document, at, name) {
                Ok(edit) => edit,
                Err(why) => return Answer::Refused(ErrorCode::RequestFailed, why),
            }
        }
        other => return Answer::Refused(ErrorCode::MethodNotFound, format!("there is no `{other}`")),
    })
}

fn position(params: &Value, key: &str) -> Option<Position> {
    read(params[key].clone())
}

/// A range of the parameters, in bytes.
fn bytes(document: &Document, range: &Value) -> Option<crate::diag::Span> {
    let file = places::home(document.analysis.as_ref()?)?;
    let end = |key| position(range, key).map(|p| places::offset(file, p));
    Some(crate::diag::Span::new(end("start")?, end("end")?))
}

/// The empty result of a list.
pub(super) fn nothing() -> Value {
    json!([])
}
