//! Training a whole plan: modules that do not wait for each other train side by side.

use super::encoder::{self, Recipe};
use super::{Observer, TrainError, Trained, checkpoint, likelihood, wgan_gp};
use crate::data::Table;
use crate::model::{Domain, Engine, Model, VarId};
use crate::nets::ops::{device, with_device, with_threads};
use crate::nets::pretrained::PretrainedModule;
use crate::plan::{Module, Plan};
use crate::seed;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Condvar, Mutex};

/// What modules are trained from.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The data sets.
    pub tables: &'a [Table],
    /// The mechanisms from files.
    pub pretrained: &'a [PretrainedModule],
    /// The folder that paths in the model are relative to.
    pub base: &'a Path,
}

/// Trains the modules of `plan` that have no file of the same inputs in `folder`, at most `jobs` at a
/// time, and writes their files there; returns all modules in the plan's order. Mechanisms from files are not trained
/// and not written. A module with images shares its work out over `jobs` threads.
///
/// # Errors
/// The first [`TrainError`]; modules that were finished by then keep their files.
pub fn train_plan(
    model: &Model,
    plan: &Plan,
    given: &Given<'_>,
    folder: Option<&Path>,
    jobs: usize,
    observer: &dyn Observer,
) -> Result<Vec<Trained>, TrainError> {
    let state = Mutex::new(State { modules: plan.modules.iter().map(|_| Progress::Waiting).collect(), error: None });
    let changed = Condvar::new();
    let work = Work { model, plan, given, folder, jobs, observer };
    let device = device();
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, plan.modules.len().max(1)) {
            scope.spawn(|| with_device(device.clone(), || work.serve(&state, &changed)));
        }
    });
    let state = state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(error) = state.error {
        return Err(error);
    }
    Ok(state.modules.into_iter().filter_map(|m| if let Progress::Done(t, _) = m { Some(t) } else { None }).collect())
}

enum Progress {
    Waiting,
    Running,
    /// The module and the digest of everything it was trained from.
    Done(Trained, String),
}

struct State {
    modules: Vec<Progress>,
    error: Option<TrainError>,
}

struct Work<'a> {
    model: &'a Model,
    plan: &'a Plan,
    given: &'a Given<'a>,
    folder: Option<&'a Path>,
    jobs: usize,
    observer: &'a dyn Observer,
}

impl Work<'_> {
    /// One worker: takes modules that are ready until none is left.
    fn serve(&self, state: &Mutex<State>, changed: &Condvar) {
        let lock = || state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        loop {
            let mut guard = lock();
            let (at, frozen) = loop {
                if guard.error.is_some() || guard.modules.iter().all(|m| !matches!(m, Progress::Waiting)) {
                    return;
                }
                match self.ready(&guard) {
                    Some(found) => break found,
                    None => guard = changed.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner),
                }
            };
            guard.modules[at] = Progress::Running;
            drop(guard);
            let outcome = self.module(&self.plan.modules[at], &frozen);
            let mut guard = lock();
            match outcome {
                Ok((trained, digest)) => guard.modules[at] = Progress::Done(trained, digest),
                Err(error) => guard.error = guard.error.take().or(Some(error)),
            }
            changed.notify_all();
        }
    }

    /// The first waiting module whose predecessors are done, with those.
    fn ready(&self, state: &State) -> Option<(usize, Vec<(Trained, String)>)> {
        let done = |id: &String| {
            let at = self.plan.modules.iter().position(|m| m.id == *id)?;
            if let Progress::Done(trained, digest) = &state.modules[at] {
                Some((trained.clone(), digest.clone()))
            } else {
                None
            }
        };
        let waiting =
            self.plan.modules.iter().enumerate().filter(|(at, _)| matches!(state.modules[*at], Progress::Waiting));
        waiting
            .into_iter()
            .find_map(|(at, m)| m.after.iter().map(done).collect::<Option<_>>().map(|frozen| (at, frozen)))
    }

    fn module(&self, module: &Module, frozen: &[(Trained, String)]) -> Result<(Trained, String), TrainError> {
        if self.observer.cancelled() {
            return Err(TrainError::Cancelled);
        }
        let variables: Vec<VarId> = module.variables.iter().filter_map(|name| self.model.id(name)).collect();
        if module.engine == Engine::Pretrained {
            let found = self.given.pretrained.iter().find(|p| variables == [p.variable]);
            let found = found.ok_or_else(|| TrainError::Data {
                module: module.id.clone(),
                message: "its file was not loaded".into(),
            })?;
            self.observer.started(&module.id, true);
            return Ok((Trained::Pretrained(found.clone()), checkpoint::digest_of_file(found)));
        }
        let settings = self.model.settings.of(&variables);
        let recipes: Vec<Recipe> = match module.engine {
            Engine::WganGp => encoder::encoded(self.model, module).into_iter().map(|v| self.recipe(v)).collect(),
            _ => vec![],
        };
        let encoders: Vec<String> = recipes.iter().map(Recipe::digest).collect::<Result<_, _>>()?;
        let ancestors: Vec<&str> = frozen.iter().map(|(_, digest)| digest.as_str()).collect();
        let from = (&ancestors[..], &encoders.iter().map(String::as_str).collect::<Vec<&str>>()[..]);
        let digest = checkpoint::digest(self.model, module, self.given.tables, &settings, from).map_err(|e| {
            TrainError::Data { module: module.id.clone(), message: format!("its images cannot be read: {e}") }
        })?;
        if let Some(trained) = self.folder.and_then(|f| checkpoint::load(self.model, f, module, &digest)) {
            self.observer.started(&module.id, true);
            return Ok((trained, digest));
        }
        self.observer.started(&module.id, false);
        let train = || match module.engine {
            Engine::Likelihood => {
                likelihood::train(self.model, module, self.given.tables, &settings, self.seed(module), self.observer)
            }
            Engine::WganGp | Engine::Pretrained | Engine::Diffusion => {
                let frozen: Vec<&Trained> = frozen.iter().map(|(trained, _)| trained).collect();
                let mut networks = BTreeMap::new();
                for (recipe, digest) in recipes.iter().zip(&encoders) {
                    networks.insert(recipe.variable, recipe.network(digest, self.observer)?);
                }
                let from = wgan_gp::Inputs { tables: self.given.tables, frozen: &frozen, encoders: &networks };
                wgan_gp::train(self.model, module, &from, &settings, self.seed(module), self.observer)
            }
        };
        let trained = if self.has_images(module) { with_threads(self.jobs, train)?? } else { train()? };
        if let Some(folder) = self.folder {
            checkpoint::save(self.model, folder, module, &trained, &digest).map_err(TrainError::File)?;
        }
        self.observer.finished(&module.id);
        Ok((trained, digest))
    }

    fn seed(&self, module: &Module) -> u64 {
        seed::derive(self.model.settings.seed(), &format!("train/{}", module.variables.join(",")))
    }

    fn recipe(&self, variable: VarId) -> Recipe<'_> {
        Recipe { model: self.model, variable, tables: self.given.tables, base: self.given.base, folder: self.folder }
    }

    /// Whether images are among the variables of the module and of its tasks.
    fn has_images(&self, module: &Module) -> bool {
        let tasks = module.tasks.iter().flat_map(|t| [&t.ancestors, &t.conditions, &t.interventions]);
        let names = tasks.flatten().chain(&module.variables);
        let domains = names.filter_map(|name| self.model.domain(self.model.id(name)?));
        domains.into_iter().any(|domain| matches!(domain, Domain::Image(_)))
    }
}
