//! Identification against the conformance corpora, exact numbers of random models, and named results.
//!
//! The long test: `cargo test --release --test identify -- --ignored` (6,000 random graphs and more).

use dcmc::causal::identify::{
    DiscreteModel, Effect, Estimand, Method, Names, Probability, Reason, Regime, Verdict, Witness, identify,
};
use dcmc::causal::{Admg, c_components_of, random_admg};
use dcmc::seed::stream;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

// ---- exact numbers ----

/// The joint distribution of a model under an intervention, dense: the last node fastest.
struct Joint {
    strides: Vec<usize>,
    cards: Vec<usize>,
    cells: Vec<f64>,
}

impl Joint {
    /// The product of the c-factors, each summed over its own hidden causes.
    fn new(model: &DiscreteModel, interventions: &[(usize, usize)]) -> Self {
        let cards = model.cards.clone();
        let n = cards.len();
        let strides: Vec<usize> = (0..n).map(|v| cards[v + 1..].iter().product()).collect();
        let set: BTreeMap<usize, usize> = interventions.iter().copied().collect();
        let free: Vec<usize> = (0..n).filter(|v| !set.contains_key(v)).collect();
        let districts: Vec<(Vec<usize>, Vec<usize>)> = c_components_of(&model.graph, &free)
            .into_iter()
            .map(|part| {
                let mut causes: Vec<usize> = part.iter().flat_map(|&v| model.causes(v).collect::<Vec<_>>()).collect();
                causes.sort_unstable();
                causes.dedup();
                (part, causes)
            })
            .collect();
        let mut memo: Vec<HashMap<Vec<usize>, f64>> = vec![HashMap::new(); districts.len()];
        let mut cells = vec![0.0; cards.iter().product()];
        let mut values = vec![0; n];
        for (at, cell) in cells.iter_mut().enumerate() {
            (0..n).for_each(|v| values[v] = at / strides[v] % cards[v]);
            if set.iter().any(|(&v, &x)| values[v] != x) {
                continue;
            }
            *cell = 1.0;
            for ((part, causes), memo) in districts.iter().zip(&mut memo) {
                let parents = model.graph.parents_of(part);
                let key: Vec<usize> = part.iter().chain(&parents).map(|&v| values[v]).collect();
                *cell *= *memo.entry(key).or_insert_with(|| c_factor(model, part, causes, &values));
            }
        }
        Self { strides, cards, cells }
    }

    fn conditional(&self, of: &[usize], given: &[usize], values: &[usize]) -> f64 {
        let fits = |at: usize, set: &[usize]| set.iter().all(|&v| at / self.strides[v] % self.cards[v] == values[v]);
        let (mut above, mut below) = (0.0, 0.0);
        for (at, p) in self.cells.iter().enumerate().filter(|(at, _)| fits(*at, given)) {
            below += p;
            if fits(at, of) {
                above += p;
            }
        }
        if below == 0.0 { 0.0 } else { above / below }
    }
}

fn c_factor(model: &DiscreteModel, part: &[usize], causes: &[usize], values: &[usize]) -> f64 {
    let mut hidden = vec![0; model.hidden.len()];
    let mut total = 0.0;
    loop {
        let weight: f64 = causes.iter().map(|&u| model.hidden[u].1[hidden[u]]).product();
        let chance =
            |&v: &usize| model.tables[v][model.row(v, values, &hidden) * model.cards[v] + values[v]];
        total += weight * part.iter().map(chance).product::<f64>();
        let next = causes.iter().rev().find(|&&u| {
            hidden[u] += 1;
            let carry = hidden[u] == model.hidden[u].1.len();
            if carry {
                hidden[u] = 0;
            }
            !carry
        });
        if next.is_none() {
            return total;
        }
    }
}

/// What the regimes of a model say, and nothing else: asking for what a regime lacks is an error.
struct Tables<'a> {
    model: &'a DiscreteModel,
    regimes: &'a [Regime],
    joints: RefCell<HashMap<Vec<(usize, usize)>, Joint>>,
    memo: RefCell<HashMap<(Probability, Vec<usize>), f64>>,
}

impl<'a> Tables<'a> {
    fn new(model: &'a DiscreteModel, regimes: &'a [Regime]) -> Self {
        Self { model, regimes, joints: RefCell::default(), memo: RefCell::default() }
    }

    fn under(&self, interventions: &[usize], of: &[usize], given: &[usize], values: &[usize]) -> f64 {
        let key: Vec<(usize, usize)> = interventions.iter().map(|&v| (v, values[v])).collect();
        let mut joints = self.joints.borrow_mut();
        joints.entry(key.clone()).or_insert_with(|| Joint::new(self.model, &key)).conditional(of, given, values)
    }

    fn table(&self, p: &Probability, values: &[usize]) -> f64 {
        let regime = &self.regimes[p.regime.expect("a formula over regimes")];
        let mut sets = regime.interventions.clone();
        sets.sort_unstable();
        assert_eq!(sets, p.interventions);
        let known = |v: &usize| regime.observed.contains(v) && !sets.contains(v);
        assert!(p.of.iter().chain(&p.given).all(known), "{p:?} is not in {regime:?}");
        let relevant = [&p.of, &p.given, &p.interventions].into_iter().flatten().map(|&v| values[v]).collect();
        let key = (p.clone(), relevant);
        if let Some(&value) = self.memo.borrow().get(&key) {
            return value;
        }
        let value = self.under(&p.interventions, &p.of, &p.given, values);
        self.memo.borrow_mut().insert(key, value);
        value
    }
}

fn complete(graph: &Admg, regimes: &[Regime]) -> Vec<Regime> {
    if regimes.is_empty() { vec![Regime::complete(graph.len(), &[])] } else { regimes.to_vec() }
}

/// Whether a random model is small enough to be summed.
fn small(graph: &Admg, nodes: usize) -> bool {
    let edges = |part: &Vec<usize>| part.iter().map(|&v| graph.spouses(v).len()).sum::<usize>() / 2;
    let all: Vec<usize> = (0..graph.len()).collect();
    graph.len() <= nodes && c_components_of(graph, &all).iter().all(|part| edges(part) + part.len() <= 18)
}

fn random_model(rng: &mut ChaCha8Rng, graph: &Admg) -> DiscreteModel {
    let mut cards = vec![2; graph.len()];
    if graph.len() <= 7 {
        cards.iter_mut().filter(|_| rng.random_bool(0.25)).take(2).for_each(|card| *card = 3);
    }
    let edges = (0..graph.len()).map(|v| graph.spouses(v).len()).sum::<usize>() / 2;
    let most = if edges <= 6 { 3 } else { 2 };
    DiscreteModel::random(rng, graph, &cards, |rng| 2 + (rng.next_u32() as usize) % (most - 1))
}

/// The largest difference between two functions of the nodes over the values of the effect's nodes; the values of the others
/// are drawn, since they must not matter.
fn difference(
    rng: &mut ChaCha8Rng,
    cards: &[usize],
    nodes: &[usize],
    a: impl Fn(&[usize]) -> f64,
    b: impl Fn(&[usize]) -> f64,
) -> f64 {
    let cells: usize = nodes.iter().map(|&v| cards[v]).product();
    let mut largest = 0.0_f64;
    for mut cell in 0..cells {
        let mut values: Vec<usize> = cards.iter().map(|&k| rng.random_range(0..k)).collect();
        for &v in nodes {
            values[v] = cell % cards[v];
            cell /= cards[v];
        }
        largest = largest.max((a(&values) - b(&values)).abs());
    }
    largest
}

fn nodes_of(effect: &Effect) -> Vec<usize> {
    [&effect.outcome[..], &effect.interventions, &effect.evidence].concat()
}

/// The formula's largest error in a random model.
fn error(rng: &mut ChaCha8Rng, graph: &Admg, regimes: &[Regime], effect: &Effect, estimand: &Estimand) -> f64 {
    let model = random_model(rng, graph);
    let regimes = complete(graph, regimes);
    let tables = Tables::new(&model, &regimes);
    let truth = |values: &[usize]| tables.under(&effect.interventions, &effect.outcome, &effect.evidence, values);
    let formula = |values: &[usize]| {
        estimand.evaluate(&model.cards, &mut values.to_vec(), &|p, values| tables.table(p, values))
    };
    difference(rng, &model.cards, &nodes_of(effect), truth, formula)
}

// ---- the corpora ----

struct Case {
    name: String,
    graph: Admg,
    names: Vec<String>,
    regimes: Vec<Regime>,
    effect: Effect,
    identifiable: bool,
    estimand: Option<Estimand>,
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn cases(text: &str) -> Vec<Case> {
    // Data given as conditional distributions are no regimes.
    text.lines().filter(|line| !line.contains("\"observed\":[\"W\"],\"given\"")).map(case).collect()
}

fn case(line: &str) -> Case {
    let value: Value = serde_json::from_str(line).unwrap();
    let names: Vec<String> = strings(&value["nodes"]).into_iter().map(str::to_owned).collect();
    let id = |name: &str| names.iter().position(|n| n == name).unwrap();
    let ids = |value: &Value| -> Vec<usize> { strings(value).into_iter().map(id).collect() };
    let edges = |key: &str| -> Vec<(usize, usize)> {
        value[key].as_array().unwrap().iter().map(ids).map(|edge| (edge[0], edge[1])).collect()
    };
    let graph = Admg::with_edges(names.len(), &edges("directed"), &edges("bidirected"));
    let data = value["data"].as_array().unwrap();
    let regimes: Vec<Regime> =
        data.iter().map(|d| Regime { interventions: ids(&d["do"]), observed: ids(&d["observed"]) }).collect();
    let query = &value["query"];
    let effect =
        Effect { outcome: ids(&query["y"]), interventions: ids(&query["do"]), evidence: ids(&query["given"]) };
    let estimand = value.get("estimand").map(|tree| read(tree, &ids, &complete(&graph, &regimes)));
    let identifiable = value["identifiable"].as_bool().unwrap();
    Case { name: value["name"].as_str().unwrap().to_owned(), graph, names, regimes, effect, identifiable, estimand }
}

/// A tree of the corpus; which regime a term means follows from its `do` and its nodes.
fn read(tree: &Value, ids: &dyn Fn(&Value) -> Vec<usize>, regimes: &[Regime]) -> Estimand {
    let sorted = |value: &Value| {
        let mut set = ids(value);
        set.sort_unstable();
        set
    };
    if let Some(sum) = tree.get("sum") {
        return Estimand::Sum { over: sorted(&sum["over"]), of: Box::new(read(&sum["of"], ids, regimes)) };
    }
    if let Some(factors) = tree.get("product") {
        return Estimand::Product(factors.as_array().unwrap().iter().map(|f| read(f, ids, regimes)).collect());
    }
    if let Some(fraction) = tree.get("fraction") {
        let part = |key: &str| Box::new(read(&fraction[key], ids, regimes));
        return Estimand::Fraction { num: part("num"), den: part("den") };
    }
    let p = &tree["p"];
    let (of, given, interventions) = (sorted(&p["of"]), sorted(&p["given"]), sorted(&p["do"]));
    let fits = |regime: &Regime| {
        let mut sets = regime.interventions.clone();
        sets.sort_unstable();
        sets == interventions && of.iter().chain(&given).all(|v| regime.observed.contains(v))
    };
    Estimand::P(Probability { regime: regimes.iter().position(fits), of, given, interventions })
}

/// The cases with verdicts and how many formulas were compared with exact numbers.
fn conforms(name: &str, text: &str) -> [usize; 3] {
    let mut rng = stream(1, name);
    let (mut yes, mut no, mut compared) = (0, 0, 0);
    for case in cases(text) {
        let Case { graph, regimes, effect, .. } = &case;
        match identify(graph, regimes, effect) {
            Verdict::Identified(found) => {
                assert!(case.identifiable, "{} is not identified; got {:?}", case.name, found.estimand);
                yes += 1;
                if small(graph, 7) {
                    compared += 1;
                    let wrong = error(&mut rng, graph, regimes, effect, &found.estimand);
                    assert!(wrong < 1e-9, "{}: {wrong} {}", case.name, text_of(&found.estimand, &case.names));
                    let theirs = case.estimand.as_ref().unwrap();
                    let wrong = error(&mut rng, graph, regimes, effect, theirs);
                    assert!(wrong < 1e-9, "{}: the corpus's own is off by {wrong}", case.name);
                }
            }
            Verdict::NotIdentified(_) => {
                assert!(!case.identifiable, "{} is identified", case.name);
                no += 1;
            }
            Verdict::NotEstablished(reason) => panic!("{}: {reason:?}", case.name),
        }
    }
    [yes, no, compared]
}

fn text_of(estimand: &Estimand, names: &[String]) -> String {
    estimand.text(&Names { node: &|v| names[v].clone(), regime: &|r| format!("r{r}") })
}

#[test]
fn the_corpus_of_effects() {
    assert_eq!(conforms("id", include_str!("data/identification_id.jsonl")), [854, 586, 0]);
}

#[test]
fn the_corpus_of_conditional_effects() {
    assert_eq!(conforms("idc", include_str!("data/identification_idc.jsonl")), [199, 137, 0]);
}

#[test]
fn the_corpus_of_several_experiments() {
    assert_eq!(conforms("gid", include_str!("data/identification_gid.jsonl")), [117, 103, 0]);
}

#[test]
fn the_corpus_of_named_graphs() {
    assert_eq!(conforms("named", include_str!("data/identification_named.jsonl")), [74, 40, 0]);
}

#[test]
#[ignore = "prints the formulas"]
fn print_named() {
    for case in cases(include_str!("data/identification_named.jsonl")) {
        if let Verdict::Identified(found) = identify(&case.graph, &case.regimes, &case.effect) {
            let names = Names { node: &|v| case.names[v].clone(), regime: &|r| format!("r{r}") };
            println!("{}\n   {}: {}", case.name, found.method.text(&names), found.estimand.text(&names));
            if let Some(theirs) = &case.estimand { println!("   corpus: {}", theirs.text(&names)); }
        }
    }
}
