//! `dcmc fmt`: model files in the one layout.

use super::messages::Messages;
use super::session::usage;
use super::{MODEL_ERROR, OK};
use crate::diag::Sources;
use crate::syntax;
use clap::Args;
use similar::TextDiff;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Args)]
pub(super) struct Arguments {
    /// Change nothing: show what would change, and exit with 1 if anything would.
    #[arg(long)]
    check: bool,
    /// Model files; `-` goes from standard input to standard output. Of a folder, every `.scm` file in it and
    /// below that begins with `dcm 1` (other languages use the extension too), but none in hidden folders or
    /// run directories.
    #[arg(default_value = ".")]
    files: Vec<PathBuf>,
}

/// Formats each file; one that cannot be read or has errors does not keep the others from it.
pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    let mut worst = OK;
    for path in &arguments.files {
        let files = if path.is_dir() { models_below(path) } else { Ok(vec![path.clone()]) };
        let code = match files {
            Ok(files) => files.iter().map(|file| format_file(file, arguments.check, messages)).max().unwrap_or(OK),
            Err(error) => usage(format!("cannot read {}: {error}", path.display())).0,
        };
        worst = worst.max(code);
    }
    worst
}

fn format_file(path: &Path, check: bool, messages: Messages) -> u8 {
    let piped = path == Path::new("-");
    let name = if piped { "standard input".to_owned() } else { path.display().to_string() };
    let text = match read(path, piped) {
        Ok(text) => text,
        Err(error) => return usage(format!("cannot read {name}: {error}")).0,
    };
    let formatted = match syntax::format(&text) {
        Ok(formatted) => formatted,
        Err(errors) => {
            messages.tell(&errors, &Sources::new(name, text));
            return MODEL_ERROR;
        }
    };
    let changed = formatted != text;
    let outcome = match (check, piped) {
        (true, _) if changed => write_out(&difference(&text, &formatted, &name, &format!("{name}, formatted"))),
        (false, true) => write_out(&formatted),
        (false, false) if changed => replace(path, &formatted).and_then(|()| write_out(&format!("{name}\n"))),
        _ => Ok(()),
    };
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => usage(format!("cannot write {name}: {error}")).0,
        _ if check && changed => MODEL_ERROR,
        _ => OK,
    }
}

fn read(path: &Path, piped: bool) -> io::Result<String> {
    let mut text = String::new();
    match piped {
        true => io::stdin().read_to_string(&mut text).map(|_| text),
        false => std::fs::read_to_string(path),
    }
}

fn write_out(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())
}

/// What would change in the file `name`, as a unified diff; a long search for the shortest one is cut off.
pub(super) fn difference(old: &str, new: &str, name: &str, new_name: &str) -> String {
    let diff = TextDiff::configure().timeout(Duration::from_secs(1)).diff_lines(old, new);
    diff.unified_diff().context_radius(1).header(name, new_name).to_string()
}

/// Puts `text` in the place of a file, all of it or nothing; links and permissions stay.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = std::fs::canonicalize(path)?;
    let mut name = std::ffi::OsString::from(format!(".writing-{}-", std::process::id()));
    name.push(path.file_name().unwrap_or_default());
    let beside = path.with_file_name(name);
    let write = || {
        std::fs::write(&beside, text)?;
        std::fs::set_permissions(&beside, std::fs::metadata(&path)?.permissions())?;
        std::fs::rename(&beside, &path)
    };
    write().inspect_err(|_| drop(std::fs::remove_file(&beside)))
}

/// The model files of a folder and the folders in it, sorted.
fn models_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    let mut found = vec![];
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let extension = path.extension().unwrap_or_default();
        let kind = entry.file_type()?;
        if kind.is_dir() && !hidden && extension != "dcm" {
            found.extend(models_below(&path)?);
        } else if kind.is_file() && extension == "scm" && is_model(&path) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether the first line of a file that is neither empty nor a comment is `dcm` and a number. (A file that cannot
/// be read is taken along, for the message.)
fn is_model(path: &Path) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return true };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let rest = first.and_then(|line| line.strip_prefix("dcm"));
    rest.is_some_and(|rest| {
        rest.starts_with([' ', '\t']) && rest.trim_start().starts_with(|c: char| c.is_ascii_digit())
    })
}
