//! What a graph says about the distributions it allows, so that data can contradict it: conditional independences
//! and, where hidden causes hide the rest, equalities of kernels (Verma & Pearl 1990).
//!
//! Two lists, one a file. [`pairwise`]: for each pair that some set separates, one smallest such set; from these every
//! m-separation follows where composition and intersection hold. [`verma`]: kernels that do not depend on variables their
//! formulas mention.

#[cfg(test)]
mod closure;
mod separator;
mod verma;

pub use separator::{pairwise, smallest_separator};
pub use verma::{Verma, verma};

/// `left ⊥ right | given`: three sets without shared nodes, each ascending; the first two not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Independence {
    /// One side.
    pub left: Vec<usize>,
    /// The other side.
    pub right: Vec<usize>,
    /// What is known.
    pub given: Vec<usize>,
}
