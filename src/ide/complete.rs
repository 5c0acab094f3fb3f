//! What can stand at the cursor.

use super::Analysis;
use super::context::{Context, Level, context};
use super::files::{self, List};
use crate::diag::Span;
use crate::model::{Domain, VarId, spell};
use crate::syntax::{spell_label, words};
use crate::truth::functions;

/// A proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is shown.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// More about it.
    pub detail: String,
    /// What is written, with places to fill in as `${1:name}`; `None` writes the label.
    pub snippet: Option<String>,
}

/// Kinds of proposals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// A word of the language.
    Keyword,
    /// A variable.
    Variable,
    /// A type.
    Type,
    /// A query.
    Query,
    /// A data set.
    Data,
    /// A key of a block.
    Setting,
    /// A value of a setting or of a variable.
    Value,
    /// A distribution, function or form of query.
    Function,
    /// A file.
    File,
    /// A folder.
    Folder,
}

use CompletionKind as Kind;

/// The most values of a variable that are proposed.
const MAX_VALUES: usize = 100;

/// Statements as they are begun.
const STATEMENTS: [(&str, &str); 10] = [
    ("dcm", "dcm 1 \"${1:title}\""),
    ("import", "import \"${1:file.scm}\" as ${2:name}"),
    ("latent", "latent ${1:U} -> {${2:A, B}}"),
    ("data", "data ${1:obs} = \"${2:file.csv}\""),
    ("truth", "truth {\n  ${1:U} ~ bernoulli(${2:0.5})\n}"),
    ("train", "train { ${1:epochs}: ${2:300} }"),
    ("query", "query ${1:effect}: P(${2:Y} | do(${3:X}))"),
    ("output", "output ${1:effect} -> \"${2:effect.csv}\""),
    ("expect", "expect tv(${1:effect}, ${2:truth}) < ${3:0.05}"),
    ("assert", "assert identifiable(${1:effect})"),
];

/// Types as they are written.
const TYPES: [(&str, &str); 6] = [
    ("binary", "binary"),
    ("categorical", "categorical {${1:red, green, blue}}"),
    ("int", "int[${1:0}..${2:9}]"),
    ("real", "real"),
    ("vector", "vector[${1:64}]"),
    ("image", "image[${1:3},${2:32},${3:32}]"),
];

/// The forms of queries.
const FORMS: [(&str, &str, &str); 9] = [
    ("P", "P(${1:Y} | do(${2:X}))", "a distribution"),
    ("E", "E[${1:Y} | do(${2:X})]", "a mean"),
    ("ATE", "ATE(${1:Y}, ${2:X} = ${3:1} vs ${4:0})", "an average treatment effect"),
    ("ETT", "ETT(${1:Y}, ${2:X} = ${3:1} vs ${4:0})", "the effect on the treated"),
    ("NDE", "NDE(${1:Y}, ${2:X} = ${3:1} vs ${4:0}, ${5:M})", "a natural direct effect, past the mediators"),
    ("NIE", "NIE(${1:Y}, ${2:X} = ${3:1} vs ${4:0}, ${5:M})", "a natural indirect effect, through the mediators"),
    ("PN", "PN(${1:Y} = ${2:1}, ${3:X} = ${4:1} vs ${5:0})", "a probability of necessity"),
    ("PS", "PS(${1:Y} = ${2:1}, ${3:X} = ${4:1} vs ${5:0})", "a probability of sufficiency"),
    ("sample", "sample(${1:Y} | do(${2:X}), n: ${3:64})", "rows drawn from the model"),
];

/// What can stand at a byte of the model file, and the part of the word there that it takes the place of. `list` gives
/// the names in a folder beside the model file.
pub fn complete(analysis: &Analysis, at: usize, list: List<'_>) -> (Span, Vec<Completion>) {
    let text = analysis.text();
    let Some(context) = context(text, at) else { return (Span::new(at, at), vec![]) };
    if let Some(typed) = context.string {
        let (length, found) = files::propose(analysis, &context, typed, list);
        return (Span::new(at - length, at), found);
    }
    let proposer = Proposer { analysis, context: &context, found: vec![] };
    (Span::new(context.word, at), proposer.propose())
}

struct Proposer<'a> {
    analysis: &'a Analysis,
    context: &'a Context<'a>,
    found: Vec<Completion>,
}

impl Proposer<'_> {
    fn propose(mut self) -> Vec<Completion> {
        let levels = &self.context.levels;
        let (Some(outer), Some(top)) = (levels.first(), levels.last()) else { return vec![] };
        match (outer.tokens.first().copied().unwrap_or(""), levels.len()) {
            (_, 1) => self.statement(outer),
            ("truth", _) => self.truth(top),
            ("train", _) => self.settings(top),
            ("data", _) => self.data(top),
            ("output", _) => self.words(&words::OUTPUT_KEYS, Kind::Setting),
            ("expect", _) => self.expectation(top),
            ("assert", _) => self.assertion(top),
            ("query", _) => self.term(top),
            _ if outer.tokens.contains(&":") => self.declaration(top),
            _ => self.variables(),
        }
        self.found
    }

    fn add(&mut self, label: impl Into<String>, kind: Kind, detail: impl Into<String>, snippet: Option<&str>) {
        let (label, detail, snippet) = (label.into(), detail.into(), snippet.map(str::to_owned));
        self.found.push(Completion { label, kind, detail, snippet });
    }

    fn words(&mut self, list: &[&str], kind: Kind) {
        list.iter().for_each(|word| self.add(*word, kind, "", None));
    }

    fn statement(&mut self, level: &Level) {
        match level.tokens[..] {
            [] => {
                STATEMENTS.iter().for_each(|(word, snippet)| self.add(*word, Kind::Keyword, "", Some(snippet)));
                self.variables();
            }
            ["data", _, "="] => {
                self.add("simulate", Kind::Function, "rows of the truth block", Some("simulate(truth, n: ${1:20000})"));
            }
            ["data", _, "=", ..] => self.add("do", Kind::Keyword, "what was set", Some("do(${1:X})")),
            ["import", _] => self.add("as", Kind::Keyword, "", None),
            ["dcm"] => self.add("1", Kind::Value, "the edition", None),
            ["data" | "dcm" | "import", ..] | ["query"] | ["query", _] => {}
            ["query", _, ":"] => self.forms(),
            ["query", ..] => self.add("E", Kind::Function, "a mean", Some("E[${1:Y} | do(${2:X})]")),
            ["output"] => self.queries(),
            ["output", ..] => {}
            ["expect", ..] => self.measure(),
            ["assert"] => {
                self.add("identifiable", Kind::Function, "one answer", Some("identifiable(${1:effect})"));
                self.add("independent", Kind::Function, "m-separated", Some("independent(${1:X}, ${2:Y} | ${3:Z})"));
            }
            [.., ":"] => TYPES.iter().for_each(|(name, snippet)| self.add(*name, Kind::Type, "", Some(snippet))),
            [_, ":", ..] | [_, ",", .., ":", _] => {
                self.add("pretrained", Kind::Keyword, "a frozen file", Some("pretrained \"${1:file.safetensors}\""));
            }
            _ => self.variables(),
        }
    }

    fn variables(&mut self) {
        let model = &self.analysis.program.model;
        let domain = |id: VarId| model.domain(id).map_or(String::new(), ToString::to_string);
        let observed = model.variables.keys().enumerate().map(|(id, name)| (spell(name), domain(id)));
        let hidden = model.latents.iter().filter_map(|l| l.name.as_deref());
        let all = observed.chain(hidden.map(|name| (spell(name), "hidden cause".to_owned())));
        let made = all.map(|(label, detail)| Completion { label, kind: Kind::Variable, detail, snippet: None });
        self.found.extend(made);
    }

    fn queries(&mut self) {
        let queries: Vec<_> =
            self.analysis.program.model.queries.iter().map(|q| (spell(&q.name), q.text.clone())).collect();
        queries.into_iter().for_each(|(name, text)| self.add(name, Kind::Query, text, None));
    }

    /// The values of a discrete variable.
    fn values(&mut self, name: &str) {
        let model = &self.analysis.program.model;
        let name = name.trim_matches('`');
        let Some(domain) = model.id(name).and_then(|id| model.domain(id)) else { return };
        let count = domain.cardinality().unwrap_or(0).min(MAX_VALUES) as u32;
        let written = |code: u32| match domain {
            Domain::Labels(_) => spell_label(&domain.value(code).to_string()),
            _ => domain.value(code).to_string(),
        };
        let values: Vec<String> = (0..count).map(written).collect();
        values.into_iter().for_each(|value| self.add(value, Kind::Value, format!("value of {name}"), None));
    }

    fn forms(&mut self) {
        FORMS.iter().for_each(|(name, snippet, about)| self.add(*name, Kind::Function, *about, Some(snippet)));
    }

    fn do_(&mut self) {
        self.add("do", Kind::Keyword, "what is set", Some("do(${1:X})"));
    }

    /// Inside the brackets of `P(…)`, `E[…]`, `do(…)` and worlds.
    fn term(&mut self, level: &Level) {
        match level.tokens[..] {
            [] => {
                self.variables();
                if level.given {
                    self.do_();
                }
            }
            [.., name, "="] => self.values(name),
            [_, "=", _] => self.add("vs", Kind::Keyword, "the value it is compared with", None),
            _ => {}
        }
    }

    fn measure(&mut self) {
        self.add("tv", Kind::Function, "total variation distance", Some("tv(${1:effect}, ${2:truth})"));
        self.add("kl", Kind::Function, "Kullback-Leibler divergence", Some("kl(${1:effect}, ${2:truth})"));
        self.add("abs", Kind::Function, "absolute value", Some("abs(${1:effect})"));
        self.queries();
    }

    fn expectation(&mut self, level: &Level) {
        match (self.context.head(self.context.levels.len() - 1), level.commas) {
            ("tv" | "kl", 0) => self.queries(),
            ("tv" | "kl", _) => {
                self.add("truth", Kind::Keyword, "the truth block", None);
                let names: Vec<String> = self.analysis.program.model.regimes.iter().map(|r| spell(&r.name)).collect();
                names.into_iter().for_each(|name| self.add(name, Kind::Data, "a data set", None));
            }
            ("abs" | "(", _) => self.measure(),
            _ => self.term(level),
        }
    }

    fn assertion(&mut self, level: &Level) {
        match (self.context.head(self.context.levels.len() - 1), self.context.levels.len()) {
            ("identifiable", 2) => {
                self.queries();
                self.forms();
            }
            _ => self.term(level),
        }
    }

    fn truth(&mut self, level: &Level) {
        match (level.bracket, &level.tokens[..]) {
            ('{', []) => self.variables(),
            ('{', [.., ":"]) => self.words(&words::TYPES, Kind::Type),
            (_, [.., name, "==" | "!="]) => self.values(name),
            _ => {
                self.variables();
                for (name, usage) in functions() {
                    self.add(name, Kind::Function, usage, Some(&format!("{name}(${{1}})")));
                }
                self.words(&["if", "then", "else", "and", "or", "xor", "not"], Kind::Keyword);
            }
        }
    }

    fn data(&mut self, level: &Level) {
        match (self.heads(), &level.tokens[..]) {
            (["do", ..], _) => self.term(level),
            (["simulate", ..], []) if level.commas == 0 => self.add("truth", Kind::Keyword, "the truth block", None),
            (["simulate", ..], []) => self.words(&words::SIMULATE_KEYS, Kind::Setting),
            ([":", ..], []) if self.context.levels.len() > 2 => self.variables(),
            (_, ["role", ":"]) => self.add("test", Kind::Value, "held out", None),
            (_, []) if self.context.levels.len() == 2 => self.words(&words::DATA_KEYS, Kind::Setting),
            (_, []) => self.words(&words::IMAGE_KEYS, Kind::Setting),
            _ => {}
        }
    }

    /// The word before the innermost bracket.
    fn heads(&self) -> [&str; 1] {
        [self.context.head(self.context.levels.len() - 1)]
    }

    fn settings(&mut self, level: &Level) {
        match level.tokens[..] {
            // The variables of `train {D, A} { … }` look like a block at first.
            [] if self.context.levels[0].tokens == ["train"] => {
                self.words(&words::TRAIN_KEYS, Kind::Setting);
                self.variables();
            }
            [] => self.words(&words::TRAIN_KEYS, Kind::Setting),
            ["engine", ":"] => self.words(&words::ENGINES, Kind::Value),
            ["device", ":"] => self.words(&words::DEVICES, Kind::Value),
            ["modular", ":"] => self.words(&["true", "false"], Kind::Value),
            _ => {}
        }
    }

    fn declaration(&mut self, level: &Level) {
        match (self.heads(), &level.tokens[..]) {
            (["categorical" | "int" | "real" | "vector" | "image"], _) => {}
            ([":"], []) if level.bracket == '[' => self.variables(),
            (["pretrained"], []) => self.words(&words::PRETRAINED_KEYS, Kind::Setting),
            (["mlp"], []) => self.words(&["hidden", "noise"], Kind::Setting),
            (["diffusion"], []) => self.words(&["steps"], Kind::Setting),
            (_, ["mechanism", ":"]) => self.words(&words::MECHANISMS, Kind::Value),
            (_, ["encode", ":"]) => self.words(&["auto"], Kind::Value),
            (_, []) if self.context.levels.len() == 2 => self.words(&words::DECLARATION_KEYS, Kind::Setting),
            _ => {}
        }
    }
}
