//! `dcmc graph`: the causal graph as a picture or in the language of another program.

use super::session::{Session, Stop, print, usage};
use super::{Format, ModelArguments};
use crate::diag::ColorChoice;
use crate::plan::Options;
use crate::render::{Direction, Drawing, svg, tikz};
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

pub(super) fn run(arguments: &Arguments, color: ColorChoice) -> u8 {
    graph(arguments, color).unwrap_or_else(|Stop(code)| code)
}

fn graph(arguments: &Arguments, color: ColorChoice) -> Result<u8, Stop> {
    let to = format(arguments)?;
    let model = ModelArguments { model: arguments.model.clone(), set: arguments.set.clone(), format: Format::Text };
    let mut session = Session::open(&model, color)?;
    // A model with mistakes still has a graph: what could be understood is drawn.
    let mut planned = None;
    if arguments.plan {
        let schemas = session.schemas();
        let ready = session.diagnostics.iter().all(|d| !d.is_error() || d.code.starts_with("E07"));
        planned = if ready { session.plan(&schemas, Options::default()) } else { None };
    }
    let code = session.report();
    let mut drawing = Drawing::of(&session.model).described(&session.model, &session.text);
    if let Some(planned) = &planned {
        drawing = drawing.with_plan(planned, &session.model);
    }
    let direction = arguments.direction.into();
    let text = match to {
        To::Svg => svg(&drawing, &session.text, direction),
        To::Tikz => tikz(&drawing, direction),
    };
    write(arguments.output.as_deref(), &text)?;
    Ok(code)
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
            let to = if extension == "tex" { Some(To::Tikz) } else { To::from_str(&extension, true).ok() };
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
