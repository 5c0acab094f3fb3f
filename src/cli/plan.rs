//! `dcmc plan`: the training plan in words, as JSON, or as a picture.

use super::graph::{Run, write};
use super::messages::Messages;
use super::session::{SAMPLE, Session, Stop, pretty, print};
use super::{Format, MODEL_ERROR, ModelArguments, OK};
use crate::plan::{HGraph, Options, to_text};
use crate::render::{Drawing, page, svg};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Which h-graph orders the modules.
    #[arg(long, value_enum, default_value_t = Graph::Closure)]
    hgraph: Graph,
    /// Draw the plan instead.
    #[arg(long, value_enum, conflicts_with = "format")]
    to: Option<To>,
    /// The file to write instead of standard output.
    #[arg(short, long, value_name = "FILE", requires = "to")]
    output: Option<PathBuf>,
    /// Which way causes run in the picture.
    #[arg(long, value_enum, default_value_t = Run::Right, requires = "to")]
    direction: Run,
}

/// A plan as a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// The graph with its modules shaded.
    Svg,
    /// A page with the graph and the plan in words.
    Html,
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
    session.diagnostics.retain(|d| !matches!(&d.code[1..3], "07" | "08"));
    let planned = if session.has_errors() { None } else { session.plan(&schemas, Options { hgraph }) };
    session.settle()?;
    let Some(planned) = planned else { return Ok(MODEL_ERROR) };
    let (model, source, direction) = (&session.model, &session.sources, arguments.direction.into());
    match (arguments.to, arguments.model.format) {
        (Some(To::Svg), _) => {
            let drawing = Drawing::of(model).described(model, source).with_plan(&planned, model);
            write(arguments.output.as_deref(), &svg(&drawing, source, direction))?;
        }
        (Some(To::Html), _) => write(arguments.output.as_deref(), &page(&planned, model, source, direction))?,
        (None, Format::Json) => print(&pretty(&planned.plan)),
        (None, Format::Text) => print(&to_text(&planned, model)),
    }
    Ok(OK)
}
