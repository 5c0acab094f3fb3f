//! `expect` statements.

use super::answer::{Answer, Checked, Measured, Row, same_table, tables_of};
use super::total_variation;
use crate::data::Table;
use crate::model::{Measure, Model, Query, QueryKind, Reference, Term, Value, VarId};

/// Checks every `expect` statement of the model against its answers. A measure that cannot be computed
/// (a held-out data set without matching rows) fails with the value NaN.
pub fn check(model: &Model, answers: &[Answer], tables: &[Table]) -> Vec<Checked> {
    let checker = Checker { model, answers, tables };
    let check = |e: &crate::model::Expectation| {
        let value = checker.value(&e.measure).unwrap_or(f64::NAN);
        let passed = value.partial_cmp(&e.bound).is_some_and(|ordering| e.op.holds(ordering));
        Checked { text: e.text.clone(), passed, value }
    };
    model.expectations.iter().map(check).collect()
}

/// Sets what the data show beside each answer: the first data set, held-out ones before others, that sets
/// exactly the variables the query sets and has rows for every table of the answer.
pub fn measure(model: &Model, answers: &mut [Answer], tables: &[Table]) {
    for query in &model.queries {
        let QueryKind::Distribution(term) = &query.kind else { continue };
        let checker = Checker { model, answers, tables };
        let mut set: Vec<VarId> = term.interventions.iter().map(|i| i.0).collect();
        set.sort_unstable();
        let fits = |at: &usize| {
            let mut theirs: Vec<VarId> = model.regimes[*at].interventions.iter().map(|i| i.0).collect();
            theirs.sort_unstable();
            theirs == set
        };
        let mut candidates: Vec<usize> = (0..model.regimes.len()).filter(fits).collect();
        candidates.sort_by_key(|&at| !model.regimes[at].test);
        let found = candidates.into_iter().find_map(|at| checker.measured(&query.name, term, at));
        if let Some(answer) = answers.iter_mut().find(|a| a.name == query.name) {
            answer.measured = found;
        }
    }
}

struct Checker<'a> {
    model: &'a Model,
    answers: &'a [Answer],
    tables: &'a [Table],
}

impl Checker<'_> {
    fn value(&self, measure: &Measure) -> Option<f64> {
        match measure {
            Measure::Number(n) => Some(*n),
            Measure::Abs(inner) => self.value(inner).map(f64::abs),
            Measure::Sum(a, sign, b) => Some(self.value(a)? + sign * self.value(b)?),
            Measure::Row(query, selection) => self.row(query, selection),
            Measure::Tv(query, reference) => self.distance(query, reference, total_variation),
            Measure::Kl(query, reference) => self.distance(query, reference, kl),
        }
    }

    fn answer(&self, query: &str) -> Option<(&Query, &Answer)> {
        let query = self.model.queries.iter().find(|q| q.name == query)?;
        self.answers.iter().find(|a| a.name == query.name).map(|answer| (query, answer))
    }

    fn row(&self, query: &str, selection: &[(VarId, u32)]) -> Option<f64> {
        let (_, answer) = self.answer(query)?;
        let selected = |row: &&Row| {
            selection.iter().all(|&(variable, code)| {
                let wanted = self.model.domain(variable).map(|d| d.value(code));
                let name = self.model.name(variable);
                // A variable that is seen in several worlds has the value in all of them.
                let parts = [&row.outcome, &row.interventions, &row.given];
                let part = parts.into_iter().find(|part| part.keys().any(|key| is_of(key, name)));
                let shown = part.into_iter().flatten().filter(|(key, _)| is_of(key, name));
                part.is_some() && shown.map(|(_, value)| value).all(|value| Some(value) == wanted.as_ref())
            })
        };
        answer.values.iter().find(selected).and_then(|row| row.p.or(row.value))
    }

    /// The largest distance between the answer and the reference over the tables of the answer.
    fn distance(&self, query: &str, reference: &Reference, measure: impl Fn(&[f64], &[f64]) -> f64) -> Option<f64> {
        let (query, answer) = self.answer(query)?;
        let outcome: Vec<VarId> = match (&query.kind, reference) {
            (QueryKind::Distribution(term), _) => term.outcome.iter().map(|o| o.0).collect(),
            // No rows show several worlds.
            (QueryKind::Counterfactual { mean: false, .. }, Reference::Truth) => vec![],
            _ => return None,
        };
        let mut largest: Option<f64> = None;
        for rows in tables_of(&answer.values) {
            let found: Vec<f64> = rows.iter().filter_map(|r| r.p).collect();
            let other = match reference {
                Reference::Truth => {
                    let truth = answer.truth.as_ref()?.iter().filter(|t| same_table(t, rows[0]));
                    Some(truth.filter_map(|r| r.p).collect::<Vec<f64>>())
                }
                Reference::Data(at) => self.shares(&self.tables[*at], &outcome, &rows),
            };
            if let Some(other) = other {
                let distance = measure(&found, &other);
                largest = Some(largest.map_or(distance, |l| l.max(distance)));
            }
        }
        largest
    }

    /// What a data set shows for every row of an answer.
    fn measured(&self, query: &str, term: &Term, regime: usize) -> Option<Measured> {
        let (_, answer) = self.answer(query)?;
        let outcome: Vec<VarId> = term.outcome.iter().map(|o| o.0).collect();
        let (mut values, mut tv): (Vec<Row>, f64) = (vec![], 0.0);
        for rows in tables_of(&answer.values) {
            let shares = self.shares(&self.tables[regime], &outcome, &rows)?;
            let found: Vec<f64> = rows.iter().filter_map(|r| r.p).collect();
            tv = tv.max(total_variation(&found, &shares));
            let shown = |(row, p): (&&Row, &f64)| Row { p: Some(*p), low: None, high: None, ..(*row).clone() };
            values.extend(rows.iter().zip(&shares).map(shown));
        }
        Some(Measured { data: self.model.regimes[regime].name.clone(), values, tv })
    }

    /// The shares of the rows' outcomes among the data rows with the same `do` values and evidence;
    /// `None` if there are no such rows.
    fn shares(&self, table: &Table, outcome: &[VarId], rows: &[&Row]) -> Option<Vec<f64>> {
        let mut needed: Vec<VarId> = outcome.to_vec();
        let conditions: Vec<(VarId, u32)> = (rows[0].interventions.iter().chain(&rows[0].given))
            .filter_map(|(name, value)| self.code(name, value))
            .collect();
        needed.extend(conditions.iter().map(|c| c.0));
        let counts = table.counts(&needed)?;
        let matching: Vec<(&[u32], f64)> = counts
            .iter()
            .filter(|(key, _)| key[outcome.len()..].iter().zip(&conditions).all(|(code, c)| *code == c.1))
            .map(|(key, weight)| (&key[..outcome.len()], *weight))
            .collect();
        let total: f64 = matching.iter().map(|m| m.1).sum();
        let share = |row: &&Row| {
            let key: Option<Vec<u32>> = outcome
                .iter()
                .map(|&v| self.code(self.model.name(v), row.outcome.get(self.model.name(v))?).map(|c| c.1))
                .collect();
            let key = key?;
            Some(matching.iter().filter(|(k, _)| *k == key).map(|(_, w)| w).sum::<f64>() / total)
        };
        if total > 0.0 { rows.iter().map(share).collect() } else { None }
    }

    fn code(&self, name: &str, value: &Value) -> Option<(VarId, u32)> {
        let variable = self.model.id(name)?;
        let code = self.model.domain(variable)?.code(&value.to_string())?;
        Some((variable, code))
    }
}

/// Whether a row's key, `Y` or `Y[X = 1]`, is about the variable `name`.
fn is_of(key: &str, name: &str) -> bool {
    key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

/// Kullback–Leibler divergence of `p` from `q` in nats; empty cells count as 1e-6.
pub(super) fn kl(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).filter(|(p, _)| **p > 0.0).map(|(p, q)| p * (p / q.max(1e-6)).ln()).sum()
}
