//! The syntax tree: what stands in the file, with the place of everything.

use crate::diag::Span;

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ast {
    /// The `dcm 1 "title"` line.
    pub edition: Option<Edition>,
    /// The statements in order; those that could not be read are left out (and reported).
    pub statements: Vec<Statement>,
    /// The files that were read for `import` statements, in the order of the sources.
    pub imports: Vec<Imported>,
}

/// A file that was read for an `import` statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The statement, in the file that imports.
    pub statement: Span,
    /// The path as written there.
    pub path: Spanned<String>,
    /// Where the file's text begins in the sources.
    pub start: usize,
    /// What the program puts before the file's names.
    pub prefix: String,
}

/// `dcm 1 "title"`
#[derive(Clone, Debug, PartialEq)]
pub struct Edition {
    /// The edition of the language.
    pub number: Spanned<i64>,
    /// The title.
    pub title: Option<String>,
}

/// Something and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The thing.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// A name, without backquotes.
pub type Name = Spanned<String>;

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it says.
    pub kind: StatementKind,
    /// Its place.
    pub span: Span,
}

/// The forms of statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `D -> I -> A`: groups with the arrow before each but the first.
    Edges {
        /// The first group.
        first: Vec<Name>,
        /// The arrows and the groups after them.
        rest: Vec<(Spanned<Arrow>, Vec<Name>)>,
    },
    /// `latent U -> {A, B}`
    Latent {
        /// The hidden causes.
        names: Vec<Name>,
        /// What they act on.
        children: Vec<Name>,
    },
    /// `Z` or `{A, B}`: variables without a type.
    Bare(Vec<Name>),
    /// `A, Thick: binary`
    Declaration {
        /// The variables.
        names: Vec<Name>,
        /// Their type.
        type_: Type,
        /// `pretrained "file"`.
        pretrained: Option<Spanned<String>>,
        /// `{ … }` after the type.
        block: Option<Block>,
    },
    /// `data obs = …`
    Data(Data),
    /// `truth { … }`
    Truth(Vec<TruthEntry>),
    /// `train {D, A} { … }`
    Train {
        /// The variables it is about; empty for the global block.
        targets: Vec<Name>,
        /// The settings.
        block: Block,
    },
    /// `query effect: P(A | do(D = 0))`
    Query {
        /// The query's name.
        name: Name,
        /// What is asked.
        form: QueryForm,
    },
    /// `output effect -> "effect.parquet"`, `output imgs -> "digits.png" { grid }`
    Output {
        /// The query.
        query: Name,
        /// The file.
        path: Spanned<String>,
        /// `{ grid, columns: 8 }`.
        options: Block,
    },
    /// `expect tv(effect, truth) < 0.05`
    Expect {
        /// The left side.
        measure: Measure,
        /// The comparison as written.
        op: Spanned<String>,
        /// The right side.
        bound: f64,
    },
    /// `assert independent(X, Y | Z)`
    Assert(Claim),
    /// `import "colours.scm" as c`
    Import {
        /// The file.
        path: Spanned<String>,
        /// What stands before its names.
        alias: Option<Name>,
    },
}

/// What `assert` claims.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// `identifiable(effect)`
    Identifiable(Name),
    /// `identifiable(P(Y | do(X)))`
    IdentifiableForm(QueryForm),
    /// `independent(X, Y | Z, do(W))`
    Independent {
        /// The variables on one side.
        left: Vec<Name>,
        /// The variables on the other side.
        right: Vec<Name>,
        /// What is known.
        given: Vec<Name>,
        /// What is set.
        interventions: Vec<Name>,
    },
}

/// An arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrow {
    /// `->`
    Right,
    /// `<-`
    Left,
    /// `<->`
    Hidden,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// `binary`, `int`, …
    pub name: Name,
    /// What follows the name.
    pub arguments: TypeArguments,
    /// Its place.
    pub span: Span,
}

/// What follows a type's name.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeArguments {
    /// Nothing.
    None,
    /// `[low..high]`
    Range(Option<i64>, Option<i64>),
    /// `[a, b, …]`
    Sizes(Vec<i64>),
    /// `{a, b, …}`
    Labels(Vec<Name>),
}

/// `{ key: value; … }`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// The entries in order.
    pub entries: Vec<Entry>,
    /// Its place, braces included.
    pub span: Span,
}

/// `key: value`, or a bare `key`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Name,
    /// The value.
    pub value: Option<Setting>,
    /// Its place.
    pub span: Span,
}

/// A value in a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The value.
    pub kind: SettingKind,
    /// Its place.
    pub span: Span,
}

/// The forms of values in blocks.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingKind {
    /// A number, string or name.
    Scalar(Scalar),
    /// `[a, b]`
    List(Vec<Spanned<Scalar>>),
    /// `[name { … }, name]`, at least one with a block
    Items(Vec<(Name, Block)>),
    /// `a == b and …`
    Condition(Vec<Condition>),
    /// `name { … }`
    Named(Name, Block),
    /// `"file" { … }`
    File(Spanned<String>, Block),
    /// `vector[16]`
    Type(Type),
    /// `{ … }`
    Block(Block),
}

/// A number, string or name.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A number and how it was written.
    Number(f64, String),
    /// A quoted string.
    Text(String),
    /// A name.
    Name(String),
}

impl Scalar {
    /// The scalar as it is compared with labels and cells: without quotes.
    pub fn text(&self) -> &str {
        match self {
            Self::Number(_, text) | Self::Text(text) | Self::Name(text) => text,
        }
    }
}

/// `column == value`
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The column.
    pub column: Name,
    /// The comparison as written.
    pub op: String,
    /// The constant.
    pub value: Spanned<Scalar>,
    /// Its place.
    pub span: Span,
}

/// `data NAME = …`
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The data set's name.
    pub name: Name,
    /// Where its rows come from.
    pub source: DataSource,
    /// `do(…)`
    pub interventions: Vec<Assigned>,
    /// `{ … }`
    pub block: Option<Block>,
    /// What an import put before the names of its variables; columns are named without it.
    pub prefix: String,
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum DataSource {
    /// A file.
    File(Spanned<String>),
    /// `simulate(truth, …)`
    Simulate {
        /// The options.
        options: Vec<Entry>,
        /// Its place.
        span: Span,
    },
}

/// `X = 1`, or a bare `X`; in a counterfactual `X[D = 1] = 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// The variable.
    pub name: Name,
    /// The world it is seen in; empty for the actual one.
    pub world: Vec<WorldSetting>,
    /// The value.
    pub value: Option<Spanned<Scalar>>,
    /// `>` or its like where it is not `=` that stands before the value.
    pub bound: Option<Spanned<String>>,
    /// Whether it is the other value of a binary variable that is meant, as in `PN(…)` and `PS(…)`.
    pub other: bool,
}

/// What a world sets a variable to: `D = 1`, `I = I[D = 0]`, or a bare `D`.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldSetting {
    /// The variable.
    pub name: Name,
    /// Its value.
    pub value: Option<WorldValue>,
}

/// The value a world gives a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum WorldValue {
    /// `D = 1`
    Constant(Spanned<Scalar>),
    /// `I = I[D = 0]`: what the variable is in another world.
    Potential(Name, Vec<WorldSetting>),
}

/// What a query asks.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryForm {
    /// `P(…)`
    Probability(Term),
    /// `2 * E[…] - E[…] + 1`: factors with their terms, and the constant.
    Combination(Vec<(f64, Term)>, f64),
    /// `sample(…, n: 64)`: the term and the options.
    Samples(Term, Vec<Entry>),
}

/// `outcome | do(…), evidence`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Term {
    /// The outcome.
    pub outcome: Vec<Assigned>,
    /// The interventions.
    pub interventions: Vec<Assigned>,
    /// The evidence.
    pub evidence: Vec<Assigned>,
}

/// The left side of `expect`.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// A number.
    Number(f64),
    /// `tv(query, reference)` or `kl(query, reference)`.
    Distance {
        /// `tv` or `kl`.
        kind: String,
        /// The query.
        query: Name,
        /// `truth` or a data set.
        reference: Name,
    },
    /// `abs(…)`
    Abs(Box<Measure>),
    /// `a + b` (1) or `a - b` (-1).
    Sum(Box<Measure>, f64, Box<Measure>),
    /// `table(A = 1, D = 0)` or `ate`.
    Row {
        /// The query.
        query: Name,
        /// The values that select the row.
        selection: Vec<Assigned>,
    },
}

/// A line of the truth block.
#[derive(Clone, Debug, PartialEq)]
pub enum TruthEntry {
    /// `smoke: categorical {yes, no}`
    Type(Vec<Name>, Type),
    /// `A ~ …` (`drawn`) or `A = …`
    Equation {
        /// The variable.
        name: Name,
        /// Whether it is written with `~`.
        drawn: bool,
        /// The right side.
        expr: Expr,
    },
    /// `A ~ table(B, C) { (b, c): [p, …] … }`
    Table {
        /// The variable.
        name: Name,
        /// Its causes.
        parents: Vec<Name>,
        /// The rows.
        rows: Vec<TableRow>,
    },
}

/// `(b, c): [0.2, 0.8]`
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow {
    /// The causes' values; `_` stands for every value.
    pub key: Vec<Spanned<Scalar>>,
    /// The probabilities.
    pub probabilities: Vec<f64>,
    /// Its place.
    pub span: Span,
}

/// An expression of the truth block.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its place.
    pub span: Span,
}

/// The forms of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A number.
    Number(f64),
    /// A quoted label.
    Text(String),
    /// A variable or a label.
    Name(String),
    /// `not x` or `-x`.
    Unary(Unary, Box<Expr>),
    /// `x + y`, …
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `if c then a else b`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `bernoulli(0.5)`, `min(a, b)`
    Call(Name, Vec<Argument>),
}

/// An argument of a call: `0.5`, or `color: C`.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its name, where written.
    pub name: Option<Name>,
    /// Its value.
    pub value: Expr,
}

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `not`
    Not,
    /// `-`
    Minus,
}

/// An infix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `or`
    Or,
    /// `xor`
    Xor,
    /// `and`
    And,
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
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
}
