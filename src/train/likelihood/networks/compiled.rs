//! The rows of a term as its networks take them.

use super::super::elimination::Elimination;
use super::super::layout::Layout;
use super::super::pictures::Pictures;
use super::super::rows::{Rows, Term};
use crate::model::VarId;
use crate::nets::conditional::encode;
use crate::nets::image::ImageSize;
use crate::nets::ops::device;
use crate::nets::real::Scale;
use crate::nets::table::TableMechanism;
use candle_core::{Result, Tensor};
use indexmap::IndexSet;
use std::collections::BTreeMap;

/// A term ready for its networks.
pub(super) struct Compiled<'a> {
    pub term: &'a Term,
    pictures: &'a Pictures,
    reals: &'a BTreeMap<VarId, Scale>,
    pub elimination: Elimination,
    /// The numbers of values of the inputs of each mechanism of the term: parents (0 for images), then latents.
    cards: Vec<Vec<usize>>,
    /// Per mechanism of the term and distinct row the number of what its parents are there.
    groups: Vec<Vec<usize>>,
}

/// What a mechanism's parents are in a batch, each combination once: a network sees equal inputs a single time.
pub(super) struct Inputs {
    /// One row for each combination.
    pub rows: Vec<usize>,
    /// Per row of the batch the place of its combination among `rows`.
    pub places: Vec<usize>,
}

impl<'a> Compiled<'a> {
    /// The term of these `rows`.
    pub fn new(layout: &Layout, rows: &'a Rows, term: &'a Term) -> Self {
        let cards = |&m: &usize| {
            let m = &layout.mechanisms[m];
            m.parent_cards.iter().copied().chain(m.latents.iter().map(|&l| layout.latents[l].levels)).collect()
        };
        let elimination = Elimination::new(layout, &term.mechanisms);
        let cards = term.mechanisms.iter().map(cards).collect();
        let groups = term.mechanisms.iter().map(|&m| groups(term, &layout.mechanisms[m])).collect();
        Self { term, pictures: &rows.pictures, reals: &rows.reals, elimination, cards, groups }
    }

    /// The inputs of a mechanism, by its place in the term, in a batch of distinct rows. Pictures make nearly all of them different.
    pub fn inputs(&self, place: usize, rows: &[usize]) -> Inputs {
        if !self.pictures.is_empty() {
            return Inputs { rows: rows.to_vec(), places: (0..rows.len()).collect() };
        }
        let groups = &self.groups[place];
        let (mut found, mut first) = (IndexSet::new(), vec![]);
        let of = |&row: &usize| {
            let (at, new) = found.insert_full(groups[row]);
            if new {
                first.push(row);
            }
            at
        };
        let places = rows.iter().map(of).collect();
        Inputs { rows: first, places }
    }

    /// Whether `variable` is real.
    pub fn is_real(&self, variable: VarId) -> bool {
        self.reals.contains_key(&variable)
    }

    /// The standardised number of a real variable in a distinct row.
    pub fn number(&self, row: usize, variable: VarId) -> f64 {
        let value = f32::from_bits(self.term.code(row, variable) as u32);
        self.reals.get(&variable).map_or(0.0, |scale| scale.inward(value))
    }

    /// Appends the codes and numbers of a mechanism's parents in a distinct row.
    pub fn known(&self, m: &TableMechanism, row: usize, into: &mut Vec<f32>) {
        for (&parent, &card) in m.parents.iter().zip(&m.parent_cards) {
            match self.is_real(parent) {
                true => into.push(self.number(row, parent) as f32),
                false => encode(&[card], [self.term.code(row, parent)].into_iter(), into),
            }
        }
    }

    /// The codes and numbers `[rows · states, …]` that a mechanism takes, by its place in the term.
    pub fn codes(&self, layout: &Layout, place: usize, rows: &[usize]) -> Result<Tensor> {
        let mechanism = self.term.mechanisms[place];
        let m = &layout.mechanisms[mechanism];
        let cards = &self.cards[place];
        let (_, latents) = cards.split_at(m.parents.len());
        let states = layout.states[mechanism];
        let width = cards.iter().sum::<usize>();
        let mut x = Vec::with_capacity(rows.len() * states * width);
        let mut known = vec![];
        for &row in rows {
            known.clear();
            self.known(m, row, &mut known);
            for state in 0..states {
                x.extend_from_slice(&known);
                let mut inner = states;
                let digits = latents.iter().map(|&card| {
                    inner /= card;
                    state / inner % card
                });
                encode(latents, digits, &mut x);
            }
        }
        Tensor::from_vec(x, (rows.len() * states, width), &device())
    }

    /// The images `[rows, …]` that a mechanism takes.
    pub fn images(&self, m: &TableMechanism, rows: &[usize]) -> Result<Vec<Tensor>> {
        let images = m.parents.iter().zip(&m.parent_cards).filter(|(_, card)| **card == 0);
        let batch = |(&parent, _): (&VarId, _)| {
            let numbers: Vec<usize> = rows.iter().map(|&row| self.term.code(row, parent)).collect();
            self.pictures.batch(parent, &numbers)
        };
        images.map(batch).collect()
    }

    /// The sizes of the images that a mechanism takes.
    pub fn sizes(&self, m: &TableMechanism) -> Vec<ImageSize> {
        m.parents.iter().filter_map(|&parent| self.pictures.size(parent)).collect()
    }
}

/// Per distinct row the number of its combination of a mechanism's parents. Images are not compared: their noise in
/// training differs from row to row.
fn groups(term: &Term, m: &TableMechanism) -> Vec<usize> {
    if m.images() > 0 {
        return (0..term.rows()).collect();
    }
    let mut found: IndexSet<Vec<usize>> = IndexSet::new();
    (0..term.rows()).map(|row| found.insert_full(m.parents.iter().map(|&p| term.code(row, p)).collect()).0).collect()
}
