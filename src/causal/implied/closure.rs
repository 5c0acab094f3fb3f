//! Closures under the axioms of conditional independence, the oracle of tests: over elementary statements
//! `a ⊥ b | C` alone, which carry the others (Matúš 1992, *Ascending and descending conditional independence relations*).

use super::Independence;
use crate::causal::{Admg, m_separated};

/// A set of statements `a ⊥ b | C` over the nodes `0..n`.
#[derive(PartialEq)]
pub struct Elementary {
    n: usize,
    holds: Vec<bool>,
}

impl Elementary {
    fn at(&self, a: usize, b: usize, given: usize) -> usize {
        ((a.min(b) * self.n + a.max(b)) << self.n) | given
    }

    /// The elementary statements that `list` holds: `a ⊥ b | L` with `C ⊆ L ⊆ A ∪ B ∪ C`.
    pub fn of(n: usize, list: &[Independence]) -> Self {
        let mut all = Self { n, holds: vec![false; (n * n) << n] };
        let mask = |set: &[usize]| set.iter().fold(0_usize, |mask, v| mask | 1 << v);
        for Independence { left, right, given } in list {
            let (least, most) = (mask(given), mask(given) | mask(left) | mask(right));
            for (&a, &b) in left.iter().flat_map(|a| right.iter().map(move |b| (a, b))) {
                for l in (0..1 << n).filter(|l| l & least == least && l & !most == 0 && l & (1 << a | 1 << b) == 0) {
                    let at = all.at(a, b, l);
                    all.holds[at] = true;
                }
            }
        }
        all
    }

    pub fn len(&self) -> usize {
        self.holds.iter().filter(|holds| **holds).count()
    }

    /// Closes under `a ⊥ b | C, a ⊥ d | bC ⇔ a ⊥ d | C, a ⊥ b | dC` (semi-graphoids) and under
    /// `a ⊥ b | C, a ⊥ d | C ⇒ a ⊥ b | dC` and `a ⊥ b | dC, a ⊥ d | bC ⇒ a ⊥ b | C` (composition and intersection).
    pub fn close(&mut self) {
        let n = self.n;
        loop {
            let before = self.len();
            for (a, b, d) in (0..n).flat_map(|a| (0..n).flat_map(move |b| (0..n).map(move |d| (a, b, d)))) {
                if a == b || a == d || b == d {
                    continue;
                }
                for c in (0..1_usize << n).filter(|c| c & (1 << a | 1 << b | 1 << d) == 0) {
                    let [b_, d_, b_d, d_b] =
                        [self.at(a, b, c), self.at(a, d, c), self.at(a, b, c | 1 << d), self.at(a, d, c | 1 << b)];
                    let semi = self.holds[b_] && self.holds[d_b];
                    let other = self.holds[b_] && self.holds[d_] || self.holds[b_d] && self.holds[d_b];
                    if semi || other {
                        [b_, d_, b_d, d_b].into_iter().for_each(|at| self.holds[at] = true);
                    }
                }
            }
            if self.len() == before {
                return;
            }
        }
    }
}

/// All m-separations of the graph.
pub fn separations(graph: &Admg) -> Elementary {
    let n = graph.len();
    let mut all = Elementary { n, holds: vec![false; (n * n) << n] };
    for (a, b) in (0..n).flat_map(|b| (0..b).map(move |a| (a, b))) {
        for given in (0..1_usize << n).filter(|c| c & (1 << a | 1 << b) == 0) {
            let z: Vec<usize> = (0..n).filter(|v| given >> v & 1 == 1).collect();
            let at = all.at(a, b, given);
            all.holds[at] = m_separated(graph, &[a], &[b], &z);
        }
    }
    all
}
