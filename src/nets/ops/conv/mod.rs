//! Convolutions of pictures `[pictures, height, width, channels]` (channels last), with bias and activation.
//!
//! A convolution goes from a large picture to a small one, a transposed convolution back; both take weights
//! `[kernel, kernel, channels of the large picture, channels of the small one]`, so that a transposed
//! convolution with the same weights takes a convolution's gradient back to its input.
//! On the threads of [`super::with_threads`]; results do not depend on their number.

mod geometry;
mod kernel;
mod run;

pub use geometry::Geometry;

use super::device::on_cpu;
use super::threads::{share_sum, share_zip};
use super::{Gradient, Parameter, View, composed, tensor, values};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape as Dims, Tensor, bail};
use kernel::Added;
use run::{Shape, convolve, convolve_transposed, weight_gradient};

/// What is added to the channels of an operation's pictures before its activation.
#[derive(Clone, Copy, Debug)]
pub enum Shift<'a> {
    /// Nothing.
    None,
    /// The same for all pictures: `[channels]`.
    Bias(&'a Parameter),
    /// An own row for each picture: `[pictures, channels]`.
    Rows(&'a Tensor),
}

/// `a(x ⋆ W + shift)`: from `x [pictures, large height, large width, large channels]` to small pictures, with
/// `a(v) = max(v, slope · v)`, slope ≤ 1: 1 is no activation, 0 is ReLU, 0.2 a leaky ReLU.
///
/// # Errors
/// Where the shapes do not fit `geometry`, or a tensor is not `f32` on the CPU.
pub fn conv2d(x: &Tensor, weight: &Parameter, shift: Shift<'_>, slope: f32, geometry: Geometry) -> Result<Tensor> {
    apply(x, weight, shift, slope, geometry, false)
}

/// `a(Wᵀ y + shift)`: from `y [pictures, small height, small width, small channels]` to large pictures,
/// activation as in [`conv2d`].
///
/// # Errors
/// As [`conv2d`].
pub fn conv_transpose2d(
    y: &Tensor,
    weight: &Parameter,
    shift: Shift<'_>,
    slope: f32,
    geometry: Geometry,
) -> Result<Tensor> {
    apply(y, weight, shift, slope, geometry, true)
}

fn apply(
    x: &Tensor,
    weight: &Parameter,
    shift: Shift<'_>,
    slope: f32,
    geometry: Geometry,
    transposed: bool,
) -> Result<Tensor> {
    if !on_cpu(x) {
        let run = if transposed { composed::conv_transpose2d } else { composed::conv2d };
        return run(x, weight, shift, slope, geometry);
    }
    let (bias, shift) = match shift {
        Shift::None => (None, tensor(vec![], &[0])?),
        Shift::Bias(bias) => (bias.gradient.clone(), bias.tensor.clone()),
        Shift::Rows(rows) => (None, rows.contiguous()?),
    };
    let op = Convolution { slope, geometry, transposed, weight: weight.gradient.clone(), bias };
    x.contiguous()?.apply_op3(&weight.tensor, &shift, op)
}

struct Convolution {
    slope: f32,
    geometry: Geometry,
    transposed: bool,
    weight: Option<Gradient>,
    bias: Option<Gradient>,
}

impl Convolution {
    /// The shape of the convolution for weights and input of these dimensions.
    fn shape(&self, x: &[usize], weight: &[usize]) -> Result<Shape> {
        let side = self.geometry.kernel;
        let (&[_, height, width, channels], &[rows, columns, large, small]) = (x, weight) else {
            bail!("a convolution of {x:?} with weights {weight:?}")
        };
        let (size, expected) =
            if self.transposed { (self.geometry.small, small) } else { (self.geometry.large, large) };
        if (rows, columns) != (side, side) || (height, width) != size || channels != expected || large * small == 0 {
            bail!("a convolution of {x:?} with weights {weight:?} does not fit {:?}", self.geometry)
        }
        Ok(Shape { geometry: self.geometry, large, small })
    }

    /// The dimensions of the output.
    fn output(&self, pictures: usize, shape: &Shape) -> [usize; 4] {
        let ((height, width), channels) =
            if self.transposed { (self.geometry.large, shape.large) } else { (self.geometry.small, shape.small) };
        [pictures, height, width, channels]
    }

    /// The gradient before the activation: the output's sign tells which side of the kink it was on.
    fn before_activation(&self, gradient: &[f32], y: &[f32]) -> Vec<f32> {
        share_zip(gradient, y, |g, y| if y > 0.0 { g } else { self.slope * g })
    }
}

/// What a shift of these dimensions adds to `pictures` of `channels`.
fn added<'a>(values: &'a [f32], dims: &[usize], pictures: usize, channels: usize) -> Result<Added<'a>> {
    match *dims {
        [0] => Ok(Added::Nothing),
        [n] if n == channels => Ok(Added::Same(values)),
        [rows, n] if rows == pictures && n == channels => Ok(Added::Rows(values)),
        _ => bail!("a shift of {dims:?} for {pictures} pictures of {channels} channels"),
    }
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        "convolution"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Dims)> {
        let shape = self.shape(x_layout.dims(), w_layout.dims())?;
        let dims = self.output(x_layout.dims()[0], &shape);
        let added = added(values(shift, shift_layout)?, shift_layout.dims(), dims[0], dims[3])?;
        let run = if self.transposed { convolve_transposed } else { convolve };
        let y = run(&shape, values(x, x_layout)?, values(w, w_layout)?, added, self.slope);
        Ok((CpuStorage::F32(y), Dims::from(dims.to_vec())))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        shift: &Tensor,
        y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let shape = self.shape(x.dims(), w.dims())?;
        let gradient = gradient.contiguous()?;
        let (x_view, w_view, y_view, g_view) = (View::of(x), View::of(w), View::of(y), View::of(&gradient));
        let (x_values, gradient) = (x_view.values()?, g_view.values()?);
        let active;
        let before = if self.slope == 1.0 {
            gradient
        } else {
            active = self.before_activation(gradient, y_view.values()?);
            &active
        };
        if let Some(weight) = &self.weight {
            let (large, small) = if self.transposed { (before, x_values) } else { (x_values, before) };
            weight_gradient(&shape, large, small, &mut weight.lock());
        }
        let &[pictures, height, width, channels] = y.dims() else { bail!("a picture of {:?}", y.dims()) };
        if let Some(bias) = &self.bias {
            let sums = pixel_sum(before, channels);
            bias.lock().iter_mut().zip(sums).for_each(|(sum, v)| *sum += v);
        }
        let d_shift = if shift.track_op() && shift.dims().len() == 2 {
            let sums = before.chunks_exact((height * width * channels).max(1)).flat_map(|p| pixel_sum(p, channels));
            Some(tensor(sums.collect(), &[pictures, channels])?)
        } else {
            None
        };
        let dx = if x.track_op() {
            let run = if self.transposed { convolve } else { convolve_transposed };
            Some(tensor(run(&shape, before, w_view.values()?, Added::Nothing, 1.0), x.dims())?)
        } else {
            None
        };
        Ok((dx, None, d_shift))
    }
}

/// The sums of the channels over pixels.
pub(super) fn pixel_sum(values: &[f32], channels: usize) -> Vec<f32> {
    share_sum(values.len() / channels.max(1), channels, |pixels, sums| {
        for pixel in values[pixels.start * channels..pixels.end * channels].chunks_exact(channels) {
            sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += v);
        }
    })
}

#[cfg(test)]
mod tests;
