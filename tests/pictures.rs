//! Whole runs with images: trained, plugged in frozen, drawn, looked at.

#![cfg(feature = "run")]

mod common;

use common::{dcmc, folder};
use std::fs;
use std::path::Path;

/// The project's first line with data; `I` may be given another mechanism.
fn front_door(image: &str) -> String {
    format!(
        "D -> I -> A; D <-> A; I: image[1,16,16] {image}
         D: binary; A: int[0..2]
         truth {{
           U ~ bernoulli(0.5)
           D = U xor bernoulli(0.2)
           I = digit(D)
           A = if bernoulli(0.15) then uniform_int(0, 2) else (classify(I, classes: 3, seed: 1) + U) % 3
         }}
         data obs = simulate(truth, n: 600, seed: 1)
         train {{ samples: 500 }}
         query effect: P(A | do(D))
         query imgs: sample(I | do(D = 1), n: 12)
         query rows: sample(D, I, A, n: 20)
         output imgs -> \"imgs.png\" {{ columns: 4 }}
         output imgs -> \"imgs/\"
         output rows -> \"rows.parquet\"
         output rows -> \"rows.safetensors\"\n"
    )
}

/// Settings that end soon; what is learned is of no interest here.
const QUICK: [&str; 10] = [
    "--set",
    "train.I.steps=12",
    "--set",
    "train.I.width=8",
    "--set",
    "train.I.batch=16",
    "--set",
    "train.D.epochs=1",
    "--set",
    "train.D.bootstrap=1",
];

fn run(here: &Path, model: &str, more: &[&str]) -> common::Outcome {
    dcmc(here, &[&["run", model, "-q", "--format", "json"], &QUICK[..], more].concat())
}

/// Channels are the last number of a PNG's header but for colour types; sides are its first two.
fn sides(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!(&png[1..4], b"PNG");
    (number(16), number(20))
}

#[test]
fn images_are_trained_drawn_and_plugged_in_frozen() {
    let here = folder(&[("trained.scm", &front_door(""))]);
    let found = run(here.path(), "trained.scm", &[]).expect(0).json();
    let directory = here.path().join("trained.dcm");

    // The rows of `sample(…)` are in the files that outputs name.
    let samples = &found["results"][1];
    assert_eq!((samples["kind"].as_str(), samples["file"].as_str()), (Some("samples"), Some("imgs.png")));
    let (width, height) = sides(&fs::read(directory.join("imgs.png")).unwrap());
    assert!(width > height && width % 4 == 2, "{width} x {height}: four in a row, twelve in all");
    assert_eq!(sides(&fs::read(directory.join("imgs/rows_images/I/11.png")).unwrap()), (16, 16));
    assert_eq!(fs::read_to_string(directory.join("imgs/rows.csv")).unwrap().lines().count(), 13);
    // They read back as data.
    let again = "D -> I -> A; D: binary; A: int[0..2]; I: image[1,16,16]
        data one = \"rows.parquet\"\ndata two = \"rows.safetensors\"\n";
    fs::write(directory.join("again.scm"), again).unwrap();
    dcmc(&directory, &["check", "again.scm"]).expect(0);

    // The fit of the images is measured, and they are in the report.
    let fit = &found["fit"][0]["images"][0];
    assert_eq!(fit["variable"], "I");
    let agreement = &fit["agreement"][0];
    assert!(agreement["real"].as_f64().unwrap() > 0.9, "the classifier cannot read real digits: {fit}");
    assert!((0.0..=1.0).contains(&agreement["drawn"].as_f64().unwrap()), "{fit}");
    assert!(fit["kernel_distance"].as_f64().unwrap() > fit["kernel_distance_of_data"].as_f64().unwrap(), "{fit}");
    let report = fs::read_to_string(directory.join("report.html")).unwrap();
    // The rows of two queries, and for each of the two digits drawn and real ones.
    assert_eq!(report.matches("data:image/png;base64,").count(), 2 + 2 * 2);

    // A second run trains nothing and says the same.
    let modules = |folder: &Path| -> Vec<Vec<u8>> {
        ["H1", "H2"].map(|id| fs::read(folder.join(format!("modules/{id}.safetensors"))).unwrap()).into()
    };
    let before = modules(&directory);
    assert_eq!(run(here.path(), "trained.scm", &[]).expect(0).json(), found);
    assert!(before == modules(&directory));
    dcmc(
        here.path(),
        &[&["sample", "trained.scm", "sample(I | do(D = 0), n: 9)", "-o", "nine.png"], &QUICK[..]].concat(),
    )
    .expect(0);
    let (width, height) = sides(&fs::read(here.path().join("nine.png")).unwrap());
    assert_eq!(width, height);

    // The image's module is another model's mechanism, and stays as it is.
    let plan: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(directory.join("plan.json")).unwrap()).unwrap();
    let drawn =
        plan["modules"].as_array().unwrap().iter().find(|m| m["variables"] == serde_json::json!(["I"])).unwrap();
    let file = directory.join(format!("modules/{}.safetensors", drawn["id"].as_str().unwrap()));
    fs::copy(&file, here.path().join("mnist.safetensors")).unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::write(here.path().join("frozen.scm"), front_door("pretrained \"mnist.safetensors\"")).unwrap();
    let frozen = run(here.path(), "frozen.scm", &[]).expect(0).json();
    assert_eq!(frozen["results"][0]["values"].as_array().unwrap().len(), 6);
    assert!(fs::read(here.path().join("mnist.safetensors")).unwrap() == bytes);
    let manifest = fs::read_to_string(here.path().join("frozen.dcm/manifest.json")).unwrap();
    assert!(manifest.contains("\"file\": \"mnist.safetensors\""), "{manifest}");
}

/// The paper's engine for all of it: the critic of {D, A} sees the image by a code, and the generator from the file runs
/// inside its training; and everything at once, without modules.
#[test]
fn the_papers_engine_and_joint_training_run_with_images() {
    let here = folder(&[("m.scm", &front_door("{ encode: auto { to: vector[4] } }"))]);
    let few = [
        "--set",
        "train.engine=wgan_gp",
        "--set",
        "train.steps=4",
        "--set",
        "train.batch=16",
        "--set",
        "train.width=8",
    ];
    let modular = run(here.path(), "m.scm", &few).expect(0).json();
    assert_eq!(modular["results"][0]["method"], "sampling");
    let stages = |directory: &str| -> serde_json::Value {
        let text = fs::read_to_string(here.path().join(directory).join("plan.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["stages"].clone()
    };
    assert_eq!(stages("m.dcm"), serde_json::json!([["H1"], ["H2"]]));
    let joint = [&few[..], &["--set", "train.modular=false", "--out", "joint"]].concat();
    run(here.path(), "m.scm", &joint).expect(0);
    assert_eq!(stages("joint"), serde_json::json!([["H1"]]));
}
