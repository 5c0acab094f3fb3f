//! The language server: [`ide`](crate::ide) behind the Language Server Protocol (`dcmc lsp`).
//!
//! One thread reads messages in their order and answers what is quick; it looks at a text only once no further
//! message waits, so that of many keystrokes the last one counts. A second thread (`worker`) plans and identifies.
//! What it finds is published only if the text is still the one it was asked about.

mod answers;
mod capabilities;
mod document;
mod edits;
mod places;
mod problems;
mod requests;
mod uri;
mod worker;

pub use document::edited;

use document::Document;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use worker::Worker;

/// Sends a message to the editor; `false` once it is gone.
type Outbox = Arc<dyn Fn(Message) -> bool + Send + Sync>;

/// Answers an editor until it says goodbye or is gone.
///
/// # Errors
/// What is wrong with its first messages.
pub fn serve(connection: Connection) -> Result<(), String> {
    let (id, params) = connection.initialize_start().map_err(|e| e.to_string())?;
    let answer = serde_json::json!({
        "capabilities": capabilities::capabilities(),
        "serverInfo": { "name": "dcmc", "version": env!("CARGO_PKG_VERSION") },
    });
    connection.initialize_finish(id, answer).map_err(|e| e.to_string())?;
    let Connection { sender, receiver } = connection;
    let outbox: Outbox = Arc::new(move |message| sender.send(message).is_ok());
    let refresh = capabilities::Refresh::of(&params);
    let mut server = Server { documents: BTreeMap::new(), worker: Worker::start(Arc::clone(&outbox), refresh), outbox };
    while let Ok(first) = receiver.recv() {
        let mut messages = vec![first];
        messages.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
        if server.handle(messages) {
            break;
        }
    }
    Ok(())
}

/// The open documents, by their URIs.
struct Server {
    documents: BTreeMap<String, Document>,
    worker: Worker,
    outbox: Outbox,
}

impl Server {
    /// Handles messages that wait together, in their order; whether the last of them says goodbye.
    fn handle(&mut self, messages: Vec<Message>) -> bool {
        let cancelled: BTreeSet<String> = messages.iter().filter_map(cancelled).collect();
        for message in messages {
            match message {
                Message::Notification(n) if n.method == "exit" => return true,
                Message::Notification(notification) => self.notice(notification),
                Message::Request(request) if cancelled.contains(&request.id.to_string()) => {
                    self.refuse(request.id, ErrorCode::RequestCanceled, "cancelled");
                }
                Message::Request(request) => self.answer(request),
                Message::Response(_) => {}
            }
        }
        let waiting: Vec<String> =
            self.documents.iter().filter(|(_, d)| d.analysis.is_none()).map(|(uri, _)| uri.clone()).collect();
        waiting.iter().for_each(|uri| self.analyse(uri));
        false
    }

    fn refuse(&self, id: RequestId, code: ErrorCode, why: &str) {
        (self.outbox)(Message::Response(Response::new_err(id, code as i32, why.to_owned())));
    }

    fn notice(&mut self, notification: Notification) {
        use lsp_types as lsp;
        let Notification { method, params } = notification;
        match method.as_str() {
            "textDocument/didOpen" => {
                let Some(lsp::DidOpenTextDocumentParams { text_document: opened }) = read(params) else { return };
                // Editors that know `.scm` as Scheme or as tree-sitter queries send those too.
                if !matches!(opened.language_id.as_str(), "scheme" | "query") {
                    let document = Document::new(&opened.uri, opened.text, opened.version);
                    self.documents.insert(opened.uri.as_str().to_owned(), document);
                    self.everything_changed();
                }
            }
            "textDocument/didChange" => {
                let Some(lsp::DidChangeTextDocumentParams { text_document: id, content_changes }) = read(params) else {
                    return;
                };
                let Some(document) = self.documents.get_mut(id.uri.as_str()) else { return };
                document.change(id.version, &content_changes);
                let path = document.path.clone();
                self.changed(&path);
            }
            "textDocument/didClose" => {
                let Some(lsp::DidCloseTextDocumentParams { text_document: id }) = read(params) else { return };
                if let Some(mut document) = self.documents.remove(id.uri.as_str()) {
                    document.outdated();
                    (self.outbox)(problems::publication(id.uri.as_str(), None, vec![]));
                    self.everything_changed();
                }
            }
            // Data files may be others too.
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.everything_changed(),
            _ => {}
        }
    }

    /// What is known of the documents that show the file is out of date.
    fn changed(&mut self, path: &Path) {
        let shows = |document: &Document| {
            let analysis = document.analysis.as_ref();
            analysis.is_some_and(|a| a.program.sources.files().iter().any(|file| Path::new(&file.name) == path))
        };
        self.documents.values_mut().filter(|d| shows(d)).for_each(Document::outdated);
    }

    fn everything_changed(&mut self) {
        self.documents.values_mut().for_each(Document::outdated);
    }

    /// Looks at the text of a document and publishes what is wrong with it.
    fn analyse(&mut self, uri: &str) {
        let texts: BTreeMap<PathBuf, String> =
            self.documents.values().map(|d| (d.path.clone(), d.text.clone())).collect();
        if let Some(document) = self.documents.get_mut(uri) {
            let start = Instant::now();
            document.analyse(&texts);
            self.worker.conclude(document, start.elapsed());
        }
    }

    fn answer(&mut self, request: Request) {
        if request.method == "shutdown" {
            (self.outbox)(Message::Response(Response::new_ok(request.id, Value::Null)));
            return;
        }
        let uri = requests::uri(&request.params).map(str::to_owned);
        if let Some(uri) = uri.as_ref().filter(|u| self.documents.get(*u).is_some_and(|d| d.analysis.is_none())) {
            self.analyse(uri);
        }
        let document = uri.as_ref().and_then(|uri| self.documents.get(uri));
        let id = request.id.clone();
        let answer = requests::answer(request, document, &self.worker);
        let response = match answer {
            requests::Answer::Later => return,
            requests::Answer::Now(value) => Response::new_ok(id, value),
            requests::Answer::Refused(code, why) => Response::new_err(id, code as i32, why),
        };
        (self.outbox)(Message::Response(response));
    }
}

/// The request that a message takes back.
fn cancelled(message: &Message) -> Option<String> {
    let Message::Notification(notification) = message else { return None };
    let id = notification.params.get("id").filter(|_| notification.method == "$/cancelRequest")?;
    serde_json::from_value::<RequestId>(id.clone()).ok().map(|id| id.to_string())
}

fn read<T: DeserializeOwned>(params: Value) -> Option<T> {
    serde_json::from_value(params).ok()
}
