//! A graph in layers: long edges run through virtual vertices, one in each layer they cross (Sugiyama,
//! Tagawa & Toda, IEEE Trans. SMC 11 (1981) 109).

/// More virtual vertices than this are not made; the longest edges go without.
const MOST_VIRTUAL: usize = 60_000;

/// An edge between two layers or within one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub from: usize,
    pub to: usize,
    pub hidden: bool,
}

/// Vertices in layers: the nodes first, then the virtual vertices.
#[derive(Clone, Debug, Default)]
pub(super) struct Layered {
    /// The number of nodes.
    pub nodes: usize,
    /// Each vertex's layer.
    pub layer: Vec<usize>,
    /// The vertices of each layer in their order.
    pub layers: Vec<Vec<usize>>,
    /// Each vertex's place in its layer.
    pub place: Vec<usize>,
    /// The neighbours of each vertex in the layer before, one for each edge.
    pub before: Vec<Vec<usize>>,
    /// The neighbours in the layer after.
    pub after: Vec<Vec<usize>>,
    /// The neighbours in its own layer (hidden edges).
    pub beside: Vec<Vec<usize>>,
    /// Each edge's vertices from its lower layer to its higher one.
    pub chains: Vec<Vec<usize>>,
    /// Whether the edge is hidden.
    pub hidden: Vec<bool>,
}

impl Layered {
    /// Puts virtual vertices where edges cross layers; the order within layers is that of the numbers.
    pub(super) fn new(nodes: usize, layer: Vec<usize>, links: &[Link]) -> Self {
        let mut graph = Self { nodes, layer, chains: vec![vec![]; links.len()], ..Self::default() };
        graph.hidden = links.iter().map(|link| link.hidden).collect();
        let ends = |link: &Link, layer: &[usize]| match layer[link.from] <= layer[link.to] {
            true => (link.from, link.to),
            false => (link.to, link.from),
        };
        let span =
            |graph: &Self, number: usize| graph.layer[links[number].from].abs_diff(graph.layer[links[number].to]);
        let mut shortest_first: Vec<usize> = (0..links.len()).collect();
        shortest_first.sort_by_key(|&number| span(&graph, number));
        for number in shortest_first {
            let (low, high) = ends(&links[number], &graph.layer);
            let mut chain = vec![low];
            if graph.layer.len() + span(&graph, number) <= nodes + MOST_VIRTUAL {
                for between in graph.layer[low] + 1..graph.layer[high] {
                    chain.push(graph.layer.len());
                    graph.layer.push(between);
                }
            }
            chain.push(high);
            graph.chains[number] = chain;
        }
        graph.connect();
        graph
    }

    fn connect(&mut self) {
        let vertices = self.layer.len();
        let neighbours = vec![vec![]; vertices];
        (self.before, self.after, self.beside) = (neighbours.clone(), neighbours.clone(), neighbours);
        for pair in self.chains.iter().flat_map(|chain| chain.windows(2)) {
            let (a, b) = (pair[0], pair[1]);
            match self.layer[b] - self.layer[a] {
                0 => {
                    self.beside[a].push(b);
                    self.beside[b].push(a);
                }
                1 => {
                    self.after[a].push(b);
                    self.before[b].push(a);
                }
                _ => {}
            }
        }
        self.layers = vec![vec![]; self.layer.iter().max().map_or(0, |last| last + 1)];
        for vertex in 0..vertices {
            self.layers[self.layer[vertex]].push(vertex);
        }
        self.number();
    }

    /// Sets each vertex's place from the order of the layers.
    pub(super) fn number(&mut self) {
        self.place.resize(self.layer.len(), 0);
        for layer in &self.layers {
            for (place, &vertex) in layer.iter().enumerate() {
                self.place[vertex] = place;
            }
        }
    }

    pub(super) fn is_virtual(&self, vertex: usize) -> bool {
        vertex >= self.nodes
    }
}
