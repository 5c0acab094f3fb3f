//! A file of arrays as a table: each array is a column, its first length counts rows.

use super::array::{Array, Element, arrays};
use super::columnar::Column;
use super::file::{Failure, Row};
use parquet::data_type::ByteArray;
use std::path::Path;

/// An open file of arrays.
pub struct ArrayTable {
    /// The arrays' names.
    pub header: Vec<String>,
    /// The arrays; those with more than one length have no cells.
    pub arrays: Vec<Array>,
    /// The number of rows.
    pub rows: usize,
}

impl ArrayTable {
    /// Reads the headers of the arrays.
    ///
    /// # Errors
    /// Where the file cannot be read, or the arrays have different numbers of rows.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let arrays: Vec<Array> = arrays(path)?.into_iter().filter(|a| !a.shape.is_empty()).collect();
        let Some(first) = arrays.first() else { return Err(Failure::new("it has no arrays")) };
        let rows = first.shape[0];
        if let Some(other) = arrays.iter().find(|a| a.shape[0] != rows) {
            let counts = format!("`{}` has {rows} rows and `{}` {}", first.name, other.name, other.shape[0]);
            return Err(Failure::new(format!("its arrays have different lengths: {counts}")));
        }
        Ok(Self { header: arrays.iter().map(|a| a.name.clone()).collect(), arrays, rows })
    }

    /// See [`super::file::DataFile::rows`].
    pub fn rows(self, wanted: &[usize], limit: usize, visit: &mut dyn FnMut(&Row)) -> Result<usize, Failure> {
        let rows = self.rows.min(limit);
        let mut columns: Vec<Option<Column>> = self.arrays.iter().map(|_| None).collect();
        for &at in wanted.iter().filter(|&&at| self.arrays[at].shape.len() == 1) {
            columns[at] = Some(column(&self.arrays[at], rows)?);
        }
        (0..rows).for_each(|row| visit(&Row::Columns(&columns, row, 0)));
        Ok(rows)
    }
}

fn column(array: &Array, rows: usize) -> Result<Column, Failure> {
    let (mut whole, mut numbers, mut texts) = (vec![], vec![], vec![]);
    array.rows(rows, &mut |bytes| {
        match array.element {
            Element::Float(_) => numbers.push(array.numbers(bytes).next()),
            Element::Text(_) => texts.push(Some(ByteArray::from(array.text(bytes).as_str()))),
            _ => whole.push(Some(array.whole(bytes))),
        }
        Ok(())
    })?;
    Ok(match array.element {
        Element::Float(_) => Column::Float(numbers),
        Element::Text(_) => Column::Text(texts),
        Element::Bool => Column::Bool(whole.into_iter().map(|n| n.map(|n| n != 0)).collect()),
        _ => Column::Int(whole),
    })
}
