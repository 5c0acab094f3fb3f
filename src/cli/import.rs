//! `dcmc import`: a graph of another program as a model file.

use super::messages::Messages;
use super::session::{Stop, print, usage};
use super::{MODEL_ERROR, OK};
use crate::diag::{Diagnostic, Sources, Span};
use crate::exchange::{Format, import};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(super) struct Arguments {
    /// The file: .dot, .gv, .dagitty, .txt, .bif, .gml or .cg.
    file: PathBuf,
    /// The format of the file [default: by its extension, else by how it begins].
    #[arg(long, value_enum)]
    from: Option<Format>,
    /// The model file to write [default: standard output].
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    convert(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn convert(arguments: &Arguments, messages: Messages) -> Result<u8, Stop> {
    let path = &arguments.file;
    let bytes = std::fs::read(path).map_err(|e| usage(format!("cannot read {}: {e}", path.display())))?;
    let text = String::from_utf8_lossy(&bytes);
    let sources = Sources::new(path.display().to_string(), text.as_ref());
    let say = |diagnostics: &[Diagnostic]| messages.tell(diagnostics, &sources);
    if let Err(error) = std::str::from_utf8(&bytes) {
        let at = error.valid_up_to();
        let found = Diagnostic::new("E0101", "this is not UTF-8 text").label(Span::new(at, at + 1), "from here on");
        say(&[found.help("save the file as UTF-8 in the other program")]);
        return Ok(MODEL_ERROR);
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let Some(format) = arguments.from.or_else(|| Format::of(&extension, &text)) else {
        let name = path.display();
        return Err(usage(format!("cannot tell the format of {name}; say it with --from dot|dagitty|bif|gml|cg")));
    };
    match import(&text, format) {
        Ok(imported) => {
            say(&imported.notes);
            deliver(&imported.text, arguments.output.as_deref())
        }
        Err(found) => {
            say(&[found]);
            Ok(MODEL_ERROR)
        }
    }
}

fn deliver(text: &str, output: Option<&Path>) -> Result<u8, Stop> {
    match output {
        None => print(text),
        Some(path) => {
            std::fs::write(path, text).map_err(|e| usage(format!("cannot write {}: {e}", path.display())))?;
        }
    }
    Ok(OK)
}
