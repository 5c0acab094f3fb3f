//! Maximum likelihood over a module's c-factors: no ancestors, no order, no critic.

mod elimination;
mod em;
mod layout;
mod posterior;
mod rows;

use super::{Metric, Observer, TrainError, Trained};
use crate::data::Table;
use crate::model::{Model, Overrides, VarId};
use crate::nets::table::TableModule;
use crate::plan::Module;
use crate::seed;
use em::{Fit, Likelihood, Stop};
use layout::{Layout, Prior};
use posterior::Chain;
use rayon::prelude::*;
use rows::{Rows, Weights};

/// How tables are fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    pub levels: Option<usize>,
    pub restarts: usize,
    pub table: f64,
    pub latent: f64,
    pub bootstrap: usize,
    pub gibbs: bool,
    pub best: bool,
    pub draws: usize,
    pub warm_up: usize,
    pub thin: usize,
    pub near: f64,
    pub candidates: Vec<usize>,
}

impl Recipe {
    pub fn of(settings: &Overrides) -> Self {
        Self {
            levels: settings.levels,
            restarts: settings.restarts.unwrap_or(8),
            table: 0.5,
            latent: 1.0,
            bootstrap: settings.bootstrap.unwrap_or(40),
            gibbs: true,
            best: false,
            draws: 64,
            warm_up: 200,
            thin: 10,
            near: 2.0,
            candidates: vec![2, 4, 8],
        }
    }
}

pub fn train(
    model: &Model,
    module: &Module,
    tables: &[Table],
    settings: &Overrides,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Trained, TrainError> {
    train_with(model, module, tables, &Recipe::of(settings), seed, observer)
}

pub fn train_with(
    model: &Model,
    module: &Module,
    tables: &[Table],
    recipe: &Recipe,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Trained, TrainError> {
    let data = |message: String| TrainError::Data { module: module.id.clone(), message };
    let number = |name: &String| model.variables.get_index_of(name).ok_or_else(|| data(format!("no variable {name}")));
    let variables: Vec<VarId> = module.variables.iter().map(number).collect::<Result<_, _>>()?;
    let prior = Prior { table: recipe.table, latent: recipe.latent };
    let shapes = Layout::new(model, &variables, 1).mechanisms;
    let rows = Rows::new(model, module, tables, &shapes).map_err(data)?;
    let weights = rows.weights();
    let stop = Stop { gain: 1e-3, passes: 3000 };
    let restarts = |likelihood: &Likelihood, weights: &Weights, name: &str, n: usize| -> Vec<Fit> {
        let mut fits: Vec<Fit> = (0..n)
            .into_par_iter()
            .map(|i| {
                let mut rng = seed::stream(seed, &format!("likelihood/{}/{name}/{i}", module.id));
                likelihood.fit(likelihood.layout.random(&mut rng), weights, prior, stop)
            })
            .collect();
        fits.sort_by(|a, b| b.objective.total_cmp(&a.objective));
        fits
    };
    let at = |levels| Likelihood::new(Layout::new(model, &variables, levels), &rows);
    let levels = recipe.levels.unwrap_or_else(|| {
        if recipe.candidates.len() == 1 {
            return recipe.candidates[0];
        }
        let folds = rows.folds(seed, 4);
        let score = |levels: usize| {
            let likelihood = at(levels);
            folds
                .iter()
                .map(|(train, test)| {
                    let fits = restarts(&likelihood, train, "select", 2);
                    likelihood.pass(&fits[0].parameters, test, None, None)
                })
                .sum::<f64>()
        };
        let scores: Vec<f64> = recipe.candidates.iter().map(|&l| score(l)).collect();
        let best = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0);
        recipe.candidates[best]
    });
    let likelihood = at(levels);
    let fits = restarts(&likelihood, &weights, "restart", recipe.restarts);
    let layout = &likelihood.layout;
    let (members, replicates): (Vec<Vec<f64>>, Vec<Vec<f64>>) = if recipe.gibbs {
        let near: Vec<&Fit> = fits.iter().filter(|f| f.objective > fits[0].objective - recipe.near).collect();
        let all: Vec<Vec<f64>> = (0..recipe.draws)
            .into_par_iter()
            .map(|r| {
                let resampled = rows.resampled(seed, r);
                let start = near[r % near.len()].parameters.clone();
                let stop = Stop { gain: 1e-2, passes: 300 };
                let start =
                    if recipe.thin == 1 { start } else { likelihood.fit(start, &resampled, prior, stop).parameters };
                if recipe.warm_up == 0 {
                    return start;
                }
                let mut rng = seed::stream(seed, &format!("likelihood/{}/chain/{r}", module.id));
                let length = Chain { warm_up: recipe.warm_up - 1, thin: 1, draws: 1 };
                posterior::chain(&likelihood, &start, &weights, prior, length, &mut rng).pop().unwrap()
            })
            .collect();
        (all.clone(), all)
    } else {
        let near: Vec<&Fit> = fits.iter().filter(|f| !recipe.best && f.objective > fits[0].objective - 2.0).collect();
        let near = if recipe.best { vec![&fits[0]] } else { near };
        let replicates: Vec<Vec<f64>> = (0..recipe.bootstrap)
            .into_par_iter()
            .map(|r| {
                let weights = rows.resampled(seed, r);
                likelihood.fit(near[r % near.len()].parameters.clone(), &weights, prior, stop).parameters
            })
            .collect();
        (near.iter().map(|f| f.parameters.clone()).collect(), replicates)
    };
    observer.metric(&Metric {
        module: module.id.clone(),
        step: 1,
        total: 1,
        loss: -fits[0].objective,
        tv: Some(levels as f64),
    });
    Ok(Trained::Tables(TableModule {
        members: members.iter().map(|p| layout.member(p)).collect(),
        replicates: replicates.iter().map(|p| layout.member(p)).collect(),
        latents: layout.latents.clone(),
        mechanisms: layout.mechanisms.clone(),
    }))
}
