//! The files for Vim, in Vim itself. Where there is no Vim the test says so and passes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs Ex commands on a file with the project's Vim files; the lines that they leave in `out`.
fn vim(path: &Path, commands: &[&str]) -> Option<Vec<String>> {
    let out = path.with_extension("out");
    let runtime = concat!(env!("CARGO_MANIFEST_DIR"), "/editors/vim");
    let mut vim = Command::new("vim");
    vim.args(["-Nu", "NONE", "-i", "NONE", "-n", "-es"]).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    vim.args(["--cmd", &format!("set enc=utf-8 rtp^={runtime}"), "--cmd", "filetype plugin on | syntax on"]);
    vim.arg("--cmd").arg("let g:out = []");
    vim.arg(path);
    for command in commands {
        vim.args(["-c", command]);
    }
    vim.args(["-c", &format!("call writefile(g:out, '{}')", out.display()), "-c", "qa!"]);
    vim.output().ok()?;
    let text = fs::read_to_string(&out).unwrap_or_else(|error| panic!("Vim wrote nothing: {error}"));
    Some(text.lines().map(str::to_owned).collect())
}

fn skip() {
    eprintln!("SKIPPED: there is no `vim` here");
}

#[test]
fn causal_graphs_are_told_from_scheme_and_queries() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("queries/dcm")).unwrap();
    for (name, text, expected) in [
        ("a.scm", "dcm 1 \"Front door\"\nA -> B\n", "dcm"),
        ("b.scm", "# smoking\n\nsmoke -> tar; smoke <-> cancer\n", "dcm"),
        ("c.scm", "{X1, X2} -> W\n", "dcm"),
        ("d.scm", "Age: int[0..9]\n", "dcm"),
        ("e.scm", "(define (f x) x)\n", "scheme"),
        ("f.scm", "; Scheme\n(-> a b)\n", "scheme"),
        ("g.scm", "#!/usr/bin/guile\n!#\n", "scheme"),
        ("h.scm", "É → B\n", "dcm"),
        ("queries/dcm/highlights.scm", "(comment) @comment\n", "scheme"),
        ("queries/dcm/other.scm", "A -> B\n", "scheme"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let Some(found) = vim(&path, &["call add(g:out, &filetype)"]) else { return skip() };
        // Which other type it gets depends on the version.
        assert_eq!(found[0] == "dcm", expected == "dcm", "{name} is {}", found[0]);
    }
}

#[test]
fn words_have_the_colours_of_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.scm");
    let sample: &[(&str, &[(&str, &str)])] = &[
        ("dcm 1 \"T\" # c", &[("dcm", "dcmKeyword"), ("1", "dcmNumber"), ("T", "dcmString"), ("# c", "dcmComment")]),
        ("data -> query", &[("data", ""), ("->", "dcmArrow"), ("query", "")]),
        ("data: int[0..9]", &[("data", ""), ("int", "dcmType"), ("9", "dcmNumber")]),
        ("data obs = \"o.csv\" do(X = 1)", &[("data", "dcmKeyword"), ("obs", ""), ("do", "dcmKeyword")]),
        (
            "query q: P(Y | do(X)); output q -> \"f\"",
            &[("query", "dcmKeyword"), ("P", "dcmBuiltin"), ("output", "dcmKeyword")],
        ),
        ("latent U -> {A, `data set`}", &[("latent", "dcmKeyword"), ("data set", "dcmQuoted")]),
        ("train { epochs: 300 }", &[("train", "dcmKeyword"), ("epochs", "dcmSetting")]),
        ("truth {", &[("truth", "dcmKeyword")]),
        (
            "  A = if B then bernoulli(0.5) else 0",
            &[("if", "dcmTruthWord"), ("bernoulli", "dcmFunction"), ("0.5", "dcmNumber")],
        ),
        ("}", &[]),
        ("if -> then", &[("if", ""), ("then", "")]),
        ("expect tv(q, truth) < 0.1", &[("expect", "dcmKeyword"), ("tv", "dcmBuiltin")]),
        ("import \"c.scm\" as c", &[("import", "dcmKeyword"), ("as", "dcmKeyword")]),
        ("assert identifiable(q)", &[("assert", "dcmKeyword"), ("identifiable", "dcmBuiltin")]),
    ];
    fs::write(&path, sample.iter().map(|(line, _)| format!("{line}\n")).collect::<String>()).unwrap();
    let mut commands = vec![];
    let mut expected = vec![];
    for (at, (line, words)) in sample.iter().enumerate() {
        for (word, colour) in *words {
            let column = line.find(word).unwrap() + 1;
            commands.push(format!("call add(g:out, synIDattr(synID({}, {column}, 1), 'name'))", at + 1));
            expected.push(format!("{line}: {word} {colour}"));
        }
    }
    // One command for all: Vim takes ten.
    let Some(found) = vim(&path, &[&commands.join(" | ")]) else { return skip() };
    let words = sample.iter().flat_map(|(line, words)| words.iter().map(move |(word, _)| (line, word)));
    let found: Vec<String> =
        words.zip(found).map(|((line, word), colour)| format!("{line}: {word} {colour}")).collect();
    assert_eq!(found, expected);
}
