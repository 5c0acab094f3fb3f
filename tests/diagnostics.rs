//! The pages of the diagnostics: every code has one, its example shows the code, its repair removes it.

mod common;

use common::{dcmc, folder};
use dcmc::diag::catalogue::{CATALOGUE, Entry};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;

/// A fenced block of a page.
struct Block<'a> {
    section: &'a str,
    /// What stands after the backquotes, e.g. `scm run` or `csv d.csv`.
    info: &'a str,
    text: String,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut section) = (vec![], "");
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title;
        } else if let Some(info) = line.strip_prefix("```") {
            let text = lines.by_ref().take_while(|l| !l.starts_with("```")).map(|l| format!("{l}\n")).collect();
            blocks.push(Block { section, info, text });
        }
    }
    blocks
}

/// The model of a section, the command that reads it, and the files beside it.
struct Case {
    command: Vec<String>,
    model: String,
    files: BTreeMap<String, String>,
}

fn case(page: &str, section: &str, code: &str) -> Case {
    let (command, model) = (vec!["check".to_owned()], "m.scm".to_owned());
    let mut case = Case { command, model, files: BTreeMap::new() };
    let mut models = 0;
    // The repair stands beside the files of the example.
    for block in blocks(page).into_iter().filter(|b| b.section == "Example" || b.section == section) {
        let mut words = block.info.split_whitespace();
        let language = words.next().unwrap_or_default();
        let rest: Vec<String> = words.map(str::to_owned).collect();
        match &rest[..] {
            [name] if language == "safetensors" => drop(case.files.insert(name.clone(), safetensors(&block.text))),
            [name] if language == "hex" => drop(case.files.insert(name.clone(), bytes(&block.text))),
            [name] if name.contains('.') => drop(case.files.insert(name.clone(), block.text)),
            command if language == "scm" || command.first().is_some_and(|c| c == "import") => {
                if !command.is_empty() {
                    case.command = command.to_vec();
                }
                models += usize::from(block.section == section);
                case.model = format!("m.{language}");
                case.files.insert(case.model.clone(), block.text);
            }
            _ => panic!("{code}: what is ```{}?", block.info),
        }
    }
    assert_eq!(models, 1, "{code}: one model in `{section}`");
    case
}

/// A binary file written as hexadecimal digits; its bytes are below 128, so that it is text too.
fn bytes(hex: &str) -> String {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    String::from_utf8(digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()).unwrap()
}

/// A safetensors file with this header and zeros in its tensors.
fn safetensors(header: &str) -> String {
    let json: Value = serde_json::from_str(header).unwrap();
    let ends = json.as_object().unwrap().values().filter_map(|tensor| tensor["data_offsets"][1].as_u64());
    // Spaces up to a length whose bytes are below 128, so that the file is text too.
    let mut header = header.trim().to_owned();
    while header.len() % 256 >= 128 {
        header.push(' ');
    }
    let length = String::from_utf8(header.len().to_le_bytes().to_vec()).unwrap();
    format!("{length}{header}{}", "\0".repeat(ends.max().unwrap_or(0) as usize))
}

/// The diagnostics of a case; `None` if this build lacks the command.
fn found(case: &Case) -> Option<Vec<Value>> {
    let trains = !matches!(case.command[0].as_str(), "check" | "plan" | "import");
    if trains && !cfg!(feature = "run") {
        return None;
    }
    let files: Vec<(&str, &str)> = case.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let here = folder(&files);
    let words: Vec<&str> = case.command.iter().map(String::as_str).collect();
    let mut arguments = vec![words[0], &case.model];
    arguments.extend(&words[1..]);
    arguments.extend(["--message-format", "json", "--max-errors", "0"]);
    if words[0] == "run" {
        arguments.push("--quiet");
    }
    let outcome = dcmc(here.path(), &arguments);
    assert!(outcome.code != 101, "{}", outcome.stderr);
    let told = if words[0] == "check" { &outcome.stdout } else { &outcome.stderr };
    let lines = told.lines().filter(|line| line.starts_with('{'));
    Some(lines.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect())
}

/// What is wrong with the example or the repair of a page.
fn faults(entry: &Entry) -> Vec<String> {
    let mut faults = vec![];
    let codes = |found: &[Value]| found.iter().map(|d| d["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    if let Some(found) = found(&case(entry.page, "Example", entry.code)) {
        let codes = codes(&found);
        let all = |c: &&String| !c.starts_with('N') || entry.code.starts_with('N');
        let told: Vec<&String> = codes.iter().filter(all).collect();
        if told != [entry.code] {
            faults.push(format!("{}: the example has {codes:?}: {found:#?}", entry.code));
        }
    }
    if let Some(found) = found(&case(entry.page, "Repair", entry.code)) {
        let codes = codes(&found);
        if codes.iter().any(|c| c == entry.code || c.starts_with('E')) {
            faults.push(format!("{}: the repair has {codes:?}: {found:#?}", entry.code));
        }
    }
    faults
}

#[test]
fn every_example_shows_its_code_and_every_repair_removes_it() {
    let left = Mutex::new(CATALOGUE.iter());
    let faulty = Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(entry) = left.lock().unwrap().next() else { break };
                    let found = std::panic::catch_unwind(|| faults(entry))
                        .unwrap_or_else(|_| vec![format!("{}: see the panic above", entry.code)]);
                    faulty.lock().unwrap().extend(found);
                }
            });
        }
    });
    let faulty = faulty.into_inner().unwrap();
    assert!(faulty.is_empty(), "{}", faulty.join("\n"));
}

#[test]
fn pages_have_their_titles_and_sections() {
    for entry in CATALOGUE {
        let mut lines = entry.page.lines();
        assert_eq!(lines.next(), Some(format!("# {}: {}", entry.code, entry.title).as_str()));
        let sections: Vec<&str> = entry.page.lines().filter_map(|l| l.strip_prefix("## ")).collect();
        assert_eq!(sections, ["Example", "Why", "Repair", "Reference"], "{}", entry.code);
        let count = entry.page.lines().count();
        assert!((20..=45).contains(&count), "{} has {count} lines", entry.code);
    }
}

#[test]
fn the_index_lists_all_codes() {
    let rows: String = CATALOGUE.iter().map(|e| format!("- [{0}]({0}.md): {1}\n", e.code, e.title)).collect();
    let index = fs::read_to_string("docs/diagnostics/README.md").unwrap();
    let written: String = index.lines().filter(|l| l.starts_with("- [")).map(|l| format!("{l}\n")).collect();
    assert_eq!(written, rows, "docs/diagnostics/README.md must list the table of codes");
    let pages = fs::read_dir("docs/diagnostics").unwrap().count();
    assert_eq!(pages, CATALOGUE.len() + 1, "a page without a code");
}

#[test]
fn the_table_has_the_codes_of_the_program_and_no_others() {
    let mut raised = BTreeSet::new();
    literals(Path::new("src"), &mut raised);
    let table: BTreeSet<String> = CATALOGUE.iter().map(|e| e.code.to_owned()).collect();
    assert_eq!(raised, table);
    assert_eq!(CATALOGUE.len(), table.len(), "a code stands twice");
}

/// The codes that stand in the program's text, outside the table and tests.
fn literals(folder: &Path, found: &mut BTreeSet<String>) {
    let code = fancy_regex::Regex::new("\"([EWN][0-9]{4})\"").unwrap();
    for path in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if path.is_dir() {
            literals(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs")
            && !path.ends_with("tests.rs")
            && !path.ends_with("catalogue.rs")
        {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            found.extend(code.captures_iter(text).map(|c| c.unwrap()[1].to_owned()));
        }
    }
}

#[test]
fn explain_prints_pages_and_suggests_codes() {
    let here = folder(&[]);
    let page = dcmc(here.path(), &["explain", "e0301"]).expect(0).stdout;
    assert!(page.starts_with("E0301: directed cycle\n") && page.contains("\nEXAMPLE\n") && !page.contains("```"));
    assert!(page.lines().all(|l| l.chars().count() <= 90 && !l.contains('\u{1b}')), "{page}");
    let long = dcmc(here.path(), &["explain", "W0705"]).expect(0).stdout;
    assert!(long.lines().all(|l| l.matches('`').count() % 2 == 0), "code is torn apart in\n{long}");
    let unknown = dcmc(here.path(), &["explain", "e301"]).expect(2);
    assert!(unknown.stderr.contains("did you mean E0301"), "{}", unknown.stderr);
    dcmc(here.path(), &["explain", "hello"]).expect(2);
    let list = dcmc(here.path(), &["explain"]).expect(0).stdout;
    assert_eq!(list.lines().count(), CATALOGUE.len());
    assert_eq!(dcmc(here.path(), &["explain", "--list"]).expect(0).stdout, list);
    let coloured = dcmc(here.path(), &["explain", "E0301", "--color", "always"]).expect(0).stdout;
    assert!(coloured.contains("\u{1b}[1m"));
}
