//! Programs and what is read from them.

use super::ast::*;
use super::parse;

fn clean(text: &str) -> Vec<StatementKind> {
    let (ast, diagnostics) = parse(text);
    assert_eq!(diagnostics, [], "{text}");
    ast.statements.into_iter().map(|s| s.kind).collect()
}

#[test]
fn the_line_of_the_card_is_a_program() {
    let statements = clean("D -> I -> A; D <-> A; I: image[3,32,32] pretrained \"mnist.safetensors\"");
    assert_eq!(statements.len(), 3);
    let StatementKind::Declaration { pretrained, type_, .. } = &statements[2] else { panic!("{statements:?}") };
    assert_eq!(pretrained.as_ref().map(|p| p.value.as_str()), Some("mnist.safetensors"));
    assert_eq!(type_.arguments, TypeArguments::Sizes(vec![3, 32, 32]));
}

#[test]
fn every_statement_of_the_language_is_read() {
    let text = r#"dcm 1 "A title"
        # a comment with -> and {
        {X1, X2} -> W -> {Y1,
           Y2}                        # a set over two lines
        latent U -> {X1, Color}
        A <-
          B
        `odd name` -> X'
        D: int[-1..9]; Color: categorical {red, green, "dark blue"}; K: categorical[3]
        data obs = "obs.parquet" { columns: { Y1: "img", Y2, Color }, where: regime == "obs" and dose >= 2
           weight: count; role: test }
        data rct = "rct.csv" do(W = 2, X1)
        data sim = simulate(truth, n: 20000, seed: 7) do(X1 = 0)
        train { engine: auto, epochs: 300, lr: 5e-4 }
        train {D, A} { engine: wgan_gp { lambda: 10 }; hidden: [256, 256] }
        query effect: P(A | do(D = 0))
        query table: P(A, B = 1 | do(D), Color = red)
        query ate: 2 * E[A | do(D = 1)] - E[A | do(D = 0)] / 2 + 1
        query sugar: ATE(A, D = 1 vs 0)
        output effect -> "effect.csv"
        expect tv(effect, truth) < 0.05
        expect abs(table(A = 1, D = 0) - 0.5475) < 0.01
        truth {
          smoke: categorical {yes, no}
          U ~ bernoulli(.5); D = if U == 1 then uniform_int(5, 9)
             else uniform_int(0, 4)
          A = (D > 4) xor U xor bernoulli(0.1)
          lung ~ table(smoke) { yes: [0.1, 0.9]; (no): [0.01, 0.99] }
          dysp ~ table(a, b) {
             (yes, yes): [0.9, 0.1]
             (_, no): [0.1, 0.9]
          }
        }
    "#;
    assert_eq!(clean(text).len(), 20);
}

#[test]
fn keywords_are_names_elsewhere() {
    let statements = clean("data -> Y; query: binary; truth <-> train; P -> E; latent; latent -> Z; if -> then");
    assert_eq!(statements.len(), 7);
}

#[test]
fn operators_bind_as_in_a_textbook() {
    let [StatementKind::Truth(entries)] = &clean("truth { A = 1 + 2 * 3 == 7 and not B or C }")[..] else { panic!() };
    let TruthEntry::Equation { expr, .. } = &entries[0] else { panic!() };
    let ExprKind::Binary(Binary::Or, left, _) = &expr.kind else { panic!("{expr:?}") };
    let ExprKind::Binary(Binary::And, equal, not) = &left.kind else { panic!("{left:?}") };
    assert!(matches!(equal.kind, ExprKind::Binary(Binary::Eq, ..)));
    assert!(matches!(not.kind, ExprKind::Unary(Unary::Not, _)));
}

#[test]
fn six_bad_statements_give_six_errors() {
    let text = "A => B\ndata obs\nX -> Y\nquery q: P(\nD: int[0..\nexpect tv(q) < 1\nA -> -> B\n";
    let (ast, diagnostics) =
        parse("A => B\ndata obs\nX -> Y\nquery q: P(Y X)\nD: int[0..x]\nexpect tv(q < 1\nA -> -> B\n");
    assert_eq!(diagnostics.len(), 6, "{diagnostics:#?}");
    assert_eq!(ast.statements.len(), 1);
    assert!(!parse(text).1.is_empty());
}
