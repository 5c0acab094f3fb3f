//! Identification against the conformance corpora, exact numbers of random models, and named results.
//!
//! The long test: `cargo test --release --test identify -- --ignored` (6,000 random graphs and more).

use dcmc::causal::identify::{
    DiscreteModel, Effect, Estimand, Forest, Names, Probability, Reason, Regime, Verdict, Witness, c_factor_closure,
    c_factor_from, counterexample, identify, no_value, project,
};
use dcmc::causal::{Admg, ancestors, c_components_of, random_admg};
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
        let chance = |&v: &usize| model.tables[v][model.row(v, values, &hidden) * model.cards[v] + values[v]];
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
    let formula =
        |values: &[usize]| estimand.evaluate(&model.cards, &mut values.to_vec(), &|p, values| tables.table(p, values));
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
    let effect = Effect { outcome: ids(&query["y"]), interventions: ids(&query["do"]), evidence: ids(&query["given"]) };
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
            Verdict::NotIdentified(witness) => {
                assert!(!case.identifiable, "{} is identified", case.name);
                no += 1;
                check_witness(graph, regimes, effect, &witness);
                if graph.len() <= 6 {
                    let pair = counterexample(graph, regimes, effect, &witness);
                    let pair = pair.unwrap_or_else(|| panic!("{} has no pair of models", case.name));
                    check_pair(&project(graph, &witness.hidden), regimes, &witness.effect, &pair);
                }
            }
            Verdict::NotEstablished(reason) => panic!("{}: {reason:?}", case.name),
        }
    }
    [yes, no, compared]
}

fn text_of(estimand: &Estimand, names: &[String]) -> String {
    estimand.text(&Names { node: &|v| names[v].clone(), value: &no_value, regime: &|r| format!("r{r}") })
}

#[test]
fn the_corpus_of_effects() {
    assert_eq!(conforms("id", include_str!("data/identification_id.jsonl")), [854, 586, 270]);
}

#[test]
fn the_corpus_of_conditional_effects() {
    assert_eq!(conforms("idc", include_str!("data/identification_idc.jsonl")), [199, 137, 132]);
}

#[test]
fn the_corpus_of_several_experiments() {
    assert_eq!(conforms("gid", include_str!("data/identification_gid.jsonl")), [117, 103, 98]);
}

#[test]
fn the_corpus_of_named_graphs() {
    assert_eq!(conforms("named", include_str!("data/identification_named.jsonl")), [74, 40, 67]);
}

// ---- random graphs ----

/// What a random test saw.
#[derive(Debug, Default)]
struct Tally {
    identified: usize,
    not_identified: usize,
    /// Of these with a checked pair of models.
    refuted: usize,
    open: usize,
    methods: BTreeMap<String, usize>,
}

#[derive(Clone, Copy)]
struct Kind {
    experiments: bool,
    evidence: bool,
    partial: bool,
}

/// Mostly an effect of ancestors of the outcome: the others are settled at once.
fn random_effect(rng: &mut ChaCha8Rng, graph: &Admg, evidence: bool) -> Effect {
    let mut order = graph.topological_order().unwrap();
    if rng.random_bool(0.3) {
        order.shuffle(rng);
    }
    let outcome = order.split_off(order.len() - rng.random_range(1..=2));
    let above = ancestors(graph, &outcome);
    order.shuffle(rng);
    if rng.random_bool(0.8) {
        order.sort_by_key(|v| !above.contains(v));
    }
    let interventions = order.drain(..rng.random_range(1..=2.min(order.len()))).collect();
    order.shuffle(rng);
    order.truncate(if evidence { rng.random_range(1..=2) } else { 0 });
    Effect { outcome, interventions, evidence: order }
}

fn random_regimes(rng: &mut ChaCha8Rng, nodes: usize, kind: Kind) -> Vec<Regime> {
    if !kind.experiments && !kind.partial {
        return vec![];
    }
    let count = rng.random_range(1..=3);
    let one = |rng: &mut ChaCha8Rng| {
        let sets: Vec<usize> =
            if kind.experiments { (0..nodes).filter(|_| rng.random_bool(0.22)).collect() } else { vec![] };
        let observed = (0..nodes).filter(|_| !kind.partial || rng.random_bool(0.75)).collect();
        Regime { interventions: sets, observed }
    };
    (0..count).map(|_| one(rng)).collect()
}

/// Every answer on `count` random graphs is checked by exact numbers.
fn check_random(name: &str, count: usize, kind: Kind) -> Tally {
    let mut rng = stream(1, name);
    let mut tally = Tally::default();
    for _ in 0..count {
        let nodes = rng.random_range(4..=7);
        let (directed, bidirected) = (rng.random_range(0.2..0.7), rng.random_range(0.05..0.4));
        let graph = random_admg(&mut rng, nodes, directed, bidirected);
        let effect = random_effect(&mut rng, &graph, kind.evidence);
        let regimes = random_regimes(&mut rng, nodes, kind);
        check(&mut rng, &graph, &regimes, &effect, &mut tally);
    }
    tally
}

fn check(rng: &mut ChaCha8Rng, graph: &Admg, regimes: &[Regime], effect: &Effect, tally: &mut Tally) {
    match identify(graph, regimes, effect) {
        Verdict::Identified(found) => {
            let wrong = error(rng, graph, regimes, effect, &found.estimand);
            assert!(wrong < 1e-9, "off by {wrong}: {graph:?} {regimes:?} {effect:?} {:?}", found.estimand);
            tally.identified += 1;
            *tally.methods.entry(format!("{:?}", found.method).split('(').next().unwrap().to_owned()).or_default() += 1;
        }
        Verdict::NotIdentified(witness) => {
            tally.not_identified += 1;
            check_witness(graph, regimes, effect, &witness);
            match counterexample(graph, regimes, effect, &witness) {
                Some(models) => {
                    let hidden = effect.interventions.iter().any(|v| witness.hidden.contains(v));
                    let effect = if hidden { &witness.effect } else { effect };
                    check_pair(&project(graph, &witness.hidden), regimes, effect, &models);
                    tally.refuted += 1;
                }
                None => println!("no pair: {graph:?} {regimes:?} {effect:?} {witness:?}"),
            }
        }
        Verdict::NotEstablished(reason) => {
            assert_eq!(reason, Reason::PartialColumns);
            tally.open += 1;
        }
    }
}

/// The forests are c-forests of the graph with the district as roots, and the extra experiments help and are needed.
fn check_witness(graph: &Admg, regimes: &[Regime], effect: &Effect, witness: &Witness) {
    if !witness.unseen.is_empty() {
        return;
    }
    let graph = &project(graph, &witness.hidden);
    let regimes = complete(graph, regimes);
    assert_eq!(witness.hedges.len() + witness.blocked.len(), regimes.len());
    for hedge in &witness.hedges {
        let cut = graph.intervene(&regimes[hedge.regime].interventions);
        assert_eq!(hedge.f_prime.nodes, witness.district);
        check_forest(&cut, &hedge.f, &witness.district);
        check_forest(&cut, &hedge.f_prime, &witness.district);
        assert!(witness.district.iter().all(|v| hedge.f.nodes.contains(v)));
        assert!(hedge.f_prime.bidirected.iter().all(|e| hedge.f.bidirected.contains(e)));
        let outside = |v: &&usize| !witness.district.contains(v);
        let meets = |nodes: &[usize]| nodes.iter().filter(outside).any(|v| witness.effect.interventions.contains(v));
        assert!(meets(&hedge.f.nodes) && !witness.district.iter().any(|v| witness.effect.interventions.contains(v)));
        // Minimal: without any node the hedge is gone.
        for v in hedge.f.nodes.iter().filter(outside) {
            let fewer: Vec<usize> = hedge.f.nodes.iter().copied().filter(|w| w != v).collect();
            assert!(!meets(&c_factor_closure(&cut, &witness.district, &fewer)), "{hedge:?} is not minimal");
        }
    }
    let kept: Vec<usize> = (0..graph.len()).filter(|v| !witness.hidden.contains(v)).collect();
    let full = |sets: &[usize]| Regime {
        interventions: sets.to_vec(),
        observed: kept.iter().copied().filter(|v| !sets.contains(v)).collect(),
    };
    let with = |extra: &[usize]| {
        let mut all: Vec<Regime> = regimes.iter().map(|r| full(&r.interventions)).collect();
        all.push(full(extra));
        matches!(identify(graph, &all, &witness.effect), Verdict::Identified(_))
    };
    let least = witness.smallest_extra_regimes[0].len();
    for extra in &witness.smallest_extra_regimes {
        assert_eq!(extra.len(), least);
        assert!(with(extra), "do({extra:?}) does not help: {graph:?} {regimes:?} {effect:?}");
    }
    if least > 0 {
        assert!(!with(&[]), "observing is enough: {graph:?} {regimes:?} {effect:?} {witness:?}");
    }
    if least > 1 {
        assert!(kept.iter().all(|&v| !with(&[v])), "one is enough: {graph:?} {regimes:?} {effect:?} {witness:?}");
    }
}

fn check_forest(graph: &Admg, forest: &Forest, roots: &[usize]) {
    assert!(forest.directed.iter().all(|(from, to)| graph.children(*from).contains(to)));
    assert!(forest.bidirected.iter().all(|(a, b)| graph.spouses(*a).contains(b)));
    assert_eq!(forest.bidirected.len() + 1, forest.nodes.len());
    for v in &forest.nodes {
        let children = forest.directed.iter().filter(|(from, _)| from == v).count();
        assert_eq!(children, usize::from(!roots.contains(v)));
    }
    let tree = Admg::with_edges(graph.len(), &forest.directed, &forest.bidirected);
    assert_eq!(c_components_of(&tree, &forest.nodes), std::slice::from_ref(&forest.nodes));
    assert!(tree.topological_order().is_ok());
}

/// The models belong to the graph, agree on all regimes to 1e-9 and differ in the effect by more than 1e-3.
fn check_pair(graph: &Admg, regimes: &[Regime], effect: &Effect, models: &[DiscreteModel; 2]) {
    for model in models {
        assert_eq!(&model.graph, graph);
        for v in 0..graph.len() {
            assert_eq!(model.tables[v].len(), model.rows(v) * model.cards[v]);
            for row in model.tables[v].chunks(model.cards[v]) {
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12 && row.iter().all(|&p| p >= 0.0));
            }
        }
    }
    let [a, b] = models;
    assert_eq!(a.cards, b.cards);
    let settings = |set: &[usize]| {
        set.iter().fold(vec![vec![]], |all: Vec<Vec<(usize, usize)>>, &v| {
            all.iter().flat_map(|s| (0..a.cards[v]).map(move |x| [&s[..], &[(v, x)]].concat())).collect()
        })
    };
    for regime in complete(graph, regimes) {
        for setting in settings(&regime.interventions) {
            let seen = |model: &DiscreteModel| {
                let mut marginal: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
                for (cell, p) in model.distribution(&setting) {
                    *marginal.entry(regime.observed.iter().map(|&v| cell[v]).collect()).or_default() += p;
                }
                marginal
            };
            let (p, q) = (seen(a), seen(b));
            for cell in p.keys().chain(q.keys()) {
                let difference = p.get(cell).unwrap_or(&0.0) - q.get(cell).unwrap_or(&0.0);
                assert!(difference.abs() < 1e-9, "{regime:?} tells the models apart");
            }
        }
    }
    let mut largest = 0.0_f64;
    for setting in settings(&effect.interventions) {
        let (p, q) = (a.distribution(&setting), b.distribution(&setting));
        let mass = |joint: &BTreeMap<Vec<usize>, f64>, cell: &[usize], set: &[usize]| -> f64 {
            joint.iter().filter(|(other, _)| set.iter().all(|&v| other[v] == cell[v])).map(|(_, p)| p).sum()
        };
        let both = [&effect.outcome[..], &effect.evidence].concat();
        for cell in p.keys().chain(q.keys()) {
            let (e, f) = (mass(&p, cell, &effect.evidence), mass(&q, cell, &effect.evidence));
            if e > 1e-6 && f > 1e-6 {
                largest = largest.max((mass(&p, cell, &both) / e - mass(&q, cell, &both) / f).abs());
            }
        }
    }
    assert!(largest > 1e-3, "the effect differs by {largest} only: {graph:?} {regimes:?} {effect:?}");
}

const KINDS: [(&str, Kind); 6] = [
    ("observational", Kind { experiments: false, evidence: false, partial: false }),
    ("conditional", Kind { experiments: false, evidence: true, partial: false }),
    ("experiments", Kind { experiments: true, evidence: false, partial: false }),
    ("conditional experiments", Kind { experiments: true, evidence: true, partial: false }),
    ("partial", Kind { experiments: true, evidence: false, partial: true }),
    ("conditional partial", Kind { experiments: true, evidence: true, partial: true }),
];

#[test]
fn answers_on_random_graphs() {
    for (name, kind) in KINDS {
        let start = std::time::Instant::now();
        let tally = check_random(name, 250, kind);
        println!("{name}: {tally:?} {:?}", start.elapsed());
        assert!(tally.identified > 60 && tally.not_identified > 40);
        assert_eq!(tally.refuted, tally.not_identified, "{name}");
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test identify -- --ignored --nocapture"]
fn answers_on_many_random_graphs() {
    for (name, kind) in KINDS {
        let start = std::time::Instant::now();
        let tally = check_random(&format!("many {name}"), 2000, kind);
        println!("{name}: {tally:?} {:?}", start.elapsed());
        assert_eq!(tally.refuted, tally.not_identified, "{name}");
    }
}

// ---- named results ----

/// A graph from lines like `X -> Y; X <-> Y`, its nodes numbered as they appear.
fn graph(text: &str) -> (Admg, Vec<String>) {
    let words: Vec<Vec<&str>> = text.split(';').map(|edge| edge.split_whitespace().collect()).collect();
    let mut names: Vec<String> = vec![];
    for name in words.iter().flat_map(|edge| [edge[0], edge[2]]) {
        if !names.iter().any(|n| n == name) {
            names.push(name.to_owned());
        }
    }
    let id = |name: &str| names.iter().position(|n| n == name).unwrap();
    let mut graph = Admg::new(names.len());
    for edge in &words {
        let (a, b) = (id(edge[0]), id(edge[2]));
        if edge[1] == "->" { graph.add_directed(a, b) } else { graph.add_bidirected(a, b) }
    }
    (graph, names)
}

fn ids(names: &[String], text: &str) -> Vec<usize> {
    text.split_whitespace().map(|name| names.iter().position(|n| n == name).unwrap()).collect()
}

fn effect(names: &[String], [outcome, interventions, evidence]: [&str; 3]) -> Effect {
    Effect { outcome: ids(names, outcome), interventions: ids(names, interventions), evidence: ids(names, evidence) }
}

/// The method and the formula, or the reason or the district of the witness.
fn answer(text: &str, sets: [&str; 3], regimes: &[(&str, &str)]) -> String {
    let (graph, names) = graph(text);
    let regimes: Vec<Regime> = regimes
        .iter()
        .map(|(sets, observed)| Regime { interventions: ids(&names, sets), observed: ids(&names, observed) })
        .collect();
    let effect = effect(&names, sets);
    let mut tally = Tally::default();
    check(&mut stream(1, text), &graph, &regimes, &effect, &mut tally);
    let printed = Names { node: &|v| names[v].clone(), value: &no_value, regime: &|r| format!("r{r}") };
    match identify(&graph, &regimes, &effect) {
        Verdict::Identified(found) => {
            assert_eq!(found.derivation.last().map(|step| step.expression.size() > 0), Some(true));
            format!("{}: {}", found.method.text(&printed), found.estimand.text(&printed))
        }
        Verdict::NotIdentified(witness) => {
            assert_eq!(tally.refuted, 1);
            let list = |set: &[usize]| set.iter().map(|&v| names[v].as_str()).collect::<Vec<_>>().join(" ");
            let forests: Vec<String> = witness.hedges.iter().map(|hedge| list(&hedge.f.nodes)).collect();
            let extra: Vec<String> = witness.smallest_extra_regimes.iter().map(|set| list(set)).collect();
            format!("no: {{{}}} in {:?}, try {:?}", list(&witness.district), forests, extra)
        }
        Verdict::NotEstablished(reason) => format!("{reason:?}"),
    }
}

#[test]
fn textbook_answers() {
    let of = |graph: &str, outcome: &str, cause: &str| answer(graph, [outcome, cause, ""], &[]);
    let front_door = "X -> Z; Z -> Y; X <-> Y";
    assert_eq!(of(front_door, "Y", "X"), "front door through {Z}: Σ_{Z} P(Z | X) [Σ_{X'} P(Y | X', Z) P(X')]");
    assert_eq!(of("X -> Y; Z -> X; Z -> Y", "Y", "X"), "back-door adjustment for {Z}: Σ_{Z} P(Y | X, Z) P(Z)");
    assert_eq!(of("X -> Y; Y <-> Z; X <-> Z", "X", "Y"), "no effect of the intervention: P(X)");
    // Not P(Y | X), which y0 0.2.11 answers; W is primed nowhere, for it is bound only.
    assert_eq!(
        of("W -> Z; Z -> X; X -> Y; W <-> X; W <-> Y", "Y", "X"),
        "c-factors: (Σ_{W} P(W) P(X, Y | W, Z)) / (Σ_{W} P(W) P(X | W, Z))"
    );
    assert_eq!(of("X -> Y; X <-> Y", "Y", "X"), "no: {Y} in [\"X Y\"], try [\"X\"]");
    // The paper's Figure 2 (Rahman & Kocaoglu 2024).
    let figure_2 = "X1 -> Z1; Z1 -> X2; Z1 -> Z2; Z3 -> Z1; X1 <-> X2; Z1 <-> Z2; Z1 <-> Z3";
    assert_eq!(of(figure_2, "X2", "X1"), "front door through {Z1}: Σ_{Z1} P(Z1 | X1) [Σ_{X1'} P(X2 | X1', Z1) P(X1')]");
    assert_eq!(of(figure_2, "Z2", "Z1"), "no: {Z2} in [\"Z1 Z2\"], try [\"Z1\"]");
}

#[test]
fn an_experiment_on_two_columns_identifies_what_observation_does_not() {
    let sachs = "PKA -> Mek; PKA -> Erk; PKA -> Akt; Mek -> Erk; Mek -> Akt; Erk -> Akt; PKA <-> Mek";
    let all = "PKA Mek Erk Akt";
    let akt = ["Akt", "PKA", ""];
    assert_eq!(answer(sachs, akt, &[("", all)]), "no: {Mek} in [\"PKA Mek\"], try [\"PKA\"]");
    let both = answer(sachs, akt, &[("", all), ("PKA", "Mek")]);
    assert_eq!(both, "c-factors: Σ_{Mek} P(Mek | do(PKA)) P(Akt | PKA, Mek)");
}

#[test]
fn pearls_graphs_of_chapter_3() {
    let cases = cases(include_str!("data/identification_named.jsonl"));
    let verdicts = |prefix: &str| -> Vec<bool> {
        let named = cases.iter().filter(|case| case.name.starts_with(prefix));
        named.map(|c| matches!(identify(&c.graph, &c.regimes, &c.effect), Verdict::Identified(_))).collect()
    };
    assert_eq!(verdicts("identifiable 3.8"), [true; 3]);
    assert_eq!(verdicts("unidentifiable 3.9"), [false; 6]);
}

#[test]
fn wrong_input_is_no_answer() {
    let bow = Admg::with_edges(2, &[(0, 1)], &[(0, 1)]);
    let ask = |graph: &Admg, outcome: &[usize], interventions: &[usize]| {
        let effect = Effect { outcome: outcome.to_vec(), interventions: interventions.to_vec(), evidence: vec![] };
        identify(graph, &[], &effect)
    };
    let malformed = Verdict::NotEstablished(Reason::Malformed);
    assert_eq!(ask(&bow, &[], &[0]), malformed);
    assert_eq!(ask(&bow, &[1], &[1]), malformed);
    assert_eq!(ask(&bow, &[7], &[0]), malformed);
    let cycle = Admg::with_edges(2, &[(0, 1), (1, 0)], &[]);
    assert_eq!(ask(&cycle, &[1], &[0]), Verdict::NotEstablished(Reason::Cyclic));
    // Repeats and any order are fine.
    assert!(matches!(ask(&bow, &[0, 0], &[1]), Verdict::Identified(_)));
    let odd = Regime { interventions: vec![9, 0, 0], observed: vec![1, 0, 1] };
    let effect = Effect { outcome: vec![1], interventions: vec![0], evidence: vec![] };
    assert!(matches!(identify(&bow, &[odd], &effect), Verdict::Identified(_)));
}

#[test]
fn partial_columns_leave_some_answers_open() {
    // The chain's columns are never seen together with the confounder that would be needed.
    let (graph, names) = graph("Z -> X; Z -> Y; X -> Y");
    let regimes = [("", "X Z"), ("", "Y Z")]
        .map(|(sets, observed)| Regime { interventions: ids(&names, sets), observed: ids(&names, observed) });
    let verdict = identify(&graph, &regimes, &effect(&names, ["Y", "X", ""]));
    assert_eq!(verdict, Verdict::NotEstablished(Reason::PartialColumns));
    // Nobody sees the outcome.
    let seen = [Regime { interventions: vec![], observed: ids(&names, "X Z") }];
    let Verdict::NotIdentified(witness) = identify(&graph, &seen, &effect(&names, ["Y", "X", ""])) else { panic!() };
    assert_eq!(witness.unseen, ids(&names, "Y"));
    // Nobody sees C, whose shortest path to the outcome the other intervention cuts.
    let cut = answer("C -> X; X -> Y; C -> M; M -> Y", ["Y", "C X", ""], &[("", "X M Y")]);
    assert_eq!(cut, "no: {} in [], try []");
}

#[test]
fn the_three_notations() {
    let (graph, names) = graph("X -> Z_1; Z_1 -> Y; X <-> Y");
    let Verdict::Identified(found) = identify(&graph, &[], &effect(&names, ["Y", "X", ""])) else { panic!() };
    let printed = Names { node: &|v| names[v].clone(), value: &no_value, regime: &|_| "obs".to_owned() };
    assert_eq!(
        found.estimand.latex(&printed),
        "\\sum_{Z_{1}} P(Z_{1} \\mid X) \\left[\\sum_{X'} P(Y \\mid X', Z_{1}) P(X')\\right]"
    );
    let p = |of: &[&str], given: &[&str]| serde_json::json!({"p": {"of": of, "given": given, "do": [], "data": "obs"}});
    let inner =
        serde_json::json!({"sum": {"over": ["X"], "of": {"product": [p(&["Y"], &["X", "Z_1"]), p(&["X"], &[])]}}});
    let tree = serde_json::json!({"sum": {"over": ["Z_1"], "of": {"product": [p(&["Z_1"], &["X"]), inner]}}});
    assert_eq!(found.estimand.json(&printed), tree);
    // A node may itself be named with a prime: the bound variable gets another one.
    let primed = Names { node: &|v| ["X", "X'", "Y"][v].to_owned(), value: &no_value, regime: &|_| String::new() };
    assert_eq!(found.estimand.text(&primed), "Σ_{X'} P(X' | X) [Σ_{X''} P(Y | X'', X') P(X'')]");
}

#[test]
fn models_are_summed_right() {
    let mut rng = stream(1, "models");
    for _ in 0..40 {
        let graph = random_admg(&mut rng, 5, 0.4, 0.3);
        let model = random_model(&mut rng, &graph);
        let dense = Joint::new(&model, &[(2, 1)]);
        let all: Vec<usize> = (0..5).collect();
        let sparse = model.distribution(&[(2, 1)]);
        assert!((sparse.values().sum::<f64>() - 1.0).abs() < 1e-12);
        for (cell, p) in &sparse {
            assert!((p - dense.conditional(&all, &[], cell)).abs() < 1e-12);
        }
    }
}

#[test]
fn single_c_factors_are_right() {
    let mut rng = stream(1, "c-factors");
    let mut found = [0, 0];
    for _ in 0..200 {
        let graph = random_admg(&mut rng, 5, 0.5, 0.3);
        let regimes = [Regime::complete(5, &[]), Regime::complete(5, &[rng.random_range(0..5)])];
        let kept: Vec<usize> = (0..5).filter(|_| rng.random_bool(0.6)).collect();
        for part in c_components_of(&graph, &kept) {
            let others = (0..5).filter(|v| !part.contains(v)).collect();
            let effect = Effect { outcome: part.clone(), interventions: others, evidence: vec![] };
            let factor = c_factor_from(&graph, &regimes, &part);
            found[usize::from(factor.is_some())] += 1;
            match factor {
                Some((estimand, _)) => assert!(error(&mut rng, &graph, &regimes, &effect, &estimand) < 1e-9),
                None => assert!(matches!(identify(&graph, &regimes, &effect), Verdict::NotIdentified(_))),
            }
        }
    }
    assert!(found.iter().all(|&n| n > 20), "{found:?}");
}
