//! Polynomials in the features of variables.

use std::collections::BTreeMap;

/// A feature of a copy of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Feature {
    /// The copy.
    pub copy: usize,
    /// The code whose indicator it is; `None` for a real number.
    pub code: Option<u32>,
}

/// A product of features: each with its power, ascending.
pub(super) type Monomial = Vec<(Feature, u32)>;

/// A sum of monomials with their factors.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Polynomial(pub BTreeMap<Monomial, f64>);

impl Polynomial {
    /// A number.
    pub fn constant(value: f64) -> Self {
        Self(BTreeMap::from([(vec![], value)]))
    }

    /// Adds `factor` times a monomial.
    pub fn add(&mut self, monomial: Monomial, factor: f64) {
        *self.0.entry(monomial).or_insert(0.0) += factor;
    }

    /// The number, if nothing but a number is left.
    pub fn number(&self) -> Option<f64> {
        self.0.iter().try_fold(0.0, |sum, (m, factor)| (m.is_empty() || *factor == 0.0).then_some(sum + factor))
    }
}

/// The product of two monomials; `None` where it is zero, because a variable would have two values.
pub(super) fn times(a: &Monomial, b: &Monomial) -> Option<Monomial> {
    let mut product = a.clone();
    for &(feature, power) in b {
        let other = |f: &Feature| f.copy == feature.copy && f.code != feature.code;
        if feature.code.is_some() && product.iter().any(|(f, _)| other(f)) {
            return None;
        }
        match product.iter_mut().find(|(f, _)| *f == feature) {
            Some((_, known)) if feature.code.is_none() => *known += power,
            Some(_) => {} // an indicator's square is itself
            None => product.push((feature, power)),
        }
    }
    product.sort_unstable();
    Some(product)
}
