//! Other people's networks as data: a list of layers and a state dict, run forward with frozen weights.
//!
//! A description is JSON (or anything else serde reads), e.g. of a DCGAN's first block and of a classifier's end:
//!
//! ```json
//! {"input": [100, 1, 1],
//!  "layers": [{"layer": "conv_transpose", "name": "main.0", "stride": 1, "padding": 0},
//!             {"layer": "batch_norm", "name": "main.1"}, {"layer": "relu"}]}
//! {"input": [1, 28, 28],
//!  "layers": [{"layer": "scale", "factor": 3.2457, "shift": -0.4242}, {"layer": "flatten"},
//!             {"layer": "linear", "name": "fc"}]}
//! ```
//!
//! Names are those before `.weight`, `.bias`, `.running_mean` and `.running_var` in the state dict, whose tensors are
//! laid out as PyTorch does; sizes come from them. A vector of `n` numbers has the shape `[n]`, a picture
//! `[channels, height, width]` in descriptions and `[rows, height, width, channels]` when it runs.

use crate::nets::file::{TensorData, Values};
use crate::nets::ops::{Geometry, Parameter, Shift, conv_transpose2d, conv2d, linear, tanh};
use candle_core::{Device, Result, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A network as a list of layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerList {
    /// The shape of the input: `[numbers]` or `[channels, height, width]`.
    pub input: Vec<usize>,
    /// The layers, first to last.
    pub layers: Vec<Layer>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "snake_case", deny_unknown_fields)]
pub enum Layer {
    /// A convolution with the weight `[outputs, inputs, kernel, kernel]`.
    Conv {
        /// Its name in the state dict.
        name: String,
        /// The stride.
        stride: usize,
        /// The padding.
        padding: usize,
    },
    /// A transposed convolution with the weight `[inputs, outputs, kernel, kernel]`.
    ConvTranspose {
        /// Its name in the state dict.
        name: String,
        /// The stride.
        stride: usize,
        /// The padding.
        padding: usize,
        /// Rows and columns added at the far end.
        #[serde(default)]
        output_padding: usize,
    },
    /// Normalisation with running statistics.
    BatchNorm {
        /// Its name in the state dict.
        name: String,
        /// What is added to variances.
        #[serde(default = "default_epsilon")]
        epsilon: f32,
    },
    /// A fully connected layer with the weight `[outputs, inputs]`.
    Linear {
        /// Its name in the state dict.
        name: String,
    },
    /// `max(0, v)`.
    Relu,
    /// `max(v, slope v)`.
    LeakyRelu {
        /// The slope, 0 to 1.
        slope: f32,
    },
    /// The hyperbolic tangent.
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// `factor · v + shift`.
    Scale {
        /// The factor.
        factor: f32,
        /// The shift.
        shift: f32,
    },
    /// The largest of each square of pixels; rows and columns that fill no square are left out.
    MaxPool {
        /// The square's side.
        size: usize,
    },
    /// A picture as a vector, channel by channel.
    Flatten,
    /// A vector as a picture, channel by channel.
    Reshape {
        /// `[channels, height, width]`.
        shape: [usize; 3],
    },
}

fn default_epsilon() -> f32 {
    1e-5
}

/// A network that runs forward. Gradients pass through it to its input.
#[derive(Clone, Debug)]
pub struct LayerNetwork {
    steps: Vec<Step>,
    input: Vec<usize>,
    output: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Step {
    Conv {
        weight: Parameter,
        bias: Parameter,
        geometry: Geometry,
        transposed: bool,
    },
    Linear {
        weight: Parameter,
        bias: Parameter,
    },
    /// A factor and a constant for each channel.
    Affine {
        factor: Tensor,
        constant: Tensor,
    },
    Leaky(f64),
    Tanh,
    Sigmoid,
    MaxPool(usize),
    Flatten,
    Reshape([usize; 3]),
}

/// The most numbers in a row of any layer: more is an error in a description rather than a network.
const MOST: usize = 1 << 26;

impl LayerList {
    /// The network with the tensors of a state dict.
    ///
    /// # Errors
    /// Says which layer does not fit, and why: a missing tensor, a shape, a value that is not a finite number.
    pub fn build(&self, state: &BTreeMap<String, TensorData>) -> std::result::Result<LayerNetwork, String> {
        let mut shape = self.input.clone();
        if !matches!(shape.len(), 1 | 3) || !in_bounds(&shape) {
            return Err(format!("an input of shape {shape:?}: [numbers] or [channels, height, width]"));
        }
        let mut steps = Vec::with_capacity(self.layers.len());
        for (at, layer) in self.layers.iter().enumerate() {
            let step = layer.step(&mut shape, state).map_err(|why| format!("layer {at} ({layer:?}): {why}"))?;
            if !in_bounds(&shape) {
                return Err(format!("layer {at} ({layer:?}): an output of shape {shape:?}"));
            }
            steps.push(step);
        }
        Ok(LayerNetwork { steps, input: self.input.clone(), output: shape })
    }
}

fn in_bounds(shape: &[usize]) -> bool {
    shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n)).is_some_and(|count| (1..=MOST).contains(&count))
}

impl Layer {
    /// The layer ready to run on inputs of `shape`, which becomes that of its outputs.
    fn step(&self, shape: &mut Vec<usize>, state: &BTreeMap<String, TensorData>) -> std::result::Result<Step, String> {
        let state = State(state);
        match self {
            Self::Conv { name, stride, padding } => {
                let (channels, height, width) = picture(shape)?;
                let (weight, [small, large], kernel) = state.kernel(name)?;
                let geometry = Geometry::conv((height, width), kernel, *stride, *padding)
                    .filter(|_| large == channels)
                    .ok_or_else(|| format!("a kernel of {kernel} from {large} channels does not fit {shape:?}"))?;
                *shape = vec![small, geometry.small.0, geometry.small.1];
                Ok(Step::Conv { weight, bias: state.bias(name, small)?, geometry, transposed: false })
            }
            Self::ConvTranspose { name, stride, padding, output_padding } => {
                let (channels, height, width) = picture(shape)?;
                let (weight, [small, large], kernel) = state.kernel(name)?;
                let side = |n: usize| {
                    let whole = (n - 1).checked_mul(*stride)?.checked_add(kernel)?.checked_add(*output_padding)?;
                    whole.checked_sub(padding.checked_mul(2)?).filter(|&side| side <= MOST)
                };
                let geometry = side(height)
                    .zip(side(width))
                    .and_then(|large| Geometry::conv(large, kernel, *stride, *padding))
                    .filter(|g| g.small == (height, width) && small == channels)
                    .ok_or_else(|| format!("a kernel of {kernel} from {small} channels does not fit {shape:?}"))?;
                *shape = vec![large, geometry.large.0, geometry.large.1];
                Ok(Step::Conv { weight, bias: state.bias(name, large)?, geometry, transposed: true })
            }
            Self::BatchNorm { name, epsilon } => state.affine(name, shape[0], *epsilon),
            Self::Linear { name } => {
                let &[inputs] = &shape[..] else { return Err(format!("{shape:?} is no vector: flatten it")) };
                let (values, dims) = state.floats(&format!("{name}.weight"))?;
                let &[outputs, columns] = dims else { return Err(format!("{name}.weight has shape {dims:?}")) };
                if columns != inputs {
                    return Err(format!("{name}.weight has {columns} columns for {inputs} numbers"));
                }
                let transposed: Vec<f32> =
                    (0..inputs * outputs).map(|at| values[at % outputs * inputs + at / outputs]).collect();
                *shape = vec![outputs];
                let weight = fixed(transposed, &[inputs, outputs])?;
                Ok(Step::Linear { weight, bias: state.bias(name, outputs)? })
            }
            Self::Relu => Ok(Step::Leaky(0.0)),
            Self::LeakyRelu { slope } if (0.0..=1.0).contains(slope) => Ok(Step::Leaky(f64::from(*slope))),
            Self::LeakyRelu { slope } => Err(format!("a slope of {slope}: between 0 and 1")),
            Self::Tanh => Ok(Step::Tanh),
            Self::Sigmoid => Ok(Step::Sigmoid),
            Self::Scale { factor, shift } if factor.is_finite() && shift.is_finite() => {
                affine(vec![*factor; shape[0]], vec![*shift; shape[0]])
            }
            Self::Scale { .. } => Err("a scale that is not finite".into()),
            Self::MaxPool { size } => {
                let (channels, height, width) = picture(shape)?;
                if !(1..=height.min(width)).contains(size) {
                    return Err(format!("squares of {size} in {shape:?}"));
                }
                *shape = vec![channels, height / size, width / size];
                Ok(Step::MaxPool(*size))
            }
            Self::Flatten => {
                picture(shape)?;
                *shape = vec![shape.iter().product()];
                Ok(Step::Flatten)
            }
            Self::Reshape { shape: target } => {
                if !in_bounds(target) || shape[..] != [target.iter().product::<usize>()] {
                    return Err(format!("{shape:?} has no shape {target:?}"));
                }
                *shape = target.to_vec();
                Ok(Step::Reshape(*target))
            }
        }
    }
}

fn picture(shape: &[usize]) -> std::result::Result<(usize, usize, usize), String> {
    match *shape {
        [channels, height, width] => Ok((channels, height, width)),
        _ => Err(format!("{shape:?} is no picture [channels, height, width]")),
    }
}

fn fixed(values: Vec<f32>, shape: &[usize]) -> std::result::Result<Parameter, String> {
    Parameter::fixed(values, shape).map_err(|e| e.to_string())
}

fn affine(factor: Vec<f32>, constant: Vec<f32>) -> std::result::Result<Step, String> {
    let tensor = |values: Vec<f32>| Tensor::new(values, &Device::Cpu).map_err(|e| e.to_string());
    Ok(Step::Affine { factor: tensor(factor)?, constant: tensor(constant)? })
}

/// A state dict.
struct State<'a>(&'a BTreeMap<String, TensorData>);

impl<'a> State<'a> {
    /// A tensor's values and shape.
    fn floats(&self, name: &str) -> std::result::Result<(&'a [f32], &'a [usize]), String> {
        match self.0.get(name) {
            Some(TensorData { shape, values: Values::F32(values) })
                if values.len() == shape.iter().product::<usize>() =>
            {
                match values.iter().any(|v| !v.is_finite()) {
                    true => Err(format!("{name} has values that are not finite numbers")),
                    false => Ok((values, shape)),
                }
            }
            Some(_) => Err(format!("{name} is not in single precision")),
            None => Err(format!("no tensor {name}")),
        }
    }

    fn row(&self, name: &str, count: usize) -> std::result::Result<Vec<f32>, String> {
        match self.floats(name)? {
            (values, [n]) if *n == count => Ok(values.to_vec()),
            (_, shape) => Err(format!("{name} has shape {shape:?}, not [{count}]")),
        }
    }

    /// The bias, or zeros where there is none.
    fn bias(&self, name: &str, count: usize) -> std::result::Result<Parameter, String> {
        let name = format!("{name}.bias");
        let values = if self.0.contains_key(&name) { self.row(&name, count)? } else { vec![0.0; count] };
        fixed(values, &[count])
    }

    /// A square kernel `[small, large, side, side]` in the layout of [`conv2d`], its channels and its side.
    fn kernel(&self, name: &str) -> std::result::Result<(Parameter, [usize; 2], usize), String> {
        let (values, dims) = self.floats(&format!("{name}.weight"))?;
        let &[small, large, side, other] = dims else { return Err(format!("{name}.weight has shape {dims:?}")) };
        if side != other || values.is_empty() {
            return Err(format!("{name}.weight has shape {dims:?}: only square kernels are supported"));
        }
        let places = side * side;
        let mut laid = Vec::with_capacity(values.len());
        for place in 0..places {
            for l in 0..large {
                laid.extend((0..small).map(|s| values[(s * large + l) * places + place]));
            }
        }
        Ok((fixed(laid, &[side, side, large, small])?, [small, large], side))
    }

    /// A normalisation's factor and constant for each channel.
    fn affine(&self, name: &str, channels: usize, epsilon: f32) -> std::result::Result<Step, String> {
        let row = |part: &str| self.row(&format!("{name}.{part}"), channels);
        let (mean, variance) = (row("running_mean")?, row("running_var")?);
        let or = |part: &str, value: f32| {
            if self.0.contains_key(&format!("{name}.{part}")) { row(part) } else { Ok(vec![value; channels]) }
        };
        let (scale, shift) = (or("weight", 1.0)?, or("bias", 0.0)?);
        if variance.iter().any(|v| v + epsilon <= 0.0) {
            return Err(format!("{name}.running_var has values that are no variances"));
        }
        let factor: Vec<f32> = scale.iter().zip(&variance).map(|(s, v)| s / (v + epsilon).sqrt()).collect();
        let constant = shift.iter().zip(&mean).zip(&factor).map(|((s, m), f)| s - m * f).collect();
        affine(factor, constant)
    }
}

impl LayerNetwork {
    /// The shape of the input, as in the description.
    pub fn input(&self) -> &[usize] {
        &self.input
    }

    /// The shape of the output, `[numbers]` or `[channels, height, width]`.
    pub fn output(&self) -> &[usize] {
        &self.output
    }

    /// The outputs for `x`: `[rows, numbers]`, or pictures `[rows, height, width, channels]`; the outputs likewise.
    ///
    /// # Errors
    /// Where `x` has another shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let expected = match self.input[..] {
            [channels, height, width] => vec![height, width, channels],
            _ => self.input.clone(),
        };
        if x.dims().get(1..) != Some(&expected[..]) {
            candle_core::bail!("an input of {:?} for a network of rows of {expected:?}", x.dims())
        }
        self.steps.iter().try_fold(x.clone(), |x, step| step.run(&x))
    }
}

impl Step {
    fn run(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Conv { weight, bias, geometry, transposed } => {
                let run = if *transposed { conv_transpose2d } else { conv2d };
                run(x, weight, Shift::Bias(bias), 1.0, *geometry)
            }
            Self::Linear { weight, bias } => linear(x, weight, bias, 1.0),
            Self::Affine { factor, constant } => x.broadcast_mul(factor)?.broadcast_add(constant),
            Self::Leaky(0.0) => x.relu(),
            Self::Leaky(slope) => x.maximum(&(x * *slope)?),
            Self::Tanh => tanh(x),
            Self::Sigmoid => (((x.neg()?.exp()? + 1.0)?).recip()?).contiguous(),
            Self::MaxPool(size) => {
                let (rows, height, width, channels) = x.dims4()?;
                let (height, width) = (height / size, width / size);
                let whole = x.narrow(1, 0, height * size)?.narrow(2, 0, width * size)?.contiguous()?;
                whole.reshape(&[rows, height, *size, width, *size, channels][..])?.max(4)?.max(2)
            }
            Self::Flatten => x.permute((0, 3, 1, 2))?.contiguous()?.flatten_from(1),
            Self::Reshape([channels, height, width]) => {
                x.reshape((x.dim(0)?, *channels, *height, *width))?.permute((0, 2, 3, 1))?.contiguous()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::ops::check::random;

    fn list(json: &str) -> LayerList {
        serde_json::from_str(json).unwrap()
    }

    fn state(tensors: &[(&str, &[usize])]) -> BTreeMap<String, TensorData> {
        let tensor = |(at, (name, shape)): (usize, &(&str, &[usize]))| {
            let mut values = random(shape.iter().product(), at as u64);
            if name.ends_with("var") {
                values.iter_mut().for_each(|v| *v = v.abs());
            }
            ((*name).to_owned(), TensorData { shape: shape.to_vec(), values: Values::F32(values) })
        };
        tensors.iter().enumerate().map(tensor).collect()
    }

    const GENERATOR: &str = r#"{"input": [3], "layers": [{"layer": "reshape", "shape": [3, 1, 1]},
        {"layer": "conv_transpose", "name": "main.0", "stride": 1, "padding": 0},
        {"layer": "batch_norm", "name": "main.1"}, {"layer": "relu"},
        {"layer": "conv_transpose", "name": "main.3", "stride": 2, "padding": 1, "output_padding": 1},
        {"layer": "tanh"}]}"#;

    fn generator_state() -> BTreeMap<String, TensorData> {
        state(&[
            ("main.0.weight", &[3, 4, 4, 4]),
            ("main.1.weight", &[4]),
            ("main.1.bias", &[4]),
            ("main.1.running_mean", &[4]),
            ("main.1.running_var", &[4]),
            ("main.3.weight", &[4, 2, 4, 4]),
            ("main.3.bias", &[2]),
        ])
    }

    fn values<'a>(state: &'a BTreeMap<String, TensorData>, name: &str) -> &'a [f32] {
        let Values::F32(values) = &state[name].values else { unreachable!() };
        values
    }

    /// Against the layers written out by their definitions, in PyTorch's layout.
    #[test]
    fn a_generator_does_what_its_layers_say() {
        let state = generator_state();
        let network = list(GENERATOR).build(&state).unwrap();
        assert_eq!((network.input(), network.output()), (&[3][..], &[2, 9, 9][..]));
        let z = random(6, 50);
        let found = network.forward(&Tensor::from_vec(z.clone(), (2, 3), &Device::Cpu).unwrap()).unwrap();
        let found = found.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (first, last) = (values(&state, "main.0.weight"), values(&state, "main.3.weight"));
        let norm = |part: &str, c: usize| values(&state, &format!("main.1.{part}"))[c];
        for row in 0..2 {
            let mut hidden = [[0.0f32; 16]; 4];
            let mut pictures = [[0.0f32; 81]; 2];
            for c in 0..4 {
                for pixel in 0..16 {
                    let sum: f32 = (0..3).map(|i| z[row * 3 + i] * first[(i * 4 + c) * 16 + pixel]).sum();
                    let scaled = (sum - norm("running_mean", c)) / (norm("running_var", c) + 1e-5).sqrt();
                    hidden[c][pixel] = (scaled * norm("weight", c) + norm("bias", c)).max(0.0);
                }
            }
            for (c, o, y, x) in (0..4 * 2 * 16usize).map(|n| (n / 32, n / 16 % 2, n / 4 % 4, n % 4)) {
                for (ky, kx) in (0..16usize).map(|k| (k / 4, k % 4)) {
                    let (row, column) = ((2 * y + ky).wrapping_sub(1), (2 * x + kx).wrapping_sub(1));
                    if row < 9 && column < 9 {
                        pictures[o][row * 9 + column] += hidden[c][y * 4 + x] * last[(c * 2 + o) * 16 + ky * 4 + kx];
                    }
                }
            }
            for (o, pixel) in (0..2).flat_map(|o| (0..81).map(move |p| (o, p))) {
                let expected = (pictures[o][pixel] + values(&state, "main.3.bias")[o]).tanh();
                let found = found[(row * 81 + pixel) * 2 + o];
                assert!((found - expected).abs() < 1e-4, "{row} {o} {pixel}: {found} {expected}");
            }
        }
    }

    #[test]
    fn a_classifier_flattens_channel_by_channel() {
        let description = r#"{"input": [2, 3, 5], "layers": [{"layer": "scale", "factor": 2.0, "shift": -1.0},
            {"layer": "max_pool", "size": 2}, {"layer": "leaky_relu", "slope": 0.5}, {"layer": "flatten"},
            {"layer": "linear", "name": "fc"}, {"layer": "sigmoid"}]}"#;
        let state = state(&[("fc.weight", &[1, 4]), ("fc.bias", &[1])]);
        let network = list(description).build(&state).unwrap();
        // Pixel (y, x) of channel c has the value 10 c + 5 y + x − 8, channels last.
        let value = |n: usize| (10 * (n % 2) + n / 2) as f32 - 8.0;
        let x = Tensor::from_vec((0..30).map(value).collect::<Vec<f32>>(), (1, 3, 5, 2), &Device::Cpu).unwrap();
        let found = network.forward(&x).unwrap().to_vec2::<f32>().unwrap()[0][0];
        let weights = values(&state, "fc.weight");
        // The largest of each square is its lower right corner.
        let pooled = [-2.0f32, 0.0, 8.0, 10.0].map(|v| 2.0 * v - 1.0).map(|v| v.max(0.5 * v));
        let logit: f32 = pooled.iter().zip(weights).map(|(a, b)| a * b).sum::<f32>() + values(&state, "fc.bias")[0];
        assert!((found - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-6, "{found} {logit}");
    }

    #[test]
    fn gradients_pass_to_the_input() {
        let network = list(GENERATOR).build(&generator_state()).unwrap();
        let z = random(3, 51);
        let value = |z: Vec<f32>| {
            let pictures = network.forward(&Tensor::from_vec(z, (1, 3), &Device::Cpu).unwrap()).unwrap();
            f64::from(pictures.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap())
        };
        let input = candle_core::Var::from_vec(z.clone(), (1, 3), &Device::Cpu).unwrap();
        let loss = network.forward(input.as_tensor()).unwrap().sqr().unwrap().sum_all().unwrap();
        let gradients = loss.backward().unwrap();
        let found = gradients.get(&input).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for at in 0..3 {
            let moved = |step: f32| {
                let mut z = z.clone();
                z[at] += step;
                value(z)
            };
            let expected = (moved(2e-3) - moved(-2e-3)) / 4e-3;
            assert!(
                (f64::from(found[at]) - expected).abs() < 0.05 * (1.0 + expected.abs()),
                "{} {expected}",
                found[at]
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let state = generator_state();
        assert!(list(GENERATOR).build(&state).is_ok());
        for name in state.keys().filter(|name| !name.ends_with("bias") && *name != "main.1.weight") {
            let mut less = state.clone();
            less.remove(name);
            assert!(list(GENERATOR).build(&less).is_err(), "without {name}");
        }
        for name in state.keys() {
            let mut wrong = state.clone();
            wrong.get_mut(name).unwrap().shape.push(1);
            assert!(list(GENERATOR).build(&wrong).is_err(), "{name} reshaped");
            let mut wrong = state.clone();
            let Values::F32(values) = &mut wrong.get_mut(name).unwrap().values else { unreachable!() };
            values[0] = f32::INFINITY;
            assert!(list(GENERATOR).build(&wrong).is_err(), "{name} infinite");
        }
        for wrong in [
            r#"{"input": [], "layers": []}"#,
            r#"{"input": [3, 4], "layers": []}"#,
            r#"{"input": [0], "layers": []}"#,
            r#"{"input": [18446744073709551615, 2, 2], "layers": []}"#,
            r#"{"input": [3], "layers": [{"layer": "flatten"}]}"#,
            r#"{"input": [3], "layers": [{"layer": "reshape", "shape": [2, 1, 1]}]}"#,
            r#"{"input": [3, 2, 2], "layers": [{"layer": "max_pool", "size": 3}]}"#,
            r#"{"input": [3, 2, 2], "layers": [{"layer": "max_pool", "size": 0}]}"#,
            r#"{"input": [3], "layers": [{"layer": "leaky_relu", "slope": 2.0}]}"#,
            r#"{"input": [3, 1, 1], "layers": [{"layer": "conv_transpose", "name": "main.0", "stride": 0, "padding": 0}]}"#,
            r#"{"input": [3, 1, 1], "layers": [{"layer": "conv_transpose", "name": "main.0", "stride": 1, "padding": 9}]}"#,
            r#"{"input": [4, 1, 1], "layers": [{"layer": "conv", "name": "main.0", "stride": 1, "padding": 0}]}"#,
        ] {
            assert!(list(wrong).build(&state).is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<LayerList>(r#"{"input": [3], "layers": [{"layer": "dropout"}]}"#).is_err());
        let network = list(GENERATOR).build(&state).unwrap();
        assert!(network.forward(&Tensor::zeros((2, 4), candle_core::DType::F32, &Device::Cpu).unwrap()).is_err());
    }
}
