//! Training on models whose answers are known.

use super::*;
use crate::causal::Admg;
use crate::diag::Span;
use crate::model::{Domain, Engine, Latent, Variable};
use crate::nets::Sampler;
use crate::nets::table::{TableMechanism, TableMember, TableModule};
use rand::Rng;
use std::sync::Mutex;

/// Collects metrics; asks to stop after as many as `limit`.
pub(super) struct Watch {
    pub(super) metrics: Mutex<Vec<Metric>>,
    limit: usize,
}

pub(super) fn watch() -> Watch {
    Watch { metrics: Mutex::new(vec![]), limit: usize::MAX }
}

impl Observer for Watch {
    fn metric(&self, metric: &Metric) {
        self.metrics.lock().unwrap().push(metric.clone());
    }

    fn cancelled(&self) -> bool {
        self.metrics.lock().unwrap().len() >= self.limit
    }
}

fn model(names: &[&str], directed: &[(usize, usize)], bidirected: &[(usize, usize)]) -> Model {
    let variable = || Variable { domain: Some(Domain::Binary), ..Variable::default() };
    Model {
        variables: names.iter().map(|n| ((*n).to_owned(), variable())).collect(),
        graph: Admg::with_edges(names.len(), directed, bidirected),
        latents: (bidirected.iter())
            .map(|&(a, b)| Latent { name: None, children: vec![a, b], span: Span::default() })
            .collect(),
        ..Model::default()
    }
}

pub(super) fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

pub(super) fn task(
    data: &str,
    interventions: &[&str],
    ancestors: &[&str],
    conditions: &[&str],
    teaches: &[&str],
) -> plan::Task {
    plan::Task {
        data: data.to_owned(),
        interventions: names(interventions),
        ancestors: names(ancestors),
        conditions: names(conditions),
        teaches: names(teaches),
    }
}

pub(super) fn module(variables: &[&str], tasks: Vec<plan::Task>) -> plan::Module {
    plan::Module {
        id: "H1".to_owned(),
        variables: names(variables),
        c_components: vec![names(variables)],
        tasks,
        after: vec![],
        engine: Engine::WganGp,
    }
}

fn table(name: &str, rows: usize, columns: usize, mut draw: impl FnMut(&mut [u32])) -> Table {
    let mut data = vec![vec![]; columns];
    for _ in 0..rows {
        let mut row = vec![0; columns];
        draw(&mut row);
        data.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
    }
    Table {
        name: name.to_owned(),
        rows,
        columns: data.into_iter().map(Some).collect(),
        weights: None,
        ..Table::default()
    }
}

pub(super) fn coin(p: f64, rng: &mut ChaCha8Rng) -> u32 {
    u32::from(rng.random::<f64>() < p)
}

fn train(
    model: &Model,
    module: &plan::Module,
    tables: &[Table],
    frozen: &[&Trained],
    settings: &Overrides,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Trained, TrainError> {
    super::train(model, module, &Inputs::new(tables, frozen), settings, seed, observer)
}

fn small(steps: usize) -> Overrides {
    Overrides { steps: Some(steps), hidden: Some(vec![48, 48]), noise: Some(8), ..Overrides::default() }
}

pub(super) fn generators(trained: Trained) -> GeneratorModule {
    match trained {
        Trained::Generators(module) => module,
        _ => panic!("the engine trains generators"),
    }
}

const I_GIVEN_D: [f64; 2] = [0.15, 0.85];
const A_GIVEN_IU: [[f64; 2]; 2] = [[0.1, 0.5], [0.45, 0.9]];

/// D -> I -> A, D <-> A as variables 0, 1, 2.
fn front_door() -> (Model, Table) {
    let mut rng = stream(1, "rows");
    let rows = table("obs", 10_000, 3, |row| {
        let u = coin(0.4, &mut rng) as usize;
        row[0] = coin([0.2, 0.7][u], &mut rng);
        row[1] = coin(I_GIVEN_D[row[0] as usize], &mut rng);
        row[2] = coin(A_GIVEN_IU[row[1] as usize][u], &mut rng);
    });
    (model(&["D", "I", "A"], &[(0, 1), (1, 2)], &[(0, 2)]), rows)
}

fn front_door_module() -> plan::Module {
    module(&["A", "D"], vec![task("obs", &[], &["I"], &[], &["A", "D"])])
}

/// P(I | D) as a frozen table.
fn mediator_table() -> Trained {
    Trained::Tables(TableModule {
        latents: vec![],
        mechanisms: vec![TableMechanism {
            variable: 1,
            card: 2,
            parents: vec![0],
            parent_cards: vec![2],
            latents: vec![],
        }],
        members: vec![TableMember {
            priors: vec![],
            tables: vec![I_GIVEN_D.iter().flat_map(|p| [1.0 - p, *p]).collect()],
        }],
        replicates: vec![],
    })
}

/// The share of ones among draws of `variable` with its parents set to `parents`.
fn mean(module: &GeneratorModule, variable: usize, parents: &[u32]) -> f64 {
    const ROWS: usize = 20_000;
    let mut rng = stream(1, "sample");
    let parents: Vec<Vec<u32>> = parents.iter().map(|&p| vec![p; ROWS]).collect();
    let parents: Vec<&[u32]> = parents.iter().map(Vec::as_slice).collect();
    let hidden = module.hidden(ROWS, &mut rng);
    let drawn = module.codes(variable, &parents, &hidden, &mut rng).unwrap();
    f64::from(drawn.iter().sum::<u32>()) / ROWS as f64
}

#[test]
fn the_front_door_with_a_frozen_table() {
    let (model, rows) = front_door();
    let (watch, frozen) = (watch(), mediator_table());
    let settings = small(800);
    let trained =
        train(&model, &front_door_module(), &[rows], &[&frozen], &settings, 1, &watch).map(generators).unwrap();
    for (i, a) in A_GIVEN_IU.iter().enumerate() {
        let expected = 0.6 * a[0] + 0.4 * a[1];
        let found = mean(&trained, 2, &[i as u32]);
        assert!((found - expected).abs() < 0.08, "P(A = 1 | do(I = {i})): {found}, not {expected}");
    }
    let metrics = watch.metrics.into_inner().unwrap();
    assert_eq!((metrics.len(), metrics.iter().filter(|m| m.tv.is_some()).count()), (100, 20));
    assert!(metrics[99].tv.unwrap() < 0.08, "{:?}", metrics[99]);
}

/// X -> Y, X <-> Y: P(Y | do(X)) is not in the observational rows; a second task teaches it.
#[test]
fn two_regimes_teach_one_module() {
    let mut rng = stream(1, "rows");
    let y = [[0.2, 0.9], [0.6, 0.5]];
    let model = model(&["X", "Y"], &[(0, 1)], &[(0, 1)]);
    let observed = table("obs", 10_000, 2, |row| {
        let u = coin(0.5, &mut rng) as usize;
        row[0] = coin([0.1, 0.8][u], &mut rng);
        row[1] = coin(y[row[0] as usize][u], &mut rng);
    });
    let set = table("set", 10_000, 2, |row| {
        let u = coin(0.5, &mut rng) as usize;
        row[0] = coin(0.5, &mut rng);
        row[1] = coin(y[row[0] as usize][u], &mut rng);
    });
    let tasks = vec![task("obs", &[], &[], &[], &["X", "Y"]), task("set", &["X"], &[], &[], &["Y"])];
    let module = module(&["X", "Y"], tasks);
    let trained = train(&model, &module, &[observed, set], &[], &small(800), 1, &watch()).map(generators).unwrap();
    for (x, y) in y.iter().enumerate() {
        let (found, expected) = (mean(&trained, 1, &[x as u32]), (y[0] + y[1]) / 2.0);
        assert!((found - expected).abs() < 0.08, "P(Y = 1 | do(X = {x})): {found}, not {expected}");
    }
    assert!((mean(&trained, 0, &[]) - 0.45).abs() < 0.08);
}

/// X -> Y, from a data set for each value of X: in the rows of one of them X is constant, and only beside the other's does
/// a normalised layer see which value it has.
#[test]
fn each_value_of_a_cause_may_come_from_a_data_set_of_its_own() {
    let mut rng = stream(1, "rows");
    let model = model(&["X", "Y"], &[(0, 1)], &[]);
    let share = [0.2, 0.9];
    let mut set = |x: u32| {
        table(&format!("set{x}"), 4000, 2, |row| {
            row[0] = x;
            row[1] = coin(share[x as usize], &mut rng);
        })
    };
    let tables = [set(0), set(1)];
    let tasks = vec![task("set0", &["X"], &[], &[], &["Y"]), task("set1", &["X"], &[], &[], &["Y"])];
    let module = module(&["Y"], tasks);
    let watch = watch();
    let trained = train(&model, &module, &tables, &[], &small(600), 1, &watch).map(generators).unwrap();
    for (x, expected) in share.into_iter().enumerate() {
        let found = mean(&trained, 1, &[x as u32]);
        assert!((found - expected).abs() < 0.06, "P(Y = 1 | do(X = {x})): {found}, not {expected}");
    }
    let tv = watch.metrics.into_inner().unwrap().last().and_then(|metric| metric.tv);
    assert!(tv.unwrap() < 0.06, "{tv:?}");
}

/// A critic that has to have a slope everywhere draws numbers together.
#[test]
fn a_real_variable_keeps_its_spread() {
    let mut model = model(&["Y"], &[], &[]);
    model.variables[0].domain = Some(Domain::REAL);
    let mut rng = stream(1, "rows");
    let numbers = (0..5000).map(|_| 10.0 + 2.0 * rng.sample::<f32, _>(rand_distr::StandardNormal)).collect();
    let rows = Table {
        name: "obs".to_owned(),
        rows: 5000,
        columns: vec![None],
        reals: BTreeMap::from([(0, numbers)]),
        ..Table::default()
    };
    let module = module(&["Y"], vec![task("obs", &[], &[], &[], &["Y"])]);
    let trained = train(&model, &module, &[rows], &[], &small(1200), 1, &watch()).map(generators).unwrap();
    let hidden = trained.hidden(20_000, &mut rng);
    let drawn = trained.sample(0, &[], &hidden, &mut rng).unwrap();
    let drawn: Vec<f64> = drawn.reals().unwrap().iter().map(|&x| f64::from(x)).collect();
    let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
    let deviation = (drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / drawn.len() as f64).sqrt();
    assert!((mean - 10.0).abs() < 0.3 && (deviation - 2.0).abs() < 0.3, "{mean} {deviation}");
}

#[test]
fn rows_count_by_their_weights() {
    let model = model(&["X"], &[], &[]);
    let rows = Table {
        name: "obs".to_owned(),
        rows: 3,
        columns: vec![Some(vec![0, 1, 0])],
        weights: Some(vec![10.0, 70.0, 20.0]),
        ..Table::default()
    };
    let module = module(&["X"], vec![task("obs", &[], &[], &[], &["X"])]);
    let trained = train(&model, &module, &[rows], &[], &small(600), 1, &watch()).map(generators).unwrap();
    let found = mean(&trained, 0, &[]);
    assert!((found - 0.7).abs() < 0.06, "{found}");
}

#[test]
fn the_same_seed_trains_the_same_module_on_any_thread() {
    let (model, rows) = front_door();
    let frozen = mediator_table();
    let settings = Overrides { dropout: Some(0.2), pac: Some(2), ..small(30) };
    let run = |seed| {
        let tables = [rows.clone()];
        train(&model, &front_door_module(), &tables, &[&frozen], &settings, seed, &watch()).map(generators).unwrap()
    };
    let once = run(1);
    let beside: Vec<GeneratorModule> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| run(1))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(beside, [once.clone(), once.clone()]);
    assert_ne!(run(2), once);
}

/// A frozen module's network in training has no gradients and keeps its values, statistics included.
#[test]
fn frozen_modules_do_not_move() {
    let (model, rows) = front_door();
    let mediator = module(&["I"], vec![task("obs", &[], &[], &["D"], &["I"])]);
    let tables = [rows];
    let frozen = train(&model, &mediator, &tables, &[], &small(30), 1, &watch()).unwrap();
    let before = generators(frozen.clone());
    let own = super::generators(
        &model,
        &front_door_module(),
        &Options::new(&small(30), Sight::Codes),
        &BTreeMap::new(),
        &mut stream(1, "own"),
    )
    .unwrap();
    let networks: Vec<SoftGenerator> = own.generators.iter().map(|g| SoftGenerator::trained(g).unwrap()).collect();
    let none = BTreeMap::new();
    let mechanisms = Mechanisms::new(&own, networks.clone(), &[&frozen], &none).unwrap();
    let values = |networks: &[SoftGenerator]| -> Vec<Vec<f32>> {
        networks.iter().flat_map(|n| n.parameters()).map(|p| p.values().unwrap()).collect()
    };
    let kept = mechanisms.networks(1).to_vec();
    let (kept_before, own_before) = (values(&kept), values(&networks));
    let module = front_door_module();
    let order = model.graph.topological_order().unwrap();
    let tasks = [Task::new(&model, &module.tasks[0], &Inputs::new(&tables, &[]), &mechanisms, &order).unwrap()];
    let streams = Streams::new(1, "H1");
    let options = Options::new(&small(30), Sight::Codes);
    let mut training = Training::new(&module, options, &tasks, own, mechanisms, order, &streams).unwrap();
    training.run(&watch()).unwrap();
    assert!(kept.iter().flat_map(|n| n.parameters()).all(|p| p.gradient().is_none()));
    assert_eq!(values(&kept), kept_before);
    assert_eq!(generators(frozen), before);
    assert_ne!(values(&networks), own_before);
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let (model, rows) = front_door();
    let refused = |module: plan::Module, rows: Table| match train(&model, &module, &[rows], &[], &small(5), 1, &watch())
    {
        Err(TrainError::Data { module, message }) => {
            assert_eq!(module, "H1");
            message
        }
        other => panic!("{other:?}"),
    };
    let mediator = |task| module(&["I"], vec![task]);
    let whole = || task("obs", &[], &[], &["D"], &["I"]);
    assert_eq!(refused(mediator(task("exp", &[], &[], &["D"], &["I"])), rows.clone()), "no data set exp");
    assert_eq!(refused(front_door_module(), rows.clone()), "I has no mechanism yet");
    assert_eq!(refused(mediator(task("obs", &["I"], &[], &["D"], &["I"])), rows.clone()), "no task teaches I");
    assert_eq!(refused(module(&["Z"], vec![]), rows.clone()), "no variable Z");
    let mut without = rows.clone();
    without.columns[0] = None;
    assert_eq!(refused(mediator(whole()), without), "D is not a discrete column of obs");
    let mut outside = rows.clone();
    outside.columns[1].as_mut().unwrap()[7] = 2;
    assert_eq!(refused(mediator(whole()), outside), "I has codes outside its domain in obs");
    let mut weightless = rows;
    weightless.weights = Some(vec![0.0; weightless.rows]);
    assert_eq!(refused(mediator(whole()), weightless), "the weights of obs are not usable");
    let empty = Table { name: "obs".to_owned(), columns: vec![Some(vec![]); 3], ..Table::default() };
    assert_eq!(refused(mediator(whole()), empty), "the data set obs has no rows");
}

#[test]
fn training_stops_on_request_and_on_divergence() {
    let (model, rows) = front_door();
    let mediator = module(&["I"], vec![task("obs", &[], &[], &["D"], &["I"])]);
    let tables = [rows];
    let stop = Watch { limit: 2, ..watch() };
    let stopped = train(&model, &mediator, &tables, &[], &small(50), 1, &stop);
    assert!(matches!(stopped, Err(TrainError::Cancelled)));
    assert_eq!(stop.metrics.into_inner().unwrap().len(), 2);
    let wild = Overrides { lr: Some(1e30), ..small(50) };
    let diverged = train(&model, &mediator, &tables, &[], &wild, 1, &watch());
    assert!(matches!(diverged, Err(TrainError::NotFinite { step, .. }) if step < 50));
}
