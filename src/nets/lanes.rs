//! What rows are made of as plain buffers, so that rows can be chosen, repeated and put back whatever they hold.

use super::Hidden;
use super::column::Column;
use super::noise::Noise;

/// A buffer with the same number of entries for each row, row-major.
#[derive(Debug)]
pub enum Lane<'a> {
    /// The number of rows itself.
    Count(&'a mut usize),
    /// Codes and levels.
    Codes(&'a mut Vec<u32>),
    /// Single precision numbers.
    Numbers(&'a mut Vec<f32>),
    /// Double precision numbers.
    Doubles(&'a mut Vec<f64>),
}

/// What has a value for each of some rows.
pub trait Rows {
    /// Its buffers, always in the same order.
    fn lanes(&mut self) -> Vec<Lane<'_>>;

    /// Takes these of the `count` rows, in this order, repeated ones too.
    fn gather(&mut self, count: usize, rows: &[usize]) {
        for lane in self.lanes() {
            match lane {
                Lane::Count(all) => *all = rows.len(),
                Lane::Codes(all) => *all = gathered(all, count, rows),
                Lane::Numbers(all) => *all = gathered(all, count, rows),
                Lane::Doubles(all) => *all = gathered(all, count, rows),
            }
        }
    }

    /// Puts these of the `count` rows of `from`, which has the same form, in the place of its own.
    fn put_back(&mut self, count: usize, from: &mut Self, rows: &[usize]) {
        for (lane, from) in self.lanes().into_iter().zip(from.lanes()) {
            match (lane, from) {
                (Lane::Codes(all), Lane::Codes(from)) => put(all, from, count, rows),
                (Lane::Numbers(all), Lane::Numbers(from)) => put(all, from, count, rows),
                (Lane::Doubles(all), Lane::Doubles(from)) => put(all, from, count, rows),
                _ => {}
            }
        }
    }

    /// Adds the rows of `other`, which has the same form, after its own.
    fn append(&mut self, other: &mut Self) {
        for (lane, other) in self.lanes().into_iter().zip(other.lanes()) {
            match (lane, other) {
                (Lane::Count(all), Lane::Count(other)) => *all += *other,
                (Lane::Codes(all), Lane::Codes(other)) => all.append(other),
                (Lane::Numbers(all), Lane::Numbers(other)) => all.append(other),
                (Lane::Doubles(all), Lane::Doubles(other)) => all.append(other),
                _ => {}
            }
        }
    }
}

fn gathered<T: Copy>(all: &[T], count: usize, rows: &[usize]) -> Vec<T> {
    let width = all.len() / count.max(1);
    rows.iter().flat_map(|&row| &all[row * width..(row + 1) * width]).copied().collect()
}

fn put<T: Copy>(all: &mut [T], from: &[T], count: usize, rows: &[usize]) {
    let width = all.len() / count.max(1);
    for &row in rows {
        all[row * width..(row + 1) * width].copy_from_slice(&from[row * width..(row + 1) * width]);
    }
}

impl Rows for Hidden {
    fn lanes(&mut self) -> Vec<Lane<'_>> {
        match self {
            Self::Levels { member, values } => [member].into_iter().chain(values).map(Lane::Codes).collect(),
            Self::Vectors { rows, noise } => {
                [Lane::Count(rows)].into_iter().chain(noise.iter_mut().map(Lane::Numbers)).collect()
            }
        }
    }
}

impl Rows for Noise {
    fn lanes(&mut self) -> Vec<Lane<'_>> {
        vec![Lane::Numbers(&mut self.vectors), Lane::Doubles(&mut self.uniform), Lane::Numbers(&mut self.gumbel)]
    }
}

impl Rows for Column {
    fn lanes(&mut self) -> Vec<Lane<'_>> {
        match self {
            Self::Codes(codes) => vec![Lane::Codes(codes)],
            Self::Reals(numbers) => vec![Lane::Numbers(numbers)],
            Self::Pixels(pixels) => vec![Lane::Numbers(&mut pixels.values)],
            Self::Still(_, rows) => vec![Lane::Count(rows)],
        }
    }
}

impl Rows for Vec<f64> {
    fn lanes(&mut self) -> Vec<Lane<'_>> {
        vec![Lane::Doubles(self)]
    }
}
