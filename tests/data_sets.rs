//! Data sets of whole models: simulated rows, and types that come from files.

use dcmc::data::{Table, infer_domains, load, schema};
use dcmc::diag::{Diagnostic, Span};
use dcmc::model::{ColumnBinding, DoValue, Model};
use std::path::Path;

fn codes(diagnostics: &[Diagnostic]) -> Vec<&str> {
    diagnostics.iter().map(|d| d.code).collect()
}

fn column(table: &Table, variable: usize) -> Vec<u32> {
    table.column(variable).unwrap().to_vec()
}

/// A model as `lower` reads it from `text`.
fn lowered(text: &str) -> Model {
    let (ast, diagnostics) = dcmc::syntax::parse(text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let (model, diagnostics) = dcmc::model::lower(&ast, dcmc::truth::infer_domains);
    assert!(!diagnostics.iter().any(Diagnostic::is_error), "{diagnostics:?}");
    model
}

const SIMULATED: &str = "A -> B
A: int[1..3]
B: binary
truth {
  A ~ uniform_int(1, 3)
  B ~ bernoulli(0.25)
}
";

#[test]
fn simulated_data_sets_offer_every_variable_they_do_not_hide() {
    let mut model = lowered(&format!("{SIMULATED}data sim = simulate(truth, n: 10)"));
    assert_eq!(schema(&model, 0, Path::new("")).unwrap().0.observed, [0, 1]);
    model.regimes[0].columns = Some(vec![ColumnBinding { variable: 1, column: "B".into(), span: Span::default() }]);
    assert_eq!(schema(&model, 0, Path::new("")).unwrap().0.observed, [1]);
    assert_eq!(load(&model, 0, Path::new(""), 1).unwrap().0.column(0), None);
    model.regimes[0].interventions = vec![(0, DoValue::Fixed(0))];
    assert_eq!(schema(&model, 0, Path::new("")).unwrap().0.observed, [0, 1]);
    model.regimes[0].weight = Some(("n".into(), Span::new(40, 41)));
    assert_eq!(codes(&schema(&model, 0, Path::new("")).unwrap_err()), ["E0502"]);
    model.regimes[0].weight = None;
    model.truth = None;
    assert_eq!(codes(&schema(&model, 0, Path::new("")).unwrap_err()), ["E0501"]);
    assert_eq!(codes(&load(&model, 0, Path::new(""), 1).unwrap_err()), ["E0501"]);
}

#[test]
fn simulated_rows_follow_the_truth_the_intervention_and_the_seed() {
    let model = lowered(&format!(
        "{SIMULATED}data a = simulate(truth, n: 20000)
data b = simulate(truth, n: 20000) do(A = 3)
data c = simulate(truth, n: 20000, seed: 7)"
    ));
    let table = |regime, seed| load(&model, regime, Path::new(""), seed).unwrap().0;
    let share = |codes: &[u32], code: u32| codes.iter().filter(|c| **c == code).count() as f64 / codes.len() as f64;
    let a = table(0, 1);
    assert!((share(a.column(1).unwrap(), 1) - 0.25).abs() < 0.015);
    assert!((share(a.column(0).unwrap(), 2) - 1.0 / 3.0).abs() < 0.015);
    assert_eq!(share(table(1, 1).column(0).unwrap(), 2), 1.0);
    assert_eq!(a, table(0, 1));
    assert_ne!(a, table(0, 2));
    assert_eq!(table(2, 1), table(2, 2), "a seed of its own");
    assert_ne!(a.column(1), table(1, 1).column(1), "data sets have streams of their own");
}

#[test]
fn interventions_are_read_after_the_types_that_data_give() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.csv"), "A,B\n3,no\n5,yes\n").unwrap();
    std::fs::write(folder.path().join("y.csv"), "B\nyes\n").unwrap();
    let text = "A -> B\ndata x = \"x.csv\"\ndata y = \"y.csv\" do(A = 5)\nquery q: P(B | do(A = 5))\n";
    let (ast, _) = dcmc::syntax::parse(text);
    let (model, diagnostics) = dcmc::model::lower(&ast, |model| infer_domains(model, folder.path(), usize::MAX));
    assert_eq!(codes(&diagnostics), ["N0407"]);
    let (table, _) = load(&model, 1, folder.path(), 1).unwrap();
    assert_eq!((column(&table, 0), column(&table, 1)), (vec![2], vec![1]));
}
