//! A model file on its way through the front end, and what there is to say about it.

use super::messages::Messages;
use super::{Format, MODEL_ERROR, ModelArguments, OK, USAGE_ERROR};
use crate::data::{self, Schema};
use crate::diag::{self, Diagnostic, Sources, Span, render_json_limited};
use crate::identification::{self, Known, Taught, judge, judge_trained};
use crate::model::Query;
use crate::model::{self, Model};
use crate::plan::{self, Options, Plan, Planned};
use crate::syntax;
use crate::truth::{self, Scm};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A model file that was read, with everything found in it so far.
pub(super) struct Session {
    pub path: PathBuf,
    pub sources: Sources,
    pub model: Model,
    pub truth: Option<Scm>,
    pub diagnostics: Vec<Diagnostic>,
    pub messages: Messages,
    pub format: Format,
}

/// Texts that stand for those of files, by the files' names.
pub(super) type Overlay = BTreeMap<String, String>;

/// Rows of each data set that tell the types of variables where nothing is trained: quick for files of any size.
pub(super) const SAMPLE: usize = 10_000;
/// What is trained, tested or computed must know every value.
pub(super) const ALL: usize = usize::MAX;

/// The command must end with this exit code; what is wrong was said.
pub(super) struct Stop(pub u8);

/// Says what is wrong with the call itself.
pub(super) fn usage(message: impl std::fmt::Display) -> Stop {
    eprintln!("error: {message}");
    Stop(USAGE_ERROR)
}

/// Prints a result; a closed pipe ends the output and is no mistake.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ =
        out.write_all(text.as_bytes()).and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
}

impl Session {
    /// Reads the model file and gives it its meaning. Errors in it do not stop here.
    pub(super) fn open(arguments: &ModelArguments, messages: Messages, rows: usize) -> Result<Self, Stop> {
        Self::open_with(arguments, messages, rows, &Overlay::new())
    }

    /// The same with the texts of `overlay` in the place of files.
    pub(super) fn open_with(
        arguments: &ModelArguments,
        messages: Messages,
        rows: usize,
        overlay: &Overlay,
    ) -> Result<Self, Stop> {
        let path = arguments.model.clone();
        let name = path.display().to_string();
        let text = match overlay.get(&name) {
            Some(text) => text.clone(),
            None => read(&path)?,
        };
        let (mut ast, sources, mut diagnostics) = syntax::load(&name, text, &|path| {
            let changed = overlay.get(&path.display().to_string());
            changed.map_or_else(|| std::fs::read_to_string(path), |text| Ok(text.clone()))
        });
        let unread = !diagnostics.is_empty();
        let settings = settings(&arguments.set)?;
        for (key, value) in settings.iter().filter(|(key, _)| key.starts_with("data.")) {
            model::set_data(&mut ast, key, &from_here(key, value))
                .map_err(|why| usage(format!("--set {key}: {why}")))?;
        }
        for (key, value) in settings.iter().filter(|(key, _)| key.starts_with("truth.")) {
            model::set_truth(&mut ast, key, &from_here(key, value))
                .map_err(|why| usage(format!("--set {key}: {why}")))?;
        }
        let base = folder(&path);
        let (mut model, found) = model::lower(&ast, |model| {
            let mut notes = data::infer_domains(model, &base, rows);
            notes.extend(truth::infer_domains(model));
            notes
        });
        for (key, value) in settings.iter().filter(|(key, _)| !key.starts_with("data.") && !key.starts_with("truth.")) {
            model::apply_setting(&mut model, key, value).map_err(|why| usage(format!("--set: {why}")))?;
        }
        diagnostics.extend(found);
        let truth = Scm::build(&model);
        diagnostics.extend(truth.as_ref().err().into_iter().flatten().cloned());
        if unread {
            // A statement that could not be read is missing everywhere: that is said once, where it stands.
            const CONSEQUENCES: [&str; 7] = ["E0201", "W0204", "E0305", "W0306", "E0406", "N0407", "W0705"];
            diagnostics.retain(|d| !CONSEQUENCES.contains(&d.code));
        }
        diag::fix::localize(&mut diagnostics, &sources);
        diag::sort(&mut diagnostics);
        Ok(Self { path, sources, model, truth: truth.ok().flatten(), diagnostics, messages, format: arguments.format })
    }

    /// The folder that paths in the model are relative to.
    pub(super) fn base(&self) -> PathBuf {
        folder(&self.path)
    }

    /// The texts of the model file and of the files it imports.
    #[cfg(feature = "run")]
    pub(super) fn texts(&self) -> Vec<u8> {
        self.sources.files().iter().flat_map(|file| file.text.bytes()).collect()
    }

    /// Whether anything found so far is an error.
    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// What the data sets offer; problems are kept as diagnostics.
    pub(super) fn schemas(&mut self) -> Vec<Schema> {
        let base = self.base();
        self.missing_mechanisms(&base);
        let mut schemas = vec![];
        for regime in 0..self.model.regimes.len() {
            match data::schema(&self.model, regime, &base) {
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

    /// W0609 for files of mechanisms and encoders that are not there, one for each file.
    fn missing_mechanisms(&mut self, base: &Path) {
        let mut missing: BTreeMap<(&str, &str), Vec<(&str, Span)>> = BTreeMap::new();
        for (name, variable) in &self.model.variables {
            let encoder = variable.encoder.as_ref().and_then(|e| Some((e.file.as_deref()?, e.span)));
            let files = [("pretrained", variable.pretrained()), ("encoder", encoder)];
            for (kind, (path, span)) in files.into_iter().filter_map(|(kind, file)| Some((kind, file?))) {
                if !base.join(path).is_file() {
                    missing.entry((path, kind)).or_default().push((name, span));
                }
            }
        }
        for ((path, kind), places) in missing {
            let found = Diagnostic::new("W0609", format!("the {kind} file `{path}` is not there"));
            let part = if kind == "encoder" { "encoder" } else { "mechanism" };
            let label = |d: Diagnostic, (name, span): &(&str, Span)| d.label(*span, format!("the {part} of `{name}`"));
            let found = places.iter().fold(found, label);
            self.diagnostics.push(found.note(format!("looked for {}", base.join(path).display())));
        }
    }

    /// The training plan; `None` if there is none (and a diagnostic says why).
    pub(super) fn plan(&mut self, schemas: &[Schema], options: Options) -> Option<Planned> {
        let planned = plan::make(&self.model, schemas, options);
        let found = match &planned {
            Ok(planned) => planned.diagnostics.clone(),
            Err(errors) => errors.clone(),
        };
        self.diagnostics.extend(found);
        diag::sort(&mut self.diagnostics);
        planned.ok()
    }

    /// E0801 for assertions that a query is identifiable, where it is not shown to be.
    pub(super) fn check_assertions(&mut self, schemas: &[Schema]) {
        let model = &self.model;
        let found = model.assertions.iter().filter_map(|a| identification::broken_assertion(model, schemas, a));
        let found: Vec<Diagnostic> = found.collect();
        self.diagnostics.extend(found);
    }

    /// E0701 for the queries that the data do not determine, or not what `planned` trains from them.
    pub(super) fn refuse_unidentified(&mut self, schemas: &[Schema], planned: Option<&Planned>) {
        let taught = planned.map(|p| taught(&self.model, &p.plan)).unwrap_or_default();
        let refused = |query: &Query| unidentified(&self.model, schemas, &taught, query).0;
        let found: Vec<Diagnostic> = self.model.queries.iter().filter_map(refused).collect();
        self.diagnostics.extend(found);
        diag::sort(&mut self.diagnostics);
    }

    /// W0507 for queries that the truth block gives no support, however many rows are drawn from it.
    pub(super) fn warn_of_unsupported(&mut self, schemas: &[Schema]) {
        let (model, Some(truth)) = (&self.model, &self.truth) else { return };
        let found = model.queries.iter().flat_map(|q| identification::unsupported_by_truth(model, schemas, q, truth));
        let found: Vec<Diagnostic> = found.collect();
        self.diagnostics.extend(found);
        diag::sort(&mut self.diagnostics);
    }

    /// Stops with the diagnostics if there are errors; otherwise prints warnings and notes once and goes on.
    pub(super) fn settle(&mut self) -> Result<(), Stop> {
        let code = self.report();
        if code == OK {
            self.diagnostics.clear();
            return Ok(());
        }
        Err(Stop(code))
    }

    /// Prints the diagnostics (errors to stdout as one object if `--format json` asks for it, else to stderr) and
    /// returns the exit code.
    pub(super) fn report(&self) -> u8 {
        match self.format {
            Format::Json if self.has_errors() => print(&pretty(&self.json())),
            _ => self.messages.tell(&self.diagnostics, &self.sources),
        }
        self.exit_code()
    }

    /// The diagnostics as the one object of `--format json`.
    pub(super) fn json(&self) -> serde_json::Value {
        render_json_limited(&self.diagnostics, &self.sources, self.messages.max_errors)
    }

    /// What the diagnostics mean for the exit code.
    pub(super) fn exit_code(&self) -> u8 {
        // A file or a device that is not there is no mistake of the model.
        let outside = |d: &Diagnostic| matches!(d.code, "E0501" | "E0901");
        match self.has_errors() {
            false => OK,
            true if self.diagnostics.iter().filter(|d| d.is_error()).all(outside) => USAGE_ERROR,
            true => MODEL_ERROR,
        }
    }

    /// Reports an error that ends the command.
    #[cfg(feature = "run")]
    pub(super) fn stop(&mut self, error: Diagnostic) -> Stop {
        self.diagnostics.push(error);
        diag::sort(&mut self.diagnostics);
        Stop(self.report())
    }

    /// Reads a query of the command line; what is wrong with it is reported with its own text.
    pub(super) fn query(&mut self, text: &str) -> Result<Query, Stop> {
        let start = self.sources.end();
        self.sources.push("query", text);
        model::parse_query_at(&self.model, text, start).map_err(|found| {
            self.diagnostics = found;
            Stop(self.report())
        })
    }
}

/// What the plan's data sets teach.
pub(super) fn taught(model: &Model, plan: &Plan) -> Vec<Taught> {
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
pub(super) fn unidentified(
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

/// The text of the model file.
fn read(path: &Path) -> Result<String, Stop> {
    let bytes = std::fs::read(path).map_err(|e| usage(format!("cannot read {}: {e}", path.display())))?;
    String::from_utf8(bytes)
        .map_err(|e| usage(format!("{} is not UTF-8 text (byte {})", path.display(), e.utf8_error().valid_up_to())))
}

/// JSON as it is printed.
pub(super) fn pretty(json: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}

fn folder(path: &Path) -> PathBuf {
    path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A data file on the command line is relative to the working directory, in the model to the model.
fn from_here(key: &str, value: &str) -> String {
    if key.ends_with(".n") || key.ends_with(".seed") {
        return value.to_owned();
    }
    std::path::absolute(value).map_or_else(|_| value.to_owned(), |p| p.display().to_string())
}

fn settings(set: &[String]) -> Result<Vec<(String, String)>, Stop> {
    let split = |item: &String| {
        let (key, value) = item.split_once('=')?;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    };
    set.iter().map(|item| split(item).ok_or_else(|| usage(format!("--set takes KEY=VALUE, not `{item}`")))).collect()
}
