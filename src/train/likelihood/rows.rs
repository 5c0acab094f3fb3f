//! The rows that teach a module: per set of variables whose likelihood is taken together, the distinct
//! rows, and how each data set's rows fall on them.

use super::layout::gamma;
use super::pictures::Pictures;
use crate::data::Table;
use crate::model::{Domain, Model, VarId};
use crate::nets::real::Scale;
use crate::nets::table::TableMechanism;
use crate::plan::Module;
use crate::seed;
use crate::train::scales::scales;
use indexmap::IndexMap;
use rand::seq::SliceRandom;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The data of a module.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// The likelihood is the product of these terms.
    pub terms: Vec<Term>,
    /// The data sets, each once.
    pub sets: Vec<Set>,
    /// The images of image parents.
    pub pictures: Pictures,
    /// The scales of real variables.
    pub reals: BTreeMap<VarId, Scale>,
}

/// Mechanisms joined by shared hidden causes, and the distinct rows of their variables and parents.
#[derive(Clone, Debug)]
pub(super) struct Term {
    /// The mechanisms, ascending.
    pub mechanisms: Vec<usize>,
    /// Their variables and parents, ascending.
    columns: Vec<VarId>,
    /// The distinct rows over `columns`, row-major; the code of an image is its number in [`Rows::pictures`],
    /// that of a real number its bits.
    codes: Vec<u32>,
}

/// One data set.
#[derive(Clone, Debug)]
pub(super) struct Set {
    name: String,
    /// Each row's weight.
    weights: Vec<f64>,
    /// Whether the weights are whole numbers: counts of equal rows.
    counts: bool,
    /// Terms that the rows belong to, with the distinct row of each row.
    places: Vec<(usize, Vec<u32>)>,
}

/// A weight per distinct row, for each term.
pub(super) type Weights = Vec<Vec<f64>>;

impl Term {
    /// The number of distinct rows.
    pub fn rows(&self) -> usize {
        self.codes.len() / self.columns.len().max(1)
    }

    /// The code of `variable`, one of the term's columns, in a distinct row.
    pub fn code(&self, row: usize, variable: VarId) -> usize {
        let place = self.columns.binary_search(&variable).unwrap_or(0);
        self.codes[row * self.columns.len() + place] as usize
    }

    /// The cell `[parents…, value]` of a mechanism's table in a distinct row.
    pub fn cell(&self, row: usize, m: &TableMechanism) -> usize {
        let parents = m.parents.iter().zip(&m.parent_cards);
        let cell = parents.fold(0, |cell, (&p, &card)| cell * card + self.code(row, p));
        cell * m.card + self.code(row, m.variable)
    }
}

impl Rows {
    /// Pools the rows of the module's tasks. A task's variables fall apart into sets joined by hidden
    /// causes; equal sets of different tasks share a term.
    ///
    /// # Errors
    /// A sentence, where a task names data, variables or columns that are not there.
    pub fn new(
        model: &Model,
        module: &Module,
        tables: &[Table],
        mechanisms: &[TableMechanism],
    ) -> Result<Self, String> {
        let mut builders: IndexMap<Vec<usize>, IndexMap<Vec<u32>, u32>> = IndexMap::new();
        let mut sets: BTreeMap<String, Set> = BTreeMap::new();
        let mut pictures = Pictures::default();
        for task in &module.tasks {
            let table =
                tables.iter().find(|t| t.name == task.data).ok_or_else(|| format!("no data set {}", task.data))?;
            let taught = taught(model, &task.teaches, mechanisms)?;
            for group in joined(mechanisms, &taught) {
                let at = builders.entry(group.clone()).or_default();
                let places = place_rows((model, table), &columns(&group, mechanisms), &mut pictures, at)?;
                let term = builders.get_index_of(&group).unwrap_or(0);
                sets.entry(task.data.clone()).or_insert_with(|| Set::new(table)).places.push((term, places));
            }
        }
        let terms = builders
            .into_iter()
            .map(|(places, rows)| Term {
                columns: columns(&places, mechanisms),
                mechanisms: places,
                codes: rows.into_keys().flatten().collect(),
            })
            .collect();
        let all: Vec<usize> = (0..mechanisms.len()).collect();
        let reals = scales(model, module, tables, columns(&all, mechanisms));
        Ok(Self { terms, sets: sets.into_values().collect(), pictures, reals })
    }

    /// The weights of the rows as they are.
    pub fn weights(&self) -> Weights {
        self.collect(|set| set.weights.clone())
    }

    /// The weight of all rows of all data sets.
    pub fn total_weight(&self) -> f64 {
        self.sets.iter().flat_map(|s| &s.weights).sum()
    }

    /// The rows' weights in the Bayesian bootstrap (Rubin 1981, doi:10.1214/aos/1176345338): each row
    /// is weighted by a draw from the exponential distribution, a row that counts `n` times by one from
    /// gamma(n). The draws depend on `seed`, the data set and the replicate only.
    pub fn resampled(&self, seed: u64, replicate: usize) -> Weights {
        self.collect(|set| set.resampled(seed, replicate))
    }

    /// The rows split at random into `folds` equal parts: per part the weights without it, and its own.
    pub fn folds(&self, seed: u64, folds: usize) -> Vec<(Weights, Weights)> {
        let parts: Vec<Vec<Vec<f64>>> = self.sets.iter().map(|set| set.folds(seed, folds)).collect();
        let part = |fold: usize| {
            let mut at = 0;
            self.collect(|_| {
                at += 1;
                parts[at - 1][fold].clone()
            })
        };
        let whole = self.weights();
        (0..folds)
            .map(|fold| {
                let held_out = part(fold);
                let minus = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| (a - b).max(0.0)).collect();
                (whole.iter().zip(&held_out).map(minus).collect(), held_out)
            })
            .collect()
    }

    fn collect(&self, mut weights: impl FnMut(&Set) -> Vec<f64>) -> Weights {
        let mut sums: Weights = self.terms.iter().map(|t| vec![0.0; t.rows()]).collect();
        for set in &self.sets {
            let weights = weights(set);
            for (term, places) in &set.places {
                places.iter().zip(&weights).for_each(|(&at, w)| sums[*term][at as usize] += w);
            }
        }
        sums
    }
}

impl Set {
    fn new(table: &Table) -> Self {
        let weights: Vec<f64> = (0..table.rows).map(|row| table.weight(row).max(0.0)).collect();
        let counts = weights.iter().all(|w| w.fract() == 0.0);
        Self { name: table.name.clone(), weights, counts, places: vec![] }
    }

    fn resampled(&self, seed: u64, replicate: usize) -> Vec<f64> {
        let mut rng = seed::stream(seed, &format!("bootstrap/{}/{replicate}", self.name));
        let draw = |&w: &f64| if self.counts { gamma(w, &mut rng) } else { w * gamma(1.0, &mut rng) };
        let mut drawn: Vec<f64> = self.weights.iter().map(draw).collect();
        let (before, after) = (self.weights.iter().sum::<f64>(), drawn.iter().sum::<f64>());
        if after > 0.0 {
            drawn.iter_mut().for_each(|w| *w *= before / after);
        }
        drawn
    }

    fn folds(&self, seed: u64, folds: usize) -> Vec<Vec<f64>> {
        let mut rng = seed::stream(seed, &format!("folds/{}", self.name));
        let mut parts = vec![vec![0.0; self.weights.len()]; folds];
        let mut order: Vec<usize> = (0..folds).collect();
        order.shuffle(&mut rng);
        let mut next = 0;
        for (row, &weight) in self.weights.iter().enumerate() {
            // A row that counts many times is dealt out like that many rows.
            let each = if self.counts { (weight / folds as f64).floor() } else { 0.0 };
            parts.iter_mut().for_each(|part| part[row] += each);
            let mut left = weight - each * folds as f64;
            while left > 0.0 {
                let share = if self.counts { 1.0 } else { left };
                parts[order[next]][row] += share;
                left -= share;
                next += 1;
                if next == folds {
                    order.shuffle(&mut rng);
                    next = 0;
                }
            }
        }
        parts
    }
}

fn taught(model: &Model, names: &[String], mechanisms: &[TableMechanism]) -> Result<Vec<usize>, String> {
    let place = |name: &String| {
        let variable = model.variables.get_index_of(name);
        let place = mechanisms.iter().position(|m| Some(m.variable) == variable);
        place.ok_or_else(|| format!("{name} is no variable of the module"))
    };
    let mut places = names.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    places.sort_unstable();
    Ok(places)
}

/// `places` split into sets of mechanisms that share hidden causes, directly or through others.
fn joined(mechanisms: &[TableMechanism], places: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = vec![];
    for &place in places {
        let shares = |other: usize| mechanisms[place].latents.iter().any(|l| mechanisms[other].latents.contains(l));
        let (mut touching, mut rest): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|g: &Vec<usize>| g.iter().any(|&o| shares(o)));
        touching.push(vec![place]);
        let mut group = touching.concat();
        group.sort_unstable();
        rest.push(group);
        groups = rest;
    }
    groups
}

/// The variables and parents of a group of mechanisms, ascending.
fn columns(group: &[usize], mechanisms: &[TableMechanism]) -> Vec<VarId> {
    let of = |&m: &usize| [mechanisms[m].variable].into_iter().chain(mechanisms[m].parents.iter().copied());
    group.iter().flat_map(of).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The place of each row of `table` among the `distinct` rows over `columns`, which grow.
fn place_rows(
    (model, table): (&Model, &Table),
    columns: &[VarId],
    pictures: &mut Pictures,
    distinct: &mut IndexMap<Vec<u32>, u32>,
) -> Result<Vec<u32>, String> {
    let mut all: Vec<Cow<[u32]>> = vec![];
    for &v in columns {
        all.push(match model.domain(v) {
            Some(Domain::Image(_)) => Cow::Owned(pictures.numbers(table, v)?),
            _ => table.codes(v).ok_or_else(|| format!("data set {} lacks a variable", table.name))?,
        });
        let inside = |&code: &u32| match model.domain(v) {
            Some(Domain::Image(_)) => true,
            domain => domain.is_some_and(|d| d.holds(code)),
        };
        let codes = all.last().map_or(&[][..], |codes| codes);
        if codes.len() != table.rows || !codes.iter().all(inside) {
            return Err(format!("data set {} has a value outside its domain", table.name));
        }
    }
    let mut key = vec![];
    let place = |row: usize| {
        key.clear();
        key.extend(all.iter().map(|codes| codes[row]));
        let next = distinct.len() as u32;
        match distinct.get(key.as_slice()) {
            Some(&place) => place,
            None => *distinct.entry(key.clone()).or_insert(next),
        }
    };
    Ok((0..table.rows).map(place).collect())
}
