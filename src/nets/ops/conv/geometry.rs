//! Which input pixels an output pixel of a convolution reads.

/// A convolution from a picture of `large` pixels to one of `small` pixels; run backwards it is the transposed
/// convolution from `small` to `large`. Sizes are `(height, width)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// The size of the convolution's input.
    pub large: (usize, usize),
    /// The size of its output.
    pub small: (usize, usize),
    /// The length of the square kernel's side.
    pub kernel: usize,
    /// The distance between the pixels that neighbouring outputs read.
    pub stride: usize,
    /// The rows and columns of zeros around the input.
    pub padding: usize,
}

impl Geometry {
    /// The convolution of a picture of size `large`; `None` where the kernel does not fit in it.
    pub fn conv(large: (usize, usize), kernel: usize, stride: usize, padding: usize) -> Option<Self> {
        let side = |n: usize| Some((n + 2 * padding).checked_sub(kernel)? / stride.max(1) + 1);
        let small = (side(large.0)?, side(large.1)?);
        let sound = kernel > 0 && stride > 0 && padding < kernel && large.0 > 0 && large.1 > 0;
        sound.then_some(Self { large, small, kernel, stride, padding })
    }

    /// The transposed convolution of a picture of size `small` to the smallest picture that gives it;
    /// `None` where that has no pixels.
    pub fn transposed(small: (usize, usize), kernel: usize, stride: usize, padding: usize) -> Option<Self> {
        let side = |n: usize| (n.checked_sub(1)? * stride + kernel).checked_sub(2 * padding);
        Self::conv((side(small.0)?, side(small.1)?), kernel, stride, padding).filter(|g| g.small == small)
    }

    /// The number of pixels of the convolution's input.
    pub fn large_pixels(&self) -> usize {
        self.large.0 * self.large.1
    }

    /// The number of pixels of its output.
    pub fn small_pixels(&self) -> usize {
        self.small.0 * self.small.1
    }

    /// The number of places of the kernel.
    pub fn places(&self) -> usize {
        self.kernel * self.kernel
    }

    /// The pixel of the large picture under place `(y, x)` of the kernel at a pixel of the small one.
    fn under(&self, at: (usize, usize), place: (usize, usize)) -> Option<u32> {
        let y = (at.0 * self.stride + place.0).checked_sub(self.padding).filter(|&y| y < self.large.0)?;
        let x = (at.1 * self.stride + place.1).checked_sub(self.padding).filter(|&x| x < self.large.1)?;
        Some((y * self.large.1 + x) as u32)
    }

    fn all_places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let kernel = self.kernel;
        (0..kernel).flat_map(move |y| (0..kernel).map(move |x| (y, x)))
    }

    /// What the convolution reads: one group, all places of the kernel.
    pub fn reads(&self) -> Vec<Group> {
        let mut group = Group { places: (0..self.places()).collect(), targets: vec![], sources: vec![] };
        for y in 0..self.small.0 {
            for x in 0..self.small.1 {
                group.targets.push((y * self.small.1 + x) as u32);
                group.sources.extend(self.all_places().map(|place| self.under((y, x), place).unwrap_or(NONE)));
            }
        }
        vec![group]
    }

    /// What the transposed convolution reads: pixels of the large picture whose rows and columns have equal
    /// remainders by the stride meet the same places of the kernel, and make up a group.
    pub fn transposed_reads(&self) -> Vec<Group> {
        let remainders = (0..self.stride).flat_map(|y| (0..self.stride).map(move |x| (y, x)));
        remainders.map(|phase| self.phase(phase)).filter(|g| !g.targets.is_empty()).collect()
    }

    fn phase(&self, phase: (usize, usize)) -> Group {
        let meets = |place: usize, at: usize| {
            (at + self.padding + self.stride * self.kernel - place).is_multiple_of(self.stride)
        };
        let places: Vec<_> = self.all_places().filter(|p| meets(p.0, phase.0) && meets(p.1, phase.1)).collect();
        let mut group = Group { places: vec![], targets: vec![], sources: vec![] };
        group.places = places.iter().map(|p| p.0 * self.kernel + p.1).collect();
        for y in (phase.0..self.large.0).step_by(self.stride) {
            for x in (phase.1..self.large.1).step_by(self.stride) {
                group.targets.push((y * self.large.1 + x) as u32);
                group.sources.extend(places.iter().map(|&place| self.over((y, x), place).unwrap_or(NONE)));
            }
        }
        group
    }

    /// The pixel of the small picture that reads the large picture's pixel `at` through `place`.
    fn over(&self, at: (usize, usize), place: (usize, usize)) -> Option<u32> {
        let y = (at.0 + self.padding).checked_sub(place.0).map(|y| y / self.stride).filter(|&y| y < self.small.0)?;
        let x = (at.1 + self.padding).checked_sub(place.1).map(|x| x / self.stride).filter(|&x| x < self.small.1)?;
        Some((y * self.small.1 + x) as u32)
    }

    /// The runs of numbers that are next to each other both in a large picture of `channels` channels and in what
    /// its pixels unfold to, `[small pixels, places, channels]`: their starts there and here, and their lengths.
    pub fn for_runs(&self, channels: usize, mut run: impl FnMut(usize, usize, usize)) {
        for y in 0..self.small.0 {
            for x in 0..self.small.1 {
                let left = x * self.stride;
                let from = self.padding.saturating_sub(left);
                let to = self.kernel.min((self.large.1 + self.padding).saturating_sub(left));
                for row in 0..self.kernel {
                    if let Some(pixel) = self.under((y, x), (row, from)).filter(|_| from < to) {
                        let window = ((y * self.small.1 + x) * self.kernel + row) * self.kernel + from;
                        run(window * channels, pixel as usize * channels, (to - from) * channels);
                    }
                }
            }
        }
    }

    /// Per place of the kernel the pairs of a pixel of the large picture and the pixel of the small one that
    /// reads it there.
    pub fn pairs(&self) -> Vec<Vec<(u32, u32)>> {
        let mut pairs = vec![Vec::with_capacity(self.small_pixels()); self.places()];
        for group in self.reads() {
            for (target, sources) in group.targets.iter().zip(group.sources.chunks_exact(group.places.len())) {
                for (place, &source) in sources.iter().enumerate().filter(|(_, s)| **s != NONE) {
                    pairs[place].push((source, *target));
                }
            }
        }
        pairs
    }
}

/// A source outside the picture.
pub const NONE: u32 = u32::MAX;

/// Pixels to compute that read through the same places of the kernel.
#[derive(Clone, Debug)]
pub struct Group {
    /// The places, row-major.
    pub places: Vec<usize>,
    /// The pixels to compute.
    pub targets: Vec<u32>,
    /// Per target and place the pixel read, or [`NONE`].
    pub sources: Vec<u32>,
}

impl Group {
    /// Pixels that each read the pixel of their own number, through a kernel of one place.
    pub fn single(pixels: usize) -> Self {
        let all: Vec<u32> = (0..pixels as u32).collect();
        Self { places: vec![0], targets: all.clone(), sources: all }
    }
}
