//! The variables of several worlds side by side: what has to be computed to see events in all of them at once.
//!
//! The network of Balke & Pearl (1994, *Probabilistic Evaluation of Counterfactual Queries*) for any number of worlds:
//! one copy of a variable for each different list of its parents, since equal parents and equal noise give equal
//! values. An observed copy counts as its value, so that copies are the same in a world that sets what was observed anyway.

use super::worlds::{Resolved, needed, resolve};
use super::{Value, World};
use std::collections::BTreeMap;

/// What a variable is in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The value with this code, which is set or observed.
    Code(u32),
    /// The copy with this number.
    Copy(usize),
}

/// A variable in the worlds in which its parents are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwinCopy {
    /// The variable.
    pub variable: usize,
    /// Its parents in their order.
    pub parents: Vec<Place>,
    /// Its value, where it is observed.
    pub known: Option<u32>,
}

/// The copies that events in several worlds need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Twin {
    /// The copies, causes first; those of one variable stand beside each other.
    pub copies: Vec<TwinCopy>,
    /// What each variable that is asked for is.
    pub outcome: Vec<Place>,
}

impl Twin {
    /// The copies that see `outcome` and `evidence`, values by their codes. `order` lists the variables, causes first, and
    /// `parents` those of each in any fixed order. `None` where the evidence contradicts itself or what its world
    /// sets, or has a value without a code.
    pub fn new<'a>(
        order: &[usize],
        parents: &dyn Fn(usize) -> &'a [usize],
        outcome: &[(usize, World)],
        evidence: &[(usize, World, u32)],
    ) -> Option<Self> {
        let mut observed: BTreeMap<(usize, &World), u32> = BTreeMap::new();
        for (variable, world, code) in evidence {
            match resolve(*variable, world) {
                Resolved::Set(Value::Code(set)) if set == *code => {}
                Resolved::Set(_) => return None,
                Resolved::Free(world) => {
                    if *observed.entry((*variable, world)).or_insert(*code) != *code {
                        return None;
                    }
                }
            }
        }
        let asked = outcome.iter().map(|(variable, world)| (*variable, world));
        let mut seen: Vec<(usize, &World)> = observed.keys().copied().collect();
        seen.extend(asked.filter_map(|(variable, world)| match resolve(variable, world) {
            Resolved::Free(world) => Some((variable, world)),
            Resolved::Set(_) => None,
        }));
        let needed = needed(parents, seen.into_iter());
        let mut twin = Self::default();
        let mut place: BTreeMap<(usize, &World), usize> = BTreeMap::new();
        for &variable in order {
            let first = twin.copies.len();
            for &world in needed.get(&variable).into_iter().flatten() {
                let of = parents(variable).iter().map(|&p| twin.place(p, world, &place));
                let of = of.collect::<Option<Vec<Place>>>()?;
                let same = twin.copies[first..].iter().position(|copy| copy.parents == of).map(|at| first + at);
                let at = same.unwrap_or(twin.copies.len());
                if at == twin.copies.len() {
                    twin.copies.push(TwinCopy { variable, parents: of, known: None });
                }
                place.insert((variable, world), at);
                if let Some(&code) = observed.get(&(variable, world)) {
                    if twin.copies[at].known.is_some_and(|known| known != code) {
                        return None;
                    }
                    twin.copies[at].known = Some(code);
                }
            }
        }
        let of = outcome.iter().map(|(variable, world)| twin.place(*variable, world, &place));
        twin.outcome = of.collect::<Option<Vec<Place>>>()?;
        Some(twin)
    }

    fn place(&self, variable: usize, world: &World, places: &BTreeMap<(usize, &World), usize>) -> Option<Place> {
        match resolve(variable, world) {
            Resolved::Set(Value::Code(code)) => Some(Place::Code(code)),
            Resolved::Set(Value::Any(_)) => None,
            Resolved::Free(world) => {
                let at = *places.get(&(variable, world))?;
                Some(self.copies[at].known.map_or(Place::Copy(at), Place::Code))
            }
        }
    }

    /// The numbers of the copies of each variable, those of one variable together, causes first.
    pub fn groups(&self) -> Vec<std::ops::Range<usize>> {
        let mut groups: Vec<std::ops::Range<usize>> = vec![];
        for at in 0..self.copies.len() {
            match groups.last_mut() {
                Some(group) if self.copies[group.start].variable == self.copies[at].variable => group.end = at + 1,
                _ => groups.push(at..at + 1),
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::super::Setting;
    use super::*;

    fn world(settings: &[(usize, u32)]) -> World {
        settings.iter().map(|&(v, code)| (v, Setting::Value(Value::Code(code)))).collect()
    }

    /// `0 -> 1 -> 2`, `0 -> 2`.
    fn twin(outcome: &[(usize, World)], evidence: &[(usize, World, u32)]) -> Option<Twin> {
        const PARENTS: [&[usize]; 3] = [&[], &[0], &[0, 1]];
        Twin::new(&[0, 1, 2], &|v| PARENTS[v], outcome, evidence)
    }

    #[test]
    fn worlds_share_what_has_the_same_parents() {
        let found = twin(&[(2, world(&[(0, 1)])), (2, world(&[]))], &[(0, world(&[]), 0)]).unwrap();
        let copies: Vec<usize> = found.copies.iter().map(|c| c.variable).collect();
        assert_eq!(copies, [0, 1, 1, 2, 2]);
        assert_eq!(found.groups(), [0..1, 1..3, 3..5]);
        // In a world that sets what was observed, everything is as it was.
        let found = twin(&[(2, world(&[(0, 1)])), (2, world(&[]))], &[(0, world(&[]), 1)]).unwrap();
        assert_eq!((found.copies.len(), found.outcome), (3, vec![Place::Copy(2); 2]));
    }

    #[test]
    fn nested_settings_name_a_copy_of_another_world() {
        let nested: World = [(0, Setting::Value(Value::Code(1))), (1, Setting::Potential(world(&[(0, 0)])))].into();
        let found = twin(&[(2, nested)], &[]).unwrap();
        assert_eq!(found.copies.len(), 2);
        assert_eq!(found.copies[0].parents, [Place::Code(0)]);
        assert_eq!(found.copies[1].parents, [Place::Code(1), Place::Copy(0)]);
    }

    #[test]
    fn contradictions_have_no_network() {
        assert_eq!(twin(&[(2, world(&[]))], &[(0, world(&[(0, 1)]), 0)]), None);
        let twice = [(1, world(&[]), 0), (1, world(&[(0, 1)]), 1), (0, world(&[]), 1)];
        assert_eq!(twin(&[(2, world(&[]))], &twice), None);
        assert!(twin(&[(2, world(&[]))], &[(0, world(&[(0, 1)]), 1)]).is_some());
        assert_eq!(twin(&[(0, world(&[(0, 1)]))], &[]).unwrap().outcome, [Place::Code(1)]);
    }
}
