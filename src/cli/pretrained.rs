//! The mechanisms in pretrained files.

use super::session::Session;
use crate::check::{encoder_fault, encoder_files, pretrained_fault, pretrained_files};
use crate::diag::Diagnostic;
use crate::model::{Mechanism, MechanismKind, VarId};
use crate::nets::pretrained::PretrainedModule;
use crate::pretrained::Format;
use crate::train::encoder;
use std::path::{Path, PathBuf};

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
    let (modules, mut found) = mechanisms(session, |_| true);
    found.extend(encoders(session));
    session.diagnostics.extend(found);
    crate::diag::sort(&mut session.diagnostics);
    modules
}

/// Checks what the front end cannot read: PyTorch's and ONNX files, and encoders.
pub(super) fn check(session: &mut Session) {
    if session.has_errors() {
        return;
    }
    let mut found = mechanisms(session, |path| Format::of(path) != Format::Safetensors).1;
    found.extend(encoders(session));
    session.diagnostics.extend(found);
    crate::diag::sort(&mut session.diagnostics);
}

/// The mechanisms in the files that are there and `wanted`, and what is wrong with them.
fn mechanisms(session: &Session, wanted: impl Fn(&Path) -> bool) -> (Vec<PretrainedModule>, Vec<Diagnostic>) {
    let (mut modules, mut found) = (vec![], vec![]);
    let model = &session.model;
    for (id, path) in pretrained_files(model, &session.base).into_iter().filter(|(_, path)| wanted(path)) {
        let (Some(request), Some(Mechanism { kind: MechanismKind::Pretrained { sha256, .. }, .. }), true) =
            (model.request(id), &model.variables[id].mechanism, is_there(&path))
        else {
            continue;
        };
        match PretrainedModule::load(id, model.graph.parents(id), &request, sha256.as_deref(), &path) {
            Ok(module) => modules.push(module),
            Err(fault) => found.push(pretrained_fault(model, id, &fault)),
        }
    }
    (modules, found)
}

/// What is wrong with the encoders in files that are there.
fn encoders(session: &Session) -> Vec<Diagnostic> {
    let model = &session.model;
    let there = encoder_files(model, &session.base).into_iter().filter(|(_, path)| is_there(path));
    let fault = |(id, path): (VarId, PathBuf)| Some((id, encoder::from_file(model, id, &path).err()?));
    there.filter_map(fault).map(|(id, fault)| encoder_fault(model, id, &fault)).collect()
}

/// A file that may not be looked at is there all the same: reading it says why.
fn is_there(path: &Path) -> bool {
    !matches!(path.try_exists(), Ok(false))
}
