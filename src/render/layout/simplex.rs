//! Network simplex: whole-number positions with the shortest weighted edges (Gansner, Koutsofios, North
//! & Vo, IEEE Trans. Software Eng. 19 (1993) 214, section 2.3).

/// `position[head] - position[tail]` is at least `length`; each unit of it costs `weight`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub tail: usize,
    pub head: usize,
    pub length: i64,
    pub weight: i64,
}

/// The work after which a solution is taken as it is: visits of nodes and edges.
const BUDGET: usize = 60_000_000;

/// Feasible positions of least cost, from 0, found from the feasible positions `start`. The graph of
/// the spans must be connected. Each pivot is `O(nodes + spans)`; very large problems stop early.
pub(super) fn shortest(spans: &[Span], start: Vec<i64>) -> Vec<i64> {
    let mut tree = Tree::new(spans, start);
    let mut left = BUDGET;
    tree.grow(&mut left);
    while tree.pivot(&mut left) {}
    let least = tree.position.iter().min().copied().unwrap_or(0);
    tree.position.iter().map(|p| p - least).collect()
}

/// A spanning tree of tight spans (those as short as they may be).
struct Tree<'a> {
    spans: &'a [Span],
    position: Vec<i64>,
    /// The spans at each node.
    at: Vec<Vec<usize>>,
    in_tree: Vec<bool>,
    /// The weight of the spans that leave each node, less that of those that enter it.
    net: Vec<i64>,
}

impl<'a> Tree<'a> {
    fn new(spans: &'a [Span], position: Vec<i64>) -> Self {
        let mut at = vec![vec![]; position.len()];
        let mut net = vec![0; position.len()];
        for (number, span) in spans.iter().enumerate() {
            at[span.tail].push(number);
            at[span.head].push(number);
            net[span.tail] += span.weight;
            net[span.head] -= span.weight;
        }
        Self { spans, position, at, in_tree: vec![false; spans.len()], net }
    }

    fn slack(&self, span: &Span) -> i64 {
        self.position[span.head] - self.position[span.tail] - span.length
    }

    /// Makes a tree of tight spans; the part that is ready moves towards the nearest node outside.
    fn grow(&mut self, left: &mut usize) {
        let mut reached = vec![false; self.position.len()];
        let mut members = vec![];
        let mut stack = vec![0];
        if self.position.is_empty() {
            return;
        }
        reached[0] = true;
        loop {
            while let Some(node) = stack.pop() {
                members.push(node);
                for &number in &self.at[node] {
                    let span = &self.spans[number];
                    let other = span.tail + span.head - node;
                    if !reached[other] && self.slack(span) == 0 {
                        reached[other] = true;
                        self.in_tree[number] = true;
                        stack.push(other);
                    }
                }
            }
            if members.len() == self.position.len() {
                return;
            }
            *left = left.saturating_sub(self.spans.len());
            let leaving = (0..self.spans.len()).filter(|&s| reached[self.spans[s].tail] != reached[self.spans[s].head]);
            let Some(nearest) = leaving.min_by_key(|&s| self.slack(&self.spans[s])) else { return };
            let Span { tail, head, .. } = self.spans[nearest];
            let slack = self.slack(&self.spans[nearest]);
            let (shift, next) = if reached[tail] { (slack, head) } else { (-slack, tail) };
            members.iter().for_each(|&m: &usize| self.position[m] += shift);
            self.in_tree[nearest] = true;
            reached[next] = true;
            stack.push(next);
        }
    }

    /// Exchanges one span of the tree for a better one; `false` if there is none.
    fn pivot(&mut self, left: &mut usize) -> bool {
        let work = self.position.len() * 2 + self.spans.len();
        if *left < work {
            return false;
        }
        *left -= work;
        let (order, up) = self.walk();
        // The cut value of a tree span is what leaves the subtree below it, less what enters.
        let mut below = self.net.clone();
        let mut worst: Option<(i64, usize)> = None;
        for &node in order.iter().skip(1).rev() {
            let span = &self.spans[up[node]];
            let cut = if span.tail == node { below[node] } else { -below[node] };
            if cut < 0 && worst.is_none_or(|(value, _)| cut < value) {
                worst = Some((cut, node));
            }
            let parent = span.tail + span.head - node;
            below[parent] += below[node];
        }
        let Some((_, root)) = worst else { return false };
        let subtree = self.subtree(&order, &up, root);
        let leaving = up[root];
        let downwards = self.spans[leaving].tail == root;
        // The new span crosses the cut the other way.
        let crosses = |span: &Span| match downwards {
            true => subtree[span.head] && !subtree[span.tail],
            false => subtree[span.tail] && !subtree[span.head],
        };
        let entering = (0..self.spans.len()).filter(|&s| !self.in_tree[s] && crosses(&self.spans[s]));
        let Some(entering) = entering.min_by_key(|&s| self.slack(&self.spans[s])) else { return false };
        let slack = self.slack(&self.spans[entering]);
        let shift = if downwards { -slack } else { slack };
        for (node, inside) in subtree.iter().enumerate() {
            self.position[node] += if *inside { shift } else { 0 };
        }
        self.in_tree[leaving] = false;
        self.in_tree[entering] = true;
        true
    }

    /// The nodes of the tree from node 0 on, parents first, and the span to each node's parent.
    fn walk(&self) -> (Vec<usize>, Vec<usize>) {
        let mut up = vec![usize::MAX; self.position.len()];
        let mut order = Vec::with_capacity(self.position.len());
        let mut stack = vec![0];
        while let Some(node) = stack.pop() {
            order.push(node);
            let above = up[node];
            for &number in self.at[node].iter().filter(|&&s| self.in_tree[s] && s != above) {
                let span = &self.spans[number];
                let child = span.tail + span.head - node;
                up[child] = number;
                stack.push(child);
            }
        }
        (order, up)
    }

    fn subtree(&self, order: &[usize], up: &[usize], root: usize) -> Vec<bool> {
        let mut inside = vec![false; self.position.len()];
        inside[root] = true;
        for &node in order.iter().skip(1) {
            let span = &self.spans[up[node]];
            inside[node] |= inside[span.tail + span.head - node];
        }
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::stream;
    use rand::Rng;

    fn cost(spans: &[Span], position: &[i64]) -> i64 {
        spans.iter().map(|s| s.weight * (position[s.head] - position[s.tail])).sum()
    }

    fn feasible(spans: &[Span], position: &[i64]) -> bool {
        spans.iter().all(|s| position[s.head] - position[s.tail] >= s.length)
    }

    #[test]
    fn the_cost_is_the_least_of_all_positions() {
        let mut rng = stream(1, "simplex");
        for _ in 0..300 {
            let nodes = rng.random_range(2..=5);
            let mut spans = vec![];
            for head in 1..nodes {
                let tails: Vec<usize> = (0..head).filter(|_| rng.random_bool(0.5)).collect();
                let tails = if tails.is_empty() { vec![rng.random_range(0..head)] } else { tails };
                let mut span =
                    |tail| Span { tail, head, length: rng.random_range(0..=2), weight: rng.random_range(0..=3) };
                spans.extend(tails.into_iter().map(&mut span));
            }
            let mut start = vec![0; nodes];
            for span in &spans {
                start[span.head] = start[span.head].max(start[span.tail] + span.length);
            }
            let found = shortest(&spans, start);
            assert!(feasible(&spans, &found));
            // Some optimum has no free room at either end, so all its positions are at most the sum of lengths.
            let most = 7_i64;
            let mut best = i64::MAX;
            for code in 0..most.pow(nodes as u32) {
                let position: Vec<i64> = (0..nodes).map(|n| code / most.pow(n as u32) % most).collect();
                if feasible(&spans, &position) {
                    best = best.min(cost(&spans, &position));
                }
            }
            assert_eq!(cost(&spans, &found), best, "{spans:?}");
        }
    }
}
