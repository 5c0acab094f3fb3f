//! The mode for Emacs, in Emacs itself. Where there is no Emacs the test says so and passes.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What Emacs prints for an expression after it loaded the mode.
fn emacs(expression: &str) -> Option<Vec<String>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/editors/emacs");
    let mut emacs = Command::new("emacs");
    emacs.args(["--batch", "-Q", "-L", folder, "-l", "dcm-mode", "--eval", expression]).env("LC_ALL", "C.UTF-8");
    let done = emacs.output().ok()?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect())
}

fn skip() {
    eprintln!("SKIPPED: there is no `emacs` here");
}

fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

#[test]
fn causal_graphs_are_told_from_scheme_and_queries() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("queries/dcm")).unwrap();
    let files = [
        ("a.scm", "dcm 1 \"Front door\"\nA -> B\n", true),
        ("b.scm", "# smoking\n\nsmoke -> tar; smoke <-> cancer\n", true),
        ("c.scm", "{X1, X2} -> W\n", true),
        ("d.scm", "Age: int[0..9]\n", true),
        ("e.scm", "(define (f x) x)\n", false),
        ("f.scm", "; Scheme\n(-> a b)\n", false),
        ("g.scm", "#!/usr/bin/guile\n!#\n", false),
        ("h.scm", "É → B\n", true),
        ("queries/dcm/highlights.scm", "(comment) @comment\n", false),
        ("queries/dcm/other.scm", "A -> B\n", false),
    ];
    let mut script = String::new();
    for (name, text, _) in files {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        script += &format!(
            "(with-current-buffer (find-file-noselect {}) (princ (format \"%s\\n\" major-mode)))",
            quoted(&path)
        );
    }
    let Some(found) = emacs(&format!("(progn {script})")) else { return skip() };
    for ((name, _, expected), mode) in files.iter().zip(&found) {
        assert_eq!(mode == "dcm-mode", *expected, "{name} is in {mode}");
    }
    assert_eq!(found.len(), files.len());
}

#[test]
fn words_have_the_colours_of_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.scm");
    let sample: &[(&str, &[(&str, &str)])] = &[
        ("dcm 1 \"T\" # c", &[("dcm", "keyword"), ("T", "string"), ("# c", "comment-delimiter")]),
        ("data -> query", &[("data", ""), ("query", "")]),
        ("data: int[0..9]", &[("data", ""), ("int", "type")]),
        ("data obs = \"o.csv\" do(X = 1)", &[("data", "keyword"), ("obs", "function-name"), ("do", "keyword")]),
        ("query q: P(Y | do(X)); output q -> \"f\"", &[("query", "keyword"), ("P", "builtin"), ("output", "keyword")]),
        ("latent U -> {A, B}", &[("latent", "keyword"), ("A", "")]),
        ("train { epochs: 300 }", &[("train", "keyword")]),
        ("truth {", &[("truth", "keyword")]),
        (
            "  A = if B then bernoulli(0.5) else 0",
            &[("if", "keyword"), ("bernoulli", "function-name"), ("else", "keyword")],
        ),
        ("}", &[]),
        ("if -> then", &[("if", ""), ("then", "")]),
        ("expect tv(q, truth) < 0.1", &[("expect", "keyword"), ("tv", "builtin")]),
        ("import \"c.scm\" as c", &[("import", "keyword"), ("as", "keyword")]),
        ("assert identifiable(q)", &[("assert", "keyword"), ("identifiable", "builtin")]),
    ];
    let text: String = sample.iter().map(|(line, _)| format!("{line}\n")).collect();
    fs::write(&path, &text).unwrap();
    let (mut places, mut expected) = (vec![], vec![]);
    let mut start = 1;
    for (line, words) in sample {
        for (word, colour) in *words {
            places.push((start + line.find(word).unwrap()).to_string());
            expected.push(format!("{line}: {word} {colour}"));
        }
        start += line.len() + 1;
    }
    let script = format!(
        "(with-current-buffer (find-file-noselect {}) (font-lock-ensure) \
         (dolist (at '({})) (princ (format \"%s\\n\" (or (get-text-property at 'face) \"\")))))",
        quoted(&path),
        places.join(" ")
    );
    let Some(found) = emacs(&script) else { return skip() };
    let plain = |face: &String| face.replace("font-lock-", "").replace("-face", "");
    let words = sample.iter().flat_map(|(line, words)| words.iter().map(move |(word, _)| (line, word)));
    let found: Vec<String> =
        words.zip(&found).map(|((line, word), face)| format!("{line}: {word} {}", plain(face))).collect();
    assert_eq!(found, expected);
}

#[test]
fn lines_are_indented_by_the_open_brackets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.scm");
    fs::write(&path, "dcm 1\ntruth {\nA ~ table(B) {\n0: [1]\n}\n}\nA -> B\n").unwrap();
    let script = format!(
        "(with-current-buffer (find-file-noselect {}) (indent-region (point-min) (point-max)) (princ (buffer-string)))",
        quoted(&path)
    );
    let Some(found) = emacs(&script) else { return skip() };
    assert_eq!(found.join("\n"), "dcm 1\ntruth {\n  A ~ table(B) {\n    0: [1]\n  }\n}\nA -> B");
}
