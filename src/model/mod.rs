//! What a model file means: variables with domains, the causal graph, regimes of data, queries.

mod build;
mod domain;
mod lower;
mod names;
mod settings;

pub use domain::{Domain, Value};
pub(crate) use lower::domain_of_type;
pub use lower::{apply_setting, lower, parse_query, set_data};
pub use names::{closest, similar};
pub use settings::{Engine, EngineChoice, Overrides, Settings};

use crate::causal::Admg;
use crate::diag::Span;
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// A variable's number: its place in [`Model::variables`] and its node in [`Model::graph`].
pub type VarId = usize;

/// A checked model.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The title of the `dcm 1 "title"` line.
    pub title: Option<String>,
    /// The observed variables by name, in the order of their first appearance.
    pub variables: IndexMap<String, Variable>,
    /// The causal graph; every pair of children of a hidden cause is joined by a bidirected edge.
    pub graph: Admg,
    /// Where each directed edge was written, by cause and effect; empty for graphs made in a program.
    pub written: BTreeMap<(VarId, VarId), Span>,
    /// The hidden causes: one per `<->` edge and one per `latent` statement.
    pub latents: Vec<Latent>,
    /// The `data` statements.
    pub regimes: Vec<Regime>,
    /// The lines of the `truth` block, if there is one; `truth::Scm` gives them their meaning.
    pub truth: Option<TruthBlock>,
    /// The `train` statements.
    pub settings: Settings,
    /// The `query` statements.
    pub queries: Vec<Query>,
    /// The `expect` statements.
    pub expectations: Vec<Expectation>,
    /// The `output` statements.
    pub outputs: Vec<Output>,
}

/// An observed variable.
#[derive(Clone, Debug, Default)]
pub struct Variable {
    /// Its type, where declared or inferred from data.
    pub domain: Option<Domain>,
    /// Where it was first named.
    pub span: Span,
    /// Where its type was declared.
    pub declared: Option<Span>,
    /// The file of a `pretrained` mechanism.
    pub pretrained: Option<(String, Span)>,
}

/// The `truth` block as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthBlock {
    /// Its lines.
    pub entries: Vec<crate::syntax::ast::TruthEntry>,
    /// Where it stands.
    pub span: Span,
}

/// A hidden cause of two or more observed variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Latent {
    /// Its name in a `latent` statement or the truth block; `None` for `<->`.
    pub name: Option<String>,
    /// The variables it acts on, ascending.
    pub children: Vec<VarId>,
    /// Where it was declared.
    pub span: Span,
}

/// One `data` statement: where rows come from and under which interventions they were collected.
#[derive(Clone, Debug, PartialEq)]
pub struct Regime {
    /// The data set's name.
    pub name: String,
    /// Where the statement stands.
    pub span: Span,
    /// Where its rows come from.
    pub source: Source,
    /// The variables that were set, and how.
    pub interventions: Vec<(VarId, DoValue)>,
    /// Which columns hold which variables; `None` takes every column named like a variable.
    pub columns: Option<Vec<ColumnBinding>>,
    /// Rows to keep.
    pub filter: Option<Filter>,
    /// The column that holds each row's count or weight.
    pub weight: Option<(String, Span)>,
    /// Held out: used by `expect` and `fit` only.
    pub test: bool,
}

/// Where the rows of a data set come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A file, its path as written (relative to the model file).
    File {
        /// The path.
        path: String,
        /// Where it is written.
        span: Span,
    },
    /// Drawn from the truth block.
    Simulate {
        /// Number of rows.
        rows: usize,
        /// The seed; `None` derives one from the run's seed and the data set's name.
        seed: Option<u64>,
    },
}

/// The value an intervention gives a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoValue {
    /// One value for all rows, as a code of the variable's domain.
    Fixed(u32),
    /// Each row's own value, in the variable's column.
    Column,
}

/// A column of a file that holds a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnBinding {
    /// The variable.
    pub variable: VarId,
    /// The column's name in the file.
    pub column: String,
    /// Where the binding is written.
    pub span: Span,
}

/// `where: column == value`, joined by `and`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Every term must hold.
    pub terms: Vec<FilterTerm>,
}

/// One comparison of a column with a constant; numbers compare as numbers where both are numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterTerm {
    /// The column's name.
    pub column: String,
    /// The comparison.
    pub op: Comparison,
    /// The constant as written, without quotes.
    pub value: String,
    /// Where it is written.
    pub span: Span,
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Comparison {
    /// Whether `left op right` holds for the ordering of the two.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
        }
    }
}

/// One `query` statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The query's name.
    pub name: String,
    /// The query as text in canonical spelling, e.g. `P(A | do(D = 0))`.
    pub text: String,
    /// What is asked.
    pub kind: QueryKind,
    /// Where it stands.
    pub span: Span,
}

/// What a query asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryKind {
    /// `P(outcome | do(…), …)`: a probability for each row of the answer.
    Distribution(Term),
    /// A linear combination of `E[…]` terms: `Σ factor · E[term] + constant`.
    Expectation {
        /// The terms with their factors.
        terms: Vec<(f64, Term)>,
        /// The constant.
        constant: f64,
    },
}

/// `outcome | do(interventions), evidence`. `None` values are bare names: every value of the variable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Term {
    /// What is asked: variables with the value asked for, or all values.
    pub outcome: Vec<(VarId, Option<u32>)>,
    /// Variables that are set.
    pub interventions: Vec<(VarId, Option<u32>)>,
    /// Variables that are observed to have a value.
    pub evidence: Vec<(VarId, Option<u32>)>,
}

/// One `expect` statement, checked after a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The statement's text.
    pub text: String,
    /// The left side.
    pub measure: Measure,
    /// The comparison.
    pub op: Comparison,
    /// The right side.
    pub bound: f64,
    /// Where it stands.
    pub span: Span,
}

/// A number about the answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// A constant.
    Number(f64),
    /// `tv(query, reference)`: total variation distance, the largest over the rows of a table.
    Tv(String, Reference),
    /// `kl(query, reference)`: Kullback–Leibler divergence of the answer from the reference, in nats.
    Kl(String, Reference),
    /// `abs(x)`.
    Abs(Box<Measure>),
    /// `x + y` (`sign` 1) or `x - y` (`sign` -1).
    Sum(Box<Measure>, f64, Box<Measure>),
    /// The value of a query's row: `name` or `name(A = 1, D = 0)`.
    Row(String, Vec<(VarId, u32)>),
}

/// What an answer is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// The truth block, exactly.
    Truth,
    /// The rows of a data set (its number in [`Model::regimes`]).
    Data(usize),
}

/// One `output` statement: `output QUERY -> "file"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The query's name.
    pub query: String,
    /// The file's path, relative to the run directory.
    pub path: String,
    /// Where it stands.
    pub span: Span,
}

impl Model {
    /// The variable's number, if it is one.
    pub fn id(&self, name: &str) -> Option<VarId> {
        self.variables.get_index_of(name)
    }

    /// The variable's name.
    pub fn name(&self, variable: VarId) -> &str {
        self.variables.get_index(variable).map_or("?", |(name, _)| name)
    }

    /// The variable's domain, where known.
    pub fn domain(&self, variable: VarId) -> Option<&Domain> {
        self.variables[variable].domain.as_ref()
    }

    /// The number of values of a discrete variable.
    pub fn card(&self, variable: VarId) -> Option<usize> {
        self.domain(variable).and_then(Domain::cardinality)
    }

    /// The names of `variables`, sorted.
    pub fn sorted_names(&self, variables: impl IntoIterator<Item = VarId>) -> Vec<String> {
        let mut names: Vec<String> = variables.into_iter().map(|v| self.name(v).to_owned()).collect();
        names.sort();
        names
    }
}
