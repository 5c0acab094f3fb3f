use super::*;
use crate::causal::identify::DiscreteModel;
use crate::causal::random_admg;
use crate::seed::stream;
use rand::Rng;

type Joint = BTreeMap<Vec<u32>, f64>;

fn codes(joint: BTreeMap<Vec<usize>, f64>) -> Joint {
    joint.into_iter().map(|(row, p)| (row.into_iter().map(|v| v as u32).collect(), p)).collect()
}

fn observed(nodes: usize, joint: &Joint) -> Source<'_> {
    Source { interventions: vec![], columns: (0..nodes).collect(), joint }
}

/// `P(outcome | do(interventions), evidence)` at values.
#[derive(Clone, Debug, Default)]
struct Event {
    outcome: Vec<(usize, u32)>,
    interventions: Vec<(usize, u32)>,
    evidence: Vec<(usize, u32)>,
}

impl Event {
    fn query(&self) -> Query {
        Query::in_one_world(&self.outcome, &self.interventions, &self.evidence)
    }
}

fn event(outcome: &[(usize, u32)], interventions: &[(usize, u32)], evidence: &[(usize, u32)]) -> Event {
    Event { outcome: outcome.to_vec(), interventions: interventions.to_vec(), evidence: evidence.to_vec() }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6
}

/// The value of an event in an explicit model; `None` where the evidence has no probability.
fn truth(model: &DiscreteModel, event: &Event) -> Option<f64> {
    let set: Vec<(usize, usize)> = event.interventions.iter().map(|&(v, x)| (v, x as usize)).collect();
    let (mut above, mut below) = (0.0, 0.0);
    for (row, p) in model.distribution(&set) {
        if event.evidence.iter().all(|&(v, x)| row[v] == x as usize) {
            below += p;
            if event.outcome.iter().all(|&(v, x)| row[v] == x as usize) {
                above += p;
            }
        }
    }
    (below > 0.0).then(|| above / below)
}

fn random_model(rng: &mut impl Rng, graph: &Admg, cards: &[usize]) -> DiscreteModel {
    let mut model = DiscreteModel::random(rng, graph, cards, |rng| rng.random_range(2..4));
    // Some mechanisms are deterministic, so that combinations of values have no probability.
    for (table, &card) in model.tables.iter_mut().zip(cards) {
        for row in table.chunks_exact_mut(card) {
            if rng.random_bool(0.35) {
                row.fill(0.0);
                row[rng.random_range(0..card)] = 1.0;
            }
        }
    }
    model
}

/// `X -> Y`, `X <-> Y`: `P(x, y) ≤ P(y | do(x)) ≤ P(x, y) + 1 - P(x)` (Manski 1990).
#[test]
fn without_any_help_the_bounds_are_the_natural_ones() {
    let graph = Admg::with_edges(2, &[(0, 1)], &[(0, 1)]);
    let mut rng = stream(1, "bounds/bow");
    for _ in 0..100 {
        let cards = [rng.random_range(2..4), rng.random_range(2..4)];
        let model = random_model(&mut rng, &graph, &cards);
        let joint = codes(model.distribution(&[]));
        let sources = [observed(2, &joint)];
        let bounder = Bounder::new(&graph, &cards, &sources).unwrap();
        let (x, y) = (rng.random_range(0..cards[0]) as u32, rng.random_range(0..cards[1]) as u32);
        let found = bounder.bounds(&[(1.0, event(&[(1, y)], &[(0, x)], &[]).query())]).unwrap();
        let p = joint.get(&vec![x, y]).copied().unwrap_or(0.0);
        let of_x: f64 = joint.iter().filter(|(row, _)| row[0] == x).map(|(_, p)| p).sum();
        assert!(close(found.low, p) && close(found.high, p + 1.0 - of_x), "{found:?} {p} {of_x}");
        assert!(found.method <= Method::Sharp);
        let literals = [(1, x as usize, y)];
        let natural = natural(bounder.facts(0).unwrap(), &literals);
        assert!(close(natural[0], found.low) && close(natural[1], found.high), "{natural:?} {found:?}");
    }
}

/// The closed form of Balke & Pearl (1997, JASA 92:1171), equations 3 and 4, for `p(y, x | z)`.
fn instrument(p: impl Fn(usize, usize, usize) -> f64) -> [f64; 2] {
    let low = [
        p(1, 1, 1) + p(0, 0, 0) - 1.0,
        p(1, 1, 0) + p(0, 0, 1) - 1.0,
        p(1, 1, 0) - p(1, 1, 1) - p(1, 0, 1) - p(0, 1, 0) - p(1, 0, 0),
        p(1, 1, 1) - p(1, 1, 0) - p(1, 0, 0) - p(0, 1, 1) - p(1, 0, 1),
        -p(0, 1, 1) - p(1, 0, 1),
        -p(0, 1, 0) - p(1, 0, 0),
        p(0, 0, 1) - p(0, 1, 1) - p(1, 0, 1) - p(0, 1, 0) - p(0, 0, 0),
        p(0, 0, 0) - p(0, 1, 0) - p(1, 0, 0) - p(0, 1, 1) - p(0, 0, 1),
    ];
    let high = [
        1.0 - p(0, 1, 1) - p(1, 0, 0),
        1.0 - p(0, 1, 0) - p(1, 0, 1),
        -p(0, 1, 0) + p(0, 1, 1) + p(0, 0, 1) + p(1, 1, 0) + p(0, 0, 0),
        -p(0, 1, 1) + p(1, 1, 1) + p(0, 0, 1) + p(0, 1, 0) + p(0, 0, 0),
        p(1, 1, 1) + p(0, 0, 1),
        p(1, 1, 0) + p(0, 0, 0),
        -p(1, 0, 1) + p(1, 1, 1) + p(0, 0, 1) + p(1, 1, 0) + p(1, 0, 0),
        -p(1, 0, 0) + p(1, 1, 0) + p(0, 0, 0) + p(1, 1, 1) + p(1, 0, 1),
    ];
    [low.into_iter().fold(f64::MIN, f64::max), high.into_iter().fold(f64::MAX, f64::min)]
}

/// `Z -> X -> Y`, `X <-> Y`, nodes in that order.
fn instrumental() -> Admg {
    Admg::with_edges(3, &[(0, 1), (1, 2)], &[(1, 2)])
}

fn average_effect() -> [(f64, Query); 2] {
    [(1.0, event(&[(2, 1)], &[(1, 1)], &[]).query()), (-1.0, event(&[(2, 1)], &[(1, 0)], &[]).query())]
}

fn bounds_of_effect(joint: &Joint) -> Bounds {
    let sources = [observed(3, joint)];
    Bounder::new(&instrumental(), &[2, 2, 2], &sources).unwrap().bounds(&average_effect()).unwrap()
}

#[test]
fn instruments_give_the_bounds_of_balke_and_pearl() {
    let mut rng = stream(1, "bounds/instrument");
    for _ in 0..300 {
        let model = random_model(&mut rng, &instrumental(), &[2, 2, 2]);
        let joint = codes(model.distribution(&[]));
        let of = |z: u32| joint.iter().filter(|(row, _)| row[0] == z).map(|(_, p)| p).sum::<f64>();
        if of(0) == 0.0 || of(1) == 0.0 {
            continue;
        }
        let p = |y: usize, x: usize, z: usize| {
            joint.get(&vec![z as u32, x as u32, y as u32]).copied().unwrap_or(0.0) / of(z as u32)
        };
        let (found, expected) = (bounds_of_effect(&joint), instrument(p));
        assert!(close(found.low, expected[0]) && close(found.high, expected[1]), "{found:?} {expected:?}");
        assert_eq!(found.discrepancy, 0.0);
    }
}

/// Balke & Pearl (1997), section 4: vitamin A supplements (Sommer & Zeger 1991; counts) and cholestyramine (Efron &
/// Feldman 1991; shares).
#[test]
fn published_trials_have_the_published_bounds() {
    let table = |rows: &[([u32; 3], f64)]| -> Joint { rows.iter().map(|(row, n)| (row.to_vec(), *n)).collect() };
    let vitamin = table(&[
        ([0, 0, 0], 74.0),
        ([0, 0, 1], 11_514.0),
        ([1, 0, 0], 34.0),
        ([1, 0, 1], 2_385.0),
        ([1, 1, 0], 12.0),
        ([1, 1, 1], 9_663.0),
    ]);
    let found = bounds_of_effect(&vitamin);
    assert!((found.low + 0.1946).abs() < 5e-5 && (found.high - 0.0054).abs() < 5e-5, "{found:?}");
    let lipid = table(&[
        ([0, 0, 0], 0.919),
        ([0, 0, 1], 0.081),
        ([1, 0, 0], 0.315),
        ([1, 0, 1], 0.073),
        ([1, 1, 0], 0.139),
        ([1, 1, 1], 0.473),
    ]);
    let found = bounds_of_effect(&lipid);
    assert!((found.low - 0.392).abs() < 5e-4 && (found.high - 0.780).abs() < 5e-4, "{found:?}");
    assert_eq!((found.method, found.discrepancy), (Method::Sharp, 0.0));
}

/// Data that violate the instrumental inequality (Pearl 1995) fit no model of the graph; the nearest one is bounded.
#[test]
fn a_distribution_that_no_model_has_is_said_to_be_off() {
    let joint: Joint = [(vec![0, 1, 0], 0.5), (vec![1, 1, 1], 0.5)].into();
    let found = bounds_of_effect(&joint);
    assert!(found.discrepancy > 0.1, "{found:?}");
    assert!(-1.0 <= found.low && found.low <= found.high && found.high <= 1.0);
}

/// Lauritzen & Spiegelhalter (1988) with smoking and bronchitis hidden: tub -> either <- lung, either -> dysp,
/// lung <-> dysp; values 0 = no, 1 = yes. `either` is an OR, so some of the effects are only bounded.
#[test]
fn asia_without_support() {
    let mut joint = Joint::new();
    let coin = |p: f64, value: u32| if value == 1 { p } else { 1.0 - p };
    for code in 0..64_u32 {
        let [tub, smoke, bronc, lung, dysp, asia] = [0, 1, 2, 3, 4, 5].map(|bit| code >> bit & 1);
        let either = tub | lung;
        let of_dysp = [[0.1, 0.8], [0.7, 0.9]][either as usize][bronc as usize];
        let p = coin(0.01, asia)
            * coin([0.01, 0.05][asia as usize], tub)
            * 0.5
            * coin([0.3, 0.6][smoke as usize], bronc)
            * coin([0.01, 0.1][smoke as usize], lung)
            * coin(of_dysp, dysp);
        *joint.entry(vec![tub, lung, either, dysp]).or_insert(0.0) += p;
    }
    let graph = Admg::with_edges(4, &[(0, 2), (1, 2), (2, 3)], &[(1, 3)]);
    let sources = [observed(4, &joint)];
    let bounder = Bounder::new(&graph, &[2; 4], &sources).unwrap();
    let of = |interventions: &[(usize, u32)]| {
        bounder.bounds(&[(1.0, event(&[(3, 1)], interventions, &[]).query())]).unwrap()
    };
    let (lung, either) = (of(&[(1, 0)]), of(&[(2, 0)]));
    assert!((lung.low - 0.3916).abs() < 5e-5 && (lung.high - 0.4461).abs() < 5e-5, "{lung:?}");
    assert!((either.low - 0.3875).abs() < 5e-5 && (either.high - 0.4425).abs() < 5e-5, "{either:?}");
    assert_eq!((lung.method, either.method), (Method::Sharp, Method::Sharp));
    for found in [of(&[(1, 1)]), of(&[(2, 1)])] {
        assert!(close(found.low, 0.79) && close(found.high, 0.79) && found.method == Method::Identified, "{found:?}");
    }
}

/// `P(v | do(interventions))` of the model in which the component has these response types and the other c-factors are
/// those of `model`.
fn replaced(model: &DiscreteModel, component: &[usize], types: &ResponseModel, set: &[(usize, usize)]) -> Joint {
    let graph = &model.graph;
    let mut others: Vec<Vec<usize>> = c_components(graph);
    others.retain(|c| c != component);
    let mut joint = Joint::new();
    let nodes: Vec<usize> = (0..graph.len()).collect();
    let mut values = vec![0; graph.len()];
    loop {
        let free = |v: &&usize| !set.iter().any(|(s, _)| s == *v);
        if set.iter().all(|&(v, x)| values[v] == x) {
            let literals: Vec<Literal> = component
                .iter()
                .filter(free)
                .map(|&v| (v, row(graph, &model.cards, v, &values), values[v] as u32))
                .collect();
            let mut p = types.probability(&literals);
            for other in &others {
                let part: Vec<usize> = other.iter().filter(free).copied().collect();
                let outside: Vec<(usize, usize)> =
                    nodes.iter().filter(|v| !part.contains(v)).map(|&v| (v, values[v])).collect();
                p *= model.distribution(&outside).get(&values).copied().unwrap_or(0.0);
            }
            joint.insert(values.iter().map(|&v| v as u32).collect(), p);
        }
        if !advance(&nodes, &model.cards, &mut values) {
            return joint;
        }
    }
}

fn value_of(joint: &Joint, event: &Event) -> f64 {
    let sum = |list: &[(usize, u32)]| -> f64 {
        joint.iter().filter(|(row, _)| list.iter().all(|&(v, x)| row[v] == x)).map(|(_, p)| p).sum()
    };
    sum(&[&event.outcome[..], &event.evidence].concat()) / sum(&event.evidence)
}

/// An effect at random values, each node in at most one role.
fn random_event(rng: &mut impl Rng, cards: &[usize]) -> Event {
    let mut event = Event::default();
    let outcome = rng.random_range(0..cards.len());
    for (v, &card) in cards.iter().enumerate() {
        let value = (v, rng.random_range(0..card) as u32);
        match rng.random_range(0..10) {
            _ if v == outcome => event.outcome.push(value),
            0..4 => event.interventions.push(value),
            4 => event.evidence.push(value),
            _ => {}
        }
    }
    event
}

#[derive(Default, Debug)]
struct Tally {
    methods: BTreeMap<Method, usize>,
    attained: usize,
}

/// One random model, its exact distributions under random regimes, a random effect: the truth lies within the bounds,
/// and where they are called sharp, models with exactly those distributions attain both ends.
fn check(rng: &mut impl Rng, tally: &mut Tally) {
    let nodes = rng.random_range(2..5);
    let (directed, bidirected) = (rng.random_range(0.3..0.9), rng.random_range(0.2..0.7));
    let graph = random_admg(rng, nodes, directed, bidirected);
    let cards: Vec<usize> = (0..nodes).map(|_| if rng.random_bool(0.15) { 3 } else { 2 }).collect();
    let model = random_model(rng, &graph, &cards);
    let aim = random_event(rng, &cards);
    let Some(expected) = truth(&model, &aim) else { return };
    let mut regimes: Vec<Vec<(usize, usize)>> = vec![vec![]];
    if rng.random_bool(0.3) {
        let set = rng.random_range(0..nodes);
        regimes.push(vec![(set, rng.random_range(0..cards[set]))]);
    }
    let joints: Vec<Joint> = regimes.iter().map(|set| codes(model.distribution(set))).collect();
    let sources: Vec<Source> = regimes
        .iter()
        .zip(&joints)
        .map(|(set, joint)| Source {
            interventions: set.iter().map(|&(v, x)| (v, Some(x as u32))).collect(),
            columns: (0..nodes).collect(),
            joint,
        })
        .collect();
    let bounder = Bounder::new(&graph, &cards, &sources).unwrap();
    let found = match bounder.bounds(&[(1.0, aim.query())]) {
        Ok(found) => found,
        Err(why) => panic!("{why:?} {graph:?} {aim:?} {regimes:?}"),
    };
    *tally.methods.entry(found.method).or_insert(0) += 1;
    assert!(
        found.low - 1e-6 <= expected && expected <= found.high + 1e-6,
        "{expected} {found:?} {graph:?} {aim:?} {regimes:?}"
    );
    assert!(found.low >= -1e-6 && found.high <= 1.0 + 1e-6);
    if found.method == Method::Identified {
        assert!((found.low - expected).abs() < 1e-7 && (found.high - expected).abs() < 1e-7);
    }
    if found.method != Method::Sharp {
        return;
    }
    let (component, models) = *found.attained.unwrap();
    for (types, end) in models.iter().zip([found.low, found.high]) {
        for (set, joint) in regimes.iter().zip(&joints) {
            for (row, p) in replaced(&model, &component, types, set) {
                let original = joint.get(&row).copied().unwrap_or(0.0);
                assert!(close(p, original), "{row:?} {p} {original} {graph:?} {aim:?} {regimes:?}");
            }
        }
        let set: Vec<(usize, usize)> = aim.interventions.iter().map(|&(v, x)| (v, x as usize)).collect();
        let value = value_of(&replaced(&model, &component, types, &set), &aim);
        assert!((value - end).abs() < 1e-5, "{value} {end} {graph:?} {aim:?} {regimes:?}");
        tally.attained += 1;
    }
}

#[test]
fn the_truth_lies_within_and_models_attain_the_ends() {
    let mut rng = stream(1, "bounds/random");
    let mut tally = Tally::default();
    for _ in 0..1500 {
        check(&mut rng, &mut tally);
    }
    assert!(tally.attained > 100 && tally.methods.len() >= 4, "{tally:?}");
}

/// The largest program that is set up: `Z -> X -> Y`, `X <-> Y` with four values each.
#[test]
fn the_largest_program() {
    let mut rng = stream(1, "bounds/largest");
    let cards = [4, 4, 4];
    let model = DiscreteModel::random(&mut rng, &instrumental(), &cards, |_| 3);
    let joint = codes(model.distribution(&[]));
    let sources = [observed(3, &joint)];
    let bounder = Bounder::new(&instrumental(), &cards, &sources).unwrap();
    let aim = event(&[(2, 1)], &[(1, 2)], &[]);
    let found = bounder.bounds(&[(1.0, aim.query())]).unwrap();
    let expected = truth(&model, &aim).unwrap();
    assert!(found.low <= expected && expected <= found.high && found.method == Method::Sharp, "{found:?}");
}

/// A functional model: a hidden cause with two values for each bidirected edge, noise with two values for each node, and an
/// answer of each node to each row of its parents and each state of what is hidden.
struct Functional {
    graph: Admg,
    cards: Vec<usize>,
    /// The hidden causes of each node, as bits of the state.
    hidden: Vec<Vec<usize>>,
    /// The probability that a bit of the state is one.
    bits: Vec<f64>,
    /// By node, row and state of its hidden causes.
    answers: Vec<Vec<Vec<u32>>>,
}

impl Functional {
    fn random(rng: &mut impl Rng, graph: &Admg, cards: &[usize]) -> Self {
        let nodes = graph.len();
        let mut hidden: Vec<Vec<usize>> = (0..nodes).map(|v| vec![v]).collect();
        let mut count = nodes;
        for v in 0..nodes {
            for &spouse in graph.spouses(v).iter().filter(|s| **s > v) {
                hidden[v].push(count);
                hidden[spouse].push(count);
                count += 1;
            }
        }
        let mut answers = vec![];
        for v in 0..nodes {
            let rows: usize = graph.parents(v).iter().map(|&p| cards[p]).product();
            let mut answer = || (0..1 << hidden[v].len()).map(|_| rng.random_range(0..cards[v]) as u32).collect();
            answers.push((0..rows).map(|_| answer()).collect());
        }
        let bits = (0..count).map(|_| rng.random_range(0.2..0.8)).collect();
        Self { graph: graph.clone(), cards: cards.to_vec(), hidden, bits, answers }
    }

    fn value(&self, v: usize, world: &World, state: usize) -> u32 {
        match world.get(&v) {
            Some(Setting::Value(Value::Code(code))) => *code,
            Some(Setting::Potential(other)) => self.value(v, other, state),
            _ => {
                let parent = |row: usize, &p: &usize| row * self.cards[p] + self.value(p, world, state) as usize;
                let row = self.graph.parents(v).iter().fold(0, parent);
                let own = self.hidden[v].iter().fold(0, |own, bit| own * 2 + (state >> bit & 1));
                self.answers[v][row][own]
            }
        }
    }

    fn states(&self) -> impl Iterator<Item = (usize, f64)> {
        let bits = self.bits.clone();
        (0..1_usize << bits.len()).map(move |state| {
            let p = bits.iter().enumerate().map(|(bit, p)| if state >> bit & 1 == 1 { *p } else { 1.0 - p });
            (state, p.product())
        })
    }

    fn joint(&self, world: &World) -> Joint {
        let mut joint = Joint::new();
        for (state, p) in self.states() {
            *joint.entry((0..self.graph.len()).map(|v| self.value(v, world, state)).collect()).or_insert(0.0) += p;
        }
        joint
    }

    fn probability(&self, query: &Query) -> Option<f64> {
        let holds = |events: &[super::Event], state: usize| {
            events.iter().all(|e| Value::Code(self.value(e.variable, &e.world, state)) == e.value)
        };
        let (mut above, mut below) = (0.0, 0.0);
        for (state, p) in self.states().filter(|(state, _)| holds(&query.evidence, *state)) {
            below += p;
            above += if holds(&query.outcome, state) { p } else { 0.0 };
        }
        (below > 0.0).then(|| above / below)
    }
}

fn set(settings: &[(usize, u32)]) -> World {
    settings.iter().map(|&(v, code)| (v, Setting::Value(Value::Code(code)))).collect()
}

fn at(variable: usize, world: World, code: u32) -> super::Event {
    super::Event { variable, world, value: Value::Code(code) }
}

/// Tian & Pearl (2000, Annals of Mathematics and Artificial Intelligence 28:287), equations 25 and 27: a trial and
/// observations of `X -> Y`, `X <-> Y` bound the probabilities of necessity and of both necessity and sufficiency.
#[test]
fn probabilities_of_causation_have_the_bounds_of_tian_and_pearl() {
    let graph = Admg::with_edges(2, &[(0, 1)], &[(0, 1)]);
    let mut rng = stream(1, "bounds/causation");
    for _ in 0..200 {
        let model = Functional::random(&mut rng, &graph, &[2, 2]);
        let (seen, arms) = (model.joint(&set(&[])), [0, 1].map(|x| model.joint(&set(&[(0, x)]))));
        let p = |x: u32, y: u32| seen.get(&vec![x, y]).copied().unwrap_or(0.0);
        let trial = |x: usize| arms[x].get(&vec![x as u32, 1]).copied().unwrap_or(0.0);
        if p(1, 1) < 1e-9 {
            continue;
        }
        let arm = |x: usize| Source { interventions: vec![(0, Some(x as u32))], columns: vec![0, 1], joint: &arms[x] };
        let sources = [observed(2, &seen), arm(0), arm(1)];
        let bounder = Bounder::new(&graph, &[2, 2], &sources).unwrap();
        let y = p(0, 1) + p(1, 1);
        let necessary =
            Query { outcome: vec![at(1, set(&[(0, 0)]), 0)], evidence: vec![at(0, set(&[]), 1), at(1, set(&[]), 1)] };
        let found = bounder.bounds(&[(1.0, necessary)]).unwrap();
        let expected = [((y - trial(0)) / p(1, 1)).max(0.0), ((1.0 - trial(0) - p(0, 0)) / p(1, 1)).min(1.0)];
        assert!(close(found.low, expected[0]) && close(found.high, expected[1]), "{found:?} {expected:?}");
        let both = Query { outcome: vec![at(1, set(&[(0, 1)]), 1), at(1, set(&[(0, 0)]), 0)], evidence: vec![] };
        let found = bounder.bounds(&[(1.0, both)]).unwrap();
        let low = [0.0, trial(1) - trial(0), y - trial(0), trial(1) - y];
        let high = [trial(1), 1.0 - trial(0), p(1, 1) + p(0, 0), trial(1) - trial(0) + p(1, 0) + p(0, 1)];
        let expected = [low.into_iter().fold(f64::MIN, f64::max), high.into_iter().fold(f64::MAX, f64::min)];
        assert!(close(found.low, expected[0]) && close(found.high, expected[1]), "{found:?} {expected:?}");
        assert!(found.method <= Method::Sharp, "{found:?}");
    }
}

/// Random functional models, random questions about several worlds: the truth lies within the bounds.
#[test]
fn counterfactuals_lie_within() {
    let mut rng = stream(1, "bounds/counterfactual");
    let (mut methods, mut narrow) = (BTreeMap::<Method, usize>::new(), 0);
    for _ in 0..600 {
        let nodes = rng.random_range(2..5);
        let (directed, bidirected) = (rng.random_range(0.4..0.9), rng.random_range(0.1..0.6));
        let graph = random_admg(&mut rng, nodes, directed, bidirected);
        let cards: Vec<usize> = (0..nodes).map(|_| if rng.random_bool(0.1) { 3 } else { 2 }).collect();
        let model = Functional::random(&mut rng, &graph, &cards);
        let mut worlds = vec![set(&[])];
        for _ in 0..2 {
            let v = rng.random_range(0..nodes);
            let mut world = set(&[(v, rng.random_range(0..cards[v]) as u32)]);
            let other = rng.random_range(0..nodes);
            if rng.random_bool(0.3) && other != v {
                world.insert(other, Setting::Potential(worlds[worlds.len() - 1].clone()));
            }
            worlds.push(world);
        }
        let mut draw = |most: usize| -> Vec<super::Event> {
            let count = rng.random_range(0..=most);
            let one = |_| {
                let v = rng.random_range(0..nodes);
                at(v, worlds[rng.random_range(0..worlds.len())].clone(), rng.random_range(0..cards[v]) as u32)
            };
            (0..count).map(one).collect()
        };
        let query = Query { outcome: draw(2), evidence: draw(2) };
        let Some(expected) = model.probability(&query) else { continue };
        let joint = model.joint(&set(&[]));
        let trial = [model.joint(&worlds[1])];
        let mut sources = vec![observed(nodes, &joint)];
        if let (Some((&v, Setting::Value(Value::Code(code)))), true) = (worlds[1].iter().next(), worlds[1].len() == 1) {
            sources.push(Source {
                interventions: vec![(v, Some(*code))],
                columns: (0..nodes).collect(),
                joint: &trial[0],
            });
        }
        let bounder = Bounder::new(&graph, &cards, &sources).unwrap();
        let found = bounder.bounds(&[(1.0, query.clone())]);
        let found = found.unwrap_or_else(|why| panic!("{why:?} {graph:?} {query:?}"));
        assert!(
            found.low - 1e-6 <= expected && expected <= found.high + 1e-6,
            "{expected} {found:?} {graph:?} {query:?}"
        );
        if found.method == Method::Identified {
            assert!(close(found.low, expected) && close(found.high, expected), "{expected} {found:?} {query:?}");
        }
        *methods.entry(found.method).or_insert(0) += 1;
        narrow += usize::from(found.method != Method::Identified && found.high - found.low < 0.5);
    }
    assert!(methods.len() >= 4 && narrow > 30, "{methods:?} {narrow}");
}
