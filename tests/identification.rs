//! Verdicts on queries from the command line: formulas, hedges, refusals.

#![cfg(feature = "run")]

mod common;

use common::{dcmc, examples, folder};
use serde_json::{Value, json};

const BOW: &str = "X -> Y; X <-> Y\nX, Y: binary\n";

/// The findings of `dcmc identify` on a model beside its files.
fn identify(model: &str, files: &[(&str, &str)], more: &[&str]) -> Vec<Value> {
    let here = folder(&[&[("m.scm", model)], files].concat());
    let found = dcmc(here.path(), &[&["identify", "m.scm", "--format", "json"], more].concat()).expect(0).json();
    assert_eq!(found["schema"], 1);
    found["queries"].as_array().unwrap().clone()
}

fn verdict(model: &str, files: &[(&str, &str)], more: &[&str]) -> Option<bool> {
    identify(model, files, more)[0]["identifiable"].as_bool()
}

#[test]
fn a_front_door_has_a_formula() {
    let found = &identify("D -> I -> A; D <-> A\nquery q: P(A | do(D))", &[], &[])[0];
    assert_eq!((&found["identifiable"], &found["method"]), (&json!(true), &json!("id")));
    assert_eq!(found["estimand"]["text"], "Σ_{I} P(I | D) [Σ_{D'} P(A | D', I) P(D')]");
    let tree = &found["estimand"]["tree"]["sum"];
    assert_eq!(tree["over"], json!(["I"]));
    assert_eq!(found["witness"], Value::Null);
}

#[test]
fn a_bow_has_a_hedge_and_an_experiment_that_would_help() {
    let found = &identify(&format!("{BOW}query q: P(Y | do(X))"), &[], &[])[0];
    assert_eq!((&found["identifiable"], &found["estimand"]), (&json!(false), &Value::Null));
    let witness = &found["witness"];
    assert_eq!(witness["kind"], "hedge");
    assert_eq!(witness["f"], json!({ "nodes": ["X", "Y"], "edges": ["X -> Y", "X <-> Y"] }));
    assert_eq!(witness["f_prime"], json!({ "nodes": ["Y"], "edges": [] }));
    assert_eq!(witness["experiments_that_would_help"], json!([["X"]]));
    assert_eq!(verdict(&format!("{BOW}query q: P(Y | do(X))"), &[], &["--data", "all"]), Some(true));
}

#[test]
fn published_verdicts() {
    for (graph, query, expected) in [
        ("W -> Z -> X -> Y; W <-> X; W <-> Y", "P(Y | do(X))", true),
        ("X -> Z -> Y; X <-> Z", "P(Y | do(X))", false),
        ("X -> Y; Z -> X; Z -> Y", "P(Y | do(X))", true),
        ("X -> Y; X <-> Y", "P(X | do(Y))", true),
        ("X -> Y; X <-> Y", "P(Y | X)", true),
    ] {
        assert_eq!(verdict(&format!("{graph}\nquery q: {query}"), &[], &[]), Some(expected), "{query} in {graph}");
    }
    let sachs = examples().join("sachs.scm");
    let ask = |more: &[&str]| {
        let call = [&["identify", sachs.to_str().unwrap(), "--format", "json"], more].concat();
        dcmc(&examples(), &call).expect(0).json()["queries"][0]["identifiable"].as_bool()
    };
    assert_eq!(ask(&["--query", "P(Erk | do(PKA))", "--data", "observational"]), Some(false));
    assert_eq!(ask(&["--query", "P(Erk | do(PKA = 2))"]), Some(true));
    assert_ne!(ask(&["--query", "P(Erk | do(PKA = 1))"]), Some(true), "the experiment set PKA to 2 only");
}

/// Rahman & Kocaoglu (ICML 2024), Figure 2.
const FIGURE_2: &str = "X1 -> Z1; Z3 -> Z1; Z1 -> Z2; Z1 -> X2; X1 <-> X2; Z1 <-> Z2; Z1 <-> Z3\n";

#[test]
fn the_papers_examples() {
    for (query, expected) in [("P(X2 | do(X1))", true), ("P(Z2 | do(X1))", true), ("P(Z2 | do(Z1))", false)] {
        assert_eq!(verdict(&format!("{FIGURE_2}query q: {query}"), &[], &[]), Some(expected), "{query}");
    }
    // Sachs: not from observation; with PKA set to 2 and nothing but Mek measured, for that value.
    let sachs = examples().join("sachs.scm");
    let ask = |more: &[&str]| {
        let call = [&["identify", sachs.to_str().unwrap(), "--format", "json", "--evaluate"], more].concat();
        dcmc(&examples(), &call).expect(0).json()["queries"][0].clone()
    };
    for outcome in ["Mek", "Erk", "Akt"] {
        let query = format!("P({outcome} | do(PKA))");
        assert_eq!(ask(&["--query", &query, "--data", "observational"])["identifiable"], false, "{query}");
        let found = ask(&["--query", &format!("P({outcome} | do(PKA = 2))")]);
        assert_eq!(found["identifiable"], true, "{found}");
        let rows = found["values"]["data"].as_array().unwrap();
        let total: f64 = rows.iter().map(|row| row["p"].as_f64().unwrap()).sum();
        assert!((total - 1.0).abs() < 1e-9, "{rows:?}");
    }
}

#[test]
fn a_data_set_that_training_leaves_out_supports_no_yes() {
    // The trial shows P(Y | do(X)) itself, but no mechanism: M is missing.
    let model = "X -> M -> Y; X <-> M\nX, M, Y: binary\ndata obs = \"o.csv\"; data trial = \"t.csv\" do(X)\n\
                 query q: P(Y | do(X = 1))\n";
    let observed = "X,M,Y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n1,1,1\n0,0,1\n";
    let here = folder(&[("m.scm", model), ("o.csv", observed), ("t.csv", "X,Y\n0,0\n0,1\n1,1\n1,0\n")]);
    let json = dcmc(here.path(), &["identify", "m.scm", "--format", "json"]).expect(0).json();
    assert_eq!(json["queries"][0]["identifiable"], true);
    assert!(dcmc(here.path(), &["plan", "m.scm"]).expect(0).stderr.contains("[N0613]"));
    for command in ["check", "run"] {
        let refused = dcmc(here.path(), &[command, "m.scm"]).expect(1);
        assert!(refused.stderr.contains("[E0701]") && refused.stderr.contains("N0613 names it"), "{}", refused.stderr);
    }
    let marked = dcmc(here.path(), &["run", "m.scm", "-q", "--allow-unidentified"]).expect(0);
    assert!(marked.stdout.contains("NOT IDENTIFIABLE"));
    dcmc(here.path(), &["query", "m.scm", "P(Y | do(X = 1))"]).expect(1);
    dcmc(here.path(), &["query", "m.scm", "P(Y | do(M = 1))", "--allow-unidentified"]).expect(0);
    // With the column, the trial trains M.
    let whole = folder(&[("m.scm", model), ("o.csv", observed), ("t.csv", "X,M,Y\n0,0,0\n0,1,1\n1,1,1\n1,0,0\n")]);
    dcmc(whole.path(), &["check", "m.scm"]).expect(0);
}

#[test]
fn an_experiment_of_one_value_counts_for_that_value() {
    let files = [("o.csv", "X,Y\n0,1\n1,0\n"), ("a.csv", "X,Y\n1,0\n1,1\n"), ("b.csv", "X,Y\n0,0\n0,1\n")];
    let one = format!("{BOW}data o = \"o.csv\"; data a = \"a.csv\" do(X = 1)\n");
    let both = format!("{one}data b = \"b.csv\" do(X = 0)\n");
    let ask = |model: &str, query: &str| verdict(&format!("{model}query q: {query}"), &files, &[]);
    assert_eq!(ask(&one, "P(Y | do(X = 1))"), Some(true));
    assert_ne!(ask(&one, "P(Y | do(X = 0))"), Some(true));
    assert_ne!(ask(&one, "P(Y | do(X))"), Some(true));
    assert_ne!(ask(&one, "E[Y | do(X = 1)] - E[Y | do(X = 0)]"), Some(true));
    assert_eq!(ask(&both, "P(Y | do(X))"), Some(true));
    // Selected rows are no sample of the distribution.
    let selected = format!("{BOW}data o = \"o.csv\" {{ where: Y == 1 }}\n");
    assert_eq!(ask(&selected, "P(Y | X)"), None);
}

#[test]
fn a_sum_over_a_fixed_variable_needs_its_other_values() {
    // P(Z) = Σ_X P(X) P(Z | X): do(X = 1) alone says nothing of P(Z | X = 0).
    let files = [("x.csv", "X\n0\n1\n"), ("a.csv", "X,Z\n1,0\n1,1\n")];
    let model = "X -> Z; X, Z: binary\ndata x = \"x.csv\"; data a = \"a.csv\" do(X = 1)\nquery q: P(Z)";
    assert_ne!(verdict(model, &files, &[]), Some(true));
    assert_eq!(verdict(&model.replace("do(X = 1)", "do(X)"), &files, &[]), Some(true));
}

#[test]
fn a_pretrained_mechanism_is_known() {
    let files = [("d.csv", "X\n0\n1\n")];
    let model = "X -> I; X: binary; I: image[1,8,8] pretrained \"g.safetensors\"\ndata d = \"d.csv\"\n\
                 query q: sample(I | do(X = 1))";
    assert_eq!(verdict(model, &files, &[]), Some(true));
}

#[test]
fn what_the_data_do_not_determine_is_refused_or_marked() {
    let model = format!("{BOW}data d = \"d.csv\"\nquery q: P(Y | do(X = 1))\n");
    let here = folder(&[("m.scm", &model), ("d.csv", "X,Y\n0,1\n1,0\n1,1\n0,0\n")]);
    for command in ["check", "run"] {
        let refused = dcmc(here.path(), &[command, "m.scm"]).expect(1);
        assert!(refused.stderr.contains("[E0701]") && refused.stderr.contains("data … do(X)"), "{}", refused.stderr);
        assert!(refused.stderr.contains("m.scm:4:"), "{}", refused.stderr);
    }
    assert!(!here.path().join("m.dcm").exists());
    dcmc(here.path(), &["plan", "m.scm"]).expect(0);
    let marked = dcmc(here.path(), &["run", "m.scm", "-q", "--allow-unidentified"]).expect(0);
    assert!(marked.stdout.contains("NOT IDENTIFIABLE"), "{}", marked.stdout);
    let results = std::fs::read_to_string(here.path().join("m.dcm/results.json")).unwrap();
    assert!(results.contains("\"identifiable\": false"), "{results}");
    assert!(std::fs::read_to_string(here.path().join("m.dcm/report.html")).unwrap().contains("NOT IDENTIFIABLE"));
    dcmc(here.path(), &["query", "m.scm", "P(Y | do(X = 1))"]).expect(1);
    let sample = |query: &str, more: &[&str]| {
        dcmc(here.path(), &[&["sample", "m.scm", query, "-n", "5", "-o", "s.csv"], more].concat())
    };
    assert!(sample("P(Y | do(X = 1))", &[]).expect(1).stderr.contains("[E0701]"));
    assert!(!here.path().join("s.csv").exists());
    sample("P(Y | do(X = 1))", &["--allow-unidentified"]).expect(0);
    sample("P(Y | X = 1)", &[]).expect(0);
    let answer = dcmc(here.path(), &["query", "m.scm", "P(Y | X)", "--format", "json"]).expect(0).json();
    assert_eq!(answer["results"][0]["identifiable"], true);
}

#[test]
fn assertions_of_identifiability_are_decided() {
    for (claim, exit) in [("identifiable(P(X | do(Y)))", 0), ("identifiable(P(Y | do(X)))", 1), ("identifiable(q)", 1)]
    {
        let here = folder(&[("m.scm", &format!("{BOW}query q: P(Y | do(X))\nassert {claim}\n"))]);
        let outcome = dcmc(here.path(), &["check", "m.scm"]);
        assert_eq!(outcome.stderr.contains("[E0801]"), exit == 1, "{claim}: {}", outcome.stderr);
    }
}

// ---- several worlds ----

#[test]
fn the_derivation_of_the_paper_holds() {
    // Rahman & Kocaoglu, appendix F.4.4, equation 55: from P(V) alone, W and Color summed over.
    let path = examples().join("colored_mnist2.scm");
    let path = path.to_str().unwrap();
    for data in ["observational", "declared", "all"] {
        let call = ["identify", path, "--data", data, "--format", "json"];
        let found = dcmc(&examples(), &call).expect(0).json();
        let had = found["queries"].as_array().unwrap().iter().find(|q| q["name"] == "had").unwrap().clone();
        let method = if data == "all" { "id*" } else { "ctf-id" };
        assert_eq!((&had["identifiable"], &had["method"]), (&json!(true), &json!(method)), "{had:#}");
        let text = had["estimand"]["text"].as_str().unwrap();
        assert!(text.contains("X1 = 1, X2 = 4") && text.contains("X1 = 0, X2 = 1"), "{text}");
    }
}

#[test]
fn the_treated_behind_a_hidden_cause_are_a_conflict_of_two_worlds() {
    let model = "X -> Y; X <-> Y\nX: int[0..2]; Y: binary\nquery q: P(Y[X = 0] = 1 | X = 1)";
    for data in ["observational", "all"] {
        let found = &identify(model, &[], &["--data", data])[0];
        assert_eq!((&found["identifiable"], &found["note"]), (&json!(false), &Value::Null));
        let witness = &found["witness"];
        assert_eq!(witness["kind"], "conflict");
        assert_eq!((&witness["variable"], &witness["c_component"]), (&json!("X"), &json!(["X", "Y"])));
        assert_eq!(
            (&witness["worlds"][0]["of"], &witness["worlds"][0]["needs"]),
            (&json!("Y[X = 0]"), &json!({"X": 0}))
        );
        assert_eq!((&witness["worlds"][1]["of"], &witness["worlds"][1]["world"]), (&json!("X"), &json!({})));
        assert_eq!(witness["edges"], json!(["X <-> Y"]));
    }
    // Two values leave one way: P(Y[X = 0], X = 1) = P(Y[X = 0]) - P(Y, X = 0).
    let found = &identify(&model.replace("int[0..2]", "binary"), &[], &["--data", "all"])[0];
    assert_eq!(found["identifiable"], json!(false));
    let note = found["note"].as_str().unwrap();
    assert!(note.contains("([P(Y = 1 | do(X = 0))] - [P(X = 0, Y = 1)]) / (P(X = 1))"), "{note}");
    // Without the hidden cause it is plain conditioning.
    let found = &identify(&model.replace("; X <-> Y", ""), &[], &[])[0];
    assert_eq!(found["estimand"]["text"], "P(Y = 1 | X = 0)");
    let tree = json!({ "p": { "of": [{"var": "Y", "value": 1}], "given": [{"var": "X", "value": 0}], "do": [], "data": "obs" } });
    assert_eq!(found["estimand"]["tree"], tree);
}

#[test]
fn direct_effects_and_probabilities_of_causation() {
    let nde = "query q: E[Y[X = 1, M = M[X = 0]]] - E[Y[X = 0]]";
    let triangle = "X -> M -> Y; X -> Y\nX, M, Y: binary\n";
    let found = &identify(&format!("{triangle}{nde}"), &[], &[])[0];
    assert_eq!(found["identifiable"], json!(true));
    assert_eq!(found["terms"][0]["estimand"]["text"], "Σ_{M} P(M | X = 0) P(Y | X = 1, M)");
    let ask = |model: &str, query: &str, data: &str| verdict(&format!("{model}{query}"), &[], &["--data", data]);
    assert_eq!(ask(&format!("M <-> Y; {triangle}"), nde, "all"), Some(false));
    assert_eq!(ask(&format!("X <-> Y; {triangle}"), nde, "all"), Some(true));
    assert_eq!(ask(&format!("X <-> Y; {triangle}"), nde, "observational"), Some(false));
    assert_eq!(ask(&format!("C -> X; C -> M; C -> Y; {triangle}C: binary\n"), nde, "observational"), Some(true));
    // Necessity, sufficiency, both: never from data alone.
    for query in ["P(Y[X = 0] = 0 | X = 1, Y = 1)", "P(Y[X = 1] = 1 | X = 0, Y = 0)", "P(Y[X = 1] = 1, Y[X = 0] = 0)"] {
        assert_eq!(ask("X -> Y\nX, Y: binary\n", &format!("query q: {query}"), "all"), Some(false), "{query}");
        assert_eq!(ask(triangle, &format!("query q: {query}"), "all"), Some(false), "{query}");
    }
}

#[test]
fn experiments_of_one_value_count_for_factors_with_that_value() {
    let files = [("o.csv", "X,M,Y\n0,1,0\n1,0,1\n"), ("a.csv", "X,M,Y\n1,0,0\n1,1,1\n")];
    let model = "X -> M -> Y; X -> Y; X <-> M\nX, M, Y: binary\ndata o = \"o.csv\"; data a = \"a.csv\" do(X = 1)\n";
    let ask = |query: &str| verdict(&format!("{model}query q: {query}"), &files, &[]);
    // M under X = 1 comes from the experiment, Y from either; M under X = 0 from nowhere.
    assert_eq!(ask("P(Y[X = 0, M = M[X = 1]])"), Some(true));
    assert_ne!(ask("P(Y[X = 1, M = M[X = 0]])"), Some(true));
}

#[test]
fn events_that_exclude_each_other_are_zero_and_such_evidence_is_undefined() {
    let ask = |query: &str| identify(&format!("X -> Y\nX, Y: binary\nquery q: {query}"), &[], &[])[0].clone();
    let zero = ask("P(Y[X = 0] = 1, Y = 0 | X = 0)");
    assert_eq!((&zero["identifiable"], &zero["estimand"]["text"]), (&json!(true), &json!("0")));
    assert_eq!(zero["estimand"]["tree"], json!({ "constant": 0 }));
    let one = ask("P(Y[X = 0] = 1 | X = 0, Y = 1)");
    assert_eq!(one["estimand"]["text"], "1");
    let undefined = ask("P(Y[X = 0] = 1 | X = 1, Y[X = 1] = 0, Y = 1)");
    assert_eq!((&undefined["identifiable"], &undefined["estimand"]), (&Value::Null, &Value::Null));
    assert!(undefined["terms"][0]["reason"].as_str().unwrap().contains("zero"), "{undefined:#}");
}

#[test]
fn bare_names_stand_for_all_their_values() {
    let ask = |graph: &str, query: &str| verdict(&format!("{graph}\nX, Y: binary\nquery q: {query}"), &[], &[]);
    assert_eq!(ask("X -> Y", "P(Y[X] | X)"), Some(true));
    // For one value of X it is P(Y | X), for the other it has no answer.
    assert_eq!(ask("X -> Y; X <-> Y", "P(Y[X] | X)"), Some(false));
    assert_eq!(ask("X -> Y; X <-> Y", "P(Y[X = 0] | X = 0)"), Some(true));
    // Worlds share the value of a bare name: the worlds of Y and Z are one.
    let found = identify("X -> Y -> Z\nquery q: P(Y[X], Z[X])", &[], &[]);
    assert_eq!(found[0]["estimand"]["text"], "P(Y | X) P(Z | Y)");
}

#[test]
fn counterfactuals_that_have_no_answer_are_refused() {
    let model = format!(
        "{}data d = \"d.csv\"\nquery q: P(Y[X = 0] = 1 | X = 1)\n",
        BOW.replace("X, Y: binary", "X: int[0..2]; Y: binary")
    );
    let here = folder(&[("m.scm", &model), ("d.csv", "X,Y\n0,1\n1,0\n1,1\n0,0\n2,1\n")]);
    for command in ["check", "run"] {
        let refused = dcmc(here.path(), &[command, "m.scm"]).expect(1);
        assert!(refused.stderr.contains("[E0702]") && refused.stderr.contains("no experiment"), "{}", refused.stderr);
        assert!(refused.stderr.contains("hidden cause ties Y and X together"), "{}", refused.stderr);
    }
    dcmc(here.path(), &["plan", "m.scm"]).expect(0);
    let asserted = "X -> Y; X <-> Y\nX: int[0..2]; Y: binary\nassert identifiable(P(Y[X = 0] = 1 | X = 1))\n";
    let here = folder(&[("m.scm", asserted)]);
    let refused = dcmc(here.path(), &["check", "m.scm"]).expect(1);
    assert!(refused.stderr.contains("[E0801]"), "{}", refused.stderr);
    let fine = folder(&[("m.scm", &asserted.replace("; X <-> Y", ""))]);
    dcmc(fine.path(), &["check", "m.scm"]).expect(0);
}

#[test]
fn no_pair_is_promised_for_several_worlds() {
    let dir = folder(&[("m.scm", "X -> Y; X <-> Y; X, Y: binary\nquery ett: P(Y[X = 0] | X = 1)\n")]);
    let found = dcmc(dir.path(), &["identify", "m.scm", "--counterexample"]).expect(0);
    assert!(found.stdout.contains("makes no pairs for questions about several worlds"), "{}", found.stdout);
}

#[test]
fn what_the_truth_never_shows_is_said_before_any_row_is_drawn() {
    let found = dcmc(&examples(), &["check", "asia.scm"]).expect(0);
    assert!(found.stderr.contains("do(either = no) has no full support in the ground truth"), "{}", found.stderr);
    assert_eq!(found.stderr.matches("W0507").count(), 1, "{}", found.stderr);
}
