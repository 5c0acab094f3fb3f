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
        query flip: P(A[D = 1] = 1 | D = 0, A = 0)
        query nde: E[A[D = 1, I = I[D = 0]]] - E[A[D = 0]]
        query imgs: sample(I | do(D = 3), n: 64)
        assert identifiable(effect); assert identifiable(P(A | do(D)))
        assert independent({X1, X2}, D | W, do(Z))
        import "colours.scm" as c
        c.Color -> c.U'
        I1: image[3,32,32] {
          mechanism: pretrained { file: "gen.safetensors", inputs: [Y1, Color], sha256: "ab12" }
          encode: "enc.safetensors" { to: vector[16] }
        }
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
    assert_eq!(clean(text).len(), 29);
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

/// What a program of the files `(path, text)` says, the first being the model file.
fn loaded(files: &[(&str, &str)]) -> (Ast, Vec<String>) {
    let read = |path: &std::path::Path| {
        let found = files.iter().find(|(name, _)| std::path::Path::new(name) == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    };
    let (ast, sources, diagnostics) = super::load(files[0].0, files[0].1.to_owned(), &read);
    let place = |d: &crate::diag::Diagnostic| {
        let (file, range) = sources.locate(d.labels[0].span).unwrap();
        let (line, column) = file.line_and_column(range.start);
        format!("{}:{line}:{column} {}", file.name, d.code)
    };
    (ast, diagnostics.iter().map(place).collect())
}

#[test]
fn imported_names_get_the_prefix_and_paths_the_folder() {
    let inner = "X -> Y; latent U -> {X, Y}; X: categorical {on, off}\n\
                 truth { U ~ bernoulli(.5); X = if U == 1 then on else off; Y = U xor bernoulli(.1) }\n\
                 data d = \"d.csv\" { columns: { X, Y: \"col\" }, where: X == 1 } do(X); query q: P(Y); train { seed: 3 }";
    let (ast, found) = loaded(&[("a/m.scm", "import \"b/i.scm\" as c\nc.Y -> Z"), ("a/b/i.scm", inner)]);
    assert_eq!(found, [""; 0]);
    let kinds: Vec<&StatementKind> = ast.statements.iter().map(|s| &s.kind).collect();
    let [
        StatementKind::Edges { first, .. },
        StatementKind::Latent { names, children },
        StatementKind::Declaration { names: typed, .. },
        StatementKind::Truth(entries),
        StatementKind::Data(data),
        StatementKind::Edges { .. },
    ] = kinds[..]
    else {
        panic!("{kinds:#?}")
    };
    let texts = |names: &[Name]| names.iter().map(|n| n.value.clone()).collect::<Vec<_>>();
    assert_eq!(texts(first), ["c.X"]);
    assert_eq!(
        (texts(names), texts(children), texts(typed)),
        (vec!["c.U".into()], vec!["c.X".into(), "c.Y".into()], vec!["c.X".into()])
    );
    let TruthEntry::Equation { name, expr, .. } = &entries[1] else { panic!("{entries:?}") };
    let ExprKind::If(condition, on, _) = &expr.kind else { panic!("{expr:?}") };
    assert_eq!((name.value.as_str(), &on.kind), ("c.X", &ExprKind::Name("on".into())));
    assert!(format!("{condition:?}").contains("\"c.U\""), "{condition:?}");
    let path =
        |source: &DataSource| if let DataSource::File(path) = source { path.value.clone() } else { String::new() };
    assert_eq!((data.name.value.as_str(), path(&data.source).replace('\\', "/")), ("c.d", "b/d.csv".to_owned()));
    let entries = &data.block.as_ref().unwrap().entries;
    let Some(Setting { kind: SettingKind::Block(columns), .. }) = &entries[0].value else { panic!("{entries:?}") };
    let column = |e: &Entry| (e.key.value.clone(), e.value.clone().map(|v| v.kind));
    let text = |t: &str| Some(SettingKind::Scalar(Scalar::Text(t.into())));
    assert_eq!(
        columns.entries.iter().map(column).collect::<Vec<_>>(),
        [("c.X".into(), text("X")), ("c.Y".into(), text("col"))]
    );
    let Some(Setting { kind: SettingKind::Condition(terms), .. }) = &entries[1].value else { panic!("{entries:?}") };
    assert_eq!(terms[0].column.value, "X");
}

#[test]
fn imports_nest_come_in_once_and_never_run_in_circles() {
    let (ast, found) = loaded(&[
        ("m.scm", "import \"a.scm\"\nimport \"a.scm\"\nimport \"a.scm\" as x"),
        ("a.scm", "import \"b.scm\" as b\nA -> b.B"),
        ("b.scm", "B -> C"),
    ]);
    assert_eq!((ast.statements.len(), found), (4, vec![]));
    let names = format!("{ast:?}");
    assert!(names.contains("\"x.b.B\"") && names.contains("\"b.C\""), "{names}");
    let (_, found) = loaded(&[("m.scm", "A -> B\nimport \"a.scm\""), ("a.scm", "\nimport \"m.scm\"\nX => Y")]);
    assert_eq!(found, ["a.scm:3:3 E0102", "a.scm:2:8 E0205"]);
    let (_, found) = loaded(&[("m.scm", "import \"m.scm\""), ("x.scm", "")]);
    assert_eq!(found, ["m.scm:1:8 E0205"]);
    let (_, found) = loaded(&[("m.scm", "import \"none.scm\" as n")]);
    assert_eq!(found, ["m.scm:1:8 E0205"]);
}

#[test]
fn short_queries_stand_for_long_ones() {
    let form = |query: &str| {
        let (ast, found) = parse(&format!("query q: {query}\n"));
        assert_eq!(found, [], "{query}");
        let text = format!("{:?}", ast.statements[0].kind);
        // Places aside.
        without_places(&text)
    };
    for (short, long) in [
        ("ATE(Y, X = 1 vs 0)", "E[Y | do(X = 1)] - E[Y | do(X = 0)]"),
        ("ETT(Y, X = 1 vs 0)", "E[Y[X = 1] | X = 1] - E[Y[X = 0] | X = 1]"),
        ("NDE(Y, X = 1 vs 0, M, N)", "E[Y[X = 1, M = M[X = 0], N = N[X = 0]]] - E[Y[X = 0]]"),
        ("NIE(Y, X = high vs low, M)", "E[Y[X = low, M = M[X = high]]] - E[Y[X = low]]"),
    ] {
        assert_eq!(form(short), form(long));
    }
    for wrong in ["ATE(Y, X = 1)", "NDE(Y, X = 1 vs 0)", "PN(Y, X = 1 vs 0)", "ETT(Y = 1, X = 1 vs 0)"] {
        assert!(!parse(&format!("query q: {wrong}\n")).1.is_empty(), "{wrong}");
    }
}

/// The text without spans.
fn without_places(text: &str) -> String {
    text.split("span: Span {").map(|part| part.split_once('}').map_or(part, |(_, rest)| rest)).collect()
}
