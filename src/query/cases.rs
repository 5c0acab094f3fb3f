//! The settings that the bare names of a query stand for, and how the rows of its answer show them.

use super::answer::{Assignment, Row};
use super::{Asked, QueryError, Runtime, Values};
use crate::causal::counterfactual::{Value as Setting, World};
use crate::model::{
    Bare, Case, CounterfactualTerm, Event, Query, QueryKind, Value, VarId, bare_names, seen_text, value_in,
};

/// An answer has at most this many rows.
const MAX_ROWS: usize = 1_000_000;

/// A term with the values of a case.
pub(super) fn asked(term: &CounterfactualTerm, case: &Case) -> Asked {
    let set = |v: VarId, code: Option<u32>| match value_in(case, &Bare::Set(v), code) {
        Some(code) => Setting::Code(code),
        None => Setting::Any(v),
    };
    let world = |event: &Event| -> World { term.world_of(event, &set) };
    let code = |event: &Event| value_in(case, &Bare::Seen(event.variable, &event.world), event.value);
    Asked {
        outcome: term.outcome.iter().map(|e| (e.variable, world(e))).collect(),
        evidence: term.evidence.iter().filter_map(|e| Some((e.variable, world(e), code(e)?))).collect(),
        cut: term.cut,
    }
}

/// What one row of an answer asks: terms with their factors, and a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct RowAsked {
    /// Factor, question, and the codes of its outcome (`None` for the mean of the only one).
    pub terms: Vec<(f64, Asked, Option<Vec<u32>>)>,
    /// Added to their sum.
    pub constant: f64,
}

impl Runtime<'_> {
    /// What each row of a query's answer asks, in the order of the answer's rows; nothing for `sample(…)`.
    ///
    /// # Errors
    /// [`QueryError::TooManyRows`].
    pub fn rows_asked(&self, query: &Query) -> Result<Vec<RowAsked>, QueryError> {
        let (terms, mean, constant): (Vec<(f64, CounterfactualTerm)>, bool, f64) = match &query.kind {
            QueryKind::Distribution(term) => (vec![(1.0, term.into())], false, 0.0),
            QueryKind::Expectation { terms, constant } => {
                (terms.iter().map(|(factor, term)| (*factor, term.into())).collect(), true, *constant)
            }
            QueryKind::Counterfactual { terms, constant, mean } => (terms.clone(), *mean, *constant),
            QueryKind::Samples { .. } => return Ok(vec![]),
        };
        let mut rows = vec![];
        if mean {
            let parts: Vec<&CounterfactualTerm> = terms.iter().map(|(_, term)| term).collect();
            for case in self.cases(&parts, 1.0)? {
                let of = |(factor, term): &(f64, CounterfactualTerm)| {
                    (*factor, asked(term, &case), term.outcome[0].value.map(|code| vec![code]))
                };
                rows.push(RowAsked { terms: terms.iter().map(of).collect(), constant });
            }
            return Ok(rows);
        }
        for (_, term) in &terms {
            let cells = self.cells(term);
            for case in self.cases(&[term], cells.len() as f64)? {
                let asked = asked(term, &case);
                let of = |(_, codes): &(usize, Vec<u32>)| (1.0, asked.clone(), Some(codes.clone()));
                rows.extend(cells.iter().map(|cell| RowAsked { terms: vec![of(cell)], constant }));
            }
        }
        Ok(rows)
    }

    /// Every setting of the bare names of `terms`, which have the same value in all of them; the last name's values come
    /// one after the other.
    ///
    /// # Errors
    /// [`QueryError::TooManyRows`], with `cells` rows for each setting.
    pub(super) fn cases<'a>(&self, terms: &[&'a CounterfactualTerm], cells: f64) -> Result<Vec<Case<'a>>, QueryError> {
        let names = bare_names(terms);
        let card = |name: &Bare| self.model.card(name.variable()).unwrap_or(1);
        let rows = names.iter().map(|name| card(name) as f64).product::<f64>() * cells;
        if rows > MAX_ROWS as f64 {
            return Err(QueryError::TooManyRows(rows));
        }
        let variables: Vec<VarId> = names.iter().map(Bare::variable).collect();
        let case = |values: Values| names.iter().copied().zip(values.into_iter().map(|(_, code)| code)).collect();
        Ok(self.assignments(&variables).into_iter().map(case).collect())
    }

    /// Every assignment of values to `variables`, the last one fastest.
    pub(super) fn assignments(&self, variables: &[VarId]) -> Vec<Values> {
        variables.iter().fold(vec![vec![]], |lists: Vec<Values>, &variable| {
            let card = self.model.card(variable).unwrap_or(1) as u32;
            let extend = |list: Values| {
                (0..card).map(move |code| list.iter().copied().chain([(variable, code)]).collect::<Values>())
            };
            lists.into_iter().flat_map(extend).collect()
        })
    }

    /// The cells of the outcome's table that were asked for, with what each place is there.
    pub(super) fn cells(&self, term: &CounterfactualTerm) -> Vec<(usize, Vec<u32>)> {
        let outcome = &term.outcome;
        if term.cut.is_some() {
            return vec![(1, vec![1])];
        }
        let variables: Vec<VarId> = outcome.iter().map(|e| e.variable).collect();
        let all = self.assignments(&variables).into_iter().map(|v| v.into_iter().map(|(_, code)| code).collect());
        let wanted = |codes: &[u32]| outcome.iter().zip(codes).all(|(e, code)| e.value.is_none_or(|v| v == *code));
        all.enumerate().filter(|(_, codes): &(usize, Vec<u32>)| wanted(codes)).collect()
    }

    /// A row that shows what it holds for: of a single term all that is set everywhere and known, of several what the
    /// case chooses.
    pub(super) fn row(&self, terms: &[&CounterfactualTerm], case: &Case) -> Row {
        let mut row = Row::default();
        let mut set: Values = vec![];
        for term in terms {
            for &(v, code) in &term.interventions {
                let shown = code.filter(|_| terms.len() == 1);
                set.extend(value_in(case, &Bare::Set(v), shown).map(|code| (v, code)));
            }
            for event in &term.evidence {
                let name = Bare::Seen(event.variable, &event.world);
                let shown = event.value.filter(|_| terms.len() == 1);
                let value = value_in(case, &name, shown).and_then(|code| self.value(event.variable, code));
                row.given.extend(value.map(|value| (seen_text(self.model, event), value)));
            }
        }
        let chosen = case.iter().filter(|(name, _)| matches!(name, Bare::Set(_)));
        set.extend(chosen.map(|(name, code)| (name.variable(), *code)));
        for (v, code) in set {
            row.interventions.extend(self.value(v, code).map(|value| (self.model.name(v).to_owned(), value)));
        }
        row
    }

    /// The outcome's values in a row.
    pub(super) fn outcome(&self, term: &CounterfactualTerm, codes: &[u32]) -> Assignment {
        if let (Some(cut), [event]) = (term.cut, &term.outcome[..]) {
            return [(seen_text(self.model, event), Value::Label(cut.to_string()))].into_iter().collect();
        }
        let outcome = &term.outcome;
        let named =
            |(event, &code): (&Event, &u32)| Some((seen_text(self.model, event), self.value(event.variable, code)?));
        outcome.iter().zip(codes).filter_map(named).collect()
    }

    fn value(&self, variable: VarId, code: u32) -> Option<Value> {
        self.model.value(variable, code)
    }
}
