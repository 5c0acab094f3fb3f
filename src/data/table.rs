//! The rows of a data set in memory.

use super::Images;
use crate::model::VarId;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The rows of one data set, coded by the variables' domains.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The data set's name.
    pub name: String,
    /// The number of rows.
    pub rows: usize,
    /// Per variable of the model, its codes (`rows` of them), or `None` where the data set does not
    /// observe it. Variables intervened on hold the value they were set to.
    pub columns: Vec<Option<Vec<u32>>>,
    /// Each row's weight, where the data set has weights.
    pub weights: Option<Vec<f64>>,
    /// The values (`rows` of them) of each `real` variable that the data set observes.
    pub reals: BTreeMap<VarId, Vec<f32>>,
    /// The images (`rows` of them) of each image variable that the data set observes.
    pub images: BTreeMap<VarId, Images>,
}

impl Table {
    /// The codes of `variable`, if it is in the table.
    pub fn column(&self, variable: VarId) -> Option<&[u32]> {
        self.columns.get(variable)?.as_deref()
    }

    /// The codes of a discrete or real `variable`, if it is in the table; those of real numbers are their bits.
    pub fn codes(&self, variable: VarId) -> Option<Cow<'_, [u32]>> {
        let bits = |numbers: &Vec<f32>| Cow::Owned(numbers.iter().map(|x| x.to_bits()).collect());
        self.column(variable).map(Cow::Borrowed).or_else(|| self.reals.get(&variable).map(bits))
    }

    /// Whether the data set observes `variable`.
    pub fn observes(&self, variable: VarId) -> bool {
        self.column(variable).is_some() || self.reals.contains_key(&variable) || self.images.contains_key(&variable)
    }

    /// The images of `variable`, if it is in the table.
    pub fn images(&self, variable: VarId) -> Option<&Images> {
        self.images.get(&variable)
    }

    /// The weight of `row` (1 without weights).
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |w| w[row])
    }

    /// The sum of the weights.
    pub fn total_weight(&self) -> f64 {
        self.weights.as_ref().map_or(self.rows as f64, |w| w.iter().sum())
    }

    /// The distinct rows over `variables` with their weights, in order of first appearance;
    /// `None` if a variable is missing.
    pub fn counts(&self, variables: &[VarId]) -> Option<indexmap::IndexMap<Vec<u32>, f64>> {
        let columns: Vec<&[u32]> = variables.iter().map(|&v| self.column(v)).collect::<Option<_>>()?;
        let mut counts = indexmap::IndexMap::new();
        for row in 0..self.rows {
            let key: Vec<u32> = columns.iter().map(|c| c[row]).collect();
            *counts.entry(key).or_insert(0.0) += self.weight(row);
        }
        Some(counts)
    }
}
