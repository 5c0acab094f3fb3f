//! Mechanisms of discrete variables as implicit generators (paper appendices C.3 and F.1).
//!
//! A generator is a network from its own noise, the noise that it shares with the other children of each of
//! its hidden causes, and its parents' one-hot codes, to the logits of its variable. Its blocks are linear
//! layers with batch normalisation and ReLU. The value is a Gumbel-max draw from the logits.

use super::noise::{gumbel_number, normals};
use super::ops::{EPSILON, Matrix, multiply};
use super::{Hidden, Sampler};
use candle_core::{Result, bail};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The mechanisms of a module as generators.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorModule {
    /// The length of every noise vector, own and shared.
    pub noise: usize,
    /// The numbers, among the model's latents, of the hidden causes that act on the module's variables.
    pub latents: Vec<usize>,
    /// One mechanism per variable of the module.
    pub generators: Vec<Generator>,
}

/// The mechanism of one variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Generator {
    /// What goes in and comes out.
    pub shape: GeneratorShape,
    /// The hidden blocks, first to last.
    pub blocks: Vec<Block>,
    /// The layer that gives the logits.
    pub output: Dense,
}

/// What goes into a generator and comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratorShape {
    /// The variable.
    pub variable: usize,
    /// The number of its values.
    pub card: usize,
    /// Its observed parents, ascending.
    pub parents: Vec<usize>,
    /// Their numbers of values.
    pub parent_cards: Vec<usize>,
    /// The hidden causes that act on it, as places in [`GeneratorModule::latents`].
    pub latents: Vec<usize>,
}

/// A hidden block: linear, batch normalisation, ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The linear layer.
    pub dense: Dense,
    /// Its normalisation.
    pub norm: BatchNorm,
}

/// A linear layer `x W + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// The number of inputs.
    pub inputs: usize,
    /// The number of outputs.
    pub outputs: usize,
    /// `W [inputs, outputs]`, row-major.
    pub weight: Vec<f32>,
    /// `b [outputs]`.
    pub bias: Vec<f32>,
}

/// Batch normalisation with the statistics that stand for a batch's when sampling.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// The factor of each column.
    pub scale: Vec<f32>,
    /// The constant of each column.
    pub shift: Vec<f32>,
    /// The running mean of each column.
    pub mean: Vec<f32>,
    /// The running variance of each column.
    pub variance: Vec<f32>,
}

impl Dense {
    /// Uniform weights in ±√(6 / (inputs + outputs)), zero bias (Glorot & Bengio 2010).
    pub fn random(inputs: usize, outputs: usize, rng: &mut impl Rng) -> Self {
        let bound = (6.0 / (inputs + outputs).max(1) as f32).sqrt();
        let weight = (0..inputs * outputs).map(|_| (2.0 * rng.random::<f32>() - 1.0) * bound).collect();
        Self { inputs, outputs, weight, bias: vec![0.0; outputs] }
    }

    /// The layer's values for `x [rows, inputs]`, row-major.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let rows = x.len() / self.inputs.max(1);
        let mut y: Vec<f32> = self.bias.iter().copied().cycle().take(rows * self.outputs).collect();
        let weight = Matrix::new(&self.weight, self.inputs, self.outputs);
        multiply(Matrix::new(x, rows, self.inputs), weight, &mut y, true);
        y
    }
}

impl BatchNorm {
    /// The identity of `columns` columns.
    pub fn identity(columns: usize) -> Self {
        let (zeros, ones) = (vec![0.0; columns], vec![1.0; columns]);
        Self { scale: ones.clone(), shift: zeros.clone(), mean: zeros, variance: ones }
    }
}

impl Block {
    /// The linear layer that does what the block does with its running statistics, but for the ReLU.
    pub fn folded(&self) -> Dense {
        let norm = &self.norm;
        let factors: Vec<f32> = norm.scale.iter().zip(&norm.variance).map(|(s, v)| s / (v + EPSILON).sqrt()).collect();
        let mut dense = self.dense.clone();
        for row in dense.weight.chunks_exact_mut(dense.outputs.max(1)) {
            row.iter_mut().zip(&factors).for_each(|(w, f)| *w *= f);
        }
        for (j, bias) in dense.bias.iter_mut().enumerate() {
            *bias = (*bias - norm.mean[j]) * factors[j] + norm.shift[j];
        }
        dense
    }
}

impl Generator {
    /// A generator with random weights and hidden layers of the widths `hidden`.
    pub fn random(shape: GeneratorShape, noise: usize, hidden: &[usize], rng: &mut impl Rng) -> Self {
        let mut inputs = shape.inputs(noise);
        let mut blocks = Vec::with_capacity(hidden.len());
        for &width in hidden {
            blocks.push(Block { dense: Dense::random(inputs, width, rng), norm: BatchNorm::identity(width) });
            inputs = width;
        }
        Self { output: Dense::random(inputs, shape.card, rng), shape, blocks }
    }

    /// The layers to sample with: the folded blocks, each followed by ReLU, and the output layer.
    pub fn folded(&self) -> Vec<Dense> {
        self.blocks.iter().map(Block::folded).chain([self.output.clone()]).collect()
    }
}

impl GeneratorShape {
    /// The length of the network's input: own noise, shared noise, parents' one-hot codes.
    pub fn inputs(&self, noise: usize) -> usize {
        noise * (1 + self.latents.len()) + self.parent_cards.iter().sum::<usize>()
    }
}

/// Rows that pass through the layers together: their activations stay in the cache.
const CHUNK: usize = 512;

impl Sampler for GeneratorModule {
    fn hidden(&self, rows: usize, rng: &mut ChaCha8Rng) -> Hidden {
        Hidden::Vectors { rows, noise: self.latents.iter().map(|_| normals(rows * self.noise, rng)).collect() }
    }

    /// # Errors
    /// Where `variable` is not the module's, or `parents` or `hidden` do not have the mechanism's shape.
    fn codes(&self, variable: usize, parents: &[&[u32]], hidden: &Hidden, rng: &mut ChaCha8Rng) -> Result<Vec<u32>> {
        let Some(generator) = self.generators.iter().find(|g| g.shape.variable == variable) else {
            bail!("the module has no generator of variable {variable}")
        };
        let Hidden::Vectors { rows, noise } = hidden else { bail!("generators share noise vectors, not levels") };
        if noise.len() != self.latents.len() || parents.len() != generator.shape.parents.len() {
            bail!("variable {variable}: the hidden causes or parents given are not the mechanism's")
        }
        let shared: Vec<&[f32]> = generator.shape.latents.iter().map(|&at| noise[at].as_slice()).collect();
        self.draw(generator, *rows, parents, &shared, rng)
    }
}

impl GeneratorModule {
    /// Draws `rows` values of a generator given its parents' codes and its hidden causes' noise.
    ///
    /// # Errors
    /// Where a list is shorter than `rows` or a code is outside its domain.
    fn draw(
        &self,
        generator: &Generator,
        rows: usize,
        parents: &[&[u32]],
        shared: &[&[f32]],
        rng: &mut impl Rng,
    ) -> Result<Vec<u32>> {
        let shape = &generator.shape;
        if parents.iter().any(|p| p.len() != rows) || shared.iter().any(|s| s.len() != rows * self.noise) {
            bail!("variable {}: parents and hidden causes have different numbers of rows", shape.variable)
        }
        if parents.iter().zip(&shape.parent_cards).any(|(codes, &card)| codes.iter().any(|&c| c as usize >= card)) {
            bail!("variable {}: a parent's code is outside its domain", shape.variable)
        }
        let layers = generator.folded();
        let mut codes = Vec::with_capacity(rows);
        for start in (0..rows).step_by(CHUNK) {
            let end = rows.min(start + CHUNK);
            let mut x = self.inputs(shape, start..end, parents, shared, rng);
            for (at, layer) in layers.iter().enumerate() {
                x = layer.apply(&x);
                if at + 1 < layers.len() {
                    x.iter_mut().for_each(|v| *v = v.max(0.0));
                }
            }
            codes.extend(x.chunks_exact(shape.card).map(|logits| gumbel_max(logits, rng)));
        }
        Ok(codes)
    }

    fn inputs(
        &self,
        shape: &GeneratorShape,
        rows: std::ops::Range<usize>,
        parents: &[&[u32]],
        shared: &[&[f32]],
        rng: &mut impl Rng,
    ) -> Vec<f32> {
        let mut x = Vec::with_capacity(rows.len() * shape.inputs(self.noise));
        for row in rows {
            x.extend(normals(self.noise, rng));
            for noise in shared {
                x.extend_from_slice(&noise[row * self.noise..(row + 1) * self.noise]);
            }
            for (codes, &card) in parents.iter().zip(&shape.parent_cards) {
                x.extend((0..card).map(|value| f32::from(value == codes[row] as usize)));
            }
        }
        x
    }
}

/// A draw from the softmax of `logits` (Gumbel 1954).
fn gumbel_max(logits: &[f32], rng: &mut impl Rng) -> u32 {
    let mut best = (f32::NEG_INFINITY, 0);
    for (value, logit) in logits.iter().enumerate() {
        let height = logit + gumbel_number(rng);
        if height > best.0 {
            best = (height, value as u32);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::stream;

    /// One variable of three values with one parent and one hidden cause, whose output layer ignores its input.
    fn module() -> GeneratorModule {
        let shape = GeneratorShape { variable: 4, card: 3, parents: vec![1], parent_cards: vec![2], latents: vec![0] };
        let mut generator = Generator::random(shape, 2, &[4], &mut stream(1, "weights"));
        generator.output.weight.fill(0.0);
        generator.output.bias = vec![0.2f32.ln(), 0.5f32.ln(), 0.3f32.ln()];
        GeneratorModule { noise: 2, latents: vec![9], generators: vec![generator] }
    }

    #[test]
    fn draws_follow_the_logits() {
        const ROWS: usize = 50_000;
        let mut rng = stream(1, "sample");
        let hidden = module().hidden(ROWS, &mut rng);
        let drawn = module().codes(4, &[&vec![1; ROWS]], &hidden, &mut rng).unwrap();
        for (value, expected) in [0.2, 0.5, 0.3].into_iter().enumerate() {
            let share = drawn.iter().filter(|&&d| d as usize == value).count() as f64 / ROWS as f64;
            assert!((share - expected).abs() < 0.01, "{value}: {share}");
        }
    }

    /// The shared noise reaches the value: with saturated logits, rows with equal noise get equal values
    /// however often they are drawn, and rows with different noise do not all agree.
    #[test]
    fn hidden_causes_are_shared_between_draws() {
        let mut module = module();
        let generator = &mut module.generators[0];
        generator.blocks.clear();
        generator.output = Dense { inputs: 6, outputs: 3, weight: vec![0.0; 18], bias: vec![0.0; 3] };
        // Input 2 is the first number of the shared noise.
        generator.output.weight[2 * 3] = 1e6;
        let mut rng = stream(1, "sample");
        let hidden = module.hidden(100, &mut rng);
        let mut draw = || module.codes(4, &[&[0; 100]], &hidden, &mut rng).unwrap();
        let (first, second) = (draw(), draw());
        let zeros = |drawn: &[u32]| drawn.iter().map(|d| *d == 0).collect::<Vec<_>>();
        assert_eq!(zeros(&first), zeros(&second));
        assert!(zeros(&first).contains(&true) && zeros(&first).contains(&false));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut rng = stream(1, "sample");
        let hidden = module().hidden(3, &mut rng);
        let levels = Hidden::Levels { member: vec![0; 3], values: vec![] };
        let mut fails = |variable, parents: &[&[u32]], hidden: &Hidden| {
            module().codes(variable, parents, hidden, &mut rng).unwrap_err().to_string()
        };
        assert!(fails(5, &[], &hidden).contains("no generator of variable 5"));
        assert!(fails(4, &[], &hidden).contains("are not the mechanism's"));
        assert!(fails(4, &[&[0, 1]], &hidden).contains("different numbers of rows"));
        assert!(fails(4, &[&[0, 1, 2]], &hidden).contains("outside its domain"));
        assert!(fails(4, &[&[0, 1, 1]], &levels).contains("not levels"));
    }
}
