//! Networks whose layers the model file says: their input, and whether their output is the variable's.

use super::layers::{Layer, LayerList};
use super::{Fault, Kind, Node, Range, Request};

/// A network as a variable's mechanism.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Its layers. The last layer of a discrete variable gives logits: a sigmoid there is left out.
    pub list: LayerList,
    /// The numbers of pixels that it reads and gives.
    pub range: Range,
}

/// The list of layers that a model describes, with its input. `tensor` gives the shapes of the file's tensors by name;
/// `names` are those tensors.
///
/// The input is the only parent, if that is an image, else the vector of the noise and the parents' one-hot codes.
///
/// # Errors
/// E0603, E0604 or E0605: what does not fit.
pub fn layer_list(
    request: &Request,
    tensor: &dyn Fn(&str) -> Option<Vec<usize>>,
    names: &[&String],
) -> Result<Described, Fault> {
    let Some(layers) = request.reading.layers.clone() else {
        return Err(Fault::file("the file does not say what its layers are".into()).note(tensors_of(names)).help(
            "write them in the model: `layers: [linear { name: \"fc\" }, relu, …]`, or export the network to ONNX",
        ));
    };
    let mut list = LayerList { input: input_shape(request)?, layers };
    if matches!(request.variable.kind, Kind::Discrete(2)) && list.layers.last() == Some(&Layer::Sigmoid) {
        list.layers.pop();
    }
    let first = list.layers.iter().position(Layer::has_weights).unwrap_or(0);
    let output = list.output(tensor).map_err(|error| {
        if error.missing {
            return Fault::file(format!("the file lacks a tensor: {error}")).note(tensors_of(names));
        }
        if error.layer <= first {
            return Fault::inputs(format!("the network does not read its inputs: {error}")).note(inputs_text(request));
        }
        Fault::output(format!("the layers do not fit: {error}"))
    })?;
    output_fits(&output, &request.variable)?;
    Ok(Described { range: range(request, list.layers.last())?, list })
}

fn tensors_of(names: &[&String]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(|n| n.as_str()).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    if shown.is_empty() { "it has no tensors".into() } else { format!("it has the tensors {}{more}", shown.join(", ")) }
}

/// The parents in the order of the file's inputs.
pub fn request_inputs(request: &Request) -> Vec<&Node> {
    match &request.inputs {
        Some(order) => order.iter().filter_map(|&at| request.parents.get(at)).collect(),
        None => request.parents.iter().collect(),
    }
}

/// E0603 where a network of another program has several inputs in an unknown order.
pub(super) fn order_known(request: &Request) -> Result<(), Fault> {
    if request.parents.len() > 1 && request.inputs.is_none() {
        return Err(Fault::inputs(format!("which parent of `{}` does the network read first?", request.variable.name))
            .help("write the parents in the order of the network's inputs: `inputs: […]`"));
    }
    Ok(())
}

fn inputs_text(request: &Request) -> String {
    let noise = (request.reading.latent > 0).then(|| format!("{} numbers of noise", request.reading.latent));
    let mut parts: Vec<String> = request_inputs(request).into_iter().map(Node::text).collect();
    match request.reading.noise_last {
        true => parts.extend(noise),
        false => parts.splice(0..0, noise).for_each(drop),
    }
    format!("they are {}", if parts.is_empty() { "nothing".to_owned() } else { parts.join(", then ") })
}

fn input_shape(request: &Request) -> Result<Vec<usize>, Fault> {
    let inputs = request_inputs(request);
    if inputs.is_empty() && request.reading.latent == 0 {
        return Err(Fault::inputs(format!("the network of `{}` reads nothing", request.variable.name))
            .help("write the length of its noise: `latent: 100`"));
    }
    order_known(request)?;
    match inputs.iter().find(|n| matches!(n.kind, Kind::Image(_))) {
        Some(Node { kind: Kind::Image(shape), .. }) if inputs.len() == 1 && request.reading.latent == 0 => {
            Ok(shape.to_vec())
        }
        Some(image) => Err(Fault::inputs(format!("a list of layers reads the image `{}` alone", image.name))
            .note(inputs_text(request))
            .help("export a network of several inputs to ONNX")),
        None => {
            let width = request.reading.latent + inputs.iter().map(|n| n.classes).sum::<usize>();
            match inputs.iter().find(|n| matches!(n.kind, Kind::Other(_))) {
                Some(other) => Err(Fault::inputs(format!("{} is neither discrete nor an image", other.text()))),
                None => Ok(vec![width]),
            }
        }
    }
}

/// E0604 unless `output` is the variable's: its image's shape, or a logit for each class, or one of two values.
///
/// # Errors
/// What the network gives instead.
pub fn output_fits(output: &[usize], variable: &Node) -> Result<(), Fault> {
    let fits = match &variable.kind {
        Kind::Image(shape) => output == shape,
        Kind::Discrete(card) => output == [variable.classes] || (*card == 2 && output == [1]),
        Kind::Other(_) => false,
    };
    if fits {
        return Ok(());
    }
    let wanted = match &variable.kind {
        Kind::Image([c, h, w]) => format!("image[{c},{h},{w}] wants [{c}, {h}, {w}]"),
        Kind::Discrete(_) => format!("`{}` wants {} logits", variable.name, variable.classes),
        Kind::Other(type_) => format!("a network cannot give {type_}"),
    };
    Err(Fault::output(format!("the file does not give the values of `{}`", variable.name))
        .note(format!("the network's output has the shape {output:?}; {wanted}")))
}

/// The range of pixels: as written, else that of the last layer.
fn range(request: &Request, last: Option<&Layer>) -> Result<Range, Fault> {
    let ends = match last {
        Some(Layer::Tanh) => Some(Range::Signed),
        Some(Layer::Sigmoid) => Some(Range::Unit),
        _ => None,
    };
    let written = request.reading.range;
    let gives_image = matches!(request.variable.kind, Kind::Image(_));
    if let (true, Some(ends), Some(written)) = (gives_image, ends, written)
        && ends != written
    {
        let title = format!("the network's last layer does not give numbers in {}", written.text());
        return Err(Fault::output(title).note(format!("it gives numbers in {}", ends.text())));
    }
    Ok(written.or(ends.filter(|_| gives_image)).unwrap_or(Range::Signed))
}
