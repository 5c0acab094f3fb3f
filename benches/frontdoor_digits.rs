//! The front door of drawn digits (`examples/frontdoor_digits.scm`), trained and measured.
//!
//! `cargo bench --bench frontdoor_digits` trains all modules; `-- train.I.steps=500 data.obs.n=2000 module=I png=FILE`
//! changes settings, trains one module and those it waits for, and writes a picture of drawn digits, a row for each
//! value of D, under those of the data. Printed: seconds per module; in how many drawn images a classifier trained on
//! the data reads their D; the shares of the colours; and P(A | do(D)) beside the truth.

use candle_core::{D, Tensor};
use dcmc::data::{self, Grid, Table};
use dcmc::model::{self, Model, VarId};
use dcmc::nets::Sampler;
use dcmc::nets::column::{Column, Pixels};
use dcmc::nets::image::{Batch, Classifier, ImageSize, Network, Soft, from_planes};
use dcmc::nets::ops::{Adam, with_threads};
use dcmc::plan;
use dcmc::query::Draw;
use dcmc::seed::stream;
use dcmc::train::{Given, Metric, Observer, Trained, train_plan};
use rand::Rng;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Images drawn for each value of D.
const ROWS: usize = 1000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a.contains('=')).collect();
    let mut settings: BTreeMap<&str, &str> = arguments.iter().filter_map(|a| a.split_once('=')).collect();
    let (png, only) = (settings.remove("png"), settings.remove("module"));
    let out = settings.remove("out").map(Path::new);
    let base = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"));
    let text = std::fs::read_to_string(base.join("frontdoor_digits.scm")).expect("the example");
    let (mut ast, _) = dcmc::syntax::parse(&text);
    for (key, value) in settings.iter().filter(|(key, _)| key.starts_with("data.")) {
        model::set_data(&mut ast, key, value).expect("a setting of data");
    }
    let (mut model, _) = model::lower(&ast, dcmc::truth::infer_domains);
    for (key, value) in settings.iter().filter(|(key, _)| key.starts_with("train.")) {
        model::apply_setting(&mut model, key, value).expect("a setting of training");
    }
    let seed = model.settings.seed();
    let start = Instant::now();
    let (table, _) = data::load(&model, 0, base, seed).expect("rows");
    println!("{} rows drawn in {:.1} s", table.rows, start.elapsed().as_secs_f64());
    let schemas = vec![data::schema(&model, 0, base).expect("a schema").0];
    let mut plan = plan::make(&model, &schemas, plan::Options::default()).expect("a plan").plan;
    if let Some(name) = only {
        let at = plan.modules.iter().position(|m| m.variables.iter().any(|v| v == name)).expect("a module");
        let wanted = [&[plan.modules[at].id.clone()][..], &plan.modules[at].after].concat();
        plan.modules.retain(|m| wanted.contains(&m.id));
    }
    let tables = [table];
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let trained =
        train_plan(&model, &plan, &Given { tables: &tables, pretrained: &[], base }, out, jobs, &Clock::default())
            .expect("training succeeds");
    let modules: Vec<&Trained> = trained.iter().collect();
    let [d, i, a] = ["D", "I", "A"].map(|name| model.id(name).expect("the example's variable"));
    if modules.iter().any(|m| m.variables().contains(&i)) {
        let drawn = [0, 1].map(|value| pictures(&model, &modules, (d, i), value));
        let right = with_threads(jobs, || effectiveness(&tables[0], (d, i), &drawn)).expect("threads");
        println!("read as their D: {:.3} and {:.3}, of the data's own {:.3}", right[0], right[1], right[2]);
        println!("colours (red, green, blue): {:.2?} and {:.2?}", colours(&drawn[0]), colours(&drawn[1]));
        looks(&model, &tables[0], (d, i), &drawn);
        if let Some(path) = png {
            grid(Path::new(path), &tables[0], (d, i), &drawn);
        }
    }
    if modules.iter().any(|m| m.variables().contains(&a)) {
        seen(&model, &modules, &tables[0], (d, i, a));
        effect(&model, &modules, d, a);
    }
}

/// Prints how long modules take and how they go.
#[derive(Default)]
struct Clock(Mutex<BTreeMap<String, Instant>>);

impl Observer for Clock {
    fn started(&self, module: &str, _: bool) {
        self.0.lock().expect("no panic").insert(module.to_owned(), Instant::now());
    }

    fn finished(&self, module: &str) {
        println!("{module} trained in {:.1} s", self.0.lock().expect("no panic")[module].elapsed().as_secs_f64());
    }

    fn metric(&self, metric: &Metric) {
        let every = metric.total.div_ceil(10).max(1);
        if metric.tv.is_some() || metric.step.is_multiple_of(every) {
            let seconds = self.0.lock().expect("no panic")[&metric.module].elapsed().as_secs_f64();
            println!(
                "{} step {} of {}, {seconds:.0} s: {:.3} {:?}",
                metric.module, metric.step, metric.total, metric.loss, metric.tv
            );
        }
    }
}

/// Images drawn under do(D = value).
fn pictures(model: &Model, modules: &[&Trained], (d, i): (VarId, VarId), value: u32) -> Pixels {
    let module = modules.iter().find(|m| m.variables().contains(&i)).expect("the image's module");
    assert_eq!(model.graph.parents(i), [d]);
    let mut rng = stream(11, "pictures");
    let hidden = module.hidden(ROWS, &mut rng);
    match module.sample(i, &[&Column::Codes(vec![value; ROWS])], &hidden, &mut rng).expect("images") {
        Column::Pixels(pixels) => pixels,
        Column::Codes(_) => unreachable!("I is an image"),
    }
}

/// The share of drawn images of each D that a classifier trained on the rows reads as their D, and its share of rows.
fn effectiveness(table: &Table, (d, i): (VarId, VarId), drawn: &[Pixels; 2]) -> [f64; 3] {
    let images = table.images(i).expect("images");
    let [channels, height, width] = images.shape();
    let size = ImageSize { channels, height, width };
    let labels = table.column(d).expect("digits");
    let classifier = Classifier { pictures: vec![size], codes: 0, width: 8, hidden: vec![32], outputs: 2 };
    let mut rng = stream(5, "classifier");
    let network = Soft::trained(&Network::random(classifier, &mut rng).expect("a network")).expect("parameters");
    let mut adam = Adam::new(network.parameters(), (0.9, 0.999));
    let read = |rows: &[usize]| {
        let mut planes = vec![0.0; rows.len() * size.count()];
        images.batch(rows, &mut planes).expect("rows");
        from_planes(&planes, size).expect("pictures")
    };
    let logits = |pictures: Tensor| network.outputs(&Batch { codes: None, pictures: vec![pictures] }).expect("logits");
    // The last tenth of the rows tests.
    let rows = table.rows * 9 / 10;
    for _ in 0..400 {
        let batch: Vec<usize> = (0..64).map(|_| rng.random_range(0..rows)).collect();
        let targets: Vec<f32> = batch.iter().flat_map(|&r| [1 - labels[r], labels[r]].map(|v| v as f32)).collect();
        let targets = Tensor::from_vec(targets, (64, 2), &candle_core::Device::Cpu).expect("targets");
        let scores = logits(read(&batch));
        let logs = scores.broadcast_sub(&scores.log_sum_exp(D::Minus1).unwrap().unsqueeze(1).unwrap()).unwrap();
        (logs.mul(&targets).unwrap().sum_all().unwrap() * (-1.0 / 64.0)).unwrap().backward().expect("gradients");
        adam.step(1e-3).expect("a step");
    }
    let classes = |pictures: Tensor| -> Vec<u32> { logits(pictures).argmax(1).unwrap().to_vec1().unwrap() };
    let share = |found: Vec<u32>, right: &dyn Fn(usize) -> u32| {
        found.iter().enumerate().filter(|(at, class)| **class == right(*at)).count() as f64 / found.len() as f64
    };
    let held: Vec<usize> = (rows..table.rows).take(1000).collect();
    let of =
        |value: u32| share(classes(from_planes(&drawn[value as usize].values, size).expect("pictures")), &|_| value);
    [of(0), of(1), share(classes(read(&held)), &|at| labels[held[at]])]
}

/// The share of images in which each channel is the brightest.
fn colours(pixels: &Pixels) -> [f64; 3] {
    let mut shares = [0.0; 3];
    for image in pixels.values.chunks_exact(pixels.size()) {
        let sums: Vec<f32> = image.chunks_exact(image.len() / 3).map(|plane| plane.iter().sum()).collect();
        let brightest = (0..3).max_by(|&a, &b| sums[a].total_cmp(&sums[b])).expect("three channels");
        shares[brightest] += 1.0 / pixels.rows() as f64;
    }
    shares
}

/// Writes two rows of the data's images of each D, and two rows of drawn ones.
fn grid(path: &Path, table: &Table, (d, i): (VarId, VarId), drawn: &[Pixels; 2]) {
    const COLUMNS: usize = 16;
    let (images, labels) = (table.images(i).expect("images"), table.column(d).expect("digits"));
    let mut all: Vec<Vec<u8>> = vec![];
    for value in 0..2 {
        let rows = (0..table.rows).filter(|&r| labels[r] == value).take(2 * COLUMNS);
        all.extend(rows.map(|r| images.row(r).expect("an image")));
        let pixels = &drawn[value as usize];
        let bytes = |image: &[f32]| image.iter().map(|v| ((v + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8).collect();
        all.extend(pixels.values.chunks_exact(pixels.size()).take(2 * COLUMNS).map(bytes));
    }
    let grid = Grid { columns: COLUMNS, gap: 2, scale: 2, background: 60 };
    data::write_png_grid(path, &all, images.shape(), grid).expect("a file");
}

/// Prints P(A | do(D)) beside the truth.
fn effect(model: &Model, modules: &[&Trained], d: VarId, a: VarId) {
    let truth = dcmc::truth::Scm::build(model).expect("a truth block").expect("a truth block");
    for value in [0, 1] {
        let mut rng = stream(13, "effect");
        let wanted = [a];
        let draw = Draw { model, modules, wanted: &wanted, rows: 4 * ROWS };
        let codes = draw.codes(&[(d, value)], &mut rng).expect("samples").swap_remove(a);
        let found: Vec<f64> =
            (0..3).map(|c| codes.iter().filter(|k| **k == c).count() as f64 / codes.len() as f64).collect();
        let exact = truth.estimate(&[a], &[(d, value)], &[]).expect("the truth").table.values;
        let tv: f64 = found.iter().zip(&exact).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
        println!("P(A | do(D = {value})) {found:.3?}, truly {exact:.3?}: tv {tv:.3}");
    }
}

fn looks(model: &Model, table: &Table, (d, i): (VarId, VarId), drawn: &[Pixels; 2]) {
    let truth = dcmc::truth::Scm::build(model).expect("a truth block").expect("a truth block");
    let bytes = |image: &[f32]| image.iter().map(|v| ((v + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8).collect::<Vec<u8>>();
    let shares = |c: Vec<u32>| -> Vec<f64> { (0..3).map(|k| c.iter().filter(|v| **v == k).count() as f64 / c.len() as f64).collect() };
    let images = table.images(i).expect("images");
    let labels = table.column(d).expect("digits");
    for value in 0..2u32 {
        let real: Vec<Vec<u8>> = (0..table.rows).filter(|&r| labels[r] == value).take(1000).map(|r| images.row(r).expect("row")).collect();
        let fake: Vec<Vec<u8>> = drawn[value as usize].values.chunks_exact(drawn[0].size()).map(bytes).collect();
        println!("classes of D = {value}: real {:.3?}, drawn {:.3?}", shares(truth.looks_at(i, &real).unwrap()), shares(truth.looks_at(i, &fake).unwrap()));
    }
}

fn seen(model: &Model, modules: &[&Trained], table: &Table, (d, i, a): (VarId, VarId, VarId)) {
    let truth = dcmc::truth::Scm::build(model).expect("a truth block").expect("a truth block");
    let shares = |c: &[u32]| -> Vec<f64> { (0..3).map(|k| c.iter().filter(|v| **v == k).count() as f64 / c.len() as f64).collect() };
    let images = table.images(i).expect("images");
    let labels = table.column(d).expect("digits");
    let size = images.shape();
    let sees = modules.iter().find(|m| m.variables().contains(&a)).expect("module");
    let bytes = |image: &[f32]| image.iter().map(|v| ((v + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8).collect::<Vec<u8>>();
    for value in 0..2u32 {
        let rows: Vec<usize> = (0..table.rows).filter(|&r| labels[r] == value).take(4000).collect();
        let mut planes = vec![0.0; rows.len() * size.iter().product::<usize>()];
        images.batch(&rows, &mut planes).unwrap();
        let real = Pixels { shape: size, values: planes };
        let mut all = vec![("real", real)];
        if modules.iter().any(|m| m.variables().contains(&i)) {
            let mut values = vec![];
            for _ in 0..4 { values.extend(pictures(model, modules, (d, i), value).values); }
            all.push(("drawn", Pixels { shape: size, values }));
        }
        for (name, pixels) in all {
            let mut rng = stream(17, "seen");
            let raw: Vec<Vec<u8>> = pixels.values.chunks_exact(pixels.size()).map(bytes).collect();
            let classes = truth.looks_at(i, &raw).unwrap();
            let n = classes.len();
            let c = shares(&classes);
            let expected: Vec<f64> = (0..3).map(|k| 0.05 + 0.85 * 0.5 * (c[k] + c[(k + 2) % 3])).collect();
            let hidden = sees.hidden(n, &mut rng);
            let Column::Codes(found) = sees.sample(a, &[&Column::Pixels(pixels)], &hidden, &mut rng).unwrap() else { panic!() };
            let f = shares(&found);
            let tv = f.iter().zip(&expected).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
            println!("D = {value} {name}: classes {c:.3?}, truly A {expected:.3?}, mechanism {f:.3?}: tv {tv:.3}");
            for k in 0..3u32 {
                let at: Vec<u32> = (0..n).filter(|&r| classes[r] == k).map(|r| found[r]).collect();
                println!("   class {k}: {:.3?}", shares(&at));
            }
        }
    }
}
