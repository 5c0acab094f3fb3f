//! Adam (Kingma & Ba 2015) in one pass over each parameter.

use super::device::on_cpu;
use super::{Gradient, Parameter, values};
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor, Var};
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
    on_device: OnDevice,
}

/// The state of a parameter that is not on the CPU.
#[derive(Debug, Default)]
struct OnDevice {
    gradient: Option<Tensor>,
    moments: Option<(Tensor, Tensor)>,
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
                Some(Slot {
                    parameter: p.clone(),
                    gradient,
                    first: zeros.clone(),
                    second: zeros,
                    on_device: OnDevice::default(),
                })
            })
            .collect();
        Self { slots, betas, steps: 0 }
    }

    /// Takes the gradients of a backward pass. Needed on other devices than the CPU, where they do not gather in the
    /// parameters by themselves; does nothing on the CPU.
    ///
    /// # Errors
    /// Candle's.
    pub fn gather(&mut self, gradients: &GradStore) -> Result<()> {
        for slot in self.slots.iter_mut().filter(|slot| !on_cpu(&slot.parameter.tensor)) {
            let Some(new) = gradients.get(&slot.parameter.tensor) else { continue };
            slot.on_device.gradient = Some(match slot.on_device.gradient.take() {
                Some(sum) => (sum + new)?.detach(),
                None => new.detach(),
            });
        }
        Ok(())
    }

    /// Moves every parameter against its gradient and sets the gradients to zero.
    ///
    /// # Errors
    /// Where a parameter is not `f32`.
    pub fn step(&mut self, rate: f32) -> Result<()> {
        self.steps = self.steps.saturating_add(1);
        let (b1, b2) = self.betas;
        let rate = rate / (1.0 - b1.powi(self.steps));
        let correction = 1.0 / (1.0 - b2.powi(self.steps));
        for slot in &mut self.slots {
            let tensor = slot.parameter.tensor.clone();
            if !on_cpu(&tensor) {
                slot.step_on_device(self.betas, rate, correction)?;
                continue;
            }
            tensor.inplace_op1(&Update { slot: RefCell::new(slot), betas: self.betas, rate, correction })?;
        }
        Ok(())
    }
}

impl Slot {
    /// The same step by Candle's operations.
    fn step_on_device(&mut self, (b1, b2): (f32, f32), rate: f32, correction: f32) -> Result<()> {
        let Some(gradient) = self.on_device.gradient.take() else { return Ok(()) };
        let (first, second) = match self.on_device.moments.take() {
            Some(moments) => moments,
            None => (gradient.zeros_like()?, gradient.zeros_like()?),
        };
        let mix = |old: &Tensor, new: &Tensor, b: f32| (old * f64::from(b))? + (new * f64::from(1.0 - b))?;
        let (first, second) = (mix(&first, &gradient, b1)?, mix(&second, &gradient.sqr()?, b2)?);
        let root = ((&second * f64::from(correction))?.sqrt()? + f64::from(EPSILON))?;
        let moved = (self.parameter.tensor.detach() - ((&first / root)? * f64::from(rate))?)?;
        Var::from_tensor(&self.parameter.tensor)?.set(&moved)?;
        self.on_device.moments = Some((first, second));
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
    use candle_core::Device;

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

    /// The step for other devices, taken on the CPU.
    #[test]
    fn steps_on_a_device_are_the_same() {
        let [fused, composed] = [(); 2].map(|()| Parameter::trained(&[0.5, -0.25, 1.0], &[3]).unwrap());
        let (mut one, mut other) = (Adam::new([&fused], (0.5, 0.9)), Adam::new([&composed], (0.5, 0.9)));
        for step in 1..=4 {
            let gradient = [0.3 * step as f32, -1.0, 0.2 / step as f32];
            fused.gradient.as_ref().unwrap().lock().copy_from_slice(&gradient);
            one.step(0.1).unwrap();
            let slot = &mut other.slots[0];
            slot.on_device.gradient = Some(Tensor::new(&gradient, &Device::Cpu).unwrap());
            let corrections = (1.0 - 0.5f32.powi(step), 1.0 / (1.0 - 0.9f32.powi(step)));
            slot.step_on_device((0.5, 0.9), 0.1 / corrections.0, corrections.1).unwrap();
        }
        for (a, b) in fused.values().unwrap().iter().zip(composed.values().unwrap()) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }
}
