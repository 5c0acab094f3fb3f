//! The front door of drawn digits (`examples/frontdoor_digits.scm`), trained and measured.
//!
//! `cargo bench --bench frontdoor_digits` trains all modules; `-- train.I.steps=500 data.obs.n=2000 module=I png=FILE`
//! changes settings, trains one module and those it waits for, and writes a picture of drawn digits, a row for each
//! value of D, under those of the data. Printed: seconds per module; in how many drawn images a classifier trained on
//! the data reads their D; the shares of the colours; and P(A | do(D)) beside the truth, also with the data's own images
//! in the place of drawn ones, which leaves out what the image's mechanism gets wrong.
//!
//! `-- compare` trains the paper's engine three times: module by module; all at once with a critic that sees the image's
//! code (the paper's "rep", its section 5.2); all at once with one that sees the image (as Xia et al. 2023). Printed
//! beside the above: after how many steps the total variation distance of P(D, A) stays under 0.05.

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

/// The distance that the curves of `compare` are to reach.
const NEAR: f64 = 0.05;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let mut settings: Vec<(&str, &str)> = arguments.iter().filter_map(|a| a.split_once('=')).collect();
    let mut option = |name: &str| {
        let at = settings.iter().position(|(key, _)| *key == name)?;
        Some(settings.remove(at).1)
    };
    let (png, only) = (option("png"), option("module"));
    if !arguments.iter().any(|a| a == "compare") {
        return Experiment::new(&settings).run(only, png.map(Path::new));
    }
    for (title, modular, encode) in
        [("modular", "true", true), ("at once, codes", "false", true), ("at once", "false", false)]
    {
        println!("== {title}");
        let paper = [("train.engine", "wgan_gp"), ("train.modular", modular)];
        let mut experiment = Experiment::new(&[&paper[..], &settings].concat());
        if !encode {
            experiment.model.variables.values_mut().for_each(|v| v.encoder = None);
        }
        experiment.run(None, None);
    }
}

/// The example with some settings, and its rows.
struct Experiment {
    model: Model,
    table: Table,
    base: &'static Path,
}

impl Experiment {
    fn new(settings: &[(&str, &str)]) -> Self {
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
        let start = Instant::now();
        let (table, _) = data::load(&model, 0, base, model.settings.seed()).expect("rows");
        println!("{} rows drawn in {:.1} s", table.rows, start.elapsed().as_secs_f64());
        Self { model, table, base }
    }

    /// Trains all modules, or the one of the variable `only` and those it waits for, and prints how they do.
    fn run(&self, only: Option<&str>, png: Option<&Path>) {
        let schemas = vec![data::schema(&self.model, 0, self.base).expect("a schema").0];
        let mut plan = plan::make(&self.model, &schemas, plan::Options::default()).expect("a plan").plan;
        if let Some(name) = only {
            let at = plan.modules.iter().position(|m| m.variables.iter().any(|v| v == name)).expect("a module");
            let wanted = [&[plan.modules[at].id.clone()][..], &plan.modules[at].after].concat();
            plan.modules.retain(|m| wanted.contains(&m.id));
        }
        let tables = [self.table.clone()];
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let given = Given { tables: &tables, pretrained: &[], base: self.base };
        let clock = Clock::default();
        let trained = train_plan(&self.model, &plan, &given, None, jobs, &clock).expect("training succeeds");
        clock.near();
        let modules: Vec<&Trained> = trained.iter().collect();
        let [d, i, a] = ["D", "I", "A"].map(|name| self.model.id(name).expect("the example's variable"));
        let has = |v: VarId| modules.iter().any(|m| m.variables().contains(&v));
        if has(i) {
            let drawn = [0, 1].map(|value| pictures(&self.model, &modules, (d, i), value));
            let right = with_threads(jobs, || effectiveness(&self.table, (d, i), &drawn)).expect("threads");
            println!("read as their D: {:.3} and {:.3}, of the data's own {:.3}", right[0], right[1], right[2]);
            println!("colours (red, green, blue): {:.2?} and {:.2?}", colours(&drawn[0]), colours(&drawn[1]));
            if let Some(path) = png {
                grid(path, &self.table, (d, i), &drawn);
            }
        }
        if has(a) {
            self.effect(&modules, [d, i, a], has(i));
        }
    }

    /// Prints P(A | do(D)) beside the truth: through drawn images, if there are any, and through the data's own.
    fn effect(&self, modules: &[&Trained], [d, i, a]: [VarId; 3], through_drawn: bool) {
        let truth = dcmc::truth::Scm::build(&self.model).expect("a truth block").expect("a truth block");
        for value in [0, 1] {
            let mut rng = stream(13, "effect");
            let exact = truth.estimate(&[a], &[(d, value)], &[]).expect("the truth").table.values;
            let shown = |codes: &[u32]| {
                let share = |c: u32| codes.iter().filter(|k| **k == c).count() as f64 / codes.len() as f64;
                let found = [0, 1, 2].map(share);
                let tv: f64 = found.iter().zip(&exact).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
                format!("{found:.3?} (tv {tv:.3})")
            };
            let sees = modules.iter().find(|m| m.variables().contains(&a)).expect("A's module");
            let images = Column::Pixels(self.images_of((d, i), value));
            let hidden = sees.hidden(images.rows(), &mut rng);
            let Column::Codes(by_rows) = sees.sample(a, &[&images], &hidden, &mut rng).expect("codes") else {
                unreachable!("A is discrete")
            };
            print!("P(A | do(D = {value})), truly {exact:.3?}: with the data's images {}", shown(&by_rows));
            if through_drawn {
                let draw = Draw { model: &self.model, modules, wanted: &[a], rows: 5 * ROWS };
                print!(", with drawn ones {}", shown(&draw.codes(&[(d, value)], &mut rng).expect("samples")[a]));
            }
            println!();
        }
    }

    /// Images of the rows with this value of D.
    fn images_of(&self, (d, i): (VarId, VarId), value: u32) -> Pixels {
        let (images, labels) = (self.table.images(i).expect("images"), self.table.column(d).expect("digits"));
        let rows: Vec<usize> = (0..self.table.rows).filter(|&r| labels[r] == value).take(5 * ROWS).collect();
        let mut values = vec![0.0; rows.len() * images.size()];
        images.batch(&rows, &mut values).expect("rows");
        Pixels { shape: images.shape(), values }
    }
}

/// Step, seconds, and the distance of P(D, A).
type Point = (usize, f64, f64);

/// Prints how long modules take and how they go.
#[derive(Default)]
struct Clock {
    started: Mutex<BTreeMap<String, Instant>>,
    curves: Mutex<BTreeMap<String, Vec<Point>>>,
}

impl Clock {
    fn seconds(&self, module: &str) -> f64 {
        self.started.lock().expect("no panic")[module].elapsed().as_secs_f64()
    }

    /// Prints when the distances came under [`NEAR`] and stayed there.
    fn near(&self) {
        for (module, curve) in self.curves.lock().expect("no panic").iter() {
            let last = curve.iter().rposition(|(_, _, tv)| *tv > NEAR).map_or(0, |at| at + 1);
            match curve.get(last) {
                Some((step, seconds, _)) => {
                    println!("{module}: P(D, A) within {NEAR} from step {step} on, {seconds:.0} s")
                }
                None => println!("{module}: P(D, A) not within {NEAR}"),
            }
        }
    }
}

impl Observer for Clock {
    fn started(&self, module: &str, _: bool) {
        self.started.lock().expect("no panic").insert(module.to_owned(), Instant::now());
    }

    fn finished(&self, module: &str) {
        println!("{module} trained in {:.1} s", self.seconds(module));
    }

    fn metric(&self, metric: &Metric) {
        let (step, total, seconds) = (metric.step, metric.total, self.seconds(&metric.module));
        if let Some(tv) = metric.tv {
            let mut curves = self.curves.lock().expect("no panic");
            curves.entry(metric.module.clone()).or_default().push((step, seconds, tv));
        }
        if metric.tv.is_some() || step.is_multiple_of(total.div_ceil(10).max(1)) {
            println!("{} step {step} of {total}, {seconds:.0} s: {:.3} {:?}", metric.module, metric.loss, metric.tv);
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
        other => unreachable!("I is an image, not {other:?}"),
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
