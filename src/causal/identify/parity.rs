//! Models over bits: the value of a node is a list of bits (slots), each the parity of bits of its parents, of fair
//! bits of its hidden causes and of noise of its own.

use super::Effect;
use super::discrete::DiscreteModel;
use super::estimand::{minus, union};
use crate::causal::{Admg, Step, open_path};
use std::collections::VecDeque;

/// Tables with more rows than this are not written out.
const LARGEST: usize = 1 << 16;

/// What a slot takes the parity of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bit {
    /// A slot of a parent.
    Slot(usize),
    /// A fair bit of the hidden cause of two nodes, by its number.
    Hidden((usize, usize), usize),
    /// A fair bit of its own.
    Noise,
}

pub(super) struct ParityModel {
    /// Per slot, its node and its inputs.
    slots: Vec<(usize, Vec<Bit>)>,
    /// Per node, its slots; the first is the highest bit of its value.
    of_node: Vec<Vec<usize>>,
}

impl ParityModel {
    pub fn new(nodes: usize) -> Self {
        Self { slots: vec![], of_node: vec![vec![]; nodes] }
    }

    /// A new slot of `node`.
    pub fn slot(&mut self, node: usize, inputs: Vec<Bit>) -> usize {
        self.slots.push((node, inputs));
        self.of_node[node].push(self.slots.len() - 1);
        self.slots.len() - 1
    }

    /// Adds an input to a slot.
    pub fn listen(&mut self, slot: usize, to: Bit) {
        self.slots[slot].1.push(to);
    }

    /// A fair bit of the hidden cause of `a` and `b` that nobody listens to yet.
    fn fresh(&self, a: usize, b: usize) -> Bit {
        let edge = (a.min(b), a.max(b));
        let used = self.slots.iter().flat_map(|(_, inputs)| inputs).filter_map(|bit| match bit {
            Bit::Hidden(other, n) if *other == edge => Some(n + 1),
            _ => None,
        });
        // Number 0 belongs to the hedge.
        Bit::Hidden(edge, used.max().unwrap_or(1).max(1))
    }

    /// The model with explicit tables; `None` where they are too large.
    pub fn tables(&self, graph: &Admg) -> Option<DiscreteModel> {
        let cards = self.of_node.iter().map(|slots| 1 << slots.len()).collect();
        let mut hidden = vec![];
        for a in 0..graph.len() {
            for &b in graph.spouses(a).iter().filter(|&&b| a < b) {
                let count = 1 << self.numbers(a, b).len();
                hidden.push(([a, b], vec![1.0 / count as f64; count]));
            }
        }
        let mut model = DiscreteModel { graph: graph.clone(), cards, hidden, tables: vec![] };
        for v in 0..graph.len() {
            let rows = model.rows(v);
            if rows * model.cards[v] > LARGEST {
                return None;
            }
            let table = (0..rows).flat_map(|row| self.row(&model, v, row)).collect();
            model.tables.push(table);
        }
        Some(model)
    }

    /// The numbers of the bits in use on a hidden cause, ascending.
    fn numbers(&self, a: usize, b: usize) -> Vec<usize> {
        let inputs = self.slots.iter().flat_map(|(_, inputs)| inputs);
        let mut numbers: Vec<usize> = inputs
            .filter_map(|bit| match bit {
                Bit::Hidden(edge, n) if *edge == (a, b) => Some(*n),
                _ => None,
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// One row of the table of `v`: noise makes its values equally likely.
    fn row(&self, model: &DiscreteModel, v: usize, row: usize) -> Vec<f64> {
        let mut rest = row;
        let mut hidden = vec![0; model.hidden.len()];
        for at in model.causes(v).collect::<Vec<_>>().into_iter().rev() {
            hidden[at] = rest % model.hidden[at].1.len();
            rest /= model.hidden[at].1.len();
        }
        let mut values = vec![0; model.cards.len()];
        for &p in model.graph.parents(v).iter().rev() {
            values[p] = rest % model.cards[p];
            rest /= model.cards[p];
        }
        let bit = |bit: &Bit| match bit {
            Bit::Noise => 0,
            Bit::Slot(slot) => {
                let node = self.slots[*slot].0;
                let place = self.of_node[node].iter().rev().position(|s| s == slot).unwrap_or(0);
                values[node] >> place & 1
            }
            Bit::Hidden((a, b), n) => {
                let at = model.hidden.iter().position(|(edge, _)| edge == &[*a, *b]).unwrap_or(0);
                let place = self.numbers(*a, *b).iter().position(|m| m == n).unwrap_or(0);
                hidden[at] >> place & 1
            }
        };
        let (mut fixed, mut noisy) = (0_usize, 0_usize);
        for slot in &self.of_node[v] {
            let inputs = &self.slots[*slot].1;
            fixed = fixed << 1 | (inputs.iter().map(bit).sum::<usize>() & 1);
            noisy = noisy << 1 | usize::from(inputs.contains(&Bit::Noise));
        }
        let share = 1.0 / f64::from(1_u32 << noisy.count_ones());
        (0..model.cards[v]).map(|value| if (value ^ fixed) & !noisy == 0 { share } else { 0.0 }).collect()
    }
}

/// Hides the `slot` of evidence node `z` behind a fair bit that reaches the outcome along a path open given the
/// other evidence, through fair bits on its way: the parity of what is seen of them and of the outcome's bit is
/// then that of the slot. `None` where no such path starts into `z` (then `z` acts as an intervention).
pub(super) fn along_open_path(
    graph: &Admg,
    model: &mut ParityModel,
    effect: &Effect,
    z: usize,
    slot: usize,
) -> Option<()> {
    let given = union(&effect.interventions, &minus(&effect.evidence, &[z]));
    let intervened = graph.intervene(&effect.interventions);
    let (first, steps) = open_path(&intervened.without_edges_out_of(&[z]), &[z], &effect.outcome, &given)?;
    let nodes: Vec<usize> = std::iter::once(first).chain(steps.iter().map(|(_, to)| *to)).collect();
    let kinds: Vec<Step> = steps.iter().map(|(step, _)| *step).collect();
    let last = nodes.len() - 1;
    // What each edge carries; known once its source has a slot.
    let mut signals: Vec<Option<Bit>> = vec![None; kinds.len()];
    for (at, _) in kinds.iter().enumerate().filter(|(_, kind)| **kind == Step::Hidden) {
        signals[at] = Some(model.fresh(nodes[at], nodes[at + 1]));
    }
    let tail_left = |at: usize| at > 0 && kinds[at - 1] == Step::Left;
    let tail_right = |at: usize| at < last && kinds[at] == Step::Right;
    // Sources first: forks, and the outcome where the path leaves it.
    let mut made = vec![None; nodes.len()];
    loop {
        let mut progress = false;
        for at in 1..=last {
            if made[at].is_some() {
                continue;
            }
            // The edges that point into the node.
            let mut into = vec![];
            if !tail_left(at) {
                into.push(signals[at - 1]);
            }
            if at < last && !tail_right(at) {
                into.push(signals[at]);
            }
            if into.iter().any(Option::is_none) {
                continue;
            }
            let inputs: Vec<Bit> =
                if into.is_empty() { vec![Bit::Noise] } else { into.into_iter().flatten().collect() };
            let new = model.slot(nodes[at], inputs);
            made[at] = Some(new);
            progress = true;
            if tail_left(at) {
                signals[at - 1] = Some(Bit::Slot(new));
            }
            if tail_right(at) {
                signals[at] = Some(Bit::Slot(new));
            }
        }
        if !progress {
            break;
        }
    }
    model.listen(slot, signals[0]?);
    for at in 1..last {
        let collider = !tail_left(at) && !tail_right(at);
        if collider && given.binary_search(&nodes[at]).is_err() {
            descend(&intervened, model, &effect.evidence, nodes[at], made[at]?)?;
        }
    }
    Some(())
}

/// Carries a slot down a shortest directed path to the evidence.
fn descend(graph: &Admg, model: &mut ParityModel, evidence: &[usize], from: usize, slot: usize) -> Option<()> {
    let mut before: Vec<Option<usize>> = vec![None; graph.len()];
    let mut queue = VecDeque::from([from]);
    while let Some(v) = queue.pop_front() {
        if evidence.binary_search(&v).is_ok() {
            let mut path = vec![v];
            while let Some(p) = before[path[path.len() - 1]] {
                path.push(p);
            }
            let mut slot = slot;
            for &node in path.iter().rev().skip(1) {
                slot = model.slot(node, vec![Bit::Slot(slot)]);
            }
            return Some(());
        }
        for &c in graph.children(v) {
            if before[c].is_none() && c != from {
                before[c] = Some(v);
                queue.push_back(c);
            }
        }
    }
    None
}
