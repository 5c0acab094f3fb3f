//! The rows of a term as its networks take them.

use super::super::elimination::Elimination;
use super::super::layout::Layout;
use super::super::pictures::Pictures;
use super::super::rows::{Rows, Term};
use crate::model::VarId;
use crate::nets::conditional::encode;
use crate::nets::image::ImageSize;
use crate::nets::ops::device;
use crate::nets::table::TableMechanism;
use candle_core::{Result, Tensor};

/// A term ready for its networks.
pub(super) struct Compiled<'a> {
    pub term: &'a Term,
    pictures: &'a Pictures,
    pub elimination: Elimination,
    /// The numbers of values of the inputs of each mechanism of the term: parents (0 for images), then latents.
    cards: Vec<Vec<usize>>,
}

impl<'a> Compiled<'a> {
    /// The term of these `rows`.
    pub fn new(layout: &Layout, rows: &'a Rows, term: &'a Term) -> Self {
        let cards = |&m: &usize| {
            let m = &layout.mechanisms[m];
            m.parent_cards.iter().copied().chain(m.latents.iter().map(|&l| layout.latents[l].levels)).collect()
        };
        let elimination = Elimination::new(layout, &term.mechanisms);
        Self { term, pictures: &rows.pictures, elimination, cards: term.mechanisms.iter().map(cards).collect() }
    }

    /// The codes `[rows · states, …]` that a mechanism takes, by its place in the term.
    pub fn codes(&self, layout: &Layout, place: usize, rows: &[usize]) -> Result<Tensor> {
        let mechanism = self.term.mechanisms[place];
        let m = &layout.mechanisms[mechanism];
        let cards = &self.cards[place];
        let (parents, latents) = cards.split_at(m.parents.len());
        let states = layout.states[mechanism];
        let width = cards.iter().sum::<usize>();
        let mut x = Vec::with_capacity(rows.len() * states * width);
        for &row in rows {
            for state in 0..states {
                encode(parents, m.parents.iter().map(|&p| self.term.code(row, p)), &mut x);
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
