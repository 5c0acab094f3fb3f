//! Domains of variables and the values in them.

use crate::syntax::spell_label;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

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
    /// `real`, `real[low..high]`: a real number, between the bounds that there are.
    Real {
        /// Nothing is below it.
        low: Option<f64>,
        /// Nothing is above it.
        high: Option<f64>,
    },
    /// `vector[n]`.
    Vector(usize),
    /// `image[channels, height, width]`.
    Image([usize; 3]),
}

/// A value of a discrete or real variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A real number.
    Real(Number),
    /// A label.
    Label(String),
}

/// A real number with an order of all of them (`f64::total_cmp`).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(pub f64);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => write!(f, "{n}"),
            Self::Real(Number(x)) => write!(f, "{x}"),
            Self::Label(label) => f.write_str(label),
        }
    }
}

impl Domain {
    /// Any real number.
    pub const REAL: Self = Self::Real { low: None, high: None };

    /// Whether its values are real numbers.
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Real { .. })
    }

    /// Whether its values are images.
    pub fn is_image(&self) -> bool {
        matches!(self, Self::Image(_))
    }

    /// Whether the variable has a value with this code; those of images are pictures that a question names.
    pub fn holds(&self, code: u32) -> bool {
        match self {
            Self::Real { .. } => self.holds_number(f64::from(f32::from_bits(code))),
            Self::Image(_) => true,
            _ => self.cardinality().is_some_and(|card| (code as usize) < card),
        }
    }

    /// Whether a real variable can be `number`.
    pub fn holds_number(&self, number: f64) -> bool {
        let Self::Real { low, high } = self else { return false };
        number.is_finite() && low.is_none_or(|low| low <= number) && high.is_none_or(|high| number <= high)
    }

    /// The number of values; `None` unless discrete.
    pub fn cardinality(&self) -> Option<usize> {
        match self {
            Self::Binary => Some(2),
            Self::Int { low, high } => usize::try_from(high - low + 1).ok(),
            Self::Categorical(k) => Some(*k),
            Self::Labels(labels) => Some(labels.len()),
            Self::Real { .. } | Self::Vector(_) | Self::Image(_) => None,
        }
    }

    /// The value with `code` (0 ≤ code < cardinality). The code of a real number is the bits of its `f32`.
    pub fn value(&self, code: u32) -> Value {
        match self {
            Self::Real { .. } => {
                // The shortest number that is this `f32`: 3.1, not 3.0999999.
                let shortest = f32::from_bits(code).to_string().parse();
                Value::Real(Number(shortest.unwrap_or(f64::NAN)))
            }
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
        if self.is_real() {
            // Adding zero makes −0 the same code as 0.
            let number = text.parse::<f32>().ok()? + 0.0;
            return self.holds_number(f64::from(number)).then_some(number.to_bits());
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
            Value::Real(Number(x)) => Some(x),
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
            Self::Real { low: None, high: None } => f.write_str("real"),
            Self::Real { low, high } => {
                let bound = |bound: &Option<f64>| bound.map_or_else(String::new, |b| b.to_string());
                write!(f, "real[{}..{}]", bound(low), bound(high))
            }
            Self::Vector(n) => write!(f, "vector[{n}]"),
            Self::Image([c, h, w]) => write!(f, "image[{c},{h},{w}]"),
        }
    }
}
