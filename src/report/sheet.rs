//! An answer as a table: a column per variable, a line per row, the truth or the data beside the estimate.

use crate::model::Value;
use crate::query::answer::{Answer, Assignment, Estimand, Row};

/// An answer laid out as a table.
pub(super) struct Sheet {
    /// The variables, those set first, then the evidence, then the outcome.
    pub keys: Vec<Key>,
    /// The rows.
    pub lines: Vec<Line>,
    /// Rows of the answer that are not among `lines`.
    pub omitted: usize,
    /// Whether the rows are probabilities (else expectations).
    pub probabilities: bool,
    /// What the rows can be compared with: `truth`, or a data set's name.
    pub reference: Option<String>,
}

/// A variable of an answer and the part it plays.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    /// Its name.
    pub name: String,
    /// Its part.
    pub role: Role,
}

/// The part a variable plays in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Set by intervention.
    Do,
    /// Evidence.
    Given,
    /// What is asked.
    Outcome,
}

/// A row of an answer.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The value of each key.
    pub cells: Vec<Option<Value>>,
    /// The probability or expectation.
    pub estimate: f64,
    /// The ends of the 90 % interval.
    pub interval: Option<(f64, f64)>,
    /// The exact answer of the truth block, or what a data set shows.
    pub reference: Option<f64>,
    /// What the identified formula gives on the rows of the data sets.
    pub formula: Option<f64>,
}

impl Key {
    /// The column's title: `do(D)`, `given C`, `A`.
    pub fn title(&self) -> String {
        match self.role {
            Role::Do => format!("do({})", self.name),
            Role::Given => format!("given {}", self.name),
            Role::Outcome => self.name.clone(),
        }
    }
}

impl Sheet {
    /// All rows of `answer`.
    pub fn new(answer: &Answer) -> Self {
        let mut keys: Vec<Key> = vec![];
        for role in [Role::Do, Role::Given, Role::Outcome] {
            for name in answer.values.iter().flat_map(|row| part(row, role).keys()) {
                if !keys.iter().any(|k| k.role == role && k.name == *name) {
                    keys.push(Key { name: name.clone(), role });
                }
            }
        }
        let truth = answer.truth.as_ref().map(|rows| ("truth", rows));
        let measured = answer.measured.as_ref().map(|m| (m.data.as_str(), &m.values));
        let reference = truth.or(measured).filter(|(_, rows)| rows.len() == answer.values.len());
        let line = |(at, row): (usize, &Row)| Line {
            cells: keys.iter().map(|key| part(row, key.role).get(&key.name).cloned()).collect(),
            estimate: number(row),
            interval: row.low.zip(row.high),
            reference: reference.map(|(_, rows)| number(&rows[at])),
            formula: answer.estimand.as_ref().and_then(|e| e.values.get(at)).map(number),
        };
        let lines = answer.values.iter().enumerate().map(line).collect();
        let probabilities = answer.values.iter().all(|row| row.p.is_some());
        Self { keys, lines, omitted: 0, probabilities, reference: reference.map(|(name, _)| name.to_owned()) }
    }

    /// The same, cut to `few` rows if there are more than `many`: the most probable ones, or the first
    /// of expectations; their order stays.
    pub fn shortened(mut self, many: usize, few: usize) -> Self {
        if self.lines.len() > many {
            self.omitted = self.lines.len() - few;
            if self.probabilities {
                let mut order: Vec<usize> = (0..self.lines.len()).collect();
                order.sort_by(|&a, &b| self.lines[b].estimate.total_cmp(&self.lines[a].estimate));
                let mut kept = vec![false; order.len()];
                order[..few].iter().for_each(|&at| kept[at] = true);
                let mut kept = kept.into_iter();
                self.lines.retain(|_| kept.next().unwrap_or(false));
            }
            self.lines.truncate(few);
        }
        self
    }

    /// Whether any row has an interval.
    pub fn has_intervals(&self) -> bool {
        self.lines.iter().any(|line| line.interval.is_some())
    }

    /// What is left out, as a sentence without its end: `the 12 most probable of 40 rows`.
    pub fn cut(&self) -> Option<String> {
        let (shown, all) = (self.lines.len(), self.lines.len() + self.omitted);
        match (self.omitted, self.probabilities) {
            (0, _) => None,
            (_, true) => Some(format!("the {shown} most probable of {all} rows")),
            (_, false) => Some(format!("the first {shown} of {all} rows")),
        }
    }
}

fn part(row: &Row, role: Role) -> &Assignment {
    match role {
        Role::Do => &row.interventions,
        Role::Given => &row.given,
        Role::Outcome => &row.outcome,
    }
}

fn number(row: &Row) -> f64 {
    row.p.or(row.value).unwrap_or(f64::NAN)
}

/// How an answer was found, and how far it is from the truth.
pub(super) fn provenance(answer: &Answer) -> String {
    let mut said = match answer.method.as_str() {
        _ if answer.kind == "samples" => {
            let file = answer.file.as_ref().map_or_else(String::new, |file| format!(" in {file}"));
            format!("{} rows{file}", thousands(answer.samples as f64))
        }
        "exact" => "summed exactly over the trained tables".to_owned(),
        _ => {
            let (samples, ess) = (thousands(answer.samples as f64), thousands(answer.ess));
            let drawn = if samples == ess { String::new() } else { format!(", effectively {ess}") };
            let spread = match (answer.refits, answer.replicates) {
                (0, 0) => "are their sampling error alone, not what the rows leave open: see `ensemble`".to_owned(),
                (0, fits) => format!("hold the spread of {fits} fits to resampled rows"),
                (refits, _) => format!("hold the spread of {refits} refits on resampled rows"),
            };
            format!("{samples} samples{drawn} (the intervals {spread})")
        }
    };
    if answer.identifiable == Some(false) {
        said = format!("NOT IDENTIFIABLE: other answers agree with the data as well as this one; {said}");
    }
    if let Some(evidence) = answer.evidence.filter(|_| answer.acceptance.is_some()) {
        said += &format!("; samples weighted by the evidence, whose probability is {}", decimal(evidence));
    }
    if let Some(error) = answer.truth_error {
        said += &format!("; the truth was found by simulation (standard error up to {})", decimal(error));
    }
    if let Some(tv) = answer.tv_truth {
        said += &format!("; total variation distance to the truth {}", decimal(tv));
    } else if let Some(measured) = &answer.measured {
        said += &format!("; total variation distance to the rows of {} {}", measured.data, decimal(measured.tv));
    }
    // Where nothing is set, the formula is what the rows show.
    let shown = |e: &&Estimand| answer.measured.as_ref().is_none_or(|m| (m.tv - e.difference).abs() > 1e-9);
    if let Some(estimand) = answer.estimand.as_ref().filter(shown) {
        let by = if estimand.how == "least squares" { " by least squares" } else { "" };
        said += &match &estimand.values[..] {
            [row] => {
                let error = row
                    .high
                    .zip(row.low)
                    .map_or_else(String::new, |(high, low)| format!(" ± {}", decimal((high - low) / 2.0)));
                format!("; the formula on the rows{by} gives {}{error}", decimal(number(row)))
            }
            _ => format!("; distance to the formula on the rows{by} {}", decimal(estimand.difference)),
        };
    }
    if let Some(doubt) = answer.estimand.as_ref().and_then(Estimand::doubt) {
        said += &format!("; DISAGREEMENT: {doubt}");
    }
    said
}

/// A number with four decimals, or a dash where there is none.
pub(super) fn decimal(number: f64) -> String {
    match number {
        n if !n.is_finite() => "–".to_owned(),
        n if n != 0.0 && n.abs() < 5e-5 => format!("{n:.1e}"),
        n if n.abs() >= 1e6 => format!("{n:.4e}"),
        n => format!("{:.4}", if n == 0.0 { 0.0 } else { n }),
    }
}

/// A share as per cent, `97.5 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A whole number with commas between thousands.
pub(super) fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
