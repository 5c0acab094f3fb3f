//! Generator modules as module files: one tensor per parameter, named `variable.part`.

use super::file::{FileError, ModuleFile, ModuleHeader, TensorData, Values};
use super::generator::{
    BatchNorm, Block, Dense, Generator, GeneratorModule, GeneratorNetwork, GeneratorShape, Kind, Layers, Widths,
};
use super::image::Network;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const KIND: &str = "generators";

/// The architecture of a module; variables are places in the header's `variables`.
#[derive(Serialize, Deserialize)]
struct Architecture {
    noise: usize,
    latents: Vec<usize>,
    generators: Vec<GeneratorArchitecture>,
}

#[derive(Serialize, Deserialize)]
struct GeneratorArchitecture {
    variable: usize,
    kind: Kind,
    parents: Vec<usize>,
    parent_kinds: Vec<Kind>,
    latents: Vec<usize>,
    /// The widths of fully connected hidden layers.
    hidden: Vec<usize>,
    /// The channels of networks on pictures, 0 without them.
    width: usize,
}

/// No width, number of codes or length of noise is larger.
const MOST: usize = 1 << 16;

impl GeneratorModule {
    /// The module as a file's contents; `name` gives variables their names and `inputs` is the digest of
    /// everything the module was trained from.
    pub fn to_file<'a>(&self, name: impl Fn(usize) -> &'a str, inputs: &str) -> ModuleFile {
        let mut variables: Vec<usize> = vec![];
        let mut place = |variable: usize| {
            variables.iter().position(|&v| v == variable).unwrap_or_else(|| {
                variables.push(variable);
                variables.len() - 1
            })
        };
        let own: Vec<usize> = self.generators.iter().map(|g| place(g.shape.variable)).collect();
        let mut tensors = BTreeMap::new();
        let mut generators = vec![];
        for (Generator { shape, network }, variable) in self.generators.iter().zip(own) {
            let (hidden, width) = match network {
                GeneratorNetwork::Layers(layers) => (layers.blocks.iter().map(|b| b.dense.outputs).collect(), 0),
                GeneratorNetwork::Pictures(network) => (vec![], network.architecture.width),
                GeneratorNetwork::Classifier(network) => {
                    (network.architecture.hidden.clone(), network.architecture.width)
                }
            };
            let (parent_kinds, latents) = (shape.parent_kinds.clone(), shape.latents.clone());
            let parents = shape.parents.iter().map(|&p| place(p)).collect();
            let kind = shape.kind;
            generators.push(GeneratorArchitecture { variable, kind, parents, parent_kinds, latents, hidden, width });
            write_network(network, name(shape.variable), &mut tensors);
        }
        let architecture = Architecture { noise: self.noise, latents: self.latents.clone(), generators };
        let header = ModuleHeader {
            kind: KIND.to_owned(),
            variables: variables.iter().map(|&v| name(v).to_owned()).collect(),
            architecture: serde_json::json!(architecture),
            inputs: inputs.to_owned(),
        };
        ModuleFile { header, tensors }
    }

    /// The module of a file by itself: variables are numbered by their places in the header's `variables`, parents
    /// are in the order of the model that the file was written for.
    ///
    /// # Errors
    /// [`FileError::Format`] says what is missing, unknown, not finite or of a wrong shape.
    pub fn read(file: &ModuleFile) -> Result<Self, FileError> {
        if file.header.kind != KIND {
            return Err(wrong(format!("a module of {}, not of {KIND}", file.header.kind)));
        }
        let architecture = Architecture::deserialize(&file.header.architecture)
            .map_err(|error| wrong(format!("the architecture cannot be read: {error}")))?;
        if !(1..=MOST).contains(&architecture.noise) {
            return Err(wrong(format!("noise vectors of length {}", architecture.noise)));
        }
        let generators = architecture.generators.iter();
        let generators = generators.map(|part| part.read(&architecture, file)).collect::<Result<_, _>>()?;
        Ok(Self { noise: architecture.noise, latents: architecture.latents, generators })
    }

    /// The module of a file; `number` gives variables their numbers in the model.
    ///
    /// # Errors
    /// As [`Self::read`]; and where the model lacks a variable or numbers parents in another order.
    pub fn from_file(file: &ModuleFile, number: impl Fn(&str) -> Option<usize>) -> Result<Self, FileError> {
        let mut module = Self::read(file)?;
        let names = &file.header.variables;
        let numbered = |place: usize| {
            number(&names[place]).ok_or_else(|| wrong(format!("the model has no variable {}", names[place])))
        };
        for GeneratorShape { variable, parents, .. } in module.generators.iter_mut().map(|g| &mut g.shape) {
            *parents = parents.iter().map(|&p| numbered(p)).collect::<Result<_, _>>()?;
            if !parents.is_sorted() {
                let name = &names[*variable];
                return Err(wrong(format!("the parents of {name} are in another order than the model's")));
            }
            *variable = numbered(*variable)?;
        }
        Ok(module)
    }
}

impl GeneratorArchitecture {
    fn read(&self, module: &Architecture, file: &ModuleFile) -> Result<Generator, FileError> {
        let names = &file.header.variables;
        let place = self.parents.iter().chain([&self.variable]).find(|place| **place >= names.len());
        if let Some(place) = place {
            return Err(wrong(format!("no variable {place} in the header")));
        }
        let name = &names[self.variable];
        let kinds = self.parent_kinds.iter().chain([&self.kind]);
        let fits = |kind: &Kind| match kind {
            Kind::Codes(card) => (1..=MOST).contains(card),
            Kind::Real(scale) => scale.is_sound(),
            Kind::Image(_) => true,
        };
        let sound = kinds.into_iter().all(fits)
            && self.hidden.iter().all(|width| (1..=MOST).contains(width))
            && self.parents.len() == self.parent_kinds.len();
        if !sound {
            return Err(wrong(format!("the mechanism of {name} has parents or widths that cannot be")));
        }
        if self.latents.iter().any(|&l| l >= module.latents.len()) {
            return Err(wrong(format!("{name} has an unknown hidden cause")));
        }
        let shape = GeneratorShape {
            variable: self.variable,
            kind: self.kind,
            parents: self.parents.clone(),
            parent_kinds: self.parent_kinds.clone(),
            latents: self.latents.clone(),
        };
        let widths = Widths { hidden: &self.hidden, width: self.width };
        let (prefix, noise) = (format!("{name}."), module.noise);
        let network = match self.kind {
            Kind::Image(_) => {
                let architecture = shape.image_generator(noise, &widths).map_err(wrong)?;
                GeneratorNetwork::Pictures(Network::read(architecture, &prefix, &file.tensors)?)
            }
            kind if shape.pictures().is_empty() => {
                GeneratorNetwork::Layers(read_layers(shape.inputs(noise), &self.hidden, kind.width(), name, file)?)
            }
            _ => {
                let architecture = shape.classifier(noise, &widths).map_err(wrong)?;
                GeneratorNetwork::Classifier(Network::read(architecture, &prefix, &file.tensors)?)
            }
        };
        Ok(Generator { shape, network })
    }
}

fn wrong(message: impl Into<String>) -> FileError {
    FileError::Format(message.into())
}

fn write_network(network: &GeneratorNetwork, name: &str, tensors: &mut BTreeMap<String, TensorData>) {
    match network {
        GeneratorNetwork::Layers(layers) => write_layers(layers, name, tensors),
        GeneratorNetwork::Pictures(network) => network.write(&format!("{name}."), tensors),
        GeneratorNetwork::Classifier(network) => network.write(&format!("{name}."), tensors),
    }
}

fn write_layers(layers: &Layers, name: &str, tensors: &mut BTreeMap<String, TensorData>) {
    let mut write = |part: String, shape: Vec<usize>, values: &[f32]| {
        tensors.insert(format!("{name}.{part}"), TensorData { shape, values: Values::F32(values.to_vec()) });
    };
    for (at, Block { dense, norm }) in layers.blocks.iter().enumerate() {
        write(format!("{at}.weight"), vec![dense.inputs, dense.outputs], &dense.weight);
        write(format!("{at}.bias"), vec![dense.outputs], &dense.bias);
        let parts =
            [("scale", &norm.scale), ("shift", &norm.shift), ("mean", &norm.mean), ("variance", &norm.variance)];
        for (part, values) in parts {
            write(format!("{at}.{part}"), vec![dense.outputs], values);
        }
    }
    let output = &layers.output;
    write("output.weight".to_owned(), vec![output.inputs, output.outputs], &output.weight);
    write("output.bias".to_owned(), vec![output.outputs], &output.bias);
}

fn read_layers(
    mut inputs: usize,
    hidden: &[usize],
    outputs: usize,
    name: &str,
    file: &ModuleFile,
) -> Result<Layers, FileError> {
    let read = |part: String, expected: &[usize]| -> Result<Vec<f32>, FileError> {
        let key = format!("{name}.{part}");
        let tensor = file.tensors.get(&key).ok_or_else(|| wrong(format!("no tensor {key}")))?;
        match &tensor.values {
            Values::F32(values) if values.iter().any(|v| !v.is_finite()) => {
                Err(wrong(format!("{key} has values that are not finite numbers")))
            }
            Values::F32(values) if tensor.shape == expected && values.len() == expected.iter().product::<usize>() => {
                Ok(values.clone())
            }
            _ => Err(wrong(format!("{key} has shape {:?}, not {expected:?} in single precision", tensor.shape))),
        }
    };
    let dense = |part: &str, inputs: usize, outputs: usize| -> Result<Dense, FileError> {
        let weight = read(format!("{part}.weight"), &[inputs, outputs])?;
        Ok(Dense { inputs, outputs, weight, bias: read(format!("{part}.bias"), &[outputs])? })
    };
    let mut blocks = Vec::with_capacity(hidden.len());
    for (at, &width) in hidden.iter().enumerate() {
        let norm = BatchNorm {
            scale: read(format!("{at}.scale"), &[width])?,
            shift: read(format!("{at}.shift"), &[width])?,
            mean: read(format!("{at}.mean"), &[width])?,
            variance: read(format!("{at}.variance"), &[width])?,
        };
        blocks.push(Block { dense: dense(&at.to_string(), inputs, width)?, norm });
        inputs = width;
    }
    Ok(Layers { output: dense("output", inputs, outputs)?, blocks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::image::ImageSize;

    const SIZE: ImageSize = ImageSize { channels: 1, height: 8, width: 9 };

    /// E and C from codes, D an image of B and of an image A, B from A.
    fn module() -> GeneratorModule {
        let mut rng = crate::seed::stream(1, "weights");
        let (image, codes) = (Kind::Image(SIZE), Kind::Codes(2));
        let shape = |variable, kind, parents: &[(usize, Kind)]| GeneratorShape {
            variable,
            kind,
            parents: parents.iter().map(|p| p.0).collect(),
            parent_kinds: parents.iter().map(|p| p.1).collect(),
            latents: vec![0],
        };
        let three = Kind::Codes(3);
        let shapes = [
            shape(4, three, &[(1, codes), (2, three)]),
            shape(2, three, &[]),
            shape(3, image, &[(0, image), (1, codes)]),
            shape(1, codes, &[(0, image)]),
        ];
        let widths = Widths { hidden: &[5, 4], width: 2 };
        let generators = shapes.map(|s| Generator::random(s, 3, &widths, &mut rng).unwrap()).to_vec();
        GeneratorModule { noise: 3, latents: vec![7], generators }
    }

    const NAMES: [&str; 5] = ["A", "B", "C", "D", "E"];

    fn number(name: &str) -> Option<usize> {
        NAMES.iter().position(|n| *n == name)
    }

    fn refused(file: &ModuleFile) -> String {
        GeneratorModule::from_file(file, number).unwrap_err().to_string()
    }

    #[test]
    fn a_file_brings_the_module_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("module.safetensors");
        module().to_file(|v| NAMES[v], "digest").write(&path).unwrap();
        let file = ModuleFile::read(&path).unwrap();
        assert_eq!(file.header.variables, ["E", "C", "D", "B", "A"]);
        assert_eq!(GeneratorModule::from_file(&file, number).unwrap(), module());
        let alone = GeneratorModule::read(&file).unwrap();
        let shapes: Vec<_> = alone.generators.iter().map(|g| (g.shape.variable, g.shape.parents.clone())).collect();
        assert_eq!(shapes, [(0, vec![3, 1]), (1, vec![]), (2, vec![4, 3]), (3, vec![4])]);
    }

    #[test]
    fn a_broken_file_is_refused() {
        let whole = module().to_file(|v| NAMES[v], "digest");
        for name in whole.tensors.keys() {
            let mut file = whole.clone();
            file.tensors.remove(name);
            assert_eq!(refused(&file), format!("no tensor {name}"));
            let mut file = whole.clone();
            let tensor = file.tensors.get_mut(name).unwrap();
            tensor.shape[0] += 1;
            assert!(refused(&file).starts_with(&format!("{name} has shape [{}", tensor_start(&file, name))));
            let mut file = whole.clone();
            let Values::F32(values) = &mut file.tensors.get_mut(name).unwrap().values else { unreachable!() };
            values[0] = f32::INFINITY;
            assert_eq!(refused(&file), format!("{name} has values that are not finite numbers"));
        }
        let mut file = whole.clone();
        file.header.variables[4] = "X".to_owned();
        assert_eq!(refused(&file), "the model has no variable X");
        let mut file = whole;
        file.header.kind = "tables".to_owned();
        assert_eq!(refused(&file), "a module of tables, not of generators");
    }

    fn tensor_start(file: &ModuleFile, name: &str) -> usize {
        file.tensors[name].shape[0]
    }

    #[test]
    fn an_architecture_that_cannot_be_is_refused() {
        let whole = module().to_file(|v| NAMES[v], "digest");
        let changed = |path: &str, value: serde_json::Value| {
            let mut file = whole.clone();
            *file.header.architecture.pointer_mut(path).unwrap() = value;
            refused(&file)
        };
        assert!(changed("/noise", 0.into()).contains("noise vectors of length 0"));
        assert!(changed("/noise", usize::MAX.into()).contains("noise vectors"));
        assert!(changed("/generators/0/variable", 9.into()).contains("no variable 9"));
        assert!(changed("/generators/0/parents", serde_json::json!([1, 3])).contains("another order"));
        assert!(changed("/generators/0/parents", serde_json::json!([3])).contains("cannot be"));
        assert!(changed("/generators/0/latents", serde_json::json!([1])).contains("unknown hidden cause"));
        assert!(changed("/generators/0/hidden", serde_json::json!([0])).contains("cannot be"));
        assert!(changed("/generators/0/kind", serde_json::json!({ "codes": usize::MAX })).contains("cannot be"));
        let huge = serde_json::json!({ "image": { "channels": 1, "height": 8, "width": 1_u64 << 60 } });
        assert!(changed("/generators/2/kind", huge.clone()).contains("256 pixels"));
        assert!(changed("/generators/3/parent_kinds/0", huge).contains("256 pixels"));
        assert!(changed("/generators/2/width", usize::MAX.into()).contains("not supported"));
        assert!(changed("/generators", "none".into()).contains("cannot be read"));
    }
}
