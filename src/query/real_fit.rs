//! How well drawn real numbers fit those of a data set, variable by variable.

use super::Runtime;
use super::answer::RealFit;
use crate::data::Table;
use crate::model::VarId;
use crate::nets::column::Column;
use crate::seed;
use rand::Rng;

/// Bins of the histograms.
const BINS: usize = 24;
/// The shares of the numbers that lie below and above the histograms' ends, at most; they count in the first and the last bin.
const OUTSIDE: f64 = 0.005;

/// The fit of each real variable that the data set observes and does not set, and that can be drawn.
pub(super) fn reals(runtime: &Runtime, table: &Table, set: &[VarId]) -> candle_core::Result<Vec<RealFit>> {
    let fine = |v: &VarId| !set.contains(v) && runtime.draw(&[*v], set).missing(set).is_none();
    let wanted: Vec<VarId> = table.reals.keys().copied().filter(fine).collect();
    let total = table.total_weight();
    if wanted.is_empty() || total <= 0.0 {
        return Ok(vec![]);
    }
    let mut rng = seed::stream(runtime.seed, &format!("fit/reals/{}", table.name));
    let draw = runtime.draw(&wanted, set);
    let cumulative: Vec<f64> = (0..table.rows)
        .scan(0.0, |sum, row| {
            *sum += table.weight(row);
            Some(*sum)
        })
        .collect();
    let row = |mark: f64| cumulative.partition_point(|&c| c <= mark).min(table.rows - 1);
    let rows: Vec<usize> = (0..draw.rows).map(|_| row(rng.random::<f64>() * total)).collect();
    let settings = set.iter().filter_map(|&v| {
        let codes = table.codes(v)?;
        Some((v, rows.iter().map(|&row| codes[row]).collect()))
    });
    let settings: Vec<(VarId, Vec<u32>)> = settings.collect();
    let mut drawn: Vec<Vec<f64>> = vec![vec![]; wanted.len()];
    draw.each(&settings, &mut rng, &mut |_, columns| {
        for (numbers, &v) in drawn.iter_mut().zip(&wanted) {
            let column = columns[v].as_ref().and_then(Column::reals).unwrap_or_default();
            numbers.extend(column.iter().map(|x| f64::from(*x)));
        }
    })?;
    let one = |(&v, drawn): (&VarId, Vec<f64>)| {
        let weighted = |(row, x): (usize, &f32)| (f64::from(*x), table.weight(row).max(0.0));
        let real: Vec<(f64, f64)> = table.reals[&v].iter().enumerate().map(weighted).collect();
        compared(runtime.model.name(v), real, drawn.into_iter().map(|x| (x, 1.0)).collect())
    };
    Ok(wanted.iter().zip(drawn).map(one).collect())
}

/// Numbers with weights, in a data set and drawn.
fn compared(variable: &str, mut real: Vec<(f64, f64)>, mut drawn: Vec<(f64, f64)>) -> RealFit {
    let totals = [&real, &drawn].map(|side| side.iter().map(|x| x.1).sum::<f64>().max(f64::MIN_POSITIVE));
    real.sort_by(|a, b| a.0.total_cmp(&b.0));
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    // The rows that the weights are worth (Kish 1965).
    let worth = totals[0].powi(2) / real.iter().map(|x| x.1 * x.1).sum::<f64>().max(f64::MIN_POSITIVE);
    let rows = worth * drawn.len() as f64 / (worth + drawn.len() as f64);
    let ends = [quantile(&real, OUTSIDE, totals[0]), quantile(&real, 1.0 - OUTSIDE, totals[0])];
    let (low, high) = if ends[0] < ends[1] { (ends[0], ends[1]) } else { (ends[0] - 0.5, ends[0] + 0.5) };
    let histogram = |side: &[(f64, f64)], total: f64| {
        let mut shares = vec![0.0; BINS];
        for (x, weight) in side {
            let bin = ((x - low) / (high - low) * BINS as f64).clamp(0.0, BINS as f64 - 1.0) as usize;
            shares[bin] += weight / total;
        }
        shares
    };
    let mean = |side: &[(f64, f64)], total: f64| side.iter().map(|(x, w)| x * w).sum::<f64>() / total;
    RealFit {
        variable: variable.to_owned(),
        distance: kolmogorov(&real, &drawn, totals),
        chance: 1.358 / rows.max(1.0).sqrt(),
        mean: mean(&drawn, totals[1]),
        mean_of_data: mean(&real, totals[0]),
        low,
        high,
        drawn: histogram(&drawn, totals[1]),
        data: histogram(&real, totals[0]),
    }
}

/// The largest difference of the distribution functions of two sorted lists.
fn kolmogorov(a: &[(f64, f64)], b: &[(f64, f64)], totals: [f64; 2]) -> f64 {
    let (mut i, mut j, mut sums, mut largest) = (0, 0, [0.0; 2], 0.0_f64);
    while i < a.len() && j < b.len() {
        let at = a[i].0.min(b[j].0);
        while i < a.len() && a[i].0 <= at {
            sums[0] += a[i].1 / totals[0];
            i += 1;
        }
        while j < b.len() && b[j].0 <= at {
            sums[1] += b[j].1 / totals[1];
            j += 1;
        }
        largest = largest.max((sums[0] - sums[1]).abs());
    }
    largest
}

fn quantile(sorted: &[(f64, f64)], share: f64, total: f64) -> f64 {
    let mut sum = 0.0;
    let found = sorted.iter().find(|(_, weight)| {
        sum += weight / total;
        sum >= share
    });
    found.or(sorted.last()).map_or(0.0, |x| x.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_distribution_functions() {
        let even = |from: f64| (0..1000).map(|k| (from + f64::from(k) / 1000.0, 1.0)).collect::<Vec<_>>();
        let same = compared("V", even(0.0), even(0.0));
        assert!(same.distance < 1e-12 && (same.mean - 0.4995).abs() < 1e-9, "{same:?}");
        // Uniform on [0, 1] and on [0.3, 1.3]: the functions differ by 0.3.
        let moved = compared("V", even(0.0), even(0.3));
        assert!((moved.distance - 0.3).abs() < 2e-3 && (moved.mean - moved.mean_of_data - 0.3).abs() < 1e-9);
        assert!(
            (moved.data.iter().sum::<f64>() - 1.0).abs() < 1e-9 && (moved.drawn.iter().sum::<f64>() - 1.0).abs() < 1e-9
        );
        // Weights count as rows do.
        let weighted = compared("V", vec![(0.0, 3.0), (1.0, 1.0)], vec![(0.0, 1.0), (1.0, 1.0)]);
        assert!((weighted.distance - 0.25).abs() < 1e-12);
        assert!(compared("V", vec![(2.0, 1.0); 5], vec![(2.0, 1.0)]).distance.abs() < 1e-12);
    }
}
