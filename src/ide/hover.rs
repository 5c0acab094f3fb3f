//! What there is to say about the place under the cursor.

use super::glossary::meaning;
use super::{Analysis, Slow, Space, word_at};
use crate::causal::{ancestors, c_components_of};
use crate::diag::{Span, catalogue};
use crate::model::{Model, Source, VarId};
use crate::plan::{Planned, explain_module};

/// A text about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// The place.
    pub span: Span,
    /// The text, as Markdown.
    pub markdown: String,
}

/// The most names that a list shows.
const MAX_NAMES: usize = 24;

/// What there is to say about a byte of the model file: a name or a word of the language and, below it, the page of what is wrong there; the page
/// of a code. `slow` adds the module and what it needs.
pub fn hover(analysis: &Analysis, slow: Option<&Slow>, at: usize) -> Option<Hover> {
    let mut parts = vec![];
    let mut span = None;
    if let Some(found) = analysis.occurrence(at) {
        let about = match found.space {
            Space::Variable => variable(analysis, slow, &found.name),
            Space::Query => query(analysis, &found.name),
            Space::Data => data(analysis, &found.name),
            Space::Function => function(&found.name),
            _ => None,
        };
        span = about.is_some().then_some(found.span);
        parts.extend(about);
    }
    if parts.is_empty()
        && let Some((word, text)) = meaning(analysis, at)
    {
        span = Some(word);
        parts.push(text);
    }
    let diagnostics = slow.map_or(&analysis.program.diagnostics, |s| &s.diagnostics);
    let here = |d: &&crate::diag::Diagnostic| {
        d.labels.first().is_some_and(|l| analysis.is_home(l.span) && l.span.start <= at && at <= l.span.end)
    };
    if let Some(found) = diagnostics.iter().find(here) {
        span = span.or(found.labels.first().map(|l| l.span));
        parts.extend(catalogue::entry(found.code).map(|e| page(e.page)));
    } else if let Some(word) = word_at(analysis.text(), at)
        && let Some(entry) = analysis.text().get(word.start..word.end).and_then(catalogue::entry)
    {
        span = span.or(Some(word));
        parts.push(page(entry.page));
    }
    Some(Hover { span: span?, markdown: parts.join("\n\n---\n\n") })
}

/// A code's page, one heading smaller.
fn page(markdown: &str) -> String {
    markdown.trim().replace("\n## ", "\n### ").replacen("# ", "## ", 1)
}

fn variable(analysis: &Analysis, slow: Option<&Slow>, name: &str) -> Option<String> {
    let model = &analysis.program.model;
    let Some(id) = model.id(name) else { return hidden(model, name) };
    let domain = model.domain(id).map_or("no type yet".to_owned(), ToString::to_string);
    let inferred = model.domain(id).is_some() && model.variables[id].declared.is_none();
    let mut lines = vec![format!("**{name}**: `{domain}`{}", if inferred { " (taken from its data)" } else { "" })];
    let component: Vec<VarId> = component(model, id);
    lines.push(match component.len() {
        1 => "c-component: alone, it shares no hidden cause".to_owned(),
        _ => format!("c-component: {}", names(model, &component)),
    });
    if !model.graph.parents(id).is_empty() {
        lines.push(format!("causes: {}", names(model, model.graph.parents(id))));
    }
    let above: Vec<VarId> = ancestors(&model.graph, &[id]).into_iter().filter(|&v| v != id).collect();
    if above.len() > model.graph.parents(id).len() {
        lines.push(format!("ancestors: {}", names(model, &above)));
    }
    lines.extend(slow.and_then(|s| s.conclusions.planned.as_ref()).into_iter().flat_map(|p| module(p, model, name)));
    lines.extend(columns(analysis, id));
    Some(lines.join("\n\n"))
}

/// The variables it shares hidden causes with, near or far, itself too.
fn component(model: &Model, id: VarId) -> Vec<VarId> {
    let (mut found, mut next) = (vec![id], 0);
    let mut seen = std::collections::BTreeSet::from([id]);
    while let Some(&v) = found.get(next) {
        next += 1;
        found.extend(model.graph.spouses(v).iter().copied().filter(|&s| seen.insert(s)));
    }
    c_components_of(&model.graph, &found).into_iter().next().unwrap_or_default()
}

fn hidden(model: &Model, name: &str) -> Option<String> {
    match model.latents.iter().find(|l| l.name.as_deref() == Some(name)) {
        Some(latent) => Some(format!("**{name}**: a hidden cause of {}", names(model, &latent.children))),
        None => Some(format!("**{name}**: hidden, known to the truth block alone")),
    }
}

/// The module that trains a variable, what it freezes, and why.
fn module(planned: &Planned, model: &Model, name: &str) -> Vec<String> {
    let Some(module) = planned.plan.modules.iter().find(|m| m.variables.iter().any(|v| v == name)) else {
        return vec![];
    };
    let facts = explain_module(planned, model, module);
    let lines: String = facts.iter().map(|fact| format!("\n- {}: {}", fact.label, fact.text)).collect();
    vec![format!("module {}{lines}", module.id)]
}

/// Where the data sets hold it.
fn columns(analysis: &Analysis, id: VarId) -> Option<String> {
    let model = &analysis.program.model;
    let holds = |name: &str| {
        let schema = analysis.schemas.iter().find(|s| s.name == name);
        schema.is_some_and(|schema| schema.observed.contains(&id))
    };
    let column = |regime: &crate::model::Regime| {
        let bound = regime.columns.iter().flatten().find(|b| b.variable == id).map(|b| b.column.as_str());
        let own = model.name(id).strip_prefix(&regime.prefix).unwrap_or(model.name(id));
        match &regime.source {
            Source::File { path, .. } => format!("`{}` (column `{}` of `{path}`)", regime.name, bound.unwrap_or(own)),
            Source::Simulate { .. } => format!("`{}` (simulated)", regime.name),
        }
    };
    let found: Vec<String> = model.regimes.iter().filter(|r| holds(&r.name)).map(column).collect();
    (!found.is_empty()).then(|| format!("data: {}", found.join(", ")))
}

fn query(analysis: &Analysis, name: &str) -> Option<String> {
    let query = analysis.program.model.queries.iter().find(|q| q.name == name)?;
    Some(format!("**{name}**: `{}`", query.text))
}

fn data(analysis: &Analysis, name: &str) -> Option<String> {
    let model = &analysis.program.model;
    let regime = model.regimes.iter().find(|r| r.name == name)?;
    let mut lines = vec![match &regime.source {
        Source::File { path, .. } => format!("**{name}**: rows of `{path}`"),
        Source::Simulate { rows, .. } => format!("**{name}**: {rows} rows drawn from the truth block"),
    }];
    if !regime.interventions.is_empty() {
        let set: Vec<VarId> = regime.interventions.iter().map(|i| i.0).collect();
        lines.push(format!("set: {}", names(model, &set)));
    }
    if let Some(schema) = analysis.schemas.iter().find(|s| s.name == name) {
        lines.push(format!("observes: {}", names(model, &schema.observed)));
    }
    if regime.test {
        lines.push("held out: it never trains".to_owned());
    }
    Some(lines.join("\n\n"))
}

fn function(name: &str) -> Option<String> {
    let (_, usage) = crate::truth::functions().find(|(known, _)| *known == name)?;
    let (call, meaning) = usage.split_once(": ").unwrap_or((usage, ""));
    Some(format!("`{call}`\n\n{meaning}").trim_end().to_owned())
}

fn names(model: &Model, list: &[VarId]) -> String {
    let shown: Vec<String> = list.iter().take(MAX_NAMES).map(|&v| format!("`{}`", model.name(v))).collect();
    let more = list.len().saturating_sub(MAX_NAMES);
    shown.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}
