//! Data sets: what they offer (their schema), and their rows.

mod table;

pub use table::Table;

use crate::model::VarId;

/// What a data set offers, known from its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The data set's name.
    pub name: String,
    /// The variables it holds, ascending; those intervened on are among them.
    pub observed: Vec<VarId>,
}
