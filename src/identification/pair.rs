//! Why "no" is no: two explicit models that agree on all data and differ in the answer, as programs to be run.

use super::evaluate::assignments;
use super::explain::effect_of_text;
use super::tables::{Sheet, number};
use super::{Finding, Source, Term, Verdict};
use crate::causal::identify::{DiscreteModel, Effect, Regime, Witness, counterexample};
use crate::model::{Model, VarId, spell};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of the table of answers that are printed.
const SHOWN: usize = 24;

/// Two models of the graph that agree on the data and differ in the answer. Values are numbered from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The distribution they differ in, e.g. `P(Y | do(X))`.
    pub query: String,
    /// What the query itself asks for, where they differ only in what it comes down to.
    pub reduced_from: Option<String>,
    /// The models as programs.
    pub programs: [String; 2],
    /// Per data set its name and the largest difference of a probability.
    pub agreement: Vec<(String, f64)>,
    /// The answers of both; `None` where the evidence has no probability.
    pub values: Vec<PairRow>,
    /// The largest difference between the answers.
    pub difference: f64,
}

/// One probability in two models.
#[derive(Clone, Debug, PartialEq)]
pub struct PairRow {
    /// The values that are set.
    pub interventions: Vec<(VarId, u32)>,
    /// The values of the evidence.
    pub given: Vec<(VarId, u32)>,
    /// The values of the outcome.
    pub outcome: Vec<(VarId, u32)>,
    /// The probability in each.
    pub p: [Option<f64>; 2],
}

const ONLY: &str = "only for what is not identifiable";

/// Two models for the first term of the finding that is not identifiable.
///
/// # Errors
/// Why there are none, in words.
pub fn pair(model: &Model, finding: &Finding) -> Result<Pair, String> {
    let no = finding.terms.iter().find_map(|term| match &term.verdict {
        Verdict::NotIdentified(witness) => Some((term, witness)),
        _ => None,
    });
    let Some((term, witness)) = no else {
        let worlds = finding.terms.iter().any(|term| matches!(term.verdict, Verdict::Worlds(_)));
        let why = if worlds { "this version makes no pairs for questions about several worlds" } else { ONLY };
        return Err(why.to_owned());
    };
    let Some(models) = counterexample(&model.graph, &term.regimes, term.effect(), witness) else {
        return Err(
            "no explicit pair was found: the graph is too large for this version, or none was among those tried; \
                    that the query is not identifiable is certain all the same"
                .to_owned(),
        );
    };
    let effect = effect_of_pair(term, witness);
    let values = answers(&models, effect);
    let gap = |row: &PairRow| row.p[0].zip(row.p[1]).map_or(0.0, |(a, b)| (a - b).abs());
    let agreement = term.data.iter().zip(&term.regimes);
    let agreement = agreement.map(|(name, regime)| (name.clone(), disagreement(&models, regime, witness))).collect();
    Ok(Pair {
        query: effect_of_text(model, effect),
        reduced_from: (effect != term.effect()).then(|| effect_of_text(model, term.effect())),
        programs: [0, 1]
            .map(|at| Program { model, pair: &models[at], term, effect, hidden: &witness.hidden }.text(at + 1)),
        agreement,
        difference: values.iter().map(gap).fold(0.0, f64::max),
        values,
    })
}

/// The effect that the pair differs in: the query's own, or what it comes down to where that sets what nobody sees.
fn effect_of_pair<'a>(term: &'a Term, witness: &'a Witness) -> &'a Effect {
    let sets_hidden = term.effect().interventions.iter().any(|v| witness.hidden.contains(v));
    if sets_hidden { &witness.effect } else { term.effect() }
}

// ---- numbers ----

type Codes = Vec<(VarId, u32)>;

fn settings(cards: &[usize], nodes: &[VarId]) -> Vec<Codes> {
    let own: Vec<usize> = nodes.iter().map(|&v| cards[v]).collect();
    assignments(nodes, &own)
}

/// The distribution of `shown` under `setting`.
fn distribution(model: &DiscreteModel, setting: &Codes, shown: &[VarId]) -> BTreeMap<Vec<u32>, f64> {
    let set: Vec<(usize, usize)> = setting.iter().map(|&(v, x)| (v, x as usize)).collect();
    let mut sums = BTreeMap::new();
    for (cell, p) in model.distribution(&set) {
        *sums.entry(shown.iter().map(|&v| cell[v] as u32).collect()).or_insert(0.0) += p;
    }
    sums
}

fn disagreement(models: &[DiscreteModel; 2], regime: &Regime, witness: &Witness) -> f64 {
    let seen: Vec<VarId> = regime.observed.iter().copied().filter(|v| !witness.hidden.contains(v)).collect();
    let mut largest = 0.0_f64;
    for setting in settings(&models[0].cards, &regime.interventions) {
        let [first, mut second] = [0, 1].map(|at| distribution(&models[at], &setting, &seen));
        for (cell, p) in first {
            largest = largest.max((p - second.remove(&cell).unwrap_or(0.0)).abs());
        }
        largest = second.into_values().fold(largest, f64::max);
    }
    largest
}

fn answers(models: &[DiscreteModel; 2], effect: &Effect) -> Vec<PairRow> {
    let cards = &models[0].cards;
    let shown = [&effect.evidence[..], &effect.outcome].concat();
    let mut rows = vec![];
    for interventions in settings(cards, &effect.interventions) {
        let tables = [0, 1].map(|at| distribution(&models[at], &interventions, &shown));
        for given in settings(cards, &effect.evidence) {
            let codes = |values: &Codes| values.iter().map(|(_, x)| *x).collect::<Vec<u32>>();
            let condition = codes(&given);
            let below = [0, 1].map(|at| {
                tables[at].iter().filter(|(cell, _)| cell.starts_with(&condition)).map(|(_, p)| p).sum::<f64>()
            });
            for outcome in settings(cards, &effect.outcome) {
                let cell = [&condition[..], &codes(&outcome)].concat();
                let p = [0, 1].map(|at: usize| {
                    (below[at] > 1e-12).then(|| tables[at].get(&cell).copied().unwrap_or(0.0) / below[at])
                });
                rows.push(PairRow { interventions: interventions.clone(), given: given.clone(), outcome, p });
            }
        }
    }
    rows
}

// ---- programs ----

/// One of the two as a model file.
struct Program<'a> {
    model: &'a Model,
    pair: &'a DiscreteModel,
    term: &'a Term,
    effect: &'a Effect,
    hidden: &'a [VarId],
}

impl Program<'_> {
    fn text(&self, number: usize) -> String {
        let query = effect_of_text(self.model, self.effect).replace(['"', '\\'], "'");
        let mut text = format!(
            "dcm 1 \"Model {number} of 2: both show the same data, and differ in {query}\"\n\
             # `dcmc identify FILE --evaluate` shows its own answer; `dcmc run` refuses it, as no data can tell the two apart.\n\n"
        );
        text += &self.graph();
        text += "\ntruth {\n";
        for (at, (ends, levels)) in self.pair.hidden.iter().enumerate() {
            if ends.iter().any(|&v| self.inputs(v).contains(&Input::Cause(at))) {
                text += &format!("  {} ~ {}\n", self.cause(at), drawn(levels));
            }
        }
        for &v in &self.order() {
            text += &format!("  {}\n", self.equation(v));
        }
        text += "}\n\n";
        text += &self.data();
        text + &format!("\nquery effect: {}\n", self.query())
    }

    fn order(&self) -> Vec<VarId> {
        let order = self.pair.graph.topological_order().unwrap_or_default();
        order.into_iter().filter(|v| !self.hidden.contains(v)).collect()
    }

    fn name(&self, v: VarId) -> String {
        spell(self.model.name(v))
    }

    fn list(&self, nodes: &[VarId]) -> String {
        nodes.iter().map(|&v| self.name(v)).collect::<Vec<_>>().join(", ")
    }

    fn graph(&self) -> String {
        let (graph, order) = (&self.pair.graph, self.order());
        let mut text = String::new();
        for &v in &order {
            let (parents, spouses) = (graph.parents(v), graph.spouses(v));
            match parents {
                [] if spouses.is_empty() && graph.children(v).is_empty() => text += &format!("{}\n", self.name(v)),
                [] => {}
                [one] => text += &format!("{} -> {}\n", self.name(*one), self.name(v)),
                several => text += &format!("{{{}}} -> {}\n", self.list(several), self.name(v)),
            }
            for &other in spouses.iter().filter(|&&other| other > v) {
                text += &format!("{} <-> {}\n", self.name(v), self.name(other));
            }
        }
        let mut by_card: BTreeMap<usize, Vec<VarId>> = BTreeMap::new();
        order.iter().for_each(|&v| by_card.entry(self.pair.cards[v]).or_default().push(v));
        for (card, nodes) in by_card {
            let of = if card == 2 { "binary".to_owned() } else { format!("int[0..{}]", card - 1) };
            text += &format!("{}: {of}\n", self.list(&nodes));
        }
        text
    }

    /// A name for a hidden cause that no variable has.
    fn cause(&self, at: usize) -> String {
        let [a, b] = self.pair.hidden[at].0;
        let mut name = format!("U_{}_{}", self.model.name(a), self.model.name(b));
        while self.model.id(&name).is_some() {
            name.push('_');
        }
        spell(&name)
    }

    /// What the table of `v` depends on.
    fn inputs(&self, v: VarId) -> Vec<Input> {
        let all = self.all_inputs(v);
        let (cards, card) = (self.cards(&all), self.pair.cards[v]);
        let table = &self.pair.tables[v];
        let matters = |at: &usize| {
            let stride: usize = cards[at + 1..].iter().product();
            (0..table.len() / card).any(|row| {
                let first = row - row / stride % cards[*at] * stride;
                table[row * card..(row + 1) * card] != table[first * card..(first + 1) * card]
            })
        };
        (0..all.len()).filter(matters).map(|at| all[at]).collect()
    }

    fn all_inputs(&self, v: VarId) -> Vec<Input> {
        let parents = self.pair.graph.parents(v).iter().map(|&p| Input::Parent(p));
        parents.chain(self.pair.causes(v).map(Input::Cause)).collect()
    }

    fn cards(&self, inputs: &[Input]) -> Vec<usize> {
        let card = |input: &Input| match *input {
            Input::Parent(p) => self.pair.cards[p],
            Input::Cause(at) => self.pair.hidden[at].1.len(),
        };
        inputs.iter().map(card).collect()
    }

    fn input_name(&self, input: &Input) -> String {
        match *input {
            Input::Parent(p) => self.name(p),
            Input::Cause(at) => self.cause(at),
        }
    }

    fn equation(&self, v: VarId) -> String {
        let (name, card, inputs) = (self.name(v), self.pair.cards[v], self.inputs(v));
        let rows = self.rows(v, &inputs);
        let names: Vec<String> = inputs.iter().map(|i| self.input_name(i)).collect();
        if let [(_, only)] = &rows[..] {
            return match only.iter().position(|&p| p == 1.0) {
                Some(value) => format!("{name} = {value}"),
                None => format!("{name} ~ {}", drawn(only)),
            };
        }
        let parity = |(key, row): &(Vec<usize>, Vec<f64>)| row.get(key.iter().sum::<usize>() % 2) == Some(&1.0);
        if card == 2 && self.cards(&inputs).iter().all(|&c| c == 2) && rows.iter().all(parity) {
            return format!("{name} = {}", names.join(" xor "));
        }
        let line = |(key, row): &(Vec<usize>, Vec<f64>)| {
            let key: Vec<String> = key.iter().map(usize::to_string).collect();
            let key = if key.len() == 1 { key[0].clone() } else { format!("({})", key.join(", ")) };
            format!("    {key}: [{}]\n", numbers(row))
        };
        let lines: String = rows.iter().map(line).collect();
        format!("{name} ~ table({}) {{\n{lines}  }}", names.join(", "))
    }

    /// The rows of the table of `v` by the values of `inputs`, the others at 0.
    fn rows(&self, v: VarId, inputs: &[Input]) -> Vec<(Vec<usize>, Vec<f64>)> {
        let (all, card) = (self.all_inputs(v), self.pair.cards[v]);
        let (cards, kept) = (self.cards(&all), self.cards(inputs));
        let row = |number: usize| {
            let mut rest = number;
            let mut key = vec![0; inputs.len()];
            for (digit, &card) in key.iter_mut().zip(&kept).rev() {
                (*digit, rest) = (rest % card, rest / card);
            }
            let value = |input: &Input| inputs.iter().position(|i| i == input).map_or(0, |at| key[at]);
            let place = all.iter().zip(&cards).fold(0, |row, (input, &card)| row * card + value(input));
            (key, self.pair.tables[v][place * card..(place + 1) * card].to_vec())
        };
        (0..kept.iter().product()).map(row).collect()
    }

    fn data(&self) -> String {
        let mut used = BTreeSet::new();
        let mut text = String::new();
        for (at, (regime, source)) in self.term.regimes.iter().zip(&self.term.sources).enumerate() {
            let name = match source {
                Source::Data(places) => {
                    let names: Vec<&str> = places.iter().map(|&r| self.model.regimes[r].name.as_str()).collect();
                    names.join("_")
                }
                _ if regime.interventions.is_empty() => "obs".to_owned(),
                _ => format!("data{}", at + 1),
            };
            let seen: Vec<VarId> = regime.observed.iter().copied().filter(|v| !self.hidden.contains(v)).collect();
            let rest = regime.interventions.iter().filter(|v| !seen.contains(v)).count();
            let columns = if seen.len() + rest < self.order().len() && !seen.is_empty() {
                format!(" {{ columns: {{ {} }} }}", self.list(&seen))
            } else {
                String::new()
            };
            let set = match &regime.interventions[..] {
                [] => String::new(),
                some => format!(" do({})", self.list(some)),
            };
            if used.insert(name.clone()) {
                text += &format!("data {} = simulate(truth, n: 20000, seed: 1){columns}{set}\n", spell(&name));
            }
        }
        text
    }

    fn query(&self) -> String {
        let effect = self.effect;
        let mut given = vec![];
        if !effect.interventions.is_empty() {
            given.push(format!("do({})", self.list(&effect.interventions)));
        }
        if !effect.evidence.is_empty() {
            given.push(self.list(&effect.evidence));
        }
        let bar = if given.is_empty() { "" } else { " | " };
        format!("P({}{bar}{})", self.list(&effect.outcome), given.join(", "))
    }
}

/// What a mechanism listens to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Input {
    Parent(VarId),
    /// A hidden cause, by its place.
    Cause(usize),
}

fn drawn(row: &[f64]) -> String {
    match row {
        [_, one] => format!("bernoulli({one})"),
        several => format!("categorical({})", numbers(several)),
    }
}

fn numbers(row: &[f64]) -> String {
    row.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}

// ---- words and JSON ----

impl Pair {
    /// What the pair is, a sentence each.
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![format!(
            "two models of this graph that agree on all of the data and differ in {} by up to {}",
            self.query,
            number(self.difference)
        )];
        if let Some(whole) = &self.reduced_from {
            sentences.push(format!(
                "they differ in {}, which is what {whole} comes down to: what nobody observes is left out of the graph",
                self.query
            ));
        }
        let worst = self.agreement.iter().map(|(_, d)| *d).fold(0.0, f64::max);
        let names: Vec<&str> = self.agreement.iter().map(|(name, _)| name.as_str()).collect();
        let worst = if worst == 0.0 { "0".to_owned() } else { format!("{worst:.1e}") };
        sentences.push(format!("largest difference between their distributions of {}: {worst}", names.join(", ")));
        sentences
    }

    /// The answers side by side.
    pub(super) fn sheet(&self, model: &Model) -> Sheet {
        let mut sheet = Sheet::default();
        sheet.rows.push(["probability", "model 1", "model 2", "difference"].map(str::to_owned).to_vec());
        for row in self.values.iter().take(SHOWN) {
            let cell = |p: Option<f64>| p.map_or_else(|| "undefined".to_owned(), number);
            let gap = row.p[0].zip(row.p[1]).map(|(a, b)| a - b);
            sheet.rows.push(vec![about(model, row), cell(row.p[0]), cell(row.p[1]), cell(gap)]);
        }
        if self.values.len() > SHOWN {
            sheet.notes.push(format!("and {} more", self.values.len() - SHOWN));
        }
        sheet
    }

    pub(super) fn json(&self, model: &Model) -> Value {
        let codes = |values: &Codes| -> Map<String, Value> {
            values.iter().map(|&(v, x)| (model.name(v).to_owned(), json!(x))).collect()
        };
        let row = |row: &PairRow| {
            json!({
                "do": codes(&row.interventions), "given": codes(&row.given), "outcome": codes(&row.outcome), "p": row.p,
            })
        };
        let agreement = self.agreement.iter().map(|(name, d)| json!({ "data": name, "difference": d }));
        json!({
            "query": self.query, "reduced_from": self.reduced_from, "models": self.programs,
            "agreement": agreement.collect::<Vec<_>>(), "values": self.values.iter().map(row).collect::<Vec<_>>(),
            "difference": self.difference,
        })
    }
}

fn about(model: &Model, row: &PairRow) -> String {
    let list =
        |values: &Codes| values.iter().map(|&(v, x)| format!("{} = {x}", model.name(v))).collect::<Vec<_>>().join(", ");
    let mut given = vec![];
    if !row.interventions.is_empty() {
        given.push(format!("do({})", list(&row.interventions)));
    }
    if !row.given.is_empty() {
        given.push(list(&row.given));
    }
    let bar = if given.is_empty() { "" } else { " | " };
    format!("P({}{bar}{})", list(&row.outcome), given.join(", "))
}
