//! Products with masks, and the masks of leaky ReLUs.

use super::device::on_cpu;
use super::{View, composed, tensor, values};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

/// `u · mask`, entry by entry; no gradient reaches `mask`.
///
/// # Errors
/// Where the shapes differ, or a tensor is not `f32` on the CPU.
pub fn masked(u: &Tensor, mask: &Tensor) -> Result<Tensor> {
    if !on_cpu(u) {
        return u * mask.detach();
    }
    u.contiguous()?.apply_op2(&mask.detach(), Masked)
}

/// The derivative of a leaky ReLU of `slope` with the output `y`, times `keep` where there is one (dropout).
///
/// # Errors
/// Where a tensor is not contiguous `f32` on the CPU.
pub fn leaky_mask(y: &Tensor, keep: Option<&Tensor>, slope: f32) -> Result<Tensor> {
    if !on_cpu(y) {
        let mask = composed::slopes(y, slope)?;
        return keep.map_or(Ok(mask.clone()), |keep| mask * keep);
    }
    let view = View::of(y);
    let mut mask: Vec<f32> = view.values()?.iter().map(|v| if *v > 0.0 { 1.0 } else { slope }).collect();
    if let Some(keep) = keep {
        let keep = View::of(keep);
        mask.iter_mut().zip(keep.values()?).for_each(|(m, k)| *m *= k);
    }
    tensor(mask, y.dims())
}

struct Masked;

impl CustomOp2 for Masked {
    fn name(&self) -> &'static str {
        "masked"
    }

    fn cpu_fwd(
        &self,
        u: &CpuStorage,
        u_layout: &Layout,
        mask: &CpuStorage,
        mask_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        if u_layout.shape() != mask_layout.shape() {
            candle_core::bail!("a mask of {:?} for {:?}", mask_layout.shape(), u_layout.shape());
        }
        let (u, mask) = (values(u, u_layout)?, values(mask, mask_layout)?);
        let product = u.iter().zip(mask).map(|(u, m)| u * m).collect();
        Ok((CpuStorage::F32(product), u_layout.shape().clone()))
    }

    fn bwd(
        &self,
        _u: &Tensor,
        mask: &Tensor,
        _product: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(masked(gradient, mask)?), None))
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradients, random, weighted};
    use super::super::{Parameter, linear};
    use super::*;

    #[test]
    fn gradients_pass_the_mask() {
        let x = tensor(random(12, 1), &[4, 3]).unwrap();
        let mask = tensor(vec![0.0, 0.2, 1.0, 2.0, 1.0, 0.0, 0.2, 1.0], &[4, 2]).unwrap();
        gradients(&[(random(6, 2), vec![3, 2])], |p| {
            let bias = Parameter::fixed(vec![0.0; 2], &[2])?;
            weighted(&masked(&linear(&x, &p[0], &bias, 1.0)?, &mask)?)
        });
    }

    #[test]
    fn the_mask_of_a_leaky_relu() {
        let y = tensor(vec![2.0, -1.0, 3.0, -2.0], &[2, 2]).unwrap();
        let keep = tensor(vec![2.0, 2.0, 0.0, 0.0], &[2, 2]).unwrap();
        let found = leaky_mask(&y, Some(&keep), 0.2).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(found, [2.0, 0.4, 0.0, 0.0]);
    }
}
