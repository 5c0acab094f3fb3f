//! Rare evidence: weighted samples against rejection, on tables and on generators.
//!
//! `cargo bench --bench abduction` prints for each number of observed children of one cause the probability of the evidence,
//! and for both methods the seconds until the effective sample size is 1,000 (or until ten million rows are drawn), with
//! the largest error against the exact sum where there is one.

use dcmc::model::{Domain, Model};
use dcmc::nets::generator::{Dense, Generator, GeneratorModule, GeneratorNetwork, GeneratorShape, Kind, Layers};
use dcmc::nets::table::{TableMechanism, TableMember, TableModule};
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
    let worlds = Worlds { model, modules, twin: &twin, method };
    let (mut tally, mut rng) = (Tally::default(), seed::stream(1, "abduction"));
    let start = Instant::now();
    while tally.ess() < ENOUGH && tally.rows < MOST {
        worlds.draw(&[2], BATCH, &mut rng, &mut tally).expect("samples");
    }
    (tally, start.elapsed().as_secs_f64())
}

fn main() {
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
}
