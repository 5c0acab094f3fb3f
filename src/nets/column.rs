//! The values of one variable, one per row.

use super::image::{ImageSize, from_planes};
use candle_core::{Result, Tensor, bail};
use std::borrow::Cow;

/// The values of a variable in some rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Codes of a discrete variable.
    Codes(Vec<u32>),
    /// Real numbers, in the units of the data.
    Reals(Vec<f32>),
    /// Images.
    Pixels(Pixels),
    /// One image, the same in so many rows.
    Still(Pixels, usize),
}

/// Images of one shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pixels {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// `[rows, channels, height, width]` in [-1, 1], row-major.
    pub values: Vec<f32>,
}

impl Pixels {
    /// The numbers of one image.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The number of images.
    pub fn rows(&self) -> usize {
        self.values.len() / self.size().max(1)
    }

    /// The numbers of the images of these `rows`; of a `still` image it stands for each of them.
    pub fn of_rows(&self, still: bool, rows: std::ops::Range<usize>) -> Cow<'_, [f32]> {
        match still {
            true => Cow::Owned(self.values.repeat(rows.len())),
            false => Cow::Borrowed(&self.values[rows.start * self.size()..rows.end * self.size()]),
        }
    }

    /// The image of `row` as bytes from 0 to 255, rounded; nothing where there is no such row.
    pub fn bytes(&self, row: usize) -> Vec<u8> {
        let image = self.values.chunks_exact(self.size().max(1)).nth(row).unwrap_or_default();
        image.iter().map(|v| ((v + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8).collect()
    }

    /// These `rows` as networks take them: `[rows, height, width, channels]`.
    ///
    /// # Errors
    /// Where the images are of another size than `size`, or a row is not there.
    pub fn pictures(&self, rows: &[usize], size: ImageSize) -> Result<Tensor> {
        let ImageSize { channels, height, width } = size;
        if self.shape != [channels, height, width] {
            bail!("images {:?} where a network takes {:?}", self.shape, [channels, height, width])
        }
        let mut planes: Vec<f32> = Vec::with_capacity(rows.len() * self.size());
        for &row in rows {
            let Some(image) = self.values.chunks_exact(self.size().max(1)).nth(row) else { bail!("no image {row}") };
            planes.extend_from_slice(image);
        }
        from_planes(&planes, size)
    }
}

impl Column {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Codes(codes) => codes.len(),
            Self::Reals(numbers) => numbers.len(),
            Self::Pixels(pixels) => pixels.rows(),
            Self::Still(_, rows) => *rows,
        }
    }

    /// The codes of a discrete variable; `None` for others.
    pub fn codes(&self) -> Option<&[u32]> {
        match self {
            Self::Codes(codes) => Some(codes),
            Self::Reals(_) | Self::Pixels(_) | Self::Still(..) => None,
        }
    }

    /// The numbers of a real variable; `None` for others.
    pub fn reals(&self) -> Option<&[f32]> {
        match self {
            Self::Reals(numbers) => Some(numbers),
            Self::Codes(_) | Self::Pixels(_) | Self::Still(..) => None,
        }
    }

    /// The column of a variable with these codes: those of real numbers are the bits of an `f32`.
    pub fn of_codes(codes: Vec<u32>, real: bool) -> Self {
        if real { Self::Reals(codes.into_iter().map(f32::from_bits).collect()) } else { Self::Codes(codes) }
    }

    /// The code of the value in `row`; `None` for images, and where there is no such row.
    pub fn code(&self, row: usize) -> Option<u32> {
        match self {
            Self::Codes(codes) => codes.get(row).copied(),
            Self::Reals(numbers) => numbers.get(row).map(|number| number.to_bits()),
            Self::Pixels(_) | Self::Still(..) => None,
        }
    }

    /// Images, and whether one stands for all rows; `None` for others.
    pub fn images(&self) -> Option<(&Pixels, bool)> {
        match self {
            Self::Pixels(pixels) => Some((pixels, false)),
            Self::Still(pixels, _) => Some((pixels, true)),
            Self::Codes(_) | Self::Reals(_) => None,
        }
    }

    /// What its values are, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Codes(_) => "a discrete variable",
            Self::Reals(_) => "a real variable",
            Self::Pixels(_) | Self::Still(..) => "an image",
        }
    }
}

/// The codes of columns that must all be discrete.
///
/// # Errors
/// Where one is not.
pub fn codes_of<'a>(columns: &[&'a Column]) -> Result<Vec<&'a [u32]>> {
    let codes: Option<Vec<&[u32]>> = columns.iter().map(|column| column.codes()).collect();
    let Some(codes) = codes else { bail!("a mechanism of discrete parents was given others") };
    Ok(codes)
}
