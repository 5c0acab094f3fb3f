//! Programs and all that is said about them: right ones and wrong ones, one snapshot each.

mod common;

use common::dcmc;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite");

/// The source and what the program says about it, the exit code first.
struct Said {
    name: String,
    text: String,
    code: i32,
}

#[test]
fn every_program_gets_the_messages_it_should() {
    let said = all();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("suite/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut wrong = vec![];
    for Said { name, text, code } in &said {
        let good = name.starts_with("ok");
        if good != (*code == 0) && !text.contains("warning") {
            wrong.push(format!("{name} ends with {code}"));
        }
        let result =
            settings.bind(|| std::panic::catch_unwind(|| insta::assert_snapshot!(name.replace('/', "_"), text)));
        if result.is_err() {
            wrong.push(format!("{name} says something else"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is said about all programs, in the order of their names.
fn all() -> Vec<Said> {
    let left = Mutex::new(programs().into_iter());
    let said = Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(path) = left.lock().unwrap().next() else { break };
                    if let Some(one) = run(&path) {
                        said.lock().unwrap().push(one);
                    }
                }
            });
        }
    });
    let mut said = said.into_inner().unwrap();
    said.sort_by(|a: &Said, b| a.name.cmp(&b.name));
    said
}

fn programs() -> Vec<PathBuf> {
    let files = ["ok", "bad"].into_iter().flat_map(|folder| fs::read_dir(Path::new(SUITE).join(folder)).unwrap());
    files.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "scm")).collect()
}

/// Runs the command in the first line (`# command: run`), or `check`; `None` if this build lacks it.
fn run(path: &Path) -> Option<Said> {
    let name = path.strip_prefix(SUITE).unwrap().with_extension("").display().to_string().replace('\\', "/");
    let source = fs::read_to_string(path).unwrap();
    let command = source.lines().next().and_then(|line| line.strip_prefix("# command: ")).unwrap_or("check");
    let mut words = command.split_whitespace();
    let verb = words.next().unwrap();
    if !matches!(verb, "check" | "plan") && !cfg!(feature = "run") {
        return None;
    }
    let model = format!("{name}.scm");
    let out = tempfile::tempdir().unwrap();
    let mut arguments = vec![verb, model.as_str()];
    arguments.extend(words);
    if verb == "run" {
        arguments.extend(["--quiet", "--out", out.path().to_str().unwrap()]);
    }
    let outcome = dcmc(Path::new(SUITE), &arguments);
    let said: Vec<&str> = outcome.stderr.lines().filter(|line| !line.starts_with("report: ")).collect();
    let said = said.join("\n").replace(SUITE, "SUITE");
    let shown = source.replace('\r', "␍").replace('\u{feff}', "<BOM>").replace('\t', "⇥");
    let text = format!("{shown}\n======== {command}: exit {}\n{said}", outcome.code);
    Some(Said { name, text, code: outcome.code })
}
