//! The images of one variable in one data set: bytes, in memory or in a temporary file.

use std::io;
use std::sync::Arc;
#[cfg(feature = "run")]
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    sync::{Mutex, PoisonError},
};

/// Images of one shape, one a row. Cloning shares the pixels.
#[derive(Clone, Debug)]
pub struct Images {
    shape: [usize; 3],
    rows: usize,
    pixels: Arc<Pixels>,
}

/// The pixels of all rows, one after the other, each `[channels, height, width]`.
#[derive(Debug)]
enum Pixels {
    Memory(Vec<u8>),
    /// A file that has no name any more; the system keeps the parts in memory that are used often.
    #[cfg(feature = "run")]
    Disk(Mutex<File>),
}

impl Images {
    /// Channels, height and width.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes of one image.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the pixels are in memory, not in a temporary file.
    pub fn in_memory(&self) -> bool {
        matches!(*self.pixels, Pixels::Memory(_))
    }

    /// Copies the image of `row`, `[channels, height, width]` from 0 to 255, into `pixels`.
    ///
    /// # Errors
    /// Where there is no such row, `pixels` has another length, or the temporary file cannot be read.
    pub fn read(&self, row: usize, pixels: &mut [u8]) -> io::Result<()> {
        let size = self.size();
        if row >= self.rows || pixels.len() != size {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("no image {row} of {} bytes", pixels.len()),
            ));
        }
        match &*self.pixels {
            Pixels::Memory(bytes) => pixels.copy_from_slice(&bytes[row * size..][..size]),
            #[cfg(feature = "run")]
            Pixels::Disk(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start((row * size) as u64))?;
                file.read_exact(pixels)?;
            }
        }
        Ok(())
    }

    /// The image of `row`, `[channels, height, width]` from 0 to 255.
    ///
    /// # Errors
    /// Those of [`Images::read`].
    pub fn row(&self, row: usize) -> io::Result<Vec<u8>> {
        let mut pixels = vec![0; self.size()];
        self.read(row, &mut pixels)?;
        Ok(pixels)
    }

    /// Fills `batch` with the images of `rows`, `[rows, channels, height, width]`, scaled to −1…1.
    ///
    /// # Errors
    /// Where `batch` has another length, and those of [`Images::read`].
    pub fn batch(&self, rows: &[usize], batch: &mut [f32]) -> io::Result<()> {
        let size = self.size();
        if batch.len() != rows.len() * size {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("a batch of {} numbers", batch.len())));
        }
        let mut pixels = vec![0; size];
        for (&row, out) in rows.iter().zip(batch.chunks_exact_mut(size)) {
            self.read(row, &mut pixels)?;
            out.iter_mut().zip(&pixels).for_each(|(x, &p)| *x = scaled(p));
        }
        Ok(())
    }
}

impl PartialEq for Images {
    fn eq(&self, other: &Self) -> bool {
        let same = |row| matches!((self.row(row), other.row(row)), (Ok(a), Ok(b)) if a == b);
        self.shape == other.shape && self.rows == other.rows && (0..self.rows).all(same)
    }
}

/// The number in −1…1 that a byte of a pixel stands for.
pub fn scaled(byte: u8) -> f32 {
    f32::from(byte) / 127.5 - 1.0
}

/// Images that come one by one.
#[derive(Debug)]
pub struct ImagesBuilder {
    shape: [usize; 3],
    rows: usize,
    memory: Vec<u8>,
    /// Bytes that may be held in memory; without `run` there is no other place.
    #[cfg_attr(not(feature = "run"), allow(dead_code))] // there is no temporary file then
    limit: usize,
    #[cfg(feature = "run")]
    disk: Option<io::BufWriter<File>>,
}

impl ImagesBuilder {
    /// No images yet. More than `limit` bytes of them go to a temporary file (in the system's folder for these,
    /// `TMPDIR` on Unix).
    pub fn new(shape: [usize; 3], limit: usize) -> Self {
        Self {
            shape,
            rows: 0,
            memory: vec![],
            limit,
            #[cfg(feature = "run")]
            disk: None,
        }
    }

    /// Adds an image, `[channels, height, width]`.
    ///
    /// # Errors
    /// Where it has another length, or the temporary file cannot be written.
    pub fn push(&mut self, pixels: &[u8]) -> io::Result<()> {
        if pixels.len() != self.shape.iter().product::<usize>() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("an image of {} bytes", pixels.len())));
        }
        self.rows += 1;
        #[cfg(feature = "run")]
        {
            if self.disk.is_none() && self.memory.len() + pixels.len() > self.limit {
                let mut file = io::BufWriter::with_capacity(1 << 20, tempfile::tempfile()?);
                file.write_all(&self.memory)?;
                self.memory = vec![];
                self.disk = Some(file);
            }
            if let Some(file) = &mut self.disk {
                return file.write_all(pixels);
            }
        }
        self.memory.extend_from_slice(pixels);
        Ok(())
    }

    /// All images.
    ///
    /// # Errors
    /// Where the temporary file cannot be written.
    pub fn finish(self) -> io::Result<Images> {
        #[cfg(feature = "run")]
        if let Some(file) = self.disk {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            return Ok(Images { shape: self.shape, rows: self.rows, pixels: Arc::new(Pixels::Disk(Mutex::new(file))) });
        }
        Ok(Images { shape: self.shape, rows: self.rows, pixels: Arc::new(Pixels::Memory(self.memory)) })
    }
}
