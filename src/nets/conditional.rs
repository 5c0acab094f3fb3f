//! Mechanisms of discrete variables as neural conditionals: a small network from the one-hot codes of
//! parents and hidden causes to the logits of the variable.

use super::architecture::Architecture;
use super::file::{FileError, ModuleFile, TensorData, Values};
use super::generator::Dense;
use super::ops::{Parameter, linear};
use super::table::{TableLatent, TableMechanism, TableMember, TableModule, draw};
use super::{Hidden, Sampler};
use candle_core::{Result, Tensor, bail};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// The kind in a module file's header.
const KIND: &str = "conditionals";
/// Rows that go through a network at a time.
const CHUNK: usize = 4096;

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

/// Linear layers with ReLU between them. Inputs: the one-hot codes of the parents, then of the latents.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The layers.
    pub layers: Vec<Dense>,
}

impl Network {
    /// Random weights, hidden layers of the widths `hidden`.
    pub fn random(inputs: usize, hidden: &[usize], outputs: usize, rng: &mut impl Rng) -> Self {
        let widths: Vec<usize> = [inputs].iter().chain(hidden).chain(&[outputs]).copied().collect();
        Self { layers: widths.windows(2).map(|w| Dense::random(w[0], w[1], rng)).collect() }
    }

    /// The layers' weights and biases as parameters to train.
    ///
    /// # Errors
    /// Candle's.
    pub fn trained(&self) -> Result<Vec<(Parameter, Parameter)>> {
        let layer = |d: &Dense| {
            let weight = Parameter::trained(&d.weight, &[d.inputs, d.outputs])?;
            Ok((weight, Parameter::trained(&d.bias, &[d.outputs])?))
        };
        self.layers.iter().map(layer).collect()
    }

    /// The layers' weights and biases as parameters that never move.
    ///
    /// # Errors
    /// Candle's.
    pub fn fixed(&self) -> Result<Vec<(Parameter, Parameter)>> {
        let layer = |d: &Dense| {
            let weight = Parameter::fixed(d.weight.clone(), &[d.inputs, d.outputs])?;
            Ok((weight, Parameter::fixed(d.bias.clone(), &[d.outputs])?))
        };
        self.layers.iter().map(layer).collect()
    }

    /// The network of these parameters.
    ///
    /// # Errors
    /// Candle's.
    pub fn of(layers: &[(Parameter, Parameter)]) -> Result<Self> {
        let dense = |(weight, bias): &(Parameter, Parameter)| {
            let (weight, bias) = (weight.values()?, bias.values()?);
            Ok(Dense { inputs: weight.len() / bias.len().max(1), outputs: bias.len(), weight, bias })
        };
        Ok(Self { layers: layers.iter().map(dense).collect::<Result<_>>()? })
    }

    /// The probabilities `[rows, card]` for inputs `x [rows, inputs]`, row-major.
    pub fn probabilities(&self, x: &[f32]) -> Vec<f64> {
        let mut values = x.to_vec();
        for (at, layer) in self.layers.iter().enumerate() {
            values = layer.apply(&values);
            if at + 1 < self.layers.len() {
                values.iter_mut().for_each(|v| *v = v.max(0.0));
            }
        }
        softmax(&values, self.layers.last().map_or(1, |l| l.outputs))
    }
}

/// The softmax of each row of `logits [rows, card]`.
pub fn softmax(logits: &[f32], card: usize) -> Vec<f64> {
    let mut probabilities = Vec::with_capacity(logits.len());
    for row in logits.chunks_exact(card) {
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponentials = row.iter().map(|v| f64::from(v - top).exp());
        let total: f64 = exponentials.clone().sum();
        probabilities.extend(exponentials.map(|e| e / total));
    }
    probabilities
}

/// Appends the one-hot codes of a mechanism's inputs (parents, then latents) to `x`.
pub fn encode(cards: &[usize], codes: impl Iterator<Item = usize>, x: &mut Vec<f32>) {
    for (&card, code) in cards.iter().zip(codes) {
        x.extend((0..card).map(|k| f32::from(u8::from(k == code))));
    }
}

/// The logits `[rows, card]` of layers for `x [rows, inputs]`, differentiable.
///
/// # Errors
/// Where the shapes do not fit.
pub fn forward(layers: &[(Parameter, Parameter)], x: Tensor) -> Result<Tensor> {
    (layers.iter().enumerate()).try_fold(x, |x, (k, (weight, bias))| {
        let slope = if k + 1 < layers.len() { 0.0 } else { 1.0 };
        linear(&x, weight, bias, slope)
    })
}

impl ConditionalModule {
    /// The numbers of values of a mechanism's inputs: parents, then latents.
    pub fn input_cards(&self, mechanism: usize) -> Vec<usize> {
        let mut shape = self.mechanisms[mechanism].shape(&self.latents);
        shape.pop();
        shape
    }

    /// The cells of all tables that say the same as one member; infinite where they cannot be counted.
    pub fn table_cells(&self) -> f64 {
        self.mechanisms.iter().map(|m| m.shape(&self.latents).iter().map(|&k| k as f64).product::<f64>()).sum()
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

    /// The module as a file: tensors `members.I.prior.L` and `members.I.network.M.layer.K.weight` (`bias`).
    /// `names` are the model's variables by number, `inputs` the digest of what it was trained from.
    pub fn to_file(&self, names: &[String], inputs: &str) -> ModuleFile {
        let mut tensors = BTreeMap::new();
        for (i, member) in self.members.iter().enumerate() {
            for (l, prior) in member.priors.iter().enumerate() {
                let tensor = TensorData { shape: vec![prior.len()], values: Values::F64(prior.clone()) };
                tensors.insert(format!("members.{i}.prior.{l}"), tensor);
            }
            for (m, network) in member.networks.iter().enumerate() {
                for (k, layer) in network.layers.iter().enumerate() {
                    let name = format!("members.{i}.network.{m}.layer.{k}");
                    let shape = vec![layer.inputs, layer.outputs];
                    let weight = TensorData { shape, values: Values::F32(layer.weight.clone()) };
                    tensors.insert(format!("{name}.weight"), weight);
                    let bias = TensorData { shape: vec![layer.outputs], values: Values::F32(layer.bias.clone()) };
                    tensors.insert(format!("{name}.bias"), bias);
                }
            }
        }
        let network = self.members.first().and_then(|m| m.networks.first());
        let hidden: Vec<usize> = network.map_or(vec![], |n| n.layers[1..].iter().map(|l| l.inputs).collect());
        let parts = (&self.latents[..], &self.mechanisms[..]);
        let header = Architecture::header(KIND, parts, (self.members.len(), 0), &hidden, names, inputs);
        ModuleFile { header, tensors }
    }

    /// The module in `file`, its variables numbered like `names`, the model's variables.
    ///
    /// # Errors
    /// [`FileError::Format`] where the file is of another kind, names unknown variables, or its tensors
    /// do not fit its architecture.
    pub fn from_file(file: &ModuleFile, names: &[String]) -> std::result::Result<Self, FileError> {
        let architecture = Architecture::of(file, KIND)?;
        let mechanisms = architecture.mechanisms(file, names)?;
        let mut module = Self { latents: architecture.latents(), mechanisms, members: vec![] };
        for i in 0..architecture.members {
            let priors = (module.latents.iter().enumerate())
                .map(|(l, latent)| prior(file, &format!("members.{i}.prior.{l}"), latent.levels))
                .collect::<std::result::Result<_, _>>()?;
            let networks = (0..module.mechanisms.len())
                .map(|m| {
                    let inputs = module.input_cards(m).iter().sum();
                    let widths = [inputs].into_iter().chain(architecture.hidden.iter().copied());
                    let widths: Vec<usize> = widths.chain([module.mechanisms[m].card]).collect();
                    network(file, &format!("members.{i}.network.{m}"), &widths)
                })
                .collect::<std::result::Result<_, _>>()?;
            module.members.push(ConditionalMember { priors, networks });
        }
        if module.members.is_empty() {
            return Err(FileError::Format("a module without members".into()));
        }
        Ok(module)
    }
}

impl Network {
    /// [`Self::probabilities`] of a known number of rows, which may have no inputs.
    fn probabilities_of(&self, x: &[f32], rows: usize) -> Vec<f64> {
        match self.layers.first() {
            Some(first) if first.inputs > 0 => self.probabilities(x),
            _ => self.probabilities(&vec![0.0; rows]),
        }
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

    fn codes(&self, variable: usize, parents: &[&[u32]], hidden: &Hidden, rng: &mut ChaCha8Rng) -> Result<Vec<u32>> {
        let Hidden::Levels { member, values } = hidden else {
            bail!("a module of conditionals needs hidden levels");
        };
        let Some(place) = self.mechanisms.iter().position(|m| m.variable == variable) else {
            bail!("variable {variable} is not in the module");
        };
        let m = &self.mechanisms[place];
        let latents = m.latents.iter().filter_map(|&l| values.get(l)).map(Vec::as_slice);
        let inputs: Vec<&[u32]> = parents.iter().copied().chain(latents).collect();
        let cards = self.input_cards(place);
        if inputs.len() != cards.len() || inputs.iter().any(|codes| codes.len() != member.len()) {
            bail!("variable {variable} has {} parents, got {}", m.parents.len(), parents.len());
        }
        let mut probabilities = vec![0.0; member.len() * m.card];
        for (i, fit) in self.members.iter().enumerate() {
            let rows: Vec<usize> = (0..member.len()).filter(|&row| member[row] as usize == i).collect();
            for rows in rows.chunks(CHUNK) {
                let mut x = vec![];
                rows.iter().for_each(|&row| encode(&cards, inputs.iter().map(|codes| codes[row] as usize), &mut x));
                let found = fit.networks[place].probabilities_of(&x, rows.len());
                for (&row, p) in rows.iter().zip(found.chunks_exact(m.card)) {
                    probabilities[row * m.card..(row + 1) * m.card].copy_from_slice(p);
                }
            }
        }
        Ok(probabilities.chunks_exact(m.card).map(|p| draw(p, rng)).collect())
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

fn prior(file: &ModuleFile, name: &str, levels: usize) -> std::result::Result<Vec<f64>, FileError> {
    match file.tensors.get(name).map(|t| &t.values) {
        Some(Values::F64(p)) if p.len() == levels && p.iter().all(|p| *p >= 0.0) => Ok(p.clone()),
        _ => Err(FileError::Format(format!("tensor {name}: missing or no probabilities"))),
    }
}

fn network(file: &ModuleFile, name: &str, widths: &[usize]) -> std::result::Result<Network, FileError> {
    let values = |name: String, shape: &[usize]| match file.tensors.get(&name) {
        Some(TensorData { shape: found, values: Values::F32(values) }) if found == shape => Ok(values.clone()),
        _ => Err(FileError::Format(format!("tensor {name}: missing or not of the shape the architecture says"))),
    };
    let layer = |(k, w): (usize, &[usize])| {
        let weight = values(format!("{name}.layer.{k}.weight"), w)?;
        let bias = values(format!("{name}.layer.{k}.bias"), &w[1..])?;
        Ok(Dense { inputs: w[0], outputs: w[1], weight, bias })
    };
    Ok(Network { layers: widths.windows(2).enumerate().map(layer).collect::<std::result::Result<_, FileError>>()? })
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
