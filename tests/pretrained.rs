//! Mechanisms from files: what `check` says of them, and that a run uses them and leaves them as they are.

#![cfg(feature = "run")]

mod common;

use common::{dcmc, folder};
use std::fs;
use std::path::Path;

fn data(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pretrained").join(name)).unwrap()
}

/// A model in a folder with the files of `tests/data/pretrained` that it names.
fn with(text: &str, files: &[&str]) -> tempfile::TempDir {
    let here = folder(&[("m.scm", text), ("c.csv", "C\n0\n1\n1\n0\n0\n")]);
    files.iter().for_each(|name| fs::write(here.path().join(name), data(name)).unwrap());
    here
}

/// The codes of errors and warnings of `check`.
fn codes(here: &Path) -> Vec<String> {
    let json = dcmc(here, &["check", "m.scm", "--format", "json"]).json();
    let codes = json["diagnostics"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap().to_owned());
    codes.filter(|code| !code.starts_with('N')).collect()
}

const LAYERS: &str = "layers: [reshape { shape: [5, 1, 1] }, conv_transpose { name: \"0\" }, batch_norm { name: \"1\" }, relu, \
     conv_transpose { name: \"3\"; stride: 2; padding: 1 }, tanh]";
const READ: &str =
    "layers: [conv { name: \"0\"; padding: 1 }, relu, max_pool { size: 2 }, flatten, linear { name: \"4\" }]";

/// An image of C from one file, its reading Y from another; only C is in the data.
fn chain(image: &str, label: &str) -> String {
    format!(
        "C -> I -> Y\nC: binary\nI: image[1,8,8] {{ mechanism: pretrained {{ {image} }} }}\n\
         Y: int[0..2] {{ mechanism: pretrained {{ {label} }} }}\n\
         data obs = \"c.csv\"\nquery y: P(Y | do(C))\n"
    )
}

#[test]
fn the_plan_names_the_file() {
    let text = chain("file: \"a.safetensors\"", "file: \"b.onnx\"");
    let here = folder(&[("m.scm", &text), ("c.csv", "C\n0\n1\n")]);
    let plan = dcmc(here.path(), &["plan", "m.scm"]).expect(0).stdout;
    for (keeps, file) in [("I", "a.safetensors"), ("Y", "b.onnx")] {
        assert!(plan.contains(&format!("  keeps     {keeps}\n  from      the file {file}, as it is\n")), "{plan}");
    }
}

#[test]
fn a_frozen_table_answers_as_in_its_file() {
    let first = "D -> A\nD, A: binary\ntruth {\n  D ~ bernoulli(0.2)\n  A ~ table(D) { 0: [0.9, 0.1]; 1: [0.3, 0.7] }\n}\n\
        data obs = simulate(truth, n: 4000)\nquery p: P(D)\nquery a: P(A | do(D))\n";
    let here = folder(&[("first.scm", first)]);
    dcmc(here.path(), &["run", "first.scm", "-q"]).expect(0);
    let results = |name: &str| -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(here.path().join(name).join("results.json")).unwrap()).unwrap()
    };
    let modules = fs::read_dir(here.path().join("first.dcm/modules")).unwrap().map(|e| e.unwrap().path());
    let file = |variable: &str| {
        let mut all = modules.collect::<Vec<_>>();
        all.sort();
        let header = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()[8..300]).into_owned();
        all.into_iter().find(|p| header(p).contains(&format!("variables\\\":[\\\"{variable}\\\"]"))).unwrap()
    };
    let taken = here.path().join("d.safetensors");
    fs::copy(file("D"), &taken).unwrap();
    let before = fs::read(&taken).unwrap();
    // The data say 0.9, the file 0.2; and the variable has another name.
    let second = "X -> A\nX: binary pretrained \"d.safetensors\"\nA: binary\ntruth {\n  X ~ bernoulli(0.9)\n  \
        A ~ table(X) { 0: [0.9, 0.1]; 1: [0.3, 0.7] }\n}\ndata obs = simulate(truth, n: 4000)\nquery p: P(X)\n";
    fs::write(here.path().join("second.scm"), second).unwrap();
    dcmc(here.path(), &["run", "second.scm", "-q"]).expect(0);
    assert_eq!(fs::read(&taken).unwrap(), before, "the file has changed");
    let (one, two) = (results("first.dcm"), results("second.dcm"));
    let p = |answer: &serde_json::Value| answer["results"][0]["values"][1]["p"].as_f64().unwrap();
    assert!((p(&one) - 0.2).abs() < 0.03, "{one}");
    assert_eq!(p(&one), p(&two));
    assert_eq!(two["results"][0]["method"], "exact");
    // The manifest names the file, the folder of modules has no copy of it.
    let manifest = fs::read_to_string(here.path().join("second.dcm/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let listed = manifest["modules"].as_array().unwrap().iter().find(|m| m["variables"][0] == "X").unwrap();
    assert_eq!(listed["file"], "d.safetensors");
    assert_eq!(listed["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(fs::read_dir(here.path().join("second.dcm/modules")).unwrap().count(), 1);
    // Another digest than the model says stops the run.
    fs::write(
        here.path().join("third.scm"),
        second.replace(
            "binary pretrained \"d.safetensors\"",
            "binary { mechanism: pretrained { file: \"d.safetensors\", sha256: \"0123abcd\" } }",
        ),
    )
    .unwrap();
    let refused = dcmc(here.path(), &["run", "third.scm", "-q"]).expect(2);
    assert!(refused.stderr.contains("E0606"), "{}", refused.stderr);
}

#[test]
fn pictures_are_drawn_and_read() {
    let mut generators = vec![
        ("generator.safetensors", format!("file: \"generator.safetensors\", latent: 3, {LAYERS}")),
        ("generator.pth", format!("file: \"generator.pth\", key: \"state_dict\", latent: 3, {LAYERS}")),
    ];
    if cfg!(feature = "onnx") {
        for file in ["one_input.onnx", "two_inputs.onnx", "class_number.onnx"] {
            generators.push((file, format!("file: \"{file}\", latent: 3")));
        }
    }
    let mut answers: Vec<Vec<f64>> = vec![];
    for (file, image) in &generators {
        let label = format!("file: \"classifier.safetensors\", {READ}");
        let here = with(&chain(image, &label), &[file, "classifier.safetensors"]);
        let (generator, classifier) = (here.path().join(file), here.path().join("classifier.safetensors"));
        let json = dcmc(here.path(), &["run", "m.scm", "-q", "--set", "train.samples=2000", "--format", "json"])
            .expect(0)
            .json();
        let values = json["results"][0]["values"].as_array().unwrap();
        answers.push(values.iter().map(|v| v["p"].as_f64().unwrap()).collect());
        assert_eq!(fs::read(generator).unwrap(), data(file), "{file} has changed");
        assert_eq!(fs::read(classifier).unwrap(), data("classifier.safetensors"));
    }
    // The same weights and the same noise in every format.
    for answer in &answers {
        assert_eq!(answer.len(), 6);
        for (p, q) in answer.iter().zip(&answers[0]) {
            assert!((p - q).abs() < 0.005, "{answers:?}");
        }
    }
    // The two classes are drawn with the same noise: only the images' class can make a difference.
    assert_ne!(answers[0][..3], answers[0][3..]);
}

#[test]
fn check_reads_headers() {
    let image = format!("file: \"generator.safetensors\", latent: 3, {LAYERS}");
    let label = format!("file: \"classifier.safetensors\", {READ}");
    let files = ["generator.safetensors", "classifier.safetensors"];
    let found = |image: &str, label: &str| codes(with(&chain(image, label), &files).path());
    assert_eq!(found(&image, &label), [""; 0]);
    assert_eq!(found(&image.replace("latent: 3", "latent: 4"), &label), ["E0603"]);
    assert_eq!(found(&format!("{image}, classes: {{ C: 3 }}"), &label), ["E0603"]);
    assert_eq!(found(&format!("{image}, labels: {{ C: [1, 0, 0] }}"), &label), ["E0603"]);
    assert_eq!(found(&format!("{image}, labels: {{ C: [1, 0] }}"), &label), [""; 0]);
    assert_eq!(found(&format!("{image}, range: \"[0,1]\""), &label), ["E0604"]);
    assert_eq!(found(&image.replace("padding: 1 }, tanh", "padding: 0 }, tanh"), &label), ["E0604"]);
    assert_eq!(found(&image, &label.replace("\"4\"", "\"5\"")), ["E0605"]);
    assert_eq!(found(&image, &label.replace("padding: 1", "padding: 0")), ["E0604"]);
    assert_eq!(found("file: \"generator.safetensors\", latent: 3", &label), ["E0605"]);
    let here = with(&chain(&image, &label), &files);
    let whole = data("generator.safetensors");
    fs::write(here.path().join("generator.safetensors"), &whole[..whole.len() - 1]).unwrap();
    assert_eq!(codes(here.path()), ["E0605"]);
    fs::write(here.path().join("generator.safetensors"), "no such file").unwrap();
    assert_eq!(codes(here.path()), ["E0605"]);
    fs::remove_file(here.path().join("generator.safetensors")).unwrap();
    assert_eq!(codes(here.path()), ["W0609"]);
    // Plans are made all the same, runs are not.
    dcmc(here.path(), &["plan", "m.scm"]).expect(0);
    let refused = dcmc(here.path(), &["run", "m.scm"]).expect(2);
    assert!(refused.stderr.contains("E0605") && !refused.stderr.contains("W0609"), "{}", refused.stderr);
}

#[test]
fn check_reads_files_that_have_no_header() {
    let label = format!("file: \"classifier.safetensors\", {READ}");
    let torch = format!("file: \"generator.pth\", key: \"state_dict\", latent: 3, {LAYERS}");
    let files = ["generator.pth", "one_input.onnx", "classifier.safetensors"];
    let found = |image: &str| codes(with(&chain(image, &label), &files).path());
    assert_eq!(found(&torch), [""; 0]);
    assert_eq!(found(&torch.replace("latent: 3", "latent: 4")), ["E0603"]);
    assert_eq!(found(&torch.replace("key: \"state_dict\", ", "")), ["E0605"]);
    let here = with(&chain(&torch, &label), &files);
    let whole = data("generator.pth");
    fs::write(here.path().join("generator.pth"), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(codes(here.path()), ["E0605"]);
    if cfg!(feature = "onnx") {
        assert_eq!(found("file: \"one_input.onnx\", latent: 3"), [""; 0]);
        assert_eq!(found("file: \"one_input.onnx\", latent: 4"), ["E0603"]);
    }
}

#[test]
fn check_reads_encoders() {
    let text = "C -> I\nC: binary\nI: image[1,8,8] { encode: \"e.safetensors\" { to: vector[4] } }\n";
    let here = folder(&[("m.scm", text)]);
    assert_eq!(codes(here.path()), ["W0609"]);
    for bytes in [&b"no such file"[..], &data("generator.safetensors")] {
        fs::write(here.path().join("e.safetensors"), bytes).unwrap();
        let found = dcmc(here.path(), &["check", "m.scm"]).expect(2);
        assert!(found.stderr.contains("E0605") && found.stderr.contains("m.scm:3:27"), "{}", found.stderr);
    }
}

#[test]
fn mistakes_in_the_block_are_explained() {
    let found = |block: &str| {
        let text =
            format!("C -> I\nC: binary\nI: image[1,8,8] {{ mechanism: pretrained {{ file: \"f\", {block} }} }}\n");
        let here = folder(&[("m.scm", &text)]);
        let mut codes = codes(here.path());
        codes.retain(|code| code != "W0609");
        codes
    };
    assert_eq!(found(LAYERS), [""; 0]);
    assert_eq!(found("layers: [relu, tanh]"), [""; 0]);
    assert_eq!(found("layers: [dropout { rate: 0.5 }]"), ["E0108"]);
    assert_eq!(found("layers: [linear]"), ["E0404"]);
    assert_eq!(found("layers: [linear { name: \"fc\"; bias: 1 }]"), ["E0404"]);
    assert_eq!(found("layers: [relu { slope: 1 }]"), ["E0404"]);
    assert_eq!(found("layers: [reshape { shape: [1, 2] }]"), ["E0404"]);
    assert_eq!(found("layers: 3"), ["E0101"]);
    assert_eq!(found("range: \"[0,255]\""), ["E0404"]);
    assert_eq!(found("noise: middle"), ["E0404"]);
    assert_eq!(found("latent: -1"), ["E0404"]);
    assert_eq!(found("labels: { C: [a, b] }"), ["E0404"]);
    assert_eq!(found("labels: { Q: [0, 1] }"), ["E0201"]);
    assert_eq!(found("lables: { C: [0, 1] }"), ["E0108"]);
}

#[test]
fn the_layers_keep_their_layout() {
    let text = "C -> I\nC: binary\nI: image[1,8,8] {\n  mechanism: pretrained {\n    file: \"g.safetensors\", latent: 3, labels: { C: [1, 0] }\n    \
        layers: [\n      reshape { shape: [5,1,1] },   # a vector\n      conv_transpose { name: \"0\" },\n      relu, tanh\n    ]\n  }\n}\n";
    let here = folder(&[("m.scm", text)]);
    dcmc(here.path(), &["fmt", "m.scm"]).expect(0);
    let once = fs::read_to_string(here.path().join("m.scm")).unwrap();
    assert!(once.contains("reshape { shape: [5,1,1] }") || once.contains("reshape { shape: [5, 1, 1] }"), "{once}");
    dcmc(here.path(), &["fmt", "m.scm", "--check"]).expect(0);
    assert_eq!(codes(here.path()), ["W0609"]);
}
