//! Mechanisms of discrete and real variables as neural conditionals: a small network from parents and hidden causes
//! (one-hot codes, standardised numbers, what an encoder finds in images) to the logits of the variable, or to the
//! [`Mixture`] that a real one is drawn from.

mod file;
mod network;

pub use network::{Network, SoftNetwork, encode, softmax};

use super::column::{Column, Pixels};
use super::noise::Noise;
use super::real::{Mixture, OUTPUTS, Scale};
use super::table::{TableLatent, TableMechanism, TableMember, TableModule, draw, redraw_level};
use super::{Hidden, Sampler};
use candle_core::{Result, bail};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Rows that go through a network at a time,
const CHUNK: usize = 4096;
/// or this many where images are among its inputs.
const IMAGE_CHUNK: usize = 256;

/// The mechanisms of a module as networks.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionalModule {
    /// The hidden causes that act on the module's variables.
    pub latents: Vec<TableLatent>,
    /// The shape of each mechanism.
    pub mechanisms: Vec<TableMechanism>,
    /// The scales of the real variables among the module's and their parents. As a parent such a variable is one number
    /// (its card is 1), as the module's own the [`OUTPUTS`] of a mixture.
    pub reals: BTreeMap<usize, Scale>,
    /// The fits that answers are averaged over, each to other resampled rows.
    pub members: Vec<ConditionalMember>,
}

/// One fit of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionalMember {
    /// `P(u)` of each latent.
    pub priors: Vec<Vec<f64>>,
    /// Per mechanism its network.
    pub networks: Vec<Network>,
}

impl ConditionalModule {
    /// The numbers of values of a mechanism's inputs: parents (0 for an image), then latents.
    pub fn input_cards(&self, mechanism: usize) -> Vec<usize> {
        let mut shape = self.mechanisms[mechanism].shape(&self.latents);
        shape.pop();
        shape
    }

    /// The cells of all tables that say the same as one member; infinite where they cannot be counted.
    pub fn table_cells(&self) -> f64 {
        let cells = |m: &TableMechanism| match m.images() + self.reals.len() {
            0 => m.shape(&self.latents).iter().map(|&k| k as f64).product(),
            _ => f64::INFINITY,
        };
        self.mechanisms.iter().map(cells).sum()
    }

    /// The same mechanisms as tables, every member also a replicate. [`Self::table_cells`] must be few.
    pub fn tabulate(&self) -> TableModule {
        let members: Vec<TableMember> = self
            .members
            .iter()
            .map(|member| TableMember {
                priors: member.priors.clone(),
                tables: (0..self.mechanisms.len()).map(|m| self.table(member, m)).collect(),
            })
            .collect();
        TableModule {
            latents: self.latents.clone(),
            mechanisms: self.mechanisms.clone(),
            replicates: members.clone(),
            members,
        }
    }

    fn table(&self, member: &ConditionalMember, mechanism: usize) -> Vec<f64> {
        let cards = self.input_cards(mechanism);
        let rows: usize = cards.iter().product();
        let mut table = Vec::with_capacity(rows * self.mechanisms[mechanism].card);
        for start in (0..rows).step_by(CHUNK) {
            let mut x = vec![];
            for row in start..rows.min(start + CHUNK) {
                encode(&cards, digits(row, &cards).into_iter(), &mut x);
            }
            let outputs = member.networks[mechanism].outputs_of(&x, rows.min(start + CHUNK) - start);
            table.extend(softmax(&outputs, self.mechanisms[mechanism].card));
        }
        table
    }
}

/// The values of one of a mechanism's inputs.
enum Input<'a> {
    Codes(&'a [u32]),
    /// Standardised.
    Numbers(Vec<f32>),
    Image(&'a Pixels),
    /// The same in so many rows.
    Still(&'a Pixels, usize),
}

impl Input<'_> {
    fn rows(&self) -> usize {
        match self {
            Self::Codes(codes) => codes.len(),
            Self::Numbers(numbers) => numbers.len(),
            Self::Image(pixels) => pixels.rows(),
            Self::Still(_, rows) => *rows,
        }
    }
}

impl ConditionalModule {
    fn place(&self, variable: usize) -> Result<usize> {
        match self.mechanisms.iter().position(|m| m.variable == variable) {
            Some(place) => Ok(place),
            None => bail!("variable {variable} is not in the module"),
        }
    }

    /// The parents' values as a mechanism takes them.
    fn inputs<'a>(&self, place: usize, parents: &[&'a Column]) -> Result<Vec<Input<'a>>> {
        let mechanism = &self.mechanisms[place];
        let variable = mechanism.variable;
        if parents.len() != mechanism.parents.len() {
            bail!("variable {variable} has {} parents, got {}", mechanism.parents.len(), parents.len())
        }
        let input = |(at, column): (usize, &&'a Column)| {
            let scale = self.reals.get(&mechanism.parents[at]);
            Ok(match (*column, mechanism.parent_cards[at], scale) {
                (Column::Reals(numbers), _, Some(scale)) => {
                    Input::Numbers(numbers.iter().map(|&x| scale.inward(x) as f32).collect())
                }
                (Column::Codes(codes), 1.., None) => Input::Codes(codes),
                (Column::Pixels(pixels), 0, None) => Input::Image(pixels),
                (Column::Still(pixels, rows), 0, None) => Input::Still(pixels, *rows),
                (column, ..) => bail!("parent {at} of variable {variable} is not {}", column.kind()),
            })
        };
        parents.iter().enumerate().map(input).collect()
    }

    /// What a mechanism's network gives in each row, `[rows, outputs]`.
    fn outputs<'a>(&self, place: usize, parents: &[&'a Column], hidden: &'a Hidden) -> Result<Vec<f32>> {
        let Hidden::Levels { member, values } = hidden else {
            bail!("a module of conditionals needs hidden levels");
        };
        let m = &self.mechanisms[place];
        let mut inputs = self.inputs(place, parents)?;
        inputs.extend(m.latents.iter().filter_map(|&l| values.get(l)).map(|codes| Input::Codes(codes)));
        let cards = self.input_cards(place);
        if inputs.len() != cards.len() || inputs.iter().any(|input| input.rows() != member.len()) {
            bail!("variable {}: parents and hidden causes have different numbers of rows", m.variable);
        }
        let image = |input: &Input<'a>| match input {
            Input::Image(pixels) => Some((*pixels, false)),
            Input::Still(pixels, _) => Some((*pixels, true)),
            _ => None,
        };
        let images: Vec<(&Pixels, bool)> = inputs.iter().filter_map(image).collect();
        // What is the same in all rows is looked at once.
        let still = images.iter().all(|(_, still)| *still);
        let mut outputs = vec![0.0; member.len() * m.card];
        for (i, fit) in self.members.iter().enumerate() {
            let rows: Vec<usize> = (0..member.len()).filter(|&row| member[row] as usize == i).collect();
            let network = &fit.networks[place];
            let once = if still { network.features_of(&images, &[0])? } else { vec![] };
            for rows in rows.chunks(if still { CHUNK } else { IMAGE_CHUNK }) {
                let features = if still { vec![] } else { network.features_of(&images, rows)? };
                let mut x = vec![];
                for (at, &row) in rows.iter().enumerate() {
                    match still {
                        true => x.extend_from_slice(&once),
                        false => x.extend_from_slice(&features[at * network.features()..][..network.features()]),
                    }
                    for (input, &card) in inputs.iter().zip(&cards) {
                        match input {
                            Input::Codes(codes) => encode(&[card], [codes[row] as usize].into_iter(), &mut x),
                            Input::Numbers(numbers) => x.push(numbers[row]),
                            Input::Image(_) | Input::Still(..) => {}
                        }
                    }
                }
                let found = network.outputs_of(&x, rows.len());
                for (&row, found) in rows.iter().zip(found.chunks_exact(m.card)) {
                    outputs[row * m.card..(row + 1) * m.card].copy_from_slice(found);
                }
            }
        }
        Ok(outputs)
    }
}

impl Sampler for ConditionalModule {
    fn hidden(&self, rows: usize, rng: &mut ChaCha8Rng) -> Hidden {
        let count = self.members.len().max(1) as u32;
        let member: Vec<u32> = (0..rows).map(|_| rng.random_range(0..count)).collect();
        let values = (0..self.latents.len())
            .map(|l| member.iter().map(|&m| draw(&self.members[m as usize].priors[l], rng)).collect())
            .collect();
        Hidden::Levels { member, values }
    }

    fn noise(&self, _variable: usize, rows: usize, rng: &mut ChaCha8Rng) -> Result<Noise> {
        Ok(Noise::uniform(rows, rng))
    }

    fn replay(&self, variable: usize, parents: &[&Column], hidden: &Hidden, noise: &Noise) -> Result<Column> {
        let place = self.place(variable)?;
        let outputs = self.outputs(place, parents, hidden)?;
        if noise.uniform.len() != hidden.rows() {
            bail!("variable {variable}: the noise has another number of rows")
        }
        if let Some(scale) = self.reals.get(&variable) {
            let value = |(outputs, &share): (&[f32], &f64)| scale.outward(Mixture::new(outputs).quantile(share));
            let rows = outputs.par_chunks_exact(OUTPUTS).zip(&noise.uniform);
            return Ok(Column::Reals(rows.map(value).collect()));
        }
        let card = self.mechanisms[place].card;
        Ok(Column::Codes(noise.quantiles(softmax(&outputs, card).chunks_exact(card))))
    }

    fn observe(
        &self,
        variable: usize,
        parents: &[&Column],
        hidden: &Hidden,
        noise: &mut Noise,
        value: u32,
    ) -> Result<Vec<f64>> {
        let place = self.place(variable)?;
        let outputs = self.outputs(place, parents, hidden)?;
        if noise.uniform.len() != hidden.rows() {
            bail!("variable {variable}: the noise has another number of rows")
        }
        if let Some(scale) = self.reals.get(&variable) {
            let (number, slope) = (scale.inward(f32::from_bits(value)), scale.slope(f32::from_bits(value)));
            // The value's distribution function is monotone: one noise alone gives the value.
            let density = |(outputs, noise): (&[f32], &mut f64)| {
                let mixture = Mixture::new(outputs);
                *noise = mixture.distribution(number);
                mixture.log_density(number) + slope.ln()
            };
            return Ok(outputs.chunks_exact(OUTPUTS).zip(&mut noise.uniform).map(density).collect());
        }
        let card = self.mechanisms[place].card;
        Ok(noise.narrow(value, softmax(&outputs, card).chunks_exact(card)).into_iter().map(f64::ln).collect())
    }

    fn redraw(&self, hidden: &mut Hidden, latent: usize, rng: &mut ChaCha8Rng) -> Result<()> {
        let priors: Vec<&[Vec<f64>]> = self.members.iter().map(|m| m.priors.as_slice()).collect();
        redraw_level(&priors, hidden, latent, rng)
    }
}

/// The digits of `number` in the mixed radix `cards`, the last one fastest.
pub(super) fn digits(mut number: usize, cards: &[usize]) -> Vec<usize> {
    let mut digits = vec![0; cards.len()];
    for (digit, &card) in digits.iter_mut().zip(cards).rev() {
        *digit = number % card;
        number /= card;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::image::{Classifier, ImageSize};
    use crate::seed;

    /// `A -> B` (3 values) with a hidden cause of both; two members.
    fn module() -> ConditionalModule {
        let mut rng = seed::stream(1, "conditional");
        let latents = vec![TableLatent { latent: 0, levels: 2 }];
        let mechanism = |variable, card, parents: Vec<usize>, parent_cards| TableMechanism {
            variable,
            card,
            parents,
            parent_cards,
            latents: vec![0],
        };
        let mechanisms = vec![mechanism(0, 2, vec![], vec![]), mechanism(1, 3, vec![0], vec![2])];
        let mut member = |p: f64| ConditionalMember {
            priors: vec![vec![p, 1.0 - p]],
            networks: vec![Network::random(2, &[8, 5], 2, &mut rng), Network::random(4, &[8, 5], 3, &mut rng)],
        };
        ConditionalModule { latents, mechanisms, reals: BTreeMap::new(), members: vec![member(0.3), member(0.7)] }
    }

    #[test]
    fn tables_say_the_same_as_the_networks_draw() {
        let (module, rows) = (module(), 100_000);
        let tables = module.tabulate();
        assert_eq!(module.table_cells(), 4.0 + 12.0);
        for (table, m) in tables.members[0].tables.iter().zip(&module.mechanisms) {
            assert!(table.chunks(m.card).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9));
        }
        // The last cell, A = 1 and u = 1, by hand.
        let last = module.members[1].networks[1].probabilities(&[0.0, 1.0, 0.0, 1.0]);
        assert_eq!(last, tables.members[1].tables[1][9..]);
        let share = |sampler: &dyn Sampler, name: &str| {
            let mut rng = seed::stream(2, name);
            let hidden = sampler.hidden(rows, &mut rng);
            let a = sampler.codes(0, &[], &hidden, &mut rng).unwrap();
            let b = sampler.codes(1, &[&a], &hidden, &mut rng).unwrap();
            let mut counts = [0.0; 6];
            a.iter().zip(&b).for_each(|(&a, &b)| counts[(a * 3 + b) as usize] += 1.0 / rows as f64);
            counts
        };
        let (networks, tables) = (share(&module, "networks"), share(&tables, "tables"));
        assert!(networks.iter().zip(&tables).all(|(a, b)| (a - b).abs() < 0.01), "{networks:?} {tables:?}");
    }

    #[test]
    fn an_image_of_all_rows_is_seen_as_in_each() {
        const ROWS: usize = 600;
        let mut rng = seed::stream(3, "still");
        let size = ImageSize { channels: 1, height: 8, width: 8 };
        let encoder = Classifier { pictures: vec![size], codes: 0, width: 2, hidden: vec![], outputs: 3 };
        let mut network = || Network::random_with_pictures(encoder.clone(), 2, &[5], 4, &mut rng).unwrap();
        let members = (0..2).map(|_| ConditionalMember { priors: vec![], networks: vec![network()] }).collect();
        let mechanism =
            TableMechanism { variable: 2, card: 4, parents: vec![0, 1], parent_cards: vec![0, 2], latents: vec![] };
        let (mechanisms, reals) = (vec![mechanism], BTreeMap::new());
        let module = ConditionalModule { latents: vec![], mechanisms, reals, members };
        let values: Vec<f32> = (0..64u8).map(|at| f32::from(at * 3 % 64) / 32.0 - 1.0).collect();
        let pixels = |times| Pixels { shape: [1, 8, 8], values: values.repeat(times) };
        let codes = Column::Codes((0..ROWS as u32).map(|row| row % 2).collect());
        let drawn = [Column::Still(pixels(1), ROWS), Column::Pixels(pixels(ROWS))].map(|image| {
            let mut rng = seed::stream(4, "still");
            let hidden = module.hidden(ROWS, &mut rng);
            module.sample(2, &[&image, &codes], &hidden, &mut rng).unwrap()
        });
        assert_eq!(drawn[0], drawn[1]);
    }

    #[test]
    fn a_module_file_gives_the_module_back() {
        let names = ["A", "B"].map(String::from);
        let file = module().to_file(&names, "digest");
        assert_eq!(ConditionalModule::from_file(&file, &names).unwrap(), module());
        let mut wrong = file.clone();
        wrong.header.architecture["hidden"] = serde_json::json!([8, 6]);
        assert!(ConditionalModule::from_file(&wrong, &names).is_err());
        assert!(ConditionalModule::from_file(&file, &names[..1]).is_err());
        assert!(TableModule::from_file(&file, &names).is_err());
    }

    #[test]
    fn wrong_inputs_are_errors() {
        let module = module();
        let mut rng = seed::stream(1, "wrong");
        let hidden = module.hidden(2, &mut rng);
        assert!(module.codes(1, &[&[0]], &hidden, &mut rng).is_err());
        assert!(module.codes(1, &[], &hidden, &mut rng).is_err());
        assert!(module.codes(5, &[], &hidden, &mut rng).is_err());
        assert!(module.codes(0, &[], &Hidden::Vectors { rows: 2, noise: vec![] }, &mut rng).is_err());
    }
}
