//! Equalities that hidden causes leave where they leave no independence (Verma & Pearl 1990; Tian & Pearl 2002,
//! *On the testable implications of causal models with hidden variables*).
//!
//! A c-factor `Q[E]` that the joint distribution determines is a function of `E` and its parents. Where its formula
//! mentions other variables too, the graph says that it does not depend on them. `E` runs over the intrinsic sets: drop
//! a childless node, take a c-component, repeat (Richardson, Evans, Robins & Shpitser 2023). Where what is left after a
//! drop falls into several c-components it is the product of their c-factors: in it each node, given those before it,
//! depends on its own c-component and the parents of that alone.
//!
//! What the independences say already is left out. Near the uniform distribution a constraint sets coefficients of the
//! joint to zero, a coefficient for each set `S` of nodes: `a ⊥ b | C` those with `{a, b} ⊆ S ⊆ {a, b} ∪ C`, a formula
//! that does not depend on `w` those of its expansion with `w ∈ S`. Both kinds of models are smooth (Evans & Richardson
//! 2014, 2019), so a constraint that sets no further coefficient to zero adds nothing (Evans 2020).

use crate::causal::identify::{Estimand, Probability, c_factor_from, fraction, sum};
use crate::causal::{Admg, ancestors, c_components_of, m_separated};
use std::collections::{BTreeMap, BTreeSet};

/// Sets and formulas with more nodes than this are not looked at: their expansions are exponential.
const MENTIONED: usize = 12;

/// "The kernel, as computed by the formula, does not depend on `free_of`."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verma {
    /// The nodes whose distribution the kernel is, ascending.
    pub of: Vec<usize>,
    /// What it may depend on, ascending.
    pub given: Vec<usize>,
    /// What it does not depend on, though the formula mentions it; ascending.
    pub free_of: Vec<usize>,
    /// The formula, over the joint distribution of the observed nodes.
    pub formula: Estimand,
}

/// The equalities among `nodes` (ascending) that do not follow from independences and the equalities before them in the
/// list, shortest formulas first. `graph` is acyclic and has no edges at other nodes. For small c-components: no more than
/// `limit` intrinsic sets, and no sets and formulas of more than 12 nodes are looked at; the flag says whether that was all.
pub fn verma(graph: &Admg, nodes: &[usize], limit: usize) -> (Vec<Verma>, bool) {
    let (sets, complete) = intrinsic_sets(graph, nodes, limit);
    let mut candidates: Vec<Verma> = sets.iter().flat_map(|set| of_set(graph, set)).collect();
    let found = candidates.len();
    candidates.retain(|c| c.formula.free_variables().len() <= MENTIONED);
    let complete = complete && candidates.len() == found;
    candidates.sort_by_key(|c| (c.formula.size(), c.of.clone()));
    let mut zero: BTreeSet<Vec<usize>> = BTreeSet::new();
    let mut found = vec![];
    for mut candidate in candidates {
        let new: Vec<Vec<usize>> = terms(&candidate.formula)
            .into_keys()
            .filter(|s| s.iter().any(|v| candidate.free_of.binary_search(v).is_ok()))
            .filter(|s| !zero.contains(s) && !independent(graph, s))
            .collect();
        if new.is_empty() {
            continue;
        }
        candidate.free_of.retain(|w| new.iter().any(|s| s.contains(w)));
        zero.extend(new);
        found.push(candidate);
    }
    (found, complete)
}

/// What an intrinsic set says: its c-factor, and what is left of it without one childless node, mention too much.
fn of_set(graph: &Admg, set: &[usize]) -> Vec<Verma> {
    let Some((whole, _)) = c_factor_from(graph, &[], set) else { return vec![] };
    let statement = |of: &[usize], component: &[usize], formula: Estimand| {
        let mut given = [component, &graph.parents_of(component)].concat();
        given.sort_unstable();
        given.retain(|v| of.binary_search(v).is_err());
        let mentioned = formula.free_variables();
        let own = |v: &usize| of.binary_search(v).is_ok() || given.binary_search(v).is_ok();
        let free_of: Vec<usize> = mentioned.into_iter().filter(|v| !own(v)).collect();
        (!free_of.is_empty()).then(|| Verma { of: of.to_vec(), given, free_of, formula })
    };
    let mut found: Vec<Verma> = statement(set, set, whole.clone()).into_iter().collect();
    let order = graph.topological_order().unwrap_or_default();
    for gone in childless(graph, set) {
        let rest: Vec<usize> = set.iter().copied().filter(|&v| v != gone).collect();
        if c_components_of(graph, &rest).len() < 2 {
            continue;
        }
        let ordered: Vec<usize> = order.iter().copied().filter(|v| rest.binary_search(v).is_ok()).collect();
        let marginal = |kept: &[usize]| {
            let over: Vec<usize> = set.iter().copied().filter(|v| !kept.contains(v)).collect();
            sum(&over, whole.clone())
        };
        for (at, &v) in ordered.iter().enumerate() {
            let mut prefix = ordered[..=at].to_vec();
            prefix.sort_unstable();
            let component = c_components_of(graph, &prefix).into_iter().find(|c| c.contains(&v));
            let formula = fraction(marginal(&prefix), marginal(&ordered[..at]));
            found.extend(component.and_then(|component| statement(&[v], &component, formula)));
        }
    }
    found
}

/// The nodes of `set` without a child in it.
fn childless(graph: &Admg, set: &[usize]) -> Vec<usize> {
    let outside = |c: &usize| set.binary_search(c).is_err();
    set.iter().copied().filter(|&v| graph.children(v).iter().all(outside)).collect()
}

/// The c-connected sets whose c-factors the joint distribution determines, of at most [`MENTIONED`] nodes; and whether these
/// are all. Of larger c-components only those that the ancestors of single nodes lead to.
fn intrinsic_sets(graph: &Admg, nodes: &[usize], limit: usize) -> (BTreeSet<Vec<usize>>, bool) {
    let mut queue = c_components_of(graph, nodes);
    let complete = queue.iter().all(|set| set.len() <= MENTIONED);
    if !complete {
        queue.extend(nodes.iter().flat_map(|&v| c_components_of(graph, &ancestors(graph, &[v]))));
        queue.retain(|set| set.len() <= MENTIONED);
    }
    let mut seen: BTreeSet<Vec<usize>> = BTreeSet::new();
    while let Some(set) = queue.pop() {
        if seen.contains(&set) {
            continue;
        }
        if seen.len() == limit {
            return (seen, false);
        }
        for gone in childless(graph, &set) {
            let rest: Vec<usize> = set.iter().copied().filter(|&v| v != gone).collect();
            queue.extend(c_components_of(graph, &rest));
        }
        seen.insert(set);
    }
    (seen, complete)
}

/// Whether an independence sets the coefficient of `set` to zero: two of its nodes are separated by a set that holds the
/// others. If any is, then that of all ancestors.
fn independent(graph: &Admg, set: &[usize]) -> bool {
    let above = ancestors(graph, set);
    set.iter().enumerate().any(|(at, &a)| {
        set[..at].iter().any(|&b| {
            let given: Vec<usize> = above.iter().copied().filter(|&v| v != a && v != b).collect();
            m_separated(graph, &[a], &[b], &given)
        })
    })
}

/// The expansion of a formula to first order about the uniform distribution: the sets of nodes whose coefficients it
/// has, and how often. A conditional has those that meet its left side; a sum drops those that meet what it binds.
fn terms(formula: &Estimand) -> BTreeMap<Vec<usize>, i64> {
    let mut all = BTreeMap::new();
    match formula {
        Estimand::P(Probability { of, given, .. }) => {
            let mut nodes = [&of[..], given].concat();
            nodes.sort_unstable();
            for mask in 1_u64..1 << nodes.len() {
                let set: Vec<usize> = (0..nodes.len()).filter(|i| mask >> i & 1 == 1).map(|i| nodes[i]).collect();
                if set.iter().any(|v| of.contains(v)) {
                    all.insert(set, 1);
                }
            }
        }
        Estimand::Product(factors) => factors.iter().for_each(|factor| add(&mut all, terms(factor), 1)),
        Estimand::Fraction { num, den } => {
            add(&mut all, terms(num), 1);
            add(&mut all, terms(den), -1);
        }
        Estimand::Sum { over, of } => {
            all = terms(of);
            all.retain(|set, _| set.iter().all(|v| !over.contains(v)));
        }
    }
    all
}

fn add(to: &mut BTreeMap<Vec<usize>, i64>, terms: BTreeMap<Vec<usize>, i64>, sign: i64) {
    for (set, count) in terms {
        let total = to.remove(&set).unwrap_or(0) + sign * count;
        if total != 0 {
            to.insert(set, total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::identify::{DiscreteModel, q_identifiable};
    use crate::causal::random_admg;
    use crate::seed::stream;

    fn all(graph: &Admg) -> Vec<usize> {
        (0..graph.len()).collect()
    }

    #[test]
    fn the_first_of_its_kind() {
        // A -> B -> C -> D, B <-> D: Σ_B P(D | A, B, C) P(B | A) does not depend on A.
        let graph = Admg::with_edges(4, &[(0, 1), (1, 2), (2, 3)], &[(1, 3)]);
        let (found, complete) = verma(&graph, &all(&graph), 100);
        assert!(complete);
        let [verma] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&verma.of[..], &verma.given[..], &verma.free_of[..]), (&[3][..], &[2][..], &[0][..]));
        let names = crate::causal::identify::Names {
            node: &|v| ["A", "B", "C", "D"][v].to_owned(),
            value: &crate::causal::identify::no_value,
            regime: &|_| String::new(),
        };
        assert_eq!(verma.formula.text(&names), "Σ_{B} P(B | A) P(D | A, B, C)");
    }

    #[test]
    fn graphs_without_hidden_causes_have_independences_only() {
        let mut rng = stream(1, "no Verma");
        for _ in 0..100 {
            let graph = random_admg(&mut rng, 7, 0.4, 0.0);
            assert!(verma(&graph, &all(&graph), 1000).0.is_empty());
        }
    }

    /// The parameters of binary nested Markov models are the sets `H ∪ A` with `H` the childless nodes of an intrinsic
    /// set `E` and `A` in the rest of `E` and its parents (Evans & Richardson 2019, theorem 3.9); all others are zero.
    fn parameters(graph: &Admg) -> BTreeSet<Vec<usize>> {
        let n = graph.len();
        let nodes = |mask: usize| (0..n).filter(|v| mask >> v & 1 == 1).collect::<Vec<_>>();
        let mut found = BTreeSet::new();
        for set in (1..1_usize << n).map(nodes) {
            if c_components_of(graph, &set).len() > 1 || !q_identifiable(graph, &set, &all(graph)) {
                continue;
            }
            let head = childless(graph, &set);
            let most = [&set[..], &graph.parents_of(&set)].concat();
            let parameters = (1..1_usize << n)
                .map(nodes)
                .filter(|s| head.iter().all(|h| s.contains(h)) && s.iter().all(|v| most.contains(v)));
            found.extend(parameters);
        }
        found
    }

    #[test]
    fn with_the_independences_they_leave_the_parameters_of_the_nested_model() {
        let mut rng = stream(1, "nested models");
        let mut with = 0;
        for round in 0..2_000 {
            let n = 4 + round % 3;
            let graph = random_admg(&mut rng, n, 0.3 + 0.05 * (round % 4) as f64, 0.15 + 0.05 * (round % 5) as f64);
            let (found, complete) = verma(&graph, &all(&graph), usize::MAX);
            assert!(complete);
            with += usize::from(!found.is_empty());
            let parameters = parameters(&graph);
            let mut zero: BTreeSet<Vec<usize>> = BTreeSet::new();
            for v in &found {
                let of = terms(&v.formula).into_keys();
                zero.extend(of.filter(|s| s.iter().any(|w| v.free_of.contains(w))));
            }
            for mask in 1..1_usize << n {
                let set: Vec<usize> = (0..n).filter(|v| mask >> v & 1 == 1).collect();
                let gone = zero.contains(&set) || independent(&graph, &set);
                assert_eq!(gone, !parameters.contains(&set), "{graph:?} {set:?} {found:?}");
            }
        }
        assert!(with > 50, "{with}");
    }

    #[test]
    fn the_kernels_do_not_depend_on_what_they_say() {
        let mut rng = stream(1, "kernels of models");
        let mut checked = 0;
        while checked < 60 {
            let graph = random_admg(&mut rng, 5, 0.4, 0.25);
            let (found, _) = verma(&graph, &all(&graph), usize::MAX);
            if found.is_empty() {
                continue;
            }
            let cards = [2, 3, 2, 2, 2];
            let model = DiscreteModel::random(&mut rng, &graph, &cards, |_| 3);
            let joint = model.distribution(&[]);
            for v in &found {
                let value = |values: &mut [usize]| {
                    v.formula.evaluate(&cards, values, &|p, values| {
                        let fixed = |set: &[usize]| {
                            joint.iter().filter(|(x, _)| set.iter().all(|&n| x[n] == values[n])).map(|(_, p)| p).sum()
                        };
                        let (both, given): (f64, f64) = (fixed(&[&p.of[..], &p.given].concat()), fixed(&p.given));
                        both / given
                    })
                };
                for at in 0..48 {
                    let mut values: Vec<usize> =
                        (0..5).map(|i| at / cards[..i].iter().product::<usize>() % cards[i]).collect();
                    let first = value(&mut values);
                    for &w in &v.free_of {
                        let mut other = values.clone();
                        other[w] = (other[w] + 1) % cards[w];
                        let second = value(&mut other);
                        assert!((first - second).abs() < 1e-9, "{graph:?} {v:?}: {first} {second}");
                    }
                }
                checked += 1;
            }
        }
    }
}
