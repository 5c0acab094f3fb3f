//! Forward sampling of the trained model (the paper's Algorithm 9).

use crate::model::{Model, VarId};
use crate::nets::{Hidden, Sampler};
use crate::train::Trained;
use rand_chacha::ChaCha8Rng;

/// Rows are drawn this many at a time.
const CHUNK: usize = 8192;

/// Draws `rows` rows of all variables under `interventions`; returns each variable's codes, empty for a
/// variable that no module holds and that is not set.
///
/// # Errors
/// Candle's.
pub fn forward(
    model: &Model,
    modules: &[&Trained],
    rows: usize,
    interventions: &[(VarId, u32)],
    rng: &mut ChaCha8Rng,
) -> candle_core::Result<Vec<Vec<u32>>> {
    let set: Vec<(VarId, Vec<u32>)> = interventions.iter().map(|&(v, code)| (v, vec![code; rows])).collect();
    forward_with(model, modules, rows, &set, rng)
}

/// As [`forward`], with a value of its own for each row.
pub(super) fn forward_with(
    model: &Model,
    modules: &[&Trained],
    rows: usize,
    interventions: &[(VarId, Vec<u32>)],
    rng: &mut ChaCha8Rng,
) -> candle_core::Result<Vec<Vec<u32>>> {
    let order = model.graph.topological_order().unwrap_or_default();
    let home: Vec<Option<usize>> =
        (0..model.graph.len()).map(|v| modules.iter().position(|m| m.variables().contains(&v))).collect();
    let mut drawn: Vec<Vec<u32>> = vec![Vec::with_capacity(rows); model.graph.len()];
    for start in (0..rows).step_by(CHUNK) {
        let count = CHUNK.min(rows - start);
        let hidden: Vec<Hidden> = modules.iter().map(|m| m.hidden(count, rng)).collect();
        for &variable in &order {
            let column = match (interventions.iter().find(|(v, _)| *v == variable), home[variable]) {
                (Some((_, codes)), _) => codes[start..start + count].to_vec(),
                (None, Some(module)) => {
                    let parents: Vec<&[u32]> =
                        model.graph.parents(variable).iter().map(|&p| &drawn[p][start..]).collect();
                    modules[module].sample(variable, &parents, &hidden[module], rng)?
                }
                (None, None) => continue,
            };
            drawn[variable].extend(column);
        }
    }
    Ok(drawn)
}

/// The distribution of `outcome` (row-major) among the rows that agree with `evidence`, and their number.
pub(super) fn tally(
    model: &Model,
    drawn: &[Vec<u32>],
    outcome: &[VarId],
    evidence: &[(VarId, u32)],
) -> (Vec<f64>, usize) {
    let cards: Vec<usize> = outcome.iter().map(|&v| model.card(v).unwrap_or(1)).collect();
    let mut counts = vec![0.0; cards.iter().product()];
    let mut kept = 0;
    let rows = outcome.first().map_or(0, |&v| drawn[v].len());
    let agrees = |row: &usize| evidence.iter().all(|&(v, code)| drawn[v][*row] == code);
    for row in (0..rows).filter(agrees) {
        let cell = outcome.iter().zip(&cards).fold(0, |cell, (&v, card)| cell * card + drawn[v][row] as usize);
        counts[cell] += 1.0;
        kept += 1;
    }
    counts.iter_mut().for_each(|c| *c /= (kept as f64).max(1.0));
    (counts, kept)
}
