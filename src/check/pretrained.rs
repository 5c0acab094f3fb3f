//! Pretrained files: what is wrong with them, with its place in the model.

use super::Program;
use crate::diag::{Diagnostic, Span};
use crate::model::{Model, VarId};
use crate::pretrained::{self, Fault};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// W0609 for files that are not there, one for each file; of the others what their headers tell (E0603 to E0605).
pub(super) fn check(program: &Program) -> Vec<Diagnostic> {
    let (base, model) = (&program.base, &program.model);
    let mut missing: BTreeMap<(&str, &str), Vec<(&str, Span)>> = BTreeMap::new();
    let mut found = vec![];
    for (id, path) in files(model, base) {
        let Some((written, span)) = model.variables[id].pretrained() else { continue };
        if is_missing(&path) {
            missing.entry((written, "pretrained")).or_default().push((model.name(id), span));
        } else if !program.has_errors()
            && let Some(Err(found_fault)) = model.request(id).map(|request| pretrained::check(&request, &path))
        {
            found.push(fault(model, id, &found_fault));
        }
    }
    for (id, path) in encoder_files(model, base) {
        let encoder = model.variables[id].encoder.as_ref();
        let Some((written, span)) = encoder.and_then(|e| Some((e.file.as_deref()?, e.span))) else { continue };
        if matches!(path.try_exists(), Ok(false)) {
            missing.entry((written, "encoder")).or_default().push((model.name(id), span));
        }
    }
    for ((path, kind), places) in missing {
        let warning = Diagnostic::new("W0609", format!("the {kind} file `{path}` is not there"));
        let part = if kind == "encoder" { "encoder" } else { "mechanism" };
        let label = |d: Diagnostic, (name, span): &(&str, Span)| d.label(*span, format!("the {part} of `{name}`"));
        let warning = places.iter().fold(warning, label);
        found.push(warning.note(format!("looked for {}", base.join(path).display())));
    }
    found
}

/// A file that may not be looked at is there all the same; where there are no files at all (in a web page) it is not.
fn is_missing(path: &Path) -> bool {
    match path.try_exists() {
        Ok(there) => !there,
        Err(error) => error.kind() == io::ErrorKind::Unsupported,
    }
}

/// The variables with files, and the files.
pub fn files(model: &Model, base: &Path) -> Vec<(VarId, PathBuf)> {
    let path = |(id, variable): (VarId, &crate::model::Variable)| Some((id, base.join(variable.pretrained()?.0)));
    model.variables.values().enumerate().filter_map(path).collect()
}

/// A fault at the mechanism of `variable`.
pub fn fault(model: &Model, variable: VarId, fault: &Fault) -> Diagnostic {
    let span = model.variables[variable].mechanism.as_ref().map(|m| m.span);
    placed(fault, span, format!("the mechanism of `{}`", model.name(variable)))
}

/// A fault at the encoder of `variable`.
pub fn encoder_fault(model: &Model, variable: VarId, fault: &Fault) -> Diagnostic {
    let span = model.variables[variable].encoder.as_ref().map(|e| e.span);
    placed(fault, span, format!("the encoder of `{}`", model.name(variable)))
}

fn placed(fault: &Fault, span: Option<Span>, label: String) -> Diagnostic {
    let found = Diagnostic::new(fault.code, fault.title.clone());
    let found = span.into_iter().fold(found, |d, span| d.label(span, label.clone()));
    let found = fault.notes.iter().fold(found, |d, note| d.note(note.clone()));
    fault.help.iter().fold(found, |d, help| d.help(help.clone()))
}

/// The variables with encoders from files, and the files.
pub fn encoder_files(model: &Model, base: &Path) -> Vec<(VarId, PathBuf)> {
    let path = |(id, variable): (VarId, &crate::model::Variable)| {
        Some((id, base.join(variable.encoder.as_ref()?.file.as_ref()?)))
    };
    model.variables.values().enumerate().filter_map(path).collect()
}
