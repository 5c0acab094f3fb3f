//! From the syntax tree to the model: names, types, graph, data, settings, queries.

mod assertion;
mod counterfactual;
mod data;
mod graph;
mod mechanism;
mod output;
mod pretrained;
mod query;
mod remarks;
mod settings;
mod truth;
mod types;

pub use counterfactual::{counterfactual_text, seen_text};
pub use data::set_data;
pub use query::{parse_query, parse_query_at};
pub use settings::apply as apply_setting;
pub use truth::set_truth;
pub(crate) use types::domain as domain_of_type;

use super::{Domain, Model, Picture, TruthBlock, VarId, closest};
use crate::diag::{self, Diagnostic, Span};
use crate::syntax::ast::{Ast, Name, Scalar, Spanned, StatementKind};
use crate::syntax::spell;
use std::collections::BTreeSet;

/// Names that are like an unknown one are looked for until this many pairs of names were compared.
const MAX_COMPARISONS: usize = 1_000_000;

/// Names that a message lists.
const MAX_LISTED: usize = 12;

/// The meaning of a syntax tree. `infer` is called once the data statements are known and before
/// any value is read: it may give variables without a type the type their data shows.
///
/// Everything that is wrong is reported; the model holds what could be understood.
pub fn lower(ast: &Ast, infer: impl FnOnce(&mut Model) -> Vec<Diagnostic>) -> (Model, Vec<Diagnostic>) {
    let mut lowering = Lowering::default();
    lowering.edition(ast);
    lowering.graph(ast);
    lowering.types(ast);
    lowering.settings(ast);
    lowering.truth(ast);
    let regimes = lowering.data_sources(ast);
    let found = infer(&mut lowering.model);
    lowering.diagnostics.extend(found);
    lowering.data_values(ast, &regimes);
    lowering.queries(ast);
    lowering.expectations(ast);
    lowering.assertions(ast);
    lowering.remarks(ast);
    diag::sort(&mut lowering.diagnostics);
    (lowering.model, lowering.diagnostics)
}

#[derive(Default)]
struct Lowering {
    model: Model,
    diagnostics: Vec<Diagnostic>,
    /// Names that were reported as unknown once; they are not reported again.
    unknown: BTreeSet<String>,
    /// The query that is being read.
    asking: Span,
    /// Variables whose missing type was reported.
    untyped: BTreeSet<VarId>,
}

impl Lowering {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn edition(&mut self, ast: &Ast) {
        let Some(edition) = &ast.edition else { return };
        self.model.title.clone_from(&edition.title);
        if edition.number.value != 1 {
            self.report(
                Diagnostic::new("E0107", format!("there is no edition {} of this language", edition.number.value))
                    .label(edition.number.span, "unknown edition")
                    .help("write `dcm 1`")
                    .fix("write `dcm 1`", edition.number.span, "1"),
            );
        }
    }

    fn truth(&mut self, ast: &Ast) {
        let mut truth: Option<Span> = None;
        for statement in &ast.statements {
            let StatementKind::Truth(entries) = &statement.kind else { continue };
            if let Some(first) = truth {
                self.report(
                    Diagnostic::new("E0202", "there are two truth blocks")
                        .label(statement.span, "the second one")
                        .label(first, "the first one")
                        .help("put all equations into one block"),
                );
                continue;
            }
            truth = Some(statement.span);
            self.model.truth = Some(TruthBlock { entries: entries.clone(), span: statement.span });
        }
    }

    /// The variable called `name`; unknown names are reported once.
    fn variable(&mut self, name: &Name) -> Option<VarId> {
        if let Some(id) = self.model.id(&name.value) {
            return Some(id);
        }
        if self.model.latents.iter().any(|l| l.name.as_deref() == Some(&name.value)) {
            self.report(
                Diagnostic::new("E0706", format!("`{}` is hidden", name.value))
                    .label(name.span, "a latent variable has no data and no answer"),
            );
        } else if self.unknown.insert(name.value.clone()) {
            let mut found = Diagnostic::new("E0201", format!("there is no variable `{}`", name.value))
                .label(name.span, "not in the graph");
            // Thousands of unknown names are not each compared with thousands of names.
            let names = self.model.variables.keys().map(String::as_str);
            let affordable = self.unknown.len().saturating_mul(names.len()) < MAX_COMPARISONS;
            found = match closest(&name.value, names.filter(|_| affordable)) {
                Some(near) => suggest(found, near, name.span),
                None => found.help(format!("the variables are {}", some(self.model.variables.keys()))),
            };
            self.report(found);
        }
        None
    }

    fn unknown_key(&mut self, key: &str, span: Span, of: &str, keys: &[&str]) {
        self.report(settings::unknown_key(key, span, of, keys));
    }

    /// E0406, once for each variable.
    fn needs_type(&mut self, variable: VarId, span: Span, purpose: &str) {
        let name = self.model.name(variable).to_owned();
        // A declared type that could not be read was reported there.
        if self.model.variables[variable].declared.is_none() && self.untyped.insert(variable) {
            self.report(
                Diagnostic::new("E0406", format!("`{name}` needs a type before it can {purpose}"))
                    .label(span, "its values are not known")
                    .label(self.model.variables[variable].span, "declared without a type")
                    .help(format!("declare it, for example `{name}: binary`")),
            );
        }
    }

    /// The code of a picture, whose place in the list of all it is.
    fn picture(&mut self, variable: VarId, path: &str, span: Span) -> u32 {
        let same = |known: &Picture| known.variable == variable && known.path == path;
        let pictures = &mut self.model.pictures;
        let at = pictures.iter().position(same).unwrap_or_else(|| {
            pictures.push(Picture { variable, path: path.to_owned(), span });
            pictures.len() - 1
        });
        at as u32
    }

    /// The code of a written value of `variable`; values outside the domain are reported.
    fn code(&mut self, variable: VarId, value: &Spanned<Scalar>) -> Option<u32> {
        let name = self.model.name(variable).to_owned();
        let Some(domain) = self.model.domain(variable).cloned() else {
            self.needs_type(variable, value.span, "have a value");
            return None;
        };
        if let (Domain::Image(_), Scalar::Text(path)) = (&domain, &value.value) {
            return Some(self.picture(variable, path, value.span));
        }
        let code = domain.code(value.value.text());
        if code.is_none() && !self.model.variables[variable].sampled {
            let mut found = Diagnostic::new("E0404", format!("`{}` is not a value of `{name}`", value.value.text()))
                .label(value.span, format!("`{name}` is {domain}"));
            if let Some(declared) = self.model.variables[variable].declared {
                found = found.label(declared, "declared here");
            }
            if let Domain::Labels(labels) = &domain
                && let Some(near) = closest(value.value.text(), labels.iter().map(String::as_str))
            {
                found = suggest(found, near, value.span);
            }
            if domain.is_image() {
                found = found.help(format!("name a picture: `{} = \"picture.png\"`", spell(&name)));
            } else if domain.cardinality().is_none() && !domain.is_real() {
                found = found.note("only discrete and real variables and images can be set or observed");
            }
            self.report(found);
        }
        code
    }
}

/// Adds "did you mean `near`?" and its repair, for a name.
pub(crate) fn suggest(found: Diagnostic, near: &str, span: Span) -> Diagnostic {
    found.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), span, spell(near))
}

/// As [`list`], but of many names only the first.
fn some<T: AsRef<str>>(names: impl ExactSizeIterator<Item = T>) -> String {
    let more = names.len().saturating_sub(MAX_LISTED);
    let shown = list(names.take(MAX_LISTED));
    if more > 0 { format!("{shown}, and {more} more") } else { shown }
}

/// `a, b and c`, each in backquotes.
fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|n| format!("`{}`", n.as_ref())).collect();
    match &quoted[..] {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
