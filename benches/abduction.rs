//! Rare evidence: weighted samples against rejection, on tables and on generators; and where both leave few, particles.
//!
//! `cargo bench --bench abduction` prints for each number of observed children of one cause the probability of the evidence,
//! and for both methods the seconds until the effective sample size is 1,000 (or until ten million rows are drawn), with
//! the largest error against the exact sum where there is one. The second table holds evidence that follows from rare hidden
//! causes, by tables, and numbers that are far out, through generators, where the error is that of a mean in the closed form's
//! standard deviations.

use dcmc::model::{Domain, Model};
use dcmc::nets::generator::{Dense, Generator, GeneratorModule, GeneratorNetwork, GeneratorShape, Kind, Layers};
use dcmc::nets::real::Scale;
use dcmc::nets::table::{TableLatent, TableMechanism, TableMember, TableModule};
use dcmc::query::{Asked, Method, Tally, Worlds, exact};
use dcmc::seed;
use dcmc::train::Trained;
use std::time::Instant;

/// `P(child = 1)` for each value of the cause.
const RATES: [f64; 2] = [0.08, 0.12];
const ENOUGH: f64 = 1_000.0;
const BATCH: usize = 50_000;
const MOST: usize = 10_000_000;

/// A cause and its children, all binary.
fn model(children: usize) -> Model {
    let names: Vec<String> = (0..=children).map(|v| format!("V{v}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let edges: Vec<(&str, &str)> = names[1..].iter().map(|&child| (names[0], child)).collect();
    let mut model = Model::from_graph(&names, &edges, &[]);
    model.variables.values_mut().for_each(|v| v.domain = Some(Domain::Binary));
    model
}

fn table(model: &Model, variable: usize) -> Trained {
    let parents = model.graph.parents(variable).to_vec();
    let rows = if parents.is_empty() { vec![0.5] } else { RATES.to_vec() };
    let tables = vec![rows.into_iter().flat_map(|p| [1.0 - p, p]).collect()];
    let mechanism =
        TableMechanism { variable, card: 2, parent_cards: vec![2; parents.len()], parents, latents: vec![] };
    let members = vec![TableMember { priors: vec![], tables }];
    Trained::Tables(TableModule { latents: vec![], mechanisms: vec![mechanism], members, replicates: vec![] })
}

/// A network that says the same: one linear layer from noise (which it ignores) and the cause's code to logits.
fn generator(model: &Model, variable: usize) -> Trained {
    let parents = model.graph.parents(variable).to_vec();
    let (inputs, parent_kinds) = (1 + 2 * parents.len(), vec![Kind::Codes(2); parents.len()]);
    let mut output = Dense { inputs, outputs: 2, weight: vec![0.0; 2 * inputs], bias: vec![0.0; 2] };
    if !parents.is_empty() {
        for (value, p) in RATES.into_iter().enumerate() {
            output.weight[2 * (1 + value)..2 * (2 + value)].copy_from_slice(&[(1.0 - p).ln() as f32, p.ln() as f32]);
        }
    }
    let shape = GeneratorShape { variable, kind: Kind::Codes(2), parents, parent_kinds, latents: vec![] };
    let network = GeneratorNetwork::Layers(Layers { blocks: vec![], output });
    Trained::Generators(GeneratorModule { noise: 1, latents: vec![], generators: vec![Generator { shape, network }] })
}

fn measure(model: &Model, modules: &[&Trained], asked: &Asked, method: Method) -> (Tally, f64) {
    let twin = asked.twin(model).expect("sound evidence");
    let worlds = Worlds { model, modules, twin: &twin, method, pictures: None, cut: None };
    let (mut tally, mut rng) = (Tally::default(), seed::stream(1, "abduction"));
    let start = Instant::now();
    while tally.ess() < ENOUGH && tally.rows < MOST {
        worlds.draw(&[2], BATCH, &mut rng, &mut tally).expect("samples");
    }
    (tally, start.elapsed().as_secs_f64())
}

/// `A -> B` with a hidden cause of both: where it has its rare value, `B` is almost always 1, else almost never; `A`
/// follows it loosely.
fn rare(p: f64) -> (Model, Trained) {
    let mut model = Model::from_graph(&["A", "B"], &[("A", "B")], &[("A", "B")]);
    model.variables.values_mut().for_each(|v| v.domain = Some(Domain::Binary));
    let mechanism = |variable, parents: Vec<usize>| TableMechanism {
        variable,
        card: 2,
        parent_cards: vec![2; parents.len()],
        parents,
        latents: vec![0],
    };
    let row = |p: f64| [1.0 - p, p];
    let tables = vec![[row(0.3), row(0.6)].concat(), [row(p * 1e-3), row(0.9), row(p * 3e-3), row(0.99)].concat()];
    let members = vec![TableMember { priors: vec![row(p).to_vec()], tables }];
    let latents = vec![TableLatent { latent: 0, levels: 2 }];
    let mechanisms = vec![mechanism(0, vec![]), mechanism(1, vec![0])];
    (model, Trained::Tables(TableModule { latents, mechanisms, members, replicates: vec![] }))
}

const STANDARD: Scale = Scale { low: None, high: None, margin: 1e-4, centre: 0.0, spread: 1.0 };
/// The variance of a known number of a generator, and of the chain's end with it.
const KERNEL: f64 = 0.01;
const VARIANCE: f64 = 2.25 + KERNEL;

/// `A -> B -> C`, each the one before plus normal noise of variances 1, 1 and 1/4.
fn chain() -> (Model, Vec<Trained>) {
    let mut model = Model::from_graph(&["A", "B", "C"], &[("A", "B"), ("B", "C")], &[]);
    model.variables.values_mut().for_each(|v| v.domain = Some(Domain::REAL));
    let linear = |(variable, &deviation): (usize, &f32)| {
        let parents: Vec<usize> = variable.checked_sub(1).into_iter().collect();
        let inputs = 1 + parents.len();
        let weight = [deviation, 1.0][..inputs].to_vec();
        let output = Dense { inputs, outputs: 1, weight, bias: vec![0.0] };
        let parent_kinds = vec![Kind::Real(STANDARD); parents.len()];
        let shape = GeneratorShape { variable, kind: Kind::Real(STANDARD), parents, parent_kinds, latents: vec![] };
        let network = GeneratorNetwork::Layers(Layers { blocks: vec![], output });
        Trained::Generators(GeneratorModule {
            noise: 1,
            latents: vec![],
            generators: vec![Generator { shape, network }],
        })
    };
    (model, [1.0, 1.0, 0.5].iter().enumerate().map(linear).collect())
}

/// Prints what each method makes of a question, `error` says how far a mean (or a probability) is off.
fn compare(kind: &str, model: &Model, modules: &[&Trained], asked: &Asked, evidence: f64, error: &dyn Fn(f64) -> f64) {
    let twin = asked.twin(model).expect("sound evidence");
    let cards = [model.card(0).unwrap_or(1)];
    let worlds = |method| Worlds { model, modules, twin: &twin, method, pictures: None, cut: None };
    let line = |method: &str, rows: usize, ess: f64, seconds: f64, error: f64, found: f64| {
        println!(
            "| {kind} | {evidence:.1e} | {method} | {rows} | {ess:.0} | {seconds:.2} | {error:.4} | {found:.1e} |"
        );
    };
    for method in [Method::Rejection, Method::Weighting] {
        let (mut tally, mut rng) = (Tally::default(), seed::stream(1, "abduction"));
        let start = Instant::now();
        while tally.ess() < ENOUGH && tally.rows < MOST {
            worlds(method).draw(&cards, BATCH, &mut rng, &mut tally).expect("samples");
        }
        let mean = tally.moments().filter(|_| cards == [1]).map(|m| m[0]);
        let mean = mean.or(tally.distribution().map(|d| d[cards[0] - 1])).unwrap_or(f64::NAN);
        let seconds = start.elapsed().as_secs_f64();
        line(&format!("{method:?}"), tally.rows, tally.ess(), seconds, error(mean), tally.evidence());
    }
    let start = Instant::now();
    let found = worlds(Method::Weighting).refine(&cards, &mut seed::stream(1, "abduction")).expect("particles");
    let seconds = start.elapsed().as_secs_f64();
    match found {
        Some(found) => {
            let mean = if cards == [1] { found.means[0] } else { found.means[1] };
            line("Particles", found.rows, found.ess, seconds, error(mean), found.evidence);
        }
        None => line("Particles", 0, 0.0, seconds, f64::NAN, f64::NAN),
    }
}

fn far_out() {
    println!("\n| evidence | P(evidence) | method | rows | ESS | seconds | error | P(evidence) found |");
    println!("|---|---|---|---|---|---|---|---|");
    for p in [1e-3, 1e-4, 1e-5] {
        let (model, tables) = rare(p);
        let asked = Asked::in_one_world(&[0], &[], &[(1, 1)]);
        let exact = exact::joint(&model, &[&tables], &asked).expect("small tables").expect("tables");
        let error = |found: f64| (found - exact.point.values[1]).abs();
        compare(&format!("a hidden cause of {p:.0e}"), &model, &[&tables], &asked, exact.evidence, &error);
    }
    let (model, modules) = chain();
    let modules: Vec<&Trained> = modules.iter().collect();
    for deviations in [3.0, 4.0, 5.0, 6.0] {
        let far = deviations * VARIANCE.sqrt();
        let asked = Asked::in_one_world(&[0], &[], &[(2, (far as f32).to_bits())]);
        let density = (-0.5 * deviations * deviations).exp() / (VARIANCE * 2.0 * std::f64::consts::PI).sqrt();
        let error = |found: f64| (found - far / VARIANCE).abs() / (1.0 - 1.0 / VARIANCE).sqrt();
        compare(&format!("{deviations} deviations out"), &model, &modules, &asked, density, &error);
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "far") {
        return far_out();
    }
    println!("| mechanisms | evidence | P(evidence) | method | rows | ESS | seconds | error |");
    println!("|---|---|---|---|---|---|---|---|");
    for children in 1..=4 {
        let model = model(children);
        let evidence: Vec<(usize, u32)> = (1..=children).map(|v| (v, 1)).collect();
        let asked = Asked::in_one_world(&[0], &[], &evidence);
        let tables: Vec<Trained> = (0..=children).map(|v| table(&model, v)).collect();
        let networks: Vec<Trained> = (0..=children).map(|v| generator(&model, v)).collect();
        let exact = exact::joint(&model, &tables.iter().collect::<Vec<_>>(), &asked);
        let exact = exact.expect("small tables").expect("tables");
        for (kind, modules) in [("tables", &tables), ("generators", &networks)] {
            let modules: Vec<&Trained> = modules.iter().collect();
            for method in [Method::Weighting, Method::Rejection] {
                let (tally, seconds) = measure(&model, &modules, &asked, method);
                let error = tally.distribution().map_or(f64::NAN, |d| (d[1] - exact.point.values[1]).abs());
                println!(
                    "| {kind} | {children} | {:.1e} | {method:?} | {} | {:.0} | {seconds:.2} | {error:.4} |",
                    exact.evidence,
                    tally.rows,
                    tally.ess()
                );
            }
        }
    }
    far_out();
}
