//! Fused operations for networks: `f32`, on the CPU; on other devices ([`with_device`]) the same from Candle's own. Those on pictures can share out their work over threads
//! ([`with_threads`]); the others run on the calling thread.
//!
//! Candle's own layers are chains of small kernels, and kernels of 64 Ki elements or more go to one
//! pool that all threads share. Here a layer is one graph node, matrices are multiplied on the calling
//! thread, and the gradients of parameters gather in the [`Parameter`] rather than in Candle's store.

mod adam;
mod choice;
mod composed;
mod conv;
mod device;
mod linear;
mod mask;
mod norm;
mod picture;
mod threads;

pub use adam::Adam;
pub use choice::{choose, largest, log_probability};
pub use conv::{Geometry, Shift, conv_transpose2d, conv2d};
pub use device::{device, with_device};
pub use linear::{linear, linear_transposed};
pub use mask::{leaky_mask, masked};
pub use norm::{EPSILON, Moments, batch_norm_relu};
pub use picture::{leaky_masked, pixel_sums, squared_norms, tanh};
pub use threads::with_threads;

use candle_core::{CpuStorage, Device, Layout, Result, Storage, Tensor, Var, bail};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A network's parameter: its values, and where its gradient gathers if it is trained.
#[derive(Clone, Debug)]
pub struct Parameter {
    tensor: Tensor,
    gradient: Option<Gradient>,
}

/// A gradient that several backward passes add to.
#[derive(Clone, Debug)]
struct Gradient(Arc<Mutex<Vec<f32>>>);

impl Gradient {
    fn lock(&self) -> MutexGuard<'_, Vec<f32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parameter {
    /// A parameter to train, with `values` in row-major order.
    pub fn trained(values: &[f32], shape: &[usize]) -> Result<Self> {
        let tensor = Var::from_slice(values, shape, &device())?.into_inner();
        Ok(Self { gradient: Some(Gradient(Arc::new(Mutex::new(vec![0.0; values.len()])))), tensor })
    }

    /// A parameter that never moves.
    pub fn fixed(values: Vec<f32>, shape: &[usize]) -> Result<Self> {
        Ok(Self { tensor: Tensor::from_vec(values, shape, &device())?, gradient: None })
    }

    /// The same values, which follow training, without a gradient.
    pub fn detached(&self) -> Self {
        Self { tensor: self.tensor.detach(), gradient: None }
    }

    /// The number of values.
    pub fn count(&self) -> usize {
        self.tensor.elem_count()
    }

    /// A copy of the values, row-major.
    pub fn values(&self) -> Result<Vec<f32>> {
        self.tensor.flatten_all()?.to_vec1()
    }

    /// Moves `average` by `share` of the way to the values.
    pub fn blend_into(&self, average: &mut [f32], share: f32) -> Result<()> {
        if !device::on_cpu(&self.tensor) {
            average.iter_mut().zip(self.values()?).for_each(|(a, v)| *a += share * (v - *a));
            return Ok(());
        }
        let view = View::of(&self.tensor);
        average.iter_mut().zip(view.values()?).for_each(|(a, v)| *a += share * (v - *a));
        Ok(())
    }

    /// A copy of the gradient gathered since the last [`Adam::step`], row-major; `None` if it is not trained.
    pub fn gradient(&self) -> Option<Vec<f32>> {
        self.gradient.as_ref().map(|g| g.lock().clone())
    }
}

/// A tensor's values without copying them.
pub(in crate::nets) struct View<'a> {
    storage: Box<dyn Deref<Target = Storage> + 'a>,
    layout: &'a Layout,
}

impl<'a> View<'a> {
    pub(in crate::nets) fn of(tensor: &'a Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Self { storage: Box::new(storage), layout }
    }

    pub(in crate::nets) fn values(&self) -> Result<&[f32]> {
        match &**self.storage {
            Storage::Cpu(storage) => values(storage, self.layout),
            _ => bail!("the fused operations run on the CPU"),
        }
    }
}

pub(in crate::nets) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("the fused operations need contiguous tensors") };
    match storage {
        CpuStorage::F32(values) => Ok(&values[start..end]),
        _ => bail!("the fused operations need single precision"),
    }
}

fn tensor(values: Vec<f32>, shape: &[usize]) -> Result<Tensor> {
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// A matrix in memory.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a> Matrix<'a> {
    /// Row-major `values` of `rows × columns`.
    pub(super) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns);
        Self { values, rows, columns, row_step: columns, column_step: 1 }
    }

    /// The transpose, of the same values.
    fn t(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row_step: self.column_step, column_step: self.row_step, ..self }
    }
}

/// `out = a b`, or `out += a b` where `add`; `out` is row-major.
pub(super) fn multiply(a: Matrix<'_>, b: Matrix<'_>, out: &mut [f32], add: bool) {
    assert_eq!(a.columns, b.rows);
    assert_eq!(out.len(), a.rows * b.columns);
    // SAFETY: `Matrix` only steps inside its values (its fields are set by `new` and `t` alone), `out` holds
    // all cells of the product, and its exclusive borrow keeps it apart from both.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            b.columns as isize,
            add,
            a.values.as_ptr(),
            a.column_step as isize,
            a.row_step as isize,
            b.values.as_ptr(),
            b.column_step as isize,
            b.row_step as isize,
            if add { 1.0 } else { 0.0 },
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
pub(in crate::nets) mod check {
    //! Gradients against central differences.

    use super::*;
    use rand::Rng;

    /// Numbers in ±1 away from zero, so that small steps cross no kink.
    pub fn random(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = crate::seed::stream(seed, "numbers");
        let sign = |positive: bool| if positive { 1.0 } else { -1.0 };
        (0..count).map(|_| rng.random_range(0.1..1.0f32) * sign(rng.random())).collect()
    }

    /// Compares the gradients that `loss` leaves in its parameters with central differences.
    pub fn gradients(parameters: &[(Vec<f32>, Vec<usize>)], loss: impl Fn(&[Parameter]) -> Result<Tensor>) {
        let build = |changed: Option<(usize, usize, f32)>| -> Vec<Parameter> {
            let mut all = parameters.to_vec();
            if let Some((which, at, step)) = changed {
                all[which].0[at] += step;
            }
            all.iter().map(|(values, shape)| Parameter::trained(values, shape).unwrap()).collect()
        };
        let value = |changed| f64::from(loss(&build(changed)).unwrap().to_scalar::<f32>().unwrap());
        let trained = build(None);
        loss(&trained).unwrap().backward().unwrap();
        for (which, parameter) in trained.iter().enumerate() {
            let found = parameter.gradient().unwrap();
            let size = found.iter().fold(0.1f32, |a, b| a.max(b.abs()));
            for (at, found) in found.into_iter().enumerate() {
                let step = 4e-3;
                let up = value(Some((which, at, step)));
                let down = value(Some((which, at, -step)));
                let expected = ((up - down) / f64::from(2.0 * step)) as f32;
                assert!((found - expected).abs() < 0.01 * size, "parameter {which}[{at}]: {found} but {expected}");
            }
        }
    }

    /// `Σ weights · x`, a loss that gives every entry of `x` its own gradient.
    pub fn weighted(x: &Tensor) -> Result<Tensor> {
        let weights = tensor(random(x.elem_count(), 99), x.dims())?;
        x.mul(&weights)?.sum_all()
    }
}
