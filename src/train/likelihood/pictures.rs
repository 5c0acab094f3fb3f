//! The images that rows name by number.

use crate::data::{Images, Table};
use crate::model::VarId;
use crate::nets::image::{ImageSize, from_planes};
use candle_core::{Error, Result, Tensor, bail};
use std::collections::BTreeMap;

/// The images of image variables in several data sets, numbered through for each variable. They stay where they
/// are, as bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Pictures {
    variables: BTreeMap<VarId, Vec<Part>>,
}

/// The images of one data set.
#[derive(Clone, Debug)]
struct Part {
    data: String,
    /// The number of the first one.
    start: usize,
    images: Images,
}

/// The size of images of a `[channels, height, width]` domain.
pub(super) fn size([channels, height, width]: [usize; 3]) -> ImageSize {
    ImageSize { channels, height, width }
}

impl Pictures {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty()
    }

    /// The numbers of the images of `variable` in the rows of `table`.
    ///
    /// # Errors
    /// Where the data set has no such images, not one a row, or of another size than earlier ones.
    pub fn numbers(&mut self, table: &Table, variable: VarId) -> std::result::Result<Vec<u32>, String> {
        let images = table.images(variable).ok_or_else(|| format!("data set {} lacks an image", table.name))?;
        let parts = self.variables.entry(variable).or_default();
        if images.len() != table.rows || parts.iter().any(|part| part.images.shape() != images.shape()) {
            return Err(format!("data set {} has images of another number or size", table.name));
        }
        let end = parts.last().map_or(0, |part| part.start + part.images.len());
        let start = parts.iter().find(|part| part.data == table.name).map(|part| part.start).unwrap_or_else(|| {
            parts.push(Part { data: table.name.clone(), start: end, images: images.clone() });
            end
        });
        (start..start + table.rows)
            .map(|number| u32::try_from(number).map_err(|_| "more images than can be numbered".to_owned()))
            .collect()
    }

    /// The size of the images of `variable`; `None` where it has none.
    pub fn size(&self, variable: VarId) -> Option<ImageSize> {
        self.variables.get(&variable)?.first().map(|part| size(part.images.shape()))
    }

    /// The images of `variable` with these numbers: `[images, height, width, channels]` in [−1, 1].
    ///
    /// # Errors
    /// Where there is no such image, or the temporary file cannot be read.
    pub fn batch(&self, variable: VarId, numbers: &[usize]) -> Result<Tensor> {
        let parts = self.variables.get(&variable).map_or(&[][..], Vec::as_slice);
        let Some(first) = parts.first() else { bail!("no images of variable {variable}") };
        let each = first.images.size();
        let mut planes = vec![0.0; each * numbers.len()];
        for (&number, planes) in numbers.iter().zip(planes.chunks_exact_mut(each)) {
            let part = &parts[parts.partition_point(|part| part.start <= number).saturating_sub(1)];
            part.images.batch(&[number - part.start], planes).map_err(Error::wrap)?;
        }
        from_planes(&planes, size(first.images.shape()))
    }
}
