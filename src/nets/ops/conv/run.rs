//! Convolutions, transposed convolutions and weight gradients on slices, shared out over threads.
//!
//! Pictures are `[pictures, height, width, channels]`, weights `[kernel, kernel, channels of the large picture,
//! channels of the small one]`. Pictures of few channels are unfolded first: the kernel's places then stand in
//! for channels.

use super::geometry::{Geometry, Group};
use super::kernel::{Added, Gather, Outer, Packed};
use crate::nets::ops::threads::share;
use pulp::Arch;

/// Up to this many channels of the large picture are unfolded.
const FEW: usize = 8;

/// A convolution's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub geometry: Geometry,
    /// The channels of the large picture.
    pub large: usize,
    /// The channels of the small picture.
    pub small: usize,
}

impl Shape {
    /// The numbers in a large picture.
    pub fn large_size(&self) -> usize {
        self.geometry.large_pixels() * self.large
    }

    /// The numbers in a small picture.
    pub fn small_size(&self) -> usize {
        self.geometry.small_pixels() * self.small
    }

    fn unfolds(&self) -> bool {
        self.large <= FEW && self.geometry.places() > 1
    }

    /// The numbers that a small picture's pixel reads.
    fn window(&self) -> usize {
        self.geometry.places() * self.large
    }

    /// Pictures that are unfolded together, so that what they unfold to stays in the cache.
    fn together(&self) -> usize {
        512usize.div_ceil(self.geometry.small_pixels())
    }
}

/// The convolution of large pictures `x`, plus `added [small channels]`, with negative values times `slope`.
pub fn convolve(shape: &Shape, x: &[f32], weight: &[f32], added: Added<'_>, slope: f32) -> Vec<f32> {
    let pictures = x.len() / shape.large_size().max(1);
    let mut y = vec![0.0; pictures * shape.small_size()];
    let pixels = shape.geometry.small_pixels();
    if shape.unfolds() {
        let group = Group::single(pixels);
        let packed = Packed::straight(weight, &[0], (shape.window(), shape.small));
        share(&mut y, shape.small_size(), |first, y| {
            for (at, y) in y.chunks_mut(shape.small_size() * shape.together()).enumerate() {
                let first = first + at * shape.together();
                let x = &x[first * shape.large_size()..][..y.len() / shape.small_size() * shape.large_size()];
                let x = unfold(shape, x);
                let added = added.from(first, shape.small);
                let (group, packed) = (&group, &packed);
                let gather = Gather { group, packed, x: &x, x_pixels: pixels, y, y_pixels: pixels, added, slope };
                Arch::new().dispatch(gather);
            }
        });
    } else {
        let groups = shape.geometry.reads();
        gather(&groups, |places| Packed::straight(weight, places, (shape.large, shape.small)))(
            (x, shape.geometry.large_pixels(), shape.large),
            (&mut y, pixels, shape.small),
            added,
            slope,
        );
    }
    y
}

/// The transposed convolution of small pictures `y`, plus `added [large channels]`, with negative values times
/// `slope`.
pub fn convolve_transposed(shape: &Shape, y: &[f32], weight: &[f32], added: Added<'_>, slope: f32) -> Vec<f32> {
    let pictures = y.len() / shape.small_size().max(1);
    let mut x = vec![0.0; pictures * shape.large_size()];
    if shape.unfolds() {
        let pixels = shape.geometry.small_pixels();
        let group = Group::single(pixels);
        let packed = Packed::transposed(weight, &[0], (shape.small, shape.window()));
        share(&mut x, shape.large_size(), |first, x| {
            for (at, x) in x.chunks_mut(shape.large_size() * shape.together()).enumerate() {
                let first = first + at * shape.together();
                let pictures = x.len() / shape.large_size();
                let y = &y[first * shape.small_size()..][..pictures * shape.small_size()];
                let mut windows = vec![0.0; pictures * pixels * shape.window()];
                let (group, packed, added_no) = (&group, &packed, Added::Nothing);
                let windows_out = &mut windows;
                let gather = Gather {
                    group,
                    packed,
                    x: y,
                    x_pixels: pixels,
                    y: windows_out,
                    y_pixels: pixels,
                    added: added_no,
                    slope: 1.0,
                };
                Arch::new().dispatch(gather);
                fold(shape, &windows, x, added.from(first, shape.large), slope);
            }
        });
    } else {
        let groups = shape.geometry.transposed_reads();
        gather(&groups, |places| Packed::transposed(weight, places, (shape.small, shape.large)))(
            (y, shape.geometry.small_pixels(), shape.small),
            (&mut x, shape.geometry.large_pixels(), shape.large),
            added,
            slope,
        );
    }
    x
}

/// Pictures, the pixels of one, and its channels.
type Read<'a> = (&'a [f32], usize, usize);
type Written<'a> = (&'a mut [f32], usize, usize);

/// Computes all pixels of `groups`, whose weights `pack` gives for their places.
fn gather<'a>(
    groups: &'a [Group],
    pack: impl Fn(&[usize]) -> Packed + 'a,
) -> impl Fn(Read<'_>, Written<'_>, Added<'_>, f32) + 'a {
    move |(x, x_pixels, inputs), (y, y_pixels, outputs), added, slope| {
        let packed: Vec<Packed> = groups.iter().map(|g| pack(&g.places)).collect();
        share(y, y_pixels * outputs, |first, y| {
            let pictures = y.len() / (y_pixels * outputs).max(1);
            let x = &x[first * x_pixels * inputs..][..pictures * x_pixels * inputs];
            let added = added.from(first, outputs);
            for (group, packed) in groups.iter().zip(&packed) {
                Arch::new().dispatch(Gather { group, packed, x, x_pixels, y: &mut *y, y_pixels, added, slope });
            }
        });
    }
}

/// Adds to `sums` (shaped as the weights) the gradient of a convolution with input `x` and output gradient `y`,
/// or of a transposed one with output gradient `x` and input `y`.
pub fn weight_gradient(shape: &Shape, x: &[f32], y: &[f32], sums: &mut [f32]) {
    let (y_pixels, outputs) = (shape.geometry.small_pixels(), shape.small);
    let all = |pairs: &[Vec<(u32, u32)>], x: &[f32], x_pixels: usize, inputs: usize, sums: &mut [f32]| {
        share(sums, outputs, |first, sums| {
            Arch::new().dispatch(Outer { pairs, x, x_pixels, inputs, y, y_pixels, outputs, first, sums });
        });
    };
    if shape.unfolds() {
        let size = y_pixels * shape.window();
        let mut windows = vec![0.0; x.len() / shape.large_size().max(1) * size];
        share(&mut windows, size, |first, windows| {
            let pictures = windows.len() / size;
            unfold_into(shape, &x[first * shape.large_size()..][..pictures * shape.large_size()], windows);
        });
        let pairs = vec![(0..y_pixels as u32).map(|p| (p, p)).collect()];
        all(&pairs, &windows, y_pixels, shape.window(), sums);
    } else {
        all(&shape.geometry.pairs(), x, shape.geometry.large_pixels(), shape.large, sums);
    }
}

/// What each pixel of the small pictures reads: `[pictures, small pixels, places, large channels]`.
fn unfold(shape: &Shape, x: &[f32]) -> Vec<f32> {
    let mut windows = vec![0.0; x.len() / shape.large_size().max(1) * shape.geometry.small_pixels() * shape.window()];
    unfold_into(shape, x, &mut windows);
    windows
}

fn unfold_into(shape: &Shape, x: &[f32], windows: &mut [f32]) {
    let size = shape.geometry.small_pixels() * shape.window();
    for (x, windows) in x.chunks_exact(shape.large_size()).zip(windows.chunks_exact_mut(size)) {
        shape.geometry.for_runs(shape.large, |window, pixel, count| {
            windows[window..window + count].copy_from_slice(&x[pixel..pixel + count]);
        });
    }
}

/// The adjoint of [`unfold`], with its activation.
fn fold(shape: &Shape, windows: &[f32], x: &mut [f32], added: Added<'_>, slope: f32) {
    let size = shape.geometry.small_pixels() * shape.window();
    for (at, (x, windows)) in x.chunks_exact_mut(shape.large_size()).zip(windows.chunks_exact(size)).enumerate() {
        shape.geometry.for_runs(shape.large, |window, pixel, count| {
            let sums = &mut x[pixel..pixel + count];
            sums.iter_mut().zip(&windows[window..window + count]).for_each(|(sum, v)| *sum += v);
        });
        if let Some(added) = added.of(at, shape.large) {
            x.chunks_exact_mut(shape.large).for_each(|pixel| pixel.iter_mut().zip(added).for_each(|(v, a)| *v += a));
        }
        if slope != 1.0 {
            x.iter_mut().for_each(|v| *v = v.max(slope * *v));
        }
    }
}
