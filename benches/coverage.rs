//! How often 90 % intervals cover the truth, over small data sets of one model with a real outcome.
//!
//! `cargo bench --bench coverage [-- RUNS] [KEY=VALUE…]` (default 200) draws 300 rows, trains the model, and compares the intervals of
//! an effect, a mean and a conditional mean with the closed forms; beside them those of the formula on the rows. Settings
//! are passed on to `--set` (`train.ensemble=5`: of refits). Exact answers over tables are in `random_scm`.

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
    train { samples: 20000 }
    query ate: ATE(Y, X = 1 vs 0)
    query mean: E[Y | do(X = 1)]
    query at: E[Y | do(X = 1), Z = 1]
";

const TRUTH: [(&str, f64); 3] = [("ate", 1.5), ("mean", 2.0), ("at", 2.5)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runs: usize = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(200);
    let settings: Vec<&String> = arguments.iter().filter(|a| a.contains('=')).collect();
    // Of the model and of the formula: intervals that cover the truth; the model's squared errors and half widths.
    let mut covered = [[0usize; 2]; TRUTH.len()];
    let mut sums = [[0.0; 2]; TRUTH.len()];
    for seed in 1..=runs {
        for (at, found) in answers(seed, &settings).into_iter().enumerate() {
            let truth = TRUTH[at].1;
            for (way, [low, _, high]) in found.into_iter().enumerate() {
                covered[at][way] += usize::from(low <= truth && truth <= high);
            }
            let [low, value, high] = found[0];
            sums[at] = [sums[at][0] + (value - truth).powi(2), sums[at][1] + (high - low) / 2.0];
        }
        if seed % 10 == 0 || seed == runs {
            println!("{seed} runs");
            for (at, (name, _)) in TRUTH.iter().enumerate() {
                let [model, formula] = covered[at].map(|n| 100.0 * n as f64 / seed as f64);
                let [error, half] = sums[at].map(|sum| sum / seed as f64);
                let error = error.sqrt();
                println!(
                    "  {name:5} model {model:.1} % formula {formula:.1} %, error {error:.3}, half width {half:.3}"
                );
            }
        }
    }
}

/// Per query low end, value and high end of the model's answer and of the formula's.
fn answers(seed: usize, settings: &[&String]) -> Vec<[[f64; 3]; 2]> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("m.scm"), MODEL.replace("SEED", &seed.to_string())).expect("a model");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcmc"));
    command.current_dir(folder.path()).args(["run", "m.scm", "-q", "--format", "json", "--seed", &seed.to_string()]);
    settings.iter().for_each(|setting| {
        command.args(["--set", setting]);
    });
    let done = command.output().expect("dcmc runs");
    let answers: Value = serde_json::from_slice(&done.stdout).expect("answers");
    let of = |(name, _): &(&str, f64)| {
        let answer = answers["results"].as_array().into_iter().flatten().find(|a| a["name"] == *name);
        let answer = answer.expect("the query's answer");
        [&answer["values"][0], &answer["estimand"]["values"][0]]
            .map(|row| ["low", "value", "high"].map(|key| row[key].as_f64().expect("a number")))
    };
    TRUTH.iter().map(of).collect()
}
