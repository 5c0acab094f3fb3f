//! Mechanisms as implicit generators (paper appendices C.3, F.1 and F.2).
//!
//! A generator is a network from its own noise, the noise that it shares with the other children of each of its
//! hidden causes, and its parents. Which network depends on what is an image:
//!
//! | variable | parents | network | its value |
//! |---|---|---|---|
//! | discrete | discrete or real | linear layers with batch normalisation and ReLU, to logits | a Gumbel-max draw |
//! | real | discrete or real | the same, to one number | that number, scaled |
//! | image | any | [`ImageGenerator`] | its pictures |
//! | discrete, real | images among them | [`Classifier`], to logits or one number | a Gumbel-max draw, or that number |
//!
//! All take the matrix own noise, shared noise, one-hot codes and standardised numbers of the other parents; and the image parents' pictures.

pub use super::dense::{BatchNorm, Block, Dense, Layers};

use super::column::{Column, Pixels};
use super::image::{Batch, Classifier, ImageGenerator, ImageSize, Network, from_planes, to_planes};
use super::noise::{Noise, gumbel_given, gumbel_max, gumbel_number, normals};
use super::ops::{device, with_threads};
use super::real::Scale;
use super::soft::SoftGenerator;
use super::{Hidden, Sampler};
use candle_core::{Result, Tensor, bail};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use std::ops::Range;

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
    /// The network, of the kind that the shape asks for.
    pub network: GeneratorNetwork,
}

/// The network of a mechanism.
#[derive(Clone, Debug, PartialEq)]
pub enum GeneratorNetwork {
    /// From codes to logits.
    Layers(Layers),
    /// To pictures.
    Pictures(Network<ImageGenerator>),
    /// From pictures and codes to logits.
    Classifier(Network<Classifier>),
}

/// What a variable's values are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One of so many codes.
    Codes(usize),
    /// A real number, which networks see and give on this scale.
    Real(Scale),
    /// An image.
    Image(ImageSize),
}

/// What goes into a generator and comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorShape {
    /// The variable.
    pub variable: usize,
    /// Its values.
    pub kind: Kind,
    /// Its observed parents, ascending.
    pub parents: Vec<usize>,
    /// Their values.
    pub parent_kinds: Vec<Kind>,
    /// The hidden causes that act on it, as places in [`GeneratorModule::latents`].
    pub latents: Vec<usize>,
}

/// How large networks are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widths<'a> {
    /// Widths of fully connected hidden layers.
    pub hidden: &'a [usize],
    /// Channels of networks on pictures: [`ImageGenerator::width`] and [`Classifier::width`].
    pub width: usize,
}

impl Kind {
    /// The number of codes; `None` for others.
    pub fn card(self) -> Option<usize> {
        match self {
            Self::Codes(card) => Some(card),
            Self::Real(_) | Self::Image(_) => None,
        }
    }

    /// The numbers of a value in a matrix: a one-hot code, a standardised number, none for an image.
    pub fn width(self) -> usize {
        match self {
            Self::Codes(card) => card,
            Self::Real(_) => 1,
            Self::Image(_) => 0,
        }
    }

    /// The size of an image; `None` for others.
    pub fn image(self) -> Option<ImageSize> {
        match self {
            Self::Codes(_) | Self::Real(_) => None,
            Self::Image(size) => Some(size),
        }
    }

    /// Whether the values of `column` are of this kind.
    fn holds(self, column: &Column) -> bool {
        match (self, column) {
            (Self::Codes(card), Column::Codes(codes)) => codes.iter().all(|&c| (c as usize) < card),
            (Self::Real(_), Column::Reals(_)) => true,
            (Self::Image(size), Column::Pixels(p) | Column::Still(p, _)) => {
                p.shape == [size.channels, size.height, size.width]
            }
            _ => false,
        }
    }
}

impl Generator {
    /// A generator with random weights.
    ///
    /// # Errors
    /// A sentence, where there can be no such network.
    pub fn random(
        shape: GeneratorShape,
        noise: usize,
        widths: &Widths,
        rng: &mut impl Rng,
    ) -> std::result::Result<Self, String> {
        let codes = shape.inputs(noise);
        let network = match shape.kind {
            Kind::Image(_) => GeneratorNetwork::Pictures(Network::random(shape.image_generator(noise, widths)?, rng)?),
            kind if shape.pictures().is_empty() => {
                GeneratorNetwork::Layers(Layers::random(codes, widths.hidden, kind.width(), rng))
            }
            _ => GeneratorNetwork::Classifier(Network::random(shape.classifier(noise, widths)?, rng)?),
        };
        Ok(Self { shape, network })
    }

    /// Sets the running statistics of normalisation number `at`.
    pub fn set_moments(&mut self, at: usize, moments: &super::ops::Moments) {
        match &mut self.network {
            GeneratorNetwork::Layers(layers) => {
                if let Some(block) = layers.blocks.get_mut(at) {
                    (block.norm.mean, block.norm.variance) = (moments.mean.clone(), moments.variance.clone());
                }
            }
            GeneratorNetwork::Pictures(network) => network.set_moments(at, moments),
            GeneratorNetwork::Classifier(_) => {}
        }
    }
}

impl GeneratorShape {
    /// The length of the network's matrix: own noise, shared noise, the other parents than images.
    pub fn inputs(&self, noise: usize) -> usize {
        noise * (1 + self.latents.len()) + self.parent_kinds.iter().map(|k| k.width()).sum::<usize>()
    }

    /// The sizes of the image parents, in their order.
    pub fn pictures(&self) -> Vec<ImageSize> {
        self.parent_kinds.iter().filter_map(|k| k.image()).collect()
    }

    /// The architecture of an image's generator.
    ///
    /// # Errors
    /// A sentence, where the variable is no image.
    pub(super) fn image_generator(&self, noise: usize, widths: &Widths) -> std::result::Result<ImageGenerator, String> {
        let size = self.kind.image().ok_or("only images have a picture")?;
        Ok(ImageGenerator { size, codes: self.inputs(noise), pictures: self.pictures(), width: widths.width })
    }

    /// The architecture of the network of a discrete or real child of images.
    ///
    /// # Errors
    /// A sentence, where the variable is an image.
    pub(super) fn classifier(&self, noise: usize, widths: &Widths) -> std::result::Result<Classifier, String> {
        let outputs = Some(self.kind.width()).filter(|w| *w > 0).ok_or("an image has no logits")?;
        let (codes, pictures, hidden) = (self.inputs(noise), self.pictures(), widths.hidden.to_vec());
        Ok(Classifier { pictures, codes, width: widths.width, hidden, outputs })
    }
}

/// A generator's value follows from its noise: it has no density. One that is known counts as seen with a normal error of
/// this standard deviation, in standardised units (approximate Bayesian computation: Beaumont, Zhang & Balding 2002).
const KERNEL: f64 = 0.1;
/// Rows that pass through the layers together: their activations stay in the cache.
const CHUNK: usize = 512;
/// The same where there are images.
const IMAGE_CHUNK: usize = 64;

impl Sampler for GeneratorModule {
    fn hidden(&self, rows: usize, rng: &mut ChaCha8Rng) -> Hidden {
        Hidden::Vectors { rows, noise: self.latents.iter().map(|_| normals(rows * self.noise, rng)).collect() }
    }

    fn noise(&self, variable: usize, rows: usize, rng: &mut ChaCha8Rng) -> Result<Noise> {
        let card = self.generator(variable)?.shape.kind.card().unwrap_or(0);
        let vectors = normals(rows * self.noise, rng);
        Ok(Noise { vectors, gumbel: (0..rows * card).map(|_| gumbel_number(rng)).collect(), ..Noise::default() })
    }

    fn replay(&self, variable: usize, parents: &[&Column], hidden: &Hidden, noise: &Noise) -> Result<Column> {
        let draw = self.draw(variable, parents, hidden, noise)?;
        match draw.shape.kind {
            Kind::Codes(card) => {
                let logits = draw.outputs()?;
                let rows = logits.chunks_exact(card).zip(noise.gumbel.chunks_exact(card));
                Ok(Column::Codes(rows.map(|(logits, gumbel)| gumbel_max(logits, gumbel)).collect()))
            }
            Kind::Real(scale) => {
                Ok(Column::Reals(draw.outputs()?.into_iter().map(|z| scale.outward(f64::from(z))).collect()))
            }
            Kind::Image(ImageSize { channels, height, width }) => {
                Ok(Column::Pixels(Pixels { shape: [channels, height, width], values: draw.outputs()? }))
            }
        }
    }

    fn observe(
        &self,
        variable: usize,
        parents: &[&Column],
        hidden: &Hidden,
        noise: &mut Noise,
        value: u32,
    ) -> Result<Vec<f64>> {
        let draw = self.draw(variable, parents, hidden, noise)?;
        let card = match draw.shape.kind {
            Kind::Codes(card) => card,
            Kind::Real(scale) => {
                let value = f32::from_bits(value);
                let (number, slope) = (scale.inward(value), scale.slope(value));
                let off = |z: f32| (number - f64::from(z)) / KERNEL;
                let density = |z: f32| -0.5 * off(z).powi(2) + (slope / (KERNEL * (2.0 * PI).sqrt())).ln();
                return Ok(draw.outputs()?.into_iter().map(density).collect());
            }
            Kind::Image(_) => bail!("variable {variable} is an image: it is not observed"),
        };
        let logits = draw.outputs()?;
        let rows = logits.chunks_exact(card).zip(noise.gumbel.chunks_exact_mut(card));
        Ok(rows.map(|(logits, gumbel)| gumbel_given(logits, gumbel, value).ln()).collect())
    }

    fn redraw(&self, hidden: &mut Hidden, latent: usize, rng: &mut ChaCha8Rng) -> Result<()> {
        match hidden {
            Hidden::Vectors { rows, noise } if latent < noise.len() => {
                noise[latent] = normals(*rows * self.noise, rng);
                Ok(())
            }
            _ => bail!("there is no noise vector {latent}"),
        }
    }
}

impl GeneratorModule {
    fn generator(&self, variable: usize) -> Result<&Generator> {
        match self.generators.iter().find(|g| g.shape.variable == variable) {
            Some(generator) => Ok(generator),
            None => bail!("the module has no generator of variable {variable}"),
        }
    }

    /// The mechanism of `variable` with what it reads, all of which must have its shape.
    fn draw<'a>(
        &'a self,
        variable: usize,
        parents: &'a [&'a Column],
        hidden: &'a Hidden,
        noise: &'a Noise,
    ) -> Result<Draw<'a>> {
        let generator = self.generator(variable)?;
        let Hidden::Vectors { rows, noise: shared } = hidden else {
            bail!("generators share noise vectors, not levels")
        };
        let shape = &generator.shape;
        if shared.len() != self.latents.len() || parents.len() != shape.parents.len() {
            bail!("variable {variable}: the hidden causes or parents given are not the mechanism's")
        }
        let own =
            noise.vectors.len() == rows * self.noise && noise.gumbel.len() == rows * shape.kind.card().unwrap_or(0);
        let others = parents.iter().any(|p| p.rows() != *rows) || shared.iter().any(|n| n.len() != rows * self.noise);
        if others || !own {
            bail!("variable {variable}: parents and hidden causes have different numbers of rows")
        }
        if parents.iter().zip(&shape.parent_kinds).any(|(column, kind)| !kind.holds(column)) {
            bail!("variable {variable}: a parent's value is outside its domain")
        }
        let shared: Vec<&[f32]> = shape.latents.iter().map(|&at| shared[at].as_slice()).collect();
        let network = SoftGenerator::fixed(generator)?;
        Ok(Draw { shape, network, parents, shared, own: &noise.vectors, noise: self.noise, rows: *rows })
    }
}

/// A mechanism with what it reads.
struct Draw<'a> {
    shape: &'a GeneratorShape,
    network: SoftGenerator,
    parents: &'a [&'a Column],
    /// The noise of the mechanism's hidden causes, `[rows, noise]` each.
    shared: Vec<&'a [f32]>,
    /// Its own noise, `[rows, noise]`.
    own: &'a [f32],
    noise: usize,
    rows: usize,
}

impl Draw<'_> {
    /// The logits `[rows, values]` or pixels of all rows.
    fn outputs(&self) -> Result<Vec<f32>> {
        if matches!(self.network, SoftGenerator::Layers(_)) {
            return self.in_chunks(CHUNK);
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        with_threads(threads, || self.in_chunks(IMAGE_CHUNK))?
    }

    fn in_chunks(&self, chunk: usize) -> Result<Vec<f32>> {
        let mut values = vec![];
        for start in (0..self.rows).step_by(chunk) {
            let range = start..self.rows.min(start + chunk);
            let batch = Batch { codes: Some(self.matrix(range.clone())?), pictures: self.pictures(range)? };
            let y = self.network.run(&batch, |_, _| ())?;
            values.extend(match self.shape.kind {
                Kind::Image(_) => to_planes(&y)?,
                Kind::Codes(_) | Kind::Real(_) => y.flatten_all()?.to_vec1::<f32>()?,
            });
        }
        Ok(values)
    }

    /// Own noise, shared noise, one-hot codes and standardised numbers.
    fn matrix(&self, rows: Range<usize>) -> Result<Tensor> {
        let (count, width) = (rows.len(), self.shape.inputs(self.noise));
        let mut x = Vec::with_capacity(count * width);
        for row in rows {
            for noise in [self.own].iter().chain(&self.shared) {
                x.extend_from_slice(&noise[row * self.noise..(row + 1) * self.noise]);
            }
            for (column, kind) in self.parents.iter().zip(&self.shape.parent_kinds) {
                match (column, *kind) {
                    (Column::Codes(codes), Kind::Codes(card)) => {
                        x.extend((0..card).map(|value| f32::from(value == codes[row] as usize)));
                    }
                    (Column::Reals(numbers), Kind::Real(scale)) => x.push(scale.inward(numbers[row]) as f32),
                    _ => {}
                }
            }
        }
        Tensor::from_vec(x, (count, width), &device())
    }

    fn pictures(&self, rows: Range<usize>) -> Result<Vec<Tensor>> {
        let of = |(column, kind): (&&Column, &Kind)| {
            let ((pixels, still), size) = (column.images()?, kind.image()?);
            Some(from_planes(&pixels.of_rows(still, rows.clone()), size))
        };
        self.parents.iter().zip(&self.shape.parent_kinds).filter_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::stream;

    const SIZE: ImageSize = ImageSize { channels: 2, height: 8, width: 9 };

    /// A mechanism of variable 4 with the parent 1 and a hidden cause.
    fn random(kind: Kind, parent: Kind) -> Generator {
        let shape =
            GeneratorShape { variable: 4, kind, parents: vec![1], parent_kinds: vec![parent], latents: vec![0] };
        Generator::random(shape, 2, &Widths { hidden: &[4], width: 3 }, &mut stream(1, "weights")).unwrap()
    }

    fn output(generator: &mut Generator) -> &mut Dense {
        match &mut generator.network {
            GeneratorNetwork::Layers(layers) => &mut layers.output,
            _ => panic!("no layers of codes"),
        }
    }

    /// One variable of three values with one parent and one hidden cause, whose output layer ignores its input.
    fn module() -> GeneratorModule {
        let mut generator = random(Kind::Codes(3), Kind::Codes(2));
        let output = output(&mut generator);
        output.weight.fill(0.0);
        output.bias = vec![0.2f32.ln(), 0.5f32.ln(), 0.3f32.ln()];
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
        let mut output = Dense { inputs: 6, outputs: 3, weight: vec![0.0; 18], bias: vec![0.0; 3] };
        // Input 2 is the first number of the shared noise.
        output.weight[2 * 3] = 1e6;
        generator.network = GeneratorNetwork::Layers(Layers { blocks: vec![], output });
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

    fn pixels(rows: usize) -> Column {
        let values = normals(rows * SIZE.count(), &mut stream(3, "pixels")).into_iter().map(f32::tanh).collect();
        Column::Pixels(Pixels { shape: [2, 8, 9], values })
    }

    /// Every combination of a discrete, a real and an image variable with such a parent draws values of its
    /// kind that depend on the parent, the same with the same stream, and refuses parents of the other kind.
    #[test]
    fn every_kind_draws_from_every_kind() {
        const ROWS: usize = 150;
        let real = Kind::Real(Scale::fit(&[(0.0, 1.0), (4.0, 1.0)], (None, Some(5.0))));
        let kinds = [Kind::Codes(3), Kind::Image(SIZE), real];
        for (kind, parent) in kinds.into_iter().flat_map(|k| kinds.map(|p| (k, p))) {
            let module = GeneratorModule { noise: 2, latents: vec![9], generators: vec![random(kind, parent)] };
            let draw = |column: &Column| {
                let mut rng = stream(1, "sample");
                let hidden = module.hidden(ROWS, &mut rng);
                module.sample(4, &[column], &hidden, &mut rng)
            };
            let [one, other] = match parent {
                Kind::Codes(_) => [Column::Codes(vec![0; ROWS]), Column::Codes(vec![2; ROWS])],
                Kind::Real(_) => [Column::Reals(vec![0.5; ROWS]), Column::Reals(vec![3.5; ROWS])],
                Kind::Image(_) => {
                    [pixels(ROWS), Column::Pixels(Pixels { shape: [2, 8, 9], values: vec![0.9; 21_600] })]
                }
            };
            let drawn = draw(&one).unwrap();
            assert!(drawn.rows() == ROWS && kind.holds(&drawn), "{kind:?} {parent:?}");
            assert_eq!(draw(&one).unwrap(), drawn);
            assert_ne!(draw(&other).unwrap(), drawn);
            if matches!(parent, Kind::Image(_)) {
                let still = Column::Still(Pixels { shape: [2, 8, 9], values: vec![0.9; 144] }, ROWS);
                assert_eq!(draw(&still).unwrap(), draw(&other).unwrap());
            }
            if let Column::Pixels(p) = &drawn {
                assert!(p.values.iter().all(|v| v.abs() <= 1.0) && p.values[..144] != p.values[144..288]);
            }
            let wrong = if parent.card().is_some() { pixels(ROWS) } else { Column::Codes(vec![0; ROWS]) };
            assert!(draw(&wrong).unwrap_err().to_string().contains("outside its domain"));
        }
    }

    #[test]
    fn a_picture_that_no_network_draws_is_refused() {
        let kind = Kind::Image(ImageSize { height: 4, ..SIZE });
        let shape = GeneratorShape { variable: 0, kind, parents: vec![], parent_kinds: vec![], latents: vec![] };
        let widths = Widths { hidden: &[4], width: 3 };
        assert!(Generator::random(shape, 2, &widths, &mut stream(1, "weights")).unwrap_err().contains("8 to 256"));
    }
}
