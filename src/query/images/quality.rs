//! How well drawn images fit those of a data set: what a classifier reads from them (effectiveness; Monteiro et al.
//! 2023, arXiv:2303.01274), the kernel distance in its features (Bińkowski et al. 2018), and how varied they are.

use super::oracle::{Oracle, RATE, Seen};
use super::{discrete, image_variables};
use crate::data::{Images, Table};
use crate::model::VarId;
use crate::nets::column::Column;
use crate::nets::ops::with_threads;
use crate::query::Runtime;
use crate::query::answer::{Agreement, ImageFit};
use crate::seed;
use candle_core::Result;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Rows that the classifier is trained on, at most.
const TRAINED: usize = 6_000;
/// Real images that are held out, and images drawn, at most.
const COMPARED: usize = 1_000;
/// Steps of the classifier's training.
const STEPS: usize = 400;
/// Data sets with fewer rows say too little.
const FEWEST: usize = 200;
/// Images of one group whose distances are taken.
const GROUP: usize = 30;

/// The fit of every image variable that `table` observes together with a discrete neighbour. Data sets with weights,
/// or of fewer than 200 rows, are left out.
///
/// # Errors
/// Candle's, and where images cannot be read.
pub fn quality(runtime: &Runtime, table: &Table) -> Result<Vec<ImageFit>> {
    if table.weights.is_some() || table.rows < FEWEST {
        return Ok(vec![]);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found = vec![];
    for (variable, _) in image_variables(runtime.model) {
        if let Some(images) = table.images(variable) {
            found.extend(with_threads(threads, || of_variable(runtime, table, variable, images))??);
        }
    }
    Ok(found)
}

fn of_variable(runtime: &Runtime, table: &Table, variable: VarId, images: &Images) -> Result<Option<ImageFit>> {
    let model = runtime.model;
    let mut rng = seed::stream(runtime.seed, &format!("quality/{}/{}", table.name, model.name(variable)));
    let parents = discrete(model, table, model.graph.parents(variable));
    let children: Vec<VarId> = (0..model.graph.len()).filter(|&v| model.graph.parents(v).contains(&variable)).collect();
    let read = if parents.is_empty() { discrete(model, table, &children) } else { parents.clone() };
    if read.is_empty() {
        return Ok(None);
    }
    let mut rows: Vec<usize> = (0..table.rows).collect();
    rows.shuffle(&mut rng);
    let (compared, trained) = rows.split_at(COMPARED.min(table.rows / 3));
    let trained = &trained[..trained.len().min(TRAINED)];
    let labels: Vec<(VarId, &[u32], usize)> =
        read.iter().filter_map(|&(v, card)| Some((v, table.column(v)?, card))).collect();
    let oracle = Oracle::train(images, &labels, trained, (STEPS, |_| RATE), &mut rng)?;

    let real: Vec<Vec<u8>> = compared.iter().map(|&row| images.row(row)).collect::<std::io::Result<_>>()?;
    let drawn = draw(runtime, table, variable, &parents, compared, &mut rng)?;
    let parents_of = |row: usize| parents.iter().map(|p| table.column(p.0).map_or(0, |c| c[row])).collect();
    let real_codes: Vec<Vec<u32>> = compared.iter().map(|&row| parents_of(row)).collect();
    let (seen_real, seen_drawn) = (oracle.look(&real)?, oracle.look(&drawn.images)?);
    let share = |seen: &Seen, codes: &[Vec<u32>], at: usize| {
        let right = seen.read[at].iter().zip(codes).filter(|(read, codes)| **read == codes[at]).count();
        right as f64 / codes.len().max(1) as f64
    };
    let agreement = parents.iter().enumerate().map(|(at, parent)| Agreement {
        parent: model.name(parent.0).to_owned(),
        drawn: share(&seen_drawn, &drawn.codes, at),
        real: share(&seen_real, &real_codes, at),
    });
    let scale = Scale::of(&seen_real.features);
    let [real_features, drawn_features] = [&seen_real, &seen_drawn].map(|seen| scale.apply(&seen.features));
    let (one, other) = real_features.split_at(real_features.len() / 2);
    Ok(Some(ImageFit {
        variable: model.name(variable).to_owned(),
        images: compared.len(),
        agreement: agreement.collect(),
        kernel_distance: kernel_distance(&drawn_features, &real_features),
        kernel_distance_of_data: kernel_distance(one, other),
        diversity: diversity((&drawn.images, &drawn.codes), (&real, &real_codes)),
    }))
}

/// Drawn images and the values of the discrete parents that each was drawn for.
struct Drawn {
    images: Vec<Vec<u8>>,
    codes: Vec<Vec<u32>>,
}

/// As many images as `rows`, drawn under the data set's regime, whose interventions are set as in those rows.
fn draw(
    runtime: &Runtime,
    table: &Table,
    variable: VarId,
    parents: &[(VarId, usize)],
    rows: &[usize],
    rng: &mut ChaCha8Rng,
) -> Result<Drawn> {
    let regime = runtime.model.regimes.iter().find(|r| r.name == table.name);
    let set = regime.into_iter().flat_map(|r| r.interventions.iter().map(|i| i.0));
    let set: Vec<(VarId, Vec<u32>)> = set
        .filter_map(|v| Some((v, rows.iter().map(|&row| table.column(v).map(|c| c[row])).collect::<Option<_>>()?)))
        .collect();
    let wanted: Vec<VarId> = parents.iter().map(|p| p.0).chain([variable]).collect();
    let mut drawn = Drawn { images: vec![], codes: vec![] };
    runtime.draw_rows(&wanted, rows.len()).each(&set, rng, &mut |range, columns| {
        let Some(Column::Pixels(pixels)) = &columns[variable] else { return };
        let codes = |at: usize| {
            let code = |p: &(VarId, usize)| columns[p.0].as_ref().and_then(Column::codes).map_or(0, |c| c[at]);
            parents.iter().map(code).collect()
        };
        drawn.images.extend((0..range.len()).map(|at| pixels.bytes(at)));
        drawn.codes.extend((0..range.len()).map(codes));
    })?;
    Ok(drawn)
}

/// Brings each feature of the real images to mean 0 and variance 1.
struct Scale {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Scale {
    fn of(features: &[Vec<f32>]) -> Self {
        let (count, width) = (features.len().max(1) as f64, features.first().map_or(0, Vec::len));
        let mean: Vec<f64> =
            (0..width).map(|k| features.iter().map(|f| f64::from(f[k])).sum::<f64>() / count).collect();
        let square = |k: usize| features.iter().map(|f| (f64::from(f[k]) - mean[k]).powi(2)).sum::<f64>() / count;
        // A feature that never varies counts little.
        let deviation = (0..width).map(|k| square(k).sqrt().max(1e-3)).collect();
        Self { mean, deviation }
    }

    fn apply(&self, features: &[Vec<f32>]) -> Vec<Vec<f64>> {
        let scaled = |f: &Vec<f32>| {
            f.iter().zip(&self.mean).zip(&self.deviation).map(|((v, m), d)| (f64::from(*v) - m) / d).collect()
        };
        features.iter().map(scaled).collect()
    }
}

/// The unbiased squared maximum mean discrepancy of two samples with the kernel `(x·y / d + 1)³`.
fn kernel_distance(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let kernel = |x: &[f64], y: &[f64]| {
        let product: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
        (product / x.len().max(1) as f64 + 1.0).powi(3)
    };
    let within = |s: &[Vec<f64>]| {
        let pairs = s.iter().enumerate().flat_map(|(at, x)| s[..at].iter().map(move |y| (x, y)));
        2.0 * pairs.map(|(x, y)| kernel(x, y)).sum::<f64>() / (s.len() * s.len().saturating_sub(1)).max(1) as f64
    };
    let between: f64 = a.iter().flat_map(|x| b.iter().map(|y| kernel(x, y))).sum();
    within(a) + within(b) - 2.0 * between / (a.len() * b.len()).max(1) as f64
}

/// The mean distance (in pixels) of two drawn images with equal codes, as a share of that of two real ones, over the
/// codes that both have twice.
fn diversity(drawn: (&[Vec<u8>], &[Vec<u32>]), real: (&[Vec<u8>], &[Vec<u32>])) -> f64 {
    let (drawn, real) = (spread(drawn.0, drawn.1), spread(real.0, real.1));
    let both = drawn.iter().filter_map(|(codes, d)| Some((d, real.get(codes)?)));
    let (above, below) = both.fold((0.0, 0.0), |(above, below), (d, r)| (above + d, below + r));
    if below > 0.0 { above / below } else { 0.0 }
}

/// Per combination of codes that occurs twice or more, the mean distance of two images.
fn spread<'a>(images: &[Vec<u8>], codes: &'a [Vec<u32>]) -> BTreeMap<&'a [u32], f64> {
    let mut groups: BTreeMap<&[u32], Vec<&[u8]>> = BTreeMap::new();
    for (image, codes) in images.iter().zip(codes) {
        let group = groups.entry(codes).or_default();
        if group.len() < GROUP {
            group.push(image);
        }
    }
    let distance =
        |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt();
    let mean = |group: Vec<&[u8]>| {
        let pairs = group.iter().enumerate().flat_map(|(at, a)| group[..at].iter().map(|b| distance(a, b)));
        pairs.sum::<f64>() / (group.len() * (group.len() - 1) / 2) as f64
    };
    groups.into_iter().filter(|(_, group)| group.len() > 1).map(|(codes, group)| (codes, mean(group))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    fn sample(count: usize, shift: f64, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = seed::stream(seed, "sample");
        (0..count).map(|_| (0..4).map(|_| rng.random_range(-1.7..1.7) + shift).collect()).collect()
    }

    /// By the definition, all pairs written out.
    #[test]
    fn the_kernel_distance_is_its_definition() {
        let (a, b) = (sample(5, 0.0, 1), sample(4, 0.5, 2));
        let k = |x: &Vec<f64>, y: &Vec<f64>| (x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() / 4.0 + 1.0).powi(3);
        let mut expected = 0.0;
        for i in 0..5 {
            for j in 0..5 {
                expected += if i == j { 0.0 } else { k(&a[i], &a[j]) / 20.0 };
            }
        }
        for i in 0..4 {
            for j in 0..4 {
                expected += if i == j { 0.0 } else { k(&b[i], &b[j]) / 12.0 };
            }
        }
        for x in &a {
            for y in &b {
                expected -= 2.0 * k(x, y) / 20.0;
            }
        }
        assert!((kernel_distance(&a, &b) - expected).abs() < 1e-12);
    }

    #[test]
    fn the_kernel_distance_tells_samples_apart() {
        let same = kernel_distance(&sample(400, 0.0, 1), &sample(400, 0.0, 2));
        let shifted = kernel_distance(&sample(400, 0.0, 1), &sample(400, 0.4, 2));
        assert!(same.abs() < 0.05 && shifted > 0.2, "{same} {shifted}");
    }

    #[test]
    fn diversity_is_the_share_of_the_spread() {
        let codes = vec![vec![0], vec![0], vec![1], vec![1], vec![2]];
        let image = |v: u8| vec![v; 4];
        let real: Vec<Vec<u8>> = [0, 20, 100, 140, 9].map(image).into();
        let half: Vec<Vec<u8>> = [5, 15, 100, 120, 90].map(image).into();
        assert!((diversity((&half, &codes), (&real, &codes)) - 0.5).abs() < 1e-12);
        assert_eq!(diversity((&vec![image(7); 5], &codes), (&real, &codes)), 0.0);
    }
}
