//! The smallest ancestor set of a module.

use super::Admg;
use std::collections::VecDeque;

/// Finds, for a set `H` of nodes of one graph, the smallest `A` (the paper's 𝒜) with
/// `P(H ∪ A | do(Pa(H ∪ A))) = P(H ∪ A | Pa(H ∪ A))` by rule 2 of do-calculus: the modularity condition
/// of Rahman & Kocaoglu (ICML 2024), definitions 4.4 and, in `G_do(I)`, D.1.
///
/// With `S = H ∪ A` and `X = Pa(S)`, edges out of `X` cut, a path without colliders from `S` to `X` runs
/// down from `S` or from a spouse of `S`. So rule 2 fails exactly at `X ∩ De(S ∪ Sp(S))`; these nodes
/// are violations in every larger set that leaves them out, hence members of every valid set: adding
/// them until none is left gives the one smallest set.
///
/// Incremental: every node joins `S` and is reached at most once, so a call takes `O(n + m)`, and no
/// more than the edges between `H` and the latest of its parents in topological order. The scratch
/// space is kept between calls.
pub struct Closure<'g> {
    graph: &'g Admg,
    /// Place in a topological order; all 0 (nothing is pruned) in a graph with a directed cycle.
    position: Vec<usize>,
    run: u32,
    member: Vec<u32>,
    reached: Vec<u32>,
    /// The run in which a member of `S` is the node's child, and that member.
    wanted: Vec<(u32, usize)>,
    /// How the node was reached in the run in which it was.
    from: Vec<From>,
}

/// Why a node is in the closure: a path that leaves `S`, runs down to the node and from it into `S`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The node.
    pub node: usize,
    /// The member of `S` that has a hidden cause in common with the first node of the path; `None` if
    /// the path starts in `S` itself.
    pub spouse_of: Option<usize>,
    /// The directed path down to the node, both ends included.
    pub path: Vec<usize>,
    /// The child of the node that is in `S`.
    pub child: usize,
}

#[derive(Clone, Copy)]
enum From {
    Member,
    SpouseOf(usize),
    Parent(usize),
}

impl<'g> Closure<'g> {
    /// Scratch space for `graph`. `O(n + m)`.
    pub fn new(graph: &'g Admg) -> Self {
        let n = graph.len();
        let mut position = vec![0; n];
        if let Ok(order) = graph.topological_order() {
            order.iter().enumerate().for_each(|(at, &v)| position[v] = at);
        }
        Self {
            graph,
            position,
            run: 0,
            member: vec![0; n],
            reached: vec![0; n],
            wanted: vec![(0, 0); n],
            from: vec![From::Member; n],
        }
    }

    /// The smallest `A` for `module`, ascending.
    pub fn of(&mut self, module: &[usize]) -> Vec<usize> {
        let mut added = self.close(module, true);
        added.sort_unstable();
        added
    }

    /// Why each node of the smallest `A` is in it, in the order in which they were found.
    pub fn reasons(&mut self, module: &[usize]) -> Vec<Reason> {
        let added = self.close(module, true);
        added.into_iter().map(|node| self.reason(node)).collect()
    }

    /// `Pa(H) ∩ De(H ∪ Sp(H))`: where rule 2 fails for `module` alone, ascending.
    pub fn violations(&mut self, module: &[usize]) -> Vec<usize> {
        let mut violations = self.close(module, false);
        violations.sort_unstable();
        violations
    }

    /// The violations in the order in which they are found; they join `S` if `grow`.
    fn close(&mut self, module: &[usize], grow: bool) -> Vec<usize> {
        self.start_run();
        module.iter().for_each(|&v| self.member[v] = self.run);
        // Parents of a node that joins come before it, so this bound holds for the whole run.
        let outside = |p: &&usize| self.member[**p] != self.run;
        let parents = module.iter().flat_map(|&v| self.graph.parents(v)).filter(outside);
        let Some(last) = parents.map(|&p| self.position[p]).max() else { return vec![] };

        let (mut added, mut joining, mut below) = (vec![], module.to_vec(), VecDeque::new());
        loop {
            while let Some(node) = joining.pop() {
                self.want_parents(node, &mut added, &mut joining, grow);
                self.reach(node, From::Member, last, &mut below);
                for &spouse in self.graph.spouses(node) {
                    self.reach(spouse, From::SpouseOf(node), last, &mut below);
                }
            }
            let Some(node) = below.pop_front() else { return added };
            if self.wanted[node].0 == self.run {
                self.add(node, &mut added, &mut joining, grow);
            }
            for &child in self.graph.children(node) {
                self.reach(child, From::Parent(node), last, &mut below);
            }
        }
    }

    fn want_parents(&mut self, node: usize, added: &mut Vec<usize>, joining: &mut Vec<usize>, grow: bool) {
        for &parent in self.graph.parents(node) {
            if self.wanted[parent].0 != self.run {
                self.wanted[parent] = (self.run, node);
                if self.reached[parent] == self.run {
                    self.add(parent, added, joining, grow);
                }
            }
        }
    }

    fn add(&mut self, node: usize, added: &mut Vec<usize>, joining: &mut Vec<usize>, grow: bool) {
        if self.member[node] != self.run {
            self.member[node] = self.run;
            added.push(node);
            if grow {
                joining.push(node);
            }
        }
    }

    fn reach(&mut self, node: usize, from: From, last: usize, below: &mut VecDeque<usize>) {
        if self.position[node] <= last && self.reached[node] != self.run {
            self.reached[node] = self.run;
            self.from[node] = from;
            below.push_back(node);
        }
    }

    fn start_run(&mut self) {
        if self.run == u32::MAX {
            self.member.fill(0);
            self.reached.fill(0);
            self.wanted.fill((0, 0));
            self.run = 0;
        }
        self.run += 1;
    }

    fn reason(&self, node: usize) -> Reason {
        let (mut path, mut spouse_of) = (vec![node], None);
        loop {
            match self.from[path[path.len() - 1]] {
                From::Parent(parent) => path.push(parent),
                From::SpouseOf(member) => {
                    spouse_of = Some(member);
                    break;
                }
                From::Member => break,
            }
        }
        path.reverse();
        Reason { node, spouse_of, path, child: self.wanted[node].1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::{ancestors, c_components, m_separated, random_admg};
    use crate::seed::stream;
    use rand::Rng;

    /// The modularity condition itself: rule 2 by m-separation.
    fn valid(graph: &Admg, module: &[usize], ancestors: &[usize]) -> bool {
        let mut set = [module, ancestors].concat();
        set.sort_unstable();
        let parents = graph.parents_of(&set);
        m_separated(&graph.without_edges_out_of(&parents), &set, &parents, &[])
    }

    /// Every valid subset of `An(H) \ H`.
    fn all_valid(graph: &Admg, module: &[usize]) -> Vec<Vec<usize>> {
        let pool: Vec<usize> = ancestors(graph, module).into_iter().filter(|v| !module.contains(v)).collect();
        let subset = |mask: u32| pool.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, &v)| v).collect();
        (0..1_u32 << pool.len()).map(subset).filter(|s: &Vec<usize>| valid(graph, module, s)).collect()
    }

    fn check(graph: &Admg, module: &[usize]) {
        let found = Closure::new(graph).of(module);
        let valid = all_valid(graph, module);
        let smallest = valid.iter().map(Vec::len).min().unwrap();
        let least: Vec<_> = valid.iter().filter(|s| s.len() == smallest).collect();
        assert_eq!(least, [&found], "{graph:?} {module:?}");
        assert!(valid.iter().all(|s| found.iter().all(|v| s.contains(v))));
        check_reasons(graph, module, &found);
    }

    fn check_reasons(graph: &Admg, module: &[usize], found: &[usize]) {
        let mut set = module.to_vec();
        for reason in Closure::new(graph).reasons(module) {
            assert!(set.contains(&reason.child) && graph.parents(reason.child).contains(&reason.node));
            assert_eq!(reason.path.last(), Some(&reason.node));
            match reason.spouse_of {
                Some(member) => assert!(set.contains(&member) && graph.spouses(member).contains(&reason.path[0])),
                None => assert!(set.contains(&reason.path[0])),
            }
            assert!(reason.path.windows(2).all(|w| graph.children(w[0]).contains(&w[1])));
            set.push(reason.node);
        }
        assert_eq!(set.len(), module.len() + found.len());
    }

    #[test]
    fn the_smallest_valid_set_is_unique_and_found_for_every_c_component() {
        let mut rng = stream(1, "closure/observational");
        for _ in 0..4000 {
            let nodes = rng.random_range(3..9);
            let (directed, bidirected) = (rng.random_range(0.1..0.7), rng.random_range(0.0..0.4));
            let graph = random_admg(&mut rng, nodes, directed, bidirected);
            for module in c_components(&graph) {
                check(&graph, &module);
            }
        }
    }

    #[test]
    fn and_for_any_set_of_nodes_under_interventions() {
        let mut rng = stream(1, "closure/interventional");
        for _ in 0..4000 {
            let nodes = rng.random_range(3..9);
            let (directed, bidirected) = (rng.random_range(0.1..0.7), rng.random_range(0.0..0.4));
            let graph = random_admg(&mut rng, nodes, directed, bidirected);
            let cut: Vec<usize> = (0..nodes).filter(|_| rng.random_bool(0.25)).collect();
            let module: Vec<usize> = (0..nodes).filter(|v| !cut.contains(v) && rng.random_bool(0.4)).collect();
            let graph = graph.intervene(&cut);
            check(&graph, &module);
            assert!(Closure::new(&graph).of(&module).iter().all(|v| !cut.contains(v)));
        }
    }

    #[test]
    fn violations_are_where_rule_2_fails_for_the_module_alone() {
        let mut rng = stream(1, "closure/violations");
        for _ in 0..2000 {
            let graph = random_admg(&mut rng, 7, 0.35, 0.2);
            let mut closure = Closure::new(&graph);
            for module in c_components(&graph) {
                assert_eq!(closure.violations(&module).is_empty(), valid(&graph, &module, &[]));
            }
        }
    }

    #[test]
    fn scratch_space_does_not_leak_between_calls() {
        let graph = random_admg(&mut stream(5, "closure/scratch"), 40, 0.15, 0.04);
        let mut shared = Closure::new(&graph);
        for _ in 0..2 {
            for module in c_components(&graph) {
                assert_eq!(shared.of(&module), Closure::new(&graph).of(&module));
            }
        }
    }
}
