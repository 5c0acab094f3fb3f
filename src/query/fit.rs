//! How well the trained model fits each data set.

use super::answer::Fit;
use super::expect::kl;
use super::real_fit::reals;
use super::{Asked, Runtime, exact, images, total_variation};
use crate::data::Table;
use crate::model::VarId;
use crate::seed;
use rand::Rng;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Distributions over more cells than this are compared on samples.
const MAX_CELLS: f64 = 2e6;

/// Compares each data set's rows with the model's distribution under the same interventions, over the
/// discrete variables that the data set observes and does not set (all those that can be drawn, where some causes
/// are not trained).
///
/// # Errors
/// Candle's.
pub fn fit(runtime: &Runtime, tables: &[Table]) -> candle_core::Result<Vec<Fit>> {
    let regimes = runtime.model.regimes.iter().zip(tables);
    regimes.filter_map(|(regime, table)| fit_one(runtime, table, regime.test).transpose()).collect()
}

/// `None` where the data set has no variable to compare.
fn fit_one(runtime: &Runtime, table: &Table, test: bool) -> candle_core::Result<Option<Fit>> {
    let regime = runtime.model.regimes.iter().find(|r| r.name == table.name);
    let set: Vec<VarId> = regime.into_iter().flat_map(|r| r.interventions.iter().map(|i| i.0)).collect();
    let observed: Vec<VarId> = (0..runtime.model.variables.len())
        .filter(|v| !set.contains(v) && table.column(*v).is_some() && runtime.model.card(*v).is_some())
        .filter(|v| runtime.draw(&[*v], &set).missing(&set).is_none())
        .collect();
    let reals = reals(runtime, table, &set)?;
    if observed.is_empty() {
        // No discrete variable: nothing of theirs can differ.
        let fit = || Fit { data: table.name.clone(), tv: 0.0, kl: 0.0, test, images: vec![], reals };
        return Ok((!table.reals.is_empty()).then(fit));
    }
    // Settings of real variables are as in the rows, but not part of what is compared.
    let listed: Vec<VarId> = set.iter().copied().filter(|&v| runtime.model.card(v).is_some()).collect();
    let needed: Vec<VarId> = listed.iter().chain(&observed).copied().collect();
    let counts = table.counts(&needed).unwrap_or_default();
    let total: f64 = counts.values().sum::<f64>().max(f64::MIN_POSITIVE);
    let real: BTreeMap<Vec<u32>, f64> = counts.into_iter().map(|(key, weight)| (key, weight / total)).collect();
    let summed = if listed.len() == set.len() { summed(runtime, &set, &observed, &real) } else { None };
    let model = match summed {
        Some(model) => model,
        None => sampled(runtime, table, &set, &observed)?,
    };
    let mut keys: Vec<&Vec<u32>> = real.keys().chain(model.keys()).collect();
    keys.sort();
    keys.dedup();
    let share =
        |map: &BTreeMap<Vec<u32>, f64>| keys.iter().map(|k| map.get(*k).copied().unwrap_or(0.0)).collect::<Vec<f64>>();
    let (p, q) = (share(&real), share(&model));
    Ok(Some(Fit {
        data: table.name.clone(),
        tv: total_variation(&p, &q),
        kl: kl(&p, &q),
        test,
        images: images::quality(runtime, table)?,
        reals,
    }))
}

/// The model's exact distribution over set and observed variables, the set ones distributed as in the data.
fn summed(
    runtime: &Runtime,
    set: &[VarId],
    observed: &[VarId],
    real: &BTreeMap<Vec<u32>, f64>,
) -> Option<BTreeMap<Vec<u32>, f64>> {
    let cells: f64 = observed.iter().filter_map(|&v| runtime.model.card(v)).map(|k| k as f64).product();
    let mut settings: BTreeMap<Vec<u32>, f64> = BTreeMap::new();
    for (key, share) in real {
        *settings.entry(key[..set.len()].to_vec()).or_insert(0.0) += share;
    }
    if cells * settings.len() as f64 > MAX_CELLS {
        return None;
    }
    let mut found = BTreeMap::new();
    for (values, share) in settings {
        let interventions: Vec<(VarId, u32)> = set.iter().copied().zip(values.iter().copied()).collect();
        let asked = Asked::in_one_world(observed, &interventions, &[]);
        let point = exact::point(runtime.model, &runtime.modules, &asked).ok()??;
        let cards: Vec<usize> = observed.iter().filter_map(|&v| runtime.model.card(v)).collect();
        for (cell, p) in point.values.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            let mut key = values.clone();
            key.extend(digits(cell, &cards));
            found.insert(key, p * share);
        }
    }
    Some(found)
}

pub(super) fn digits(mut cell: usize, cards: &[usize]) -> Vec<u32> {
    let mut digits = vec![0; cards.len()];
    for (digit, card) in digits.iter_mut().zip(cards).rev() {
        *digit = (cell % card) as u32;
        cell /= card;
    }
    digits
}

fn sampled(
    runtime: &Runtime,
    table: &Table,
    set: &[VarId],
    observed: &[VarId],
) -> candle_core::Result<BTreeMap<Vec<u32>, f64>> {
    let mut rng = seed::stream(runtime.seed, &format!("fit/{}", table.name));
    let cumulative: Vec<f64> = (0..table.rows)
        .scan(0.0, |sum, row| {
            *sum += table.weight(row);
            Some(*sum)
        })
        .collect();
    let total = cumulative.last().copied().unwrap_or(0.0);
    let draw = runtime.draw(observed, set);
    let rows: Vec<usize> = (0..draw.rows)
        .map(|_| {
            let mark = rng.random::<f64>() * total;
            cumulative.partition_point(|&c| c <= mark).min(table.rows.saturating_sub(1))
        })
        .collect();
    let columns: Vec<(VarId, Cow<[u32]>)> = set.iter().filter_map(|&v| Some((v, table.codes(v)?))).collect();
    let interventions: Vec<(VarId, Vec<u32>)> =
        columns.iter().map(|(v, column)| (*v, rows.iter().map(|&row| column[row]).collect())).collect();
    let drawn = draw.codes_with(&interventions, &mut rng)?;
    let mut shares = BTreeMap::new();
    let key_of = |row: usize| {
        let listed = interventions.iter().filter(|(v, _)| runtime.model.card(*v).is_some());
        let set = listed.map(|(_, codes)| codes[row]);
        set.chain(observed.iter().map(|&v| drawn[v][row])).collect::<Vec<u32>>()
    };
    for key in (0..draw.rows).map(key_of) {
        *shares.entry(key).or_insert(0.0) += 1.0 / draw.rows as f64;
    }
    Ok(shares)
}
