//! Which columns of a file a data set takes, and for what.

use super::filter::Condition;
use crate::diag::{Diagnostic, Span};
use crate::model::{DoValue, Model, Regime, VarId, similar, spell};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The columns of one file that a data set needs.
pub struct Selection<'m> {
    /// The column of each variable that has one.
    pub columns: BTreeMap<VarId, usize>,
    /// The variables set to one value for all rows, as codes; with or without a column.
    pub fixed: BTreeMap<VarId, u32>,
    /// The conditions on rows.
    pub conditions: Vec<Condition<'m>>,
    /// The column of weights.
    pub weight: Option<usize>,
    /// The variables whose images are in a file of their own.
    pub elsewhere: Vec<VarId>,
}

impl Selection<'_> {
    /// The variables the data set holds, ascending.
    pub fn observed(&self) -> Vec<VarId> {
        let mut observed: Vec<VarId> =
            self.columns.keys().chain(self.fixed.keys()).chain(&self.elsewhere).copied().collect();
        observed.sort_unstable();
        observed.dedup();
        observed
    }

    /// The columns that are read, ascending.
    pub fn wanted(&self) -> Vec<usize> {
        let filter = self.conditions.iter().map(|c| c.column);
        let mut wanted: Vec<usize> = self.columns.values().copied().chain(filter).chain(self.weight).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }
}

/// The columns of a file with `header` that `regime` takes, and warnings.
///
/// # Errors
/// E0502 for each column that is needed and missing or there twice.
pub fn select<'m>(
    model: &'m Model,
    regime: &'m Regime,
    path: (&str, Span),
    header: &[String],
) -> Result<(Selection<'m>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut finder = Finder { path, header, errors: vec![] };
    let mut selection = Selection {
        columns: BTreeMap::new(),
        fixed: BTreeMap::new(),
        conditions: vec![],
        weight: None,
        elsewhere: vec![],
    };
    match &regime.columns {
        Some(bindings) => {
            for binding in bindings {
                let what = format!("the column of `{}`", model.name(binding.variable));
                let written = |column: &str| format!("{}: {column:?}", spell(model.name(binding.variable)));
                if let Some(at) = finder.find(&binding.column, binding.span, &what, Some(&written)) {
                    selection.columns.insert(binding.variable, at);
                }
            }
        }
        None => {
            for (variable, name) in model.variables.keys().enumerate() {
                let Some(name) = name.strip_prefix(&regime.prefix) else { continue };
                if header.iter().any(|column| column == name)
                    && let Some(at) = finder.find(name, path.1, "a column of the graph", None)
                {
                    selection.columns.insert(variable, at);
                }
            }
        }
    }
    for binding in &regime.images {
        let variable = binding.variable;
        if binding.file.is_some() {
            selection.columns.remove(&variable);
            selection.elsewhere.push(variable);
        } else if let Entry::Vacant(column) = selection.columns.entry(variable) {
            let name = model.name(variable);
            let name = name.strip_prefix(&regime.prefix).unwrap_or(name);
            if let Some(at) = finder.find(name, binding.span, "the column of images", None) {
                column.insert(at);
            }
        }
    }
    for &(variable, value) in &regime.interventions {
        match value {
            DoValue::Fixed(code) => _ = selection.fixed.insert(variable, code),
            DoValue::Column if selection.columns.contains_key(&variable) => {}
            DoValue::Column => {
                let name = model.name(variable);
                let name = name.strip_prefix(&regime.prefix).unwrap_or(name);
                if let Some(at) = finder.find(name, regime.span, "the intervention's values", None) {
                    selection.columns.insert(variable, at);
                }
            }
        }
    }
    for term in regime.filter.iter().flat_map(|f| &f.terms) {
        if let Some(at) = finder.find(&term.column, term.span, "the column to filter by", None) {
            selection.conditions.push(Condition::new(term, at));
        }
    }
    if let Some((column, span)) = &regime.weight {
        let written = |column: &str| format!("weight: {}", spell(column));
        selection.weight = finder.find(column, *span, "the column of weights", Some(&written));
    }
    let mut errors = finder.errors;
    if errors.is_empty() && selection.columns.is_empty() && selection.elsewhere.is_empty() {
        errors.push(no_variables(model, regime, path, header));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let warning = unused_columns(model, regime, path, header, &selection);
    Ok((selection, warning.into_iter().collect()))
}

struct Finder<'a> {
    path: (&'a str, Span),
    header: &'a [String],
    errors: Vec<Diagnostic>,
}

impl Finder<'_> {
    /// The place of a column; `written` is what names another column at `span`.
    fn find(
        &mut self,
        column: &str,
        span: Span,
        what: &str,
        written: Option<&dyn Fn(&str) -> String>,
    ) -> Option<usize> {
        let (path, path_span) = self.path;
        let mut places = self.header.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
        let found = places.next();
        let error = match (found, places.next()) {
            (Some(_), None) => return found,
            (Some(_), Some(_)) => {
                Diagnostic::new("E0502", format!("`{path}` has more than one column `{column}`")).label(span, what)
            }
            (None, _) => {
                let error = Diagnostic::new("E0502", format!("`{path}` has no column `{column}`"))
                    .label(span, format!("{what} is missing"))
                    .note(columns_of(path, self.header));
                let near = similar(column, self.header.iter().map(String::as_str), 3);
                let error = did_you_mean(error, &near);
                match (near.first(), written) {
                    (Some(near), Some(written)) => error.fix(format!("write `{}`", written(near)), span, written(near)),
                    _ => error,
                }
            }
        };
        self.errors.push(if span == path_span { error } else { error.label(path_span, "the file") });
        None
    }
}

fn no_variables(model: &Model, regime: &Regime, path: (&str, Span), header: &[String]) -> Diagnostic {
    let error = Diagnostic::new("E0502", format!("no column of `{}` is a variable of the graph", path.0))
        .label(path.1, format!("the file of data set `{}`", regime.name))
        .note(columns_of(path.0, header))
        .note(format!("the variables of the graph: {}", quoted(model.variables.keys().map(String::as_str), 12)));
    let bindings: Vec<String> = model
        .variables
        .keys()
        .filter_map(|name| {
            let column = similar(name, header.iter().map(String::as_str), 1).first().copied()?;
            Some(format!("{name}: \"{column}\""))
        })
        .collect();
    match bindings.as_slice() {
        [] => error.help("name the columns with `{ columns: { VARIABLE: \"column\" } }`"),
        found => error.help(format!("did you mean `{{ columns: {{ {} }} }}`?", found.join(", "))),
    }
}

/// W0506, unless the data set says itself which columns it takes.
fn unused_columns(
    model: &Model,
    regime: &Regime,
    path: (&str, Span),
    header: &[String],
    selection: &Selection,
) -> Option<Diagnostic> {
    if regime.columns.is_some() {
        return None;
    }
    let wanted = selection.wanted();
    let unused: Vec<&str> =
        header.iter().enumerate().filter(|(at, _)| !wanted.contains(at)).map(|(_, name)| name.as_str()).collect();
    let message = match unused.as_slice() {
        [] => return None,
        [one] => format!("`{}` has a column that is not in the graph: `{one}`", path.0),
        many => format!("`{}` has columns that are not in the graph: {}", path.0, quoted(many.iter().copied(), 8)),
    };
    let mut warning = Diagnostic::new("W0506", message).label(path.1, "these columns are not used");
    for (variable, name) in model.variables.keys().enumerate() {
        if !selection.columns.contains_key(&variable) && !selection.fixed.contains_key(&variable) {
            for column in similar(name, unused.iter().copied(), 1) {
                let binding = format!("`columns: {{ {name}: \"{column}\" }}`");
                warning = warning.help(format!("if column `{column}` is the variable `{name}`, write {binding}"));
            }
        }
    }
    Some(warning)
}

fn columns_of(path: &str, header: &[String]) -> String {
    format!("the columns of `{path}`: {}", quoted(header.iter().map(String::as_str), 20))
}

fn did_you_mean(error: Diagnostic, names: &[&str]) -> Diagnostic {
    match names {
        [] => error,
        names => error.help(format!("did you mean {}?", quoted(names.iter().copied(), 3))),
    }
}

/// `a`, `b`, … and at most `limit` of them.
pub fn quoted<'a>(names: impl Iterator<Item = &'a str>, limit: usize) -> String {
    let names: Vec<String> = names.map(|n| if n.is_empty() { "(no name)".into() } else { format!("`{n}`") }).collect();
    match names.len() {
        n if n > limit => format!("{} and {} more", names[..limit].join(", "), n - limit),
        _ => names.join(", "),
    }
}
