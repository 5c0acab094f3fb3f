//! Pretrained files: what is wrong with them, with its place in the model; and the mechanisms in them.

use super::session::Session;
use crate::diag::{Diagnostic, Span};
use crate::model::{Mechanism, Model, VarId};
#[cfg(feature = "run")]
use crate::nets::pretrained::PretrainedModule;
use crate::pretrained::{self, Fault};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// W0609 for files that are not there, one for each file; of the others what their headers tell (E0603 to E0605).
pub(super) fn check(session: &mut Session) {
    let (base, model) = (session.base(), &session.model);
    let mut missing: BTreeMap<&str, Vec<(&str, Span)>> = BTreeMap::new();
    let mut found = vec![];
    for (id, path) in files(model, &base) {
        let Some((written, span)) = model.variables[id].pretrained() else { continue };
        // A file that may not be looked at is there all the same.
        if matches!(path.try_exists(), Ok(false)) {
            missing.entry(written).or_default().push((model.name(id), span));
        } else if !session.has_errors()
            && let Some(Err(fault)) = model.request(id).map(|request| pretrained::check(&request, &path))
        {
            found.push(diagnostic(model, id, &fault));
        }
    }
    for (path, places) in missing {
        let warning = Diagnostic::new("W0609", format!("the pretrained file `{path}` is not there"));
        let label = |d: Diagnostic, (name, span): &(&str, Span)| d.label(*span, format!("the mechanism of `{name}`"));
        let warning = places.iter().fold(warning, label);
        found.push(warning.note(format!("looked for {}", base.join(path).display())));
    }
    session.diagnostics.extend(found);
}

/// The variables with files, and the files.
fn files(model: &Model, base: &Path) -> Vec<(VarId, PathBuf)> {
    let path = |(id, variable): (VarId, &crate::model::Variable)| Some((id, base.join(variable.pretrained()?.0)));
    model.variables.values().enumerate().filter_map(path).collect()
}

/// The mechanisms in the files, which must all be there and whole; what is wrong is reported.
#[cfg(feature = "run")]
pub(super) fn load(session: &mut Session) -> Vec<PretrainedModule> {
    use crate::model::MechanismKind;
    for found in session.diagnostics.iter_mut().filter(|d| d.code == "W0609") {
        let missing = Diagnostic::new("E0605", found.message.clone()).help("put the file there, or correct the path");
        let (labels, notes) = (std::mem::take(&mut found.labels), std::mem::take(&mut found.notes));
        *found = Diagnostic { labels, notes, ..missing };
    }
    if session.has_errors() {
        return vec![];
    }
    let (mut modules, mut found) = (vec![], vec![]);
    let model = &session.model;
    for (id, path) in files(model, &session.base()) {
        let (Some(request), Some(Mechanism { kind: MechanismKind::Pretrained { sha256, .. }, .. })) =
            (model.request(id), &model.variables[id].mechanism)
        else {
            continue;
        };
        match PretrainedModule::load(id, model.graph.parents(id), &request, sha256.as_deref(), &path) {
            Ok(module) => modules.push(module),
            Err(fault) => found.push(diagnostic(model, id, &fault)),
        }
    }
    session.diagnostics.extend(found);
    crate::diag::sort(&mut session.diagnostics);
    modules
}

/// A fault at the mechanism of `variable`.
fn diagnostic(model: &Model, variable: VarId, fault: &Fault) -> Diagnostic {
    let name = model.name(variable);
    let found = Diagnostic::new(fault.code, fault.title.clone());
    let place: Option<&Mechanism> = model.variables[variable].mechanism.as_ref();
    let found = place.into_iter().fold(found, |d, m| d.label(m.span, format!("the mechanism of `{name}`")));
    let found = fault.notes.iter().fold(found, |d, note| d.note(note.clone()));
    fault.help.iter().fold(found, |d, help| d.help(help.clone()))
}
