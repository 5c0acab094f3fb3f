//! The two inner loops of convolutions, on pictures with their channels last: neither unfolds the picture.
//!
//! [`Gather`] keeps the sums of a tile (pixels × output channels) in registers while it runs over the places of
//! the kernel and the input channels; [`Outer`] keeps a tile of a weight gradient while it runs over pixels.

use super::geometry::{Group, NONE};
use pulp::{Arch, Simd, WithSimd};

/// Weights of a group in the order [`Gather`] reads them: panels of output channels, in each the places of
/// the group, in each the input channels. The last panel ends with zeros.
pub struct Packed {
    values: Vec<f32>,
    places: usize,
    inputs: usize,
    outputs: usize,
    width: usize,
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

impl Packed {
    /// Packs the matrices `[inputs, outputs]` of the `places` of `weight [all places, inputs, outputs]`.
    pub fn straight(weight: &[f32], places: &[usize], (inputs, outputs): (usize, usize)) -> Self {
        let mut packed = Self::empty(places.len(), inputs, outputs);
        let (width, size) = (packed.width, inputs * outputs);
        for (panel, values) in packed.values.chunks_exact_mut((places.len() * inputs * width).max(1)).enumerate() {
            let from = panel * width;
            let to = outputs.min(from + width);
            for (at, row) in values.chunks_exact_mut(width).enumerate() {
                let (place, input) = (places[at / inputs], at % inputs);
                row[..to - from].copy_from_slice(&weight[place * size + input * outputs..][from..to]);
            }
        }
        packed
    }

    /// Packs the transposes of the matrices `[outputs, inputs]` of the `places` of `weight [all places, outputs, inputs]`.
    pub fn transposed(weight: &[f32], places: &[usize], (inputs, outputs): (usize, usize)) -> Self {
        let mut packed = Self::empty(places.len(), inputs, outputs);
        let (width, size) = (packed.width, inputs * outputs);
        for (panel, values) in packed.values.chunks_exact_mut((places.len() * inputs * width).max(1)).enumerate() {
            let from = panel * width;
            let to = outputs.min(from + width);
            for (&place, values) in places.iter().zip(values.chunks_exact_mut((inputs * width).max(1))) {
                for output in from..to {
                    let column = &weight[place * size + output * inputs..][..inputs];
                    for (value, row) in column.iter().zip(values.chunks_exact_mut(width)) {
                        row[output - from] = *value;
                    }
                }
            }
        }
        packed
    }

    fn empty(places: usize, inputs: usize, outputs: usize) -> Self {
        let lanes = Arch::new().dispatch(Lanes);
        let width = if outputs > lanes { 2 * lanes } else { lanes };
        let values = vec![0.0; outputs.div_ceil(width) * places * inputs * width];
        Self { values, places, inputs, outputs, width }
    }
}

/// What is added to the channels of a picture.
#[derive(Clone, Copy)]
pub enum Added<'a> {
    /// Nothing.
    Nothing,
    /// The same for all pictures: `[channels]`.
    Same(&'a [f32]),
    /// An own row for each picture: `[pictures, channels]`.
    Rows(&'a [f32]),
}

impl<'a> Added<'a> {
    /// What is added to a picture's channels, if anything.
    pub fn of(self, picture: usize, channels: usize) -> Option<&'a [f32]> {
        match self {
            Self::Nothing => None,
            Self::Same(row) => Some(row),
            Self::Rows(rows) => Some(&rows[picture * channels..][..channels]),
        }
    }

    /// The part for pictures from `first` on.
    pub fn from(self, first: usize, channels: usize) -> Self {
        match self {
            Self::Rows(rows) => Self::Rows(&rows[first * channels..]),
            other => other,
        }
    }
}

/// Computes the pixels of a group in several pictures: `max(v, slope v)` of `v = Σ weight · x + added`.
pub struct Gather<'a> {
    /// The pixels to compute and what they read.
    pub group: &'a Group,
    /// The weights.
    pub packed: &'a Packed,
    /// The pictures read: `[pictures, x_pixels, inputs]`.
    pub x: &'a [f32],
    /// The number of pixels of a picture read.
    pub x_pixels: usize,
    /// The pictures written: `[pictures, y_pixels, outputs]`.
    pub y: &'a mut [f32],
    /// The number of pixels of a picture written.
    pub y_pixels: usize,
    /// What is added to the sums.
    pub added: Added<'a>,
    /// The factor of negative values, at most 1.
    pub slope: f32,
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let double = self.packed.width > S::F32_LANES;
        match (S::REGISTER_COUNT >= 32, double) {
            (true, true) => self.run::<S, 12, 2>(simd),
            (true, false) => self.run::<S, 12, 1>(simd),
            (false, true) => self.run::<S, 6, 2>(simd),
            (false, false) => self.run::<S, 6, 1>(simd),
        }
    }
}

impl Gather<'_> {
    /// Tiles of `M` pixels and `V` registers of channels; a block of tiles shares the weights of a panel.
    #[inline(always)]
    fn run<S: Simd, const M: usize, const V: usize>(&mut self, simd: S) {
        const BLOCK: usize = 16;
        let (inputs, outputs, width) = (self.packed.inputs, self.packed.outputs, self.packed.width);
        let (places, targets) = (self.packed.places, self.group.targets.len());
        let pictures = self.y.len() / (self.y_pixels * outputs).max(1);
        let panel = places * inputs * width;
        assert!(width == V * S::F32_LANES && places == self.group.places.len());
        assert_eq!(self.x.len(), pictures * self.x_pixels * inputs);
        assert_eq!(self.y.len(), pictures * self.y_pixels * outputs);
        assert_eq!(self.group.sources.len(), targets * places);
        let zeros = vec![0.0f32; inputs];
        let mut blocks = vec![[zeros.as_ptr(); M]; BLOCK * places];
        let count = pictures * targets;
        for block in (0..count).step_by(M * BLOCK) {
            let tiles = (count - block).div_ceil(M).min(BLOCK);
            for j in 0..tiles * M {
                // The last tile repeats the last pixel.
                let at = (block + j).min(count - 1);
                let (picture, target) = (at / targets, at % targets);
                for place in 0..places {
                    let source = self.group.sources[target * places + place] as usize;
                    let start = &mut blocks[j / M * places + place][j % M];
                    // The slice's length makes the reads of `accumulate` safe.
                    let read = if source == NONE as usize {
                        &zeros
                    } else {
                        assert!(source < self.x_pixels);
                        &self.x[(picture * self.x_pixels + source) * inputs..][..inputs]
                    };
                    *start = read.as_ptr();
                }
            }
            for p in 0..outputs.div_ceil(width) {
                for tile in 0..tiles {
                    let weights = &self.packed.values[p * panel..(p + 1) * panel];
                    let starts = &blocks[tile * places..(tile + 1) * places];
                    let mut sums = [[simd.splat_f32s(0.0); V]; M];
                    for (from, weights) in starts.iter().zip(weights.chunks_exact((inputs * width).max(1))) {
                        // SAFETY: each start has `inputs` numbers (above), and `weights` has `inputs` rows of
                        // `V` registers.
                        unsafe { accumulate::<S, M, V>(simd, from, weights.as_ptr().cast(), inputs, &mut sums) };
                    }
                    let first = block + tile * M;
                    for (at, sums) in (first..count.min(first + M)).zip(&sums) {
                        self.store(simd, at, p * width, sums);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn store<S: Simd>(&mut self, simd: S, at: usize, first: usize, sums: &[S::f32s]) {
        let (targets, outputs) = (self.group.targets.len(), self.packed.outputs);
        let (picture, target) = (at / targets, self.group.targets[at % targets] as usize);
        let added = self.added.of(picture, outputs);
        let pixel = &mut self.y[(picture * self.y_pixels + target) * outputs..][..outputs];
        let slope = simd.splat_f32s(self.slope);
        for (v, sum) in sums.iter().enumerate() {
            let start = first + v * S::F32_LANES;
            if start >= outputs {
                break;
            }
            let end = outputs.min(start + S::F32_LANES);
            let mut value = *sum;
            if let Some(added) = added {
                value = simd.add_f32s(value, simd.partial_load_f32s(&added[start..end]));
            }
            if self.slope != 1.0 {
                value = simd.max_f32s(value, simd.mul_f32s(value, slope));
            }
            simd.partial_store_f32s(&mut pixel[start..end], value);
        }
    }
}

/// Adds to the sums of a tile what one place of the kernel gives.
///
/// # Safety
/// Each of `from` must have `inputs` numbers, `weights` must have `inputs · V` registers.
#[inline(always)]
unsafe fn accumulate<S: Simd, const M: usize, const V: usize>(
    simd: S,
    from: &[*const f32; M],
    weights: *const S::f32s,
    inputs: usize,
    sums: &mut [[S::f32s; V]; M],
) {
    // Copies, so that the compiler keeps them in registers.
    let (mut own, from) = (*sums, *from);
    for c in 0..inputs {
        // SAFETY: `c < inputs`.
        unsafe {
            let row: [S::f32s; V] = std::array::from_fn(|v| weights.add(c * V + v).read_unaligned());
            for (own, from) in own.iter_mut().zip(&from) {
                let x = simd.splat_f32s(*from.add(c));
                for v in 0..V {
                    own[v] = simd.mul_add_e_f32s(x, row[v], own[v]);
                }
            }
        }
    }
    *sums = own;
}

/// Adds to rows of a weight gradient the products of the pixels that meet at each place of the kernel.
pub struct Outer<'a> {
    /// Per place of the kernel the pairs of pixels of `x` and `y`.
    pub pairs: &'a [Vec<(u32, u32)>],
    /// `[pictures, x_pixels, inputs]`.
    pub x: &'a [f32],
    /// The number of pixels of a picture of `x`.
    pub x_pixels: usize,
    /// Its channels.
    pub inputs: usize,
    /// `[pictures, y_pixels, outputs]`.
    pub y: &'a [f32],
    /// The number of pixels of a picture of `y`.
    pub y_pixels: usize,
    /// Its channels.
    pub outputs: usize,
    /// The number (`place · inputs + input`) of the first of the rows.
    pub first: usize,
    /// The rows' sums `[rows, outputs]`.
    pub sums: &'a mut [f32],
}

impl WithSimd for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        if S::REGISTER_COUNT >= 32 { self.run::<S, 8>(simd) } else { self.run::<S, 4>(simd) }
    }
}

/// A tile of a weight gradient: place, first input, first row of `sums`, first output.
#[derive(Clone, Copy)]
struct Tile {
    place: usize,
    input: usize,
    row: usize,
    output: usize,
}

impl Outer<'_> {
    /// Tiles of `M` inputs and two registers of outputs; the pictures of a block stay in the cache.
    #[inline(always)]
    fn run<S: Simd, const M: usize>(&mut self, simd: S) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let pictures = self.x.len() / (self.x_pixels * inputs).max(1);
        assert_eq!(self.x.len(), pictures * self.x_pixels * inputs);
        assert_eq!(self.y.len(), pictures * self.y_pixels * outputs);
        let inside = |&(a, b): &(u32, u32)| (a as usize) < self.x_pixels && (b as usize) < self.y_pixels;
        assert!(self.pairs.iter().flatten().all(inside));
        let rows = self.sums.len() / outputs.max(1);
        let per_block = 512usize.div_ceil(self.y_pixels.max(1));
        for start in (0..pictures).step_by(per_block) {
            let block = start..pictures.min(start + per_block);
            let mut row = 0;
            while row < rows {
                let (place, input) = ((self.first + row) / inputs, (self.first + row) % inputs);
                let many = M <= (inputs - input).min(rows - row);
                let mut output = 0;
                while output < outputs {
                    let tile = Tile { place, input, row, output };
                    let wide = output + S::F32_LANES < outputs;
                    match (many, wide) {
                        (true, true) => self.tile::<S, M, 2>(simd, block.clone(), tile),
                        (true, false) => self.tile::<S, M, 1>(simd, block.clone(), tile),
                        (false, true) => self.tile::<S, 1, 2>(simd, block.clone(), tile),
                        (false, false) => self.tile::<S, 1, 1>(simd, block.clone(), tile),
                    }
                    output += if wide { 2 } else { 1 } * S::F32_LANES;
                }
                row += if many { M } else { 1 };
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const M: usize, const V: usize>(
        &mut self,
        simd: S,
        pictures: std::ops::Range<usize>,
        Tile { place, input, row, output }: Tile,
    ) {
        let (inputs, outputs, lanes) = (self.inputs, self.outputs, S::F32_LANES);
        let width = V * lanes;
        let whole = output + width <= outputs;
        let mut sums = [[simd.splat_f32s(0.0); V]; M];
        for picture in pictures {
            let x = &self.x[picture * self.x_pixels * inputs..][..self.x_pixels * inputs];
            let y = &self.y[picture * self.y_pixels * outputs..][..self.y_pixels * outputs];
            // SAFETY: all pairs are inside the pictures (`run`), `input + M` is at most `inputs` (`run`), and
            // where a whole row of registers is read `output + V · lanes` is at most `outputs`.
            unsafe {
                if whole {
                    outer::<S, M, V>(simd, &self.pairs[place], (x, inputs, input), &mut sums, |pixel| {
                        let at = y.as_ptr().add(pixel * outputs + output).cast::<S::f32s>();
                        std::array::from_fn(|v| at.add(v).read_unaligned())
                    });
                } else {
                    outer::<S, M, V>(simd, &self.pairs[place], (x, inputs, input), &mut sums, |pixel| {
                        let pixel = &y[pixel * outputs..][..outputs];
                        std::array::from_fn(|v| {
                            let start = output + v * lanes;
                            simd.partial_load_f32s(&pixel[start..outputs.min(start + lanes)])
                        })
                    });
                }
            }
        }
        for (j, sums) in sums.iter().enumerate() {
            let out = &mut self.sums[(row + j) * outputs..][..outputs];
            for (v, sum) in sums.iter().enumerate() {
                let start = output + v * lanes;
                let out = &mut out[start..outputs.min(start + lanes)];
                let before = simd.partial_load_f32s(out);
                simd.partial_store_f32s(out, simd.add_f32s(before, *sum));
            }
        }
    }
}

/// Adds the products of `M` channels of `x` from `input` on with the registers that `read` gives for a pixel of `y`.
///
/// # Safety
/// Every pair's first pixel must be in `x`, `input + M` at most `inputs`, and `read` sound for every second pixel.
#[inline(always)]
unsafe fn outer<S: Simd, const M: usize, const V: usize>(
    simd: S,
    pairs: &[(u32, u32)],
    (x, inputs, input): (&[f32], usize, usize),
    sums: &mut [[S::f32s; V]; M],
    read: impl Fn(usize) -> [S::f32s; V],
) {
    let mut own = *sums;
    for &(from, to) in pairs {
        let row = read(to as usize);
        // SAFETY: the caller's.
        unsafe {
            let x = x.as_ptr().add(from as usize * inputs + input);
            for (j, own) in own.iter_mut().enumerate() {
                let x = simd.splat_f32s(*x.add(j));
                for v in 0..V {
                    own[v] = simd.mul_add_e_f32s(x, row[v], own[v]);
                }
            }
        }
    }
    *sums = own;
}
