//! Gumbel-softmax samples of categorical variables (Jang, Gu & Poole 2017; Maddison, Mnih & Teh 2017).

use super::device::on_cpu;
use super::{View, composed, tensor, values};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use std::sync::OnceLock;

/// How a categorical draw is made differentiable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relaxation {
    /// The softmax's temperature, above 0.
    pub temperature: f32,
    /// Whether the value is the one-hot draw itself (a Gumbel-max sample of the softmax of the logits),
    /// and only its gradient that of the softmax: the straight-through estimator.
    pub hard: bool,
}

/// `softmax((logits + noise) / temperature)` along rows of `logits [rows, values]`, `noise` being standard
/// Gumbel numbers of the same shape.
///
/// # Errors
/// Where the shapes differ, or a tensor is not `f32` on the CPU.
pub fn gumbel_softmax(logits: &Tensor, noise: &Tensor, relaxation: Relaxation) -> Result<Tensor> {
    if !on_cpu(logits) {
        return composed::gumbel_softmax(logits, noise, relaxation);
    }
    logits.contiguous()?.apply_op2(&noise.detach(), GumbelSoftmax { relaxation, soft: OnceLock::new() })
}

struct GumbelSoftmax {
    relaxation: Relaxation,
    /// The softmax, which the backward pass needs where the value is not it.
    soft: OnceLock<Vec<f32>>,
}

impl CustomOp2 for GumbelSoftmax {
    fn name(&self) -> &'static str {
        "gumbel-softmax"
    }

    fn cpu_fwd(
        &self,
        logits: &CpuStorage,
        layout: &Layout,
        noise: &CpuStorage,
        noise_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        if layout.shape() != noise_layout.shape() {
            candle_core::bail!("noise of {:?} for logits of {:?}", noise_layout.shape(), layout.shape());
        }
        let (_, card) = layout.shape().dims2()?;
        let (logits, noise) = (values(logits, layout)?, values(noise, noise_layout)?);
        let mut soft: Vec<f32> = logits.iter().zip(noise).map(|(l, g)| (l + g) / self.relaxation.temperature).collect();
        soft.chunks_exact_mut(card).for_each(softmax);
        let value = if self.relaxation.hard { one_hot(&soft, card) } else { soft.clone() };
        self.soft.get_or_init(|| soft);
        Ok((CpuStorage::F32(value), layout.shape().clone()))
    }

    fn bwd(
        &self,
        logits: &Tensor,
        _noise: &Tensor,
        _value: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some(soft) = self.soft.get() else { candle_core::bail!("backward before forward") };
        let (rows, card) = logits.dims2()?;
        let gradient = gradient.contiguous()?;
        let view = View::of(&gradient);
        let mut d = Vec::with_capacity(rows * card);
        for (s, g) in soft.chunks_exact(card).zip(view.values()?.chunks_exact(card)) {
            let mean: f32 = s.iter().zip(g).map(|(s, g)| s * g).sum();
            d.extend(s.iter().zip(g).map(|(s, g)| s * (g - mean) / self.relaxation.temperature));
        }
        Ok((Some(tensor(d, &[rows, card])?), None))
    }
}

fn softmax(row: &mut [f32]) {
    let largest = row.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
    row.iter_mut().for_each(|v| *v = (*v - largest).exp());
    let total: f32 = row.iter().sum();
    row.iter_mut().for_each(|v| *v /= total);
}

fn one_hot(soft: &[f32], card: usize) -> Vec<f32> {
    let mut hot = vec![0.0; soft.len()];
    for (hot, soft) in hot.chunks_exact_mut(card).zip(soft.chunks_exact(card)) {
        hot[largest(soft)] = 1.0;
    }
    hot
}

/// The place of the largest entry of `row`, the first among equals.
pub fn largest(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradients, random, weighted};
    use super::super::{Parameter, linear};
    use super::*;

    fn logits(p: &[Parameter]) -> Result<Tensor> {
        let bias = Parameter::fixed(vec![0.0; 3], &[3])?;
        linear(&tensor(random(8, 1), &[4, 2])?, &p[0], &bias, 1.0)
    }

    #[test]
    fn gradients_of_soft_draws() {
        let noise = tensor(random(12, 2), &[4, 3]).unwrap();
        gradients(&[(random(6, 3), vec![2, 3])], |p| {
            weighted(&gumbel_softmax(&logits(p)?, &noise, Relaxation { temperature: 0.7, hard: false })?)
        });
    }

    #[test]
    fn hard_draws_are_one_hot_with_the_soft_gradient() {
        let noise = tensor(random(12, 2), &[4, 3]).unwrap();
        let gradient = |hard| {
            let p = [Parameter::trained(&random(6, 3), &[2, 3]).unwrap()];
            let y = gumbel_softmax(&logits(&p).unwrap(), &noise, Relaxation { temperature: 0.7, hard }).unwrap();
            weighted(&y).unwrap().backward().unwrap();
            (p[0].gradient().unwrap(), y.to_vec2::<f32>().unwrap())
        };
        let ((soft_gradient, soft), (hard_gradient, hard)) = (gradient(false), gradient(true));
        assert_eq!(soft_gradient, hard_gradient);
        for (soft, hard) in soft.iter().zip(&hard) {
            assert_eq!((hard.iter().sum::<f32>(), hard[largest(soft)]), (1.0, 1.0));
        }
    }
}
