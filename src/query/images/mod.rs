//! What drawn images look like and how well they fit those of the data sets.

mod gallery;
mod oracle;
mod quality;

pub use gallery::{Gallery, GalleryRow, gallery};
pub(super) use oracle::{Oracle, RATE};
pub(super) use quality::quality;

use crate::data::Table;
use crate::model::{Domain, Model, VarId};

/// The image variables of the model with their shapes (channels, height, width).
fn image_variables(model: &Model) -> Vec<(VarId, [usize; 3])> {
    let shape = |v: VarId| match model.domain(v) {
        Some(Domain::Image(shape)) => Some((v, *shape)),
        _ => None,
    };
    (0..model.variables.len()).filter_map(shape).collect()
}

/// The discrete ones of `variables` that `table` observes, with their numbers of values.
fn discrete(model: &Model, table: &Table, variables: &[VarId]) -> Vec<(VarId, usize)> {
    let observed = variables.iter().filter(|v| table.column(**v).is_some());
    observed.filter_map(|&v| Some((v, model.card(v)?))).collect()
}
