use super::elimination::Scratch;
use super::em::{Likelihood, Stop};
use super::layout::{Layout, Prior};
use super::rows::{Rows, Term};
use super::*;
use crate::causal::Admg;
use crate::model::{Domain, Engine, Latent, Variable};
use crate::nets::Sampler;
use crate::nets::table::TableModule;
use crate::plan::Task;
use crate::query::{Asked, exact};
use crate::seed;
use crate::train::Metric;
use rand::Rng;

pub(super) struct Quiet;

impl Observer for Quiet {
    fn metric(&self, _: &Metric) {}
}

/// A model over variables with these numbers of values, named `V0`, `V1`, …
pub(super) fn model(cards: &[usize], directed: &[(usize, usize)], latents: &[&[usize]]) -> Model {
    let pairs: Vec<(usize, usize)> = latents
        .iter()
        .flat_map(|l| l.iter().flat_map(|&a| l.iter().map(move |&b| (a, b))))
        .filter(|p| p.0 < p.1)
        .collect();
    let variable = |&k: &usize| Variable { domain: Some(Domain::Categorical(k)), ..Variable::default() };
    let latent = |l: &&[usize]| Latent { name: None, children: l.to_vec(), span: Default::default() };
    Model {
        variables: cards.iter().enumerate().map(|(v, k)| (format!("V{v}"), variable(k))).collect(),
        graph: Admg::with_edges(cards.len(), directed, &pairs),
        latents: latents.iter().map(latent).collect(),
        ..Model::default()
    }
}

pub(super) fn module(variables: &[usize], tasks: Vec<Task>) -> Module {
    Module {
        id: format!("H{}", variables[0]),
        variables: names(variables),
        c_components: vec![],
        tasks,
        after: vec![],
        engine: Engine::Likelihood,
    }
}

pub(super) fn task(data: &str, interventions: &[usize], teaches: &[usize]) -> Task {
    Task {
        data: data.into(),
        interventions: names(interventions),
        ancestors: vec![],
        conditions: vec![],
        teaches: names(teaches),
    }
}

fn names(variables: &[usize]) -> Vec<String> {
    variables.iter().map(|v| format!("V{v}")).collect()
}

pub(super) fn table(name: &str, columns: Vec<Option<Vec<u32>>>, weights: Option<Vec<f64>>) -> Table {
    let rows = columns.iter().flatten().map(Vec::len).next().unwrap_or(0);
    Table { name: name.into(), rows, columns, weights, ..Table::default() }
}

/// A table from rows of codes with the weight last.
fn counts(rows: &[&[u32]]) -> Table {
    let width = rows[0].len() - 1;
    let column = |v: usize| Some(rows.iter().map(|r| r[v]).collect());
    let weights = rows.iter().map(|r| f64::from(r[width])).collect();
    table("obs", (0..width).map(column).collect(), Some(weights))
}

fn random_rows(cards: &[usize], rows: usize, rng: &mut impl Rng) -> Table {
    // Correlated columns: each copies the one before it half of the time.
    let mut columns: Vec<Vec<u32>> = vec![];
    for &card in cards {
        let before = columns.last().cloned();
        let column = (0..rows).map(|row| match &before {
            Some(b) if rng.random_bool(0.5) => b[row].min(card as u32 - 1),
            _ => rng.random_range(0..card as u32),
        });
        columns.push(column.collect());
    }
    table("obs", columns.into_iter().map(Some).collect(), None)
}

fn tables(trained: &Trained) -> &TableModule {
    match trained {
        Trained::Tables(module) => module,
        _ => panic!("not tables"),
    }
}

/// `log Σ_u Π P(u) Π P(v | pa, u)` by enumeration of all joint values of the latents, and the posterior
/// of each: `counts` per latent.
fn brute_force(likelihood: &Likelihood, parameters: &[f64], term: &Term, at: usize) -> (f64, Vec<Vec<f64>>) {
    let layout = &likelihood.layout;
    let member = layout.member(parameters);
    let mut used: Vec<usize> = term.mechanisms.iter().flat_map(|&m| layout.mechanisms[m].latents.clone()).collect();
    used.sort_unstable();
    used.dedup();
    let mut posterior: Vec<Vec<f64>> = layout.latents.iter().map(|l| vec![0.0; l.levels]).collect();
    let mut total = 0.0;
    let joint: usize = used.iter().map(|&l| layout.latents[l].levels).product();
    for state in 0..joint {
        let mut left = state;
        let mut u = vec![0; layout.latents.len()];
        for &l in &used {
            u[l] = left % layout.latents[l].levels;
            left /= layout.latents[l].levels;
        }
        let mut p: f64 = used.iter().map(|&l| member.priors[l][u[l]]).product();
        for &m in &term.mechanisms {
            let mechanism = &layout.mechanisms[m];
            let cell = term.cell(at, mechanism);
            let (row, value) = (cell / mechanism.card, cell % mechanism.card);
            let at = mechanism.latents.iter().fold(row, |at, &l| at * layout.latents[l].levels + u[l]);
            p *= member.tables[m][at * mechanism.card + value];
        }
        total += p;
        used.iter().for_each(|&l| posterior[l][u[l]] += p);
    }
    posterior.iter_mut().flatten().for_each(|p| *p /= total);
    (total.ln(), posterior)
}

#[test]
fn elimination_equals_enumeration() {
    let mut rng = seed::stream(3, "elimination");
    type Case<'a> = (&'a [usize], &'a [(usize, usize)], &'a [&'a [usize]]);
    let cases: [Case; 5] = [
        (&[2, 2], &[(0, 1)], &[&[0, 1]]),
        (&[2, 3, 2], &[(0, 1), (1, 2)], &[&[0, 1], &[1, 2]]),
        (&[2, 2, 3, 2], &[(0, 3)], &[&[0, 1], &[1, 2], &[2, 3], &[0, 3]]),
        (&[2, 2, 2, 2], &[(0, 1)], &[&[0, 1, 2], &[1, 2, 3]]),
        (&[3, 2, 2, 2, 2], &[(0, 4)], &[&[0, 1], &[1, 2], &[2, 3], &[3, 4]]),
    ];
    for (cards, directed, latents) in cases {
        let all: Vec<usize> = (0..cards.len()).collect();
        let model = model(cards, directed, latents);
        let module = module(&all, vec![task("obs", &[], &all)]);
        let data = [random_rows(cards, 40, &mut rng)];
        let shapes = Layout::new(&model, &all, 1).mechanisms;
        let rows = Rows::new(&model, &module, &data, &shapes).unwrap();
        let likelihood = Likelihood::new(Layout::new(&model, &all, 3), &rows);
        let parameters = likelihood.layout.random(&mut rng);
        let weights = rows.weights();
        let mut counted = vec![0.0; likelihood.layout.cells];
        let found = likelihood.pass(&parameters, &weights, Some(&mut counted), None);
        let mut expected = 0.0;
        let mut posterior: Vec<Vec<f64>> = likelihood.layout.latents.iter().map(|l| vec![0.0; l.levels]).collect();
        for (term, weights) in rows.terms.iter().zip(&weights) {
            for (row, weight) in weights.iter().enumerate() {
                let (log, each) = brute_force(&likelihood, &parameters, term, row);
                expected += weight * log;
                posterior.iter_mut().flatten().zip(each.iter().flatten()).for_each(|(p, e)| *p += weight * e);
            }
        }
        assert!((found - expected).abs() < 1e-8, "{found} {expected}");
        for (latent, expected) in posterior.iter().enumerate() {
            let start = likelihood.layout.priors[latent];
            for (found, expected) in counted[start..].iter().zip(expected) {
                assert!((found - expected).abs() < 1e-8, "{found} {expected}");
            }
        }
        // Every row is counted once in every table.
        for (mechanism, &start) in likelihood.layout.tables.iter().enumerate() {
            let size =
                likelihood.layout.mechanisms[mechanism].rows() * cards[mechanism] * likelihood.layout.states[mechanism];
            assert!((counted[start..start + size].iter().sum::<f64>() - 40.0).abs() < 1e-8);
        }
    }
}

#[test]
fn drawn_counts_average_to_the_expected_ones() {
    let mut rng = seed::stream(4, "drawn");
    let model = model(&[2, 2, 2], &[(0, 1)], &[&[0, 1], &[1, 2]]);
    let module = module(&[0, 1, 2], vec![task("obs", &[], &[0, 1, 2])]);
    let data = [random_rows(&[2, 2, 2], 30, &mut rng)];
    let shapes = Layout::new(&model, &[0, 1, 2], 1).mechanisms;
    let rows = Rows::new(&model, &module, &data, &shapes).unwrap();
    let likelihood = Likelihood::new(Layout::new(&model, &[0, 1, 2], 3), &rows);
    let parameters = likelihood.layout.random(&mut rng);
    let weights = rows.weights();
    let mut expected = vec![0.0; likelihood.layout.cells];
    likelihood.pass(&parameters, &weights, Some(&mut expected), None);
    let (draws, mut sum) = (4000, vec![0.0; likelihood.layout.cells]);
    for _ in 0..draws {
        likelihood.pass(&parameters, &weights, Some(&mut sum), Some(&mut rng));
    }
    for (sum, expected) in sum.iter().zip(&expected) {
        assert!((sum / f64::from(draws) - expected).abs() < 0.3, "{sum} {expected}");
    }
}

#[test]
fn a_long_chain_of_latents_is_summed_by_elimination() {
    let cards = [2; 12];
    let all: Vec<usize> = (0..12).collect();
    let pairs: Vec<[usize; 2]> = (0..11).map(|i| [i, i + 1]).collect();
    let latents: Vec<&[usize]> = pairs.iter().map(|p| p.as_slice()).collect();
    let model = model(&cards, &[], &latents);
    let layout = Layout::new(&model, &all, 4);
    let elimination = super::elimination::Elimination::new(&layout, &all);
    assert!(elimination.cells <= 11 * 16, "{} cells", elimination.cells);
    let parameters = layout.random(&mut seed::stream(1, "chain"));
    // The probabilities of all 2^12 rows sum to one.
    let mut scratch = Scratch::default();
    let mut slices = vec![];
    let total: f64 = (0..1_usize << 12)
        .map(|row| {
            slices.clear();
            slices.extend(all.iter().map(|&v| layout.tables[v] + (row >> v & 1) * layout.states[v]));
            elimination.log_likelihood(&parameters, &slices, &mut scratch).exp()
        })
        .sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
}

#[test]
fn the_objective_never_falls() {
    let mut rng = seed::stream(5, "monotone");
    let model = model(&[2, 3, 2], &[(0, 1), (1, 2)], &[&[0, 1], &[1, 2]]);
    let module = module(&[0, 1, 2], vec![task("obs", &[], &[0, 1, 2])]);
    let data = [random_rows(&[2, 3, 2], 300, &mut rng)];
    let shapes = Layout::new(&model, &[0, 1, 2], 1).mechanisms;
    let rows = Rows::new(&model, &module, &data, &shapes).unwrap();
    let likelihood = Likelihood::new(Layout::new(&model, &[0, 1, 2], 4), &rows);
    let (weights, prior) = (rows.weights(), Prior { table: 0.5, latent: 1.0 });
    let start = likelihood.layout.random(&mut rng);
    let (mut current, mut next, mut before) = (start.clone(), vec![], f64::NEG_INFINITY);
    for _ in 0..50 {
        let objective = likelihood.step(&current, &weights, prior, &mut next);
        assert!(objective >= before - 1e-9, "{objective} after {before}");
        before = objective;
        std::mem::swap(&mut current, &mut next);
    }
    let mut before = f64::NEG_INFINITY;
    for passes in 1..60 {
        let fit = likelihood.fit(start.clone(), &weights, prior, Stop { gain: 0.0, passes });
        assert!(fit.objective >= before - 1e-9, "{} after {before}", fit.objective);
        before = fit.objective;
    }
    let long = likelihood.fit(start, &weights, prior, Stop { gain: 1e-9, passes: 100_000 });
    likelihood.step(&long.parameters, &weights, prior, &mut next);
    let moved = long.parameters.iter().zip(&next).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(moved < 1e-3, "not a fixed point: {moved}");
}

/// `P(outcome = value | do(cause = set))` with its interval.
fn ask(model: &Model, modules: &[Trained], outcome: (usize, usize), cause: (usize, u32)) -> (f64, f64, f64) {
    let modules: Vec<&Trained> = modules.iter().collect();
    let answer = exact::joint(model, &modules, &Asked::in_one_world(&[outcome.0], &[cause], &[])).unwrap().unwrap();
    let replicates: Vec<f64> = answer.replicates.iter().map(|r| r.values[outcome.1]).collect();
    let point = answer.point.values[outcome.1];
    let (low, high) = exact::probability_interval(point, &replicates);
    assert!(low <= point && point <= high);
    (point, low, high)
}

fn train_all(model: &Model, modules: &[Module], data: &[Table]) -> Vec<Trained> {
    modules.iter().map(|m| train(model, m, data, &Overrides::default(), 1, &Quiet).unwrap()).collect()
}

#[test]
fn front_door_of_smoking_tar_and_cancer() {
    // Pearl, Glymour & Jewell, Causal Inference in Statistics: A Primer (2016), table 3.1, in thousands;
    // taken as counts a hundred times as large, so that the prior does not show.
    let rows: [[u32; 4]; 8] = [
        [1, 1, 0, 323],
        [1, 1, 1, 57],
        [0, 1, 0, 1],
        [0, 1, 1, 19],
        [1, 0, 0, 18],
        [1, 0, 1, 2],
        [0, 0, 0, 38],
        [0, 0, 1, 342],
    ];
    let rows = rows.map(|[s, t, c, n]| [s, t, c, 100 * n]);
    let data = [counts(&rows.each_ref().map(|r| r.as_slice()))];
    let model = model(&[2, 2, 2], &[(0, 1), (1, 2)], &[&[0, 2]]);
    let modules = [module(&[0, 2], vec![task("obs", &[], &[0, 2])]), module(&[1], vec![task("obs", &[], &[1])])];
    let trained = train_all(&model, &modules, &data);
    for (smoker, expected) in [(1, 0.5475), (0, 0.5025)] {
        let (point, low, high) = ask(&model, &trained, (2, 1), (0, smoker));
        assert!((point - expected).abs() < 0.01, "{point} {expected}");
        assert!(low - 0.01 <= expected && expected <= high + 0.01, "{expected} not in {low}..{high}");
    }
}

#[test]
fn kidney_stones_and_simpsons_paradox() {
    // Charig et al. 1986, doi:10.1136/bmj.292.6524.879: treatment A = 0, B = 1; small = 0, large = 1.
    let rows: [&[u32]; 8] = [
        &[0, 0, 1, 81],
        &[0, 0, 0, 6],
        &[0, 1, 1, 192],
        &[0, 1, 0, 71],
        &[1, 0, 1, 234],
        &[1, 0, 0, 36],
        &[1, 1, 1, 55],
        &[1, 1, 0, 25],
    ];
    let model = model(&[2, 2, 2], &[(1, 0), (1, 2), (0, 2)], &[]);
    let modules: Vec<Module> = (0..3).map(|v| module(&[v], vec![task("obs", &[], &[v])])).collect();
    let trained = train_all(&model, &modules, &[counts(&rows)]);
    assert_eq!(tables(&trained[0]).members.len(), 1);
    for (treatment, expected) in [(0, 0.8325), (1, 0.7789)] {
        let (point, low, high) = ask(&model, &trained, (2, 1), (0, treatment));
        assert!((point - expected).abs() < 0.003, "{point} {expected}");
        assert!(low < expected && expected < high && high - low < 0.12, "{low}..{high}");
    }
}

#[test]
fn interventions_pool_with_observations() {
    // V0 -> V1 with a hidden cause: only do(V0) tells the effect. Rows from a known model.
    let mut rng = seed::stream(9, "bow");
    let mut draw = |set: Option<u32>| {
        let mut columns = vec![vec![], vec![]];
        for _ in 0..20_000 {
            let u = rng.random_bool(0.5);
            let x = set.unwrap_or(u32::from(rng.random_bool(if u { 0.9 } else { 0.2 })));
            let p = match (x, u) {
                (0, false) => 0.1,
                (0, true) => 0.6,
                (_, false) => 0.3,
                (_, true) => 0.8,
            };
            columns[0].push(x);
            columns[1].push(u32::from(rng.random_bool(p)));
        }
        columns.into_iter().map(Some).collect::<Vec<_>>()
    };
    let data = [table("obs", draw(None), None), table("zero", draw(Some(0)), None), table("one", draw(Some(1)), None)];
    let model = model(&[2, 2], &[(0, 1)], &[&[0, 1]]);
    let tasks = vec![task("obs", &[], &[0, 1]), task("zero", &[0], &[1]), task("one", &[0], &[1])];
    let trained = train_all(&model, &[module(&[0, 1], tasks)], &data);
    for (x, expected) in [(0, 0.35), (1, 0.55)] {
        let (point, low, high) = ask(&model, &trained, (1, 1), (0, x));
        assert!((point - expected).abs() < 0.012, "{point} {expected}");
        assert!(high - low < 0.04, "{low}..{high}");
    }
}

#[test]
fn fits_are_equal_bit_for_bit_whatever_the_threads() {
    let model = model(&[2, 3, 2], &[(0, 1), (1, 2)], &[&[0, 2], &[0, 1]]);
    let module = module(&[0, 1, 2], vec![task("obs", &[], &[0, 1, 2])]);
    let data = [random_rows(&[2, 3, 2], 500, &mut seed::stream(2, "threads"))];
    let settings = Overrides { restarts: Some(4), bootstrap: Some(5), ..Overrides::default() };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| tables(&train(&model, &module, &data, &settings, 1, &Quiet).unwrap()).clone())
    };
    let first = run(1);
    assert_eq!(first, run(2));
    assert_eq!(first, run(1));
    assert_eq!(first.replicates.len(), 5);
    assert_ne!(first.replicates[0], first.replicates[1]);
}

#[test]
fn resampling_and_folds_keep_the_weight() {
    let model = model(&[2, 2], &[], &[&[0, 1]]);
    let module = module(&[0, 1], vec![task("obs", &[], &[0, 1])]);
    let data = [counts(&[&[0, 0, 7], &[0, 1, 1], &[1, 0, 0], &[1, 1, 12]])];
    let shapes = Layout::new(&model, &[0, 1], 1).mechanisms;
    let rows = Rows::new(&model, &module, &data, &shapes).unwrap();
    let sum = |w: &super::rows::Weights| w.iter().flatten().sum::<f64>();
    assert_eq!(sum(&rows.weights()), 20.0);
    assert!((sum(&rows.resampled(1, 0)) - 20.0).abs() < 1e-9);
    assert_ne!(rows.resampled(1, 0), rows.resampled(1, 1));
    let folds = rows.folds(1, 4);
    for (rest, part) in &folds {
        assert!((sum(rest) + sum(part) - 20.0).abs() < 1e-9);
        assert!(part.iter().flatten().all(|w| w.fract() == 0.0), "counts are dealt out whole: {part:?}");
        assert_eq!(sum(part), 5.0);
    }
}

#[test]
fn what_the_data_lack_is_an_error() {
    let model = model(&[2, 2], &[(0, 1)], &[]);
    let good = || random_rows(&[2, 2], 10, &mut seed::stream(1, "good"));
    let fails = |module: &Module, data: Table| {
        matches!(train(&model, module, &[data], &Overrides::default(), 1, &Quiet), Err(TrainError::Data { .. }))
    };
    let sound = module(&[1], vec![task("obs", &[], &[1])]);
    assert!(!fails(&sound, good()));
    assert!(fails(&module(&[1], vec![task("other", &[], &[1])]), good()));
    assert!(fails(&module(&[1], vec![task("obs", &[], &[0])]), good()));
    let mut without = good();
    without.columns[0] = None;
    assert!(fails(&sound, without));
    let mut outside = good();
    outside.columns[1] = Some(vec![5; 10]);
    assert!(fails(&sound, outside));
    let mut short = good();
    short.columns[1] = Some(vec![0; 3]);
    assert!(fails(&sound, short));
}

#[test]
fn training_stops_on_request() {
    struct Impatient;
    impl Observer for Impatient {
        fn metric(&self, _: &Metric) {}
        fn cancelled(&self) -> bool {
            true
        }
    }
    let model = model(&[2, 2], &[], &[&[0, 1]]);
    let module = module(&[0, 1], vec![task("obs", &[], &[0, 1])]);
    let data = [random_rows(&[2, 2], 10, &mut seed::stream(1, "stop"))];
    let result = train(&model, &module, &data, &Overrides::default(), 1, &Impatient);
    assert!(matches!(result, Err(TrainError::Cancelled)));
}

/// `V0 … V(n-1)` fair coins, all parents of `Vn`, whose log odds are `odds(parents)`.
fn many_parents(n: usize, rows: usize, odds: impl Fn(&[u32]) -> f64) -> (Model, Module, Table) {
    let edges: Vec<(usize, usize)> = (0..n).map(|p| (p, n)).collect();
    let model = model(&vec![2; n + 1], &edges, &[]);
    let mut rng = seed::stream(6, "many parents");
    let mut columns = vec![vec![]; n + 1];
    for _ in 0..rows {
        let parents: Vec<u32> = (0..n).map(|_| rng.random_range(0..2)).collect();
        let p = 1.0 / (1.0 + (-odds(&parents)).exp());
        parents.iter().zip(&mut columns).for_each(|(&code, column)| column.push(code));
        columns[n].push(u32::from(rng.random_bool(p)));
    }
    (model, module(&[n], vec![task("obs", &[], &[n])]), table("obs", columns.into_iter().map(Some).collect(), None))
}

/// An interaction, a threshold, and a sum.
fn odds(parents: &[u32]) -> f64 {
    let sum: u32 = parents[4..].iter().sum();
    let interaction = if parents[0] != parents[1] { 1.5 } else { -1.0 };
    let threshold = if parents[2] + parents[3] == 2 { 1.0 } else { 0.0 };
    interaction + threshold + 0.3 * (f64::from(sum) - 5.0)
}

#[test]
fn a_network_generalises_over_fourteen_parents() {
    let (model, module, data) = many_parents(14, 20_000, odds);
    let data = [data];
    let settings = Overrides { bootstrap: Some(3), ..Overrides::default() };
    let smooth = train(&model, &module, &data, &settings, 1, &Quiet).unwrap();
    let plain = train_tables(&model, &module, &data, &Recipe::new(&settings), 1, &Quiet).unwrap();
    let error = |trained: &Trained| {
        let members = &tables(trained).members;
        let sum: f64 = (0..1_usize << 14)
            .map(|row| {
                let parents: Vec<u32> = (0..14).rev().map(|bit| (row >> bit & 1) as u32).collect();
                let found = members.iter().map(|m| m.tables[0][2 * row + 1]).sum::<f64>() / members.len() as f64;
                (found - 1.0 / (1.0 + (-odds(&parents)).exp())).abs()
            })
            .sum();
        sum / f64::from(1 << 14)
    };
    let (smooth, plain) = (error(&smooth), error(&plain));
    assert!(smooth < 0.04 && smooth < plain / 4.0, "networks {smooth}, table {plain}");
}

#[test]
fn forty_parents_need_a_network() {
    let (model, module, data) = many_parents(40, 6_000, |parents| odds(&parents[..14]));
    let settings = Overrides { bootstrap: Some(2), epochs: Some(30), ..Overrides::default() };
    let trained = train(&model, &module, std::slice::from_ref(&data), &settings, 1, &Quiet).unwrap();
    assert!(matches!(trained, Trained::Conditionals(_)));
    let file = trained.to_file(&model, "digest").unwrap();
    assert!(matches!(Trained::from_file(&file, &model).unwrap(), Trained::Conditionals(_)));
    // Among rows with V0 != V1 the outcome is likelier, in the data and in the draws.
    let mut rng = seed::stream(1, "forty");
    let hidden = trained.hidden(data.rows, &mut rng);
    let parents: Vec<&[u32]> = (0..40).map(|v| data.column(v).unwrap()).collect();
    let drawn = trained.codes(40, &parents, &hidden, &mut rng).unwrap();
    for unequal in [false, true] {
        let rows: Vec<usize> = (0..data.rows).filter(|&r| (parents[0][r] != parents[1][r]) == unequal).collect();
        let share = |y: &[u32]| rows.iter().map(|&r| f64::from(y[r])).sum::<f64>() / rows.len() as f64;
        let (expected, found) = (share(data.column(40).unwrap()), share(&drawn));
        assert!((expected - found).abs() < 0.04, "{expected} {found}");
    }
    let modules = [&trained];
    assert!(exact::joint(&model, &modules, &Asked::in_one_world(&[40], &[(0, 1)], &[])).unwrap().is_none());
}

#[test]
fn networks_sum_out_hidden_causes() {
    // The bow of `interventions_pool_with_observations` as a front-door: V0 -> V1 -> V2, V0 <-> V2.
    let mut rng = seed::stream(10, "front-door");
    let mut columns = vec![vec![]; 3];
    for _ in 0..20_000 {
        let u = rng.random_bool(0.4);
        let x = rng.random_bool(if u { 0.8 } else { 0.2 });
        let m = rng.random_bool(if x { 0.85 } else { 0.15 });
        let y = rng.random_bool(match (m, u) {
            (false, false) => 0.1,
            (false, true) => 0.6,
            (true, false) => 0.45,
            (true, true) => 0.9,
        });
        [x, m, y].iter().zip(&mut columns).for_each(|(&v, column)| column.push(u32::from(v)));
    }
    let data = [table("obs", columns.into_iter().map(Some).collect(), None)];
    let model = model(&[2, 2, 2], &[(0, 1), (1, 2)], &[&[0, 2]]);
    let confounded = module(&[0, 2], vec![task("obs", &[], &[0, 2])]);
    let (variables, rows) = prepare(&model, &confounded, &data).unwrap();
    let settings = Overrides { bootstrap: Some(2), ..Overrides::default() };
    let job = networks::Job {
        model: &model,
        module: "H1",
        variables: &variables,
        rows: &rows,
        settings: &settings,
        seed: 1,
        observer: &Quiet,
    };
    let fitted = job.fit().unwrap();
    assert_eq!(fitted, job.fit().unwrap(), "a repeat differs");
    let mediator = module(&[1], vec![task("obs", &[], &[1])]);
    let mut trained = train_all(&model, &[mediator], &data);
    trained.push(Trained::Tables(fitted.tabulate()));
    for (x, m) in [(0, 0.15), (1, 0.85)] {
        // Σ_u P(u) Σ_m P(m | x) P(y | m, u).
        let expected = 0.6 * ((1.0 - m) * 0.1 + m * 0.45) + 0.4 * ((1.0 - m) * 0.6 + m * 0.9);
        let modules: Vec<&Trained> = trained.iter().collect();
        let found =
            exact::joint(&model, &modules, &Asked::in_one_world(&[2], &[(0, x)], &[])).unwrap().unwrap().point.values
                [1];
        assert!((found - expected).abs() < 0.025, "{found} {expected}");
    }
}
