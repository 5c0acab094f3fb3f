//! Answers as text, tables and HTML.

mod columns;
mod html;
mod markup;
mod pictures;
mod plot;
mod sheet;
#[cfg(test)]
mod tests;
mod text;

pub use columns::columns;
pub use html::html;
pub use text::text;

use crate::data::Table;
use crate::model::Model;
use crate::plan::Plan;
use crate::query::Gallery;
use crate::query::answer::Answers;
use crate::train::Metric;

/// What `report.html` is made from.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its training plan.
    pub plan: &'a Plan,
    /// Its answers.
    pub answers: &'a Answers,
    /// What was measured in training, module by module, in the order of the steps.
    pub metrics: &'a [Metric],
    /// The rows of the `sample(…)` queries, by the queries' names.
    pub samples: &'a [(String, Table)],
    /// Drawn images and real ones side by side.
    pub galleries: &'a [Gallery],
    /// Settings, versions, seeds and digests (`manifest.json`).
    pub manifest: &'a serde_json::Value,
}
