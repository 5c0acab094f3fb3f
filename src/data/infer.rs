//! Types of variables taken from their data.

use super::cell::Cell;
use super::file::{DataFile, Row};
use super::load::{open, unreadable};
use super::select::{Selection, quoted, select};
use crate::diag::{Diagnostic, Span};
use crate::model::{Domain, Model, Regime, Source, VarId, spell};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

/// The most values an `int` that is inferred has.
const MAX_INTS: usize = 20;
/// The widest range of an inferred `int`: codes count every number in it.
const MAX_RANGE: i64 = 100;
/// The most labels an inferred `categorical` has.
const MAX_LABELS: usize = 50;

/// Gives each variable of `model` without a type the one its data have, with notes (N0407);
/// see [`infer`]. For `model::lower`, which reads values only once types are known.
pub fn infer_domains(model: &mut Model, base: &Path, limit: usize) -> Vec<Diagnostic> {
    let (domains, diagnostics) = infer(model, base, limit);
    for Inferred { variable, domain, sampled } in domains {
        model.variables[variable].domain = Some(domain);
        model.variables[variable].sampled = sampled;
    }
    diagnostics
}

/// The type of a variable, from its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// The variable.
    pub variable: VarId,
    /// Its type.
    pub domain: Domain,
    /// Whether some rows were left out.
    pub sampled: bool,
}

/// The types of the variables without one, from the first `limit` rows of each data set that holds them: whole
/// numbers 0 and 1 → `binary`, at most 20 whole numbers → `int[low..high]`, at most 50 texts →
/// `categorical {…}`; others stay without. With notes (N0407), and errors for files that
/// cannot be read.
pub fn infer(model: &Model, base: &Path, limit: usize) -> (Vec<Inferred>, Vec<Diagnostic>) {
    // A declared type that could not be read was reported where it stands.
    let untyped = |v: &VarId| model.domain(*v).is_none() && model.variables[*v].declared.is_none();
    let mut untyped: BTreeMap<VarId, Seen> =
        (0..model.variables.len()).filter(untyped).map(|v| (v, Seen::default())).collect();
    let mut diagnostics = vec![];
    if !untyped.is_empty() {
        for regime in &model.regimes {
            let Source::File { path, span } = &regime.source else { continue };
            let place = (path.as_str(), *span);
            // What was set, and to what, is read after types are known: only columns matter here.
            let regime = Regime { interventions: vec![], ..regime.clone() };
            let read = open(base, place).and_then(|file| {
                let (selection, _) = select(model, &regime, place, file.header())?;
                look_at(file, place, &selection, limit, &mut untyped)
            });
            diagnostics.extend(read.err().into_iter().flatten());
        }
    }
    let mut domains = vec![];
    for (variable, seen) in untyped {
        if seen.files.is_empty() {
            continue;
        }
        match seen.domain() {
            Ok(domain) => domains.push((variable, domain, seen)),
            Err(why) => diagnostics.push(no_type(model, variable, &seen, &why)),
        }
    }
    if !domains.is_empty() {
        diagnostics.push(taken(model, &domains));
    }
    let inferred =
        |(variable, domain, seen): (VarId, Domain, Seen)| Inferred { variable, domain, sampled: seen.sampled };
    (domains.into_iter().map(inferred).collect(), diagnostics)
}

fn look_at(
    file: DataFile,
    place: (&str, Span),
    selection: &Selection,
    limit: usize,
    untyped: &mut BTreeMap<VarId, Seen>,
) -> Result<(), Vec<Diagnostic>> {
    let mut targets: Vec<(usize, &mut Seen)> = vec![];
    for (variable, seen) in untyped.iter_mut() {
        if let Some(&column) = selection.columns.get(variable) {
            seen.files.insert(place.0.to_owned());
            targets.push((column, seen));
        }
    }
    if targets.is_empty() {
        return Ok(());
    }
    let visit = &mut |row: &Row| {
        if selection.conditions.iter().all(|c| c.holds(row.cell(c.column))) {
            targets.iter_mut().for_each(|(column, seen)| seen.add(row.cell(*column)));
        }
    };
    let read = file.rows(&selection.wanted(), limit, visit).map_err(|failure| vec![unreadable(place, failure)])?;
    targets.iter_mut().for_each(|(_, seen)| seen.sampled |= read == limit);
    Ok(())
}

/// What the columns of one variable hold.
#[derive(Default)]
struct Seen {
    files: BTreeSet<String>,
    /// Whole numbers, one more than are allowed at most.
    ints: BTreeSet<i64>,
    /// Cells as text, one more than are allowed at most.
    texts: HashSet<Box<[u8]>>,
    has_fractions: bool,
    has_text: bool,
    /// Whether some rows were left out.
    sampled: bool,
}

impl Seen {
    fn add(&mut self, cell: Cell) {
        if cell.is_missing() {
            return;
        }
        match cell.whole() {
            Some(number) if self.ints.len() <= MAX_INTS => _ = self.ints.insert(number),
            Some(_) => {}
            None if cell.number().is_some() => self.has_fractions = true,
            None => self.has_text = true,
        }
        if let Cell::Text(text) = cell
            && self.texts.len() <= MAX_LABELS
            && !self.texts.contains(text)
        {
            self.texts.insert(text.into());
        }
    }

    /// The type, or why there is none.
    fn domain(&self) -> Result<Domain, String> {
        if self.has_text {
            return self.labels();
        }
        if self.has_fractions {
            return Err("it has numbers that are not whole".to_owned());
        }
        let (Some(&low), Some(&high)) = (self.ints.first(), self.ints.last()) else {
            return Err("all its cells are empty".to_owned());
        };
        match () {
            () if low >= 0 && high <= 1 => Ok(Domain::Binary),
            () if self.ints.len() > MAX_INTS => Err(format!("it has more than {MAX_INTS} different numbers")),
            () if high - low >= MAX_RANGE => Err(format!("its numbers range from {low} to {high}")),
            () => Ok(Domain::Int { low, high }),
        }
    }

    fn labels(&self) -> Result<Domain, String> {
        if self.texts.len() > MAX_LABELS {
            return Err(format!("it has more than {MAX_LABELS} different texts"));
        }
        let texts = self.texts.iter().map(|text| String::from_utf8(text.to_vec()));
        let mut labels: Vec<String> = texts.collect::<Result<_, _>>().map_err(|_| "it is not UTF-8 text".to_owned())?;
        labels.sort();
        Ok(Domain::Labels(labels))
    }
}

/// N0407 for the variables whose type was found, all in one.
fn taken(model: &Model, domains: &[(VarId, Domain, Seen)]) -> Diagnostic {
    let names = quoted(domains.iter().map(|(variable, ..)| model.name(*variable)), 6);
    let verb = if domains.len() == 1 { "takes its type" } else { "take their types" };
    let mut note = Diagnostic::new("N0407", format!("{names} {verb} from the data"));
    for (variable, domain, seen) in domains {
        let files = quoted(seen.files.iter().map(String::as_str), 4);
        let part = if seen.sampled { "the first rows of " } else { "" };
        note = note.label(place(model, *variable), format!("{domain}, as in {part}{files}"));
    }
    let written = domains.iter().map(|(variable, domain, _)| format!("{}: {domain}", spell(model.name(*variable))));
    note.help(format!("write `{}` to settle it", written.collect::<Vec<_>>().join("; ")))
}

/// N0407 for a variable whose data give it no type.
fn no_type(model: &Model, variable: VarId, seen: &Seen, why: &str) -> Diagnostic {
    let (name, files) = (model.name(variable), quoted(seen.files.iter().map(String::as_str), 4));
    Diagnostic::new("N0407", format!("`{name}` has no type, and {files} does not give one: {why}"))
        .label(place(model, variable), "no type")
        .help(format!("write its type, e.g. `{name}: real`"))
}

fn place(model: &Model, variable: VarId) -> Span {
    model.variables.get_index(variable).map_or_else(Span::default, |(_, about)| about.span)
}
