//! Text to syntax tree. Parsing never fails: what cannot be read is reported and left out.

pub mod ast;
mod explain;
mod format;
mod import;
mod lexical;
mod parse;
mod reparse;
mod shift;
#[cfg(test)]
mod tests;
pub mod words;

use pest::Parser;

pub use format::format;
pub use import::{load, load_after};
pub use lexical::{Token, TokenKind, tokens};
pub use parse::{parse, parse_query, parse_query_at};
pub use reparse::reparse;

/// A name as it is written in a model file: in backquotes where it is not a plain name.
pub fn spell(name: &str) -> String {
    let plain = grammar::ScmParser::parse(grammar::Rule::one_plain, name).is_ok();
    if plain { name.to_owned() } else { format!("`{name}`") }
}

/// A label as it is written in a model file: in quotes unless it is a plain name or a whole number.
pub fn spell_label(label: &str) -> String {
    let whole = label.parse::<i64>().is_ok_and(|number| number.to_string() == label);
    if whole || spell(label) == label { label.to_owned() } else { quote(label) }
}

/// A text in quotes, as a string of a model file.
pub fn quote(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
    format!("\"{escaped}\"")
}

/// The parser that pest makes from the grammar.
mod grammar {
    #![allow(missing_docs)] // pest writes these items

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/scm.pest"]
    pub struct ScmParser;
}
