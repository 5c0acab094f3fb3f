//! Parquet files, column by column.

use super::cell::Cell;
use super::file::{Failure, Row};
use parquet::basic::{ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An open Parquet file.
pub struct Columnar {
    /// The columns' names; a field of a group is `group.field`.
    pub header: Vec<String>,
    reader: SerializedFileReader<File>,
}

/// A column's values of one row group.
pub enum Column {
    /// Whole numbers.
    Int(Vec<Option<i64>>),
    /// Numbers.
    Float(Vec<Option<f64>>),
    /// Truth values.
    Bool(Vec<Option<bool>>),
    /// Text.
    Text(Vec<Option<ByteArray>>),
}

impl Column {
    /// The cell in `row` of the row group.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Int(values) => values[row].map_or(Cell::Empty, Cell::Int),
            Self::Float(values) => values[row].map_or(Cell::Empty, Cell::Float),
            Self::Bool(values) => values[row].map_or(Cell::Empty, Cell::Bool),
            Self::Text(values) => values[row].as_ref().map_or(Cell::Empty, |v| Cell::Text(v.data().trim_ascii())),
        }
    }

    /// The bytes of a cell that is text or binary.
    pub fn bytes(&self, row: usize) -> Option<&[u8]> {
        match self {
            Self::Text(values) => values[row].as_ref().map(ByteArray::data),
            _ => None,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }
}

impl Columnar {
    /// Reads the footer of `file`.
    ///
    /// # Errors
    /// Where it is not a Parquet file.
    pub fn open(file: File) -> Result<Self, Failure> {
        let reader = guarded(|| SerializedFileReader::new(file).map_err(|error| broken(&error)))?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let header = schema.columns().iter().map(|column| column.path().string()).collect();
        Ok(Self { header, reader })
    }

    /// The number of rows that the footer claims.
    pub fn known_rows(&self) -> usize {
        usize::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// See [`super::file::DataFile::rows`].
    pub fn rows(self, wanted: &[usize], limit: usize, visit: &mut dyn FnMut(&Row)) -> Result<usize, Failure> {
        let mut visited = 0;
        for group in 0..self.reader.num_row_groups() {
            let (rows, columns) = guarded(|| self.read_group(group, wanted))?;
            let before = visited;
            for row in 0..rows.min(limit - before) {
                visit(&Row::Columns(&columns, row, before));
                visited += 1;
            }
        }
        Ok(visited)
    }

    /// The number of rows of a row group, and its `wanted` columns.
    fn read_group(&self, group: usize, wanted: &[usize]) -> Result<(usize, Vec<Option<Column>>), Failure> {
        let group = self.reader.get_row_group(group).map_err(|error| broken(&error))?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let mut columns: Vec<Option<Column>> = (0..self.header.len()).map(|_| None).collect();
        for &at in wanted {
            let about = schema.column(at);
            check_kind(&about, &self.header[at])?;
            let reader = group.get_column_reader(at).map_err(|error| broken(&error))?;
            let column = read_column(reader, &about, rows).map_err(|error| broken(&error))?;
            if column.len() != rows {
                return Err(Failure::new(format!("its column `{}` breaks off", self.header[at])));
            }
            columns[at] = Some(column);
        }
        Ok((rows, columns))
    }
}

/// The result of `read`, or a failure where it panics: the parquet crate asserts some of what it
/// reads, such as offsets in a damaged footer. Nothing that `read` touched is used afterwards.
fn guarded<T>(read: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(Failure::new("it is a damaged Parquet file")))
}

fn check_kind(about: &ColumnDescriptor, name: &str) -> Result<(), Failure> {
    let unreadable = |what: &str| {
        Err(Failure::new(format!("its column `{name}` holds {what}"))
            .help("columns hold whole numbers, floating-point numbers, truth values or text"))
    };
    match about.physical_type() {
        _ if about.max_rep_level() > 0 => unreadable("lists"),
        _ if about.converted_type() == ConvertedType::DECIMAL => unreadable("decimal numbers"),
        Type::INT96 => unreadable("timestamps"),
        Type::FIXED_LEN_BYTE_ARRAY => unreadable("binary data"),
        _ => Ok(()),
    }
}

fn read_column(reader: ColumnReader, about: &ColumnDescriptor, rows: usize) -> Result<Column, ParquetError> {
    let unsigned = about.converted_type() == ConvertedType::UINT_32;
    let whole = |n: i32| if unsigned { i64::from(n as u32) } else { i64::from(n) };
    Ok(match reader {
        ColumnReader::Int32ColumnReader(r) => Column::Int(read(r, about, rows, whole)?),
        ColumnReader::Int64ColumnReader(r) => Column::Int(read(r, about, rows, |n| n)?),
        ColumnReader::FloatColumnReader(r) => Column::Float(read(r, about, rows, f64::from)?),
        ColumnReader::DoubleColumnReader(r) => Column::Float(read(r, about, rows, |x| x)?),
        ColumnReader::BoolColumnReader(r) => Column::Bool(read(r, about, rows, |b| b)?),
        ColumnReader::ByteArrayColumnReader(r) => Column::Text(read(r, about, rows, |t| t)?),
        _ => return Err(ParquetError::General("unsupported column type".to_owned())),
    })
}

/// The column's values, with `None` for nulls (also those of an enclosing group).
fn read<T: DataType, V>(
    mut reader: ColumnReaderImpl<T>,
    about: &ColumnDescriptor,
    rows: usize,
    convert: impl Fn(T::T) -> V,
) -> Result<Vec<Option<V>>, ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let full = about.max_def_level();
    reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    let mut values = values.into_iter().map(convert);
    if full == 0 {
        return Ok(values.map(Some).collect());
    }
    Ok(levels.into_iter().map(|level| if level == full { values.next() } else { None }).collect())
}

fn broken(error: &ParquetError) -> Failure {
    let text = error.to_string();
    Failure::new(format!("it is not a whole Parquet file ({})", text.trim_start_matches("Parquet error: ")))
}
