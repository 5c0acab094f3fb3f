//! Module files: safetensors with the architecture in the header.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A module as it is written to and read from disk.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleFile {
    /// What the module is, kept as JSON under the header key `dcmc`.
    pub header: ModuleHeader,
    /// The tensors by name.
    pub tensors: BTreeMap<String, TensorData>,
}

/// The header of a module file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleHeader {
    /// `tables`, `generators` or `conditionals`.
    pub kind: String,
    /// The variables' names, in the order the architecture numbers them.
    pub variables: Vec<String>,
    /// The architecture, in the terms of its kind.
    pub architecture: serde_json::Value,
    /// The digest of everything the module was trained from.
    pub inputs: String,
}

/// A tensor's shape and values.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorData {
    /// The shape.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub values: Values,
}

/// A tensor's values.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
}
