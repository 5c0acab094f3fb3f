//! Modules of neural conditionals as module files.

use super::{ConditionalMember, ConditionalModule, Network};
use crate::nets::architecture::Architecture;
use crate::nets::file::{FileError, ModuleFile, TensorData, Values};
use crate::nets::generator::Dense;
use crate::nets::image::{Classifier, Network as ImageNetwork};
use crate::nets::real::OUTPUTS;
use crate::nets::table::TableMechanism;
use std::collections::BTreeMap;

/// The kind in a module file's header.
const KIND: &str = "conditionals";

impl ConditionalModule {
    /// The module as a file: tensors `members.I.prior.L`, `members.I.network.M.layer.K.weight` (`bias`) and, of the
    /// encoders of image parents, `members.I.network.M.encoder.NAME`. `names` are the model's variables by number,
    /// `inputs` the digest of what it was trained from.
    pub fn to_file(&self, names: &[String], inputs: &str) -> ModuleFile {
        let mut tensors = BTreeMap::new();
        for (i, member) in self.members.iter().enumerate() {
            for (l, prior) in member.priors.iter().enumerate() {
                let tensor = TensorData { shape: vec![prior.len()], values: Values::F64(prior.clone()) };
                tensors.insert(format!("members.{i}.prior.{l}"), tensor);
            }
            for (m, network) in member.networks.iter().enumerate() {
                if let Some(encoder) = &network.encoder {
                    encoder.write(&format!("members.{i}.network.{m}.encoder."), &mut tensors);
                }
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
        let networks = self.members.first().map_or(&[][..], |m| &m.networks);
        let hidden: Vec<usize> = networks.first().map_or(vec![], |n| n.layers[1..].iter().map(|l| l.inputs).collect());
        let encoder = |network: &Network| network.encoder.as_ref().map(|encoder| encoder.architecture.clone());
        let mut encoders: Vec<Option<Classifier>> = networks.iter().map(encoder).collect();
        if encoders.iter().all(Option::is_none) {
            encoders.clear();
        }
        let parts = (&self.latents[..], &self.mechanisms[..]);
        let counts = (self.members.len(), 0);
        let header = Architecture::header(KIND, parts, counts, (&hidden, &encoders, &self.reals), names, inputs);
        ModuleFile { header, tensors }
    }

    /// The module in `file`, its variables numbered like `names`, the model's variables.
    ///
    /// # Errors
    /// [`FileError::Format`] where the file is of another kind, names unknown variables, or its tensors
    /// do not fit its architecture.
    pub fn from_file(file: &ModuleFile, names: &[String]) -> Result<Self, FileError> {
        let architecture = Architecture::of(file, KIND)?;
        let (mechanisms, reals) = (architecture.mechanisms(file, names)?, architecture.reals(names)?);
        let mut module = Self { latents: architecture.latents(), mechanisms, reals, members: vec![] };
        module.check_reals()?;
        for i in 0..architecture.members {
            let priors = (module.latents.iter().enumerate())
                .map(|(l, latent)| prior(file, &format!("members.{i}.prior.{l}"), latent.levels))
                .collect::<Result<_, _>>()?;
            let networks = (0..module.mechanisms.len())
                .map(|m| network(file, &format!("members.{i}.network.{m}"), &architecture, &module, m))
                .collect::<Result<_, _>>()?;
            module.members.push(ConditionalMember { priors, networks });
        }
        if module.members.is_empty() {
            return Err(FileError::Format("a module without members".into()));
        }
        Ok(module)
    }
}

impl ConditionalModule {
    /// A real variable is one number as a parent, and the outputs of a mixture as the module's own.
    fn check_reals(&self) -> Result<(), FileError> {
        let fits = |m: &TableMechanism| {
            let parents = m.parents.iter().zip(&m.parent_cards);
            let real = |v: &usize| self.reals.contains_key(v);
            (!real(&m.variable) || m.card == OUTPUTS) && parents.filter(|(p, _)| real(p)).all(|(_, card)| *card == 1)
        };
        match self.mechanisms.iter().all(fits) {
            true => Ok(()),
            false => Err(FileError::Format("a real variable with a network for another kind".into())),
        }
    }
}

fn prior(file: &ModuleFile, name: &str, levels: usize) -> Result<Vec<f64>, FileError> {
    match file.tensors.get(name).map(|t| &t.values) {
        Some(Values::F64(p)) if p.len() == levels && p.iter().all(|p| *p >= 0.0) => Ok(p.clone()),
        _ => Err(FileError::Format(format!("tensor {name}: missing or no probabilities"))),
    }
}

/// The network of a mechanism, its tensors named after `name`.
fn network(
    file: &ModuleFile,
    name: &str,
    architecture: &Architecture,
    module: &ConditionalModule,
    mechanism: usize,
) -> Result<Network, FileError> {
    let encoder = match architecture.encoders.get(mechanism).and_then(Option::as_ref) {
        Some(encoder) if encoder.codes > 0 => {
            return Err(FileError::Format(format!("{name}: an encoder that takes codes")));
        }
        Some(encoder) => Some(ImageNetwork::read(encoder.clone(), &format!("{name}.encoder."), &file.tensors)?),
        None => None,
    };
    let mut network = Network { encoder, layers: vec![] };
    let inputs = network.features() + module.input_cards(mechanism).iter().sum::<usize>();
    let card = module.mechanisms[mechanism].card;
    let widths: Vec<usize> = [inputs].iter().chain(&architecture.hidden).chain(&[card]).copied().collect();
    let layer = |(k, w): (usize, &[usize])| {
        let weight = values(file, format!("{name}.layer.{k}.weight"), w)?;
        let bias = values(file, format!("{name}.layer.{k}.bias"), &w[1..])?;
        Ok(Dense { inputs: w[0], outputs: w[1], weight, bias })
    };
    network.layers = widths.windows(2).enumerate().map(layer).collect::<Result<_, FileError>>()?;
    Ok(network)
}

fn values(file: &ModuleFile, name: String, shape: &[usize]) -> Result<Vec<f32>, FileError> {
    match file.tensors.get(&name) {
        Some(TensorData { shape: found, values: Values::F32(values) }) if found == shape => {
            if values.iter().all(|v| v.is_finite()) {
                return Ok(values.clone());
            }
            Err(FileError::Format(format!("tensor {name} has values that are not finite numbers")))
        }
        _ => Err(FileError::Format(format!("tensor {name}: missing or not of the shape the architecture says"))),
    }
}
