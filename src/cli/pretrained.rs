//! The mechanisms in pretrained files.

use super::session::Session;
use crate::check::{pretrained_fault, pretrained_files};
use crate::diag::Diagnostic;
use crate::model::{Mechanism, MechanismKind};
use crate::nets::pretrained::PretrainedModule;

/// The mechanisms in the files, which must all be there and whole; what is wrong is reported.
pub(super) fn load(session: &mut Session) -> Vec<PretrainedModule> {
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
    for (id, path) in pretrained_files(model, &session.base) {
        let (Some(request), Some(Mechanism { kind: MechanismKind::Pretrained { sha256, .. }, .. })) =
            (model.request(id), &model.variables[id].mechanism)
        else {
            continue;
        };
        match PretrainedModule::load(id, model.graph.parents(id), &request, sha256.as_deref(), &path) {
            Ok(module) => modules.push(module),
            Err(fault) => found.push(pretrained_fault(model, id, &fault)),
        }
    }
    session.diagnostics.extend(found);
    crate::diag::sort(&mut session.diagnostics);
    modules
}
