//! `dcmc sample`: rows drawn from a trained model.

use super::OK;
use super::messages::Messages;
use super::run::{self, Arguments as RunArguments};
use super::session::{Stop, usage};
use crate::data::{self, Table};
use crate::model::{QueryKind, VarId};
use crate::{query, seed};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    run: RunArguments,
    /// What to draw, e.g. 'P(A, I | do(D = 1))'.
    query: String,
    /// How many rows.
    #[arg(short, default_value_t = 1000)]
    n: usize,
    /// The file to write: .csv, .tsv, .parquet or .json.
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    sample(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn sample(arguments: &Arguments, messages: Messages) -> Result<u8, Stop> {
    let mut trained = run::open_trained(&arguments.run, messages, false)?;
    let query = trained.session.query(&arguments.query)?;
    let QueryKind::Distribution(term) = &query.kind else { return Err(usage("only P(…) can be drawn from")) };
    if term.interventions.iter().chain(&term.evidence).any(|(_, code)| code.is_none()) {
        return Err(usage("give every variable in `do` and in the evidence a value"));
    }
    trained.refuse_unidentified(&arguments.run, &query)?;
    let model = &trained.session.model;
    let fixed = |part: &[(VarId, Option<u32>)]| part.iter().filter_map(|&(v, c)| Some((v, c?))).collect::<Vec<_>>();
    let (interventions, evidence) = (fixed(&term.interventions), fixed(&term.evidence));
    let set: Vec<VarId> = interventions.iter().map(|i| i.0).collect();
    let asked: Vec<VarId> = term.outcome.iter().map(|o| o.0).collect();
    let mut rng = seed::stream(model.settings.seed(), &format!("sample/{}", query.text));
    let modules = trained.modules();
    let wanted: Vec<VarId> = asked.iter().copied().chain(evidence.iter().map(|e| e.0)).collect();
    let mut columns: Vec<Vec<u32>> = vec![vec![]; asked.len()];
    let mut drawn_rows = 0;
    // Evidence is met by rejection: rows that disagree are drawn again.
    while columns[0].len() < arguments.n {
        if drawn_rows > 1_000 * arguments.n.max(1_000) {
            return Err(usage(query::QueryError::NoEvidence(drawn_rows)));
        }
        let batch = arguments.n.max(1_000);
        let draw = query::Draw { model, modules: &modules, wanted: &wanted, rows: batch };
        if let Some(missing) = draw.missing(&set) {
            return Err(usage(query::QueryError::Untrained(model.name(missing).to_owned())));
        }
        let drawn = draw.codes(&interventions, &mut rng).map_err(usage)?;
        drawn_rows += batch;
        let agrees = |row: &usize| evidence.iter().all(|&(v, code)| drawn[v][*row] == code);
        let missing = arguments.n - columns[0].len();
        for row in (0..batch).filter(agrees).take(missing) {
            columns.iter_mut().zip(&asked).for_each(|(column, &v)| column.push(drawn[v][row]));
        }
    }
    let mut table = Table {
        name: query.name,
        rows: arguments.n,
        columns: vec![None; model.variables.len()],
        weights: None,
        ..Table::default()
    };
    for (column, &variable) in columns.into_iter().zip(&asked) {
        table.columns[variable] = Some(column);
    }
    data::write_table(&arguments.output, &data::columns_of_table(model, &table))
        .map_err(|e| usage(format!("cannot write {}: {e}", arguments.output.display())))?;
    Ok(OK)
}
