//! The ground-truth structural causal model a file may declare.

/// A ground-truth model.
#[derive(Clone, Debug, Default)]
pub struct Scm {}
