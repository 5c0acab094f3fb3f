//! A task of the plan made ready: batches of its rows, and the generators' forward pass on them
//! (paper Algorithms 4 and 9).

use super::alias::Alias;
use super::mechanisms::{Forward, Mechanisms, Part};
use crate::data::Table;
use crate::model::{Model, VarId};
use crate::nets::ops::largest;
use crate::plan;
use candle_core::{Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// One distribution to match: `P(generated | given)` of a data set.
pub struct Task<'a> {
    /// The variables generated, parents first.
    parts: Vec<Part>,
    /// The variables whose values come from the rows.
    given: Vec<VarId>,
    /// The codes of every variable the task needs, with their numbers of values.
    columns: BTreeMap<VarId, (&'a [u32], usize)>,
    rows: usize,
    rows_by_weight: Option<Alias>,
    /// The rows' distribution over generated and given variables.
    distribution: BTreeMap<Vec<u32>, f64>,
}

impl<'a> Task<'a> {
    /// Makes `task` of a module ready, `mechanisms` being the module's own and the frozen ones.
    ///
    /// # Errors
    /// Says what is missing or unknown.
    pub fn new(
        model: &Model,
        task: &plan::Task,
        tables: &'a [Table],
        mechanisms: &Mechanisms<'_>,
    ) -> std::result::Result<Self, String> {
        let table = tables.iter().find(|t| t.name == task.data).ok_or_else(|| format!("no data set {}", task.data))?;
        if table.rows == 0 {
            return Err(format!("the data set {} has no rows", task.data));
        }
        let numbers = |names: &[String]| -> std::result::Result<Vec<VarId>, String> {
            names.iter().map(|n| model.id(n).ok_or_else(|| format!("no variable {n}"))).collect()
        };
        let interventions = numbers(&task.interventions)?;
        let mut generated = numbers(&task.teaches)?;
        generated.extend(numbers(&task.ancestors)?);
        generated.retain(|v| !interventions.contains(v));
        let order = model.graph.topological_order().map_err(|_| "the graph has a cycle".to_owned())?;
        let parts: Vec<Part> = order
            .into_iter()
            .filter(|v| generated.contains(v))
            .map(|v| mechanisms.part(v).ok_or_else(|| format!("{} has no mechanism yet", model.name(v))))
            .collect::<std::result::Result<_, String>>()?;
        let parents = parts.iter().flat_map(|p| p.parents.iter().copied());
        let mut given: Vec<VarId> =
            numbers(&task.conditions)?.into_iter().chain(interventions).chain(parents).collect();
        given.retain(|v| !generated.contains(v));
        given.sort_unstable();
        given.dedup();
        let mut columns = BTreeMap::new();
        for &v in generated.iter().chain(&given) {
            let (codes, card) = table
                .column(v)
                .zip(model.card(v))
                .ok_or_else(|| format!("{} is not a discrete column of {}", model.name(v), task.data))?;
            if codes.iter().any(|&code| code as usize >= card) {
                return Err(format!("{} has codes outside its domain in {}", model.name(v), task.data));
            }
            columns.insert(v, (codes, card));
        }
        let rows_by_weight = match &table.weights {
            Some(weights) => {
                Some(Alias::new(weights).ok_or_else(|| format!("the weights of {} are not usable", task.data))?)
            }
            None => None,
        };
        let mut ready = Self { parts, given, columns, rows: table.rows, rows_by_weight, distribution: BTreeMap::new() };
        for row in 0..table.rows {
            *ready.distribution.entry(ready.key(row)).or_insert(0.0) += table.weight(row) / table.total_weight();
        }
        Ok(ready)
    }

    /// The number of rows of the data set.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The length of a row of codes as the critic sees it.
    pub fn width(&self) -> usize {
        self.columns.values().map(|(_, card)| card).sum()
    }

    /// The variables generated with mechanisms of the module's own.
    pub fn own(&self) -> impl Iterator<Item = VarId> + '_ {
        self.parts.iter().filter(|p| p.is_own()).map(|p| p.variable)
    }

    /// Draws the numbers of `count` rows.
    pub fn draw(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        use rand::Rng;
        let mut one = || match &self.rows_by_weight {
            Some(alias) => alias.draw(rng),
            None => rng.random_range(0..self.rows),
        };
        (0..count).map(|_| one()).collect()
    }

    /// The rows' own one-hot codes `[rows, width]`: generated variables, then given ones.
    pub fn real(&self, rows: &[usize]) -> Result<Tensor> {
        let variables = self.parts.iter().map(|p| p.variable).chain(self.given.iter().copied());
        self.one_hot(&variables.collect::<Vec<_>>(), rows)
    }

    /// Generated codes for the given values of `rows`, `[rows, width]` in the columns of [`Self::real`].
    pub fn fake(&self, rows: &[usize], forward: &mut Forward<'_>) -> Result<Tensor> {
        let mut codes: BTreeMap<VarId, Tensor> = BTreeMap::new();
        for &v in &self.given {
            codes.insert(v, self.one_hot(&[v], rows)?);
        }
        let hidden = forward.hidden(&self.parts, rows.len())?;
        for part in &self.parts {
            let parents: Vec<Tensor> = part.parents.iter().map(|p| codes[p].clone()).collect();
            let code = forward.part(part, &parents, &hidden)?;
            codes.insert(part.variable, code);
        }
        let variables = self.parts.iter().map(|p| &p.variable).chain(&self.given);
        Tensor::cat(&variables.map(|v| &codes[v]).collect::<Vec<_>>(), 1)
    }

    /// The total variation distance between the rows' distribution and that of `samples` draws: given values
    /// from the rows, the others generated by `forward` (of soft codes the largest entry counts).
    pub fn distance(&self, samples: usize, forward: &mut Forward<'_>) -> Result<f64> {
        const CHUNK: usize = 250;
        let mut left = self.distribution.clone();
        let chunks = samples.div_ceil(CHUNK);
        let weight = 1.0 / (chunks * CHUNK) as f64;
        for _ in 0..chunks {
            let rows = self.draw(CHUNK, forward.rng);
            let fake = self.fake(&rows, forward)?.flatten_all()?.to_vec1::<f32>()?;
            for row in fake.chunks_exact(self.width()) {
                *left.entry(self.decode(row)).or_insert(0.0) -= weight;
            }
        }
        Ok(left.values().map(|d| d.abs()).sum::<f64>() / 2.0)
    }

    /// A row's codes, generated variables first.
    fn key(&self, row: usize) -> Vec<u32> {
        let variables = self.parts.iter().map(|p| &p.variable).chain(&self.given);
        variables.map(|v| self.columns[v].0[row]).collect()
    }

    /// The codes of a row of one-hot codes.
    fn decode(&self, row: &[f32]) -> Vec<u32> {
        let variables = self.parts.iter().map(|p| &p.variable).chain(&self.given);
        let mut start = 0;
        variables
            .map(|v| {
                let card = self.columns[v].1;
                let hot = largest(&row[start..start + card]);
                start += card;
                hot as u32
            })
            .collect()
    }

    fn one_hot(&self, variables: &[VarId], rows: &[usize]) -> Result<Tensor> {
        let width: usize = variables.iter().map(|v| self.columns[v].1).sum();
        let mut codes = vec![0.0f32; width * rows.len()];
        for (&row, codes) in rows.iter().zip(codes.chunks_exact_mut(width.max(1))) {
            let mut start = 0;
            for v in variables {
                let (column, card) = self.columns[v];
                codes[start + column[row] as usize] = 1.0;
                start += card;
            }
        }
        Tensor::from_vec(codes, (rows.len(), width), &Device::Cpu)
    }
}
