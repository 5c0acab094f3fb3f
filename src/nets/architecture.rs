//! The part of a module file's header that modules of tables and of conditionals share.

use super::file::{FileError, ModuleFile, ModuleHeader};
use super::image::Classifier;
use super::real::Scale;
use super::table::{TableLatent, TableMechanism};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Latents and mechanisms of a module; variables are places in the header's list.
#[derive(Serialize, Deserialize)]
pub(super) struct Architecture {
    /// Per latent its number in the model and its number of values.
    latents: Vec<(usize, usize)>,
    mechanisms: Vec<Shape>,
    /// The number of members.
    pub members: usize,
    /// The number of replicates.
    pub replicates: usize,
    /// The widths of hidden layers, where there are networks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<usize>,
    /// Per mechanism the encoder of its image parents, where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encoders: Vec<Option<Classifier>>,
    /// The scales of real variables, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    reals: BTreeMap<String, Scale>,
}

#[derive(Serialize, Deserialize)]
struct Shape {
    variable: usize,
    card: usize,
    parents: Vec<usize>,
    parent_cards: Vec<usize>,
    latents: Vec<usize>,
}

impl Architecture {
    /// The header of a module of this `kind`. `names` are the model's variables by number, `inputs` the
    /// digest of what the module was trained from, `(members, replicates)` their numbers, `(hidden, encoders, reals)` say
    /// what networks look like.
    pub fn header(
        kind: &str,
        (latents, mechanisms): (&[TableLatent], &[TableMechanism]),
        (members, replicates): (usize, usize),
        (hidden, encoders, reals): (&[usize], &[Option<Classifier>], &BTreeMap<usize, Scale>),
        names: &[String],
        inputs: &str,
    ) -> ModuleHeader {
        let mut used: Vec<usize> =
            mechanisms.iter().flat_map(|m| m.parents.iter().copied().chain([m.variable])).collect();
        used.sort_unstable();
        used.dedup();
        let place = |v: usize| used.binary_search(&v).unwrap_or(0);
        let shape = |m: &TableMechanism| Shape {
            variable: place(m.variable),
            card: m.card,
            parents: m.parents.iter().map(|&p| place(p)).collect(),
            parent_cards: m.parent_cards.clone(),
            latents: m.latents.clone(),
        };
        let architecture = Self {
            latents: latents.iter().map(|l| (l.latent, l.levels)).collect(),
            mechanisms: mechanisms.iter().map(shape).collect(),
            members,
            replicates,
            hidden: hidden.to_vec(),
            encoders: encoders.to_vec(),
            reals: reals.iter().map(|(&v, scale)| (names[v].clone(), *scale)).collect(),
        };
        ModuleHeader {
            kind: kind.into(),
            variables: used.iter().map(|&v| names[v].clone()).collect(),
            architecture: serde_json::json!(architecture),
            inputs: inputs.into(),
        }
    }

    /// The architecture of a file of this `kind`.
    ///
    /// # Errors
    /// [`FileError::Format`] where it is of another kind or cannot be read.
    pub fn of(file: &ModuleFile, kind: &str) -> Result<Self, FileError> {
        if file.header.kind != kind {
            return Err(FileError::Format(format!("a module of kind {}, not {kind}", file.header.kind)));
        }
        Self::deserialize(&file.header.architecture).map_err(|e| FileError::Format(e.to_string()))
    }

    /// The scales of real variables, numbered like `names`, the model's variables.
    ///
    /// # Errors
    /// [`FileError::Format`] where a variable is unknown or a scale makes no sense.
    pub fn reals(&self, names: &[String]) -> Result<BTreeMap<usize, Scale>, FileError> {
        let scale = |(name, scale): (&String, &Scale)| {
            let number = names.iter().position(|n| n == name).filter(|_| scale.is_sound());
            let wrong = || FileError::Format(format!("unknown variable {name}, or no scale for it"));
            Ok((number.ok_or_else(wrong)?, *scale))
        };
        self.reals.iter().map(scale).collect()
    }

    /// The module's latents.
    pub fn latents(&self) -> Vec<TableLatent> {
        self.latents.iter().map(|&(latent, levels)| TableLatent { latent, levels }).collect()
    }

    /// The module's mechanisms, their variables numbered like `names`, the model's variables.
    ///
    /// # Errors
    /// [`FileError::Format`] where a variable is unknown or a mechanism does not fit.
    pub fn mechanisms(&self, file: &ModuleFile, names: &[String]) -> Result<Vec<TableMechanism>, FileError> {
        let wrong = |message: String| FileError::Format(message);
        let number = |place: usize| {
            let name = file.header.variables.get(place).ok_or_else(|| wrong(format!("no variable {place}")))?;
            names.iter().position(|n| n == name).ok_or_else(|| wrong(format!("unknown variable {name}")))
        };
        let mechanism = |(at, shape): (usize, &Shape)| {
            let images = self.encoders.get(at).and_then(Option::as_ref).map_or(0, |encoder| encoder.pictures.len());
            let parents = shape.parents.iter().map(|&p| number(p)).collect::<Result<Vec<_>, _>>()?;
            let sound = shape.card > 0
                && shape.parent_cards.len() == parents.len()
                && shape.parent_cards.iter().filter(|&&card| card == 0).count() == images
                && parents.is_sorted_by(|a, b| a < b)
                && shape.latents.iter().all(|&l| l < self.latents.len());
            if !sound {
                return Err(wrong("a mechanism that does not fit the model".into()));
            }
            Ok(TableMechanism {
                variable: number(shape.variable)?,
                card: shape.card,
                parents,
                parent_cards: shape.parent_cards.clone(),
                latents: shape.latents.clone(),
            })
        };
        self.mechanisms.iter().enumerate().map(mechanism).collect()
    }
}
