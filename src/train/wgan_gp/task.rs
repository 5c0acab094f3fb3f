//! A task of the plan made ready: batches of its rows, and the generators' forward pass on them
//! (paper Algorithms 4 and 9).

use super::Inputs;
use super::alias::Alias;
use super::mechanisms::{Drawn, Forward, Hidden, Mechanisms, Part};
use crate::data::{Images, Table};
use crate::model::{Domain, Model, VarId};
use crate::nets::image::{Batch, Classifier, ImageSize, Soft, from_planes};
use crate::nets::ops::{device, largest};
use crate::plan;
use candle_core::{Result, Tensor};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// One distribution to match: `P(generated | given)` of a data set.
pub struct Task<'a> {
    /// The variables generated, parents first.
    parts: Vec<Part>,
    /// The variables whose values come from the rows.
    given: Vec<VarId>,
    /// The values of every variable the task needs.
    columns: BTreeMap<VarId, Values<'a>>,
    /// The encoders of images that the critic sees as codes.
    encoders: BTreeMap<VarId, Soft<Classifier>>,
    /// Of frozen images with discrete parents alone: where their values stand in the rows.
    rows_by_parents: BTreeMap<VarId, RowsByParents>,
    rows: usize,
    rows_by_weight: Option<Alias>,
    /// The rows' distribution over the discrete variables.
    distribution: BTreeMap<Vec<u32>, f64>,
}

/// What a task generates for a batch of rows.
pub struct Fake {
    /// What its critic sees of it.
    pub seen: Batch,
    /// The log probability `[rows]` of all that was chosen, where weights in training act on it.
    pub log_p: Option<Tensor>,
}

/// Values of a task's variables, and the log probability of those that were chosen.
type Generated = (BTreeMap<VarId, Tensor>, Option<Tensor>);

/// The values of a variable in the rows.
enum Values<'a> {
    /// Codes, and the number of values.
    Codes(&'a [u32], usize),
    /// Standardised numbers.
    Numbers(Vec<f32>),
    Images(&'a Images, ImageSize),
}

impl<'a> Values<'a> {
    /// The values of variable `v` in `table`.
    fn of(model: &Model, v: VarId, table: &'a Table, mechanisms: &Mechanisms<'_>) -> std::result::Result<Self, String> {
        let (name, data) = (model.name(v), &table.name);
        if let Some(Domain::Image(shape)) = model.domain(v) {
            let images = table.images(v).filter(|images| images.shape() == *shape);
            let images = images.ok_or_else(|| format!("{name} is not a column of such images in {data}"))?;
            return Ok(Self::Images(images, image_size(*shape)));
        }
        if let Some(scale) = mechanisms.scale(v) {
            let numbers = table.reals.get(&v).ok_or_else(|| format!("{name} is not a column of numbers in {data}"))?;
            return Ok(Self::Numbers(numbers.iter().map(|&x| scale.inward(x) as f32).collect()));
        }
        let (codes, card) =
            table.column(v).zip(model.card(v)).ok_or_else(|| format!("{name} is not a discrete column of {data}"))?;
        if codes.iter().any(|&code| code as usize >= card) {
            return Err(format!("{name} has codes outside its domain in {data}"));
        }
        Ok(Self::Codes(codes, card))
    }

    /// The values of `rows`: one-hot codes `[rows, card]`, numbers `[rows, 1]`, or pictures `[rows, height, width, channels]`.
    fn tensor(&self, rows: &[usize]) -> Result<Tensor> {
        match self {
            Self::Codes(column, card) => {
                let mut codes = vec![0.0f32; card * rows.len()];
                for (&row, codes) in rows.iter().zip(codes.chunks_exact_mut(*card)) {
                    codes[column[row] as usize] = 1.0;
                }
                Tensor::from_vec(codes, (rows.len(), *card), &device())
            }
            Self::Numbers(numbers) => {
                let taken: Vec<f32> = rows.iter().map(|&row| numbers[row]).collect();
                Tensor::from_vec(taken, (rows.len(), 1), &device())
            }
            Self::Images(images, size) => {
                let mut planes = vec![0.0; rows.len() * size.count()];
                images.batch(rows, &mut planes)?;
                from_planes(&planes, *size)
            }
        }
    }
}

/// The rows of each combination of some discrete variables' values.
struct RowsByParents(BTreeMap<Vec<u32>, (Vec<usize>, Option<Alias>)>);

impl RowsByParents {
    /// `None` where a parent is not discrete.
    fn new(parents: &[VarId], columns: &BTreeMap<VarId, Values<'_>>, table: &Table) -> Option<Self> {
        let codes = |v| if let Some(Values::Codes(codes, _)) = columns.get(v) { Some(*codes) } else { None };
        let columns = parents.iter().map(codes).collect::<Option<Vec<&[u32]>>>()?;
        let mut rows: BTreeMap<Vec<u32>, (Vec<usize>, Option<Alias>)> = BTreeMap::new();
        for row in (0..table.rows).filter(|&row| table.weight(row) > 0.0) {
            rows.entry(columns.iter().map(|codes| codes[row]).collect()).or_default().0.push(row);
        }
        if table.weights.is_some() {
            for (rows, alias) in rows.values_mut() {
                *alias = Alias::new(&rows.iter().map(|&row| table.weight(row)).collect::<Vec<f64>>());
            }
        }
        Some(Self(rows))
    }

    /// A row with these values, `None` if there is none.
    fn draw(&self, key: &[u32], rng: &mut ChaCha8Rng) -> Option<usize> {
        use rand::Rng;
        let (rows, alias) = self.0.get(key)?;
        let place = match alias {
            Some(alias) => alias.draw(rng),
            None => rng.random_range(0..rows.len()),
        };
        Some(rows[place])
    }
}

/// The size of an image of this shape: channels, height, width.
pub fn image_size([channels, height, width]: [usize; 3]) -> ImageSize {
    ImageSize { channels, height, width }
}

impl<'a> Task<'a> {
    /// Makes `task` of a module ready, `mechanisms` being the module's own and the frozen ones; `order` names parents before
    /// children.
    ///
    /// # Errors
    /// Says what is missing or unknown.
    pub fn new(
        model: &Model,
        task: &plan::Task,
        inputs: &Inputs<'a>,
        mechanisms: &Mechanisms<'_>,
        order: &[VarId],
    ) -> std::result::Result<Self, String> {
        let table = inputs.tables.iter().find(|t| t.name == task.data);
        let table = table.ok_or_else(|| format!("no data set {}", task.data))?;
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
        let parts: Vec<Part> = order
            .iter()
            .filter(|v| generated.contains(v))
            .map(|&v| mechanisms.part(v).ok_or_else(|| format!("{} has no mechanism yet", model.name(v))))
            .collect::<std::result::Result<_, String>>()?;
        let parents = parts.iter().flat_map(|p| p.parents.iter().copied());
        let mut given: Vec<VarId> =
            numbers(&task.conditions)?.into_iter().chain(interventions).chain(parents).collect();
        given.retain(|v| !generated.contains(v));
        given.sort_unstable();
        given.dedup();
        let mut columns = BTreeMap::new();
        for &v in generated.iter().chain(&given) {
            columns.insert(v, Values::of(model, v, table, mechanisms)?);
        }
        let rows_by_weight = match &table.weights {
            Some(weights) => {
                Some(Alias::new(weights).ok_or_else(|| format!("the weights of {} are not usable", task.data))?)
            }
            None => None,
        };
        let mut encoders = BTreeMap::new();
        for (&v, network) in inputs.encoders.iter().filter(|(v, _)| columns.contains_key(v)) {
            encoders.insert(v, Soft::<Classifier>::fixed(network).map_err(|e| e.to_string())?);
        }
        let mut rows_by_parents = BTreeMap::new();
        for part in parts.iter().filter(|part| !part.is_own() && !part.has_latents()) {
            if matches!(columns[&part.variable], Values::Images(..)) && !part.parents.is_empty() {
                let found = RowsByParents::new(&part.parents, &columns, table);
                rows_by_parents.extend(found.map(|rows| (part.variable, rows)));
            }
        }
        let (rows, distribution) = (table.rows, BTreeMap::new());
        let mut ready = Self { parts, given, columns, encoders, rows_by_parents, rows, rows_by_weight, distribution };
        for row in 0..table.rows {
            *ready.distribution.entry(ready.key(row)).or_insert(0.0) += table.weight(row) / table.total_weight();
        }
        Ok(ready)
    }

    /// The number of rows of the data set.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What the critic sees of a row: numbers, and pictures.
    pub fn sees(&self) -> (usize, Vec<ImageSize>) {
        let (mut codes, mut pictures) = (0, vec![]);
        for v in self.variables() {
            match (&self.columns[&v], self.encoders.get(&v)) {
                (Values::Codes(_, card), _) => codes += card,
                (Values::Numbers(_), _) => codes += 1,
                (Values::Images(..), Some(encoder)) => codes += encoder.architecture.outputs,
                (Values::Images(_, size), None) => pictures.push(*size),
            }
        }
        (codes, pictures)
    }

    /// Whether images are generated or given.
    pub fn has_images(&self) -> bool {
        self.columns.values().any(|values| matches!(values, Values::Images(..)))
    }

    /// Whether a discrete variable is generated.
    pub fn has_codes(&self) -> bool {
        self.parts.iter().any(|part| matches!(self.columns[&part.variable], Values::Codes(..)))
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

    /// What the critic sees of the rows themselves: generated variables, then given ones.
    pub fn real(&self, rows: &[usize]) -> Result<Batch> {
        let values = self.variables().map(|v| Ok((v, self.columns[&v].tensor(rows)?)));
        self.seen(&values.collect::<Result<_>>()?)
    }

    /// For each task what its critic sees of generated values for the given values of its `rows`, in the order of [`Self::real`],
    /// and how likely its choices were. `order` names parents before children.
    pub fn fakes(tasks: &[Self], rows: &[Vec<usize>], order: &[VarId], forward: &mut Forward<'_>) -> Result<Vec<Fake>> {
        let generated = Self::generate(tasks, rows, order, forward)?;
        let seen = |(task, (values, log_p)): (&Self, Generated)| Ok(Fake { seen: task.seen(&values)?, log_p });
        tasks.iter().zip(generated).map(seen).collect()
    }

    /// The given values of each task's `rows` and generated ones for them. A mechanism runs once for all tasks that
    /// generate its variable: in the rows of one of them a parent may be set to a single value, of which a normalisation
    /// over these rows alone would leave nothing.
    fn generate(
        tasks: &[Self],
        rows: &[Vec<usize>],
        order: &[VarId],
        forward: &mut Forward<'_>,
    ) -> Result<Vec<Generated>> {
        let (mut values, mut hidden) = (Vec::with_capacity(tasks.len()), Vec::with_capacity(tasks.len()));
        for (task, rows) in tasks.iter().zip(rows) {
            let given = task.given.iter().map(|v| Ok((*v, task.columns[v].tensor(rows)?)));
            values.push(given.collect::<Result<BTreeMap<VarId, Tensor>>>()?);
            hidden.push(forward.hidden(&task.parts, rows.len())?);
        }
        let mut log_p: Vec<Option<Tensor>> = vec![None; tasks.len()];
        for &v in order {
            let mut runs: Vec<(usize, &Part, Vec<Tensor>)> = vec![];
            for (at, task) in tasks.iter().enumerate() {
                let Some(part) = task.parts.iter().find(|part| part.variable == v) else { continue };
                let parents: Vec<Tensor> = part.parents.iter().map(|p| values[at][p].clone()).collect();
                if let Some(images) = task.images_of_rows(part, &parents, forward)? {
                    values[at].insert(v, images);
                } else {
                    runs.push((at, part, parents));
                }
            }
            let Some((_, part, _)) = runs.first() else { continue };
            let of_all = |parent: usize| Tensor::cat(&runs.iter().map(|run| &run.2[parent]).collect::<Vec<_>>(), 0);
            let parents = (0..part.parents.len()).map(of_all).collect::<Result<Vec<Tensor>>>()?;
            let shared = Hidden::joined(&runs.iter().map(|run| &hidden[run.0]).collect::<Vec<_>>())?;
            let Drawn { value, log_p: chosen } = forward.part(part, &parents, &shared)?;
            let mut start = 0;
            for (at, ..) in runs {
                let count = rows[at].len();
                values[at].insert(v, value.narrow(0, start, count)?);
                if let Some(chosen) = &chosen {
                    let own = chosen.narrow(0, start, count)?;
                    log_p[at] = Some(log_p[at].as_ref().map_or_else(|| Ok(own.clone()), |sum| sum + &own)?);
                }
                start += count;
            }
        }
        Ok(values.into_iter().zip(log_p).collect())
    }

    /// Images of a frozen part, each that of a random row with these values of its parents: a draw from
    /// `P(image | parents)` itself. A mechanism may leave out what is rare in it, which is all that tells what other
    /// parents' values would do (positivity). `None` where its parents are not discrete, hidden causes act on it, or some
    /// values are in no row.
    fn images_of_rows(&self, part: &Part, parents: &[Tensor], forward: &mut Forward<'_>) -> Result<Option<Tensor>> {
        let Some(by_parents) = self.rows_by_parents.get(&part.variable) else { return Ok(None) };
        let count = parents.first().map_or(0, |parent| parent.dims()[0]);
        let mut keys = vec![vec![]; count];
        for parent in parents {
            keys.iter_mut().zip(parent.to_vec2::<f32>()?).for_each(|(key, row)| key.push(largest(&row) as u32));
        }
        let rows: Option<Vec<usize>> = keys.iter().map(|key| by_parents.draw(key, forward.rng)).collect();
        rows.map(|rows| self.columns[&part.variable].tensor(&rows)).transpose()
    }

    fn seen(&self, values: &BTreeMap<VarId, Tensor>) -> Result<Batch> {
        let mut tensors = Vec::with_capacity(values.len());
        for v in self.variables() {
            let value = values[&v].clone();
            tensors.push(match self.encoders.get(&v) {
                Some(encoder) => encoder.outputs(&Batch { codes: None, pictures: vec![value] })?,
                None => value,
            });
        }
        let (pictures, codes): (Vec<Tensor>, Vec<Tensor>) = tensors.into_iter().partition(|t| t.rank() == 4);
        Ok(Batch { codes: if codes.is_empty() { None } else { Some(Tensor::cat(&codes, 1)?) }, pictures })
    }

    /// All variables, generated ones first.
    fn variables(&self) -> impl Iterator<Item = VarId> + '_ {
        self.parts.iter().map(|p| p.variable).chain(self.given.iter().copied())
    }

    /// The total variation distance between the rows' distribution over the discrete variables and that of `samples`
    /// draws: given values from the rows, the others generated by `forward`.
    pub fn distance(&self, samples: usize, forward: &mut Forward<'_>) -> Result<f64> {
        const CHUNK: usize = 250;
        let mut left = self.distribution.clone();
        let chunks = samples.div_ceil(CHUNK);
        let weight = 1.0 / (chunks * CHUNK) as f64;
        for _ in 0..chunks {
            let rows = self.draw(CHUNK, forward.rng);
            let order: Vec<VarId> = self.parts.iter().map(|part| part.variable).collect();
            let values = Self::generate(std::slice::from_ref(self), &[rows], &order, forward)?.remove(0).0;
            let mut keys = vec![vec![]; CHUNK];
            for (v, card) in self.discrete() {
                let codes = values[&v].flatten_all()?.to_vec1::<f32>()?;
                keys.iter_mut().zip(codes.chunks_exact(card)).for_each(|(key, row)| key.push(largest(row) as u32));
            }
            keys.into_iter().for_each(|key| *left.entry(key).or_insert(0.0) -= weight);
        }
        Ok(left.values().map(|d| d.abs()).sum::<f64>() / 2.0)
    }

    /// The codes of a row's discrete variables.
    fn key(&self, row: usize) -> Vec<u32> {
        let code = |v| if let Values::Codes(codes, _) = &self.columns[&v] { Some(codes[row]) } else { None };
        self.variables().filter_map(code).collect()
    }

    /// The discrete variables with their numbers of values.
    fn discrete(&self) -> impl Iterator<Item = (VarId, usize)> + '_ {
        self.variables().filter_map(|v| match self.columns[&v] {
            Values::Codes(_, card) => Some((v, card)),
            Values::Numbers(_) | Values::Images(..) => None,
        })
    }
}
