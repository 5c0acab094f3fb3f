//! One cell of a data file, and what it means to a variable.

use crate::model::Domain;
use std::collections::HashMap;

/// A cell as its file gives it; typed cells come from Parquet files.
#[cfg_attr(not(feature = "run"), allow(dead_code))] // only Parquet makes the typed cells
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value (Parquet's null).
    Empty,
    /// Text without surrounding spaces; empty text and `NA` count as no value.
    Text(&'a [u8]),
    /// A whole number.
    Int(i64),
    /// A floating-point number; NaN counts as no value.
    Float(f64),
    /// A truth value.
    Bool(bool),
}

impl Cell<'_> {
    /// Whether the cell says that there is no value.
    pub fn is_missing(self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => {
                matches!(text, b"" | b"NA" | b"N/A" | b"NaN" | b"nan" | b"NAN" | b"null" | b"NULL" | b"<NA>")
            }
            Self::Float(number) => number.is_nan(),
            Self::Int(_) | Self::Bool(_) => false,
        }
    }

    /// The cell as a whole number: `3`, `3.0` and `true` are whole.
    pub fn whole(self) -> Option<i64> {
        match self {
            Self::Empty => None,
            Self::Text(text) => whole_text(text).or_else(|| truth_value(text)).or_else(|| whole_float(number(text)?)),
            Self::Int(number) => Some(number),
            Self::Float(number) => whole_float(number),
            Self::Bool(value) => Some(i64::from(value)),
        }
    }

    /// The cell as a number, NaN excluded.
    pub fn number(self) -> Option<f64> {
        let number = match self {
            Self::Empty => return None,
            Self::Text(text) => number(text)?,
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
            Self::Bool(value) => f64::from(u8::from(value)),
        };
        (!number.is_nan()).then_some(number)
    }

    /// The cell as text; bytes that are not UTF-8 are replaced.
    pub fn text(self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
        }
    }

    /// Whether the cell is text that is not UTF-8.
    pub fn is_broken_text(self) -> bool {
        matches!(self, Self::Text(text) if std::str::from_utf8(text).is_err())
    }
}

/// What a cell is to a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coded {
    /// A value of its domain.
    Code(u32),
    /// No value.
    Missing,
    /// Something else.
    Bad,
}

/// Turns cells into codes of one discrete domain.
pub struct Coder<'a> {
    domain: &'a Domain,
    labels: HashMap<&'a [u8], u32>,
}

impl<'a> Coder<'a> {
    /// A coder of `domain`; `None` unless it is discrete.
    pub fn new(domain: &'a Domain) -> Option<Self> {
        domain.cardinality()?;
        let labels = match domain {
            Domain::Labels(labels) => labels.iter().zip(0..).map(|(label, code)| (label.as_bytes(), code)).collect(),
            _ => HashMap::new(),
        };
        Some(Self { domain, labels })
    }

    /// The code of `cell`. A label spelled like a missing value (`NA`) is a value.
    pub fn code(&self, cell: Cell) -> Coded {
        match self.value(cell) {
            Some(code) => Coded::Code(code),
            None if cell.is_missing() => Coded::Missing,
            None => Coded::Bad,
        }
    }

    fn value(&self, cell: Cell) -> Option<u32> {
        match (self.domain, cell) {
            (Domain::Labels(_), Cell::Text(text)) => self.labels.get(text).copied(),
            (Domain::Labels(_), Cell::Empty) => None,
            (Domain::Labels(_), _) => self.labels.get(cell.text().as_bytes()).copied(),
            _ => self.domain.code_of(cell.whole()?),
        }
    }
}

/// Plain decimal digits with an optional sign; everything else goes the slow way through `f64`.
fn whole_text(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut number = 0_i64;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(byte - b'0');
    }
    Some(if negative { -number } else { number })
}

fn truth_value(text: &[u8]) -> Option<i64> {
    match text {
        b"true" | b"TRUE" | b"True" => Some(1),
        b"false" | b"FALSE" | b"False" => Some(0),
        _ => None,
    }
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Floats hold every whole number up to 2⁵³ ≈ 9e15 exactly.
fn whole_float(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract of `Domain::code` is the oracle for texts that it reads.
    #[test]
    fn texts_get_the_code_that_the_domain_gives_them() {
        let domains = [
            Domain::Binary,
            Domain::Int { low: -2, high: 12 },
            Domain::Categorical(3),
            Domain::Labels(vec!["red".into(), "NA".into(), "1".into()]),
        ];
        let texts = "0 1 2 3 -1 -2 -3 12 13 1.0 2.5 1e1 +1 true False red NA blue x 99999999999999999999";
        for domain in &domains {
            let coder = Coder::new(domain).unwrap();
            for text in texts.split(' ') {
                let expected = match domain.code(text) {
                    Some(code) => Coded::Code(code),
                    None if text == "NA" => Coded::Missing,
                    None => Coded::Bad,
                };
                assert_eq!(coder.code(Cell::Text(text.as_bytes())), expected, "{text} in {domain}");
            }
        }
    }

    #[test]
    fn typed_cells_are_numbers() {
        let coder = Coder::new(&Domain::Int { low: 1, high: 3 }).unwrap();
        assert_eq!(coder.code(Cell::Int(3)), Coded::Code(2));
        assert_eq!(coder.code(Cell::Float(2.0)), Coded::Code(1));
        assert_eq!(coder.code(Cell::Float(2.5)), Coded::Bad);
        assert_eq!(coder.code(Cell::Float(f64::NAN)), Coded::Missing);
        assert_eq!(coder.code(Cell::Bool(true)), Coded::Code(0));
        assert_eq!(coder.code(Cell::Empty), Coded::Missing);
        let labels = Domain::Labels(vec!["1".into(), "true".into()]);
        let coder = Coder::new(&labels).unwrap();
        assert_eq!(coder.code(Cell::Int(1)), Coded::Code(0));
        assert_eq!(coder.code(Cell::Bool(true)), Coded::Code(1));
        assert!(Coder::new(&Domain::REAL).is_none());
    }
}
