//! Rows drawn from the trained model: `sample(…)` queries and `dcmc sample`.

use super::cases::asked;
use super::particles::Particles;
use super::pictures::exchanged;
use super::{QueryError, Runtime, Worlds};
use crate::data::{ImagesBuilder, Table};
use crate::model::{CounterfactualTerm, Domain, VarId};
use crate::nets::column::Column;
use crate::seed;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Evidence is met by rejection; so many rows are tried for each one wanted, and at least so many in all. If that will not do,
/// particles take over.
const PATIENCE: usize = 1_000;
const FEWEST_TRIES: usize = 100_000;
/// So many particles are taken between two sweeps of moves.
const TAKEN: usize = 64;
/// Bytes of drawn images that are held in memory; more go to a temporary file.
const MEMORY: usize = 1 << 30;
/// Rows from which those are taken that real evidence and pictures fit, at least,
const POOL: usize = 50_000;
/// and with images.
const IMAGE_POOL: usize = 2_000;

impl Runtime<'_> {
    /// Draws `count` rows of the outcome of `term`, whose conditions have values, each of its variables in one world, images
    /// as bytes; `name` names the random stream.
    ///
    /// # Errors
    /// [`QueryError::NoEvidence`] where (nearly) no row agrees with the evidence, [`QueryError::File`] where images
    /// that need a temporary file cannot be kept.
    pub fn rows(&self, term: &CounterfactualTerm, count: usize, name: &str) -> Result<Table, QueryError> {
        let asked = exchanged(self.model, &asked(term, &vec![]));
        let twin = asked.twin(self.model).ok_or(QueryError::NoEvidence(0))?;
        let worlds = self.worlds(&asked, &twin);
        if let Some(missing) = worlds.missing() {
            return Err(QueryError::Untrained(self.model.name(missing).to_owned()));
        }
        let variables: Vec<VarId> = asked.outcome.iter().map(|o| o.0).collect();
        let mut rng = seed::stream(self.seed, &format!("sample/{name}"));
        let mut drawn = Drawn::new(self, variables);
        let continuous = |v: VarId| self.model.domain(v).is_some_and(|domain| domain.is_real() || domain.is_image());
        if asked.evidence.iter().any(|(v, ..)| continuous(*v)) {
            drawn.resample(&worlds, count, &mut rng)?;
        } else {
            drawn.reject(&worlds, count, asked.evidence.is_empty(), &mut rng)?;
        }
        drawn.into_table(name).map_err(QueryError::File)
    }
}

/// The rows kept so far.
#[derive(Default)]
struct Drawn {
    rows: usize,
    /// The number of variables of the model, and those that are drawn.
    of: usize,
    variables: Vec<VarId>,
    codes: BTreeMap<VarId, Vec<u32>>,
    reals: BTreeMap<VarId, Vec<f32>>,
    images: BTreeMap<VarId, ImagesBuilder>,
}

impl Drawn {
    fn new(runtime: &Runtime, asked: Vec<VarId>) -> Self {
        let mut drawn = Self { of: runtime.model.variables.len(), ..Self::default() };
        for &variable in &asked {
            match runtime.model.domain(variable) {
                Some(Domain::Image(shape)) => {
                    drawn.images.insert(variable, ImagesBuilder::new(*shape, MEMORY));
                }
                Some(Domain::Real { .. }) => {
                    drawn.reals.insert(variable, vec![]);
                }
                _ => {
                    drawn.codes.insert(variable, vec![]);
                }
            }
        }
        Self { variables: asked, ..drawn }
    }

    /// Draws rows and keeps each as often as its evidence happens, until there are `count`; all of them where there is none.
    fn reject(&mut self, worlds: &Worlds, count: usize, all: bool, rng: &mut ChaCha8Rng) -> Result<(), QueryError> {
        let (mut tried, mut moved) = (0, false);
        while self.rows < count {
            let most = FEWEST_TRIES.max(PATIENCE.saturating_mul(count));
            let hopeless = tried >= FEWEST_TRIES.min(most) && self.rows * most < count * tried;
            if hopeless && !moved {
                moved = true;
                self.take_particles(worlds, count, rng)?;
                continue;
            }
            if tried >= most && self.rows == 0 {
                return Err(QueryError::NoEvidence(tried));
            }
            let missing = count - self.rows;
            let batch = if all { missing } else { missing.max(1_000) }.min(worlds.most());
            let (columns, weights) = worlds.outcome(&self.variables, batch, rng)?;
            for (row, weight) in weights.into_iter().enumerate() {
                if self.rows < count && (weight >= 1.0 || rng.random::<f64>() < weight) {
                    self.keep(&columns, row).map_err(QueryError::File)?;
                }
            }
            tried += batch;
        }
        Ok(())
    }

    /// Takes `count` rows from many more that are weighted by the evidence (Rubin 1988, sampling importance resampling): no
    /// row has exactly the real number that is known.
    fn resample(&mut self, worlds: &Worlds, count: usize, rng: &mut ChaCha8Rng) -> Result<(), QueryError> {
        let chunk = worlds.most();
        let rows = if worlds.has_images() { IMAGE_POOL.max(4 * count) } else { POOL.max(10 * count) };
        let (mut pool, mut shares, mut total, mut squares) = (vec![], vec![], 0.0, 0.0);
        for _ in 0..rows.div_ceil(chunk) {
            let (columns, weights) = worlds.outcome(&self.variables, chunk, rng)?;
            pool.push(columns);
            shares.extend(weights.into_iter().map(|weight| {
                total += weight;
                squares += weight * weight;
                total
            }));
        }
        let ess = if squares > 0.0 { total * total / squares } else { 0.0 };
        if ess < 2.0 * count as f64 {
            self.take_particles(worlds, count, rng)?;
        }
        if total <= 0.0 && self.rows < count {
            return Err(QueryError::NoEvidence(shares.len()));
        }
        let count = count - self.rows;
        for _ in 0..count {
            let mark = rng.random::<f64>() * total;
            let at = shares.partition_point(|share| *share <= mark).min(shares.len() - 1);
            self.keep(&pool[at / chunk], at % chunk).map_err(QueryError::File)?;
        }
        Ok(())
    }

    /// Rows of the posterior beside those kept so far, until there are `count`; none where particles do not get there.
    fn take_particles(&mut self, worlds: &Worlds, count: usize, rng: &mut ChaCha8Rng) -> Result<(), QueryError> {
        let Some(mut particles) = Particles::anneal(worlds, rng)? else { return Ok(()) };
        while self.rows < count {
            particles.sweep(1.0, rng)?;
            let rows = particles.choose(TAKEN.min(count - self.rows), rng);
            let columns = worlds.outcome_of(&self.variables, particles.columns(), particles.rows());
            for row in rows {
                self.keep(&columns, row).map_err(QueryError::File)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, columns: &[Column], row: usize) -> std::io::Result<()> {
        for (variable, column) in self.variables.iter().zip(columns) {
            match column {
                Column::Codes(all) => self.codes.entry(*variable).or_default().extend(all.get(row)),
                Column::Reals(all) => self.reals.entry(*variable).or_default().extend(all.get(row)),
                Column::Pixels(pixels) => match self.images.get_mut(variable) {
                    Some(images) => images.push(&pixels.bytes(row))?,
                    None => continue,
                },
                Column::Still(picture, _) => match self.images.get_mut(variable) {
                    Some(images) => images.push(&picture.bytes(0))?,
                    None => continue,
                },
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn into_table(self, name: &str) -> std::io::Result<Table> {
        let mut columns = vec![None; self.of];
        for (variable, codes) in self.codes {
            columns[variable] = Some(codes);
        }
        let images = self.images.into_iter().map(|(v, builder)| Ok((v, builder.finish()?)));
        let images = images.collect::<std::io::Result<_>>()?;
        Ok(Table { name: name.to_owned(), rows: self.rows, columns, reals: self.reals, images, ..Table::default() })
    }
}
