//! `check --fix`: repairs what it says, nothing else, and never makes matters worse.

mod common;

use common::{dcmc, examples, folder};
use rand::Rng;
use std::fs;

/// The text after `check --fix`, and the exit code.
fn fixed(text: &str) -> (String, i32) {
    let here = folder(&[("m.scm", text)]);
    let code = dcmc(here.path(), &["check", "m.scm", "--fix"]).code;
    (fs::read_to_string(here.path().join("m.scm")).unwrap(), code)
}

#[test]
fn what_is_certain_is_repaired() {
    for (wrong, right) in [
        ("A => B --> C\n", "A -> B -> C\n"),
        ("dcm 3 \"T\"\nX -> Y\n", "dcm 1 \"T\"\nX -> Y\n"),
        ("X -> Y\nX: int[9..0]\n", "X -> Y\nX: int[0..9]\n"),
        ("X -> Y\nX, Y: binry\n", "X -> Y\nX, Y: binary\n"),
        ("X -> Y\r\nX -> Y # again\r\n", "X -> Y\r\n # again\r\n"),
        ("X -> Y\nbinary X\nY = binary\n", "X -> Y\nX: binary\nY: binary\n"),
        ("X -> Y\r\n  X -> Y\r\nY -> Z", "X -> Y\r\nY -> Z"),
        (
            "smoker -> Y\nsmoker, Y: binary\nquery q: P(Y | do(smokr = 1)\n",
            "smoker -> Y\nsmoker, Y: binary\nquery q: P(Y | do(smoker = 1))\n",
        ),
        ("dcm 1 \"T\nX -> Y\n", "dcm 1 \"T\"\nX -> Y\n"),
        ("Y ~ X + Z  # a formula\n", "{X, Z} -> Y  # a formula\n"),
        ("Y ~~ X\n", "Y <-> X\n"),
        (
            "c -> d\nc: categorical {`light red`, blue}\nd: binary\nquery q: P(d | do(c = `lihgt red`))\n",
            "c -> d\nc: categorical {`light red`, blue}\nd: binary\nquery q: P(d | do(c = `light red`))\n",
        ),
        ("X -> Y\ntrian { epoch: 3 }\n", "X -> Y\ntrain { epochs: 3 }\n"),
        ("\u{feff}A => B\r\n\tC  => D\r\n", "\u{feff}A -> B\r\n\tC  -> D\r\n"),
    ] {
        assert_eq!(fixed(wrong), (right.to_owned(), 0), "{wrong}");
    }
}

#[test]
fn what_is_not_certain_is_left() {
    for text in [
        "A -- B\n",
        "train { epochs: 3\nlr: 1e-3 }}\n",
        "data d = \"x.csv do(X = 1)\n",
        "A -> B -> A\n",
        "query q: P(\n",
    ] {
        assert_eq!(fixed(text), (text.to_owned(), 1), "{text}");
    }
}

#[test]
fn repairs_that_uncover_more_errors_are_not_made() {
    // As long as a statement is unread, unknown names are not reported; read, there are three.
    let text = "X => Y\nquery a: P(W1)\nquery b: P(W2)\nquery c: P(W3)\n";
    let here = folder(&[("m.scm", text)]);
    let outcome = dcmc(here.path(), &["check", "m.scm", "--fix"]).expect(1);
    assert_eq!(fs::read_to_string(here.path().join("m.scm")).unwrap(), text);
    assert!(outcome.stderr.contains("some repairs were not made"), "{}", outcome.stderr);
}

#[test]
fn imported_files_are_repaired_too_and_a_dry_run_writes_nothing() {
    let (model, part) = ("import \"part.scm\" as p\np.tar -> cancer\np.tar, cancer: binary\n", "smoker => tar\n");
    let here = folder(&[("m.scm", model), ("part.scm", part)]);
    let read = |name: &str| fs::read_to_string(here.path().join(name)).unwrap();
    let dry = dcmc(here.path(), &["check", "m.scm", "--fix", "--dry-run"]).expect(0);
    assert!(dry.stdout.contains("-smoker => tar\n+smoker -> tar\n"), "{}", dry.stdout);
    assert_eq!(read("part.scm"), part);
    let outcome = dcmc(here.path(), &["check", "m.scm", "--fix"]).expect(0);
    assert!(outcome.stderr.contains("part.scm:1:8: E0102: write `->`"), "{}", outcome.stderr);
    assert_eq!((read("part.scm").as_str(), read("m.scm").as_str()), ("smoker -> tar\n", model));
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 2, "a temporary file was left");
    // In an imported file names are written as they are there.
    let (model, part) =
        ("import \"part.scm\" as p\np.tar -> cancer\n", "smoking -> tar\nage -> smoking\ngenes -> smokng\n");
    let here = folder(&[("m.scm", model), ("part.scm", part)]);
    dcmc(here.path(), &["check", "m.scm", "--fix"]).expect(0);
    assert_eq!(fs::read_to_string(here.path().join("part.scm")).unwrap(), part.replace("smokng", "smoking"));
}

#[test]
fn columns_of_data_are_repaired() {
    let model = "X -> Y\nX, Y: binary\ndata d = \"d.csv\" { columns: { X: \"treatmnt\", Y } }\n";
    let here = folder(&[("m.scm", model), ("d.csv", "treatment,Y\n0,1\n1,0\n")]);
    dcmc(here.path(), &["check", "m.scm", "--fix"]).expect(0);
    assert_eq!(fs::read_to_string(here.path().join("m.scm")).unwrap(), model.replace("treatmnt", "treatment"));
}

/// Typos: letters that are left out, doubled or exchanged, and signs of other languages.
fn mutated(text: &str, rng: &mut impl Rng) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..characters.len() - 1);
        match rng.random_range(0..6) {
            0 => drop(characters.remove(at)),
            1 => characters.insert(at, characters[at]),
            2 => characters.swap(at, at + 1),
            3 => characters[at] = ['=', '-', '>', '"', '(', '}', 'x', '\n'][rng.random_range(0..8)],
            4 => characters.insert(at, '\r'),
            _ => {
                let text: String = characters.iter().collect();
                characters = text.replacen(" -> ", " => ", 1).chars().collect();
            }
        }
    }
    characters.into_iter().collect()
}

#[test]
fn repairs_of_random_typos_end_and_never_add_errors() {
    let names = ["frontdoor", "kidney_stones", "asia", "digits_table"];
    let texts = names.map(|name| fs::read_to_string(examples().join(format!("{name}.scm"))).unwrap());
    let data = examples().join("data");
    let errors = |folder: &std::path::Path| {
        let found = dcmc(folder, &["check", "m.scm", "--message-format", "json", "--max-errors", "0"]);
        found.stdout.lines().filter(|line| line.contains("\"severity\":\"error\"")).count()
    };
    for seed in 0..60 {
        let mut rng = dcmc::seed::stream(seed, "fix");
        let text = mutated(&texts[rng.random_range(0..texts.len())], &mut rng);
        let here = folder(&[("m.scm", &text)]);
        fs::create_dir(here.path().join("data")).unwrap();
        for file in fs::read_dir(&data).unwrap().map(|e| e.unwrap().path()) {
            if file.metadata().unwrap().len() < 100_000 {
                fs::copy(&file, here.path().join("data").join(file.file_name().unwrap())).unwrap();
            }
        }
        let before = errors(here.path());
        let outcome = dcmc(here.path(), &["check", "m.scm", "--fix"]);
        assert!(outcome.code < 3, "{}", outcome.stderr);
        let after = fs::read_to_string(here.path().join("m.scm")).unwrap();
        assert!(errors(here.path()) <= before, "more errors in\n{after}");
        let made = outcome.stderr.lines().filter(|l| l.starts_with("m.scm:")).count();
        assert_eq!(after == text, made == 0, "{}", outcome.stderr);
        // Lines of which no repair speaks are as they were.
        let old: Vec<&str> = text.split('\n').collect();
        let new: Vec<&str> = after.split('\n').collect();
        let changed = if old.len() == new.len() { old.iter().zip(&new).filter(|(a, b)| a != b).count() } else { 0 };
        assert!(changed <= made, "{changed} lines changed by {made} repairs");
    }
}
