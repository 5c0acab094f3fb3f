//! Draws of rows with probability proportional to their weights.

use rand::Rng;

/// An alias table (Walker 1977, built as Vose 1991): a draw takes constant time.
#[derive(Clone, Debug)]
pub struct Alias {
    /// Per row the chance to keep it when its place is drawn, and the row to take otherwise.
    entries: Vec<(f64, usize)>,
}

impl Alias {
    /// The table of `weights` (finite, not negative); `None` if their sum is not positive.
    pub fn new(weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        if !(total > 0.0 && total.is_finite()) || weights.iter().any(|w| *w < 0.0) {
            return None;
        }
        let mut left: Vec<f64> = weights.iter().map(|w| w * weights.len() as f64 / total).collect();
        let mut entries: Vec<(f64, usize)> = (0..weights.len()).map(|row| (1.0, row)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..weights.len()).partition(|&row| left[row] < 1.0);
        while let (Some(&to), Some(from)) = (large.last(), small.pop()) {
            entries[from] = (left[from], to);
            left[to] -= 1.0 - left[from];
            if left[to] < 1.0 {
                large.pop();
                small.push(to);
            }
        }
        Some(Self { entries })
    }

    /// A row.
    pub fn draw(&self, rng: &mut impl Rng) -> usize {
        let place = rng.random_range(0..self.entries.len());
        let (keep, other) = self.entries[place];
        if rng.random::<f64>() < keep { place } else { other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights() {
        let weights = [0.0, 3.0, 0.5, 1.5, 5.0];
        let alias = Alias::new(&weights).unwrap();
        let mut rng = crate::seed::stream(1, "alias");
        let mut counts = [0; 5];
        (0..100_000).for_each(|_| counts[alias.draw(&mut rng)] += 1);
        assert_eq!(counts[0], 0);
        for (count, weight) in counts.iter().zip(weights) {
            assert!((f64::from(*count) / 1e5 - weight / 10.0).abs() < 0.01, "{counts:?}");
        }
    }

    #[test]
    fn nothing_to_draw_is_refused() {
        assert!(
            Alias::new(&[]).is_none() && Alias::new(&[0.0, 0.0]).is_none() && Alias::new(&[1.0, f64::NAN]).is_none()
        );
    }
}
