//! `dcmc identify`: which queries have one answer, by which formula, or why not.

use super::messages::Messages;
use super::session::{SAMPLE, Session, Stop, pretty, print, usage};
use super::{Format, ModelArguments, OK};
use crate::identification::{Known, judge, to_json, to_text};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// The query, e.g. 'P(Y | do(X))' [default: the queries of the model].
    #[arg(long)]
    query: Option<String>,
    /// Which distributions count as known.
    #[arg(long, value_enum, default_value_t = From::Declared)]
    data: From,
}

/// What is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum From {
    /// The data sets of the model; without any, P(V).
    Declared,
    /// P(V): every variable, observed.
    Observational,
    /// Every experiment.
    All,
}

pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    identify(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn identify(arguments: &Arguments, messages: Messages) -> Result<u8, Stop> {
    let mut session = Session::open(&arguments.model, messages, SAMPLE)?;
    let known = match arguments.data {
        From::Declared => Known::Declared,
        From::Observational => Known::Observational,
        From::All => Known::All,
    };
    let schemas = session.schemas();
    // Whether an assertion holds or a module has data is for `check`.
    session.diagnostics.retain(|d| !matches!(d.code, "E0801" | "E0505"));
    session.settle()?;
    let queries = match &arguments.query {
        Some(text) => vec![session.query(text)?],
        None => session.model.queries.clone(),
    };
    if queries.is_empty() {
        return Err(usage("the model asks nothing: add a query, or give one with --query 'P(Y | do(X))'"));
    }
    let findings: Vec<_> = queries.iter().map(|query| judge(&session.model, &schemas, query, known)).collect();
    match arguments.model.format {
        Format::Json => print(&pretty(&to_json(&session.model, &findings))),
        Format::Text => print(&to_text(&session.model, &findings)),
    }
    Ok(OK)
}
