//! Programs and what they mean: queries in canonical spelling, mechanisms, assertions, remarks.

use dcmc::diag::Diagnostic;
use dcmc::model::{Claim, MechanismKind, Model, QueryKind, lower};
use dcmc::syntax::parse;

fn model(text: &str) -> (Model, Vec<Diagnostic>) {
    let (ast, found) = parse(text);
    assert_eq!(found, [], "{text}");
    lower(&ast, dcmc::truth::infer_domains)
}

fn codes(text: &str) -> Vec<&'static str> {
    model(text).1.iter().map(|d| d.code).collect()
}

const GRAPH: &str = "D -> I -> A; D <-> A; D, A: binary; I: int[0..3]\n";

#[test]
fn queries_have_a_canonical_spelling_that_reads_as_itself() {
    let cases = [
        ("P( A[D=1] = 1|D = 0,A=0 )", "P(A[D = 1] = 1 | D = 0, A = 0)"),
        ("E[A[D = 1, I = I[D = 0]]] - E[A[D = 0]]", "E[A[D = 1, I = I[D = 0]]] - E[A[D = 0]]"),
        ("P(A[D] | do(I=2), A)", "P(A[D] | do(I = 2), A)"),
        ("sample(I,A | do(D = 1))", "sample(I, A | do(D = 1), n: 64)"),
        ("sample(I | D = 0, n: 9)", "sample(I | D = 0, n: 9)"),
        ("2*E[A|do(D=1)] - E[A]/2 + 1", "2 * E[A | do(D = 1)] - 0.5 * E[A] + 1"),
    ];
    for (written, canonical) in cases {
        let (model, found) = model(&format!("{GRAPH}query q: {written}"));
        assert_eq!(found, [], "{written}");
        assert_eq!(model.queries[0].text, canonical);
        let again = dcmc::model::parse_query(&model, canonical).unwrap();
        assert_eq!(again.kind, model.queries[0].kind, "{canonical}");
    }
}

#[test]
fn a_world_sets_a_variable_once_and_to_its_own_values() {
    for (query, code) in [
        ("P(A[D = 1, D = 0])", "E0202"),
        ("P(A[D = 2])", "E0404"),
        ("P(A[I = D[A = 0]])", "E0101"),
        ("P(A[D = 1] = 1 | A[D = 1] = 0)", "E0704"),
        ("P(A[Q = 1])", "E0201"),
        ("P(A | do(D = 1), D = 0)", "E0704"),
        ("P(A | do(D = 1), D = 1)", "E0703"),
        ("P(A | do(A = 1))", "E0703"),
        ("P(A | A = 1)", "E0703"),
        ("P(A, A)", "E0202"),
        ("sample(A = 1)", "E0703"),
        ("sample(A[D])", "E0103"),
        ("sample(A, A)", "E0202"),
        ("sample(A | do(D))", "E0103"),
    ] {
        assert_eq!(codes(&format!("{GRAPH}query q: {query}")), [code], "{query}");
    }
}

#[test]
fn independence_is_decided_by_the_graph() {
    let (model, found) = model("X -> Z -> Y; X <-> W; W -> Y\nassert independent(X, Y | Z, W)\n");
    assert!(found.is_empty(), "{found:?}");
    assert!(matches!(&model.assertions[0].claim, Claim::Independent { given, .. } if given.len() == 2));
    for (claim, path) in [("X, Y | Z", "X <-> W -> Y"), ("X, Y | W", "X -> Z -> Y"), ("Z, W", "Z <- X <-> W")] {
        let (_, found) = self::model(&format!("X -> Z -> Y; X <-> W; W -> Y\nassert independent({claim})"));
        assert_eq!(found[0].code, "E0801");
        assert!(found[0].notes[0].contains(path), "{found:?}");
    }
    assert_eq!(codes("X -> Z -> Y; X <-> W; W -> Y\nassert independent(Z, W | do(X))"), [""; 0]);
    assert_eq!(codes("X -> Y\nassert independent(X, X)"), ["E0202"]);
    assert_eq!(codes("X -> Y\nassert independent(X, Y | X)"), ["E0703"]);
}

#[test]
fn mechanisms_are_read_and_checked_against_the_graph() {
    let text = "X -> I; I: image[3,32,32] { mechanism: pretrained { file: \"g.st\", inputs: [X], sha256: \"ABCDEF01\" }\n\
                encode: auto { to: vector[8] } }\nX: binary { mechanism: mlp { hidden: [8, 8], noise: 4 } }";
    let (model, found) = model(text);
    assert_eq!(found, []);
    let image = &model.variables["I"];
    assert_eq!(image.pretrained().map(|p| p.0), Some("g.st"));
    assert_eq!(image.encoder.as_ref().and_then(|e| e.width), Some(8));
    let Some(MechanismKind::Pretrained { sha256, .. }) = image.mechanism.as_ref().map(|m| &m.kind) else { panic!() };
    assert_eq!(sha256.as_deref(), Some("abcdef01"));
    assert_eq!(model.settings.of(&[0]).hidden, Some(vec![8, 8]));
    let image = |block: &str| format!("X -> I; X <-> I; X: binary; I: image[1,8,8] {{ {block} }}");
    assert_eq!(codes(&image("mechanism: pretrained { file: \"g\" }")), ["E0601"]);
    assert_eq!(codes(&image("mechanism: diffusion { steps: 9 }")), ["E0602"]);
    assert_eq!(codes(&image("mechanism: gan")), ["E0108"]);
    assert_eq!(codes(&image("mechanism: pretrained")), ["E0103"]);
    assert_eq!(codes(&image("mechanism: mlp; mechanism: mlp")), ["E0202"]);
    assert_eq!(codes(&image("encode: \"e\" { to: image[1,2,3] }")), ["E0402"]);
    assert_eq!(codes(&image("epochs: 3")), ["E0108"]);
    assert_eq!(codes("X -> I; Z -> I; I: real { mechanism: pretrained { file: \"g\", inputs: [X] } }"), ["E0603"]);
}

#[test]
fn remarks_are_made_where_they_are_deserved() {
    assert_eq!(codes("smoker -> tar; smoker -> cancer; smokr -> cancer"), ["W0204"]);
    assert_eq!(codes("X1 -> X2; X1 -> X3; X3 -> X2; X3 -> X22"), [""; 0], "names of a family");
    assert_eq!(codes("smoker -> tar; smoker -> cancer; smokr -> cancer; smokr: binary"), [""; 0]);
    assert_eq!(codes("latent U -> {A, B, C}"), ["W0305"]);
    assert_eq!(codes("A -> B; Z: binary"), ["W0306"]);
    assert_eq!(codes("A -> B; Z: binary; Z"), [""; 0]);
    assert_eq!(codes("Z: binary; W: binary"), [""; 0]);
    assert_eq!(codes("latent U -> {A, B}; A -> B; U: binary"), ["E0304"]);
    assert_eq!(codes("latent U -> {A, B}; data d = \"d.csv\" do(U)"), ["E0304"]);
}

#[test]
fn idle_interventions_are_those_of_rule_3() {
    let graph = "X -> Y -> Z; W -> Z; W <-> X; X, Y, Z, W: binary\n";
    for (query, idle) in [
        ("P(X | do(Y = 1))", true),
        ("P(Y | do(Z))", true),
        ("P(Z | do(X))", false),
        ("P(Y | do(W))", true),
        ("P(Y | do(W), Z = 1)", false),
        ("P(Y | do(Z = 1), X = 1)", true),
        ("P(Z | do(X, Y))", true),
        ("E[Y | do(Z = 1)] - E[Y | do(Z = 0)]", true),
    ] {
        let expected: &[&str] = if idle { &["W0705"] } else { &[] };
        assert_eq!(codes(&format!("{graph}query q: {query}")), expected, "{query}");
    }
    let (model, _) = model(&format!("{graph}query q: P(Z | do(X))"));
    assert!(matches!(model.queries[0].kind, QueryKind::Distribution(_)));
}

#[test]
fn necessity_and_sufficiency_are_of_two_values() {
    let text = |query: &str| {
        let (model, found) = model(&format!("X -> Y\nX: binary; Y: categorical {{no, yes}}\nquery q: {query}\n"));
        assert!(found.iter().all(|d| !d.is_error()), "{found:?}");
        model.queries[0].text.clone()
    };
    assert_eq!(text("PN(Y = yes, X = 1 vs 0)"), "P(Y[X = 0] = no | X = 1, Y = yes)");
    assert_eq!(text("PS(Y = yes, X = 1 vs 0)"), "P(Y[X = 1] = yes | X = 0, Y = no)");
    assert_eq!(codes("X -> Y\nX: binary; Y: int[0..2]\nquery q: PN(Y = 1, X = 1 vs 0)\n"), ["E0404"]);
    assert_eq!(codes("X -> Y\nX, Y: binary\nquery q: PS(Y = 2, X = 1 vs 0)\n"), ["E0404"]);
}
