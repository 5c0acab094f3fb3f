//! Answers of the ground truth: exact, but for the classes of images, whose tables are found by drawing.

use super::picture::{Estimated, Picture};
use super::{Kind, Node, Scm};
use crate::causal::counterfactual::{Setting, Value, World};
use crate::factor::{Factor, TooLarge, eliminate};
use crate::model::VarId;
use crate::seed;
use std::sync::Arc;

/// The largest table that exact answers may need on the way.
const MAX_CELLS: usize = 1 << 24;
/// Images drawn for the classes of an image variable, over all combinations of its causes.
const DRAWS: usize = 40_000;
/// At least as many for each combination.
const LEAST_DRAWS: usize = 400;
/// More combinations would take minutes.
const MAX_COMBINATIONS: usize = 500;
/// The draws are split into so many parts, whose spread gives the standard error.
const PARTS: usize = 20;
/// The seed of those draws: an answer is the same in every run.
const SEED: u64 = 40;

/// An answer of the ground truth.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthAnswer {
    /// The normalised table over the outcome (all zero where the evidence has no probability).
    pub table: Factor,
    /// The probability of the evidence.
    pub evidence: f64,
    /// The standard error of each cell, where the answer depends on drawn images; `None` if it is exact.
    pub standard_errors: Option<Vec<f64>>,
    /// The mean of a real outcome, whose table has one cell, and its standard error.
    pub mean: Option<(f64, f64)>,
}

/// Why the ground truth has no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum NoAnswer {
    /// A table on the way, or the number of images, would be too large.
    TooLarge(TooLarge),
    /// The probability of an image, or of a variable without an equation.
    NotDiscrete(VarId),
    /// Images come from a collection that was not given.
    NoCollection(String),
}

impl From<TooLarge> for NoAnswer {
    fn from(found: TooLarge) -> Self {
        Self::TooLarge(found)
    }
}

impl Scm {
    /// `P(outcome | do(interventions), evidence)` as a normalised table over `outcome` in its order, and the
    /// probability of the evidence (the table is all zero where that is zero). Exact, unless [`Scm::estimate`] has
    /// standard errors for it.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn answer(
        &self,
        outcome: &[VarId],
        interventions: &[(VarId, u32)],
        evidence: &[(VarId, u32)],
    ) -> Result<(Factor, f64), NoAnswer> {
        self.estimate(outcome, interventions, evidence).map(|found| (found.table, found.evidence))
    }

    /// The same, with standard errors where the answer runs through an image or a real number.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn estimate(
        &self,
        outcome: &[VarId],
        interventions: &[(VarId, u32)],
        evidence: &[(VarId, u32)],
    ) -> Result<TruthAnswer, NoAnswer> {
        let asked = outcome.iter().chain(evidence.iter().chain(interventions).map(|(v, _)| v));
        if let Some(&variable) = asked.into_iter().find(|&&v| !self.is_discrete(v)) {
            return Err(NoAnswer::NotDiscrete(variable));
        }
        let drawn = self.ancestors(outcome.iter().chain(evidence.iter().map(|(v, _)| v)), |node| {
            node.variable.is_some_and(|v| interventions.iter().any(|i| i.0 == v))
        });
        if self.has_drawn(&drawn) {
            let world: World = interventions.iter().map(|&(v, code)| (v, Setting::Value(Value::Code(code)))).collect();
            let outcome: Vec<(VarId, World)> = outcome.iter().map(|&v| (v, world.clone())).collect();
            let evidence: Vec<_> = evidence.iter().map(|&(v, code)| (v, world.clone(), code)).collect();
            return self.counterfactual(&outcome, &evidence);
        }
        let set = |node: &Node| node.variable.and_then(|v| interventions.iter().find(|i| i.0 == v)).map(|i| i.1);
        let relevant = self.ancestors(outcome.iter().chain(evidence.iter().map(|(v, _)| v)), |n| set(n).is_some());
        let (mut factors, mut estimated) = (vec![], vec![]);
        for (at, node) in self.nodes.iter().enumerate().filter(|&(at, _)| relevant[at]) {
            let card = node.values.len();
            match (&node.kind, set(node)) {
                (Kind::Image(picture), _) => estimated.extend(self.classes_of(at, picture)?),
                (Kind::Class(_) | Kind::Drawn, _) => {} // with its image; not among these
                (Kind::Table, Some(code)) => factors.push(Factor::one_hot(at, card, code as usize)),
                (Kind::Table, None) => {
                    let scope: Vec<usize> = node.parents.iter().copied().chain([at]).collect();
                    let cards = scope.iter().map(|&n| self.nodes[n].values.len()).collect();
                    factors.push(Factor::new(scope, cards, node.table.clone()));
                }
            }
        }
        // What is both asked and known keeps its place in the table.
        for &(v, code) in evidence.iter().filter(|(v, _)| outcome.contains(v)) {
            let node = self.of_variable[v];
            factors.push(Factor::one_hot(node, self.nodes[node].values.len(), code as usize));
        }
        let seen = |factor: Factor| {
            let told = evidence.iter().filter(|(v, _)| !outcome.contains(v));
            told.fold(factor, |f, &(v, code)| f.restrict(self.of_variable[v], code as usize))
        };
        let keep: Vec<usize> = outcome.iter().map(|&v| self.of_variable[v]).collect();
        let solve = |tables: Vec<&Factor>| -> Result<(Factor, f64), NoAnswer> {
            let all = factors.iter().chain(tables).cloned().map(seen).collect();
            let mut joint = eliminate(all, &keep, MAX_CELLS)?;
            joint.variables = outcome.to_vec();
            let probability = joint.total();
            Ok((joint.normalised(), probability))
        };
        let (table, probability) = solve(estimated.iter().map(|e| &e.table).collect())?;
        if estimated.is_empty() {
            return Ok(TruthAnswer { table, evidence: probability, standard_errors: None, mean: None });
        }
        let mut squares = vec![0.0; table.values.len()];
        for part in 0..PARTS {
            let (one, _) = solve(estimated.iter().map(|e| &e.parts[part]).collect())?;
            squares.iter_mut().zip(one.values.iter().zip(&table.values)).for_each(|(s, (a, b))| *s += (a - b).powi(2));
        }
        // The variance of a mean of so many parts.
        let error = |square: f64| (square / (PARTS * (PARTS - 1)) as f64).sqrt();
        let standard_errors = Some(squares.into_iter().map(error).collect());
        Ok(TruthAnswer { table, evidence: probability, standard_errors, mean: None })
    }

    fn is_discrete(&self, variable: VarId) -> bool {
        self.nodes.get(self.of_variable[variable]).is_some_and(|n| !matches!(n.kind, Kind::Image(_)))
    }

    /// `P(classes of the image | its causes)` over the nodes of both, from as many images for each combination of
    /// the causes; `None` if nothing depends on the image.
    fn classes_of(&self, image: usize, picture: &Picture) -> Result<Option<Arc<Estimated>>, NoAnswer> {
        let of_image = |&at: &usize| matches!(self.nodes[at].kind, Kind::Class(_)) && self.nodes[at].parents == [image];
        let classes: Vec<usize> = (0..self.nodes.len()).filter(of_image).collect();
        if classes.is_empty() {
            return Ok(None);
        }
        if let Some(found) = picture.classes.get() {
            return Ok(Some(Arc::clone(found)));
        }
        let causes = &self.nodes[image].parents;
        let card = |nodes: &[usize]| nodes.iter().map(|&n| self.nodes[n].values.len()).product::<usize>();
        let (combinations, cells) = (card(causes), card(&classes));
        if combinations > MAX_COMBINATIONS || combinations.saturating_mul(cells) > MAX_CELLS / PARTS {
            return Err(NoAnswer::TooLarge(TooLarge { cells: (combinations as f64) * (cells as f64) }));
        }
        let draws = (DRAWS / combinations).max(LEAST_DRAWS);
        let mut parts = vec![vec![0.0; combinations * cells]; PARTS];
        let unread = |_| NoAnswer::NoCollection(picture.mnist.as_ref().map(|m| m.0.clone()).unwrap_or_default());
        for combination in 0..combinations {
            let base = seed::derive(SEED, &format!("classes/{image}/{combination}"));
            for draw in 0..draws {
                let pixels = self.image(image, combination, base.wrapping_add(draw as u64)).map_err(unread)?;
                let mut cell = combination;
                for &at in &classes {
                    cell = cell * self.nodes[at].values.len() + self.class(at, &pixels).map_err(unread)? as usize;
                }
                parts[draw % PARTS][cell] += 1.0;
            }
        }
        let scope: Vec<usize> = causes.iter().chain(&classes).copied().collect();
        let cards: Vec<usize> = scope.iter().map(|&n| self.nodes[n].values.len()).collect();
        let table = |counts: &[f64]| {
            let rows = counts.chunks_exact(cells).flat_map(|row| {
                let total: f64 = row.iter().sum();
                row.iter().map(move |n| n / total)
            });
            Factor::new(scope.clone(), cards.clone(), rows.collect())
        };
        let all: Vec<f64> = (0..combinations * cells).map(|at| parts.iter().map(|p| p[at]).sum()).collect();
        let found = Estimated { table: table(&all), parts: parts.iter().map(|p| table(p)).collect() };
        Ok(Some(Arc::clone(picture.classes.get_or_init(|| Arc::new(found)))))
    }

    /// Which nodes are ancestors of `variables`, not looking above nodes that `stop`.
    fn ancestors<'a>(&self, variables: impl Iterator<Item = &'a VarId>, stop: impl Fn(&Node) -> bool) -> Vec<bool> {
        let mut relevant = vec![false; self.nodes.len()];
        variables.for_each(|&v| relevant[self.of_variable[v]] = true);
        for (at, node) in self.nodes.iter().enumerate().rev() {
            if relevant[at] && !stop(node) {
                node.parents.iter().for_each(|&p| relevant[p] = true);
            }
        }
        relevant
    }
}
