//! The graph type: directed and bidirected edges over nodes `0..n`.

/// An acyclic directed mixed graph. Adjacency lists are sorted and free of repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admg {
    parents: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
    spouses: Vec<Vec<usize>>,
}

impl Admg {
    /// A graph of `nodes` nodes without edges.
    pub fn new(nodes: usize) -> Self {
        Self { parents: vec![vec![]; nodes], children: vec![vec![]; nodes], spouses: vec![vec![]; nodes] }
    }

    /// A graph with the directed edges `from -> to` and the bidirected edges `a <-> b`.
    pub fn with_edges(nodes: usize, directed: &[(usize, usize)], bidirected: &[(usize, usize)]) -> Self {
        let mut graph = Self::new(nodes);
        for &(from, to) in directed {
            graph.add_directed(from, to);
        }
        for &(a, b) in bidirected {
            graph.add_bidirected(a, b);
        }
        graph
    }

    /// A graph from its adjacency lists, each sorted, free of repeats and consistent with the others.
    pub(super) fn from_lists(parents: Vec<Vec<usize>>, children: Vec<Vec<usize>>, spouses: Vec<Vec<usize>>) -> Self {
        Self { parents, children, spouses }
    }

    /// Adds `from -> to`; a repeat changes nothing. Cycles are the caller's to report.
    pub fn add_directed(&mut self, from: usize, to: usize) {
        insert_sorted(&mut self.children[from], to);
        insert_sorted(&mut self.parents[to], from);
    }

    /// Adds `a <-> b`; a repeat changes nothing.
    pub fn add_bidirected(&mut self, a: usize, b: usize) {
        insert_sorted(&mut self.spouses[a], b);
        insert_sorted(&mut self.spouses[b], a);
    }

    /// Takes `from -> to` away, if it is there.
    pub(super) fn remove_directed(&mut self, from: usize, to: usize) {
        self.children[from].retain(|&v| v != to);
        self.parents[to].retain(|&v| v != from);
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Whether the graph has no nodes.
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    /// The direct causes of `node`, ascending.
    pub fn parents(&self, node: usize) -> &[usize] {
        &self.parents[node]
    }

    /// The direct effects of `node`, ascending.
    pub fn children(&self, node: usize) -> &[usize] {
        &self.children[node]
    }

    /// The nodes that share a hidden cause with `node`, ascending.
    pub fn spouses(&self, node: usize) -> &[usize] {
        &self.spouses[node]
    }

    /// The nodes so that every cause comes before its effects, smallest number first among equals;
    /// `Err` holds one directed cycle, in order. Linear time (Kahn 1962).
    pub fn topological_order(&self) -> Result<Vec<usize>, Vec<usize>> {
        let mut missing: Vec<usize> = self.parents.iter().map(Vec::len).collect();
        let mut ready: std::collections::BinaryHeap<_> =
            (0..self.len()).filter(|&v| missing[v] == 0).map(std::cmp::Reverse).collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(std::cmp::Reverse(node)) = ready.pop() {
            order.push(node);
            for &child in &self.children[node] {
                missing[child] -= 1;
                if missing[child] == 0 {
                    ready.push(std::cmp::Reverse(child));
                }
            }
        }
        if order.len() == self.len() { Ok(order) } else { Err(self.cycle_among(&missing)) }
    }

    /// Walks backwards among the nodes that Kahn's algorithm left over until one repeats.
    fn cycle_among(&self, missing: &[usize]) -> Vec<usize> {
        let mut path = vec![(0..self.len()).find(|&v| missing[v] > 0).expect("a node on a cycle")];
        loop {
            let last = path[path.len() - 1];
            let next = *self.parents[last].iter().find(|&&p| missing[p] > 0).expect("a parent on the cycle");
            if let Some(start) = path.iter().position(|&v| v == next) {
                let mut cycle = path.split_off(start);
                cycle.reverse();
                return cycle;
            }
            path.push(next);
        }
    }
}

fn insert_sorted(list: &mut Vec<usize>, value: usize) {
    if let Err(at) = list.binary_search(&value) {
        list.insert(at, value);
    }
}
