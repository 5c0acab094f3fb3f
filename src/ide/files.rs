//! Names of files inside quotes.

use super::Analysis;
use super::complete::{Completion, CompletionKind};
use super::context::Context;
use crate::model::{QueryKind, spell};
use std::path::Path;

/// The names in a folder, whose path is relative to the model file; those of folders end in `/`. Empty where it cannot
/// be read.
pub type List<'a> = &'a dyn Fn(&Path) -> Vec<String>;

/// The most names that are proposed.
const MAX_NAMES: usize = 200;

const ROWS: [&str; 8] = [".csv", ".tsv", ".parquet", ".npz", ".npy", ".idx", "-ubyte", "-ubyte.gz"];
const IMAGES: [&str; 6] = [".npz", ".npy", ".safetensors", ".idx", "-ubyte", "-ubyte.gz"];
const NETWORKS: [&str; 4] = [".safetensors", ".pth", ".pt", ".onnx"];
const MODELS: [&str; 1] = [".scm"];

/// What can follow what is `typed` of a string, and how many bytes of that it takes the place of.
pub(super) fn propose(
    analysis: &Analysis,
    context: &Context<'_>,
    typed: &str,
    list: List<'_>,
) -> (usize, Vec<Completion>) {
    let tokens = context.levels.first().map_or(&[][..], |outer| &outer.tokens[..]);
    if let ["output", query, "->"] = tokens {
        return (typed.len(), outputs(analysis, query));
    }
    let Some(endings) = endings(tokens, context) else { return (0, vec![]) };
    let folder = typed.rfind('/').map_or("", |slash| &typed[..=slash]);
    let mut names = list(Path::new(folder));
    names.retain(|name| !name.starts_with('.') && (name.ends_with('/') || endings.iter().any(|e| name.ends_with(e))));
    names.sort_by_key(|name| (name.ends_with('/'), name.to_lowercase()));
    names.truncate(MAX_NAMES);
    (typed.len() - folder.len(), names.into_iter().map(file).collect())
}

/// How the names end of the files that the statement can name there.
fn endings(tokens: &[&str], context: &Context<'_>) -> Option<&'static [&'static str]> {
    let inner = context.levels.last().map_or(&[][..], |level| &level.tokens[..]);
    Some(match (tokens, inner, context.levels.len()) {
        (["data", _, "="], _, 1) => &ROWS,
        (["data", ..], [.., ":"], 3..) => &IMAGES,
        (["import"], ..) => &MODELS,
        ([_, ..], [.., "pretrained"], 1) | ([_, ..], ["file" | "encode", ":"], 2..) => &NETWORKS,
        _ => return None,
    })
}

fn file(name: String) -> Completion {
    let kind = if name.ends_with('/') { CompletionKind::Folder } else { CompletionKind::File };
    Completion { label: name, kind, detail: String::new(), snippet: None }
}

/// Files that the answer to a query can be written to.
fn outputs(analysis: &Analysis, query: &str) -> Vec<Completion> {
    let drawn = |q: &&crate::model::Query| matches!(q.kind, QueryKind::Samples { .. });
    let known = analysis.program.model.queries.iter().find(|q| spell(&q.name) == query);
    let endings: &[&str] = match known.filter(drawn) {
        Some(_) => &[".csv", ".parquet", ".npz", ".png"],
        None => &[".csv", ".parquet", ".json"],
    };
    endings.iter().map(|ending| file(format!("{}{ending}", query.trim_matches('`')))).collect()
}
