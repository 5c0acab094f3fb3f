//! Domains of variables and the values in them.

use crate::syntax::spell_label;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The values a variable can take.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// 0 or 1.
    Binary,
    /// `int[low..high]`, both ends included; ordered.
    Int {
        /// Smallest value.
        low: i64,
        /// Largest value.
        high: i64,
    },
    /// `categorical[k]`: 0, …, k − 1 without an order.
    Categorical(usize),
    /// `categorical {a, b, …}`.
    Labels(Vec<String>),
    /// A real number.
    Real,
    /// `vector[n]`.
    Vector(usize),
    /// `image[channels, height, width]`.
    Image([usize; 3]),
}

/// A value of a discrete variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A label.
    Label(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => write!(f, "{n}"),
            Self::Label(label) => f.write_str(label),
        }
    }
}

impl Domain {
    /// The number of values; `None` unless discrete.
    pub fn cardinality(&self) -> Option<usize> {
        match self {
            Self::Binary => Some(2),
            Self::Int { low, high } => usize::try_from(high - low + 1).ok(),
            Self::Categorical(k) => Some(*k),
            Self::Labels(labels) => Some(labels.len()),
            Self::Real | Self::Vector(_) | Self::Image(_) => None,
        }
    }

    /// The value with `code` (0 ≤ code < cardinality).
    pub fn value(&self, code: u32) -> Value {
        match self {
            Self::Int { low, .. } => Value::Int(low + i64::from(code)),
            Self::Labels(labels) => Value::Label(labels[code as usize].clone()),
            _ => Value::Int(i64::from(code)),
        }
    }

    /// The code of a written value: a number (`1`, `1.0`, `true`) or a label; `None` if it is not in the domain.
    pub fn code(&self, text: &str) -> Option<u32> {
        if let Self::Labels(labels) = self {
            return labels.iter().position(|l| l == text).map(|at| at as u32);
        }
        let number = match text {
            "true" | "TRUE" | "True" => 1,
            "false" | "FALSE" | "False" => 0,
            _ => whole_number(text)?,
        };
        self.code_of(number)
    }

    /// The code of a whole number; `None` if it is not in the domain.
    pub fn code_of(&self, number: i64) -> Option<u32> {
        let (low, high) = match self {
            Self::Binary => (0, 1),
            Self::Int { low, high } => (*low, *high),
            Self::Categorical(k) => (0, *k as i64 - 1),
            _ => return None,
        };
        (low..=high).contains(&number).then(|| (number - low) as u32)
    }

    /// The value with `code` as a number, for expectations; labels have none.
    pub fn number(&self, code: u32) -> Option<f64> {
        match self.value(code) {
            Value::Int(n) => Some(n as f64),
            Value::Label(_) => None,
        }
    }
}

/// `3`, `-3` and `3.0` are whole numbers.
fn whole_number(text: &str) -> Option<i64> {
    if let Ok(n) = text.parse() {
        return Some(n);
    }
    let number: f64 = text.parse().ok()?;
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary => f.write_str("binary"),
            Self::Int { low, high } => write!(f, "int[{low}..{high}]"),
            Self::Categorical(k) => write!(f, "categorical[{k}]"),
            Self::Labels(labels) => {
                let labels: Vec<String> = labels.iter().map(|label| spell_label(label)).collect();
                write!(f, "categorical {{{}}}", labels.join(", "))
            }
            Self::Real => f.write_str("real"),
            Self::Vector(n) => write!(f, "vector[{n}]"),
            Self::Image([c, h, w]) => write!(f, "image[{c},{h},{w}]"),
        }
    }
}
