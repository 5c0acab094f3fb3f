//! Text to syntax tree. Parsing never fails: what cannot be read is reported and left out.

pub mod ast;
mod explain;
mod parse;

pub use parse::{parse, parse_query};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/scm.pest"]
pub(crate) struct ScmParser;
