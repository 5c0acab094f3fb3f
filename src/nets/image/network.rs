//! What the networks on pictures have in common: values of named parts, files, and their differentiable form.

use crate::nets::file::{FileError, ModuleFile, ModuleHeader, TensorData, Values};
use crate::nets::noise::normals;
use crate::nets::ops::{Moments, Parameter};
use candle_core::Result;
use rand::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// What a network looks like; what files keep of it beside its values.
pub trait Architecture: Clone + Serialize + DeserializeOwned {
    /// The `kind` of the network's files.
    const KIND: &'static str;

    /// Says what is wrong with sizes that no network can have.
    ///
    /// # Errors
    /// A sentence.
    fn check(&self) -> std::result::Result<(), String>;

    /// The network's tensors, in the order in which it uses them.
    fn parts(&self) -> Vec<Part>;
}

/// A tensor of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its name in files.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// What it is before training.
    pub start: Start,
    /// Whether training moves it; running statistics and constants are not trained.
    pub trained: bool,
}

/// What a tensor is before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// Normal numbers of this standard deviation.
    Normal(f32),
    /// All the same.
    Constant(f32),
}

impl Part {
    /// A trained tensor.
    pub(super) fn new(name: String, shape: &[usize], start: Start) -> Self {
        Self { name, shape: shape.to_vec(), start, trained: true }
    }

    /// Weights for leaky layers with `inputs` inputs (He et al. 2015).
    pub(super) fn weight(name: String, shape: &[usize], inputs: usize) -> Self {
        Self::new(name, shape, Start::Normal((2.0 / inputs.max(1) as f32).sqrt()))
    }

    fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A network with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<A> {
    /// What it looks like.
    pub architecture: A,
    /// The values of its parts, in their order, row-major.
    pub values: Vec<Vec<f32>>,
}

impl<A: Architecture> Network<A> {
    /// A network with random weights.
    ///
    /// # Errors
    /// A sentence, where the architecture cannot be.
    pub fn random(architecture: A, rng: &mut impl Rng) -> std::result::Result<Self, String> {
        architecture.check()?;
        let start = |part: Part| match part.start {
            Start::Normal(deviation) => normals(part.count(), rng).iter().map(|v| v * deviation).collect(),
            Start::Constant(value) => vec![value; part.count()],
        };
        Ok(Self { values: architecture.parts().into_iter().map(start).collect(), architecture })
    }

    /// The network as a file's contents; `variables` are the names of the variable it draws and of those it
    /// reads, `inputs` is the digest of everything it was trained from.
    pub fn to_file(&self, variables: &[String], inputs: &str) -> ModuleFile {
        let header = ModuleHeader {
            kind: A::KIND.to_owned(),
            variables: variables.to_vec(),
            architecture: serde_json::json!(self.architecture),
            inputs: inputs.to_owned(),
        };
        let mut tensors = BTreeMap::new();
        self.write("", &mut tensors);
        ModuleFile { header, tensors }
    }

    /// The network of a file.
    ///
    /// # Errors
    /// [`FileError::Format`] where the file is of another kind, says an architecture that cannot be, or its
    /// tensors do not fit the architecture or are not finite.
    pub fn from_file(file: &ModuleFile) -> std::result::Result<Self, FileError> {
        if file.header.kind != A::KIND {
            return Err(FileError::Format(format!("a module of kind {}, not {}", file.header.kind, A::KIND)));
        }
        let architecture = A::deserialize(&file.header.architecture)
            .map_err(|e| FileError::Format(format!("the architecture cannot be read: {e}")))?;
        Self::read(architecture, "", &file.tensors)
    }

    /// Adds the network's tensors to a file's, their names after `prefix`.
    pub fn write(&self, prefix: &str, tensors: &mut BTreeMap<String, TensorData>) {
        for (part, values) in self.architecture.parts().into_iter().zip(&self.values) {
            let data = TensorData { shape: part.shape, values: Values::F32(values.clone()) };
            tensors.insert(format!("{prefix}{}", part.name), data);
        }
    }

    /// The network of this architecture among a file's tensors, their names after `prefix`.
    ///
    /// # Errors
    /// As [`Self::from_file`].
    pub fn read(
        architecture: A,
        prefix: &str,
        tensors: &BTreeMap<String, TensorData>,
    ) -> std::result::Result<Self, FileError> {
        architecture.check().map_err(FileError::Format)?;
        let read = |part: &Part| {
            let name = format!("{prefix}{}", part.name);
            let values = match tensors.get(&name) {
                Some(TensorData { shape, values: Values::F32(values) })
                    if *shape == part.shape && values.len() == part.count() =>
                {
                    values
                }
                Some(data) => {
                    let (found, expected) = (&data.shape, &part.shape);
                    return Err(FileError::Format(format!(
                        "{name} has shape {found:?}, not {expected:?} in single precision"
                    )));
                }
                None => return Err(FileError::Format(format!("no tensor {name}"))),
            };
            if values.iter().any(|v| !v.is_finite()) {
                return Err(FileError::Format(format!("{name} has values that are not finite numbers")));
            }
            Ok(values.clone())
        };
        let values = architecture.parts().iter().map(read).collect::<std::result::Result<_, _>>()?;
        Ok(Self { architecture, values })
    }

    /// Sets the running statistics of normalisation number `at`.
    pub fn set_moments(&mut self, at: usize, moments: &Moments) {
        let names = [(format!("norm{at}.mean"), &moments.mean), (format!("norm{at}.variance"), &moments.variance)];
        for (part, values) in self.architecture.parts().iter().zip(&mut self.values) {
            if let Some((_, moment)) = names.iter().find(|(name, m)| *name == part.name && m.len() == values.len()) {
                values.clone_from(moment);
            }
        }
    }
}

/// A network ready for differentiation.
#[derive(Clone, Debug)]
pub struct Soft<A> {
    /// What it looks like.
    pub architecture: A,
    /// The parts, in their order.
    pub(super) parameters: Vec<Parameter>,
    trained: Vec<bool>,
    /// Whether normalisations are folded into the layers before them.
    pub(super) folded: bool,
}

impl<A: Architecture> Soft<A> {
    /// The network with gradients for what is trained, normalising over batches.
    ///
    /// # Errors
    /// Where Candle cannot hold the values.
    pub fn trained(network: &Network<A>) -> Result<Self> {
        Self::new(network, true, false)
    }

    pub(super) fn new(network: &Network<A>, train: bool, folded: bool) -> Result<Self> {
        let parts = network.architecture.parts();
        let parameter = |(part, values): (&Part, &Vec<f32>)| {
            if part.trained && train {
                Parameter::trained(values, &part.shape)
            } else {
                Parameter::fixed(values.clone(), &part.shape)
            }
        };
        Ok(Self {
            architecture: network.architecture.clone(),
            parameters: parts.iter().zip(&network.values).map(parameter).collect::<Result<_>>()?,
            trained: parts.iter().map(|part| part.trained).collect(),
            folded,
        })
    }

    /// The same network, following training, without gradients for its own parameters.
    pub fn detached(&self) -> Self {
        Self { parameters: self.parameters.iter().map(Parameter::detached).collect(), ..self.clone() }
    }

    /// The trained parameters, in their order.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().zip(&self.trained).filter(|(_, trained)| **trained).map(|(parameter, _)| parameter)
    }

    /// Writes values of the trained parameters, in the order of [`Self::parameters`], to `network`.
    pub fn write(values: Vec<Vec<f32>>, network: &mut Network<A>) {
        let parts = network.architecture.parts();
        let places = network.values.iter_mut().zip(&parts).filter(|(_, part)| part.trained);
        places.zip(values).for_each(|((place, _), values)| *place = values);
    }
}
