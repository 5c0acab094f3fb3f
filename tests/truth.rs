//! The ground truth: exact answers against published and hand-computed numbers, simulation against exact answers.

use dcmc::model::{DoValue, Model};
use dcmc::truth::Scm;

fn read(text: &str) -> (Model, Result<Option<Scm>, Vec<dcmc::diag::Diagnostic>>) {
    let (ast, syntax) = dcmc::syntax::parse(text);
    assert_eq!(syntax, []);
    let (model, found) = dcmc::model::lower(&ast, dcmc::truth::infer_domains);
    assert!(!found.iter().any(dcmc::diag::Diagnostic::is_error), "{found:#?}");
    let truth = Scm::build(&model);
    (model, truth)
}

fn good(text: &str) -> (Model, Scm) {
    let (model, truth) = read(text);
    (model, truth.unwrap().unwrap())
}

/// `P(name = code | do(…), given)`.
fn p(at: &(Model, Scm), name: &str, code: usize, set: &[(&str, u32)], given: &[(&str, u32)]) -> f64 {
    let ids = |list: &[(&str, u32)]| list.iter().map(|(n, c)| (at.0.id(n).unwrap(), *c)).collect::<Vec<_>>();
    let (table, _) = at.1.answer(&[at.0.id(name).unwrap()], &ids(set), &ids(given)).unwrap();
    table.values[code]
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}

const FRONT_DOOR: &str = "D -> I -> A; D <-> A
    truth {
      U ~ bernoulli(0.4)
      D ~ table(U) { 0: [0.8, 0.2]; 1: [0.3, 0.7] }
      I ~ table(D) { 0: [0.85, 0.15]; 1: [0.15, 0.85] }
      A ~ table(I, U) { (0, 0): [0.9, 0.1]; (0, 1): [0.5, 0.5]; (1, 0): [0.55, 0.45]; (1, 1): [0.1, 0.9] }
    }";

#[test]
fn front_door_by_hand() {
    let at = good(FRONT_DOOR);
    close(p(&at, "A", 1, &[("D", 0)], &[]), 0.3155);
    close(p(&at, "A", 1, &[("D", 1)], &[]), 0.5745);
    close(p(&at, "A", 1, &[], &[("D", 0)]), 0.2340);
    close(p(&at, "A", 1, &[], &[("D", 1)]), 0.70725);
}

#[test]
fn asia_as_published() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/asia.scm")).unwrap();
    let at = good(&text);
    close(p(&at, "dysp", 0, &[], &[]), 0.435971);
    close(p(&at, "lung", 0, &[], &[]), 0.055);
    close(p(&at, "tub", 0, &[], &[]), 0.0104);
    close(p(&at, "either", 0, &[], &[]), 0.064828);
    close(p(&at, "xray", 0, &[], &[]), 0.11029004);
    close(p(&at, "dysp", 0, &[("lung", 0)], &[]), 0.79);
    close(p(&at, "dysp", 0, &[("either", 0)], &[]), 0.79);
    close((p(&at, "dysp", 0, &[], &[("lung", 0)]) * 1e6).round() / 1e6, 0.814545);
    close((p(&at, "dysp", 0, &[], &[("either", 0)]) * 1e6).round() / 1e6, 0.810608);
}

#[test]
fn expressions_mean_what_they_say() {
    let at = good(
        "X -> {Y, Z, W, V, T}
         T: categorical {low, mid, high}
         truth {
           X ~ uniform_int(0, 3)
           Y = if bernoulli(0.25) then 7 else min(X * X % 5, 3) - -1
           Z = not (X > 1) xor bernoulli(0.1)
           W ~ binomial(3, X / 4)
           V = floor(X / 2) + abs(X - 3) + round(0.4) + ceil(0.2) + max(X, 2)
           T = if X == 0 then low else if X <= 2 then mid else high
         }",
    );
    // X² % 5 is 0, 1, 4, 4; capped at 3; plus 1.
    for (x, y) in [(0, 1), (1, 2), (2, 4), (3, 4)] {
        let code = |value: i64| at.0.domain(at.0.id("Y").unwrap()).unwrap().code_of(value).unwrap() as usize;
        close(p(&at, "Y", code(y), &[("X", x)], &[]), 0.75);
        close(p(&at, "Y", code(7), &[("X", x)], &[]), 0.25);
        close(p(&at, "Z", 1, &[("X", x)], &[]), if x > 1 { 0.1 } else { 0.9 });
        let q = f64::from(x) / 4.0;
        close(p(&at, "W", 2, &[("X", x)], &[]), 3.0 * q * q * (1.0 - q));
        let v = i64::from(x) / 2 + (i64::from(x) - 3).abs() + 1 + i64::from(x).max(2);
        let code = at.0.domain(at.0.id("V").unwrap()).unwrap().code_of(v).unwrap() as usize;
        close(p(&at, "V", code, &[("X", x)], &[]), 1.0);
    }
    close(p(&at, "T", 1, &[], &[]), 0.5);
    // Bayes: P(X = 3 | T = high) = 1.
    close(p(&at, "X", 3, &[], &[("T", 2)]), 1.0);
}

#[test]
fn simulated_rows_have_the_exact_distribution() {
    let at = good(FRONT_DOOR);
    let [d, i, a] = ["D", "I", "A"].map(|n| at.0.id(n).unwrap());
    let rows = 200_000;
    for set in [vec![], vec![(d, DoValue::Fixed(1))], vec![(i, DoValue::Column)]] {
        let drawn = at.1.simulate(&set, rows, &mut dcmc::seed::stream(5, "rows")).unwrap();
        for value in [0, 1] {
            let matching: Vec<usize> = (0..rows).filter(|&r| drawn[i][r] == value).collect();
            let share = matching.iter().filter(|&&r| drawn[a][r] == 1).count() as f64 / matching.len() as f64;
            let (interventions, evidence) = match set.first() {
                None => (vec![], vec![(i, value)]),
                Some((v, DoValue::Column)) => (vec![(*v, value)], vec![]),
                Some((v, DoValue::Fixed(code))) => (vec![(*v, *code)], vec![(i, value)]),
            };
            let exact = at.1.answer(&[a], &interventions, &evidence).unwrap().0.values[1];
            assert!((share - exact).abs() < 0.006, "{set:?} {value}: {share} {exact}");
        }
    }
}

#[test]
fn evidence_without_probability_is_known_to_have_none() {
    let at = good("X -> Y; X, Y: binary; truth { X = 0; Y = X }");
    let [x, y] = ["X", "Y"].map(|n| at.0.id(n).unwrap());
    assert_eq!(at.1.answer(&[x], &[], &[(y, 1)]).unwrap().1, 0.0);
}

#[test]
fn mistakes_are_found_at_their_place() {
    let cases = [
        ("X -> Y; truth { X ~ bernoulli(0.5); Y = XX }", "E0201"),
        ("X -> Y; truth { X ~ bernouli(0.5); Y = X }", "E0201"),
        ("X -> Y; truth { X ~ bernoulli(1.5); Y = X }", "E0404"),
        ("X -> Y; truth { X ~ bernoulli(0.5, 1); Y = X }", "E0402"),
        ("X -> Y; truth { X ~ uniform_int(3, 1); Y = X }", "E0403"),
        ("X -> Y; truth { X = Y; Y = X }", "E0301"),
        ("X -> Y; truth { X ~ bernoulli(0.5) }", "E0305"),
        ("X -> Y; truth { X ~ bernoulli(0.5); X = 1; Y = X }", "E0202"),
        ("X -> Y; truth { Y ~ bernoulli(0.5); X = Y }", "E0305"),
        ("X -> Y; truth { U ~ bernoulli(0.5); X = U; Y = X xor U }", "E0305"),
        ("X -> Y; Y: binary; truth { X ~ uniform_int(0, 2); Y = X }", "E0404"),
        ("X -> Y; truth { X ~ bernoulli(0.5); Y = 1 / X }", "E0404"),
        ("X -> Y; truth { X ~ categorical(0.5, 0.6); Y = X }", "E0404"),
        ("X -> Y; truth { X ~ bernoulli(0.5); Y ~ table(X) { 0: [0.5, 0.5] } }", "E0402"),
        ("X -> Y; truth { X ~ bernoulli(0.5); Y ~ table(X) { 0: [0.5, 0.6]; 1: [1, 0] } }", "E0404"),
        ("X -> Y; Y: categorical {a, b}; truth { X ~ bernoulli(0.5); Y = if X then a else b + 1 }", "E0404"),
    ];
    for (text, code) in cases {
        let found = read(text).1.err().unwrap_or_default();
        let codes: Vec<&str> = found.iter().map(|d| d.code).collect();
        assert!(codes.contains(&code), "{text}: {codes:?}");
        assert!(found.iter().all(|d| d.labels.first().is_some_and(|l| l.span.end <= text.len())), "{text}");
    }
}
