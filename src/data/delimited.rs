//! Files of delimited text: CSV, its cousins with `;` or tab, and TSV.

use super::file::{Failure, Row};
use csv::{ByteRecord, ReaderBuilder};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// An open file of delimited text, after its header.
pub struct Delimited {
    /// The columns' names, without surrounding spaces.
    pub header: Vec<String>,
    path: PathBuf,
    reader: csv::Reader<BufReader<File>>,
}

impl Delimited {
    /// Reads the header of `file` at `path`; without a `delimiter`, whichever of `,`, `;` and tab is most
    /// frequent in the first line.
    ///
    /// # Errors
    /// Where the header is missing or not UTF-8.
    pub fn open(file: File, path: &Path, delimiter: Option<u8>) -> Result<Self, Failure> {
        let mut buffered = BufReader::with_capacity(1 << 17, file);
        let start = buffered.fill_buf().map_err(|error| Failure::new(error.to_string()))?;
        if matches!(start, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
            return Err(Failure::new("it is UTF-16 text").help("save it as UTF-8"));
        }
        let delimiter = delimiter.unwrap_or_else(|| detect_delimiter(start));
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(buffered);
        let mut record = ByteRecord::new();
        if !reader.read_byte_record(&mut record).map_err(|error| broken(&error))? {
            return Err(Failure::new("the file is empty"));
        }
        let header = record.iter().map(header_cell).collect::<Result<Vec<_>, _>>()?;
        if header.iter().all(String::is_empty) {
            return Err(Failure::new("its first line names no columns"));
        }
        Ok(Self { header, path: path.to_owned(), reader })
    }

    /// See [`super::file::DataFile::rows`].
    pub fn rows(mut self, limit: usize, visit: &mut dyn FnMut(&Row)) -> Result<usize, Failure> {
        let (mut record, mut rows) = (ByteRecord::new(), 0);
        while rows < limit && self.reader.read_byte_record(&mut record).map_err(|error| broken(&error))? {
            if record.len() != self.header.len() {
                if record.len() == 1 && record[0].trim_ascii().is_empty() {
                    continue; // a line of spaces
                }
                return Err(ragged(&record, &self.path, self.header.len()));
            }
            visit(&Row::Record(&record, &self.path));
            rows += 1;
        }
        Ok(rows)
    }
}

fn header_cell(cell: &[u8]) -> Result<String, Failure> {
    match std::str::from_utf8(cell) {
        Ok(name) if !name.contains('\0') => Ok(name.trim().to_owned()),
        Ok(_) => Err(Failure::new("it is not a text file")),
        Err(_) => Err(Failure::new("its first line is not UTF-8 text").help("save it as UTF-8")),
    }
}

fn detect_delimiter(start: &[u8]) -> u8 {
    let (mut counts, mut quoted) = ([0; 3], false);
    for byte in start.iter().skip_while(|b| b.is_ascii_whitespace()).take_while(|b| !matches!(b, b'\n' | b'\r')) {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => counts[0] += 1,
            b';' if !quoted => counts[1] += 1,
            b'\t' if !quoted => counts[2] += 1,
            _ => {}
        }
    }
    let most = (0..3).rev().max_by_key(|&i| counts[i]).unwrap_or(0);
    b",;\t"[most]
}

fn ragged(record: &ByteRecord, path: &Path, columns: usize) -> Failure {
    let count = |n: usize| if n == 1 { "1 cell".to_owned() } else { format!("{n} cells") };
    let (place, cells) = (Row::Record(record, path).place(), count(record.len()));
    Failure::new(format!("{place} has {cells}, the header has {columns}"))
        .help("put quotes around cells that contain the delimiter, and leave no cells out")
}

/// The line that `record` of the file at `path` starts in, as editors count: the reader's own count
/// leaves out the blank lines before a record.
pub fn line_of(record: &ByteRecord, path: &Path) -> io::Result<u64> {
    let start = record.position().map_or(0, csv::Position::byte);
    let mut reader = BufReader::new(File::open(path)?);
    let mut lines = 1;
    let mut before = reader.by_ref().take(start);
    loop {
        let chunk = before.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        lines += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
        let read = chunk.len();
        before.consume(read);
    }
    for byte in reader.bytes() {
        match byte? {
            b'\n' => lines += 1,
            b'\r' => {}
            _ => break,
        }
    }
    Ok(lines)
}

fn broken(error: &csv::Error) -> Failure {
    match error.kind() {
        csv::ErrorKind::Io(error) => Failure::new(error.to_string()),
        _ => Failure::new(error.to_string()),
    }
}
