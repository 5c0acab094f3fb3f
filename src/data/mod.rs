//! Data sets: what they offer (their schema), and their rows.

mod table;

pub use table::Table;
