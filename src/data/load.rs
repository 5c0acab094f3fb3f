//! From a data set's statement to its schema and its rows.

use super::cell::{Coded, Coder};
use super::file::{DataFile, Failure, Row};
#[cfg(feature = "run")]
use super::pictures::{Pictures, pictures};
use super::select::{Selection, quoted, select};
use super::{Schema, Table};
use crate::diag::{Diagnostic, Span};
use crate::model::{Domain, Model, Regime, Source, VarId};
use std::collections::BTreeMap;
use std::path::Path;

/// Rows of a text file that [`schema`] looks at.
const SAMPLE_ROWS: usize = 1_000;
/// Bad cells that are shown one by one.
const SHOWN_CELLS: usize = 5;

/// What the data set `regime` of `model` offers, and warnings (W0506). Reads the header, and of text
/// files up to 1,000 rows; `base` is the folder that paths are relative to.
///
/// # Errors
/// E0501 where the file cannot be read, E0502 for missing columns; E0503 and E0504 for cells of the
/// sample that do not fit.
pub fn schema(model: &Model, regime: usize, base: &Path) -> Result<(Schema, Vec<Diagnostic>), Vec<Diagnostic>> {
    let regime = &model.regimes[regime];
    let Source::File { path, span } = &regime.source else {
        let observed = super::simulate::observed(model, regime)?;
        let missing = super::simulate::missing_collections(model, base);
        let schema = Schema { name: regime.name.clone(), observed };
        return if missing.is_empty() { Ok((schema, vec![])) } else { Err(missing) };
    };
    let place = (path.as_str(), *span);
    let file = open(base, place)?;
    let (selection, warnings) = select(model, regime, place, file.header())?;
    let observed = selection.observed();
    let mut reading = Reading::new(model, regime, place, selection, Depth::Sample);
    reading.find_pictures(base, &file)?;
    let limit = if file.is_text() { SAMPLE_ROWS } else { reading.needed_rows() };
    if limit > 0 {
        let whole = reading.read(file, limit)? < limit;
        let mut errors = reading.errors(whole);
        errors.extend(reading.picture_errors(whole));
        if !errors.is_empty() {
            return Err(errors);
        }
    }
    Ok((Schema { name: regime.name.clone(), observed }, warnings))
}

/// All rows of the data set `regime` of `model`, and warnings (W0506, W0508, W0509). `seed` is the
/// run's; only simulated data sets use it. Discrete variables become codes of their domains, real ones numbers,
/// images bytes; vectors and variables without a type are left out.
///
/// # Errors
/// As for [`schema`], for all rows.
pub fn load(model: &Model, regime: usize, base: &Path, seed: u64) -> Result<(Table, Vec<Diagnostic>), Vec<Diagnostic>> {
    let regime = &model.regimes[regime];
    let Source::File { path, span } = &regime.source else {
        return Ok((super::simulate::table(model, regime, base, seed)?, vec![]));
    };
    let place = (path.as_str(), *span);
    let file = open(base, place)?;
    let (selection, mut warnings) = select(model, regime, place, file.header())?;
    let mut reading = Reading::new(model, regime, place, selection, Depth::All);
    reading.find_pictures(base, &file)?;
    reading.read(file, usize::MAX)?;
    let mut errors = reading.errors(true);
    errors.extend(reading.picture_errors(true));
    if !errors.is_empty() {
        return Err(errors);
    }
    warnings.extend(reading.warnings());
    Ok((reading.into_table()?, warnings))
}

/// Opens the file of a data set; `place` is its path as written, and where.
///
/// # Errors
/// E0501.
pub fn open(base: &Path, place: (&str, Span)) -> Result<DataFile, Vec<Diagnostic>> {
    DataFile::open(&base.join(place.0)).map_err(|failure| vec![unreadable(place, failure)])
}

/// E0501.
pub fn unreadable((path, span): (&str, Span), failure: Failure) -> Diagnostic {
    let mut error =
        Diagnostic::new("E0501", format!("cannot read `{path}`: {}", failure.message)).label(span, "this data file");
    error.notes = failure.notes;
    error.helps = failure.helps;
    error
}

/// How much of a data set is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Its first rows, to find mistakes; of images the header of the first.
    Sample,
    /// Everything.
    All,
}

/// The rows of one file as they are read.
struct Reading<'m> {
    model: &'m Model,
    regime: &'m Regime,
    place: (&'m str, Span),
    selection: Selection<'m>,
    #[cfg_attr(not(feature = "run"), allow(dead_code))] // text is read alike at any depth
    depth: Depth,
    targets: Vec<Target<'m>>,
    reals: Vec<RealTarget>,
    #[cfg(feature = "run")]
    pictures: Vec<Pictures<'m>>,
    /// The numbers of the rows that are in the table, from 0, where there are images.
    #[cfg(feature = "run")]
    taken: Vec<usize>,
    /// The codes of the current row, one per target.
    row: Vec<u32>,
    codes: Vec<Vec<u32>>,
    weights: Vec<f64>,
    /// Rows seen, rows the filter kept, rows with an empty cell.
    total: usize,
    kept: usize,
    dropped: usize,
    empty_weights: usize,
    bad: Bad,
    mismatch: Option<Mismatch>,
    broken_text: Option<(String, String)>,
}

/// A discrete variable with a column.
struct Target<'m> {
    variable: VarId,
    column: usize,
    fixed: Option<u32>,
    coder: Coder<'m>,
    empty: usize,
}

/// A real variable with a column.
struct RealTarget {
    variable: VarId,
    column: usize,
    values: Vec<f32>,
    empty: usize,
}

/// Cells that are no value of their variable, or no weight.
#[derive(Default)]
struct Bad {
    count: usize,
    shown: Vec<String>,
    variables: Vec<VarId>,
}

/// The first row whose cell is not the value that the data set says it was set to.
struct Mismatch {
    variable: VarId,
    place: String,
    text: String,
    rows: usize,
}

impl<'m> Reading<'m> {
    fn new(
        model: &'m Model,
        regime: &'m Regime,
        place: (&'m str, Span),
        selection: Selection<'m>,
        depth: Depth,
    ) -> Self {
        let target = |(&variable, &column): (&VarId, &usize)| {
            let coder = Coder::new(model.domain(variable)?)?;
            let fixed = selection.fixed.get(&variable).copied();
            Some(Target { variable, column, fixed, coder, empty: 0 })
        };
        let targets: Vec<Target> = selection.columns.iter().filter_map(target).collect();
        let codes = targets.iter().map(|_| vec![]).collect();
        let real = |(&variable, &column): (&VarId, &usize)| {
            let real = model.domain(variable).is_some_and(Domain::is_real);
            real.then(|| RealTarget { variable, column, values: vec![], empty: 0 })
        };
        let reals = selection.columns.iter().filter_map(real).collect();
        Self {
            model,
            regime,
            place,
            selection,
            depth,
            targets,
            reals,
            #[cfg(feature = "run")]
            pictures: vec![],
            #[cfg(feature = "run")]
            taken: vec![],
            row: vec![],
            codes,
            weights: vec![],
            total: 0,
            kept: 0,
            dropped: 0,
            empty_weights: 0,
            bad: Bad::default(),
            mismatch: None,
            broken_text: None,
        }
    }

    fn read(&mut self, file: DataFile, limit: usize) -> Result<usize, Vec<Diagnostic>> {
        let wanted = self.selection.wanted();
        file.rows(&wanted, limit, &mut |row| self.take(row)).map_err(|failure| vec![unreadable(self.place, failure)])
    }

    fn take(&mut self, row: &Row) {
        self.total += 1;
        if !self.selection.conditions.iter().all(|c| c.holds(row.cell(c.column))) {
            return;
        }
        self.kept += 1;
        let complete = [self.code_row(row), self.reals_are_there(row), self.pictures_are_there(row)] == [true; 3];
        let (true, Some(weight)) = (complete, self.weigh(row)) else {
            self.dropped += 1;
            return;
        };
        self.take_reals(row);
        self.take_pictures(row);
        self.codes.iter_mut().zip(&self.row).for_each(|(codes, &code)| codes.push(code));
        if self.selection.weight.is_some() {
            self.weights.push(weight);
        }
    }

    /// Codes the row into `self.row`; whether no needed cell is empty.
    fn code_row(&mut self, row: &Row) -> bool {
        self.row.clear();
        let mut complete = true;
        for target in &mut self.targets {
            let cell = row.cell(target.column);
            let code = match (target.coder.code(cell), target.fixed) {
                (Coded::Code(code), None) => code,
                (Coded::Code(code), Some(fixed)) if code == fixed => code,
                (Coded::Missing, Some(fixed)) => fixed, // the statement says what it was set to
                (Coded::Missing, None) => {
                    target.empty += 1;
                    complete = false;
                    0
                }
                (Coded::Bad, None) => {
                    if cell.is_broken_text() && self.broken_text.is_none() {
                        self.broken_text = Some((row.place(), self.model.name(target.variable).to_owned()));
                    }
                    self.bad.add(self.model, target.variable, || {
                        format!("{}, `{}`: `{}`", row.place(), self.model.name(target.variable), cell.text())
                    });
                    0
                }
                (_, Some(fixed)) => {
                    let variable = target.variable;
                    let first = || Mismatch { variable, place: row.place(), text: cell.text(), rows: 0 };
                    self.mismatch.get_or_insert_with(first).rows += 1;
                    fixed
                }
            };
            self.row.push(code);
        }
        complete
    }

    fn reals_are_there(&mut self, row: &Row) -> bool {
        let mut complete = true;
        for real in &mut self.reals {
            if row.cell(real.column).is_missing() {
                real.empty += 1;
                complete = false;
            }
        }
        complete
    }

    fn take_reals(&mut self, row: &Row) {
        for real in &mut self.reals {
            let cell = row.cell(real.column);
            let domain = self.model.domain(real.variable);
            let number = cell.number().filter(|n| domain.is_some_and(|d| d.holds_number(*n)));
            if number.is_none() {
                self.bad.add(self.model, real.variable, || {
                    format!("{}, `{}`: `{}`", row.place(), self.model.name(real.variable), cell.text())
                });
            }
            real.values.push(number.unwrap_or(0.0) as f32);
        }
    }

    /// The row's weight; `None` where its cell is empty or no weight.
    fn weigh(&mut self, row: &Row) -> Option<f64> {
        let Some(column) = self.selection.weight else { return Some(1.0) };
        let cell = row.cell(column);
        let weight = cell.number().filter(|w| w.is_finite() && *w >= 0.0);
        if weight.is_none() {
            if cell.is_missing() {
                self.empty_weights += 1;
            } else {
                self.bad
                    .note(|| format!("{}: `{}` is no weight: weights are numbers from 0", row.place(), cell.text()));
            }
        }
        weight
    }

    /// What stops the data set from being used; `whole`: all rows of the file were read.
    fn errors(&self, whole: bool) -> Vec<Diagnostic> {
        if let Some((place, column)) = &self.broken_text {
            let message = format!("{place} is not UTF-8 text (column `{column}`)");
            return vec![unreadable(self.place, Failure::new(message).help("save it as UTF-8"))];
        }
        let mut errors: Vec<Diagnostic> = self.bad_cells(whole).into_iter().collect();
        errors.extend(self.mismatch.as_ref().map(|m| self.wrong_intervention(m)));
        if errors.is_empty() && whole {
            errors.extend(self.nothing_left());
        }
        errors
    }

    fn bad_cells(&self, whole: bool) -> Option<Diagnostic> {
        let path = self.place.0;
        let message = match self.bad.count {
            0 => return None,
            1 => format!("a cell of `{path}` does not fit its column"),
            n => format!("{n} cells of `{path}` do not fit their columns"),
        };
        let mut error = Diagnostic::new("E0503", message).label(self.place.1, "this data file");
        if let (Some((_, span)), true) = (&self.regime.weight, self.bad.variables.is_empty()) {
            error = error.label(*span, "the column of weights");
        }
        for &variable in &self.bad.variables {
            if let (Some((name, about)), Some(domain)) =
                (self.model.variables.get_index(variable), self.model.domain(variable))
            {
                error = error.label(about.declared.unwrap_or(about.span), format!("`{name}` is {domain}"));
            }
        }
        error.notes.clone_from(&self.bad.shown);
        if self.bad.count > SHOWN_CELLS {
            error = error.note(format!("and {} more", self.bad.count - SHOWN_CELLS));
        }
        if !whole {
            error = error.note(format!("only the first {} rows were looked at", self.total));
        }
        Some(error.help("correct the cells, declare a wider type, or leave the rows out with `where:`"))
    }

    fn wrong_intervention(&self, mismatch: &Mismatch) -> Diagnostic {
        let Mismatch { variable, place, text, rows } = mismatch;
        let (name, path) = (self.model.name(*variable), self.place.0);
        let set =
            self.selection.fixed.get(variable).map_or_else(String::new, |&code| value(self.model, *variable, code));
        let message = format!("`{path}` does not hold `do({name} = {set})`: {place} has {name} = {text}");
        let error = Diagnostic::new("E0504", message)
            .label(self.regime.span, format!("says that every row was collected under do({name} = {set})"))
            .label(self.place.1, "the file");
        let others = if *rows == 1 { "1 row has".to_owned() } else { format!("{rows} rows have") };
        error.note(format!("{others} another value of `{name}` than {set}")).help(format!(
            "keep the rows of that experiment with `where:`, or write `do({name})` if each row has its own value"
        ))
    }

    fn nothing_left(&self) -> Option<Diagnostic> {
        let message = match (self.total, self.kept) {
            (0, _) => "it has a header but no rows".to_owned(),
            (total, 0) => format!("the filter keeps 0 of its {total} rows"),
            (_, kept) if kept == self.dropped => "every row has an empty cell".to_owned(),
            _ if !self.weights.is_empty() && self.weights.iter().sum::<f64>() <= 0.0 => {
                "its weights are all 0".to_owned()
            }
            _ => return None,
        };
        let mut error = unreadable(self.place, Failure::new(message));
        if self.kept == 0 {
            for term in self.regime.filter.iter().flat_map(|f| &f.terms) {
                error = error.label(term.span, "no row passes all of these");
            }
        }
        error.notes.extend(self.empty_cells());
        Some(error)
    }

    fn warnings(&self) -> Vec<Diagnostic> {
        let mut warnings = vec![];
        let path = self.place.0;
        if self.dropped > 0 {
            let (dropped, kept) = (self.dropped, self.kept);
            let message = format!("{dropped} of {kept} rows of `{path}` are dropped: a cell they need is empty");
            let mut warning = Diagnostic::new("W0508", message).label(self.place.1, "this data file");
            warning.notes.extend(self.empty_cells());
            warnings.push(warning);
        }
        let loaded = |v: &VarId| match self.model.domain(*v) {
            Some(Domain::Image(_)) => cfg!(feature = "run"),
            Some(Domain::Real { .. }) => true,
            domain => domain.is_some_and(|d| d.cardinality().is_some()),
        };
        let skipped: Vec<VarId> = self.selection.observed().into_iter().filter(|v| !loaded(v)).collect();
        if !skipped.is_empty() {
            let names = quoted(skipped.iter().map(|&v| self.model.name(v)), 8);
            let message =
                format!("columns of `{path}` are not loaded, their variables are vectors or have no type: {names}");
            warnings.push(Diagnostic::new("W0509", message).label(self.place.1, "this data file"));
        }
        warnings
    }

    fn empty_cells(&self) -> Option<String> {
        let mut counts: BTreeMap<usize, String> = BTreeMap::new();
        for target in self.targets.iter().filter(|t| t.empty > 0) {
            counts.insert(target.column, format!("`{}` {}", self.model.name(target.variable), target.empty));
        }
        for real in self.reals.iter().filter(|r| r.empty > 0) {
            counts.insert(real.column, format!("`{}` {}", self.model.name(real.variable), real.empty));
        }
        #[cfg(feature = "run")]
        for (images, column) in self.pictures.iter().filter_map(|p| Some((p, self.selection.columns.get(&p.variable)?)))
        {
            if images.empty > 0 {
                counts.insert(*column, format!("`{}` {}", self.model.name(images.variable), images.empty));
            }
        }
        if let (Some(column), true) = (self.selection.weight, self.empty_weights > 0) {
            counts.insert(column, format!("the weight {}", self.empty_weights));
        }
        let counts: Vec<String> = counts.into_values().collect();
        (!counts.is_empty()).then(|| format!("empty cells: {}", counts.join(", ")))
    }

    fn into_table(self) -> Result<Table, Vec<Diagnostic>> {
        let rows = self.kept - self.dropped;
        let mut columns = vec![None; self.model.variables.len()];
        for (target, codes) in self.targets.iter().zip(self.codes) {
            columns[target.variable] = Some(codes);
        }
        for (&variable, &code) in &self.selection.fixed {
            if columns[variable].is_none() && self.model.card(variable).is_some() {
                columns[variable] = Some(vec![code; rows]);
            }
        }
        let weights = self.selection.weight.is_some().then_some(self.weights);
        let mut reals: BTreeMap<VarId, Vec<f32>> = self.reals.into_iter().map(|r| (r.variable, r.values)).collect();
        for (&variable, &code) in &self.selection.fixed {
            if self.model.domain(variable).is_some_and(Domain::is_real) {
                reals.entry(variable).or_insert_with(|| vec![f32::from_bits(code); rows]);
            }
        }
        #[cfg_attr(not(feature = "run"), allow(unused_mut))] // it stays empty then
        let mut images = BTreeMap::new();
        #[cfg(feature = "run")]
        for pictures in self.pictures {
            let variable = pictures.variable;
            let kept = pictures.finish().map_err(|e| vec![unreadable(self.place, Failure::new(e.to_string()))])?;
            images.insert(variable, kept);
        }
        Ok(Table { name: self.regime.name.clone(), rows, columns, weights, reals, images })
    }
}

/// Images. The front end alone reads none.
#[cfg(feature = "run")]
impl Reading<'_> {
    fn find_pictures(&mut self, base: &Path, file: &DataFile) -> Result<(), Vec<Diagnostic>> {
        self.pictures = pictures(self.model, self.regime, base, self.place, file, &self.selection)?;
        let wrong = file.known_rows().map(|rows| self.wrong_numbers(rows)).unwrap_or_default();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn wrong_numbers(&self, rows: usize) -> Vec<Diagnostic> {
        self.pictures.iter().filter_map(|p| p.same_number(rows, self.place)).collect()
    }

    /// How many rows of a file that is not text are worth reading to find mistakes.
    fn needed_rows(&self) -> usize {
        usize::from(!self.pictures.is_empty())
    }

    fn pictures_are_there(&mut self, row: &Row) -> bool {
        let there: Vec<bool> = self.pictures.iter_mut().map(|p| p.is_there(row)).collect(); // each counts its own
        there.iter().all(|&there| there)
    }

    fn take_pictures(&mut self, row: &Row) {
        let first = self.kept - self.dropped == 1;
        for pictures in &mut self.pictures {
            match self.depth {
                Depth::All => pictures.take(row, self.total),
                Depth::Sample if first => pictures.look(row, self.total),
                Depth::Sample => {}
            }
        }
        if self.depth == Depth::All && !self.pictures.is_empty() {
            self.taken.push(self.total - 1);
        }
    }

    fn picture_errors(&mut self, whole: bool) -> Vec<Diagnostic> {
        let mut errors = if whole { self.wrong_numbers(self.total) } else { vec![] };
        for pictures in &mut self.pictures {
            if self.depth == Depth::All && errors.is_empty() {
                errors.extend(pictures.take_array(&self.taken).err());
            }
            errors.extend(pictures.errors());
        }
        errors
    }
}

// The front end alone loads no images: the same calls, and nothing to do.
#[cfg(not(feature = "run"))]
#[allow(clippy::unused_self, clippy::needless_pass_by_ref_mut, clippy::unnecessary_wraps)] // signatures of the others
impl Reading<'_> {
    fn find_pictures(&mut self, _: &Path, _: &DataFile) -> Result<(), Vec<Diagnostic>> {
        Ok(())
    }

    fn needed_rows(&self) -> usize {
        0
    }

    fn pictures_are_there(&mut self, _: &Row) -> bool {
        true
    }

    fn take_pictures(&mut self, _: &Row) {}

    fn picture_errors(&mut self, _: bool) -> Vec<Diagnostic> {
        vec![]
    }
}

impl Bad {
    fn add(&mut self, model: &Model, variable: VarId, text: impl FnOnce() -> String) {
        if !self.variables.contains(&variable) {
            self.variables.push(variable);
        }
        self.note(|| match model.domain(variable) {
            Some(domain) => format!("{} is not in {domain}", text()),
            None => text(),
        });
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.count <= SHOWN_CELLS {
            self.shown.push(text());
        }
    }
}

/// The value with `code` as text; the code itself where the domain does not have it.
fn value(model: &Model, variable: VarId, code: u32) -> String {
    match model.domain(variable) {
        Some(domain) if domain.cardinality().is_some_and(|k| (code as usize) < k) => domain.value(code).to_string(),
        _ => code.to_string(),
    }
}
