//! `dcmc simulate`: the rows of a simulated data set as a file.

use super::messages::Messages;
use super::session::{ALL, Session, Stop, usage};
use super::{ModelArguments, OK};
use crate::data;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// The data set, by its name in the model.
    #[arg(long)]
    data: String,
    /// The file to write: .csv, .tsv, .json (images in a folder beside it), .parquet (images as PNG), .npz, .safetensors.
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    simulate(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn simulate(arguments: &Arguments, messages: Messages) -> Result<u8, Stop> {
    let mut session = Session::open(&arguments.model, messages, ALL)?;
    session.settle()?;
    let model = &session.model;
    let Some(regime) = model.regimes.iter().position(|r| r.name == arguments.data) else {
        let names: Vec<&str> = model.regimes.iter().map(|r| r.name.as_str()).collect();
        return Err(usage(format!("there is no data set `{}`; there are: {}", arguments.data, names.join(", "))));
    };
    match data::load(model, regime, &session.base, model.settings.seed()) {
        Ok((table, warnings)) => {
            session.diagnostics.extend(warnings);
            data::write_data(&arguments.output, &session.model, &table)
                .map_err(|e| usage(format!("cannot write {}: {e}", arguments.output.display())))?;
            session.settle()?;
            Ok(OK)
        }
        Err(errors) => {
            session.diagnostics.extend(errors);
            Ok(session.report())
        }
    }
}
