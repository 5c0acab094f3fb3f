//! The front end in one go: from the texts of a program to everything that is wrong with it.
//!
//! [`Program::parse`] and [`Program::lower`] are the quick part. What takes longer on large models, the plan and the
//! identification of queries, is in methods of its own; [`Program::conclude`] calls them in the order of `dcmc check`.

mod pretrained;

pub use pretrained::{encoder_fault, encoder_files, fault as pretrained_fault, files as pretrained_files};

use crate::data::{self, Schema};
use crate::diag::{self, Diagnostic, Sources};
use crate::identification::{self, Known, Taught, judge, judge_trained};
use crate::model::{self, Model, Query};
use crate::plan::{self, Options, Plan, Planned};
use crate::syntax::{self, ast::Ast};
use crate::truth::{self, Scm};
use std::io;
use std::path::{Path, PathBuf};

/// Rows of each data set that tell the types of variables where nothing is trained: quick for files of any size.
pub const SAMPLE: usize = 10_000;

/// What is not reported once a statement could not be read: it is missing everywhere, which is said once, where it stands.
const CONSEQUENCES: [&str; 7] = ["E0201", "W0204", "E0305", "W0306", "E0406", "N0407", "W0705"];

/// A model file with the files it imports, and what was found in them so far.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The folder that paths in the model are relative to.
    pub base: PathBuf,
    /// The texts, the model file first.
    pub sources: Sources,
    /// The statements of all files.
    pub ast: Ast,
    /// What they mean.
    pub model: Model,
    /// The ground truth, if there is one without mistakes.
    pub truth: Option<Scm>,
    /// What was found so far, by place.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether every statement could be read and every import was found.
    is_read: bool,
}

impl Program {
    /// Reads the file `name` with the given text; `read` gives the texts of imported files.
    pub fn parse(name: &str, text: String, read: &dyn Fn(&Path) -> io::Result<String>) -> Self {
        Self::parse_after(None, name, text, read)
    }

    /// As [`Program::parse`]; quick where the text is like that of an `earlier` program.
    pub fn parse_after(
        earlier: Option<&Self>,
        name: &str,
        text: String,
        read: &dyn Fn(&Path) -> io::Result<String>,
    ) -> Self {
        let earlier = earlier.and_then(|p| Some((p.only_text()?, &p.ast)));
        let (ast, sources, diagnostics) = syntax::load_after(earlier, name, text, read);
        Self {
            base: folder(Path::new(name)),
            is_read: diagnostics.is_empty(),
            sources,
            ast,
            diagnostics,
            ..Self::default()
        }
    }

    /// The text of a program of one file that could be read without a mistake.
    pub fn only_text(&self) -> Option<&str> {
        let [file] = self.sources.files() else { return None };
        self.is_read.then_some(&*file.text)
    }

    /// Gives the statements their meaning; `rows` rows of each data set tell the types of variables without one.
    /// `change` may then change the model.
    ///
    /// # Errors
    /// Those of `change`.
    pub fn lower<E>(&mut self, rows: usize, change: impl FnOnce(&mut Model) -> Result<(), E>) -> Result<(), E> {
        let (mut model, found) = model::lower(&self.ast, |model| {
            let mut notes = data::infer_domains(model, &self.base, rows);
            notes.extend(truth::infer_domains(model));
            notes
        });
        change(&mut model)?;
        self.diagnostics.extend(found);
        let truth = Scm::build(&model);
        self.diagnostics.extend(truth.as_ref().err().into_iter().flatten().cloned());
        if !self.is_read {
            self.diagnostics.retain(|d| !CONSEQUENCES.contains(&d.code));
        }
        diag::fix::localize(&mut self.diagnostics, &self.sources);
        diag::sort(&mut self.diagnostics);
        self.model = model;
        self.truth = truth.ok().flatten();
        Ok(())
    }

    /// Whether anything found so far is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// What the data sets and pretrained files offer; problems are kept as diagnostics.
    pub fn schemas(&mut self) -> Vec<Schema> {
        self.diagnostics.extend(pretrained::check(self));
        #[cfg(feature = "run")]
        self.diagnostics
            .extend(self.model.pictures.iter().filter_map(|p| data::look_at_picture(&self.model, &self.base, p)));
        let mut schemas = vec![];
        for regime in 0..self.model.regimes.len() {
            match data::schema(&self.model, regime, &self.base) {
                Ok((schema, warnings)) => {
                    schemas.push(schema);
                    self.diagnostics.extend(warnings);
                }
                Err(errors) => self.diagnostics.extend(errors),
            }
        }
        diag::sort(&mut self.diagnostics);
        schemas
    }

    /// As [`Program::conclusions`], kept as diagnostics. Returns the plan, if there is one.
    pub fn conclude(&mut self, schemas: &[Schema]) -> Option<Planned> {
        let Conclusions { planned, diagnostics } = self.conclusions(schemas, &|| false)?;
        self.diagnostics.extend(diagnostics);
        diag::sort(&mut self.diagnostics);
        planned
    }

    /// What takes longer: the plan, assertions, whether queries are identifiable. Only for a program without errors.
    /// `None` once nobody wants to know any more.
    pub fn conclusions(&self, schemas: &[Schema], unwanted: &dyn Fn() -> bool) -> Option<Conclusions> {
        let mut found: Vec<Diagnostic> = vec![];
        for assertion in &self.model.assertions {
            found.extend(identification::broken_assertion(&self.model, schemas, assertion));
            if unwanted() {
                return None;
            }
        }
        let planned = plan::make(&self.model, schemas, Options::default());
        found.extend(planned.as_ref().map_or_else(Clone::clone, |p| p.diagnostics.clone()));
        let planned = planned.ok();
        let taught = planned.as_ref().map(|p| taught(&self.model, &p.plan)).unwrap_or_default();
        for query in &self.model.queries {
            found.extend(unidentified(&self.model, schemas, &taught, query).0);
            if unwanted() {
                return None;
            }
        }
        for query in self.truth.iter().flat_map(|truth| self.model.queries.iter().map(move |q| (q, truth))) {
            found.extend(identification::unsupported_by_truth(&self.model, schemas, query.0, query.1));
            if unwanted() {
                return None;
            }
        }
        Some(Conclusions { planned, diagnostics: found })
    }

    /// The training plan; `None` if there is none (and a diagnostic says why).
    pub fn plan(&mut self, schemas: &[Schema], options: Options) -> Option<Planned> {
        let planned = plan::make(&self.model, schemas, options);
        self.diagnostics.extend(planned.as_ref().map_or_else(Clone::clone, |p| p.diagnostics.clone()));
        diag::sort(&mut self.diagnostics);
        planned.ok()
    }

    /// E0801 for assertions that a query is identifiable, where it is not shown to be.
    pub fn check_assertions(&mut self, schemas: &[Schema]) {
        let model = &self.model;
        let found = model.assertions.iter().filter_map(|a| identification::broken_assertion(model, schemas, a));
        self.diagnostics.extend(found);
    }

    /// E0701 for the queries that the data do not determine, or not what `planned` trains from them.
    pub fn refuse_unidentified(&mut self, schemas: &[Schema], planned: Option<&Planned>) {
        let taught = planned.map(|p| taught(&self.model, &p.plan)).unwrap_or_default();
        let refused = |query: &Query| unidentified(&self.model, schemas, &taught, query).0;
        self.diagnostics.extend(self.model.queries.iter().filter_map(refused));
        diag::sort(&mut self.diagnostics);
    }
}

/// What takes longer to say of a program.
#[derive(Clone, Debug, Default)]
pub struct Conclusions {
    /// The training plan, if there is one.
    pub planned: Option<Planned>,
    /// What was found, in no order.
    pub diagnostics: Vec<Diagnostic>,
}

/// What the plan's data sets teach.
pub fn taught(model: &Model, plan: &Plan) -> Vec<Taught> {
    let tasks = plan.modules.iter().flat_map(|module| &module.tasks);
    let numbered = tasks.filter_map(|task| {
        let mut variables: Vec<usize> = task.teaches.iter().filter_map(|name| model.id(name)).collect();
        variables.sort_unstable();
        Some(Taught { regime: model.regimes.iter().position(|r| r.name == task.data)?, variables })
    });
    numbered.collect()
}

/// E0701 where a query is not identifiable from the data sets, or not from what they teach; and whether it is. Without
/// `taught` the data sets alone count.
pub fn unidentified(
    model: &Model,
    schemas: &[Schema],
    taught: &[Taught],
    query: &Query,
) -> (Option<Diagnostic>, Option<bool>) {
    let finding = judge(model, schemas, query, Known::Declared);
    if finding.identifiable() != Some(true) || taught.is_empty() {
        return (identification::not_identifiable(model, query, &finding), finding.identifiable());
    }
    let trained = judge_trained(model, taught, query);
    if trained.identifiable() == Some(true) {
        return (None, Some(true));
    }
    (Some(identification::not_trained(query, &finding)), Some(false))
}

/// The folder of a file.
pub fn folder(path: &Path) -> PathBuf {
    path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
