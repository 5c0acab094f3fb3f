//! Running, running again, and what is left behind.

#![cfg(feature = "run")]

mod common;

use common::{dcmc, folder};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const MODEL: &str = "
    A -> B -> C; A <-> C
    A, B, C: binary
    truth {
      U ~ bernoulli(0.4)
      A ~ table(U) { 0: [0.8, 0.2]; 1: [0.3, 0.7] }
      B ~ table(A) { 0: [0.85, 0.15]; 1: [0.15, 0.85] }
      C ~ table(B, U) { (0, 0): [0.9, 0.1]; (0, 1): [0.5, 0.5]; (1, 0): [0.55, 0.45]; (1, 1): [0.1, 0.9] }
    }
    data obs = simulate(truth, n: 5000, seed: 3)
    query effect: P(C | do(A))
    output effect -> \"effect.csv\"
";

/// Every file of a folder with its bytes.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            let inner = contents(&entry).into_iter();
            files.extend(inner.map(|(k, v)| (format!("{}/{k}", entry.file_name().unwrap().to_string_lossy()), v)));
        } else {
            files.insert(entry.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&entry).unwrap());
        }
    }
    files
}

/// The files that differ.
fn differences<'a>(a: &'a BTreeMap<String, Vec<u8>>, b: &'a BTreeMap<String, Vec<u8>>) -> Vec<&'a str> {
    let names = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k)));
    names.filter(|k| a.get(*k) != b.get(*k)).map(String::as_str).collect()
}

#[test]
fn a_run_leaves_the_files_of_the_contract() {
    let here = folder(&[("m.scm", MODEL)]);
    dcmc(here.path(), &["run", "m.scm", "-q"]).expect(0);
    let files = contents(&here.path().join("m.dcm"));
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "effect.csv",
        "manifest.json",
        "metrics.jsonl",
        "modules/H1.safetensors",
        "modules/H2.safetensors",
        "plan.json",
        "report.html",
        "results.json",
    ];
    assert_eq!(names, expected);
}

#[test]
fn both_engines_repeat_bit_for_bit_whatever_the_jobs() {
    for engine in ["likelihood", "wgan_gp"] {
        let here = folder(&[("m.scm", MODEL)]);
        let engine = format!("train.engine={engine}");
        let set = ["-q", "--set", &engine, "--set", "train.steps=30", "--set", "train.samples=2000"];
        dcmc(here.path(), &[&["run", "m.scm", "--out", "a", "--jobs", "1"][..], &set].concat()).expect(0);
        dcmc(here.path(), &[&["run", "m.scm", "--out", "b", "--jobs", "2"][..], &set].concat()).expect(0);
        let (a, b) = (contents(&here.path().join("a")), contents(&here.path().join("b")));
        assert_eq!(differences(&a, &b), [""; 0], "{engine}");
        dcmc(here.path(), &[&["run", "m.scm", "--out", "c", "--seed", "2"][..], &set].concat()).expect(0);
        assert!(differences(&a, &contents(&here.path().join("c"))).contains(&"modules/H1.safetensors"));
    }
}

#[test]
fn a_second_run_trains_nothing_and_a_changed_query_trains_nothing() {
    let here = folder(&[("m.scm", MODEL)]);
    dcmc(here.path(), &["run", "m.scm", "-q"]).expect(0);
    let first = contents(&here.path().join("m.dcm"));
    let again = dcmc(here.path(), &["run", "m.scm"]).expect(0);
    assert_eq!(differences(&first, &contents(&here.path().join("m.dcm"))), [""; 0]);
    assert!(!again.stderr.contains("training"), "{}", again.stderr);
    fs::write(here.path().join("m.scm"), format!("{MODEL}\nquery more: P(B | do(A = 1))\n")).unwrap();
    let changed = dcmc(here.path(), &["run", "m.scm"]).expect(0);
    assert!(!changed.stderr.contains("training"), "{}", changed.stderr);
    let second = contents(&here.path().join("m.dcm"));
    assert!(!differences(&first, &second).contains(&"modules/H1.safetensors"));
    assert!(differences(&first, &second).contains(&"results.json"));
}

#[test]
fn a_changed_module_trains_what_depends_on_it_and_nothing_else() {
    let here = folder(&[("m.scm", MODEL)]);
    let set = ["-q", "--set", "train.engine=wgan_gp", "--set", "train.steps=20", "--set", "train.samples=1000"];
    dcmc(here.path(), &[&["run", "m.scm"][..], &set].concat()).expect(0);
    let first = contents(&here.path().join("m.dcm"));
    // H1 is {B}; H2 is {A, C} with B frozen: a change of H2 leaves H1 alone, a change of H1 reaches H2.
    dcmc(here.path(), &[&["run", "m.scm"][..], &set, &["--set", "train.C.lr=1e-4"]].concat()).expect(0);
    let second = contents(&here.path().join("m.dcm"));
    assert!(!differences(&first, &second).contains(&"modules/H1.safetensors"));
    assert!(differences(&first, &second).contains(&"modules/H2.safetensors"));
    dcmc(here.path(), &[&["run", "m.scm"][..], &set, &["--set", "train.B.lr=1e-4"]].concat()).expect(0);
    let third = contents(&here.path().join("m.dcm"));
    assert!(differences(&second, &third).contains(&"modules/H1.safetensors"));
    assert!(differences(&second, &third).contains(&"modules/H2.safetensors"));
}

#[test]
fn an_interrupted_run_keeps_what_is_finished_and_goes_on() {
    let here = folder(&[("m.scm", MODEL)]);
    let set = [
        "-q",
        "--jobs",
        "1",
        "--set",
        "train.engine=wgan_gp",
        "--set",
        "train.B.steps=5",
        "--set",
        "train.steps=100000000",
    ];
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_dcmc"))
        .current_dir(here.path())
        .args([&["run", "m.scm"][..], &set].concat())
        .spawn()
        .unwrap();
    let first = here.path().join("m.dcm/modules/H1.safetensors");
    let start = std::time::Instant::now();
    while !first.is_file() && start.elapsed().as_secs() < 120 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let before = fs::read(&first).unwrap();
    assert!(!here.path().join("m.dcm/modules/H2.safetensors").exists());
    let rest = [&["run", "m.scm"][..], &set[..7], &["--set", "train.steps=5", "--set", "train.samples=1000"]].concat();
    dcmc(here.path(), &rest).expect(0);
    assert!(before == fs::read(&first).unwrap());
    assert!(here.path().join("m.dcm/modules/H2.safetensors").is_file());
}

#[test]
fn damaged_module_files_are_trained_again() {
    let here = folder(&[("m.scm", MODEL)]);
    dcmc(here.path(), &["run", "m.scm", "-q"]).expect(0);
    let file = here.path().join("m.dcm/modules/H1.safetensors");
    let whole = fs::read(&file).unwrap();
    for damage in [&whole[..whole.len() / 2], b"", b"not a module"] {
        fs::write(&file, damage).unwrap();
        dcmc(here.path(), &["run", "m.scm", "-q"]).expect(0);
        assert!(whole == fs::read(&file).unwrap());
    }
}

#[test]
fn one_query_and_samples_of_a_trained_model() {
    let here = folder(&[("m.scm", MODEL)]);
    let untrained = dcmc(here.path(), &["query", "m.scm", "P(C | do(A = 1))"]).expect(2);
    assert!(untrained.stderr.contains("run `dcmc run m.scm` first"), "{}", untrained.stderr);
    dcmc(here.path(), &["run", "m.scm", "-q"]).expect(0);
    let run = fs::read_to_string(here.path().join("m.dcm/results.json")).unwrap();
    let run: serde_json::Value = serde_json::from_str(&run).unwrap();
    let one = dcmc(here.path(), &["query", "m.scm", "P(C = 1 | do(A = 1))", "--format", "json"]).expect(0).json();
    assert_eq!(one["results"][0]["values"][0]["p"], run["results"][0]["values"][3]["p"]);
    dcmc(here.path(), &["sample", "m.scm", "P(B, C | do(A = 1))", "-n", "4000", "-o", "s.csv"]).expect(0);
    let rows = fs::read_to_string(here.path().join("s.csv")).unwrap();
    assert_eq!(rows.lines().next(), Some("B,C"));
    let ones = rows.lines().skip(1).filter(|l| l.ends_with(",1")).count() as f64 / 4000.0;
    let p = one["results"][0]["values"][0]["p"].as_f64().unwrap();
    assert!((ones - p).abs() < 0.04, "{ones} {p}");
    let wrong = dcmc(here.path(), &["query", "m.scm", "P(C | do(AA = 1))"]).expect(1);
    assert!(wrong.stderr.contains("E0201"), "{}", wrong.stderr);
}

/// Rows of `sample(…)` queries: in the files that outputs name, or in a file of their own; the same in every run.
#[test]
fn sampled_rows_are_written() {
    let asked = "\nquery rows: sample(B, C | do(A = 1), n: 300)\nquery seen: sample(C | B = 1, n: 3000)
        query p: P(C = 1 | B = 1)\noutput rows -> \"rows/\"\noutput rows -> \"rows.safetensors\"\n";
    let here = folder(&[("m.scm", &[MODEL, asked].concat())]);
    let told = dcmc(here.path(), &["run", "m.scm", "-q"]).expect(0).stdout;
    assert!(told.contains("300 rows in rows/") && told.contains("3,000 rows in samples/seen.csv"), "{told}");
    let directory = here.path().join("m.dcm");
    let lines =
        |file: &str| fs::read_to_string(directory.join(file)).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let rows = lines("rows/rows.csv");
    assert_eq!((rows.len(), rows[0].as_str()), (301, "B,C"));
    assert!(fs::metadata(directory.join("rows.safetensors")).unwrap().len() > 2 * 300 * 8);
    let seen = lines("samples/seen.csv");
    let ones = seen[1..].iter().filter(|l| *l == "1").count() as f64 / 3000.0;
    let results: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(directory.join("results.json")).unwrap()).unwrap();
    let answer =
        |name: &str| results["results"].as_array().unwrap().iter().find(|a| a["name"] == name).unwrap().clone();
    assert_eq!(
        (answer("seen")["kind"].as_str(), answer("seen")["file"].as_str()),
        (Some("samples"), Some("samples/seen.csv"))
    );
    let p = answer("p")["values"][0]["p"].as_f64().unwrap();
    assert!((ones - p).abs() < 0.04, "{ones} {p}");
    let before = contents(&directory);
    dcmc(here.path(), &["run", "m.scm", "-q"]).expect(0);
    assert_eq!(differences(&before, &contents(&directory)), Vec::<&str>::new());
    let refused = dcmc(here.path(), &["query", "m.scm", "sample(C | do(A = 1))"]).expect(2);
    assert!(refused.stderr.contains("dcmc sample"), "{}", refused.stderr);
    dcmc(here.path(), &["sample", "m.scm", "sample(C | do(A = 1), n: 7)", "-o", "seven.csv"]).expect(0);
    assert_eq!(fs::read_to_string(here.path().join("seven.csv")).unwrap().lines().count(), 8);
}

#[test]
fn rows_of_another_world_are_those_of_the_same_individuals() {
    let asked = "query rows: sample(C[A = 1], B | A = 0, n: 4000)\nquery p: P(B, C[A = 1] | A = 0)\n";
    let here = folder(&[("m.scm", &[MODEL, asked].concat())]);
    let run = ["run", "m.scm", "-q", "--allow-unidentified", "--format", "json"];
    let answers = dcmc(here.path(), &run).expect(0).json();
    let file = answers["results"][1]["file"].as_str().unwrap();
    let rows = fs::read_to_string(here.path().join("m.dcm").join(file)).unwrap();
    assert!(rows.starts_with("B,C\n"), "{rows}");
    for cell in answers["results"][2]["values"].as_array().unwrap() {
        let values =
            cell["outcome"].as_object().unwrap().values().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let share = rows.lines().filter(|line| **line == values).count() as f64 / 4000.0;
        assert!((share - cell["p"].as_f64().unwrap()).abs() < 0.03, "{cell} {share}");
    }
    let refused = |query: &str| dcmc(here.path(), &["sample", "m.scm", query, "-o", "x.csv"]).stderr;
    assert!(refused("sample(C[A = 0], C[A = 1])").contains("E0202"));
    assert!(refused("sample(C[A] | B = 0)").contains("E0103"));
}

#[test]
fn simulated_data_read_from_a_file_give_the_same_model() {
    let here = folder(&[("m.scm", MODEL)]);
    dcmc(here.path(), &["run", "m.scm", "-q", "--out", "simulated"]).expect(0);
    for file in ["obs.csv", "obs.parquet"] {
        dcmc(here.path(), &["simulate", "m.scm", "--data", "obs", "-o", file]).expect(0);
        let set = format!("data.obs={file}");
        dcmc(here.path(), &["run", "m.scm", "-q", "--out", "read", "--set", &set]).expect(0);
        let (a, b) = (contents(&here.path().join("simulated")), contents(&here.path().join("read")));
        assert!(!differences(&a, &b).contains(&"modules/H1.safetensors"));
        assert!(!differences(&a, &b).contains(&"results.json"));
    }
}

#[test]
fn an_ensemble_widens_the_intervals_of_sampled_answers() {
    let few = format!("{MODEL} train {{ engine: wgan_gp; steps: 20; samples: 4000 }}").replace("n: 5000", "n: 300");
    let here = folder(&[("m.scm", &few)]);
    let run = |more: &[&str]| {
        let json = dcmc(here.path(), &[&["run", "m.scm", "-q", "--format", "json"], more].concat()).expect(0).json();
        let values = json["results"][0]["values"].as_array().unwrap().clone();
        let number = |key: &str| values.iter().map(|v| v[key].as_f64().unwrap()).collect::<Vec<f64>>();
        (number("p"), number("low"), number("high"))
    };
    let alone = run(&[]);
    let before = contents(&here.path().join("m.dcm/modules"));
    let four = run(&["--set", "train.ensemble=4"]);
    let after = contents(&here.path().join("m.dcm/modules"));
    // The fit to all rows is the same one, and its answer too.
    assert_eq!(alone.0, four.0);
    assert!(before.iter().all(|(name, bytes)| after.get(name) == Some(bytes)));
    let refits: Vec<&Vec<u8>> =
        after.iter().filter(|(name, _)| name.ends_with("H1.safetensors")).map(|f| f.1).collect();
    assert_eq!(refits.len(), 5, "{:?}", after.keys());
    assert!((1..5).all(|k| !refits[..k].contains(&refits[k])), "two fits are the same");
    // 20 steps leave more open than 4,000 samples do.
    let width = |(_, low, high): &(Vec<f64>, Vec<f64>, Vec<f64>)| high.iter().zip(low).map(|(h, l)| h - l).sum::<f64>();
    assert!(width(&four) > 1.5 * width(&alone), "{four:?} {alone:?}");
    for (at, p) in four.0.iter().enumerate() {
        assert!(0.0 <= four.1[at] && four.1[at] <= *p && *p <= four.2[at] && four.2[at] <= 1.0);
    }
    // Nothing is trained again, and tables have replicates of their own.
    let again = dcmc(here.path(), &["run", "m.scm", "--set", "train.ensemble=4"]).expect(0);
    assert!(!again.stderr.contains("training") && again.stderr.contains("H1 (refit 4)"), "{}", again.stderr);
    dcmc(
        here.path(),
        &["run", "m.scm", "-q", "--out", "tables", "--set", "train.ensemble=4", "--set", "train.engine=auto"],
    )
    .expect(0);
    assert!(!here.path().join("tables/modules/refit_1").exists());
}
