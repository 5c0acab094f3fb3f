//! Programs of several files: `import "colours.scm" as c`.

use super::ast::*;
use super::parse::{parse, parse_at};
use super::reparse::reparse;
use crate::diag::{Diagnostic, Sources, Span};
use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The most files of one program.
const MAX_FILES: usize = 200;

/// Reads a program: the file `name` with the given text, and the files it imports, which `read` gives.
///
/// An import brings what a file says of the world: variables, edges, types, data sets, equations. What it
/// asks (queries, outputs, expectations, assertions) and its training settings stay with it.
/// Imported names get the alias and a dot before them; paths become relative to the importing file.
pub fn load(name: &str, text: String, read: &dyn Fn(&Path) -> io::Result<String>) -> (Ast, Sources, Vec<Diagnostic>) {
    load_after(None, name, text, read)
}

/// As [`load`]; quick where the text is like an earlier one in which nothing was wrong, given with its tree.
pub fn load_after(
    earlier: Option<(&str, &Ast)>,
    name: &str,
    text: String,
    read: &dyn Fn(&Path) -> io::Result<String>,
) -> (Ast, Sources, Vec<Diagnostic>) {
    let (ast, diagnostics) = earlier.map_or_else(|| parse(&text), |(old, tree)| reparse(old, tree, &text));
    let path = tidy(Path::new(name));
    let mut loader = Loader {
        read,
        sources: Sources::new(name, text),
        diagnostics,
        imports: vec![],
        taken: BTreeSet::new(),
        outer: String::new(),
    };
    let mut ast = loader.expand(ast, &path, &mut vec![path.clone()]);
    ast.imports = std::mem::take(&mut loader.imports);
    join_truths(&mut ast, &loader.sources);
    (ast, loader.sources, loader.diagnostics)
}

struct Loader<'a> {
    read: &'a dyn Fn(&Path) -> io::Result<String>,
    sources: Sources,
    diagnostics: Vec<Diagnostic>,
    imports: Vec<Imported>,
    /// Files with the names they were taken under, so that nothing comes in twice.
    taken: BTreeSet<(PathBuf, String)>,
    /// What stands before the names of the file that is being read.
    outer: String,
}

impl Loader<'_> {
    /// Puts the statements of imported files in the place of the imports.
    fn expand(&mut self, ast: Ast, path: &Path, open: &mut Vec<PathBuf>) -> Ast {
        let mut statements = vec![];
        for statement in ast.statements {
            let StatementKind::Import { path: written, alias } = &statement.kind else {
                statements.push(statement);
                continue;
            };
            if let Some(imported) = self.import(written, alias.as_ref(), statement.span, path, open) {
                statements.extend(imported);
            }
        }
        Ast { edition: ast.edition, statements, imports: vec![] }
    }

    fn import(
        &mut self,
        written: &Spanned<String>,
        alias: Option<&Name>,
        statement: Span,
        from: &Path,
        open: &mut Vec<PathBuf>,
    ) -> Option<Vec<Statement>> {
        let folder = from.parent().unwrap_or(Path::new(""));
        let path = tidy(&folder.join(&written.value));
        if let Some(first) = open.iter().position(|p| *p == path) {
            let circle: Vec<String> = open[first..].iter().chain([&path]).map(|p| p.display().to_string()).collect();
            let found =
                Diagnostic::new("E0205", "this import runs in a circle").label(written.span, "already being read");
            self.diagnostics
                .push(found.note(circle.join(" imports ")).help("move what both files need to a third file"));
            return None;
        }
        let prefix = alias.map_or(String::new(), |a| format!("{}.", a.value));
        let whole = format!("{}{prefix}", self.outer);
        if !self.taken.insert((path.clone(), whole.clone())) {
            return None;
        }
        if self.sources.files().len() >= MAX_FILES {
            let found = Diagnostic::new("E0205", format!("a program can have at most {MAX_FILES} files"));
            self.diagnostics.push(found.label(written.span, "one more"));
            return None;
        }
        let text = match (self.read)(&path) {
            Ok(text) => text,
            Err(error) => {
                self.diagnostics.push(not_found(written, &path, &error));
                return None;
            }
        };
        let start = self.sources.end();
        self.imports.push(Imported { statement, path: written.clone(), start, prefix: whole.clone() });
        let (ast, found) = parse_at(&text, start);
        self.sources.push(path.display().to_string(), text);
        self.diagnostics.extend(found);
        open.push(path.clone());
        let outer = std::mem::replace(&mut self.outer, whole);
        let mut imported = self.expand(ast, &path, open).statements;
        self.outer = outer;
        open.pop();
        imported.retain(|s| describes_the_world(&s.kind));
        let inside = Path::new(&written.value).parent().unwrap_or(Path::new("")).to_path_buf();
        let names = names_of(&imported);
        for statement in &mut imported {
            Renaming { prefix: &prefix, folder: &inside, names: &names }.statement(&mut statement.kind);
        }
        Some(imported)
    }
}

fn not_found(written: &Spanned<String>, path: &Path, error: &io::Error) -> Diagnostic {
    let title = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no file `{}` to import", written.value),
        io::ErrorKind::InvalidData => format!("`{}` is not UTF-8 text", written.value),
        _ => format!("cannot read `{}`: {error}", written.value),
    };
    let looked = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    Diagnostic::new("E0205", title)
        .label(written.span, "imported here")
        .note(format!("looked for {}", looked.display()))
        .help("paths are relative to the file that imports")
}

fn describes_the_world(kind: &StatementKind) -> bool {
    use StatementKind as Kind;
    match kind {
        Kind::Edges { .. } | Kind::Latent { .. } | Kind::Bare(_) | Kind::Declaration { .. } => true,
        Kind::Data(_) | Kind::Truth(_) => true,
        Kind::Train { .. } | Kind::Query { .. } | Kind::Output { .. } | Kind::Expect { .. } => false,
        Kind::Assert(_) | Kind::Import { .. } => false,
    }
}

/// The variables of a file, less those that are also labels (a name is first a label).
fn names_of(statements: &[Statement]) -> BTreeSet<String> {
    let (mut names, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let mut label = |type_: &Type| {
        if let TypeArguments::Labels(l) = &type_.arguments {
            labels.extend(l.iter().map(|l| l.value.clone()));
        }
    };
    for statement in statements {
        match &statement.kind {
            StatementKind::Edges { first, rest } => {
                names.extend(first.iter().chain(rest.iter().flat_map(|r| &r.1)).map(|n| n.value.clone()));
            }
            StatementKind::Latent { names: hidden, children } => {
                names.extend(hidden.iter().chain(children).map(|n| n.value.clone()));
            }
            StatementKind::Bare(bare) => names.extend(bare.iter().map(|n| n.value.clone())),
            StatementKind::Declaration { names: declared, type_, .. } => {
                names.extend(declared.iter().map(|n| n.value.clone()));
                label(type_);
            }
            StatementKind::Truth(entries) => {
                for entry in entries {
                    match entry {
                        TruthEntry::Type(_, type_) => label(type_),
                        TruthEntry::Equation { name, .. } | TruthEntry::Table { name, .. } => {
                            names.insert(name.value.clone());
                        }
                    }
                }
            }
            _ => {}
        }
    }
    names.retain(|n| !labels.contains(n));
    names
}

/// Names and paths of an imported file as the importing one sees them.
struct Renaming<'a> {
    prefix: &'a str,
    folder: &'a Path,
    names: &'a BTreeSet<String>,
}

impl Renaming<'_> {
    fn statement(&self, kind: &mut StatementKind) {
        match kind {
            StatementKind::Edges { first, rest } => {
                first.iter_mut().chain(rest.iter_mut().flat_map(|r| &mut r.1)).for_each(|n| self.name(n));
            }
            StatementKind::Latent { names, children } => names.iter_mut().chain(children).for_each(|n| self.name(n)),
            StatementKind::Bare(names) => names.iter_mut().for_each(|n| self.name(n)),
            StatementKind::Declaration { names, pretrained, block, .. } => {
                names.iter_mut().for_each(|n| self.name(n));
                pretrained.iter_mut().for_each(|p| self.path(&mut p.value));
                block.iter_mut().for_each(|b| self.mechanism(b));
            }
            StatementKind::Data(data) => self.data(data),
            StatementKind::Truth(entries) => entries.iter_mut().for_each(|e| self.truth(e)),
            _ => {}
        }
    }

    fn name(&self, name: &mut Name) {
        name.value.insert_str(0, self.prefix);
    }

    fn path(&self, path: &mut String) {
        *path = tidy(&self.folder.join(&*path)).display().to_string();
    }

    fn data(&self, data: &mut Data) {
        self.name(&mut data.name);
        data.prefix.insert_str(0, self.prefix);
        if let DataSource::File(path) = &mut data.source {
            self.path(&mut path.value);
        }
        data.interventions.iter_mut().for_each(|a| self.name(&mut a.name));
        for entry in data.block.iter_mut().flat_map(|b| &mut b.entries) {
            let Some(Setting { kind: SettingKind::Block(bindings), .. }) = &mut entry.value else { continue };
            if entry.key.value == "images" {
                bindings.entries.iter_mut().for_each(|b| self.images(b));
                continue;
            }
            for binding in &mut bindings.entries {
                if binding.value.is_none() {
                    let kind = SettingKind::Scalar(Scalar::Text(binding.key.value.clone()));
                    binding.value = Some(Setting { kind, span: binding.key.span });
                }
                self.name(&mut binding.key);
            }
        }
    }

    /// `I: "digits.npz" { … }` or `I: { folder: "pngs" }`.
    fn images(&self, binding: &mut Entry) {
        self.name(&mut binding.key);
        match binding.value.as_mut().map(|v| &mut v.kind) {
            Some(SettingKind::Scalar(Scalar::Text(path))) => self.path(path),
            Some(SettingKind::File(path, _)) => self.path(&mut path.value),
            Some(SettingKind::Block(settings)) => {
                for setting in settings.entries.iter_mut().filter(|e| e.key.value == "folder") {
                    if let Some(Setting { kind: SettingKind::Scalar(Scalar::Text(path)), .. }) = &mut setting.value {
                        self.path(path);
                    }
                }
            }
            _ => {}
        }
    }

    /// `mechanism: pretrained { file: …, inputs: […] }` and `encode: "…"`.
    fn mechanism(&self, block: &mut Block) {
        for entry in &mut block.entries {
            let key = entry.key.value.as_str();
            match entry.value.as_mut().map(|v| &mut v.kind) {
                Some(SettingKind::Named(_, inner)) => self.mechanism(inner),
                Some(SettingKind::File(path, _)) => self.path(&mut path.value),
                Some(SettingKind::Scalar(Scalar::Text(path))) if matches!(key, "file" | "encode") => self.path(path),
                Some(SettingKind::List(items)) if key == "inputs" => {
                    for item in items {
                        if let Scalar::Name(name) = &mut item.value {
                            name.insert_str(0, self.prefix);
                        }
                    }
                }
                Some(SettingKind::Block(maps)) if matches!(key, "labels" | "classes") => {
                    maps.entries.iter_mut().for_each(|map| self.name(&mut map.key));
                }
                _ => {}
            }
        }
    }

    fn truth(&self, entry: &mut TruthEntry) {
        match entry {
            TruthEntry::Type(names, _) => names.iter_mut().for_each(|n| self.name(n)),
            TruthEntry::Equation { name, expr, .. } => {
                self.name(name);
                self.expr(expr);
            }
            TruthEntry::Table { name, parents, .. } => {
                self.name(name);
                parents.iter_mut().for_each(|n| self.name(n));
            }
        }
    }

    fn expr(&self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Name(name) if self.names.contains(name) => name.insert_str(0, self.prefix),
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Name(_) => {}
            ExprKind::Unary(_, inner) => self.expr(inner),
            ExprKind::Binary(_, left, right) => [left, right].into_iter().for_each(|e| self.expr(e)),
            ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|e| self.expr(e)),
            ExprKind::Call(_, arguments) => arguments.iter_mut().for_each(|a| match (&a.name, &mut a.value.kind) {
                (Some(name), ExprKind::Text(path)) if name.value == "mnist" => self.path(path),
                _ => self.expr(&mut a.value),
            }),
        }
    }
}

/// Truth blocks of several files make one, where the model file has its own; two in one file stay two (and are reported).
fn join_truths(ast: &mut Ast, sources: &Sources) {
    let is_truth = |s: &Statement| matches!(s.kind, StatementKind::Truth(_));
    let file = |s: &Statement| sources.locate(s.span).map(|(file, _)| file.start);
    let truths = ast.statements.iter().filter(|s| is_truth(s));
    let Some(home) = truths.min_by_key(|s| file(s)).map(|s| s.span) else { return };
    let mut seen: BTreeSet<usize> = sources.locate(home).map(|(file, _)| file.start).into_iter().collect();
    let mut more = vec![];
    ast.statements.retain_mut(|statement| {
        let joins = is_truth(statement) && file(statement).is_some_and(|file| seen.insert(file));
        if let (true, StatementKind::Truth(entries)) = (joins, &mut statement.kind) {
            more.append(entries);
        }
        !joins
    });
    let first = ast.statements.iter_mut().find(|s| s.span == home).map(|s| &mut s.kind);
    if let Some(StatementKind::Truth(entries)) = first {
        entries.extend(more);
    }
}

/// The path without `.` and with `..` taken back where a folder stands before it.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            _ => tidy.push(part),
        }
    }
    tidy
}
