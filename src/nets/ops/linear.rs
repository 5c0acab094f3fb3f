//! Fully connected layers with their activation.

use super::device::on_cpu;
use super::{Gradient, Matrix, Parameter, View, composed, multiply, tensor, values};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

/// `a(x W + b)` with `x [rows, inputs]`, `W [inputs, outputs]`, `b [outputs]` and `a(v) = max(v, slope · v)`:
/// slope 1 is no activation, 0 is ReLU, 0.2 a leaky ReLU.
///
/// # Errors
/// Where the shapes do not fit, or a tensor is not `f32` on the CPU.
pub fn linear(x: &Tensor, weight: &Parameter, bias: &Parameter, slope: f32) -> Result<Tensor> {
    if !on_cpu(x) {
        return composed::linear(x, weight, bias, slope);
    }
    let op = Linear { slope, weight: weight.gradient.clone(), bias: bias.gradient.clone() };
    x.contiguous()?.apply_op3(&weight.tensor, &bias.tensor, op)
}

/// `u Wᵀ` with `u [rows, outputs]` and `W [inputs, outputs]`: a layer's gradient taken back to its input.
///
/// # Errors
/// As [`linear`].
pub fn linear_transposed(u: &Tensor, weight: &Parameter) -> Result<Tensor> {
    if !on_cpu(u) {
        return composed::linear_transposed(u, weight);
    }
    u.contiguous()?.apply_op2(&weight.tensor, Transposed { weight: weight.gradient.clone() })
}

struct Linear {
    slope: f32,
    weight: Option<Gradient>,
    bias: Option<Gradient>,
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, w, b) = (values(x, x_layout)?, values(w, w_layout)?, values(b, b_layout)?);
        let (rows, inputs) = x_layout.shape().dims2()?;
        let (_, outputs) = w_layout.shape().dims2()?;
        let mut y = Vec::with_capacity(rows * outputs);
        for _ in 0..rows {
            y.extend_from_slice(b);
        }
        multiply(Matrix::new(x, rows, inputs), Matrix::new(w, inputs, outputs), &mut y, true);
        if self.slope != 1.0 {
            y.iter_mut().for_each(|v| *v = v.max(self.slope * *v));
        }
        Ok((CpuStorage::F32(y), (rows, outputs).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _b: &Tensor,
        y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, inputs) = x.dims2()?;
        let (_, outputs) = w.dims2()?;
        let gradient = gradient.contiguous()?;
        let (x_view, w_view, y_view, g_view) = (View::of(x), View::of(w), View::of(y), View::of(&gradient));
        let before = before_activation(g_view.values()?, y_view.values()?, self.slope);
        let d = Matrix::new(&before, rows, outputs);
        if let Some(weight) = &self.weight {
            multiply(Matrix::new(x_view.values()?, rows, inputs).t(), d, &mut weight.lock(), true);
        }
        if let Some(bias) = &self.bias {
            let mut sum = bias.lock();
            for row in before.chunks_exact(outputs) {
                sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
            }
        }
        if !x.track_op() {
            return Ok((None, None, None));
        }
        let mut dx = vec![0.0; rows * inputs];
        multiply(d, Matrix::new(w_view.values()?, inputs, outputs).t(), &mut dx, false);
        Ok((Some(tensor(dx, &[rows, inputs])?), None, None))
    }
}

/// The gradient before the activation: the output's sign tells which side of the kink it was on.
fn before_activation(gradient: &[f32], output: &[f32], slope: f32) -> Vec<f32> {
    if slope == 1.0 {
        return gradient.to_vec();
    }
    gradient.iter().zip(output).map(|(g, y)| if *y > 0.0 { *g } else { slope * g }).collect()
}

struct Transposed {
    weight: Option<Gradient>,
}

impl CustomOp2 for Transposed {
    fn name(&self) -> &'static str {
        "linear-transposed"
    }

    fn cpu_fwd(
        &self,
        u: &CpuStorage,
        u_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, outputs) = u_layout.shape().dims2()?;
        let (inputs, _) = w_layout.shape().dims2()?;
        let mut y = vec![0.0; rows * inputs];
        let w = Matrix::new(values(w, w_layout)?, inputs, outputs);
        multiply(Matrix::new(values(u, u_layout)?, rows, outputs), w.t(), &mut y, false);
        Ok((CpuStorage::F32(y), (rows, inputs).into()))
    }

    fn bwd(&self, u: &Tensor, w: &Tensor, _y: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (rows, outputs) = u.dims2()?;
        let (inputs, _) = w.dims2()?;
        let gradient = gradient.contiguous()?;
        let (u_view, w_view, g_view) = (View::of(u), View::of(w), View::of(&gradient));
        let g = Matrix::new(g_view.values()?, rows, inputs);
        if let Some(weight) = &self.weight {
            multiply(g.t(), Matrix::new(u_view.values()?, rows, outputs), &mut weight.lock(), true);
        }
        if !u.track_op() {
            return Ok((None, None));
        }
        let mut du = vec![0.0; rows * outputs];
        multiply(g, Matrix::new(w_view.values()?, inputs, outputs), &mut du, false);
        Ok((Some(tensor(du, &[rows, outputs])?), None))
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradients, random, weighted};
    use super::*;

    /// Two layers, so that the gradient to a layer's input is checked by the weights below it.
    #[test]
    fn gradients_of_layers() {
        for slope in [1.0, 0.2, 0.0] {
            let parameters = [
                (random(15, 1), vec![3, 5]),
                (random(5, 2), vec![5]),
                (random(10, 3), vec![5, 2]),
                (random(2, 4), vec![2]),
            ];
            let x = tensor(random(12, 5), &[4, 3]).unwrap();
            gradients(&parameters, |p| weighted(&linear(&linear(&x, &p[0], &p[1], slope)?, &p[2], &p[3], slope)?));
        }
    }

    #[test]
    fn gradients_of_transposed_layers() {
        let parameters = [(random(15, 1), vec![3, 5]), (random(10, 2), vec![5, 2])];
        let u = tensor(random(8, 3), &[4, 2]).unwrap();
        gradients(&parameters, |p| weighted(&linear_transposed(&linear_transposed(&u, &p[1])?, &p[0])?));
    }

    #[test]
    fn values_agree_with_candle() {
        let (x, w, b) = (random(12, 1), random(15, 2), random(5, 3));
        let (x, weight, bias) =
            (tensor(x, &[4, 3]).unwrap(), Parameter::fixed(w, &[3, 5]).unwrap(), Parameter::fixed(b, &[5]).unwrap());
        let found = linear(&x, &weight, &bias, 0.0).unwrap();
        let expected = x.matmul(&weight.tensor).unwrap().broadcast_add(&bias.tensor).unwrap().relu().unwrap();
        let difference = (found - expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(difference < 1e-6, "{difference}");
    }
}
