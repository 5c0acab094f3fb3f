//! How long it takes to parse, check and plan large programs, and how the time grows.
//!
//!     cargo bench --bench compile              # 1,000 to 100,000 nodes, 3 edges a node
//!     cargo bench --bench compile -- large     # and 1,000,000 edges
//!
//! Beside it, where Python with networkx is there, the time networkx takes to read the same edges, to see that
//! they have no cycle and to find the c-components (`benches/compile_networkx.py`).

use dcmc::causal::c_components;
use dcmc::model::lower;
use dcmc::plan::{Options, make};
use dcmc::seed::stream;
use dcmc::syntax::parse;
use rand::Rng;
use std::fmt::Write;
use std::process::Command;
use std::time::Instant;

/// Nodes that a hidden cause joins: every tenth node and the next one.
const EVERY: usize = 10;

fn main() {
    let large = std::env::args().any(|a| a == "large");
    let mut sizes =
        vec![(1_000, 3_000, 15), (3_000, 9_000, 9), (10_000, 30_000, 9), (30_000, 90_000, 5), (100_000, 300_000, 3)];
    if large {
        sizes.push((333_333, 1_000_000, 1));
    }
    println!(
        "{:>9} {:>9} {:>7} | {:>8} {:>8} {:>8} {:>8} | {:>9}",
        "nodes", "edges", "MB", "parse", "check", "plan", "total", "networkx"
    );
    let mut totals = vec![];
    for (nodes, edges, runs) in sizes {
        let text = program(nodes, edges);
        let mut times: Vec<[f64; 3]> = (0..runs).map(|_| compile(&text)).collect();
        times.sort_by(|a, b| a.iter().sum::<f64>().total_cmp(&b.iter().sum()));
        let [parse, check, plan] = times[times.len() / 2];
        let total = parse + check + plan;
        let other = networkx(&text).map_or("-".to_owned(), |s| format!("{s:.3} s"));
        println!(
            "{nodes:>9} {edges:>9} {:>7.1} | {parse:>6.3} s {check:>6.3} s {plan:>6.3} s {total:>6.3} s | {other:>9}",
            text.len() as f64 / 1e6
        );
        totals.push((nodes as f64, total));
    }
    println!("growth of the total, as a power of n log n (1 is as fast as n log n):");
    for pair in totals.windows(2) {
        let [(n, t), (m, u)] = pair else { continue };
        println!("  {n:>7} to {m:>7}: {:.2}", (u / t).ln() / (m * m.ln() / (n * n.ln())).ln());
    }
}

/// Edges between near nodes in a hidden order, and c-components of two.
fn program(nodes: usize, edges: usize) -> String {
    let mut rng = stream(1, "compile");
    let mut text = String::new();
    for _ in 0..edges {
        let from = rng.random_range(0..nodes - 1);
        let to = (from + 1 + rng.random_range(0..50)).min(nodes - 1);
        let _ = writeln!(text, "V{from} -> V{to}");
    }
    for node in (0..nodes - 1).step_by(EVERY) {
        let _ = writeln!(text, "V{node} <-> V{}", node + 1);
    }
    text
}

/// Seconds to parse, check and plan.
fn compile(text: &str) -> [f64; 3] {
    let start = Instant::now();
    let (ast, found) = parse(text);
    let parsed = start.elapsed().as_secs_f64();
    let (model, more) = lower(&ast, |_| vec![]);
    let checked = start.elapsed().as_secs_f64();
    assert!(!found.iter().chain(&more).any(|d| d.is_error()));
    let planned = make(&model, &[], Options::default()).expect("a plan");
    let end = start.elapsed().as_secs_f64();
    assert!(planned.plan.modules.len() <= c_components(&model.graph).len());
    [parsed, checked - parsed, end - checked]
}

/// Seconds that networkx takes for less, without the start of Python.
fn networkx(text: &str) -> Option<f64> {
    let file = tempfile::NamedTempFile::new().ok()?;
    std::fs::write(file.path(), text).ok()?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/compile_networkx.py");
    let output = Command::new("python3").arg(script).arg(file.path()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
