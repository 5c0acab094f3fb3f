//! Images to look at: of every value of an image's discrete parents some drawn ones, and some of the data.

use super::{discrete, image_variables};
use crate::data::Table;
use crate::model::{Term, VarId};
use crate::query::{QueryError, Runtime, Values};

/// Images of one variable, by the values of its discrete parents.
#[derive(Clone, Debug)]
pub struct Gallery {
    /// The variable.
    pub variable: String,
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// One for each combination of the discrete parents' values, at most twelve.
    pub rows: Vec<GalleryRow>,
    /// Combinations that are left out.
    pub omitted: usize,
}

/// Images for one combination of the discrete parents' values; bytes `[channels, height, width]`.
#[derive(Clone, Debug)]
pub struct GalleryRow {
    /// The parents' values, `D = 1, C = red`; empty where there is no discrete parent.
    pub values: String,
    /// Images drawn while the parents are set to these values.
    pub drawn: Vec<Vec<u8>>,
    /// Images of data sets' rows with these values.
    pub real: Vec<Vec<u8>>,
}

const ROWS: usize = 12;
const IMAGES: usize = 8;

/// Images of every image variable of the model.
///
/// # Errors
/// [`QueryError`], and where images of a data set cannot be read.
pub fn gallery(runtime: &Runtime, tables: &[Table]) -> Result<Vec<Gallery>, QueryError> {
    let model = runtime.model;
    let mut galleries = vec![];
    for (variable, shape) in image_variables(model) {
        let parents: Vec<VarId> =
            model.graph.parents(variable).iter().copied().filter(|&p| model.card(p).is_some()).collect();
        let combinations = parents.iter().filter_map(|&p| model.card(p)).product::<usize>();
        let mut rows = vec![];
        for values in runtime.assignments(&parents).into_iter().take(ROWS) {
            let set = values.iter().map(|&(v, code)| (v, Some(code))).collect();
            let term = Term { outcome: vec![(variable, None)], interventions: set, ..Term::default() };
            let text = named(runtime, &values);
            let table = runtime.rows(&(&term).into(), IMAGES, &format!("gallery/{}/{text}", model.name(variable)))?;
            let drawn = table.images(variable).map_or(Ok(vec![]), |i| (0..i.len()).map(|row| i.row(row)).collect());
            rows.push(GalleryRow {
                values: text,
                drawn: drawn.map_err(QueryError::File)?,
                real: real(runtime, tables, variable, &values).map_err(QueryError::File)?,
            });
        }
        let omitted = combinations.saturating_sub(rows.len());
        galleries.push(Gallery { variable: model.name(variable).to_owned(), shape, rows, omitted });
    }
    Ok(galleries)
}

/// The first images of the first data set that has rows with these values.
fn real(runtime: &Runtime, tables: &[Table], variable: VarId, values: &Values) -> std::io::Result<Vec<Vec<u8>>> {
    let parents: Vec<VarId> = values.iter().map(|v| v.0).collect();
    for table in tables {
        let Some(images) = table.images(variable) else { continue };
        if discrete(runtime.model, table, &parents).len() < parents.len() {
            continue;
        }
        let agrees = |row: &usize| values.iter().all(|&(v, code)| table.column(v).is_some_and(|c| c[*row] == code));
        let found: Vec<Vec<u8>> =
            (0..table.rows).filter(agrees).take(IMAGES).map(|row| images.row(row)).collect::<Result<_, _>>()?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(vec![])
}

fn named(runtime: &Runtime, values: &Values) -> String {
    let value = |&(v, code): &(VarId, u32)| {
        let value = runtime.model.domain(v).map(|d| d.value(code).to_string()).unwrap_or_default();
        format!("{} = {value}", runtime.model.name(v))
    };
    values.iter().map(value).collect::<Vec<_>>().join(", ")
}
