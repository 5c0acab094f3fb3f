//! How many threads the operations on pictures use: those of the pool they are called in, or the calling thread.
//!
//! Work is shared out so that every number is computed by the same sum in the same order, whatever the
//! number of threads.

use super::device::{device, with_device};
use candle_core::{Error, Result};
use rayon::prelude::*;

/// Runs `work` in a pool of its own in which the operations on pictures share `threads` threads (at least 1).
/// Outside of it they run on the calling thread, so that several modules can train side by side.
///
/// # Errors
/// Where the system gives no threads.
pub fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> Result<R> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build().map_err(Error::wrap)?;
    let device = device();
    Ok(pool.install(|| with_device(device, work)))
}

/// The number of threads that an operation may use here.
fn threads() -> usize {
    if rayon::current_thread_index().is_some() { rayon::current_num_threads() } else { 1 }
}

/// Below this many numbers a second thread costs more than it saves.
const SMALL: usize = 1 << 14;

/// Fills `out`, made up of units of `unit` numbers: `fill` gets the number of a first unit and a run of units.
/// What it writes to a unit must not depend on the run.
pub(super) fn share(out: &mut [f32], unit: usize, fill: impl Fn(usize, &mut [f32]) + Sync) {
    let unit = unit.max(1);
    let units = (out.len() / unit).div_ceil(threads()).max(1);
    if units * unit >= out.len() || out.len() < SMALL {
        fill(0, out);
    } else {
        out.par_chunks_mut(units * unit).enumerate().for_each(|(at, run)| fill(at * units, run));
    }
}

/// The entries of `out` as `value` gives them for their places.
pub(super) fn share_map(count: usize, value: impl Fn(usize) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0.0; count];
    share(&mut out, 1, |first, run| run.iter_mut().enumerate().for_each(|(at, v)| *v = value(first + at)));
    out
}

/// `value` of the entries of `a` and `b`, which have equal lengths.
pub(super) fn share_zip(a: &[f32], b: &[f32], value: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    if threads() == 1 {
        return a.iter().zip(b).map(|(a, b)| value(*a, *b)).collect();
    }
    let mut out = vec![0.0; a.len()];
    share(&mut out, 1, |first, run| {
        let inputs = a[first..].iter().zip(&b[first..]);
        run.iter_mut().zip(inputs).for_each(|(out, (a, b))| *out = value(*a, *b));
    });
    out
}

/// Sums the results of `part` for the runs of a fixed partition of `count` things, in their order.
pub(super) fn share_sum(
    count: usize,
    width: usize,
    part: impl Fn(std::ops::Range<usize>, &mut [f32]) + Sync,
) -> Vec<f32> {
    const RUN: usize = 1024;
    let run = |at: usize| {
        let mut sums = vec![0.0; width];
        part(at * RUN..count.min((at + 1) * RUN), &mut sums);
        sums
    };
    let runs = count.div_ceil(RUN);
    let parts: Vec<Vec<f32>> =
        if threads() == 1 { (0..runs).map(run).collect() } else { (0..runs).into_par_iter().map(run).collect() };
    let mut sums = vec![0.0; width];
    parts.iter().for_each(|part| sums.iter_mut().zip(part).for_each(|(sum, v)| *sum += v));
    sums
}
