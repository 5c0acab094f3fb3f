//! Maximum likelihood over a module's c-factors: no ancestors, no order, no critic.
//!
//! The term of a row is `log Σ_u Π P(u) Π P(v | pa, u)` over the variables that the row's regime
//! teaches, parents at the row's values. By Tian's factorisation its maximum is the true c-factor,
//! whatever the other modules are.

mod elimination;
mod em;
mod layout;
mod networks;
mod pictures;
mod posterior;
mod rows;
mod tables;

pub use networks::HELD_OUT;
pub use tables::Recipe;

use super::{Observer, TrainError, Trained};
use crate::data::Table;
use crate::model::{Domain, Model, Overrides, VarId};
use crate::plan::Module;
use layout::Layout;
use rows::Rows;

/// Trains a module on the rows of its tasks; `seed` is the run's seed, each module draws from streams
/// of its own.
///
/// # Errors
/// [`TrainError::Data`] where a task names data, variables or columns that `tables` lack, a variable is not
/// discrete or real, or a parent neither that nor an image; [`TrainError::Cancelled`] on request.
pub fn train(
    model: &Model,
    module: &Module,
    tables: &[Table],
    settings: &Overrides,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Trained, TrainError> {
    let (variables, rows) = prepare(model, module, tables)?;
    if !tables_suffice(model, &variables, &rows) {
        let rows = &rows;
        let job = networks::Job { model, module: &module.id, variables: &variables, rows, settings, seed, observer };
        let networks = job.fit()?;
        // As tables the networks can be summed over exactly.
        let few = networks.table_cells() * networks.members.len() as f64 <= tables::MAX_CELLS as f64;
        return Ok(if few { Trained::Tables(networks.tabulate()) } else { Trained::Conditionals(networks) });
    }
    let recipe = Recipe::new(settings);
    let job =
        tables::Job { model, module: &module.id, variables: &variables, rows: &rows, recipe: &recipe, seed, observer };
    Ok(Trained::Tables(job.fit()?))
}

/// Fits tables, all choices spelt out, whatever their size.
///
/// # Errors
/// As [`train`]; there can be no real variables, and no images as parents.
pub fn train_tables(
    model: &Model,
    module: &Module,
    tables: &[Table],
    recipe: &Recipe,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Trained, TrainError> {
    let (variables, rows) = prepare(model, module, tables)?;
    if !rows.reals.is_empty() || Layout::new(model, &variables, 1).mechanisms.iter().any(|m| m.images() > 0) {
        let message = "tables have no real variables, and no images as parents".to_owned();
        return Err(TrainError::Data { module: module.id.clone(), message });
    }
    let job = tables::Job { model, module: &module.id, variables: &variables, rows: &rows, recipe, seed, observer };
    Ok(Trained::Tables(job.fit()?))
}

fn prepare(model: &Model, module: &Module, tables: &[Table]) -> Result<(Vec<VarId>, Rows), TrainError> {
    let data = |message: String| TrainError::Data { module: module.id.clone(), message };
    let variables = variables(model, module).map_err(data)?;
    let shapes = Layout::new(model, &variables, 1).mechanisms;
    let rows = Rows::new(model, module, tables, &shapes).map_err(data)?;
    Ok((variables, rows))
}

/// Whether tables fit into memory and the rows fill them: some rows for each joint value of a variable's
/// parents, unless those are few anyway. Otherwise a network generalises from one to the other.
fn tables_suffice(model: &Model, variables: &[VarId], rows: &Rows) -> bool {
    let layout = Layout::new(model, variables, 2);
    let enough = (rows.total_weight() / ROWS_PER_CELL).max(FEW_CELLS);
    rows.reals.is_empty()
        && layout.cells <= tables::MAX_CELLS
        && layout.mechanisms.iter().all(|m| m.rows() as f64 <= enough)
}

/// Rows per joint value of a variable's parents from which on a table is preferred to a network.
const ROWS_PER_CELL: f64 = 4.0;
/// Joint values of a variable's parents up to which a table is preferred anyway.
const FEW_CELLS: f64 = 256.0;

/// The module's variables by number; they must be discrete or real, their parents that or images.
fn variables(model: &Model, module: &Module) -> Result<Vec<VarId>, String> {
    let number = |name: &String| model.variables.get_index_of(name).ok_or_else(|| format!("no variable {name}"));
    let variables = module.variables.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    for &v in &variables {
        numeric(model, v)?;
        for &parent in model.graph.parents(v) {
            match model.domain(parent) {
                Some(&Domain::Image(shape)) => {
                    let wrong = |why: String| format!("{} is {why}", model.name(parent));
                    pictures::size(shape).check().map_err(wrong)?;
                }
                _ => numeric(model, parent)?,
            }
        }
    }
    Ok(variables)
}

fn numeric(model: &Model, variable: VarId) -> Result<(), String> {
    match (model.card(variable), model.domain(variable)) {
        (Some(1..), _) | (_, Some(Domain::Real { .. })) => Ok(()),
        _ => Err(format!("{} is neither discrete nor real", model.name(variable))),
    }
}

#[cfg(test)]
mod image_tests;
#[cfg(test)]
mod tests;
