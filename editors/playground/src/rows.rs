//! Rows drawn from the truth block: those that the page shows, and those that its numbers come from.

use dcmc::data::{self, Table};
use dcmc::ide::Analysis;
use dcmc::identification::{Distribution, distributions};
use dcmc::model::{Domain, Model, Source, VarId};
use serde_json::{Value, json};
use std::path::Path;

/// The most rows that are drawn for numbers: quick in any browser.
pub const MOST_ROWS: usize = 20_000;
/// The rows that are shown.
const SHOWN_ROWS: usize = 12;

/// The data sets as far as a page can have them: simulated, without images.
pub struct Drawn {
    /// What formulas are computed from.
    pub distributions: Vec<Distribution>,
    tables: Vec<Table>,
    asked: Vec<usize>,
}

impl Drawn {
    /// Draws the rows of every simulated data set, [`MOST_ROWS`] at most of each.
    pub fn of(analysis: &Analysis) -> Self {
        let mut model = analysis.program.model.clone();
        let mut asked = vec![];
        for regime in &mut model.regimes {
            let Source::Simulate { rows, .. } = &mut regime.source else {
                asked.push(0);
                continue;
            };
            asked.push(*rows);
            *rows = (*rows).min(MOST_ROWS);
        }
        let table = |regime: usize| match is_drawn(&model, &analysis.schemas[regime].observed, regime) {
            true => data::load(&model, regime, Path::new("."), model.settings.seed()).map(|l| l.0).unwrap_or_default(),
            false => Table::default(),
        };
        let tables: Vec<Table> = (0..model.regimes.len()).map(table).collect();
        Self { distributions: distributions(&model, &tables), tables, asked }
    }

    /// The first rows of each data set, in words: `{"name", "about", "head": […], "rows": [[…]]}`.
    pub fn shown(&self, model: &Model) -> Vec<Value> {
        let each = self.tables.iter().enumerate();
        each.map(|(at, table)| {
            let regime = &model.regimes[at];
            let columns: Vec<VarId> = (0..model.variables.len()).filter(|&v| table.observes(v)).collect();
            let head: Vec<&str> = columns.iter().map(|&v| model.name(v)).collect();
            let row = |row: usize| columns.iter().map(|&v| cell(model, table, v, row)).collect::<Vec<_>>();
            let rows: Vec<Vec<String>> = (0..table.rows.min(SHOWN_ROWS)).map(row).collect();
            json!({ "name": regime.name, "about": self.about(model, at), "head": head, "rows": rows })
        })
        .collect()
    }

    fn about(&self, model: &Model, at: usize) -> String {
        let (table, asked) = (&self.tables[at], self.asked[at]);
        match &model.regimes[at].source {
            Source::File { path, .. } => format!("rows of the file {path}, which the playground does not read"),
            Source::Simulate { .. } if table.rows == 0 => {
                format!("{asked} rows with images, which the playground does not draw")
            }
            Source::Simulate { .. } => {
                let all =
                    if table.rows < asked { format!(" of the {asked} that the model asks for") } else { String::new() };
                format!("{} rows drawn from the truth block{all}; the first {}", table.rows, table.rows.min(SHOWN_ROWS))
            }
        }
    }
}

/// What a row says of a variable; real numbers with three decimals.
fn cell(model: &Model, table: &Table, variable: VarId, row: usize) -> String {
    let real = table.reals.get(&variable).map(|numbers| format!("{:.3}", numbers[row]));
    let discrete = || {
        let code = table.column(variable)?[row];
        Some(model.domain(variable).map_or_else(|| code.to_string(), |d| d.value(code).to_string()))
    };
    real.or_else(discrete).unwrap_or_default()
}

fn is_drawn(model: &Model, observed: &[VarId], regime: usize) -> bool {
    let images = observed.iter().any(|&v| matches!(model.domain(v), Some(Domain::Image(_))));
    matches!(model.regimes[regime].source, Source::Simulate { .. }) && !images
}
