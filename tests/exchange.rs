//! Graphs of other programs: what is read is what is meant, and what is written reads back the same.

mod common;

use common::{dcmc, folder};
use dcmc::exchange::{Format, import};
use dcmc::model::Model;
use dcmc::render::{self, Drawing};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

type Pairs = BTreeSet<(String, String)>;

/// Names, directed and bidirected edges (the smaller name first).
#[derive(Clone, Debug, Default, PartialEq)]
struct Graph {
    names: BTreeSet<String>,
    directed: Pairs,
    bidirected: Pairs,
}

impl Graph {
    fn of(model: &Model) -> Self {
        let name = |v: usize| model.name(v).to_owned();
        let mut graph = Self { names: model.variables.keys().cloned().collect(), ..Self::default() };
        for v in 0..model.variables.len() {
            graph.directed.extend(model.graph.parents(v).iter().map(|&p| (name(p), name(v))));
            graph.bidirected.extend(model.graph.spouses(v).iter().map(|&s| (name(v), name(s))).filter(|(a, b)| a < b));
        }
        graph
    }

    /// `a b, c d` lists edges; names that stand in none follow `names`.
    fn typed(directed: &str, bidirected: &str) -> Self {
        let pairs = |text: &str| -> Pairs {
            let edges = text.split(',').filter(|t| !t.trim().is_empty());
            edges.map(|e| e.trim().split_once(' ').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
        };
        let (directed, hidden) = (pairs(directed), pairs(bidirected));
        let bidirected: Pairs = hidden.into_iter().map(|(a, b)| if a < b { (a, b) } else { (b, a) }).collect();
        let names = directed.iter().chain(&bidirected).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
        Self { names, directed, bidirected }
    }
}

/// The model of an imported text; it must have no mistakes.
fn model_of(text: &str, format: Format) -> Model {
    let imported = import(text, format).unwrap_or_else(|found| panic!("{found:?}\n{text}"));
    let (ast, syntax) = dcmc::syntax::parse(&imported.text);
    assert_eq!(syntax, [], "{}", imported.text);
    let (model, found) = dcmc::model::lower(&ast, |_| vec![]);
    assert_eq!(found, [], "{}", imported.text);
    model
}

fn graph_of(text: &str, format: Format) -> Graph {
    Graph::of(&model_of(text, format))
}

/// Writes the drawing in each format that holds its names, reads it back.
fn round_trips(drawing: &Drawing) -> Vec<(Format, Graph)> {
    let always = [(Format::Dot, render::dot(drawing)), (Format::Gml, render::gml(drawing))];
    let some = [(Format::Dagitty, render::dagitty(drawing)), (Format::Cg, render::cg(drawing))];
    let some = some.into_iter().filter_map(|(format, text)| Some((format, text.ok()?)));
    always.into_iter().chain(some).map(|(format, text)| (format, graph_of(&text, format))).collect()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn pairs(value: &Value) -> Vec<(&str, &str)> {
    value.as_array().into_iter().flatten().map(|edge| (strings(edge)[0], strings(edge)[1])).collect()
}

#[test]
fn the_corpus_survives_every_format() {
    let corpus = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/plan.jsonl")).unwrap();
    let mut count = 0;
    for line in corpus.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (names, directed, bidirected) =
            (strings(&case["nodes"]), pairs(&case["directed"]), pairs(&case["bidirected"]));
        let owned = |(a, b): (&str, &str)| (a.to_owned(), b.to_owned());
        let expected = Graph {
            names: names.iter().map(|&n| n.to_owned()).collect(),
            directed: directed.iter().copied().map(owned).collect(),
            bidirected: bidirected.iter().map(|&(a, b)| owned((a.min(b), a.max(b)))).collect(),
        };
        let drawing = Drawing::of(&Model::from_graph(&names, &directed, &bidirected));
        let found = round_trips(&drawing);
        assert_eq!(found.len(), 4);
        found.into_iter().for_each(|(format, found)| assert_eq!(found, expected, "{} in {format:?}", case["name"]));
        count += 1;
    }
    assert_eq!(count, 280);
}

#[test]
fn odd_names_survive() {
    let odd = [
        "a \"b\"", "x\\y", "größe", "node", "A'", "1", "-", "a->b", "graph", "#1", "{", "é&\"", "edge", "a--b", "1.5",
        "温度", "<b>", "data", "latent", "x; y", "&amp;", "subgraph", "Ω≥1", "end", "a\\", "//", "strict",
    ];
    let directed: Vec<(&str, &str)> = odd.windows(2).map(|w| (w[0], w[1])).collect();
    let bidirected: Vec<(&str, &str)> = odd.windows(4).map(|w| (w[0], w[3])).collect();
    let model = Model::from_graph(&odd, &directed, &bidirected);
    for (format, found) in round_trips(&Drawing::of(&model)) {
        assert_eq!(found, Graph::of(&model), "{format:?}");
    }
    let (mut no_cg, mut no_dagitty) = (vec![], vec![]);
    for name in odd {
        let model = Model::from_graph(&[name, "Y"], &[(name, "Y"), ("Y2", name)], &[(name, "Y2")]);
        let drawing = Drawing::of(&model);
        for (format, found) in round_trips(&drawing) {
            assert_eq!(found, Graph::of(&model), "{name} in {format:?}");
        }
        for (text, refused) in [(render::cg(&drawing), &mut no_cg), (render::dagitty(&drawing), &mut no_dagitty)] {
            if let Err(why) = text {
                assert!(why.contains(&format!("`{name}`")), "{why}");
                refused.push(name);
            }
        }
    }
    let plain = ["größe", "node", "graph", "edge", "温度", "data", "latent", "subgraph", "end", "strict"];
    assert!(no_cg.iter().all(|name| !plain.contains(name)), "{no_cg:?}");
    assert_eq!(no_cg.len() + plain.len(), odd.len());
    assert_eq!(no_dagitty, ["node", "graph", "a\\"]);
}

#[test]
fn words_of_the_language_are_names() {
    let words = "abs and as assert data dcm do else expect if import latent output pretrained query simulate table then
        train truth vs P E ATE binary int categorical or xor not tv kl _ X'";
    for word in words.split_whitespace() {
        let found = graph_of(&format!("{word} -> Q\nQ -> R\nR <-> {word}"), Format::Cg);
        assert_eq!(found, Graph::typed(&format!("{word} Q, Q R"), &format!("R {word}")), "{word}");
        let alone = graph_of(&format!("<NODES>\n{word}"), Format::Cg);
        assert_eq!(alone.names, [word.to_owned()].into());
        let outward = graph_of(&format!("dag {{ B -> \"{word}\" \"{word}\" -> {{C D}} }}"), Format::Dagitty);
        assert_eq!(outward, Graph::typed(&format!("B {word}, {word} C, {word} D"), ""), "{word}");
    }
}

#[test]
fn hidden_causes_of_three_stay_one() {
    let (ast, _) = dcmc::syntax::parse("latent U -> {A, B, C}\nA -> B\nC <-> D\nlatent V -> {A, D}");
    let model = dcmc::model::lower(&ast, |_| vec![]).0;
    let drawing = Drawing::of(&model);
    for (format, found) in round_trips(&drawing) {
        assert_eq!(found, Graph::of(&model), "{format:?}");
    }
    let again = model_of(&render::dagitty(&drawing).unwrap(), Format::Dagitty);
    assert!(again.latents.iter().any(|l| l.name.as_deref() == Some("U") && l.children.len() == 3));
    assert_eq!(graph_of(&render::cg(&drawing).unwrap(), Format::Cg), Graph::of(&model));
}

// ---- the meaning of each format -----------------------------------------------------------------

fn check(format: Format, cases: &[(&str, &str, &str)]) {
    for (text, directed, bidirected) in cases {
        assert_eq!(graph_of(text, format), Graph::typed(directed, bidirected), "{text}");
    }
}

#[test]
fn graphviz() {
    check(
        Format::Dot,
        &[
            ("digraph { A -> B -> C; A -> C }", "A B, B C, A C", ""),
            ("strict digraph G { A; B; A -> B; A -> B }", "A B", ""),
            ("DiGraph { edge [color=red] A -> { B C } [weight=2] }", "A B, A C", ""),
            ("digraph { {A B} -> subgraph s { C; D } -> E }", "A C, A D, B C, B D, C E, D E", ""),
            ("digraph { A:n -> B:port:sw; \"C\" + \"D\" -> A }", "A B, CD A", ""),
            ("digraph { A -> B [dir=both] A -> C [dir=back] }", "C A", "A B"),
            ("digraph { A -> B [style=dashed, arrowhead=none] }", "", "A B"),
            ("digraph { A -> B [style=\"dashed,bold\" dir=none]; B -> C [style=dashed] }", "B C", "A B"),
            ("digraph { A -> B [dir=\"both\", arrowtail=none]; B -> C [dir=both arrowhead=none] }", "A B, C B", ""),
            ("digraph { subgraph { edge [dir=both]; A -> B } B -> C }", "B C", "A B"),
            ("digraph { // one\n # two\n /* -> */ A /* x */ -> B }", "A B", ""),
            ("digraph { U [observed=no]; U -> A; U -> B; A -> B }", "A B", "A B"),
            ("digraph { { node [latent=true] U V } U -> {A B}; V -> {B C} }", "", "A B, B C"),
            ("digraph { U [unobserved]; U [label=\"hidden\"]; U -> {A B} }", "", "A B"),
            ("digraph { 0 [label=\"X1\"]; 1 [label=Y]; 0 -> 1 }", "X1 Y", ""),
            ("graph { A -- B [dir=forward] }", "A B", ""),
            ("\u{feff}digraph{A->B;B->größe}", "A B, B größe", ""),
            ("digraph \"x\" { A [label=<<b>bold</b>>]; A -> -1.5 -> .5 }", "A -1.5, -1.5 .5", ""),
        ],
    );
    let renamed = import("digraph { 0 [label=A]; 1 [label=B]; 0 -> 1 }", Format::Dot).unwrap();
    assert_eq!((renamed.text.as_str(), renamed.notes.len()), ("A -> B\n", 0));
    let dowhy = "digraph { U[label=\"Unobserved Confounders\"]; U->X; U->Y; X->Y }";
    assert_eq!(graph_of(dowhy, Format::Dot), Graph::typed("X Y", "X Y"));
    assert_eq!(import(dowhy, Format::Dot).unwrap().notes.len(), 1);
    let model = model_of("digraph my { label=\"A \\\"title\\\"\\nof two\"; A -> B }", Format::Dot);
    assert_eq!(model.title.as_deref(), Some("A \"title\" of two"));
}

#[test]
fn dagitty() {
    check(
        Format::Dagitty,
        &[
            ("dag { X -> Y X <-> Y A -> {B C} X -> M -> Y }", "X Y, A B, A C, X M, M Y", "X Y"),
            ("dag{bb=\"0,0,1,1\" X [exposure,pos=\"1,-2.5\"] Y [outcome] U [latent] U -> X; U -> Y}", "", "X Y"),
            ("dag { X <- A -> M <- B -> Y }", "A X, A M, B M, B Y", ""),
            ("dag { {A B} <- C; A.1 -> -2 }", "C A, C B, A.1 -2", ""),
            ("graph{ a -> b }", "a b", ""),
            ("DAG \"my name\" {\na [l,e]\na -> b\na -> c\n}", "", "b c"),
            ("bb=\"-3,-0.5,2,1.2\" D [outcome] E [exposure] D <-> Z [pos=\"1,-1\"] E -> D", "E D", "D Z"),
            ("mag { A -> B <-> C }", "A B", "B C"),
            ("X -> Y [beta=.3]", "X Y", ""),
            ("dag -> mag", "dag mag", ""),
        ],
    );
    let text = import("dag { X [exposure] Y [outcome] X -> Y W [exposure] W -> Y }", Format::Dagitty).unwrap().text;
    assert!(text.contains("# query effect: P(Y | do(X, W))"), "{text}");
}

#[test]
fn gml_and_edge_lists() {
    check(
        Format::Gml,
        &[
            (
                "# made by hand\nCreator \"me\"\nVersion 1\ngraph\n[\n directed 1\n node\n [\n id 7\n label \"A\"\n ]
                 node [ id 3 label \"B\" graphics [ x 1.5e3 y -2 ] ] edge [ source 7 target 3 weight 2 ] ]",
                "A B",
                "",
            ),
            (
                "graph [directed 1 node[id \"A\" label \"A\"] node[id \"B\" label \"B\"]
                 node[id \"Unobserved Confounders\" label \"Unobserved Confounders\" observed \"no\"]
                 edge[source \"A\" target \"B\"] edge[source \"Unobserved Confounders\" target \"A\"]
                 edge[source \"Unobserved Confounders\" target \"B\"]]",
                "A B",
                "A B",
            ),
            ("graph [ directed 1 node [ id 0 name \"x\" ] node [ id 1 ] edge [ source 0 target 1 ] ]", "x 1", ""),
            (
                "graph [ directed 1 node [ id 0 label \"R&#38;D\" ] node [ id 1 label \"&#xe9;&amp\" ]
              edge [ source 0 target 1 ] ]",
                "R&D é&amp",
                "",
            ),
        ],
    );
    check(
        Format::Cg,
        &[
            ("<NODES>\nZ\nX\nY\n\n<EDGES>\nZ -> X\nX -> Y\nX -- Y\nZ <-> Y\n", "Z X, X Y", "X Y, Z Y"),
            ("X -> Y\r\nY <- Z\r\n# comment\r\nX <-> Z -> W\r\n", "X Y, Z Y, Z W", "X Z"),
            ("X->Y\nX--Y", "X Y", "X Y"),
            ("<EDGES>\nX -> political-inequality", "X political-inequality", ""),
        ],
    );
    let imported = import("<NODES>\nblood pressure\nX\n<EDGES>\n<ORDER>\nX, Y", Format::Cg).unwrap();
    assert_eq!(imported.notes.len(), 1);
    assert_eq!(imported.text, "{`blood pressure`, X}\n");
}

#[test]
fn text_of_each_format_is_recognised() {
    let cases = [
        ("", "dag { X -> Y }", Some(Format::Dagitty)),
        ("", "# c\n/* d */ strict digraph {}", Some(Format::Dot)),
        ("dat", "graph{ }", Some(Format::Dot)),
        ("dat", "graph [ ]", Some(Format::Gml)),
        ("dat", "Creator \"x\" graph [ ]", Some(Format::Gml)),
        ("dat", "network x { }", Some(Format::Bif)),
        ("dat", "\n<NODES>\nX", Some(Format::Cg)),
        ("txt", "X -> Y", Some(Format::Dagitty)),
        ("txt", "digraph { }", Some(Format::Dot)),
        ("GV", "", Some(Format::Dot)),
        ("scm", "X -> Y", None),
        ("", "größe", None),
        ("", "İİİ", None),
    ];
    cases.iter().for_each(|(extension, text, format)| assert_eq!(Format::of(extension, text), *format, "{text}"));
}

#[test]
fn the_layout_is_short_and_within_100_columns() {
    let text = import("digraph t { D -> I -> A; D -> A [dir=both]; {X1 X2} -> W -> {Y1 Y2}; Z }", Format::Dot).unwrap();
    assert_eq!(text.text, "dcm 1 \"t\"\n\nD -> I -> A\n{X1, X2} -> W -> {Y1, Y2}\nD <-> A\nZ\n");
    let wide: String = (0..90).map(|k| format!("cause_number_{k} -> effect; X -> effect_number_{k};")).collect();
    let wide = import(&format!("digraph {{ {wide} }}"), Format::Dot).unwrap().text;
    assert!(wide.lines().all(|line| line.chars().count() <= 100), "{wide}");
    assert_eq!(
        graph_of(
            &format!("digraph {{ {} }}", (0..90).fold(String::new(), |t, k| t + &format!("X -> v{k};"))),
            Format::Dot
        )
        .directed
        .len(),
        90
    );
}

// ---- hidden variables with causes ---------------------------------------------------------------

/// The latent projection by its definition: `X -> Y` where a directed path runs through hidden variables
/// only, `X <-> Y` where two such paths come from one hidden variable or from the ends of a `<->`.
fn projection(hidden: &[bool], directed: &[(usize, usize)], bidirected: &[(usize, usize)]) -> Graph {
    let n = hidden.len();
    let name = |v: usize| format!("v{v}");
    let through = |from: usize| -> BTreeSet<usize> {
        let (mut found, mut open): (BTreeSet<usize>, Vec<usize>) = (BTreeSet::new(), vec![from]);
        while let Some(at) = open.pop() {
            let next = directed.iter().filter(|e| e.0 == at && !found.contains(&e.1)).map(|e| e.1).collect::<Vec<_>>();
            found.extend(&next);
            open.extend(next.into_iter().filter(|&v| hidden[v]));
        }
        found.into_iter().filter(|&v| !hidden[v]).collect()
    };
    let reached = |end: usize| if hidden[end] { through(end) } else { [end].into() };
    let mut graph = Graph { names: (0..n).filter(|&v| !hidden[v]).map(name).collect(), ..Graph::default() };
    for v in (0..n).filter(|&v| !hidden[v]) {
        graph.directed.extend(through(v).into_iter().map(|e| (name(v), name(e))));
    }
    let sources = (0..n).filter(|&v| hidden[v]).map(|v| (v, v)).chain(bidirected.iter().copied());
    for (a, b) in sources {
        for x in reached(a) {
            let others = reached(b).into_iter().filter(|&y| y != x).map(name);
            graph.bidirected.extend(others.map(|y| if name(x) < y { (name(x), y) } else { (y, name(x)) }));
        }
    }
    graph
}

#[test]
fn hidden_variables_with_causes_are_projected() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..1500 {
        let n = rng.random_range(2..9);
        let hidden: Vec<bool> = (0..n).map(|_| rng.random_bool(0.4)).collect();
        let mut pairs = |p: f64| -> Vec<(usize, usize)> {
            let all = (0..n).flat_map(|b| (0..b).map(move |a| (a, b)));
            all.filter(|_| rng.random_bool(p)).collect()
        };
        let (directed, bidirected) = (pairs(0.35), pairs(0.1));
        let mut text = "dag {\n".to_owned();
        hidden
            .iter()
            .enumerate()
            .for_each(|(v, h)| writeln!(text, "v{v}{}", if *h { " [latent]" } else { "" }).unwrap());
        directed.iter().for_each(|(a, b)| writeln!(text, "v{a} -> v{b}").unwrap());
        bidirected.iter().for_each(|(a, b)| writeln!(text, "v{a} <-> v{b}").unwrap());
        text += "}";
        assert_eq!(graph_of(&text, Format::Dagitty), projection(&hidden, &directed, &bidirected), "{text}");
    }
}

// ---- graphs of the literature -------------------------------------------------------------------

/// Published graphs, typed from the papers: name, DAGitty model, directed and bidirected edges.
const PUBLISHED: &[(&str, &str, &str, &str)] = &[
    (
        "M-bias (Greenland, Pearl & Robins, Epidemiology 1999)",
        "dag { bb=\"-3,-0.5,2,1.2\" D [outcome,pos=\"1,1\"] E [exposure,pos=\"-2,1\"] Z [pos=\"-0.5,0.5\"]
          D <-> Z [pos=\"1,-1\"] E -> D E <-> Z [pos=\"-2,-1\"] }",
        "E D",
        "D Z, E Z",
    ),
    (
        "Confounding triangle, extended (Greenland, Pearl & Robins 1999)",
        "dag { D [outcome] E [exposure] A -> { E Z } B -> { D Z } E -> D Z -> { D E } }",
        "A E, A Z, B D, B Z, E D, Z D, Z E",
        "",
    ),
    (
        "Small model with a mediator",
        "dag { X [exposure] Y [outcome] Z -> { X I } X -> { I Y } I -> Y }",
        "Z X, Z I, X I, X Y, I Y",
        "",
    ),
    (
        "Front door (Pearl, Biometrika 1995): smoking, tar, cancer",
        "dag { U [latent] smoking <- U -> cancer smoking -> tar -> cancer }",
        "smoking tar, tar cancer",
        "smoking cancer",
    ),
    (
        "Shrier & Platt, BMC Med. Res. Methodol. 2008: warming up and injury",
        "dag {
          WarmUpExercises [exposure,pos=\"-7,8.65\"]
          Injury [outcome]
          Coach -> { FitnessLevel TeamMotivation }
          Genetics -> { FitnessLevel NeuromuscularFatigue ConnectiveTissueDisorder }
          TeamMotivation -> { PreviousInjury WarmUpExercises }
          PreGameProprioception -> WarmUpExercises -> IntraGameProprioception -> Injury
          ConnectiveTissueDisorder -> { TissueWeakness NeuromuscularFatigue }
          ContactSport -> { IntraGameProprioception PreviousInjury }
          TissueWeakness -> Injury
          FitnessLevel -> { PreGameProprioception NeuromuscularFatigue }
          NeuromuscularFatigue -> { IntraGameProprioception Injury } }",
        "Coach FitnessLevel, Coach TeamMotivation, Genetics FitnessLevel, Genetics NeuromuscularFatigue,
         Genetics ConnectiveTissueDisorder, TeamMotivation PreviousInjury, TeamMotivation WarmUpExercises,
         PreGameProprioception WarmUpExercises, WarmUpExercises IntraGameProprioception,
         IntraGameProprioception Injury, ConnectiveTissueDisorder TissueWeakness,
         ConnectiveTissueDisorder NeuromuscularFatigue, ContactSport IntraGameProprioception,
         ContactSport PreviousInjury, TissueWeakness Injury, FitnessLevel PreGameProprioception,
         FitnessLevel NeuromuscularFatigue, NeuromuscularFatigue IntraGameProprioception,
         NeuromuscularFatigue Injury",
        "",
    ),
    (
        "Schipf et al., Gesundheitswesen 2011: testosterone and type 2 diabetes",
        "dag { TT [exposure] T2DM [outcome] A -> { S PA WC U TT } S -> { TT T2DM } WC -> { TT U T2DM }
          U -> { TT T2DM } PA -> { WC T2DM } }",
        "A S, A PA, A WC, A U, A TT, S TT, S T2DM, WC TT, WC U, WC T2DM, U TT, U T2DM, PA WC, PA T2DM",
        "",
    ),
    (
        "Acid & de Campos, UAI 1996",
        "dag { x1 -> { x4 x3 } x2 -> x3 -> { x6 x5 } x4 -> x5 -> { x7 x11 } x6 -> { x7 x14 } x7 -> x9 -> x10
          x8 -> { x14 x15 } x10 -> { x12 x15 } x11 -> x12 -> x13 x14 -> x16 -> x17 x15 -> { x17 x18 } }",
        "x1 x4, x1 x3, x2 x3, x3 x6, x3 x5, x4 x5, x5 x7, x5 x11, x6 x7, x6 x14, x7 x9, x9 x10, x8 x14, x8 x15,
         x10 x12, x10 x15, x11 x12, x12 x13, x14 x16, x16 x17, x15 x17, x15 x18",
        "",
    ),
    (
        "Thoemmes 2013: the hidden errors e0, e1, e3 and e4 have one effect each",
        "dag { x [exposure] y [outcome] e0 [latent] e1 [latent] e3 [latent] e4 [latent] s2 [adjusted]
          e0 -> x e1 -> s1 e2 -> {s2 y} e3 -> s3 e4 -> y s1 -> {s2 z} s2 -> {s3 z2} s3 -> y x -> {y s1} y -> z3 }",
        "e2 s2, e2 y, s1 s2, s1 z, s2 s3, s2 z2, s3 y, x y, x s1, y z3",
        "",
    ),
    (
        "van Kampen, Eur. Child Adolesc. Psychiatry 2014",
        "dag { SUS [exposure] EGC [outcome]
          AFF -> {ALN APA CDR} AIS -> {AFF EGC SUS} ALN -> {APA DET FTW PER SUS} CDR -> DET EGC -> HOS
          FTW -> {DET EGC} SAN -> {ALN AFF AIS APA CDR} SUS -> {EGC FTW HOS} PER -> DET }",
        "AFF ALN, AFF APA, AFF CDR, AIS AFF, AIS EGC, AIS SUS, ALN APA, ALN DET, ALN FTW, ALN PER, ALN SUS, CDR DET,
         EGC HOS, FTW DET, FTW EGC, SAN ALN, SAN AFF, SAN AIS, SAN APA, SAN CDR, SUS EGC, SUS FTW, SUS HOS, PER DET",
        "",
    ),
];

#[test]
fn published_graphs() {
    for (title, text, directed, bidirected) in PUBLISHED {
        let model = model_of(text, Format::Dagitty);
        let expected = Graph::typed(directed, bidirected);
        assert_eq!(Graph::of(&model), expected, "{title}");
        for (format, again) in round_trips(&Drawing::of(&model)) {
            assert_eq!(again, expected, "{title} in {format:?}");
        }
        let twice = import(&render::dagitty(&Drawing::of(&model)).unwrap(), Format::Dagitty).unwrap();
        assert_eq!(twice.notes, [], "{title}");
    }
}

// ---- pictures in Markdown -----------------------------------------------------------------------

#[test]
fn mermaid() {
    let (ast, _) =
        dcmc::syntax::parse("dcm 1 \"A: \\\"b\\\"\"\nX -> `a \"b\" <c>`\nX <-> `end`\nlatent U -> {X, `#1`, `end`}");
    let text = render::mermaid(&Drawing::of(&dcmc::model::lower(&ast, |_| vec![]).0));
    let expected =
        "---\ntitle: \"A: \\\"b\\\"\"\n---\nflowchart LR\n  n0[\"X\"]\n  n1[\"a #34;b#34; #60;c#62;\"]\n  n2[\"end\"]
  n3[\"#35;1\"]\n  n4[\"U\"]:::latent\n  n0 --> n1\n  n0 <-.-> n2\n  n4 --> n0\n  n4 --> n2\n  n4 --> n3
  classDef latent stroke-dasharray: 4 3\n";
    assert_eq!(text, expected);
}

// ---- wrong files --------------------------------------------------------------------------------

#[test]
fn wrong_files_end_with_a_place_and_code_1() {
    let garbage: String = (0..1_000_000).map(|k| char::from(33 + (k * 7919 % 94) as u8)).collect();
    let deep = format!("digraph {{ {} A {} }}", "{".repeat(100_000), "}".repeat(100_000));
    let lists = format!("graph {}", "[ a ".repeat(100_000));
    let cross = |n: usize| (0..n).map(|k| format!("a{k} ")).collect::<String>();
    let many = format!("digraph {{ {{ {} }} -> {{ {} }} }}", cross(2000), cross(2000).replace('a', "b"));
    let cases: &[(&str, &str, &str)] = &[
        ("a.dot", "digraph {\n  A -> B\n", "[E0104]"),
        ("a.dot", "digraph {\n  A -> \n}", "[E0101]"),
        ("a.dot", "digraph {\n  A --> B }", "[E0102]"),
        ("a.dot", "graph {\n  A -- B }", "[E0102]"),
        ("a.dot", "digraph {\n  A -> B [dir=none] }", "[E0102]"),
        ("a.dot", "digraph {\n  A [label=\"x }", "[E0104]"),
        ("a.dot", "digraph {\n  A [label=<x }", "[E0104]"),
        ("a.dot", "digraph { /*\n  A", "[E0104]"),
        ("a.dot", "digraph { A }\ndigraph { B }", "[E0101]"),
        ("a.dot", "digraph {\n \"a`b\" -> B }", "[E0101]"),
        ("a.dot", "digraph {\n \"a\nb\" -> B }", "[E0101]"),
        ("a.dot", "digraph {\n \"\" -> B }", "[E0101]"),
        ("a.dot", &garbage, "[E0101]"),
        ("a.dot", &deep, "[E0101]"),
        ("a.dot", &many, "[E0101]"),
        ("a.dot", "digraph {\n  A -> \u{202e}\u{0} }", "[E0101]"),
        ("a.dot", "", "[E0103]"),
        ("a.gv", "digrph { A }", "[E0101]"),
        ("a.dagitty", "pdag {\n  A -> B -- C }", "[E0102]"),
        ("a.dagitty", "mag {\n  A @-@ B }", "[E0102]"),
        ("a.dagitty", "dag {\n  A -> { B C }", "[E0104]"),
        ("a.dagitty", &garbage, "[E0101]"),
        ("a.gml", "graph [\n  node [ id 0 label \"A\"", "[E0104]"),
        ("a.gml", "graph [ node [ id 0 ] node [ id 1 ]\n edge [ source 0 target 1 ] ]", "[E0102]"),
        ("a.gml", "graph [ directed 1\n edge [ source 0 target 1 ] ]", "[E0201]"),
        ("a.gml", "graph [ node [ id 0 label \"A\" ]\n node [ id 1 label \"A\" ] ]", "[E0202]"),
        ("a.gml", "graph [ node [ id 0 ]\n node [ id 0 label \"A\" ] ]", "[E0202]"),
        ("a.gml", "graph [ directed 1 node [ id 0 ]\n edge [ source 0 ] ]", "[E0103]"),
        ("a.gml", "Version 1\n", "[E0103]"),
        ("a.gml", &lists, "[E0101]"),
        ("a.gml", &garbage, "[E0101]"),
        ("a.cg", "<NODES>\nX\n<EDGES>\nX -> Y\n", "[E0201]"),
        ("a.cg", "<NODES>\nX\nX\n", "[E0202]"),
        ("a.cg", "X -> Y\nX => Z\n", "[E0102]"),
        ("a.cg", "X -> \n", "[E0101]"),
        ("a.cg", "<EDGES>\nX\n", "[E0101]"),
        ("a.cg", "X -> Y, Z\n", "[E0101]"),
        ("a.bif", "network x {\n", "[E0104]"),
        ("a.bif", &garbage, "[E0101]"),
    ];
    for (name, text, code) in cases {
        let here = folder(&[(name, text)]);
        let said = dcmc(here.path(), &["import", name]).expect(1);
        let start: String = text.chars().take(60).collect();
        assert!(said.stderr.contains(code), "{start}: {}", said.stderr);
        assert!(said.stderr.contains(&format!("{name}:")), "{start}: {}", said.stderr);
        assert_eq!(said.stdout, "");
    }
}

#[test]
fn the_command() {
    let here = folder(&[("g.dot", "digraph { A -> B -> A }"), ("x.dat", "dag { A -> B [beta=1] }"), ("y.dat", "?")]);
    std::fs::write(here.path().join("latin.dot"), b"digraph {\n A -> gr\xf6sse }").unwrap();
    let latin = dcmc(here.path(), &["import", "latin.dot"]).expect(1);
    assert!(latin.stderr.contains("latin.dot:2:9") && latin.stderr.contains("UTF-8"), "{}", latin.stderr);
    let noted = dcmc(here.path(), &["import", "x.dat"]).expect(0);
    assert_eq!(noted.stdout, "A -> B\n");
    assert!(noted.stderr.contains("`beta`"), "{}", noted.stderr);
    assert!(dcmc(here.path(), &["import", "y.dat"]).expect(2).stderr.contains("--from"));
    dcmc(here.path(), &["import", "none.dot"]).expect(2);
    dcmc(here.path(), &["import", "g.dot", "-o", "no/such/folder.scm"]).expect(2);
    dcmc(here.path(), &["import", "y.dat", "--from", "gml"]).expect(1);
    let cyclic = dcmc(here.path(), &["import", "g.dot", "-o", "g.scm"]).expect(0);
    assert_eq!(cyclic.stdout, "");
    assert!(dcmc(here.path(), &["check", "g.scm"]).expect(1).stderr.contains("[E0301]"));
}

/// Valid files to break.
const SEEDS: &[(Format, &str)] = &[
    (
        Format::Dot,
        "strict digraph \"t\" { label=\"x\"; node [observed=no] A:n -> {B C} -> \"d \\\" e\" [dir=both, style=dashed] /* c */ subgraph cluster_0 { edge [dir=back] 1 -> -.5; <b> } A [label=<i>] // x\n }",
    ),
    (
        Format::Dagitty,
        "dag { bb=\"0,0,1,1\" X [exposure,pos=\"1,2\"] Y [outcome] U [latent] U -> {X Y Z} W -> U <-> V X -> M -> Y [beta=.5] S [selected] S <- Y }",
    ),
    (
        Format::Gml,
        "Creator \"n\" graph [ directed 1 node [ id 0 label \"A &amp; B\" ] node [ id 1 observed \"no\" ] node [ id \"x\" label \"Y\" graphics [ x 1 ] ] edge [ source 0 target \"x\" ] edge [ source 1 target 0 ] edge [ source 1 target \"x\" ] ]",
    ),
    (Format::Cg, "<NODES>\nZ\nX\nY 1\n\n<EDGES>\nZ -> X\nX -> Y 1\nX -- Y 1\nZ <-> X\n<ORDER>\nX Y\n"),
    (Format::Cg, "X -> Y\nY <- Z\n# c\nX <-> Z -> W\nV\n"),
    (
        Format::Bif,
        "network n { property \"p;\"; } variable A { type discrete [ 2 ] { a, \"b c\" }; } variable B { type discrete [ 3 ] { 0, 1, 2 }; } probability ( A ) { table 0.25, 75e-2; } probability ( B | A ) { (a) 0.1, 0.2, 0.7; default 0.3, 0.3, 0.4; }",
    ),
];

#[test]
fn broken_files_never_break_the_program() {
    let pieces = [
        "{", "}", "[", "]", "\"", "->", "--", "<->", "<", ">", "`", "\n", "\\", "&#0;", "=", ";", "é", "\u{feff}",
        "1e999", "@-@", "|", "(", "/*", "#", "\0", "'", "subgraph", "else", "-",
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut read = 0;
    for (format, seed) in SEEDS {
        for _ in 0..4000 {
            let mut text: Vec<char> = seed.chars().collect();
            for _ in 0..rng.random_range(1..6) {
                let at = rng.random_range(0..=text.len());
                let end = (at + rng.random_range(0..12)).min(text.len());
                match rng.random_range(0..5) {
                    0 => drop(text.drain(at..end)),
                    1 => text.truncate(at.max(text.len() / 2)),
                    2 => {
                        let copy = text[at..end].to_vec();
                        let to = rng.random_range(0..=text.len());
                        text.splice(to..to, copy);
                    }
                    _ => drop(text.splice(at..at, pieces[rng.random_range(0..pieces.len())].chars())),
                }
            }
            let text: String = text.into_iter().collect();
            match import(&text, *format) {
                Ok(imported) => {
                    read += 1;
                    let (ast, syntax) = dcmc::syntax::parse(&imported.text);
                    assert_eq!(syntax, [], "{text}\n{}", imported.text);
                    let (model, found) = dcmc::model::lower(&ast, dcmc::truth::infer_domains);
                    let graph_only = |d: &dcmc::diag::Diagnostic| matches!(d.code, "E0301" | "E0302");
                    assert!(found.iter().all(graph_only), "{text}\n{}\n{found:?}", imported.text);
                    if found.is_empty() && model.truth.is_some() {
                        assert!(dcmc::truth::Scm::build(&model).is_ok(), "{text}\n{}", imported.text);
                    }
                    dcmc::diag::render_human(&imported.notes, &dcmc::diag::Sources::new("f", text.as_str()), false);
                }
                Err(found) => {
                    let place = found.labels[0].span;
                    assert!(place.start <= place.end && place.end <= text.len(), "{found:?} in {text}");
                    dcmc::diag::render_human(&[found], &dcmc::diag::Sources::new("f", text.as_str()), false);
                }
            }
        }
    }
    assert!(read > 1000, "only {read} of the broken files could be read");
}
