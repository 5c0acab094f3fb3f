//! How long the likelihood engine takes on c-components of the size of the examples', and how far its
//! answers are from the truth.
//!
//! `cargo bench --bench table_fit`. Every hidden cause has four values with probabilities from
//! Dirichlet(1); the tables are drawn from Dirichlet(.3); rows are drawn from them. The error is the
//! total variation distance of `P(last variable | do(first variable))`, the largest over its values.

use dcmc::causal::Admg;
use dcmc::data::Table;
use dcmc::model::{Domain, Engine, Latent, Model, Overrides, VarId, Variable};
use dcmc::nets::Sampler;
use dcmc::nets::table::{TableLatent, TableMechanism, TableMember, TableModule};
use dcmc::plan::{Module, Task};
use dcmc::query::{Asked, exact};
use dcmc::seed;
use dcmc::train::likelihood::train;
use dcmc::train::{Metric, Observer, Trained};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};
use std::time::Instant;

/// One c-component; its variables but those in `outside`, which are roots.
struct Case {
    name: &'static str,
    cards: &'static [usize],
    directed: &'static [(usize, usize)],
    hidden: &'static [&'static [usize]],
    outside: &'static [usize],
    /// Besides the observational data: `do(variable = value)`.
    regimes: &'static [(usize, u32)],
    rows: usize,
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "digits: X1, X2, W, Color", cards: &[2, 9, 10, 3], directed: &[(0, 1), (2, 3)], hidden: &[&[0, 1], &[1, 3]], outside: &[2], regimes: &[(0, 0), (0, 1)], rows: 66_000 },
    Case { name: "seven variables", cards: &[2, 3, 10, 2, 5, 4, 2], directed: &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)], hidden: &[&[0, 2], &[2, 4], &[4, 6], &[1, 3], &[3, 5, 6]], outside: &[], regimes: &[], rows: 200_000 },
    Case { name: "twelve in a chain", cards: &[2; 12], directed: &[(0, 11)], hidden: &[&[0, 1], &[1, 2], &[2, 3], &[3, 4], &[4, 5], &[5, 6], &[6, 7], &[7, 8], &[8, 9], &[9, 10], &[10, 11]], outside: &[], regimes: &[(0, 1), (0, 0)], rows: 20_000 },
    Case { name: "front-door, 10 x 4 x 10", cards: &[10, 4, 10], directed: &[(0, 1), (1, 2)], hidden: &[&[0, 2]], outside: &[1], regimes: &[], rows: 50_000 },
];

const LEVELS: usize = 4;

struct Quiet;

impl Observer for Quiet {
    fn metric(&self, _: &Metric) {}
    fn warning(&self, module: &str, message: &str) {
        println!("  {module}: {message}");
    }
}

fn main() {
    println!("{:<28} {:>8} {:>8} {:>8}", "", "seconds", "levels", "error");
    for case in CASES {
        run(case);
    }
}

fn run(case: &Case) {
    let model = model(case);
    let mut rng = seed::stream(5, case.name);
    let truth = random_module(&model, &mut rng);
    let data: Vec<Table> = [None]
        .into_iter()
        .chain(case.regimes.iter().copied().map(Some))
        .map(|r| sample(case, &truth, r, &mut rng))
        .collect();
    let (inside, outside): (Vec<VarId>, Vec<VarId>) = (0..case.cards.len()).partition(|v| !case.outside.contains(v));
    let start = Instant::now();
    let mut trained = vec![fit(&model, &inside, &data)];
    let seconds = start.elapsed().as_secs_f64();
    trained.extend(outside.iter().map(|&v| fit(&model, &[v], &data)));
    let (truth, trained): (Vec<&Trained>, Vec<&Trained>) = (vec![&truth], trained.iter().collect());
    let last = case.cards.len() - 1;
    let error = (0..case.cards[0] as u32)
        .map(|value| {
            let ask = |modules: &[&Trained]| {
                let asked = Asked::in_one_world(&[last], &[(0, value)], &[]);
                exact::joint(&model, modules, &asked).expect("small tables").expect("tables").point
            };
            let (a, b) = (ask(&truth), ask(&trained));
            a.values.iter().zip(&b.values).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
        })
        .fold(0.0, f64::max);
    let Trained::Tables(tables) = trained[0] else { panic!("tables were trained") };
    println!("{:<28} {seconds:>8.2} {:>8} {error:>8.4}", case.name, tables.latents[0].levels);
}

fn model(case: &Case) -> Model {
    let variable = |(v, &k): (usize, &usize)| {
        (format!("V{v}"), Variable { domain: Some(Domain::Categorical(k)), ..Variable::default() })
    };
    let latent = |l: &&[usize]| Latent { name: None, children: l.to_vec(), span: Default::default() };
    let pairs: Vec<(usize, usize)> = case
        .hidden
        .iter()
        .flat_map(|l| l.iter().flat_map(|&a| l.iter().map(move |&b| (a, b))))
        .filter(|p| p.0 < p.1)
        .collect();
    Model {
        variables: case.cards.iter().enumerate().map(variable).collect(),
        graph: Admg::with_edges(case.cards.len(), case.directed, &pairs),
        latents: case.hidden.iter().map(latent).collect(),
        ..Model::default()
    }
}

/// All variables in one module with random tables.
fn random_module(model: &Model, rng: &mut ChaCha8Rng) -> Trained {
    let card = |v: VarId| model.variables[v].domain.as_ref().and_then(Domain::cardinality).unwrap_or(1);
    let mechanisms: Vec<TableMechanism> = (0..model.graph.len())
        .map(|variable| TableMechanism {
            variable,
            card: card(variable),
            parents: model.graph.parents(variable).to_vec(),
            parent_cards: model.graph.parents(variable).iter().map(|&p| card(p)).collect(),
            latents: (0..model.latents.len()).filter(|&l| model.latents[l].children.contains(&variable)).collect(),
        })
        .collect();
    let priors = model.latents.iter().map(|_| dirichlet(1.0, LEVELS, rng)).collect();
    let mut table = |m: &TableMechanism| {
        let rows = m.rows() * LEVELS.pow(m.latents.len() as u32);
        (0..rows).flat_map(|_| dirichlet(0.3, m.card, rng)).collect()
    };
    let tables = mechanisms.iter().map(&mut table).collect();
    Trained::Tables(TableModule {
        latents: (0..model.latents.len()).map(|latent| TableLatent { latent, levels: LEVELS }).collect(),
        mechanisms,
        members: vec![TableMember { priors, tables }],
        replicates: vec![],
    })
}

fn dirichlet(concentration: f64, values: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let gamma = Gamma::new(concentration, 1.0).expect("a positive shape");
    let draws: Vec<f64> = (0..values).map(|_| gamma.sample(rng).max(1e-300)).collect();
    let total: f64 = draws.iter().sum();
    draws.into_iter().map(|d| d / total).collect()
}

fn sample(case: &Case, truth: &Trained, regime: Option<(usize, u32)>, rng: &mut ChaCha8Rng) -> Table {
    let Trained::Tables(truth) = truth else { panic!("the truth is a table") };
    let hidden = truth.hidden(case.rows, rng);
    let mut columns: Vec<Vec<u32>> = vec![];
    // The variables are numbered in a topological order.
    for m in &truth.mechanisms {
        let parents: Vec<&[u32]> = m.parents.iter().map(|&p| columns[p].as_slice()).collect();
        columns.push(match regime {
            Some((v, value)) if v == m.variable => vec![value; case.rows],
            _ => truth.codes(m.variable, &parents, &hidden, rng).expect("codes of the domains"),
        });
    }
    let name = regime.map_or("obs".into(), |(v, value)| format!("do({v}={value})"));
    Table { name, rows: case.rows, columns: columns.into_iter().map(Some).collect(), weights: None, ..Table::default() }
}

fn fit(model: &Model, variables: &[VarId], data: &[Table]) -> Trained {
    let name = |v: VarId| format!("V{v}");
    let task = |table: &Table| {
        let set: Vec<VarId> =
            variables.iter().copied().filter(|&v| table.name.starts_with(&format!("do({v}="))).collect();
        Task {
            data: table.name.clone(),
            interventions: set.iter().map(|&v| name(v)).collect(),
            ancestors: vec![],
            conditions: vec![],
            teaches: variables.iter().filter(|v| !set.contains(v)).map(|&v| name(v)).collect(),
        }
    };
    let module = Module {
        id: format!("H{}", variables[0]),
        variables: variables.iter().map(|&v| name(v)).collect(),
        c_components: vec![],
        tasks: data.iter().map(task).collect(),
        after: vec![],
        engine: Engine::Likelihood,
    };
    train(model, &module, data, &Overrides::default(), 1, &Quiet).expect("training")
}
