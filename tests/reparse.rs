//! A text that is read again after a change gives what it gives when it is read anew.

#[path = "common/programs.rs"]
mod programs;

use dcmc::seed::stream;
use dcmc::syntax::{parse, reparse};
use rand::Rng;

#[test]
fn reading_again_is_reading() {
    let mut rng = stream(3, "reparse");
    let (mut read, mut broken) = (0, 0);
    for _ in 0..400 {
        let mut old: String = (0..rng.random_range(1..4)).map(|_| programs::program(&mut rng) + "\n").collect();
        let (mut tree, mistakes) = parse(&old);
        if !mistakes.is_empty() {
            continue;
        }
        for _ in 0..12 {
            let text = changed(&old, &mut rng);
            let (found, fresh) = (reparse(&old, &tree, &text), parse(&text));
            // As text: what is no number is not equal to itself.
            for (one, other) in found.0.statements.iter().zip(&fresh.0.statements) {
                assert_eq!(format!("{one:?}"), format!("{other:?}"), "--- from\n{old}\n--- to\n{text}");
            }
            assert_eq!(found.1, fresh.1, "--- from\n{old}\n--- to\n{text}");
            assert!(format!("{found:?}") == format!("{fresh:?}"), "--- from\n{old}\n--- to\n{text}");
            if found.1.is_empty() {
                (old, tree) = (text, found.0);
                read += 1;
            } else {
                broken += 1;
            }
        }
    }
    assert!(read > 300 && broken > 300, "{read} {broken}");
}

/// One or two edits near each other.
fn changed(text: &str, rng: &mut impl Rng) -> String {
    const PIECES: [&str; 24] = [
        "X",
        " ",
        "\n",
        "\n\n",
        ";",
        "->",
        "<->",
        ",",
        "{",
        "}",
        "(",
        ")",
        "\"",
        "`",
        "#",
        "|",
        "=",
        "A -> B\n",
        "\nC: binary\n",
        "dcm 1\n",
        "truth {",
        "\ntrain { lr: 0.1 }\n",
        "é",
        "- ",
    ];
    let mut text = text.to_owned();
    for _ in 0..rng.random_range(1..3) {
        let border =
            |text: &str, at: usize| (0..=at.min(text.len())).rev().find(|&a| text.is_char_boundary(a)).unwrap_or(0);
        let start = border(&text, rng.random_range(0..=text.len()));
        let length = if rng.random_bool(0.1) { 60 } else { 3 };
        let end = border(&text, start + rng.random_range(0..length)).max(start);
        text.replace_range(
            start..if rng.random_bool(0.5) { start } else { end },
            PIECES[rng.random_range(0..PIECES.len())],
        );
    }
    text
}
