//! Small operations on pictures and their gradients.

use super::device::on_cpu;
use super::threads::{share, share_map, share_zip};
use super::{View, composed, tensor, values};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

/// `tanh(x)`, entry by entry.
///
/// # Errors
/// Where `x` is not `f32` on the CPU.
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    if !on_cpu(x) {
        return x.tanh();
    }
    x.contiguous()?.apply_op1(Tanh)
}

/// `u` times the derivative of the leaky ReLU of `slope` whose output is `y`; no gradient reaches `y`.
///
/// # Errors
/// Where the shapes differ, or a tensor is not `f32` on the CPU.
pub fn leaky_masked(u: &Tensor, y: &Tensor, slope: f32) -> Result<Tensor> {
    if !on_cpu(u) {
        return u * composed::slopes(y, slope)?;
    }
    u.contiguous()?.apply_op2(&y.detach(), LeakyMasked { slope })
}

/// The sum of squares of each row's entries: `[rows, …]` to `[rows]`.
///
/// # Errors
/// Where `x` has no rows, or is not `f32` on the CPU.
pub fn squared_norms(x: &Tensor) -> Result<Tensor> {
    if !on_cpu(x) {
        return composed::squared_norms(x);
    }
    x.contiguous()?.apply_op1(SquaredNorms)
}

/// The sums over pixels: `[pictures, height, width, channels]` to `[pictures, channels]`.
///
/// # Errors
/// Where `x` has other dimensions, or is not `f32` on the CPU.
pub fn pixel_sums(x: &Tensor) -> Result<Tensor> {
    if !on_cpu(x) {
        return composed::pixel_sums(x);
    }
    x.contiguous()?.apply_op1(PixelSums)
}

struct Tanh;

impl CustomOp1 for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(x, layout)?;
        Ok((CpuStorage::F32(share_map(x.len(), |at| x[at].tanh())), layout.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let (y_view, g_view) = (View::of(y), View::of(&gradient));
        let (values, g) = (y_view.values()?, g_view.values()?);
        Ok(Some(tensor(share_zip(g, values, |g, y| g * (1.0 - y * y)), y.dims())?))
    }
}

struct LeakyMasked {
    slope: f32,
}

impl CustomOp2 for LeakyMasked {
    fn name(&self) -> &'static str {
        "leaky-masked"
    }

    fn cpu_fwd(
        &self,
        u: &CpuStorage,
        layout: &Layout,
        y: &CpuStorage,
        y_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        if layout.shape() != y_layout.shape() {
            candle_core::bail!("a mask of {:?} for {:?}", y_layout.shape(), layout.shape());
        }
        let (u, y) = (values(u, layout)?, values(y, y_layout)?);
        let masked = share_zip(u, y, |u, y| if y > 0.0 { u } else { self.slope * u });
        Ok((CpuStorage::F32(masked), layout.shape().clone()))
    }

    fn bwd(&self, _u: &Tensor, y: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(leaky_masked(gradient, y, self.slope)?), None))
    }
}

struct SquaredNorms;

impl CustomOp1 for SquaredNorms {
    fn name(&self) -> &'static str {
        "squared-norms"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(x, layout)?;
        let Some(&rows) = layout.dims().first() else { candle_core::bail!("a number has no rows") };
        let width = x.len() / rows.max(1);
        let mut sums = vec![0.0; rows];
        share(&mut sums, 1, |first, sums| {
            for (at, sum) in sums.iter_mut().enumerate() {
                *sum = x[(first + at) * width..][..width].iter().map(|v| v * v).sum();
            }
        });
        Ok((CpuStorage::F32(sums), rows.into()))
    }

    fn bwd(&self, x: &Tensor, _sums: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let (x_view, g_view) = (View::of(x), View::of(&gradient));
        let (values, g) = (x_view.values()?, g_view.values()?);
        let width = values.len() / g.len().max(1);
        Ok(Some(tensor(share_map(values.len(), |at| 2.0 * values[at] * g[at / width]), x.dims())?))
    }
}

struct PixelSums;

impl CustomOp1 for PixelSums {
    fn name(&self) -> &'static str {
        "pixel-sums"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (pictures, _, _, channels) = layout.shape().dims4()?;
        let x = values(x, layout)?;
        let sums = x.chunks_exact((x.len() / pictures.max(1)).max(1)).flat_map(|p| super::conv::pixel_sum(p, channels));
        Ok((CpuStorage::F32(sums.collect()), (pictures, channels).into()))
    }

    fn bwd(&self, x: &Tensor, _sums: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, height, width, channels) = x.dims4()?;
        let gradient = gradient.contiguous()?;
        let view = View::of(&gradient);
        let g = view.values()?;
        let size = height * width * channels;
        Ok(Some(tensor(share_map(x.elem_count(), |at| g[at / size * channels + at % channels]), x.dims())?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradients, random, weighted};
    use super::super::{Parameter, linear};
    use super::*;

    fn pictures(p: &[Parameter]) -> Result<Tensor> {
        let none = Parameter::fixed(vec![0.0; 12], &[12])?;
        linear(&tensor(random(6, 1), &[2, 3])?, &p[0], &none, 1.0)?.reshape((2, 2, 3, 2))
    }

    #[test]
    fn gradients_of_small_operations() {
        let parameters = [(random(36, 2), vec![3, 12])];
        gradients(&parameters, |p| weighted(&tanh(&pictures(p)?)?));
        gradients(&parameters, |p| weighted(&squared_norms(&pictures(p)?)?));
        gradients(&parameters, |p| weighted(&pixel_sums(&pictures(p)?)?));
        let y = tensor(random(24, 3), &[2, 2, 3, 2]).unwrap();
        gradients(&parameters, |p| weighted(&leaky_masked(&pictures(p)?, &y, 0.2)?));
    }

    #[test]
    fn values_of_small_operations() {
        let x = tensor((0..8).map(|v| v as f32).collect(), &[2, 1, 2, 2]).unwrap();
        assert_eq!(squared_norms(&x).unwrap().to_vec1::<f32>().unwrap(), [14.0, 126.0]);
        assert_eq!(pixel_sums(&x).unwrap().to_vec2::<f32>().unwrap(), [[2.0, 4.0], [10.0, 12.0]]);
        let masked = leaky_masked(&x, &(&x - 3.0).unwrap(), 0.5).unwrap().flatten_all().unwrap();
        assert_eq!(masked.to_vec1::<f32>().unwrap(), [0.0, 0.5, 1.0, 1.5, 4.0, 5.0, 6.0, 7.0]);
        assert!((tanh(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()[1] - 0.761_594).abs() < 1e-6);
    }
}
