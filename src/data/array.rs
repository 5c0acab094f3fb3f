//! Arrays in files: NumPy (.npy, .npz), IDX (as MNIST comes), safetensors.

use super::file::{Failure, cannot_open};
use flate2::read::{DeflateDecoder, GzDecoder};
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// An array of a file, known from its header.
#[derive(Clone, Debug)]
pub struct Array {
    /// Its name; `values` where the file has only one and no name for it.
    pub name: String,
    /// Its lengths.
    pub shape: Vec<usize>,
    /// What its elements are.
    pub element: Element,
    big_endian: bool,
    path: PathBuf,
    at: Place,
}

/// The elements of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Truth values, a byte each.
    Bool,
    /// Whole numbers of so many bytes without a sign.
    Unsigned(usize),
    /// Whole numbers of so many bytes.
    Signed(usize),
    /// Floating-point numbers of 4 or 8 bytes.
    Float(usize),
    /// Text of so many characters of 4 bytes.
    Text(usize),
}

/// Where the elements of an array begin, and how they are packed.
#[derive(Clone, Copy, Debug)]
enum Place {
    Plain { start: u64 },
    Gzip { skip: u64 },
    Deflated { start: u64, length: u64, skip: u64 },
}

/// Whether the name of a file says that it holds arrays.
pub fn is_array_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    [".npy", ".npz", ".safetensors"].iter().any(|e| name.ends_with(e)) || is_idx(&name)
}

fn is_idx(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.ends_with(".idx") || name.ends_with("-ubyte")
}

impl Element {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Unsigned(size) | Self::Signed(size) | Self::Float(size) => size,
            Self::Text(characters) => 4 * characters,
        }
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool => f.write_str("truth values"),
            Self::Unsigned(size) => write!(f, "u{}", size * 8),
            Self::Signed(size) => write!(f, "i{}", size * 8),
            Self::Float(size) => write!(f, "f{}", size * 8),
            Self::Text(_) => f.write_str("text"),
        }
    }
}

/// The arrays of a file.
///
/// # Errors
/// Where the file cannot be opened or is no such file.
pub fn arrays(path: &Path) -> Result<Vec<Array>, Failure> {
    let file = File::open(path).map_err(|error| cannot_open(path, &error))?;
    if file.metadata().is_ok_and(|about| about.is_dir()) {
        return Err(Failure::new("it is a folder, not a file"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let found = match name.rsplit('.').next() {
        Some("npz") => npz(file, path)?,
        Some("npy") => vec![npy(&mut BufReader::new(file), path, "values", |skip| Place::Plain { start: skip })?],
        Some("safetensors") => safetensors(file, path)?,
        Some("gz") => vec![idx(&mut GzDecoder::new(BufReader::new(file)), path, |skip| Place::Gzip { skip })?],
        _ => vec![idx(&mut BufReader::new(file), path, |skip| Place::Plain { start: skip })?],
    };
    // A header can claim anything; a row must fit into memory.
    let size = |a: &Array| a.shape.iter().skip(1).try_fold(a.element.size(), |n, &s| n.checked_mul(s));
    let sized = |a: &Array| size(a).is_some_and(|bytes| bytes <= 1 << 28);
    match found.iter().find(|a| !sized(a)) {
        Some(array) => Err(Failure::new(format!("its array `{}` claims an impossible size", array.name))),
        None => Ok(found),
    }
}

fn npz(file: File, path: &Path) -> Result<Vec<Array>, Failure> {
    let no_archive = |e: zip::result::ZipError| Failure::new(format!("it is no whole .npz file ({e})"));
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(no_archive)?;
    let mut found = vec![];
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(no_archive)?;
        let name = entry.name().map_err(no_archive)?.into_owned();
        let Some(name) = name.strip_suffix(".npy") else { continue };
        let (start, length) = (entry.data_start().unwrap_or(0), entry.compressed_size());
        let method = entry.compression();
        drop(entry);
        let place = move |skip: u64| match method {
            zip::CompressionMethod::Stored => Place::Plain { start: start + skip },
            _ => Place::Deflated { start, length, skip },
        };
        if ![zip::CompressionMethod::Stored, zip::CompressionMethod::DEFLATE].contains(&method) {
            return Err(Failure::new(format!("its array `{name}` is packed in a way that dcmc does not read")));
        }
        let mut reader = raw(path, place(0))?;
        found.push(npy(&mut reader, path, name, place)?);
    }
    Ok(found)
}

/// The array whose header `reader` is at; `place` is where its elements are, so many bytes behind.
fn npy(reader: &mut dyn Read, path: &Path, name: &str, place: impl Fn(u64) -> Place) -> Result<Array, Failure> {
    let mut counted = Counted { reader, bytes: 0 };
    let header = NpyHeader::from_reader(&mut counted)
        .map_err(|e| Failure::new(format!("its array `{name}` has no NumPy header ({e})")))?;
    let shape: Vec<usize> = header.shape().iter().map(|&n| n as usize).collect();
    if header.order() == Order::Fortran && shape.len() > 1 {
        let found = Failure::new(format!("its array `{name}` is in Fortran order"));
        return Err(found.help("save it with `numpy.ascontiguousarray`"));
    }
    let DType::Plain(kind) = header.dtype() else {
        return Err(Failure::new(format!("its array `{name}` holds records")));
    };
    let size = kind.size_field() as usize;
    let element = match (kind.type_char(), size) {
        (TypeChar::Bool, _) => Element::Bool,
        (TypeChar::Uint, 1 | 2 | 4 | 8) => Element::Unsigned(size),
        (TypeChar::Int, 1 | 2 | 4 | 8) => Element::Signed(size),
        (TypeChar::Float, 4 | 8) => Element::Float(size),
        (TypeChar::UnicodeStr, _) => Element::Text(size),
        _ => return Err(Failure::new(format!("its array `{name}` is of a type that dcmc does not read: {kind}"))),
    };
    let big_endian = kind.endianness() == Endianness::Big;
    Ok(Array { name: name.to_owned(), shape, element, big_endian, path: path.to_path_buf(), at: place(counted.bytes) })
}

/// Counts what was read.
struct Counted<'a> {
    reader: &'a mut dyn Read,
    bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

/// The array of an IDX file: two zero bytes, the type, the number of lengths, the lengths (big-endian), the elements.
fn idx(reader: &mut dyn Read, path: &Path, place: impl Fn(u64) -> Place) -> Result<Array, Failure> {
    let broken = |_| Failure::new("it breaks off in its header");
    let mut magic = [0; 4];
    reader.read_exact(&mut magic).map_err(broken)?;
    let element = match magic {
        [0, 0, 0x08, _] => Element::Unsigned(1),
        [0, 0, 0x09, _] => Element::Signed(1),
        [0, 0, 0x0b, _] => Element::Signed(2),
        [0, 0, 0x0c, _] => Element::Signed(4),
        [0, 0, 0x0d, _] => Element::Float(4),
        [0, 0, 0x0e, _] => Element::Float(8),
        _ => return Err(Failure::new("it is no IDX file: it does not begin with two zero bytes and a type")),
    };
    let mut shape = vec![];
    for _ in 0..magic[3] {
        let mut length = [0; 4];
        reader.read_exact(&mut length).map_err(broken)?;
        shape.push(u32::from_be_bytes(length) as usize);
    }
    let at = place(4 + 4 * u64::from(magic[3]));
    Ok(Array { name: "values".to_owned(), shape, element, big_endian: true, path: path.to_path_buf(), at })
}

fn safetensors(mut file: File, path: &Path) -> Result<Vec<Array>, Failure> {
    use safetensors::{Dtype, tensor::Metadata};
    let broken = |why: String| Failure::new(format!("it is no whole safetensors file ({why})"));
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|e| broken(e.to_string()))?;
    let header = u64::from_le_bytes(length);
    if header > 100_000_000 {
        return Err(broken("its header is too long".to_owned()));
    }
    let mut bytes = vec![];
    file.take(header).read_to_end(&mut bytes).map_err(|e| broken(e.to_string()))?;
    let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|e| broken(e.to_string()))?;
    let mut found = vec![];
    for (name, about) in metadata.tensors() {
        let element = match about.dtype {
            Dtype::BOOL => Element::Bool,
            Dtype::U8 => Element::Unsigned(1),
            Dtype::U16 => Element::Unsigned(2),
            Dtype::U32 => Element::Unsigned(4),
            Dtype::U64 => Element::Unsigned(8),
            Dtype::I8 => Element::Signed(1),
            Dtype::I16 => Element::Signed(2),
            Dtype::I32 => Element::Signed(4),
            Dtype::I64 => Element::Signed(8),
            Dtype::F32 => Element::Float(4),
            Dtype::F64 => Element::Float(8),
            _ => continue, // tensors of other kinds may stand beside
        };
        let at = Place::Plain { start: 8 + header + about.data_offsets.0 as u64 };
        let shape = about.shape.clone();
        found.push(Array { name, shape, element, big_endian: false, path: path.to_path_buf(), at });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The unpacked bytes at a place of a file.
fn raw(path: &Path, place: Place) -> Result<Box<dyn Read>, Failure> {
    let mut file = File::open(path).map_err(|error| cannot_open(path, &error))?;
    let unread = |e: std::io::Error| Failure::new(e.to_string());
    let (reader, skip): (Box<dyn Read>, u64) = match place {
        Place::Plain { start } => {
            file.seek(SeekFrom::Start(start)).map_err(unread)?;
            (Box::new(BufReader::with_capacity(1 << 18, file)), 0)
        }
        Place::Gzip { skip } => (Box::new(GzDecoder::new(BufReader::with_capacity(1 << 18, file))), skip),
        Place::Deflated { start, length, skip } => {
            file.seek(SeekFrom::Start(start)).map_err(unread)?;
            (Box::new(DeflateDecoder::new(BufReader::with_capacity(1 << 18, file.take(length)))), skip)
        }
    };
    let mut reader = reader;
    std::io::copy(&mut (&mut reader).take(skip), &mut std::io::sink()).map_err(unread)?;
    Ok(reader)
}

impl Array {
    /// Calls `visit` with the bytes of each of its first `rows` rows (the first length counts rows).
    ///
    /// # Errors
    /// Where the file breaks off, and those of `visit`.
    pub fn rows(&self, rows: usize, visit: &mut dyn FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut reader = raw(&self.path, self.at)?;
        let mut row = vec![0; self.shape.iter().skip(1).product::<usize>() * self.element.size()];
        for at in 0..rows.min(self.shape.first().copied().unwrap_or(0)) {
            reader.read_exact(&mut row).map_err(|_| self.breaks_off(at))?;
            visit(&row)?;
        }
        Ok(())
    }

    fn breaks_off(&self, row: usize) -> Failure {
        let rows = self.shape.first().copied().unwrap_or(0);
        Failure::new(format!("its array `{}` says it has {rows} rows and breaks off in row {}", self.name, row + 1))
    }

    /// The elements of a row as numbers.
    pub fn numbers<'a>(&'a self, row: &'a [u8]) -> impl Iterator<Item = f64> + 'a {
        row.chunks_exact(self.element.size().max(1)).map(|bytes| match self.element {
            Element::Float(4) => f64::from(f32::from_bits(self.bits(bytes) as u32)),
            Element::Float(_) => f64::from_bits(self.bits(bytes)),
            _ => self.whole(bytes) as f64,
        })
    }

    /// An element that is a whole number.
    pub fn whole(&self, bytes: &[u8]) -> i64 {
        let bits = self.bits(bytes);
        match self.element {
            Element::Signed(size) => {
                let unused = 64 - 8 * size as u32;
                ((bits << unused) as i64) >> unused
            }
            _ => bits as i64,
        }
    }

    /// An element that is text; zeros behind it do not count.
    pub fn text(&self, bytes: &[u8]) -> String {
        let letter = |four: &[u8]| char::from_u32(self.bits(four) as u32).unwrap_or(char::REPLACEMENT_CHARACTER);
        let text: String = bytes.chunks_exact(4).map(letter).collect();
        text.trim_end_matches('\0').to_owned()
    }

    fn bits(&self, bytes: &[u8]) -> u64 {
        let join = |all: u64, &byte: &u8| all << 8 | u64::from(byte);
        if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
    }
}
