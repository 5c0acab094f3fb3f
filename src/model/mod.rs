//! What a model file means: variables with domains, the causal graph, regimes of data, queries.

mod build;
mod domain;
mod lower;
mod names;
mod pretrained;
mod settings;
mod worlds;

pub use domain::{Domain, Number, Value};
pub use lower::{
    apply_setting, counterfactual_text, lower, parse_query, parse_query_at, seen_text, set_data, set_truth,
};
pub(crate) use lower::{domain_of_type, suggest};
pub use names::{closest, similar};
pub use settings::{Engine, EngineChoice, Overrides, Settings};
pub use worlds::{Bare, Case, bare_names, value_in};

pub(crate) use crate::syntax::spell;

use crate::causal::{Admg, Step};
use crate::diag::Span;
use crate::pretrained::Reading;
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
    /// The `assert` statements.
    pub assertions: Vec<Assertion>,
    /// The pictures that questions name; the code of such a value is its place here.
    pub pictures: Vec<Picture>,
}

/// A picture that a question names: `I = "seven.png"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The image variable that has it as its value.
    pub variable: VarId,
    /// The file, relative to the model file.
    pub path: String,
    /// Where it is named first.
    pub span: Span,
}

/// An observed variable.
#[derive(Clone, Debug, Default)]
pub struct Variable {
    /// Its type, where declared or inferred from data.
    pub domain: Option<Domain>,
    /// Whether `domain` was taken from a part of the rows, so that other values may occur.
    pub sampled: bool,
    /// Where it was first named.
    pub span: Span,
    /// Where its type was declared.
    pub declared: Option<Span>,
    /// How its mechanism is made, where the file says so.
    pub mechanism: Option<Mechanism>,
    /// Its stand-in for a critic.
    pub encoder: Option<Encoder>,
}

/// A mechanism chosen in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Mechanism {
    /// What it is.
    pub kind: MechanismKind,
    /// Where it is written.
    pub span: Span,
}

/// The kinds of mechanisms that can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum MechanismKind {
    /// `mlp { hidden: […], noise: … }`: trained; its settings are in [`Settings::modules`].
    Mlp,
    /// `diffusion { steps: 100 }`: trained by denoising; only without a hidden cause.
    Diffusion {
        /// Denoising steps.
        steps: Option<usize>,
    },
    /// `pretrained { file: "…" }`: a frozen file.
    Pretrained {
        /// The file's path, relative to the model file.
        file: String,
        /// The parents in the order of the file's inputs, where written.
        inputs: Option<Vec<VarId>>,
        /// The file's SHA-256, in lower-case hexadecimal digits, where written.
        sha256: Option<String>,
        /// How a file of another program is read.
        reading: Reading,
        /// The file's class of each value of these variables.
        labels: Vec<(VarId, Vec<usize>)>,
        /// The number of the file's classes of these variables, where it is not that of their values.
        classes: Vec<(VarId, usize)>,
    },
}

/// `encode: "enc.safetensors" { to: vector[16] }`: a low-dimensional stand-in for an adversarial critic.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoder {
    /// The file, relative to the model file; `None` trains one.
    pub file: Option<String>,
    /// The length of the code, where written.
    pub width: Option<usize>,
    /// Where it is written.
    pub span: Span,
}

impl Variable {
    /// The file of a pretrained mechanism and where it is written.
    pub fn pretrained(&self) -> Option<(&str, Span)> {
        match &self.mechanism {
            Some(Mechanism { kind: MechanismKind::Pretrained { file, .. }, span }) => Some((file, *span)),
            _ => None,
        }
    }

    /// Whether its mechanism is a diffusion model.
    pub fn is_diffusion(&self) -> bool {
        matches!(&self.mechanism, Some(Mechanism { kind: MechanismKind::Diffusion { .. }, .. }))
    }
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
    /// Where images are that are not simply file names or encoded images in the variable's column.
    pub images: Vec<ImageBinding>,
    /// Rows to keep.
    pub filter: Option<Filter>,
    /// The column that holds each row's count or weight.
    pub weight: Option<(String, Span)>,
    /// Held out: used by `expect` and `fit` only.
    pub test: bool,
    /// What stands before the names of its variables but not of its columns (`c.` for an imported file).
    pub prefix: String,
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

/// `images: { I: "digits.npz" { array: "x"; resize } }`: where a data set holds the images of a variable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageBinding {
    /// The variable.
    pub variable: VarId,
    /// The file with all images, one a row, relative to the model file; `None`: they are in the variable's column.
    pub file: Option<(String, Span)>,
    /// The array of the file that holds them; `None`: the only one that can.
    pub array: Option<String>,
    /// The folder that file names in the column are relative to, relative to the model file; `None`: the data file's.
    pub folder: Option<String>,
    /// Whether images of another height and width are scaled.
    pub resize: bool,
    /// Whether grey images are made coloured, and coloured ones grey, as the type asks.
    pub convert: bool,
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
    /// How it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

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
    /// `sample(outcome | do(…), …, n: count)`: rows drawn, images among them, each variable in one world.
    Samples {
        /// What is drawn; outcomes have no value, all else has one.
        term: CounterfactualTerm,
        /// How many rows.
        count: usize,
    },
    /// `P(…)` or a combination of `E[…]` with variables seen in worlds other than the actual one.
    Counterfactual {
        /// The terms with their factors; one with factor 1 for `P(…)`.
        terms: Vec<(f64, CounterfactualTerm)>,
        /// The constant.
        constant: f64,
        /// Whether means are asked for (`E`) or probabilities (`P`).
        mean: bool,
    },
}

/// `A[D = 1] = 1 | do(…), D = 0`: events in several worlds at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CounterfactualTerm {
    /// What is asked.
    pub outcome: Vec<Event>,
    /// Variables that are set in every world.
    pub interventions: Vec<(VarId, Option<u32>)>,
    /// What is known.
    pub evidence: Vec<Event>,
    /// Beyond which number the only outcome, a real variable, is asked to be.
    pub cut: Option<Cut>,
}

/// A variable in a world, with the value it has there; `None` is each of its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The variable.
    pub variable: VarId,
    /// What the world sets; empty for the actual one.
    pub world: Vec<(VarId, WorldValue)>,
    /// The value.
    pub value: Option<u32>,
}

/// What a world sets a variable to.
#[derive(Clone, Debug, PartialEq)]
pub enum WorldValue {
    /// One value; `None` is each of them.
    Value(Option<u32>),
    /// What the variable itself is in another world (`I = I[D = 0]`).
    Potential(Vec<(VarId, WorldValue)>),
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
    /// Beyond which number the only outcome, a real variable, is asked to be.
    pub cut: Option<Cut>,
}

/// `> 70` of `P(W > 70)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// `<`, `<=`, `>` or `>=`.
    pub op: Comparison,
    /// The number.
    pub bound: f64,
}

impl Cut {
    /// Whether `number` is beyond it.
    pub fn holds(&self, number: f64) -> bool {
        number.partial_cmp(&self.bound).is_some_and(|ordering| self.op.holds(ordering))
    }
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.op.symbol(), self.bound)
    }
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

/// One `assert` statement, decided from the graph alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    /// What is claimed.
    pub claim: Claim,
    /// Where it stands.
    pub span: Span,
}

/// What an `assert` claims.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// That a query has one answer for every model of the graph that agrees on the declared data.
    Identifiable(QueryKind),
    /// That the graph separates two sets of variables: m-separation in the graph without the edges into
    /// `interventions`.
    Independent {
        /// One side.
        left: Vec<VarId>,
        /// The other side.
        right: Vec<VarId>,
        /// What is known.
        given: Vec<VarId>,
        /// What is set.
        interventions: Vec<VarId>,
    },
}

/// One `output` statement: `output QUERY -> "file"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The query's name.
    pub query: String,
    /// The file's path, relative to the run directory.
    pub path: String,
    /// How a `.png` file lays out the images.
    pub grid: GridOptions,
    /// Where it stands.
    pub span: Span,
}

/// How images stand beside each other in an output's picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GridOptions {
    /// Images in a row; by itself nearly a square.
    pub columns: Option<usize>,
    /// The side of the square that each pixel becomes; by itself as large as makes small images 96 pixels high.
    pub scale: Option<usize>,
}

impl Regime {
    /// Whether rows are kept by the value of a variable of the graph, so that they are no sample of its distribution.
    pub fn selects(&self, model: &Model) -> bool {
        let mut terms = self.filter.iter().flat_map(|f| &f.terms);
        terms.any(|term| match &self.columns {
            Some(bindings) => bindings.iter().any(|b| b.column == term.column),
            None => model.id(&format!("{}{}", self.prefix, term.column)).is_some(),
        })
    }
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

    /// The value of a variable with this code; of an image the file of its picture.
    pub fn value(&self, variable: VarId, code: u32) -> Option<Value> {
        match self.domain(variable)? {
            Domain::Image(_) => self.pictures.get(code as usize).map(|picture| Value::Label(picture.path.clone())),
            domain => Some(domain.value(code)),
        }
    }

    /// The value as it is written in a question.
    pub fn value_text(&self, variable: VarId, code: u32) -> Option<String> {
        let value = self.value(variable, code)?.to_string();
        let quoted = || format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        Some(if self.domain(variable).is_some_and(Domain::is_image) { quoted() } else { value })
    }

    /// The number of values of a discrete variable.
    pub fn card(&self, variable: VarId) -> Option<usize> {
        self.domain(variable).and_then(Domain::cardinality)
    }

    /// A path of the graph: `A -> B <-> C`.
    pub fn path_text(&self, first: VarId, steps: &[(Step, VarId)]) -> String {
        steps.iter().fold(self.name(first).to_owned(), |path, &(step, node)| {
            let arrow = match step {
                Step::Right => "->",
                Step::Left => "<-",
                Step::Hidden => "<->",
            };
            format!("{path} {arrow} {}", self.name(node))
        })
    }

    /// The names of `variables`, sorted.
    pub fn sorted_names(&self, variables: impl IntoIterator<Item = VarId>) -> Vec<String> {
        let mut names: Vec<String> = variables.into_iter().map(|v| self.name(v).to_owned()).collect();
        names.sort();
        names
    }
}
