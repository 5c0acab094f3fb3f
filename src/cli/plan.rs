//! `dcmc plan`: the training plan in words or as JSON.

use super::messages::Messages;
use super::session::{SAMPLE, Session, Stop, pretty, print};
use super::{Format, MODEL_ERROR, ModelArguments, OK};
use crate::plan::{HGraph, Options, to_text};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Which h-graph orders the modules.
    #[arg(long, value_enum, default_value_t = Graph::Closure)]
    hgraph: Graph,
}

/// The h-graph to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Graph {
    /// From the ancestor sets: sound and least ordered.
    Closure,
    /// The paper's pairwise test, to reproduce its figures.
    Paper,
}

pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    plan(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn plan(arguments: &Arguments, messages: Messages) -> Result<u8, Stop> {
    let mut session = Session::open(&arguments.model, messages, SAMPLE)?;
    let schemas = session.schemas();
    let hgraph = if arguments.hgraph == Graph::Paper { HGraph::Paper } else { HGraph::Closure };
    // `plan` ignores queries: what is wrong with them is for `check` and `run`.
    session.diagnostics.retain(|d| !d.code.starts_with("E07"));
    let planned = if session.has_errors() { None } else { session.plan(&schemas, Options { hgraph }) };
    session.settle()?;
    let Some(planned) = planned else { return Ok(MODEL_ERROR) };
    match arguments.model.format {
        Format::Json => print(&pretty(&planned.plan)),
        Format::Text => print(&to_text(&planned, &session.model)),
    }
    Ok(OK)
}
