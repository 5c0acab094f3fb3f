//! Rows drawn from the trained model: `sample(…)` queries and `dcmc sample`.

use super::{Asked, Method, QueryError, Runtime, Values, Worlds};
use crate::causal::counterfactual::Place;
use crate::data::{ImagesBuilder, Table};
use crate::model::{Domain, Term, VarId};
use crate::nets::column::Column;
use crate::seed;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Evidence is met by rejection; so many rows are tried for each one wanted, and at least so many in all.
const PATIENCE: usize = 1_000;
const FEWEST_TRIES: usize = 100_000;
/// Bytes of drawn images that are held in memory; more go to a temporary file.
const MEMORY: usize = 1 << 30;
/// Rows from which those are taken that real evidence fits, at least,
const POOL: usize = 50_000;
/// and with images;
const IMAGE_POOL: usize = 2_000;
/// so many are drawn at a time,
const CHUNK: usize = 8192;
/// or with images.
const IMAGE_CHUNK: usize = 256;

impl Runtime<'_> {
    /// Draws `count` rows of the outcome of `term`, whose interventions and evidence have values, images as bytes;
    /// `name` names the random stream.
    ///
    /// # Errors
    /// [`QueryError::NoEvidence`] where (nearly) no row agrees with the evidence, [`QueryError::File`] where images
    /// that need a temporary file cannot be kept.
    pub fn rows(&self, term: &Term, count: usize, name: &str) -> Result<Table, QueryError> {
        let fixed = |part: &[(VarId, Option<u32>)]| part.iter().filter_map(|&(v, c)| Some((v, c?))).collect::<Values>();
        let (interventions, evidence) = (fixed(&term.interventions), fixed(&term.evidence));
        let asked: Vec<VarId> = term.outcome.iter().map(|o| o.0).collect();
        let wanted: Vec<VarId> = asked.iter().copied().chain(evidence.iter().map(|e| e.0)).collect();
        let set: Vec<VarId> = interventions.iter().map(|i| i.0).collect();
        if let Some(missing) = self.draw_rows(&wanted, 0).missing(&set) {
            return Err(QueryError::Untrained(self.model.name(missing).to_owned()));
        }
        let mut rng = seed::stream(self.seed, &format!("sample/{name}"));
        let mut drawn = Drawn::new(self, &asked);
        if evidence.iter().any(|(v, _)| self.model.domain(*v).is_some_and(Domain::is_real)) {
            self.resample(&Asked::in_one_world(&asked, &interventions, &evidence), count, &mut rng, &mut drawn)?;
            return drawn.into_table(name).map_err(QueryError::File);
        }
        let mut tried = 0;
        while drawn.rows < count {
            if tried >= FEWEST_TRIES.max(PATIENCE.saturating_mul(count)) && drawn.rows == 0 {
                return Err(QueryError::NoEvidence(tried));
            }
            let missing = count - drawn.rows;
            let batch = if evidence.is_empty() { missing } else { missing.max(1_000) };
            let set: Vec<(VarId, Vec<u32>)> = interventions.iter().map(|&(v, code)| (v, vec![code; batch])).collect();
            let mut kept = Ok(());
            self.draw_rows(&wanted, batch).each(&set, &mut rng, &mut |range, columns| {
                let agrees = |row: &usize| evidence.iter().all(|&(v, code)| code_of(&columns[v], *row) == Some(code));
                for row in (0..range.len()).filter(agrees) {
                    if drawn.rows < count && kept.is_ok() {
                        kept = drawn.keep(columns, row);
                    }
                }
            })?;
            kept.map_err(QueryError::File)?;
            tried += batch;
        }
        drawn.into_table(name).map_err(QueryError::File)
    }
}

impl Runtime<'_> {
    /// Draws `count` rows from many more that are weighted by the evidence (Rubin 1988, sampling importance resampling): no row
    /// has exactly the real number that is known.
    fn resample(&self, asked: &Asked, count: usize, rng: &mut ChaCha8Rng, drawn: &mut Drawn) -> Result<(), QueryError> {
        let twin = asked.twin(self.model).ok_or(QueryError::NoEvidence(0))?;
        let worlds = Worlds { model: self.model, modules: &self.modules, twin: &twin, method: Method::Weighting };
        let (chunk, rows) = match worlds.has_images() {
            true => (IMAGE_CHUNK, IMAGE_POOL.max(4 * count)),
            false => (CHUNK, POOL.max(10 * count)),
        };
        let (mut pool, mut shares, mut total) = (vec![], vec![], 0.0);
        for _ in 0..rows.div_ceil(chunk) {
            let (columns, weights) = worlds.chunk(chunk, rng)?;
            let mut by_variable: Vec<Option<Column>> = vec![None; self.model.variables.len()];
            for (&(variable, _), place) in asked.outcome.iter().zip(&twin.outcome) {
                by_variable[variable] = Some(match *place {
                    Place::Code(code) => worlds.constant(variable, code, chunk),
                    Place::Copy(at) => columns[at].clone(),
                });
            }
            pool.push(by_variable);
            shares.extend(weights.into_iter().map(|weight| {
                total += weight;
                total
            }));
        }
        if total <= 0.0 {
            return Err(QueryError::NoEvidence(shares.len()));
        }
        for _ in 0..count {
            let mark = rng.random::<f64>() * total;
            let at = shares.partition_point(|share| *share <= mark).min(shares.len() - 1);
            drawn.keep(&pool[at / chunk], at % chunk).map_err(QueryError::File)?;
        }
        Ok(())
    }
}

/// The rows kept so far.
#[derive(Default)]
struct Drawn {
    rows: usize,
    variables: usize,
    codes: BTreeMap<VarId, Vec<u32>>,
    reals: BTreeMap<VarId, Vec<f32>>,
    images: BTreeMap<VarId, ImagesBuilder>,
}

impl Drawn {
    fn new(runtime: &Runtime, asked: &[VarId]) -> Self {
        let mut drawn = Self { variables: runtime.model.variables.len(), ..Self::default() };
        for &variable in asked {
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
        drawn
    }

    fn keep(&mut self, columns: &[Option<Column>], row: usize) -> std::io::Result<()> {
        for (&variable, codes) in &mut self.codes {
            codes.extend(code_of(&columns[variable], row));
        }
        for (&variable, numbers) in &mut self.reals {
            numbers.extend(code_of(&columns[variable], row).map(f32::from_bits));
        }
        for (&variable, images) in &mut self.images {
            if let Some(Column::Pixels(pixels)) = &columns[variable] {
                images.push(&pixels.bytes(row))?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn into_table(self, name: &str) -> std::io::Result<Table> {
        let mut columns = vec![None; self.variables];
        for (variable, codes) in self.codes {
            columns[variable] = Some(codes);
        }
        let images = self.images.into_iter().map(|(v, builder)| Ok((v, builder.finish()?)));
        let images = images.collect::<std::io::Result<_>>()?;
        Ok(Table { name: name.to_owned(), rows: self.rows, columns, reals: self.reals, images, ..Table::default() })
    }
}

fn code_of(column: &Option<Column>, row: usize) -> Option<u32> {
    column.as_ref()?.code(row)
}
