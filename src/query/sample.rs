//! Forward sampling of the trained model (the paper's Algorithm 9).

use crate::causal::ancestors;
use crate::model::{Domain, Model, VarId};
use crate::nets::column::Column;
use crate::nets::{Hidden, Sampler};
use crate::train::Trained;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// Rows are drawn this many at a time,
const CHUNK: usize = 8192;
/// or this many where images are among them.
const IMAGE_CHUNK: usize = 256;

/// Is shown the numbers of the rows of a chunk, and the columns of their variables.
pub type Visit<'a> = dyn FnMut(Range<usize>, &[Option<Column>]) + 'a;

/// What forward sampling draws.
pub struct Draw<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its trained modules.
    pub modules: &'a [&'a Trained],
    /// The variables that are looked at; only they and their ancestors are drawn.
    pub wanted: &'a [VarId],
    /// The number of rows.
    pub rows: usize,
}

impl Draw<'_> {
    /// Draws the rows under `interventions` and returns the codes of each variable; none for a variable that is not
    /// drawn, has no module or is not discrete.
    ///
    /// # Errors
    /// Candle's.
    pub fn codes(&self, interventions: &[(VarId, u32)], rng: &mut ChaCha8Rng) -> candle_core::Result<Vec<Vec<u32>>> {
        let set: Vec<(VarId, Vec<u32>)> = interventions.iter().map(|&(v, code)| (v, vec![code; self.rows])).collect();
        self.codes_with(&set, rng)
    }

    /// The same with a value of its own for each row.
    pub(super) fn codes_with(
        &self,
        interventions: &[(VarId, Vec<u32>)],
        rng: &mut ChaCha8Rng,
    ) -> candle_core::Result<Vec<Vec<u32>>> {
        let mut drawn: Vec<Vec<u32>> = vec![vec![]; self.model.graph.len()];
        self.each(interventions, rng, &mut |_, columns| {
            for (codes, column) in drawn.iter_mut().zip(columns) {
                codes.extend(column.as_ref().and_then(Column::codes).unwrap_or_default());
            }
        })?;
        Ok(drawn)
    }

    /// Draws the rows in chunks and shows each: the rows' numbers, and the column of every variable that was drawn.
    ///
    /// # Errors
    /// Candle's.
    pub fn each(
        &self,
        interventions: &[(VarId, Vec<u32>)],
        rng: &mut ChaCha8Rng,
        visit: &mut Visit,
    ) -> candle_core::Result<()> {
        let set: Vec<VarId> = interventions.iter().map(|(v, _)| *v).collect();
        let (order, images) = (self.order(&set), self.has_images(&set));
        let chunk = if images { IMAGE_CHUNK } else { CHUNK };
        let homes: Vec<Option<usize>> = (0..self.model.graph.len()).map(|v| self.home(v)).collect();
        for start in (0..self.rows).step_by(chunk) {
            let range = start..self.rows.min(start + chunk);
            let hidden: Vec<Hidden> = self.modules.iter().map(|m| m.hidden(range.len(), rng)).collect();
            let mut columns: Vec<Option<Column>> = vec![None; self.model.graph.len()];
            for &variable in &order {
                columns[variable] = match (interventions.iter().find(|(v, _)| *v == variable), homes[variable]) {
                    (Some((_, codes)), _) => Some(self.column(variable, &codes[range.clone()])),
                    (None, Some(module)) => {
                        let parents = self.model.graph.parents(variable).iter();
                        let parents: Option<Vec<&Column>> = parents.map(|&p| columns[p].as_ref()).collect();
                        let Some(parents) = parents else { continue };
                        let mut draw = || self.modules[module].sample(variable, &parents, &hidden[module], rng);
                        // Inside the pool the operations on images share its threads; they give the same numbers.
                        Some(if images { rayon::scope(|_| draw()) } else { draw() }?)
                    }
                    (None, None) => None,
                };
            }
            visit(range, &columns);
        }
        Ok(())
    }

    fn column(&self, variable: VarId, codes: &[u32]) -> Column {
        Column::of_codes(codes.to_vec(), self.model.domain(variable).is_some_and(Domain::is_real))
    }

    /// A variable that would have to be drawn where `set` is intervened on, but has no trained mechanism.
    pub fn missing(&self, set: &[VarId]) -> Option<VarId> {
        self.order(set).into_iter().find(|v| !set.contains(v) && self.home(*v).is_none())
    }

    /// Whether images are drawn where `set` is intervened on.
    pub fn has_images(&self, set: &[VarId]) -> bool {
        self.order(set).into_iter().any(|v| matches!(self.model.domain(v), Some(Domain::Image(_))))
    }

    /// The variables to draw, causes first: what is wanted, and the ancestors of it that interventions on `set` leave.
    fn order(&self, set: &[VarId]) -> Vec<VarId> {
        let cut = self.model.graph.intervene(set);
        let needed = ancestors(&cut, self.wanted);
        let order = self.model.graph.topological_order().unwrap_or_default();
        order.into_iter().filter(|v| needed.binary_search(v).is_ok()).collect()
    }

    /// The module of a variable.
    fn home(&self, variable: VarId) -> Option<usize> {
        self.modules.iter().position(|m| m.variables().contains(&variable))
    }
}
