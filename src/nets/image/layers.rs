//! Other people's networks, run forward with frozen weights: a list of layers with a state dict.
//!
//! Pictures are `[channels, height, width]` in descriptions and `[rows, height, width, channels]` when they run.

use crate::nets::file::{TensorData, Values};
use crate::nets::ops::{Geometry, Parameter, Shift, conv_transpose2d, conv2d, device, linear, tanh};
use crate::pretrained::layers::{Layer, LayerList};
use candle_core::{Result, Tensor};
use std::collections::BTreeMap;

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

impl LayerList {
    /// The network with the tensors of a state dict.
    ///
    /// # Errors
    /// Says which layer does not fit, and why: a missing tensor, a shape, a value that is not a finite number.
    pub fn build(&self, state: &BTreeMap<String, TensorData>) -> std::result::Result<LayerNetwork, String> {
        let shapes = self.shapes(&|name| state.get(name).map(|t| t.shape.clone())).map_err(|error| error.text)?;
        let inputs = [&self.input].into_iter().chain(&shapes);
        let steps = self.layers.iter().zip(inputs.zip(&shapes)).enumerate().map(|(at, (layer, (input, output)))| {
            let step = layer.step(input, output, &State(state));
            step.map_err(|why| format!("layer {} ({}): {why}", at + 1, layer.text()))
        });
        let steps = steps.collect::<std::result::Result<_, _>>()?;
        let output = shapes.last().unwrap_or(&self.input).clone();
        Ok(LayerNetwork { steps, input: self.input.clone(), output })
    }
}

impl Layer {
    /// The layer ready to run on inputs of the shape `from`, whose outputs have the shape `to`.
    fn step(&self, from: &[usize], to: &[usize], state: &State) -> std::result::Result<Step, String> {
        match self {
            Self::Conv { name, stride, padding } => state.conv(name, (from, from, to), *stride, *padding, false),
            Self::ConvTranspose { name, stride, padding, .. } => {
                state.conv(name, (to, from, to), *stride, *padding, true)
            }
            Self::BatchNorm { name, epsilon } => state.affine(name, from[0], *epsilon),
            Self::Linear { name } => {
                let (inputs, outputs) = (from[0], to[0]);
                let (values, _) = state.floats(&format!("{name}.weight"))?;
                let transposed: Vec<f32> =
                    (0..inputs * outputs).map(|at| values[at % outputs * inputs + at / outputs]).collect();
                let weight = fixed(transposed, &[inputs, outputs])?;
                Ok(Step::Linear { weight, bias: state.bias(name, outputs)? })
            }
            Self::Relu => Ok(Step::Leaky(0.0)),
            Self::LeakyRelu { slope } => Ok(Step::Leaky(f64::from(*slope))),
            Self::Tanh => Ok(Step::Tanh),
            Self::Sigmoid => Ok(Step::Sigmoid),
            // The last dimension when it runs: channels of a picture, numbers of a vector.
            Self::Scale { factor, shift } => affine(vec![*factor; from[0]], vec![*shift; from[0]]),
            Self::MaxPool { size } => Ok(Step::MaxPool(*size)),
            Self::Flatten => Ok(Step::Flatten),
            Self::Reshape { shape } => Ok(Step::Reshape(*shape)),
        }
    }
}

fn fixed(values: Vec<f32>, shape: &[usize]) -> std::result::Result<Parameter, String> {
    Parameter::fixed(values, shape).map_err(|e| e.to_string())
}

fn affine(factor: Vec<f32>, constant: Vec<f32>) -> std::result::Result<Step, String> {
    let tensor = |values: Vec<f32>| Tensor::new(values, &device()).map_err(|e| e.to_string());
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

    fn row(&self, name: &str) -> std::result::Result<Vec<f32>, String> {
        self.floats(name).map(|(values, _)| values.to_vec())
    }

    /// The bias, or zeros where there is none.
    fn bias(&self, name: &str, count: usize) -> std::result::Result<Parameter, String> {
        let name = format!("{name}.bias");
        let values = if self.0.contains_key(&name) { self.row(&name)? } else { vec![0.0; count] };
        fixed(values, &[count])
    }

    /// A convolution whose larger picture has the shape `large`, from pictures of the shape `from` to `to`.
    fn conv(
        &self,
        name: &str,
        (large, from, to): (&[usize], &[usize], &[usize]),
        stride: usize,
        padding: usize,
        transposed: bool,
    ) -> std::result::Result<Step, String> {
        let (weight, kernel) = self.kernel(name)?;
        let geometry = Geometry::conv((large[1], large[2]), kernel, stride, padding)
            .ok_or_else(|| format!("a kernel of {kernel} does not fit {from:?}"))?;
        Ok(Step::Conv { weight, bias: self.bias(name, to[0])?, geometry, transposed })
    }

    /// A square kernel `[small, large, side, side]` in the layout of [`conv2d`], and its side.
    fn kernel(&self, name: &str) -> std::result::Result<(Parameter, usize), String> {
        let (values, dims) = self.floats(&format!("{name}.weight"))?;
        let &[small, large, side, _] = dims else { return Err(format!("{name}.weight has shape {dims:?}")) };
        let places = side * side;
        let mut laid = Vec::with_capacity(values.len());
        for place in 0..places {
            for l in 0..large {
                laid.extend((0..small).map(|s| values[(s * large + l) * places + place]));
            }
        }
        Ok((fixed(laid, &[side, side, large, small])?, side))
    }

    /// A normalisation's factor and constant for each channel.
    fn affine(&self, name: &str, channels: usize, epsilon: f32) -> std::result::Result<Step, String> {
        let row = |part: &str| self.row(&format!("{name}.{part}"));
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
    use candle_core::Device;

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
