//! The parts of a file: symbols and what can be folded.

use super::Analysis;
use crate::diag::{SourceFile, Span};
use crate::syntax::ast::{Name, Statement, StatementKind, TruthEntry};
use crate::syntax::{TokenKind, tokens};

/// A named part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub detail: String,
    /// Its kind.
    pub kind: SymbolKind,
    /// All of it.
    pub span: Span,
    /// Its name's place, inside `span`.
    pub name_span: Span,
    /// Its own parts.
    pub inner: Vec<Symbol>,
}

/// Kinds of symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// An observed variable.
    Variable,
    /// A hidden cause.
    Hidden,
    /// A data set.
    Data,
    /// The truth block.
    Truth,
    /// A line of the truth block.
    Equation,
    /// Settings of training.
    Train,
    /// A query.
    Query,
    /// A file that is written.
    Output,
    /// An assertion or an expectation.
    Claim,
}

/// Lines that can be folded, from 0, both ends among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The line that stays.
    pub first: usize,
    /// The last line that goes.
    pub last: usize,
    /// Whether it is made of comments.
    pub comment: bool,
}

/// The symbols of the model file, by place; each variable once, where it is declared or first named.
pub fn symbols(analysis: &Analysis) -> Vec<Symbol> {
    let model = &analysis.program.model;
    let mut found: Vec<Symbol> = vec![];
    for (name, variable) in model.variables.iter().filter(|(_, v)| analysis.is_home(v.span)) {
        let detail = variable.domain.as_ref().map_or(String::new(), ToString::to_string);
        let (kind, span) = (SymbolKind::Variable, variable.span);
        found.push(Symbol { name: name.clone(), detail, kind, span, name_span: span, inner: vec![] });
    }
    let here = analysis.program.ast.statements.iter().filter(|s| analysis.is_home(s.span));
    here.for_each(|statement| found.extend(symbols_of(statement, analysis.text())));
    found.sort_by_key(|symbol| (symbol.span.start, symbol.name_span));
    found
}

fn symbols_of(statement: &Statement, text: &str) -> Vec<Symbol> {
    let span = statement.span;
    let named = |name: &Name, kind, detail: String| {
        vec![Symbol { name: name.value.clone(), detail, kind, span, name_span: name.span, inner: vec![] }]
    };
    let whole = |name: &str, kind, inner| {
        let name_span = Span::new(span.start, span.start);
        vec![Symbol { name: name.to_owned(), detail: String::new(), kind, span, name_span, inner }]
    };
    match &statement.kind {
        StatementKind::Latent { names, .. } => {
            let hidden = names.iter().map(|n| (n.span, n.value.clone()));
            let symbol = |(span, name)| Symbol {
                name,
                detail: "hidden cause".to_owned(),
                kind: SymbolKind::Hidden,
                span,
                name_span: span,
                inner: vec![],
            };
            hidden.map(symbol).collect()
        }
        StatementKind::Data(data) => named(&data.name, SymbolKind::Data, "data".to_owned()),
        StatementKind::Query { name, .. } => {
            let asked = text.get(name.span.end..span.end).unwrap_or_default();
            named(name, SymbolKind::Query, asked.trim_start_matches([':', ' ']).to_owned())
        }
        StatementKind::Truth(entries) => whole("truth", SymbolKind::Truth, equations(entries)),
        StatementKind::Train { targets, .. } => {
            let names: Vec<&str> = targets.iter().map(|t| t.value.as_str()).collect();
            whole(format!("train {}", names.join(", ")).trim_end(), SymbolKind::Train, vec![])
        }
        StatementKind::Output { query, path, .. } => {
            let name_span = path.span;
            // Editors refuse symbols without a name.
            let name = if path.value.is_empty() { "output".to_owned() } else { path.value.clone() };
            let detail = format!("output {}", query.value);
            vec![Symbol { name, detail, kind: SymbolKind::Output, span, name_span, inner: vec![] }]
        }
        StatementKind::Expect { .. } | StatementKind::Assert(_) => {
            whole(text.get(span.start..span.end).unwrap_or_default(), SymbolKind::Claim, vec![])
        }
        StatementKind::Edges { .. }
        | StatementKind::Bare(_)
        | StatementKind::Declaration { .. }
        | StatementKind::Import { .. } => vec![],
    }
}

fn equations(entries: &[TruthEntry]) -> Vec<Symbol> {
    let equation = |entry: &TruthEntry| {
        let (TruthEntry::Equation { name, .. } | TruthEntry::Table { name, .. }) = entry else { return None };
        let (kind, span) = (SymbolKind::Equation, name.span);
        Some(Symbol { name: name.value.clone(), detail: String::new(), kind, span, name_span: span, inner: vec![] })
    };
    entries.iter().filter_map(equation).collect()
}

/// What can be folded: brackets over several lines, and runs of lines that are comments.
pub fn folds(file: &SourceFile) -> Vec<Fold> {
    let line = |at: usize| file.position(at).line - 1;
    let (mut found, mut open) = (vec![], vec![]);
    let mut comments: Option<Fold> = None;
    for token in tokens(&file.text) {
        let first = line(token.span.start);
        match token.kind {
            TokenKind::Open => open.push(first),
            TokenKind::Close => {
                let fold = open.pop().map(|start| Fold { first: start, last: first.saturating_sub(1), comment: false });
                found.extend(fold.filter(|f| f.last > f.first));
            }
            TokenKind::Comment if file.line(token.span.start).trim_start().starts_with('#') => {
                match comments.as_mut().filter(|run| run.last + 1 == first) {
                    Some(run) => run.last = first,
                    None => {
                        found.extend(comments.replace(Fold { first, last: first, comment: true }));
                    }
                }
            }
            _ => {}
        }
    }
    found.extend(comments);
    found.retain(|fold| fold.last > fold.first);
    found.sort_by_key(|fold| (fold.first, fold.last));
    found.dedup_by_key(|fold| fold.first);
    found
}
