//! Probabilities for formulas over copies of variables.

use super::Source;
use super::estimate::{Obstacle, Setting, Weights};
use crate::causal::counterfactual::Copy;
use crate::factor::Factor;
use crate::model::VarId;

/// The same weights with copies for variables. No distribution of a formula has two copies of one variable.
pub(super) struct Copied<'a> {
    pub inner: &'a dyn Weights,
    pub copies: &'a [Copy],
}

impl Copied<'_> {
    fn variable(&self, copy: usize) -> VarId {
        self.copies[copy].variable
    }
}

impl Weights for Copied<'_> {
    fn weights(
        &self,
        source: &Source,
        scope: &[usize],
        interventions: &[usize],
        at: &Setting,
    ) -> Result<Factor, Obstacle> {
        let variables = |places: &[usize]| places.iter().map(|&p| self.variable(p)).collect::<Vec<_>>();
        let own = at.iter().filter(|(place, _)| scope.contains(place));
        let at: Setting = own.map(|(&place, &code)| (self.variable(place), code)).collect();
        let mut found = self.inner.weights(source, &variables(scope), &variables(interventions), &at)?;
        let place = |v: &VarId| scope.iter().copied().find(|&p| self.variable(p) == *v).unwrap_or(0);
        found.variables = found.variables.iter().map(place).collect();
        Ok(found)
    }

    fn by_frequency(&self, copy: usize) -> Vec<u32> {
        self.inner.by_frequency(self.variable(copy))
    }

    fn rows(&self, source: &Source) -> Option<usize> {
        self.inner.rows(source)
    }
}
