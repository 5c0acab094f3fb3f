//! Queries of every form against the exact truth, by summation and by sampling.

#![cfg(feature = "run")]

mod common;

use common::{dcmc, folder};

const MODEL: &str = "
    A -> B -> C; A <-> C
    A: categorical {low, high}; B: int[1..3]; C: binary
    truth {
      U ~ bernoulli(0.4)
      A ~ table(U) { 0: [0.8, 0.2]; 1: [0.3, 0.7] }
      B ~ table(A) { low: [0.6, 0.3, 0.1]; high: [0.1, 0.3, 0.6] }
      C = (B >= 2) xor (U and bernoulli(0.8)) xor bernoulli(0.1)
    }
    data obs = simulate(truth, n: 40000, seed: 3)
    data rct = simulate(truth, n: 40000, seed: 4) do(A)
    query joint: P(B, C)
    query part: P(B = 2, C | do(A = high))
    query both: P(C | do(A), B)
    query given: P(A | C = 1)
    query fixed: P(C = 1 | do(B = 3), A = low)
    query mean: E[B | do(A)]
    query change: E[C | do(A = high)] - E[C | do(A = low)]
    query scaled: 2 * E[B | C] / 4 + 1 - E[C]
    query share: E[A = high | B]
";

fn run(set: &[&str]) -> serde_json::Value {
    let here = folder(&[("m.scm", MODEL)]);
    dcmc(here.path(), &[&["run", "m.scm", "-q", "--format", "json"], set].concat()).expect(0).json()
}

/// Every row's estimate lies within `limit` of the exact truth beside it.
fn check(answers: &serde_json::Value, method: &str, limit: f64) {
    let rows = [6, 2, 12, 2, 1, 2, 1, 2, 3];
    for (result, count) in answers["results"].as_array().unwrap().iter().zip(rows) {
        let (values, truth) = (result["values"].as_array().unwrap(), result["truth"].as_array().unwrap());
        assert_eq!((values.len(), truth.len()), (count, count), "{}", result["query"]);
        let known = values.iter().any(|row| row["given"] != serde_json::json!({}));
        let weighted = if known && method == "sampling" { "importance_sampling" } else { method };
        assert_eq!(result["method"], weighted, "{}", result["query"]);
        for (found, exact) in values.iter().zip(truth) {
            let number = |row: &serde_json::Value| row.get("p").or(row.get("value")).and_then(|v| v.as_f64()).unwrap();
            assert!((number(found) - number(exact)).abs() < limit, "{}: {found} {exact}", result["query"]);
            let (low, high) = (found["low"].as_f64().unwrap(), found["high"].as_f64().unwrap());
            assert!(low <= number(found) && number(found) <= high);
            for part in ["do", "given"] {
                assert_eq!(found[part], exact[part]);
            }
        }
    }
}

#[test]
fn summed_answers_are_near_the_truth() {
    check(&run(&[]), "exact", 0.03);
}

#[test]
fn sampled_answers_are_near_the_truth() {
    let keys = ["engine=wgan_gp", "hidden=48,48", "noise=8", "steps=5000"].map(|key| format!("train.{key}"));
    let set: Vec<&str> = keys.iter().flat_map(|key| ["--set", key]).collect();
    check(&run(&set), "sampling", 0.08);
}

#[test]
fn rows_say_what_they_hold_for() {
    let answers = run(&[]);
    let row = &answers["results"][2]["values"][1];
    assert_eq!(row["do"], serde_json::json!({ "A": "low" }));
    assert_eq!(row["given"], serde_json::json!({ "B": 1 }));
    assert_eq!(row["outcome"], serde_json::json!({ "C": 1 }));
    assert_eq!(answers["results"][1]["query"], "P(B = 2, C | do(A = high))");
    assert_eq!(answers["results"][7]["query"], "0.5 * E[B | C] - E[C] + 1");
}

const WORLDS: &str = "
    query treated: P(C[A = high] | A = low)
    query joint: P(B[A = high], A)
    query through: E[C[B = B[A = high]]] - E[C]
    query each: P(B[A] | A)
    query one: P(B[A = high] = 2, A = low)
    expect tv(treated, truth) < 0.03
";

#[test]
fn counterfactual_answers_are_near_the_truth() {
    let asked = format!("{}{WORLDS}", &MODEL[..MODEL.find("query joint").unwrap()]);
    let here = folder(&[("m.scm", &asked)]);
    let answers = dcmc(here.path(), &["run", "m.scm", "-q", "--format", "json"]).expect(0).json();
    let rows = [2, 6, 1, 12, 1];
    for (result, count) in answers["results"].as_array().unwrap().iter().zip(rows) {
        let (values, truth) = (result["values"].as_array().unwrap(), result["truth"].as_array().unwrap());
        assert_eq!((values.len(), truth.len(), &result["identifiable"]), (count, count, &true.into()), "{result:#?}");
        for (found, exact) in values.iter().zip(truth) {
            let number = |row: &serde_json::Value| row.get("p").or(row.get("value")).and_then(|v| v.as_f64()).unwrap();
            assert!((number(found) - number(exact)).abs() < 0.03, "{}: {found} {exact}", result["query"]);
        }
    }
    let row = &answers["results"][1]["values"][1];
    assert_eq!(row["outcome"], serde_json::json!({ "B[A = high]": 1, "A": "high" }));
    let row = &answers["results"][3]["values"][3];
    assert_eq!((&row["do"], &row["given"]), (&serde_json::json!({ "A": "low" }), &serde_json::json!({ "A": "high" })));
    assert!(answers["results"][0]["evidence"].as_f64().unwrap() > 0.5);
}

#[test]
fn each_row_of_a_file_gets_an_answer_of_its_own() {
    let model = "X -> Y; X, Y: binary
        truth { X ~ bernoulli(0.5); Y ~ bernoulli(0.2 + 0.6 * X) }
        data obs = simulate(truth, n: 5000, seed: 1)";
    let files =
        [("m.scm", model), ("all.csv", "X,Y\n0,0\n0,1\n1,1\n0,0\n"), ("part.csv", "X\n0\n1\n"), ("bad.csv", "X\n7\n")];
    let here = folder(&files);
    dcmc(here.path(), &["train", "m.scm", "-q"]).expect(0);
    let ask = |rows: &str, more: &[&str]| {
        dcmc(here.path(), &[&["query", "m.scm", "Y[X = 1]", "--rows", rows, "-o", "out.csv", "-q"], more].concat())
    };
    let read = || std::fs::read_to_string(here.path().join("out.csv")).unwrap();
    assert!(ask("all.csv", &[]).expect(1).stderr.contains("E0702"));
    ask("all.csv", &["--allow-unidentified"]).expect(0);
    let text = read();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "X,Y,P(Y[X = 1] = 0),P(Y[X = 1] = 1),E[Y[X = 1]]");
    assert_eq!((lines.len(), lines[1]), (5, lines[4]));
    // A larger share of the same noise: who recovered untreated does so treated, and X = 1 happened to the third.
    assert!(lines[2].ends_with(",0,1,1") || lines[2].ends_with(",0.0,1.0,1.0"), "{text}");
    let mean = |line: &str| line.rsplit(',').next().unwrap().parse::<f64>().unwrap();
    assert!((mean(lines[1]) - 0.75).abs() < 0.05 && (mean(lines[3]) - 1.0).abs() < 1e-9, "{text}");
    ask("part.csv", &[]).expect(0);
    assert!(read().lines().skip(1).all(|line| (mean(line) - 0.8).abs() < 0.03), "{}", read());
    assert!(ask("bad.csv", &[]).expect(1).stderr.contains("E0503"));
    let two = dcmc(here.path(), &["query", "m.scm", "P(X, Y)", "--rows", "all.csv", "-o", "out.csv"]).expect(2);
    assert!(two.stderr.contains("one variable"), "{}", two.stderr);
}

/// What is wrong with a question is said before anything is loaded, and nothing of what is trained already.
#[test]
fn a_question_without_an_answer_is_refused() {
    let model = "X -> Y; X, Y: binary
        truth { X ~ bernoulli(0.5); Y ~ bernoulli(0.2 + 0.6 * X) }
        data obs = simulate(truth, n: 2000, seed: 1)";
    let here = folder(&[("m.scm", model)]);
    let ask = |query: &str| dcmc(here.path(), &["query", "m.scm", query]);
    assert!(ask("P(Y)").expect(2).stderr.contains("dcmc run m.scm"));
    dcmc(here.path(), &["train", "m.scm", "-q"]).expect(0);
    for (query, code) in [
        ("P(Y[X = 1] = 1 | Y[X = 1] = 0)", "E0704"),
        ("P(Y[X = 1] = 1 | X = 0, X = 1)", "E0704"),
        ("E[Y | do(X = 1), X = 0]", "E0704"),
        ("P(X | Y = 7)", "E0404"),
        ("P(X | Z = 1)", "E0201"),
        ("PN(Y, X = 1 vs 0)", "PN(Y = 1, X = 1 vs 0)"),
    ] {
        let refused = ask(query).expect(1).stderr;
        assert!(refused.contains(code) && !refused.contains("trained already"), "{query}: {refused}");
    }
    assert_eq!(ask("P(Y | do(X = 1))").expect(0).stderr, "");
}

/// What is known of a variable that is asked for counts for the truth as for the model.
#[test]
fn the_truth_knows_what_is_given() {
    let model = "X -> Y; X, Y: binary
        truth { X ~ bernoulli(0.5); Y ~ bernoulli(0.2 + 0.6 * X) }
        data obs = simulate(truth, n: 2000, seed: 1)
        query same: P(Y[X = 1] | Y[X = 1])";
    let here = folder(&[("m.scm", model)]);
    let answers = dcmc(here.path(), &["run", "m.scm", "-q", "--format", "json"]).expect(0).json();
    let p = |rows: &str| -> Vec<f64> {
        answers["results"][0][rows].as_array().unwrap().iter().map(|row| row["p"].as_f64().unwrap()).collect()
    };
    assert_eq!((p("values"), p("truth")), (vec![1.0, 0.0, 0.0, 1.0], vec![1.0, 0.0, 0.0, 1.0]));
}
