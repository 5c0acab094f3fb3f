//! The images of one variable as a data set's rows are read.

use super::array::{Array, Element, arrays};
use super::file::{DataFile, Failure, Row};
use super::images::{Images, ImagesBuilder};
use super::load::unreadable;
use super::picture_file::{Fault, Fit, decode, shape_of};
use super::select::{Selection, quoted};
use crate::diag::{Diagnostic, Span};
use crate::model::{Domain, ImageBinding, Model, Regime, VarId, spell};
use rayon::prelude::*;
use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};

/// Images that are unpacked side by side.
const CHUNK: usize = 256;
/// Images that are shown one by one where they are at fault.
const SHOWN: usize = 5;

/// The images of one variable in one data set.
pub struct Pictures<'m> {
    model: &'m Model,
    /// The variable.
    pub variable: VarId,
    fit: Fit,
    from: From,
    /// The file that is at fault where the images are, and where it is named.
    place: (String, Span),
    builder: ImagesBuilder,
    pending: Vec<(usize, Encoded)>,
    faults: Faults,
    /// Rows without an image.
    pub empty: usize,
}

enum From {
    /// A column with file names, relative to a folder, or with the images themselves.
    Column(usize, PathBuf),
    /// An array, and the shape of each of its rows.
    Array(Box<Array>, Layout),
}

/// How the numbers of an array's row make an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    /// Channels, height, width.
    shape: [usize; 3],
    /// Whether the channels of a pixel stand together.
    interleaved: bool,
}

enum Encoded {
    File(PathBuf, String),
    Bytes(Vec<u8>),
}

#[derive(Default)]
struct Faults {
    count: usize,
    shown: Vec<String>,
    /// The first image of another shape: its shape, and where it is.
    shape: Option<([usize; 3], String)>,
}

/// The images that `regime` holds; `base` is the folder that paths in the model are relative to.
///
/// # Errors
/// E0404 for images of variables that are none, E0501 for files that cannot be read, E0510 for arrays whose images
/// do not fit.
pub fn pictures<'m>(
    model: &'m Model,
    regime: &Regime,
    base: &Path,
    place: (&str, Span),
    file: &DataFile,
    selection: &Selection,
) -> Result<Vec<Pictures<'m>>, Vec<Diagnostic>> {
    let (mut found, mut errors) = (vec![], vec![]);
    for binding in &regime.images {
        if !matches!(model.domain(binding.variable), Some(Domain::Image(_))) {
            errors.push(not_an_image(model, binding));
        }
    }
    for variable in selection.observed() {
        let binding = regime.images.iter().find(|b| b.variable == variable);
        let column = selection.columns.get(&variable).copied();
        match open(model, variable, binding, column, base, place, file) {
            Ok(pictures) => found.extend(pictures),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// The images of a variable in a data set; `None` where it is no image or the data set has none of it.
fn open<'m>(
    model: &'m Model,
    variable: VarId,
    binding: Option<&ImageBinding>,
    column: Option<usize>,
    base: &Path,
    place: (&str, Span),
    file: &DataFile,
) -> Result<Option<Pictures<'m>>, Diagnostic> {
    let Some(&Domain::Image(shape)) = model.domain(variable) else { return Ok(None) };
    let fit = Fit { shape, resize: binding.is_some_and(|b| b.resize), convert: binding.is_some_and(|b| b.convert) };
    let named = binding.and_then(|b| b.file.as_ref());
    let (mut from, place) = match (named, column) {
        (Some((path, span)), _) => {
            let array = binding.and_then(|b| b.array.as_deref());
            let array = choose(&base.join(path), array).map_err(|failure| unreadable((path, *span), failure))?;
            (From::Array(Box::new(array), Layout { shape, interleaved: false }), (path.clone(), *span))
        }
        (None, Some(column)) => {
            let from = match file.array(column).filter(|a| a.shape.len() > 1) {
                Some(array) => From::Array(Box::new(array.clone()), Layout { shape, interleaved: false }),
                None => {
                    let beside = || base.join(place.0).parent().map_or_else(PathBuf::new, Path::to_path_buf);
                    let folder = binding.and_then(|b| b.folder.as_ref()).map_or_else(beside, |f| base.join(f));
                    From::Column(column, folder)
                }
            };
            (from, (place.0.to_owned(), place.1))
        }
        (None, None) => return Ok(None),
    };
    if let From::Array(array, layout) = &mut from {
        *layout = layout_of(array, shape).map_err(|failure| unreadable((&place.0, place.1), failure))?;
    }
    let builder = ImagesBuilder::new(shape, model.settings.image_memory());
    let (pending, faults) = (vec![], Faults::default());
    let found = Pictures { model, variable, fit, from, place, builder, pending, faults, empty: 0 };
    match &found.from {
        From::Array(_, layout) if found.fit.accept(layout.shape).is_err() => Err(found.other_shape(layout.shape, None)),
        _ => Ok(Some(found)),
    }
}

fn not_an_image(model: &Model, binding: &ImageBinding) -> Diagnostic {
    let name = model.name(binding.variable);
    let about = &model.variables[binding.variable];
    let what = about.domain.as_ref().map_or_else(|| "has no type".to_owned(), |d| format!("is {d}"));
    Diagnostic::new("E0404", format!("`{name}` is no image"))
        .label(binding.span, "its images")
        .label(about.declared.unwrap_or(about.span), format!("`{name}` {what}"))
        .help(format!("declare `{}: image[1,28,28]`", spell(name)))
}

/// The array of the file `path` that holds images: the one called `name`, or the only one that can.
fn choose(path: &Path, name: Option<&str>) -> Result<Array, Failure> {
    if !super::array::is_array_file(path) {
        let found = Failure::new("its name does not say that it holds many images");
        return Err(found.help("they can be in .npy, .npz, .safetensors, .idx, -ubyte files, the last two also as .gz"));
    }
    let mut arrays = arrays(path)?;
    match name {
        Some(name) => arrays.retain(|a| a.name == name),
        None => arrays.retain(|a| a.shape.len() > 1),
    }
    match (arrays.len(), name) {
        (1, _) => Ok(arrays.remove(0)),
        (0, Some(name)) => {
            let names = super::array::arrays(path)?;
            let names = quoted(names.iter().map(|a| a.name.as_str()), 12);
            Err(Failure::new(format!("it has no array `{name}`")).help(format!("it has {names}")))
        }
        (0, None) => Err(Failure::new("it has no array of images")),
        _ => {
            let names = quoted(arrays.iter().map(|a| a.name.as_str()), 12);
            Err(Failure::new(format!("it has several arrays: {names}")).help("choose one: `{ array: \"NAME\" }`"))
        }
    }
}

/// How the rows of `array` are images, if possible of the shape `wanted`.
fn layout_of(array: &Array, wanted: [usize; 3]) -> Result<Layout, Failure> {
    if !matches!(array.element, Element::Unsigned(1) | Element::Float(_) | Element::Bool) {
        let found = Failure::new(format!("its array `{}` holds {}", array.name, array.element));
        return Err(found.help("images are u8 from 0 to 255, or floating-point numbers"));
    }
    let planes = |shape| Ok(Layout { shape, interleaved: false });
    match array.shape[..] {
        [_, height, width] => planes([1, height, width]),
        [_, a, b, c] if [a, b, c] == wanted => planes([a, b, c]),
        [_, a, b, c] if [c, a, b] == wanted => Ok(Layout { shape: wanted, interleaved: true }),
        [_, a, b, c] if matches!(c, 1 | 3 | 4) && !matches!(a, 1 | 3 | 4) => {
            Ok(Layout { shape: [c, a, b], interleaved: true })
        }
        [_, a, b, c] => planes([a, b, c]),
        [_, length] if length == wanted.iter().product::<usize>() => planes(wanted),
        _ => {
            let shape: Vec<String> = array.shape.iter().map(usize::to_string).collect();
            Err(Failure::new(format!("its array `{}` of shape [{}] holds no images", array.name, shape.join(", "))))
        }
    }
}

impl Pictures<'_> {
    /// Whether the row has an image.
    pub fn is_there(&mut self, row: &Row) -> bool {
        let From::Column(column, _) = self.from else { return true };
        let there = !row.cell(column).is_missing();
        self.empty += usize::from(!there);
        there
    }

    /// Looks at the header of the image of a row (numbered from 1).
    pub fn look(&mut self, row: &Row, number: usize) {
        let Some(encoded) = self.encoded(row) else { return };
        let found = match &encoded {
            Encoded::File(path, _) => match File::open(path) {
                Ok(file) => shape_of(BufReader::new(file)),
                Err(error) => Err(Fault::Broken(cannot_read(&error))),
            },
            Encoded::Bytes(bytes) if bytes.len() == self.builder_size() => Ok(self.fit.shape),
            Encoded::Bytes(bytes) => shape_of(Cursor::new(bytes)),
        };
        if let Err(fault) = found.and_then(|shape| self.fit.accept(shape)) {
            self.faults.add(fault, place_of(number, &encoded));
        }
    }

    /// Takes the image of a row (numbered from 1) that is kept.
    pub fn take(&mut self, row: &Row, number: usize) {
        if let Some(encoded) = self.encoded(row) {
            self.pending.push((number, encoded));
            if self.pending.len() >= CHUNK {
                self.unpack();
            }
        }
    }

    fn encoded(&self, row: &Row) -> Option<Encoded> {
        let From::Column(column, folder) = &self.from else { return None };
        let bytes = row.bytes(*column)?;
        let is_image = row.is_binary() && (bytes.len() == self.builder_size() || image::guess_format(bytes).is_ok());
        if is_image {
            return Some(Encoded::Bytes(bytes.to_vec()));
        }
        let name = String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
        Some(Encoded::File(folder.join(&name), name))
    }

    fn builder_size(&self) -> usize {
        self.fit.shape.iter().product()
    }

    fn unpack(&mut self) {
        let (fit, size) = (self.fit, self.builder_size());
        let unpacked: Vec<Result<Vec<u8>, Fault>> = self
            .pending
            .par_iter()
            .map(|(_, encoded)| match encoded {
                Encoded::Bytes(bytes) if bytes.len() == size && image::guess_format(bytes).is_err() => {
                    Ok(bytes.clone())
                }
                Encoded::Bytes(bytes) => decode(bytes, &fit),
                Encoded::File(path, _) => {
                    std::fs::read(path).map_err(|e| Fault::Broken(cannot_read(&e))).and_then(|b| decode(&b, &fit))
                }
            })
            .collect();
        for ((number, encoded), result) in std::mem::take(&mut self.pending).iter().zip(unpacked) {
            let kept = result.and_then(|pixels| self.builder.push(&pixels).map_err(|e| Fault::Broken(e.to_string())));
            if let Err(fault) = kept {
                self.faults.add(fault, place_of(*number, encoded));
            }
        }
    }

    /// E0512 unless the images' file has `rows` images.
    pub fn same_number(&self, rows: usize, table: (&str, Span)) -> Option<Diagnostic> {
        let From::Array(array, _) = &self.from else { return None };
        let images = array.shape.first().copied().unwrap_or(0);
        if images == rows || self.place.1 == table.1 {
            return None;
        }
        let message = format!("`{}` has {rows} rows, and `{}` {images} images", table.0, self.place.0);
        let found = Diagnostic::new("E0512", message).label(self.place.1, format!("{images} images"));
        let found = found.label(table.1, format!("{rows} rows"));
        Some(found.note("the first image belongs to the first row, the second to the second, and so on"))
    }

    /// Takes the images of an array for the rows of `kept` (numbered from 0, ascending).
    pub fn take_array(&mut self, kept: &[usize]) -> Result<(), Diagnostic> {
        let From::Array(array, layout) = &self.from else { return Ok(()) };
        let failed = |failure| unreadable((&self.place.0, self.place.1), failure);
        let scale = Scale::of(array).map_err(failed)?;
        let (mut at, mut next) = (0, kept.iter().copied().peekable());
        let builder = &mut self.builder;
        let visit = &mut |bytes: &[u8]| {
            if next.next_if_eq(&at).is_some() {
                let pixels = layout.planar(scale.bytes(array, bytes));
                let pixels = self.fit.fit(pixels, layout.shape).map_err(|_| Failure::new("its images do not fit"))?;
                builder.push(&pixels).map_err(|e| Failure::new(format!("a temporary file cannot be written: {e}")))?;
            }
            at += 1;
            Ok(())
        };
        array.rows(kept.last().map_or(0, |last| last + 1), visit).map_err(failed)
    }

    /// Unpacks what is left; E0510 and E0511 for what was wrong so far.
    pub fn errors(&mut self) -> Vec<Diagnostic> {
        self.unpack();
        let mut errors = vec![];
        if let Some((shape, place)) = &self.faults.shape {
            errors.push(self.other_shape(*shape, Some(place)));
        }
        if self.faults.count > 0 {
            let count = self.faults.count;
            let what = if count == 1 { "an image".to_owned() } else { format!("{count} images") };
            let message = format!("{what} of `{}` cannot be read", self.place.0);
            let mut error = Diagnostic::new("E0511", message).label(self.place.1, "this data file");
            error.notes.clone_from(&self.faults.shown);
            if count > SHOWN {
                error = error.note(format!("and {} more", count - SHOWN));
            }
            let help = match &self.from {
                From::Column(_, folder) => format!("file names are relative to {}", folder.display()),
                From::Array(..) => "write the file again".to_owned(),
            };
            errors.push(error.help(help));
        }
        errors
    }

    /// E0510.
    fn other_shape(&self, [channels, height, width]: [usize; 3], place: Option<&str>) -> Diagnostic {
        let about = &self.model.variables[self.variable];
        let (name, wanted) = (self.model.name(self.variable), self.fit.shape);
        let written = Domain::Image([channels, height, width]);
        let type_ = Domain::Image(wanted);
        let message = format!("images of `{}` are {written}, and `{name}` is {type_}", self.place.0);
        let mut error = Diagnostic::new("E0510", message).label(self.place.1, format!("{written}"));
        error = error.label(about.declared.unwrap_or(about.span), format!("{type_}"));
        if let Some(place) = place {
            error = error.note(format!("the first of them: {place}"));
        }
        let (mut flags, mut does) = (vec![], vec![]);
        if (height, width) != (wanted[1], wanted[2]) {
            flags.push("resize: true");
            does.push("scale them");
        }
        if channels != wanted[0] {
            flags.push("convert: true");
            does.push("change their colours");
        }
        let binding = match &self.from {
            From::Array(..) => format!("{}: {:?} {{ {} }}", spell(name), self.place.0, flags.join(", ")),
            From::Column(..) => format!("{}: {{ {} }}", spell(name), flags.join(", ")),
        };
        error
            .help(format!("declare `{}: {written}`", spell(name)))
            .help(format!("or {}: `images: {{ {binding} }}`", does.join(" and ")))
    }

    /// The images.
    pub fn finish(self) -> std::io::Result<Images> {
        self.builder.finish()
    }
}

impl Faults {
    fn add(&mut self, fault: Fault, place: String) {
        match fault {
            Fault::Shape(shape) => _ = self.shape.get_or_insert((shape, place)),
            Fault::Broken(why) => {
                self.count += 1;
                if self.count <= SHOWN {
                    self.shown.push(format!("{place}: {why}"));
                }
            }
        }
    }
}

impl Layout {
    /// The pixels channel by channel.
    fn planar(&self, pixels: Vec<u8>) -> Vec<u8> {
        let channels = self.shape[0];
        if !self.interleaved || channels == 1 {
            return pixels;
        }
        (0..channels).flat_map(|c| pixels.iter().skip(c).step_by(channels).copied()).collect()
    }
}

/// How the numbers of an array become bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    factor: f64,
    offset: f64,
}

impl Scale {
    /// Floating-point images are from 0 to 1, from −1 to 1 or from 0 to 255: all of them together tell.
    fn of(array: &Array) -> Result<Self, Failure> {
        if array.element == Element::Bool {
            return Ok(Self { factor: 255.0, offset: 0.0 });
        }
        let Element::Float(_) = array.element else { return Ok(Self { factor: 1.0, offset: 0.0 }) };
        let (mut low, mut high, mut finite) = (f64::INFINITY, f64::NEG_INFINITY, true);
        array.rows(usize::MAX, &mut |row| {
            for number in array.numbers(row) {
                (low, high) = (low.min(number), high.max(number));
                finite &= number.is_finite();
            }
            Ok(())
        })?;
        match (low, high) {
            _ if !finite => Err(Failure::new(format!("its array `{}` has pixels that are not numbers", array.name))),
            (0.0.., ..=1.0) => Ok(Self { factor: 255.0, offset: 0.0 }),
            (-1.0.., ..=1.0) => Ok(Self { factor: 127.5, offset: 127.5 }),
            (0.0.., ..=255.0) => Ok(Self { factor: 1.0, offset: 0.0 }),
            _ => {
                let found =
                    Failure::new(format!("the pixels of its array `{}` range from {low} to {high}", array.name));
                Err(found.help("they may range from 0 to 1, from -1 to 1, or from 0 to 255"))
            }
        }
    }

    fn bytes(self, array: &Array, row: &[u8]) -> Vec<u8> {
        if array.element == Element::Unsigned(1) {
            return row.to_vec();
        }
        let byte = |number: f64| (number * self.factor + self.offset).round().clamp(0.0, 255.0) as u8;
        array.numbers(row).map(byte).collect()
    }
}

fn place_of(number: usize, encoded: &Encoded) -> String {
    match encoded {
        Encoded::File(_, name) => format!("row {number} (`{name}`)"),
        Encoded::Bytes(_) => format!("row {number}"),
    }
}

fn cannot_read(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => error.to_string(),
    }
}
