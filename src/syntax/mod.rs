//! Text to syntax tree. Parsing never fails: what cannot be read is reported and left out.

pub mod ast;
mod explain;
mod format;
mod parse;
#[cfg(test)]
mod tests;

pub use format::format;
pub use parse::{parse, parse_query};

/// The parser that pest makes from the grammar.
mod grammar {
    #![allow(missing_docs)] // pest writes these items

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/scm.pest"]
    pub struct ScmParser;
}
