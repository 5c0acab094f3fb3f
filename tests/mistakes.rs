//! Bad input ends with a diagnostic at the right place, the right exit code, and an unharmed run directory.

#![cfg(feature = "run")]

mod common;

use common::{dcmc, folder};

const GOOD: &str = "X,Y\n0,1\n1,0\n1,1\n0,0\n";

/// Runs a model beside its files; the code must be among the diagnostics, at the line given.
fn check(model: &str, files: &[(&str, &str)], exit: i32, code: &str, line: usize) {
    let here = folder(&[&[("m.scm", model)], files].concat());
    let text = dcmc(here.path(), &["run", "m.scm"]).expect(exit).stderr;
    assert!(text.contains(&format!("[{code}]")), "no {code} in\n{text}");
    assert!(text.contains(&format!("m.scm:{line}:")), "nothing at line {line} in\n{text}");
    let json = dcmc(here.path(), &["run", "m.scm", "--format", "json"]).expect(exit).json();
    let codes: Vec<&str> = json["diagnostics"].as_array().unwrap().iter().filter_map(|d| d["code"].as_str()).collect();
    assert!(codes.contains(&code), "{codes:?}");
    assert!(!here.path().join("m.dcm").exists(), "a run directory was left behind");
}

#[test]
fn a_missing_file() {
    check("X -> Y\nX, Y: binary\ndata d = \"nope.csv\"", &[], 2, "E0501", 3);
}

#[test]
fn an_empty_file() {
    check("X -> Y\nX, Y: binary\ndata d = \"d.csv\"", &[("d.csv", "")], 2, "E0501", 3);
}

#[test]
fn a_missing_column() {
    let model = "X -> Y\nX, Y: binary\ndata d = \"d.csv\" { columns: { X, Y } }";
    check(model, &[("d.csv", "X,Z\n0,1\n")], 1, "E0502", 3);
}

#[test]
fn text_in_a_number_column() {
    check("X -> Y\nX, Y: binary\ndata d = \"d.csv\"", &[("d.csv", "X,Y\n0,1\nred,0\n")], 1, "E0503", 3);
}

#[test]
fn a_value_outside_the_domain_in_data_and_in_a_query() {
    check("X -> Y\nX, Y: binary\ndata d = \"d.csv\"", &[("d.csv", "X,Y\n0,1\n2,0\n")], 1, "E0503", 3);
    let model = "X -> Y\nX, Y: binary\ndata d = \"d.csv\"\nquery q: P(Y | do(X = 2))";
    check(model, &[("d.csv", GOOD)], 1, "E0404", 4);
}

#[test]
fn a_cycle() {
    check("X -> Y -> Z -> X\nX, Y, Z: binary\ndata d = \"d.csv\"", &[("d.csv", GOOD)], 1, "E0301", 1);
}

#[test]
fn a_data_set_that_covers_no_module() {
    check("X -> Y\nX, Y: binary\ndata d = \"d.csv\"", &[("d.csv", "X,Z\n0,1\n")], 1, "E0505", 1);
}

#[test]
fn an_intervened_column_that_varies() {
    check("X -> Y\nX, Y: binary\ndata d = \"d.csv\" do(X = 1)", &[("d.csv", GOOD)], 1, "E0504", 3);
}

#[test]
fn several_mistakes_in_one_run() {
    let model = "X => Y\nX, Y: binry\ndata d = \"d.csv\"\nquery q: P(Y | do(X = 1\nquery r: P(Y | do(X))\n";
    let here = folder(&[("m.scm", model), ("d.csv", GOOD)]);
    let text = dcmc(here.path(), &["check", "m.scm"]).expect(1).stderr;
    for code in ["E0102", "E0401", "E0104"] {
        assert!(text.contains(code), "no {code} in\n{text}");
    }
}

#[test]
fn an_earlier_run_is_unharmed() {
    let model = "X -> Y\nX, Y: binary\ndata d = \"d.csv\"\nquery q: P(Y | do(X))\n";
    let here = folder(&[("m.scm", model), ("d.csv", GOOD)]);
    dcmc(here.path(), &["run", "m.scm", "-q"]).expect(0);
    let read = || std::fs::read(here.path().join("m.dcm/results.json")).unwrap();
    let before = read();
    std::fs::write(here.path().join("d.csv"), "X,Y\n0,7\n").unwrap();
    dcmc(here.path(), &["run", "m.scm", "-q"]).expect(1);
    assert_eq!(before, read());
    dcmc(here.path(), &["run", "m.scm", "-q", "--set", "train.lr=fast"]).expect(2);
    dcmc(here.path(), &["run", "m.scm", "-q", "--set", "train.speed=1"]).expect(2);
    dcmc(here.path(), &["run", "m.scm", "-q", "--device", "cuda"]).expect(2);
    assert_eq!(before, read());
}

#[test]
fn an_expectation_that_fails_ends_with_3_and_a_report() {
    let model = "X -> Y\nX, Y: binary\ndata d = \"d.csv\"\nquery q: P(Y | do(X))\nexpect q(Y = 1, X = 1) > 0.99\n";
    let here = folder(&[("m.scm", model), ("d.csv", GOOD)]);
    let outcome = dcmc(here.path(), &["run", "m.scm", "-q"]).expect(3);
    assert!(outcome.stderr.contains("E0802") && here.path().join("m.dcm/report.html").is_file());
}

#[test]
fn evidence_that_cannot_happen() {
    let model = "X -> Y\nX, Y: binary\ndata d = \"d.csv\"\nquery q: P(Y | X = 1)\n";
    let model = model.replace("binary", "int[0..2]").replace("X = 1", "X = 2");
    let here = folder(&[("m.scm", &model), ("d.csv", GOOD)]);
    // A prior on tables makes every value possible, so there is an answer, with all the doubt it deserves.
    let answer = dcmc(here.path(), &["run", "m.scm", "-q", "--format", "json"]).expect(0).json();
    let value = &answer["results"][0]["values"][0];
    assert!(value["high"].as_f64().unwrap() - value["low"].as_f64().unwrap() > 0.3, "{value}");
}

#[test]
fn long_and_deep_inputs_end_in_time() {
    let truth = |line: String| format!("X -> Y\ntruth {{ X ~ bernoulli(0.5); Y = {line} }}");
    let inputs = [
        (truth("-".repeat(100_000) + "1"), 1),
        (truth("X".to_owned() + &" + X".repeat(50_000)), 1),
        (truth("if X then 1 else ".repeat(1_500) + "0"), 0),
        (truth("not ".repeat(1_500) + "0"), 0),
        (truth("(".repeat(150) + "X" + &")".repeat(150)), 0),
        ("(".repeat(100_000), 1),
        ("A -> ".repeat(100_000) + "B", 1),
        ((0..20_000).map(|i| format!("V{i} -> V{}\n", i + 1)).collect(), 0),
        ("\"".repeat(5_001), 1),
    ];
    for (text, exit) in inputs {
        let here = folder(&[("m.scm", &text)]);
        let outcome = dcmc(here.path(), &["check", "m.scm"]).expect(exit);
        assert!(outcome.stderr.len() < 100_000);
    }
}

#[test]
fn no_input_panics() {
    let pieces = [
        "X -> Y",
        "X <-> Y",
        "{A, B} -> X;",
        "data d = \"d.csv\"",
        "do(X = 1)",
        "{ where: a == 1 }",
        "query q: P(",
        "E[Y]",
        ")",
        "}",
        "truth {",
        "X ~ bernoulli(2)",
        "Y = X / 0",
        "\n",
        ";",
        "\"",
        "`",
        "é→",
        "\u{feff}",
        "int[9..1]",
        "X: ",
        "expect tv(q, truth) < 1",
        "latent U -> ",
        "train { lr: -1 }",
        "X = if",
        "table(X) { 0: [1] }",
        "(((((",
        "5e999",
    ];
    let mut rng = dcmc::seed::stream(1, "mistakes");
    for _ in 0..2000 {
        use rand::Rng;
        let count = rng.random_range(1..12);
        let text: Vec<&str> = (0..count).map(|_| pieces[rng.random_range(0..pieces.len())]).collect();
        let text = text.join(if rng.random_bool(0.5) { " " } else { "" });
        let (ast, mut found) = dcmc::syntax::parse(&text);
        let (model, more) = dcmc::model::lower(&ast, dcmc::truth::infer_domains);
        found.extend(more);
        found.extend(dcmc::truth::Scm::build(&model).err().unwrap_or_default());
        let sources = dcmc::diag::Sources::new("m.scm", text);
        dcmc::diag::render_human(&found, &sources, false);
        dcmc::diag::render_json(&found, &sources);
    }
}
