//! Mechanisms of discrete variables as neural conditionals: a small network from the one-hot codes of
//! parents and hidden causes, and what an encoder finds in image parents, to the logits of the variable.

mod file;
mod network;

pub use network::{Network, SoftNetwork, encode, softmax};

use super::column::{Column, Pixels};
use super::noise::Noise;
use super::table::{TableLatent, TableMechanism, TableMember, TableModule, draw};
use super::{Hidden, Sampler};
use candle_core::{Result, bail};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

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
        let cells = |m: &TableMechanism| match m.images() {
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
            table.extend(member.networks[mechanism].probabilities_of(&x, rows.min(start + CHUNK) - start));
        }
        table
    }
}

/// The values of a mechanism's parents: codes for each parent (any for an image), and the images in their order.
struct Parents<'a> {
    codes: Vec<&'a [u32]>,
    images: Vec<&'a Pixels>,
}

impl ConditionalModule {
    fn place(&self, variable: usize) -> Result<usize> {
        match self.mechanisms.iter().position(|m| m.variable == variable) {
            Some(place) => Ok(place),
            None => bail!("variable {variable} is not in the module"),
        }
    }

    /// Each row's distribution of a mechanism, `[rows, values]`.
    fn distributions(&self, place: usize, parents: &Parents, hidden: &Hidden) -> Result<Vec<f64>> {
        let Hidden::Levels { member, values } = hidden else {
            bail!("a module of conditionals needs hidden levels");
        };
        let m = &self.mechanisms[place];
        let latents = m.latents.iter().filter_map(|&l| values.get(l)).map(Vec::as_slice);
        let inputs: Vec<&[u32]> = parents.codes.iter().copied().chain(latents).collect();
        let cards = self.input_cards(place);
        let other = |pixels: &&Pixels| pixels.rows() != member.len();
        if inputs.len() != cards.len() || inputs.iter().any(|codes| codes.len() != member.len()) {
            bail!("variable {} has {} parents, got {}", m.variable, m.parents.len(), parents.codes.len());
        }
        if parents.images.len() != m.images() || parents.images.iter().any(other) {
            bail!("variable {} has {} image parents, got {}", m.variable, m.images(), parents.images.len());
        }
        let mut probabilities = vec![0.0; member.len() * m.card];
        for (i, fit) in self.members.iter().enumerate() {
            let rows: Vec<usize> = (0..member.len()).filter(|&row| member[row] as usize == i).collect();
            for rows in rows.chunks(if parents.images.is_empty() { CHUNK } else { IMAGE_CHUNK }) {
                let network = &fit.networks[place];
                let features = network.features_of(&parents.images, rows)?;
                let mut x = vec![];
                for (at, &row) in rows.iter().enumerate() {
                    x.extend_from_slice(&features[at * network.features()..][..network.features()]);
                    encode(&cards, inputs.iter().map(|codes| codes[row] as usize), &mut x);
                }
                let found = network.probabilities_of(&x, rows.len());
                for (&row, p) in rows.iter().zip(found.chunks_exact(m.card)) {
                    probabilities[row * m.card..(row + 1) * m.card].copy_from_slice(p);
                }
            }
        }
        Ok(probabilities)
    }

    /// Each row's distribution of `variable`, `[rows, values]`, and the number of its values.
    fn probabilities(&self, variable: usize, parents: &[&Column], hidden: &Hidden) -> Result<(Vec<f64>, usize)> {
        let place = self.place(variable)?;
        let mechanism = &self.mechanisms[place];
        // What stands for the codes of an image.
        let none = vec![0; parents.iter().map(|column| column.rows()).max().unwrap_or(0)];
        let mut values = Parents { codes: vec![], images: vec![] };
        for (at, column) in parents.iter().enumerate() {
            match (column, mechanism.parent_cards.get(at)) {
                (Column::Codes(codes), Some(1..)) => values.codes.push(codes),
                (Column::Pixels(pixels), Some(0)) => {
                    values.codes.push(&none);
                    values.images.push(pixels);
                }
                (column, _) => {
                    let kind = if column.codes().is_some() { "a discrete variable" } else { "an image" };
                    bail!("parent {at} of variable {variable} is not {kind}")
                }
            }
        }
        Ok((self.distributions(place, &values, hidden)?, mechanism.card))
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
        let (probabilities, card) = self.probabilities(variable, parents, hidden)?;
        Ok(Column::Codes(noise.quantiles(probabilities.chunks_exact(card))))
    }

    fn observe(
        &self,
        variable: usize,
        parents: &[&Column],
        hidden: &Hidden,
        noise: &mut Noise,
        value: u32,
    ) -> Result<Vec<f64>> {
        let (probabilities, card) = self.probabilities(variable, parents, hidden)?;
        Ok(noise.narrow(value, probabilities.chunks_exact(card)))
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
        ConditionalModule { latents, mechanisms, members: vec![member(0.3), member(0.7)] }
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
