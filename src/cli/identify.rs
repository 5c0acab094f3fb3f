//! `dcmc identify`: which queries have one answer, by which formula, or why not.

use super::graph::write;
use super::messages::Messages;
use super::session::{ALL, SAMPLE, Session, Stop, pretty, usage};
use super::{Format, ModelArguments, OK};
use crate::data::{self, Schema, Table};
use crate::identification::{
    Distribution, Evaluation, Known, Report, distributions, evaluate, judge, page, pair, to_json, to_text,
};
use crate::model::Query;
use crate::render::Direction;
use crate::truth::Scm;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
    /// Compute what the formulas give: on the rows of the data sets, and on the truth block exactly. Where there is no
    /// formula, or rows lack what it needs, bounds.
    #[arg(long)]
    evaluate: bool,
    /// For each "no", show two models that agree on all data and differ in the answer.
    #[arg(long)]
    counterexample: bool,
    /// A page with the derivations on the graph; also chosen by an --output that ends in .html.
    #[arg(long, value_enum)]
    to: Option<To>,
    /// The file to write instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Other forms of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// One page without scripts.
    Html,
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
    // Numbers need every value of a variable, verdicts only its type.
    let rows = if arguments.evaluate { ALL } else { SAMPLE };
    let mut session = Session::open(&arguments.model, messages, rows)?;
    let known = match arguments.data {
        From::Declared => Known::Declared,
        From::Observational => Known::Observational,
        From::All => Known::All,
    };
    let schemas = session.schemas();
    // Whether an assertion holds or a module has data is for `check`.
    session.diagnostics.retain(|d| !matches!(d.code, "E0801" | "E0505"));
    let numbers = if arguments.evaluate && !session.has_errors() { Some(Numbers::of(&mut session)) } else { None };
    session.settle()?;
    let queries = match &arguments.query {
        Some(text) => vec![session.query(text)?],
        None => session.model.queries.clone(),
    };
    if queries.is_empty() {
        return Err(usage("the model asks nothing: add a query, or give one with --query 'P(Y | do(X))'"));
    }
    let model = &session.model;
    let report = |query: &Query| {
        let finding = judge(model, &schemas, query, known);
        let no = finding.identifiable() == Some(false);
        Report {
            values: numbers.as_ref().map(|n| n.evaluate(&session, &schemas, query, known)),
            counterexample: (arguments.counterexample && no).then(|| pair(model, &finding)),
            finding,
        }
    };
    let reports: Vec<Report> = queries.iter().map(report).collect();
    let is_page = |file: &PathBuf| file.extension().is_some_and(|e| e.eq_ignore_ascii_case("html"));
    let html = arguments.to == Some(To::Html) || arguments.output.as_ref().is_some_and(is_page);
    let text = match arguments.model.format {
        _ if html => page(model, &reports, &session.sources, Direction::Right),
        Format::Json => pretty(&to_json(model, &reports)) + "\n",
        Format::Text => to_text(model, &reports),
    };
    write(arguments.output.as_deref(), &text)?;
    Ok(OK)
}

/// What formulas are evaluated on.
struct Numbers {
    distributions: Vec<Distribution>,
    truth: Option<Scm>,
}

impl Numbers {
    /// Reads all rows; what is wrong with them is kept as diagnostics.
    fn of(session: &mut Session) -> Self {
        let base = session.base.clone();
        let mut tables = vec![];
        for regime in 0..session.model.regimes.len() {
            if session.model.regimes[regime].test {
                tables.push(Table::default());
                continue;
            }
            match data::load(&session.model, regime, &base, session.model.settings.seed()) {
                Ok((table, warnings)) => {
                    tables.push(table);
                    session.diagnostics.extend(warnings);
                }
                Err(errors) => {
                    tables.push(Table::default());
                    session.diagnostics.extend(errors);
                }
            }
        }
        crate::diag::sort(&mut session.diagnostics);
        let truth = data::ground_truth(&session.model, &session.base).ok().flatten();
        Self { distributions: distributions(&session.model, &tables), truth }
    }

    fn evaluate(&self, session: &Session, schemas: &[Schema], query: &Query, known: Known) -> Evaluation {
        evaluate(&session.model, schemas, query, known, &self.distributions, self.truth.as_ref())
    }
}
