//! Rows as tests need them: equal ones together, with counts.

use crate::data::Table;
use crate::model::{Model, VarId};
use indexmap::IndexMap;

/// The distinct rows of a data set with their counts.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Per variable its codes, one a distinct row; `None` where the data set has none.
    columns: Vec<Option<Vec<u32>>>,
    /// Per variable the number of its values.
    cards: Vec<usize>,
    counts: Vec<f64>,
    whole: bool,
}

impl Sample {
    /// The rows of `table`. Whole weights are counts; others are scaled to the effective number of rows,
    /// `(Σ w)² / Σ w²` (Kish 1965).
    pub fn of(model: &Model, table: &Table) -> Self {
        let cards: Vec<usize> = (0..model.variables.len()).map(|v| model.card(v).unwrap_or(0)).collect();
        let kept: Vec<VarId> = (0..cards.len()).filter(|&v| cards[v] > 0 && table.column(v).is_some()).collect();
        let (mut rows, mut squares) = (IndexMap::<Vec<u32>, f64>::new(), 0.0);
        let columns: Vec<&[u32]> = kept.iter().filter_map(|&v| table.column(v)).collect();
        for row in (0..table.rows).filter(|&row| table.weight(row) > 0.0) {
            let weight = table.weight(row);
            squares += weight * weight;
            *rows.entry(columns.iter().map(|c| c[row]).collect()).or_insert(0.0) += weight;
        }
        let whole = table.weights.iter().flatten().all(|w| (w - w.round()).abs() < 1e-9);
        let total: f64 = rows.values().sum();
        let scale = if whole { 1.0 } else { total / squares };
        let mut columns = vec![None; cards.len()];
        for (at, &v) in kept.iter().enumerate() {
            columns[v] = Some(rows.keys().map(|row| row[at]).collect());
        }
        Self { columns, cards, counts: rows.values().map(|w| w * scale).collect(), whole }
    }

    /// The number of rows, or the effective number.
    pub fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// Whether weights that are no counts were scaled to an effective number of rows.
    pub fn scaled(&self) -> bool {
        !self.whole
    }

    /// The codes of a variable, one a distinct row; `None` where the data set has none, or it is not discrete.
    pub fn column(&self, v: VarId) -> Option<&[u32]> {
        self.columns.get(v)?.as_deref()
    }

    /// The count of each distinct row.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// The number of values of a variable.
    pub fn card(&self, v: VarId) -> usize {
        self.cards[v]
    }

    /// For each distinct row the number of its combination of values of `variables`, and how many combinations there are.
    pub fn strata(&self, variables: &[VarId]) -> (Vec<u32>, usize) {
        let (mut ids, mut count) = (vec![0_u32; self.counts.len()], 1_usize);
        for &v in variables {
            let Some(codes) = self.column(v) else { continue };
            let mut renamed: Vec<u32> = vec![u32::MAX; count * self.cards[v]];
            let mut next = 0;
            for (id, &code) in ids.iter_mut().zip(codes) {
                let new = &mut renamed[*id as usize * self.cards[v] + code as usize];
                if *new == u32::MAX {
                    *new = next;
                    next += 1;
                }
                *id = *new;
            }
            count = next as usize;
        }
        (ids, count)
    }
}
