//! Where the networks of real variables start: at the least-squares line through the rows, with a mixture that follows what
//! is left of them. What the rows are too few to teach beyond it then stays linear, rather than flat, which would draw
//! effects towards zero; and long tails, whose few numbers pull a network hard and seldom, are there from the beginning.

use super::compiled::Compiled;
use crate::nets::conditional::Network;
use crate::nets::real::{COMPONENTS, Mixture};
use crate::nets::table::TableMechanism;

/// Lines of more inputs are not looked for.
const MOST_INPUTS: usize = 256;
/// What is added to the sums of squares, as a share of the rows: codes and a constant are collinear.
const RIDGE: f64 = 1e-4;
/// What the other weights of the last layer are multiplied by.
const QUIET: f32 = 0.1;

/// A linear predictor of a standardised number.
struct Line {
    constant: f64,
    /// Per input of parents.
    slopes: Vec<f64>,
    /// The standard deviation of what is left.
    left: f64,
}

/// The numbers of a real mechanism in rows with weights, each beside what its parents are.
struct Numbers {
    /// One, then the parents' codes and numbers; all of the same length.
    inputs: Vec<Vec<f32>>,
    /// With their weights.
    numbers: Vec<(f64, f64)>,
}

/// Sets the network of the real mechanism number `mechanism` to its start, for rows with these weights.
pub(super) fn start(
    network: &mut Network,
    compiled: &[Compiled],
    weights: &[Vec<f64>],
    (mechanism, m): (usize, &TableMechanism),
) {
    let rows = Numbers::new(compiled, weights, (mechanism, m));
    let line = if network.encoder.is_none() { rows.line() } else { None };
    let line = line.filter(|_| has_room(network));
    let left = line.as_ref().map_or(1.0, |line| line.left);
    if let Some(last) = network.layers.last_mut() {
        last.weight.iter_mut().for_each(|w| *w *= QUIET);
        last.bias = Mixture::outputs_for(&rows.beside(line.as_ref()), left).to_vec();
    }
    if let Some(line) = line {
        carry(network, &line);
    }
}

/// Whether each hidden layer has the two units that hold a line.
fn has_room(network: &Network) -> bool {
    let (_, hidden) = network.layers.split_last().map_or((None, &[][..]), |(last, hidden)| (Some(last), hidden));
    hidden.iter().all(|layer| layer.outputs >= 2)
}

/// Lets the line pass through the network: the first two units of each hidden layer hold what is above and below zero.
fn carry(network: &mut Network, line: &Line) {
    let depth = network.layers.len();
    for (at, layer) in network.layers.iter_mut().enumerate() {
        let (first, last) = (at == 0, at + 1 == depth);
        let targets: Vec<(usize, f32)> = match last {
            true => (COMPONENTS..2 * COMPONENTS).map(|place| (place, 1.0)).collect(),
            false => vec![(0, 1.0), (1, -1.0)],
        };
        if !first {
            // Nothing else reads the two units, and they read nothing else.
            layer.weight[..2 * layer.outputs].iter_mut().for_each(|w| *w = 0.0);
        }
        for (place, sign) in targets {
            for input in 0..layer.inputs {
                let weight = &mut layer.weight[input * layer.outputs + place];
                let slope = match (first, input) {
                    (true, _) => line.slopes.get(input).map(|slope| sign * *slope as f32).or((!last).then_some(0.0)),
                    (false, 0) => Some(if last || place == 0 { 1.0 } else { 0.0 }),
                    (false, 1) => Some(if last { -1.0 } else { f32::from(u8::from(place == 1)) }),
                    (false, _) => (!last).then_some(0.0),
                };
                *weight = slope.unwrap_or(*weight);
            }
            if first {
                let constant = sign * line.constant as f32;
                layer.bias[place] = if last { layer.bias[place] + constant } else { constant };
            } else if !last {
                layer.bias[place] = 0.0;
            }
        }
    }
}

impl Numbers {
    fn new(compiled: &[Compiled], weights: &[Vec<f64>], (mechanism, m): (usize, &TableMechanism)) -> Self {
        let mut found = Self { inputs: vec![], numbers: vec![] };
        for (term, weights) in compiled.iter().zip(weights).filter(|(c, _)| c.term.mechanisms.contains(&mechanism)) {
            for (row, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
                let mut x = vec![1.0];
                term.known(m, row, &mut x);
                found.inputs.push(x);
                found.numbers.push((term.number(row, m.variable), weight));
            }
        }
        found
    }

    /// What is left of the numbers beside a line, with their weights.
    fn beside(&self, line: Option<&Line>) -> Vec<(f64, f64)> {
        let predicted = |x: &[f32]| {
            line.map_or(0.0, |line| {
                line.constant + line.slopes.iter().zip(&x[1..]).map(|(slope, x)| slope * f64::from(*x)).sum::<f64>()
            })
        };
        self.inputs.iter().zip(&self.numbers).map(|(x, &(number, weight))| (number - predicted(x), weight)).collect()
    }

    /// Weighted least squares of the numbers on the parents; `None` where there is nothing to fit.
    fn line(&self) -> Option<Line> {
        let width = self.inputs.first()?.len();
        if width == 1 || width > MOST_INPUTS {
            return None;
        }
        let mut sums: Vec<Vec<f64>> = vec![vec![0.0; width + 1]; width];
        let (mut total, mut square) = (0.0, 0.0);
        for (x, &(number, weight)) in self.inputs.iter().zip(&self.numbers) {
            for (sums, &a) in sums.iter_mut().zip(x).filter(|(_, a)| **a != 0.0) {
                let share = weight * f64::from(a);
                sums.iter_mut().zip(x).for_each(|(sum, &b)| *sum += share * f64::from(b));
                sums[width] += share * number;
            }
            (total, square) = (total + weight, square + weight * number * number);
        }
        let right: Vec<f64> = sums.iter().filter_map(|row| row.last().copied()).collect();
        for (at, row) in sums.iter_mut().enumerate().skip(1) {
            row[at] += RIDGE * total;
        }
        let solution = solve(sums)?;
        let explained: f64 = solution.iter().zip(&right).map(|(b, r)| b * r).sum();
        let left = ((square - explained) / total).max(1e-4).sqrt();
        let (constant, slopes) = solution.split_first()?;
        Some(Line { constant: *constant, slopes: slopes.to_vec(), left })
    }
}

/// Solves linear equations, each row with its right side last, by elimination with pivots.
fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let count = rows.len();
    for at in 0..count {
        let pivot = (at..count).max_by(|&a, &b| rows[a][at].abs().total_cmp(&rows[b][at].abs()))?;
        rows.swap(at, pivot);
        if rows[at][at].abs() < 1e-9 {
            return None;
        }
        let own = rows[at].clone();
        for row in rows.iter_mut().skip(at + 1) {
            let share = row[at] / own[at];
            row.iter_mut().zip(&own).skip(at).for_each(|(cell, own)| *cell -= share * own);
        }
    }
    let mut solution = vec![0.0; count];
    for at in (0..count).rev() {
        let known: f64 = (at + 1..count).map(|k| rows[at][k] * solution[k]).sum();
        solution[at] = (rows[at][count] - known) / rows[at][at];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::real::OUTPUTS;

    /// The means of all components lie on the line, but for their spread and what the quiet weights add.
    #[test]
    fn networks_carry_the_line() {
        let line = Line { constant: 0.4, slopes: vec![1.5, -0.7], left: 0.5 };
        for hidden in [&[][..], &[4], &[6, 5], &[5, 4, 3]] {
            let mut network = Network::random(3, hidden, OUTPUTS, &mut crate::seed::stream(1, "line"));
            if let Some(last) = network.layers.last_mut() {
                last.weight.iter_mut().for_each(|w| *w = 0.0);
                last.bias = vec![0.0; OUTPUTS];
            }
            carry(&mut network, &line);
            let outputs = |x: [f32; 3]| network.outputs_of(&x, 1);
            let middle = |x| outputs(x)[COMPONENTS..2 * COMPONENTS].iter().sum::<f32>() / COMPONENTS as f32;
            for x in [[0.0, 0.0, 0.0], [1.0, 2.0, 0.0], [-3.0, 0.5, 0.0], [1.0, -2.0, 1.0]] {
                let expected = 0.4 + 1.5 * x[0] - 0.7 * x[1];
                assert!((middle(x) - expected).abs() < 1e-5, "{hidden:?} {x:?}: {}", middle(x));
                assert_eq!(outputs(x)[..COMPONENTS], [0.0; COMPONENTS]);
            }
        }
    }

    #[test]
    fn equations_are_solved() {
        let found = solve(vec![vec![0.0, 2.0, 4.0], vec![1.0, 1.0, 3.0]]).unwrap();
        assert!((found[0] - 1.0).abs() < 1e-12 && (found[1] - 2.0).abs() < 1e-12);
        assert_eq!(solve(vec![vec![1.0, 1.0, 1.0], vec![2.0, 2.0, 1.0]]), None);
    }
}
