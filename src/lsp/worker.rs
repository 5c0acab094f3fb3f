//! The thread that plans, identifies and draws.

use super::Outbox;
use super::answers;
use super::capabilities::Refresh;
use super::document::{Document, Latest};
use super::problems::{problems, publication};
use crate::ide::{self, Analysis};
use crate::plan;
use crate::render::Direction;
use lsp_server::{ErrorCode, Message, Request, RequestId, Response};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Small models are planned and identified in this time; then diagnostics are published once, not twice.
const PATIENCE: Duration = Duration::from_millis(5);

/// Deeply nested expressions are followed by recursion.
const STACK: usize = 64 << 20;

/// Work that may take a while, in the order it was asked for.
pub(super) struct Worker {
    jobs: Sender<Job>,
    outbox: Outbox,
}

struct Job {
    task: Task,
    uri: String,
    version: i32,
    revision: u64,
    analysis: Arc<Analysis>,
    latest: Arc<Latest>,
}

/// What is to be done.
pub(super) enum Task {
    /// Publish all diagnostics.
    Conclude,
    /// Answer a request with the code lens, its title filled in.
    Lens(RequestId, Value),
    /// Answer a request with the graph as a picture.
    Graph(RequestId, Direction),
    /// Answer a request with the plan in words.
    Plan(RequestId),
}

impl Worker {
    /// Starts the thread; it ends with the worker.
    pub(super) fn start(outbox: Outbox, refresh: Refresh) -> Self {
        let (jobs, queue) = channel();
        let out = Arc::clone(&outbox);
        // Without the thread there are no slow answers: a system that gives none has worse problems.
        let _ = std::thread::Builder::new().stack_size(STACK).spawn(move || work(&queue, &out, refresh));
        Self { jobs, outbox }
    }

    /// Publishes what is known of the document's text, and the rest once it is found.
    pub(super) fn conclude(&self, document: &Document, quick: Duration) {
        let Some(analysis) = &document.analysis else { return };
        self.ask(document, Task::Conclude);
        let revision = document.latest.revision();
        // Where the quick part takes long, so does the slow one.
        let patience = if quick < PATIENCE { PATIENCE } else { Duration::ZERO };
        document.latest.meanwhile(revision, patience, || {
            let found = problems(analysis, &document.uri, &analysis.program.diagnostics);
            (self.outbox)(publication(&document.uri, Some(document.version), found));
        });
    }

    /// Adds a task about the document's text; whether it will be done.
    pub(super) fn ask(&self, document: &Document, task: Task) -> bool {
        let Some(analysis) = document.analysis.clone() else { return false };
        let latest = Arc::clone(&document.latest);
        let (uri, version, revision) = (document.uri.clone(), document.version, latest.revision());
        self.jobs.send(Job { task, uri, version, revision, analysis, latest }).is_ok()
    }
}

fn work(queue: &Receiver<Job>, outbox: &Outbox, refresh: Refresh) {
    let mut requests = 0;
    while let Ok(job) = queue.recv() {
        // A bug of ours in one answer must not end all others; the panic has printed what happened.
        let done = catch_unwind(AssertUnwindSafe(|| job.run(outbox)));
        match (job.task.id(), done) {
            (Some(id), Ok(Some(answer))) => send(outbox, Response::new_ok(id.clone(), answer)),
            (Some(id), Ok(None)) => {
                send(outbox, error(id.clone(), ErrorCode::ContentModified, "the text has changed"));
            }
            (Some(id), Err(_)) => send(outbox, error(id.clone(), ErrorCode::InternalError, "a bug in dcmc")),
            (None, Ok(Some(_))) if refresh.hints => {
                requests += 1;
                let id = RequestId::from(format!("dcmc-{requests}"));
                outbox(Message::Request(Request::new(id, "workspace/inlayHint/refresh".to_owned(), Value::Null)));
            }
            (None, _) => {}
        }
    }
}

fn send(outbox: &Outbox, response: Response) {
    outbox(Message::Response(response));
}

fn error(id: RequestId, code: ErrorCode, why: &str) -> Response {
    Response::new_err(id, code as i32, why.to_owned())
}

impl Task {
    fn id(&self) -> Option<&RequestId> {
        match self {
            Self::Conclude => None,
            Self::Lens(id, _) | Self::Graph(id, _) | Self::Plan(id) => Some(id),
        }
    }
}

impl Job {
    /// The answer; `None` if the text has changed.
    fn run(&self, outbox: &Outbox) -> Option<Value> {
        let outdated = || self.latest.revision() != self.revision;
        if outdated() {
            // Editors ask for new lenses; a refusal they would show as a mistake meanwhile.
            let Task::Lens(_, lens) = &self.task else { return None };
            return Some(answers::lens(lens, "…"));
        }
        match &self.task {
            Task::Conclude => {
                let slow = self.analysis.conclude(&outdated)?;
                self.latest.settle(self.revision, slow, |slow| {
                    let found = problems(&self.analysis, &self.uri, &slow.diagnostics);
                    outbox(publication(&self.uri, Some(self.version), found));
                });
                Some(Value::Null)
            }
            Task::Lens(_, lens) => {
                let query = lens["data"]["query"].as_str()?;
                Some(answers::lens(lens, &ide::lens_title(&self.analysis, query)?))
            }
            Task::Graph(_, direction) => {
                Some(match ide::graph(&self.analysis, self.latest.slow().as_deref(), *direction) {
                    Ok(svg) => json!({ "svg": svg }),
                    Err(why) => json!({ "svg": null, "message": why }),
                })
            }
            Task::Plan(_) => {
                let slow = self.latest.slow();
                let planned = slow.as_ref().and_then(|s| s.conclusions.planned.as_ref());
                Some(json!({ "text": planned.map(|p| plan::to_text(p, &self.analysis.program.model)) }))
            }
        }
    }
}
