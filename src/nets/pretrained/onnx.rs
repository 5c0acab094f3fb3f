//! ONNX networks, run by tract: black boxes without gradients.

use crate::nets::ops::device;
use crate::pretrained::{Fault, Kind, Node, Request, output_fits, request_inputs};
use candle_core::{Result, Tensor, bail};
use std::path::Path;
use std::sync::Arc;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;

/// Rows that pass through together where the file does not say how many.
const BATCH: usize = 32;

/// An ONNX network.
#[derive(Debug)]
pub struct OnnxNetwork {
    plan: Arc<TypedRunnableModel>,
    /// How each of its inputs is laid out.
    inputs: Vec<Input>,
    /// Rows that pass through together.
    batch: usize,
    /// The output of a row: `[channels, height, width]` or `[numbers]`.
    output: Vec<usize>,
}

/// An input of the network: its dimensions, rows first.
#[derive(Clone, Debug)]
struct Input {
    dims: Vec<usize>,
    /// Numbers of classes instead of codes.
    indices: bool,
}

/// Something that the network reads: how many numbers, and whether they are an image's or a code's.
enum Part<'a> {
    Noise(usize),
    Parent(&'a Node),
}

impl Part<'_> {
    fn count(&self) -> usize {
        match self {
            Self::Noise(count) => *count,
            Self::Parent(Node { kind: Kind::Image(shape), .. }) => shape.iter().product(),
            Self::Parent(node) => node.classes,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Noise(count) => format!("{count} numbers of noise"),
            Self::Parent(node) => node.text(),
        }
    }
}

fn unusable(error: &TractError) -> Fault {
    Fault::file("the ONNX network cannot be used".into()).note(format!("{error:#}"))
}

impl OnnxNetwork {
    /// The network at `path` as `request` asks: either one input that takes the noise and the parents' codes side by
    /// side, or one input each, in that order.
    pub fn load(request: &Request, path: &Path) -> std::result::Result<Self, Fault> {
        let mut model = tract_onnx::onnx().model_for_path(path).map_err(|e| unusable(&e))?;
        let parts = parts(request);
        let facts = (0..model.inputs.len()).map(|at| model.input_fact(at).cloned());
        let facts = facts.collect::<TractResult<Vec<InferenceFact>>>().map_err(|e| unusable(&e))?;
        let wrong = |title: &str| {
            let has: Vec<String> = facts.iter().map(InferenceFact::format_dt_shape).collect();
            let gets: Vec<String> = parts.iter().map(Part::text).collect();
            Fault::inputs(title.to_owned())
                .note(format!("the network's inputs are {}", has.join("; ")))
                .note(format!("the model gives it {}", gets.join(", then ")))
                .help("one input takes everything side by side, or there is one for each; write `latent` and `inputs`")
        };
        if facts.len() != 1 && facts.len() != parts.len() {
            return Err(wrong("the network has another number of inputs"));
        }
        let fixed = facts.iter().find_map(|fact| number(fact, 0)).filter(|&rows| rows > 0);
        let batch = fixed.unwrap_or(BATCH);
        let mut inputs = vec![];
        for (at, fact) in facts.iter().enumerate() {
            let taken = if facts.len() == 1 { &parts[..] } else { &parts[at..=at] };
            let input = input(fact, taken, batch).ok_or_else(|| wrong("the network does not read the parents"))?;
            let type_ = if input.indices { i64::datum_type() } else { f32::datum_type() };
            let fact = InferenceFact::dt_shape(type_, &input.dims[..]);
            model = model.with_input_fact(at, fact).map_err(|e| unusable(&e))?;
            inputs.push(input);
        }
        let model = model.into_optimized().map_err(|e| unusable(&e))?;
        let found = model.output_fact(0).map_err(|e| unusable(&e))?.clone();
        let dims = found.shape.as_concrete().map(<[usize]>::to_vec).unwrap_or_default();
        if found.datum_type != f32::datum_type() || dims.first() != Some(&batch) {
            return Err(Fault::output("the network's output is not one row of single precision for each row".into())
                .note(format!("its output is {found:?}")));
        }
        let mut output = dims[1..].to_vec();
        if !matches!(request.variable.kind, Kind::Image(_)) {
            // Logits may stand in a picture of one pixel.
            output = vec![output.iter().product()];
        }
        output_fits(&output, &request.variable)?;
        let plan = model.into_runnable().map_err(|e| unusable(&e))?;
        Ok(Self { plan, inputs, batch, output })
    }

    /// The output `[rows, numbers]` or `[rows, height, width, channels]` for the parts of the input.
    pub fn forward(&self, parts: &[Tensor]) -> Result<Tensor> {
        let rows = parts.first().map_or(Ok(0), |part| part.dim(0))?;
        let matrices = parts.iter().map(matrix).collect::<Result<Vec<Vec<f32>>>>()?;
        let widths: Vec<usize> = matrices.iter().map(|m| m.len() / rows.max(1)).collect();
        let mut values: Vec<f32> = Vec::with_capacity(rows * self.output.iter().product::<usize>());
        for start in (0..rows).step_by(self.batch) {
            let end = rows.min(start + self.batch);
            let mut inputs = tvec![];
            for (at, input) in self.inputs.iter().enumerate() {
                let taken = if self.inputs.len() == 1 { 0..parts.len() } else { at..at + 1 };
                let mut flat = vec![];
                for row in start..end {
                    taken.clone().for_each(|p| flat.extend(&matrices[p][row * widths[p]..(row + 1) * widths[p]]));
                }
                inputs.push(input.tensor(&flat, end - start).map_err(candle_core::Error::wrap)?.into());
            }
            let outputs = self.plan.run(inputs).map_err(candle_core::Error::wrap)?;
            let output = outputs[0].to_plain_array_view::<f32>().map_err(candle_core::Error::wrap)?;
            let each = self.output.iter().product::<usize>();
            values.extend(output.iter().take((end - start) * each));
        }
        match self.output[..] {
            [channels, height, width] => {
                let planes = Tensor::from_vec(values, (rows, channels, height, width), &device())?;
                planes.permute((0, 2, 3, 1))?.contiguous()
            }
            [count] => Tensor::from_vec(values, (rows, count), &device()),
            _ => bail!("an output of shape {:?}", self.output),
        }
    }
}

/// A part of the input, channels first, row by row.
fn matrix(part: &Tensor) -> Result<Vec<f32>> {
    let rows = if part.rank() == 4 { part.permute((0, 3, 1, 2))?.contiguous()? } else { part.clone() };
    rows.flatten_all()?.to_vec1()
}

fn parts(request: &Request) -> Vec<Part<'_>> {
    let mut parts: Vec<Part> = request_inputs(request).into_iter().map(Part::Parent).collect();
    if request.reading.latent > 0 {
        let place = if request.reading.noise_last { parts.len() } else { 0 };
        parts.insert(place, Part::Noise(request.reading.latent));
    }
    parts
}

/// A dimension, where the file fixes it.
fn number(fact: &InferenceFact, at: usize) -> Option<usize> {
    usize::try_from(fact.shape.dim(at)?.concretize()?.to_i64().ok()?).ok()
}

/// The layout of an input that takes `parts`; `None` where it cannot.
fn input(fact: &InferenceFact, parts: &[Part], batch: usize) -> Option<Input> {
    let indices = fact.datum_type.concretize() == Some(i64::datum_type());
    let rank = fact.shape.rank().concretize()? as usize;
    let written: Vec<Option<usize>> = (1..rank).map(|at| number(fact, at)).collect();
    let image = match parts {
        [Part::Parent(Node { kind: Kind::Image(shape), .. })] => Some(shape.to_vec()),
        _ => None,
    };
    let has_image = parts.iter().any(|p| matches!(p, Part::Parent(Node { kind: Kind::Image(_), .. })));
    let count = parts.iter().map(Part::count).sum();
    let dims = match (indices, rank) {
        (true, 1) if parts.len() == 1 && !has_image => vec![],
        (true, 2) if parts.len() == 1 && !has_image => vec![1],
        (false, _) if image.is_some() => image?,
        (false, 2) if !has_image => vec![count],
        (false, 4) if !has_image => vec![count, 1, 1],
        _ => return None,
    };
    let fits = dims.len() == written.len() && dims.iter().zip(&written).all(|(d, w)| w.is_none_or(|w| w == *d));
    let dims = [batch].into_iter().chain(dims).collect();
    fits.then_some(Input { dims, indices })
}

impl Input {
    /// The rows of `flat`, and rows of zeros up to the batch.
    fn tensor(&self, flat: &[f32], rows: usize) -> TractResult<tract_onnx::prelude::Tensor> {
        if self.indices {
            let each = flat.len() / rows.max(1);
            let code = |row: &[f32]| row.iter().position(|&v| v > 0.5).unwrap_or(0) as i64;
            let mut codes: Vec<i64> = flat.chunks(each.max(1)).map(code).collect();
            codes.resize(self.dims[0], 0);
            return tract_onnx::prelude::Tensor::from_shape(&self.dims, &codes);
        }
        let mut values = flat.to_vec();
        values.resize(self.dims.iter().product(), 0.0);
        tract_onnx::prelude::Tensor::from_shape(&self.dims, &values)
    }
}
