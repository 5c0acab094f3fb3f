//! Pretrained mechanisms: what a model asks of a file, and what the file's header says. No weights are read here.
//!
//! `request` is the model's side, `header` and `module` the file's; [`check`] compares them. `layers` describes
//! networks of other programs.

mod header;
pub mod layers;
mod module;
mod network;

pub use header::Header;
pub use module::{Choice, Module};
pub use network::{Described, layer_list, output_fits, request_inputs};

use layers::Layer;
use std::path::Path;

/// What a model asks of a file: the mechanism of one variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The variable.
    pub variable: Node,
    /// Its parents, in the model's order.
    pub parents: Vec<Node>,
    /// The places of the parents in `parents` in the order of the file's inputs, where the model says it.
    pub inputs: Option<Vec<usize>>,
    /// How the file is read.
    pub reading: Reading,
}

/// How a file of another program is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The length of the noise vector, standard normal.
    pub latent: usize,
    /// Whether the noise stands after the inputs, not before them.
    pub noise_last: bool,
    /// The numbers that pixels have in the network; `None` takes that of the last layer, else [−1, 1].
    pub range: Option<Range>,
    /// The layers, where the model has to say them.
    pub layers: Option<Vec<Layer>>,
    /// The entry of a PyTorch file that holds the weights.
    pub key: Option<String>,
}

/// The numbers of pixels in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// [−1, 1], as everywhere in this program.
    Signed,
    /// [0, 1].
    Unit,
}

impl Range {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Signed => "[-1,1]",
            Self::Unit => "[0,1]",
        }
    }
}

/// A variable as a mechanism sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its values.
    pub kind: Kind,
    /// The file's class of each value, where it is not the value's own number.
    pub labels: Option<Vec<usize>>,
    /// The number of the file's classes; 0 for what is not discrete.
    pub classes: usize,
}

/// The values of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// So many values.
    Discrete(usize),
    /// Images `[channels, height, width]`.
    Image([usize; 3]),
    /// Other values, by the type's text.
    Other(String),
}

impl Node {
    /// The file's class of the value `code`.
    pub fn class(&self, code: u32) -> u32 {
        let class = self.labels.as_ref().and_then(|labels| labels.get(code as usize));
        class.map_or(code, |&class| class as u32)
    }

    /// The value of the file's class; the number itself where no value has it.
    pub fn code(&self, class: u32) -> u32 {
        let code = self.labels.as_ref().and_then(|labels| labels.iter().position(|&l| l == class as usize));
        code.map_or(class, |code| code as u32)
    }

    /// `Y (10 values)`, `I (image[3,32,32])`.
    pub fn text(&self) -> String {
        match &self.kind {
            Kind::Discrete(card) if *card == self.classes => format!("{} ({card} values)", self.name),
            Kind::Discrete(card) => format!("{} ({card} values of {} classes)", self.name, self.classes),
            Kind::Image([c, h, w]) => format!("{} (image[{c},{h},{w}])", self.name),
            Kind::Other(type_) => format!("{} ({type_})", self.name),
        }
    }
}

/// Why a file cannot be a variable's mechanism.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The diagnostic's code.
    pub code: &'static str,
    /// What is wrong.
    pub title: String,
    /// What the file says.
    pub notes: Vec<String>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Fault {
    fn new(code: &'static str, title: String) -> Self {
        Self { code, title, notes: vec![], help: None }
    }

    /// E0603: the file's inputs are not the variable's parents.
    pub fn inputs(title: String) -> Self {
        Self::new("E0603", title)
    }

    /// E0604: what the file gives is not the variable's type.
    pub fn output(title: String) -> Self {
        Self::new("E0604", title)
    }

    /// E0605: the file cannot be used, whatever the variable.
    pub fn file(title: String) -> Self {
        Self::new("E0605", title)
    }

    /// E0606: it is another file than the model says.
    pub fn digest(title: String) -> Self {
        Self::new("E0606", title)
    }

    /// The same with a fact about the file.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl std::fmt::Display for Fault {
    /// What is wrong, then what the file says, on one line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.title)?;
        self.notes.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}

/// The formats of pretrained files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Safetensors: a module of this program, or weights with the layers in the model file.
    Safetensors,
    /// PyTorch's `.pt` and `.pth`, a state dict or a dictionary with one.
    Torch,
    /// ONNX.
    Onnx,
}

impl Format {
    /// The format by the file's name; safetensors where nothing says otherwise.
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase().as_str() {
            "pt" | "pth" | "ckpt" => Self::Torch,
            "onnx" => Self::Onnx,
            _ => Self::Safetensors,
        }
    }
}

/// Compares the header of a safetensors file with what the model asks; files of other formats pass.
///
/// # Errors
/// What does not fit.
pub fn check(request: &Request, path: &Path) -> Result<(), Fault> {
    labels_fit(request)?;
    if Format::of(path) != Format::Safetensors {
        return network::order_known(request);
    }
    let header = Header::read(path)?;
    match (&request.reading.layers, &header.module) {
        (None, Some(module)) => Module::parse(module)?.choose(request).map(|_| ()),
        _ => network_fits(request, &header),
    }
}

fn network_fits(request: &Request, header: &Header) -> Result<(), Fault> {
    let shape = |name: &str| header.tensors.get(name).map(|t| t.shape.clone());
    let names: Vec<&String> = header.tensors.keys().collect();
    layer_list(request, &shape, &names).map(|_| ())
}

/// Checks the label maps: a class for each value, and of the variable itself each class once.
///
/// # Errors
/// What does not fit.
pub fn labels_fit(request: &Request) -> Result<(), Fault> {
    let own = (&request.variable, true);
    if let Kind::Discrete(card) = request.variable.kind
        && card != request.variable.classes
    {
        let title = format!("`{}` has {card} values, its file {} classes", own.0.name, own.0.classes);
        return Err(Fault::output(title).help("a class without a value would leave some draws without a value"));
    }
    for (node, own) in request.parents.iter().map(|p| (p, false)).chain([own]) {
        let Some(labels) = &node.labels else { continue };
        let fault = |title| if own { Fault::output(title) } else { Fault::inputs(title) };
        let Kind::Discrete(card) = node.kind else {
            return Err(fault(format!("`{}` has no values that labels could name", node.name)));
        };
        if labels.len() != card {
            let title = format!("the labels of `{}` name {} classes for {card} values", node.name, labels.len());
            return Err(fault(title).help("write the file's class of each value, in the order of the type's values"));
        }
        if let Some(class) = labels.iter().find(|&&class| class >= node.classes) {
            let title = format!("the labels of `{}` name class {class} of {} classes", node.name, node.classes);
            return Err(fault(title).help("classes count from 0; `classes` says how many the file has"));
        }
        let mut sorted = labels.clone();
        sorted.sort_unstable();
        if own && sorted != (0..card).collect::<Vec<_>>() {
            return Err(fault(format!("the labels of `{}` must name each of its file's classes once", node.name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
