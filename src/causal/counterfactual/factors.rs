//! The c-components of a counterfactual graph (ctf-factors: Correa, Lee & Bareinboim 2021, theorem 3) and the groups
//! of factors that share summed values. `O(k log k)` in the number `k` of copies and their parents.

use super::worlds::{Node, Term};
use crate::causal::{Admg, c_components_of};
use std::collections::BTreeMap;

/// A c-component of the counterfactual graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Factor {
    /// Its variables, ascending.
    pub component: Vec<usize>,
    /// Its copies.
    pub copies: Vec<Node>,
}

/// One c-component asks for a variable at two values at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The variable.
    pub variable: usize,
    /// Who asks for which value.
    pub demands: [Demand; 2],
    /// A path of bidirected edges that joins the two, from the first to the second.
    pub path: Vec<usize>,
}

/// A copy that asks for a value of a parent, or that has the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The copy.
    pub copy: Node,
    /// The value.
    pub value: Term,
}

/// The factors of a counterfactual graph, in the order of their smallest variables.
pub(super) fn factors(graph: &Admg, nodes: &[Node]) -> Vec<Factor> {
    let mut variables: Vec<usize> = nodes.iter().map(|n| n.variable).collect();
    variables.sort_unstable();
    variables.dedup();
    let of = |component: Vec<usize>| {
        let mut copies: Vec<Node> =
            nodes.iter().filter(|n| component.binary_search(&n.variable).is_ok()).cloned().collect();
        copies.sort_by(|a, b| a.identity().cmp(&b.identity()));
        Factor { component, copies }
    };
    c_components_of(graph, &variables).into_iter().map(of).collect()
}

impl Node {
    /// What makes two copies the same in two graphs.
    fn identity(&self) -> (usize, &[(usize, Term)], Term) {
        (self.variable, &self.parents, self.value)
    }
}

impl Factor {
    /// The values of its variables and of their parents, where each has one.
    pub fn values(&self, graph: &Admg) -> Result<BTreeMap<usize, Term>, Box<Conflict>> {
        let mut seen: BTreeMap<usize, Demand> = BTreeMap::new();
        // A variable with two copies is named by the parent that tells them apart.
        for copy in &self.copies {
            for &(parent, value) in &copy.parents {
                self.ask(graph, &mut seen, parent, Demand { copy: copy.clone(), value })?;
            }
        }
        for copy in &self.copies {
            self.ask(graph, &mut seen, copy.variable, Demand { copy: copy.clone(), value: copy.value })?;
        }
        Ok(seen.into_iter().map(|(variable, demand)| (variable, demand.value)).collect())
    }

    fn ask(
        &self,
        graph: &Admg,
        seen: &mut BTreeMap<usize, Demand>,
        variable: usize,
        demand: Demand,
    ) -> Result<(), Box<Conflict>> {
        match seen.get(&variable) {
            Some(first) if first.value != demand.value => {
                let path = path(graph, &self.component, first.copy.variable, demand.copy.variable);
                Err(Box::new(Conflict { variable, demands: [first.clone(), demand], path }))
            }
            Some(_) => Ok(()),
            None => {
                seen.insert(variable, demand);
                Ok(())
            }
        }
    }

    /// The copies whose values it names and that are summed over.
    pub fn summed(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let own = self.copies.iter().map(|copy| (copy.variable, copy.value));
        let named = own.chain(self.copies.iter().flat_map(|copy| copy.parents.iter().copied()));
        named.filter_map(|(v, term)| if let Term::Sum(key) = term { Some((v, key)) } else { None })
    }

    fn same(&self, other: &Self) -> bool {
        self.copies.len() == other.copies.len()
            && self.copies.iter().zip(&other.copies).all(|(a, b)| a.identity() == b.identity())
    }
}

/// A shortest path of bidirected edges within the component.
fn path(graph: &Admg, component: &[usize], from: usize, to: usize) -> Vec<usize> {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([from]);
    while let Some(v) = queue.pop_front() {
        if v == to {
            break;
        }
        for &s in graph.spouses(v).iter().filter(|s| component.binary_search(s).is_ok()) {
            if s != from && !before.contains_key(&s) {
                before.insert(s, v);
                queue.push_back(s);
            }
        }
    }
    let mut path = vec![to];
    while let Some(&v) = before.get(&path[path.len() - 1]) {
        path.push(v);
    }
    path.reverse();
    path
}

/// The factors in groups that share summed values.
pub(super) fn groups(factors: Vec<Factor>) -> Vec<Vec<Factor>> {
    let mut groups: Vec<Vec<Factor>> = vec![];
    for factor in factors {
        let shares = |group: &Vec<Factor>| {
            let theirs: Vec<_> = group.iter().flat_map(Factor::summed).collect();
            factor.summed().any(|key| theirs.contains(&key))
        };
        let (mut joined, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(shares);
        joined.push(vec![factor]);
        groups = apart;
        groups.push(joined.concat());
    }
    for group in &mut groups {
        group.sort_by(|a, b| a.component.cmp(&b.component));
    }
    groups.sort_by(|a, b| a[0].component.cmp(&b[0].component));
    groups
}

/// Takes the groups that both sides have off both; the number of them.
pub(super) fn cancel(num: &mut Vec<Vec<Factor>>, den: &mut Vec<Vec<Factor>>) -> usize {
    let same = |a: &Vec<Factor>, b: &Vec<Factor>| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b));
    let before = num.len();
    num.retain(|group| match den.iter().position(|other| same(group, other)) {
        Some(at) => {
            den.remove(at);
            false
        }
        None => true,
    });
    before - num.len()
}
