//! Estimands: formulas over the distributions of the regimes, as trees.
//!
//! Scope is lexical, as in any language: a sum binds its variables in its body and nowhere else, and an
//! inner sum over the same variable hides the outer one. `Σ_z P(z | x) [Σ_x P(x) P(y | x, z)]` is thus
//! unambiguous as a tree; the printers prime the inner `x`.
//!
//! [`sum`], [`product`] and [`fraction`] simplify as they build, by identities of probability alone:
//! `Σ_a P(a, b | c) = P(b | c)`, `P(a | b, c) P(b | c) = P(a, b | c)`, `P(a, b | c) / P(b | c) = P(a | b, c)`,
//! factors leave sums that do not bind them, and equal factors of a fraction cancel (in the spirit of
//! Tikka & Karvanen 2017, *Simplifying probabilistic expressions in causal inference*). Each costs
//! `O(k s)` for `k` factors of total size `s`, and `O(k² s)` up to [`MERGED`] factors.

/// Products of more factors than this are left as they are instead of searched for chains to merge.
const MERGED: usize = 60;

/// `P(of | given, do(interventions))` as one regime has it. All sets ascending and disjoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probability {
    /// The nodes whose probability it is.
    pub of: Vec<usize>,
    /// The nodes conditioned on.
    pub given: Vec<usize>,
    /// The nodes that the regime sets.
    pub interventions: Vec<usize>,
    /// The regime's place in the list; `None` for a quantity that is itself sought (in derivations).
    pub regime: Option<usize>,
}

/// A formula. The empty product is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Estimand {
    /// The sum over all values of the nodes `over`, ascending and never empty.
    Sum {
        /// The nodes it binds.
        over: Vec<usize>,
        /// The body.
        of: Box<Estimand>,
    },
    /// The product of the factors.
    Product(Vec<Estimand>),
    /// The quotient.
    Fraction {
        /// The numerator.
        num: Box<Estimand>,
        /// The denominator.
        den: Box<Estimand>,
    },
    /// A probability that a regime gives.
    P(Probability),
}

use Estimand::{Fraction, P, Product, Sum};

impl Estimand {
    /// The number one.
    pub fn one() -> Self {
        Product(vec![])
    }

    /// Whether it is the number one.
    pub fn is_one(&self) -> bool {
        matches!(self, Product(factors) if factors.is_empty())
    }

    /// The number of nodes of the tree.
    pub fn size(&self) -> usize {
        1 + match self {
            Sum { of, .. } => of.size(),
            Product(factors) => factors.iter().map(Self::size).sum(),
            Fraction { num, den } => num.size() + den.size(),
            P(_) => 0,
        }
    }

    /// The nodes on whose values the formula depends as written, ascending. Those that the effect does
    /// not name may have any value: the result is the same for all.
    pub fn free_variables(&self) -> Vec<usize> {
        let mut free = match self {
            Sum { over, of } => {
                let mut free = of.free_variables();
                free.retain(|v| over.binary_search(v).is_err());
                return free;
            }
            Product(factors) => factors.iter().flat_map(Self::free_variables).collect(),
            Fraction { num, den } => [num.free_variables(), den.free_variables()].concat(),
            P(p) => [&p.of[..], &p.given, &p.interventions].concat(),
        };
        free.sort_unstable();
        free.dedup();
        free
    }

    /// Adds the places of the regimes that the formula names to `found`, each once.
    pub fn regimes(&self, found: &mut Vec<usize>) {
        match self {
            Sum { of, .. } => of.regimes(found),
            Product(factors) => factors.iter().for_each(|f| f.regimes(found)),
            Fraction { num, den } => [num, den].iter().for_each(|part| part.regimes(found)),
            P(p) => found.extend(p.regime.filter(|at| !found.contains(at))),
        }
    }

    /// The value where node `v` has the value `values[v]`; sums run over `0..cards[v]`. `table` gives the
    /// probabilities of the regimes for the values it is handed. A quotient by zero counts as zero.
    /// Time: the product of the sizes of the nested domains; for small models.
    pub fn evaluate(
        &self,
        cards: &[usize],
        values: &mut [usize],
        table: &dyn Fn(&Probability, &[usize]) -> f64,
    ) -> f64 {
        match self {
            P(p) => table(p, values),
            Product(factors) => {
                let mut product = 1.0;
                for factor in factors {
                    product *= factor.evaluate(cards, values, table);
                    if product == 0.0 {
                        break;
                    }
                }
                product
            }
            Fraction { num, den } => match num.evaluate(cards, values, table) {
                0.0 => 0.0,
                num => match den.evaluate(cards, values, table) {
                    0.0 => 0.0,
                    den => num / den,
                },
            },
            Sum { over, of } => {
                let outer: Vec<usize> = over.iter().map(|&v| std::mem::take(&mut values[v])).collect();
                let mut total = 0.0;
                loop {
                    total += of.evaluate(cards, values, table);
                    if !advance(over, cards, values) {
                        break;
                    }
                }
                over.iter().zip(outer).for_each(|(&v, value)| values[v] = value);
                total
            }
        }
    }

    /// The smallest and the largest value at `values`, as in [`evaluate`](Self::evaluate), where each probability that
    /// `table` does not know may be anything in `[0, 1]`. What is multiplied by zero does not matter; both ends are
    /// the same number where nothing that matters is unknown, and the upper one may be infinite.
    pub fn interval(
        &self,
        cards: &[usize],
        values: &mut [usize],
        table: &dyn Fn(&Probability, &[usize]) -> Option<f64>,
    ) -> [f64; 2] {
        match self {
            P(p) => table(p, values).map_or([0.0, 1.0], |p| [p, p]),
            Product(factors) => {
                let mut product = [1.0; 2];
                for factor in factors {
                    let factor = factor.interval(cards, values, table);
                    product = [times(product[0], factor[0]), times(product[1], factor[1])];
                }
                product
            }
            Fraction { num, den } => {
                let (num, den) = (num.interval(cards, values, table), den.interval(cards, values, table));
                let low = if num[0] == 0.0 { 0.0 } else { num[0] / den[1] };
                let high = if den[0] > 0.0 { num[1] / den[0] } else { f64::INFINITY };
                [low, high]
            }
            Sum { over, of } => {
                let outer: Vec<usize> = over.iter().map(|&v| std::mem::take(&mut values[v])).collect();
                let mut total = [0.0; 2];
                loop {
                    let term = of.interval(cards, values, table);
                    total = [total[0] + term[0], total[1] + term[1]];
                    if !advance(over, cards, values) {
                        break;
                    }
                }
                over.iter().zip(outer).for_each(|(&v, value)| values[v] = value);
                total
            }
        }
    }

    /// The same formula, built anew by `sum`, `product` and `fraction`.
    pub fn simplified(&self) -> Self {
        match self {
            P(_) => self.clone(),
            Product(factors) => product(factors.iter().map(Self::simplified).collect()),
            Fraction { num, den } => fraction(num.simplified(), den.simplified()),
            Sum { over, of } => sum(over, of.simplified()),
        }
    }

    fn factors(self) -> Vec<Self> {
        match self {
            Product(factors) => factors,
            other => vec![other],
        }
    }
}

/// The product in which zero wins over infinity.
fn times(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

/// Counts up the values of `over`, the last fastest; `false` after the last.
pub(in crate::causal) fn advance(over: &[usize], cards: &[usize], values: &mut [usize]) -> bool {
    for &v in over.iter().rev() {
        values[v] += 1;
        if values[v] < cards[v] {
            return true;
        }
        values[v] = 0;
    }
    false
}

/// `P(of | given, do(interventions))` of a regime; the sets in any order. One if `of` is empty.
pub(in crate::causal) fn probability(
    of: &[usize],
    given: &[usize],
    interventions: &[usize],
    regime: Option<usize>,
) -> Estimand {
    if of.is_empty() {
        return Estimand::one();
    }
    let sorted = |set: &[usize]| {
        let mut set = set.to_vec();
        set.sort_unstable();
        set.dedup();
        set
    };
    P(Probability { of: sorted(of), given: sorted(given), interventions: sorted(interventions), regime })
}

/// The product of the factors, flat, without ones and with chains merged.
pub(in crate::causal) fn product(factors: Vec<Estimand>) -> Estimand {
    let mut flat: Vec<Estimand> = factors.into_iter().flat_map(Estimand::factors).collect();
    if flat.len() <= MERGED {
        while let Some((at, other, merged)) = mergeable(&flat) {
            flat[at.min(other)] = merged;
            flat.remove(at.max(other));
        }
    }
    if flat.len() == 1 { flat.remove(0) } else { Product(flat) }
}

/// Two factors `P(a | b, c) P(b | c)` and their product `P(a, b | c)`.
fn mergeable(factors: &[Estimand]) -> Option<(usize, usize, Estimand)> {
    for (at, first) in factors.iter().enumerate() {
        for (other, second) in factors.iter().enumerate() {
            if let (P(a), P(b)) = (first, second)
                && at != other
                && (a.regime, &a.interventions) == (b.regime, &b.interventions)
                && a.given.len() == b.of.len() + b.given.len()
                && a.given == union(&b.of, &b.given)
            {
                return Some((at, other, P(Probability { of: union(&a.of, &b.of), ..b.clone() })));
            }
        }
    }
    None
}

/// The sum of `of` over the nodes `over`, with the factors it does not bind outside.
pub(in crate::causal) fn sum(over: &[usize], of: Estimand) -> Estimand {
    let mut over = over.to_vec();
    over.sort_unstable();
    over.dedup();
    match of {
        of if over.is_empty() => of,
        Sum { over: inner, of } if disjoint(&over, &inner) => sum(&union(&over, &inner), *of),
        P(p) if over.iter().all(|v| p.of.binary_search(v).is_ok()) => {
            probability(&minus(&p.of, &over), &p.given, &p.interventions, p.regime)
        }
        Fraction { num, den } => {
            let below = den.free_variables();
            let (inside, outside): (Vec<_>, Vec<_>) = over.iter().partition(|v| below.binary_search(v).is_err());
            if inside.is_empty() {
                Sum { over, of: Box::new(Fraction { num, den }) }
            } else {
                sum(&outside, fraction(sum(&inside, *num), *den))
            }
        }
        Product(factors) => sum_of_product(over, factors),
        of => Sum { over, of: Box::new(of) },
    }
}

/// Sums over what only one factor mentions go into that factor; the rest falls into groups of factors that
/// share summed nodes.
fn sum_of_product(mut over: Vec<usize>, mut factors: Vec<Estimand>) -> Estimand {
    let mut free: Vec<Vec<usize>> = factors.iter().map(Estimand::free_variables).collect();
    loop {
        let before = over.len();
        let mut users: std::collections::BTreeMap<usize, (usize, usize)> =
            over.iter().map(|&v| (v, (0, usize::MAX))).collect();
        for (at, free) in free.iter().enumerate() {
            for v in free {
                if let Some(user) = users.get_mut(v) {
                    *user = (user.0 + 1, at);
                }
            }
        }
        let mut into: Vec<Vec<usize>> = vec![vec![]; factors.len()];
        for (v, (count, at)) in users {
            // A sum goes into a lone factor only where that removes it.
            if count == 1 && matches!(&factors[at], P(p) if p.of.binary_search(&v).is_ok()) {
                into[at].push(v);
            }
        }
        for (at, bound) in into.iter().enumerate().filter(|(_, bound)| !bound.is_empty()) {
            factors[at] = sum(bound, std::mem::replace(&mut factors[at], Estimand::one()));
            free[at] = factors[at].free_variables();
            over.retain(|v| bound.binary_search(v).is_err());
        }
        if over.len() == before {
            break;
        }
    }
    let count = factors.len();
    let factors = match product(factors) {
        Product(factors) if factors.len() == count && count > 0 => factors,
        // Chains have merged: there may be more to sum.
        of if !of.is_one() => return sum(&over, of),
        one if over.is_empty() => return one,
        one => return Sum { over, of: Box::new(one) },
    };
    let groups = groups(&over, &free);
    if groups.len() == 1 && !over.is_empty() {
        return Sum { over, of: Box::new(Product(factors)) };
    }
    let mut taken: Vec<Option<Estimand>> = factors.into_iter().map(Some).collect();
    let mut parts = vec![];
    for (bound, members) in groups {
        let inside: Vec<Estimand> = members.iter().filter_map(|&at| taken[at].take()).collect();
        parts.push(sum(&bound, product(inside)));
    }
    product(parts)
}

/// The factors in groups that share nodes of `over`, in the order of their first factors, each with the nodes
/// it binds; factors without such nodes are groups of their own.
fn groups(over: &[usize], free: &[Vec<usize>]) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut group: Vec<usize> = (0..free.len()).collect();
    fn root(group: &mut [usize], mut at: usize) -> usize {
        while group[at] != at {
            group[at] = group[group[at]];
            at = group[at];
        }
        at
    }
    let mut first: Vec<Option<usize>> = vec![None; over.len()];
    for (at, free) in free.iter().enumerate() {
        for place in free.iter().filter_map(|v| over.binary_search(v).ok()) {
            let other = *first[place].get_or_insert(at);
            let (a, b) = (root(&mut group, at), root(&mut group, other));
            group[a.max(b)] = a.min(b);
        }
    }
    let mut found: std::collections::BTreeMap<usize, (Vec<usize>, Vec<usize>)> = std::collections::BTreeMap::new();
    for at in 0..free.len() {
        let root = root(&mut group, at);
        found.entry(root).or_default().1.push(at);
    }
    for (place, user) in first.iter().enumerate() {
        // A node that no factor mentions stays bound by the first group: its sum counts its values.
        let root = root(&mut group, user.unwrap_or(0));
        found.entry(root).or_default().0.push(over[place]);
    }
    found.into_values().collect()
}

/// The quotient, with equal factors cancelled and `P(a, b | c) / P(b | c)` made `P(a | b, c)`.
pub(in crate::causal) fn fraction(num: Estimand, den: Estimand) -> Estimand {
    let (num, den) = match (num, den) {
        (num, Fraction { num: inner, den }) => return fraction(product(vec![num, *den]), *inner),
        (Fraction { num, den: inner }, den) => (*num, product(vec![*inner, den])),
        both => both,
    };
    let (mut above, mut below) = (num.factors(), den.factors());
    below.retain(|factor| match above.iter().position(|other| other == factor) {
        Some(at) => {
            above.remove(at);
            false
        }
        None => true,
    });
    below.retain(|factor| !above.iter_mut().any(|other| conditioned(other, factor)));
    below.retain(|factor| !above.iter_mut().any(|other| conditioned_inside(other, factor)));
    match (product(above), product(below)) {
        (num, den) if den.is_one() => num,
        (num, den) => Fraction { num: Box::new(num), den: Box::new(den) },
    }
}

/// Divides `P(a, b | c)` by `P(b | c)` in place, where the two are that.
fn conditioned(joint: &mut Estimand, marginal: &Estimand) -> bool {
    let (P(a), P(b)) = (joint, marginal) else { return false };
    let fits = (a.regime, &a.interventions, &a.given) == (b.regime, &b.interventions, &b.given)
        && b.of.len() < a.of.len()
        && b.of.iter().all(|v| a.of.binary_search(v).is_ok());
    if fits {
        a.given = union(&a.given, &b.of);
        a.of = minus(&a.of, &b.of);
    }
    fits
}

/// The same within a sum that binds none of the denominator's variables.
fn conditioned_inside(total: &mut Estimand, marginal: &Estimand) -> bool {
    let Sum { over, of } = total else { return false };
    let Product(factors) = &mut **of else { return false };
    let fits = disjoint(&marginal.free_variables(), over) && factors.iter_mut().any(|f| conditioned(f, marginal));
    if fits {
        *total = total.simplified();
    }
    fits
}

/// The union of ascending sets.
pub(super) fn union(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut all = [a, b].concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// `a` without the ascending set `b`.
pub(super) fn minus(a: &[usize], b: &[usize]) -> Vec<usize> {
    a.iter().copied().filter(|v| b.binary_search(v).is_err()).collect()
}

/// What `a` and the ascending set `b` share.
pub(super) fn shared(a: &[usize], b: &[usize]) -> Vec<usize> {
    a.iter().copied().filter(|v| b.binary_search(v).is_ok()).collect()
}

/// Whether `a` and the ascending set `b` share nothing.
pub(super) fn disjoint(a: &[usize], b: &[usize]) -> bool {
    a.iter().all(|v| b.binary_search(v).is_err())
}

/// Whether the ascending set `b` holds all of `a`.
pub(super) fn subset(a: &[usize], b: &[usize]) -> bool {
    a.iter().all(|v| b.binary_search(v).is_ok())
}
