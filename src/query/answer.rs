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
    /// Effective sample size (equal to `samples` without evidence).
    pub ess: f64,
    /// `exact` (summation over the trained tables) or `sampling`.
    pub method: String,
    /// Whether the data determine it; `None` where that is open. An answer that they do not determine is one of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifiable: Option<bool>,
    /// The exact answer of the truth block, row by row like `values`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<Vec<Row>>,
    /// Total variation distance to the truth, the largest over the tables of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tv_truth: Option<f64>,
    /// The largest standard error of `truth`, where it runs through drawn images; else it is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth_error: Option<f64>,
    /// What a data set under the same interventions shows, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
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
