//! A model file on its way through the front end, and what there is to say about it.

use super::messages::Messages;
use super::{Format, MODEL_ERROR, ModelArguments, OK, USAGE_ERROR};
use crate::check::Program;
pub(super) use crate::check::SAMPLE;
#[cfg(feature = "run")]
pub(super) use crate::check::{taught, unidentified};
use crate::diag::{Diagnostic, render_json_limited};
use crate::model::{self, Query};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A model file that was read, with everything found in it so far.
pub(super) struct Session {
    pub path: PathBuf,
    pub program: Program,
    pub messages: Messages,
    pub format: Format,
}

/// A session is about its program.
impl std::ops::Deref for Session {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl std::ops::DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// Texts that stand for those of files, by the files' names.
pub(super) type Overlay = BTreeMap<String, String>;

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
        let mut program = Program::parse(&name, text, &|path| {
            let changed = overlay.get(&path.display().to_string());
            changed.map_or_else(|| std::fs::read_to_string(path), |text| Ok(text.clone()))
        });
        let wrong = |key: &str, why: String| usage(format!("--set {key}: {why}"));
        let mut of_model = vec![];
        for (key, value) in settings(&arguments.set)? {
            if key.starts_with("data.") {
                model::set_data(&mut program.ast, &key, &from_here(&key, &value)).map_err(|why| wrong(&key, why))?;
            } else if key.starts_with("truth.") {
                model::set_truth(&mut program.ast, &key, &from_here(&key, &value)).map_err(|why| wrong(&key, why))?;
            } else {
                of_model.push((key, value));
            }
        }
        program.lower(rows, |model| {
            let mut apply = |(key, value): &(String, String)| model::apply_setting(model, key, value);
            of_model.iter().try_for_each(|set| apply(set).map_err(|why| usage(format!("--set: {why}"))))
        })?;
        Ok(Self { path, program, messages, format: arguments.format })
    }

    /// The texts of the model file and of the files it imports.
    #[cfg(feature = "run")]
    pub(super) fn texts(&self) -> Vec<u8> {
        self.sources.files().iter().flat_map(|file| file.text.bytes()).collect()
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
        let outside = |d: &Diagnostic| matches!(d.code, "E0501" | "E0605" | "E0606" | "E0901");
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
        crate::diag::sort(&mut self.diagnostics);
        Stop(self.report())
    }

    /// Reads a query of the command line; what is wrong with it is reported with its own text.
    pub(super) fn query(&mut self, text: &str) -> Result<Query, Stop> {
        let start = self.sources.end();
        self.sources.push("query", text);
        let read = model::parse_query_at(&self.model, text, start).map_err(|found| {
            self.diagnostics = found;
            Stop(self.report())
        });
        let (query, mut pictures) = read?;
        // A file on the command line is relative to the working directory, in the model to the model.
        for picture in pictures.iter_mut().skip(self.model.pictures.len()) {
            let (Ok(here), Ok(base)) = (std::path::absolute(&picture.path), std::path::absolute(&self.base)) else {
                continue;
            };
            picture.path = here.strip_prefix(base).unwrap_or(&here).display().to_string();
        }
        self.model.pictures = pictures;
        Ok(query)
    }
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
