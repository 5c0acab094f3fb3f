//! Conditional probability tables on soft one-hot codes.

use crate::nets::conditional::ConditionalModule;
use crate::nets::ops::device;
use crate::nets::ops::{View, values};
use crate::nets::table::{TableMechanism, TableModule};
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, bail};
use rand::Rng;

/// What rows draw of a table module's hidden parts: one entry per row in each list.
#[derive(Clone, Debug)]
pub struct TableHidden {
    /// The member of the module.
    pub member: Vec<usize>,
    /// Per hidden cause of the module its value.
    pub levels: Vec<Vec<usize>>,
}

impl TableHidden {
    /// Draws members uniformly and the values of hidden causes from their members' priors.
    pub fn draw(module: &TableModule, rows: usize, rng: &mut impl Rng) -> Self {
        let members = module.members.len().max(1);
        let member: Vec<usize> = (0..rows).map(|_| rng.random_range(0..members)).collect();
        let levels = (0..module.latents.len())
            .map(|latent| member.iter().map(|&m| level(&module.members[m].priors[latent], rng)).collect())
            .collect();
        Self { member, levels }
    }

    /// The first member of a module of neural conditionals, and its hidden causes.
    pub fn of_first(module: &ConditionalModule, rows: usize, rng: &mut impl Rng) -> Self {
        let priors = module.members.first().map_or(&[][..], |m| &m.priors);
        let levels = priors.iter().map(|prior| (0..rows).map(|_| level(prior, rng)).collect()).collect();
        Self { member: vec![0; rows], levels }
    }

    /// Adds the rows of `other`, of the same module.
    pub fn extend(&mut self, other: &Self) {
        self.member.extend(&other.member);
        self.levels.iter_mut().zip(&other.levels).for_each(|(own, other)| own.extend(other));
    }

    /// The one-hot codes `[rows, levels]` of a hidden cause.
    ///
    /// # Errors
    /// Candle's.
    pub fn one_hot(&self, latent: usize, levels: usize) -> Result<Tensor> {
        let mut codes = Vec::with_capacity(self.member.len() * levels);
        for &value in &self.levels[latent] {
            codes.extend((0..levels).map(|k| f32::from(u8::from(k == value))));
        }
        Tensor::from_vec(codes, (self.member.len(), levels), &device())
    }
}

/// A draw from `prior`; its last value takes what rounding leaves over.
fn level(prior: &[f64], rng: &mut impl Rng) -> usize {
    let mut left: f64 = rng.random::<f64>() * prior.iter().sum::<f64>();
    for (value, p) in prior.iter().enumerate() {
        left -= p;
        if left < 0.0 {
            return value;
        }
    }
    prior.len().saturating_sub(1)
}

/// The probabilities `[rows, card]` of a mechanism of `module` for soft codes of its parents (each `[rows, its card]`,
/// in the mechanism's order): the table's multilinear extension, `Σ_pa Π_i code_i(pa_i) · P(· | pa, u)`.
///
/// # Errors
/// Where the shapes do not fit.
pub fn soft_table(module: &TableModule, mechanism: usize, parents: &[Tensor], hidden: &TableHidden) -> Result<Tensor> {
    let shape = &module.mechanisms[mechanism];
    if parents.len() != shape.parents.len() {
        bail!("variable {}: {} parents for a table of {}", shape.variable, parents.len(), shape.parents.len())
    }
    let rows = hidden.member.len();
    let mut cells = Tensor::ones((rows, 1), candle_core::DType::F32, &Device::Cpu)?;
    // Tables stay on the CPU; gradients pass the way there and back.
    for parent in parents {
        let parent = parent.to_device(&Device::Cpu)?;
        cells = cells.unsqueeze(2)?.broadcast_mul(&parent.unsqueeze(1)?)?.reshape((rows, ()))?;
    }
    let cell_count: usize = shape.parent_cards.iter().product();
    let mixture = Mixture { tables: row_tables(module, mechanism, hidden), cells: cell_count, card: shape.card };
    cells.apply_op1(mixture)?.to_device(&device())
}

/// Per row its table `[parents…, value]`, picked by the row's member and hidden values.
fn row_tables(module: &TableModule, mechanism: usize, hidden: &TableHidden) -> Vec<f32> {
    let shape = &module.mechanisms[mechanism];
    let cells: usize = shape.parent_cards.iter().product();
    let levels: usize = shape.latents.iter().map(|&l| module.latents[l].levels).product();
    let mut tables = Vec::with_capacity(hidden.member.len() * cells * shape.card);
    for (row, &member) in hidden.member.iter().enumerate() {
        let table = &module.members[member].tables[mechanism];
        let level = level_index(module, shape, hidden, row);
        for cell in 0..cells {
            let start = (cell * levels + level) * shape.card;
            tables.extend(table[start..start + shape.card].iter().map(|p| *p as f32));
        }
    }
    tables
}

/// The place of a row's hidden values among the levels of a mechanism's table.
fn level_index(module: &TableModule, shape: &TableMechanism, hidden: &TableHidden, row: usize) -> usize {
    shape.latents.iter().fold(0, |at, &l| at * module.latents[l].levels + hidden.levels[l][row])
}

/// `y[row] = cells[row] · tables[row]`.
struct Mixture {
    tables: Vec<f32>,
    cells: usize,
    card: usize,
}

impl CustomOp1 for Mixture {
    fn name(&self) -> &'static str {
        "mixture"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, cells) = layout.shape().dims2()?;
        if cells != self.cells || self.tables.len() != rows * cells * self.card {
            bail!("codes of {cells} cells for a table of {}", self.cells)
        }
        let weights = values(storage, layout)?;
        let mut y = vec![0.0; rows * self.card];
        for ((y, weights), table) in y
            .chunks_exact_mut(self.card)
            .zip(weights.chunks_exact(cells))
            .zip(self.tables.chunks_exact(cells * self.card))
        {
            for (weight, row) in weights.iter().zip(table.chunks_exact(self.card)) {
                y.iter_mut().zip(row).for_each(|(y, p)| *y += weight * p);
            }
        }
        Ok((CpuStorage::F32(y), (rows, self.card).into()))
    }

    fn bwd(&self, cells: &Tensor, _y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (rows, count) = cells.dims2()?;
        let gradient = gradient.contiguous()?;
        let view = View::of(&gradient);
        let mut d = Vec::with_capacity(rows * count);
        for (g, table) in view.values()?.chunks_exact(self.card).zip(self.tables.chunks_exact(count * self.card)) {
            d.extend(table.chunks_exact(self.card).map(|row| row.iter().zip(g).map(|(p, g)| p * g).sum::<f32>()));
        }
        Ok(Some(Tensor::from_vec(d, (rows, count), &Device::Cpu)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::ops::check::{gradients, random, weighted};
    use crate::nets::ops::{Parameter, linear};
    use crate::nets::table::{TableLatent, TableMember};

    /// `P(v | a, b, u)` with two members; a has 2 values, b 3, u 2, v 2.
    fn module() -> TableModule {
        let table = |seed| {
            let p = random(12, seed).into_iter().map(|v| f64::from(v).abs());
            p.flat_map(|p| [p, 1.0 - p]).collect::<Vec<f64>>()
        };
        TableModule {
            latents: vec![TableLatent { latent: 0, levels: 2 }],
            mechanisms: vec![TableMechanism {
                variable: 2,
                card: 2,
                parents: vec![0, 1],
                parent_cards: vec![2, 3],
                latents: vec![0],
            }],
            members: [1, 2].map(|s| TableMember { priors: vec![vec![0.25, 0.75]], tables: vec![table(s)] }).to_vec(),
            replicates: vec![],
        }
    }

    fn hidden() -> TableHidden {
        TableHidden { member: vec![0, 1, 1, 0], levels: vec![vec![0, 1, 0, 1]] }
    }

    #[test]
    fn hard_codes_read_the_table() {
        let module = module();
        let codes = [(0, 2), (1, 0), (1, 1), (0, 0)];
        let hot = |card: usize, pick: fn(&(usize, usize)) -> usize| {
            let values: Vec<f32> = codes.iter().flat_map(|c| (0..card).map(move |v| f32::from(v == pick(c)))).collect();
            Tensor::from_vec(values, (4, card), &Device::Cpu).unwrap()
        };
        let found = soft_table(&module, 0, &[hot(2, |c| c.0), hot(3, |c| c.1)], &hidden()).unwrap();
        for (row, found) in found.to_vec2::<f32>().unwrap().into_iter().enumerate() {
            let (a, b) = codes[row];
            let start = ((a * 3 + b) * 2 + hidden().levels[0][row]) * 2;
            let expected = &module.members[hidden().member[row]].tables[0][start..start + 2];
            assert!(
                (f64::from(found[0]) - expected[0]).abs() < 1e-6 && (f64::from(found[1]) - expected[1]).abs() < 1e-6
            );
        }
    }

    #[test]
    fn gradients_reach_the_codes() {
        let ones = Tensor::ones((4, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
        gradients(&[(random(2, 5), vec![1, 2]), (random(3, 6), vec![1, 3])], |p| {
            let bias = |n| Parameter::fixed(vec![0.0; n], &[n]);
            let parents = [linear(&ones, &p[0], &bias(2)?, 1.0)?, linear(&ones, &p[1], &bias(3)?, 1.0)?];
            weighted(&soft_table(&module(), 0, &parents, &hidden())?)
        });
    }

    #[test]
    fn levels_follow_the_priors() {
        let drawn = TableHidden::draw(&module(), 20_000, &mut crate::seed::stream(1, "levels"));
        let mean = |values: &[usize]| values.iter().sum::<usize>() as f64 / 20_000.0;
        assert!((mean(&drawn.levels[0]) - 0.75).abs() < 0.015 && (mean(&drawn.member) - 0.5).abs() < 0.015);
    }
}
