//! `dcmc fmt`: one layout for all model files.
//!
//! The layout works on the tokens of the file, not on its tree, so comments, spellings and line breaks
//! survive. The steps: cut the text into tokens ([`tokens`]), settle separators and the breaks around blocks
//! ([`tidy`]), make lines with their indentation ([`lines`]), space their tokens ([`spacing`]), align columns
//! ([`columns`]). A new rule of the grammar needs nothing here unless its braces hold one entry a line.

mod columns;
mod lines;
mod spacing;
mod tidy;
pub(super) mod tokens;

use super::grammar::{Rule, ScmParser};
use super::parse;
use crate::diag::Diagnostic;
use pest::Parser;

/// The text in the one layout: the same model, the same comments, the same line breaks.
///
/// Lines end with LF, the last one too; a byte order mark goes. Long lines stay as they are.
///
/// # Errors
/// What is wrong with a file that cannot be read.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (_, errors) = parse(text);
    if !errors.is_empty() {
        return Err(errors);
    }
    let file = ScmParser::parse(Rule::file, text).ok().and_then(|mut pairs| pairs.next());
    let tokens = file.map(tokens::tokens).unwrap_or_default();
    let mut lines = lines::lines(&tidy::tidy(&tokens));
    columns::align(&mut lines);
    Ok(lines.iter().map(lines::Line::render).collect())
}
