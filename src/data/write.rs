//! Plain tables as files: CSV, TSV, Parquet, JSON. A file appears whole or not at all.

use super::Table;
use crate::model::{Domain, Model, Value};
use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use serde_json::{Map, Value as Json};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// A named column; all columns of a table have as many values.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The values.
    pub values: Values,
}

/// A column's values, `None` where there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Text.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Int(Vec<Option<i64>>),
    /// Numbers.
    Float(Vec<Option<f64>>),
    /// Binary data, such as encoded images; only in Parquet files.
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Values {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn json(&self, row: usize) -> Json {
        match self {
            Self::Text(values) => values[row].clone().into(),
            Self::Int(values) => values[row].into(),
            Self::Float(values) => values[row].into(),
            Self::Bytes(_) => Json::Null,
        }
    }

    /// The value as a CSV cell; nothing where there is none.
    fn write_cell(&self, row: usize, cell: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Text(values) => cell.extend(values[row].as_deref().unwrap_or_default().bytes()),
            Self::Int(values) => values[row].map_or(Ok(()), |n| write!(cell, "{n}"))?,
            Self::Float(values) => values[row].map_or(Ok(()), |x| write!(cell, "{x}"))?,
            Self::Bytes(_) => {}
        }
        Ok(())
    }
}

/// The columns of `table`, decoded, in the order of the model's variables; then the weights as `weight`. Images are
/// not among them: [`super::write_data`] writes these too.
pub fn columns_of_table(model: &Model, table: &Table) -> Vec<Column> {
    let mut columns: Vec<Column> = model
        .variables
        .iter()
        .enumerate()
        .filter_map(|(variable, (name, about))| {
            let values = match (table.column(variable), table.reals.get(&variable)) {
                (Some(codes), _) => decode(about.domain.as_ref()?, codes),
                (None, Some(numbers)) => Values::Float(numbers.iter().map(|&x| Some(f64::from(x))).collect()),
                (None, None) => return None,
            };
            Some(Column { name: name.clone(), values })
        })
        .collect();
    if let Some(weights) = &table.weights {
        let values = Values::Float(weights.iter().copied().map(Some).collect());
        columns.push(Column { name: "weight".to_owned(), values });
    }
    columns
}

fn decode(domain: &Domain, codes: &[u32]) -> Values {
    match domain {
        Domain::Labels(labels) => Values::Text(codes.iter().map(|&c| labels.get(c as usize).cloned()).collect()),
        _ => Values::Int(
            codes
                .iter()
                .map(|&code| match domain.value(code) {
                    Value::Int(number) => Some(number),
                    Value::Real(_) | Value::Label(_) => None,
                })
                .collect(),
        ),
    }
}

/// Writes `columns` to `path` in the format of its extension: `.csv`, `.tsv`, `.parquet`, or `.json`
/// (an array with an object per row).
///
/// # Errors
/// Where the extension is another, the columns differ in length, or the file cannot be written.
pub fn write_table(path: &Path, columns: &[Column]) -> io::Result<()> {
    let rows = columns.first().map_or(0, |c| c.values.len());
    if columns.iter().any(|c| c.values.len() != rows) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "columns of different lengths"));
    }
    let extension = extension(path);
    match extension.as_str() {
        "csv" => write_whole(path, |file| write_delimited(file, b',', columns, rows)),
        "tsv" => write_whole(path, |file| write_delimited(file, b'\t', columns, rows)),
        "json" => write_whole(path, |file| write_json(file, columns, rows)),
        "parquet" => write_whole(path, |file| write_parquet(file, columns).map_err(io::Error::other)),
        _ => {
            let message = format!("cannot write `{}`: tables are .csv, .tsv, .parquet or .json files", path.display());
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
    }
}

/// The extension of a file's name in lower case.
pub(super) fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Writes a file through `write` beside `path` and renames it to `path`, so that nobody sees a part
/// of it; makes the folder where there is none.
///
/// # Errors
/// Those of `write` and of the file system; `path` is then as it was.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)] // as for any new file: the umask decides
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".writing-").tempfile_in(folder)?;
    write(file.as_file_mut())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn write_delimited(file: &mut File, delimiter: u8, columns: &[Column], rows: usize) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(BufWriter::new(file));
    writer.write_record(columns.iter().map(|c| &c.name))?;
    let mut cell = Vec::new();
    for row in 0..rows {
        for column in columns {
            cell.clear();
            column.values.write_cell(row, &mut cell)?;
            writer.write_field(&cell)?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()
}

fn write_json(file: &mut File, columns: &[Column], rows: usize) -> io::Result<()> {
    let record = |row: usize| -> Map<String, Json> {
        columns.iter().map(|c| (c.name.clone(), c.values.json(row))).filter(|(_, value)| !value.is_null()).collect()
    };
    let mut writer = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut writer, &(0..rows).map(record).collect::<Vec<_>>())?;
    writer.write_all(b"\n")?;
    writer.flush()
}

fn write_parquet(file: &mut File, columns: &[Column]) -> Result<(), ParquetError> {
    let fields = columns.iter().map(|c| Ok(Arc::new(field(c)?))).collect::<Result<Vec<_>, ParquetError>>()?;
    let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(BufWriter::new(file), schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in columns {
        let Some(out) = group.next_column()? else { break };
        match &column.values {
            Values::Int(values) => write_values::<Int64Type, _>(out, values, |n| *n)?,
            Values::Float(values) => write_values::<DoubleType, _>(out, values, |x| *x)?,
            Values::Text(values) => write_values::<ByteArrayType, _>(out, values, |t| ByteArray::from(t.as_str()))?,
            Values::Bytes(values) => write_values::<ByteArrayType, _>(out, values, |b| ByteArray::from(b.clone()))?,
        }
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let (physical, converted) = match &column.values {
        Values::Int(_) => (Physical::INT64, ConvertedType::NONE),
        Values::Float(_) => (Physical::DOUBLE, ConvertedType::NONE),
        Values::Text(_) => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
        Values::Bytes(_) => (Physical::BYTE_ARRAY, ConvertedType::NONE),
    };
    let builder = Type::primitive_type_builder(&column.name, physical).with_converted_type(converted);
    builder.with_repetition(Repetition::OPTIONAL).build()
}

fn write_values<T: DataType, V>(
    mut out: SerializedColumnWriter,
    values: &[Option<V>],
    convert: impl Fn(&V) -> T::T,
) -> Result<(), ParquetError> {
    let present: Vec<T::T> = values.iter().flatten().map(convert).collect();
    let levels: Vec<i16> = values.iter().map(|v| i16::from(v.is_some())).collect();
    out.typed::<T>().write_batch(&present, Some(&levels), None)?;
    out.close()
}
