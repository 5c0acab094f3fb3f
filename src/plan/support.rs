//! Which values of parents the rows of a set of regimes cover together.

use crate::model::{Model, VarId};
use std::collections::{BTreeMap, BTreeSet};

/// A box of values: each variable named here has one of these codes, every other any value.
pub(super) type Limits = BTreeMap<VarId, BTreeSet<u32>>;

/// Stands for every value that no limit mentions.
const OTHER: u32 = u32::MAX;

/// Values of some variables: a code, or `None` for any that no regime mentions.
pub(super) type Cell = Vec<(VarId, Option<u32>)>;

/// Values of `variables` that occur in one of the boxes `needed` and in none of `taught`; `None` if there
/// are none. Jointly: `do(A = 0)` and `do(B = 0)` leave `A = 1, B = 1` out.
///
/// Splits on one limited variable after the other and keeps the boxes that agree, so it takes a number
/// of steps exponential only in the variables that several boxes limit in different ways.
pub(super) fn gap(model: &Model, variables: &[VarId], needed: &[&Limits], taught: &[&Limits]) -> Option<Cell> {
    let limited = |v: &&VarId| needed.iter().chain(taught).any(|limits| limits.contains_key(v));
    let limited: Vec<VarId> = variables.iter().filter(limited).copied().collect();
    let mut cell = vec![];
    let found = find_gap(model, &limited, needed, taught, &mut cell);
    found.then(|| cell.into_iter().map(|(v, code)| (v, (code != OTHER).then_some(code))).collect())
}

fn find_gap(
    model: &Model,
    rest: &[VarId],
    needed: &[&Limits],
    taught: &[&Limits],
    cell: &mut Vec<(VarId, u32)>,
) -> bool {
    let free = |limits: &&&Limits| rest.iter().all(|v| !limits.contains_key(v));
    if needed.is_empty() || taught.iter().any(|limits| free(&limits)) {
        return false;
    }
    let Some((&variable, rest)) = rest.split_first() else { return true };
    for code in values(model, variable, needed, taught) {
        let allows = |limits: &&&Limits| limits.get(&variable).is_none_or(|codes| codes.contains(&code));
        let (needed, taught): (Vec<_>, Vec<_>) =
            (needed.iter().filter(allows).copied().collect(), taught.iter().filter(allows).copied().collect());
        cell.push((variable, code));
        if find_gap(model, rest, &needed, &taught, cell) {
            return true;
        }
        cell.pop();
    }
    false
}

/// The codes of `variable` that some box mentions, and [`OTHER`] if its domain has more.
fn values(model: &Model, variable: VarId, needed: &[&Limits], taught: &[&Limits]) -> BTreeSet<u32> {
    let boxes = needed.iter().chain(taught);
    let mut codes: BTreeSet<u32> = boxes.filter_map(|limits| limits.get(&variable)).flatten().copied().collect();
    if model.card(variable).is_none_or(|k| codes.len() < k) {
        codes.insert(OTHER);
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Domain;
    use crate::seed::stream;
    use rand::Rng;

    fn model(cards: &[usize]) -> Model {
        let names: Vec<String> = (0..cards.len()).map(|i| format!("V{i}")).collect();
        let mut model = Model::from_graph(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[], &[]);
        for (variable, &k) in model.variables.values_mut().zip(cards) {
            variable.domain = Some(Domain::Categorical(k));
        }
        model
    }

    fn cells(cards: &[usize]) -> Vec<Vec<u32>> {
        cards.iter().fold(vec![vec![]], |cells, &k| {
            cells.into_iter().flat_map(|c| (0..k as u32).map(move |x| [&c[..], &[x]].concat())).collect()
        })
    }

    #[test]
    fn agrees_with_listing_every_cell() {
        let mut rng = stream(1, "support");
        let mut gaps = 0;
        for _ in 0..3000 {
            let cards: Vec<usize> = (0..3).map(|_| rng.random_range(1..4)).collect();
            let model = model(&cards);
            let mut boxes = |count: usize| -> Vec<Limits> {
                let one = |rng: &mut rand_chacha::ChaCha8Rng| {
                    let limited = (0..3).filter(|_| rng.random_bool(0.5)).collect::<Vec<_>>();
                    limited
                        .into_iter()
                        .map(|v| (v, (0..cards[v] as u32).filter(|_| rng.random_bool(0.5)).collect()))
                        .collect()
                };
                (0..count).map(|_| one(&mut rng)).collect()
            };
            let (needed, taught) = (boxes(2), boxes(3));
            let inside = |cell: &[u32], limits: &Limits| limits.iter().all(|(v, codes)| codes.contains(&cell[*v]));
            let open =
                |cell: &Vec<u32>| needed.iter().any(|l| inside(cell, l)) && !taught.iter().any(|l| inside(cell, l));
            let expected = cells(&cards).iter().any(open);
            let found = gap(&model, &[0, 1, 2], &needed.iter().collect::<Vec<_>>(), &taught.iter().collect::<Vec<_>>());
            assert_eq!(found.is_some(), expected, "{cards:?} {needed:?} {taught:?}");
            gaps += usize::from(expected);
        }
        assert!((500..2500).contains(&gaps), "{gaps}");
    }

    #[test]
    fn an_unknown_domain_always_has_other_values() {
        let model = Model::from_graph(&["A"], &[], &[]);
        let zero = Limits::from([(0, BTreeSet::from([0]))]);
        assert_eq!(gap(&model, &[0], &[&Limits::new()], &[&zero]), Some(vec![(0, None)]));
        assert_eq!(gap(&model, &[0], &[&zero], &[&zero]), None);
        assert_eq!(gap(&model, &[], &[&Limits::new()], &[&zero]), None);
    }
}
