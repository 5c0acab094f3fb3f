//! Data files: which format a path names, why one cannot be opened, and its rows.

#[cfg(feature = "run")]
use super::array::Array;
#[cfg(feature = "run")]
use super::array_table::ArrayTable;
use super::cell::Cell;
#[cfg(feature = "run")]
use super::columnar::{Column, Columnar};
use super::delimited::Delimited;
use crate::model::similar;
use std::io;
use std::path::Path;

/// Why a file cannot be read, without the file's name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failure {
    /// What is wrong: continues "cannot read `FILE`: …".
    pub message: String,
    /// Facts.
    pub notes: Vec<String>,
    /// What to do.
    pub helps: Vec<String>,
}

impl Failure {
    /// A failure without notes.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }
}

/// An open data file.
pub enum DataFile {
    /// CSV and TSV.
    Delimited(Delimited),
    /// Parquet.
    #[cfg(feature = "run")]
    Columnar(Columnar),
    /// Arrays of one length: NumPy, IDX, safetensors.
    #[cfg(feature = "run")]
    Arrays(ArrayTable),
}

/// One row of a file.
pub enum Row<'a> {
    /// A record of delimited text, and its file.
    Record(&'a csv::ByteRecord, &'a Path),
    /// A row of a row group's columns (those that were asked for), and the number of rows before the group.
    #[cfg(feature = "run")]
    Columns(&'a [Option<Column>], usize, usize),
}

impl<'a> Row<'a> {
    /// The cell in `column` of the header.
    pub fn cell(&self, column: usize) -> Cell<'a> {
        match self {
            Self::Record(record, _) => record.get(column).map_or(Cell::Empty, |text| Cell::Text(text.trim_ascii())),
            #[cfg(feature = "run")]
            Self::Columns(columns, row, _) => columns[column].as_ref().map_or(Cell::Empty, |c| c.cell(*row)),
        }
    }

    /// The bytes of a cell that is text or binary, as they are; `None` for others.
    #[cfg(feature = "run")]
    pub fn bytes(&self, column: usize) -> Option<&'a [u8]> {
        match self {
            Self::Record(record, _) => record.get(column),
            Self::Columns(columns, row, _) => columns[column].as_ref()?.bytes(*row),
        }
    }

    /// Whether cells may be other than text.
    #[cfg(feature = "run")]
    pub fn is_binary(&self) -> bool {
        matches!(self, Self::Columns(..))
    }

    /// Where the row is, for people: `line 3` or `row 3`. Slow: for messages only.
    pub fn place(&self) -> String {
        match self {
            Self::Record(record, path) => match super::delimited::line_of(record, path) {
                Ok(line) => format!("line {line}"),
                Err(_) => "a line".to_owned(),
            },
            #[cfg(feature = "run")]
            Self::Columns(_, row, before) => format!("row {}", before + row + 1),
        }
    }
}

impl DataFile {
    /// Opens `path` in the format of its extension and reads the header.
    ///
    /// # Errors
    /// Where the file is missing, a folder, empty, not permitted, broken, or of an unknown format.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        #[cfg(feature = "run")]
        if super::array::is_array_file(path) {
            return Ok(Self::Arrays(ArrayTable::open(path)?));
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if !matches!(extension.as_str(), "csv" | "tsv" | "parquet") {
            return Err(unknown_format(path, &extension));
        }
        let file = std::fs::File::open(path).map_err(|error| cannot_open(path, &error))?;
        let about = file.metadata().map_err(|error| cannot_open(path, &error))?;
        if about.is_dir() {
            return Err(Failure::new("it is a folder, not a file"));
        }
        if about.is_file() && about.len() == 0 {
            return Err(Failure::new("the file is empty"));
        }
        match extension.as_str() {
            "csv" => Ok(Self::Delimited(Delimited::open(file, path, None)?)),
            "tsv" => Ok(Self::Delimited(Delimited::open(file, path, Some(b'\t'))?)),
            _ => open_parquet(file),
        }
    }

    /// The columns' names.
    pub fn header(&self) -> &[String] {
        match self {
            Self::Delimited(file) => &file.header,
            #[cfg(feature = "run")]
            Self::Columnar(file) => &file.header,
            #[cfg(feature = "run")]
            Self::Arrays(file) => &file.header,
        }
    }

    /// The array behind a column, if the file has arrays.
    #[cfg(feature = "run")]
    pub fn array(&self, column: usize) -> Option<&Array> {
        match self {
            Self::Arrays(file) => file.arrays.get(column),
            _ => None,
        }
    }

    /// The number of rows, where the file's header says it.
    #[cfg(feature = "run")]
    pub fn known_rows(&self) -> Option<usize> {
        match self {
            Self::Delimited(_) => None,
            Self::Columnar(file) => Some(file.known_rows()),
            Self::Arrays(file) => Some(file.rows),
        }
    }

    /// Whether reading a few rows is cheap and may find mistakes.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Delimited(_))
    }

    /// Calls `visit` with each row, at most `limit` times; only the cells of `wanted` columns may be
    /// asked for. Returns the number of rows visited.
    ///
    /// # Errors
    /// Where the file breaks off, or a line has more or fewer cells than the header.
    #[cfg_attr(not(feature = "run"), allow(unused_variables))] // only Parquet wants to know the columns
    pub fn rows(self, wanted: &[usize], limit: usize, visit: &mut dyn FnMut(&Row)) -> Result<usize, Failure> {
        match self {
            Self::Delimited(file) => file.rows(limit, visit),
            #[cfg(feature = "run")]
            Self::Columnar(file) => file.rows(wanted, limit, visit),
            #[cfg(feature = "run")]
            Self::Arrays(file) => file.rows(wanted, limit, visit),
        }
    }
}

#[cfg(feature = "run")]
fn open_parquet(file: std::fs::File) -> Result<DataFile, Failure> {
    Ok(DataFile::Columnar(Columnar::open(file)?))
}

#[cfg(not(feature = "run"))]
fn open_parquet(_file: std::fs::File) -> Result<DataFile, Failure> {
    Err(Failure::new("this build of dcmc reads no Parquet files").help("convert it to CSV"))
}

fn unknown_format(path: &Path, extension: &str) -> Failure {
    let message = match extension {
        "" => "its name has no extension that says its format".to_owned(),
        _ => format!("`.{extension}` files are not data sets that dcmc reads"),
    };
    let mut failure = Failure::new(message).help("data sets are .csv, .tsv, .parquet or .npz files");
    failure.helps.extend(similar_files(path));
    failure
}

/// Why a file cannot be opened, and what there is beside it.
pub fn cannot_open(path: &Path, error: &io::Error) -> Failure {
    let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut failure = match error.kind() {
        io::ErrorKind::NotFound => Failure::new("there is no such file"),
        io::ErrorKind::PermissionDenied => Failure::new("no permission to read it"),
        _ => Failure::new(error.to_string()),
    };
    failure.notes.push(format!("looked for {}", shown.display()));
    if error.kind() == io::ErrorKind::NotFound {
        match shown.parent() {
            Some(folder) if !folder.is_dir() => failure.notes.push(format!("there is no folder {}", folder.display())),
            _ => failure.helps.extend(similar_files(path)),
        }
    }
    failure
}

/// Data files beside `path` whose names are like its own.
fn similar_files(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let folder = match path.parent()? {
        parent if parent.as_os_str().is_empty() => Path::new("."),
        parent => parent,
    };
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|n| [".csv", ".tsv", ".parquet"].iter().any(|e| n.to_lowercase().ends_with(e)))
        .collect();
    names.sort();
    let found = similar(&name, names.iter().map(String::as_str), 5);
    (!found.is_empty()).then(|| {
        let quoted: Vec<String> = found.iter().map(|n| format!("`{n}`")).collect();
        format!("did you mean {}?", quoted.join(" or "))
    })
}
