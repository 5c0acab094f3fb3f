//! Files that fit give what PyTorch computes; files that do not are refused.

use super::*;
use crate::nets::file::{ModuleFile, Values};
use crate::nets::ops::check::random;
use crate::nets::table::{TableLatent, TableMechanism, TableMember};
use crate::pretrained::{Fault, Node, Reading};
use crate::seed::stream;
use candle_core::Device;
use std::fs;
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pretrained").join(name)
}

fn expected(name: &str) -> Vec<f32> {
    let text = fs::read_to_string(data("expected.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    all[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

fn node(name: &str, kind: Kind) -> Node {
    let classes = if let Kind::Discrete(card) = kind { card } else { 0 };
    Node { name: name.into(), kind, labels: None, classes }
}

const GENERATOR: &str = r#"[{"layer": "reshape", "shape": [5, 1, 1]}, {"layer": "conv_transpose", "name": "0"},
    {"layer": "batch_norm", "name": "1"}, {"layer": "relu"},
    {"layer": "conv_transpose", "name": "3", "stride": 2, "padding": 1}, {"layer": "tanh"}]"#;
const CLASSIFIER: &str = r#"[{"layer": "conv", "name": "0", "padding": 1}, {"layer": "relu"},
    {"layer": "max_pool", "size": 2}, {"layer": "flatten"}, {"layer": "linear", "name": "4"}]"#;

fn reading(layers: &str, latent: usize) -> Reading {
    Reading { latent, layers: serde_json::from_str(layers).ok(), ..Reading::default() }
}

/// An image of a binary class.
fn generator() -> Request {
    Request {
        variable: node("I", Kind::Image([1, 8, 8])),
        parents: vec![node("C", Kind::Discrete(2))],
        inputs: None,
        reading: reading(GENERATOR, 3),
    }
}

/// Three values of an image.
fn classifier() -> Request {
    Request {
        variable: node("Y", Kind::Discrete(3)),
        parents: vec![node("I", Kind::Image([1, 8, 8]))],
        inputs: None,
        reading: reading(CLASSIFIER, 0),
    }
}

fn load(request: &Request, path: &Path) -> std::result::Result<PretrainedModule, Fault> {
    PretrainedModule::load(1, &[0], request, None, path)
}

fn network(module: &PretrainedModule) -> &FileNetwork {
    let Source::Network(network) = &module.inside.source else { panic!("no network") };
    network
}

fn close(found: &Tensor, expected: &[f32]) {
    let found = found.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

/// The noise and the codes of `expected.json`.
fn inputs() -> Vec<Tensor> {
    let z = Tensor::from_vec(expected("z"), (3, 3), &Device::Cpu).unwrap();
    let codes: Vec<u32> = expected("labels").iter().map(|&c| c as u32).collect();
    vec![z, one_hot(&codes, 2).unwrap()]
}

/// One channel: `[rows, 1, 8, 8]` and `[rows, 8, 8, 1]` are the same numbers.
fn images() -> Tensor {
    Tensor::from_vec(expected("images"), (3, 8, 8, 1), &Device::Cpu).unwrap()
}

#[test]
fn generators_of_every_format_draw_what_pytorch_draws() {
    let mut files = vec!["generator.safetensors", "generator.pth"];
    if cfg!(feature = "onnx") {
        files.extend(["one_input.onnx", "two_inputs.onnx", "class_number.onnx"]);
    }
    for file in files {
        let mut request = generator();
        if file.ends_with("pth") {
            request.reading.key = Some("state_dict".into());
        }
        let module = load(&request, &data(file)).unwrap_or_else(|fault| panic!("{file}: {fault:?}"));
        close(&network(&module).output(&request, &inputs()).unwrap(), &expected("images"));
        request.reading.noise_last = true;
        if file == "two_inputs.onnx" {
            assert_eq!(load(&request, &data(file)).unwrap_err().code, "E0603", "the noise is the first input");
        }
    }
}

#[test]
fn classifiers_of_every_format_give_the_logits_of_pytorch() {
    let files = ["classifier.safetensors", "classifier.onnx"];
    for file in files.into_iter().filter(|f| cfg!(feature = "onnx") || !f.ends_with("onnx")) {
        let (mut request, mut rng) = (classifier(), stream(1, "draws"));
        let module = load(&request, &data(file)).unwrap();
        close(&module.soft(1, &[images()], 3, &mut rng).unwrap(), &expected("logits"));
        // The network reads pixels in [0, 1]: the same ones are given in [−1, 1].
        request.reading.range = Some(crate::pretrained::Range::Unit);
        let module = load(&request, &data(file)).unwrap();
        let signed = images().affine(2.0, -1.0).unwrap();
        close(&module.soft(1, &[signed], 3, &mut rng).unwrap(), &expected("logits"));
        // The values 0, 1, 2 are the file's classes 2, 0, 1.
        request.reading.range = None;
        request.variable.labels = Some(vec![2, 0, 1]);
        let module = load(&request, &data(file)).unwrap();
        let logits = expected("logits");
        let turned: Vec<f32> = logits.chunks(3).flat_map(|l| [l[2], l[0], l[1]]).collect();
        close(&module.soft(1, &[images()], 3, &mut rng).unwrap(), &turned);
    }
}

#[test]
fn draws_follow_the_logits() {
    let (request, mut rng) = (classifier(), stream(1, "draws"));
    let module = load(&request, &data("classifier.safetensors")).unwrap();
    let rows = 6000;
    let image = &expected("images")[..64];
    let pixels = Pixels { shape: [1, 8, 8], values: image.repeat(rows) };
    let hidden = module.hidden(rows, &mut rng);
    let drawn = module.sample(1, &[&Column::Pixels(pixels)], &hidden, &mut rng).unwrap();
    let probabilities = softmax(&expected("logits")[..3], 3);
    for (value, p) in probabilities.iter().enumerate() {
        let share = drawn.codes().unwrap().iter().filter(|&&d| d as usize == value).count() as f64 / rows as f64;
        assert!((share - p).abs() < 0.02, "{value}: {share} {p}");
    }
}

/// The value 1 is the file's class 0 and the value 0 its class 1: the same noise, the other images.
#[test]
fn labels_choose_the_classes_of_a_file() {
    let mut request = generator();
    let plain = load(&request, &data("generator.safetensors")).unwrap();
    request.parents[0].labels = Some(vec![1, 0]);
    let mapped = load(&request, &data("generator.safetensors")).unwrap();
    let draw = |module: &PretrainedModule, code: u32| {
        let mut rng = stream(1, "draws");
        let hidden = module.hidden(150, &mut rng);
        module.sample(1, &[&Column::Codes(vec![code; 150])], &hidden, &mut rng).unwrap()
    };
    assert_eq!(draw(&plain, 0), draw(&mapped, 1));
    assert_eq!(draw(&plain, 1), draw(&mapped, 0));
    assert_ne!(draw(&plain, 0), draw(&plain, 1));
    // Of a file with more classes than the variable has values, as many inputs more are there.
    request.reading.latent = 2;
    request.parents[0] = Node { classes: 3, labels: Some(vec![2, 0]), ..node("C", Kind::Discrete(2)) };
    assert!(load(&request, &data("generator.safetensors")).is_ok());
}

#[test]
fn gradients_pass_to_the_parents() {
    let (request, codes) = (generator(), random(2, 5));
    let module = load(&request, &data("generator.safetensors")).unwrap();
    let run = |codes: &Tensor| {
        let pictures = module.soft(1, std::slice::from_ref(codes), 1, &mut stream(1, "noise")).unwrap();
        pictures.sqr().unwrap().sum_all().unwrap()
    };
    let value = |codes: Vec<f32>| {
        f64::from(run(&Tensor::from_vec(codes, (1, 2), &Device::Cpu).unwrap()).to_scalar::<f32>().unwrap())
    };
    let parent = candle_core::Var::from_vec(codes.clone(), (1, 2), &Device::Cpu).unwrap();
    let gradients = run(parent.as_tensor()).backward().unwrap();
    let found = gradients.get(&parent).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for at in 0..2 {
        let moved = |step: f32| {
            let mut codes = codes.clone();
            codes[at] += step;
            value(codes)
        };
        let slope = (moved(2e-3) - moved(-2e-3)) / 4e-3;
        assert!((f64::from(found[at]) - slope).abs() < 0.03 * (1.0 + slope.abs()), "{} {slope}", found[at]);
    }
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let code = |request: &Request, file: &str| load(request, &data(file)).unwrap_err().code;
    let mut files = vec!["generator.safetensors"];
    if cfg!(feature = "onnx") {
        files.extend(["one_input.onnx", "two_inputs.onnx"]);
    }
    for file in files {
        let mut shape = generator();
        shape.variable.kind = Kind::Image([1, 16, 16]);
        assert_eq!(code(&shape, file), "E0604", "{file}: another size");
        let mut classes = generator();
        classes.parents[0] = node("C", Kind::Discrete(3));
        assert_eq!(code(&classes, file), "E0603", "{file}: another number of classes");
        let mut more = generator();
        more.parents.push(node("D", Kind::Discrete(2)));
        more.inputs = Some(vec![0, 1]);
        assert_eq!(code(&more, file), "E0603", "{file}: another parent");
        let mut none = generator();
        none.reading.latent = 0;
        assert_eq!(code(&none, file), "E0603", "{file}: no noise");
        let fault = PretrainedModule::load(1, &[0], &generator(), Some("00000000"), &data(file)).unwrap_err();
        assert_eq!(fault.code, "E0606");
    }
    let mut request = classifier();
    request.variable = node("Y", Kind::Discrete(4));
    assert_eq!(code(&request, "classifier.safetensors"), "E0604");
    let mut request = generator();
    assert_eq!(code(&request, "generator.pth"), "E0605", "the weights are under a key");
    assert_eq!(code(&request, "missing.safetensors"), "E0605");
    assert_eq!(code(&request, "."), "E0605", "a folder");
    request.reading.range = Some(crate::pretrained::Range::Unit);
    assert_eq!(code(&request, "generator.safetensors"), "E0604", "tanh does not end in [0, 1]");
    request = generator();
    request.reading.layers = serde_json::from_str(&GENERATOR.replace("\"3\"", "\"2\"")).ok();
    assert_eq!(code(&request, "generator.safetensors"), "E0605", "no tensor of that name");
    request.reading.layers = None;
    assert_eq!(code(&request, "generator.safetensors"), "E0605", "no layers");
}

/// Cut off anywhere, or with any byte changed: a fault or other numbers, never a panic.
#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![("generator.safetensors", generator()), ("generator.pth", generator())];
    files[1].1.reading.key = Some("state_dict".into());
    if cfg!(feature = "onnx") {
        files.push(("two_inputs.onnx", generator()));
    }
    for (file, request) in files {
        let whole = fs::read(data(file)).unwrap();
        let path = folder.path().join(file);
        for end in (0..whole.len()).step_by(61) {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(load(&request, &path).is_err(), "{file} cut at {end}");
        }
        for at in (0..whole.len()).step_by(37) {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            fs::write(&path, &changed).unwrap();
            let _ = load(&request, &path);
        }
    }
    let whole = fs::read(data("generator.safetensors")).unwrap();
    let path = folder.path().join("nan.safetensors");
    let mut changed = whole.clone();
    let end = changed.len();
    changed[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, &changed).unwrap();
    let fault = load(&generator(), &path).unwrap_err();
    assert!(fault.code == "E0605" && format!("{fault:?}").contains("not finite"), "{fault:?}");
}

/// `P(V | A, B)` with a hidden cause of its own; A has 2 values, B 3, V 2, the cause 2; two members.
fn tables() -> TableModule {
    let table = |seed| {
        let p = random(12, seed).into_iter().map(|v| f64::from(v).abs());
        p.flat_map(|p| [p, 1.0 - p]).collect::<Vec<f64>>()
    };
    let member = |seed| TableMember { priors: vec![vec![0.25, 0.75]], tables: vec![table(seed)] };
    TableModule {
        latents: vec![TableLatent { latent: 4, levels: 2 }],
        mechanisms: vec![TableMechanism {
            variable: 2,
            card: 2,
            parents: vec![0, 1],
            parent_cards: vec![2, 3],
            latents: vec![0],
        }],
        members: vec![member(1), member(2)],
        replicates: vec![member(3)],
    }
}

fn write(module: &TableModule, names: [&str; 3]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    module.to_file(&names.map(String::from), "digest").write(&path).unwrap();
    (folder, path)
}

/// The model has the parents in the other order, under other names, and other values of V and B.
#[test]
fn a_table_takes_the_models_order_and_values() {
    let (_folder, path) = write(&tables(), ["A", "B", "V"]);
    let b = Node { classes: 3, labels: Some(vec![2, 0]), ..node("Q", Kind::Discrete(2)) };
    let v = Node { labels: Some(vec![1, 0]), ..node("W", Kind::Discrete(2)) };
    let mut request = Request {
        variable: v,
        parents: vec![b, node("P", Kind::Discrete(2))],
        inputs: None,
        reading: Reading::default(),
    };
    let check = |module: &PretrainedModule| {
        let (found, file) = (module.tables().unwrap(), tables());
        assert_eq!(found.mechanisms[0].parents, [5, 6]);
        for (b, a, u, v) in (0..16).map(|n| (n / 8, n / 4 % 2, n / 2 % 2, n % 2)) {
            let old = ((a * 3 + [2, 0][b]) * 2 + u) * 2 + (1 - v);
            let new = ((b * 2 + a) * 2 + u) * 2 + v;
            assert_eq!(found.members[1].tables[0][new], file.members[1].tables[0][old]);
            assert_eq!(found.replicates[0].tables[0][new], file.replicates[0].tables[0][old]);
        }
    };
    // Three classes and two: there is only one order.
    check(&PretrainedModule::load(7, &[5, 6], &request, None, &path).unwrap());
    request.inputs = Some(vec![1, 0]);
    check(&PretrainedModule::load(7, &[5, 6], &request, None, &path).unwrap());
    request.inputs = Some(vec![0, 1]);
    assert_eq!(PretrainedModule::load(7, &[5, 6], &request, None, &path).unwrap_err().code, "E0603");
}

#[test]
fn modules_that_do_not_fit_are_refused() {
    let mut two = tables();
    let mechanism =
        |variable| TableMechanism { variable, parents: vec![], parent_cards: vec![], ..tables().mechanisms[0].clone() };
    two.mechanisms = vec![mechanism(0), mechanism(1)];
    for member in two.members.iter_mut().chain(&mut two.replicates) {
        member.tables = vec![vec![0.5, 0.5, 0.2, 0.8]; 2];
    }
    let (_folder, path) = write(&two, ["A", "B", "V"]);
    let request = |name: &str, card| Request {
        variable: node(name, Kind::Discrete(card)),
        parents: vec![],
        inputs: None,
        reading: Reading::default(),
    };
    let refused = |name, card| PretrainedModule::load(0, &[], &request(name, card), None, &path).unwrap_err();
    let shared = refused("A", 2);
    assert!(shared.code == "E0605" && shared.title.contains("shares a hidden cause with `B`"), "{shared:?}");
    let unnamed = refused("C", 2);
    assert!(unnamed.code == "E0605" && unnamed.notes[0].contains("`A`, `B`"), "{unnamed:?}");
    // Without the hidden cause between them each can be taken alone.
    two.latents.clear();
    two.mechanisms.iter_mut().for_each(|m| m.latents.clear());
    for member in two.members.iter_mut().chain(&mut two.replicates) {
        (member.priors, member.tables) = (vec![], vec![vec![0.5, 0.5], vec![0.2, 0.8]]);
    }
    let (_folder, path) = write(&two, ["A", "B", "V"]);
    let load = |name, card| PretrainedModule::load(0, &[], &request(name, card), None, &path);
    assert_eq!(load("B", 2).unwrap().tables().unwrap().members[0].tables[0], [0.2, 0.8]);
    assert_eq!(load("B", 3).unwrap_err().code, "E0604");
    let mut file = ModuleFile::read(&path).unwrap();
    let tensor = file.tensors.get_mut("members.table.0").unwrap();
    tensor.values = Values::F64(vec![f64::NAN; 4]);
    file.write(&path).unwrap();
    assert_eq!(load("B", 2).unwrap_err().code, "E0605");
}

/// A published generator (100 numbers of noise to faces of 64 pixels), where it is at hand.
#[test]
fn a_published_generator_draws_pictures() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/models/dcgan_faces64.safetensors");
    if !path.is_file() {
        eprintln!("skipped: {} is not there", path.display());
        return;
    }
    let block = |at: usize, stride: usize, padding: usize| {
        format!(
            r#"{{"layer": "conv_transpose", "name": "main.{at}", "stride": {stride}, "padding": {padding}}},
               {{"layer": "batch_norm", "name": "main.{}"}}, {{"layer": "relu"}},"#,
            at + 1
        )
    };
    let layers = format!(
        r#"[{{"layer": "reshape", "shape": [100, 1, 1]}}, {} {} {} {}
            {{"layer": "conv_transpose", "name": "main.12", "stride": 2, "padding": 1}}, {{"layer": "tanh"}}]"#,
        block(0, 1, 0),
        block(3, 2, 1),
        block(6, 2, 1),
        block(9, 2, 1)
    );
    let request = Request {
        variable: node("I", Kind::Image([3, 64, 64])),
        parents: vec![],
        inputs: None,
        reading: reading(&layers, 100),
    };
    let module = PretrainedModule::load(0, &[], &request, None, &path).unwrap();
    let mut rng = stream(1, "faces");
    let hidden = module.hidden(16, &mut rng);
    let Column::Pixels(pixels) = module.sample(0, &[], &hidden, &mut rng).unwrap() else { panic!("no pictures") };
    assert_eq!((pixels.rows(), pixels.shape), (16, [3, 64, 64]));
    let mean = |values: &mut dyn Iterator<Item = f32>| {
        let (sum, count) = values.fold((0.0, 0), |(sum, count), v| (sum + f64::from(v), count + 1));
        sum / f64::from(count)
    };
    assert!(pixels.values.iter().all(|v| v.abs() <= 1.0));
    let spread = mean(&mut pixels.values.iter().map(|v| v * v));
    // Neighbouring pixels of a picture are alike, those of different faces are not.
    let step = mean(&mut pixels.values.chunks(64).flat_map(|row| row.windows(2)).map(|w| (w[0] - w[1]).powi(2)));
    let other = mean(&mut pixels.values.iter().zip(&pixels.values[3 * 64 * 64..]).map(|(a, b)| (a - b).powi(2)));
    assert!(spread > 0.1 && step < 0.1 * other, "{spread} {step} {other}");
}
