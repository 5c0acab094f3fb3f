//! `dcmc check`: diagnostics only, and the repairs they offer.

use super::messages::Messages;
use super::session::{Overlay, SAMPLE, Session, Stop, pretty, print};
use super::{Format, ModelArguments, OK, fix};
use clap::Args;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Make the repairs that are certain enough, in the model file and the files it imports.
    #[arg(long)]
    fix: bool,
    /// Print what `--fix` would change, and change nothing.
    #[arg(long, requires = "fix")]
    dry_run: bool,
}

pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    check(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn check(arguments: &Arguments, messages: Messages) -> Result<u8, Stop> {
    let session = match arguments.fix {
        true => fix::run(&arguments.model, messages, arguments.dry_run)?,
        false => checked(&arguments.model, messages, &Overlay::new())?,
    };
    let found = &session.diagnostics;
    match session.format {
        // A dry run has its changes on standard output.
        _ if arguments.dry_run => messages.tell(found, &session.sources),
        Format::Json => print(&pretty(&session.json())),
        Format::Text if messages.for_programs() => print(&messages.text(found, &session.sources)),
        Format::Text => {
            messages.tell(found, &session.sources);
            if session.exit_code() == OK {
                print(&summary(&session));
            }
        }
    }
    Ok(session.exit_code())
}

/// The model with everything that `check` finds, the texts of `overlay` in the place of files.
pub(super) fn checked(model: &ModelArguments, messages: Messages, overlay: &Overlay) -> Result<Session, Stop> {
    let mut session = Session::open_with(model, messages, SAMPLE, overlay)?;
    let schemas = session.schemas();
    #[cfg(feature = "run")]
    super::pretrained::check(&mut session);
    if !session.has_errors() {
        session.conclude(&schemas);
    }
    Ok(session)
}

fn summary(session: &Session) -> String {
    let model = &session.model;
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    format!(
        "{}: {}, {}, {}: no errors",
        session.path.display(),
        count(model.variables.len(), "variable"),
        count(model.regimes.len(), "data set"),
        count(model.queries.len(), "query").replace("querys", "queries"),
    )
}
