//! The command line: one file per subcommand; this one reads the arguments.

mod check;
#[cfg(feature = "run")]
mod doctor;
#[cfg(feature = "run")]
mod estimand;
mod explain;
mod fix;
mod fmt;
mod graph;
mod identify;
mod import;
#[cfg(feature = "run")]
mod individuals;
mod lsp;
mod messages;
#[cfg(feature = "run")]
mod pictures;
mod plan;
mod playground;
#[cfg(feature = "run")]
mod pretrained;
#[cfg(feature = "run")]
pub mod progress;
#[cfg(feature = "run")]
mod results;
#[cfg(feature = "run")]
mod run;
#[cfg(feature = "run")]
mod run_directory;
#[cfg(feature = "run")]
mod sample;
mod session;
#[cfg(feature = "run")]
mod simulate;
mod test;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use messages::Messages;
use std::path::PathBuf;
use std::process::ExitCode;

/// Nothing is wrong.
const OK: u8 = 0;
/// The model has errors.
const MODEL_ERROR: u8 = 1;
/// Wrong arguments, or a file that cannot be read or written.
const USAGE_ERROR: u8 = 2;
/// An `expect` statement does not hold, or the data contradict the graph.
const CHECK_FAILED: u8 = 3;
/// Stopped by the user (128 + SIGINT).
#[cfg(feature = "run")]
const INTERRUPTED: u8 = 130;

/// Compile causal graphs to modular training plans, train them, and ask them causal questions.
#[derive(Parser)]
#[command(name = "dcmc", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    messages: Messages,
}

#[derive(Subcommand)]
enum Command {
    /// Check, plan, train what is not yet trained, answer the queries, write the report.
    #[cfg(feature = "run")]
    Run(run::Arguments),
    /// Report every mistake of a model file, and repair what can be.
    Check(check::Arguments),
    /// Lay out model files the one way: spaces, indentation, columns.
    Fmt(fmt::Arguments),
    /// Show the training plan.
    Plan(plan::Arguments),
    /// Say which queries have one answer, by which formula, or why not.
    Identify(identify::Arguments),
    /// Test what the graph implies (independences and the like) on the data.
    Test(test::Arguments),
    /// Draw the causal graph, or write it for another program.
    Graph(graph::Arguments),
    /// Turn a graph of another program into a model file.
    Import(import::Arguments),
    /// Train without answering the queries.
    #[cfg(feature = "run")]
    Train(run::Arguments),
    /// Answer one query with a trained model.
    #[cfg(feature = "run")]
    Query(run::QueryArguments),
    /// Draw rows from a trained model.
    #[cfg(feature = "run")]
    Sample(sample::Arguments),
    /// Check the fit and the expectations of a trained model.
    #[cfg(feature = "run")]
    Eval(run::Arguments),
    /// Write the rows of a simulated data set.
    #[cfg(feature = "run")]
    Simulate(simulate::Arguments),
    /// Say more about a diagnostic, e.g. `dcmc explain E0301`.
    Explain(explain::Arguments),
    /// Serve an editor: the Language Server Protocol on standard input and output.
    Lsp(lsp::Arguments),
    /// Serve the playground, the front end in a browser, to this machine alone.
    Playground(playground::Arguments),
    /// Say what this program can compute on here, and what is missing.
    #[cfg(feature = "run")]
    Doctor(doctor::Arguments),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What every command on a model takes.
#[derive(Args)]
struct ModelArguments {
    /// The model file.
    model: PathBuf,
    /// Override a setting: train.KEY, train.NODES.KEY, data.NAME or truth.mnist.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// How to print answers.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not mistakes. A closed pipe leaves nobody to tell.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE_ERROR } else { OK });
        }
    };
    let code = match cli.command {
        #[cfg(feature = "run")]
        Command::Run(arguments) => run::run(&arguments, cli.messages, run::Scope::Everything),
        Command::Check(arguments) => check::run(&arguments, cli.messages),
        Command::Plan(arguments) => plan::run(&arguments, cli.messages),
        Command::Fmt(arguments) => fmt::run(&arguments, cli.messages),
        Command::Import(arguments) => import::run(&arguments, cli.messages),
        Command::Identify(arguments) => identify::run(&arguments, cli.messages),
        Command::Test(arguments) => test::run(&arguments, cli.messages),
        Command::Graph(arguments) => graph::run(&arguments, cli.messages),
        #[cfg(feature = "run")]
        Command::Train(arguments) => run::run(&arguments, cli.messages, run::Scope::Training),
        #[cfg(feature = "run")]
        Command::Query(arguments) => run::query(&arguments, cli.messages),
        #[cfg(feature = "run")]
        Command::Doctor(arguments) => doctor::run(&arguments),
        #[cfg(feature = "run")]
        Command::Sample(arguments) => sample::run(&arguments, cli.messages),
        #[cfg(feature = "run")]
        Command::Eval(arguments) => run::run(&arguments, cli.messages, run::Scope::Evaluation),
        #[cfg(feature = "run")]
        Command::Simulate(arguments) => simulate::run(&arguments, cli.messages),
        Command::Explain(arguments) => explain::run(&arguments, cli.messages),
        Command::Lsp(arguments) => lsp::run(&arguments),
        Command::Playground(arguments) => playground::run(&arguments),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "dcmc", &mut std::io::stdout());
            OK
        }
    };
    ExitCode::from(code)
}
