//! Graphviz DOT, and what DAGitty's language shares with it: <https://graphviz.org/doc/info/lang.html>.
//!
//! A parser of our own: the crates that read DOT keep no places for messages, and read neither
//! DAGitty's arrows nor its bare attributes.

use super::cursor::Cursor;
use super::graph::{Graph, MAX_EDGES};
use crate::diag::{Diagnostic, Span};
use std::collections::HashSet;

/// The graph of a DOT file.
pub(super) fn read(text: &str) -> Result<Graph, Diagnostic> {
    let mut parser = Parser::new(text, Dialect::Dot);
    parser.header(&["digraph", "graph"], "`digraph`, `graph` or `strict`")?;
    parser.body()?;
    parser.rename_by_labels();
    Ok(parser.graph)
}

/// Whose arrows and attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Dot,
    Dagitty,
}

/// A parser of the languages that look like DOT.
pub(super) struct Parser<'a> {
    pub cursor: Cursor<'a>,
    pub graph: Graph,
    dialect: Dialect,
    /// The labels of the variables, by their numbers.
    labels: Vec<(usize, String)>,
    pairs: usize,
}

/// Attributes that later statements of the same braces inherit.
#[derive(Clone, Copy, Debug, Default)]
struct Defaults {
    latent: bool,
    edge: Style,
}

/// What the attributes of an edge say about its heads.
#[derive(Clone, Copy, Debug, Default)]
struct Style {
    /// Whether the tail and the head end may have an arrowhead, by `dir`.
    dir: Option<(bool, bool)>,
    dashed: bool,
    no_head: bool,
    no_tail: bool,
}

/// What an edge means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Right,
    Left,
    Hidden,
}

/// A name, number, string or HTML text.
struct Id {
    text: String,
    span: Span,
    quoted: bool,
}

type Attributes = Vec<(String, Option<String>, Span)>;

/// The arrows, those that begin like another one first.
const ARROWS: [&str; 9] = ["<->", "->", "<-@", "<-", "@->", "@-@", "@--", "--@", "--"];

/// Names that programs give every graph.
const NO_TITLES: [&str; 5] = ["g", "graph", "dag", "unknown", ""];

impl<'a> Parser<'a> {
    pub fn new(text: &'a str, dialect: Dialect) -> Self {
        let cursor = Cursor::new(text, &["//", "#"]);
        Self { cursor, graph: Graph::default(), dialect, labels: vec![], pairs: 0 }
    }

    /// Reads what stands before the braces; returns the kind of graph, in lower case, and its place.
    pub fn header(&mut self, kinds: &[&'static str], expected: &str) -> Result<(&'static str, Span), Diagnostic> {
        self.cursor.skip()?;
        let mut start = self.cursor.at;
        let mut word = self.cursor.take(char::is_alphanumeric).to_lowercase();
        if word == "strict" {
            self.cursor.skip()?;
            start = self.cursor.at;
            word = self.cursor.take(char::is_alphanumeric).to_lowercase();
        }
        let Some(kind) = kinds.iter().find(|k| **k == word) else {
            self.cursor.at = start;
            return Err(self.cursor.unexpected(expected));
        };
        let place = self.cursor.since(start);
        self.cursor.skip()?;
        if self.cursor.peek() != Some('{') {
            let id = self.id("a name or `{`")?;
            self.title(&id.text);
        }
        Ok((kind, place))
    }

    /// Reads `{ … }` and the end of the file.
    pub fn body(&mut self) -> Result<(), Diagnostic> {
        self.cursor.open('{')?;
        self.statements(Defaults::default(), true)?;
        self.cursor.must_close('}', "a statement or ")?;
        self.cursor.skip()?;
        match self.cursor.peek() {
            None => Ok(()),
            Some(_) => Err(self.cursor.unexpected("the end of the file: one file holds one graph")),
        }
    }

    /// Reads statements up to a `}` or the end; returns the variables they name.
    pub fn all_statements(&mut self) -> Result<(), Diagnostic> {
        self.statements(Defaults::default(), true)?;
        match self.cursor.peek() {
            None => Ok(()),
            Some(_) => Err(self.cursor.unexpected("a statement")),
        }
    }

    fn statements(&mut self, mut defaults: Defaults, outermost: bool) -> Result<Vec<usize>, Diagnostic> {
        let mut members = Members::default();
        loop {
            self.cursor.skip()?;
            match self.cursor.peek() {
                None | Some('}') => return Ok(members.list),
                Some(';' | ',') => drop(self.cursor.bump()),
                Some(_) => self.statement(&mut defaults, outermost, &mut members)?,
            }
        }
    }

    fn statement(&mut self, defaults: &mut Defaults, outermost: bool, all: &mut Members) -> Result<(), Diagnostic> {
        let start = self.cursor.at;
        let mut group = match self.subgraph(*defaults)? {
            Some(group) => group,
            None => {
                let id = self.id("a statement")?;
                self.cursor.skip()?;
                if self.cursor.peek() == Some('=') {
                    return self.assignment(&id, outermost);
                }
                let keyword = id.text.to_lowercase();
                let about_all = !id.quoted && matches!(keyword.as_str(), "graph" | "node" | "edge");
                if about_all && self.cursor.peek() == Some('[') {
                    return self.defaults(&keyword, defaults, outermost);
                }
                let node = self.node(&id, *defaults)?;
                self.cursor.skip()?;
                if self.cursor.peek() == Some('[') {
                    let attributes = self.attributes()?;
                    attributes.into_iter().for_each(|(key, value, span)| self.describe(node, &key, value, span));
                }
                vec![node]
            }
        };
        all.add(&group);
        let mut links = vec![];
        while let Some((arrow, place)) = self.arrow()? {
            let next = match self.subgraph(*defaults)? {
                Some(next) => next,
                None => {
                    let id = self.id("a name or `{`")?;
                    vec![self.node(&id, *defaults)?]
                }
            };
            all.add(&next);
            self.pairs += group.len().saturating_mul(next.len());
            if self.pairs > 5 * MAX_EDGES {
                let title = format!("more than {MAX_EDGES} edges");
                return Err(Diagnostic::new("E0101", title).label(place, "here"));
            }
            links.push((group, arrow, place, next.clone()));
            group = next;
        }
        let mut style = defaults.edge;
        if !links.is_empty() {
            for (key, value, span) in self.attributes()? {
                self.style(&mut style, &key, value.as_deref(), span);
            }
        }
        let whole = self.cursor.since(start);
        links.into_iter().try_for_each(|(from, arrow, place, to)| self.link(&from, arrow, place, &to, style, whole))
    }

    /// `{ … }` or `subgraph name { … }`, and arrows after it join all variables in it.
    fn subgraph(&mut self, defaults: Defaults) -> Result<Option<Vec<usize>>, Diagnostic> {
        self.cursor.skip()?;
        let rest = self.cursor.rest();
        let keyword = rest.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("subgraph"))
            && !rest[8..].starts_with(|c: char| is_word(c) || c == '=');
        if keyword {
            let start = self.cursor.at;
            self.cursor.at += 8;
            self.cursor.skip()?;
            if self.cursor.peek() != Some('{') {
                self.id("a name or `{`")?;
                self.graph.ignore("subgraph", self.cursor.since(start));
            }
        } else if self.cursor.peek() != Some('{') {
            return Ok(None);
        }
        self.cursor.open('{')?;
        let members = self.statements(defaults, false)?;
        self.cursor.must_close('}', "a statement or ")?;
        Ok(Some(members))
    }

    fn id(&mut self, expected: &str) -> Result<Id, Diagnostic> {
        self.cursor.skip()?;
        let start = self.cursor.at;
        let (text, quoted) = match self.cursor.peek() {
            Some('"') => (self.strings()?, true),
            Some('<') => (self.html()?, true),
            Some('-') if self.cursor.rest()[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
                self.cursor.bump();
                (format!("-{}", self.cursor.take(is_word)), false)
            }
            Some(c) if is_word(c) => (self.cursor.take(is_word).to_owned(), false),
            _ => return Err(self.cursor.unexpected(expected)),
        };
        Ok(Id { text, span: self.cursor.since(start), quoted })
    }

    /// `"a" + "b"`
    fn strings(&mut self) -> Result<String, Diagnostic> {
        // Graphviz shows two backslashes as one.
        let escaped = if self.dialect == Dialect::Dot { "\"\\" } else { "\"" };
        let mut text = self.cursor.string(escaped)?;
        loop {
            let end = self.cursor.at;
            self.cursor.skip()?;
            let joined = self.cursor.eat("+");
            self.cursor.skip()?;
            if !joined || self.cursor.peek() != Some('"') {
                self.cursor.at = end;
                return Ok(text);
            }
            text += &self.cursor.string(escaped)?;
        }
    }

    /// `<b>text</b>` between angle brackets, as it stands.
    fn html(&mut self) -> Result<String, Diagnostic> {
        let start = self.cursor.at;
        let mut depth = 0_usize;
        while let Some(c) = self.cursor.bump() {
            match c {
                '<' => depth += 1,
                '>' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let whole = self.cursor.since(start);
                self.cursor.at = start;
                let text = &self.cursor.rest()[1..whole.end - whole.start - 1];
                self.cursor.at = whole.end;
                return Ok(text.to_owned());
            }
        }
        let title = "this `<` is never closed";
        Err(Diagnostic::new("E0104", title).label(Span::new(start, start + 1), "opened here"))
    }

    /// The variable of a name; a port after it says where an arrow is drawn, nothing else.
    fn node(&mut self, id: &Id, defaults: Defaults) -> Result<usize, Diagnostic> {
        let count = self.graph.nodes.len();
        let node = self.graph.node(&id.text, id.span);
        if self.graph.nodes.len() > count {
            self.graph.nodes[node].latent = defaults.latent;
        }
        for _ in 0..2 {
            self.cursor.skip()?;
            if self.dialect == Dialect::Dot && self.cursor.eat(":") {
                self.id("a port")?;
            }
        }
        Ok(node)
    }

    fn arrow(&mut self) -> Result<Option<(&'static str, Span)>, Diagnostic> {
        self.cursor.skip()?;
        let start = self.cursor.at;
        let found = ARROWS.into_iter().find(|arrow| self.cursor.eat(arrow));
        let place = self.cursor.since(start);
        if found.is_some() && self.cursor.peek() == Some('>') {
            let title = format!("`{}>` is not an arrow", found.unwrap_or_default());
            return Err(Diagnostic::new("E0102", title).label(place, "write `->` or `<->`"));
        }
        Ok(found.map(|arrow| (arrow, place)))
    }

    /// `[ key = value, … ] [ … ]`
    fn attributes(&mut self) -> Result<Attributes, Diagnostic> {
        let mut all = vec![];
        self.cursor.skip()?;
        while self.cursor.peek() == Some('[') {
            self.cursor.open('[')?;
            while !self.cursor.close(']')? {
                let key = self.id("an attribute or `]`")?;
                self.cursor.skip()?;
                let value = if self.cursor.eat("=") { Some(self.id("a value")?.text) } else { None };
                all.push((key.text.to_lowercase(), value, key.span));
                self.cursor.skip()?;
                self.cursor.take(|c| matches!(c, ',' | ';'));
            }
            self.cursor.skip()?;
        }
        Ok(all)
    }

    /// `key = value` between statements.
    fn assignment(&mut self, key: &Id, outermost: bool) -> Result<(), Diagnostic> {
        self.cursor.eat("=");
        let value = self.id("a value")?;
        match key.text.to_lowercase().as_str() {
            "label" if outermost => self.title(&value.text),
            other => self.graph.ignore(other, key.span),
        }
        Ok(())
    }

    /// `graph [ … ]`, `node [ … ]` and `edge [ … ]`.
    fn defaults(&mut self, keyword: &str, defaults: &mut Defaults, outermost: bool) -> Result<(), Diagnostic> {
        for (key, value, span) in self.attributes()? {
            match keyword {
                "edge" => self.style(&mut defaults.edge, &key, value.as_deref(), span),
                "node" => match hides(&key, value.as_deref()) {
                    Some(latent) => defaults.latent = latent,
                    None => self.graph.ignore(&key, span),
                },
                _ if outermost && key == "label" => self.title(&value.unwrap_or_default()),
                _ => self.graph.ignore(&key, span),
            }
        }
        Ok(())
    }

    fn title(&mut self, text: &str) {
        let plain = text.replace("\\n", " ").replace("\\l", " ").replace("\\r", " ");
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        if !NO_TITLES.contains(&plain.to_lowercase().as_str()) {
            self.graph.title = Some(plain);
        }
    }

    /// An attribute of a variable.
    fn describe(&mut self, node: usize, key: &str, value: Option<String>, span: Span) {
        let short = self.dialect == Dialect::Dagitty;
        let name = self.graph.name(node).to_owned();
        match key {
            "l" | "u" if short => self.graph.nodes[node].latent = true,
            "exposure" | "source" => self.graph.exposures.push(node),
            "e" if short => self.graph.exposures.push(node),
            "outcome" | "target" => self.graph.outcomes.push(node),
            "o" if short => self.graph.outcomes.push(node),
            "adjusted" | "a" if short => {
                let message =
                    format!("left out: that `{name}` is adjusted for; `dcmc` finds what to adjust for itself");
                self.graph.note(span, message, "here");
            }
            "selected" | "s" if short => {
                let message =
                    format!("left out: that rows are selected by `{name}`; the data are taken as a random sample");
                self.graph.note(span, message, "here");
            }
            "label" => {
                let label = value.unwrap_or_default();
                // How DoWhy's users mark them.
                if label.to_lowercase().starts_with("unobserved") {
                    self.graph.nodes[node].latent = true;
                    self.graph.note(span, format!("`{name}` is labelled `{label}`: it is taken for hidden"), "here");
                } else {
                    self.graph.ignore(key, span);
                }
                self.labels.push((node, label));
            }
            _ => match hides(key, value.as_deref()) {
                Some(latent) => self.graph.nodes[node].latent = latent,
                None => self.graph.ignore(key, span),
            },
        }
    }

    /// An attribute of an edge.
    fn style(&mut self, style: &mut Style, key: &str, value: Option<&str>, span: Span) {
        let value = value.unwrap_or("").to_lowercase();
        match (key, value.as_str()) {
            ("dir", "forward") => style.dir = Some((false, true)),
            ("dir", "back") => style.dir = Some((true, false)),
            ("dir", "both") => style.dir = Some((true, true)),
            ("dir", "none") => style.dir = Some((false, false)),
            ("arrowhead", kind) => style.no_head = kind == "none",
            ("arrowtail", kind) => style.no_tail = kind == "none",
            ("style", kinds) => style.dashed = kinds.contains("dashed") || kinds.contains("dotted"),
            ("constraint", _) => {}
            _ => self.graph.ignore(key, span),
        }
    }

    fn link(
        &mut self,
        from: &[usize],
        arrow: &str,
        place: Span,
        to: &[usize],
        style: Style,
        whole: Span,
    ) -> Result<(), Diagnostic> {
        let (Some(&first), Some(&second)) = (from.first(), to.first()) else { return Ok(()) };
        let Some(meaning) = meaning(arrow, style) else {
            let (first, second) = (self.graph.name(first), self.graph.name(second));
            let kind = if arrow == "--" { "undirected edge" } else { "edge" };
            let title = format!("the {kind} `{first} {arrow} {second}` does not say which of the two is the cause");
            let found = Diagnostic::new("E0102", title).label(place, "no direction");
            return Err(match (arrow, self.dialect) {
                ("--", Dialect::Dot) => {
                    found.help("write a `digraph` with `->`; `[dir=both]` is a hidden common cause")
                }
                ("->", _) => found.help("take away `dir=none`; with `style=dashed` it would be a hidden common cause"),
                _ => found
                    .note("this graph stands for several DAGs, and a causal model is one of them")
                    .help("write `->`, or `<->` for a hidden common cause"),
            });
        };
        for &a in from {
            for &b in to {
                let (a, b) = if meaning == Meaning::Left { (b, a) } else { (a, b) };
                self.graph.edge(a, b, meaning == Meaning::Hidden, whole)?;
            }
        }
        Ok(())
    }

    /// Where all names are numbers and all variables have labels, the labels are the names.
    fn rename_by_labels(&mut self) {
        let nodes = &self.graph.nodes;
        let mut names = vec![None; nodes.len()];
        self.labels.iter().for_each(|(node, label)| names[*node] = Some(label.clone()));
        let numbers = nodes.keys().all(|name| name.parse::<f64>().is_ok());
        let Some(names) = names.into_iter().collect::<Option<Vec<String>>>().filter(|n| numbers && !n.is_empty())
        else {
            return;
        };
        let distinct: HashSet<&String> = names.iter().collect();
        if distinct.len() == names.len() {
            let old = std::mem::take(&mut self.graph.nodes);
            self.graph.nodes = names.into_iter().zip(old.into_values()).collect();
            self.graph.use_after_all("label");
        }
    }
}

/// Variables in the order of their first mention.
#[derive(Default)]
struct Members {
    list: Vec<usize>,
    seen: HashSet<usize>,
}

impl Members {
    fn add(&mut self, nodes: &[usize]) {
        self.list.extend(nodes.iter().filter(|n| self.seen.insert(**n)));
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.' || (!c.is_ascii() && !c.is_whitespace() && c != '\u{feff}')
}

/// Whether an attribute says that a variable is hidden (or is not); `None` if it is about something else.
pub(super) fn hides(key: &str, value: Option<&str>) -> Option<bool> {
    let no = value.is_some_and(|v| matches!(v.to_lowercase().as_str(), "no" | "false" | "0" | "0.0"));
    match key {
        "latent" | "hidden" | "unobserved" => Some(!no),
        "observed" => Some(no),
        _ => None,
    }
}

/// What an arrow with these attributes means; `None` if it has no direction.
fn meaning(arrow: &str, style: Style) -> Option<Meaning> {
    let (tail, head) = match (arrow, style.dir) {
        ("<->", _) => return Some(Meaning::Hidden),
        ("<-", None) => (true, false),
        ("<-", Some((tail, head))) => (head, tail),
        ("->" | "--", Some(ends)) => ends,
        ("->", None) => (false, true),
        _ => return None,
    };
    match (tail && !style.no_tail, head && !style.no_head) {
        (false, true) => Some(Meaning::Right),
        (true, false) => Some(Meaning::Left),
        (true, true) => Some(Meaning::Hidden),
        (false, false) => style.dashed.then_some(Meaning::Hidden),
    }
}
