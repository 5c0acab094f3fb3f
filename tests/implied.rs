//! `dcmc test`: what the graph implies, checked against data.

mod common;

use common::{dcmc, examples, folder};
use serde_json::{Value, json};

/// A table of counts of `A -> B -> C` with binary variables, and of the same where `C` follows `A` as well.
fn chain(direct: bool) -> String {
    let mut text = "A,B,C,n\n".to_owned();
    for (a, b, c) in (0..8).map(|i| (i >> 2, i >> 1 & 1, i & 1)) {
        let of_b = if a == b { 80 } else { 20 };
        let other = if direct { a } else { b };
        let of_c = match (b == c, other == c) {
            (true, true) => 90,
            (false, false) => 10,
            _ => 50,
        };
        text += &format!("{a},{b},{c},{}\n", of_b * of_c / 20);
    }
    text
}

const CHAIN: &str = "A -> B -> C\nA, B, C: binary\ndata obs = \"d.csv\" { weight: n }\n";

fn test_json(files: &[(&str, &str)], more: &[&str], code: i32) -> Value {
    let here = folder(files);
    let call = [&["test", "m.scm", "--format", "json"], more].concat();
    dcmc(here.path(), &call).expect(code).json()
}

#[test]
fn without_data_the_implications_are_listed() {
    let here = folder(&[("m.scm", "A -> B -> C -> D\nB <-> D\n")]);
    let text = dcmc(here.path(), &["test", "m.scm"]).expect(0).stdout;
    assert!(text.contains("A ⊥ C | B\n"), "{text}");
    assert!(text.contains("Σ_{B} P(B | A) P(D | A, B, C) does not depend on A\n"), "{text}");
    assert!(text.contains("2 statements follow from the graph; there are no data"), "{text}");
    let json = dcmc(here.path(), &["test", "m.scm", "--format", "json"]).expect(0).json();
    assert_eq!(json["schema"], 1);
    assert_eq!(
        json["implications"],
        json!([
            { "kind": "independence", "text": "A ⊥ C | B", "left": ["A"], "right": ["C"], "given": ["B"] },
            { "kind": "kernel", "text": "Σ_{B} P(B | A) P(D | A, B, C) does not depend on A", "of": ["D"], "given": ["C"],
              "free_of": ["A"], "formula": "Σ_{B} P(B | A) P(D | A, B, C)" },
        ])
    );
    assert_eq!(json["summary"], json!({ "tested": 0, "failed": 0, "passed": 0, "untested": 0 }));
}

#[test]
fn a_missing_edge_is_found_and_explained() {
    let good = test_json(&[("m.scm", CHAIN), ("d.csv", &chain(false))], &[], 0);
    assert_eq!(good["tests"][0]["verdict"], "passes");
    let bad = test_json(&[("m.scm", CHAIN), ("d.csv", &chain(true))], &[], 3);
    let test = &bad["tests"][0];
    assert_eq!(
        (&test["text"], &test["verdict"], &test["method"]),
        (&json!("A ⊥ C | B"), &json!("fails"), &json!("g2"))
    );
    assert_eq!((&test["df"], &test["data"], &bad["data"][0]["rows"]), (&json!(2), &json!("obs"), &json!(1000.0)));
    assert!(test["p"].as_f64().unwrap() < 1e-10 && test["effect"].as_f64().unwrap() > 0.05, "{test}");
    let meaning = test["meaning"].as_str().unwrap();
    assert!(meaning.contains("A -> B -> C") && meaning.contains("`A <-> C`"), "{meaning}");
    let here = folder(&[("m.scm", CHAIN), ("d.csv", &chain(true))]);
    let text = dcmc(here.path(), &["test", "m.scm"]).expect(3).stdout;
    assert!(text.contains("FAILS") && text.contains("1 fails") && text.contains("passing is no proof"), "{text}");
}

#[test]
fn the_number_of_tests_is_accounted_for() {
    // Nine independent coins, one pair of them a little associated: p of about .005 is nothing among 36.
    let names: Vec<String> = (0..9).map(|v| format!("V{v}")).collect();
    let mut csv = format!("{},n\n", names.join(","));
    for row in 0..512_u32 {
        let bits: Vec<String> = (0..9).map(|v| (row >> v & 1).to_string()).collect();
        let count = if (row & 1) == (row >> 1 & 1) { 21 } else { 20 };
        csv += &format!("{},{count}\n", bits.join(","));
    }
    let model = format!("{{{}}}: binary\ndata d = \"d.csv\" {{ weight: n }}\n", names.join(", "));
    let ask = |correction: &str, code| {
        test_json(&[("m.scm", &model), ("d.csv", &csv)], &["--correction", correction], code)["summary"]["failed"]
            .clone()
    };
    assert_eq!(ask("none", 3), 1);
    assert_eq!(ask("holm", 0), 0);
    assert_eq!(ask("fdr", 0), 0);
}

#[test]
fn experiments_are_held_to_the_graph_without_the_edges_into_what_they_set() {
    // X <- U -> Y is hidden: X and Y are associated, but not where X is set.
    let model = "X -> Z; X <-> Y\nX, Y, Z: binary\ndata obs = \"o.csv\" { weight: n }\ndata exp = \"e.csv\" { weight: n } do(X)\n";
    let independent = "X,Y,Z,n\n0,0,0,90\n0,1,0,90\n0,0,1,10\n0,1,1,10\n1,0,0,30\n1,1,0,30\n1,0,1,70\n1,1,1,70\n";
    let associated = "X,Y,Z,n\n0,0,0,90\n0,1,0,45\n0,0,1,10\n0,1,1,5\n1,0,0,15\n1,1,0,30\n1,0,1,35\n1,1,1,70\n";
    let ask = |o: &str, e: &str, code| {
        let found = test_json(&[("m.scm", model), ("o.csv", o), ("e.csv", e)], &[], code);
        let tests = found["tests"].as_array().unwrap().iter();
        let said = |verdict: &str| {
            let of = tests.clone().filter(|t| t["verdict"] == verdict);
            let mut texts: Vec<String> = of.map(|t| format!("{}: {}", t["data"], t["text"]).replace('"', "")).collect();
            texts.sort();
            texts
        };
        (said("passes"), said("fails"))
    };
    let none: Vec<String> = vec![];
    assert_eq!(
        ask(associated, independent, 0),
        (["exp: X ⊥ Y", "exp: Z ⊥ Y", "obs: Z ⊥ Y | X"].map(str::to_owned).to_vec(), none)
    );
    let (passes, fails) = ask(associated, associated, 3);
    assert!(passes == ["obs: Z ⊥ Y | X"] && fails.contains(&"exp: X ⊥ Y".to_owned()), "{passes:?} {fails:?}");
}

#[test]
fn what_cannot_be_tested_is_said() {
    let selected = CHAIN.replace("weight: n", "weight: n; where: C == 1");
    let found = test_json(&[("m.scm", &selected), ("d.csv", &chain(false))], &[], 0);
    assert_eq!((&found["skipped"][0]["name"], &found["tests"]), (&json!("obs"), &json!([])));
    // Without B there is nothing that separates A from C.
    let partial = CHAIN.replace("weight: n", "weight: n; columns: { A, C }");
    assert_eq!(test_json(&[("m.scm", &partial), ("d.csv", &chain(false))], &[], 0)["tests"], json!([]));
    let real = CHAIN.replace("A, B, C: binary", "A, C: binary; B: real");
    let here = folder(&[("m.scm", &real), ("d.csv", &chain(false))]);
    let text = dcmc(here.path(), &["test", "m.scm"]).expect(0).stdout;
    assert!(text.contains("1 more statements need B"), "{text}");
    // B always 0: no stratum tells, and A and B say nothing of each other.
    let csv = "A,B,C,n\n0,0,0,5\n1,0,0,5\n";
    let found = test_json(&[("m.scm", CHAIN), ("d.csv", csv)], &[], 0);
    assert_eq!(found["tests"][0]["verdict"], "untested");
}

#[test]
fn wrong_calls_are_refused() {
    let here = folder(&[("m.scm", CHAIN)]);
    let missing = dcmc(here.path(), &["test", "m.scm"]).expect(2);
    assert!(missing.stderr.contains("[E0501]"), "{}", missing.stderr);
    for alpha in ["0", "1", "-1", "nan"] {
        dcmc(here.path(), &["test", "m.scm", &format!("--alpha={alpha}")]).expect(2);
    }
    dcmc(here.path(), &["test", "m.scm", "--correction", "bonferroni"]).expect(2);
    let broken = folder(&[("m.scm", "A -> B -> A\n")]);
    dcmc(broken.path(), &["test", "m.scm"]).expect(1);
}

#[test]
fn the_examples_pass() {
    for (example, statements) in [("kidney_stones", 0), ("frontdoor", 0), ("sachs", 0), ("asia", 9), ("synthetic7", 11)]
    {
        let call = ["test", &format!("{example}.scm"), "--format", "json"];
        let found = dcmc(&examples(), &call).expect(0).json();
        let tests = found["tests"].as_array().unwrap();
        assert_eq!(tests.len(), statements, "{example}");
        assert_eq!(found["summary"]["tested"], statements);
        // The same seed gives the same p-values.
        assert_eq!(dcmc(&examples(), &call).expect(0).json(), found);
    }
}
