//! Text to syntax tree. Parsing never fails: what cannot be read is reported and left out.

pub mod ast;
mod explain;
mod format;
mod import;
mod parse;
#[cfg(test)]
mod tests;

use pest::Parser;

pub use format::format;
pub use import::load;
pub use parse::{parse, parse_query};

/// A name as it is written in a model file: in backquotes where it is not a plain name.
pub fn spell(name: &str) -> String {
    let plain = grammar::ScmParser::parse(grammar::Rule::one_plain, name).is_ok();
    if plain { name.to_owned() } else { format!("`{name}`") }
}

/// The parser that pest makes from the grammar.
mod grammar {
    #![allow(missing_docs)] // pest writes these items

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/scm.pest"]
    pub struct ScmParser;
}
