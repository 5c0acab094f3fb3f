//! The fused operations put together from Candle's own, for devices other than the CPU. Each does what the fused one
//! of its name does (tests compare them on the CPU); the gradients of parameters come from Candle's store.
//!
//! A convolution is a product of matrices over the pixels that each output pixel sees. Candle's own convolutions are
//! not used: their transposes are slow on CUDA, and some of their gradients are wrong.

use super::Parameter;
use super::conv::{Geometry, Shift};
use super::norm::{EPSILON, Moments};
use candle_core::{D, DType, Result, Tensor};

/// `a(x W + b)`.
pub fn linear(x: &Tensor, weight: &Parameter, bias: &Parameter, slope: f32) -> Result<Tensor> {
    leaky(&x.matmul(&weight.tensor)?.broadcast_add(&bias.tensor)?, slope)
}

/// `u Wᵀ`.
pub fn linear_transposed(u: &Tensor, weight: &Parameter) -> Result<Tensor> {
    u.matmul(&weight.tensor.t()?)
}

/// `max(v, slope · v)`.
fn leaky(x: &Tensor, slope: f32) -> Result<Tensor> {
    match slope {
        1.0 => Ok(x.clone()),
        0.0 => x.relu(),
        // Candle's gradient of `maximum` halves at ties; this one does not.
        slope => (x.relu()? * f64::from(1.0 - slope))? + (x * f64::from(slope))?,
    }
}

/// 1 where `y` is positive, `slope` elsewhere.
pub fn slopes(y: &Tensor, slope: f32) -> Result<Tensor> {
    let positive = y.detach().gt(0.0)?.to_dtype(DType::F32)?;
    positive.affine(f64::from(1.0 - slope), f64::from(slope))
}

/// `a(x ⋆ W + shift)`.
pub fn conv2d(x: &Tensor, weight: &Parameter, shift: Shift<'_>, slope: f32, geometry: Geometry) -> Result<Tensor> {
    let (pictures, (height, width)) = (x.dim(0)?, geometry.small);
    let (matrix, _, small) = matrix(weight)?;
    let y = unfold(x, geometry)?.matmul(&matrix)?.reshape((pictures, height, width, small))?;
    leaky(&shifted(&y, shift)?, slope)
}

/// `a(Wᵀ y + shift)`.
pub fn conv_transpose2d(
    y: &Tensor,
    weight: &Parameter,
    shift: Shift<'_>,
    slope: f32,
    geometry: Geometry,
) -> Result<Tensor> {
    let (pictures, height, width, channels) = y.dims4()?;
    let (matrix, large, _) = matrix(weight)?;
    let places = y.reshape((pictures * height * width, channels))?.matmul(&matrix.t()?)?;
    leaky(&shifted(&fold(&places, pictures, large, geometry)?, shift)?, slope)
}

/// A kernel as a matrix `[places · large channels, small channels]`, and both numbers of channels.
fn matrix(weight: &Parameter) -> Result<(Tensor, usize, usize)> {
    let (rows, columns, large, small) = weight.tensor.dims4()?;
    Ok((weight.tensor.reshape((rows * columns * large, small))?, large, small))
}

fn shifted(x: &Tensor, shift: Shift<'_>) -> Result<Tensor> {
    match shift {
        Shift::None => Ok(x.clone()),
        Shift::Bias(bias) => x.broadcast_add(&bias.tensor),
        Shift::Rows(rows) => {
            let (pictures, channels) = rows.dims2()?;
            x.broadcast_add(&rows.reshape((pictures, 1, 1, channels))?)
        }
    }
}

/// The numbers of blocks of `stride` pixels that hold a padded picture.
fn blocks(geometry: Geometry) -> (usize, usize) {
    let side = |large: usize, small: usize| {
        let reached = (small - 1) * geometry.stride + geometry.kernel;
        reached.max(large + geometry.padding).div_ceil(geometry.stride)
    };
    (side(geometry.large.0, geometry.small.0), side(geometry.large.1, geometry.small.1))
}

/// What each pixel of the small pictures sees: `[small pixels, places · channels]`.
fn unfold(x: &Tensor, geometry: Geometry) -> Result<Tensor> {
    let Geometry { large, small, kernel, stride, padding } = geometry;
    let (pictures, _, _, channels) = x.dims4()?;
    let (down, across) = blocks(geometry);
    let x = x.pad_with_zeros(1, padding, (down * stride).saturating_sub(large.0 + padding))?;
    let x = x.pad_with_zeros(2, padding, (across * stride).saturating_sub(large.1 + padding))?;
    let x = x.reshape(&[pictures, down, stride, across, stride, channels][..])?;
    let mut seen = Vec::with_capacity(kernel * kernel);
    for row in 0..kernel {
        let x = x.narrow(1, row / stride, small.0)?.narrow(2, row % stride, 1)?;
        for column in 0..kernel {
            let x = x.narrow(3, column / stride, small.1)?.narrow(4, column % stride, 1)?;
            seen.push(x.contiguous()?.reshape((pictures * small.0 * small.1, channels))?);
        }
    }
    Tensor::cat(&seen, 1)
}

/// The adjoint of [`unfold`]: adds up what the places of all small pixels give to each pixel of the large pictures.
fn fold(places: &Tensor, pictures: usize, channels: usize, geometry: Geometry) -> Result<Tensor> {
    let Geometry { large, small, kernel, stride, padding } = geometry;
    let (down, across) = blocks(geometry);
    let places = places.reshape((pictures, small.0, small.1, kernel * kernel * channels))?;
    let mut phases = Vec::with_capacity(stride * stride);
    for phase in 0..stride * stride {
        let mut sum: Option<Tensor> = None;
        for row in (phase / stride..kernel).step_by(stride) {
            for column in (phase % stride..kernel).step_by(stride) {
                let part = places.narrow(3, (row * kernel + column) * channels, channels)?.contiguous()?;
                let (top, left) = (row / stride, column / stride);
                let part = part.pad_with_zeros(1, top, down - small.0 - top)?;
                let part = part.pad_with_zeros(2, left, across - small.1 - left)?;
                sum = Some(sum.map_or(Ok(part.clone()), |sum| sum + part)?);
            }
        }
        phases.push(match sum {
            Some(sum) => sum,
            None => Tensor::zeros((pictures, down, across, channels), DType::F32, places.device())?,
        });
    }
    let rows: Vec<Tensor> = phases.chunks(stride).map(|phases| Tensor::stack(phases, 3)).collect::<Result<_>>()?;
    let whole = Tensor::stack(&rows, 2)?.reshape((pictures, down * stride, across * stride, channels))?;
    whole.narrow(1, padding, large.0)?.narrow(2, padding, large.1)?.contiguous()
}

/// `max(0, scale · x̂ + shift)` and the moments that `x` was standardised with.
pub fn batch_norm_relu(x: &Tensor, scale: &Parameter, shift: &Parameter) -> Result<(Tensor, Moments)> {
    let columns = x.dim(D::Minus1)?;
    let rows = x.reshape(((), columns))?;
    let mean = rows.mean(0)?;
    let centred = rows.broadcast_sub(&mean)?;
    let variance = centred.sqr()?.mean(0)?;
    let normed = centred.broadcast_div(&(&variance + f64::from(EPSILON))?.sqrt()?)?;
    let y = normed.broadcast_mul(&scale.tensor)?.broadcast_add(&shift.tensor)?.relu()?.reshape(x.shape())?;
    let moments = Moments { mean: mean.detach().to_vec1()?, variance: variance.detach().to_vec1()? };
    Ok((y, moments))
}

/// The sum of squares of each row's entries.
pub fn squared_norms(x: &Tensor) -> Result<Tensor> {
    x.sqr()?.flatten_from(1)?.sum(1)
}

/// The sums over pixels.
pub fn pixel_sums(x: &Tensor) -> Result<Tensor> {
    x.sum(2)?.sum(1)
}

#[cfg(test)]
mod tests {
    use super::super::check::{random, weighted};
    use super::super::{self as fused, tensor};
    use super::*;
    use candle_core::{Tensor, Var};

    /// The values of an operation on `inputs`, and the gradients of a weighted sum of them.
    type Outcome = (Vec<f32>, Vec<Vec<f32>>);

    fn flat(t: &Tensor) -> Vec<f32> {
        t.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Runs `op` on an input and parameters, with gradients for all of them: those of parameters gathered in them
    /// where `gathered`, else in Candle's store.
    fn run(
        x: &(Vec<f32>, Vec<usize>),
        parameters: &[(Vec<f32>, Vec<usize>)],
        gathered: bool,
        op: impl Fn(&Tensor, &[Parameter]) -> Result<Tensor>,
    ) -> Outcome {
        let x = Var::from_vec(x.0.clone(), &x.1[..], &candle_core::Device::Cpu).unwrap();
        let parameters: Vec<Parameter> =
            parameters.iter().map(|(values, shape)| Parameter::trained(values, shape).unwrap()).collect();
        let y = op(x.as_tensor(), &parameters).unwrap();
        let store = weighted(&y).unwrap().backward().unwrap();
        let mut gradients = vec![flat(store.get(x.as_tensor()).unwrap())];
        for parameter in &parameters {
            gradients.push(match gathered {
                true => parameter.gradient().unwrap(),
                false => flat(store.get(&parameter.tensor).unwrap()),
            });
        }
        (flat(&y), gradients)
    }

    fn compare(fused: &Outcome, composed: &Outcome) {
        let close = |a: &[f32], b: &[f32]| {
            assert_eq!(a.len(), b.len());
            let size = a.iter().fold(1.0f32, |m, v| m.max(v.abs()));
            a.iter().zip(b).enumerate().for_each(|(at, (a, b))| assert!((a - b).abs() < 2e-4 * size, "{at}: {a} {b}"));
        };
        close(&fused.0, &composed.0);
        assert_eq!(fused.1.len(), composed.1.len());
        fused.1.iter().zip(&composed.1).for_each(|(a, b)| close(a, b));
    }

    fn numbers(shape: &[usize], seed: u64) -> (Vec<f32>, Vec<usize>) {
        (random(shape.iter().product(), seed), shape.to_vec())
    }

    #[test]
    fn layers_are_those_of_the_fused_operations() {
        for slope in [1.0, 0.0, 0.2] {
            let (x, p) = (numbers(&[5, 3], 1), [numbers(&[3, 4], 2), numbers(&[4], 3)]);
            compare(
                &run(&x, &p, true, |x, p| fused::linear(x, &p[0], &p[1], slope)),
                &run(&x, &p, false, |x, p| linear(x, &p[0], &p[1], slope)),
            );
        }
        let (x, p) = (numbers(&[5, 4], 1), [numbers(&[3, 4], 2)]);
        compare(
            &run(&x, &p, true, |x, p| fused::linear_transposed(x, &p[0])),
            &run(&x, &p, false, |x, p| linear_transposed(x, &p[0])),
        );
        let (x, p) = (numbers(&[2, 3, 2, 3], 1), [numbers(&[3], 2), numbers(&[3], 3)]);
        compare(
            &run(&x, &p, true, |x, p| Ok(fused::batch_norm_relu(x, &p[0], &p[1])?.0)),
            &run(&x, &p, false, |x, p| Ok(batch_norm_relu(x, &p[0], &p[1])?.0)),
        );
    }

    #[test]
    fn convolutions_are_those_of_the_fused_operations() {
        let sides = [((8, 9), 4, 2, 1), ((5, 6), 3, 1, 1), ((7, 5), 2, 3, 0), ((6, 6), 3, 2, 2), ((4, 4), 4, 1, 0)];
        for (large, kernel, stride, padding) in sides {
            let geometry = Geometry::conv(large, kernel, stride, padding).unwrap();
            let (small, weight) = (geometry.small, numbers(&[kernel, kernel, 2, 3], 2));
            for slope in [1.0, 0.2] {
                let (x, p) = (numbers(&[2, large.0, large.1, 2], 1), [weight.clone(), numbers(&[3], 3)]);
                compare(
                    &run(&x, &p, true, |x, p| fused::conv2d(x, &p[0], Shift::Bias(&p[1]), slope, geometry)),
                    &run(&x, &p, false, |x, p| conv2d(x, &p[0], Shift::Bias(&p[1]), slope, geometry)),
                );
                let (y, p) = (numbers(&[2, small.0, small.1, 3], 1), [weight.clone(), numbers(&[2], 3)]);
                compare(
                    &run(&y, &p, true, |y, p| fused::conv_transpose2d(y, &p[0], Shift::Bias(&p[1]), slope, geometry)),
                    &run(&y, &p, false, |y, p| conv_transpose2d(y, &p[0], Shift::Bias(&p[1]), slope, geometry)),
                );
            }
            let rows = tensor(random(6, 5), &[2, 3]).unwrap();
            let (x, p) = (numbers(&[2, large.0, large.1, 2], 1), [weight]);
            compare(
                &run(&x, &p, true, |x, p| fused::conv2d(x, &p[0], Shift::Rows(&rows), 0.2, geometry)),
                &run(&x, &p, false, |x, p| conv2d(x, &p[0], Shift::Rows(&rows), 0.2, geometry)),
            );
        }
    }

    #[test]
    fn small_operations_are_those_of_the_fused_ones() {
        let x = numbers(&[2, 3, 2, 2], 1);
        compare(&run(&x, &[], true, |x, _| fused::squared_norms(x)), &run(&x, &[], false, |x, _| squared_norms(x)));
        compare(&run(&x, &[], true, |x, _| fused::pixel_sums(x)), &run(&x, &[], false, |x, _| pixel_sums(x)));
        let y = tensor(random(24, 3), &[2, 3, 2, 2]).unwrap();
        compare(
            &run(&x, &[], true, |x, _| fused::leaky_masked(x, &y, 0.2)),
            &run(&x, &[], false, |x, _| x * slopes(&y, 0.2)?),
        );
    }
}
