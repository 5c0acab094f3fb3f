//! The layout of model files: what it looks like, and that it changes nothing but looks.

mod common;
#[path = "common/programs.rs"]
mod programs;

use common::{dcmc, examples, folder};
use dcmc::syntax::{format, parse};
use fancy_regex::Regex;

/// The tree without places, as text.
fn tree(text: &str) -> String {
    let (ast, errors) = parse(text);
    assert_eq!(errors, [], "{text}");
    let places = Regex::new(r"Span \{ start: \d+, end: \d+ \}").unwrap();
    places.replace_all(&format!("{ast:?}"), "_").into_owned()
}

/// The comments in order, without the spaces at their ends.
fn comments(text: &str) -> Vec<String> {
    let token = Regex::new(r#""(?:\\(?s:.)|[^"\r\n\\])*"|`[^`\r\n]+`|#[^\r\n]*"#).unwrap();
    let found = token.find_iter(text).map(|m| m.unwrap().as_str());
    found.filter(|m| m.starts_with('#')).map(|m| m.trim_end().to_owned()).collect()
}

/// Checks what holds for every text that parses.
fn check(text: &str) -> String {
    let formatted = format(text).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
    assert_eq!(tree(&formatted), tree(text), "the model changed\n{text}\n----\n{formatted}");
    assert_eq!(comments(&formatted), comments(text), "comments changed\n{text}\n----\n{formatted}");
    assert_eq!(format(&formatted).unwrap(), formatted, "not a fixed point\n{text}\n----\n{formatted}");
    assert!(!formatted.contains("\n\n\n") && !formatted.starts_with('\n') && !formatted.ends_with("\n\n"));
    formatted
}

#[test]
fn random_programs_keep_their_meaning_and_comments() {
    for number in 0..1500 {
        check(&programs::program(&mut dcmc::seed::stream(number, "format")));
    }
}

/// A messy text beside its layout.
const LAYOUTS: &[(&str, &str)] = &[
    ("", ""),
    ("\n\n  \n", ""),
    ("\u{feff}A→B ;B<->C;;\r\n\r\n\r\n\r\nD←E", "A -> B; B <-> C\n\nD <- E\n"),
    (
        "D->I->A;D<->A;I:image[ 3, 32,32 ]pretrained\"mnist.safetensors\"",
        "D -> I -> A; D <-> A; I: image[3,32,32] pretrained \"mnist.safetensors\"\n",
    ),
    ("A ->  # first\nB\n->\n # own\n{C;D E,}", "A ->  # first\n  B\n  ->\n  # own\n  {C, D, E}\n"),
    ("latent U->{A,\nB # b\nC}", "latent U -> {A,\n  B,  # b\n  C}\n"),
    (
        "A,Thick:binary\nX2 : int[ -1 .. 9 ]\nC:categorical{red,\"dark blue\",}\n\nD: binary",
        "A, Thick: binary\nX2:       int[-1..9]\nC:        categorical {red, \"dark blue\"}\n\nD: binary\n",
    ),
    // Far too different lengths, and lines that hold something else, are no columns.
    ("A: binary\n{B, C, D, E, F, G, H, I}: binary", "A: binary\n{B, C, D, E, F, G, H, I}: binary\n"),
    ("A: binary; B: binary\nCcc: binary", "A: binary; B: binary\nCcc: binary\n"),
    ("Größe: binary # a\n変数: binary# b", "Größe: binary  # a\n変数:  binary  # b\n"),
    (
        "train{engine:wgan_gp{lambda:10},\nepochs:300,;hidden:[256,256 ,]\n}",
        "train {\n  engine: wgan_gp { lambda: 10 }\n  epochs: 300, hidden: [256, 256]\n}\n",
    ),
    ("train{engine:wgan_gp{lambda:10\n}}", "train {\n  engine: wgan_gp {\n    lambda: 10\n  }\n}\n"),
    ("train{\n;,\n}", "train {}\n"),
    ("query q:- 2*E[A|do(D=-1)]- E[A]/2+1", "query q: -2 * E[A | do(D = -1)] - E[A] / 2 + 1\n"),
    ("query q:ATE( A,D=1 vs-1 )", "query q: ATE(A, D = 1 vs -1)\n"),
    ("expect abs(t(A=1)- -1)<-0.010", "expect abs(t(A = 1) - -1) < -0.010\n"),
    (
        "truth{A=(D>4)xor not(a<-1)and -b\nB=if(A)then 1\nelse - - min(8,\n3)\n\n}",
        "truth {\n  A = (D > 4) xor not (a < -1) and -b\n  B = if (A) then 1\n    else --min(8,\n      3)\n}\n",
    ),
    (
        "truth { # rows\n\nX~table(a,b){ (yes,no):[.1,.9];\nelse:[\n0.1,0.9\n]\n}}",
        "truth {  # rows\n  X ~ table(a, b) {\n    (yes, no): [.1, .9]\n    else: [\n      0.1, 0.9\n    ]\n  }\n}\n",
    ),
    ("A -> B # one\nLonger -> B # two\n\nC # three   ", "A -> B       # one\nLonger -> B  # two\n\nC  # three\n"),
];

#[test]
fn layouts() {
    for (text, expected) in LAYOUTS {
        assert_eq!(&check(text), expected, "{text}");
    }
}

#[test]
fn long_lines_and_awkward_tokens_survive() {
    let chain = (0..20_000).map(|i| format!("V{i}->")).collect::<String>() + "End";
    let sum = "truth{X=1".to_owned() + &"+1".repeat(1_999) + "}";
    let title = "dcm 1 \"\\\"# no comment\\\n\"#comment";
    for text in [&chain, &sum, title, "`a # b`->`c {`", "#only", "A\r#x\rB", "℘->℮"] {
        check(text);
    }
}

#[test]
fn the_statements_of_the_manual_keep_their_meaning() {
    let manual = std::fs::read_to_string("docs/language.md").unwrap();
    let blocks: Vec<&str> = manual.split("```").skip(1).step_by(2).collect();
    assert!(blocks.len() > 5);
    blocks.into_iter().filter(|block| parse(block).1.is_empty()).for_each(|block| drop(check(block)));
}

#[test]
fn examples_are_formatted() {
    let outcome = dcmc(&examples(), &["fmt", "--check"]).expect(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

// ---- the command ------------------------------------------------------------------------------

const MESSY: &str = "dcm 1\nA→B";
const NEAT: &str = "dcm 1\nA -> B\n";

#[test]
fn files_change_in_place_once() {
    let here = folder(&[("a.scm", MESSY), ("b.scm", NEAT)]);
    assert_eq!(dcmc(here.path(), &["fmt", "a.scm", "b.scm"]).expect(0).stdout, "a.scm\n");
    assert_eq!(std::fs::read_to_string(here.path().join("a.scm")).unwrap(), NEAT);
    assert_eq!(dcmc(here.path(), &["fmt", "a.scm", "b.scm"]).expect(0).stdout, "");
    assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 2, "a file was left behind");
}

#[test]
fn check_shows_the_difference_and_changes_nothing() {
    let here = folder(&[("a.scm", MESSY)]);
    let outcome = dcmc(here.path(), &["fmt", "--check", "a.scm"]).expect(1);
    assert!(outcome.stdout.contains("\n-A→B\n") && outcome.stdout.contains("\n+A -> B\n"), "{}", outcome.stdout);
    assert_eq!(std::fs::read_to_string(here.path().join("a.scm")).unwrap(), MESSY);
}

#[test]
fn folders_are_searched_for_models_only() {
    let here = folder(&[("scheme.scm", "; A→B"), ("m.scm", MESSY), ("note.txt", MESSY)]);
    for below in ["deep", "run.dcm", ".hidden"] {
        std::fs::create_dir(here.path().join(below)).unwrap();
        std::fs::write(here.path().join(below).join("m.scm"), format!("\u{feff}# about\n\n{MESSY}")).unwrap();
    }
    let changed = dcmc(here.path(), &["fmt"]).expect(0).stdout.replace('\\', "/");
    assert_eq!(changed, "./deep/m.scm\n./m.scm\n");
    assert_eq!(std::fs::read_to_string(here.path().join("deep/m.scm")).unwrap(), format!("# about\n\n{NEAT}"));
}

#[test]
fn errors_change_nothing_and_do_not_stop_the_rest() {
    let here = folder(&[("bad.scm", "A => B"), ("a.scm", MESSY)]);
    let outcome = dcmc(here.path(), &["fmt", "bad.scm", "a.scm"]).expect(1);
    assert!(outcome.stderr.contains("bad.scm:1:3") && outcome.stderr.contains("E0102"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "a.scm\n");
    assert_eq!(std::fs::read_to_string(here.path().join("bad.scm")).unwrap(), "A => B");
    std::fs::write(here.path().join("latin.scm"), b"A -> B # \xe9").unwrap();
    dcmc(here.path(), &["fmt", "latin.scm"]).expect(2);
    assert!(dcmc(here.path(), &["fmt", "none.scm"]).expect(2).stderr.contains("none.scm"));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let here = folder(&[("a.scm", MESSY)]);
    let (file, link) = (here.path().join("a.scm"), here.path().join("link.scm"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&file, &link).unwrap();
    dcmc(here.path(), &["fmt", "link.scm"]).expect(0);
    assert!(link.is_symlink() && std::fs::read_to_string(&file).unwrap() == NEAT);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn standard_input_goes_to_standard_output() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_dcmc"))
        .args(["fmt", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(MESSY.as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, NEAT.as_bytes());
}
