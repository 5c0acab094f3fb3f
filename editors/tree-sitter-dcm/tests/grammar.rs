//! The grammar accepts what dcmc accepts, gives the trees of the corpus, and its queries paint what they should.

#[path = "../../../tests/common/programs.rs"]
mod programs;

use dcmc::seed::stream;
use dcmc::syntax::words;
use std::fs;
use std::path::{Path, PathBuf};
use streaming_iterator::StreamingIterator;
use tree_sitter::{Language, Parser, Query, QueryCursor, Tree};

fn language() -> Language {
    tree_sitter_dcm::LANGUAGE.into()
}

fn parse(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&language()).unwrap();
    parser.parse(text, None).unwrap()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new("../..").join(folder);
    let mut found: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    found.retain(|p| p.extension().is_some_and(|e| e == "scm"));
    found.sort();
    found
}

/// Whether dcmc can read the text, whatever it makes of it.
fn is_read(text: &str) -> bool {
    dcmc::syntax::parse(text).1.is_empty()
}

#[test]
fn programs_are_read_as_dcmc_reads_them() {
    let mut wrong = vec![];
    for file in ["examples", "tests/suite/ok", "tests/suite/bad", "tests/suite/bad/imported"].iter().flat_map(|f| files(f)) {
        // Brackets deeper than dcmc follows are no mistake of grammar.
        if file.ends_with("nested.scm") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let tree = parse(&text);
        if tree.root_node().has_error() == is_read(&text) {
            wrong.push(format!("{}: {}", file.display(), tree.root_node().to_sexp()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn random_programs_are_read_and_broken_ones_mostly_not() {
    let mut rng = stream(1, "tree-sitter");
    let (mut kept, mut broken) = (0, 0);
    for _ in 0..300 {
        let text = programs::program(&mut rng);
        assert!(is_read(&text));
        assert!(!parse(&text).root_node().has_error(), "{text}\n{}", parse(&text).root_node().to_sexp());
        let text = programs::broken(&text, &mut rng);
        match (is_read(&text), parse(&text).root_node().has_error()) {
            (true, wrong) => assert!(!wrong, "{text}\n{}", parse(&text).root_node().to_sexp()),
            (false, true) => broken += 1,
            (false, false) => kept += 1,
        }
    }
    // Spaces between characters of one word, the order of statements and the like are for dcmc alone.
    assert!(kept * 20 <= broken, "{kept} of {} broken programs are read", kept + broken);
}

#[test]
fn statements_of_the_language_are_read() {
    // Words are keywords by their place only.
    for word in words::STATEMENTS.into_iter().chain(words::CLAUSES).chain(words::FORMS).chain(words::DISTANCES) {
        for line in [format!("{word} -> Y"), format!("{word}: binary"), format!("{{{word}, A}}"), format!("query {word}: P({word} | do({word} = 1))")] {
            assert!(is_read(&line), "{line}");
            assert!(!parse(&line).root_node().has_error(), "{line}: {}", parse(&line).root_node().to_sexp());
        }
    }
}

/// A test of the corpus: its name, its text, its tree.
fn corpus() -> Vec<(String, String, String)> {
    let mut tests = vec![];
    let mut files: Vec<PathBuf> = fs::read_dir("test/corpus").unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut parts = text.split("==================\n").skip(1);
        while let (Some(name), Some(body)) = (parts.next(), parts.next()) {
            let (program, tree) = body.split_once("\n---\n").unwrap_or_else(|| panic!("{name}"));
            tests.push((name.trim().to_owned(), program.to_owned(), tree.to_owned()));
        }
    }
    tests
}

#[test]
fn the_corpus_gives_its_trees() {
    let normal = |tree: &str| tree.split_whitespace().collect::<Vec<_>>().join(" ").replace(" )", ")");
    let tests = corpus();
    assert!(tests.len() >= 10);
    let mut wrong = vec![];
    for (name, program, tree) in tests {
        let found = parse(&program).root_node().to_sexp();
        if normal(&found) != normal(&tree) {
            wrong.push(format!("{name}\n{found}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each word of `text` with the last capture of the highlighting query.
fn painted(text: &str) -> Vec<(String, String)> {
    let query = Query::new(&language(), tree_sitter_dcm::HIGHLIGHTS).unwrap();
    let tree = parse(text);
    let mut cursor = QueryCursor::new();
    let mut found: std::collections::BTreeMap<(usize, usize), (usize, String)> = Default::default();
    let mut matches = cursor.matches(&query, tree.root_node(), text.as_bytes());
    while let Some(one) = matches.next() {
        for capture in one.captures() {
            let place = (capture.node.start_byte(), capture.node.end_byte());
            let name = query.capture_names()[capture.index as usize].to_owned();
            if found.get(&place).is_none_or(|(pattern, _)| *pattern <= one.pattern_index) {
                found.insert(place, (one.pattern_index, name));
            }
        }
    }
    found.into_iter().map(|((start, end), (_, name))| (text[start..end].to_owned(), name)).collect()
}

#[test]
fn words_have_the_colours_of_their_places() {
    let sample = "dcm 1 \"T\"\ndata -> Y # c\nY: int[0..9]\ndata obs = \"o.csv\" do(Y = low)\nlatent U -> {A, B}\n\
        query q: P(Y | do(data = 1))\noutput q -> \"f\"\nexpect tv(q, obs) < 0.1\ntruth {\n A ~ bernoulli(if B == 1 then .5 else .1)\n}\n\
        train { epochs: 3 }\nassert identifiable(q)\nimport \"x.scm\" as c\n";
    let found = painted(sample);
    let colours = |word: &str| -> Vec<&str> {
        found.iter().filter(|(w, _)| w == word).map(|(_, c)| c.as_str()).collect()
    };
    assert_eq!(colours("data"), ["variable", "keyword", "variable"]);
    for (word, colour) in [
        ("dcm", "keyword"), ("query", "keyword"), ("latent", "keyword"), ("truth", "keyword"), ("train", "keyword"),
        ("import", "keyword"), ("as", "keyword"), ("if", "keyword"), ("then", "keyword"), ("P", "function.builtin"),
        ("tv", "function.builtin"), ("int", "type"), ("bernoulli", "function"), ("epochs", "property"),
        ("low", "constant"), ("U", "variable.parameter"), ("# c", "comment"), ("\"x.scm\"", "string"), (".5", "number"),
    ] {
        assert_eq!(colours(word), [colour], "{word}");
    }
    assert_eq!(colours("obs"), ["module", "module"]);
    assert_eq!(colours("q"), ["function"; 4]);
}

/// Tree-sitter 0.22, as in Helix 25.01, loads no parser of a later format, and takes the string "E" of a query for the
/// beginning of its own node ERROR.
#[test]
fn editors_of_some_years_can_load_it() {
    assert_eq!(language().abi_version(), 14, "tree-sitter generate --abi 14");
    for query in [tree_sitter_dcm::HIGHLIGHTS, tree_sitter_dcm::INJECTIONS, tree_sitter_dcm::LOCALS, tree_sitter_dcm::FOLDS] {
        for start in ["E", "ER", "ERR", "ERRO"] {
            assert!(!query.lines().any(|line| !line.starts_with(';') && line.contains(&format!("{start:?}"))), "{start}");
        }
    }
    let found = painted("query q: E[Y | do(X = 1)]\n");
    assert!(found.contains(&("E".to_owned(), "function.builtin".to_owned())), "{found:?}");
}

#[test]
fn queries_speak_of_nodes_that_exist() {
    for query in [tree_sitter_dcm::HIGHLIGHTS, tree_sitter_dcm::INJECTIONS, tree_sitter_dcm::LOCALS, tree_sitter_dcm::FOLDS] {
        Query::new(&language(), query).unwrap_or_else(|error| panic!("{error}\n{query}"));
    }
}
