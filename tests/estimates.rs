//! The numbers of formulas against exact answers, the pairs of models behind a "no", and the page.

mod common;

use common::{dcmc, examples, folder};
use dcmc::causal::counterfactual as ctf;
use dcmc::causal::{Admg, random_admg};
use dcmc::data::{self, Schema};
use dcmc::identification::{
    Evaluation, How, Known, Plugin, Question, Row, Solved, Taught, distributions, evaluate, judge, judge_trained, pair,
};
use dcmc::model::{CounterfactualTerm, Event, Model, Query, QueryKind, lower};
use dcmc::plan;
use dcmc::seed::stream;
use dcmc::syntax::parse;
use dcmc::truth::{self, Scm};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

// ---- formulas on rows, with real variables and in several worlds ----

/// The terms of a query with their factors, and its constant; all names have values.
fn questions(query: &Query) -> (Vec<(f64, Question)>, f64) {
    let question = |term: &CounterfactualTerm, mean: bool| {
        let world = |event: &Event| term.world_of(event, &|_, code| ctf::Value::Code(code.unwrap()));
        let codes: Vec<Option<u32>> = term.outcome.iter().map(|e| e.value).collect();
        Question {
            outcome: term.outcome.iter().map(|e| (e.variable, world(e))).collect(),
            codes: if mean && codes[0].is_none() { None } else { codes.into_iter().collect() },
            evidence: term.evidence.iter().map(|e| (e.variable, world(e), e.value.unwrap())).collect(),
        }
    };
    match &query.kind {
        QueryKind::Distribution(term) => (vec![(1.0, question(&term.into(), false))], 0.0),
        QueryKind::Expectation { terms, constant } => {
            (terms.iter().map(|(factor, term)| (*factor, question(&term.into(), true))).collect(), *constant)
        }
        QueryKind::Counterfactual { terms, constant, mean } => {
            (terms.iter().map(|(factor, term)| (*factor, question(term, *mean))).collect(), *constant)
        }
        QueryKind::Samples { .. } => panic!("samples"),
    }
}

/// What the truth block says, with four standard errors of its simulation.
fn truth_of(model: &Model, scm: &Scm, terms: &[(f64, Question)], constant: f64) -> (f64, f64) {
    terms.iter().fold((constant, 0.0), |(sum, error), (factor, question)| {
        let found = scm.counterfactual(&question.outcome, &question.evidence).unwrap();
        let (value, off) = match (&question.codes, found.mean) {
            (None, Some(mean)) => mean,
            (None, None) => {
                let number = |code: u32| model.domain(question.outcome[0].0).unwrap().number(code).unwrap();
                let scored = found.table.values.iter().enumerate().map(|(code, p)| p * number(code as u32));
                (scored.sum(), found.standard_errors.map_or(0.0, |e| e.iter().sum()))
            }
            (Some(codes), _) => {
                let cell = codes.iter().zip(&found.table.cards).fold(0, |cell, (c, card)| cell * card + *c as usize);
                (found.table.values[cell], found.standard_errors.map_or(0.0, |e| e[cell]))
            }
        };
        (sum + factor * value, error + 4.0 * factor.abs() * off)
    })
}

/// Every query's formula on 40,000 rows is within its error of the truth block's answer.
fn on_rows(text: &str, how: How) {
    let model = model(text);
    let schemas = schemas(&model);
    let tables: Vec<_> = (0..model.regimes.len()).map(|at| data::load(&model, at, &examples(), 1).unwrap().0).collect();
    let scm = Scm::build(&model).unwrap().unwrap();
    let plugin = Plugin::new(&model, &schemas, &tables);
    for query in &model.queries {
        let (terms, constant) = questions(query);
        let solved: Vec<(f64, Solved)> = terms
            .iter()
            .map(|(factor, q)| (*factor, plugin.solve(q).unwrap_or_else(|| panic!("{}: no formula", query.text))))
            .collect();
        let solved: Vec<(f64, &Solved)> = solved.iter().map(|(factor, s)| (*factor, s)).collect();
        let (value, half, found) =
            plugin.value(&solved, constant).unwrap_or_else(|| panic!("{}: no number", query.text));
        let (exact, error) = truth_of(&model, &scm, &terms, constant);
        let half = half.unwrap();
        assert!(half > 0.0 && half < 0.2, "{}: {half}", query.text);
        assert!((value - exact).abs() < 2.5 * half + error, "{}: {value} ± {half}, not {exact}", query.text);
        assert_eq!(found, how, "{}", query.text);
    }
}

#[test]
fn regressions_give_what_the_truth_says() {
    on_rows(
        "Z -> X; {X, Z, W} -> Y; Z -> W; X: binary; W: int[0..2]; {Y, Z}: real
         truth {
           Z ~ normal(10, 2)
           W = bernoulli(0.5 + 0.02 * (Z - 10)) + bernoulli(0.3)
           X ~ bernoulli(1 / (1 + exp(10 - Z)))
           Y = 1.5 * X + 0.8 * Z + 0.1 * Z * Z + 0.5 * X * Z - W + normal(0, 1)
         }
         data obs = simulate(truth, n: 40000, seed: 1)
         query ate: ATE(Y, X = 1 vs 0)
         query at: E[Y | do(X = 1), W = 2] / 2 + 1
         query set: E[Y | do(X = 0, Z = 8.5)]
         query ett: ETT(Y, X = 1 vs 0)
         query seen: E[Y | X = 1]",
        How::LeastSquares,
    );
    on_rows(
        "X -> M -> Y; X <-> Y; X: binary; {M, Y}: real
         truth {
           U ~ bernoulli(0.5)
           X ~ bernoulli(0.2 + 0.6 * U)
           M = X + normal(0, 0.7)
           Y = 2 * M + 1.5 * U + normal(0, 0.5)
         }
         data obs = simulate(truth, n: 40000, seed: 2)
         query front: ATE(Y, X = 1 vs 0)
         query middle: E[Y | do(M = 0.5)]",
        How::LeastSquares,
    );
    on_rows(
        "X -> M -> Y; X -> Y; X: binary; {M, Y}: real
         truth {
           X ~ bernoulli(0.4)
           M = 1.2 * X + normal(0, 0.7)
           Y = 2 * M + 0.7 * X * M + X + normal(0, 0.5)
         }
         data obs = simulate(truth, n: 40000, seed: 3)
         query nde: NDE(Y, X = 1 vs 0, M)
         query nie: NIE(Y, X = 1 vs 0, M)",
        How::LeastSquares,
    );
}

#[test]
fn frequencies_answer_questions_about_several_worlds() {
    on_rows(
        "Z -> X -> M -> Y; {X, Z} -> Y; {X, M, Y}: binary; Z: int[0..2]
         truth {
           Z ~ uniform_int(0, 2)
           X ~ bernoulli(0.2 + 0.25 * Z)
           M ~ bernoulli(0.3 + 0.4 * X)
           Y ~ bernoulli(0.1 + 0.2 * X + 0.3 * M + 0.1 * Z)
         }
         data obs = simulate(truth, n: 40000, seed: 4)
         query ett: ETT(Y, X = 1 vs 0)
         query untreated: P(Y[X = 1] = 1 | X = 0)
         query nde: NDE(Y, X = 1 vs 0, M)
         query nie: NIE(Y, X = 1 vs 0, M)
         query of: E[Z[X = 1] | X = 0]",
        How::Frequencies,
    );
}

#[test]
fn what_no_data_determine_has_no_number() {
    let model = model(
        "X -> Y; {X, Y}: binary
         truth { X ~ bernoulli(0.5); Y ~ bernoulli(0.2 + 0.5 * X) }
         data obs = simulate(truth, n: 100, seed: 1)
         query pn: PN(Y = 1, X = 1 vs 0)",
    );
    let tables = [data::load(&model, 0, &examples(), 1).unwrap().0];
    let schemas = schemas(&model);
    let (terms, _) = questions(&model.queries[0]);
    assert!(Plugin::new(&model, &schemas, &tables).solve(&terms[0].1).is_none());
}

// ---- evaluation ----

fn model(text: &str) -> Model {
    let (ast, found) = parse(text);
    assert!(found.is_empty(), "{found:#?}\n{text}");
    let (model, found) = lower(&ast, truth::infer_domains);
    let errors: Vec<_> = found.iter().filter(|d| d.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
    model
}

fn schemas(model: &Model) -> Vec<Schema> {
    let base = examples();
    (0..model.regimes.len()).map(|at| data::schema(model, at, &base).unwrap().0).collect()
}

/// The formula on the truth and the truth's own answer; `None` where there is no formula.
fn on_truth(model: &Model, query: &Query) -> Option<(Vec<Row>, Vec<Row>)> {
    let scm = Scm::build(model).unwrap_or_else(|e| panic!("{e:#?}")).unwrap();
    let found = evaluate(model, &schemas(model), query, Known::Declared, &[], Some(&scm));
    Some((found.truth?.ok()?, found.exact?.unwrap()))
}

/// The largest difference, and how many rows are undefined.
fn compare(rows: &[Row], exact: &[Row]) -> (f64, usize) {
    assert_eq!(rows.len(), exact.len());
    let mut worst = 0.0_f64;
    for (row, exact) in rows.iter().zip(exact) {
        assert_eq!(
            (&row.outcome, &row.interventions, &row.given),
            (&exact.outcome, &exact.interventions, &exact.given)
        );
        if let (Some(a), Some(b)) = (row.value, exact.value) {
            worst = worst.max((a - b).abs());
        }
    }
    (worst, rows.iter().filter(|r| r.value.is_none()).count())
}

#[test]
fn formulas_on_the_truth_of_the_examples_are_right() {
    let mut formulas = 0;
    for name in ["asia", "colored_mnist2", "digits_table", "synthetic7"] {
        let text = std::fs::read_to_string(examples().join(format!("{name}.scm"))).unwrap();
        let model = model(&text);
        for query in &model.queries {
            let finding = judge(&model, &schemas(&model), query, Known::Declared);
            let observable = matches!(query.kind, QueryKind::Distribution(_) | QueryKind::Expectation { .. });
            if finding.identifiable() != Some(true) || !observable {
                continue;
            }
            let (rows, exact) = on_truth(&model, query).unwrap();
            let (worst, undefined) = compare(&rows, &exact);
            assert!(worst < 1e-9, "{name}: {}: {worst}", query.name);
            // `either` is a strict OR: under do(either = no) a lung patient was never seen.
            assert_eq!(undefined > 0, query.name == "healthy", "{}", query.name);
            formulas += 1;
        }
    }
    assert!(formulas >= 9, "{formulas}");
}

/// A random model as a program: a hidden cause for every bidirected edge, every probability positive.
fn program(rng: &mut ChaCha8Rng, graph: &Admg, cards: &[usize]) -> String {
    let row = |rng: &mut ChaCha8Rng, card: usize| {
        let weights: Vec<f64> = (0..card).map(|_| 0.1 + rng.random::<f64>()).collect();
        let total: f64 = weights.iter().sum();
        let shares: Vec<String> = weights.iter().map(|w| (w / total).to_string()).collect();
        shares.join(", ")
    };
    let (mut edges, mut equations) = (String::new(), String::new());
    let mut inputs: Vec<Vec<(String, usize)>> = vec![vec![]; graph.len()];
    for v in 0..graph.len() {
        edges += &format!("V{v}: int[0..{}]\n", cards[v] - 1);
        for &p in graph.parents(v) {
            edges += &format!("V{p} -> V{v}\n");
            inputs[v].push((format!("V{p}"), cards[p]));
        }
        for &other in graph.spouses(v).iter().filter(|&&other| other > v) {
            edges += &format!("V{v} <-> V{other}\n");
            equations += &format!("  U{v}_{other} ~ categorical({})\n", row(rng, 2));
        }
        for &other in graph.spouses(v) {
            inputs[v].push((format!("U{}_{}", v.min(other), v.max(other)), 2));
        }
    }
    for v in 0..graph.len() {
        if inputs[v].is_empty() {
            equations += &format!("  V{v} ~ categorical({})\n", row(rng, cards[v]));
            continue;
        }
        let names: Vec<&str> = inputs[v].iter().map(|i| i.0.as_str()).collect();
        equations += &format!("  V{v} ~ table({}) {{\n", names.join(", "));
        let keys = inputs[v].iter().fold(vec![vec![]], |keys, (_, card)| {
            keys.into_iter()
                .flat_map(|k: Vec<String>| (0..*card).map(move |x| [&k[..], &[x.to_string()]].concat()))
                .collect()
        });
        for key in keys {
            equations += &format!("    ({}): [{}]\n", key.join(", "), row(rng, cards[v]));
        }
        equations += "  }\n";
    }
    format!("{edges}truth {{\n{equations}}}\n")
}

fn random_query(rng: &mut ChaCha8Rng, cards: &[usize]) -> String {
    let mut roles: Vec<usize> = cards.iter().map(|_| rng.random_range(0..4)).collect();
    roles[rng.random_range(0..cards.len())] = 0;
    let list = |rng: &mut ChaCha8Rng, role: usize, valued: bool| {
        let of_role = (0..roles.len()).filter(|&v| roles[v] == role);
        let written = of_role.map(|v| match valued && rng.random_bool(0.3) {
            true => format!("V{v} = {}", rng.random_range(0..cards[v])),
            false => format!("V{v}"),
        });
        written.collect::<Vec<_>>().join(", ")
    };
    let (outcome, set) = (list(rng, 0, false), list(rng, 1, true));
    let known = if rng.random_bool(0.5) { list(rng, 2, true) } else { String::new() };
    let set = if set.is_empty() { set } else { format!("do({set})") };
    let given: Vec<String> = [set, known].into_iter().filter(|part| !part.is_empty()).collect();
    let bar = if given.is_empty() { "" } else { " | " };
    match outcome.contains(',') || rng.random_bool(0.5) {
        true => format!("P({outcome}{bar}{})", given.join(", ")),
        false => format!("2 * E[{outcome}{bar}{}] - E[{outcome}] + 0.5", given.join(", ")),
    }
}

fn random_data(rng: &mut ChaCha8Rng, cards: &[usize]) -> String {
    let mut text = String::new();
    for at in 0..rng.random_range(0..4) {
        let mut set: Vec<String> = vec![];
        for (v, &card) in cards.iter().enumerate() {
            match rng.random_range(0..8) {
                0 => set.push(format!("V{v}")),
                1 => set.push(format!("V{v} = {}", rng.random_range(0..card))),
                _ => {}
            }
        }
        let columns: Vec<String> = (0..cards.len()).filter(|_| rng.random_bool(0.8)).map(|v| format!("V{v}")).collect();
        let columns = match rng.random_bool(0.3) && !columns.is_empty() {
            true => format!(" {{ columns: {{ {} }} }}", columns.join(", ")),
            false => String::new(),
        };
        let set = if set.is_empty() { String::new() } else { format!(" do({})", set.join(", ")) };
        text += &format!("data d{at} = simulate(truth, n: 10){columns}{set}\n");
    }
    text
}

/// Formulas found and their largest error over random models, data sets and queries.
fn random_formulas(name: &str, count: usize) -> (usize, f64) {
    let mut rng = stream(1, name);
    let (mut formulas, mut worst) = (0, 0.0_f64);
    for _ in 0..count {
        let nodes = rng.random_range(2..7);
        let graph = random_admg(&mut rng, nodes, 0.4, 0.25);
        let cards: Vec<usize> = (0..nodes).map(|_| rng.random_range(2..4)).collect();
        let text = program(&mut rng, &graph, &cards) + &random_data(&mut rng, &cards);
        let text = format!("{text}query q: {}\n", random_query(&mut rng, &cards));
        let model = model(&text);
        let Some((rows, exact)) = on_truth(&model, &model.queries[0]) else { continue };
        let (error, undefined) = compare(&rows, &exact);
        assert!(error < 1e-9 && undefined == 0, "{error}, {undefined} undefined in\n{text}");
        formulas += 1;
        worst = worst.max(error);
    }
    (formulas, worst)
}

#[test]
fn formulas_on_random_truths_are_right() {
    let (formulas, _) = random_formulas("estimates", 400);
    assert!(formulas > 150, "{formulas}");
}

#[test]
#[ignore = "long: cargo test --release --test estimates -- --ignored --nocapture"]
fn formulas_on_many_random_truths_are_right() {
    let (formulas, worst) = random_formulas("many estimates", 20_000);
    println!("{formulas} formulas, largest error {worst:e}");
}

/// A question about up to three worlds: each sets one variable, or gives one the value it has in another world.
fn random_worlds(rng: &mut ChaCha8Rng, cards: &[usize]) -> String {
    let nodes = cards.len();
    let seen = |rng: &mut ChaCha8Rng, actual: bool| {
        let (v, set) = (rng.random_range(0..nodes), rng.random_range(0..nodes));
        if v == set || (actual && rng.random_bool(0.6)) {
            return (v, format!("V{v}"));
        }
        let value = format!("V{set} = {}", rng.random_range(0..cards[set]));
        let other = rng.random_range(0..nodes);
        match rng.random_bool(0.2) && other != v && other != set {
            true => (v, format!("V{v}[{value}, V{other} = V{other}[V{set} = {}]]", rng.random_range(0..cards[set]))),
            false => (v, format!("V{v}[{value}]")),
        }
    };
    let mut known: Vec<String> = vec![];
    for _ in 0..rng.random_range(0..3) {
        let (v, event) = seen(rng, true);
        if !known.iter().any(|other| other.split(" =").next() == Some(event.as_str())) {
            known.push(format!("{event} = {}", rng.random_range(0..cards[v])));
        }
    }
    let bar = if known.is_empty() { String::new() } else { format!(" | {}", known.join(", ")) };
    let (first, second) = (seen(rng, false).1, seen(rng, false).1);
    match rng.random_range(0..3) {
        0 if first != second => format!("P({first}, {second}{bar})"),
        1 => format!("2 * E[{first}{bar}] - E[{second}] + 0.5"),
        _ => format!("P({first}{bar})"),
    }
}

/// Formulas of questions about several worlds on the truth, against the truth block's enumeration of individuals.
#[test]
fn formulas_of_several_worlds_are_right() {
    let mut rng = stream(1, "worlds");
    let (mut formulas, mut several) = (0, 0);
    for _ in 0..1200 {
        let nodes = rng.random_range(2..5);
        let graph = random_admg(&mut rng, nodes, 0.5, 0.2);
        let cards: Vec<usize> = (0..nodes).map(|_| rng.random_range(2..4)).collect();
        let text = program(&mut rng, &graph, &cards) + &random_data(&mut rng, &cards);
        let text = format!("{text}query q: {}\n", random_worlds(&mut rng, &cards));
        let (ast, found) = parse(&text);
        assert!(found.is_empty(), "{found:#?}\n{text}");
        let (model, found) = lower(&ast, truth::infer_domains);
        // Some contradict themselves, or set what they ask for.
        if found.iter().any(|d| d.is_error()) {
            continue;
        }
        let query = &model.queries[0];
        let Some((rows, exact)) = on_truth(&model, query) else { continue };
        let (error, undefined) = compare(&rows, &exact);
        assert!(error < 1e-9, "{error} in\n{text}");
        // Evidence about several worlds may be impossible with the noise that the truth shares, whatever the formula's factors are.
        let impossible = exact.iter().filter(|row| row.value.is_none()).count();
        assert!(undefined <= impossible, "{text}");
        formulas += 1;
        several += usize::from(matches!(query.kind, QueryKind::Counterfactual { .. }));
    }
    assert!(formulas > 300 && several > 300, "{formulas} {several}");
}

/// A trial alone bounds the probabilities of necessity and sufficiency (Tian & Pearl 2000, equation 29).
#[test]
fn a_trial_bounds_what_would_have_been() {
    let asked = |query: &str| {
        let found = dcmc(&examples(), &["identify", "twins.scm", "--evaluate", "--format", "json", "--query", query]);
        found.expect(0).json()["queries"][0].clone()
    };
    let arms = asked("P(recovery = 1 | do(drug))");
    let arm = |at: usize| arms["values"]["data"][at]["p"].as_f64().unwrap();
    let (zero, one) = (arm(0), arm(1));
    let bounds = |query: &str, low: f64, high: f64| {
        let found = asked(query);
        let bounds = &found["bounds"][0];
        assert_eq!((&found["identifiable"], &bounds["method"]), (&false.into(), &"sharp".into()), "{found:#}");
        for (end, expected) in [("low", low), ("high", high)] {
            assert!((bounds[end].as_f64().unwrap() - expected).abs() < 1e-6, "{query} {bounds} {low} {high}");
        }
    };
    bounds("PN(recovery = 1, drug = 1 vs 0)", ((one - zero) / one).max(0.0), ((1.0 - zero) / one).min(1.0));
    bounds("PS(recovery = 1, drug = 1 vs 0)", ((one - zero) / (1.0 - zero)).max(0.0), (one / (1.0 - zero)).min(1.0));
    bounds("P(recovery[drug = 0] = 0, recovery[drug = 1] = 1)", (one - zero).max(0.0), one.min(1.0 - zero));
    let identified = asked("P(recovery[drug = 1] = 1 | drug = 0)");
    assert!((identified["values"]["data"][0]["p"].as_f64().unwrap() - one).abs() < 1e-12, "{identified:#}");
    assert_eq!(identified["values"]["exact"][0]["p"], 0.54);
}

/// What the plan of a model teaches, or `None` where there is no plan; and whether something is left out (N0613).
fn taught(model: &Model) -> Option<(Vec<Taught>, bool)> {
    let planned = plan::make(model, &schemas(model), plan::Options::default()).ok()?;
    let tasks = planned.plan.modules.iter().flat_map(|module| &module.tasks);
    let numbered = tasks.map(|task| {
        let mut variables: Vec<usize> = task.teaches.iter().map(|name| model.id(name).unwrap()).collect();
        variables.sort_unstable();
        Taught { regime: model.regimes.iter().position(|r| r.name == task.data).unwrap(), variables }
    });
    Some((numbered.collect(), planned.diagnostics.iter().any(|d| d.code == "N0613")))
}

#[test]
fn what_is_trained_answers_all_that_the_data_answer_unless_something_is_left_out() {
    let mut rng = stream(1, "trained");
    let (mut whole, mut left_out, mut lost) = (0, 0, 0);
    for _ in 0..1500 {
        let nodes = rng.random_range(2..6);
        let graph = random_admg(&mut rng, nodes, 0.4, 0.25);
        let cards = vec![2; nodes];
        let data = format!("data whole = simulate(truth, n: 10)\n{}", random_data(&mut rng, &cards));
        let text = program(&mut rng, &graph, &cards) + &data;
        let engine = if rng.random_bool(0.3) { "train { engine: wgan_gp }\n" } else { "" };
        let model = model(&format!("{text}{engine}query q: {}\n", random_query(&mut rng, &cards)));
        let query = &model.queries[0];
        let Some((taught, skips)) = taught(&model) else { continue };
        let by_data = judge(&model, &schemas(&model), query, Known::Declared).identifiable();
        let by_training = judge_trained(&model, &taught, query).identifiable();
        // c-factors know which parents a fixed value is for, so that they may settle what data sets leave open.
        if by_training == Some(true) {
            assert_ne!(by_data, Some(false), "{text}{}", query.text);
        }
        match skips {
            false if by_data == Some(true) => {
                assert_eq!(by_training, Some(true), "{text}{}", query.text);
                whole += 1;
            }
            true if by_data == Some(true) => {
                left_out += 1;
                lost += usize::from(by_training != Some(true));
            }
            _ => {}
        }
    }
    println!("{whole} answers of whole plans, {left_out} of others, {lost} lost");
    assert!(whole > 300 && left_out > 30, "{whole} {left_out} {lost}");
}

fn json(name: &str, more: &[&str]) -> Value {
    let file = examples().join(name);
    dcmc(&examples(), &[&["identify", file.to_str().unwrap(), "--format", "json", "--evaluate"], more].concat())
        .expect(0)
        .json()["queries"]
        .clone()
}

fn row<'a>(rows: &'a Value, outcome: (&str, Value), set: (&str, Value)) -> &'a Value {
    let fits = |row: &&Value| row["outcome"][outcome.0] == outcome.1 && row["do"][set.0] == set.1;
    rows.as_array().unwrap().iter().find(fits).unwrap()
}

#[test]
fn published_numbers_follow_from_the_published_tables() {
    // Pearl, Glymour & Jewell (2016), section 3.4: 0.5475 and 0.5025, the formula on the rows themselves.
    let found = json("frontdoor.scm", &[]);
    for (smoker, p) in [(1, 0.5475), (0, 0.5025)] {
        let row = row(&found[0]["values"]["data"], ("cancer", 1.into()), ("smoker", smoker.into()));
        assert!((row["p"].as_f64().unwrap() - p).abs() < 1e-12, "{row}");
    }
    assert!((found[2]["values"]["data"][0]["value"].as_f64().unwrap() - 0.045).abs() < 1e-12);
    assert_eq!(found[0]["values"]["truth"], Value::Null);
    // Charig et al. (1986): 0.8325 and 0.7789, rounded.
    let found = json("kidney_stones.scm", &[]);
    for (treatment, p) in [("A", 0.8325), ("B", 0.7789)] {
        let row = row(&found[0]["values"]["data"], ("success", 1.into()), ("treatment", treatment.into()));
        assert!((row["p"].as_f64().unwrap() - p).abs() < 5e-5, "{row}");
    }
}

#[test]
fn rows_held_out_do_not_count_and_weights_do() {
    let text = "X -> Y; X, Y: binary\ndata a = \"a.csv\" { weight: w }\ndata b = \"b.csv\" { role: test }\n\
                query q: P(Y | do(X))\n";
    let here = folder(&[("m.scm", text), ("a.csv", "X,Y,w\n0,0,1\n0,1,3\n1,1,2\n"), ("b.csv", "X,Y\n0,0\n1,0\n")]);
    let found = dcmc(here.path(), &["identify", "m.scm", "--evaluate", "--format", "json"]).expect(0).json();
    let p: Vec<f64> =
        found["queries"][0]["values"]["data"].as_array().unwrap().iter().map(|r| r["p"].as_f64().unwrap()).collect();
    assert_eq!(p, [0.25, 0.75, 0.0, 1.0]);
}

#[test]
fn missing_support_is_said_and_not_zero() {
    let text = "Z -> X -> Y; Z -> Y; X, Y, Z: binary\ndata d = \"d.csv\"\nquery q: P(Y | do(X))\n";
    let here = folder(&[("m.scm", text), ("d.csv", "X,Y,Z\n0,0,0\n0,1,1\n1,1,1\n1,0,1\n")]);
    let found = dcmc(here.path(), &["identify", "m.scm", "--evaluate", "--format", "json"]).expect(0).json();
    let rows = &found["queries"][0]["values"]["data"];
    assert_eq!(rows[0]["p"].as_f64(), Some(0.25));
    assert_eq!(rows[2]["p"], Value::Null);
    let gap = &rows[2]["no_support"][0];
    assert_eq!(
        (gap["given"]["X"].as_i64(), gap["given"]["Z"].as_i64(), gap["rows"].as_i64()),
        (Some(1), Some(0), Some(4))
    );
    let text = dcmc(here.path(), &["identify", "m.scm", "--evaluate"]).expect(0).stdout;
    assert!(text.contains("undefined") && text.contains("0 of the 4 rows of d") && !text.contains("NaN"), "{text}");
}

#[test]
fn what_is_multiplied_by_zero_needs_no_support() {
    // Z is always 1, so that nothing need be known of Y where Z is 0.
    let text = "Z -> X -> Y; Z -> Y; X, Y, Z: binary\ndata d = \"d.csv\"\nquery q: P(Y | do(X))\n";
    let here = folder(&[("m.scm", text), ("d.csv", "X,Y,Z\n0,0,1\n0,1,1\n1,1,1\n")]);
    let found = dcmc(here.path(), &["identify", "m.scm", "--evaluate", "--format", "json"]).expect(0).json();
    let p: Vec<Option<f64>> =
        found["queries"][0]["values"]["data"].as_array().unwrap().iter().map(|r| r["p"].as_f64()).collect();
    assert_eq!(p, [Some(0.5), Some(0.5), Some(0.0), Some(1.0)]);
}

#[test]
fn a_variable_of_any_value_takes_one_with_support() {
    // Napkin: the formula may take any value of Z; only Z = 1 was seen.
    let text = "W -> Z -> X -> Y; W <-> X; W <-> Y; W, X, Y, Z: binary\ndata d = \"d.csv\"\nquery q: P(Y | do(X))\n";
    let rows = "W,Z,X,Y\n0,1,0,0\n0,1,1,1\n1,1,0,1\n1,1,1,0\n1,1,1,1\n";
    let here = folder(&[("m.scm", text), ("d.csv", rows)]);
    let found = dcmc(here.path(), &["identify", "m.scm", "--evaluate", "--format", "json"]).expect(0).json();
    let list = found["queries"][0]["values"]["data"].as_array().unwrap();
    assert!(list.iter().all(|row| row["chosen"]["Z"] == 1 && row["p"].is_f64()), "{list:?}");
    // P(y, x | Z = 1, w) averaged over P(w), divided by its sum over y.
    let joint = |x: f64, y: f64| 0.4 * x + 0.6 * y;
    let (y0, y1) = (joint(0.5, 0.0), joint(0.0, 1.0 / 3.0));
    assert!((list[0]["p"].as_f64().unwrap() - y0 / (y0 + y1)).abs() < 1e-12);
}

// ---- pairs ----

/// The exact answers of a program's query, in the order of its rows.
fn exact(text: &str) -> Vec<Option<f64>> {
    let model = model(text);
    let scm = Scm::build(&model).unwrap_or_else(|e| panic!("{e:#?}\n{text}"));
    let found: Evaluation = evaluate(&model, &schemas(&model), &model.queries[0], Known::Declared, &[], scm.as_ref());
    found.exact.unwrap().unwrap().iter().map(|row| row.value).collect()
}

/// The exact distributions of a program's data sets, for every value of what they set.
fn shown(text: &str) -> Vec<f64> {
    let model = model(text);
    let mut all = vec![];
    for (regime, schema) in model.regimes.iter().zip(schemas(&model)) {
        let name = |v: &usize| format!("`{}`", model.name(*v));
        let set: Vec<usize> = regime.interventions.iter().map(|(v, _)| *v).collect();
        let seen: Vec<String> = schema.observed.iter().filter(|v| !set.contains(v)).map(name).collect();
        if seen.is_empty() {
            continue;
        }
        let set: Vec<String> = set.iter().map(name).collect();
        let set = if set.is_empty() { String::new() } else { format!(" | do({})", set.join(", ")) };
        let asked = dcmc::model::parse_query(&model, &format!("P({}{set})", seen.join(", "))).unwrap();
        let scm = Scm::build(&model).unwrap();
        let found = evaluate(&model, &[], &asked, Known::Declared, &[], scm.as_ref());
        all.extend(found.exact.unwrap().unwrap().iter().map(|row| row.value.unwrap()));
    }
    all
}

/// Checks the pair for the model's only query as programs; how many probabilities the data show, or `None` where the
/// query is no "no" or no pair was found.
fn check_pair(text: &str) -> Option<usize> {
    let model = model(text);
    let finding = judge(&model, &schemas(&model), &model.queries[0], Known::Declared);
    if finding.identifiable() != Some(false) {
        return None;
    }
    let pair = pair(&model, &finding).ok()?;
    let stated: [Vec<Option<f64>>; 2] = [0, 1].map(|at| pair.values.iter().map(|row| row.p[at]).collect());
    for (program, stated) in pair.programs.iter().zip(&stated) {
        let found = exact(program);
        assert_eq!(found.len(), stated.len());
        for (a, b) in found.iter().zip(stated).filter_map(|(a, b)| a.zip(*b)) {
            assert!((a - b).abs() < 1e-9, "{a} {b}\n{program}");
        }
    }
    let [first, second] = [0, 1].map(|at| shown(&pair.programs[at]));
    assert_eq!(first.len(), second.len());
    assert!(first.iter().zip(&second).all(|(a, b)| (a - b).abs() < 1e-9), "{}\n{}", pair.programs[0], pair.programs[1]);
    let gap = stated[0].iter().zip(&stated[1]).filter_map(|(a, b)| Some((*a)?.max((*b)?) - (*a)?.min((*b)?)));
    assert!(gap.fold(0.0, f64::max) > 1e-3 && pair.difference > 1e-3);
    Some(first.len())
}

#[test]
fn two_programs_show_why_the_textbook_answers_are_no() {
    for text in [
        "X -> Y; X <-> Y; X, Y: binary\nquery q: P(Y | do(X))\n",
        "X -> Z -> Y; X <-> Z; X, Y, Z: binary\nquery q: P(Y | do(X))\n",
        "`a b` -> `c\"d`; `a b` <-> `c\"d`; {`a b`, `c\"d`}: binary\nquery q: P(`c\"d` | do(`a b`))\n",
        // A thicket: two experiments that together are not enough.
        "X1 -> Y; X2 -> Y; X1 <-> Y; X2 <-> Y; X1 <-> X2; X1, X2, Y: binary\n\
         truth { U ~ bernoulli(0.5); X1 = U; X2 = U; Y = X1 xor X2 }\n\
         data a = simulate(truth, n: 10) do(X1)\ndata b = simulate(truth, n: 10) do(X2)\nquery q: P(Y | do(X1, X2))\n",
        // The experiment has one value only: the pair agrees on all of them.
        "X -> Y; W -> Y; X <-> Y; W <-> Y; X, Y, W: binary\n\
         truth { U ~ bernoulli(0.5); X = U; W = U; Y = X xor W }\n\
         data a = simulate(truth, n: 10) do(W = 1)\nquery q: E[Y | do(X = 1, W = 1)]\n",
    ] {
        let shown = check_pair(text).unwrap_or_else(|| panic!("no pair for {text}"));
        // Without data sets the program declares P(V) itself.
        assert!(shown >= 4, "{shown} in {text}");
    }
}

#[test]
fn two_programs_show_why_random_answers_are_no() {
    let mut rng = stream(1, "pairs");
    let (mut no, mut found, mut shown) = (0, 0, 0);
    while no < 60 {
        let nodes = rng.random_range(2..6);
        let graph = random_admg(&mut rng, nodes, 0.4, 0.35);
        let cards = vec![2; nodes];
        let text = program(&mut rng, &graph, &cards) + &random_data(&mut rng, &cards);
        let text = format!("{text}query q: {}\n", random_query(&mut rng, &cards));
        let model = model(&text);
        if judge(&model, &schemas(&model), &model.queries[0], Known::Declared).identifiable() == Some(false) {
            no += 1;
            let seen = check_pair(&text);
            found += usize::from(seen.is_some());
            shown += usize::from(seen > Some(0));
        }
    }
    // A data set that sets all of its columns shows nothing.
    assert!(shown > 30, "{shown} of {no}");
    assert!(found >= 55, "{found} of {no}");
}

#[test]
fn the_pair_is_printed_and_its_programs_run() {
    let here = folder(&[("m.scm", "X -> Y; X <-> Y; X, Y: binary\nquery q: P(Y | do(X))\n")]);
    let text = dcmc(here.path(), &["identify", "m.scm", "--counterexample"]).expect(0).stdout;
    assert!(text.contains("agree on all of the data") && text.contains("truth {"), "{text}");
    let found = dcmc(here.path(), &["identify", "m.scm", "--counterexample", "--format", "json"]).expect(0).json();
    let pair = &found["queries"][0]["counterexample"];
    assert!(pair["agreement"][0]["difference"].as_f64().unwrap() < 1e-9);
    for at in 0..2 {
        let program = here.path().join(format!("model{at}.scm"));
        std::fs::write(&program, pair["models"][at].as_str().unwrap()).unwrap();
        dcmc(here.path(), &["plan", program.to_str().unwrap()]).expect(0);
        // As its own truth says, neither model's answer follows from its data.
        dcmc(here.path(), &["check", program.to_str().unwrap()]).expect(1);
    }
    let yes = dcmc(here.path(), &["identify", "m.scm", "--counterexample", "--query", "P(X | do(Y))"]).expect(0);
    assert!(!yes.stdout.contains("truth {"), "{}", yes.stdout);
}

// ---- the page ----

#[test]
fn the_page_is_well_formed_whatever_the_names() {
    let hostile = "`a<b&c` -> `\"q\" 'x'` -> `]]>`; `a<b&c` <-> `]]>`; `]]>` -> `X_1'`; `]]>` <-> `\"q\" 'x'`\n\
                   {`a<b&c`, `\"q\" 'x'`, `]]>`, `X_1'`}: binary\n\
                   query yes: P(`\"q\" 'x'` | do(`a<b&c`))\nquery no: E[`X_1'` | do(`\"q\" 'x'`)] - E[`X_1'`]\n";
    let files = [("m.scm", hostile), ("napkin.scm", NAPKIN), ("front.scm", FRONT)];
    let here = folder(&files);
    for (file, _) in files {
        let call = ["identify", file, "--evaluate", "--counterexample", "-o", "page.html"];
        dcmc(here.path(), &call).expect(0);
        let page = std::fs::read_to_string(here.path().join("page.html")).unwrap();
        // What XML wants closed and HTML does not.
        let xml = page.replace("<!doctype html>\n", "").replace("\">\n<meta", "\"/>\n<meta");
        let xml = xml.replace("'unsafe-inline'\">", "'unsafe-inline'\"/>");
        let document = roxmltree::Document::parse(&xml).unwrap_or_else(|e| panic!("{e}\n{xml}"));
        let mut ids: Vec<&str> = document.descendants().filter_map(|n| n.attribute("id")).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "ids are unique");
        let labels = document.descendants().filter_map(|n| n.attribute("aria-labelledby"));
        assert!(labels.flat_map(str::split_whitespace).all(|id| ids.contains(&id)));
        assert!(document.descendants().any(|n| n.has_tag_name("math")));
        assert!(document.descendants().all(|n| !n.has_tag_name("script")));
    }
    let page = dcmc(here.path(), &["identify", "m.scm", "--to", "html"]).expect(0).stdout;
    assert!(page.starts_with("<!doctype html>") && page.contains("not identifiable") && page.contains("F′"));
}

const NAPKIN: &str = "W -> Z -> X -> Y; W <-> X; W <-> Y; W, X, Y, Z: binary\nquery q: P(Y | do(X))\n";
const FRONT: &str =
    "D -> I -> A; D <-> A; D, I, A: binary\nquery q: P(A | do(D))\nquery no: P(A, I | do(D), D2)\nD2 -> D\n";

#[test]
fn distributions_hold_what_the_rows_show() {
    let text = std::fs::read_to_string(examples().join("frontdoor.scm")).unwrap();
    let model = model(&text);
    let (table, _) = data::load(&model, 0, &examples(), 1).unwrap();
    let found = distributions(&model, &[table]);
    let [survey] = &found[..] else { panic!("{found:?}") };
    assert_eq!((survey.name.as_str(), survey.cells.len(), survey.variables.len()), ("survey", 8, 3));
    assert!((survey.cells.iter().map(|c| c.1).sum::<f64>() - survey.total).abs() < 1e-9);
    assert!(survey.cells.is_sorted_by(|a, b| a.0 < b.0));
}
