//! The language server through its protocol, as an editor sees it.

#![allow(clippy::mutable_key_type)] // URIs do not change behind their hashes

#[path = "lsp/client.rs"]
mod client;

use client::{Client, at, open};
use dcmc::diag::{Sources, Span};
use dcmc::ide::Analysis;
use dcmc::seed::stream;
use lsp_types::request as ask;
use lsp_types::*;
use rand::Rng;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const FRONT_DOOR: &str = "dcm 1 \"Front door\"\n\
    # What smoking does\n\
    # through tar.\n\
    smoke -> tar -> cancer; smoke <-> cancer\n\
    smoke, tar, cancer: binary\n\
    data sim = simulate(truth, n: 500)\n\
    truth {\n\
    \x20 U ~ bernoulli(0.5)\n\
    \x20 smoke ~ bernoulli(if U == 1 then 0.8 else 0.2)\n\
    \x20 tar ~ bernoulli(if smoke == 1 then 0.9 else 0.1)\n\
    \x20 cancer ~ bernoulli(if tar == 1 and U == 1 then 0.7 else 0.1)\n\
    }\n\
    query effect: P(cancer | do(smoke = 1))\n\
    output effect -> \"effect.csv\"\n\
    expect tv(effect, truth) < 0.1\n";

fn hover(client: &mut Client, uri: &Uri, position: Position) -> Option<String> {
    let found = client.ask::<ask::HoverRequest>(HoverParams {
        text_document_position_params: place(uri, position),
        work_done_progress_params: WorkDoneProgressParams::default(),
    });
    found.map(|hover| match hover.contents {
        HoverContents::Markup(markup) => markup.value,
        other => panic!("{other:?}"),
    })
}

fn place(uri: &Uri, position: Position) -> TextDocumentPositionParams {
    TextDocumentPositionParams { text_document: TextDocumentIdentifier { uri: uri.clone() }, position }
}

fn labels(client: &mut Client, uri: &Uri, position: Position) -> Vec<String> {
    let found = client.ask::<ask::Completion>(CompletionParams {
        text_document_position: place(uri, position),
        work_done_progress_params: WorkDoneProgressParams::default(),
        partial_result_params: PartialResultParams::default(),
        context: None,
    });
    match found {
        Some(CompletionResponse::Array(items)) => items.into_iter().map(|i| i.label).collect(),
        other => panic!("{other:?}"),
    }
}

/// What is proposed at the end of `text`.
fn proposed(text: &str) -> Vec<String> {
    let (mut client, uri) = open("m.scm", text);
    let end = at(text, text.len());
    labels(&mut client, &uri, end)
}

#[test]
fn mistakes_are_shown_with_related_places_and_repairs() {
    let text = "dcm 1\nA -> tar\ntar -> A\nquery q: P(tarr | do(A))\nA, tar: binary\n";
    let (mut client, uri) = open("m.scm", text);
    let shown = client.settled(&uri);
    let codes: Vec<_> = shown.iter().map(|d| (d.code.clone().unwrap(), d.range.start.line)).collect();
    let code = |c: &str| NumberOrString::String(c.to_owned());
    assert_eq!(codes, [(code("E0301"), 1), (code("E0201"), 3)]);
    let related = shown[0].related_information.as_ref().unwrap();
    assert_eq!((related.len(), related[0].location.range.start.line), (1, 2));
    let actions = client.actions(&uri, shown[1].range);
    let repair = actions.iter().find(|a| a.kind == Some(CodeActionKind::QUICKFIX)).unwrap();
    assert_eq!((repair.title.as_str(), repair.is_preferred), ("Write `tar`", Some(true)));
    let edit = &repair.edit.as_ref().unwrap().changes.as_ref().unwrap()[&uri];
    client.apply(&uri, edit);
    assert_eq!(client.settled(&uri).len(), 1, "only the circle is left");
    assert!(client.text(&uri).contains("P(tar | do(A))"));
}

#[test]
fn all_repairs_can_be_made_at_once() {
    let text = "dcm 2\nA -> tar\nquery q: P(tarr | do(A))\nA, tar: binary\n";
    let (mut client, uri) = open("m.scm", text);
    let whole = Range::new(Position::new(0, 0), Position::new(4, 0));
    let actions = client.actions(&uri, whole);
    let all = actions.iter().find(|a| a.title == "Make all repairs").unwrap();
    let Some(DocumentChanges::Edits(edits)) = &all.edit.as_ref().unwrap().document_changes else { panic!() };
    let OneOf::Left(edit) = edits[0].edits[0].clone() else { panic!() };
    client.apply(&uri, &[edit]);
    assert_eq!(client.settled(&uri), []);
}

#[test]
fn hover_says_what_is_known_and_why() {
    let (mut client, uri) = open("m.scm", FRONT_DOOR);
    client.settled(&uri);
    let about = hover(&mut client, &uri, at(FRONT_DOOR, FRONT_DOOR.find("cancer;").unwrap() + 2)).unwrap();
    for part in
        ["**cancer**: `binary`", "c-component: `smoke`, `cancer`", "causes: `tar`", "module H", "`sim` (simulated)"]
    {
        assert!(about.contains(part), "{part} is not in {about}");
    }
    let about = hover(&mut client, &uri, at(FRONT_DOOR, FRONT_DOOR.find("bernoulli").unwrap() + 2)).unwrap();
    assert!(about.contains("1 with probability p"), "{about}");
    let about = hover(&mut client, &uri, at(FRONT_DOOR, FRONT_DOOR.find("effect,").unwrap())).unwrap();
    assert_eq!(about, "**effect**: `P(cancer | do(smoke = 1))`");
    // So have words and signs of the language.
    for (word, says) in [
        ("->", "Causes"),
        ("<->", "hidden common cause"),
        ("binary", "0 or 1"),
        ("truth {", "ground truth"),
        ("do(", "Sets a variable"),
    ] {
        let about = hover(&mut client, &uri, at(FRONT_DOOR, FRONT_DOOR.find(word).unwrap() + 1)).unwrap();
        assert!(about.contains(says), "{word}: {about}");
    }
    // A mistake has its page.
    let text = "A -> A\n# see W0203\n";
    let (mut client, uri) = open("m.scm", text);
    assert!(hover(&mut client, &uri, Position::new(0, 3)).unwrap().contains("## E0302"));
    assert!(hover(&mut client, &uri, Position::new(1, 8)).unwrap().contains("## W0203"));
    assert_eq!(hover(&mut client, &uri, Position::new(1, 3)), None);
}

#[test]
fn completion_depends_on_the_place() {
    let graph = "dcm 1\nD -> A; latent U -> {D, A}\nA: binary\nD: categorical {low, high}\n";
    let proposed = |end: &str| proposed(&format!("{graph}{end}"));
    let has = |found: &[String], all: &[&str], none: &[&str]| {
        for word in all {
            assert!(found.iter().any(|f| f == word), "{word} is not in {found:?}");
        }
        for word in none {
            assert!(!found.iter().any(|f| f == word), "{word} is in {found:?}");
        }
    };
    has(&proposed(""), &["query", "truth", "A", "U"], &["binary", "tv"]);
    has(&proposed("A -> "), &["A", "D"], &["query"]);
    has(&proposed("B: "), &["binary", "image"], &["A"]);
    has(&proposed("query q: "), &["P", "E", "ATE", "sample"], &["A"]);
    has(&proposed("query q: P(A | "), &["do", "D"], &["query"]);
    has(&proposed("query q: P(A | do(D = "), &["low", "high"], &["A"]);
    has(&proposed("query q: P(A[D = "), &["low", "high"], &["A"]);
    has(&proposed("query q: P(A)\noutput "), &["q"], &["A"]);
    has(&proposed("query q: P(A)\nexpect tv("), &["q"], &["truth"]);
    has(&proposed("query q: P(A)\nexpect tv(q, "), &["truth"], &["q"]);
    has(&proposed("train { "), &["epochs", "lr"], &["query"]);
    has(&proposed("train { engine: "), &["likelihood"], &["epochs"]);
    has(&proposed("data d = \"d.csv\" { "), &["columns", "weight"], &["A"]);
    has(&proposed("data d = \"d.csv\" { columns: { "), &["A", "D"], &["weight"]);
    has(&proposed("data d = \"d.csv\" do("), &["A", "D"], &["weight"]);
    has(&proposed("A: binary { "), &["mechanism", "encode"], &["A"]);
    has(&proposed("A: binary { mechanism: "), &["mlp", "pretrained"], &["mechanism"]);
    has(&proposed("truth {\n  A = "), &["bernoulli", "D", "if"], &["query"]);
    has(&proposed("truth {\n  A = D == "), &["low"], &["bernoulli"]);
    has(&proposed("assert "), &["identifiable", "independent"], &["A"]);
    has(&proposed("A: real["), &[], &["mechanism", "A"]);
    has(&proposed("query q: P(A)\noutput q -> \""), &["q.csv", "q.parquet"], &["q.png"]);
    has(&proposed("query q: sample(A)\noutput q -> \""), &["q.npz", "q.png"], &["q.json"]);
    assert_eq!(proposed("# a comment "), [""; 0]);
    assert_eq!(proposed("data d = \"a file "), [""; 0]);
}

#[test]
fn files_are_proposed_between_quotes() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("more/deep")).unwrap();
    for name in
        ["rows.csv", "Big.parquet", "notes.txt", ".hidden.csv", "lab.scm", "net.onnx", "more/b.tsv", "more/x.npz"]
    {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let model = folder.path().join("m.scm");
    let proposed = |end: &str| {
        let text = format!("A -> B\n{end}");
        let (mut client, uri) = open(model.to_str().unwrap(), &text);
        labels(&mut client, &uri, at(&text, text.len()))
    };
    assert_eq!(proposed("data d = \""), ["Big.parquet", "rows.csv", "more/"]);
    assert_eq!(proposed("data d = \"more/"), ["b.tsv", "x.npz", "deep/"]);
    assert_eq!(proposed("data d = \"rows.csv\" { images: { A: \"more/"), ["x.npz", "deep/"]);
    assert_eq!(proposed("import \""), ["lab.scm", "more/"]);
    assert_eq!(proposed("A: image[1,8,8] pretrained \""), ["net.onnx", "more/"]);
    assert_eq!(proposed("A: image[1,8,8] { mechanism: pretrained { file: \""), ["net.onnx", "more/"]);
    assert_eq!(proposed("data d = \"no such folder/"), [""; 0]);
    assert_eq!(proposed("query `q: \""), [""; 0]);
    // What is typed of the last part is replaced, the folder stays.
    let text = "data d = \"more/b.t";
    let (mut client, uri) = open(model.to_str().unwrap(), text);
    let position = at(text, text.len());
    let found =
        client.raw("textDocument/completion", json!({ "textDocument": { "uri": uri }, "position": position })).unwrap();
    assert_eq!(found[0]["textEdit"]["newText"], "b.tsv");
    assert_eq!(found[0]["textEdit"]["range"]["start"]["character"], 15);
}

#[test]
fn definition_references_and_highlights() {
    let (mut client, uri) = open("m.scm", FRONT_DOOR);
    let used = FRONT_DOOR.find("cancer | do").unwrap();
    let found = client.ask::<ask::GotoDefinition>(GotoDefinitionParams {
        text_document_position_params: place(&uri, at(FRONT_DOOR, used + 1)),
        work_done_progress_params: WorkDoneProgressParams::default(),
        partial_result_params: PartialResultParams::default(),
    });
    let Some(GotoDefinitionResponse::Scalar(found)) = found else { panic!("{found:?}") };
    let declared = FRONT_DOOR.find("cancer: binary").unwrap();
    assert_eq!(found.range, Range::new(at(FRONT_DOOR, declared), at(FRONT_DOOR, declared + 6)));
    let mut references = |include_declaration| {
        let found = client.ask::<ask::References>(ReferenceParams {
            text_document_position: place(&uri, at(FRONT_DOOR, used)),
            work_done_progress_params: WorkDoneProgressParams::default(),
            partial_result_params: PartialResultParams::default(),
            context: ReferenceContext { include_declaration },
        });
        found.unwrap().len()
    };
    assert_eq!((references(true), references(false)), (5, 4));
    let found = client.ask::<ask::DocumentHighlightRequest>(DocumentHighlightParams {
        text_document_position_params: place(&uri, at(FRONT_DOOR, used)),
        work_done_progress_params: WorkDoneProgressParams::default(),
        partial_result_params: PartialResultParams::default(),
    });
    let written = |h: &&DocumentHighlight| h.kind == Some(DocumentHighlightKind::WRITE);
    assert_eq!(found.unwrap().iter().filter(written).count(), 2);
}

#[test]
fn rename_changes_every_place_and_no_string() {
    let text = FRONT_DOOR.replace("data sim", "data seen = \"s.csv\" { columns: { tar: \"tar\" } }\ndata sim");
    let (mut client, uri) = open("m.scm", &text);
    let position = at(&text, text.find("tar ->").unwrap());
    assert!(client.ask::<ask::PrepareRenameRequest>(place(&uri, position)).is_some());
    let changes = client.rename(&uri, position, "tar content").unwrap();
    client.apply(&uri, &changes[&uri]);
    let expected = text
        .replace("tar", "`tar content`")
        .replace("\"`tar content`\"", "\"tar\"")
        .replace("through `tar content`", "through tar");
    assert_eq!(client.text(&uri), expected);
    let query = at(&expected, expected.find("effect:").unwrap());
    let changes = client.rename(&uri, query, "answer").unwrap();
    client.apply(&uri, &changes[&uri]);
    assert_eq!(
        client.text(&uri),
        expected
            .replace("effect:", "answer:")
            .replace("output effect", "output answer")
            .replace("tv(effect", "tv(answer")
    );
    let position = at(&expected, expected.find("smoke").unwrap());
    for (name, why) in [("cancer", "already"), ("a`b", "no name"), ("", "no name")] {
        let refused = client.rename(&uri, position, name).unwrap_err();
        assert!(refused.contains(why), "{name}: {refused}");
    }
}

#[test]
fn imported_files_are_read_from_the_editor_and_renamed_with_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let colours = folder.path().join("colours.scm");
    fs::write(&colours, "dcm 1\nHue: categorical {red, blue}\n").unwrap();
    let model = folder.path().join("m.scm");
    let text = "dcm 1\nimport \"colours.scm\" as c\nc.Hue -> Y\nY: binary\nquery q: P(Y | do(c.Hue = red))\n";
    let (mut client, uri) = open(model.to_str().unwrap(), text);
    assert_eq!(client.settled(&uri), []);
    let position = at(text, text.find("c.Hue").unwrap() + 3);
    let changes = client.rename(&uri, position, "Tint").unwrap();
    let other = client::uri(colours.to_str().unwrap());
    let texts: Vec<&str> = changes[&uri].iter().chain(&changes[&other]).map(|e| e.new_text.as_str()).collect();
    assert_eq!(texts, ["c.Tint", "c.Tint", "Tint"]);
    // An unsaved change of the imported file counts.
    client.open(&other, "dcm 1\nHue: categorical {green, blue}\n");
    let shown = client.settled(&uri);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!(shown[0].code, Some(NumberOrString::String("E0404".into())));
    // What is wrong in the imported file is shown where it is imported.
    client.change(&other, None, "dcm 1\nHue ->\n");
    let shown = client.settled(&uri);
    assert_eq!(shown[0].range.start, Position::new(1, 7), "{shown:?}");
    assert_eq!(shown[0].related_information.as_ref().unwrap()[0].location.uri, other);
    client.close(&other);
    assert_eq!(client.settled(&uri), []);
    let there = client.ask::<ask::GotoDefinition>(GotoDefinitionParams {
        text_document_position_params: place(&uri, position),
        work_done_progress_params: WorkDoneProgressParams::default(),
        partial_result_params: PartialResultParams::default(),
    });
    let Some(GotoDefinitionResponse::Scalar(there)) = there else { panic!("{there:?}") };
    assert_eq!((there.uri, there.range.start), (other, Position::new(1, 0)));
}

#[test]
fn outline_folding_formatting_and_signatures() {
    let (mut client, uri) = open("m.scm", FRONT_DOOR);
    let document = TextDocumentIdentifier { uri: uri.clone() };
    let found = client.ask::<ask::DocumentSymbolRequest>(DocumentSymbolParams {
        text_document: document.clone(),
        work_done_progress_params: WorkDoneProgressParams::default(),
        partial_result_params: PartialResultParams::default(),
    });
    let Some(DocumentSymbolResponse::Nested(found)) = found else { panic!("{found:?}") };
    let names: Vec<&str> = found.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        names,
        ["smoke", "tar", "cancer", "sim", "truth", "effect", "effect.csv", "expect tv(effect, truth) < 0.1"]
    );
    assert_eq!(found[4].children.as_ref().unwrap().len(), 4);
    let folds = client.ask::<ask::FoldingRangeRequest>(FoldingRangeParams {
        text_document: document.clone(),
        work_done_progress_params: WorkDoneProgressParams::default(),
        partial_result_params: PartialResultParams::default(),
    });
    let lines: Vec<_> = folds.unwrap().iter().map(|f| (f.start_line, f.end_line)).collect();
    assert_eq!(lines, [(1, 2), (6, 10)]);
    let messy = "dcm 1\nA->B\n\n\nA:binary\n";
    client.change(&uri, None, messy);
    let edits = client.ask::<ask::Formatting>(DocumentFormattingParams {
        text_document: document.clone(),
        options: FormattingOptions::default(),
        work_done_progress_params: WorkDoneProgressParams::default(),
    });
    client.apply(&uri, &edits.unwrap());
    assert_eq!(client.text(&uri), dcmc::syntax::format(messy).unwrap());
    let text = "A -> B\nquery q: P(B | do(A), ";
    client.change(&uri, None, text);
    let help = client.ask::<ask::SignatureHelpRequest>(SignatureHelpParams {
        context: None,
        text_document_position_params: place(&uri, at(text, text.len())),
        work_done_progress_params: WorkDoneProgressParams::default(),
    });
    assert_eq!(help.unwrap().signatures[0].label, "P(outcome | do(interventions), evidence)");
}

#[test]
fn words_are_painted() {
    let text = "dcm 1 # é😀\nD -> `A b`; latent U -> {D, `A b`}\nD: binary\nquery q: E[`A b` | do(D = 1)]\n";
    let (mut client, uri) = open("m.scm", text);
    let found = client.ask::<ask::SemanticTokensFullRequest>(SemanticTokensParams {
        text_document: TextDocumentIdentifier { uri: uri.clone() },
        work_done_progress_params: WorkDoneProgressParams::default(),
        partial_result_params: PartialResultParams::default(),
    });
    let Some(SemanticTokensResult::Tokens(tokens)) = found else { panic!("{found:?}") };
    let legend = client.legend();
    let (mut line, mut column, mut words) = (0, 0, vec![]);
    for token in tokens.data {
        column = if token.delta_line > 0 { token.delta_start } else { column + token.delta_start };
        line += token.delta_line;
        let units: Vec<u16> = text.lines().nth(line as usize).unwrap().encode_utf16().collect();
        let word = String::from_utf16(&units[column as usize..(column + token.length) as usize]).unwrap();
        words.push((word, legend[token.token_type as usize].clone()));
    }
    let expected = "dcm keyword|1 number|# é😀 comment|D variable|`A b` variable|latent keyword|U parameter|D variable|\
        `A b` variable|D variable|binary type|query keyword|q function|E keyword|`A b` variable|do keyword|D variable|1 number";
    let words: Vec<String> = words.into_iter().map(|(word, kind)| format!("{word} {kind}")).collect();
    assert_eq!(words.join("|"), expected);
}

#[test]
fn hints_lenses_the_plan_and_the_graph() {
    let text = FRONT_DOOR.replace("smoke, tar, cancer: binary", "tar: binary");
    let (mut client, uri) = open("m.scm", &text);
    client.settled(&uri);
    let hints = client.ask::<ask::InlayHintRequest>(InlayHintParams {
        work_done_progress_params: WorkDoneProgressParams::default(),
        text_document: TextDocumentIdentifier { uri: uri.clone() },
        range: Range::new(Position::new(0, 0), Position::new(99, 0)),
    });
    let words: Vec<String> = hints
        .unwrap()
        .into_iter()
        .map(|h| match h.label {
            InlayHintLabel::String(s) => s,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(words.iter().filter(|w| *w == ": binary").count(), 2, "{words:?}");
    assert_eq!(words.iter().filter(|w| w.starts_with(" H")).count(), 3, "{words:?}");
    assert_eq!(client.lenses(&uri).len(), 1);
    let title = client.lenses(&uri).remove(0);
    assert!(title.starts_with("identifiable: Σ"), "{title}");
    let bow = "X -> Y; X <-> Y\nX, Y: binary\nquery q: P(Y | do(X))\n";
    // A lens of an earlier text is answered, with nothing: VS Code would show a refusal as "no commands".
    let old = client.raw("textDocument/codeLens", json!({ "textDocument": { "uri": uri } })).unwrap();
    client.change(&uri, None, bow);
    assert_eq!(client.raw("codeLens/resolve", old[0].clone()).unwrap()["command"]["title"], "…");
    assert_eq!(client.lenses(&uri), ["not identifiable: hedge {X, Y} over {Y}"]);
    let shown = client.settled(&uri);
    assert!(shown.iter().any(|d| d.code == Some(NumberOrString::String("E0701".into()))), "{shown:?}");
    let picture = client.raw("dcmc/graph", json!({ "textDocument": { "uri": uri } })).unwrap();
    let svg = picture["svg"].as_str().unwrap();
    assert!(roxmltree::Document::parse(svg).unwrap().descendants().any(|n| n.text() == Some("Y")), "{svg}");
    let plan = client.raw("dcmc/plan", json!({ "textDocument": { "uri": uri } })).unwrap();
    assert!(plan["text"].as_str().unwrap().contains("1 module"), "{plan}");
}

#[test]
fn scheme_is_left_alone_and_the_unknown_is_refused() {
    let (mut client, uri) = open("m.scm", "A -> B\n");
    let scheme = client::uri("/elsewhere/other.scm");
    client.open_as(&scheme, "scheme", "(define x 1)");
    client.settled(&uri);
    assert!(!client.shown.contains_key(&scheme));
    assert!(client.raw("textDocument/nonsense", json!({ "textDocument": { "uri": uri } })).is_err());
    assert!(client.raw("workspace/nonsense", json!({})).is_err());
    assert_eq!(client.raw("textDocument/hover", json!({ "textDocument": { "uri": "file:///no" } })), Ok(Value::Null));
    assert!(client.raw("textDocument/hover", json!({ "textDocument": { "uri": uri }, "position": 7 })).is_ok());
    assert_eq!(client.raw("shutdown", Value::Null), Ok(Value::Null));
}

/// What a fresh check says of a text: codes and places.
fn fresh(name: &str, text: &str) -> Vec<(String, Range)> {
    let analysis = Analysis::new(name, text.to_owned(), &|path: &Path| fs::read_to_string(path));
    let sources = Sources::new("m", text);
    let file = &sources.files()[0];
    let point = |at: usize| {
        let place = file.position(at);
        Position::new(place.line as u32 - 1, place.column_utf16 as u32 - 1)
    };
    let range = |span: Span| {
        let (_, range) = sources.locate(span).unwrap();
        Range::new(point(range.start), point(range.end))
    };
    let found = analysis.conclude(&|| false).unwrap().diagnostics;
    found
        .iter()
        .map(|d| (d.code.to_owned(), d.labels.first().map(|l| range(analysis.home(l.span))).unwrap_or_default()))
        .collect()
}

/// Edits as an editor sends them, on UTF-16 units, made in another way than the server makes them.
fn edit_reference(units: &mut Vec<u16>, range: Range, new: &str) {
    let offset = |p: Position| {
        let mut start = 0;
        for _ in 0..p.line {
            start += units[start..].iter().position(|u| *u == u16::from(b'\n')).unwrap() + 1;
        }
        start + p.character as usize
    };
    let (start, end) = (offset(range.start), offset(range.end));
    units.splice(start..end, new.encode_utf16());
}

/// Pieces that make and break statements, brackets and characters of every length.
const PIECES: [&str; 30] = [
    "A",
    "B",
    "X'",
    "é",
    "→",
    "😀",
    "𝒜 -> B",
    " -> ",
    " <-> ",
    "\n",
    "\r\n",
    ";",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "`",
    "#",
    "query q: P(A | do(B))",
    "A: binary",
    "truth {\n",
    "data d = \"d.csv\"",
    ",",
    " | ",
    " = 1",
    "0.5",
    "latent U -> {A, B}",
];

#[test]
fn after_any_edits_text_and_diagnostics_are_those_of_a_fresh_start() {
    edit_at_random(7, 120);
}

/// `cargo test --release --test lsp -- --ignored edits`; `DCMC_FUZZ_MINUTES` says for how long (10).
#[test]
#[ignore = "takes ten minutes"]
fn after_very_many_edits_too() {
    let minutes = std::env::var("DCMC_FUZZ_MINUTES").ok().and_then(|m| m.parse().ok()).unwrap_or(10.0);
    let (start, mut seed) = (std::time::Instant::now(), 100);
    while start.elapsed().as_secs_f64() < 60.0 * minutes {
        edit_at_random(seed, 400);
        seed += 1;
    }
    println!("{} runs", seed - 100);
}

/// Edits of several programs, each compared with a fresh start every fourth step.
fn edit_at_random(seed: u64, steps: usize) {
    let mut rng = stream(seed, "edits");
    let mut programs: Vec<String> = vec![String::new(), FRONT_DOOR.to_owned()];
    for file in ["frontdoor", "kidney_stones", "synthetic7", "twins"] {
        programs.push(fs::read_to_string(format!("examples/{file}.scm")).unwrap().chars().take(900).collect());
    }
    for text in programs {
        let name = "/nowhere/fuzz.scm";
        let (mut client, uri) = open(name, &text);
        let mut units: Vec<u16> = text.encode_utf16().collect();
        for step in 0..steps {
            // Some edits together in one message, some messages together before anybody waits.
            let mut changes = vec![];
            for _ in 0..rng.random_range(1..4) {
                let text = String::from_utf16(&units).unwrap();
                let border = |at: usize| (0..=at).rev().find(|&a| text.is_char_boundary(a)).unwrap();
                let start = border(rng.random_range(0..=text.len()));
                let long = if rng.random_bool(0.1) { 200 } else { 6 };
                let end = border((start + rng.random_range(0..=long)).min(text.len())).max(start);
                let end = if rng.random_bool(0.5) { start } else { end };
                // A position between `\r` and `\n` is none of the protocol.
                let inside = |at: usize| text[..at].ends_with('\r') && text[at..].starts_with('\n');
                if inside(start) || inside(end) {
                    continue;
                }
                let range = Range::new(at(&text, start), at(&text, end));
                let new = PIECES[rng.random_range(0..PIECES.len())];
                edit_reference(&mut units, range, new);
                changes.push((Some(range), new));
            }
            client.changes(&uri, &changes);
            let text = String::from_utf16(&units).unwrap();
            if rng.random_bool(0.3) {
                let position = at(
                    &text,
                    (0..=rng.random_range(0..=text.len())).rev().find(|&a| text.is_char_boundary(a)).unwrap(),
                );
                for method in [
                    "hover",
                    "completion",
                    "signatureHelp",
                    "definition",
                    "prepareRename",
                    "documentSymbol",
                    "codeLens",
                    "foldingRange",
                    "semanticTokens/full",
                    "inlayHint",
                    "formatting",
                    "documentHighlight",
                ] {
                    let params = json!({ "textDocument": { "uri": uri }, "position": position, "range": Range::new(position, position) });
                    assert!(client.raw(&format!("textDocument/{method}"), params).is_ok(), "{method} on {text:?}");
                }
            }
            if step % 4 == 3 {
                assert_eq!(client.text(&uri), text);
                let shown = client.settled(&uri);
                let shown: Vec<_> = shown
                    .iter()
                    .map(|d| match &d.code {
                        Some(NumberOrString::String(code)) => (code.clone(), d.range),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                assert_eq!(shown, fresh(name, &text), "{text:?}");
                assert_eq!(client.version_shown(&uri), client.version(&uri));
            }
        }
    }
}
