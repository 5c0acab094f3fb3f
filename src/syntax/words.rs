//! The words of the language, once: what the grammar, the meaning and the editors agree on.
//!
//! A keyword is one by its place only; `grammar/scm.pest` says where. Tests hold the grammar and the grammars of
//! editors against these lists.

/// Words that begin a statement.
pub const STATEMENTS: [&str; 10] =
    ["dcm", "import", "latent", "data", "truth", "train", "query", "output", "expect", "assert"];

/// Words inside statements.
pub const CLAUSES: [&str; 14] = [
    "abs",
    "and",
    "as",
    "do",
    "else",
    "identifiable",
    "if",
    "independent",
    "pretrained",
    "sample",
    "simulate",
    "table",
    "then",
    "vs",
];

/// Operators that are words.
pub const OPERATORS: [&str; 4] = ["and", "not", "or", "xor"];

/// What queries ask for, beside `sample`.
pub const FORMS: [&str; 8] = ["ATE", "E", "ETT", "NDE", "NIE", "P", "PN", "PS"];

/// Distances between distributions, in expectations.
pub const DISTANCES: [&str; 2] = ["kl", "tv"];

/// Types.
pub const TYPES: [&str; 6] = ["binary", "categorical", "int", "real", "vector", "image"];

/// Distributions and functions of truth blocks.
pub const FUNCTIONS: [&str; 18] = [
    "bernoulli",
    "uniform_int",
    "binomial",
    "categorical",
    "normal",
    "uniform",
    "exponential",
    "min",
    "max",
    "abs",
    "floor",
    "ceil",
    "round",
    "exp",
    "log",
    "sqrt",
    "digit",
    "classify",
];

/// Keys of the block of a `data` statement.
pub const DATA_KEYS: [&str; 5] = ["columns", "images", "where", "weight", "role"];

/// Keys of the images of a variable in a data set.
pub const IMAGE_KEYS: [&str; 4] = ["array", "folder", "resize", "convert"];

/// Keys of `simulate(truth, …)`.
pub const SIMULATE_KEYS: [&str; 2] = ["n", "seed"];

/// Keys of the block of a declaration.
pub const DECLARATION_KEYS: [&str; 2] = ["mechanism", "encode"];

/// Mechanisms that a declaration can choose.
pub const MECHANISMS: [&str; 3] = ["mlp", "diffusion", "pretrained"];

/// Keys of a pretrained mechanism.
pub const PRETRAINED_KEYS: [&str; 10] =
    ["file", "inputs", "sha256", "layers", "latent", "noise", "range", "labels", "classes", "key"];

/// Keys of `train` blocks.
pub const TRAIN_KEYS: [&str; 21] = [
    "engine",
    "epochs",
    "steps",
    "batch",
    "lr",
    "seed",
    "device",
    "hidden",
    "noise",
    "lambda",
    "critic_steps",
    "pac",
    "dropout",
    "width",
    "levels",
    "restarts",
    "bootstrap",
    "ensemble",
    "samples",
    "modular",
    "image_memory",
];

/// What `engine` can be.
pub const ENGINES: [&str; 3] = ["auto", "likelihood", "wgan_gp"];

/// What `device` can be, beside a numbered `cuda:1`.
pub const DEVICES: [&str; 4] = ["auto", "cpu", "cuda", "metal"];

/// Keys of the block of an `output` statement.
pub const OUTPUT_KEYS: [&str; 3] = ["grid", "columns", "scale"];
