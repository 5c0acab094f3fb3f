//! Bayesian networks in BIF: read, written and read again, against an independent reading of the files.

mod common;

use common::{dcmc, folder};
use dcmc::exchange::{Format, import};
use dcmc::model::{Model, Value};
use dcmc::truth::Scm;
use fancy_regex::Regex;
use std::collections::BTreeMap;
use std::path::Path;

const NETWORKS: [&str; 7] = ["alarm", "asia", "cancer", "child", "earthquake", "sachs", "survey"];

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bif").join(format!("{name}.bif"));
    std::fs::read_to_string(path).unwrap()
}

/// Labels of each variable, and `(variable, {cause: label}) → number texts`.
#[derive(Debug, Default, PartialEq)]
struct Network {
    labels: BTreeMap<String, Vec<String>>,
    rows: BTreeMap<(String, BTreeMap<String, String>), Vec<String>>,
}

impl Network {
    /// The same with numbers instead of their texts.
    fn numbers(&self) -> BTreeMap<(String, BTreeMap<String, String>), Vec<f64>> {
        let parse = |row: &Vec<String>| row.iter().map(|t| t.parse().unwrap()).collect();
        self.rows.iter().map(|(key, row)| (key.clone(), parse(row))).collect()
    }
}

/// A reading of BIF files by regular expressions, which knows nothing of the one under test.
fn by_regex(text: &str) -> Network {
    let split = |t: &str| t.split(',').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect::<Vec<_>>();
    let mut network = Network::default();
    let variable = Regex::new(r"variable\s+(\S+)\s*\{\s*type discrete \[ \d+ \] \{([^}]*)\};").unwrap();
    for found in variable.captures_iter(text).map(Result::unwrap) {
        network.labels.insert(found[1].to_owned(), split(&found[2]));
    }
    let block = Regex::new(r"probability \(\s*([^|)\s]+)\s*(?:\|([^)]*))?\)\s*\{([^}]*)\}").unwrap();
    for found in block.captures_iter(text).map(Result::unwrap) {
        let causes = found.get(2).map_or(vec![], |m| split(m.as_str()));
        for line in found[3].split(';').map(str::trim).filter(|l| !l.is_empty()) {
            let (key, numbers) = match line.strip_prefix("table") {
                Some(numbers) => (vec![], numbers),
                None => {
                    let (key, numbers) = line[1..].split_once(')').unwrap();
                    (split(key), numbers)
                }
            };
            assert_eq!(key.len(), causes.len());
            let key = causes.iter().cloned().zip(key).collect();
            assert!(network.rows.insert((found[1].to_owned(), key), split(numbers)).is_none());
        }
    }
    network
}

fn understood(text: &str) -> (Model, Scm) {
    let (ast, syntax) = dcmc::syntax::parse(text);
    assert_eq!(syntax, []);
    let (model, found) = dcmc::model::lower(&ast, dcmc::truth::infer_domains);
    assert_eq!(found, []);
    let truth = Scm::build(&model).unwrap().unwrap();
    (model, truth)
}

/// The network that a model file and its truth block describe.
fn of_model(model: &Model, truth: &Scm) -> Network {
    let mut network = Network::default();
    let values = |v: usize| (0..model.card(v).unwrap() as u32).map(move |c| model.domain(v).unwrap().value(c));
    for variable in 0..model.variables.len() {
        let name = model.name(variable).to_owned();
        network.labels.insert(name.clone(), values(variable).map(|v| v.to_string()).collect());
        let (causes, table) = truth.table(variable).unwrap();
        let card = model.card(variable).unwrap();
        for (cell, row) in table.chunks(card).enumerate() {
            let mut rest = cell;
            let mut key: Vec<(usize, Value)> = vec![];
            for &cause in causes.iter().rev() {
                key.push((cause, values(cause).nth(rest % model.card(cause).unwrap()).unwrap()));
                rest /= model.card(cause).unwrap();
            }
            let key = key.into_iter().map(|(c, v)| (model.name(c).to_owned(), v.to_string())).collect();
            network.rows.insert((name.clone(), key), row.iter().map(f64::to_string).collect());
        }
    }
    network
}

fn edges(network: &Network) -> Vec<(String, String)> {
    let mut edges: Vec<(String, String)> = vec![];
    for (name, key) in network.rows.keys() {
        edges.extend(key.keys().map(|cause| (cause.clone(), name.clone())));
    }
    edges.sort();
    edges.dedup();
    edges
}

fn edges_of_graph(model: &Model) -> Vec<(String, String)> {
    let name = |v: usize| model.name(v).to_owned();
    let all = (0..model.variables.len()).flat_map(|v| model.graph.parents(v).iter().map(move |&p| (p, v)));
    let mut edges: Vec<_> = all.map(|(p, v)| (name(p), name(v))).collect();
    edges.sort();
    edges
}

#[test]
fn networks_survive_the_round_trip_digit_for_digit() {
    for name in NETWORKS {
        let original = by_regex(&file(name));
        let imported = import(&file(name), Format::Bif).unwrap();
        assert_eq!(imported.notes, [], "{name}");
        let (model, truth) = understood(&imported.text);
        assert_eq!(edges_of_graph(&model), edges(&original), "{name}");
        // The truth makes each row add up to exactly 1; what is written does not change.
        let evaluated = of_model(&model, &truth);
        assert_eq!(evaluated.labels, original.labels, "{name}");
        let (evaluated, expected) = (evaluated.numbers(), original.numbers());
        assert!(evaluated.keys().eq(expected.keys()), "{name}");
        for (key, row) in &expected {
            let total: f64 = row.iter().sum();
            let scaled: Vec<f64> = row.iter().map(|p| p / total).collect();
            let off = scaled.iter().zip(&evaluated[key]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 1e-15, "{name} {key:?}: {row:?} and {:?}", evaluated[key]);
        }
        let exported = dcmc::render::bif(&model, &truth).unwrap();
        let again = by_regex(&exported);
        assert_eq!(again.labels, original.labels, "{name}");
        assert_eq!(again.numbers(), original.numbers(), "{name}");
        let (twice, truth) = understood(&import(&exported, Format::Bif).unwrap().text);
        assert_eq!(dcmc::render::bif(&twice, &truth).map(|t| by_regex(&t)), Ok(again), "{name}");
    }
}

#[test]
fn every_number_keeps_its_text() {
    for name in NETWORKS {
        let text = import(&file(name), Format::Bif).unwrap().text;
        let lists = Regex::new(r"(?:\[|categorical\()([0-9eE., +\n-]+)(?:\]|\))").unwrap();
        let split = |t: &str| t.split(',').map(|w| w.trim().to_owned()).collect::<Vec<_>>();
        let mut found: Vec<_> = lists.captures_iter(&text).map(|c| split(&c.unwrap()[1])).collect();
        let mut expected: Vec<_> = by_regex(&file(name)).rows.into_values().collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn numbers_typed_from_the_literature() {
    let row = |network: &Network, name: &str, key: &[(&str, &str)]| {
        let key = key.iter().map(|(c, v)| ((*c).to_owned(), (*v).to_owned())).collect();
        network.numbers()[&(name.to_owned(), key)].clone()
    };
    let read = |name: &str| {
        let (model, truth) = understood(&import(&file(name), Format::Bif).unwrap().text);
        by_regex(&dcmc::render::bif(&model, &truth).unwrap())
    };
    let asia = read("asia");
    assert_eq!(row(&asia, "asia", &[]), [0.01, 0.99]);
    assert_eq!(row(&asia, "lung", &[("smoke", "yes")]), [0.1, 0.9]);
    assert_eq!(row(&asia, "bronc", &[("smoke", "no")]), [0.3, 0.7]);
    assert_eq!(row(&asia, "dysp", &[("bronc", "no"), ("either", "yes")]), [0.7, 0.3]);
    assert_eq!(row(&asia, "dysp", &[("bronc", "yes"), ("either", "no")]), [0.8, 0.2]);
    let sachs = read("sachs");
    assert_eq!(row(&sachs, "Akt", &[("Erk", "AVG"), ("PKA", "LOW")]), [0.3349505840, 0.6648697215, 0.0001796945]);
    assert_eq!(row(&sachs, "Akt", &[("Erk", "HIGH"), ("PKA", "LOW")]), [7.682262e-05, 1.183068e-01, 8.816163e-01]);
    assert_eq!(edges(&sachs).len(), 17);
    assert_eq!(edges(&read("alarm")).len(), 46);
    assert_eq!(edges(&read("child")).len(), 25);
}

#[test]
fn imported_networks_pass_the_check() {
    for name in NETWORKS {
        let here = folder(&[(&format!("{name}.bif"), &file(name))]);
        let said = dcmc(here.path(), &["import", &format!("{name}.bif"), "-o", "m.scm"]).expect(0);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
        let checked = dcmc(here.path(), &["check", "m.scm"]).expect(0);
        assert!(checked.stdout.contains("1 data set"), "{}", checked.stdout);
        let text = std::fs::read_to_string(here.path().join("m.scm")).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}

/// Charniak's family-out network, from the specification of the format: in `table` the variable itself
/// varies slowest and the last cause fastest.
const FAMILY_OUT: &str = "network \"Dog-Problem\" { property \"author Charniak; 1991\"; }
    variable  \"light-on\" { type discrete[2] { true, false }; property position = (218, 195); }
    variable bowel-problem { type discrete [ 2 ]  { true false }; }
    variable dog-out { type discrete [2] { true, false }; } // a comment
    variable family-out { type discrete[2] { true  false }; }
    probability ( \"light-on\"  family-out ) { (true) 0.6 0.4; default 0.05 .95; }
    probability ( bowel-problem ) { table 0.01 0.99; }
    probability ( dog-out | bowel-problem, family-out ) { table 0.99 0.97 0.9 0.3 0.01 0.03 0.1 0.7 ; }
    probability ( family-out ) { table 1.5e-1 85e-2; }";

#[test]
fn tables_and_defaults() {
    let imported = import(FAMILY_OUT, Format::Bif).unwrap();
    assert_eq!(imported.notes.len(), 1, "{:?}", imported.notes);
    let (model, truth) = understood(&imported.text);
    assert_eq!(model.title.as_deref(), Some("Dog-Problem"));
    let exported = by_regex(&dcmc::render::bif(&model, &truth).unwrap()).numbers();
    let row = |name: &str, key: &[(&str, &str)]| {
        let key = key.iter().map(|(c, v)| ((*c).to_owned(), (*v).to_owned())).collect();
        exported[&(name.to_owned(), key)].clone()
    };
    assert_eq!(row("dog-out", &[("bowel-problem", "true"), ("family-out", "false")]), [0.97, 0.03]);
    assert_eq!(row("dog-out", &[("bowel-problem", "false"), ("family-out", "true")]), [0.9, 0.1]);
    assert_eq!(row("light-on", &[("family-out", "false")]), [0.05, 0.95]);
    assert_eq!(row("family-out", &[]), [0.15, 0.85]);
}

fn wrong(text: &str) -> (String, String) {
    let found = import(text, Format::Bif).unwrap_err();
    let place = found.labels[0].span;
    (found.code.to_owned(), text[place.start..place.end].to_owned())
}

#[test]
fn mistakes_are_named_where_they_stand() {
    let two = "variable A { type discrete [ 2 ] { a, b }; }\nvariable B { type discrete [ 2 ] { x, y }; }\n";
    let with = |rest: &str| wrong(&format!("network n {{ }}\n{two}{rest}"));
    let of = |code: &str, at: &str| (code.to_owned(), at.to_owned());
    let a = "probability ( A ) { table 0.5, 0.5; }\n";
    assert_eq!(with("probability ( C ) { table 1; }"), of("E0201", "C"));
    assert_eq!(with("probability ( A ) { table 0.5, 0.4; }"), of("E0404", "table 0.5, 0.4;"));
    assert_eq!(with("probability ( A ) { table 1.5, -0.5; }"), of("E0404", "1.5"));
    assert_eq!(with("probability ( A ) { table nan, 1; }"), of("E0404", "nan"));
    assert_eq!(with("probability ( A ) { table 0.5, 0.25, 0.25; }"), of("E0402", "table 0.5, 0.25, 0.25;"));
    assert_eq!(with(&format!("{a}{a}")), of("E0202", "A"));
    assert_eq!(with(a), of("E0305", "B"));
    assert_eq!(with(&format!("{a}probability ( B | A ) {{ (a) 1, 0; }}")), of("E0402", "B"));
    assert_eq!(with(&format!("{a}probability ( B | A ) {{ (a) 1, 0; (a) 1, 0; }}")), of("E0202", "(a) 1, 0;"));
    assert_eq!(with(&format!("{a}probability ( B | A ) {{ (q) 1, 0; }}")), of("E0404", "q"));
    assert_eq!(with(&format!("{a}probability ( B | A ) {{ (a) 1, 0; ")), of("E0104", "{"));
    assert_eq!(with("variable A { type discrete [ 1 ] { a }; }"), of("E0202", "A"));
    assert_eq!(with("variable C { type discrete [ 3 ] { a, b }; }"), of("E0402", "3"));
    assert_eq!(with("variable C { type continuous; }"), of("E0401", "continuous"));
    assert_eq!(with("variable C { type discrete [ 2 ] { else, b }; }"), of("E0405", "else"));
    assert_eq!(wrong(""), of("E0103", ""));
}

#[test]
fn rounded_rows_are_scaled_and_said() {
    let text = "variable A { type discrete [ 3 ] { 1, 2, 3 }; } probability ( A ) { table 0.333, 0.333, 0.333; }";
    let imported = import(text, Format::Bif).unwrap();
    assert_eq!(imported.notes.len(), 1);
    let (model, truth) = understood(&imported.text);
    assert_eq!(model.domain(0).unwrap().to_string(), "int[1..3]");
    assert!(truth.table(0).unwrap().1.iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-12));
}

#[test]
fn whole_numbers_are_numbers() {
    let text = "variable A { type discrete [ 3 ] { -1, 0, 1 }; } variable B { type discrete [ 2 ] { 0, 1 }; }
        variable C { type discrete [ 2 ] { 1, 01 }; }
        probability ( A ) { table 0.2, 0.3, 0.5; } probability ( B | A ) { (-1) 1, 0; (0) 0.5, 0.5; (1) 0.25, 0.75; }
        probability ( C | A, B ) { table .1 .2 .3 .4 .5 .6 .9 .8 .7 .6 .5 .4; }";
    let (model, truth) = understood(&import(text, Format::Bif).unwrap().text);
    let types: Vec<String> = model.variables.values().map(|v| v.domain.as_ref().unwrap().to_string()).collect();
    assert_eq!(types, ["int[-1..1]", "binary", "categorical {1, \"01\"}"]);
    assert_eq!(truth.table(0).unwrap().1, [0.2, 0.3, 0.5]);
    let (causes, table) = truth.table(2).unwrap();
    assert_eq!(causes, [0, 1]);
    assert_eq!(table, [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5, 0.5, 0.6, 0.4]);
}

#[test]
fn tables_in_the_order_of_xmlbif_are_recognised() {
    let text = "variable A { type discrete [ 2 ] { a, b }; } variable B { type discrete [ 2 ] { a, b }; }
        probability ( A ) { table 0.5, 0.5; } probability ( B | A ) { table 0.9 0.1 0.3 0.7; }";
    let imported = import(text, Format::Bif).unwrap();
    assert_eq!(imported.notes.len(), 1);
    assert_eq!(understood(&imported.text).1.table(1).unwrap().1, [0.9, 0.1, 0.3, 0.7]);
}

#[test]
fn models_with_hidden_variables_are_no_bayesian_networks() {
    let refused = |text: &str| {
        let (model, truth) = understood(text);
        dcmc::render::bif(&model, &truth).unwrap_err()
    };
    let hidden = "X <-> Y\nX, Y: binary\ntruth { U ~ bernoulli(0.5)\n X = U\n Y = U }";
    assert!(refused(hidden).contains("`U`"));
    let joined = "X <-> Y\nX, Y: binary\ntruth { X ~ bernoulli(0.5)\n Y ~ bernoulli(0.5) }";
    assert!(refused(joined).contains("`X` and `Y`"));
}

#[test]
fn equations_and_unused_causes_become_tables() {
    let text = "{A, B, C} -> Y\nA, B, Y: binary\nC: int[2..4]\ntruth {\n A ~ bernoulli(0.25)\n B ~ bernoulli(0.5)
        C = categorical(0.2, 0.3, 0.5) + 2\n Y = if A == 1 then B else bernoulli(0.125) }";
    let (model, truth) = understood(text);
    let exported = by_regex(&dcmc::render::bif(&model, &truth).unwrap());
    assert_eq!(exported.rows.len(), 3 + 12);
    let imported = import(&dcmc::render::bif(&model, &truth).unwrap(), Format::Bif).unwrap();
    let (again, truth) = understood(&imported.text);
    assert_eq!(edges_of_graph(&again), edges_of_graph(&model));
    let types: BTreeMap<_, _> = again.variables.iter().map(|(n, v)| (n, v.domain.clone())).collect();
    assert_eq!(types, model.variables.iter().map(|(n, v)| (n, v.domain.clone())).collect());
    assert_eq!(by_regex(&dcmc::render::bif(&again, &truth).unwrap()).numbers(), exported.numbers());
    for ((name, key), row) in exported.numbers().iter().filter(|((name, _), _)| name == "Y") {
        let yes = if key["A"] == "1" { f64::from(u8::from(key["B"] == "1")) } else { 0.125 };
        assert_eq!(row, &[1.0 - yes, yes], "{name} {key:?}");
    }
}
