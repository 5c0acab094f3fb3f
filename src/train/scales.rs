//! The scales of real variables, from the rows that train a module.

use crate::data::Table;
use crate::model::{Domain, Model, VarId};
use crate::nets::real::Scale;
use crate::plan::Module;
use std::collections::{BTreeMap, BTreeSet};

/// The scales of the real ones among `variables`, over the rows of all data sets of the module's tasks.
pub(super) fn scales(
    model: &Model,
    module: &Module,
    tables: &[Table],
    variables: impl IntoIterator<Item = VarId>,
) -> BTreeMap<VarId, Scale> {
    let names: BTreeSet<&String> = module.tasks.iter().map(|task| &task.data).collect();
    let taken: Vec<&Table> = tables.iter().filter(|table| names.contains(&table.name)).collect();
    let scale = |v: VarId| {
        let Some(&Domain::Real { low, high }) = model.domain(v) else { return None };
        let mut values: Vec<(f32, f64)> = vec![];
        for table in &taken {
            let numbers = table.reals.get(&v).into_iter().flatten().enumerate();
            values.extend(numbers.map(|(row, &number)| (number, table.weight(row))));
        }
        Some((v, Scale::fit(&values, (low, high))))
    };
    variables.into_iter().filter_map(scale).collect()
}
