//! Adversarial training of a module's generators: Wasserstein GAN with gradient penalty
//! (Gulrajani et al. 2017; paper Algorithms 3, 4, 7 and 9, appendices C.3 and F.1).
//!
//! Each task of the module has a critic of its own. A step draws rows, generates what the task teaches and
//! its frozen ancestors for the rows' conditions, moves the critics, and then moves the generators by the
//! sum of the tasks' losses. Draws are relaxed (Gumbel-softmax) while training; the trained module draws hard
//! values from the average of the last steps' weights.

mod alias;
mod mechanisms;
mod options;
mod task;
#[cfg(test)]
mod tests;

pub use options::Options;

use super::{Metric, Observer, TrainError, Trained};
use crate::data::Table;
use crate::model::{Model, Overrides, VarId};
use crate::nets::critic::Critic;
use crate::nets::generator::{Generator, GeneratorModule, GeneratorShape};
use crate::nets::ops::{Adam, Moments, Relaxation};
use crate::nets::soft::SoftGenerator;
use crate::plan;
use crate::seed::stream;
use candle_core::{Device, Tensor};
use mechanisms::{Forward, Mechanisms};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use task::Task;

/// Adam's decay rates, as in the paper's experiments (its appendix F.1 does not name them).
const BETAS: (f32, f32) = (0.5, 0.9);

/// Trains the generators of `module` on its tasks, `frozen` holding the modules that its ancestors belong to.
/// The result depends on the arguments alone, not on threads.
///
/// # Errors
/// [`TrainError::Data`] where a data set, column or ancestor is missing or a variable is not discrete,
/// [`TrainError::Cancelled`] when the observer asks for it, [`TrainError::NotFinite`] where a loss diverges.
pub fn train(
    model: &Model,
    module: &plan::Module,
    tables: &[Table],
    frozen: &[&Trained],
    settings: &Overrides,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Trained, TrainError> {
    let options = Options::new(settings);
    let input = |message: String| TrainError::Data { module: module.id.clone(), message };
    let streams = Streams::new(seed, &module.id);
    let generators = generators(model, module, &options, &mut streams.of("weights")).map_err(input)?;
    let networks = generators.generators.iter().map(SoftGenerator::trained).collect::<Result<Vec<_>, _>>()?;
    let trained = Mechanisms::new(&generators, networks.clone(), frozen)?;
    let tasks = (module.tasks.iter().map(|task| Task::new(model, task, tables, &trained)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(input)?;
    for generator in &generators.generators {
        let variable = generator.shape.variable;
        if !tasks.iter().any(|task| task.own().any(|v| v == variable)) {
            return Err(input(format!("no task teaches {}", model.name(variable))));
        }
    }
    let mut training = Training::new(module, options, &tasks, generators, networks, trained, &streams)?;
    training.run(observer)?;
    Ok(Trained::Generators(training.generators))
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
    rng: &mut ChaCha8Rng,
) -> Result<GeneratorModule, String> {
    let names = module.variables.iter();
    let mut variables: Vec<VarId> =
        names.map(|name| model.id(name).ok_or_else(|| format!("no variable {name}"))).collect::<Result<_, _>>()?;
    variables.sort_unstable();
    let acts = |latent: usize, v: VarId| model.latents[latent].children.contains(&v);
    let latents: Vec<usize> = (0..model.latents.len()).filter(|&l| variables.iter().any(|&v| acts(l, v))).collect();
    let card = |v: VarId| model.card(v).ok_or_else(|| format!("{} is not discrete", model.name(v)));
    let mut generators = Vec::with_capacity(variables.len());
    for &variable in &variables {
        let parents = model.graph.parents(variable).to_vec();
        let shape = GeneratorShape {
            variable,
            card: card(variable)?,
            parent_cards: parents.iter().map(|&p| card(p)).collect::<Result<_, _>>()?,
            parents,
            latents: (0..latents.len()).filter(|&at| acts(latents[at], variable)).collect(),
        };
        generators.push(Generator::random(shape, options.noise, &options.hidden, rng));
    }
    Ok(GeneratorModule { noise: options.noise, latents, generators })
}

/// A module in training.
struct Training<'a> {
    module: &'a plan::Module,
    options: Options,
    tasks: &'a [Task<'a>],
    critics: Vec<(Critic, Adam)>,
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
        networks: Vec<SoftGenerator>,
        trained: Mechanisms<'a>,
        streams: &Streams,
    ) -> Result<Self, TrainError> {
        let mut weights_rng = streams.of("critics");
        let mut critics = Vec::with_capacity(tasks.len());
        for task in tasks {
            let inputs = task.width() * options.pac;
            let critic = Critic::random(inputs, &options.hidden, options.dropout, &mut weights_rng)?;
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
            critics,
            generators,
            networks,
            trained,
        })
    }

    fn run(&mut self, observer: &dyn Observer) -> Result<(), TrainError> {
        let (report, measure) = (self.steps.div_ceil(100).max(1), self.steps.div_ceil(20).max(1));
        for step in 1..=self.steps {
            if observer.cancelled() {
                return Err(TrainError::Cancelled);
            }
            let loss = self.step(step)?;
            if step % report == 0 || step == self.steps {
                let tv = (step % measure == 0 || step == self.steps).then(|| self.measure()).transpose()?;
                observer.metric(&Metric { module: self.module.id.clone(), step, total: self.steps, loss, tv });
            }
        }
        if self.steps == 0 { self.measure().map(|_| ()) } else { Ok(()) }
    }

    /// One step of all critics, then one of the generators; the mean of the critics' losses.
    fn step(&mut self, step: usize) -> Result<f64, TrainError> {
        let progress = (step - 1) as f64 / self.steps as f64;
        let relaxation = self.options.relaxation(progress);
        let rate = self.options.rate_at(progress);
        let (mut critic_loss, mut generator_loss) = (0.0, None);
        for at in 0..self.tasks.len() {
            for critic_step in 1..=self.options.critic_steps {
                // The last critic step and the generator step share their batch.
                let last = critic_step == self.options.critic_steps;
                let rows = self.tasks[at].draw(self.options.batch, &mut self.rows_rng);
                let mechanisms = if last { &self.trained } else { &self.detached };
                let mut forward = Forward { mechanisms, relaxation, rng: &mut self.noise_rng, watch: None };
                let fake = self.tasks[at].fake(&rows, &mut forward)?;
                let loss = self.critic_step(at, &rows, &fake.detach(), rate)?;
                if !loss.is_finite() {
                    return Err(TrainError::NotFinite { module: self.module.id.clone(), step });
                }
                if last {
                    critic_loss += loss;
                    let packed = pack(&fake, self.options.pac)?;
                    let loss = self.critics[at].0.detached().score(&packed, &mut self.critic_rng)?.mean_all()?.neg()?;
                    generator_loss = Some(match generator_loss {
                        None => loss,
                        Some(sum) => (sum + loss)?,
                    });
                }
            }
        }
        if let Some(loss) = generator_loss {
            loss.backward()?;
            self.adam.step(rate)?;
        }
        self.blend(step)?;
        Ok(critic_loss / self.tasks.len().max(1) as f64)
    }

    /// Moves a task's critic on one batch.
    fn critic_step(&mut self, task: usize, rows: &[usize], fake: &Tensor, rate: f32) -> Result<f64, TrainError> {
        let real = pack(&self.tasks[task].real(rows)?, self.options.pac)?;
        let fake = pack(fake, self.options.pac)?;
        let between = between(&real, &fake, &mut self.critic_rng)?;
        let (critic, adam) = &mut self.critics[task];
        let loss = critic.loss(&real, &fake, &between, self.options.lambda, &mut self.critic_rng)?;
        loss.backward()?;
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
    /// the rows: the largest total variation distance over the tasks.
    fn measure(&mut self) -> Result<f64, TrainError> {
        const SAMPLES: usize = 5000;
        for (generator, average) in self.generators.generators.iter_mut().zip(&self.average) {
            SoftGenerator::write(average.clone(), generator);
        }
        self.calibrate()?;
        let fixed = self.generators.generators.iter().map(SoftGenerator::fixed).collect::<Result<_, _>>()?;
        let mechanisms = self.trained.with(fixed);
        let mut largest = 0.0f64;
        for task in self.tasks {
            let mut forward =
                Forward { mechanisms: &mechanisms, relaxation: HARD, rng: &mut self.measure_rng, watch: None };
            largest = largest.max(task.distance(SAMPLES, &mut forward)?);
        }
        Ok(largest)
    }

    /// Sets the running statistics of the module's normalisations to the mean over batches of its own
    /// hard draws: averaged weights have statistics that no single step had.
    fn calibrate(&mut self) -> Result<(), TrainError> {
        const BATCHES: usize = 30;
        let batch = self.options.batch.max(200);
        let networks = self.generators.generators.iter().map(SoftGenerator::trained).collect::<Result<Vec<_>, _>>()?;
        let mechanisms = self.trained.with(networks.iter().map(SoftGenerator::detached).collect());
        let mut sums: Vec<Vec<(usize, Moments)>> =
            self.generators.generators.iter().map(|g| vec![(0, Moments::default()); g.blocks.len()]).collect();
        let mut add = |mechanism: usize, block: usize, moments: &Moments| {
            let (count, sum) = &mut sums[mechanism][block];
            *count += 1;
            sum.mean.resize(moments.mean.len(), 0.0);
            sum.variance.resize(moments.variance.len(), 0.0);
            sum.mean.iter_mut().zip(&moments.mean).for_each(|(s, v)| *s += v);
            sum.variance.iter_mut().zip(&moments.variance).for_each(|(s, v)| *s += v);
        };
        for task in self.tasks {
            for _ in 0..BATCHES {
                let rows = task.draw(batch, &mut self.measure_rng);
                let (rng, watch) = (&mut self.measure_rng, Some(&mut add as _));
                let mut forward = Forward { mechanisms: &mechanisms, relaxation: HARD, rng, watch };
                task.fake(&rows, &mut forward)?;
            }
        }
        let unbiased = batch as f32 / (batch - 1) as f32;
        for (generator, sums) in self.generators.generators.iter_mut().zip(sums) {
            for (block, (count, sum)) in generator.blocks.iter_mut().zip(sums).filter(|(_, (count, _))| *count > 0) {
                block.norm.mean = sum.mean.iter().map(|s| s / count as f32).collect();
                block.norm.variance = sum.variance.iter().map(|s| s / count as f32 * unbiased).collect();
            }
        }
        Ok(())
    }
}

/// Draws as the trained module makes them.
const HARD: Relaxation = Relaxation { temperature: 1.0, hard: true };

/// `pac` rows side by side: `[rows, width]` to `[rows / pac, pac · width]`.
fn pack(x: &Tensor, pac: usize) -> Result<Tensor, TrainError> {
    let (rows, width) = x.dims2()?;
    Ok(x.contiguous()?.reshape((rows / pac, pac * width))?)
}

/// A random point between each row of `real` and of `fake`.
fn between(real: &Tensor, fake: &Tensor, rng: &mut ChaCha8Rng) -> Result<Tensor, TrainError> {
    let (rows, width) = real.dims2()?;
    let (real, fake) = (real.flatten_all()?.to_vec1::<f32>()?, fake.flatten_all()?.to_vec1::<f32>()?);
    let mut points = Vec::with_capacity(real.len());
    for (real, fake) in real.chunks_exact(width).zip(fake.chunks_exact(width)) {
        let share: f32 = rng.random();
        points.extend(real.iter().zip(fake).map(|(r, f)| f + share * (r - f)));
    }
    Ok(Tensor::from_vec(points, (rows, width), &Device::Cpu)?)
}
