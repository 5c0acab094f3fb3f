//! Steps along the difference of two other rows (differential evolution: ter Braak 2006, doi:10.1007/s11222-006-8769-1): evidence that
//! ties noises to each other leaves a narrow ridge, and rows that lie on it point along it.
//!
//! All noise counts as standard normal numbers, uniform and Gumbel ones by their distribution functions.

use super::weighted::Randomness;
use crate::nets::Hidden;
use statrs::function::erf::{erfc, erfc_inv};
use std::f64::consts::SQRT_2;

/// The two rows whose difference a row is moved along, and the length in units of it; `None` for a row that stays.
pub(super) type Partners = Option<(usize, usize, f64)>;

/// The numbers of a row's noise, that of the hidden causes of these modules among it.
pub(super) fn numbers(random: &Randomness, modules: &[usize]) -> usize {
    let hidden = modules.iter().map(|&module| match &random.hidden[module] {
        Hidden::Vectors { noise, .. } => noise.iter().map(Vec::len).sum(),
        Hidden::Levels { .. } => 0,
    });
    let noise = random.noise.iter().map(|n| n.vectors.len() + n.uniform.len() + n.gumbel.len());
    hidden.chain(noise).sum::<usize>() / random.rows().max(1)
}

/// Moves every row along the difference of its partners. Per row the logarithm of how much likelier it became by the prior.
pub(super) fn along(random: &mut Randomness, modules: &[usize], partners: &[Partners]) -> Vec<f64> {
    let mut prior = vec![0.0; partners.len()];
    for &module in modules {
        if let Hidden::Vectors { noise, .. } = &mut random.hidden[module] {
            noise.iter_mut().for_each(|vectors| normals(vectors, partners, &mut prior));
        }
    }
    for noise in &mut random.noise {
        normals(&mut noise.vectors, partners, &mut prior);
        moved(&mut noise.uniform, partners, &mut prior, (inward, outward));
        let gumbel = (|g: f32| inward((-(-f64::from(g)).exp()).exp()), |z: f64| -(-outward(z).ln()).ln() as f32);
        moved(&mut noise.gumbel, partners, &mut prior, gumbel);
    }
    prior
}

fn normals(values: &mut [f32], partners: &[Partners], prior: &mut [f64]) {
    moved(values, partners, prior, (f64::from, |z: f64| z as f32));
}

/// Moves values `[rows, numbers]`, which the two functions make normal numbers and back.
fn moved<T: Copy>(
    values: &mut [T],
    partners: &[Partners],
    prior: &mut [f64],
    (inward, outward): (impl Fn(T) -> f64, impl Fn(f64) -> T),
) {
    let width = values.len() / partners.len().max(1);
    let old: Vec<f64> = values.iter().map(|&value| inward(value)).collect();
    for (row, partner) in partners.iter().enumerate() {
        let Some((one, other, length)) = *partner else { continue };
        for k in 0..width {
            let before = old[row * width + k];
            let after = before + length * (old[one * width + k] - old[other * width + k]);
            prior[row] += 0.5 * (before * before - after * after);
            values[row * width + k] = outward(after);
        }
    }
}

/// The normal number with this distribution function.
fn inward(share: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * share.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON))
}

/// The distribution function of the normal distribution, above 0 and below 1.
fn outward(number: f64) -> f64 {
    (0.5 * erfc(-number / SQRT_2)).clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::noise::{Noise, gumbel_number, normals as standard};
    use crate::seed::stream;
    use rand::Rng;

    /// With the prior's ratio as acceptance the noise stays as it is distributed.
    #[test]
    fn steps_leave_the_prior() {
        const ROWS: usize = 20_000;
        let mut rng = stream(1, "differences");
        let gumbel = (0..ROWS).map(|_| gumbel_number(&mut rng)).collect();
        let uniform = (0..ROWS).map(|_| rng.random()).collect();
        let noise = Noise { vectors: standard(2 * ROWS, &mut rng), uniform, gumbel };
        let hidden = vec![Hidden::Vectors { rows: ROWS, noise: vec![standard(ROWS, &mut rng)] }];
        let mut random = Randomness { hidden, noise: vec![noise] };
        assert_eq!(numbers(&random, &[0]), 5);
        for round in 0..20 {
            let half = (round % 2) * ROWS / 2;
            let other = ROWS / 2 - half;
            let partner = |row: usize, rng: &mut rand_chacha::ChaCha8Rng| {
                let mut pick = || other + rng.random_range(0..ROWS / 2);
                (row >= half && row < half + ROWS / 2).then(|| (pick(), pick(), 0.7))
            };
            let partners: Vec<Partners> = (0..ROWS).map(|row| partner(row, &mut rng)).collect();
            let mut next = random.clone();
            let prior = along(&mut next, &[0], &partners);
            let accepted: Vec<usize> = (0..ROWS).filter(|&row| rng.random::<f64>() < prior[row].exp()).collect();
            use crate::nets::lanes::Rows;
            random.put_back(ROWS, &mut next, &accepted);
        }
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let Noise { vectors, uniform, gumbel } = &random.noise[0];
        let square = mean(vectors.iter().map(|v| f64::from(v * v)).collect());
        assert!((square - 1.0).abs() < 0.06, "{square}");
        let below = mean(uniform.iter().map(|u| f64::from(u8::from(*u < 0.2))).collect());
        assert!((below - 0.2).abs() < 0.02, "{below}");
        let euler = mean(gumbel.iter().map(|g| f64::from(*g)).collect());
        assert!((euler - 0.5772).abs() < 0.06, "{euler}");
    }
}
