//! BIF, the Interchange Format of Bayesian networks (version 0.15), as the bnlearn repository holds it.

use super::cursor::Cursor;
use super::graph::{Graph, Row, Table};
use crate::diag::{Diagnostic, Span};
use std::collections::{HashMap, HashSet};

/// Rows whose sum differs from 1 by more than this are wrong; by less, they were rounded.
const ROUNDING: f64 = 0.02;

/// A model file takes rows that add up to 1 within this.
const EXACT: f64 = 1e-6;

/// The network of a BIF file.
pub(super) fn read(text: &str) -> Result<Graph, Diagnostic> {
    let mut reader = Reader { cursor: Cursor::new(text, &["//"]), graph: Graph::default(), tables: HashMap::new() };
    loop {
        reader.cursor.skip()?;
        if reader.cursor.peek().is_none() {
            break;
        }
        let start = reader.cursor.at;
        match reader.cursor.take(char::is_alphanumeric) {
            "network" => reader.network()?,
            "variable" => reader.variable()?,
            "probability" => reader.probability()?,
            _ => {
                reader.cursor.at = start;
                return Err(reader.cursor.unexpected("`network`, `variable` or `probability`"));
            }
        }
    }
    reader.finish()
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    graph: Graph,
    /// The tables by their variables.
    tables: HashMap<usize, Table>,
}

/// A word and its place.
struct Word {
    text: String,
    span: Span,
}

/// The values of a `probability` block.
#[derive(Default)]
struct Values {
    /// `table …;`
    table: Option<(Vec<Word>, Span)>,
    /// `default …;`
    default: Option<(Vec<Word>, Span)>,
    /// `(a, b) …;`
    rows: Vec<(Vec<usize>, Vec<Word>, Span)>,
}

impl Reader<'_> {
    /// `network name { property … }`
    fn network(&mut self) -> Result<(), Diagnostic> {
        let name = self.word("a name")?;
        if !matches!(name.text.to_lowercase().as_str(), "unknown" | "network" | "") {
            self.graph.title = Some(name.text);
        }
        self.cursor.open('{')?;
        while !self.cursor.close('}')? {
            self.property()?;
        }
        Ok(())
    }

    /// `variable X { type discrete [ 2 ] { yes, no }; }`
    fn variable(&mut self) -> Result<(), Diagnostic> {
        let name = self.word("a name")?;
        if let Some(first) = self.graph.nodes.get(&name.text) {
            let found = Diagnostic::new("E0202", format!("two variables are called `{}`", name.text));
            return Err(found.label(name.span, "the second").label(first.span, "the first"));
        }
        let node = self.graph.node(&name.text, name.span);
        self.cursor.open('{')?;
        while !self.cursor.close('}')? {
            if self.keyword("type")? {
                self.graph.nodes[node].labels = self.discrete()?;
            } else {
                self.property()?;
            }
        }
        match self.graph.nodes[node].labels.is_empty() {
            true => Err(Diagnostic::new("E0103", format!("`{}` has no type", name.text))
                .label(name.span, "here")
                .help("write `type discrete [ 2 ] { yes, no };`")),
            false => Ok(()),
        }
    }

    /// `discrete [ 2 ] { yes, no };`
    fn discrete(&mut self) -> Result<Vec<String>, Diagnostic> {
        let kind = self.word("`discrete`")?;
        if kind.text != "discrete" {
            let found = Diagnostic::new("E0401", format!("`{}` variables cannot be read", kind.text));
            return Err(found.label(kind.span, "not discrete").help("only `discrete` ones have values to list"));
        }
        self.cursor.open('[')?;
        let count = self.word("a number")?;
        self.cursor.must_close(']', "")?;
        self.cursor.open('{')?;
        let mut labels: Vec<String> = vec![];
        let mut seen = HashSet::new();
        while !self.cursor.close('}')? {
            let label = self.word("a value or `}`")?;
            if matches!(label.text.as_str(), "_" | "else") {
                let title = format!("a model file has no value called `{}`", label.text);
                let found = Diagnostic::new("E0405", title).label(label.span, "here");
                return Err(found.note("in its tables the word stands for all values").help("rename the value"));
            }
            if label.text.contains('\r') {
                let title = "a value cannot hold a line break";
                return Err(Diagnostic::new("E0101", title).label(label.span, "here"));
            }
            if !seen.insert(label.text.clone()) {
                let title = format!("the value `{}` stands twice", label.text);
                return Err(Diagnostic::new("E0405", title).label(label.span, "again here"));
            }
            labels.push(label.text);
            self.separator()?;
        }
        if count.text.parse() != Ok(labels.len()) {
            let title = format!("{} values are announced and {} are there", count.text, labels.len());
            return Err(Diagnostic::new("E0402", title).label(count.span, "announced here"));
        }
        self.end_of_entry()?;
        Ok(labels)
    }

    /// `probability ( X | A, B ) { … }`
    fn probability(&mut self) -> Result<(), Diagnostic> {
        self.cursor.open('(')?;
        let (node, place) = self.known()?;
        let mut parents: Vec<usize> = vec![];
        self.cursor.skip()?;
        // The oldest files have no bar: the first variable is the one, the others are its parents.
        let _ = self.cursor.eat("|") || self.cursor.eat(",");
        while !self.cursor.close(')')? {
            let (parent, span) = self.known()?;
            if parents.contains(&parent) || parent == node {
                let title = format!("`{}` stands twice here", self.graph.name(parent));
                return Err(Diagnostic::new("E0202", title).label(span, "again here"));
            }
            parents.push(parent);
            self.separator()?;
        }
        if self.tables.contains_key(&node) {
            let title = format!("`{}` has two tables", self.graph.name(node));
            return Err(Diagnostic::new("E0202", title).label(place, "the second"));
        }
        let mut values = Values::default();
        self.cursor.open('{')?;
        while !self.cursor.close('}')? {
            self.values(&parents, &mut values)?;
        }
        let rows = self.rows(node, &parents, values, place)?;
        parents.iter().try_for_each(|&parent| self.graph.edge(parent, node, false, place))?;
        self.tables.insert(node, Table { of: node, parents, rows });
        Ok(())
    }

    /// A variable that was declared.
    fn known(&mut self) -> Result<(usize, Span), Diagnostic> {
        let name = self.word("a variable")?;
        match self.graph.nodes.get_index_of(&name.text) {
            Some(node) => Ok((node, name.span)),
            None => {
                let found = Diagnostic::new("E0201", format!("there is no variable `{}`", name.text));
                Err(found.label(name.span, "unknown").help("declare it above with `variable`"))
            }
        }
    }

    /// One entry of a `probability` block.
    fn values(&mut self, parents: &[usize], values: &mut Values) -> Result<(), Diagnostic> {
        self.cursor.skip()?;
        let start = self.cursor.at;
        if self.cursor.peek() == Some('(') {
            let key = self.key(parents)?;
            let numbers = self.numbers()?;
            values.rows.push((key, numbers, self.cursor.since(start)));
            return Ok(());
        }
        let (table, default) = (self.keyword("table")?, self.keyword("default")?);
        if !table && !default {
            return self.property();
        }
        let numbers = self.numbers()?;
        let place = self.cursor.since(start);
        let slot = if table { &mut values.table } else { &mut values.default };
        match slot.replace((numbers, place)) {
            Some(_) => Err(Diagnostic::new("E0202", "this stands twice").label(place, "again here")),
            None => Ok(()),
        }
    }

    /// `(a, b)`: the parents' values.
    fn key(&mut self, parents: &[usize]) -> Result<Vec<usize>, Diagnostic> {
        self.cursor.open('(')?;
        let (start, mut key) = (self.cursor.at, vec![]);
        while !self.cursor.close(')')? {
            let value = self.word("a value")?;
            if let Some(&parent) = parents.get(key.len()) {
                let labels = &self.graph.nodes[parent].labels;
                let Some(code) = labels.iter().position(|l| *l == value.text) else {
                    let title = format!("`{}` is not a value of `{}`", value.text, self.graph.name(parent));
                    let found = Diagnostic::new("E0404", title).label(value.span, "here");
                    return Err(found.help(format!("it can be {}", labels.join(", "))));
                };
                key.push(code);
            } else {
                return Err(Diagnostic::new("E0402", "more values than parents").label(value.span, "here"));
            }
            self.separator()?;
        }
        match key.len() == parents.len() {
            true => Ok(key),
            false => {
                let title = format!("{} values for {} parents", key.len(), parents.len());
                Err(Diagnostic::new("E0402", title).label(self.cursor.since(start), "here"))
            }
        }
    }

    /// Probabilities up to a `;`.
    fn numbers(&mut self) -> Result<Vec<Word>, Diagnostic> {
        let mut numbers = vec![];
        loop {
            self.cursor.skip()?;
            if self.cursor.eat(";") {
                return Ok(numbers);
            }
            let number = self.word("a probability or `;`")?;
            if !number.text.parse::<f64>().is_ok_and(|p| (0.0..=1.0).contains(&p)) {
                let title = format!("`{}` is not a probability", number.text);
                return Err(Diagnostic::new("E0404", title).label(number.span, "takes numbers from 0 to 1"));
            }
            numbers.push(number);
            self.separator()?;
        }
    }

    /// The rows of the table of `node`, complete and checked.
    fn rows(&mut self, node: usize, parents: &[usize], values: Values, place: Span) -> Result<Vec<Row>, Diagnostic> {
        let card = self.graph.nodes[node].labels.len();
        let cards: Vec<usize> = parents.iter().map(|&p| self.graph.nodes[p].labels.len()).collect();
        let mut rows = vec![];
        let mut keys = HashSet::new();
        if let Some((numbers, place)) = values.table {
            rows = self.table_rows(numbers, card, &cards, place)?;
            keys.extend(rows.iter().filter_map(|r| r.key.clone()));
        }
        for (key, numbers, place) in values.rows {
            if !keys.insert(key.clone()) {
                return Err(Diagnostic::new("E0202", "there are two rows for these values").label(place, "the second"));
            }
            rows.push(Row { key: Some(key), probabilities: self.row(&numbers, card, place)? });
        }
        let cells = cards.iter().try_fold(1_usize, |cells, &card| cells.checked_mul(card));
        match values.default {
            Some((numbers, place)) if parents.is_empty() && rows.is_empty() => {
                rows.push(Row { key: Some(vec![]), probabilities: self.row(&numbers, card, place)? });
            }
            Some((numbers, place)) if cells != Some(keys.len()) => {
                rows.push(Row { key: None, probabilities: self.row(&numbers, card, place)? });
            }
            None if cells != Some(keys.len()) => {
                let missing = first_missing(&keys, &cards);
                let labels = missing.iter().zip(parents).map(|(&v, &p)| self.graph.nodes[p].labels[v].clone());
                let labels = labels.collect::<Vec<_>>().join(", ");
                let title = format!("the table of `{}` has no row for ({labels})", self.graph.name(node));
                return Err(Diagnostic::new("E0402", title).label(place, "this table"));
            }
            _ => {}
        }
        Ok(rows)
    }

    /// The rows of `table …;`. In BIF the variable itself varies slowest and the last parent fastest; where
    /// only the other order (the variable fastest, as in XMLBIF) makes rows that add up to 1, that one is meant.
    fn table_rows(
        &mut self,
        numbers: Vec<Word>,
        card: usize,
        cards: &[usize],
        place: Span,
    ) -> Result<Vec<Row>, Diagnostic> {
        let cells = numbers.len() / card;
        if numbers.len() != cells * card || cards.iter().try_fold(1_usize, |n, &c| n.checked_mul(c)) != Some(cells) {
            let of = cards.iter().fold(card.to_string(), |text, c| format!("{text} × {c}"));
            let title = format!("this table has {} numbers and needs {of}", numbers.len());
            return Err(Diagnostic::new("E0402", title).label(place, "here"));
        }
        let slowest = |cell: usize, value: usize| value * cells + cell;
        let fastest = |cell: usize, value: usize| cell * card + value;
        let adds_up = |at: &dyn Fn(usize, usize) -> usize| {
            (0..cells).all(|cell| {
                let total: f64 = (0..card).filter_map(|v| numbers[at(cell, v)].text.parse::<f64>().ok()).sum();
                (total - 1.0).abs() <= ROUNDING
            })
        };
        let turned = !adds_up(&slowest) && adds_up(&fastest);
        if turned {
            let message = "this table is read with the variable itself varying fastest, as in XMLBIF";
            self.graph.note(place, message, "in the order of BIF its rows do not add up to 1");
        }
        let at: &dyn Fn(usize, usize) -> usize = if turned { &fastest } else { &slowest };
        (0..cells)
            .map(|cell| {
                let words: Vec<Word> = (0..card).map(|v| numbers[at(cell, v)].copy()).collect();
                Ok(Row { key: Some(digits(cell, cards)), probabilities: self.row(&words, card, place)? })
            })
            .collect()
    }

    /// The probabilities of a row as a model file holds them: as written, or divided by their sum if rounded.
    fn row(&mut self, numbers: &[Word], card: usize, place: Span) -> Result<Vec<String>, Diagnostic> {
        if numbers.len() != card {
            let title = format!("this row has {} probabilities for {card} values", numbers.len());
            return Err(Diagnostic::new("E0402", title).label(place, "here"));
        }
        let parsed: Vec<f64> = numbers.iter().filter_map(|n| n.text.parse().ok()).collect();
        let total: f64 = parsed.iter().sum();
        match (total - 1.0).abs() {
            off if off <= EXACT => Ok(numbers.iter().zip(parsed).map(|(n, p)| number(&n.text, p)).collect()),
            off if off <= ROUNDING => {
                let message = "these probabilities were rounded: they are divided by their sum";
                self.graph.note(place, message, &format!("they add up to {total}"));
                Ok(parsed.iter().map(|p| (p / total).to_string()).collect())
            }
            _ => Err(Diagnostic::new("E0404", "these probabilities do not add up to 1")
                .label(place, format!("their sum is {total}"))),
        }
    }

    /// `property …;`, which means nothing here.
    fn property(&mut self) -> Result<(), Diagnostic> {
        self.cursor.skip()?;
        let start = self.cursor.at;
        if !self.keyword("property")? {
            return Err(self.cursor.unexpected("an entry or `}`"));
        }
        let mut quoted = false;
        while let Some(c) = self.cursor.bump() {
            quoted ^= c == '"';
            if c == ';' && !quoted {
                self.graph.ignore("property", self.cursor.since(start));
                return Ok(());
            }
        }
        Err(self.cursor.unexpected("`;`"))
    }

    /// Takes a word and what comes after it, if it is this one.
    fn keyword(&mut self, word: &str) -> Result<bool, Diagnostic> {
        self.cursor.skip()?;
        let rest = self.cursor.rest();
        let found =
            rest.starts_with(word) && !rest[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        self.cursor.at += if found { word.len() } else { 0 };
        Ok(found)
    }

    /// A name, value or number: `"…"`, or anything without spaces and the punctuation of the format.
    fn word(&mut self, expected: &str) -> Result<Word, Diagnostic> {
        self.cursor.skip()?;
        let start = self.cursor.at;
        let text = match self.cursor.peek() {
            Some('"') => self.cursor.string("")?,
            _ => self.cursor.take(|c| !c.is_whitespace() && !"{}()[],;|\"".contains(c)).to_owned(),
        };
        match self.cursor.at == start {
            true => Err(self.cursor.unexpected(expected)),
            false => Ok(Word { text, span: self.cursor.since(start) }),
        }
    }

    /// Commas between words may be there or not.
    fn separator(&mut self) -> Result<(), Diagnostic> {
        self.cursor.skip()?;
        self.cursor.eat(",");
        Ok(())
    }

    fn end_of_entry(&mut self) -> Result<(), Diagnostic> {
        self.cursor.skip()?;
        if self.cursor.eat(";") { Ok(()) } else { Err(self.cursor.unexpected("`;`")) }
    }

    fn finish(mut self) -> Result<Graph, Diagnostic> {
        let missing = (0..self.graph.nodes.len()).find(|node| !self.tables.contains_key(node));
        if let Some(node) = missing.filter(|_| !self.tables.is_empty()) {
            let title = format!("the file has no probabilities for `{}`", self.graph.name(node));
            let found = Diagnostic::new("E0305", title).label(self.graph.nodes[node].span, "this variable");
            return Err(found.help(format!("add `probability ( {} … ) {{ … }}`", self.graph.name(node))));
        }
        if self.graph.nodes.is_empty() {
            return Err(self.cursor.unexpected("a variable"));
        }
        let mut tables: Vec<Table> = self.tables.into_values().collect();
        tables.sort_by_key(|t| t.of);
        self.graph.tables = tables;
        Ok(self.graph)
    }
}

impl Word {
    fn copy(&self) -> Self {
        Self { text: self.text.clone(), span: self.span }
    }
}

/// The number as written, where a model file can hold it so.
fn number(text: &str, value: f64) -> String {
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let same = (digits(whole) || whole.is_empty() && fraction.is_some())
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
    if same { text.to_owned() } else { value.to_string() }
}

/// The values of the parents in the table's `cell`; the last varies fastest.
fn digits(mut cell: usize, cards: &[usize]) -> Vec<usize> {
    let mut key = vec![0; cards.len()];
    for (digit, &card) in key.iter_mut().zip(cards).rev() {
        *digit = cell % card;
        cell /= card;
    }
    key
}

/// The first combination of values without a row; at most as many are tried as there are rows, and one.
fn first_missing(keys: &HashSet<Vec<usize>>, cards: &[usize]) -> Vec<usize> {
    (0..=keys.len()).map(|cell| digits(cell, cards)).find(|key| !keys.contains(key)).unwrap_or_default()
}
