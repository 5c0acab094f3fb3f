//! Pairs of explicit models that agree on every regime and differ in the effect: why "no" means no.
//!
//! First the parity construction (Shpitser & Pearl 2006, theorem 4): every node of the hedge is the parity of its
//! parents in the forest and of fair hidden bits on its bidirected tree edges; in the second model the smaller
//! forest does not listen to the rest. The parity of the roots is then zero in every regime, and under the
//! intervention zero in the second model and a fair bit in the first. It is carried down to the outcome; where all
//! of it ends in the evidence, fair bits along an open path to the outcome carry it on. It needs one hedge that no
//! usable regime cuts.
//!
//! Otherwise (thickets) a search: with all other mechanisms random, the regimes and the effect are linear in the
//! table of one node of the district, and a direction that moves the effect but no regime gives two models, all
//! of whose probabilities are positive (the idea of Kivva et al. 2022). Every pair is checked by exact summation,
//! so time is exponential in the nodes that take part: for small graphs.

use super::c_factor::closure;
use super::discrete::{DiscreteModel, conditional};
use super::estimand::{disjoint, minus, union};
use super::hedge::{Forest, forest};
use super::parity::{Bit, ParityModel, along_open_path};
use super::{Effect, Regime, Witness, project};
use crate::causal::Admg;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, VecDeque};

/// The effects of the two models differ by more than this.
pub const GAP: f64 = 1e-3;
/// The regimes of the two models agree up to this.
pub const AGREEMENT: f64 = 1e-9;
/// Models with more assignments than this are not summed.
const LARGEST: f64 = 3e6;
/// Random mechanisms tried in the search.
const TRIES: usize = 160;

/// Two models of the graph without the witness's hidden nodes that agree on the regimes and differ in the effect.
/// They agree even on the nodes that a regime does not observe, but for a witness of unseen nodes. `None` where none
/// was found or the graph is too large.
pub fn counterexample(
    graph: &Admg,
    regimes: &[Regime],
    effect: &Effect,
    witness: &Witness,
) -> Option<[DiscreteModel; 2]> {
    let graph = &project(graph, &witness.hidden);
    // A hidden node that the effect sets is idle once the evidence has moved; without it only the moved effect is the same.
    let effect = if disjoint(&effect.interventions, &witness.hidden) { effect } else { &witness.effect };
    let mut regimes = super::sorted(graph.len(), regimes);
    if witness.unseen.is_empty() {
        regimes.iter_mut().for_each(|regime| regime.observed = (0..graph.len()).collect());
    }
    let good = |models: &[DiscreteModel; 2]| checks(models, &regimes, effect);
    if !witness.unseen.is_empty() {
        return Some(relabelled(graph, witness)).filter(good);
    }
    let sets: Vec<Vec<usize>> = regimes.iter().map(|regime| regime.interventions.clone()).collect();
    by_parity(graph, &sets, witness).filter(good).or_else(|| candidates(graph, &sets, effect, witness).find(good))
}

/// Whether the models agree on every regime and differ in the effect.
fn checks(models: &[DiscreteModel; 2], regimes: &[Regime], effect: &Effect) -> bool {
    let [first, second] = models;
    let agree = |regime: &Regime| {
        settings(&first.cards, &regime.interventions).iter().all(|setting| {
            let mut differences: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
            for (model, sign) in [(first, 1.0), (second, -1.0)] {
                for (cell, p) in model.distribution(setting) {
                    let seen = regime.observed.iter().map(|&v| cell[v]).collect();
                    *differences.entry(seen).or_insert(0.0) += sign * p;
                }
            }
            differences.values().all(|difference| difference.abs() < AGREEMENT)
        })
    };
    gap(models, effect) > GAP && regimes.iter().all(agree)
}

/// The largest difference of the effect where both models give the evidence a probability.
fn gap(models: &[DiscreteModel; 2], effect: &Effect) -> f64 {
    let [first, second] = models;
    let cards = &first.cards;
    let mut largest = 0.0_f64;
    for setting in settings(cards, &effect.interventions) {
        let (a, b) = (first.distribution(&setting), second.distribution(&setting));
        for evidence in settings(cards, &effect.evidence) {
            let mut values = vec![0; cards.len()];
            evidence.iter().for_each(|&(v, x)| values[v] = x);
            if [&a, &b].iter().any(|joint| conditional(joint, &effect.evidence, &[], &values) < 1e-6) {
                continue;
            }
            for outcome in settings(cards, &effect.outcome) {
                outcome.iter().for_each(|&(v, x)| values[v] = x);
                let p = |joint| conditional(joint, &effect.outcome, &effect.evidence, &values);
                largest = largest.max((p(&a) - p(&b)).abs());
            }
        }
    }
    largest
}

/// All assignments of values to the nodes.
fn settings(cards: &[usize], nodes: &[usize]) -> Vec<Vec<(usize, usize)>> {
    nodes.iter().fold(vec![vec![]], |all, &v| {
        all.into_iter().flat_map(|s: Vec<_>| (0..cards[v]).map(move |x| [&s[..], &[(v, x)]].concat())).collect()
    })
}

/// An outcome that nobody sees has another distribution; an intervention that nobody sees acts with the other sign.
fn relabelled(graph: &Admg, witness: &Witness) -> [DiscreteModel; 2] {
    let node = witness.unseen[0];
    let mut model = ParityModel::new(graph.len());
    if witness.effect.outcome.binary_search(&node).is_ok() {
        model.slot(node, vec![]);
        let mut first = model.tables(graph).expect("one node of two values");
        let mut second = first.clone();
        (first.tables[node], second.tables[node]) = (vec![0.7, 0.3], vec![0.4, 0.6]);
        return [first, second];
    }
    let slot = model.slot(node, vec![Bit::Noise]);
    carry(graph, &mut model, &witness.effect, &[(node, slot)], &witness.effect.interventions);
    let first = model.tables(graph).expect("nodes of two values");
    let mut second = first.clone();
    for &child in graph.children(node).iter().filter(|&&c| first.cards[c] > 1) {
        second.tables[child].chunks_exact_mut(2).for_each(|row| row.swap(0, 1));
    }
    [first, second]
}

// ---- the parity construction ----

fn by_parity(graph: &Admg, sets: &[Vec<usize>], witness: &Witness) -> Option<[DiscreteModel; 2]> {
    let (f, f_prime) = common_hedge(graph, sets, witness)?;
    let build = |second: bool| {
        let mut model = ParityModel::new(graph.len());
        let mut roots = vec![];
        let order = graph.topological_order().ok()?;
        let mut slots = vec![None; graph.len()];
        for &v in order.iter().filter(|v| f.nodes.binary_search(v).is_ok()) {
            let inner = f_prime.nodes.binary_search(&v).is_ok();
            let tree = if second && inner { &f_prime } else { &f };
            let mut inputs = vec![];
            for &(p, _) in tree.directed.iter().filter(|(_, to)| *to == v) {
                inputs.push(Bit::Slot(slots[p]?));
            }
            for &edge in tree.bidirected.iter().filter(|(a, b)| *a == v || *b == v) {
                inputs.push(Bit::Hidden(edge, 0));
            }
            // Without a regime that leaves the district alone there is nothing to listen to but chance.
            if !second && f.nodes == f_prime.nodes && v == f_prime.nodes[0] {
                inputs.push(Bit::Noise);
            }
            let slot = model.slot(v, inputs);
            slots[v] = Some(slot);
            if inner {
                roots.push((v, slot));
            }
        }
        let ends = carry(graph, &mut model, &witness.effect, &roots, &witness.effect.interventions);
        if !ends.iter().any(|(v, _)| witness.effect.outcome.binary_search(v).is_ok()) {
            let &(z, slot) = ends.first()?;
            along_open_path(graph, &mut model, &witness.effect, z, slot)?;
        }
        model.tables(graph)
    };
    Some([build(false)?, build(true)?])
}

/// One hedge for the district that lies outside all interventions of the regimes that leave the district alone.
fn common_hedge(graph: &Admg, sets: &[Vec<usize>], witness: &Witness) -> Option<(Forest, Forest)> {
    let district = &witness.district;
    let usable: Vec<&Vec<usize>> = sets.iter().filter(|set| disjoint(district, set)).collect();
    let f_prime = forest(graph, district, district, &Forest::default());
    if usable.is_empty() {
        return Some((f_prime.clone(), f_prime));
    }
    if let [hedge] = &witness.hedges[..] {
        return Some((hedge.f.clone(), f_prime));
    }
    let cut = usable.iter().fold(witness.hidden.clone(), |all, set| union(&all, set));
    let mut f = closure(graph, district, &minus(&(0..graph.len()).collect::<Vec<_>>(), &cut));
    let meets = |f: &[usize]| !disjoint(&minus(f, district), &witness.effect.interventions);
    if !meets(&f) {
        return None;
    }
    for v in minus(&f, district) {
        let smaller = closure(graph, district, &minus(&f, &[v]));
        if meets(&smaller) {
            f = smaller;
        }
    }
    Some((forest(graph, &f, district, &f_prime), f_prime))
}

/// Carries the parity of the `roots` (node and slot) along directed paths that avoid `barred` to the outcome, and
/// where that is cut off by the evidence, to the evidence. The nodes and slots it ends in, outcomes first.
fn carry(
    graph: &Admg,
    model: &mut ParityModel,
    effect: &Effect,
    roots: &[(usize, usize)],
    barred: &[usize],
) -> Vec<(usize, usize)> {
    let sources: Vec<usize> = roots.iter().map(|(root, _)| *root).collect();
    let next = towards(graph, effect, &sources, barred);
    let mut arriving: Vec<Vec<Bit>> = vec![vec![]; graph.len()];
    let mut on_a_path = vec![false; graph.len()];
    for &(root, _) in roots {
        let mut at = root;
        while let Some(to) = next[at] {
            on_a_path[to] = true;
            at = to;
        }
    }
    let mut ends = vec![];
    for v in graph.topological_order().unwrap_or_default() {
        let root = roots.iter().find(|(r, _)| *r == v).map(|(_, slot)| *slot);
        let passing = on_a_path[v].then(|| model.slot(v, std::mem::take(&mut arriving[v])));
        let leaving: Vec<usize> = passing.into_iter().chain(root).collect();
        match next[v] {
            Some(to) => arriving[to].extend(leaving.into_iter().map(Bit::Slot)),
            None => ends.extend(leaving.into_iter().rev().take(1).map(|slot| (v, slot))),
        }
    }
    ends.sort_by_key(|(v, _)| effect.outcome.binary_search(v).is_err());
    ends
}

/// The next node of every node on a shortest directed path to the outcome, or to the evidence where that cuts off the
/// outcome. Paths avoid `barred` but for the sources.
fn towards(graph: &Admg, effect: &Effect, sources: &[usize], barred: &[usize]) -> Vec<Option<usize>> {
    let mut next: Vec<Option<usize>> = vec![None; graph.len()];
    let targets = union(&effect.outcome, &effect.evidence);
    for goal in [&effect.outcome, &effect.evidence] {
        let mut queue: VecDeque<usize> = goal.iter().copied().collect();
        while let Some(v) = queue.pop_front() {
            let open = |p: &&usize| barred.binary_search(p).is_err() || sources.contains(p);
            for &p in graph.parents(v).iter().filter(open) {
                if next[p].is_none() && targets.binary_search(&p).is_err() {
                    next[p] = Some(v);
                    queue.push_back(p);
                }
            }
        }
    }
    next
}

// ---- the search ----

/// Pairs with random mechanisms for all nodes but one of the district, and a direction for that one.
fn candidates<'a>(
    graph: &'a Admg,
    sets: &'a [Vec<usize>],
    effect: &'a Effect,
    witness: &'a Witness,
) -> impl Iterator<Item = [DiscreteModel; 2]> + 'a {
    let relevant = relevant(graph, witness);
    let count = witness.district.len();
    (0..TRIES).flat_map(move |attempt| {
        let mut rng = ChaCha8Rng::seed_from_u64(attempt as u64);
        let round = attempt / count;
        let node = witness.district[attempt % count];
        let tried = Tried {
            levels: 2 + round % 5,
            sharp: round % 4 >= 2,
            kept: [1.0, 0.0, 0.4][round % 3],
            copied: round % 2 == 1,
        };
        let model = mechanisms(&mut rng, graph, &relevant, node, witness, tried);
        model.map(|model| directions(&model, sets, effect, node)).unwrap_or_default()
    })
}

/// The nodes that can matter to the effect, ascending.
fn relevant(graph: &Admg, witness: &Witness) -> Vec<usize> {
    let effect = &witness.effect;
    let ends = union(&union(&effect.outcome, &effect.evidence), &witness.district);
    crate::causal::ancestors(graph, &ends)
}

/// What a random model is like.
struct Tried {
    /// The number of values of the hidden causes of the node that changes, and of those of the hedges: the settings of
    /// a regime must not exhaust what they can tell.
    levels: usize,
    /// Whether mechanisms are almost deterministic.
    sharp: bool,
    /// The share of the hidden causes outside the hedges that act: the fewer, the less a regime sees.
    kept: f64,
    /// Whether the nodes on the path from the changed node to the outcome copy what comes down it.
    copied: bool,
}

/// A random model in which only `relevant` nodes vary.
fn mechanisms(
    rng: &mut ChaCha8Rng,
    graph: &Admg,
    relevant: &[usize],
    node: usize,
    witness: &Witness,
    tried: Tried,
) -> Option<DiscreteModel> {
    let inside = |v: usize| relevant.binary_search(&v).is_ok();
    let cards: Vec<usize> = (0..graph.len()).map(|v| 1 + usize::from(inside(v))).collect();
    let mut hidden = vec![];
    let mut assignments = 2_f64.powi(relevant.len() as i32);
    for a in 0..graph.len() {
        for &b in graph.spouses(a).iter().filter(|&&b| a < b) {
            let in_a_hedge = witness.hedges.iter().any(|hedge| hedge.f.bidirected.contains(&(a, b)));
            let acts = inside(a) && inside(b) && (in_a_hedge || rng.random_bool(tried.kept));
            let count = match acts {
                false => 1,
                true if in_a_hedge || a == node || b == node => tried.levels,
                true => 2,
            };
            assignments *= count as f64;
            hidden.push(([a, b], vec![1.0 / count as f64; count]));
        }
    }
    if assignments > LARGEST {
        return None;
    }
    let mut model = DiscreteModel { graph: graph.clone(), cards, hidden, tables: vec![] };
    let mut copies: Vec<Option<usize>> = vec![None; graph.len()];
    if tried.copied {
        let next = towards(graph, &witness.effect, &[node], &witness.effect.interventions);
        let mut at = node;
        while let Some(to) = next[at] {
            copies[to] = Some(at);
            at = to;
        }
    }
    for (v, copied) in copies.into_iter().enumerate() {
        let mut table = vec![];
        for row in 0..model.rows(v) {
            if !inside(v) || v == node {
                table.extend(vec![1.0 / model.cards[v] as f64; model.cards[v]]);
                continue;
            }
            // Strong mechanisms keep the effect visible far down.
            let least = if tried.sharp { rng.random_range(0.01..0.03) } else { rng.random_range(0.03..0.25) };
            let low = match copied {
                Some(from) => model.parent_value(v, from, row) == 1,
                None => rng.random_bool(0.5),
            };
            table.extend(if low { [least, 1.0 - least] } else { [1.0 - least, least] });
        }
        model.tables.push(table);
    }
    Some(model)
}

/// Pairs of models that differ from `model` in the table of `node` by a direction that no regime sees, those
/// that move the effect most first.
fn directions(model: &DiscreteModel, sets: &[Vec<usize>], effect: &Effect, node: usize) -> Vec<[DiscreteModel; 2]> {
    const TRIED: usize = 6;
    let every: Vec<usize> = (0..model.cards.len()).collect();
    let free = |set: &&Vec<usize>| !set.contains(&node);
    let constraints: Vec<Vec<f64>> =
        sets.iter().filter(free).flat_map(|set| gradients(model, set, &every, node)).collect();
    let basis = orthonormal(constraints);
    let shown = union(&effect.outcome, &effect.evidence);
    let mut found: Vec<(f64, Vec<f64>)> = gradients(model, &effect.interventions, &shown, node)
        .into_iter()
        .filter_map(|gradient| {
            let direction = remainder(&gradient, &basis);
            let largest = direction.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            let moved: f64 = direction.iter().zip(&gradient).map(|(a, b)| a * b).sum();
            (largest > 1e-7).then(|| (moved / largest, direction.iter().map(|x| 0.45 * x / largest).collect()))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let shifted = |direction: &[f64], sign: f64| {
        let mut model = model.clone();
        for (row, by) in direction.iter().enumerate() {
            model.tables[node][2 * row] += sign * by;
            model.tables[node][2 * row + 1] -= sign * by;
        }
        model
    };
    found.iter().take(TRIED).map(|(_, d)| [shifted(d, 1.0), shifted(d, -1.0)]).collect()
}

/// How the probabilities of `shown` under all settings of `set` change with `P(node = 0 | row)`, one gradient a cell.
fn gradients(model: &DiscreteModel, set: &[usize], shown: &[usize], node: usize) -> Vec<Vec<f64>> {
    let rows = model.rows(node);
    let mut all = vec![];
    for setting in settings(&model.cards, set) {
        let mut cells: BTreeMap<Vec<usize>, Vec<f64>> = BTreeMap::new();
        model.each(&setting, &mut |values, hidden, p| {
            let cell = shown.iter().map(|&v| values[v]).collect();
            let sign = if values[node] == 0 { 1.0 } else { -1.0 };
            cells.entry(cell).or_insert_with(|| vec![0.0; rows])[model.row(node, values, hidden)] += sign * p / 0.5;
        });
        all.extend(cells.into_values());
    }
    all
}

/// An orthonormal basis of the span (Gram & Schmidt, twice for accuracy).
fn orthonormal(vectors: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = vec![];
    for vector in vectors {
        let size = norm(&vector);
        let rest = remainder(&vector, &basis);
        let length = norm(&rest);
        if length > 1e-10 * size && length > 1e-14 {
            let unit: Vec<f64> = rest.iter().map(|x| x / length).collect();
            let unit = remainder(&unit, &basis);
            let length = norm(&unit);
            basis.push(unit.iter().map(|x| x / length).collect());
        }
    }
    basis
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// What of the vector is orthogonal to the basis.
fn remainder(vector: &[f64], basis: &[Vec<f64>]) -> Vec<f64> {
    let mut rest = vector.to_vec();
    for _ in 0..2 {
        for unit in basis {
            let along: f64 = rest.iter().zip(unit).map(|(a, b)| a * b).sum();
            rest.iter_mut().zip(unit).for_each(|(a, b)| *a -= along * b);
        }
    }
    rest
}
