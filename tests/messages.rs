//! The formats of diagnostics: short lines, JSON, SARIF; how many are shown, and where.

mod common;

use common::{dcmc, folder};
use serde_json::Value;

/// Two errors in two files, one of them with a label elsewhere and a repair, and a warning.
fn model() -> tempfile::TempDir {
    let model = "import \"part 1.scm\" as p\n😀é: binary # not a name\np.X -> Y\nY: binary\nquery q: P(Y | do(p.X = red))\np.X -> Y\n";
    folder(&[
        ("m.scm", &model.replace("😀é: binary # not a name", "`😀é` -> Y; query r: P(Z)")),
        ("part 1.scm", "X: categorical {rot, blue}\n"),
    ])
}

#[test]
fn short_is_one_line_each() {
    let outcome = dcmc(model().path(), &["check", "m.scm", "--message-format", "short"]).expect(1);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "m.scm:2:23: error[E0201]: there is no variable `Z`",
            "m.scm:5:25: error[E0404]: `red` is not a value of `p.X`",
            "m.scm:6:1: warning[W0203]: this edge is written twice",
            "2 errors and 1 warning; `dcmc explain E0201` says more",
        ]
    );
    assert_eq!(outcome.stdout, "");
}

#[test]
fn json_lines_have_places_in_files() {
    let outcome = dcmc(model().path(), &["check", "m.scm", "--message-format", "json"]).expect(1);
    let found: Vec<Value> = outcome.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(found.len(), 3);
    let (unknown, label) = (&found[0], &found[1]["labels"][1]);
    let number = |d: &Value, key: &str| d[key].as_u64().unwrap();
    assert_eq!((number(unknown, "line"), number(unknown, "column"), number(unknown, "end_column")), (2, 23, 24));
    let text = std::fs::read_to_string(model().path().join("m.scm")).unwrap();
    let range = number(&unknown["span"], "start") as usize..number(&unknown["span"], "end") as usize;
    assert_eq!(&text[range], "Z");
    // Bytes are counted in the file they are in.
    assert_eq!((label["file"].as_str().unwrap(), number(&label["span"], "start")), ("part 1.scm", 3));
    let edit = &found[2]["fixes"][0]["edits"][0];
    assert_eq!((edit["text"].as_str(), number(edit, "line")), (Some(""), 6));
    let rendered = found[0]["rendered"].as_str().unwrap();
    assert!(rendered.contains("E0201") && !rendered.contains('\u{1b}'));
    // Other commands say the same on standard error; `--format json` is one object.
    let plan = dcmc(model().path(), &["plan", "m.scm", "--message-format", "json"]).expect(1);
    assert!(plan.stdout.is_empty() && plan.stderr.lines().all(|l| serde_json::from_str::<Value>(l).is_ok()));
    let whole = dcmc(model().path(), &["check", "m.scm", "--format", "json"]).expect(1).json();
    assert_eq!((whole["schema"].as_u64(), whole["diagnostics"].as_array().unwrap().len()), (Some(1), 3));
    assert_eq!(whole["diagnostics"][0], found[0]);
}

#[test]
fn sarif_keeps_the_rules_of_its_standard() {
    let log = dcmc(model().path(), &["check", "m.scm", "--message-format", "sarif"]).expect(1).json();
    assert_eq!((log["version"].as_str(), log["runs"].as_array().unwrap().len()), (Some("2.1.0"), 1));
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "utf16CodeUnits");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: std::collections::BTreeSet<&str> = rules.iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    let region = |location: &Value| {
        let place = &location["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.contains(' ') && !uri.contains('\\'), "{uri}");
        let number = |key: &str| place["region"][key].as_u64().unwrap();
        assert!(number("startLine") >= 1 && number("startColumn") >= 1);
        assert!((number("startLine"), number("startColumn")) <= (number("endLine"), number("endColumn")));
        (uri.to_owned(), number("startLine"), number("startColumn"))
    };
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(rule["help"]["markdown"].is_string() && !result["message"]["text"].as_str().unwrap().is_empty());
        assert_eq!(result["locations"].as_array().unwrap().len(), 1);
        region(&result["locations"][0]);
        for related in result["relatedLocations"].as_array().into_iter().flatten() {
            region(related);
        }
    }
    // `😀` is one character and two UTF-16 code units.
    assert_eq!(region(&results[0]["locations"][0]), ("m.scm".to_owned(), 2, 24));
    assert_eq!(region(&results[1]["relatedLocations"][0]).0, "part%201.scm");
    let change = &results[2]["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], "");
    // A program without mistakes gives a log too.
    let here = folder(&[("m.scm", "X -> Y")]);
    let log = dcmc(here.path(), &["check", "m.scm", "--message-format", "sarif"]).expect(0).json();
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 0);
}

#[test]
fn errors_come_before_warnings_where_not_all_are_shown() {
    let mut text = "X -> Y\n".repeat(80);
    text += "X, Y: binary\nquery q: P(Z)\n";
    let here = folder(&[("m.scm", &text)]);
    let said = |more: &[&str]| dcmc(here.path(), &[&["check", "m.scm"], more].concat()).expect(1);
    let human = said(&[]).stderr;
    assert!(human.contains("E0201") && human.contains("… and 30 more"), "{human}");
    assert_eq!(human.matches("W0203").count(), 49);
    assert_eq!(said(&["--max-errors", "0"]).stderr.matches("W0203").count(), 79);
    let json = said(&["--max-errors", "1", "--message-format", "json"]).stdout;
    let lines: Vec<&str> = json.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("E0201") && lines[1] == "{\"left_out\":79}", "{json}");
    let sarif = dcmc(here.path(), &["check", "m.scm", "--max-errors", "1", "--message-format", "sarif"]).json();
    assert_eq!(sarif["runs"][0]["properties"]["leftOut"], 79);
    let object = said(&["--max-errors", "1", "--format", "json"]).json();
    assert_eq!(object["left_out"], 79);
}

#[test]
fn colours_come_when_they_are_asked_for() {
    let here = folder(&[("m.scm", "X => Y")]);
    assert!(!dcmc(here.path(), &["check", "m.scm"]).stderr.contains('\u{1b}'));
    assert!(dcmc(here.path(), &["check", "m.scm", "--color", "always"]).stderr.contains('\u{1b}'));
}

#[test]
fn many_messages_about_a_large_file_take_time_in_proportion() {
    use dcmc::diag::{Diagnostic, MessageFormat, Sources, Span, render};
    // 10 MB, one half in a single line, with characters of every length.
    let line = "Größe -> `😀 x` → Y; ";
    let text = line.repeat(180_000) + &format!("{line}\n").repeat(180_000);
    let step = text.len() / 5_000;
    let found: Vec<Diagnostic> = (0..5_000)
        .map(|n| Diagnostic::new("E0201", "wrong").label(Span::new(n * step, n * step + 1), "here"))
        .collect();
    let sources = Sources::new("m.scm", text);
    let begin = std::time::Instant::now();
    for format in [MessageFormat::Human, MessageFormat::Short, MessageFormat::Json, MessageFormat::Sarif] {
        assert!(render(&found, &sources, format, 0, false).len() > 5_000 * 20);
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert!(seconds < 20.0, "{seconds} s");
}

#[cfg(feature = "run")]
#[test]
fn a_query_of_the_command_line_is_shown_beside_the_model() {
    let model = "X -> Y\nX, Y: binary\ndata d = \"d.csv\"\n";
    let here = folder(&[("m.scm", model), ("d.csv", "X,Y\n0,1\n1,0\n1,1\n0,0\n")]);
    dcmc(here.path(), &["train", "m.scm", "--quiet"]).expect(0);
    let said = dcmc(here.path(), &["query", "m.scm", "P(Y | do(X = 7))", "-q"]).expect(1).stderr;
    assert!(said.contains("query:1:14") && said.contains("m.scm:2:7") && said.contains("declared here"), "{said}");
    let json = dcmc(here.path(), &["query", "m.scm", "P(Z)", "-q", "--format", "json"]).expect(1).json();
    assert_eq!((&json["diagnostics"][0]["file"], &json["diagnostics"][0]["column"]), (&"query".into(), &3.into()));
}
