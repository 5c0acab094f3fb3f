//! Adversarial training of a module's generators: Wasserstein GAN with gradient penalty
//! (Gulrajani et al. 2017; paper Algorithms 3, 4, 7 and 9, appendices C.3 and F.1).
//!
//! Each task of the module has a critic of its own. A step draws rows, generates what the task teaches and
//! its frozen ancestors for the rows' conditions, moves the critics, and then moves the generators by the
//! sum of the tasks' losses. Codes are drawn as the trained module draws them and learnt by the score function
//! (`TaskCritic::generator_loss`); the trained module has the average of the last steps' weights.

mod alias;
mod critic;
mod mechanisms;
mod options;
#[cfg(test)]
#[path = "pictures/tests.rs"]
mod picture_tests;
mod task;
#[cfg(test)]
mod tests;

pub use options::{Options, Sight};

use super::{Metric, Observer, TrainError, Trained};
use crate::data::Table;
use crate::model::{Domain, Model, Overrides, VarId};
use crate::nets::generator::{Generator, GeneratorModule, GeneratorShape, Kind, Widths};
use crate::nets::image::{Batch, Classifier, Network};
use crate::nets::ops::{Adam, Moments};
use crate::nets::real::Scale;
use crate::nets::soft::SoftGenerator;
use crate::plan;
use crate::seed::stream;
use crate::train::scales::scales;
use critic::TaskCritic;
use mechanisms::{Forward, Mechanisms};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use task::{Task, image_size};

/// Adam's decay rates, as in the paper's experiments (its appendix F.1 does not name them).
const BETAS: (f32, f32) = (0.5, 0.9);

/// What a module is trained from.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The rows of the data sets.
    pub tables: &'a [Table],
    /// The modules that the ancestors of its tasks belong to.
    pub frozen: &'a [&'a Trained],
    /// Encoders of images that the module does not draw: its critics see their codes in the images' place.
    pub encoders: &'a BTreeMap<VarId, Network<Classifier>>,
}

impl<'a> Inputs<'a> {
    /// Rows and frozen modules; critics see images whole.
    pub fn new(tables: &'a [Table], frozen: &'a [&'a Trained]) -> Self {
        static NONE: BTreeMap<VarId, Network<Classifier>> = BTreeMap::new();
        Self { tables, frozen, encoders: &NONE }
    }
}

/// Trains the generators of `module` on its tasks. The result depends on the arguments alone, not on threads.
///
/// # Errors
/// [`TrainError::Data`] where a data set, column or ancestor is missing or a variable is neither a number nor an image,
/// [`TrainError::Cancelled`] when the observer asks for it, [`TrainError::NotFinite`] where a loss diverges.
pub fn train(
    model: &Model,
    module: &plan::Module,
    inputs: &Inputs<'_>,
    settings: &Overrides,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Trained, TrainError> {
    let options = Options::new(settings, sight(model, module));
    let input = |message: String| TrainError::Data { module: module.id.clone(), message };
    let streams = Streams::new(seed, &module.id);
    let involved = module.tasks.iter().flat_map(|t| [&t.teaches, &t.ancestors, &t.conditions, &t.interventions]);
    let involved = involved.flatten().chain(&module.variables).filter_map(|name| model.id(name));
    let mut involved: Vec<VarId> = involved.collect();
    involved.extend(model.graph.parents_of(&involved));
    let reals = scales(model, module, inputs.tables, involved);
    let generators = generators(model, module, &options, &reals, &mut streams.of("weights")).map_err(input)?;
    let networks = generators.generators.iter().map(SoftGenerator::trained).collect::<Result<Vec<_>, _>>()?;
    let trained = Mechanisms::new(&generators, networks, inputs.frozen, &reals)?;
    let order = model.graph.topological_order().map_err(|_| input("the graph has a cycle".to_owned()))?;
    let tasks = (module.tasks.iter().map(|task| Task::new(model, task, inputs, &trained, &order)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(input)?;
    for generator in &generators.generators {
        let variable = generator.shape.variable;
        if !tasks.iter().any(|task| task.own().any(|v| v == variable)) {
            return Err(input(format!("no task teaches {}", model.name(variable))));
        }
    }
    let whole = tasks.iter().any(|task| !task.sees().1.is_empty());
    if whole && (options.pac > 1 || options.dropout > 0.0) {
        observer.warning(&module.id, "`pac` and `dropout` have no effect on critics that see images");
    }
    let mut training = Training::new(module, options, &tasks, generators, trained, order, &streams)?;
    training.run(observer)?;
    Ok(Trained::Generators(training.generators))
}

/// What `module` has to do with images.
fn sight(model: &Model, module: &plan::Module) -> Sight {
    let side = |name: &String| match model.id(name).and_then(|v| model.domain(v)) {
        Some(Domain::Image([_, height, width])) => Some(*height.max(width)),
        _ => None,
    };
    if let Some(side) = module.variables.iter().filter_map(side).max() {
        return Sight::Draws(side);
    }
    let given = module.tasks.iter().flat_map(|t| t.ancestors.iter().chain(&t.conditions).chain(&t.interventions));
    if given.into_iter().any(|name| side(name).is_some()) { Sight::Images } else { Sight::Codes }
}

/// The module's random streams.
struct Streams {
    seed: u64,
    module: String,
}

impl Streams {
    fn new(seed: u64, module: &str) -> Self {
        Self { seed, module: module.to_owned() }
    }

    fn of(&self, name: &str) -> ChaCha8Rng {
        stream(self.seed, &format!("train/{}/{name}", self.module))
    }
}

/// The module's generators with random weights.
fn generators(
    model: &Model,
    module: &plan::Module,
    options: &Options,
    reals: &BTreeMap<VarId, Scale>,
    rng: &mut ChaCha8Rng,
) -> Result<GeneratorModule, String> {
    let names = module.variables.iter();
    let mut variables: Vec<VarId> =
        names.map(|name| model.id(name).ok_or_else(|| format!("no variable {name}"))).collect::<Result<_, _>>()?;
    variables.sort_unstable();
    let acts = |latent: usize, v: VarId| model.latents[latent].children.contains(&v);
    let latents: Vec<usize> = (0..model.latents.len()).filter(|&l| variables.iter().any(|&v| acts(l, v))).collect();
    let kind = |v: VarId| match (model.card(v), model.domain(v)) {
        (Some(card), _) => Ok(Kind::Codes(card)),
        (None, Some(Domain::Image(shape))) => Ok(Kind::Image(image_size(*shape))),
        (None, Some(Domain::Real { .. })) if reals.contains_key(&v) => Ok(Kind::Real(reals[&v])),
        _ => Err(format!("{} is neither a number nor an image", model.name(v))),
    };
    let widths = Widths { hidden: &options.hidden, width: options.width };
    let mut generators = Vec::with_capacity(variables.len());
    for &variable in &variables {
        let parents = model.graph.parents(variable).to_vec();
        let shape = GeneratorShape {
            variable,
            kind: kind(variable)?,
            parent_kinds: parents.iter().map(|&p| kind(p)).collect::<Result<_, _>>()?,
            parents,
            latents: (0..latents.len()).filter(|&at| acts(latents[at], variable)).collect(),
        };
        let generator = Generator::random(shape, options.noise, &widths, rng);
        generators.push(generator.map_err(|why| format!("{}: {why}", model.name(variable)))?);
    }
    Ok(GeneratorModule { noise: options.noise, latents, generators })
}

/// A module in training.
struct Training<'a> {
    module: &'a plan::Module,
    options: Options,
    tasks: &'a [Task<'a>],
    /// The variables, parents before children.
    order: Vec<VarId>,
    critics: Vec<(TaskCritic, Adam)>,
    generators: GeneratorModule,
    networks: Vec<SoftGenerator>,
    /// The mechanisms with the networks in training, and the same without gradients.
    trained: Mechanisms<'a>,
    detached: Mechanisms<'a>,
    adam: Adam,
    average: Vec<Vec<Vec<f32>>>,
    steps: usize,
    rows_rng: ChaCha8Rng,
    noise_rng: ChaCha8Rng,
    critic_rng: ChaCha8Rng,
    measure_rng: ChaCha8Rng,
}

impl<'a> Training<'a> {
    fn new(
        module: &'a plan::Module,
        options: Options,
        tasks: &'a [Task<'a>],
        generators: GeneratorModule,
        trained: Mechanisms<'a>,
        order: Vec<VarId>,
        streams: &Streams,
    ) -> Result<Self, TrainError> {
        let networks = trained.networks(0).to_vec();
        let mut weights_rng = streams.of("critics");
        let mut critics = Vec::with_capacity(tasks.len());
        for task in tasks {
            let critic = TaskCritic::random(task.sees(), &options, &mut weights_rng)?;
            let adam = Adam::new(critic.parameters(), BETAS);
            critics.push((critic, adam));
        }
        let values = |n: &SoftGenerator| n.parameters().into_iter().map(|p| p.values()).collect();
        Ok(Self {
            steps: options.steps(tasks.iter().map(Task::rows).max().unwrap_or(0)),
            detached: trained.with(networks.iter().map(SoftGenerator::detached).collect()),
            adam: Adam::new(networks.iter().flat_map(SoftGenerator::parameters), BETAS),
            average: networks.iter().map(values).collect::<Result<_, _>>()?,
            rows_rng: streams.of("rows"),
            noise_rng: streams.of("noise"),
            critic_rng: streams.of("critic"),
            measure_rng: streams.of("measure"),
            module,
            options,
            tasks,
            order,
            critics,
            generators,
            networks,
            trained,
        })
    }

    fn run(&mut self, observer: &dyn Observer) -> Result<(), TrainError> {
        let (report, measure) = (self.steps.div_ceil(100).max(1), self.steps.div_ceil(20).max(1));
        let measured = self.tasks.iter().any(Task::has_codes);
        for step in 1..=self.steps {
            if observer.cancelled() {
                return Err(TrainError::Cancelled);
            }
            let loss = self.step(step)?;
            if step % report == 0 || step == self.steps {
                let due = (measured && step % measure == 0) || step == self.steps;
                let tv = due.then(|| self.measure()).transpose()?.flatten();
                observer.metric(&Metric { module: self.module.id.clone(), step, total: self.steps, loss, tv });
            }
        }
        if self.steps == 0 { self.measure().map(|_| ()) } else { Ok(()) }
    }

    /// One step of all critics, then one of the generators; the mean of the critics' losses.
    fn step(&mut self, step: usize) -> Result<f64, TrainError> {
        let progress = (step - 1) as f64 / self.steps as f64;
        let rate = self.options.rate_at(progress);
        let (mut critic_loss, mut generator_loss) = (0.0, None);
        for critic_step in 1..=self.options.critic_steps {
            // The last critic step and the generator step share their batch.
            let last = critic_step == self.options.critic_steps;
            let batch = self.options.batch;
            let rows: Vec<Vec<usize>> = self.tasks.iter().map(|task| task.draw(batch, &mut self.rows_rng)).collect();
            let mechanisms = if last { &self.trained } else { &self.detached };
            let mut forward = Forward { mechanisms, rng: &mut self.noise_rng, watch: None };
            let fakes = Task::fakes(self.tasks, &rows, &self.order, &mut forward)?;
            for (at, (rows, fake)) in rows.iter().zip(&fakes).enumerate() {
                let loss = self.critic_step(at, rows, &fake.seen.detach(), rate)?;
                if !loss.is_finite() {
                    return Err(TrainError::NotFinite { module: self.module.id.clone(), step });
                }
                if last {
                    critic_loss += loss;
                    let loss = self.critics[at].0.generator_loss(fake, &mut self.critic_rng)?;
                    generator_loss = Some(match generator_loss {
                        None => loss,
                        Some(sum) => (sum + loss)?,
                    });
                }
            }
        }
        if let Some(loss) = generator_loss {
            self.adam.gather(&loss.backward()?)?;
            self.adam.step(rate)?;
        }
        self.blend(step)?;
        Ok(critic_loss / self.tasks.len().max(1) as f64)
    }

    /// Moves a task's critic on one batch.
    fn critic_step(&mut self, task: usize, rows: &[usize], fake: &Batch, rate: f32) -> Result<f64, TrainError> {
        let real = self.tasks[task].real(rows)?;
        let (critic, adam) = &mut self.critics[task];
        let loss = critic.loss(&real, fake, self.options.lambda, &mut self.critic_rng)?;
        adam.gather(&loss.backward()?)?;
        adam.step(rate)?;
        Ok(f64::from(loss.to_scalar::<f32>()?))
    }

    /// Moves the average weights towards the present ones; young averages move faster.
    fn blend(&mut self, step: usize) -> Result<(), TrainError> {
        const SHARE: f32 = 0.001;
        let share = SHARE.max(9.0 / (step as f32 + 9.0));
        for (network, average) in self.networks.iter().zip(&mut self.average) {
            for (parameter, average) in network.parameters().into_iter().zip(average) {
                parameter.blend_into(average, share)?;
            }
        }
        Ok(())
    }

    /// Makes the module of the average weights ready to sample, and measures how far its samples are from
    /// the rows: the largest total variation distance over the tasks, of discrete variables alone; `None` where none
    /// is generated.
    fn measure(&mut self) -> Result<Option<f64>, TrainError> {
        for (generator, average) in self.generators.generators.iter_mut().zip(&self.average) {
            SoftGenerator::write(average.clone(), generator);
        }
        self.calibrate()?;
        let fixed = self.generators.generators.iter().map(SoftGenerator::fixed).collect::<Result<_, _>>()?;
        let mechanisms = self.trained.with(fixed);
        let mut largest: Option<f64> = None;
        for task in self.tasks.iter().filter(|task| task.has_codes()) {
            let samples = if task.has_images() { 2000 } else { 5000 };
            let mut forward = Forward { mechanisms: &mechanisms, rng: &mut self.measure_rng, watch: None };
            largest = Some(task.distance(samples, &mut forward)?.max(largest.unwrap_or(0.0)));
        }
        Ok(largest)
    }

    /// Sets the running statistics of the module's normalisations to the mean over batches of its own
    /// hard draws: averaged weights have statistics that no single step had.
    fn calibrate(&mut self) -> Result<(), TrainError> {
        let batch = self.options.batch.max(200);
        let networks = self.generators.generators.iter().map(SoftGenerator::trained).collect::<Result<Vec<_>, _>>()?;
        let mechanisms = self.trained.with(networks.iter().map(SoftGenerator::detached).collect());
        let mut sums: BTreeMap<(usize, usize), (usize, Moments)> = BTreeMap::new();
        let mut add = |mechanism: usize, block: usize, moments: &Moments| {
            let (count, sum) = sums.entry((mechanism, block)).or_default();
            *count += 1;
            sum.mean.resize(moments.mean.len(), 0.0);
            sum.variance.resize(moments.variance.len(), 0.0);
            sum.mean.iter_mut().zip(&moments.mean).for_each(|(s, v)| *s += v);
            sum.variance.iter_mut().zip(&moments.variance).for_each(|(s, v)| *s += v);
        };
        let batches = if self.tasks.iter().any(Task::has_images) { 10 } else { 30 };
        for _ in 0..batches {
            let rows: Vec<Vec<usize>> = self.tasks.iter().map(|task| task.draw(batch, &mut self.measure_rng)).collect();
            let (rng, watch) = (&mut self.measure_rng, Some(&mut add as _));
            let mut forward = Forward { mechanisms: &mechanisms, rng, watch };
            Task::fakes(self.tasks, &rows, &self.order, &mut forward)?;
        }
        // Pixels count as rows: for pictures this is half a percent too much.
        let unbiased = batch as f32 / (batch - 1) as f32;
        for ((mechanism, block), (count, sum)) in sums {
            let mean = sum.mean.iter().map(|s| s / count as f32).collect();
            let variance = sum.variance.iter().map(|s| s / count as f32 * unbiased).collect();
            self.generators.generators[mechanism].set_moments(block, &Moments { mean, variance });
        }
        Ok(())
    }
}
