//! Which device the tensors of the networks are made on.

use candle_core::{Device, Tensor};
use std::cell::RefCell;

thread_local! {
    static CURRENT: RefCell<Device> = const { RefCell::new(Device::Cpu) };
}

/// The device that tensors are made on here: that of the innermost [`with_device`] around the caller, else the CPU.
pub fn device() -> Device {
    CURRENT.with(|current| current.borrow().clone())
}

/// Runs `work` with tensors made on `device`. Threads that `work` starts begin with the CPU again, but for those of
/// [`super::with_threads`].
pub fn with_device<R>(device: Device, work: impl FnOnce() -> R) -> R {
    /// Puts the earlier device back, also where `work` panics.
    struct Back(Option<Device>);
    impl Drop for Back {
        fn drop(&mut self) {
            if let Some(device) = self.0.take() {
                CURRENT.with(|current| *current.borrow_mut() = device);
            }
        }
    }
    let before = CURRENT.with(|current| current.replace(device));
    let _back = Back(Some(before));
    work()
}

/// Whether the fused operations apply.
pub(super) fn on_cpu(x: &Tensor) -> bool {
    matches!(x.device(), Device::Cpu)
}
