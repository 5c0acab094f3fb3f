//! Conditional independence of two discrete variables: the likelihood-ratio test, within strata.

use super::{Measured, Method, Sample, tail};
use crate::model::VarId;
use rand::Rng;
use rand::seq::SliceRandom;

/// Expected counts below this are small (Cochran 1954).
const SMALL: f64 = 5.0;
/// The largest share of small expected counts for which the χ² distribution is used (Cochran 1954).
const SMALL_SHARE: f64 = 0.2;
/// Permutations of one test, at most and at least.
const PERMUTATIONS: (usize, usize) = (1_999, 199);
/// Rows that one test may shuffle.
const SHUFFLED: usize = 20_000_000;

/// Tests `x ⊥ y | given` by `G² = 2 Σ n ln(n n_z / (n_x n_y))`, twice the sample size times the conditional mutual
/// information in nats. Each stratum has `(r - 1)(c - 1)` degrees of freedom for the `r` and `c` values that occur in it
/// (Bishop, Fienberg & Holland 1975, section 3.8). Where more than a fifth of the expected counts are below 5, or one is
/// below 1, the p-value comes from permutations of `y` within the strata, which is exact; it stops early where it is
/// plainly large (Besag & Clifford 1991).
///
/// # Errors
/// In words, where no stratum has two values of both.
pub fn independence(
    sample: &Sample,
    x: VarId,
    y: VarId,
    given: &[VarId],
    rng: &mut impl Rng,
) -> Result<Measured, String> {
    let (Some(xs), Some(ys)) = (sample.column(x), sample.column(y)) else {
        return Err("a variable is not in the data set, or not discrete".to_owned());
    };
    let (ids, count) = sample.strata(given);
    let mut cells = Cells::new(sample.card(x), sample.card(y));
    let (mut all, mut informative) = (Totals::default(), vec![]);
    for rows in grouped(&ids, count) {
        rows.iter().for_each(|&row| cells.add(xs[row], ys[row], sample.counts()[row]));
        if all.take(&cells) && !sample.scaled() {
            informative.push(rows);
        }
        cells.clear();
    }
    if all.df == 0 {
        return Err("no stratum has two values of both".to_owned());
    }
    let sparse = all.small as f64 > SMALL_SHARE * all.cells as f64 || all.least < 1.0;
    let bits = |null: f64| ((all.g - null) / (2.0 * sample.total() * std::f64::consts::LN_2)).max(0.0);
    let (statistic, df) = (all.g, Some(all.df));
    if !sparse || sample.scaled() {
        let p = tail::chi_squared(all.g, all.df as f64);
        return Ok(Measured { method: Method::ChiSquared, statistic, df, p, effect: bits(all.df as f64) });
    }
    let strata: Vec<Stratum> = informative.iter().map(|rows| Stratum::new(sample, rows, xs, ys)).collect();
    let (p, null) = permuted(strata, all.g, rng);
    Ok(Measured { method: Method::Permutation, statistic, df: None, p, effect: bits(null) })
}

/// The rows of each stratum.
fn grouped(ids: &[u32], count: usize) -> Vec<Vec<usize>> {
    let mut groups = vec![vec![]; count];
    ids.iter().enumerate().for_each(|(row, &id)| groups[id as usize].push(row));
    groups
}

/// The table of one stratum, and which of its cells are in use.
struct Cells {
    columns: usize,
    joint: Vec<f64>,
    used: Vec<usize>,
    left: Vec<f64>,
    right: Vec<f64>,
    total: f64,
}

impl Cells {
    fn new(rows: usize, columns: usize) -> Self {
        let joint = vec![0.0; rows * columns];
        Self { columns, joint, used: vec![], left: vec![0.0; rows], right: vec![0.0; columns], total: 0.0 }
    }

    fn add(&mut self, x: u32, y: u32, count: f64) {
        let at = x as usize * self.columns + y as usize;
        if self.joint[at] == 0.0 {
            self.used.push(at);
        }
        self.joint[at] += count;
        self.left[x as usize] += count;
        self.right[y as usize] += count;
        self.total += count;
    }

    fn clear(&mut self) {
        for at in self.used.drain(..) {
            self.joint[at] = 0.0;
            self.left[at / self.columns] = 0.0;
            self.right[at % self.columns] = 0.0;
        }
        self.total = 0.0;
    }
}

/// Sums over the strata.
struct Totals {
    g: f64,
    df: usize,
    cells: usize,
    small: usize,
    least: f64,
}

impl Default for Totals {
    fn default() -> Self {
        Self { g: 0.0, df: 0, cells: 0, small: 0, least: f64::INFINITY }
    }
}

impl Totals {
    /// Adds one stratum; whether it says anything.
    fn take(&mut self, cells: &Cells) -> bool {
        let left: Vec<f64> = cells.left.iter().copied().filter(|&n| n > 0.0).collect();
        let right: Vec<f64> = cells.right.iter().copied().filter(|&n| n > 0.0).collect();
        if left.len() < 2 || right.len() < 2 {
            return false;
        }
        self.df += (left.len() - 1) * (right.len() - 1);
        self.cells += left.len() * right.len();
        for expected in left.iter().flat_map(|a| right.iter().map(move |b| a * b / cells.total)) {
            self.small += usize::from(expected < SMALL);
            self.least = self.least.min(expected);
        }
        for &at in &cells.used {
            let (n, a, b) = (cells.joint[at], cells.left[at / cells.columns], cells.right[at % cells.columns]);
            self.g += 2.0 * n * (n * cells.total / (a * b)).ln();
        }
        true
    }
}

/// The rows of one stratum one by one, with the codes that occur numbered from 0.
struct Stratum {
    x: Vec<u32>,
    y: Vec<u32>,
    columns: usize,
    joint: Vec<u32>,
    /// The part of `G²` that permutations leave alone.
    fixed: f64,
}

impl Stratum {
    fn new(sample: &Sample, rows: &[usize], xs: &[u32], ys: &[u32]) -> Self {
        let expand = |codes: &[u32]| {
            let mut known: Vec<u32> = rows.iter().map(|&row| codes[row]).collect();
            known.sort_unstable();
            known.dedup();
            let mut units = vec![];
            for &row in rows {
                let code = known.binary_search(&codes[row]).unwrap_or(0) as u32;
                units.extend(std::iter::repeat_n(code, sample.counts()[row].round() as usize));
            }
            (units, known.len())
        };
        Self::of(expand(xs), expand(ys))
    }

    /// Rows by their codes, and how many codes there are.
    fn of((x, left): (Vec<u32>, usize), (y, columns): (Vec<u32>, usize)) -> Self {
        let margin = |codes: &[u32], values: usize| -> f64 {
            let mut counts = vec![0_u32; values];
            codes.iter().for_each(|&c| counts[c as usize] += 1);
            counts.into_iter().map(n_ln_n).sum()
        };
        let fixed = 2.0 * (n_ln_n(x.len() as u32) - margin(&x, left) - margin(&y, columns));
        Self { joint: vec![0; left * columns], x, y, columns, fixed }
    }

    /// `G²` after a random permutation.
    fn draw(&mut self, rng: &mut impl Rng) -> f64 {
        self.y.shuffle(rng);
        self.joint.fill(0);
        for (&x, &y) in self.x.iter().zip(&self.y) {
            self.joint[x as usize * self.columns + y as usize] += 1;
        }
        self.fixed + 2.0 * self.joint.iter().map(|&n| n_ln_n(n)).sum::<f64>()
    }
}

fn n_ln_n(n: u32) -> f64 {
    if n < 2 { 0.0 } else { f64::from(n) * f64::from(n).ln() }
}

/// The p-value of `g` over permutations, and their mean.
fn permuted(mut strata: Vec<Stratum>, g: f64, rng: &mut impl Rng) -> (f64, f64) {
    let units: usize = strata.iter().map(|s| s.x.len()).sum();
    let most = (SHUFFLED / units.max(1)).clamp(PERMUTATIONS.1, PERMUTATIONS.0);
    let (mut draws, mut above) = (vec![], 0);
    while draws.len() < most {
        let drawn: f64 = strata.iter_mut().map(|s| s.draw(rng)).sum();
        above += usize::from(drawn >= g - 1e-9 * g.max(1.0));
        draws.push(drawn);
        if above == tail::COUNTED {
            return (above as f64 / draws.len() as f64, tail::mean(&draws));
        }
    }
    (tail::among(g, &draws), tail::mean(&draws))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::stream;

    #[test]
    fn small_p_values_of_few_permutations_are_right() {
        // Forty strata of eight rows and three values: the fitted tail against 100,000 permutations.
        let mut rng = stream(1, "fitted tail");
        let mut codes = || ((0..8).map(|_| rng.random_range(0..3_u32)).collect::<Vec<_>>(), 3);
        let mut strata: Vec<Stratum> = (0..40).map(|_| Stratum::of(codes(), codes())).collect();
        let mut draw = || strata.iter_mut().map(|s| s.draw(&mut rng)).sum::<f64>();
        let mut many: Vec<f64> = (0..100_000).map(|_| draw()).collect();
        let few: Vec<f64> = (0..PERMUTATIONS.0).map(|_| draw()).collect();
        many.sort_by(f64::total_cmp);
        for exact in [1e-3, 3e-4, 1e-4] {
            let x = many[((1.0 - exact) * many.len() as f64) as usize];
            let fitted = tail::among(x, &few);
            assert!(fitted < 3.0 * exact && fitted > exact / 3.0, "{fitted} for {exact}");
        }
    }
}
