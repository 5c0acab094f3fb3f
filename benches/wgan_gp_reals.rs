//! How real variables come out of adversarial training: drawn numbers beside the distributions that the rows came from.
//!
//! `cargo bench --bench wgan_gp_reals [-- CASE…] [SEED…] [KEY=VALUE…]`: for each case the largest difference of the
//! distribution functions (Kolmogorov), the mean and the standard deviation with the exact ones beside them.

use dcmc::causal::Admg;
use dcmc::data::Table;
use dcmc::model::{Domain, Engine, Model, Overrides, Variable};
use dcmc::nets::Sampler;
use dcmc::nets::column::Column;
use dcmc::nets::generator::GeneratorModule;
use dcmc::plan::{Module, Task};
use dcmc::seed::stream;
use dcmc::train::{Metric, Observer, Trained, wgan_gp};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::collections::BTreeMap;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Draws of a variable given its parents.
type Draw = fn(&[f64], &mut ChaCha8Rng) -> f64;

/// A variable and its parents, all in one module of its own.
struct Case {
    name: &'static str,
    /// Draws of the parents: real ones, or binary.
    parents: Vec<(bool, Draw)>,
    draw: Draw,
    /// Values of the parents at which draws are compared.
    at: Vec<Vec<f64>>,
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

fn cases() -> Vec<Case> {
    let coin: Draw = |_, rng| f64::from(u8::from(rng.random::<f64>() < 0.5));
    let cause: Draw = |_, rng| 10.0 + 2.0 * normal(rng);
    let case = |name, parents: Vec<(bool, Draw)>, draw, at| Case { name, parents, draw, at };
    vec![
        case("normal", vec![], cause, vec![vec![]]),
        case("skewed", vec![], |_, rng| (0.75 * normal(rng)).exp(), vec![vec![]]),
        case(
            "bimodal",
            vec![],
            |_, rng| if rng.random::<f64>() < 0.4 { -2.0 + 0.5 * normal(rng) } else { 2.0 + 0.7 * normal(rng) },
            vec![vec![]],
        ),
        case(
            "child",
            vec![(false, coin), (true, cause)],
            |p, rng| 1.5 * p[0] + 0.8 * p[1] + normal(rng),
            vec![vec![0.0, 7.0], vec![0.0, 10.0], vec![1.0, 10.0], vec![1.0, 13.0]],
        ),
        case(
            "spread",
            vec![(false, coin), (true, cause)],
            |p, rng| p[1] + (0.5 + p[0]) * normal(rng),
            vec![vec![0.0, 10.0], vec![1.0, 10.0], vec![1.0, 7.0]],
        ),
    ]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let mut seeds: Vec<u64> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    if seeds.is_empty() {
        seeds = vec![1, 2, 3];
    }
    let mut settings = Overrides::default();
    let mut rows = 5000;
    for (key, value) in arguments.iter().filter_map(|a| a.split_once('=')) {
        let whole = value.parse().ok();
        match key {
            "rows" => rows = whole.unwrap_or(rows),
            "steps" => settings.steps = whole,
            "batch" => settings.batch = whole,
            "noise" => settings.noise = whole,
            "critic_steps" => settings.critic_steps = whole,
            "lr" => settings.lr = value.parse().ok(),
            "lambda" => settings.lambda = value.parse().ok(),
            "hidden" => settings.hidden = Some(vec![whole.unwrap_or(256); 2]),
            _ => eprintln!("no setting {key}"),
        }
    }
    let named: Vec<&String> = arguments.iter().filter(|a| a.parse::<u64>().is_err() && !a.contains('=')).collect();
    for case in cases().iter().filter(|case| named.is_empty() || named.iter().any(|n| *n == case.name)) {
        for &seed in &seeds {
            run(case, rows, &settings, seed);
        }
    }
}

struct Quiet;

impl Observer for Quiet {
    fn metric(&self, metric: &Metric) {
        if std::env::var_os("VERBOSE").is_some() && (metric.tv.is_some() || metric.step.is_multiple_of(1000)) {
            println!("  {:6} loss {:8.4} tv {:?}", metric.step, metric.loss, metric.tv);
        }
    }
}

fn run(case: &Case, rows: usize, settings: &Overrides, seed: u64) {
    let child = case.parents.len();
    let mut rng = stream(seed, "rows");
    let mut columns: Vec<Option<Vec<u32>>> = vec![None; child + 1];
    let mut reals: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    for _ in 0..rows {
        let mut values: Vec<f64> = vec![];
        for (v, &(real, draw)) in case.parents.iter().chain([&(true, case.draw)]).enumerate() {
            let value = draw(&values, &mut rng);
            values.push(value);
            match real {
                true => reals.entry(v).or_default().push(value as f32),
                false => columns[v].get_or_insert_default().push(value as u32),
            }
        }
    }
    let table = Table { name: "obs".to_owned(), rows, columns, reals, ..Table::default() };
    let names: Vec<String> = (0..=child).map(|v| format!("V{v}")).collect();
    let domain = |real| Some(if real { Domain::REAL } else { Domain::Binary });
    let reals = case.parents.iter().map(|p| p.0).chain([true]);
    let edges: Vec<(usize, usize)> = (0..child).map(|p| (p, child)).collect();
    let model = Model {
        variables: (names.iter().cloned())
            .zip(reals.map(|real| Variable { domain: domain(real), ..Variable::default() }))
            .collect(),
        graph: Admg::with_edges(child + 1, &edges, &[]),
        ..Model::default()
    };
    let own = vec![names[child].clone()];
    let module = Module {
        id: "H1".to_owned(),
        variables: own.clone(),
        c_components: vec![own.clone()],
        tasks: vec![Task {
            data: "obs".to_owned(),
            interventions: vec![],
            ancestors: vec![],
            conditions: names[..child].to_vec(),
            teaches: own,
        }],
        after: vec![],
        engine: Engine::WganGp,
    };
    let start = Instant::now();
    let tables = [table];
    let trained = wgan_gp::train(&model, &module, &wgan_gp::Inputs::new(&tables, &[]), settings, seed, &Quiet);
    let Trained::Generators(trained) = trained.expect("training succeeds") else { panic!("generators") };
    println!("{} seed {seed} ({:.1} s)", case.name, start.elapsed().as_secs_f64());
    for at in &case.at {
        let mut exact: Vec<f64> = (0..20_000).map(|_| (case.draw)(at, &mut rng)).collect();
        let mut drawn = drawn(case, &trained, at, seed);
        let (distance, [mean, spread], [exact_mean, exact_spread]) =
            (kolmogorov(&mut drawn, &mut exact), moments(&drawn), moments(&exact));
        println!(
            "  {at:?}: Kolmogorov {distance:.3}; mean {mean:.3} ({exact_mean:.3}), deviation {spread:.3} ({exact_spread:.3})"
        );
    }
}

fn drawn(case: &Case, module: &GeneratorModule, at: &[f64], seed: u64) -> Vec<f64> {
    const ROWS: usize = 20_000;
    let mut rng = stream(seed, "sample");
    let column = |(&(real, _), &value): (&(bool, Draw), &f64)| match real {
        true => Column::Reals(vec![value as f32; ROWS]),
        false => Column::Codes(vec![value as u32; ROWS]),
    };
    let parents: Vec<Column> = case.parents.iter().zip(at).map(column).collect();
    let parents: Vec<&Column> = parents.iter().collect();
    let hidden = module.hidden(ROWS, &mut rng);
    let drawn = module.sample(case.parents.len(), &parents, &hidden, &mut rng).expect("samples");
    drawn.reals().expect("numbers").iter().map(|&x| f64::from(x)).collect()
}

fn moments(numbers: &[f64]) -> [f64; 2] {
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    [mean, (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64).sqrt()]
}

/// The largest difference of two empirical distribution functions of as many numbers.
fn kolmogorov(a: &mut [f64], b: &mut [f64]) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (mut at, mut largest) = (0, 0.0f64);
    for (below, x) in a.iter().enumerate() {
        while at < b.len() && b[at] <= *x {
            at += 1;
        }
        largest = largest.max((below as f64 + 0.5 - at as f64).abs() / a.len() as f64);
    }
    largest
}
