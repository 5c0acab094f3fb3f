//! Mechanisms and critics: tables and Candle networks, and the files they are kept in.

mod architecture;
pub mod column;
pub mod conditional;
pub mod critic;
mod dense;
pub mod file;
pub mod generator;
mod generator_file;
pub mod image;
pub mod noise;
pub mod ops;
pub mod pretrained;
pub mod soft;
pub mod table;

use candle_core::Result;
use column::{Column, codes_of};
use rand_chacha::ChaCha8Rng;

/// What one row's mechanisms share and nobody sees: one entry per row in each list.
#[derive(Clone, Debug)]
pub enum Hidden {
    /// Tables: which member a row uses, and the value of each of the module's hidden causes.
    Levels {
        /// Per row the member of the module.
        member: Vec<u32>,
        /// Per hidden cause of the module its values, `rows` of them.
        values: Vec<Vec<u32>>,
    },
    /// Networks.
    Vectors {
        /// The number of rows.
        rows: usize,
        /// Per hidden cause of the module a matrix `[rows, noise]`, row-major.
        noise: Vec<Vec<f32>>,
    },
}

/// Draws from a module's mechanisms (forward sampling: the paper's Algorithm 9, a variable at a time).
pub trait Sampler {
    /// Draws what is hidden for `rows` rows.
    fn hidden(&self, rows: usize, rng: &mut ChaCha8Rng) -> Hidden;

    /// Draws the discrete `variable` of the module for each row of `hidden`, given its discrete parents' codes in
    /// ascending order of the parents' numbers (each list has one code per row).
    ///
    /// # Errors
    /// Where `variable` is not the module's, or `parents` or `hidden` do not have the mechanism's shape.
    fn codes(&self, variable: usize, parents: &[&[u32]], hidden: &Hidden, rng: &mut ChaCha8Rng) -> Result<Vec<u32>>;

    /// The same for variables and parents of any kind.
    ///
    /// # Errors
    /// As for [`Self::codes`].
    fn sample(&self, variable: usize, parents: &[&Column], hidden: &Hidden, rng: &mut ChaCha8Rng) -> Result<Column> {
        Ok(Column::Codes(self.codes(variable, &codes_of(parents)?, hidden, rng)?))
    }
}
