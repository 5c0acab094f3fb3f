//! What the graph implies for data, tested: conditional independences and equalities of kernels
//! ([`causal::implied`](crate::causal::implied)), each data set on what it observes, under what it sets.
//!
//! `regime` says which graph a data set obeys, `independence` and `kernel` are the tests, `tail` their p-values,
//! `correction` what many of them amount to, `explain` prints.

mod correction;
mod explain;
mod independence;
mod kernel;
mod regime;
mod sample;
mod tail;
#[cfg(test)]
mod tests;

pub use correction::{Correction, adjusted};
pub use explain::{to_json, to_text};
pub use independence::independence;
pub use kernel::kernel;
pub use sample::Sample;

use crate::causal::Admg;
use crate::causal::implied::{Independence, Verma, pairwise, verma};
use crate::data::{Schema, Table};
use crate::model::{Model, VarId};
use crate::seed;

/// Intrinsic sets that are looked at in the search for equalities of kernels.
const INTRINSIC_SETS: usize = 2_000;

/// One thing that the graph implies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// A conditional independence of two variables.
    Independence(Independence),
    /// A kernel that does not depend on variables that its formula mentions.
    Kernel(Verma),
}

/// How a statement was tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The likelihood-ratio statistic, referred to its χ² distribution.
    ChiSquared,
    /// The same statistic, referred to its distribution over permutations within the strata: counts are small.
    Permutation,
    /// A weighted sum of squared differences, referred to its distribution over resampled tables.
    Bootstrap,
}

/// The outcome of one test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// How it was tested.
    pub method: Method,
    /// The statistic: `G²` for independences.
    pub statistic: f64,
    /// Its degrees of freedom, where a χ² distribution is used.
    pub df: Option<usize>,
    /// The probability of a statistic as large or larger if the statement holds.
    pub p: f64,
    /// How far the data are from the statement, less what chance gives: conditional mutual information in bits for
    /// independences; for kernels their mean total variation distance from their average.
    pub effect: f64,
}

/// One statement on one data set.
#[derive(Clone, Debug)]
pub struct Test {
    /// The place of the data set in [`Findings::sets`].
    pub set: usize,
    /// What is tested.
    pub statement: Statement,
    /// The outcome, or why there is none.
    pub outcome: Result<Measured, String>,
    /// The p-value adjusted for the number of tests.
    pub adjusted: Option<f64>,
}

/// A data set as it is tested.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// The variables it sets.
    pub interventions: Vec<VarId>,
    /// The number of rows, or the sum of their counts.
    pub rows: f64,
    /// The graph that it obeys: edges into set variables cut, variables it lacks projected out.
    pub graph: Admg,
    /// Observed variables that no test is made for, as they are not discrete, and the independences this costs.
    pub not_discrete: (Vec<VarId>, usize),
    /// Whether all equalities of kernels were found.
    pub complete: bool,
    /// Whether weights were scaled to an effective number of rows.
    pub scaled: bool,
}

/// Everything that was tested.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The data sets that were used.
    pub sets: Vec<Set>,
    /// Data sets that were not, and why.
    pub skipped: Vec<(String, String)>,
    /// The tests, those that fail first.
    pub tests: Vec<Test>,
    /// The level of the tests.
    pub alpha: f64,
    /// How many tests are accounted for.
    pub correction: Correction,
}

impl Test {
    /// Whether the statement is rejected at level `alpha`.
    pub fn fails(&self, alpha: f64) -> bool {
        self.adjusted.is_some_and(|p| p <= alpha)
    }
}

impl Findings {
    /// The number of tests that fail.
    pub fn failures(&self) -> usize {
        self.tests.iter().filter(|t| t.fails(self.alpha)).count()
    }
}

/// What `graph` implies for the observed variables `nodes` (ascending): for each pair that some set separates one smallest
/// such set, then the equalities of kernels; and whether these are all that were to be found.
pub fn statements(graph: &Admg, nodes: &[VarId]) -> (Vec<Statement>, bool) {
    let (kernels, complete) = verma(graph, nodes, INTRINSIC_SETS);
    let independences = pairwise(graph, nodes).into_iter().map(Statement::Independence);
    (independences.chain(kernels.into_iter().map(Statement::Kernel)).collect(), complete)
}

/// Tests what the graph implies on data sets: regimes of `model` by their places, what they observe, and their rows.
pub fn test(model: &Model, data: &[(usize, Schema, Table)], alpha: f64, correction: Correction) -> Findings {
    let mut findings = Findings { sets: vec![], skipped: vec![], tests: vec![], alpha, correction };
    for (regime, schema, table) in data {
        let regime = &model.regimes[*regime];
        if regime.selects(model) {
            let why = "its rows are selected by a variable of the graph, and selection makes associations";
            findings.skipped.push((regime.name.clone(), why.to_owned()));
            continue;
        }
        let sample = Sample::of(model, table);
        let view = regime::view(model, regime, schema, &sample);
        let (statements, complete) = statements(&view.graph, &view.nodes);
        let set = findings.sets.len();
        for statement in statements {
            let name = format!("test/{}/{}", regime.name, explain::statement_text(model, &statement));
            let rng = &mut seed::stream(model.settings.seed(), &name);
            let outcome = match &statement {
                Statement::Independence(s) => independence(&sample, s.left[0], s.right[0], &s.given, rng),
                Statement::Kernel(s) => kernel(&sample, s, rng),
            };
            findings.tests.push(Test { set, statement, outcome, adjusted: None });
        }
        findings.sets.push(Set {
            name: regime.name.clone(),
            interventions: regime.interventions.iter().map(|(v, _)| *v).collect(),
            rows: sample.total(),
            graph: view.graph,
            not_discrete: view.not_discrete,
            complete,
            scaled: sample.scaled(),
        });
    }
    adjust(&mut findings.tests, correction);
    let key = |t: &Test| (!t.fails(alpha), t.outcome.is_err());
    let p = |t: &Test| t.outcome.as_ref().map_or(1.0, |m| m.p);
    findings.tests.sort_by(|a, b| key(a).cmp(&key(b)).then(p(a).total_cmp(&p(b))));
    findings
}

fn adjust(tests: &mut [Test], correction: Correction) {
    let p: Vec<f64> = tests.iter().filter_map(|t| t.outcome.as_ref().ok()).map(|m| m.p).collect();
    let tested = tests.iter_mut().filter(|t| t.outcome.is_ok());
    for (test, p) in tested.zip(adjusted(&p, correction)) {
        test.adjusted = Some(p);
    }
}
