//! `dcmc check --fix`: makes the repairs that diagnostics offer, as long as they do not lead to more errors.

use super::ModelArguments;
use super::check::checked;
use super::fmt::difference;
use super::messages::Messages;
use super::session::{Overlay, Session, Stop, print, usage};
use crate::diag::Diagnostic;
use crate::diag::fix::{self, Made};
use std::io;
use std::path::Path;

/// A repair may uncover what another can repair; after so many rounds that is enough.
const ROUNDS: usize = 10;

/// The model after some repairs: its changed texts and what there is still to say.
struct State {
    texts: Overlay,
    session: Session,
    made: Vec<Made>,
}

/// Repairs the model file and the files it imports and returns what is left; `dry_run` prints the changes instead.
pub(super) fn run(model: &ModelArguments, messages: Messages, dry_run: bool) -> Result<Session, Stop> {
    let start = State { texts: Overlay::new(), session: checked(model, messages, &Overlay::new())?, made: vec![] };
    let original: Overlay =
        start.session.sources.files().iter().map(|file| (file.name.clone(), file.text.clone())).collect();
    let (best, left_alone) = repair(start, model, messages)?;
    for Made { file, place: (line, column), code, title } in &best.made {
        eprintln!("{file}:{line}:{column}: {code}: {title}");
    }
    if left_alone {
        eprintln!("some repairs were not made: they would lead to more errors");
    }
    for (name, text) in &best.texts {
        let old = original.get(name).map_or("", String::as_str);
        if dry_run {
            print(&difference(old, text, name, name));
        } else {
            replace(Path::new(name), old, text).map_err(|e| usage(format!("cannot write {name}: {e}")))?;
        }
    }
    Ok(best.session)
}

/// The state with the fewest errors that repairs lead to, and whether some repairs lead further but not better.
fn repair(start: State, model: &ModelArguments, messages: Messages) -> Result<(State, bool), Stop> {
    let mut best = start;
    let mut next = repaired(&best, None, model, messages)?;
    let mut left_alone = false;
    for _ in 0..ROUNDS {
        let Some(state) = next else { break };
        next = repaired(&state, None, model, messages)?;
        left_alone = errors(&state) > errors(&best);
        if !left_alone {
            best = state;
        }
    }
    // What does harm together may do good one by one.
    let mut at = 0;
    while left_alone && at < ROUNDS {
        let Some(state) = repaired(&best, Some(at), model, messages)? else { break };
        if errors(&state) > errors(&best) {
            at += 1;
        } else {
            best = state;
        }
    }
    Ok((best, left_alone))
}

fn errors(state: &State) -> usize {
    state.session.diagnostics.iter().filter(|d| d.is_error()).count()
}

/// The state after the repairs of all diagnostics, or of `only` one of them; `None` if there are none.
fn repaired(
    state: &State,
    only: Option<usize>,
    model: &ModelArguments,
    messages: Messages,
) -> Result<Option<State>, Stop> {
    let repairable = state.session.diagnostics.iter().filter(|d| !d.fixes.is_empty());
    let chosen: Vec<&Diagnostic> = match only {
        Some(at) => repairable.skip(at).take(1).collect(),
        None => repairable.collect(),
    };
    let (changed, made) = fix::apply(chosen, &state.session.sources);
    if made.is_empty() {
        return Ok(None);
    }
    let mut texts = state.texts.clone();
    texts.extend(changed);
    let session = checked(model, messages, &texts)?;
    Ok(Some(State { texts, session, made: state.made.iter().cloned().chain(made).collect() }))
}

/// Writes `text` in the place of `old`, whole or not at all.
fn replace(path: &Path, old: &str, text: &str) -> io::Result<()> {
    match std::fs::read_to_string(path)? == old {
        true => super::fmt::replace(path, text),
        false => Err(io::Error::other("it changed in the meantime")),
    }
}
