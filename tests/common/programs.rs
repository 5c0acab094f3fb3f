//! Random programs as text: valid ones that use every form of the language in every spacing, and broken ones.

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::fmt::Display;

const NAMES: &[&str] = &[
    "X",
    "Y",
    "Z'",
    "W1",
    "U''",
    "_low",
    "`blood pressure`",
    "größe",
    "変数",
    "data",
    "query",
    "E",
    "P",
    "truth",
    "`a # b`",
    "ℵ0",
    "iffy",
    "notable",
    "do",
    "train",
    "الدواء",
];
const COMMENTS: &[&str] = &["#", "# why", "#: a -> b, c", "# \"quote", "# `tick` 🌊 ", "# x {", "#\t)  ", "# שלום"];
const LABELS: &[&str] = &["yes", "no", "red", "`dark red`", "\"light blue\"", "_7", "größer"];

/// A valid program.
pub fn program(rng: &mut ChaCha8Rng) -> String {
    Program::new(rng).write()
}

/// `text` with a few of its pieces deleted, doubled, swapped, or with others put between.
#[allow(dead_code)] // each test file uses its own part of this module
pub fn broken(text: &str, rng: &mut ChaCha8Rng) -> String {
    const FOREIGN: &[&str] = &[
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "`",
        "#",
        ";",
        ",",
        ":",
        "|",
        "->",
        "<-",
        "<->",
        "=>",
        "==",
        "=",
        "~",
        "-",
        "..",
        ".",
        "1e999",
        "99999999999999999999",
        "-0",
        "if",
        "then",
        "not",
        "do(",
        "P(",
        "E[",
        "truth {",
        "table(",
        "data d =",
        "\0",
        "\u{feff}",
        "\u{202e}",
        "👩‍🔬",
        "é",
        "\r",
        "\n",
        "\\",
        "'",
        "import",
        "assert f(",
        "\u{85}",
        "\u{2028}",
    ];
    let mut pieces = pieces(text);
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..=pieces.len());
        let other = rng.random_range(0..=pieces.len()).min(pieces.len().saturating_sub(1));
        match rng.random_range(0..5) {
            0 if at < pieces.len() => drop(pieces.remove(at)),
            1 if at < pieces.len() => pieces.insert(at, pieces[at]),
            2 if at < pieces.len() => pieces.swap(at, other),
            3 if at < pieces.len() && rng.random_bool(0.2) => pieces.truncate(at),
            _ => pieces.insert(at, FOREIGN.choose(rng).unwrap()),
        }
    }
    let mut bytes = pieces.concat().into_bytes();
    for _ in 0..if rng.random_bool(0.3) { rng.random_range(1..4) } else { 0 } {
        if !bytes.is_empty() {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = rng.random();
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Words, spaces and single signs.
#[allow(dead_code)] // each test file uses its own part of this module
fn pieces(text: &str) -> Vec<&str> {
    let class = |c: char| {
        if c.is_alphanumeric() {
            1
        } else if c.is_whitespace() {
            2
        } else {
            0
        }
    };
    let mut pieces = vec![];
    let mut start = 0;
    let mut last = 0;
    for (at, c) in text.char_indices() {
        if at > start && (class(c) != last || last == 0) {
            pieces.push(&text[start..at]);
            start = at;
        }
        last = class(c);
    }
    pieces.push(&text[start..]);
    pieces
}

/// A variable's type.
#[derive(Clone)]
enum Type {
    Binary,
    Int(i64, i64),
    Labels(Vec<&'static str>),
    Sizes(usize),
    Continuous(&'static str),
}

struct Variable {
    name: &'static str,
    type_: Type,
    /// Smaller numbers, by edges `->`.
    parents: Vec<usize>,
    /// Hidden causes that it shares.
    hidden: Vec<String>,
}

struct Program<'r> {
    rng: &'r mut ChaCha8Rng,
    variables: Vec<Variable>,
    out: String,
    newline: &'static str,
    /// How often the spacing is odd.
    sloppiness: f64,
}

impl<'r> Program<'r> {
    fn new(rng: &'r mut ChaCha8Rng) -> Self {
        let newline = ["\n", "\n", "\n", "\r\n", "\r"].choose(rng).unwrap();
        let sloppiness = if rng.random_bool(0.3) { 0.0 } else { rng.random_range(0.0..0.8) };
        let count = rng.random_range(1..6);
        let names: Vec<&str> = NAMES.choose_multiple(rng, count).copied().collect();
        let variables = names.into_iter().enumerate().map(|(at, name)| Variable {
            name,
            type_: random_type(rng),
            parents: (0..at).filter(|_| rng.random_bool(0.5)).take(2).collect(),
            hidden: vec![],
        });
        let variables = variables.collect();
        Self { rng, variables, out: String::new(), newline, sloppiness }
    }

    fn write(mut self) -> String {
        if self.chance(0.1) {
            self.out.push('\u{feff}');
        }
        self.separators(0);
        if self.chance(0.7) {
            self.put("dcm").put("1");
            if self.chance(0.8) {
                self.put("\"A \\\"title\\\", # and {\"");
            }
            self.separators(1);
        }
        let continuous = self.variables.iter().any(|v| matches!(v.type_, Type::Continuous(_)));
        let simulated = !continuous && self.chance(0.7);
        self.graph();
        self.declarations();
        if simulated {
            self.truth();
        }
        self.data(simulated);
        self.trains();
        self.queries(simulated);
        if self.chance(0.2) {
            self.put("#last");
        }
        self.out
    }

    // ---- spacing --------------------------------------------------------------------------------

    fn chance(&mut self, p: f64) -> bool {
        self.rng.random_bool(p)
    }

    fn sloppy(&mut self) -> bool {
        self.chance(self.sloppiness)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *from.choose(self.rng).unwrap()
    }

    /// A token, after some space.
    fn put(&mut self, token: impl Display) -> &mut Self {
        let token = token.to_string();
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '\''));
        let mut space = if self.sloppy() { self.pick(&["", "", "  ", "\t", "\u{a0}", " \u{feff} "]) } else { " " };
        if space.is_empty() && word(self.out.chars().last()) && word(token.chars().next()) {
            space = " ";
        }
        self.out += space;
        self.out += &token;
        self
    }

    /// A place where lines may break.
    fn br(&mut self) -> &mut Self {
        if self.chance(0.2 * self.sloppiness) {
            self.line_end();
        }
        self
    }

    fn line_end(&mut self) {
        for _ in 0..self.rng.random_range(1..4) {
            if self.chance(0.3) {
                let comment = self.pick(COMMENTS);
                self.put(comment);
            }
            self.out += self.newline;
            let indentation = self.pick(&["", "", "  ", "\t "]);
            self.out += indentation;
        }
    }

    /// The end of a statement or an entry: at least `least` separators.
    fn separators(&mut self, least: usize) {
        let count = if self.sloppy() { self.rng.random_range(least..4) } else { least };
        for _ in 0..count {
            if self.sloppy() {
                self.put(";");
            } else {
                self.line_end();
            }
        }
    }

    /// Between the entries of a block.
    fn entry_separators(&mut self, least: usize) {
        match self.pick(&[0, 1, 2]) {
            0 if least > 0 => {
                self.put(",");
            }
            1 if least > 0 => {
                self.put(";");
            }
            _ => self.separators(least),
        }
    }

    fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) -> &mut Self {
        for (at, each) in items.iter().enumerate() {
            if at > 0 {
                self.br().put(",").br();
            }
            item(self, each);
        }
        self
    }

    fn set(&mut self, names: &[&str]) {
        self.put("{").br();
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                let comma = self.pick(&[",", ",", ";", ""]);
                self.br().put(comma).br().out.push(' ');
            }
            self.put(name);
        }
        if self.chance(0.1) && !names.is_empty() {
            self.br().put(",");
        }
        self.br().put("}");
    }

    // ---- statements -----------------------------------------------------------------------------

    fn graph(&mut self) {
        for at in 0..self.variables.len() {
            let name = self.variables[at].name;
            match self.variables[at].parents.iter().map(|&p| self.variables[p].name).collect::<Vec<_>>()[..] {
                [] if self.chance(0.5) => self.set(&[name]),
                [] => {
                    self.put(name);
                }
                [cause] if self.chance(0.5) => {
                    let arrow = self.pick(&["->", "→"]);
                    self.put(cause).br().put(arrow).br().put(name);
                }
                ref causes => {
                    let causes = causes.to_vec();
                    let arrow = self.pick(&["<-", "←"]);
                    self.put(name).br().put(arrow).br().set(&causes);
                }
            }
            self.separators(1);
        }
        for at in 1..self.variables.len() {
            if !self.chance(0.3) {
                continue;
            }
            let (left, right) = (self.variables[at - 1].name, self.variables[at].name);
            let hidden = format!("H{at}");
            self.variables[at - 1].hidden.push(hidden.clone());
            self.variables[at].hidden.push(hidden);
            if self.chance(0.7) {
                let arrow = self.pick(&["<->", "↔"]);
                self.put(left).br().put(arrow).br().put(right);
            } else {
                self.put("latent").put(format!("L{at}")).br().put("->").br().set(&[left, right]);
            }
            self.separators(1);
        }
    }

    fn declarations(&mut self) {
        for at in 0..self.variables.len() {
            let (name, type_) = (self.variables[at].name, self.variables[at].type_.clone());
            if self.chance(0.2) {
                self.set(&[name]);
            } else {
                self.put(name);
            }
            self.br().put(":").br();
            self.type_(&type_);
            if self.chance(0.1) {
                self.put("pretrained").put("\"weights.safetensors\"");
            }
            self.separators(1);
        }
    }

    fn type_(&mut self, type_: &Type) {
        match type_ {
            Type::Binary => {
                self.put("binary");
            }
            Type::Int(low, high) => {
                self.put("int").put("[").br().put(low).put("..").put(high).br().put("]");
            }
            Type::Labels(labels) => {
                self.put("categorical").put("{").br();
                self.list(labels, |p, label| {
                    p.put(label);
                })
                .br();
                if self.chance(0.1) {
                    self.put(",").br();
                }
                self.put("}");
            }
            Type::Sizes(n) => {
                self.put("categorical").put("[").br().put(n).br().put("]");
            }
            Type::Continuous("image") => {
                self.put("image").put("[");
                self.list(&[3, 32, 32], |p, n| {
                    p.br().put(n).br();
                })
                .put("]");
            }
            Type::Continuous(name) => {
                self.put(name);
            }
        }
    }

    fn data(&mut self, simulated: bool) {
        for at in 0..self.rng.random_range(0..3) {
            self.put("data").put(format!("d{at}")).put("=").br();
            if simulated {
                self.put("simulate").put("(").br().put("truth").br().put(",").br().put("n").put(":").put("100");
                if self.chance(0.5) {
                    self.br().put(",").br().put("seed").br().put(":").br().put("7");
                }
                self.br().put(")");
            } else {
                self.put("\"rows of \\\\ data.csv\"");
            }
            let names: Vec<&str> = self.variables.iter().map(|v| v.name).collect();
            let target = self.rng.random_range(0..names.len());
            let value = self.value(target);
            match self.pick(&[0, 1, 2, 3, 4]) {
                0 => {
                    self.put("do").put("(").br().put(names[target]).put("=").br().put(value).br().put(")");
                }
                1 if !simulated => {
                    self.put("do").put("(").br().put(names[target]).br().put(")");
                }
                2 => {
                    self.put("{");
                    self.entry_separators(0);
                    self.put("columns").br().put(":").br().put("{");
                    for (at, name) in names.iter().enumerate() {
                        if at > 0 {
                            self.entry_separators(1);
                        }
                        self.put(name);
                        if !simulated && self.chance(0.2) {
                            self.put(":").br().put("\"a column\"");
                        }
                    }
                    self.put("}");
                    if self.chance(0.5) {
                        self.entry_separators(1);
                        self.put("role").put(":").put("test");
                    }
                    self.entry_separators(0);
                    self.put("}");
                }
                3 if !simulated => {
                    self.put("{").put("where").put(":").put("regime").put("==").put("\"obs\"").br().put("and").br();
                    let compare = self.pick(&["<", "<=", ">", ">=", "!="]);
                    self.put("age").put(compare).br().put("-2.5e1");
                    self.entry_separators(1);
                    self.put("weight").br().put(":").put("count").put("}");
                }
                _ => {}
            }
            self.separators(1);
        }
    }

    fn trains(&mut self) {
        if self.chance(0.4) {
            self.put("train").put("{");
            self.entry_separators(0);
            let entries = ["engine: auto", "epochs :300", "batch:200", "lr:5e-4", "seed: 1", "hidden:[256 , 256,]"];
            for entry in entries.choose_multiple(self.rng, 3).copied().collect::<Vec<_>>() {
                self.put(entry);
                self.entry_separators(1);
            }
            self.put("}");
            self.separators(1);
        }
        if self.chance(0.2) {
            let name = self.variables[0].name;
            self.put("train").set(&[name]);
            self.put("{")
                .put("engine")
                .put(":")
                .put("wgan_gp")
                .put("{")
                .put("lambda")
                .put(":")
                .put("10")
                .put("}")
                .put("}");
            self.separators(1);
        }
    }

    fn queries(&mut self, simulated: bool) {
        for at in 0..self.rng.random_range(0..4) {
            self.put("query").put(format!("q{at}")).put(":").br();
            let numeric = |v: &Variable| !matches!(v.type_, Type::Labels(_) | Type::Continuous(_));
            let mean = self.chance(0.4) && numeric(&self.variables[0]) && self.variables.len() > 1;
            match self.pick(&[0, 1]) {
                0 if mean => {
                    let (y, x) = (self.variables[0].name, self.variables[1].name);
                    let (a, b) = (self.value(1), self.value(1));
                    self.put("ATE").put("(").br().put(y).br().put(",").br().put(x).put("=");
                    self.put(a).put("vs").put(b).br().put(")");
                }
                1 if mean => self.combination(),
                _ => {
                    self.put("P").put("(").br();
                    self.term(true);
                    self.br().put(")");
                }
            }
            self.separators(1);
            if self.chance(0.3) {
                self.put("output").put(format!("q{at}")).put("->").br().put("\"answer.csv\"");
                self.separators(1);
            }
            if simulated && !mean && self.chance(0.4) {
                self.put("expect").put("tv").put("(").br().put(format!("q{at}")).br().put(",").br().put("truth");
                self.put(")").br().put("<").br().put("0.05");
                self.separators(1);
            } else if mean && self.chance(0.5) {
                self.put("expect").put("abs").put("(").br().put(format!("q{at}")).br().put("-").br().put("-1");
                self.br().put("+").put("(").put("2").put(")").put(")").put(">=").put("-.5");
                self.separators(1);
            }
        }
    }

    fn combination(&mut self) {
        if self.chance(0.3) {
            let sign = self.pick(&["-", "+"]);
            self.put(sign);
        }
        for at in 0..self.rng.random_range(1..4) {
            if at > 0 {
                let sign = self.pick(&["-", "+"]);
                self.br().put(sign).br();
            }
            if self.chance(0.3) {
                self.put("2").br().put("*").br();
            }
            self.put("E").put("[").br();
            self.term(false);
            self.br().put("]");
            if self.chance(0.3) {
                let scale = self.pick(&["*", "/"]);
                self.br().put(scale).br().put("2.5");
            }
        }
    }

    /// The first variable given others.
    fn term(&mut self, table: bool) {
        self.put(self.variables[0].name);
        let (mut set, mut seen) = (vec![], vec![]);
        for at in 1..self.variables.len() {
            match self.pick(&[0, 1, 2]) {
                0 => set.push(at),
                1 => seen.push(at),
                _ => {}
            }
        }
        let setting = |p: &mut Self, &at: &usize| {
            p.put(p.variables[at].name);
            if !table || p.chance(0.6) {
                let value = p.value(at);
                p.put("=").br().put(value);
            }
        };
        if !set.is_empty() || !seen.is_empty() {
            self.br().put("|").br();
        }
        if !set.is_empty() {
            self.put("do").put("(").br();
            self.list(&set, setting).br().put(")");
        }
        if !set.is_empty() && !seen.is_empty() {
            self.br().put(",").br();
        }
        self.list(&seen, setting);
    }

    /// A value of a variable.
    fn value(&mut self, variable: usize) -> String {
        match self.variables[variable].type_.clone() {
            Type::Binary => self.pick(&["0", "1"]).to_owned(),
            Type::Int(low, high) => self.rng.random_range(low..=high).to_string(),
            Type::Labels(labels) => self.pick(&labels).to_owned(),
            Type::Sizes(n) => self.rng.random_range(0..n).to_string(),
            Type::Continuous(_) => "0.5".to_owned(),
        }
    }

    // ---- the ground truth -----------------------------------------------------------------------

    fn truth(&mut self) {
        self.put("truth").put("{");
        self.separators(0);
        let mut hidden: Vec<String> = self.variables.iter().flat_map(|v| v.hidden.clone()).collect();
        hidden.sort();
        hidden.dedup();
        for name in hidden {
            if self.chance(0.3) {
                self.put(&name).put(":").br().put("binary");
                self.separators(1);
            }
            self.put(&name).put("~").br().put("bernoulli").put("(").br().put(".5").br().put(")");
            self.separators(1);
        }
        for at in 0..self.variables.len() {
            self.equation(at);
            self.separators(1);
        }
        self.put("}");
        self.separators(1);
    }

    fn equation(&mut self, at: usize) {
        let (name, type_) = (self.variables[at].name, self.variables[at].type_.clone());
        self.put(name);
        if self.variables[at].hidden.is_empty() && !self.variables[at].parents.is_empty() && self.chance(0.4) {
            return self.table(at);
        }
        let form = self.pick(&["=", "~"]);
        self.put(form).br();
        match type_ {
            Type::Binary => {
                self.put("(");
                self.expr(at, 3);
                self.put(")").br().put(">").br().put("1");
            }
            Type::Int(low, high) => {
                self.put("max")
                    .put("(")
                    .put(low)
                    .br()
                    .put(",")
                    .br()
                    .put("min")
                    .put("(")
                    .put(high)
                    .put(",")
                    .put("floor");
                self.put("(");
                self.expr(at, 3);
                self.put(")").br().put(")").put(")");
            }
            Type::Sizes(n) => {
                self.put("min")
                    .put("(")
                    .put(n - 1)
                    .put(",")
                    .put("max")
                    .put("(")
                    .put("0")
                    .put(",")
                    .put("round")
                    .put("(");
                self.expr(at, 3);
                self.put(")").put(")").put(")");
            }
            Type::Labels(labels) => {
                self.put("if").br();
                self.expr(at, 3);
                let (yes, no) = (self.pick(&labels), self.pick(&labels));
                self.br().put(">").put("1").br().put("then").br().put(yes).br().put("else").br().put(no);
            }
            Type::Continuous(_) => {
                self.put("0");
            }
        }
    }

    fn expr(&mut self, at: usize, depth: usize) {
        let (parents, hidden) = (self.variables[at].parents.clone(), self.variables[at].hidden.clone());
        if depth == 0 || self.chance(0.2) {
            match self.pick(&[0, 0, 1, 2, 3]) {
                0 if !parents.is_empty() => {
                    let parent = self.pick(&parents);
                    let name = self.variables[parent].name;
                    if let Type::Labels(labels) = self.variables[parent].type_.clone() {
                        let label = self.pick(&labels);
                        self.put("(").br().put(name).br().put("==").br().put(label).br().put(")");
                    } else {
                        self.put(name);
                    }
                }
                1 if !hidden.is_empty() => {
                    self.put(&hidden[0]);
                }
                2 => {
                    self.put("bernoulli").put("(").br().put("0.25").put(")");
                }
                _ => {
                    let number = self.pick(&["0", "1", "2.5", ".5", "1e0", "007"]);
                    self.put(number);
                }
            }
            return;
        }
        match self.rng.random_range(0..7) {
            0 => {
                self.put("if").br();
                self.expr(at, depth - 1);
                self.br().put("then").br();
                self.expr(at, depth - 1);
                self.br().put("else").br();
                self.expr(at, depth - 1);
            }
            1 => {
                let prefix = self.pick(&["-", "not", "- -"]);
                self.put(prefix);
                self.expr(at, depth - 1);
            }
            2 => {
                let function = self.pick(&["min", "max"]);
                self.put(function).put("(").br();
                self.list(&[(), ()], |p, ()| p.expr(at, depth - 1)).br().put(")");
            }
            3 => {
                self.put("(").br();
                self.expr(at, depth - 1);
                self.br().put(")");
            }
            _ => {
                self.expr(at, depth - 1);
                let operators = ["+", "-", "*", "==", "!=", "<", "<=", ">", ">=", "and", "or", "xor", "%", "/"];
                let operator = self.pick(&operators);
                self.br().put(operator).br();
                if matches!(operator, "%" | "/") {
                    self.put("2");
                } else {
                    self.expr(at, depth - 1);
                }
            }
        }
    }

    fn table(&mut self, at: usize) {
        let parents = self.variables[at].parents.clone();
        self.put("~").br().put("table").put("(").br();
        self.list(&parents, |p, &parent| {
            p.put(p.variables[parent].name);
        })
        .br()
        .put(")")
        .put("{");
        self.entry_separators(0);
        for _ in 0..self.rng.random_range(0..3) {
            let (open, close) = if parents.len() > 1 || self.chance(0.5) { ("(", ")") } else { ("", "") };
            self.put(open);
            self.list(&parents, |p, &parent| {
                let value = if p.chance(0.2) { "_".to_owned() } else { p.value(parent) };
                p.put(value);
            });
            self.put(close).put(":").br();
            self.probabilities(at);
            self.entry_separators(1);
        }
        self.put("else").put(":").br();
        self.probabilities(at);
        self.entry_separators(0);
        self.put("}");
    }

    fn probabilities(&mut self, at: usize) {
        let count = match &self.variables[at].type_ {
            Type::Int(low, high) => (high - low + 1) as usize,
            Type::Labels(labels) => labels.len(),
            Type::Sizes(n) => *n,
            _ => 2,
        };
        let mut shares = vec!["0"; count];
        shares[count - 1] = ".75";
        shares[0] = "0.25";
        shares.shuffle(self.rng);
        self.put("[").br();
        self.list(&shares, |p, share| {
            p.put(share);
        })
        .br();
        if self.chance(0.1) {
            self.put(",").br();
        }
        self.put("]");
    }
}

fn random_type(rng: &mut ChaCha8Rng) -> Type {
    match rng.random_range(0..20) {
        0..8 => Type::Binary,
        8..12 => Type::Int(rng.random_range(-2..1), rng.random_range(1..3)),
        12..17 => {
            let count = rng.random_range(2..4);
            Type::Labels(LABELS.choose_multiple(rng, count).copied().collect())
        }
        17..19 => Type::Sizes(rng.random_range(2..5)),
        _ => Type::Continuous(["real", "image"].choose(rng).unwrap()),
    }
}
