//! `dcmc graph`: the causal graph as a picture or in the language of another program.

use super::messages::Messages;
use super::session::{SAMPLE, Session, Stop, print, usage};
use super::{Format, MODEL_ERROR, ModelArguments};
use crate::plan::Options;
use crate::render::{self, Direction, Drawing};
use crate::truth::Scm;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(super) struct Arguments {
    /// The model file.
    model: PathBuf,
    /// The format to write; by default that of the extension of --output.
    #[arg(long, value_enum)]
    to: Option<To>,
    /// The file to write instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Shade the modules of the training plan.
    #[arg(long)]
    plan: bool,
    /// Which way causes run.
    #[arg(long, value_enum, default_value_t = Run::Right)]
    direction: Run,
    /// Override a setting: train.KEY, train.NODES.KEY or data.NAME.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// A format of graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// A picture for web pages and papers.
    Svg,
    /// A picture as LaTeX code.
    Tikz,
    /// Graphviz.
    Dot,
    /// DAGitty.
    Dagitty,
    /// Mermaid, for Markdown pages.
    Mermaid,
    /// GML, for networkx, igraph and DoWhy.
    Gml,
    /// An edge list of Neural Causal Models.
    Cg,
    /// A Bayesian network with the tables of the truth block.
    Bif,
}

/// Which way causes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Run {
    /// From left to right.
    Right,
    /// From top to bottom.
    Down,
}

impl From<Run> for Direction {
    fn from(run: Run) -> Self {
        match run {
            Run::Right => Self::Right,
            Run::Down => Self::Down,
        }
    }
}

pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    graph(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn graph(arguments: &Arguments, messages: Messages) -> Result<u8, Stop> {
    let to = format(arguments)?;
    let model = ModelArguments { model: arguments.model.clone(), set: arguments.set.clone(), format: Format::Text };
    let mut session = Session::open(&model, messages, SAMPLE)?;
    // A model with mistakes still has a graph: what could be understood is drawn.
    let mut planned = None;
    if arguments.plan {
        let schemas = session.schemas();
        let ready = session.diagnostics.iter().all(|d| !d.is_error() || d.code.starts_with("E07"));
        planned = if ready { session.plan(&schemas, Options::default()) } else { None };
    }
    let code = session.report();
    let mut drawing = Drawing::of(&session.model).described(&session.model, &session.sources);
    if let Some(planned) = &planned {
        drawing = drawing.with_plan(planned, &session.model);
    }
    let direction = arguments.direction.into();
    let text = match to {
        To::Svg => render::svg(&drawing, &session.sources, direction),
        To::Tikz => render::tikz(&drawing, direction),
        To::Dot => render::dot(&drawing),
        To::Dagitty => render::dagitty(&drawing).map_err(usage)?,
        To::Mermaid => render::mermaid(&drawing),
        To::Gml => render::gml(&drawing),
        To::Cg => render::cg(&drawing).map_err(usage)?,
        To::Bif => bif(&session)?,
    };
    write(arguments.output.as_deref(), &text)?;
    Ok(code)
}

fn bif(session: &Session) -> Result<String, Stop> {
    match Scm::build(&session.model) {
        Ok(Some(truth)) => render::bif(&session.model, &truth).map_err(usage),
        Ok(None) => Err(usage("a Bayesian network needs tables: the model has no truth block")),
        Err(_) => Err(Stop(MODEL_ERROR)),
    }
}

fn format(arguments: &Arguments) -> Result<To, Stop> {
    let known = || {
        let names = To::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        names.map(|name| name.get_name().to_owned()).collect::<Vec<_>>().join(", ")
    };
    match (arguments.to, &arguments.output) {
        (Some(to), _) => Ok(to),
        (None, None) => Err(usage(format!("say which format to write: --to with one of {}", known()))),
        (None, Some(file)) => {
            let extension = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            let to = match extension.as_str() {
                "tex" => Some(To::Tikz),
                "gv" => Some(To::Dot),
                "mmd" => Some(To::Mermaid),
                other => To::from_str(other, true).ok(),
            };
            let why = || format!("{} does not say its format: add --to with one of {}", file.display(), known());
            to.ok_or_else(|| usage(why()))
        }
    }
}

/// Writes to a file, or to standard output.
pub(super) fn write(file: Option<&Path>, text: &str) -> Result<(), Stop> {
    match file {
        None => print(text),
        Some(file) => {
            std::fs::write(file, text).map_err(|e| usage(format!("cannot write {}: {e}", file.display())))?;
        }
    }
    Ok(())
}
