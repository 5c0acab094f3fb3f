//! Every query of the examples with a truth block, trained in full: how far the answers are from the truth.
//!
//! `cargo bench --bench examples [-- ENGINE] [EXAMPLE…] [KEY=VALUE…]` runs them with `auto` (likelihood wherever it applies) or
//! `wgan_gp` and prints, for each query that the data determine, the total variation distance to the truth block's own
//! answer, or the difference of expectations. Settings are passed on to `--set`.

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let engine = if arguments.iter().any(|a| a == "wgan_gp") { "wgan_gp" } else { "auto" };
    let settings: Vec<&String> = arguments.iter().filter(|a| a.contains('=')).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("the examples")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "scm"))
        .filter(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains("\ntruth {")))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    let asked: Vec<String> = names.iter().filter(|name| arguments.contains(name)).cloned().collect();
    let images = ["digits_gan", "frontdoor_digits", "xray_gan"];
    names.retain(|name| if asked.is_empty() { !images.contains(&name.as_str()) } else { asked.contains(name) });
    for name in names {
        run(&folder, &name, engine, &settings);
    }
}

fn run(folder: &Path, name: &str, engine: &str, settings: &[&String]) {
    let out = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcmc"));
    command.current_dir(folder).args(["run", &format!("{name}.scm"), "-q", "--format", "json", "--allow-unidentified"]);
    command.arg("--out").arg(out.path()).args(["--set", &format!("train.engine={engine}")]);
    settings.iter().for_each(|setting| {
        command.args(["--set", setting]);
    });
    let start = Instant::now();
    let done = command.output().expect("dcmc runs");
    let Ok(answers) = serde_json::from_slice::<Value>(&done.stdout) else {
        return println!("{name}: no answers\n{}", String::from_utf8_lossy(&done.stderr));
    };
    println!("{name} ({engine}, {:.0} s)", start.elapsed().as_secs_f64());
    for answer in answers["results"].as_array().into_iter().flatten() {
        let Some(apart) = distance(answer) else { continue };
        let open = if answer["identifiable"] == false { "  (the data do not determine it)" } else { "" };
        println!(
            "  {apart:.4}  {}: {}{open}",
            answer["name"].as_str().unwrap_or(""),
            answer["query"].as_str().unwrap_or("")
        );
    }
}

/// To the truth, where there is one: total variation, or the largest difference of expectations.
fn distance(answer: &Value) -> Option<f64> {
    if let Some(tv) = answer["tv_truth"].as_f64() {
        return Some(tv);
    }
    let values =
        |rows: &str| -> Option<Vec<f64>> { answer[rows].as_array()?.iter().map(|r| r["value"].as_f64()).collect() };
    let pairs = values("values")?.into_iter().zip(values("truth")?);
    Some(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
}
