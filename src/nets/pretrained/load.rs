//! Reading pretrained files: every mistake in them ends in a [`Fault`].

use super::super::conditional::ConditionalModule;
use super::super::file::{FileError, ModuleFile, TensorData, Values};
use super::super::generator::GeneratorModule;
use super::super::table::TableModule;
use super::module::{FileModule, table};
use super::network::{FileNetwork, Runner};
use super::{Inside, PretrainedModule, Source};
use crate::nets::ops::device;
use crate::pretrained::{Choice, Described, Fault, Format, Header, Kind, Module, Request, check, layer_list};
use candle_core::pickle::PthTensors;
use candle_core::{DType, Device, Tensor};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

impl PretrainedModule {
    /// The mechanism of `variable` with these `parents` (ascending), as `request` asks, in the file at `path`. Where the
    /// model says the beginning of the file's SHA-256, it must be that.
    ///
    /// # Errors
    /// E0603 to E0606: what does not fit, or what is wrong with the file.
    pub fn load(
        variable: usize,
        parents: &[usize],
        request: &Request,
        expected: Option<&str>,
        path: &Path,
    ) -> Result<Self, Fault> {
        let sha256 = digest(path)?;
        if let Some(expected) = expected.filter(|expected| !sha256.starts_with(expected)) {
            return Err(Fault::digest(format!("`{}` is another file than the model says", path.display()))
                .note(format!("its SHA-256 is {sha256}, not {expected}…"))
                .help("take the right file, or correct `sha256` if this one is right"));
        }
        check(request, path)?;
        let source = match Format::of(path) {
            Format::Onnx => onnx(request, path)?,
            Format::Torch => described(request, &torch(path, request.reading.key.as_deref())?)?,
            Format::Safetensors => match (&request.reading.layers, Header::read(path)?.module) {
                (None, Some(text)) => {
                    let choice = Module::parse(&text)?.choose(request)?;
                    module(request, &choice, variable, parents, path)?
                }
                _ => described(request, &weights(path)?)?,
            },
        };
        let module = Self {
            variable,
            parents: parents.to_vec(),
            inside: Arc::new(Inside { request: request.clone(), source, sha256 }),
        };
        module.try_out()?;
        Ok(module)
    }

    /// One row must come out as numbers.
    fn try_out(&self) -> Result<(), Fault> {
        let request = self.request();
        let parent = |kind: &Kind| match *kind {
            Kind::Image([c, h, w]) => Tensor::zeros((1, h, w, c), DType::F32, &device()),
            Kind::Discrete(card) => super::one_hot(&[0], card),
            Kind::Other(_) => candle_core::bail!("no such values"),
        };
        let wrong =
            |e: candle_core::Error| Fault::output("the file's mechanism does not run".into()).note(first_line(&e));
        let parents: Result<Vec<Tensor>, _> = request.parents.iter().map(|node| parent(&node.kind)).collect();
        let mut rng = crate::seed::stream(0, "pretrained");
        let output = self.soft(self.variable, &parents.map_err(wrong)?, 1, &mut rng).map_err(wrong)?;
        let values = output.flatten_all().and_then(|v| v.to_vec1::<f32>()).map_err(wrong)?;
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Fault::file("the file's mechanism gives values that are not finite numbers".into()));
        }
        Ok(())
    }
}

/// The SHA-256 of a file, in hexadecimal.
fn digest(path: &Path) -> Result<String, Fault> {
    let io = |e: std::io::Error| Fault::file(format!("`{}` cannot be read", path.display())).note(e.to_string());
    let mut file = std::fs::File::open(path).map_err(io)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(io)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn damaged(why: impl std::fmt::Display) -> Fault {
    Fault::file("the file cannot be used".into()).note(first_line(&why))
}

/// A module of this program.
fn module(
    request: &Request,
    choice: &Choice,
    variable: usize,
    parents: &[usize],
    path: &Path,
) -> Result<Source, Fault> {
    let file = ModuleFile::read(path).map_err(damaged)?;
    for (name, tensor) in &file.tensors {
        let finite = match &tensor.values {
            Values::F32(values) => values.iter().all(|v| v.is_finite()),
            Values::F64(values) => values.iter().all(|v| v.is_finite()),
        };
        if !finite {
            return Err(damaged(format!("{name} has values that are not finite numbers")));
        }
    }
    let names = &file.header.variables;
    let wrong = |e: FileError| damaged(e);
    match file.header.kind.as_str() {
        "tables" => {
            let tables = TableModule::from_file(&file, names).map_err(wrong)?;
            let found = table(&tables, choice, request, variable, parents);
            found.map(Source::Tables).ok_or_else(|| damaged("a table that does not fit its header"))
        }
        "conditionals" => {
            let module = ConditionalModule::from_file(&file, names).map_err(wrong)?;
            FileModule::conditionals(module, choice.clone()).map(Source::Module).map_err(damaged)
        }
        "generators" => {
            let number = |name: &str| names.iter().position(|n| n == name);
            let module = GeneratorModule::from_file(&file, number).map_err(damaged)?;
            FileModule::generators(module, choice.clone()).map(Source::Module).map_err(damaged)
        }
        kind => Err(damaged(format!("a module of kind {kind} is no mechanism"))),
    }
}

/// Weights with the layers of the model file.
fn described(request: &Request, state: &BTreeMap<String, TensorData>) -> Result<Source, Fault> {
    let shape = |name: &str| state.get(name).map(|t| t.shape.clone());
    let names: Vec<&String> = state.keys().collect();
    let Described { list, range } = layer_list(request, &shape, &names)?;
    let network = list.build(state).map_err(damaged)?;
    Ok(Source::Network(FileNetwork { runner: Runner::Layers(network), range }))
}

/// The tensors of floating-point numbers in a safetensors file of any origin.
fn weights(path: &Path) -> Result<BTreeMap<String, TensorData>, Fault> {
    let tensors = candle_core::safetensors::load(path, &Device::Cpu).map_err(damaged)?;
    state(tensors.into_iter())
}

/// The tensors of a PyTorch file, or of its entry `key`.
fn torch(path: &Path, key: Option<&str>) -> Result<BTreeMap<String, TensorData>, Fault> {
    let size = std::fs::metadata(path).map_err(damaged)?.len();
    let file = PthTensors::new(path, key).map_err(damaged)?;
    let mut tensors = vec![];
    for (name, info) in file.tensor_infos().iter().filter(|(_, info)| info.dtype.is_float()) {
        // PyTorch stores tensors as they are: what is larger than the file is damage, and must not be made room for.
        let bytes =
            info.layout.dims().iter().try_fold(info.dtype.size_in_bytes() as u64, |n, &d| n.checked_mul(d as u64));
        if bytes.is_none_or(|bytes| bytes > size) {
            return Err(damaged(format!("{name} has the shape {:?} in a file of {size} bytes", info.layout.dims())));
        }
        tensors.extend(file.get(name).map_err(damaged)?.map(|tensor| (name.clone(), tensor)));
    }
    if tensors.is_empty() {
        return Err(damaged("it has no tensors at its top, or not in a state dict")
            .help("name the entry with the weights, e.g. `key: \"state_dict\"`"));
    }
    state(tensors.into_iter())
}

/// Tensors in single precision; those of whole numbers are left out.
fn state(tensors: impl Iterator<Item = (String, Tensor)>) -> Result<BTreeMap<String, TensorData>, Fault> {
    let floats = tensors.filter(|(_, tensor)| tensor.dtype().is_float());
    let data = |(name, tensor): (String, Tensor)| {
        let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        Ok((name, TensorData { shape: tensor.dims().to_vec(), values: Values::F32(values) }))
    };
    floats.map(data).collect::<candle_core::Result<_>>().map_err(damaged)
}

#[cfg(feature = "onnx")]
fn onnx(request: &Request, path: &Path) -> Result<Source, Fault> {
    use crate::pretrained::Range;
    let runner = Runner::Onnx(super::onnx::OnnxNetwork::load(request, path)?);
    let range = request.reading.range.unwrap_or(Range::Signed);
    Ok(Source::Network(FileNetwork { runner, range }))
}

#[cfg(not(feature = "onnx"))]
fn onnx(_request: &Request, _path: &Path) -> Result<Source, Fault> {
    Err(damaged("this program was built without ONNX").help("build it with the feature `onnx`"))
}

/// What an error says, without the backtrace that Candle may add.
fn first_line(why: &impl std::fmt::Display) -> String {
    why.to_string().lines().next().unwrap_or_default().to_owned()
}
