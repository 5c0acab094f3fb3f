//! Generator modules as module files: one tensor per parameter, named `variable.block.part`.

use super::file::{ModuleFile, ModuleHeader, TensorData, Values};
use super::generator::{BatchNorm, Block, Dense, Generator, GeneratorModule, GeneratorShape};
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
    card: usize,
    parents: Vec<usize>,
    parent_cards: Vec<usize>,
    latents: Vec<usize>,
    hidden: Vec<usize>,
}

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
        let generators = self
            .generators
            .iter()
            .zip(own)
            .map(|(generator, variable)| GeneratorArchitecture {
                variable,
                card: generator.shape.card,
                parents: generator.shape.parents.iter().map(|&p| place(p)).collect(),
                parent_cards: generator.shape.parent_cards.clone(),
                latents: generator.shape.latents.clone(),
                hidden: generator.blocks.iter().map(|b| b.dense.outputs).collect(),
            })
            .collect();
        let architecture = Architecture { noise: self.noise, latents: self.latents.clone(), generators };
        let header = ModuleHeader {
            kind: KIND.to_owned(),
            variables: variables.iter().map(|&v| name(v).to_owned()).collect(),
            architecture: serde_json::json!(architecture),
            inputs: inputs.to_owned(),
        };
        let mut tensors = BTreeMap::new();
        for generator in &self.generators {
            write_generator(generator, name(generator.shape.variable), &mut tensors);
        }
        ModuleFile { header, tensors }
    }

    /// The module of a file; `number` gives variables their numbers in the model.
    ///
    /// # Errors
    /// Says what is missing, unknown or of a wrong shape.
    pub fn from_file(file: &ModuleFile, number: impl Fn(&str) -> Option<usize>) -> Result<Self, String> {
        if file.header.kind != KIND {
            return Err(format!("a module of {}, not of {KIND}", file.header.kind));
        }
        let architecture: Architecture = serde_json::from_value(file.header.architecture.clone())
            .map_err(|error| format!("the architecture cannot be read: {error}"))?;
        let names = &file.header.variables;
        let variable = |place: usize| -> Result<usize, String> {
            let name = names.get(place).ok_or_else(|| format!("no variable {place} in the header"))?;
            number(name).ok_or_else(|| format!("the model has no variable {name}"))
        };
        let mut generators = Vec::with_capacity(architecture.generators.len());
        for part in &architecture.generators {
            let mut parents: Vec<(usize, usize)> = vec![];
            for (&place, &card) in part.parents.iter().zip(&part.parent_cards) {
                parents.push((variable(place)?, card));
            }
            if part.parents.len() != part.parent_cards.len() || !parents.is_sorted() {
                return Err(format!("the parents of {} are in another order than the model's", names[part.variable]));
            }
            if part.latents.iter().any(|&l| l >= architecture.latents.len()) {
                return Err(format!("{} has an unknown hidden cause", names[part.variable]));
            }
            let shape = GeneratorShape {
                variable: variable(part.variable)?,
                card: part.card,
                parents: parents.iter().map(|p| p.0).collect(),
                parent_cards: part.parent_cards.clone(),
                latents: part.latents.clone(),
            };
            generators.push(read_generator(shape, architecture.noise, part, &names[part.variable], file)?);
        }
        Ok(Self { noise: architecture.noise, latents: architecture.latents, generators })
    }
}

fn write_generator(generator: &Generator, name: &str, tensors: &mut BTreeMap<String, TensorData>) {
    let mut write = |part: String, shape: Vec<usize>, values: &[f32]| {
        tensors.insert(format!("{name}.{part}"), TensorData { shape, values: Values::F32(values.to_vec()) });
    };
    for (at, Block { dense, norm }) in generator.blocks.iter().enumerate() {
        write(format!("{at}.weight"), vec![dense.inputs, dense.outputs], &dense.weight);
        write(format!("{at}.bias"), vec![dense.outputs], &dense.bias);
        let parts =
            [("scale", &norm.scale), ("shift", &norm.shift), ("mean", &norm.mean), ("variance", &norm.variance)];
        for (part, values) in parts {
            write(format!("{at}.{part}"), vec![dense.outputs], values);
        }
    }
    let output = &generator.output;
    write("output.weight".to_owned(), vec![output.inputs, output.outputs], &output.weight);
    write("output.bias".to_owned(), vec![output.outputs], &output.bias);
}

fn read_generator(
    shape: GeneratorShape,
    noise: usize,
    part: &GeneratorArchitecture,
    name: &str,
    file: &ModuleFile,
) -> Result<Generator, String> {
    let read = |part: String, expected: &[usize]| -> Result<Vec<f32>, String> {
        let key = format!("{name}.{part}");
        let tensor = file.tensors.get(&key).ok_or_else(|| format!("no tensor {key}"))?;
        match &tensor.values {
            Values::F32(values) if tensor.shape == expected && values.len() == expected.iter().product::<usize>() => {
                Ok(values.clone())
            }
            _ => Err(format!("{key} has shape {:?}, not {expected:?} in single precision", tensor.shape)),
        }
    };
    let dense = |part: &str, inputs: usize, outputs: usize| -> Result<Dense, String> {
        let weight = read(format!("{part}.weight"), &[inputs, outputs])?;
        Ok(Dense { inputs, outputs, weight, bias: read(format!("{part}.bias"), &[outputs])? })
    };
    let mut inputs = shape.inputs(noise);
    let mut blocks = Vec::with_capacity(part.hidden.len());
    for (at, &width) in part.hidden.iter().enumerate() {
        let norm = BatchNorm {
            scale: read(format!("{at}.scale"), &[width])?,
            shift: read(format!("{at}.shift"), &[width])?,
            mean: read(format!("{at}.mean"), &[width])?,
            variance: read(format!("{at}.variance"), &[width])?,
        };
        blocks.push(Block { dense: dense(&at.to_string(), inputs, width)?, norm });
        inputs = width;
    }
    Ok(Generator { output: dense("output", inputs, shape.card)?, shape, blocks })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module() -> GeneratorModule {
        let mut rng = crate::seed::stream(1, "weights");
        let shape = |variable, parents: &[usize], latents: &[usize]| GeneratorShape {
            variable,
            card: 3,
            parents: parents.to_vec(),
            parent_cards: vec![2; parents.len()],
            latents: latents.to_vec(),
        };
        let generators =
            [shape(4, &[1, 2], &[0]), shape(2, &[], &[0])].map(|s| Generator::random(s, 3, &[5, 4], &mut rng)).to_vec();
        GeneratorModule { noise: 3, latents: vec![7], generators }
    }

    const NAMES: [&str; 5] = ["A", "B", "C", "D", "E"];

    #[test]
    fn a_file_brings_the_module_back() {
        let file = module().to_file(|v| NAMES[v], "digest");
        assert_eq!(file.header.variables, ["E", "C", "B"]);
        let back = GeneratorModule::from_file(&file, |name| NAMES.iter().position(|n| *n == name)).unwrap();
        assert_eq!(back, module());
    }

    #[test]
    fn a_broken_file_is_refused() {
        let whole = module().to_file(|v| NAMES[v], "digest");
        let number = |name: &str| NAMES.iter().position(|n| *n == name);
        let refused = |file: &ModuleFile| GeneratorModule::from_file(file, number).unwrap_err();
        let mut file = whole.clone();
        file.tensors.remove("C.1.scale");
        assert_eq!(refused(&file), "no tensor C.1.scale");
        let mut file = whole.clone();
        file.tensors.get_mut("E.output.bias").unwrap().shape = vec![4];
        assert!(refused(&file).starts_with("E.output.bias has shape [4]"));
        let mut file = whole.clone();
        file.header.variables[2] = "X".to_owned();
        assert_eq!(refused(&file), "the model has no variable X");
        let mut file = whole;
        file.header.kind = "tables".to_owned();
        assert_eq!(refused(&file), "a module of tables, not of generators");
    }
}
