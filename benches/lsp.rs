//! How long it takes from a keystroke to the diagnostics in the editor, for programs of 1,000 and 10,000 variables.
//!
//!     cargo bench --no-default-features --bench lsp
//!
//! The whole way is timed: the edit as a message, the new text, its meaning, the plan, the diagnostics as JSON. "first"
//! is the first publication for the new text, "all" the last, with what the plan and identification say; "parts" says
//! where the time goes.

use dcmc::ide::Analysis;
use dcmc::seed::stream;
use lsp_server::{Connection, Message, Notification, Request, RequestId};
use rand::Rng;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Milliseconds that the first diagnostics may take, by the number of variables.
const LIMITS: [(usize, f64); 2] = [(1_000, 20.0), (10_000, 200.0)];

fn main() {
    println!("{:>9} {:>7} | {:>9} {:>9} {:>9} | limit", "variables", "KB", "first ms", "worst ms", "all ms");
    let mut missed = false;
    for (variables, limit) in LIMITS {
        let text = program(variables);
        let (mut first, mut all) = keystrokes(&text, 25);
        first.sort_by(f64::total_cmp);
        all.sort_by(f64::total_cmp);
        let (median, worst) = (first[first.len() / 2], first[first.len() - 1]);
        println!(
            "{variables:>9} {:>7} | {median:>9.1} {worst:>9.1} {:>9.1} | {limit} ms",
            text.len() / 1000,
            all[all.len() / 2]
        );
        parts(&text);
        missed |= median > limit;
    }
    if missed {
        println!("slower than it should be");
        std::process::exit(1);
    }
}

/// Three edges a variable between near ones, hidden causes, types, a query and some settings.
fn program(variables: usize) -> String {
    let mut rng = stream(1, "lsp");
    let mut text = String::from("dcm 1 \"Large\"\n");
    for _ in 0..3 * variables {
        let from = rng.random_range(0..variables - 1);
        let to = (from + 1 + rng.random_range(0..50)).min(variables - 1);
        let _ = writeln!(text, "V{from} -> V{to}");
    }
    for node in (0..variables - 1).step_by(10) {
        let _ = writeln!(text, "V{node} <-> V{}", node + 1);
    }
    for node in 0..variables {
        let _ = writeln!(text, "V{node}: binary");
    }
    text + "query q: P(V9 | do(V1 = 1))\ntrain { epochs: 10 }\n"
}

/// Milliseconds to the first and the last diagnostics after each of some keystrokes.
fn keystrokes(text: &str, count: i32) -> (Vec<f64>, Vec<f64>) {
    let (ours, theirs) = Connection::memory();
    let server = std::thread::Builder::new().stack_size(64 << 20);
    let server = server.spawn(move || dcmc::lsp::serve(theirs)).expect("a thread");
    let uri = "file:///nowhere/large.scm";
    ours.sender.send(request(0, "initialize", json!({ "capabilities": {} }))).expect("a server");
    ours.receiver.recv().expect("an answer");
    tell(&ours, "initialized", json!({}));
    let document = json!({ "uri": uri, "languageId": "dcm", "version": 1, "text": text });
    tell(&ours, "textDocument/didOpen", json!({ "textDocument": document }));
    settle(&ours, 1, uri);
    let (mut first, mut all) = (vec![], vec![]);
    for version in 2..count + 2 {
        let (line, new) = (text.lines().count() / 2, if version % 2 == 0 { "x" } else { "" });
        let end = if version % 2 == 0 { 0 } else { 1 };
        let range = json!({ "start": { "line": line, "character": 0 }, "end": { "line": line, "character": end } });
        let start = Instant::now();
        let id = json!({ "uri": uri, "version": version });
        let change = json!({ "range": range, "text": new });
        tell(&ours, "textDocument/didChange", json!({ "textDocument": id, "contentChanges": [change] }));
        wait(&ours, version);
        first.push(milliseconds(start.elapsed()));
        settle(&ours, version, uri);
        all.push(milliseconds(start.elapsed()));
    }
    drop(ours);
    let _ = server.join();
    (first, all)
}

/// Waits for diagnostics of a version.
fn wait(editor: &Connection, version: i32) {
    for message in &editor.receiver {
        if matches!(message, Message::Notification(n) if n.params["version"] == version) {
            return;
        }
    }
}

/// Waits until nothing more will come.
fn settle(editor: &Connection, id: i32, uri: &str) {
    let id = RequestId::from(1000 + id);
    let plan =
        Request { id: id.clone(), method: "dcmc/plan".into(), params: json!({ "textDocument": { "uri": uri } }) };
    editor.sender.send(Message::Request(plan)).expect("a server");
    for message in &editor.receiver {
        if matches!(message, Message::Response(response) if response.id == id) {
            return;
        }
    }
}

fn request(id: i32, method: &str, params: Value) -> Message {
    Message::Request(Request { id: RequestId::from(id), method: method.to_owned(), params })
}

fn tell(editor: &Connection, method: &str, params: Value) {
    editor.sender.send(Message::Notification(Notification::new(method.to_owned(), params))).expect("a server");
}

/// Where the time of one look at a text goes.
fn parts(text: &str) {
    let start = Instant::now();
    let (ast, _) = dcmc::syntax::parse(text);
    let parsed = start.elapsed();
    let (model, _) = dcmc::model::lower(&ast, |_| vec![]);
    let lowered = start.elapsed();
    let analysis = Analysis::new("large.scm", text.to_owned(), &|_| Err(std::io::ErrorKind::NotFound.into()));
    let analysed = start.elapsed();
    let slow = analysis.conclude(&|| false);
    let concluded = start.elapsed();
    assert!(slow.is_some() && model.variables.len() > 100);
    println!(
        "          parts: parse {:.1}, meaning {:.1}, all of the quick part {:.1}, plan and identification {:.1} ms",
        milliseconds(parsed),
        milliseconds(lowered - parsed),
        milliseconds(analysed - lowered),
        milliseconds(concluded - analysed)
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
