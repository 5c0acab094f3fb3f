//! Answers as `dcmc run` and `dcmc query` print them.

use super::sheet::{Line, Sheet, decimal, percent, provenance, range};
use crate::query::answer::{Answer, Answers, Checked, Fit};

/// More rows than this are cut to [`FEW_ROWS`].
const MANY_ROWS: usize = 20;
const FEW_ROWS: usize = 12;
/// Characters of a bar for probability 1.
const BAR_WIDTH: f64 = 20.0;

/// All answers, the expectations and the fit, as aligned tables; with terminal colours if `colour`.
pub fn text(answers: &Answers, colour: bool) -> String {
    let ink = Ink { colour };
    let mut blocks: Vec<String> = answers.results.iter().map(|answer| answer_text(answer, ink)).collect();
    blocks.extend(expectations(&answers.expectations, ink));
    blocks.extend(fit(&answers.fit, ink));
    blocks.extend(real_fit(&answers.fit, ink));
    blocks.extend(image_fit(&answers.fit, ink));
    blocks.join("\n")
}

/// Terminal styles, or none.
#[derive(Clone, Copy)]
struct Ink {
    colour: bool,
}

impl Ink {
    fn style(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.style("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.style("2", text)
    }
}

fn answer_text(answer: &Answer, ink: Ink) -> String {
    if answer.kind == "samples" {
        return format!(
            "{}  {}\n{}\n",
            ink.bold(&answer.name),
            answer.query,
            ink.dim(&format!("  {}", provenance(answer)))
        );
    }
    let mut sheet = Sheet::new(answer).shortened(MANY_ROWS, FEW_ROWS);
    if sheet.omitted > 0 && sheet.probabilities {
        sheet.lines.sort_by(|a, b| b.estimate.total_cmp(&a.estimate));
    }
    let mut out = format!("{}  {}\n", ink.bold(&answer.name), answer.query);
    let mut columns: Vec<(String, Side)> = sheet.keys.iter().map(|k| (k.title(), Side::Right)).collect();
    columns.push((if sheet.probabilities { "p" } else { "value" }.to_owned(), Side::Right));
    if sheet.has_intervals() {
        columns.push(("90 % interval".to_owned(), Side::Right));
    }
    if sheet.has_bounds() {
        columns.push(("data allow".to_owned(), Side::Right));
    }
    if let Some(reference) = &sheet.reference {
        columns.push((reference.clone(), Side::Right));
    }
    if sheet.probabilities {
        columns.push((String::new(), Side::Left));
    }
    let rows: Vec<Vec<String>> = sheet.lines.iter().map(|line| cells(&sheet, line)).collect();
    out += &table(&columns, &rows, ink);
    if let Some(cut) = sheet.cut() {
        out += &ink.dim(&format!("  {cut}; {} more are in results.json\n", sheet.omitted));
    }
    out += &ink.dim(&format!("  {}", provenance(answer)));
    out + "\n"
}

fn cells(sheet: &Sheet, line: &Line) -> Vec<String> {
    let mut cells: Vec<String> =
        line.cells.iter().map(|cell| cell.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string)).collect();
    cells.push(decimal(line.estimate));
    if sheet.has_intervals() {
        cells.push(range(line.interval));
    }
    if sheet.has_bounds() {
        cells.push(range(line.bounds));
    }
    if sheet.reference.is_some() {
        cells.push(line.reference.map_or_else(String::new, decimal));
    }
    if sheet.probabilities {
        cells.push(bar(line.estimate));
    }
    cells
}

/// A bar in steps of an eighth of a character.
fn bar(share: f64) -> String {
    if !share.is_finite() {
        return String::new();
    }
    let eighths = (share.clamp(0.0, 1.0) * BAR_WIDTH * 8.0).round() as usize;
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    "█".repeat(eighths / 8) + part
}

fn expectations(expectations: &[Checked], ink: Ink) -> Option<String> {
    let passed = expectations.iter().filter(|e| e.passed).count();
    let mut out = match expectations.len() {
        0 => return None,
        all => format!("{}  {passed} of {all} hold\n", ink.bold("expectations")),
    };
    let columns = [("", Side::Left), ("", Side::Left), ("", Side::Right)].map(|(t, s)| (t.to_owned(), s));
    let row = |e: &Checked| {
        let mark = if e.passed { ink.style("32", "✓") } else { ink.style("31", "✗") };
        vec![mark, e.text.clone(), decimal(e.value)]
    };
    out += &table(&columns, &expectations.iter().map(row).collect::<Vec<_>>(), ink);
    Some(out)
}

fn fit(fits: &[Fit], ink: Ink) -> Option<String> {
    if fits.is_empty() {
        return None;
    }
    let columns = [("data", Side::Left), ("TVD", Side::Right), ("KL (nats)", Side::Right), ("", Side::Left)];
    let row = |f: &Fit| {
        let role = if f.test { "held out".to_owned() } else { String::new() };
        vec![f.data.clone(), decimal(f.tv), decimal(f.kl), role]
    };
    let rows: Vec<Vec<String>> = fits.iter().map(row).collect();
    let columns = columns.map(|(title, side)| (title.to_owned(), side));
    Some(format!("{}  the model against the rows of each data set\n{}", ink.bold("fit"), table(&columns, &rows, ink)))
}

/// How well drawn real numbers fit, where there are some.
fn real_fit(fits: &[Fit], ink: Ink) -> Option<String> {
    let mut rows = vec![];
    for (data, real) in fits.iter().flat_map(|f| f.reals.iter().map(|real| (&f.data, real))) {
        rows.push(vec![
            data.clone(),
            real.variable.clone(),
            decimal(real.distance),
            decimal(real.chance),
            decimal(real.mean),
            decimal(real.mean_of_data),
        ]);
    }
    let columns = ["data", "variable", "distance", "by chance", "mean", "mean of the data"];
    let columns: Vec<(String, Side)> = columns
        .iter()
        .enumerate()
        .map(|(at, title)| ((*title).to_owned(), if at < 2 { Side::Left } else { Side::Right }))
        .collect();
    let about = "the largest difference of the distribution functions of drawn numbers and the rows'";
    (!rows.is_empty()).then(|| format!("{}  {about}\n{}", ink.bold("real numbers"), table(&columns, &rows, ink)))
}

/// How well drawn images fit, where there are images.
fn image_fit(fits: &[Fit], ink: Ink) -> Option<String> {
    let mut rows = vec![];
    for (data, image) in fits.iter().flat_map(|f| f.images.iter().map(|image| (&f.data, image))) {
        let agreement =
            image.agreement.iter().map(|a| format!("{} {} ({})", a.parent, percent(a.drawn), percent(a.real)));
        rows.push(vec![
            data.clone(),
            image.variable.clone(),
            agreement.collect::<Vec<_>>().join(", "),
            format!("{} ({})", decimal(image.kernel_distance), decimal(image.kernel_distance_of_data)),
            format!("{:.2}", image.diversity),
        ]);
    }
    let columns = [("data", Side::Left), ("image", Side::Left), ("parents read (real)", Side::Left)];
    let more = [("kernel distance (real)", Side::Right), ("diversity", Side::Right)];
    let columns: Vec<(String, Side)> = columns.iter().chain(&more).map(|(t, s)| ((*t).to_owned(), *s)).collect();
    let about = "drawn images against real ones, seen by a classifier of the data set";
    (!rows.is_empty()).then(|| format!("{}  {about}\n{}", ink.bold("images"), table(&columns, &rows, ink)))
}

/// Where a column's cells stand.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

/// Aligned columns, two spaces apart; the head is left out where all titles are empty.
fn table(columns: &[(String, Side)], rows: &[Vec<String>], ink: Ink) -> String {
    let width = |at: usize| rows.iter().map(|row| width_of(&row[at])).chain([width_of(&columns[at].0)]).max();
    let widths: Vec<usize> = (0..columns.len()).map(|at| width(at).unwrap_or(0)).collect();
    let line = |cells: &mut dyn Iterator<Item = &String>| {
        let mut out = String::from(" ");
        for ((cell, width), (_, side)) in cells.zip(&widths).zip(columns) {
            let space = " ".repeat(width - width_of(cell));
            match side {
                Side::Left => out += &format!(" {cell}{space} "),
                Side::Right => out += &format!(" {space}{cell} "),
            }
        }
        out.trim_end().to_owned()
    };
    let mut out = String::new();
    if columns.iter().any(|(title, _)| !title.is_empty()) {
        out += &ink.dim(&line(&mut columns.iter().map(|c| &c.0)));
        out.push('\n');
    }
    for row in rows {
        out += &line(&mut row.iter());
        out.push('\n');
    }
    out
}

/// Characters on the screen: terminal styles take none.
fn width_of(text: &str) -> usize {
    let mut width = 0;
    let mut styled = false;
    for c in text.chars() {
        match (styled, c) {
            (false, '\x1b') => styled = true,
            (true, 'm') => styled = false,
            (true, _) => {}
            (false, _) => width += 1,
        }
    }
    width
}
