//! Training with images: pictures of 8 by 8 pixels, one half of which is bright.

use super::tests::{coin, generators, module, task, watch};
use super::*;
use crate::causal::Admg;
use crate::data::ImagesBuilder;
use crate::diag::Span;
use crate::model::{Latent, Variable};
use crate::nets::Sampler;
use crate::nets::column::{Column, Pixels};
use crate::nets::ops::with_threads;
use rand::Rng;

const SHAPE: [usize; 3] = [1, 8, 8];
/// P(lower half bright | D) and P(A = 1 | bright half, U).
const HALF: [f64; 2] = [0.25, 0.75];
const A_GIVEN_HALF: [[f64; 2]; 2] = [[0.1, 0.5], [0.45, 0.9]];

/// D -> I -> A, D <-> A with an image I, as variables 0, 1, 2.
fn front_door(rows: usize) -> (Model, Table) {
    let domains = [Domain::Binary, Domain::Image(SHAPE), Domain::Binary];
    let variable = |domain: Domain| Variable { domain: Some(domain), ..Variable::default() };
    let model = Model {
        variables: ["D", "I", "A"].iter().zip(domains).map(|(n, d)| ((*n).to_owned(), variable(d))).collect(),
        graph: Admg::with_edges(3, &[(0, 1), (1, 2)], &[(0, 2)]),
        latents: vec![Latent { name: None, children: vec![0, 2], span: Span::default() }],
        ..Model::default()
    };
    let mut rng = stream(1, "rows");
    let mut images = ImagesBuilder::new(SHAPE, 1 << 20);
    let (mut d, mut a) = (vec![], vec![]);
    for _ in 0..rows {
        let u = coin(0.5, &mut rng) as usize;
        d.push(coin([0.2, 0.8][u], &mut rng));
        let half = coin(HALF[d[d.len() - 1] as usize], &mut rng) as usize;
        a.push(coin(A_GIVEN_HALF[half][u], &mut rng));
        let mut pixel = |at: usize| if (at < 32) == (half == 0) { 200 } else { 30 } + rng.random_range(0..40);
        images.push(&(0..64).map(&mut pixel).collect::<Vec<u8>>()).unwrap();
    }
    let images = BTreeMap::from([(1, images.finish().unwrap())]);
    (model, Table { name: "obs".to_owned(), rows, columns: vec![Some(d), None, Some(a)], images, ..Table::default() })
}

fn mediator() -> plan::Module {
    module(&["I"], vec![task("obs", &[], &[], &["D"], &["I"])])
}

fn ends() -> plan::Module {
    module(&["A", "D"], vec![task("obs", &[], &["I"], &[], &["A", "D"])])
}

fn small(steps: usize) -> Overrides {
    let (steps, hidden) = (Some(steps), Some(vec![32]));
    Overrides { steps, hidden, noise: Some(8), width: Some(8), batch: Some(32), ..Overrides::default() }
}

/// The bright half of each picture.
fn halves(pixels: &Pixels) -> Vec<u32> {
    let lower = |p: &[f32]| u32::from(p[32..].iter().sum::<f32>() > p[..32].iter().sum());
    pixels.values.chunks_exact(64).map(lower).collect()
}

fn draw(module: &GeneratorModule, variable: usize, parents: &[&Column], rows: usize) -> Column {
    let mut rng = stream(7, "sample");
    let hidden = module.hidden(rows, &mut rng);
    module.sample(variable, parents, &hidden, &mut rng).unwrap()
}

fn share(codes: &[u32]) -> f64 {
    f64::from(codes.iter().sum::<u32>()) / codes.len() as f64
}

/// An encoder of the picture that is trained to tell the bright half.
fn encoder(table: &Table) -> Network<Classifier> {
    let size = image_size(SHAPE);
    let architecture = Classifier { pictures: vec![size], codes: 0, width: 4, hidden: vec![], outputs: 2 };
    let mut network = Network::random(architecture, &mut stream(3, "encoder")).unwrap();
    let soft = crate::nets::image::Soft::trained(&network).unwrap();
    let mut adam = Adam::new(soft.parameters(), (0.9, 0.999));
    let mut planes = vec![0.0; 64 * 64];
    table.images(1).unwrap().batch(&(0..64).collect::<Vec<_>>(), &mut planes).unwrap();
    let targets: Vec<f32> = halves(&Pixels { shape: SHAPE, values: planes.clone() })
        .iter()
        .flat_map(|&h| [h as f32 * 2.0 - 1.0, 1.0 - h as f32 * 2.0])
        .collect();
    let targets = candle_core::Tensor::from_vec(targets, (64, 2), &candle_core::Device::Cpu).unwrap();
    let pictures = vec![crate::nets::image::from_planes(&planes, size).unwrap()];
    for _ in 0..100 {
        let codes = soft.outputs(&Batch { codes: None, pictures: pictures.clone() }).unwrap();
        crate::nets::image::mean_squared_error(&codes, &targets).unwrap().backward().unwrap();
        adam.step(1e-2).unwrap();
    }
    let values = soft.parameters().map(|p| p.values().unwrap()).collect();
    crate::nets::image::Soft::write(values, &mut network);
    network
}

/// The image is drawn, the ends of the front door are trained behind it, once with a critic that sees the image
/// and once with one that sees its code; each fits the rows.
#[test]
fn the_front_door_through_an_image() {
    let (model, table) = front_door(4000);
    let tables = [table];
    let settings = Overrides { lr: Some(1e-3), critic_steps: Some(5), ..small(800) };
    let watched = watch();
    let trained = train(&model, &mediator(), &Inputs::new(&tables, &[]), &settings, 1, &watched).unwrap();
    // Only images are generated: nothing is measured.
    assert!(watched.metrics.lock().unwrap().iter().all(|m| m.tv.is_none()));
    let image = generators(trained.clone());
    const ROWS: usize = 2000;
    let pictures = [0, 1].map(|d| draw(&image, 1, &[&Column::Codes(vec![d; ROWS])], ROWS));
    for (d, column) in pictures.iter().enumerate() {
        let Column::Pixels(pixels) = column else { panic!("no images") };
        let found = share(&halves(pixels));
        assert!((found - HALF[d]).abs() < 0.08, "P(lower | D = {d}): {found}");
        // Every picture is one of the two: bright pixels in its bright half, dark ones in the other.
        let right = |(image, half): (&[f32], u32)| {
            image.iter().enumerate().filter(|(at, v)| (**v > 0.0) == ((*at < 32) == (half == 0))).count()
        };
        let right: usize = pixels.values.chunks_exact(64).zip(halves(pixels)).map(right).sum();
        assert!(right as f64 > 0.95 * pixels.values.len() as f64, "{right} of {}", pixels.values.len());
    }
    let frozen = [&trained];
    let encoders = BTreeMap::from([(1, encoder(&tables[0]))]);
    let whole = Inputs::new(&tables, &frozen);
    for inputs in [whole, Inputs { encoders: &encoders, ..whole }] {
        let watched = watch();
        let settings = Overrides { batch: Some(64), ..small(1500) };
        let found = generators(train(&model, &ends(), &inputs, &settings, 1, &watched).unwrap());
        let tv = watched.metrics.lock().unwrap().last().unwrap().tv.unwrap();
        assert!(tv < 0.12, "{tv}");
        for (d, column) in pictures.iter().enumerate() {
            let Column::Codes(codes) = draw(&found, 2, &[column], ROWS) else { panic!("no codes") };
            // P(A = 1 | do(D = d)), U being a fair coin.
            let given_half = A_GIVEN_HALF.map(|of_u| of_u.iter().sum::<f64>() / 2.0);
            let effect = given_half[0] * (1.0 - HALF[d]) + given_half[1] * HALF[d];
            assert!((share(&codes) - effect).abs() < 0.08, "do(D = {d}): {}, truly {effect}", share(&codes));
        }
    }
}

#[test]
fn training_with_images_is_the_same_on_any_number_of_threads() {
    let (model, table) = front_door(200);
    let tables = [table];
    let encoders = BTreeMap::from([(1, encoder(&tables[0]))]);
    let run = |seed| {
        let settings = Overrides { width: Some(16), ..small(3) };
        let image = train(&model, &mediator(), &Inputs::new(&tables, &[]), &settings, seed, &watch()).unwrap();
        let frozen = [&image];
        let inputs = Inputs { encoders: &encoders, ..Inputs::new(&tables, &frozen) };
        let ends = train(&model, &ends(), &inputs, &settings, seed, &watch()).unwrap();
        [generators(image), generators(ends)]
    };
    let once = run(1);
    assert_eq!(with_threads(1, || run(1)).unwrap(), once);
    assert_eq!(with_threads(3, || run(1)).unwrap(), once);
    assert_ne!(run(2), once);
}

/// Where rows do not have the parents' values, the frozen generator of an image draws: what the critic says of the picture
/// moves the mechanism of its parent, and the frozen generator itself neither moves nor gathers a gradient.
#[test]
fn the_score_of_a_frozen_image_moves_its_parent() {
    let (model, mut table) = front_door(100);
    table.columns[0] = Some(vec![0; 100]);
    let tables = [table];
    let frozen = train(&model, &mediator(), &Inputs::new(&tables, &[]), &small(2), 1, &watch()).unwrap();
    let options = Options::new(&small(2), Sight::Images);
    let own = super::generators(&model, &ends(), &options, &BTreeMap::new(), &mut stream(1, "own")).unwrap();
    // D (variable 0) is the image's parent, A its child.
    assert_eq!(own.generators.iter().map(|g| g.shape.variable).collect::<Vec<_>>(), [0, 2]);
    let order = model.graph.topological_order().unwrap();
    let none = BTreeMap::new();
    let parent_moves = |with_picture: bool| -> Vec<Vec<f32>> {
        let networks: Vec<SoftGenerator> = own.generators.iter().map(|g| SoftGenerator::trained(g).unwrap()).collect();
        let mechanisms = Mechanisms::new(&own, networks.clone(), &[&frozen], &none).unwrap();
        let task = Task::new(&model, &ends().tasks[0], &Inputs::new(&tables, &[]), &mechanisms, &order).unwrap();
        assert_eq!(task.sees(), (4, vec![image_size(SHAPE)]));
        let critic = TaskCritic::random(task.sees(), &options, &mut stream(1, "critic")).unwrap();
        let rows = task.draw(16, &mut stream(1, "draw"));
        let mut rng = stream(1, "noise");
        let mut forward = Forward { mechanisms: &mechanisms, rng: &mut rng, watch: None };
        let mut fake = Task::fakes(&[task], &[rows], &order, &mut forward).unwrap().remove(0);
        if !with_picture {
            fake.seen.pictures[0] = fake.seen.pictures[0].zeros_like().unwrap();
        }
        critic.generator_loss(&fake, &mut rng).unwrap().backward().unwrap();
        assert!(mechanisms.networks(1).iter().flat_map(|n| n.parameters()).all(|p| p.gradient().is_none()));
        networks[0].parameters().iter().map(|p| p.gradient().unwrap()).collect()
    };
    let (seen, blank) = (parent_moves(true), parent_moves(false));
    assert!(seen.iter().flatten().all(|g| g.is_finite()) && seen.iter().flatten().any(|g| *g != 0.0));
    assert_ne!(seen, blank);
}

/// Images behind a frozen mechanism come from rows with the same value of their parent.
#[test]
fn images_of_a_batch_are_those_of_rows_with_the_same_parents() {
    let (model, mut table) = front_door(300);
    let upper = |image: &[f32]| image[..32].iter().sum::<f32>() > image[32..].iter().sum();
    // D is what the picture shows.
    let mut planes = vec![0.0; 300 * 64];
    table.images(1).unwrap().batch(&(0..300).collect::<Vec<_>>(), &mut planes).unwrap();
    table.columns[0] = Some(planes.chunks_exact(64).map(|image| u32::from(upper(image))).collect());
    let tables = [table];
    let frozen = train(&model, &mediator(), &Inputs::new(&tables, &[]), &small(2), 1, &watch()).unwrap();
    let own = super::generators(
        &model,
        &ends(),
        &Options::new(&small(2), Sight::Images),
        &BTreeMap::new(),
        &mut stream(1, "own"),
    )
    .unwrap();
    let networks: Vec<SoftGenerator> = own.generators.iter().map(|g| SoftGenerator::trained(g).unwrap()).collect();
    let none = BTreeMap::new();
    let mechanisms = Mechanisms::new(&own, networks, &[&frozen], &none).unwrap();
    let order = model.graph.topological_order().unwrap();
    let task = Task::new(&model, &ends().tasks[0], &Inputs::new(&tables, &[]), &mechanisms, &order).unwrap();
    let rows = task.draw(64, &mut stream(1, "draw"));
    let mut rng = stream(1, "noise");
    let mut forward = Forward { mechanisms: &mechanisms, rng: &mut rng, watch: None };
    let fake = Task::fakes(&[task], &[rows], &order, &mut forward).unwrap().remove(0).seen;
    let codes = fake.codes.unwrap().to_vec2::<f32>().unwrap();
    let pictures = fake.pictures[0].flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (code, picture) in codes.iter().zip(pictures.chunks_exact(64)) {
        assert_eq!(upper(picture), code[1] > 0.5, "{code:?}");
    }
}

#[test]
fn images_that_do_not_fit_are_refused() {
    let refused = |model: &Model, table: Table| match train(
        model,
        &mediator(),
        &Inputs::new(&[table], &[]),
        &small(2),
        1,
        &watch(),
    ) {
        Err(TrainError::Data { message, .. }) => message,
        other => panic!("{other:?}"),
    };
    let (mut model, table) = front_door(10);
    let without = Table { images: BTreeMap::new(), ..table.clone() };
    assert_eq!(refused(&model, without), "I is not a column of such images in obs");
    model.variables[1].domain = Some(Domain::Image([1, 9, 8]));
    assert_eq!(refused(&model, table.clone()), "I is not a column of such images in obs");
    model.variables[1].domain = Some(Domain::Image([1, 4, 4]));
    assert!(refused(&model, table.clone()).starts_with("I: a picture [1, 4, 4]: sides must have 8 to 256 pixels"));
    model.variables[1].domain = Some(Domain::REAL);
    assert_eq!(refused(&model, table), "I is not a column of numbers in obs");
}
