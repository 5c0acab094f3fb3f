//! Data sets: what they offer (their schema), and their rows.
//!
//! A file is opened in the format of its extension (`file`: delimited text or Parquet), its columns
//! are matched with the model's variables (`select`), and its rows are filtered and coded (`load`).

#[cfg(feature = "run")]
mod array;
#[cfg(feature = "run")]
mod array_table;
mod cell;
#[cfg(feature = "run")]
mod columnar;
mod delimited;
mod file;
mod filter;
mod images;
mod infer;
mod load;
#[cfg(feature = "run")]
mod picture_file;
#[cfg(feature = "run")]
mod pictures;
#[cfg(feature = "run")]
mod question_pictures;
mod select;
mod simulate;
mod table;
#[cfg(test)]
mod tests;
#[cfg(feature = "run")]
mod write;
#[cfg(feature = "run")]
mod write_images;

pub use images::{Images, ImagesBuilder, scaled};
pub use infer::{Inferred, infer, infer_domains};
pub use load::{load, schema};
#[cfg(feature = "run")]
pub use question_pictures::{look_at_picture, read_picture};
pub use simulate::ground_truth;
pub use table::Table;
#[cfg(feature = "run")]
pub use write::{Column, Values, columns_of_table, write_table, write_whole};
#[cfg(feature = "run")]
pub use write_images::{Grid, png_grid, write_data, write_png, write_png_grid, write_samples};

use crate::model::VarId;

/// What a data set offers, known from its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The data set's name.
    pub name: String,
    /// The variables it holds, ascending; those intervened on are among them.
    pub observed: Vec<VarId>,
}
