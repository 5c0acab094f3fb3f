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
        assert_eq!(result["method"], method);
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
