//! Rows drawn from the trained model: `sample(…)` queries and `dcmc sample`.

use super::cases::asked;
use super::{Method, QueryError, Runtime, Worlds};
use crate::data::{ImagesBuilder, Table};
use crate::model::{CounterfactualTerm, Domain, VarId};
use crate::nets::column::Column;
use crate::seed;
use rand::Rng;
use std::collections::BTreeMap;

/// Evidence is met by rejection; so many rows are tried for each one wanted, and at least so many in all.
const PATIENCE: usize = 1_000;
const FEWEST_TRIES: usize = 100_000;
/// Bytes of drawn images that are held in memory; more go to a temporary file.
const MEMORY: usize = 1 << 30;

impl Runtime<'_> {
    /// Draws `count` rows of the outcome of `term`, whose conditions have values, each of its variables in one world, images
    /// as bytes; `name` names the random stream.
    ///
    /// # Errors
    /// [`QueryError::NoEvidence`] where (nearly) no row agrees with the evidence, [`QueryError::File`] where images
    /// that need a temporary file cannot be kept.
    pub fn rows(&self, term: &CounterfactualTerm, count: usize, name: &str) -> Result<Table, QueryError> {
        let asked = asked(term, &vec![]);
        let twin = asked.twin(self.model).ok_or(QueryError::NoEvidence(0))?;
        let worlds = Worlds { model: self.model, modules: &self.modules, twin: &twin, method: Method::Weighting };
        if let Some(missing) = worlds.missing() {
            return Err(QueryError::Untrained(self.model.name(missing).to_owned()));
        }
        let variables: Vec<VarId> = asked.outcome.iter().map(|o| o.0).collect();
        let mut rng = seed::stream(self.seed, &format!("sample/{name}"));
        let mut drawn = Drawn::new(self, &variables);
        let mut tried = 0;
        while drawn.rows < count {
            if tried >= FEWEST_TRIES.max(PATIENCE.saturating_mul(count)) && drawn.rows == 0 {
                return Err(QueryError::NoEvidence(tried));
            }
            let missing = count - drawn.rows;
            let batch = if asked.evidence.is_empty() { missing } else { missing.max(1_000) }.min(worlds.most());
            let (columns, weights) = worlds.outcome(batch, &mut rng)?;
            for (row, weight) in weights.into_iter().enumerate() {
                // A row is kept as often as its evidence happens.
                if drawn.rows < count && (weight >= 1.0 || rng.random::<f64>() < weight) {
                    drawn.keep(&variables, &columns, row).map_err(QueryError::File)?;
                }
            }
            tried += batch;
        }
        drawn.into_table(name).map_err(QueryError::File)
    }
}

/// The rows kept so far.
struct Drawn {
    rows: usize,
    variables: usize,
    codes: BTreeMap<VarId, Vec<u32>>,
    images: BTreeMap<VarId, ImagesBuilder>,
}

impl Drawn {
    fn new(runtime: &Runtime, asked: &[VarId]) -> Self {
        let mut drawn =
            Self { rows: 0, variables: runtime.model.variables.len(), codes: BTreeMap::new(), images: BTreeMap::new() };
        for &variable in asked {
            match runtime.model.domain(variable) {
                Some(Domain::Image(shape)) => {
                    drawn.images.insert(variable, ImagesBuilder::new(*shape, MEMORY));
                }
                _ => {
                    drawn.codes.insert(variable, vec![]);
                }
            }
        }
        drawn
    }

    fn keep(&mut self, variables: &[VarId], columns: &[Column], row: usize) -> std::io::Result<()> {
        for (variable, column) in variables.iter().zip(columns) {
            match column {
                Column::Codes(all) => self.codes.entry(*variable).or_default().extend(all.get(row)),
                Column::Pixels(pixels) => match self.images.get_mut(variable) {
                    Some(images) => images.push(&pixels.bytes(row))?,
                    None => continue,
                },
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
        Ok(Table { name: name.to_owned(), rows: self.rows, columns, images, ..Table::default() })
    }
}
