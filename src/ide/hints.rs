//! What is not written but known: types taken from data, and modules.

use super::{Analysis, Slow};
use crate::diag::Span;
use std::collections::BTreeMap;

/// A few words behind a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The byte it stands behind.
    pub at: usize,
    /// The words.
    pub text: String,
    /// What they mean.
    pub about: String,
}

/// The hints of the part `range` of the model file, by place: behind the first mention of a variable its type, where it
/// was taken from data, and its module, where the plan has several.
pub fn hints(analysis: &Analysis, slow: Option<&Slow>, range: Span) -> Vec<Hint> {
    let model = &analysis.program.model;
    let modules = slow.and_then(|s| s.conclusions.planned.as_ref()).map(|p| &p.plan.modules);
    let mut module_of: BTreeMap<&str, &str> = BTreeMap::new();
    for module in modules.into_iter().flatten().filter(|_| modules.is_some_and(|m| m.len() > 1)) {
        module_of.extend(module.variables.iter().map(|v| (v.as_str(), module.id.as_str())));
    }
    let mut found = vec![];
    for (name, variable) in &model.variables {
        let span = variable.span;
        if !analysis.is_home(span) || span.end < range.start || span.start > range.end {
            continue;
        }
        if let (Some(domain), None) = (&variable.domain, variable.declared) {
            let about = format!("the type of {name}, taken from its data");
            found.push(Hint { at: span.end, text: format!(": {domain}"), about });
        }
        if let Some(module) = module_of.get(name.as_str()) {
            let about = format!("{name} is trained in module {module}");
            found.push(Hint { at: span.end, text: format!(" {module}"), about });
        }
    }
    found.sort_by_key(|hint| hint.at);
    found
}
