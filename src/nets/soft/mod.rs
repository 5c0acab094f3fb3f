//! Forward passes of mechanisms as they are trained and run behind others in training: differentiable in numbers, pictures and weights.

mod generator;
mod layers;
mod table;

pub use generator::SoftGenerator;
pub use layers::SoftLayers;
pub use table::{TableHidden, table_logits};
