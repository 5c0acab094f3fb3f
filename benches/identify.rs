//! How long one effect takes to identify, by the size of the graph.
//!
//!     cargo bench --bench identify                     # both families, 10 to 2,000 nodes
//!     cargo bench --bench identify -- FILE.json        # and write the graphs up to 200 nodes for others to time
//!
//! `benches/identify_peers.py FILE.json` times y0 and ananke on the same graphs, where they are installed.
//! Family A: 1.5 n random directed edges, n/3 bidirected ones, a random outcome and one of its ancestors. Family B:
//! every node has two parents among the ten before it, the outcome is the last node, n/3 bidirected edges lie among
//! its ancestors, and one of them is set.

use dcmc::causal::identify::{Effect, Verdict, identify};
use dcmc::causal::{Admg, ancestors};
use dcmc::seed::stream;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::time::Instant;

const QUERIES: usize = 20;

fn main() {
    let file = std::env::args().skip(1).find(|a| a.ends_with(".json"));
    let mut written = vec![];
    println!("{:>6} {:>6} | {:>11} {:>11} | identified", "family", "nodes", "median", "slowest");
    for (family, draw) in [("A", family_a as fn(&mut ChaCha8Rng, usize) -> Query), ("B", family_b)] {
        for nodes in [10, 20, 50, 100, 200, 500, 1000, 2000] {
            let mut rng = stream(1, &format!("identify/{family}/{nodes}"));
            let queries: Vec<Query> = (0..QUERIES).map(|_| draw(&mut rng, nodes)).collect();
            let (mut times, mut identified) = (vec![], 0);
            for query in &queries {
                let effect =
                    Effect { outcome: vec![query.outcome], interventions: vec![query.intervention], evidence: vec![] };
                // The fastest of three: others share the machine.
                let mut fastest = f64::INFINITY;
                for run in 0..3 {
                    let start = Instant::now();
                    let verdict = identify(&query.graph, &[], &effect);
                    fastest = fastest.min(start.elapsed().as_secs_f64());
                    identified += usize::from(run == 0 && matches!(verdict, Verdict::Identified(_)));
                }
                times.push(fastest);
            }
            times.sort_by(f64::total_cmp);
            let (median, slowest) = (times[QUERIES / 2] * 1e3, times[QUERIES - 1] * 1e3);
            println!("{family:>6} {nodes:>6} | {median:>8.3} ms {slowest:>8.3} ms | {identified} of {QUERIES}");
            if nodes <= 200 {
                let graphs: Vec<_> = queries.iter().map(Query::json).collect();
                written.push(json!({"family": family, "nodes": nodes, "median_s": median / 1e3, "queries": graphs}));
            }
        }
    }
    if let Some(file) = file {
        std::fs::write(&file, json!(written).to_string()).expect("a file that can be written");
    }
}

struct Query {
    graph: Admg,
    outcome: usize,
    intervention: usize,
}

impl Query {
    fn json(&self) -> serde_json::Value {
        let edges = |list: &dyn Fn(usize) -> Vec<[usize; 2]>| (0..self.graph.len()).flat_map(list).collect::<Vec<_>>();
        let directed = edges(&|v| self.graph.children(v).iter().map(|&c| [v, c]).collect());
        let bidirected = edges(&|v| self.graph.spouses(v).iter().filter(|&&s| v < s).map(|&s| [v, s]).collect());
        let effect = Effect { outcome: vec![self.outcome], interventions: vec![self.intervention], evidence: vec![] };
        let identified = matches!(identify(&self.graph, &[], &effect), Verdict::Identified(_));
        json!({"nodes": self.graph.len(), "directed": directed, "bidirected": bidirected, "outcome": self.outcome,
               "intervention": self.intervention, "identified": identified})
    }
}

fn family_a(rng: &mut ChaCha8Rng, nodes: usize) -> Query {
    loop {
        let mut graph = Admg::new(nodes);
        for _ in 0..nodes * 3 / 2 {
            let (a, b) = pair(rng, nodes);
            graph.add_directed(a, b);
        }
        for _ in 0..nodes / 3 {
            let (a, b) = pair(rng, nodes);
            graph.add_bidirected(a, b);
        }
        let outcome = rng.random_range(0..nodes);
        let mut above = ancestors(&graph, &[outcome]);
        above.retain(|&v| v != outcome);
        if let Some(&intervention) = above.choose(rng) {
            return Query { graph, outcome, intervention };
        }
    }
}

fn family_b(rng: &mut ChaCha8Rng, nodes: usize) -> Query {
    let mut graph = Admg::new(nodes);
    for v in 1..nodes {
        for _ in 0..2 {
            graph.add_directed(rng.random_range(v.saturating_sub(10)..v), v);
        }
    }
    let outcome = nodes - 1;
    let above = ancestors(&graph, &[outcome]);
    for _ in 0..nodes / 3 {
        let (a, b) = pair(rng, above.len());
        graph.add_bidirected(above[a], above[b]);
    }
    let intervention = above[rng.random_range(0..above.len() - 1)];
    Query { graph, outcome, intervention }
}

/// Two different numbers below `n`, ascending.
fn pair(rng: &mut ChaCha8Rng, n: usize) -> (usize, usize) {
    loop {
        let (a, b) = (rng.random_range(0..n), rng.random_range(0..n));
        if a != b {
            return (a.min(b), a.max(b));
        }
    }
}
