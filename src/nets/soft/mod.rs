//! Differentiable forward passes: mechanisms on soft one-hot codes of their parents.

mod generator;
mod layers;
mod table;

pub use generator::SoftGenerator;
pub use layers::SoftLayers;
pub use table::{TableHidden, soft_table};
