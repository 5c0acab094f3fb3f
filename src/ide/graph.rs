//! The causal graph as a picture.

use super::{Analysis, Slow};
use crate::render::{Direction, Drawing, svg};

/// The most variables that are drawn: more make no picture, and take minutes to lay out.
const MAX_VARIABLES: usize = 400;

/// The graph of the program as an SVG document, the modules of the plan shaded where `slow` has one. Of a program with
/// mistakes, what could be understood.
///
/// # Errors
/// Why there is no picture.
pub fn graph(analysis: &Analysis, slow: Option<&Slow>, direction: Direction) -> Result<String, String> {
    let (model, sources) = (&analysis.program.model, &analysis.program.sources);
    if model.variables.len() > MAX_VARIABLES {
        let count = model.variables.len();
        return Err(format!("{count} variables are too many for a picture (at most {MAX_VARIABLES})"));
    }
    let mut drawing = Drawing::of(model).described(model, sources);
    if let Some(planned) = slow.and_then(|s| s.conclusions.planned.as_ref()) {
        drawing = drawing.with_plan(planned, model);
    }
    Ok(svg(&drawing, sources, direction))
}
