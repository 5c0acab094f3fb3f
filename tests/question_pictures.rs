//! Pictures that questions know or set, against a mechanism whose density is known: each pixel of the image is tanh of a normal
//! number whose mean depends on the digit.

#![cfg(feature = "run")]

mod common;

use common::{dcmc, folder};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::fs;
use std::path::Path;

const PIXELS: usize = 64;
const DEVIATION: f64 = 0.3;
/// The means of the two digits' pixels; their distance is two standard deviations of all pixels together.
const MEANS: [f64; 2] = [-0.0375, 0.0375];

/// `D -> I` by the file, `D -> B`; three of ten rows have D = 1.
const MODEL: &str = "D -> I\nD -> B\nD, B: binary\nI: image[1,8,8] { mechanism: pretrained { file: \"linear.safetensors\", \
    latent: 64, layers: [linear { name: \"0\" }, reshape { shape: [1, 8, 8] }, tanh] } }\n\
    data obs = \"obs.csv\" { weight: n }\nquery prior: P(D)\n";
const ROWS: &str = "D,B,n\n0,0,630\n0,1,70\n1,0,60\n1,1,240\n";

/// The weights: the noise of each pixel, then the digit's means.
fn write_mechanism(folder: &Path) {
    let mut weights: Vec<u8> = vec![];
    for pixel in 0..PIXELS {
        let row = (0..PIXELS).map(|noise| if noise == pixel { DEVIATION } else { 0.0 }).chain(MEANS);
        weights.extend(row.flat_map(|w| (w as f32).to_le_bytes()));
    }
    let header = format!(
        r#"{{"0.weight":{{"dtype":"F32","shape":[64,66],"data_offsets":[0,{0}]}},"0.bias":{{"dtype":"F32","shape":[64],"data_offsets":[{0},{1}]}}}}"#,
        weights.len(),
        weights.len() + 4 * PIXELS
    );
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.into_bytes());
    file.extend(weights);
    file.extend([0; 4 * PIXELS]);
    fs::write(folder.join("linear.safetensors"), file).unwrap();
}

/// A picture drawn for `digit`, written as PGM; the logarithm of its densities' ratio, digit 1 to digit 0.
fn write_picture(path: &Path, digit: usize, rng: &mut ChaCha8Rng) -> f64 {
    let draw = |_| {
        let noise: f64 = StandardNormal.sample(rng);
        (((MEANS[digit] + DEVIATION * noise).tanh() + 1.0) * 127.5).round() as u8
    };
    let bytes: Vec<u8> = (0..PIXELS).map(draw).collect();
    let text: Vec<String> = bytes.iter().map(u8::to_string).collect();
    fs::write(path, format!("P2\n8 8\n255\n{}\n", text.join(" "))).unwrap();
    let log = |&byte: &u8| {
        let value = (f64::from(byte) / 127.5 - 1.0).atanh();
        let off = |mean: f64| -0.5 * ((value - mean) / DEVIATION).powi(2);
        off(MEANS[1]) - off(MEANS[0])
    };
    bytes.iter().map(log).sum()
}

fn here() -> tempfile::TempDir {
    let here = folder(&[("m.scm", MODEL), ("obs.csv", ROWS)]);
    write_mechanism(here.path());
    here
}

#[test]
fn a_picture_tells_of_its_causes_as_its_density_does() {
    let here = here();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut text = MODEL.to_owned();
    let mut ratios = vec![];
    for at in 0..12 {
        let digit = usize::from(rng.random_bool(0.5));
        ratios.push(write_picture(&here.path().join(format!("{at}.pgm")), digit, &mut rng));
        text += &format!("query q{at}: P(D | I = \"{at}.pgm\")\nquery b{at}: P(B | I = \"{at}.pgm\")\n");
    }
    text += "query known: P(B | D = 1, I = \"0.pgm\")\nquery drawn: sample(B, D | I = \"0.pgm\", n: 50)\n";
    fs::write(here.path().join("m.scm"), text).unwrap();
    let run = dcmc(here.path(), &["run", "m.scm", "--format", "json"]).expect(0);
    assert!(run.stderr.contains("learning once"), "{}", run.stderr);
    let answers = run.json();
    let answer =
        |name: &str| answers["results"].as_array().unwrap().iter().find(|a| a["name"] == *name).unwrap().clone();
    let p = |name: &str| answer(name)["values"][1]["p"].as_f64().unwrap();
    let odds = p("prior") / (1.0 - p("prior"));
    let (mut off, mut ambiguous) = (0.0, 0);
    for (at, ratio) in ratios.iter().enumerate() {
        let expected = odds * ratio.exp() / (1.0 + odds * ratio.exp());
        let found = p(&format!("q{at}"));
        off += (found - expected).abs() / ratios.len() as f64;
        ambiguous += usize::from((0.1..0.9).contains(&expected));
        assert!((found - expected).abs() < 0.2, "{at}: {found} {expected}");
        let effect = (1.0 - found) * 0.1 + found * 0.8;
        assert!((p(&format!("b{at}")) - effect).abs() < 0.03, "{at}: {} {effect}", p(&format!("b{at}")));
        let q = answer(&format!("q{at}"));
        assert_eq!(
            (&q["method"], &q["values"][0]["given"]["I"]),
            (&"importance_sampling".into(), &format!("{at}.pgm").into())
        );
    }
    assert!(off < 0.06 && ambiguous > 3, "{off} {ambiguous}");
    // With the digit known the picture says no more: it counts as set, and the answer is a sum.
    assert_eq!(answer("known")["method"], "exact");
    let rows = fs::read_to_string(here.path().join("m.dcm/samples/drawn.csv")).unwrap();
    assert_eq!(rows.lines().count(), 51);
    // The classifier is kept; the manifest names the pictures.
    let again = dcmc(here.path(), &["query", "m.scm", "P(D | I = \"1.pgm\")", "--format", "json"]).expect(0);
    assert!(!again.stderr.contains("learning once"), "{}", again.stderr);
    assert!((again.json()["results"][0]["values"][1]["p"].as_f64().unwrap() - p("q1")).abs() < 0.01);
    let manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(here.path().join("m.dcm/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["pictures"].as_array().unwrap().len(), 12);
    assert_eq!(manifest["pictures"][0]["sha256"].as_str().unwrap().len(), 64);
}

/// The codes of what `command` says of the model with one more query.
fn codes(here: &Path, command: &str, query: &str) -> (i32, Vec<String>) {
    fs::write(here.join("m.scm"), format!("{MODEL}query q: {query}\n")).unwrap();
    let found = dcmc(here, &[command, "m.scm", "--message-format", "json"]);
    let lines = format!("{}\n{}", found.stdout, found.stderr);
    let code = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        value["code"].as_str().map(str::to_owned)
    };
    (found.code, lines.lines().filter_map(code).filter(|code| !code.starts_with('N')).collect())
}

#[test]
fn pictures_that_cannot_be_used_are_refused() {
    let here = here();
    let here = here.path();
    fs::write(here.join("small.pgm"), "P2\n2 2\n255\n0 255 255 0\n").unwrap();
    fs::write(here.join("text.pgm"), "no picture").unwrap();
    write_picture(&here.join("one.pgm"), 1, &mut ChaCha8Rng::seed_from_u64(1));
    for (query, checked, run) in [
        ("P(D | I = \"gone.pgm\")", "W0711", "E0511"),
        ("P(D | I = \"small.pgm\")", "E0510", "E0510"),
        ("P(D | I = \"text.pgm\")", "E0511", "E0511"),
        ("P(D | I = 3)", "E0404", "E0404"),
        ("P(D | I = one)", "E0404", "E0404"),
        ("P(D = \"one.pgm\")", "E0404", "E0404"),
        ("P(I = \"one.pgm\" | D = 1)", "E0707", "E0707"),
        ("P(D | I)", "E0707", "E0707"),
        ("P(D[I] | D = 1)", "E0707", "E0707"),
    ] {
        assert_eq!(codes(here, "check", query).1, [checked], "check {query}");
        let (code, found) = codes(here, "run", query);
        assert_eq!((code != 0, found), (true, vec![run.to_owned()]), "run {query}");
    }
    // What the picture would have been had the digit been another.
    let query = "query q: sample(I[D = 1] | I = \"one.pgm\", n: 4)\n";
    fs::write(here.join("m.scm"), format!("{MODEL}{query}")).unwrap();
    let refused = dcmc(here, &["run", "m.scm", "-q", "--allow-unidentified"]).expect(1);
    assert!(refused.stderr.contains("E0904") && refused.stderr.contains("the same noise"), "{}", refused.stderr);
}
