//! The editors' grammar: it parses, knows every word of the language, and only in the word's place.

use fancy_regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

fn json(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn grammar() -> Value {
    json("editors/vscode/syntaxes/scm.tmLanguage.json")
}

/// Every object in `value`, outermost first.
fn objects<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.push(value);
            fields.values().for_each(|v| objects(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| objects(v, found)),
        _ => {}
    }
}

/// The regular expressions of all rules, each with the scopes that its rule gives.
fn rules(grammar: &Value) -> Vec<(String, String)> {
    let mut all = vec![];
    objects(grammar, &mut all);
    let mut rules = vec![];
    for rule in all {
        for key in ["match", "begin", "end"] {
            if let Some(pattern) = rule[key].as_str() {
                let captures = if key == "match" { "captures" } else { &format!("{key}Captures") };
                rules.push((pattern.to_owned(), format!("{} {}", rule["name"], rule[captures])));
            }
        }
    }
    rules
}

/// The words of the language: the keywords of its grammar, the types and the settings with a meaning.
fn words() -> BTreeSet<String> {
    let pest = fs::read_to_string("grammar/scm.pest").unwrap();
    let keyword = Regex::new(r#"(?m)^(?:kw_\w+|not|or|xor|and)\s*=\s*@\{\s*"(\w+)""#).unwrap();
    let mut words: BTreeSet<String> = keyword.captures_iter(&pest).map(|c| c.unwrap()[1].to_owned()).collect();
    assert!(words.len() > 20, "{words:?}");
    let others = "data query truth train expect assert output import latent dcm simulate where weight columns role do \
                  if then else and or xor not table binary categorical int real vector image tv kl P E ATE";
    words.extend(others.split_whitespace().map(str::to_owned));
    words
}

#[test]
fn every_word_of_the_language_is_in_the_grammar() {
    let patterns: Vec<String> = rules(&grammar()).into_iter().map(|(pattern, _)| pattern).collect();
    for word in words() {
        let whole = Regex::new(&format!(r"(?<![\w\\]){word}(?!\w)")).unwrap();
        assert!(patterns.iter().any(|p| whole.is_match(p).unwrap()), "`{word}` is not highlighted");
    }
}

#[test]
fn rules_are_regular_expressions_and_includes_exist() {
    let grammar = grammar();
    for (pattern, _) in rules(&grammar) {
        Regex::new(&pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    }
    let mut all = vec![];
    objects(&grammar, &mut all);
    for include in all.iter().filter_map(|rule| rule["include"].as_str()) {
        assert!(grammar["repository"].get(include.trim_start_matches('#')).is_some(), "{include}");
    }
    assert_eq!(grammar["scopeName"], "source.dcm");
}

/// What rules outside the truth block make a keyword in `line`.
fn keywords(line: &str) -> BTreeSet<String> {
    let mut grammar = grammar();
    grammar["repository"]["expression"] = Value::Null;
    let mut found = BTreeSet::new();
    for (pattern, scopes) in rules(&grammar) {
        if !scopes.contains("keyword.control") && !scopes.contains("keyword.other") {
            continue;
        }
        for captures in Regex::new(&pattern).unwrap().captures_iter(line).map(Result::unwrap) {
            found.extend(captures.get(1).map(|c| c.as_str().to_owned()));
        }
    }
    found
}

#[test]
fn words_are_keywords_by_their_place() {
    let about_variables = [
        "data -> Y",
        "query: binary",
        "train -> truth; expect <-> import",
        "latent <- output",
        "data, train: int[0..9]",
        "{latent, expect} -> do",
        "database -> trainer",
        "X' -> data'",
        "expect",
        "`data` -> Y",
    ];
    for line in about_variables {
        assert_eq!(keywords(line), BTreeSet::new(), "{line}");
    }
    let statements = [
        ("dcm 1 \"Title\"", "dcm"),
        ("data obs = \"obs.csv\"", "data"),
        ("D -> A; data obs = simulate(truth, n: 9)", "data simulate"),
        ("query `my q`: P(A | do(D = 0))", "query do"),
        ("output q -> \"q.csv\"", "output"),
        ("latent U -> {A, B}", "latent"),
        ("  train {D, A} { lr: 1e-4 }", "train"),
        ("train { seed: 1 }", "train"),
        ("truth {", "truth"),
        ("expect tv(q, truth) < 0.05", "expect"),
        ("assert identifiable(q)", "assert"),
        ("import \"colours.scm\" as c", "import as"),
        ("data d = \"d.csv\" { where: a == 1, weight: n } do(A)", "data where weight do"),
    ];
    for (line, expected) in statements {
        let expected: BTreeSet<String> = expected.split(' ').map(str::to_owned).collect();
        assert_eq!(keywords(line), expected, "{line}");
    }
}

#[test]
fn files_are_recognised_by_their_first_line() {
    let package = json("editors/vscode/package.json");
    json("editors/vscode/language-configuration.json");
    let language = &package["contributes"]["languages"][0];
    assert!(language.get("extensions").is_none(), ".scm belongs to Scheme");
    for pattern in [language["firstLine"].as_str().unwrap(), grammar()["firstLineMatch"].as_str().unwrap()] {
        let pattern = Regex::new(&pattern.replace("\\uFEFF", "\\x{FEFF}")).unwrap();
        for (line, expected) in [
            ("dcm 1", true),
            ("dcm 1 \"Front door\"", true),
            ("\u{feff}dcm 1", true),
            ("dcm 10", false),
            ("dcm -> X", false),
            ("(define dcm 1)", false),
            ("; dcm 1", false),
        ] {
            assert_eq!(pattern.is_match(line).unwrap(), expected, "{line}");
        }
    }
    for path in [&package["contributes"]["grammars"][0]["path"], &language["configuration"]] {
        assert!(fs::exists(format!("editors/vscode/{}", path.as_str().unwrap())).unwrap(), "{path}");
    }
}

/// The editors' own grammars, and which words they must know.
const GRAMMARS: [&str; 4] = [
    "editors/vscode/syntaxes/scm.tmLanguage.json",
    "editors/vim/syntax/dcm.vim",
    "editors/emacs/dcm-mode.el",
    "editors/tree-sitter-dcm/grammar.js",
];

#[test]
fn every_grammar_has_the_words_of_the_language() {
    use dcmc::syntax::words;
    let keywords = words::STATEMENTS.into_iter().chain(words::CLAUSES).chain(words::OPERATORS);
    let keywords: Vec<&str> = keywords.chain(words::FORMS).chain(words::DISTANCES).collect();
    for path in GRAMMARS {
        let text = fs::read_to_string(path).unwrap();
        let mut wanted = keywords.clone();
        // The tree-sitter grammar tells types and functions by their places.
        if !path.ends_with("grammar.js") {
            wanted.extend(words::TYPES.into_iter().chain(words::FUNCTIONS));
        }
        for word in wanted {
            let whole =
                Regex::new(&format!(r"(?<![A-Za-z0-9]){word}(?![A-Za-z0-9_])|\\[<b]{word}(?![A-Za-z0-9_])")).unwrap();
            assert!(whole.is_match(&text).unwrap(), "`{word}` is not in {path}");
        }
    }
}

#[test]
fn lock_files_name_no_server() {
    for folder in ["vscode", "playground"] {
        let lock = json(&format!("editors/{folder}/package-lock.json"));
        let packages = lock["packages"].as_object().unwrap();
        assert!(packages.len() > 1 && packages.values().all(|p| p.get("resolved").is_none()), "{folder}");
    }
}

#[test]
fn copies_of_queries_are_copies() {
    for query in ["highlights", "injections"] {
        let read = |folder: &str| fs::read_to_string(format!("{folder}/{query}.scm")).unwrap();
        assert_eq!(read("editors/zed/languages/dcm"), read("editors/tree-sitter-dcm/queries"), "{query}");
    }
}

#[test]
fn only_the_first_line_and_the_content_claim_a_file() {
    let tree_sitter = json("editors/tree-sitter-dcm/tree-sitter.json");
    assert_eq!(tree_sitter["grammars"][0]["file-types"], serde_json::json!([]));
    assert!(fs::read_to_string("editors/zed/languages/dcm/config.toml").unwrap().contains("path_suffixes = []"));
    assert!(!fs::read_to_string("editors/helix/languages.toml").unwrap().contains("file-types = [\"scm\"]"));
}
