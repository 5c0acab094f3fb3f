//! Pictures that a question sets or knows, `P(D | I = "seven.png")`.
//!
//! The children of an image read its picture. As evidence on the image's own causes it has no density to weigh rows with, since a
//! generator's noise has fewer numbers than a picture has pixels; what it says of the image's parents is the [`Ratio`].
//! Where it says nothing of the outcome but by the image's children, it counts as set (rule 2 of do-calculus: Pearl 1995,
//! doi:10.1093/biomet/82.4.669) and needs none.

use super::cases::asked;
use super::ratio::Ratio;
use super::{Asked, Runtime};
use crate::causal::counterfactual::World;
use crate::causal::m_separated;
use crate::model::{CounterfactualTerm, Domain, Event, Model, Query, QueryKind, VarId};
use crate::nets::column::{Column, Pixels};
use candle_core::Result;
use std::collections::{BTreeMap, BTreeSet};

/// Settings of a question that are looked at.
const MAX_CASES: usize = 1_000;
/// More joint values of an image's parents than this are not told apart.
const MAX_CELLS: usize = 512;

/// The pictures of a model's questions, by their codes.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    known: BTreeMap<u32, Known>,
}

#[derive(Clone, Debug)]
struct Known {
    pixels: Pixels,
    /// What it says of each joint value of the image's parents, as logarithms of relative probabilities.
    logs: Option<Vec<f64>>,
}

/// Why a picture is no evidence that rows can be weighed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The image.
    pub variable: VarId,
    /// A clause that says why.
    pub why: String,
    /// What to do instead.
    pub help: String,
}

impl Pictures {
    /// Adds the picture with this code, of bytes `[channels, height, width]`.
    pub fn add(&mut self, code: u32, shape: [usize; 3], bytes: &[u8]) {
        let values = bytes.iter().map(|&byte| crate::data::scaled(byte)).collect();
        self.known.insert(code, Known { pixels: Pixels { shape, values }, logs: None });
    }

    /// Looks at the picture with this code.
    ///
    /// # Errors
    /// Candle's.
    pub fn weigh(&mut self, code: u32, ratio: &Ratio) -> Result<()> {
        if let Some(known) = self.known.get_mut(&code) {
            known.logs = Some(ratio.logs(&known.pixels)?);
        }
        Ok(())
    }

    /// The column of one picture in `rows` rows.
    pub(super) fn column(&self, code: u32, rows: usize) -> Option<Column> {
        self.known.get(&code).map(|known| Column::Still(known.pixels.clone(), rows))
    }

    /// What the picture says of each row's values of its parents, which have `cards` values.
    pub(super) fn weights(&self, code: u32, parents: &[&Column], cards: &[usize], rows: usize) -> Option<Vec<f64>> {
        let logs = self.known.get(&code)?.logs.as_ref()?;
        let parents: Vec<&[u32]> = parents.iter().map(|column| column.codes()).collect::<Option<_>>()?;
        let cell =
            |row: usize| parents.iter().zip(cards).fold(0, |cell, (codes, card)| cell * card + codes[row] as usize);
        (0..rows).map(|row| logs.get(cell(row)).copied()).collect()
    }
}

impl Runtime<'_> {
    /// The pictures by which the answer to `query` weighs rows, with their codes.
    ///
    /// # Errors
    /// [`Refused`] for one that rows cannot be weighed by.
    pub fn weighed(&self, query: &Query) -> std::result::Result<BTreeSet<(VarId, u32)>, Refused> {
        let terms: Vec<CounterfactualTerm> = match &query.kind {
            QueryKind::Distribution(term) => vec![term.into()],
            QueryKind::Expectation { terms, .. } => terms.iter().map(|(_, term)| term.into()).collect(),
            QueryKind::Counterfactual { terms, .. } => terms.iter().map(|(_, term)| term.clone()).collect(),
            QueryKind::Samples { term, .. } => vec![term.clone()],
        };
        let mut found = BTreeSet::new();
        // The first value of what is known in the actual world.
        let first = |e: &Event| (e.variable, World::new(), 0);
        let image = |v: VarId| self.model.domain(v).is_some_and(Domain::is_image);
        for term in terms.iter().filter(|term| term.evidence.iter().any(|e| image(e.variable))) {
            // Of very many settings one must do.
            let cases = self.cases(&[term], 1.0).unwrap_or_else(|_| vec![vec![]]);
            for case in cases.iter().take(MAX_CASES) {
                let mut asked = asked(term, case);
                asked.evidence.extend(term.evidence.iter().filter(|e| case.is_empty() && e.value.is_none()).map(first));
                found.extend(self.weighed_in(&asked)?);
            }
        }
        Ok(found)
    }

    fn weighed_in(&self, asked: &Asked) -> std::result::Result<Vec<(VarId, u32)>, Refused> {
        let Some(twin) = exchanged(self.model, asked).twin(self.model) else { return Ok(vec![]) };
        let mut found = vec![];
        for group in twin.groups() {
            let variable = twin.copies[group.start].variable;
            let codes: Vec<u32> = group.clone().filter_map(|at| twin.copies[at].known).collect();
            if codes.is_empty() || !self.model.domain(variable).is_some_and(Domain::is_image) {
                continue;
            }
            if group.len() > 1 {
                return Err(refused(
                    self.model,
                    variable,
                    "is known in one world and drawn in another, with the same noise: which noise drew the picture is not found",
                    "ask of one world, or of worlds in which the image's causes are as they are where it is known",
                ));
            }
            can_be_weighed(self.model, variable)?;
            found.extend(codes.into_iter().map(|code| (variable, code)));
        }
        Ok(found)
    }
}

fn refused(model: &Model, variable: VarId, why: &str, help: &str) -> Refused {
    Refused { variable, why: format!("`{}` {why}", model.name(variable)), help: help.to_owned() }
}

/// Whether the causes of an image are what a [`Ratio`] tells apart.
fn can_be_weighed(model: &Model, variable: VarId) -> std::result::Result<(), Refused> {
    let parents = model.graph.parents(variable);
    if model.latents.iter().any(|latent| latent.children.contains(&variable)) {
        let help = "know the image's parents too, if that cuts it off from what is asked, or set it: `do(…)`";
        return Err(refused(
            model,
            variable,
            "has a hidden cause, of which a picture says something that is not computed",
            help,
        ));
    }
    if let Some(&other) = parents.iter().find(|&&p| model.card(p).is_none()) {
        let why = format!("has the cause `{}`, which is not discrete", model.name(other));
        let help = format!(
            "know `{}` too, if that cuts it off from what is asked, or set the image: `do(…)`",
            model.name(other)
        );
        return Err(refused(model, variable, &why, &help));
    }
    match parents.iter().filter_map(|&p| model.card(p)).fold(1usize, usize::saturating_mul) {
        0..=MAX_CELLS => Ok(()),
        cells => {
            let why = format!("has causes with {cells} joint values, and at most {MAX_CELLS} are told apart");
            Err(refused(model, variable, &why, "set the image instead: `do(…)`"))
        }
    }
}

/// Asked of one world, pictures that say something of the outcome through their children alone are set instead of known.
pub(super) fn exchanged(model: &Model, asked: &Asked) -> Asked {
    let Some(world) = asked.world() else { return asked.clone() };
    let mut set: Vec<(VarId, u32)> = world;
    let mut known: Vec<(VarId, u32)> = asked.evidence.iter().map(|&(v, _, code)| (v, code)).collect();
    let outcome: Vec<VarId> = asked.outcome.iter().map(|o| o.0).collect();
    let images: Vec<(VarId, u32)> =
        known.iter().copied().filter(|&(v, _)| model.domain(v).is_some_and(Domain::is_image)).collect();
    for image in images {
        let fixed: Vec<VarId> = set.iter().map(|s| s.0).collect();
        let others = known.iter().filter(|other| **other != image).map(|k| k.0);
        let given: Vec<VarId> = others.chain(fixed.iter().copied()).collect();
        let graph = model.graph.intervene(&fixed).without_edges_out_of(&[image.0]);
        if !fixed.contains(&image.0) && !outcome.contains(&image.0) && m_separated(&graph, &outcome, &[image.0], &given)
        {
            known.retain(|other| *other != image);
            set.push(image);
        }
    }
    // The outcome keeps its worlds where nothing changed.
    if known.len() == asked.evidence.len() { asked.clone() } else { Asked::in_one_world(&outcome, &set, &known) }
}
