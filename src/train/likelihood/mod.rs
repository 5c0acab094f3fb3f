//! Maximum likelihood over a module's c-factors: no ancestors, no order, no critic.
//!
//! The term of a row is `log Σ_u Π P(u) Π P(v | pa, u)` over the variables that the row's regime
//! teaches, parents at the row's values. By Tian's factorisation its maximum is the true c-factor,
//! whatever the other modules are.

mod elimination;
mod em;
mod layout;
mod posterior;
mod rows;
mod tables;

pub use tables::Recipe;

use super::{Observer, TrainError, Trained};
use crate::data::Table;
use crate::model::{Model, Overrides, VarId};
use crate::plan::Module;
use layout::Layout;
use rows::Rows;

/// Trains a module on the rows of its tasks; `seed` is the run's seed, each module draws from streams
/// of its own.
///
/// # Errors
/// [`TrainError::Data`] where a task names data, variables or columns that `tables` lack or a variable
/// is not discrete; [`TrainError::Cancelled`] on request.
pub fn train(
    model: &Model,
    module: &Module,
    tables: &[Table],
    settings: &Overrides,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Trained, TrainError> {
    train_with(model, module, tables, &Recipe::new(settings), seed, observer)
}

/// [`train`] with all choices spelt out.
///
/// # Errors
/// As [`train`].
pub fn train_with(
    model: &Model,
    module: &Module,
    tables: &[Table],
    recipe: &Recipe,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Trained, TrainError> {
    let data = |message: String| TrainError::Data { module: module.id.clone(), message };
    let variables = variables(model, module).map_err(data)?;
    let shapes = Layout::new(model, &variables, 1).mechanisms;
    let rows = Rows::new(model, module, tables, &shapes).map_err(data)?;
    let job = tables::Job { model, module: &module.id, variables: &variables, rows: &rows, recipe, seed, observer };
    Ok(Trained::Tables(job.fit()?))
}

/// The module's variables by number; they and their parents must be discrete.
fn variables(model: &Model, module: &Module) -> Result<Vec<VarId>, String> {
    let number = |name: &String| model.variables.get_index_of(name).ok_or_else(|| format!("no variable {name}"));
    let variables = module.variables.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    for &v in variables.iter().chain(variables.iter().flat_map(|&v| model.graph.parents(v))) {
        let (name, variable) = model.variables.get_index(v).ok_or("a parent outside the model")?;
        let cardinality = variable.domain.as_ref().and_then(|d| d.cardinality());
        if cardinality.is_none_or(|card| card == 0) {
            return Err(format!("{name} is not discrete"));
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests;
