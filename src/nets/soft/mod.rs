//! Forward passes of mechanisms in training, their own or that of others: differentiable in numbers, pictures and weights.

mod generator;
mod layers;
mod table;

pub use generator::SoftGenerator;
pub use layers::SoftLayers;
pub use table::{TableHidden, table_logits};
