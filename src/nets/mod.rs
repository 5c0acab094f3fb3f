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
pub mod lanes;
pub mod noise;
pub mod ops;
pub mod pretrained;
pub mod real;
pub mod soft;
pub mod table;

use candle_core::{Result, bail};
use column::Column;
use noise::Noise;
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

/// Draws from a module's mechanisms (forward sampling: the paper's Algorithm 9, a variable at a time), also several times
/// with the same noise and with noise that gives a known value (its Algorithm 10 without rejection).
pub trait Sampler {
    /// Draws what is hidden for `rows` rows.
    fn hidden(&self, rows: usize, rng: &mut ChaCha8Rng) -> Hidden;

    /// Draws what is the own noise of the module's `variable` for `rows` rows.
    ///
    /// # Errors
    /// Where `variable` is not the module's.
    fn noise(&self, variable: usize, rows: usize, rng: &mut ChaCha8Rng) -> Result<Noise>;

    /// The values that `noise` gives `variable` for each row of `hidden`, given its parents in ascending order of their
    /// numbers (each column has one value per row).
    ///
    /// # Errors
    /// Where `variable` is not the module's, or `parents`, `hidden` or `noise` do not have the mechanism's shape.
    fn replay(&self, variable: usize, parents: &[&Column], hidden: &Hidden, noise: &Noise) -> Result<Column>;

    /// Changes the last part of `noise`, from which a value is drawn, so that `variable` gets the value with this code:
    /// distributed as it is where that happens. Returns the logarithm of each row's probability of it (of the density of a
    /// real variable, in the units of the data), given parents, hidden causes and the rest of the noise; rows where it has
    /// none may get other values.
    ///
    /// # Errors
    /// As for [`Self::replay`], and where a `variable` of its kind cannot be observed.
    fn observe(
        &self,
        variable: usize,
        parents: &[&Column],
        hidden: &Hidden,
        noise: &mut Noise,
        value: u32,
    ) -> Result<Vec<f64>>;

    /// Draws hidden cause number `latent` of the module anew for every row, from what it can be given the rest of `hidden`.
    ///
    /// # Errors
    /// Where `hidden` is not of the module's kind or has no such hidden cause.
    fn redraw(&self, hidden: &mut Hidden, latent: usize, rng: &mut ChaCha8Rng) -> Result<()>;

    /// Draws `variable` for each row of `hidden`, with noise of its own.
    ///
    /// # Errors
    /// As for [`Self::replay`].
    fn sample(&self, variable: usize, parents: &[&Column], hidden: &Hidden, rng: &mut ChaCha8Rng) -> Result<Column> {
        let noise = self.noise(variable, hidden.rows(), rng)?;
        self.replay(variable, parents, hidden, &noise)
    }

    /// The codes of a discrete `variable` with discrete parents.
    ///
    /// # Errors
    /// As for [`Self::replay`], and where `variable` is not discrete.
    fn codes(&self, variable: usize, parents: &[&[u32]], hidden: &Hidden, rng: &mut ChaCha8Rng) -> Result<Vec<u32>> {
        let parents: Vec<Column> = parents.iter().map(|codes| Column::Codes(codes.to_vec())).collect();
        match self.sample(variable, &parents.iter().collect::<Vec<_>>(), hidden, rng)? {
            Column::Codes(codes) => Ok(codes),
            Column::Reals(_) | Column::Pixels(_) | Column::Still(..) => {
                bail!("variable {variable} is not discrete: it has no codes")
            }
        }
    }
}

impl Hidden {
    /// The number of hidden causes.
    pub fn causes(&self) -> usize {
        match self {
            Self::Levels { values, .. } => values.len(),
            Self::Vectors { noise, .. } => noise.len(),
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Levels { member, .. } => member.len(),
            Self::Vectors { rows, .. } => *rows,
        }
    }
}
