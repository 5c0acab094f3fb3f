//! Digits that people wrote, taken from a collection of images such as MNIST.

use super::{Bend, Style, normal};
use rand::Rng;

/// Grey images of digits, by digit.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    height: usize,
    width: usize,
    /// For each digit its images, white ink on black, row-major.
    images: [Vec<Vec<u8>>; 10],
}

impl Collection {
    /// A collection of `images` (each `height` × `width`, white on black) of the digits `labels`.
    ///
    /// # Errors
    /// What is wrong, as a sentence, where the numbers differ, a label is no digit, or a digit has no image.
    pub fn new(height: usize, width: usize, images: &[u8], labels: &[u8]) -> Result<Self, String> {
        let pixels = height * width;
        if pixels == 0 || images.len() != pixels * labels.len() {
            let rows = images.len().checked_div(pixels).unwrap_or(0);
            return Err(format!("there are {rows} images and {} labels", labels.len()));
        }
        let mut found = Self { height, width, images: Default::default() };
        for (image, &label) in images.chunks_exact(pixels).zip(labels) {
            let digit = found.images.get_mut(usize::from(label)).ok_or_else(|| format!("a label is {label}"))?;
            digit.push(image.to_vec());
        }
        match found.images.iter().position(Vec::is_empty) {
            Some(digit) => Err(format!("no image shows a {digit}")),
            None => Ok(found),
        }
    }

    /// One of the digit's images, its strokes made thinner or thicker, leaning, scaled to `height` × `width`.
    pub(super) fn draw(&self, style: &Style, height: usize, width: usize, rng: &mut impl Rng, ink: &mut [f32]) {
        let images = &self.images[usize::from(style.digit).min(9)];
        let image = &images[rng.random_range(0..images.len())];
        let image = self.thickened(image, style.thickness.unwrap_or(0.5));
        // People's hands lean by themselves: only a lean that is asked for is added.
        let bend = Bend::new(&Style { slant: Some(style.slant.unwrap_or(0.0)), ..*style }, 0.0, rng);
        let shift = [0, 1].map(|_| 0.02 * style.jitter * normal(rng));
        let scale = (height as f32 / self.height as f32).min(width as f32 / self.width as f32);
        for row in 0..height {
            for column in 0..width {
                let x = (column as f32 + 0.5 - width as f32 / 2.0) / scale - shift[0] * self.width as f32;
                let y = (row as f32 + 0.5 - height as f32 / 2.0) / scale - shift[1] * self.height as f32;
                let [x, y] = bend.undo([x, y]);
                let at = [x + self.width as f32 / 2.0 - 0.5, y + self.height as f32 / 2.0 - 0.5];
                ink[row * width + column] = self.between(&image, at);
            }
        }
    }

    /// The strokes by `thickness`: 0.5 as they are, below mixed with the erosion, above with dilations (of a cross).
    fn thickened(&self, image: &[u8], thickness: f32) -> Vec<f32> {
        let mut image: Vec<f32> = image.iter().map(|&p| f32::from(p) / 255.0).collect();
        let mut more = thickness - 0.5;
        if more < 0.0 {
            let thin = self.neighbourhood(&image, f32::min);
            image.iter_mut().zip(&thin).for_each(|(pixel, thin)| *pixel += -more * 1.4 * (thin - *pixel));
        }
        while more > 0.0 {
            let thick = self.neighbourhood(&image, f32::max);
            let share = (more * 2.0).min(1.0);
            image.iter_mut().zip(&thick).for_each(|(pixel, thick)| *pixel += share * (thick - *pixel));
            more -= 0.5;
        }
        image
    }

    /// `join` over each pixel and its four neighbours.
    fn neighbourhood(&self, image: &[f32], join: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        let (height, width) = (self.height, self.width);
        let at = |row: usize, column: usize| image[row * width + column];
        let mut found = Vec::with_capacity(image.len());
        for row in 0..height {
            for column in 0..width {
                let mut value = join(at(row, column), at(row.saturating_sub(1), column));
                value = join(value, at((row + 1).min(height - 1), column));
                value = join(value, at(row, column.saturating_sub(1)));
                found.push(join(value, at(row, (column + 1).min(width - 1))));
            }
        }
        found
    }

    /// The brightness between pixels (bilinear); nothing outside.
    fn between(&self, image: &[f32], [x, y]: [f32; 2]) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let pixel = |column: f32, row: f32| {
            let inside = column >= 0.0 && row >= 0.0 && column < self.width as f32 && row < self.height as f32;
            if inside { image[row as usize * self.width + column as usize] } else { 0.0 }
        };
        let (across, down) = (x - left, y - top);
        let upper = pixel(left, top) * (1.0 - across) + pixel(left + 1.0, top) * across;
        let lower = pixel(left, top + 1.0) * (1.0 - across) + pixel(left + 1.0, top + 1.0) * across;
        upper * (1.0 - down) + lower * down
    }
}
