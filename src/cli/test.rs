//! `dcmc test`: what the graph implies, checked against the data.

use super::messages::Messages;
use super::session::{ALL, Session, Stop, pretty, print, usage};
use super::{CHECK_FAILED, Format, ModelArguments, OK};
use crate::data;
use crate::implications::{self, Correction, statements, to_json, to_text};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// The level of the tests, between 0 and 1.
    #[arg(long, default_value_t = 0.05)]
    alpha: f64,
    /// How the number of tests is accounted for.
    #[arg(long, value_enum, default_value_t = Accounting::Holm)]
    correction: Accounting,
    /// The most statements to print as text; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 40)]
    limit: usize,
}

/// How the number of tests is accounted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Accounting {
    /// The chance of any false alarm stays below the level.
    Holm,
    /// The expected share of false alarms among the failures stays below it (Benjamini-Hochberg).
    Fdr,
    /// Each test on its own.
    None,
}

pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    test(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn test(arguments: &Arguments, messages: Messages) -> Result<u8, Stop> {
    if !(arguments.alpha > 0.0 && arguments.alpha < 1.0) {
        return Err(usage(format!("--alpha takes a number between 0 and 1, not {}", arguments.alpha)));
    }
    let mut session = Session::open(&arguments.model, messages, ALL)?;
    let schemas = session.schemas();
    // What is trained, and whether the data suffice for that, does not matter here.
    session.diagnostics.retain(|d| !matches!(d.code, "E0801" | "E0505" | "W0609" | "W0509" | "W0507"));
    session.settle()?;
    let mut tables = vec![];
    for (regime, schema) in schemas.into_iter().enumerate() {
        match data::load(&session.model, regime, &session.base, session.model.settings.seed()) {
            Ok((table, warnings)) => {
                session.diagnostics.extend(warnings.into_iter().filter(|d| d.code == "W0508"));
                tables.push((regime, schema, table));
            }
            Err(errors) => session.diagnostics.extend(errors),
        }
    }
    session.settle()?;
    let correction = match arguments.correction {
        Accounting::Holm => Correction::Holm,
        Accounting::Fdr => Correction::Fdr,
        Accounting::None => Correction::None,
    };
    let model = &session.model;
    let all: Vec<usize> = (0..model.variables.len()).collect();
    let (implied, complete) = statements(&model.graph, &all);
    let findings = implications::test(model, &tables, arguments.alpha, correction);
    match arguments.model.format {
        Format::Json => print(&pretty(&to_json(model, &implied, &findings))),
        Format::Text => print(&to_text(model, (&implied, complete), &findings, arguments.limit)),
    }
    Ok(if findings.failures() > 0 { CHECK_FAILED } else { OK })
}
