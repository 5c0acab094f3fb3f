//! The value of an identified formula on the rows, for the questions that frequencies alone do not answer: about several
//! worlds, and with real variables.
//!
//! Discrete formulas are summed with relative frequencies; with real variables each conditional mean is a least-squares
//! regression ([`regression`]), as in the parametric g-formula (Hernán & Robins, *Causal Inference: What If*, 2020,
//! chapter 13).

mod copies;
mod polynomial;
mod regression;

use super::distributions::{Distribution, Empirical};
use super::estimate::{Evaluator, Setting};
use super::judge::Data;
use super::{Known, Source, Verdict};
use crate::causal::counterfactual::{self as ctf, Copy, CopyValue, Setting as WorldSetting, Value, World};
use crate::causal::identify::{Effect, Estimand};
use crate::data::{Schema, Table};
use crate::model::{Model, VarId};
use crate::seed;
use copies::Copied;
use rand_distr::{Distribution as _, Gamma};
use regression::Regression;
use std::collections::{BTreeMap, BTreeSet};

/// From so many rows on the error is that of separate parts of them, else that of resampled rows.
const MANY_ROWS: usize = 20_000;
/// Parts, and resamples.
const TIMES: usize = 20;

/// A probability or a mean, all values known.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The variables asked for, each in its world.
    pub outcome: Vec<(VarId, World)>,
    /// Their codes; `None` for the mean of the only one.
    pub codes: Option<Vec<u32>>,
    /// The variables that are known, with their codes.
    pub evidence: Vec<(VarId, World, u32)>,
}

/// How a number was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// With the relative frequencies of the rows.
    Frequencies,
    /// With least squares.
    LeastSquares,
}

/// The formulas of questions, and the rows they are computed on.
pub struct Plugin<'a> {
    model: &'a Model,
    data: Data<'a>,
    tables: &'a [Table],
}

/// A formula over copies of variables, each with its value, from these data sets.
struct Formula {
    estimand: Estimand,
    copies: Vec<Copy>,
    sources: Vec<Source>,
    /// The copies of what is asked.
    outcome: Vec<usize>,
    /// The variables that are set.
    set: BTreeSet<VarId>,
}

/// A question with its formulas: one, or for the mean of a discrete variable in several worlds one for each value.
pub struct Solved {
    /// With what each counts.
    parts: Vec<(f64, Option<Formula>)>,
    mean: bool,
}

impl<'a> Plugin<'a> {
    /// The questions of `model` are answered from `tables`; `schemas[i]` and `tables[i]` belong to `model.regimes[i]`.
    pub fn new(model: &'a Model, schemas: &[Schema], tables: &'a [Table]) -> Self {
        Self { model, data: Data::of(model, schemas, Known::Declared), tables }
    }

    /// The formulas of a question; `None` where there is none.
    pub fn solve(&self, question: &Question) -> Option<Solved> {
        let one = |codes: Option<Vec<u32>>| self.formula(&Question { codes, ..question.clone() });
        let discrete = question.outcome.iter().all(|(v, _)| self.model.card(*v).is_some());
        if question.codes.is_some() || !discrete {
            let formula = one(question.codes.clone())?;
            return Some(Solved { parts: vec![(1.0, formula)], mean: question.codes.is_none() });
        }
        let [(variable, _)] = question.outcome[..] else { return None };
        let domain = self.model.domain(variable)?;
        let part = |code: u32| Some((domain.number(code)?, one(Some(vec![code]))?));
        let parts = (0..domain.cardinality()? as u32).filter(|code| domain.number(*code) != Some(0.0)).map(part);
        Some(Solved { parts: parts.collect::<Option<_>>()?, mean: false })
    }

    /// The formula of one event; inside, nothing where the event cannot be.
    fn formula(&self, question: &Question) -> Option<Option<Formula>> {
        match self.one_world(question) {
            Some((effect, set)) => self.effect(question, &effect, &set).map(Some),
            None => self.events(question),
        }
    }

    /// The effect and the values of what is set and known, where there is only one world.
    fn one_world(&self, question: &Question) -> Option<(Effect, Setting)> {
        let mut worlds = question.outcome.iter().map(|o| &o.1).chain(question.evidence.iter().map(|e| &e.1));
        let world = worlds.next()?;
        if !worlds.all(|other| other == world) {
            return None;
        }
        let code = |(&v, setting): (&VarId, &WorldSetting)| match setting {
            WorldSetting::Value(Value::Code(code)) => Some((v, *code)),
            _ => None,
        };
        let set: Setting = world.iter().map(code).collect::<Option<_>>()?;
        let evidence = question.evidence.iter();
        let effect = Effect {
            outcome: question.outcome.iter().map(|o| o.0).collect(),
            interventions: set.keys().copied().collect(),
            evidence: evidence.clone().map(|e| e.0).collect(),
        };
        let apart = |v: &VarId| !set.contains_key(v) && !effect.evidence.contains(v);
        let fine = effect.outcome.iter().all(apart) && effect.evidence.iter().all(|v| !set.contains_key(v));
        fine.then_some((effect, set))
    }

    fn effect(&self, question: &Question, effect: &Effect, set: &Setting) -> Option<Formula> {
        let (Verdict::Identified(found), sets) = self.data.at(effect, set) else { return None };
        let mut known = set.clone();
        known.extend(question.evidence.iter().map(|e| (e.0, e.2)));
        if let Some(codes) = &question.codes {
            known.extend(effect.outcome.iter().copied().zip(codes.iter().copied()));
        }
        let value = |v: VarId| match known.get(&v) {
            Some(code) => CopyValue::Code(*code),
            None if effect.outcome.contains(&v) => CopyValue::Any(0),
            None => CopyValue::Idle,
        };
        let copies = (0..self.model.variables.len()).map(|v| Copy { variable: v, value: value(v) });
        Some(Formula {
            estimand: found.estimand,
            copies: copies.collect(),
            sources: sets.into_iter().map(|s| s.source).collect(),
            outcome: effect.outcome.clone(),
            set: set.keys().copied().collect(),
        })
    }

    /// The formula of events in several worlds.
    fn events(&self, question: &Question) -> Option<Option<Formula>> {
        let outcome = question.outcome.iter().enumerate().map(|(at, (variable, world))| ctf::Event {
            variable: *variable,
            world: world.clone(),
            value: question.codes.as_ref().map_or(Value::Any(at), |codes| Value::Code(codes[at])),
        });
        let evidence = question.evidence.iter().map(|(variable, world, code)| ctf::Event {
            variable: *variable,
            world: world.clone(),
            value: Value::Code(*code),
        });
        let query = ctf::Query { outcome: outcome.collect(), evidence: evidence.collect() };
        let found = match self.data.answer(&query)? {
            ctf::Verdict::Identified(found) => found.formula,
            ctf::Verdict::Zero(_) => return Some(None),
            _ => return None,
        };
        let asked = |copy: &Copy| matches!(copy.value, CopyValue::Any(_));
        let mut set = BTreeSet::new();
        query.outcome.iter().chain(&query.evidence).for_each(|e| set.extend(e.world.keys().copied()));
        Some(Some(Formula {
            outcome: (0..found.copies.len()).filter(|&at| asked(&found.copies[at])).collect(),
            estimand: found.estimand,
            copies: found.copies,
            sources: self.data.sets.iter().map(|s| s.source.clone()).collect(),
            set,
        }))
    }

    /// The number that `questions` with their factors add up to, `constant` included, half the width of its 90 % interval, and how
    /// it was found; `None` where one of them has none.
    pub fn value(&self, questions: &[(f64, &Solved)], constant: f64) -> Option<(f64, Option<f64>, How)> {
        let whole = self.weighted(&|_, weight| weight);
        let (value, how) = self.sum(questions, &whole)?;
        let rows: usize = self.tables.iter().map(|t| t.rows).sum();
        let parts = rows > MANY_ROWS;
        let again = |time: usize| {
            let mut rng = seed::stream(TIMES as u64, &format!("plugin/{time}"));
            let counts = whole.iter().flatten().all(|w| w.fract() == 0.0);
            let tables = match parts {
                true => self.weighted(&|row, weight| if row % TIMES == time { weight } else { 0.0 }),
                // The Bayesian bootstrap (Rubin 1981); a row that counts `n` times is `n` rows.
                false => whole
                    .iter()
                    .map(|weights| {
                        let mut draw = |&w: &f64| match Gamma::new(if counts { w } else { 1.0 }, 1.0) {
                            Ok(gamma) if w > 0.0 => gamma.sample(&mut rng) * if counts { 1.0 } else { w },
                            _ => 0.0,
                        };
                        weights.iter().map(&mut draw).collect()
                    })
                    .collect(),
            };
            Some(self.sum(questions, &tables)?.0)
        };
        let others: Option<Vec<f64>> = (0..TIMES).map(again).collect();
        let half = others.map(|others| {
            let mean = others.iter().sum::<f64>() / TIMES as f64;
            let variance = others.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (TIMES - 1) as f64;
            // The 95 % point of Student's t with 19 degrees of freedom; parts have a share of the rows each.
            1.729 * (variance / if parts { TIMES as f64 } else { 1.0 }).sqrt()
        });
        Some((value + constant, half, how))
    }

    /// Per data set the weights of its rows.
    fn weighted(&self, weight: &dyn Fn(usize, f64) -> f64) -> Vec<Vec<f64>> {
        self.tables.iter().map(|t| (0..t.rows).map(|row| weight(row, t.weight(row).max(0.0))).collect()).collect()
    }

    fn sum(&self, questions: &[(f64, &Solved)], weights: &[Vec<f64>]) -> Option<(f64, How)> {
        let (mut sum, mut how) = (0.0, How::Frequencies);
        let mut distributions = None;
        let mut regression = Regression::new(self.model, self.tables, weights);
        for (factor, solved) in questions {
            for (score, formula) in &solved.parts {
                let Some(formula) = formula else { continue };
                let part = if self.is_discrete(formula) {
                    let distributions = distributions.get_or_insert_with(|| self.distributions(weights));
                    self.frequency(formula, distributions)?
                } else {
                    how = How::LeastSquares;
                    regression.value(formula, solved.mean)?
                };
                sum += factor * score * part;
            }
        }
        Some((sum, how))
    }

    fn is_discrete(&self, formula: &Formula) -> bool {
        let mut all = true;
        formula.estimand.mentions(&mut |at| all &= self.model.card(formula.copies[at].variable).is_some());
        all
    }

    fn distributions(&self, weights: &[Vec<f64>]) -> Vec<Distribution> {
        let reweighted =
            |(table, weights): (&Table, &Vec<f64>)| Table { weights: Some(weights.clone()), ..table.clone() };
        let tables: Vec<Table> = self.tables.iter().zip(weights).map(reweighted).collect();
        super::distributions(self.model, &tables)
    }

    /// The formula with relative frequencies; `None` where it is undefined.
    fn frequency(&self, formula: &Formula, distributions: &[Distribution]) -> Option<f64> {
        let empirical = Empirical { model: self.model, distributions };
        let copied = Copied { inner: &empirical, copies: &formula.copies };
        let card = |at: usize| self.model.card(formula.copies.get(at)?.variable);
        let evaluator = Evaluator { weights: &copied, sources: &formula.sources, card: &card };
        let mut at: Setting = BTreeMap::new();
        for place in formula.estimand.free_variables() {
            let code = match formula.copies[place].value {
                CopyValue::Code(code) => code,
                _ => *super::estimate::Weights::by_frequency(&copied, place).first()?,
            };
            at.insert(place, code);
        }
        let found = evaluator.value(&formula.estimand, &at).ok()?;
        let undefined = found.undefined.is_some_and(|u| u.total() > 0.0);
        (!undefined).then(|| found.values.total())
    }
}
