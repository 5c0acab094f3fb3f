//! The folders import each other only in the directions that ARCHITECTURE.md draws.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folder → the folders it may import. `cli` may import all.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("diag", &[]),
    ("seed", &[]),
    ("device", &[]),
    ("factor", &[]),
    ("causal", &[]),
    ("pretrained", &[]),
    ("syntax", &["diag"]),
    ("model", &["syntax", "causal", "diag", "pretrained"]),
    ("truth", &["model", "syntax", "causal", "factor", "diag", "seed"]),
    ("data", &["model", "truth", "diag", "seed"]),
    ("plan", &["model", "causal", "data", "diag"]),
    ("render", &["model", "plan", "causal", "truth", "diag"]),
    ("exchange", &["syntax", "diag"]),
    ("identification", &["model", "causal", "data", "diag", "truth", "factor", "render", "seed"]),
    ("check", &["syntax", "model", "data", "truth", "plan", "identification", "pretrained", "diag"]),
    ("ide", &["check", "syntax", "model", "causal", "data", "truth", "plan", "identification", "render", "diag"]),
    ("lsp", &["ide", "syntax", "plan", "render", "diag"]),
    ("implications", &["model", "causal", "data", "seed"]),
    ("nets", &["seed", "pretrained"]),
    ("train", &["model", "plan", "nets", "data", "seed", "pretrained"]),
    ("query", &["model", "plan", "causal", "truth", "data", "nets", "train", "factor", "seed"]),
    ("report", &["model", "plan", "causal", "data", "render", "query", "train", "diag"]),
];

#[test]
fn imports_go_one_way() {
    let mut wrong = vec![];
    let mut folders = BTreeSet::new();
    for file in rust_files(Path::new("src")).into_iter().filter(|f| !f.to_string_lossy().ends_with("tests.rs")) {
        let room = room(&file);
        folders.insert(room.clone());
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else { continue };
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            if import != room && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{} imports {import}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let known: BTreeSet<String> = MAY_IMPORT.iter().map(|(name, _)| (*name).to_owned()).collect();
    let outside: BTreeSet<String> = ["cli", "lib", "main"].map(str::to_owned).into();
    let unlisted: Vec<_> = folders.difference(&known).filter(|f| !outside.contains(*f)).collect();
    assert!(unlisted.is_empty(), "not in the table: {unlisted:?}");
}

#[test]
fn candle_stays_behind_the_feature() {
    let front_end = [
        "syntax",
        "model",
        "causal",
        "truth",
        "factor",
        "plan",
        "pretrained",
        "render",
        "exchange",
        "identification",
        "implications",
        "diag",
        "seed",
        "check",
        "ide",
        "lsp",
    ];
    for file in rust_files(Path::new("src")).iter().filter(|f| front_end.contains(&room(f).as_str())) {
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains("candle"), "{} names Candle", file.display());
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|e| e == "rs") {
            files.push(entry);
        }
    }
    files.sort();
    files
}

/// The folder of `src` that a file belongs to.
fn room(file: &Path) -> String {
    let first = file.components().nth(1).unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The names after `crate::`, outside comments and test modules.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut names = BTreeSet::new();
    for line in lines {
        for after in line.split("crate::").skip(1) {
            let list: Vec<&str> = match after.strip_prefix('{') {
                Some(group) => group.split(',').collect(),
                None => vec![after],
            };
            for item in list {
                let name: String = item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if name.chars().next().is_some_and(char::is_lowercase) {
                    names.insert(name);
                }
            }
        }
    }
    names
}
