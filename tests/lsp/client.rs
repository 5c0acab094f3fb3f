//! An editor in memory.

use lsp_server::{Connection, Message, Notification, Request, RequestId};
use lsp_types::notification as tell;
use lsp_types::request as ask;
use lsp_types::*;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Client {
    connection: Connection,
    requests: i32,
    versions: HashMap<Uri, i32>,
    capabilities: Value,
    /// The last diagnostics of each document and the version they are of.
    pub shown: HashMap<Uri, (Option<i32>, Vec<Diagnostic>)>,
}

pub fn uri(path: &str) -> Uri {
    format!("file://{path}").parse().unwrap()
}

/// An editor with one document open.
pub fn open(name: &str, text: &str) -> (Client, Uri) {
    let (ours, theirs) = Connection::memory();
    let server = std::thread::Builder::new().stack_size(64 << 20);
    server.spawn(move || dcmc::lsp::serve(theirs)).unwrap();
    let mut client = Client {
        connection: ours,
        requests: 0,
        versions: HashMap::new(),
        capabilities: Value::Null,
        shown: HashMap::new(),
    };
    client.capabilities = client.raw("initialize", json!({ "capabilities": {} })).unwrap();
    let parsed: InitializeResult = serde_json::from_value(client.capabilities.clone()).unwrap();
    assert_eq!(parsed.capabilities.position_encoding, Some(PositionEncodingKind::UTF16));
    client.tell::<tell::Initialized>(InitializedParams {});
    let uri = if name.starts_with('/') { uri(name) } else { uri(&format!("/nowhere/{name}")) };
    client.open(&uri, text);
    (client, uri)
}

/// The position of a byte.
pub fn at(text: &str, at: usize) -> Position {
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap();
    Position::new(before.matches('\n').count() as u32, line.encode_utf16().count() as u32)
}

impl Client {
    pub fn tell<N: tell::Notification>(&mut self, params: N::Params) {
        let message = Notification::new(N::METHOD.to_owned(), serde_json::to_value(params).unwrap());
        self.connection.sender.send(Message::Notification(message)).unwrap();
    }

    pub fn ask<R: ask::Request>(&mut self, params: R::Params) -> R::Result {
        let answer = self.raw(R::METHOD, serde_json::to_value(params).unwrap()).unwrap();
        serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// The answer of a request, or why there is none.
    pub fn raw(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.requests += 1;
        let id = RequestId::from(self.requests);
        let request = Request { id: id.clone(), method: method.to_owned(), params };
        self.connection.sender.send(Message::Request(request)).unwrap();
        loop {
            match self.connection.receiver.recv_timeout(PATIENCE).expect("an answer") {
                Message::Response(response) if response.id == id => {
                    return match serde_json::to_value(response).unwrap() {
                        Value::Object(mut fields) => match fields.remove("error") {
                            Some(error) if !error.is_null() => Err(error["message"].as_str().unwrap().to_owned()),
                            _ => Ok(fields.remove("result").unwrap_or_default()),
                        },
                        other => panic!("{other}"),
                    };
                }
                Message::Notification(told) if told.method == "textDocument/publishDiagnostics" => {
                    let params: PublishDiagnosticsParams = serde_json::from_value(told.params).unwrap();
                    // Never of an earlier text than what is shown already.
                    if let (Some((Some(before), _)), Some(now)) = (self.shown.get(&params.uri), params.version) {
                        assert!(*before <= now, "stale diagnostics");
                    }
                    self.shown.insert(params.uri, (params.version, params.diagnostics));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn open(&mut self, uri: &Uri, text: &str) {
        self.open_as(uri, "dcm", text);
    }

    pub fn open_as(&mut self, uri: &Uri, language: &str, text: &str) {
        self.versions.insert(uri.clone(), 1);
        let text_document = TextDocumentItem::new(uri.clone(), language.to_owned(), 1, text.to_owned());
        self.tell::<tell::DidOpenTextDocument>(DidOpenTextDocumentParams { text_document });
    }

    pub fn close(&mut self, uri: &Uri) {
        let text_document = TextDocumentIdentifier { uri: uri.clone() };
        self.tell::<tell::DidCloseTextDocument>(DidCloseTextDocumentParams { text_document });
    }

    pub fn change(&mut self, uri: &Uri, range: Option<Range>, text: &str) {
        self.changes(uri, &[(range, text)]);
    }

    pub fn changes(&mut self, uri: &Uri, changes: &[(Option<Range>, &str)]) {
        let version = self.versions.get_mut(uri).unwrap();
        *version += 1;
        let text_document = VersionedTextDocumentIdentifier { uri: uri.clone(), version: *version };
        let change = |&(range, text): &(Option<Range>, &str)| TextDocumentContentChangeEvent {
            range,
            range_length: None,
            text: text.to_owned(),
        };
        let content_changes = changes.iter().map(change).collect();
        self.tell::<tell::DidChangeTextDocument>(DidChangeTextDocumentParams { text_document, content_changes });
    }

    /// Makes edits that do not overlap, as an editor does.
    pub fn apply(&mut self, uri: &Uri, edits: &[TextEdit]) {
        let mut edits = edits.to_vec();
        edits.sort_by_key(|e| std::cmp::Reverse((e.range.start.line, e.range.start.character)));
        let changes: Vec<_> = edits.iter().map(|e| (Some(e.range), e.new_text.as_str())).collect();
        self.changes(uri, &changes);
    }

    /// The text as the server has it.
    pub fn text(&mut self, uri: &Uri) -> String {
        let answer = self.raw("dcmc/text", json!({ "textDocument": { "uri": uri } })).unwrap();
        answer["text"].as_str().unwrap().to_owned()
    }

    /// The diagnostics once nothing more will come.
    pub fn settled(&mut self, uri: &Uri) -> Vec<Diagnostic> {
        // The plan is asked of the same thread that finds the last diagnostics, after them.
        self.raw("dcmc/plan", json!({ "textDocument": { "uri": uri } })).unwrap();
        self.shown[uri].1.clone()
    }

    pub fn version(&self, uri: &Uri) -> Option<i32> {
        self.versions.get(uri).copied()
    }

    pub fn version_shown(&self, uri: &Uri) -> Option<i32> {
        self.shown[uri].0
    }

    pub fn actions(&mut self, uri: &Uri, range: Range) -> Vec<CodeAction> {
        let found = self.ask::<ask::CodeActionRequest>(CodeActionParams {
            text_document: TextDocumentIdentifier { uri: uri.clone() },
            range,
            context: CodeActionContext::default(),
            work_done_progress_params: WorkDoneProgressParams::default(),
            partial_result_params: PartialResultParams::default(),
        });
        let one = |found| match found {
            CodeActionOrCommand::CodeAction(action) => action,
            other => panic!("{other:?}"),
        };
        found.unwrap().into_iter().map(one).collect()
    }

    pub fn rename(&mut self, uri: &Uri, position: Position, name: &str) -> Result<HashMap<Uri, Vec<TextEdit>>, String> {
        let params = json!({ "textDocument": { "uri": uri }, "position": position, "newName": name });
        let edit: WorkspaceEdit = serde_json::from_value(self.raw("textDocument/rename", params)?).unwrap();
        Ok(edit.changes.unwrap())
    }

    /// The titles of the code lenses.
    pub fn lenses(&mut self, uri: &Uri) -> Vec<String> {
        let found = self.ask::<ask::CodeLensRequest>(CodeLensParams {
            text_document: TextDocumentIdentifier { uri: uri.clone() },
            work_done_progress_params: WorkDoneProgressParams::default(),
            partial_result_params: PartialResultParams::default(),
        });
        let resolved = found.unwrap().into_iter().map(|lens| self.ask::<ask::CodeLensResolve>(lens));
        resolved.map(|lens| lens.command.unwrap().title).collect()
    }

    /// The types of semantic tokens.
    pub fn legend(&self) -> Vec<String> {
        let legend = &self.capabilities["capabilities"]["semanticTokensProvider"]["legend"]["tokenTypes"];
        serde_json::from_value(legend.clone()).unwrap()
    }
}
