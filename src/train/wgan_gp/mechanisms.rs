//! The mechanisms a task runs: the module's own and those of frozen modules.

use crate::nets::conditional::{ConditionalModule, SoftNetwork};
use crate::nets::generator::{GeneratorModule, GeneratorShape, Kind};
use crate::nets::image::Batch;
use crate::nets::noise::{gumbel, normal};
use crate::nets::ops::{Moments, choose, log_probability};
use crate::nets::pretrained::PretrainedModule;
use crate::nets::real::{COMPONENTS, LOG_DEVIATIONS, OUTPUTS, Scale};
use crate::nets::soft::{SoftGenerator, TableHidden, table_logits};
use crate::nets::table::TableModule;
use crate::train::Trained;
use candle_core::{Result, Tensor};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The modules whose mechanisms can be run, the one in training first.
#[derive(Clone)]
pub struct Mechanisms<'a> {
    modules: Vec<Module<'a>>,
    /// The scales that real variables have in this training; those of frozen modules may be others.
    reals: &'a BTreeMap<usize, Scale>,
}

#[derive(Clone)]
enum Module<'a> {
    Generators {
        noise: usize,
        shapes: Vec<GeneratorShape>,
        networks: Vec<SoftGenerator>,
    },
    Tables(&'a TableModule),
    /// One member of a module of neural conditionals.
    Conditionals {
        module: &'a ConditionalModule,
        networks: Vec<SoftNetwork>,
    },
    /// A mechanism from a file.
    Pretrained(&'a PretrainedModule),
}

/// A variable to generate: its mechanism, and the parents it reads.
pub struct Part {
    /// The variable.
    pub variable: usize,
    /// Its parents, in the order the mechanism reads them.
    pub parents: Vec<usize>,
    /// The hidden causes it reads, as places in its module.
    latents: Vec<usize>,
    module: usize,
    mechanism: usize,
}

impl Part {
    /// Whether the mechanism is the module's own.
    pub fn is_own(&self) -> bool {
        self.module == 0
    }

    /// Whether hidden causes act on the variable.
    pub fn has_latents(&self) -> bool {
        !self.latents.is_empty()
    }
}

impl<'a> Mechanisms<'a> {
    /// `networks` of the module in training, of the shapes of `own`, and `frozen` modules; `reals` are the scales on which
    /// real variables pass between them.
    ///
    /// # Errors
    /// Where Candle cannot hold the weights.
    pub fn new(
        own: &GeneratorModule,
        networks: Vec<SoftGenerator>,
        frozen: &[&'a Trained],
        reals: &'a BTreeMap<usize, Scale>,
    ) -> Result<Self> {
        let shapes = |module: &GeneratorModule| module.generators.iter().map(|g| g.shape.clone()).collect();
        let mut modules = vec![Module::Generators { noise: own.noise, shapes: shapes(own), networks }];
        for trained in frozen {
            modules.push(match trained {
                Trained::Tables(tables) => Module::Tables(tables),
                Trained::Conditionals(module) => {
                    let member = module.members.first().map_or(&[][..], |m| &m.networks);
                    let networks = member.iter().map(SoftNetwork::fixed).collect::<Result<_>>()?;
                    Module::Conditionals { module, networks }
                }
                Trained::Generators(module) => Module::Generators {
                    noise: module.noise,
                    shapes: shapes(module),
                    networks: module.generators.iter().map(SoftGenerator::fixed).collect::<Result<_>>()?,
                },
                Trained::Pretrained(module) => Module::Pretrained(module),
            });
        }
        Ok(Self { modules, reals })
    }

    /// The scale of a real variable.
    pub fn scale(&self, variable: usize) -> Option<&'a Scale> {
        self.reals.get(&variable)
    }

    /// The scale that a part's own module has for a variable: itself, or a parent of it.
    fn scale_of(&self, part: &Part, variable: usize) -> Option<Scale> {
        match &self.modules[part.module] {
            Module::Generators { shapes, .. } => {
                let shape = &shapes[part.mechanism];
                let kinds = shape.parents.iter().zip(&shape.parent_kinds).chain([(&shape.variable, &shape.kind)]);
                kinds.into_iter().find(|(v, _)| **v == variable).and_then(|(_, kind)| match kind {
                    Kind::Real(scale) => Some(*scale),
                    _ => None,
                })
            }
            Module::Conditionals { module, .. } => module.reals.get(&variable).copied(),
            Module::Tables(_) | Module::Pretrained(_) => None,
        }
    }

    /// The same mechanisms, with other `networks` for the module in training.
    pub fn with(&self, networks: Vec<SoftGenerator>) -> Self {
        let mut same = self.clone();
        if let Some(Module::Generators { networks: own, .. }) = same.modules.first_mut() {
            *own = networks;
        }
        same
    }

    /// The networks of a module of generators; 0 is the one in training.
    pub fn networks(&self, module: usize) -> &[SoftGenerator] {
        match &self.modules[module] {
            Module::Generators { networks, .. } => networks,
            Module::Tables(_) | Module::Conditionals { .. } | Module::Pretrained(_) => &[],
        }
    }

    /// The mechanism of `variable`.
    pub fn part(&self, variable: usize) -> Option<Part> {
        self.modules.iter().enumerate().find_map(|(module, source)| {
            const NONE: &Vec<usize> = &vec![];
            let (mechanism, parents, latents) = match source {
                Module::Pretrained(file) if file.variable == variable => (0, &file.parents, NONE),
                Module::Pretrained(_) => return None,
                Module::Generators { shapes, .. } => {
                    let at = shapes.iter().position(|s| s.variable == variable)?;
                    (at, &shapes[at].parents, &shapes[at].latents)
                }
                Module::Tables(TableModule { mechanisms, .. })
                | Module::Conditionals { module: ConditionalModule { mechanisms, .. }, .. } => {
                    let at = mechanisms.iter().position(|m| m.variable == variable)?;
                    (at, &mechanisms[at].parents, &mechanisms[at].latents)
                }
            };
            Some(Part { variable, parents: parents.clone(), latents: latents.clone(), module, mechanism })
        })
    }
}

/// What a mechanism draws for a batch.
pub struct Drawn {
    /// Codes `[rows, card]`, numbers `[rows, 1]`, or pictures `[rows, height, width, channels]`. Gradients go through numbers
    /// and pictures, not through codes.
    pub value: Tensor,
    /// The log probabilities `[rows]` of what was chosen among codes or components, where weights in training act on them.
    pub log_p: Option<Tensor>,
}

/// What the rows of a batch share of each module's hidden causes.
pub struct Hidden {
    rows: usize,
    modules: BTreeMap<usize, Shared>,
}

impl Hidden {
    /// The rows of all `parts`, one after the other, for what runs in all of them.
    ///
    /// # Errors
    /// Where there is none, or a module has hidden causes of two kinds.
    pub fn joined(parts: &[&Self]) -> Result<Self> {
        let Some((first, others)) = parts.split_first() else { candle_core::bail!("no rows to join") };
        let mut joined = Self { rows: parts.iter().map(|part| part.rows).sum(), modules: BTreeMap::new() };
        for (module, shared) in &first.modules {
            // Modules that one of them does not run are not asked for together.
            let others: Option<Vec<&Shared>> = others.iter().map(|part| part.modules.get(module)).collect();
            if let Some(others) = others {
                joined.modules.insert(*module, shared.with(&others)?);
            }
        }
        Ok(joined)
    }
}

enum Shared {
    /// Per hidden cause in use its noise `[rows, noise]`.
    Noise(BTreeMap<usize, Tensor>),
    Levels(TableHidden),
}

impl Shared {
    /// The rows of `others` after its own. Hidden causes that one of them lacks act on nothing that runs for all.
    fn with(&self, others: &[&Self]) -> Result<Self> {
        match self {
            Self::Noise(vectors) => {
                let mut joined = BTreeMap::new();
                for (latent, vector) in vectors {
                    let noise = |other: &&Self| if let Self::Noise(v) = other { v.get(latent).cloned() } else { None };
                    let others: Option<Vec<Tensor>> = others.iter().map(noise).collect();
                    if let Some(others) = others {
                        let all: Vec<&Tensor> = [vector].into_iter().chain(&others).collect();
                        joined.insert(*latent, Tensor::cat(&all, 0)?);
                    }
                }
                Ok(Self::Noise(joined))
            }
            Self::Levels(levels) => {
                let mut levels = levels.clone();
                for other in others {
                    let Self::Levels(other) = other else { candle_core::bail!("hidden causes of two kinds") };
                    levels.extend(other);
                }
                Ok(Self::Levels(levels))
            }
        }
    }
}

/// Takes the moments of a batch in a normalisation: mechanism, block, moments.
pub type Watch<'a> = dyn FnMut(usize, usize, &Moments) + 'a;

/// One way to run mechanisms.
pub struct Forward<'a> {
    /// The mechanisms.
    pub mechanisms: &'a Mechanisms<'a>,
    /// Where noise comes from.
    pub rng: &'a mut ChaCha8Rng,
    /// Is told the moments of the module's own normalisations.
    pub watch: Option<&'a mut Watch<'a>>,
}

impl Forward<'_> {
    /// Draws what the mechanisms of `parts` share for `rows` rows.
    pub fn hidden(&mut self, parts: &[Part], rows: usize) -> Result<Hidden> {
        let mut modules = BTreeMap::new();
        for part in parts {
            let module = &self.mechanisms.modules[part.module];
            let shared = modules.entry(part.module).or_insert_with(|| match module {
                Module::Tables(tables) => Shared::Levels(TableHidden::draw(tables, rows, self.rng)),
                Module::Conditionals { module, .. } => Shared::Levels(TableHidden::of_first(module, rows, self.rng)),
                // Each row of a mechanism from a file draws its own noise.
                Module::Generators { .. } | Module::Pretrained(_) => Shared::Noise(BTreeMap::new()),
            });
            if let (Module::Generators { noise, .. }, Shared::Noise(vectors)) = (module, shared) {
                for &latent in &part.latents {
                    if let Entry::Vacant(vector) = vectors.entry(latent) {
                        vector.insert(normal(rows, *noise, self.rng)?);
                    }
                }
            }
        }
        Ok(Hidden { rows, modules })
    }

    /// What a part draws for its parents' values.
    pub fn part(&mut self, part: &Part, parents: &[Tensor], hidden: &Hidden) -> Result<Drawn> {
        let rescaled = |variable: usize, value: &Tensor, inward: bool| {
            let scales = (self.mechanisms.scale(variable), self.mechanisms.scale_of(part, variable));
            let (Some(ours), Some(theirs)) = scales else { return Ok(value.clone()) };
            let (factor, shift) = if inward { ours.to(&theirs) } else { theirs.to(ours) };
            if ours == &theirs { Ok(value.clone()) } else { value.affine(factor, shift) }
        };
        let parents = part.parents.iter().zip(parents).map(|(&p, value)| rescaled(p, value, true));
        let parents = &parents.collect::<Result<Vec<Tensor>>>()?;
        let value = match (&self.mechanisms.modules[part.module], hidden.modules.get(&part.module)) {
            (Module::Tables(tables), Some(Shared::Levels(levels))) => {
                table_logits(tables, part.mechanism, parents, levels)?
            }
            (Module::Conditionals { module, networks }, Some(Shared::Levels(levels))) => {
                let codes = part.latents.iter().map(|&l| levels.one_hot(l, module.latents[l].levels));
                let codes = codes.collect::<Result<Vec<Tensor>>>()?;
                let inputs: Vec<&Tensor> = parents.iter().chain(&codes).collect();
                networks[part.mechanism].mixed(&inputs)?
            }
            (Module::Pretrained(file), _) => file.soft(part.variable, parents, hidden.rows, self.rng)?,
            (Module::Generators { noise, networks, .. }, Some(Shared::Noise(vectors))) => {
                let own = normal(hidden.rows, *noise, self.rng)?;
                let shared = part.latents.iter().filter_map(|latent| vectors.get(latent));
                let (pictures, codes): (Vec<&Tensor>, Vec<&Tensor>) = parents.iter().partition(|p| p.rank() == 4);
                let inputs: Vec<&Tensor> = [&own].into_iter().chain(shared).chain(codes).collect();
                let pictures = pictures.into_iter().cloned().collect();
                let batch = Batch { codes: Some(Tensor::cat(&inputs, 1)?), pictures };
                networks[part.mechanism].run(&batch, |block, moments| {
                    if let (true, Some(watch)) = (part.is_own(), &mut self.watch) {
                        watch(part.mechanism, block, moments);
                    }
                })?
            }
            _ => candle_core::bail!("variable {}: hidden causes of another kind than its module", part.variable),
        };
        if value.rank() == 4 {
            return Ok(Drawn { value, log_p: None });
        }
        if self.mechanisms.scale(part.variable).is_some() {
            let drawn = match value.dim(1)? {
                OUTPUTS => mixture_draw(&value, self.rng)?,
                _ => Drawn { value, log_p: None },
            };
            return Ok(Drawn { value: rescaled(part.variable, &drawn.value, false)?, ..drawn });
        }
        chosen(&value, self.rng)
    }
}

/// Draws `[rows, values]` from the softmax of `logits`.
fn chosen(logits: &Tensor, rng: &mut ChaCha8Rng) -> Result<Drawn> {
    let (rows, card) = logits.dims2()?;
    let value = choose(logits, &gumbel(rows, card, rng)?)?;
    let log_p = if logits.track_op() { Some(log_probability(logits, &value)?) } else { None };
    Ok(Drawn { value, log_p })
}

/// Draws `[rows, 1]` from the mixtures that `outputs [rows, OUTPUTS]` mean. Gradients go through the mean and the deviation
/// of the component that is drawn.
fn mixture_draw(outputs: &Tensor, rng: &mut ChaCha8Rng) -> Result<Drawn> {
    let component = chosen(&outputs.narrow(1, 0, COMPONENTS)?, rng)?;
    let pick = |values: &Tensor| (values * &component.value)?.sum_keepdim(1);
    let mean = pick(&outputs.narrow(1, COMPONENTS, COMPONENTS)?)?;
    let (least, most) = LOG_DEVIATIONS;
    let deviation = pick(&outputs.narrow(1, 2 * COMPONENTS, COMPONENTS)?.clamp(least, most)?.exp()?)?;
    let value = (mean + (deviation * normal(outputs.dim(0)?, 1, rng)?)?)?;
    Ok(Drawn { value, log_p: component.log_p })
}
