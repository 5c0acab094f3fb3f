//! `dcmc sample`: rows drawn from a trained model.

use super::OK;
use super::messages::Messages;
use super::pictures;
use super::run::{self, Arguments as RunArguments, Scope};
use super::session::{Stop, usage};
use crate::data::{self, Grid};
use crate::model::QueryKind;
use crate::nets::ops::with_device;
use clap::Args;
use std::path::{Path, PathBuf};

/// Rows drawn where nothing says how many.
const ROWS: usize = 1_000;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    run: RunArguments,
    /// What to draw, e.g. 'P(A | do(D = 1))', or with images 'sample(A, I | do(D = 1))'.
    query: String,
    /// How many rows [default: 1000, or the `n` of `sample(…)`].
    #[arg(short)]
    n: Option<usize>,
    /// The file to write: .csv, .tsv, .json (images in a folder beside it), .parquet (images as PNG), .npz,
    /// .safetensors, .png (one picture of all images), or a folder/.
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    sample(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn sample(arguments: &Arguments, messages: Messages) -> Result<u8, Stop> {
    let mut opened = run::open_trained(&arguments.run, messages)?;
    let query = opened.0.query(&arguments.query)?;
    let (term, count) = match &query.kind {
        QueryKind::Distribution(term) => (term.into(), arguments.n.unwrap_or(ROWS)),
        QueryKind::Samples { term, count } => (term.clone(), arguments.n.unwrap_or(*count)),
        _ => return Err(usage("only `sample(…)`, and `P(…)` in one world, can be drawn from")),
    };
    if term.open_condition().is_some() {
        return Err(usage("give every variable in `do` and in the evidence a value"));
    }
    let mut trained = run::train(&arguments.run, opened, Scope::Question)?;
    trained.refuse_unidentified(&arguments.run, &query)?;
    let table = with_device(trained.device.clone(), || {
        pictures::ready(&mut trained, std::slice::from_ref(&query), arguments.run.quiet)?;
        trained.runtime().rows(&term, count, &query.text).map_err(usage)
    })?;
    let output = arguments.output.to_string_lossy();
    data::write_samples(&output, Path::new(""), &trained.session.model, &table, Grid::default())
        .map_err(|e| usage(format!("cannot write {output}: {e}")))?;
    Ok(OK)
}
