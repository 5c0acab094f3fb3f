//! How often 90 % intervals cover the truth, over small data sets of one model with a real outcome.
//!
//! `cargo bench --bench coverage [-- RUNS] [KEY=VALUE…]` (default 200) draws 300 rows, trains the model and five refits on resampled
//! rows (`ensemble: 5`), and compares the intervals of an effect, a mean and a conditional mean with the closed forms; beside them
//! the intervals of the sampling error alone. Settings are passed on to `--set`. Exact answers over tables are in
//! `random_scm`.

use serde_json::Value;
use std::process::Command;

const MODEL: &str = "
    Z -> X; {X, Z} -> Y
    X, Z: binary; Y: real
    truth {
      Z ~ bernoulli(0.5)
      X ~ bernoulli(0.3 + 0.4 * Z)
      Y = 1.5 * X + Z + normal(0, 1)
    }
    data obs = simulate(truth, n: 300, seed: SEED)
    train { ensemble: 5; samples: 20000 }
    query ate: ATE(Y, X = 1 vs 0)
    query mean: E[Y | do(X = 1)]
    query at: E[Y | do(X = 1), Z = 1]
";

const TRUTH: [(&str, f64); 3] = [("ate", 1.5), ("mean", 2.0), ("at", 2.5)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runs: usize = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(200);
    let settings: Vec<&String> = arguments.iter().filter(|a| a.contains('=')).collect();
    let mut covered = [[0usize; 2]; TRUTH.len()];
    for seed in 1..=runs {
        for (way, ensemble) in ["train.ensemble=5", "train.ensemble=0"].into_iter().enumerate() {
            for (at, hit) in intervals(seed, ensemble, &settings).into_iter().enumerate() {
                covered[at][way] += usize::from(hit);
            }
        }
        if seed % 10 == 0 || seed == runs {
            let shares = covered.map(|ways| ways.map(|n| n as f64 / seed as f64));
            println!("{seed} runs: with the refits' spread and without, {shares:.3?} ({:?})", TRUTH.map(|t| t.0));
        }
    }
}

/// Whether each query's interval covers the truth; what is trained is used again where only the ensemble differs.
fn intervals(seed: usize, ensemble: &str, settings: &[&String]) -> Vec<bool> {
    let folder = std::env::temp_dir().join(format!("dcmc_coverage_{}_{seed}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("m.scm"), MODEL.replace("SEED", &seed.to_string())).expect("a model");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcmc"));
    command.current_dir(&folder).args(["run", "m.scm", "-q", "--format", "json", "--set", ensemble, "--seed"]);
    command.arg(seed.to_string());
    settings.iter().for_each(|setting| {
        command.args(["--set", setting]);
    });
    let done = command.output().expect("dcmc runs");
    let answers: Value = serde_json::from_slice(&done.stdout).expect("answers");
    let hit = |(name, truth): &(&str, f64)| {
        let answer = answers["results"].as_array().into_iter().flatten().find(|a| a["name"] == *name);
        let row = answer.expect("the query's answer")["values"][0].clone();
        row["low"].as_f64().expect("an end") <= *truth && *truth <= row["high"].as_f64().expect("an end")
    };
    let hits = TRUTH.iter().map(hit).collect();
    if ensemble.ends_with('0') {
        let _ = std::fs::remove_dir_all(&folder);
    }
    hits
}
