//! Tables over discrete variables, and sums of their products by variable elimination.
//!
//! Variables are numbered by the caller. Source: Koller & Friedman, *Probabilistic Graphical
//! Models* (2009), chapter 9; the elimination order is greedy by the size of the table it makes.

use std::collections::BTreeSet;

/// A non-negative function of discrete variables, as a dense table.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// The variables, each once.
    pub variables: Vec<usize>,
    /// The number of values of each variable, in the order of `variables`.
    pub cards: Vec<usize>,
    /// Row-major values, the last variable fastest; `values.len()` is the product of `cards`.
    pub values: Vec<f64>,
}

/// Variables with their numbers of values.
pub type Scope = [(usize, usize)];

/// A table would have more cells than the caller allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TooLarge {
    /// The number of cells that would have been needed.
    pub cells: f64,
}

impl Factor {
    /// A table over `variables` with `cards` values each.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn new(variables: Vec<usize>, cards: Vec<usize>, values: Vec<f64>) -> Self {
        assert_eq!(variables.len(), cards.len());
        assert_eq!(cards.iter().product::<usize>(), values.len());
        Self { variables, cards, values }
    }

    /// A table over no variables.
    pub fn scalar(value: f64) -> Self {
        Self { variables: vec![], cards: vec![], values: vec![value] }
    }

    /// The table that is 1 where `variable` has `value`, and else 0.
    pub fn one_hot(variable: usize, card: usize, value: usize) -> Self {
        Self::new(vec![variable], vec![card], (0..card).map(|k| f64::from(u8::from(k == value))).collect())
    }

    /// The table that is 1 where two variables of `card` values are equal, and else 0.
    pub fn equal(a: usize, b: usize, card: usize) -> Self {
        let cell = |at: usize| f64::from(u8::from(at / card == at % card));
        Self::new(vec![a, b], vec![card, card], (0..card * card).map(cell).collect())
    }

    /// The sum of all cells.
    pub fn total(&self) -> f64 {
        self.values.iter().sum()
    }

    /// The table divided by its total; unchanged where the total is zero.
    pub fn normalised(mut self) -> Self {
        let total = self.total();
        if total > 0.0 {
            self.values.iter_mut().for_each(|v| *v /= total);
        }
        self
    }

    /// The number of values of `variable`, if it is in the table.
    pub fn card(&self, variable: usize) -> Option<usize> {
        self.position(variable).map(|at| self.cards[at])
    }

    /// The cells where `variable` has `value`, without that variable.
    pub fn restrict(&self, variable: usize, value: usize) -> Self {
        let Some(at) = self.position(variable) else { return self.clone() };
        let (inner, card) = (self.stride(at), self.cards[at]);
        let values = self
            .values
            .chunks_exact(inner * card)
            .flat_map(|block| block[value * inner..(value + 1) * inner].iter().copied())
            .collect();
        self.without(at, values)
    }

    /// The table summed over `variable`.
    pub fn sum_out(&self, variable: usize) -> Self {
        let Some(at) = self.position(variable) else { return self.clone() };
        let (inner, card) = (self.stride(at), self.cards[at]);
        let mut values = Vec::with_capacity(self.values.len() / card);
        for block in self.values.chunks_exact(inner * card) {
            for i in 0..inner {
                values.push((0..card).map(|k| block[k * inner + i]).sum());
            }
        }
        self.without(at, values)
    }

    /// The same table with its variables in the order of `variables`, a permutation of its own.
    pub fn reordered(&self, variables: &[usize]) -> Self {
        let cards = variables.iter().map(|&v| self.card(v).expect("a permutation")).collect::<Vec<_>>();
        let strides = self.strides_for(variables);
        let mut values = Vec::with_capacity(self.values.len());
        walk(&cards, &[&strides], |offsets| values.push(self.values[offsets[0]]));
        Self { variables: variables.to_vec(), cards, values }
    }

    /// The product of two tables, over the union of their variables.
    pub fn product(&self, other: &Self) -> Self {
        let mut variables = self.variables.clone();
        let mut cards = self.cards.clone();
        for (&v, &card) in other.variables.iter().zip(&other.cards) {
            if !variables.contains(&v) {
                variables.push(v);
                cards.push(card);
            }
        }
        let (a, b) = (self.strides_for(&variables), other.strides_for(&variables));
        let mut values = Vec::with_capacity(cards.iter().product());
        walk(&cards, &[&a, &b], |o| values.push(self.values[o[0]] * other.values[o[1]]));
        Self { variables, cards, values }
    }

    /// A table over `inputs`, then `outputs` (numbers and cards), `rows` giving the cells that are not zero for the
    /// values of the inputs: the outputs' values and what to add there.
    ///
    /// # Errors
    /// [`TooLarge`] where it would have more than `max_cells`; those of `rows`.
    pub fn from_rows<E: From<TooLarge>>(
        (inputs, outputs): (&Scope, &Scope),
        max_cells: usize,
        mut rows: impl FnMut(&[usize]) -> Result<Vec<(Vec<usize>, f64)>, E>,
    ) -> Result<Self, E> {
        let (variables, cards): (Vec<usize>, Vec<usize>) = inputs.iter().chain(outputs).copied().unzip();
        let cells: f64 = cards.iter().map(|&k| k as f64).product();
        if cells > max_cells as f64 {
            return Err(TooLarge { cells }.into());
        }
        let width: usize = outputs.iter().map(|o| o.1).product();
        let mut values = vec![0.0; cards.iter().product()];
        let mut digits = vec![0; inputs.len()];
        for row in values.chunks_exact_mut(width) {
            for (codes, p) in rows(&digits)? {
                row[codes.iter().zip(outputs).fold(0, |cell, (&code, output)| cell * output.1 + code)] += p;
            }
            for (digit, input) in digits.iter_mut().zip(inputs).rev() {
                *digit = (*digit + 1) % input.1;
                if *digit > 0 {
                    break;
                }
            }
        }
        Ok(Self { variables, cards, values })
    }

    fn position(&self, variable: usize) -> Option<usize> {
        self.variables.iter().position(|&v| v == variable)
    }

    fn stride(&self, at: usize) -> usize {
        self.cards[at + 1..].iter().product()
    }

    fn strides_for(&self, variables: &[usize]) -> Vec<usize> {
        variables.iter().map(|&v| self.position(v).map_or(0, |at| self.stride(at))).collect()
    }

    fn without(&self, at: usize, values: Vec<f64>) -> Self {
        let (mut variables, mut cards) = (self.variables.clone(), self.cards.clone());
        variables.remove(at);
        cards.remove(at);
        Self { variables, cards, values }
    }
}

/// Visits every cell of a table with `cards`, in row-major order, with one running offset per stride list.
fn walk(cards: &[usize], strides: &[&[usize]], mut visit: impl FnMut(&[usize])) {
    let mut digits = vec![0; cards.len()];
    let mut offsets = vec![0; strides.len()];
    loop {
        visit(&offsets);
        let mut at = cards.len();
        loop {
            if at == 0 {
                return;
            }
            at -= 1;
            digits[at] += 1;
            for (offset, stride) in offsets.iter_mut().zip(strides) {
                *offset += stride[at];
            }
            if digits[at] < cards[at] {
                break;
            }
            for (offset, stride) in offsets.iter_mut().zip(strides) {
                *offset -= stride[at] * cards[at];
            }
            digits[at] = 0;
        }
    }
}

/// The product of `factors` summed over all variables but `keep`, whose order the result has.
///
/// # Errors
/// [`TooLarge`] where an intermediate table would exceed `max_cells`.
pub fn eliminate(mut factors: Vec<Factor>, keep: &[usize], max_cells: usize) -> Result<Factor, TooLarge> {
    let mut open: BTreeSet<usize> = factors.iter().flat_map(|f| f.variables.iter().copied()).collect();
    open.retain(|v| !keep.contains(v));
    while let Some(next) = open.iter().copied().min_by(|&a, &b| cost(&factors, a).total_cmp(&cost(&factors, b))) {
        open.remove(&next);
        let (touching, rest): (Vec<_>, Vec<_>) = factors.into_iter().partition(|f| f.variables.contains(&next));
        factors = rest;
        factors.push(multiply(touching, max_cells)?.sum_out(next));
    }
    let product = multiply(factors, max_cells)?;
    let present: Vec<usize> = keep.iter().copied().filter(|&v| product.card(v).is_some()).collect();
    Ok(product.reordered(&present))
}

/// Draws from several distributions by one noise, a uniform number put through the inverse of each distribution
/// function: the places of the values drawn, and the probability of drawing them together. Equal distributions give equal
/// values, and every value has its own probability.
pub fn coupled(distributions: &[&[f64]]) -> Vec<(Vec<usize>, f64)> {
    let mut at: Vec<usize> = vec![0; distributions.len()];
    let mut upper: Vec<f64> = distributions.iter().map(|d| d.first().copied().unwrap_or(1.0)).collect();
    // Rounding may leave a sliver above the last value that has a probability: it is that value's.
    let end = |d: &&[f64]| d.iter().rposition(|&p| p > 0.0).unwrap_or(0);
    let ends: Vec<usize> = distributions.iter().map(end).collect();
    let mut found = vec![];
    let mut low = 0.0;
    loop {
        let open = |&place: &usize| at[place] < ends[place];
        let high = (0..at.len()).filter(open).map(|place| upper[place]).fold(1.0, f64::min);
        if high > low {
            found.push((at.clone(), high - low));
            low = high;
        }
        let Some(next) = (0..at.len()).find(|place| open(place) && upper[*place] <= low) else { return found };
        at[next] += 1;
        upper[next] += distributions[next][at[next]];
    }
}

fn cost(factors: &[Factor], variable: usize) -> f64 {
    cells(factors.iter().filter(|f| f.variables.contains(&variable)))
}

fn cells<'a>(factors: impl Iterator<Item = &'a Factor>) -> f64 {
    let mut seen = BTreeSet::new();
    factors
        .flat_map(|f| f.variables.iter().zip(&f.cards))
        .filter(|(v, _)| seen.insert(**v))
        .map(|(_, &card)| card as f64)
        .product()
}

fn multiply(mut factors: Vec<Factor>, max_cells: usize) -> Result<Factor, TooLarge> {
    let cells = cells(factors.iter());
    if cells > max_cells as f64 {
        return Err(TooLarge { cells });
    }
    factors.sort_by_key(|f| f.values.len());
    Ok(factors.into_iter().reduce(|a, b| a.product(&b)).unwrap_or_else(|| Factor::scalar(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    fn random_factor(variables: &[usize], rng: &mut impl Rng) -> Factor {
        let cards: Vec<usize> = variables.iter().map(|v| 2 + v % 3).collect();
        let values = (0..cards.iter().product()).map(|_| rng.random::<f64>()).collect();
        Factor::new(variables.to_vec(), cards, values)
    }

    #[test]
    fn elimination_equals_the_full_product_summed() {
        let mut rng = crate::seed::stream(1, "factor");
        for _ in 0..50 {
            let factors: Vec<Factor> = (0..4)
                .map(|_| {
                    let mut scope: Vec<usize> = (0..5).filter(|_| rng.random_bool(0.5)).collect();
                    scope.reverse();
                    random_factor(&scope, &mut rng)
                })
                .collect();
            let mut whole = factors.iter().fold(Factor::scalar(1.0), |a, b| a.product(b));
            for v in [0, 2, 4] {
                whole = whole.sum_out(v);
            }
            let keep: Vec<usize> = [3, 1].into_iter().filter(|&v| whole.card(v).is_some()).collect();
            let expected = whole.reordered(&keep);
            let found = eliminate(factors, &[3, 1], 1 << 20).unwrap();
            assert_eq!(found.variables, expected.variables);
            for (a, b) in found.values.iter().zip(&expected.values) {
                assert!((a - b).abs() < 1e-9 * b.max(1.0), "{a} {b}");
            }
        }
    }

    #[test]
    fn restriction_picks_cells() {
        let f = Factor::new(vec![7, 8], vec![2, 3], vec![1., 2., 3., 4., 5., 6.]);
        assert_eq!(f.restrict(7, 1).values, [4., 5., 6.]);
        assert_eq!(f.restrict(8, 1).values, [2., 5.]);
        assert_eq!(f.sum_out(7).values, [5., 7., 9.]);
    }

    #[test]
    fn coupled_draws_have_their_own_distributions_and_agree_where_these_do() {
        let mut rng = crate::seed::stream(1, "coupled");
        for _ in 0..200 {
            let mut draw = |card: usize| {
                let mut row: Vec<f64> =
                    (0..card).map(|_| if rng.random_bool(0.3) { 0.0 } else { rng.random() }).collect();
                row[card - 1] += 0.1;
                let total: f64 = row.iter().sum();
                row.into_iter().map(|p| p / total).collect::<Vec<f64>>()
            };
            let (a, b) = (draw(3), draw(4));
            let found = coupled(&[&a, &b, &a]);
            assert!(found.iter().all(|(codes, p)| codes[0] == codes[2] && *p > 0.0));
            for (place, distribution) in [&a, &b, &a].into_iter().enumerate() {
                for (value, p) in distribution.iter().enumerate() {
                    let total: f64 = found.iter().filter(|(codes, _)| codes[place] == value).map(|f| f.1).sum();
                    assert!((total - p).abs() < 1e-12, "{distribution:?} {found:?}");
                }
            }
        }
        assert_eq!(coupled(&[]), [(vec![], 1.0)]);
        assert_eq!(coupled(&[&[0.25, 0.75], &[0.5, 0.5]]), [(vec![0, 0], 0.25), (vec![1, 0], 0.25), (vec![1, 1], 0.5)]);
    }

    #[test]
    fn a_table_over_the_limit_is_refused() {
        let big = random_factor(&[1, 4, 7], &mut crate::seed::stream(1, "big"));
        assert!(eliminate(vec![big], &[1], 8).is_err());
    }
}
