//! Adam (Kingma & Ba 2015) in one pass over each parameter.

use super::{Gradient, Parameter, values};
use candle_core::{CpuStorage, InplaceOp1, Layout, Result};
use std::cell::RefCell;

/// The optimiser of a network's parameters.
#[derive(Debug)]
pub struct Adam {
    slots: Vec<Slot>,
    betas: (f32, f32),
    steps: i32,
}

#[derive(Debug)]
struct Slot {
    parameter: Parameter,
    gradient: Gradient,
    first: Vec<f32>,
    second: Vec<f32>,
}

const EPSILON: f32 = 1e-8;

impl Adam {
    /// An optimiser of those `parameters` that are trained.
    pub fn new<'a>(parameters: impl IntoIterator<Item = &'a Parameter>, betas: (f32, f32)) -> Self {
        let slots = parameters
            .into_iter()
            .filter_map(|p| {
                let zeros = vec![0.0; p.tensor.elem_count()];
                let gradient = p.gradient.clone()?;
                Some(Slot { parameter: p.clone(), gradient, first: zeros.clone(), second: zeros })
            })
            .collect();
        Self { slots, betas, steps: 0 }
    }

    /// Moves every parameter against its gradient and sets the gradients to zero.
    ///
    /// # Errors
    /// Where a parameter is not `f32` on the CPU.
    pub fn step(&mut self, rate: f32) -> Result<()> {
        self.steps = self.steps.saturating_add(1);
        let (b1, b2) = self.betas;
        let rate = rate / (1.0 - b1.powi(self.steps));
        let correction = 1.0 / (1.0 - b2.powi(self.steps));
        for slot in &mut self.slots {
            let tensor = slot.parameter.tensor.clone();
            tensor.inplace_op1(&Update { slot: RefCell::new(slot), betas: self.betas, rate, correction })?;
        }
        Ok(())
    }
}

struct Update<'a> {
    slot: RefCell<&'a mut Slot>,
    betas: (f32, f32),
    rate: f32,
    correction: f32,
}

impl InplaceOp1 for Update<'_> {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        values(storage, layout)?;
        let (CpuStorage::F32(all), Some((start, end))) = (storage, layout.contiguous_offsets()) else { return Ok(()) };
        let mut slot = self.slot.borrow_mut();
        let Slot { gradient, first, second, .. } = &mut **slot;
        let mut gradient = gradient.lock();
        let (b1, b2) = self.betas;
        for (((p, g), m), v) in all[start..end].iter_mut().zip(&mut *gradient).zip(first).zip(second) {
            *m = b1 * *m + (1.0 - b1) * *g;
            *v = b2 * *v + (1.0 - b2) * *g * *g;
            *p -= self.rate * *m / ((*v * self.correction).sqrt() + EPSILON);
            *g = 0.0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::linear;
    use super::*;
    use candle_core::{Device, Tensor};

    /// Steps on a fixed gradient against the paper's update written out in double precision.
    #[test]
    fn steps_follow_the_paper() {
        let parameter = Parameter::trained(&[0.5, -0.25], &[1, 2]).unwrap();
        let bias = Parameter::fixed(vec![0.0; 2], &[2]).unwrap();
        let mut adam = Adam::new([&parameter], (0.5, 0.9));
        let (mut expected, mut m, mut v) = ([0.5, -0.25], [0.0; 2], [0.0; 2]);
        for step in 1..=5 {
            let x = Tensor::new(&[[step as f32]], &Device::Cpu).unwrap();
            let y = linear(&x, &parameter, &bias, 1.0).unwrap();
            (y.sqr().unwrap().sum_all().unwrap() * 0.5).unwrap().backward().unwrap();
            adam.step(0.1).unwrap();
            for j in 0..2 {
                let gradient = expected[j] * f64::from(step * step);
                m[j] = 0.5 * m[j] + 0.5 * gradient;
                v[j] = 0.9 * v[j] + 0.1 * gradient * gradient;
                let (m, v) = (m[j] / (1.0 - 0.5f64.powi(step)), v[j] / (1.0 - 0.9f64.powi(step)));
                expected[j] -= 0.1 * m / (v.sqrt() + 1e-8);
            }
        }
        for (found, expected) in parameter.values().unwrap().iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} {expected}");
        }
        assert_eq!(parameter.gradient().unwrap(), [0.0, 0.0]);
    }
}
