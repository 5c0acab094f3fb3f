//! Single encoded images (PNG, JPEG, PNM), and their fit to a type.

use image::imageops::FilterType;
use image::{ColorType, DynamicImage, GrayImage, ImageDecoder, ImageReader};
use std::io::{BufRead, Cursor, Seek};

/// How images are brought to the shape of their type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// Whether other heights and widths are scaled.
    pub resize: bool,
    /// Whether grey becomes coloured and colour grey.
    pub convert: bool,
}

/// Why an image is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be read.
    Broken(String),
    /// It has this shape: channels, height, width.
    Shape([usize; 3]),
}

impl Fit {
    /// Whether an image of `shape` can be used.
    ///
    /// # Errors
    /// [`Fault::Shape`].
    pub fn accept(&self, shape: [usize; 3]) -> Result<(), Fault> {
        let [channels, height, width] = self.shape;
        let sized = self.resize || (shape[1], shape[2]) == (height, width);
        let colored = shape[0] == channels || (self.convert && matches!(channels, 1 | 3) && shape[0] <= 4);
        if sized && colored && shape.iter().all(|&s| s > 0) { Ok(()) } else { Err(Fault::Shape(shape)) }
    }

    /// The pixels of an image of shape `from`, in the shape of the type.
    ///
    /// # Errors
    /// [`Fault::Shape`] where it does not fit.
    pub fn fit(&self, pixels: Vec<u8>, from: [usize; 3]) -> Result<Vec<u8>, Fault> {
        if from == self.shape {
            return Ok(pixels);
        }
        self.accept(from)?;
        let [channels, height, width] = self.shape;
        let planes: Vec<&[u8]> = pixels.chunks_exact(from[1] * from[2]).collect();
        let planes = if channels == from[0] { owned(&planes) } else { recolored(&planes, channels) };
        let mut found = Vec::with_capacity(channels * height * width);
        for plane in planes {
            if (from[1], from[2]) == (height, width) {
                found.extend(plane);
                continue;
            }
            let Some(image) = GrayImage::from_raw(from[2] as u32, from[1] as u32, plane) else {
                return Err(Fault::Shape(from));
            };
            let scaled = image::imageops::resize(&image, width as u32, height as u32, FilterType::Triangle);
            found.extend(scaled.into_raw());
        }
        Ok(found)
    }
}

fn owned(planes: &[&[u8]]) -> Vec<Vec<u8>> {
    planes.iter().map(|p| p.to_vec()).collect()
}

/// Grey as three equal planes; colour as its brightness (ITU-R BT.601). What covers (alpha) is left out.
fn recolored(planes: &[&[u8]], channels: usize) -> Vec<Vec<u8>> {
    match (planes, channels) {
        ([red, green, blue, ..], 1) => {
            let gray = |((&r, &g), &b): ((&u8, &u8), &u8)| {
                ((u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114 + 500) / 1000) as u8
            };
            vec![red.iter().zip(*green).zip(*blue).map(gray).collect()]
        }
        ([red, green, blue, ..], _) => owned(&[red, green, blue]),
        _ => (0..channels).map(|_| planes[0].to_vec()).collect(),
    }
}

/// The shape of an encoded image: channels, height, width. Reads its header only.
///
/// # Errors
/// [`Fault::Broken`].
pub fn shape_of(bytes: impl BufRead + Seek) -> Result<[usize; 3], Fault> {
    let reader = ImageReader::new(bytes).with_guessed_format().map_err(|e| Fault::Broken(e.to_string()))?;
    if reader.format().is_none() {
        return Err(unknown_format());
    }
    let decoder = reader.into_decoder().map_err(|e| broken(&e))?;
    let (width, height) = decoder.dimensions();
    Ok([channels(decoder.color_type()), height as usize, width as usize])
}

/// The pixels of an encoded image in the shape that `fit` asks for.
///
/// # Errors
/// [`Fault`].
pub fn decode(bytes: &[u8], fit: &Fit) -> Result<Vec<u8>, Fault> {
    fit.accept(shape_of(Cursor::new(bytes))?)?; // before its pixels are unpacked
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let image = reader.map_err(|e| Fault::Broken(e.to_string()))?.decode().map_err(|e| broken(&e))?;
    let shape = [channels(image.color()), image.height() as usize, image.width() as usize];
    let interleaved = match shape[0] {
        1 => image.into_luma8().into_raw(),
        2 => image.into_luma_alpha8().into_raw(),
        3 => image.into_rgb8().into_raw(),
        _ => image.into_rgba8().into_raw(),
    };
    let planar = (0..shape[0]).flat_map(|c| interleaved.iter().skip(c).step_by(shape[0]).copied()).collect();
    fit.fit(planar, shape)
}

/// The image (`[channels, height, width]`, 1, 3 or 4 channels) as PNG.
///
/// # Errors
/// Where the number of channels is another.
pub fn encode(pixels: &[u8], [channels, height, width]: [usize; 3]) -> std::io::Result<Vec<u8>> {
    use image::codecs::png::{CompressionType, FilterType as Filter, PngEncoder};
    let plane = height * width;
    let interleaved = (0..plane).flat_map(|at| (0..channels).map(move |c| pixels[c * plane + at])).collect::<Vec<u8>>();
    let (w, h) = (width as u32, height as u32);
    let image = match channels {
        1 => GrayImage::from_raw(w, h, interleaved).map(DynamicImage::ImageLuma8),
        3 => image::RgbImage::from_raw(w, h, interleaved).map(DynamicImage::ImageRgb8),
        4 => image::RgbaImage::from_raw(w, h, interleaved).map(DynamicImage::ImageRgba8),
        _ => None,
    };
    let refused = || std::io::Error::other(format!("PNG images have 1, 3 or 4 channels, not {channels}"));
    let mut bytes = vec![];
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, Filter::Adaptive);
    image.ok_or_else(refused)?.write_with_encoder(encoder).map_err(std::io::Error::other)?;
    Ok(bytes)
}

fn channels(color: ColorType) -> usize {
    usize::from(color.channel_count())
}

fn broken(error: &image::ImageError) -> Fault {
    Fault::Broken(error.to_string())
}

fn unknown_format() -> Fault {
    Fault::Broken("it is no PNG, JPEG or PNM image".to_owned())
}
