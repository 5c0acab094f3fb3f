//! Data sets with images as files, and images as pictures.

use super::picture_file::encode;
use super::write::{Column, Values, columns_of_table, extension, write_table, write_whole};
use super::{Images, Table};
use crate::model::Model;
use rayon::prelude::*;
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Writes the rows of `table`, images among them, to `path`, so that a data set of that file has the same rows. The
/// extension says how: `.parquet` holds the images as PNG, `.npz` and `.safetensors` all columns as arrays; `.csv`,
/// `.tsv` and `.json` name PNG files in a folder beside them (`x.csv`: `x_images/VARIABLE/0.png`, …).
///
/// # Errors
/// Where the extension is another, images have other than 1, 3 or 4 channels (but in arrays), a `.safetensors` file
/// should hold text, or a file cannot be written.
pub fn write_data(path: &Path, model: &Model, table: &Table) -> io::Result<()> {
    let mut columns = columns_of_table(model, table);
    let images: Vec<(&str, &Images)> = table.images.iter().map(|(&v, images)| (model.name(v), images)).collect();
    let extension = extension(path);
    match extension.as_str() {
        "npz" => return write_whole(path, |file| write_npz(file, &columns, &images)),
        "safetensors" => {
            let bytes = tensors(&columns, &images)?;
            return write_whole(path, |file| file.write_all(&bytes));
        }
        "parquet" => {
            for (name, images) in images {
                let pngs: io::Result<Vec<_>> = (0..images.len()).into_par_iter().map(|row| png(images, row)).collect();
                let values = Values::Bytes(pngs?.into_iter().map(Some).collect());
                columns.push(Column { name: name.to_owned(), values });
            }
        }
        "csv" | "tsv" | "json" => {
            for (name, images) in images {
                columns.push(Column { name: name.to_owned(), values: Values::Text(write_folder(path, name, images)?) });
            }
        }
        _ => {}
    }
    let place = |c: &Column| model.id(&c.name).unwrap_or(usize::MAX);
    columns.sort_by_key(place);
    write_table(path, &columns)
}

/// Writes rows that were drawn to `path` as its name says: one picture of the images (of one shape; those of a row
/// beside each other) where it ends in `.png`, a table `rows.csv` with image files where it is a folder (it ends in `/`), else as
/// [`write_data`].
///
/// # Errors
/// Those of [`write_data`] and [`write_png_grid`].
pub fn write_samples(path: &str, base: &Path, model: &Model, table: &Table, grid: Grid) -> io::Result<()> {
    let whole = base.join(path);
    match (extension(&whole).as_str(), table.images.values().next()) {
        ("png", Some(first)) => {
            let each = table.images.len();
            let rows = (0..table.rows).flat_map(|row| table.images.values().map(move |images| images.row(row)));
            let square = ((table.rows * each) as f64).sqrt().ceil() as usize;
            let columns = if grid.columns == 0 { square.next_multiple_of(each) } else { grid.columns * each };
            write_png_grid(&whole, &rows.collect::<io::Result<Vec<_>>>()?, first.shape(), Grid { columns, ..grid })
        }
        _ if path.ends_with('/') => write_data(&whole.join("rows.csv"), model, table),
        _ => write_data(&whole, model, table),
    }
}

fn png(images: &Images, row: usize) -> io::Result<Vec<u8>> {
    encode(&images.row(row)?, images.shape())
}

/// Writes each image as a file; the names of the files, relative to the folder of `path`.
fn write_folder(path: &Path, name: &str, images: &Images) -> io::Result<Vec<Option<String>>> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() || "_-.".contains(c) { c } else { '_' }).collect();
    let folder = format!("{stem}_images/{plain}");
    let beside = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(beside.join(&folder))?;
    let write = |row: usize| {
        let file = format!("{folder}/{row}.png");
        std::fs::write(beside.join(&file), png(images, row)?)?;
        Ok(Some(file))
    };
    (0..images.len()).into_par_iter().map(write).collect()
}

/// A `.safetensors` file: a tensor for each column, images as bytes `[rows, channels, height, width]`.
fn tensors(columns: &[Column], images: &[(&str, &Images)]) -> io::Result<Vec<u8>> {
    let mut tensors: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = vec![];
    for column in columns {
        let (dtype, bytes) = match &column.values {
            Values::Int(values) => (Dtype::I64, values.iter().flat_map(|n| n.unwrap_or(0).to_le_bytes()).collect()),
            Values::Float(values) => {
                (Dtype::F64, values.iter().flat_map(|x| x.unwrap_or(f64::NAN).to_le_bytes()).collect())
            }
            Values::Text(_) | Values::Bytes(_) => {
                let message = format!("`{}` is text, which tensors do not hold: write .npz or .parquet", column.name);
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
        };
        tensors.push((&column.name, dtype, vec![column.values.len()], bytes));
    }
    for (name, images) in images {
        let [channels, height, width] = images.shape();
        let rows: io::Result<Vec<Vec<u8>>> = (0..images.len()).map(|row| images.row(row)).collect();
        tensors.push((name, Dtype::U8, vec![images.len(), channels, height, width], rows?.concat()));
    }
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        Ok((*name, TensorView::new(*dtype, shape.clone(), bytes).map_err(io::Error::other)?))
    });
    serialize(views.collect::<io::Result<Vec<_>>>()?, None).map_err(io::Error::other)
}

/// An uncompressed `.npz` file: an array for each column.
fn write_npz(file: &mut std::fs::File, columns: &[Column], images: &[(&str, &Images)]) -> io::Result<()> {
    let mut archive = ZipWriter::new(BufWriter::new(file));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for column in columns {
        archive.start_file(format!("{}.npy", column.name), options)?;
        write_column(&mut archive, &column.values)?;
    }
    for (name, images) in images {
        archive.start_file(format!("{name}.npy"), options)?;
        let [channels, height, width] = images.shape();
        write_header(&mut archive, "|u1", &[images.len(), channels, height, width])?;
        for row in 0..images.len() {
            archive.write_all(&images.row(row)?)?;
        }
    }
    archive.finish()?.flush()
}

fn write_column(out: &mut impl Write, values: &Values) -> io::Result<()> {
    let mut bytes = vec![];
    let kind = match values {
        Values::Int(values) => {
            values.iter().for_each(|n| bytes.extend(n.unwrap_or(0).to_le_bytes()));
            "<i8".to_owned()
        }
        Values::Float(values) => {
            values.iter().for_each(|x| bytes.extend(x.unwrap_or(f64::NAN).to_le_bytes()));
            "<f8".to_owned()
        }
        Values::Text(values) => {
            let texts: Vec<Vec<char>> =
                values.iter().map(|t| t.as_deref().unwrap_or_default().chars().collect()).collect();
            let longest = texts.iter().map(Vec::len).max().unwrap_or(0).max(1);
            for text in &texts {
                let padded = text.iter().copied().chain(std::iter::repeat('\0')).take(longest);
                padded.for_each(|letter| bytes.extend((letter as u32).to_le_bytes()));
            }
            format!("<U{longest}")
        }
        Values::Bytes(_) => return Err(io::Error::other("arrays hold no binary data")),
    };
    write_header(out, &kind, &[values.len()])?;
    out.write_all(&bytes)
}

/// The header of a NumPy array, version 1.0, padded so that the data begin at a multiple of 64 bytes.
fn write_header(out: &mut impl Write, kind: &str, shape: &[usize]) -> io::Result<()> {
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())
}

/// How images stand beside each other in one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Images in a row; 0 makes it nearly square.
    pub columns: usize,
    /// Pixels between images, of `background`.
    pub gap: usize,
    /// Each pixel becomes a square of this side; 0 is as large as makes small images 96 pixels high.
    pub scale: usize,
    /// The brightness between images.
    pub background: u8,
}

impl Default for Grid {
    fn default() -> Self {
        Self { columns: 0, gap: 2, scale: 0, background: 255 }
    }
}

/// Writes `images` (each `[channels, height, width]`, 1, 3 or 4 channels) as one PNG picture, row by row.
///
/// # Errors
/// Those of [`png_grid`], and where the file cannot be written.
pub fn write_png_grid(path: &Path, images: &[Vec<u8>], shape: [usize; 3], grid: Grid) -> io::Result<()> {
    let bytes = png_grid(images, shape, grid)?;
    write_whole(path, |file| file.write_all(&bytes))
}

/// The bytes of a PNG picture of `images`, row by row.
///
/// # Errors
/// Where there is no image or one of another size, there are other than 1, 3 or 4 channels, or the picture would be
/// too large.
pub fn png_grid(images: &[Vec<u8>], shape: [usize; 3], grid: Grid) -> io::Result<Vec<u8>> {
    let [channels, height, width] = shape;
    let size = channels * height * width;
    if images.is_empty() || size == 0 || images.iter().any(|i| i.len() != size) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a grid takes images of one size"));
    }
    let columns = match grid.columns {
        0 => (images.len() as f64).sqrt().ceil() as usize,
        columns => columns.min(images.len()),
    };
    let scale = if grid.scale == 0 { (96 / height.max(width)).clamp(1, 4) } else { grid.scale };
    let rows = images.len().div_ceil(columns);
    let [tall, wide] =
        [(rows, height), (columns, width)].map(|(count, side)| count * (side * scale + grid.gap) + grid.gap);
    if tall.saturating_mul(wide) > 1 << 28 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("a picture of {wide} × {tall} is too large")));
    }
    let mut picture = vec![grid.background; channels * tall * wide];
    for (at, image) in images.iter().enumerate() {
        let (top, left) = (
            grid.gap + at / columns * (height * scale + grid.gap),
            grid.gap + at % columns * (width * scale + grid.gap),
        );
        for (channel, plane) in image.chunks_exact(height * width).enumerate() {
            for row in 0..height * scale {
                let start = (channel * tall + top + row) * wide + left;
                let line = &plane[row / scale * width..][..width];
                let out = picture[start..start + width * scale].chunks_exact_mut(scale);
                out.zip(line).for_each(|(square, &pixel)| square.fill(pixel));
            }
        }
    }
    encode(&picture, [channels, tall, wide])
}

/// Writes one image (`[channels, height, width]`, 1, 3 or 4 channels) as PNG.
///
/// # Errors
/// Where the length or the number of channels is another, or the file cannot be written.
pub fn write_png(path: &Path, pixels: &[u8], shape: [usize; 3]) -> io::Result<()> {
    if pixels.len() != shape.iter().product::<usize>() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "an image of another size than its shape"));
    }
    let bytes = encode(pixels, shape)?;
    write_whole(path, |file| file.write_all(&bytes))
}
