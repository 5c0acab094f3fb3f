//! Answers about several worlds against enumeration of everything, and sampling against summation and rejection.

mod particles;

use super::*;
use crate::causal::Admg;
use crate::causal::counterfactual::{Setting, Twin, Value, World};
use crate::model::{Domain, Latent, Variable};
use crate::nets::generator::{Generator, GeneratorModule, GeneratorNetwork, GeneratorShape, Kind, Widths};
use crate::nets::table::{TableLatent, TableMechanism, TableMember, TableModule};
use crate::seed;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Probabilities are whole multiples of one over this, so that a variable's own noise has so many equal parts.
const PARTS: usize = 4;
const CARDS: [usize; 4] = [2, 3, 2, 2];
const LEVELS: usize = 2;

/// Random edges among four variables, and a hidden cause of two or three of them.
fn random_model(rng: &mut ChaCha8Rng) -> Model {
    let mut directed = vec![];
    for to in 1..4 {
        for from in 0..to {
            if rng.random_bool(0.6) {
                directed.push((from, to));
            }
        }
    }
    let mut children: Vec<usize> = (0..4).filter(|_| rng.random_bool(0.6)).collect();
    if children.len() < 2 {
        children = vec![1, 3];
    }
    let pairs = children.iter().flat_map(|&a| children.iter().map(move |&b| (a, b))).filter(|(a, b)| a < b);
    let variable = |(v, &card): (usize, &usize)| {
        (format!("V{v}"), Variable { domain: Some(Domain::Categorical(card)), ..Variable::default() })
    };
    Model {
        variables: CARDS.iter().enumerate().map(variable).collect(),
        graph: Admg::with_edges(4, &directed, &pairs.collect::<Vec<_>>()),
        latents: vec![Latent { name: None, children, span: Default::default() }],
        ..Model::default()
    }
}

/// Random tables for all variables as one module.
fn random_tables(model: &Model, members: usize, rng: &mut ChaCha8Rng) -> TableModule {
    let mechanism = |variable: usize| TableMechanism {
        variable,
        card: CARDS[variable],
        parents: model.graph.parents(variable).to_vec(),
        parent_cards: model.graph.parents(variable).iter().map(|&p| CARDS[p]).collect(),
        latents: if model.latents[0].children.contains(&variable) { vec![0] } else { vec![] },
    };
    let mechanisms: Vec<TableMechanism> = (0..4).map(mechanism).collect();
    let mut row = |card: usize| {
        let mut parts = vec![0.0; card];
        (0..PARTS).for_each(|_| parts[rng.random_range(0..card)] += 1.0 / PARTS as f64);
        parts
    };
    let mut fit = || TableMember {
        priors: vec![row(LEVELS)],
        tables: mechanisms
            .iter()
            .map(|m| (0..m.rows() * LEVELS.pow(m.latents.len() as u32)).flat_map(|_| row(m.card)).collect())
            .collect(),
    };
    let members = (0..members).map(|_| fit()).collect();
    TableModule { latents: vec![TableLatent { latent: 0, levels: LEVELS }], mechanisms, members, replicates: vec![] }
}

fn random_world(depth: usize, rng: &mut ChaCha8Rng) -> World {
    let mut world = World::new();
    for (v, &card) in CARDS[..3].iter().enumerate() {
        if rng.random_bool(0.35) {
            let nested = depth > 0 && rng.random_bool(0.3);
            world.insert(
                v,
                match nested {
                    true => Setting::Potential(random_world(depth - 1, rng)),
                    false => Setting::Value(Value::Code(rng.random_range(0..card as u32))),
                },
            );
        }
    }
    world
}

fn random_question(rng: &mut ChaCha8Rng) -> Asked {
    let outcome = (0..rng.random_range(1..=2)).map(|_| (rng.random_range(0..4), random_world(1, rng))).collect();
    let mut evidence = vec![];
    for _ in 0..rng.random_range(0..=2) {
        let v: usize = rng.random_range(0..4);
        let world = if rng.random_bool(0.7) { World::new() } else { random_world(1, rng) };
        evidence.push((v, world, rng.random_range(0..CARDS[v] as u32)));
    }
    Asked { outcome, evidence, cut: None }
}

/// One individual: the level of the hidden cause and the part of each variable's own noise.
struct Individual<'a> {
    model: &'a Model,
    module: &'a TableModule,
    fit: &'a TableMember,
    level: usize,
    noise: [usize; 4],
}

impl Individual<'_> {
    fn value(&self, variable: VarId, world: &World) -> usize {
        match world.get(&variable) {
            Some(Setting::Value(Value::Code(code))) => return *code as usize,
            Some(Setting::Potential(other)) => return self.value(variable, other),
            _ => {}
        }
        let m = &self.module.mechanisms[variable];
        let parents = self.model.graph.parents(variable).iter();
        let mut cell = parents.fold(0, |cell, &p| cell * CARDS[p] + self.value(p, world));
        if !m.latents.is_empty() {
            cell = cell * LEVELS + self.level;
        }
        let row = &self.fit.tables[variable][cell * m.card..(cell + 1) * m.card];
        let mut left = (self.noise[variable] as f64 + 0.5) / PARTS as f64;
        row.iter()
            .position(|p| {
                left -= p;
                left < 0.0
            })
            .unwrap()
    }
}

/// `P(outcome, evidence)` by enumeration of all individuals.
fn enumerated(model: &Model, module: &TableModule, asked: &Asked) -> Vec<f64> {
    let cards = asked.cards(model);
    let mut table = vec![0.0; cards.iter().product()];
    for fit in &module.members {
        for cell in 0..LEVELS * PARTS.pow(4) {
            let (level, mut rest) = (cell % LEVELS, cell / LEVELS);
            let noise = [0; 4].map(|_: usize| {
                let part = rest % PARTS;
                rest /= PARTS;
                part
            });
            let one = Individual { model, module, fit, level, noise };
            if asked.evidence.iter().all(|(v, world, code)| one.value(*v, world) == *code as usize) {
                let places = asked.outcome.iter().zip(&cards);
                let at = places.fold(0, |at, ((v, world), card)| at * card + one.value(*v, world));
                table[at] += fit.priors[0][level] / (PARTS.pow(4) * module.members.len()) as f64;
            }
        }
    }
    table
}

fn worlds<'a>(model: &'a Model, modules: &'a [&'a Trained], twin: &'a Twin, method: Method) -> Worlds<'a> {
    Worlds { model, modules, twin, method, pictures: None, cut: None }
}

#[test]
fn sums_over_the_worlds_equal_enumeration_of_all_individuals() {
    let mut rng = seed::stream(3, "worlds");
    let (mut impossible, mut several) = (0, 0);
    for _ in 0..150 {
        let model = random_model(&mut rng);
        let members = rng.random_range(1..=2);
        let module = random_tables(&model, members, &mut rng);
        let trained = Trained::Tables(module.clone());
        for _ in 0..4 {
            let asked = random_question(&mut rng);
            let expected = enumerated(&model, &module, &asked);
            let total: f64 = expected.iter().sum();
            let found = exact::joint(&model, &[&trained], &asked).unwrap().unwrap();
            assert!((found.evidence - total).abs() < 1e-12, "{asked:?}: {} {total}", found.evidence);
            impossible += usize::from(total == 0.0);
            several += usize::from(asked.world().is_none());
            for (found, expected) in found.point.values.iter().zip(&expected) {
                let expected = if total > 0.0 { expected / total } else { 0.0 };
                assert!((found - expected).abs() < 1e-12, "{asked:?}: {found} {expected}");
            }
        }
    }
    assert!(impossible > 10 && several > 200, "{impossible} {several}");
}

#[test]
fn weighted_samples_and_rejection_agree_with_sums() {
    const ROWS: usize = 60_000;
    let mut rng = seed::stream(4, "weighted");
    let mut compared = 0;
    for _ in 0..25 {
        let model = random_model(&mut rng);
        let trained = Trained::Tables(random_tables(&model, 2, &mut rng));
        let modules = [&trained];
        let asked = random_question(&mut rng);
        let exact = exact::joint(&model, &modules, &asked).unwrap().unwrap();
        let Some(twin) = asked.twin(&model) else { continue };
        for method in [Method::Weighting, Method::Rejection] {
            let mut tally = Tally::default();
            worlds(&model, &modules, &twin, method).draw(&asked.cards(&model), ROWS, &mut rng, &mut tally).unwrap();
            assert!((tally.evidence() - exact.evidence).abs() < 0.012, "{method:?} {asked:?}");
            let Some(found) = tally.distribution() else {
                assert!(exact.evidence < 1e-3, "{asked:?}");
                continue;
            };
            compared += 1;
            // Five standard errors of a share of so many effective samples.
            let limit = 2.5 / tally.ess().sqrt() + 1e-9;
            let far = found.iter().zip(&exact.point.values).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(far < limit, "{method:?} {asked:?}: {found:?} {:?} ess {}", exact.point.values, tally.ess());
        }
    }
    assert!(compared > 30, "{compared}");
}

/// Random networks with a hidden cause of all four variables.
fn random_generators(model: &Model, rng: &mut ChaCha8Rng) -> GeneratorModule {
    let generator = |variable: usize| {
        let shape = GeneratorShape {
            variable,
            kind: Kind::Codes(CARDS[variable]),
            parents: model.graph.parents(variable).to_vec(),
            parent_kinds: model.graph.parents(variable).iter().map(|&p| Kind::Codes(CARDS[p])).collect(),
            latents: if model.latents[0].children.contains(&variable) { vec![0] } else { vec![] },
        };
        let mut made = Generator::random(shape, 2, &Widths { hidden: &[8], width: 1 }, rng).unwrap();
        if let GeneratorNetwork::Layers(layers) = &mut made.network {
            layers.output.weight.iter_mut().for_each(|w| *w *= 4.0);
        }
        made
    };
    GeneratorModule { noise: 2, latents: vec![0], generators: (0..4).map(generator).collect() }
}

#[test]
fn weighted_generators_agree_with_rejection() {
    const ROWS: usize = 60_000;
    let mut rng = seed::stream(5, "generators");
    let mut compared = 0;
    for _ in 0..12 {
        let model = random_model(&mut rng);
        let trained = Trained::Generators(random_generators(&model, &mut rng));
        let modules = [&trained];
        let asked = random_question(&mut rng);
        let Some(twin) = asked.twin(&model) else { continue };
        let [weighted, rejected] = [Method::Weighting, Method::Rejection].map(|method| {
            let mut tally = Tally::default();
            worlds(&model, &modules, &twin, method).draw(&asked.cards(&model), ROWS, &mut rng, &mut tally).unwrap();
            tally
        });
        assert!((weighted.evidence() - rejected.evidence()).abs() < 0.015, "{asked:?}");
        let (Some(a), Some(b)) = (weighted.distribution(), rejected.distribution()) else { continue };
        let limit = 2.5 * (1.0 / weighted.ess() + 1.0 / rejected.ess()).sqrt() + 1e-9;
        let far = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far < limit, "{asked:?}: {a:?} {b:?}");
        if !asked.evidence.is_empty() {
            compared += 1;
            assert!(weighted.ess() >= 0.8 * rejected.ess(), "{} {}", weighted.ess(), rejected.ess());
        }
    }
    assert!(compared > 4, "{compared}");
}

/// Evidence that rejection meets once in ten thousand rows.
#[test]
fn rare_evidence_leaves_many_effective_samples() {
    let names = ["A", "B", "C", "D", "E"];
    let mut model = Model::from_graph(&names, &[("A", "B"), ("A", "C"), ("A", "D"), ("A", "E")], &[]);
    model.variables.values_mut().for_each(|v| v.domain = Some(Domain::Binary));
    let modules: Vec<Trained> = (0..5)
        .map(|variable| {
            let parents = model.graph.parents(variable).to_vec();
            let tables = vec![if parents.is_empty() { vec![0.5, 0.5] } else { vec![0.92, 0.08, 0.88, 0.12] }];
            let mechanism =
                TableMechanism { variable, card: 2, parent_cards: vec![2; parents.len()], parents, latents: vec![] };
            let members = vec![TableMember { priors: vec![], tables }];
            Trained::Tables(TableModule { latents: vec![], mechanisms: vec![mechanism], members, replicates: vec![] })
        })
        .collect();
    let modules: Vec<&Trained> = modules.iter().collect();
    let asked = Asked::in_one_world(&[0], &[], &[(1, 1), (2, 1), (3, 1), (4, 1)]);
    let exact = exact::joint(&model, &modules, &asked).unwrap().unwrap();
    assert!(exact.evidence < 1.3e-4);
    let twin = asked.twin(&model).unwrap();
    let draw = |method| {
        let mut tally = Tally::default();
        worlds(&model, &modules, &twin, method).draw(&[2], 20_000, &mut seed::stream(1, "rare"), &mut tally).unwrap();
        tally
    };
    let weighted = draw(Method::Weighting);
    assert!(weighted.ess() > 1_000.0 && draw(Method::Rejection).ess() < 20.0, "{}", weighted.ess());
    assert!((weighted.evidence() / exact.evidence - 1.0).abs() < 0.05);
    assert!((weighted.distribution().unwrap()[1] - exact.point.values[1]).abs() < 0.02);
}

#[test]
fn fewer_samples_where_images_are_drawn_and_untrained_causes_are_named() {
    let mut model = Model::from_graph(&["D", "I", "A"], &[("D", "I"), ("I", "A")], &[]);
    model.variables.values_mut().for_each(|v| v.domain = Some(crate::model::Domain::Binary));
    model.variables[1].domain = Some(crate::model::Domain::Image([1, 8, 8]));
    let mut runtime = Runtime {
        model: &model,
        modules: vec![],
        refits: vec![],
        truth: None,
        seed: 1,
        samples: None,
        pictures: Pictures::default(),
    };
    let rows = |runtime: &Runtime, wanted, set: &[VarId]| runtime.draw(&[wanted], set).rows;
    assert_eq!(rows(&runtime, 2, &[]), IMAGE_SAMPLES);
    assert_eq!(rows(&runtime, 0, &[]), SAMPLES);
    runtime.samples = Some(7);
    assert_eq!(rows(&runtime, 2, &[]), 7);
    let found = runtime.distribution(&Asked::in_one_world(&[2], &[(0, 1)], &[]), "q", true);
    assert!(matches!(found, Err(QueryError::Untrained(name)) if name == "I"));
    let table = crate::data::Table { rows: 1, columns: vec![Some(vec![0]), None, None], ..Default::default() };
    assert!(fit(&runtime, &[table]).unwrap().is_empty());
}

#[test]
fn wilson_agrees_with_a_published_value() {
    // 10 of 100 at 95 % is (0.0552, 0.1744) (Newcombe 1998); at 90 % it is narrower and holds 0.1.
    let (low, high) = wilson(0.1, 100.0);
    assert!(low > 0.0552 && low < 0.1 && high < 0.1744 && high > 0.1);
    let z: f64 = 1.96;
    let centre = (0.1 + z * z / 200.0) / (1.0 + z * z / 100.0);
    assert!((centre - 0.1148).abs() < 1e-3);
}

#[test]
fn replicates_of_fewer_rows_are_brought_nearer() {
    let mut replicates = vec![vec![1.0, 5.0], vec![3.0, 5.0]];
    super::narrow(&mut replicates, 0.25);
    assert_eq!(replicates, [[1.5, 5.0], [2.5, 5.0]]);
    super::narrow(&mut [], 0.5);
}
