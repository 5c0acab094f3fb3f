//! Graphs with edges cut, and the outer neighbours of a set.

use super::Admg;

impl Admg {
    /// `G_do(I)`: without the directed and bidirected edges into `nodes` (Pearl, *Causality*, 2009,
    /// section 3.2). Linear time.
    pub fn intervene(&self, nodes: &[usize]) -> Self {
        let mut set = vec![false; self.len()];
        nodes.iter().for_each(|&v| set[v] = true);
        let keep = |list: &[usize]| list.iter().copied().filter(|&v| !set[v]).collect::<Vec<_>>();
        let all = |f: &dyn Fn(usize) -> Vec<usize>| (0..self.len()).map(f).collect::<Vec<_>>();
        Self::from_lists(
            all(&|v| if set[v] { vec![] } else { self.parents(v).to_vec() }),
            all(&|v| keep(self.children(v))),
            all(&|v| if set[v] { vec![] } else { keep(self.spouses(v)) }),
        )
    }

    /// The graph without the directed edges out of `nodes`, as in rule 2 of do-calculus. Linear time.
    pub fn without_edges_out_of(&self, nodes: &[usize]) -> Self {
        let mut set = vec![false; self.len()];
        nodes.iter().for_each(|&v| set[v] = true);
        let all = |f: &dyn Fn(usize) -> Vec<usize>| (0..self.len()).map(f).collect::<Vec<_>>();
        Self::from_lists(
            all(&|v| self.parents(v).iter().copied().filter(|&p| !set[p]).collect()),
            all(&|v| if set[v] { vec![] } else { self.children(v).to_vec() }),
            all(&|v| self.spouses(v).to_vec()),
        )
    }

    /// `Pa(S)`: the parents of the ascending set `nodes` that are not in it, ascending.
    /// `O(e log e)` in the number `e` of edges into the set.
    pub fn parents_of(&self, nodes: &[usize]) -> Vec<usize> {
        let mut parents: Vec<usize> = nodes.iter().flat_map(|&v| self.parents(v)).copied().collect();
        parents.sort_unstable();
        parents.dedup();
        parents.retain(|p| nodes.binary_search(p).is_err());
        parents
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surgery_cuts_the_edges_it_names_and_no_other() {
        let g = Admg::with_edges(4, &[(0, 1), (1, 2), (0, 2)], &[(1, 2), (0, 3), (1, 3)]);
        assert_eq!(g.intervene(&[1]), Admg::with_edges(4, &[(1, 2), (0, 2)], &[(0, 3)]));
        assert_eq!(g.intervene(&[]), g);
        assert_eq!(g.without_edges_out_of(&[0]), Admg::with_edges(4, &[(1, 2)], &[(1, 2), (0, 3), (1, 3)]));
        assert_eq!(g.parents_of(&[1, 2]), [0]);
        assert_eq!(g.parents_of(&[2]), [0, 1]);
    }
}
