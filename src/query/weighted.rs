//! Several worlds of the same rows by sampling: abduction, action and prediction (the paper's Algorithm 10).
//!
//! All worlds of a row share its hidden causes and each variable's own noise. Evidence weighs the rows instead of
//! rejecting them: an observed variable gets its value, the row the probability of that value given all that was drawn
//! before, and the variable's own noise is drawn from what it can still be (likelihood weighting: Fung & Chang 1989;
//! Shachter & Peot 1989). A second observation of a variable in another world is met by rejection.

use super::pictures::Pictures;
use crate::causal::counterfactual::{Place, Twin, TwinCopy};
use crate::model::{Cut, Domain, Model, VarId};
use crate::nets::column::Column;
use crate::nets::noise::Noise;
use crate::nets::{Hidden, Sampler};
use crate::train::Trained;
use candle_core::Result;
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;
use std::ops::Range;

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
    /// The pictures that are set or known; where there are none, none need be given.
    pub pictures: Option<&'a Pictures>,
    /// Beyond which number a real outcome counts as its second value, of two.
    pub cut: Option<Cut>,
}

/// All that is random of some rows: with the same randomness they have the same values in every world.
#[derive(Clone, Debug)]
pub(super) struct Randomness {
    /// What the variables of each module share.
    pub hidden: Vec<Hidden>,
    /// The noise of each variable, in the order of the twin's groups.
    pub noise: Vec<Noise>,
}

impl Randomness {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.hidden.first().map_or(0, Hidden::rows)
    }
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
}

impl Tally {
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

    /// Whether images are drawn, or looked at in each row.
    pub fn has_images(&self) -> bool {
        let is_image = |v: VarId| self.model.domain(v).is_some_and(Domain::is_image);
        let looks = |copy: &TwinCopy| {
            // Neural conditionals look once at what is the same in all rows.
            let once = self.home(copy.variable).is_some_and(|m| matches!(self.modules[m], Trained::Conditionals(_)));
            !once && self.model.graph.parents(copy.variable).iter().any(|&p| is_image(p))
        };
        self.twin.copies.iter().any(|copy| copy.known.is_none() && (is_image(copy.variable) || looks(copy)))
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
        Ok((self.outcome_of(variables, &columns, rows), weights))
    }

    /// The columns of the `variables` asked for, given those of all copies in `rows` rows.
    pub(super) fn outcome_of(&self, variables: &[VarId], columns: &[Column], rows: usize) -> Vec<Column> {
        let column = |(&variable, place): (&VarId, &Place)| match *place {
            Place::Code(code) => self.constant(variable, code, rows),
            Place::Copy(at) => columns[at].clone(),
        };
        variables.iter().zip(&self.twin.outcome).map(column).collect()
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
            for (row, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
                tally.weights[self.cell(cards, &columns, row)] += weight;
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

    /// The number of a row's value of the outcome, whose variables have `cards` values.
    pub(super) fn cell(&self, cards: &[usize], columns: &[Column], row: usize) -> usize {
        let beyond = |number: f32| self.cut.map(|cut| usize::from(cut.holds(f64::from(number))));
        let code = |place: &Place| match *place {
            Place::Code(code) => beyond(f32::from_bits(code)).unwrap_or(code as usize),
            Place::Copy(at) => match columns[at].reals() {
                Some(numbers) => beyond(numbers[row]).unwrap_or(0), // of a real outcome the only cell
                None => columns[at].codes().map_or(0, |codes| codes[row] as usize),
            },
        };
        let places = self.twin.outcome.iter().zip(cards);
        places.fold(0, |cell, (place, card)| cell * card + code(place).min(card - 1))
    }

    /// The column of each copy, and the rows' weights.
    fn chunk(&self, rows: usize, rng: &mut ChaCha8Rng) -> Result<(Vec<Column>, Vec<f64>)> {
        let random = self.randomness(rows, rng)?;
        let (mut columns, mut logs) = (vec![], vec![0.0; rows]);
        for group in 0..self.twin.groups().len() {
            let (found, weights) = self.values(group, &random, &columns)?;
            columns.extend(found);
            logs.iter_mut().zip(weights).for_each(|(sum, log)| *sum += log);
        }
        Ok((columns, logs.into_iter().map(f64::exp).collect()))
    }

    /// Draws all that is random of `rows` rows.
    pub(super) fn randomness(&self, rows: usize, rng: &mut ChaCha8Rng) -> Result<Randomness> {
        let hidden = self.modules.iter().map(|m| m.hidden(rows, rng)).collect();
        let noise = |group: Range<usize>| {
            let (variable, module) = self.mechanism(&group)?;
            self.modules[module].noise(variable, rows, rng)
        };
        Ok(Randomness { hidden, noise: self.twin.groups().into_iter().map(noise).collect::<Result<_>>()? })
    }

    /// The variable of a group of copies, and its module.
    pub(super) fn mechanism(&self, group: &Range<usize>) -> Result<(VarId, usize)> {
        let variable = self.twin.copies[group.start].variable;
        match self.home(variable) {
            Some(module) => Ok((variable, module)),
            None => candle_core::bail!("variable {variable} has no module"),
        }
    }

    /// The columns of the copies of group number `group`, given those of the groups before it, and the logarithms of the
    /// weights that what is known of it gives the rows.
    pub(super) fn values(
        &self,
        group: usize,
        random: &Randomness,
        columns: &[Column],
    ) -> Result<(Vec<Column>, Vec<f64>)> {
        let (copies, rows) = (self.twin.groups()[group].clone(), random.rows());
        let (variable, home) = self.mechanism(&copies)?;
        let (module, hidden) = (self.modules[home], &random.hidden[home]);
        let parents: Vec<Vec<Column>> = copies.clone().map(|at| self.parents(at, rows, columns)).collect();
        let parents: Vec<Vec<&Column>> = parents.iter().map(|p| p.iter().collect()).collect();
        let known = |at: &usize| self.twin.copies[*at].known;
        let observed = copies.clone().find(|at| known(at).is_some()).filter(|_| self.method == Method::Weighting);
        let (mut noise, mut logs) = (Cow::Borrowed(&random.noise[group]), vec![0.0; rows]);
        if let Some((at, value)) = observed.and_then(|at| Some((at, known(&at)?))) {
            let parents = &parents[at - copies.start];
            logs = match self.model.domain(variable) {
                Some(Domain::Image(_)) if copies.len() == 1 => self.picture_weights(variable, value, parents, rows)?,
                _ => module.observe(variable, parents, hidden, noise.to_mut(), value)?,
            };
        }
        let mut found = vec![];
        for at in copies.clone() {
            let column = match known(&at) {
                Some(value) if observed == Some(at) => self.constant(variable, value, rows),
                value => {
                    let draw = || module.replay(variable, &parents[at - copies.start], hidden, &noise);
                    // Inside the pool the operations on images share its threads; they give the same numbers.
                    let column = if self.has_images() { rayon::scope(|_| draw()) } else { draw() }?;
                    if let Some(value) = value {
                        let other = |row: &usize| column.code(*row).is_some_and(|code| code != value);
                        (0..rows).filter(other).for_each(|row| logs[row] = f64::NEG_INFINITY);
                    }
                    column
                }
            };
            found.push(column);
        }
        Ok((found, logs))
    }

    fn parents(&self, copy: usize, rows: usize, columns: &[Column]) -> Vec<Column> {
        let parent = |(place, &variable): (&Place, &VarId)| match *place {
            Place::Code(code) => self.constant(variable, code, rows),
            Place::Copy(at) => columns[at].clone(),
        };
        let TwinCopy { variable, parents, .. } = &self.twin.copies[copy];
        parents.iter().zip(self.model.graph.parents(*variable)).map(parent).collect()
    }

    /// What a known picture says of each row's parents.
    fn picture_weights(&self, variable: VarId, code: u32, parents: &[&Column], rows: usize) -> Result<Vec<f64>> {
        let cards: Option<Vec<usize>> =
            self.model.graph.parents(variable).iter().map(|&p| self.model.card(p)).collect();
        let weights = cards.zip(self.pictures).and_then(|(cards, all)| all.weights(code, parents, &cards, rows));
        match weights {
            Some(weights) => Ok(weights),
            None => {
                candle_core::bail!("what pictures of {} say of its causes is not learnt", self.model.name(variable))
            }
        }
    }

    /// A column of one value.
    fn constant(&self, variable: VarId, code: u32, rows: usize) -> Column {
        if let Some(picture) = self.picture(variable, code, rows) {
            return picture;
        }
        Column::of_codes(vec![code; rows], self.model.domain(variable).is_some_and(Domain::is_real))
    }

    fn picture(&self, variable: VarId, code: u32, rows: usize) -> Option<Column> {
        self.pictures.filter(|_| self.model.domain(variable).is_some_and(Domain::is_image))?.column(code, rows)
    }

    /// The module of a variable.
    fn home(&self, variable: VarId) -> Option<usize> {
        self.modules.iter().position(|m| m.variables().contains(&variable))
    }
}
