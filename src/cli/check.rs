//! `dcmc check`: diagnostics only.

use super::session::{SAMPLE, Session, Stop, pretty, print};
use super::{Format, ModelArguments, OK};
use crate::diag::{ColorChoice, render_json};
use crate::plan::Options;
use clap::Args;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
}

pub(super) fn run(arguments: &Arguments, color: ColorChoice) -> u8 {
    check(arguments, color).unwrap_or_else(|Stop(code)| code)
}

fn check(arguments: &Arguments, color: ColorChoice) -> Result<u8, Stop> {
    let mut session = Session::open(&arguments.model, color, SAMPLE)?;
    let schemas = session.schemas();
    if !session.has_errors() {
        session.plan(&schemas, Options::default());
    }
    let code = session.report();
    match (code, arguments.model.format) {
        (OK, Format::Json) => print(&pretty(&render_json(&session.diagnostics, &session.sources))),
        (OK, Format::Text) => {
            let model = &session.model;
            let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            print(&format!(
                "{}: {}, {}, {}: no errors",
                session.path.display(),
                count(model.variables.len(), "variable"),
                count(model.regimes.len(), "data set"),
                count(model.queries.len(), "query").replace("querys", "queries"),
            ));
        }
        _ => {}
    }
    Ok(code)
}
