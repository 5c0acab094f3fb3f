//! The list of words is that of the grammar, and of what reads the words.

use dcmc::syntax::words::{CLAUSES, DISTANCES, FORMS, FUNCTIONS, OPERATORS, STATEMENTS};
use dcmc::truth::functions;
use fancy_regex::Regex;
use std::collections::BTreeSet;

/// The words that the grammar matches by a pattern's first group.
fn grammar(pattern: &str) -> BTreeSet<String> {
    let pest = std::fs::read_to_string("grammar/scm.pest").unwrap();
    Regex::new(pattern).unwrap().captures_iter(&pest).map(|c| c.unwrap()[1].to_owned()).collect()
}

fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}

#[test]
fn keywords_are_those_of_the_grammar() {
    assert_eq!(grammar(r#"(?m)^kw_\w+\s*=\s*@\{\s*"(\w+)""#), set(STATEMENTS.into_iter().chain(CLAUSES)));
    assert_eq!(grammar(r#"(?m)^(?:not|or|xor|and)\s*=\s*@\{\s*"(\w+)""#), set(OPERATORS));
    assert_eq!(grammar(r#"= \{ "([A-Z]\w*)" ~ "[(\[]""#), set(FORMS));
    assert_eq!(grammar(r#"distance_name = @\{ \("\w+" \| "(\w+)"\)"#), set(["kl"]));
    assert_eq!(DISTANCES.len(), 2);
}

#[test]
fn functions_are_those_of_truth_blocks() {
    assert_eq!(functions().map(|(name, _)| name).collect::<Vec<_>>(), FUNCTIONS);
    for (name, usage) in functions() {
        assert!(usage.starts_with(&format!("{name}(")), "{usage}");
    }
}
