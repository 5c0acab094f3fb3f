//! Several worlds of the same rows by sampling: abduction, action and prediction (the paper's Algorithm 10).
//!
//! All worlds of a row share its hidden causes and each variable's own noise. Evidence weighs the rows instead of
//! rejecting them: an observed variable gets its value, the row the probability of that value given all that was drawn
//! before, and the variable's own noise is drawn from what it can still be (likelihood weighting: Fung & Chang 1989;
//! Shachter & Peot 1989). A second observation of a variable in another world is met by rejection.

use super::asked::Asked;
use crate::causal::counterfactual::{Place, Twin, TwinCopy};
use crate::model::{Cut, Domain, Model, VarId};
use crate::nets::column::Column;
use crate::nets::{Hidden, Sampler};
use crate::train::Trained;
use candle_core::Result;
use rand_chacha::ChaCha8Rng;

/// Rows are drawn this many at a time,
const CHUNK: usize = 8192;
/// or this many where images are among them.
const IMAGE_CHUNK: usize = 256;

/// How evidence is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By weights.
    Weighting,
    /// By leaving out rows that do not agree: the reference.
    Rejection,
}

/// Rows in several worlds, from trained modules.
pub struct Worlds<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its trained modules.
    pub modules: &'a [&'a Trained],
    /// The copies of variables to draw.
    pub twin: &'a Twin,
    /// How evidence is met.
    pub method: Method,
}

/// What was drawn, summed up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// The weights of the rows with each value of the outcome, row-major.
    pub weights: Vec<f64>,
    /// The sum of the squared weights of all rows.
    pub squares: f64,
    /// The rows drawn,
    pub rows: usize,
    /// and those of them that have a weight.
    pub kept: usize,
    /// The sums of a real outcome's numbers and of their squares, times the rows' weights.
    pub sums: [f64; 2],
    /// Beyond which number a real outcome counts as its second value, of two.
    pub cut: Option<Cut>,
}

impl Tally {
    /// Nothing drawn yet for a question.
    pub(super) fn of(asked: &Asked) -> Self {
        Self { cut: asked.cut, ..Self::default() }
    }

    /// The sum of all weights.
    pub fn total(&self) -> f64 {
        self.weights.iter().sum()
    }

    /// The outcome's distribution; `None` where no row has a weight.
    pub fn distribution(&self) -> Option<Vec<f64>> {
        let total = self.total();
        (total > 0.0).then(|| self.weights.iter().map(|w| w / total).collect())
    }

    /// The means of a real outcome and of its square; `None` where no row has a weight.
    pub fn moments(&self) -> Option<[f64; 2]> {
        let total = self.total();
        (total > 0.0).then(|| self.sums.map(|sum| sum / total))
    }

    /// The number of rows without weights that would tell as much (Kish 1965).
    pub fn ess(&self) -> f64 {
        if self.squares > 0.0 { self.total().powi(2) / self.squares } else { 0.0 }
    }

    /// The probability of the evidence.
    pub fn evidence(&self) -> f64 {
        self.total() / self.rows.max(1) as f64
    }
}

impl Worlds<'_> {
    /// A variable that would have to be drawn but has no trained mechanism.
    pub fn missing(&self) -> Option<VarId> {
        self.twin.copies.iter().map(|copy| copy.variable).find(|v| self.home(*v).is_none())
    }

    /// Whether images are drawn.
    pub fn has_images(&self) -> bool {
        self.twin.copies.iter().any(|copy| matches!(self.model.domain(copy.variable), Some(Domain::Image(_))))
    }

    /// Whether a module is drawn from.
    pub fn uses(&self, module: usize) -> bool {
        self.twin.copies.iter().any(|copy| self.home(copy.variable) == Some(module))
    }

    /// The replicates that all modules in use have that are trained; none where one of them has none.
    pub fn replicates(&self) -> usize {
        let trained = |&at: &usize| self.uses(at) && !matches!(self.modules[at], Trained::Pretrained(_));
        let counts = (0..self.modules.len()).filter(trained).map(|at| self.modules[at].replicates());
        counts.min().unwrap_or(0)
    }

    /// The share of the rows that a replicate of a module in use does not learn from, at most.
    pub fn left_out(&self) -> f64 {
        let used = (0..self.modules.len()).filter(|&at| self.uses(at));
        used.map(|at| self.modules[at].left_out()).fold(0.0, f64::max)
    }

    /// The columns of the `variables` asked for in `rows` rows, at most [`Self::most`], and the rows' weights: the probability
    /// (of real numbers the density) of the evidence given what was drawn before it.
    ///
    /// # Errors
    /// Candle's.
    pub(super) fn outcome(
        &self,
        variables: &[VarId],
        rows: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<(Vec<Column>, Vec<f64>)> {
        let (columns, weights) = self.chunk(rows, rng)?;
        let column = |(&variable, place): (&VarId, &Place)| match *place {
            Place::Code(code) => self.constant(variable, code, rows),
            Place::Copy(at) => columns[at].clone(),
        };
        Ok((variables.iter().zip(&self.twin.outcome).map(column).collect(), weights))
    }

    /// The rows that are drawn at a time.
    pub fn most(&self) -> usize {
        if self.has_images() { IMAGE_CHUNK } else { CHUNK }
    }

    /// Draws `rows` more rows and adds them to `tally`, whose outcome has `cards` values.
    ///
    /// # Errors
    /// Candle's.
    pub fn draw(&self, cards: &[usize], rows: usize, rng: &mut ChaCha8Rng, tally: &mut Tally) -> Result<()> {
        tally.weights.resize(cards.iter().product(), 0.0);
        let chunk = self.most();
        for start in (0..rows).step_by(chunk) {
            let count = chunk.min(rows - start);
            let (columns, weights) = self.chunk(count, rng)?;
            let cut = tally.cut;
            let beyond = |number: f32| cut.map(|cut| usize::from(cut.holds(f64::from(number))));
            let code = |place: &Place, row: usize| match *place {
                Place::Code(code) => beyond(f32::from_bits(code)).unwrap_or(code as usize),
                Place::Copy(at) if cut.is_some() => columns[at].reals().and_then(|r| beyond(r[row])).unwrap_or(0),
                Place::Copy(at) => columns[at].codes().map_or(0, |codes| codes[row] as usize), // of a real outcome the only cell
            };
            for (row, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
                let places = self.twin.outcome.iter().zip(cards);
                let cell = places.fold(0, |cell, (place, card)| cell * card + code(place, row).min(card - 1));
                tally.weights[cell] += weight;
                if let [Place::Copy(at)] = self.twin.outcome[..]
                    && let Some(numbers) = columns[at].reals()
                {
                    let number = f64::from(numbers[row]);
                    tally.sums[0] += weight * number;
                    tally.sums[1] += weight * number * number;
                }
                tally.squares += weight * weight;
                tally.kept += 1;
            }
            tally.rows += count;
        }
        Ok(())
    }

    /// The column of each copy, and the rows' weights.
    fn chunk(&self, rows: usize, rng: &mut ChaCha8Rng) -> Result<(Vec<Column>, Vec<f64>)> {
        let hidden: Vec<Hidden> = self.modules.iter().map(|m| m.hidden(rows, rng)).collect();
        let mut columns: Vec<Column> = vec![];
        let mut weights = vec![1.0; rows];
        for group in self.twin.groups() {
            let variable = self.twin.copies[group.start].variable;
            let Some(home) = self.home(variable) else { candle_core::bail!("variable {variable} has no module") };
            let (module, hidden) = (self.modules[home], &hidden[home]);
            let mut noise = module.noise(variable, rows, rng)?;
            let parents: Vec<Vec<Column>> = group.clone().map(|at| self.parents(at, rows, &columns)).collect();
            let parents: Vec<Vec<&Column>> = parents.iter().map(|p| p.iter().collect()).collect();
            let known = |at: &usize| self.twin.copies[*at].known;
            let observed = group.clone().find(|at| known(at).is_some()).filter(|_| self.method == Method::Weighting);
            if let Some((at, value)) = observed.and_then(|at| Some((at, known(&at)?))) {
                let p = module.observe(variable, &parents[at - group.start], hidden, &mut noise, value)?;
                weights.iter_mut().zip(p).for_each(|(weight, p)| *weight *= p);
            }
            for at in group.clone() {
                let column = match known(&at) {
                    Some(value) if observed == Some(at) => self.constant(variable, value, rows),
                    value => {
                        let draw = || module.replay(variable, &parents[at - group.start], hidden, &noise);
                        // Inside the pool the operations on images share its threads; they give the same numbers.
                        let column = if self.has_images() { rayon::scope(|_| draw()) } else { draw() }?;
                        if let Some(value) = value {
                            let other = |row: &usize| column.code(*row).is_some_and(|code| code != value);
                            (0..rows).filter(other).for_each(|row| weights[row] = 0.0);
                        }
                        column
                    }
                };
                columns.push(column);
            }
        }
        Ok((columns, weights))
    }

    fn parents(&self, copy: usize, rows: usize, columns: &[Column]) -> Vec<Column> {
        let parent = |(place, &variable): (&Place, &VarId)| match *place {
            Place::Code(code) => self.constant(variable, code, rows),
            Place::Copy(at) => columns[at].clone(),
        };
        let TwinCopy { variable, parents, .. } = &self.twin.copies[copy];
        parents.iter().zip(self.model.graph.parents(*variable)).map(parent).collect()
    }

    /// A column of one value.
    fn constant(&self, variable: VarId, code: u32, rows: usize) -> Column {
        Column::of_codes(vec![code; rows], self.model.domain(variable).is_some_and(Domain::is_real))
    }

    /// The module of a variable.
    fn home(&self, variable: VarId) -> Option<usize> {
        self.modules.iter().position(|m| m.variables().contains(&variable))
    }
}
