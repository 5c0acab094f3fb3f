//! The shape of answers: `results.json` and `dcmc run --format json`.

use crate::model::Value;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// All answers of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// The format's version: 1.
    pub schema: u32,
    /// One per query.
    pub results: Vec<Answer>,
    /// How well the trained model fits each data set.
    pub fit: Vec<Fit>,
    /// The `expect` statements.
    pub expectations: Vec<Checked>,
}

/// The answer to one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The query's name.
    pub name: String,
    /// The query's text.
    pub query: String,
    /// `distribution`, `expectation` or `samples`.
    pub kind: String,
    /// The rows of the answer.
    pub values: Vec<Row>,
    /// Samples drawn; 0 where the answer was computed by summation.
    pub samples: usize,
    /// Effective sample size, the smallest of the answer's tables (equal to `samples` without evidence): the squared
    /// sum of the samples' weights over the sum of their squares; by `sequential_monte_carlo` how many independent samples
    /// would vary as independent groups of them do.
    pub ess: f64,
    /// `exact` (summation over the trained tables), `sampling`, and where something is known `importance_sampling` or, if
    /// that leaves few effective samples, `sequential_monte_carlo`; of several tables the last of these.
    pub method: String,
    /// The probability of the evidence under the trained model (a density, where real variables are known), the smallest of the
    /// answer's tables, where there is evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<f64>,
    /// The smallest share of samples that the evidence fits, where it was sampled; by `sequential_monte_carlo` that of the moves
    /// that were accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<f64>,
    /// Whether the data determine it; `None` where that is open. An answer that they do not determine is one of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifiable: Option<bool>,
    /// The exact answer of the truth block, row by row like `values`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<Vec<Row>>,
    /// Total variation distance to the truth, the largest over the tables of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tv_truth: Option<f64>,
    /// The largest standard error of `truth`, where it runs through drawn images or real variables; else it is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth_error: Option<f64>,
    /// What a data set under the same interventions shows, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// What the formula of an identified query gives on the rows of the data sets, where it has a value there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimand: Option<Estimand>,
    /// Where the data do not determine the answer: the smallest and largest ones that agree with them, row by row like `values`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Vec<Limits>>,
    /// Refits of the modules behind the intervals of a sampled answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refits: usize,
    /// Fits of the modules to resampled rows behind the intervals of a sampled answer, where there are no refits.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub replicates: usize,
    /// The file of a `sample(…)` query's rows, relative to the run directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// An identified formula, evaluated on the rows of the data sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimand {
    /// The formula.
    pub text: String,
    /// `frequencies` where the rows' relative frequencies stand for its probabilities, `least squares` where regressions do
    /// for its conditional means.
    #[serde(default)]
    pub how: String,
    /// Its answer, row by row like the query's, with the ends of its own 90 % intervals.
    pub values: Vec<Row>,
    /// How far the answer is from it: the total variation distance, the largest over the tables of the answer, or the largest
    /// difference of expectations.
    pub difference: f64,
    /// Whether in some row the intervals of both do not meet.
    #[serde(default)]
    pub disagrees: bool,
}

impl Estimand {
    /// What may be behind a disagreement, as a sentence; `None` where there is none.
    pub fn doubt(&self) -> Option<&'static str> {
        let doubt = match self.how.as_str() {
            "least squares" => {
                "the model and the formula's regressions differ by more than both errors: the model may not have learned \
                 the data (more rows, `epochs` or `ensemble` would show), or squares and products are too simple for them"
            }
            _ => {
                "the model and the formula differ by more than both errors, on the same rows: training has bent the model \
                 (more `epochs` or `steps`, or another engine would show), or it smooths over cells with few rows"
            }
        };
        self.disagrees.then_some(doubt)
    }
}

/// What one number of an answer can be, given the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// The smallest value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
    /// What they are worth: `sharp`, `relaxed`, `combined`, `natural`, `identified`, as in `dcmc identify --evaluate`.
    pub method: String,
}

impl Answer {
    /// The place among `rows` of each of the answer's own rows; `None` where one is not among them.
    pub fn places(&self, rows: &[Row]) -> Option<Vec<usize>> {
        let same = |a: &Row, b: &Row| same_table(a, b) && a.outcome == b.outcome;
        let only = self.values.len() == 1 && rows.len() == 1;
        self.values.iter().map(|row| rows.iter().position(|other| only || same(row, other))).collect()
    }

    /// The formula's answer, `rows` in any order; `None` where one of the answer's rows is not among them.
    pub fn by_formula(&self, text: String, rows: &[Row]) -> Option<Estimand> {
        let beside = |(row, place): (&Row, usize)| {
            let Row { p, value, low, high, .. } = rows[place];
            Row { p, value, low, high, ..row.clone() }
        };
        let values = self.values.iter().zip(self.places(rows)?).map(beside).collect();
        self.compared((text, "frequencies"), values)
    }

    /// The formula's answer, `values` in the order of the answer's rows.
    pub fn compared(&self, (text, how): (String, &str), values: Vec<Row>) -> Option<Estimand> {
        let number = |row: &Row| row.p.or(row.value);
        let mut start = 0;
        let mut difference: f64 = 0.0;
        for table in tables_of(&self.values) {
            let others = &values[start..start + table.len()];
            start += table.len();
            let apart = |(a, b): (&&Row, &Row)| Some(number(a)? - number(b)?);
            let apart: Vec<f64> = table.iter().zip(others).map(apart).collect::<Option<_>>()?;
            let cells: f64 = apart.iter().map(|d| d.abs()).sum();
            // What the rows leave out differs by as much as they do together.
            let rest = apart.iter().sum::<f64>().abs();
            difference = difference.max(if self.kind == "expectation" { cells } else { (cells + rest) / 2.0 });
        }
        let apart = |(a, b): (&Row, &Row)| Some(a.high? < b.low? || b.high? < a.low?);
        let disagrees = self.values.iter().zip(&values).any(|pair| apart(pair) == Some(true));
        Some(Estimand { text, how: how.to_owned(), values, difference, disagrees })
    }
}

/// The rows of an answer, one list per setting of `do` and evidence.
pub(super) fn tables_of(rows: &[Row]) -> Vec<Vec<&Row>> {
    let mut tables: Vec<Vec<&Row>> = vec![];
    for row in rows {
        match tables.last_mut().filter(|t| same_table(t[0], row)) {
            Some(table) => table.push(row),
            None => tables.push(vec![row]),
        }
    }
    tables
}

pub(super) fn same_table(a: &Row, b: &Row) -> bool {
    a.interventions == b.interventions && a.given == b.given
}

/// The answer of a data set's own rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The data set.
    pub data: String,
    /// Its answer, row by row like the query's.
    pub values: Vec<Row>,
    /// Total variation distance to it, the largest over the tables of the answer.
    pub tv: f64,
}

/// Values of variables by name.
pub type Assignment = IndexMap<String, Value>;

/// One row of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The values set by intervention.
    #[serde(rename = "do")]
    pub interventions: Assignment,
    /// The values of the evidence.
    pub given: Assignment,
    /// The outcome's values; empty for expectations.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub outcome: Assignment,
    /// The probability (distributions).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// The value (expectations).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Lower end of the 90 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end of the 90 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// How well the trained model fits one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The data set.
    pub data: String,
    /// Total variation distance between its rows and the model's distribution under the same regime.
    pub tv: f64,
    /// Kullback–Leibler divergence of the rows from the model, in nats.
    pub kl: f64,
    /// Whether the data set was held out of training.
    pub test: bool,
    /// How well images fit, one for each image variable whose mechanism is trained or given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageFit>,
    /// How well real numbers fit, one for each real variable whose mechanism is trained or given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reals: Vec<RealFit>,
}

/// Drawn numbers of a real variable beside those of a data set, under the same interventions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RealFit {
    /// The variable.
    pub variable: String,
    /// The largest difference of the two distribution functions (Kolmogorov–Smirnov), 0 to 1.
    pub distance: f64,
    /// What it stays below in 95 of 100 data sets of as many rows where nothing but chance makes it.
    pub chance: f64,
    /// The mean of the drawn numbers.
    pub mean: f64,
    /// The mean of the data set's.
    pub mean_of_data: f64,
    /// Where the histograms begin,
    pub low: f64,
    /// and end; numbers beyond count in the first and the last bin.
    pub high: f64,
    /// The share of drawn numbers in each bin, all equally wide.
    pub drawn: Vec<f64>,
    /// The share of the data set's.
    pub data: Vec<f64>,
}

/// How well drawn images of a variable fit those of a data set, looked at by a classifier that is trained on the
/// data set to read the variable's neighbours. Drawn and real images have the same values of the discrete parents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageFit {
    /// The variable.
    pub variable: String,
    /// The number of drawn images, and of held-out real ones.
    pub images: usize,
    /// What the classifier reads (effectiveness), one for each discrete parent; of a variable without any, none.
    pub agreement: Vec<Agreement>,
    /// The kernel distance (squared maximum mean discrepancy, unbiased; Bińkowski et al. 2018,
    /// arXiv:1801.01401) between drawn and held-out real images in the classifier's features; 0 where they do not differ.
    pub kernel_distance: f64,
    /// The same between two halves of the held-out real images: what chance alone makes.
    pub kernel_distance_of_data: f64,
    /// The mean distance of two drawn images with equal parents, as a share of that of two real ones: 1 is as
    /// varied as the data, 0 always the same image.
    pub diversity: f64,
}

/// How often the classifier reads a parent's value from an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The parent.
    pub parent: String,
    /// The share of drawn images from which it reads the value they were drawn for.
    pub drawn: f64,
    /// The share of held-out real images from which it reads the value of their row.
    pub real: f64,
}

/// A checked `expect` statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The statement's text.
    pub text: String,
    /// Whether it holds.
    pub passed: bool,
    /// The left side's value.
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(x: i64, y: i64, p: f64) -> Row {
        let named = |name: &str, value| Assignment::from([(name.to_owned(), Value::Int(value))]);
        Row { interventions: named("X", x), outcome: named("Y", y), p: Some(p), low: Some(0.0), ..Row::default() }
    }

    #[test]
    fn a_formula_stands_beside_the_rows_of_the_same_values() {
        let answer = |values| Answer { kind: "distribution".into(), values, ..empty() };
        let whole = answer(vec![row(0, 0, 0.3), row(0, 1, 0.7), row(1, 0, 0.5), row(1, 1, 0.5)]);
        let other = [row(1, 1, 0.6), row(1, 0, 0.4), row(0, 1, 0.75), row(0, 0, 0.25)];
        let found = whole.by_formula("P(Y | X)".into(), &other).unwrap();
        assert_eq!(found.values.iter().map(|r| r.p.unwrap()).collect::<Vec<_>>(), [0.25, 0.75, 0.4, 0.6]);
        assert!(found.values.iter().all(|r| r.low == Some(0.0)) && !found.disagrees && found.doubt().is_none());
        assert!((found.difference - 0.1).abs() < 1e-12, "{}", found.difference);
        assert_eq!(whole.by_formula(String::new(), &other[1..]), None);
        // One cell of two: the other differs by as much.
        let cell = answer(vec![row(0, 1, 0.7)]).by_formula(String::new(), &[row(0, 1, 0.75)]).unwrap();
        assert!((cell.difference - 0.05).abs() < 1e-12);
    }

    #[test]
    fn what_intervals_leave_apart_is_a_disagreement() {
        let with = |p: f64, half: f64| Row { low: Some(p - half), high: Some(p + half), ..row(0, 1, p) };
        let answer = |half| Answer { kind: "distribution".into(), values: vec![with(0.7, half)], ..empty() };
        let beside = |half, other: Row| answer(half).compared((String::new(), "least squares"), vec![other]).unwrap();
        assert!(!beside(0.05, with(0.6, 0.06)).disagrees);
        let apart = beside(0.05, with(0.6, 0.04));
        assert!(apart.disagrees && apart.doubt().unwrap().contains("regressions"));
        // Without an interval nothing can be said.
        assert!(!beside(0.05, Row { high: None, ..with(0.2, 0.01) }).disagrees);
    }

    fn empty() -> Answer {
        serde_json::from_str(
            r#"{"name": "q", "query": "", "kind": "", "values": [], "samples": 0, "ess": 0, "method": "exact"}"#,
        )
        .unwrap()
    }
}
