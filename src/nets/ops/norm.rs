//! Batch normalisation with ReLU (Ioffe & Szegedy 2015).

use super::device::on_cpu;
use super::threads::{share, share_sum};
use super::{Gradient, Parameter, View, composed, tensor, values};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use std::sync::{Arc, OnceLock};

/// Added to variances before their root is taken.
pub const EPSILON: f32 = 1e-5;

/// A batch's mean and (biased) variance per column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// The means.
    pub mean: Vec<f32>,
    /// The variances.
    pub variance: Vec<f32>,
}

/// `max(0, scale · x̂ + shift)`, `x̂` the columns of `x [rows, columns]` standardised over this batch;
/// and the moments they were standardised with. The columns of pictures `[…, channels]` are their channels.
///
/// # Errors
/// Where the shapes do not fit, or a tensor is not `f32` on the CPU.
pub fn batch_norm_relu(x: &Tensor, scale: &Parameter, shift: &Parameter) -> Result<(Tensor, Arc<OnceLock<Moments>>)> {
    if !on_cpu(x) {
        let (y, moments) = composed::batch_norm_relu(x, scale, shift)?;
        return Ok((y, Arc::new(OnceLock::from(moments))));
    }
    let moments = Arc::new(OnceLock::new());
    let op = NormRelu { moments: moments.clone(), scale: scale.gradient.clone(), shift: shift.gradient.clone() };
    Ok((x.contiguous()?.apply_op3(&scale.tensor, &shift.tensor, op)?, moments))
}

struct NormRelu {
    moments: Arc<OnceLock<Moments>>,
    scale: Option<Gradient>,
    shift: Option<Gradient>,
}

impl CustomOp3 for NormRelu {
    fn name(&self) -> &'static str {
        "batch-norm-relu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = values(x, x_layout)?;
        let (scale, shift) = (values(scale, scale_layout)?, values(shift, shift_layout)?);
        let columns = columns(x_layout.dims(), scale.len())?;
        let moments = self.moments.get_or_init(|| moments(x, columns));
        let factor: Vec<f32> = scale.iter().zip(&moments.variance).map(|(s, v)| s / (v + EPSILON).sqrt()).collect();
        let constant: Vec<f32> =
            shift.iter().zip(&moments.mean).zip(&factor).map(|((s, mean), factor)| s - mean * factor).collect();
        let mut y = vec![0.0; x.len()];
        share(&mut y, columns, |first, y| {
            for (y, x) in y.chunks_exact_mut(columns).zip(x[first * columns..].chunks_exact(columns)) {
                for (((y, x), f), c) in y.iter_mut().zip(x).zip(&factor).zip(&constant) {
                    *y = (x * f + c).max(0.0);
                }
            }
        });
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        _shift: &Tensor,
        y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(moments) = self.moments.get() else { candle_core::bail!("backward before forward") };
        let columns = columns(x.dims(), moments.mean.len())?;
        let (dims, rows) = (x.dims(), x.elem_count() / columns);
        let gradient = gradient.contiguous()?;
        let (x_view, scale_view, y_view, g_view) = (View::of(x), View::of(scale), View::of(y), View::of(&gradient));
        let (x, scale, y, g) = (x_view.values()?, scale_view.values()?, y_view.values()?, g_view.values()?);
        let inverse: Vec<f32> = moments.variance.iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect();
        // The sums of the gradient, and of the gradient times the centred values.
        let sums = share_sum(rows, 2 * columns, |rows, sums| {
            let run = rows.start * columns..rows.end * columns;
            let (shift, scale) = sums.split_at_mut(columns);
            let y = y[run.clone()].chunks_exact(columns);
            for ((x, g), y) in x[run.clone()].chunks_exact(columns).zip(g[run].chunks_exact(columns)).zip(y) {
                for j in 0..columns {
                    let active = if y[j] > 0.0 { g[j] } else { 0.0 };
                    shift[j] += active;
                    scale[j] += active * (x[j] - moments.mean[j]);
                }
            }
        });
        let (d_shift, centred) = sums.split_at(columns);
        let d_scale: Vec<f32> = centred.iter().zip(&inverse).map(|(s, i)| s * i).collect();
        // dx = factor (g − mean(g) − x̂ mean(g x̂)), written as g · a + x · b + c per column.
        let a: Vec<f32> = (0..columns).map(|j| scale[j] * inverse[j]).collect();
        let b: Vec<f32> = (0..columns).map(|j| -a[j] * inverse[j] * d_scale[j] / rows as f32).collect();
        let c: Vec<f32> = (0..columns).map(|j| -a[j] * d_shift[j] / rows as f32 - b[j] * moments.mean[j]).collect();
        let mut dx = vec![0.0; x.len()];
        share(&mut dx, columns, |first, dx| {
            let start = first * columns;
            let y = y[start..].chunks_exact(columns);
            let inputs = x[start..].chunks_exact(columns).zip(g[start..].chunks_exact(columns)).zip(y);
            for (dx, ((x, g), y)) in dx.chunks_exact_mut(columns).zip(inputs) {
                for j in 0..columns {
                    let active = if y[j] > 0.0 { g[j] } else { 0.0 };
                    dx[j] = active * a[j] + x[j] * b[j] + c[j];
                }
            }
        });
        for (gathered, new) in [(&self.scale, &d_scale[..]), (&self.shift, d_shift)] {
            if let Some(gathered) = gathered {
                gathered.lock().iter_mut().zip(new).for_each(|(sum, v)| *sum += v);
            }
        }
        Ok((Some(tensor(dx, dims)?), None, None))
    }
}

/// The number of columns of a matrix or of pictures, which must be that of the scales.
fn columns(dims: &[usize], expected: usize) -> Result<usize> {
    match dims.last() {
        Some(&columns) if columns == expected && columns > 0 => Ok(columns),
        _ => candle_core::bail!("{expected} scales for columns of {dims:?}"),
    }
}

/// Two passes: the mean of squares less the squared mean would cancel.
fn moments(x: &[f32], columns: usize) -> Moments {
    let count = x.len() / columns;
    let rows = |rows: std::ops::Range<usize>| x[rows.start * columns..rows.end * columns].chunks_exact(columns);
    let mut mean = share_sum(count, columns, |run, sums| {
        rows(run).for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x));
    });
    mean.iter_mut().for_each(|m| *m /= count as f32);
    let mut variance = share_sum(count, columns, |run, sums| {
        for row in rows(run) {
            for ((sum, x), m) in sums.iter_mut().zip(row).zip(&mean) {
                *sum += (x - m) * (x - m);
            }
        }
    });
    variance.iter_mut().for_each(|v| *v /= count as f32);
    Moments { mean, variance }
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradients, random, weighted};
    use super::super::linear;
    use super::*;

    #[test]
    fn gradients_of_normalised_layers() {
        let x = tensor(random(24, 1), &[8, 3]).unwrap();
        let parameters =
            [(random(12, 2), vec![3, 4]), (random(4, 3), vec![4]), (random(4, 4), vec![4]), (random(4, 5), vec![4])];
        gradients(&parameters, |p| weighted(&batch_norm_relu(&linear(&x, &p[0], &p[1], 1.0)?, &p[2], &p[3])?.0));
    }

    #[test]
    fn moments_of_a_batch() {
        let x = tensor(vec![1.0, 10.0, 3.0, 10.0], &[2, 2]).unwrap();
        let one = Parameter::fixed(vec![1.0; 2], &[2]).unwrap();
        let shift = Parameter::fixed(vec![0.5; 2], &[2]).unwrap();
        let (y, moments) = batch_norm_relu(&x, &one, &shift).unwrap();
        assert_eq!(moments.get().unwrap(), &Moments { mean: vec![2.0, 10.0], variance: vec![1.0, 0.0] });
        let y = y.to_vec2::<f32>().unwrap();
        assert!(y[0][0] == 0.0 && (y[1][0] - 1.5).abs() < 1e-4 && y[0][1] == 0.5, "{y:?}");
    }
}
