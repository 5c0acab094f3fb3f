//! `where:` terms on the cells of a row.

use super::cell::Cell;
use crate::model::{Comparison, FilterTerm};

/// A filter term on a column of a file.
pub struct Condition<'a> {
    /// The column's place in the header.
    pub column: usize,
    op: Comparison,
    text: &'a str,
    number: Option<f64>,
}

impl<'a> Condition<'a> {
    /// `term` on the column at `column`.
    pub fn new(term: &'a FilterTerm, column: usize) -> Self {
        let number = term.value.parse().ok().filter(|n: &f64| !n.is_nan());
        Self { column, op: term.op, text: &term.value, number }
    }

    /// Whether `cell` satisfies the term. Numbers compare as numbers; a cell that is no number
    /// differs from every number, and is neither less nor greater.
    pub fn holds(&self, cell: Cell) -> bool {
        match (self.number, cell.number(), cell) {
            (Some(number), Some(value), _) => value.partial_cmp(&number).is_some_and(|o| self.op.holds(o)),
            (Some(_), None, _) => self.op == Comparison::Ne,
            (None, _, Cell::Text(text)) => self.op.holds(text.cmp(self.text.as_bytes())),
            (None, _, _) => self.op.holds(cell.text().as_bytes().cmp(self.text.as_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    fn holds(cell: Cell, op: Comparison, value: &str) -> bool {
        let term = FilterTerm { column: "c".into(), op, value: value.into(), span: Span::default() };
        Condition::new(&term, 0).holds(cell)
    }

    #[test]
    fn numbers_compare_as_numbers_and_text_as_text() {
        use Comparison::*;
        assert!(holds(Cell::Text(b"10"), Gt, "9"));
        assert!(holds(Cell::Text(b"1.0"), Eq, "1"));
        assert!(holds(Cell::Int(1), Eq, "1.0"));
        assert!(holds(Cell::Float(2.5), Le, "2.5"));
        assert!(holds(Cell::Text(b"obs"), Eq, "obs"));
        assert!(!holds(Cell::Text(b"Obs"), Eq, "obs"));
        assert!(holds(Cell::Text(b"b"), Gt, "a"));
        assert!(holds(Cell::Text(b"n/a"), Ne, "3"));
        for op in [Eq, Lt, Le, Gt, Ge] {
            assert!(!holds(Cell::Text(b""), op, "3"), "a missing number is in no order");
            assert!(!holds(Cell::Float(f64::NAN), op, "3"));
        }
        assert!(holds(Cell::Empty, Eq, ""));
        assert!(holds(Cell::Bool(true), Eq, "true"));
        assert!(holds(Cell::Bool(true), Eq, "1"));
    }
}
