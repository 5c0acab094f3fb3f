//! Other people's networks as a list of layers, and the shapes that pass through them.
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
//! `[channels, height, width]`.

use serde::{Deserialize, Serialize};
use std::cell::Cell;

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
        #[serde(default = "one")]
        stride: usize,
        /// The padding.
        #[serde(default)]
        padding: usize,
    },
    /// A transposed convolution with the weight `[inputs, outputs, kernel, kernel]`.
    ConvTranspose {
        /// Its name in the state dict.
        name: String,
        /// The stride.
        #[serde(default = "one")]
        stride: usize,
        /// The padding.
        #[serde(default)]
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

/// The names of the layers, as descriptions spell them.
pub const LAYERS: [&str; 12] = [
    "conv",
    "conv_transpose",
    "batch_norm",
    "linear",
    "relu",
    "leaky_relu",
    "tanh",
    "sigmoid",
    "scale",
    "max_pool",
    "flatten",
    "reshape",
];

fn one() -> usize {
    1
}

fn default_epsilon() -> f32 {
    1e-5
}

/// The most numbers in a row of any layer: more is an error in a description rather than a network.
const MOST: usize = 1 << 26;

impl LayerList {
    /// The shape after each layer; `tensor` gives the shapes of the state dict's tensors by name.
    ///
    /// # Errors
    /// Says which layer does not fit, and why: a missing tensor, a shape, a setting out of its range.
    pub fn shapes(&self, tensor: &dyn Fn(&str) -> Option<Vec<usize>>) -> Result<Vec<Vec<usize>>, LayerError> {
        let mut shape = self.input.clone();
        if !matches!(shape.len(), 1 | 3) || !in_bounds(&shape) {
            let text = format!("an input of shape {shape:?}: [numbers] or [channels, height, width]");
            return Err(LayerError { layer: 0, text, missing: false });
        }
        let mut shapes = Vec::with_capacity(self.layers.len());
        for (at, layer) in self.layers.iter().enumerate() {
            let tensors = Tensors { shapes: tensor, missing: Cell::new(false) };
            let after = layer.after(&shape, &tensors).and_then(|shape| match in_bounds(&shape) {
                true => Ok(shape),
                false => Err(format!("an output of shape {shape:?}")),
            });
            shape = after.map_err(|why| {
                let text = format!("layer {} ({}): {why}", at + 1, layer.text());
                LayerError { layer: at, text, missing: tensors.missing.get() }
            })?;
            shapes.push(shape.clone());
        }
        Ok(shapes)
    }

    /// The shape of the output.
    ///
    /// # Errors
    /// As of [`Self::shapes`].
    pub fn output(&self, tensor: &dyn Fn(&str) -> Option<Vec<usize>>) -> Result<Vec<usize>, LayerError> {
        Ok(self.shapes(tensor)?.pop().unwrap_or_else(|| self.input.clone()))
    }
}

/// Which layer does not fit, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerError {
    /// The layer's place.
    pub layer: usize,
    /// The layer and what is wrong with it.
    pub text: String,
    /// Whether the file lacks a tensor of it.
    pub missing: bool,
}

impl std::fmt::Display for LayerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

fn in_bounds(shape: &[usize]) -> bool {
    shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n)).is_some_and(|count| (1..=MOST).contains(&count))
}

/// The shapes of a state dict's tensors.
struct Tensors<'a> {
    shapes: &'a dyn Fn(&str) -> Option<Vec<usize>>,
    /// Whether one was asked for that is not there.
    missing: Cell<bool>,
}

impl Tensors<'_> {
    fn shape(&self, name: &str) -> Result<Vec<usize>, String> {
        (self.shapes)(name).ok_or_else(|| {
            self.missing.set(true);
            format!("no tensor {name}")
        })
    }

    /// Checks that a tensor is a row of `count` numbers.
    fn row(&self, name: &str, count: usize) -> Result<(), String> {
        match self.shape(name)? {
            shape if shape == [count] => Ok(()),
            shape => Err(format!("{name} has shape {shape:?}, not [{count}]")),
        }
    }

    /// The same of a tensor that need not be there.
    fn row_if_there(&self, name: &str, count: usize) -> Result<(), String> {
        if (self.shapes)(name).is_some() { self.row(name, count) } else { Ok(()) }
    }

    /// The channels and the side of a square kernel: `[small, large, side, side]`.
    fn kernel(&self, name: &str) -> Result<(usize, usize, usize), String> {
        let dims = self.shape(&format!("{name}.weight"))?;
        match dims[..] {
            [small, large, side, other] if side == other && dims.iter().all(|n| (1..=MOST).contains(n)) => {
                Ok((small, large, side))
            }
            [_, _, _, _] => Err(format!("{name}.weight has shape {dims:?}: only square kernels are supported")),
            _ => Err(format!("{name}.weight has shape {dims:?}: a kernel has four dimensions")),
        }
    }
}

impl Layer {
    /// The layer as a model file spells it.
    pub fn text(&self) -> String {
        match self {
            Self::Conv { name, .. } => format!("conv {name}"),
            Self::ConvTranspose { name, .. } => format!("conv_transpose {name}"),
            Self::BatchNorm { name, .. } => format!("batch_norm {name}"),
            Self::Linear { name } => format!("linear {name}"),
            Self::Relu => "relu".into(),
            Self::LeakyRelu { .. } => "leaky_relu".into(),
            Self::Tanh => "tanh".into(),
            Self::Sigmoid => "sigmoid".into(),
            Self::Scale { .. } => "scale".into(),
            Self::MaxPool { size } => format!("max_pool {size}"),
            Self::Flatten => "flatten".into(),
            Self::Reshape { shape } => format!("reshape {shape:?}"),
        }
    }

    /// Whether the layer reads tensors of the file.
    pub fn has_weights(&self) -> bool {
        matches!(self, Self::Conv { .. } | Self::ConvTranspose { .. } | Self::BatchNorm { .. } | Self::Linear { .. })
    }

    /// The shape that the layer makes of `shape`.
    fn after(&self, shape: &[usize], tensors: &Tensors) -> Result<Vec<usize>, String> {
        match self {
            Self::Conv { name, stride, padding } => {
                let (channels, height, width) = picture(shape)?;
                let (outputs, inputs, kernel) = tensors.kernel(name)?;
                tensors.row_if_there(&format!("{name}.bias"), outputs)?;
                let side = |n: usize| conv_side(n, kernel, *stride, *padding).filter(|_| inputs == channels);
                let sides = side(height).zip(side(width));
                let (height, width) = sides.ok_or_else(|| misfit(kernel, inputs, shape))?;
                Ok(vec![outputs, height, width])
            }
            Self::ConvTranspose { name, stride, padding, output_padding } => {
                let (channels, height, width) = picture(shape)?;
                let (inputs, outputs, kernel) = tensors.kernel(name)?;
                tensors.row_if_there(&format!("{name}.bias"), outputs)?;
                let side = |n: usize| {
                    let whole = (n - 1).checked_mul(*stride)?.checked_add(kernel)?.checked_add(*output_padding)?;
                    let large = whole.checked_sub(padding.checked_mul(2)?).filter(|&side| side <= MOST)?;
                    // The output padding must not make room for another input pixel.
                    (inputs == channels && conv_side(large, kernel, *stride, *padding) == Some(n)).then_some(large)
                };
                let sides = side(height).zip(side(width));
                let (height, width) = sides.ok_or_else(|| misfit(kernel, inputs, shape))?;
                Ok(vec![outputs, height, width])
            }
            Self::BatchNorm { name, .. } => {
                tensors.row(&format!("{name}.running_mean"), shape[0])?;
                tensors.row(&format!("{name}.running_var"), shape[0])?;
                tensors.row_if_there(&format!("{name}.weight"), shape[0])?;
                tensors.row_if_there(&format!("{name}.bias"), shape[0])?;
                Ok(shape.to_vec())
            }
            Self::Linear { name } => {
                let &[inputs] = shape else { return Err(format!("{shape:?} is no vector: flatten it")) };
                let dims = tensors.shape(&format!("{name}.weight"))?;
                let [outputs, columns] = dims[..] else { return Err(format!("{name}.weight has shape {dims:?}")) };
                if columns != inputs {
                    return Err(format!("{name}.weight has {columns} columns for {inputs} numbers"));
                }
                tensors.row_if_there(&format!("{name}.bias"), outputs)?;
                Ok(vec![outputs])
            }
            Self::LeakyRelu { slope } if !(0.0..=1.0).contains(slope) => {
                Err(format!("a slope of {slope}: between 0 and 1"))
            }
            Self::Scale { factor, shift } if !(factor.is_finite() && shift.is_finite()) => {
                Err("a scale that is not finite".into())
            }
            Self::MaxPool { size } => {
                let (channels, height, width) = picture(shape)?;
                match (1..=height.min(width)).contains(size) {
                    true => Ok(vec![channels, height / size, width / size]),
                    false => Err(format!("squares of {size} in {shape:?}")),
                }
            }
            Self::Flatten => picture(shape).map(|(channels, height, width)| vec![channels * height * width]),
            Self::Reshape { shape: target } => match in_bounds(target) && shape == [target.iter().product::<usize>()] {
                true => Ok(target.to_vec()),
                false => Err(format!("{shape:?} cannot take the shape {target:?}")),
            },
            Self::Relu | Self::LeakyRelu { .. } | Self::Tanh | Self::Sigmoid | Self::Scale { .. } => Ok(shape.to_vec()),
        }
    }
}

fn picture(shape: &[usize]) -> Result<(usize, usize, usize), String> {
    match *shape {
        [channels, height, width] => Ok((channels, height, width)),
        _ => Err(format!("{shape:?} is no picture [channels, height, width]")),
    }
}

/// The side of a convolution's output; `None` where the kernel does not fit.
fn conv_side(n: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    let sound = kernel > 0 && stride > 0 && padding < kernel && n > 0;
    sound.then_some(())?;
    Some((n + 2 * padding).checked_sub(kernel)? / stride + 1)
}

fn misfit(kernel: usize, channels: usize, shape: &[usize]) -> String {
    format!("a kernel of {kernel} from {channels} channels does not fit {shape:?}")
}
