//! The numbers that formulas give: on the rows of the data sets, on the exact distributions of the truth block, and
//! beside them the truth's own answer.

use super::bounds::{Interval, bounds, within};
use super::distributions::{Distribution, Empirical, Exact, cards};
use super::estimate::{Evaluator, Gap, Obstacle, Setting, Weights};
use super::judge::{Data, Set, effect_of};
use super::worlds_values;
use super::{Known, Source, Verdict};
use crate::causal::counterfactual;
use crate::data::Schema;
use crate::model::{Domain, Model, Query, QueryKind, Term, VarId};
use crate::truth::Scm;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Answers of more rows than this are not listed.
pub(super) const MAX_ROWS: f64 = 100_000.0;
/// Values of the variables that a formula may take at any value, looked through for one with support.
const MAX_CHOICES: usize = 64;

/// Values of variables, as codes of their domains.
pub(super) type Values = Vec<(VarId, u32)>;

/// The numbers of one query; each list is missing, with the reason, where there are none.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Whether means were asked for.
    pub mean: bool,
    /// The formula on the rows of the data sets.
    pub data: Result<Vec<Row>, String>,
    /// The formula on the exact distributions of the truth block; `None` without one.
    pub truth: Option<Result<Vec<Row>, String>>,
    /// What the truth block itself answers; `None` without one.
    pub exact: Option<Result<Vec<Row>, String>>,
    /// Bounds of what `data` leaves undefined; empty where it is complete.
    pub bounds: Result<Vec<Interval>, String>,
}

/// A value of a variable, with the name that the variable has in the world it is seen in: `Y`, `Y[X = 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The name.
    pub name: String,
    /// The variable.
    pub variable: VarId,
    /// The code of its value.
    pub code: u32,
}

impl Seen {
    /// Values in the actual world.
    pub(super) fn list(model: &Model, values: &[(VarId, u32)]) -> Vec<Self> {
        let seen = |&(variable, code): &(VarId, u32)| Self { name: model.name(variable).to_owned(), variable, code };
        values.iter().map(seen).collect()
    }
}

/// One number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The values that are set.
    pub interventions: Vec<Seen>,
    /// The values of the evidence.
    pub given: Vec<Seen>,
    /// The values of the outcome; empty for means.
    pub outcome: Vec<Seen>,
    /// The probability or the mean; `None` where it is undefined.
    pub value: Option<f64>,
    /// Why it is undefined.
    pub gaps: Vec<Gap>,
    /// The names of the sources that `gaps` number.
    pub sources: Vec<String>,
    /// The values given to variables that the formula needs and the query does not name: any would do.
    pub chosen: Values,
}

/// A row and what its number is made of: `Σ factor · P(outcome | evidence) + constant`, all values codes.
#[derive(Clone)]
pub(super) struct Aim {
    pub row: Row,
    pub terms: Vec<(f64, counterfactual::Query)>,
    pub constant: f64,
}

/// The numbers of `query`. `distributions` are those of the data sets, `schemas[i]` belongs to `model.regimes[i]`.
pub fn evaluate(
    model: &Model,
    schemas: &[Schema],
    query: &Query,
    known: Known,
    distributions: &[Distribution],
    truth: Option<&Scm>,
) -> Evaluation {
    let data = Data::of(model, schemas, known);
    if let QueryKind::Counterfactual { terms, constant, mean } = &query.kind {
        let aims = worlds_values::aims(model, terms, *constant, *mean);
        return several_worlds(&data, *mean, aims, distributions, truth);
    }
    let by = |weights: &dyn Weights| {
        let formulas = Formulas { model, data: &data, fixed: data.fixed(), weights, found: RefCell::default() };
        rows(model, query, &|term, values| formulas.solve(term, values))
    };
    let found = by(&Empirical { model, distributions });
    Evaluation {
        mean: matches!(query.kind, QueryKind::Expectation { .. }),
        bounds: bounds(model, query, &data, distributions, &found),
        data: found,
        truth: truth.map(|truth| by(&Exact { model, truth })),
        exact: truth.map(|truth| rows(model, query, &|term, values| exact(model, truth, term, values))),
    }
}

/// The same for a question about several worlds.
fn several_worlds(
    data: &Data,
    mean: bool,
    aims: Result<Vec<Aim>, String>,
    distributions: &[Distribution],
    truth: Option<&Scm>,
) -> Evaluation {
    let model = data.model;
    let by = |weights: &dyn Weights| worlds_values::by_formula(data, aims.as_ref().map_err(String::clone)?, weights);
    let found = by(&Empirical { model, distributions });
    let by_truth = truth.map(|truth| by(&Exact { model, truth }));
    let exact = truth.map(|truth| worlds_values::by_truth(model, truth, aims.as_ref().map_err(String::clone)?));
    let bounds = aims.clone().and_then(|aims| match &found {
        Ok(rows) => {
            let open = aims.into_iter().zip(rows).filter(|(_, row)| row.value.is_none()).map(|(aim, _)| aim);
            within(model, data, distributions, open.collect())
        }
        Err(_) => within(model, data, distributions, aims),
    });
    Evaluation { mean, bounds, data: found, truth: by_truth, exact }
}

/// The distribution of a term's outcome at one setting, row-major; `None` where it is undefined.
#[derive(Default)]
struct Solved {
    cells: Vec<Option<f64>>,
    gaps: Vec<Gap>,
    sources: Vec<String>,
    chosen: Values,
}

type Solver<'a> = dyn Fn(&Term, &Setting) -> Result<Solved, String> + 'a;

fn exact(model: &Model, truth: &Scm, term: &Term, values: &Setting) -> Result<Solved, String> {
    let outcome: Vec<VarId> = term.outcome.iter().map(|o| o.0).collect();
    let fixed = |part: &[(VarId, Option<u32>)]| part.iter().filter_map(|(v, _)| Some((*v, *values.get(v)?))).collect();
    let (interventions, evidence): (Values, Values) = (fixed(&term.interventions), fixed(&term.evidence));
    let cells = cards(model, &outcome).map_err(|o| in_words(model, &o))?.iter().product();
    let answer = truth.answer(&outcome, &interventions, &evidence);
    let (table, probability) = answer.map_err(|e| in_words(model, &e.into()))?;
    if probability > 0.0 {
        return Ok(Solved { cells: table.values.into_iter().map(Some).collect(), ..Solved::default() });
    }
    let gap = Gap { source: None, of: outcome, given: [interventions, evidence].concat(), rows: None };
    Ok(Solved { cells: vec![None; cells], gaps: vec![gap], ..Solved::default() })
}

/// The formulas of a query's terms, found once for all values of `do` between which data sets do not tell.
struct Formulas<'a> {
    model: &'a Model,
    data: &'a Data<'a>,
    fixed: BTreeSet<VarId>,
    weights: &'a dyn Weights,
    found: RefCell<Vec<Judged>>,
}

/// A term, the values of `do` that matter to which data sets count, and what was found.
type Judged = (Term, Setting, (Verdict, Vec<Set>));

impl Formulas<'_> {
    fn solve(&self, term: &Term, values: &Setting) -> Result<Solved, String> {
        let effect = effect_of(term);
        let set: Setting =
            values.iter().filter(|(v, _)| effect.interventions.contains(v)).map(|(&v, &code)| (v, code)).collect();
        let told_apart: Setting =
            set.iter().filter(|(v, _)| self.fixed.contains(v)).map(|(&v, &code)| (v, code)).collect();
        let key = |known: &&Judged| known.0 == *term && known.1 == told_apart;
        let cached = self.found.borrow().iter().find(key).map(|known| known.2.clone());
        let (verdict, sets) = match cached {
            Some(known) => known,
            None => {
                let judged = self.data.at(&effect, &set);
                self.found.borrow_mut().push((term.clone(), told_apart, judged.clone()));
                judged
            }
        };
        let found = match verdict {
            Verdict::Identified(found) => found,
            Verdict::NotIdentified(_) => return Err("it is not identifiable".to_owned()),
            Verdict::Open(why) => return Err(format!("no formula is known: {why}")),
            Verdict::Worlds(_) => return Err("events in several worlds are not computed".to_owned()),
        };
        let sources: Vec<Source> = sets.iter().map(|s| s.source.clone()).collect();
        let names = sets.iter().map(|s| s.name.clone()).collect();
        let card = |v| self.model.card(v);
        let evaluator = Evaluator { weights: self.weights, sources: &sources, card: &card };
        let formula = &found.estimand;
        let named = [&effect.outcome[..], &effect.interventions, &effect.evidence].concat();
        let open: Vec<VarId> = formula.free_variables().into_iter().filter(|v| !named.contains(v)).collect();
        let mut first: Option<Solved> = None;
        for chosen in choices(self.weights, &open) {
            let mut at = values.clone();
            at.extend(chosen.iter().copied());
            let solved = self.at(&evaluator, formula, &effect.outcome, &at).map_err(|o| in_words(self.model, &o))?;
            let complete = solved.cells.iter().all(Option::is_some);
            if complete || first.is_none() {
                first = Some(Solved { chosen, ..solved });
            }
            if complete {
                break;
            }
        }
        Ok(Solved { sources: names, ..first.unwrap_or_default() })
    }

    fn at(
        &self,
        evaluator: &Evaluator,
        formula: &crate::causal::identify::Estimand,
        outcome: &[VarId],
        at: &Setting,
    ) -> Result<Solved, Obstacle> {
        let found = evaluator.value(formula, at)?;
        let cards = cards(self.model, outcome)?;
        let (mut cells, mut gaps) = (vec![], vec![]);
        for values in assignments(outcome, &cards) {
            let code = |v: &VarId| values.iter().find(|(other, _)| other == v).map_or(0, |(_, code)| *code as usize);
            let place = |t: &crate::factor::Factor| {
                t.values[t.variables.iter().zip(&t.cards).fold(0, |cell, (v, card)| cell * card + code(v))]
            };
            if found.undefined.as_ref().is_some_and(|u| place(u) > 0.0) {
                if gaps.is_empty() {
                    let mut at = at.clone();
                    at.extend(values.iter().copied());
                    gaps = evaluator.gaps(formula, &at);
                }
                cells.push(None);
            } else {
                cells.push(Some(place(&found.values)));
            }
        }
        Ok(Solved { cells, gaps, ..Solved::default() })
    }
}

/// Values for variables that may have any: those with most rows first.
pub(super) fn choices(weights: &dyn Weights, open: &[VarId]) -> Vec<Values> {
    let mut choices: Vec<Values> = vec![vec![]];
    for &v in open {
        let codes = weights.by_frequency(v);
        let with = |choice: &Values, code| [&choice[..], &[(v, code)]].concat();
        choices = codes.iter().flat_map(|&code| choices.iter().map(move |c| with(c, code))).collect();
        choices.truncate(MAX_CHOICES);
    }
    choices
}

// ---- the rows of an answer ----

/// The rows of a query's answer, without numbers.
pub(super) fn rows_asked(model: &Model, query: &Query) -> Result<Vec<Row>, String> {
    rows(model, query, &|term, _| {
        let outcome: Vec<VarId> = term.outcome.iter().map(|o| o.0).collect();
        let cells = cards(model, &outcome).map_err(|o| in_words(model, &o))?.iter().product();
        Ok(Solved { cells: vec![None; cells], ..Solved::default() })
    })
}

/// The rows of a query's answer: bare names take each of their values; one that several terms share is the same in all.
fn rows(model: &Model, query: &Query, solve: &Solver) -> Result<Vec<Row>, String> {
    let terms: Vec<(f64, &Term)> = match &query.kind {
        QueryKind::Distribution(term) => vec![(1.0, term)],
        QueryKind::Expectation { terms, .. } => terms.iter().map(|(factor, term)| (*factor, term)).collect(),
        QueryKind::Samples { .. } => return Err("it draws samples".to_owned()),
        QueryKind::Counterfactual { .. } => return Err("it is about several worlds".to_owned()),
    };
    let conditions = terms.iter().flat_map(|(_, t)| t.interventions.iter().chain(&t.evidence));
    if conditions.clone().any(|(v, _)| model.domain(*v).is_some_and(Domain::is_image)) {
        return Err("rows are not counted by pictures".to_owned());
    }
    let mut free: Vec<VarId> = vec![];
    conditions.filter(|(_, code)| code.is_none()).for_each(|(v, _)| {
        if !free.contains(v) {
            free.push(*v);
        }
    });
    let sizes = cards(model, &free).map_err(|o| in_words(model, &o))?;
    let outcomes = terms.iter().flat_map(|(_, t)| &t.outcome).map(|(v, _)| *v).collect::<Vec<_>>();
    let widths = cards(model, &outcomes).map_err(|o| in_words(model, &o))?;
    let count: f64 = sizes.iter().chain(&widths).map(|&c| c as f64).product();
    if count > MAX_ROWS {
        return Err(format!("the answer would have {count:.0} rows: give some variables a value"));
    }
    let mut rows = vec![];
    for values in assignments(&free, &sizes) {
        match &query.kind {
            QueryKind::Expectation { constant, .. } => rows.push(mean(model, &terms, *constant, &values, solve)?),
            _ => rows.extend(distribution(model, terms[0].1, &values, solve)?),
        }
    }
    Ok(rows)
}

fn distribution(model: &Model, term: &Term, values: &Values, solve: &Solver) -> Result<Vec<Row>, String> {
    let at = setting(term, values);
    let solved = solve(term, &at)?;
    let outcome: Vec<VarId> = term.outcome.iter().map(|o| o.0).collect();
    let cards = cards(model, &outcome).map_err(|o| in_words(model, &o))?;
    let asked = |values: &Values| {
        term.outcome.iter().zip(values).all(|((_, asked), (_, code))| asked.is_none_or(|a| a == *code))
    };
    let cells = assignments(&outcome, &cards).into_iter().zip(&solved.cells).filter(|(values, _)| asked(values));
    let row = |(outcome, &value): (Values, &Option<f64>)| Row {
        interventions: Seen::list(model, &shown(&term.interventions, &at)),
        given: Seen::list(model, &shown(&term.evidence, &at)),
        outcome: Seen::list(model, &outcome),
        value,
        gaps: if value.is_none() { solved.gaps.clone() } else { vec![] },
        sources: solved.sources.clone(),
        chosen: solved.chosen.clone(),
    };
    Ok(cells.map(row).collect())
}

fn mean(model: &Model, terms: &[(f64, &Term)], constant: f64, values: &Values, solve: &Solver) -> Result<Row, String> {
    let mut row = Row { value: Some(constant), ..Row::default() };
    for (factor, term) in terms {
        let at = setting(term, values);
        let solved = solve(term, &at)?;
        let (variable, asked) = term.outcome[0];
        let counts = |code: usize| score(model, (variable, asked), code as u32);
        let scored = solved.cells.iter().enumerate().map(|(code, p)| Some(counts(code) * (*p)?));
        row.value = row.value.zip(scored.sum::<Option<f64>>()).map(|(sum, mean)| sum + factor * mean);
        if row.gaps.is_empty() {
            (row.gaps, row.sources) = (solved.gaps, solved.sources);
        }
        row.chosen.extend(solved.chosen.into_iter().filter(|_| terms.len() == 1));
        // Of several terms only what they share is said.
        let alone = terms.len() == 1;
        let told = |part: &[(VarId, Option<u32>)]| -> Values {
            shown(part, &at).into_iter().filter(|(v, _)| alone || values.iter().any(|(free, _)| free == v)).collect()
        };
        for (to, part) in [(&mut row.interventions, &term.interventions), (&mut row.given, &term.evidence)] {
            let fresh =
                Seen::list(model, &told(part)).into_iter().filter(|seen| !to.contains(seen)).collect::<Vec<_>>();
            to.extend(fresh);
        }
    }
    Ok(row)
}

/// What a value of a mean's variable counts: itself, or 1 for the value asked for.
pub(super) fn score(model: &Model, (variable, asked): (VarId, Option<u32>), code: u32) -> f64 {
    match asked {
        Some(asked) => f64::from(u8::from(asked == code)),
        None => model.domain(variable).and_then(|d| d.number(code)).unwrap_or(0.0),
    }
}

/// The values of a term's conditions: its own, and those of `values` for bare names.
pub(super) fn setting(term: &Term, values: &Values) -> Setting {
    let value = |v: VarId| values.iter().find(|(other, _)| *other == v).map(|(_, code)| *code);
    let conditions = term.interventions.iter().chain(&term.evidence);
    conditions.filter_map(|&(v, code)| Some((v, code.or_else(|| value(v))?))).collect()
}

pub(super) fn shown(part: &[(VarId, Option<u32>)], at: &Setting) -> Values {
    part.iter().filter_map(|(v, _)| Some((*v, *at.get(v)?))).collect()
}

/// Every combination of values, the last variable fastest.
pub(super) fn assignments(variables: &[VarId], cards: &[usize]) -> Vec<Values> {
    variables.iter().zip(cards).fold(vec![vec![]], |all, (&v, &card)| {
        all.into_iter()
            .flat_map(|s: Values| (0..card as u32).map(move |code| [&s[..], &[(v, code)]].concat()))
            .collect()
    })
}

pub(super) fn in_words(model: &Model, obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::TooLarge(cells) => format!("a table of {cells:.0} cells would be needed"),
        Obstacle::NotDiscrete(v) if model.domain(*v).is_none() => format!("`{}` has no type", model.name(*v)),
        Obstacle::NotDiscrete(v) => {
            format!("`{}` is not discrete, and formulas are computed on tables", model.name(*v))
        }
        Obstacle::NoColumn(v) => format!("no rows have a column of `{}`", model.name(*v)),
        Obstacle::NoImages => "the images that the truth takes digits from cannot be read".to_owned(),
        Obstacle::NoRows => "the formula needs a distribution that is no data set of the model".to_owned(),
    }
}

/// The first few gaps of an answer's rows, each once, with the names of their sources.
pub(super) fn gaps_of(rows: &[Row]) -> Vec<(Gap, String)> {
    let mut found: BTreeMap<String, (Gap, String)> = BTreeMap::new();
    for row in rows {
        for gap in &row.gaps {
            let name = gap.source.and_then(|at| row.sources.get(at)).cloned().unwrap_or_default();
            found.entry(format!("{name} {gap:?}")).or_insert((gap.clone(), name));
        }
    }
    found.into_values().collect()
}
