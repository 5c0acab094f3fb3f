//! Random SCMs over small published graphs with hidden causes: the error of `P(y | do(x))` and the
//! coverage of its 90 % intervals.
//!
//! `cargo bench --bench random_scm` (add `-- --quick` for fewer data sets, `-- --sets 60` for more). Every hidden cause has ten
//! values with probabilities from Dirichlet(1); the observed variables are binary with conditional
//! tables from Dirichlet(.5). Compared are the likelihood engine, a plain EM (ten restarts, the best
//! kept, nothing averaged) and conditioning, P(y | x).

use dcmc::causal::Admg;
use dcmc::data::Table;
use dcmc::model::{Domain, Engine, Latent, Model, Overrides, VarId, Variable};
use dcmc::nets::table::{TableLatent, TableMechanism, TableMember, TableModule};
use dcmc::plan::{Module, Task};
use dcmc::query::{Asked, exact};
use dcmc::seed;
use dcmc::train::likelihood::{Recipe, train_tables};
use dcmc::train::{Metric, Observer, Trained};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};
use std::time::Instant;

/// A graph over binary variables and a query that it identifies.
struct Case {
    name: &'static str,
    variables: &'static [&'static str],
    directed: &'static [(usize, usize)],
    hidden: &'static [(usize, usize)],
    cause: VarId,
    effect: VarId,
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "front-door", variables: &["X", "M", "Y"], directed: &[(0, 1), (1, 2)], hidden: &[(0, 2)], cause: 0, effect: 2 },
    Case { name: "back-door", variables: &["Z", "X", "Y"], directed: &[(0, 1), (0, 2), (1, 2)], hidden: &[(0, 1)], cause: 1, effect: 2 },
    Case { name: "napkin", variables: &["W", "Z", "X", "Y"], directed: &[(0, 1), (1, 2), (2, 3)], hidden: &[(0, 2), (0, 3)], cause: 2, effect: 3 },
    Case { name: "figure 2", variables: &["X1", "X2", "Z1", "Z2", "Z3"], directed: &[(0, 2), (4, 2), (2, 3), (2, 1)], hidden: &[(0, 1), (2, 3), (2, 4)], cause: 0, effect: 1 },
    Case { name: "m", variables: &["X", "Z", "Y"], directed: &[(0, 2)], hidden: &[(0, 1), (1, 2)], cause: 0, effect: 2 },
    Case { name: "two mediators", variables: &["X", "M", "N", "Y"], directed: &[(0, 1), (1, 2), (2, 3)], hidden: &[(0, 3)], cause: 0, effect: 3 },
    Case { name: "lung-dysp", variables: &["S", "L", "B", "E", "D"], directed: &[(0, 1), (0, 2), (1, 3), (3, 4), (2, 4)], hidden: &[(1, 4)], cause: 1, effect: 4 },
    Case { name: "verma", variables: &["A", "B", "C", "D"], directed: &[(0, 1), (1, 2), (2, 3)], hidden: &[(1, 3)], cause: 2, effect: 3 },
];

const LEVELS: usize = 10;

struct Quiet;

impl Observer for Quiet {
    fn metric(&self, _: &Metric) {}
}

/// Sums over the data sets of a graph.
#[derive(Clone, Copy, Default)]
struct Score {
    sets: f64,
    ours: f64,
    plain: f64,
    conditioning: f64,
    covered: f64,
    width: f64,
    seconds: f64,
}

impl Score {
    fn add(&mut self, other: &Self) {
        self.sets += other.sets;
        self.ours += other.ours;
        self.plain += other.plain;
        self.conditioning += other.conditioning;
        self.covered += other.covered;
        self.width += other.width;
        self.seconds += other.seconds;
    }

    fn print(&self, name: &str) {
        let per = |x: f64| x / self.sets;
        println!(
            "{name:<14} {:>8.4} {:>8.4} {:>8.4} {:>9.1}% {:>8.4} {:>8.2}",
            per(self.ours),
            per(self.plain),
            per(self.conditioning),
            100.0 * per(self.covered),
            per(self.width),
            per(self.seconds)
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let asked = arguments.iter().position(|a| a == "--sets").and_then(|at| arguments.get(at + 1)?.parse().ok());
    let sets = asked.unwrap_or(if arguments.iter().any(|a| a == "--quick") { 4 } else { 20 });
    for rows in [1_000, 10_000] {
        println!("{rows} rows, {sets} data sets per graph: mean |error| of P(y | do(x))");
        println!("graph              ours    plain     cond  coverage    width  seconds");
        let mut total = Score::default();
        for case in CASES {
            let mut score = Score::default();
            (0..sets).for_each(|set| score.add(&run(case, rows, set)));
            score.print(case.name);
            total.add(&score);
        }
        total.print("all");
    }
}

fn run(case: &Case, rows: usize, set: usize) -> Score {
    let name = format!("{}/{set}", case.name);
    let model = model(case);
    let truth: Vec<Trained> = random_scm(&model, &mut seed::stream(7, &name));
    let table = sample(&model, &truth, rows, &mut seed::stream(11, &name));
    let start = Instant::now();
    let ours = fit(&model, &table, &Recipe::new(&Overrides::default()), set as u64);
    let seconds = start.elapsed().as_secs_f64();
    let plain = fit(&model, &table, &Recipe::plain(LEVELS, 10), set as u64);
    let mut score = Score { sets: 1.0, seconds, ..Score::default() };
    for value in [0, 1] {
        let ask = |modules: &[Trained]| {
            let modules: Vec<&Trained> = modules.iter().collect();
            let answer =
                exact::joint(&model, &modules, &Asked::in_one_world(&[case.effect], &[(case.cause, value)], &[]));
            answer.expect("small tables").expect("tables everywhere")
        };
        let truth = ask(&truth).point.values[1];
        let estimate = ask(&ours);
        let replicates: Vec<f64> = estimate.replicates.iter().map(|r| r.values[1]).collect();
        let (low, high) = exact::probability_interval(estimate.point.values[1], &replicates);
        score.ours += 0.5 * (estimate.point.values[1] - truth).abs();
        score.plain += 0.5 * (ask(&plain).point.values[1] - truth).abs();
        score.conditioning += 0.5 * (conditional(&table, case, value) - truth).abs();
        score.covered += 0.5 * f64::from(low <= truth && truth <= high);
        score.width += 0.5 * (high - low);
    }
    score
}

fn model(case: &Case) -> Model {
    let variable = || Variable { domain: Some(Domain::Binary), ..Variable::default() };
    let latent = |&(a, b): &(usize, usize)| Latent { name: None, children: vec![a, b], span: Default::default() };
    Model {
        variables: case.variables.iter().map(|name| (name.to_string(), variable())).collect(),
        graph: Admg::with_edges(case.variables.len(), case.directed, case.hidden),
        latents: case.hidden.iter().map(latent).collect(),
        ..Model::default()
    }
}

/// A module per c-component, with the true tables as its only member.
fn random_scm(model: &Model, rng: &mut ChaCha8Rng) -> Vec<Trained> {
    c_components(model)
        .iter()
        .map(|component| {
            let latents: Vec<usize> = (0..model.latents.len())
                .filter(|&l| model.latents[l].children.iter().any(|c| component.contains(c)))
                .collect();
            let mechanisms: Vec<TableMechanism> = component
                .iter()
                .map(|&variable| TableMechanism {
                    variable,
                    card: 2,
                    parents: model.graph.parents(variable).to_vec(),
                    parent_cards: vec![2; model.graph.parents(variable).len()],
                    latents: (0..latents.len())
                        .filter(|&l| model.latents[latents[l]].children.contains(&variable))
                        .collect(),
                })
                .collect();
            let priors = latents.iter().map(|_| dirichlet(1.0, LEVELS, rng)).collect();
            let tables = mechanisms
                .iter()
                .map(|m| {
                    let cells = m.parent_cards.iter().product::<usize>() * LEVELS.pow(m.latents.len() as u32);
                    (0..cells).flat_map(|_| dirichlet(0.5, 2, rng)).collect()
                })
                .collect();
            Trained::Tables(TableModule {
                latents: latents.into_iter().map(|latent| TableLatent { latent, levels: LEVELS }).collect(),
                mechanisms,
                members: vec![TableMember { priors, tables }],
                replicates: vec![],
            })
        })
        .collect()
}

fn dirichlet(concentration: f64, values: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let gamma = Gamma::new(concentration, 1.0).expect("a positive shape");
    let draws: Vec<f64> = (0..values).map(|_| gamma.sample(rng).max(1e-300)).collect();
    let total: f64 = draws.iter().sum();
    draws.into_iter().map(|d| d / total).collect()
}

fn c_components(model: &Model) -> Vec<Vec<VarId>> {
    let mut components: Vec<Vec<VarId>> = vec![];
    for v in 0..model.graph.len() {
        let (mut own, rest): (Vec<_>, Vec<_>) =
            components.into_iter().partition(|c| c.iter().any(|o| model.graph.spouses(v).contains(o)));
        own.push(vec![v]);
        components = rest;
        components.push(own.concat());
    }
    components
}

/// Rows drawn from the joint distribution of all variables.
fn sample(model: &Model, truth: &[Trained], rows: usize, rng: &mut ChaCha8Rng) -> Table {
    let all: Vec<VarId> = (0..model.graph.len()).collect();
    let modules: Vec<&Trained> = truth.iter().collect();
    let asked = Asked::in_one_world(&all, &[], &[]);
    let joint = exact::joint(model, &modules, &asked).expect("small tables").expect("tables").point;
    let cumulative: Vec<f64> = joint
        .values
        .iter()
        .scan(0.0, |sum, p| {
            *sum += p;
            Some(*sum)
        })
        .collect();
    let mut columns = vec![Vec::with_capacity(rows); all.len()];
    for _ in 0..rows {
        let u: f64 = rng.random();
        let cell = cumulative.partition_point(|&c| c < u).min(cumulative.len() - 1);
        for (v, column) in columns.iter_mut().enumerate() {
            column.push((cell >> (all.len() - 1 - v) & 1) as u32);
        }
    }
    Table {
        name: "obs".into(),
        rows,
        columns: columns.into_iter().map(Some).collect(),
        weights: None,
        ..Table::default()
    }
}

fn fit(model: &Model, table: &Table, recipe: &Recipe, seed: u64) -> Vec<Trained> {
    c_components(model)
        .iter()
        .enumerate()
        .map(|(at, component)| {
            let mut names: Vec<String> =
                component.iter().map(|&v| model.variables.get_index(v).expect("a variable").0.clone()).collect();
            names.sort();
            let task = Task {
                data: "obs".into(),
                interventions: vec![],
                ancestors: vec![],
                conditions: vec![],
                teaches: names.clone(),
            };
            let module = Module {
                id: format!("H{}", at + 1),
                variables: names,
                c_components: vec![],
                tasks: vec![task],
                after: vec![],
                engine: Engine::Likelihood,
            };
            train_tables(model, &module, std::slice::from_ref(table), recipe, seed, &Quiet).expect("training")
        })
        .collect()
}

fn conditional(table: &Table, case: &Case, value: u32) -> f64 {
    let (Some(x), Some(y)) = (table.column(case.cause), table.column(case.effect)) else { return 0.5 };
    let with: Vec<u32> = x.iter().zip(y).filter(|(x, _)| **x == value).map(|(_, y)| *y).collect();
    if with.is_empty() { 0.5 } else { with.iter().sum::<u32>() as f64 / with.len() as f64 }
}
