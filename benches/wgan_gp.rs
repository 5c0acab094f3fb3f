//! How fast the adversarial engine trains, and how well three small models answer after it.
//!
//! `cargo bench --bench wgan_gp` runs everything; `-- speed`, `-- frontdoor`, `-- asia`, `-- synthetic` run one,
//! a number takes one seed, `steps=3000` and `critic_steps=5` and the like change settings.
//! Rows are drawn from exact models; the tables show total variation distances between answers from
//! 50,000 samples of the trained modules and the exact ones, for seeds 1, 2 and 3.

use dcmc::causal::Admg;
use dcmc::data::Table;
use dcmc::diag::Span;
use dcmc::model::{Domain, Engine, Latent, Model, Overrides, VarId, Variable};
use dcmc::nets::generator::GeneratorModule;
use dcmc::nets::{Hidden, Sampler};
use dcmc::plan::{Module, Task};
use dcmc::seed::stream;
use dcmc::train::{Metric, Observer, Trained, wgan_gp};
use rand::Rng;
use std::collections::BTreeMap;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let chosen = |name: &str| {
        let named = |a: &&String| a.parse::<u64>().is_err() && !a.contains('=');
        arguments.iter().filter(named).count() == 0 || arguments.iter().any(|a| a == name)
    };
    let mut seeds: Vec<u64> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    if seeds.is_empty() {
        seeds = vec![1, 2, 3];
    }
    let settings = settings(&arguments);
    if chosen("speed") {
        speed();
    }
    for (name, case) in [("frontdoor", front_door as fn() -> Case), ("asia", asia), ("synthetic", synthetic)] {
        if chosen(name) {
            seeds.iter().for_each(|&seed| accuracy(name, &case(), &settings, seed));
        }
    }
}

fn settings(arguments: &[String]) -> Overrides {
    let mut settings = Overrides::default();
    for (key, value) in arguments.iter().filter_map(|a| a.split_once('=')) {
        let whole = value.parse().ok();
        match key {
            "steps" => settings.steps = whole,
            "epochs" => settings.epochs = whole,
            "batch" => settings.batch = whole,
            "noise" => settings.noise = whole,
            "critic_steps" => settings.critic_steps = whole,
            "pac" => settings.pac = whole,
            "hidden" => settings.hidden = Some(vec![whole.unwrap_or(256); 2]),
            "lr" => settings.lr = value.parse().ok(),
            "lambda" => settings.lambda = value.parse().ok(),
            "dropout" => settings.dropout = value.parse().ok(),
            _ => eprintln!("no setting {key}"),
        }
    }
    settings
}

/// An exact model of binary variables, some of them hidden, and its plan.
struct Case {
    truth: Vec<Node>,
    modules: Vec<Module>,
    /// Interventions to answer, each with the variables asked for.
    queries: Vec<(Setting, Vec<&'static str>)>,
}

/// Variables and the values they are set to.
type Setting = Vec<(&'static str, u32)>;

/// A binary variable: its parents and `P(1 | parents)`, the last parent fastest.
struct Node {
    name: &'static str,
    hidden: bool,
    parents: Vec<&'static str>,
    one: Vec<f64>,
}

fn node(name: &'static str, parents: &[&'static str], one: &[f64]) -> Node {
    Node { name, hidden: false, parents: parents.to_vec(), one: one.to_vec() }
}

fn hidden(name: &'static str, parents: &[&'static str], one: &[f64]) -> Node {
    Node { hidden: true, ..node(name, parents, one) }
}

fn module(id: &str, variables: &[&str], ancestors: &[&str], conditions: &[&str], after: &[&str]) -> Module {
    let names = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    Module {
        id: id.to_owned(),
        variables: names(variables),
        c_components: vec![names(variables)],
        tasks: vec![Task {
            data: "obs".to_owned(),
            interventions: vec![],
            ancestors: names(ancestors),
            conditions: names(conditions),
            teaches: names(variables),
        }],
        after: names(after),
        engine: Engine::WganGp,
    }
}

/// D -> I -> A with D <-> A.
fn front_door() -> Case {
    Case {
        truth: vec![
            hidden("U", &[], &[0.4]),
            node("D", &["U"], &[0.2, 0.7]),
            node("I", &["D"], &[0.15, 0.85]),
            node("A", &["I", "U"], &[0.1, 0.5, 0.45, 0.9]),
        ],
        modules: vec![module("H1", &["I"], &[], &["D"], &[]), module("H2", &["A", "D"], &["I"], &[], &["H1"])],
        queries: vec![
            (vec![("D", 0)], vec!["A"]),
            (vec![("D", 1)], vec!["A"]),
            (vec![("I", 0)], vec!["A"]),
            (vec![("I", 1)], vec!["A"]),
        ],
    }
}

/// Lauritzen & Spiegelhalter's network (1988) with smoke and bronc hidden; 1 is "yes".
fn asia() -> Case {
    Case {
        truth: vec![
            node("asia", &[], &[0.01]),
            hidden("smoke", &[], &[0.5]),
            node("tub", &["asia"], &[0.01, 0.05]),
            node("lung", &["smoke"], &[0.01, 0.1]),
            hidden("bronc", &["smoke"], &[0.3, 0.6]),
            node("either", &["lung", "tub"], &[0.0, 1.0, 1.0, 1.0]),
            node("xray", &["either"], &[0.05, 0.98]),
            node("dysp", &["bronc", "either"], &[0.1, 0.7, 0.8, 0.9]),
        ],
        modules: vec![
            module("H1", &["asia"], &[], &[], &[]),
            module("H2", &["tub"], &[], &["asia"], &[]),
            module("H3", &["either"], &[], &["lung", "tub"], &[]),
            module("H4", &["xray"], &[], &["either"], &[]),
            module("H5", &["dysp", "lung"], &["either"], &["tub"], &["H3"]),
        ],
        queries: vec![
            (vec![("lung", 1)], vec!["dysp"]),
            (vec![("either", 1)], vec!["dysp"]),
            (vec![("tub", 0)], vec!["dysp"]),
            (vec![("tub", 1)], vec!["dysp"]),
            (vec![("asia", 1)], vec!["dysp"]),
        ],
    }
}

/// The paper's Figure 28 with random tables.
fn synthetic() -> Case {
    let mut rng = stream(28, "tables");
    let mut random = |parents: usize| (0..1 << parents).map(|_| rng.random_range(0.1..0.9)).collect::<Vec<f64>>();
    let mut truth: Vec<Node> = ["U1", "U2", "U3"].map(|u| hidden(u, &[], &random(0))).into();
    let observed: [(&str, &[&str]); 7] = [
        ("X0", &["U1"]),
        ("X1", &["U2"]),
        ("X2", &["U2", "U3"]),
        ("W0", &["X0"]),
        ("W1", &["X0", "X1", "X2"]),
        ("Y0", &["W0", "W1", "U1"]),
        ("Y1", &["W1", "U3"]),
    ];
    truth.extend(observed.map(|(name, parents)| node(name, parents, &random(parents.len()))));
    Case {
        truth,
        modules: vec![
            module("H1", &["W0"], &[], &["X0"], &[]),
            module("H2", &["W1"], &[], &["X0", "X1", "X2"], &[]),
            module("H3", &["X0", "Y0"], &["W0", "W1"], &["X1", "X2"], &["H1", "H2"]),
            module("H4", &["X1", "X2", "Y1"], &["W1"], &["X0"], &["H2"]),
        ],
        queries: vec![
            (vec![("X0", 0)], vec!["Y0"]),
            (vec![("X0", 1)], vec!["Y0"]),
            (vec![("X1", 0)], vec!["Y1"]),
            (vec![("X1", 1)], vec!["Y1"]),
            (vec![("W1", 0)], vec!["Y0", "Y1"]),
            (vec![("W1", 1)], vec!["Y0", "Y1"]),
            (vec![("X0", 1), ("X2", 0)], vec!["Y0", "Y1"]),
        ],
    }
}

impl Case {
    fn observed(&self) -> Vec<&'static str> {
        self.truth.iter().filter(|n| !n.hidden).map(|n| n.name).collect()
    }

    fn place(&self, name: &str) -> usize {
        self.truth.iter().position(|n| n.name == name).expect("a declared variable")
    }

    fn chance(&self, node: usize, values: &[u32]) -> f64 {
        let node = &self.truth[node];
        let cell = node.parents.iter().fold(0, |at, p| 2 * at + values[self.place(p)] as usize);
        node.one[cell]
    }

    /// The exact distribution of `asked` under `interventions`, by summation over all nodes.
    fn exact(&self, interventions: &[(&str, u32)], asked: &[&str]) -> BTreeMap<Vec<u32>, f64> {
        let mut answer = BTreeMap::new();
        for world in 0..1u32 << self.truth.len() {
            let values: Vec<u32> = (0..self.truth.len()).map(|n| world >> n & 1).collect();
            let mut p = 1.0;
            for (at, node) in self.truth.iter().enumerate() {
                p *= match interventions.iter().find(|(name, _)| *name == node.name) {
                    Some((_, value)) => f64::from(*value == values[at]),
                    None if values[at] == 1 => self.chance(at, &values),
                    None => 1.0 - self.chance(at, &values),
                };
            }
            *answer.entry(asked.iter().map(|a| values[self.place(a)]).collect()).or_insert(0.0) += p;
        }
        answer
    }

    fn rows(&self, rows: usize, seed: u64) -> Table {
        let mut rng = stream(seed, "rows");
        let mut columns = vec![vec![]; self.truth.len()];
        for _ in 0..rows {
            let mut values = vec![0; self.truth.len()];
            for at in 0..self.truth.len() {
                values[at] = u32::from(rng.random::<f64>() < self.chance(at, &values));
                columns[at].push(values[at]);
            }
        }
        let columns = self.observed().iter().map(|name| Some(columns[self.place(name)].clone())).collect();
        Table { name: "obs".to_owned(), rows, columns, weights: None, ..Table::default() }
    }

    fn model(&self) -> Model {
        let observed = self.observed();
        let number = |name: &str| observed.iter().position(|o| *o == name);
        let mut graph = Admg::new(observed.len());
        for child in &observed {
            for parent in &self.truth[self.place(child)].parents {
                if let (Some(p), Some(c)) = (number(parent), number(child)) {
                    graph.add_directed(p, c);
                }
            }
        }
        let mut latents = vec![];
        for node in self.truth.iter().filter(|n| n.hidden && n.parents.is_empty()) {
            let mut children: Vec<VarId> =
                observed.iter().filter_map(|o| number(o).filter(|_| self.below(node.name, o))).collect();
            children.sort_unstable();
            for (at, &a) in children.iter().enumerate() {
                children[at + 1..].iter().for_each(|&b| graph.add_bidirected(a, b));
            }
            latents.push(Latent { name: None, children, span: Span::default() });
        }
        let variable = || Variable { domain: Some(Domain::Binary), ..Variable::default() };
        let variables = observed.iter().map(|o| ((*o).to_owned(), variable())).collect();
        Model { variables, graph, latents, ..Model::default() }
    }

    /// Whether `latent` reaches `name` through hidden nodes only.
    fn below(&self, latent: &str, name: &str) -> bool {
        self.truth[self.place(name)]
            .parents
            .iter()
            .any(|parent| *parent == latent || (self.truth[self.place(parent)].hidden && self.below(latent, parent)))
    }
}

struct Quiet;

impl Observer for Quiet {
    fn metric(&self, metric: &Metric) {
        if std::env::var_os("VERBOSE").is_some() && metric.tv.is_some() {
            println!(
                "  {} {:6} loss {:8.4} tv {:.4}",
                metric.module,
                metric.step,
                metric.loss,
                metric.tv.unwrap_or(0.0)
            );
        }
    }
}

fn accuracy(name: &str, case: &Case, settings: &Overrides, seed: u64) {
    let model = case.model();
    let tables = [case.rows(20_000, 100 + seed)];
    let start = Instant::now();
    let trained = train(case, &model, &tables, settings, seed);
    let seconds = start.elapsed().as_secs_f64();
    let observed = case.observed();
    let joint = distance(&case.exact(&[], &observed), &sample(&model, &trained, &[], &observed, seed));
    let rows = distance(&case.exact(&[], &observed), &counts(&tables[0], &model, &observed));
    println!("{name:10} seed {seed}: trained in {seconds:5.1} s; joint {joint:.3} (the rows themselves {rows:.3})");
    for (interventions, asked) in &case.queries {
        let tv = distance(&case.exact(interventions, asked), &sample(&model, &trained, interventions, asked, seed));
        let set: Vec<String> = interventions.iter().map(|(n, v)| format!("{n} = {v}")).collect();
        println!("    P({} | do({})) {tv:.3}", asked.join(", "), set.join(", "));
    }
}

/// Trains the modules stage by stage, those of a stage side by side.
fn train(case: &Case, model: &Model, tables: &[Table], settings: &Overrides, seed: u64) -> BTreeMap<String, Trained> {
    let mut done: BTreeMap<String, Trained> = BTreeMap::new();
    while done.len() < case.modules.len() {
        let ready = |m: &&Module| !done.contains_key(&m.id) && m.after.iter().all(|a| done.contains_key(a));
        let stage: Vec<&Module> = case.modules.iter().filter(ready).collect();
        let run = |module: &Module| {
            let frozen: Vec<&Trained> = module.after.iter().map(|a| &done[a]).collect();
            let trained = wgan_gp::train(model, module, &wgan_gp::Inputs::new(tables, &frozen), settings, seed, &Quiet);
            (module.id.clone(), trained.expect("training succeeds"))
        };
        let run = &run;
        let fresh: Vec<(String, Trained)> = std::thread::scope(|scope| {
            let running: Vec<_> = stage.into_iter().map(|module| scope.spawn(move || run(module))).collect();
            running.into_iter().map(|r| r.join().expect("training does not panic")).collect()
        });
        done.extend(fresh);
    }
    done
}

/// The distribution of `asked` among samples of the trained modules.
fn sample(
    model: &Model,
    trained: &BTreeMap<String, Trained>,
    interventions: &[(&str, u32)],
    asked: &[&str],
    seed: u64,
) -> BTreeMap<Vec<u32>, f64> {
    const ROWS: usize = 50_000;
    let mut rng = stream(seed, "sample");
    let modules: Vec<_> =
        trained.values().filter_map(|t| if let Trained::Generators(g) = t { Some(g) } else { None }).collect();
    let hidden: Vec<Hidden> = modules.iter().map(|m| m.hidden(ROWS, &mut rng)).collect();
    let mut columns: Vec<Option<Vec<u32>>> = vec![None; model.variables.len()];
    for v in model.graph.topological_order().expect("an acyclic graph") {
        let set = interventions.iter().find(|(name, _)| model.id(name) == Some(v));
        columns[v] = Some(match set {
            Some((_, value)) => vec![*value; ROWS],
            None => {
                let owns = |m: &&GeneratorModule| m.generators.iter().any(|g| g.shape.variable == v);
                let at = modules.iter().position(owns).expect("a generator of every variable");
                let parents: Vec<&[u32]> = model
                    .graph
                    .parents(v)
                    .iter()
                    .map(|&p| columns[p].as_deref().expect("parents come first"))
                    .collect();
                modules[at].codes(v, &parents, &hidden[at], &mut rng).expect("samples")
            }
        });
    }
    let table = Table { name: String::new(), rows: ROWS, columns, weights: None, ..Table::default() };
    counts(&table, model, asked)
}

fn counts(table: &Table, model: &Model, asked: &[&str]) -> BTreeMap<Vec<u32>, f64> {
    let variables: Vec<VarId> = asked.iter().map(|a| model.id(a).expect("a variable of the model")).collect();
    let counts = table.counts(&variables).expect("every variable is in the table");
    counts.into_iter().map(|(key, count)| (key, count / table.rows as f64)).collect()
}

fn distance(a: &BTreeMap<Vec<u32>, f64>, b: &BTreeMap<Vec<u32>, f64>) -> f64 {
    let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
    keys.into_iter().map(|k| (a.get(k).unwrap_or(&0.0) - b.get(k).unwrap_or(&0.0)).abs()).sum::<f64>() / 2.0
}

/// Steps per second of three generators in a chain of 10 values each and one critic.
fn speed() {
    const CARD: usize = 10;
    let mut graph = Admg::new(3);
    [(0, 1), (0, 2), (1, 2)].iter().for_each(|&(a, b)| graph.add_directed(a, b));
    let names = ["A", "B", "C"];
    let variable = || Variable { domain: Some(Domain::Categorical(CARD)), ..Variable::default() };
    let variables = names.iter().map(|n| ((*n).to_owned(), variable())).collect();
    let model = Model { variables, graph, ..Model::default() };
    let mut rng = stream(1, "rows");
    let mut column = || Some((0..20_000).map(|_| rng.random_range(0..CARD as u32)).collect());
    let columns = (0..3).map(|_| column()).collect();
    let tables = [Table { name: "obs".to_owned(), rows: 20_000, columns, weights: None, ..Table::default() }];
    let module = module("H1", &names, &[], &[], &[]);
    for (critic_steps, pac, noise) in [(5, 1, 64), (5, 10, 64), (1, 10, 64), (1, 10, 32)] {
        let steps = 100 * (6 - critic_steps);
        let settings = Overrides {
            steps: Some(steps),
            critic_steps: Some(critic_steps),
            pac: Some(pac),
            noise: Some(noise),
            ..Overrides::default()
        };
        let timer = Timer(std::sync::Mutex::new(vec![]));
        wgan_gp::train(&model, &module, &wgan_gp::Inputs::new(&tables, &[]), &settings, 1, &timer)
            .expect("training succeeds");
        let rate = timer.rate();
        println!("speed: {critic_steps} critic steps, pac {pac}, noise {noise}: {rate:.1} steps/s, one thread");
    }
}

/// Notes when each hundredth of the steps was done.
struct Timer(std::sync::Mutex<Vec<(usize, Instant, bool)>>);

impl Observer for Timer {
    fn metric(&self, metric: &Metric) {
        self.0.lock().expect("one thread").push((metric.step, Instant::now(), metric.tv.is_some()));
    }
}

impl Timer {
    /// The median rate between two notes without a measurement.
    fn rate(&self) -> f64 {
        let notes = self.0.lock().expect("one thread");
        let steps = notes.windows(2).filter(|w| !w[1].2);
        let mut rates: Vec<f64> = steps.map(|w| (w[1].0 - w[0].0) as f64 / (w[1].1 - w[0].1).as_secs_f64()).collect();
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    }
}
