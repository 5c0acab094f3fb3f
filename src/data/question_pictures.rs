//! Pictures that questions name: `P(D | I = "seven.png")`.

use super::picture_file::{Fault, Fit, decode, shape_of};
use crate::diag::Diagnostic;
use crate::model::{Domain, Model, Picture, spell};
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

/// What the header of a picture, relative to `base`, says against it: W0711 where it is not there, E0510 where it has another shape
/// than the type, E0511 where it is no picture.
pub fn look_at_picture(model: &Model, base: &Path, picture: &Picture) -> Option<Diagnostic> {
    let fit = fit(model, picture)?;
    let found = match File::open(base.join(&picture.path)) {
        Ok(file) => shape_of(BufReader::new(file)).and_then(|shape| fit.accept(shape)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let found = Diagnostic::new("W0711", format!("the picture `{}` is not there", picture.path));
            let found = found.label(picture.span, format!("a picture of `{}`", model.name(picture.variable)));
            return Some(found.note(format!("looked for {}", base.join(&picture.path).display())));
        }
        Err(error) => Err(Fault::Broken(error.to_string())),
    };
    found.err().map(|fault| at_fault(model, picture, &fault))
}

/// The pixels of a picture, `[channels, height, width]`.
///
/// # Errors
/// E0510 and E0511, the latter also where it is not there.
pub fn read_picture(model: &Model, base: &Path, picture: &Picture) -> Result<Vec<u8>, Diagnostic> {
    let Some(fit) = fit(model, picture) else {
        return Err(at_fault(model, picture, &Fault::Broken("it is given to a variable that is no image".into())));
    };
    let bytes = std::fs::read(base.join(&picture.path)).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Fault::Broken("there is no such file".to_owned()),
        _ => Fault::Broken(error.to_string()),
    });
    bytes.and_then(|bytes| decode(&bytes, &fit)).map_err(|fault| at_fault(model, picture, &fault))
}

fn fit(model: &Model, picture: &Picture) -> Option<Fit> {
    match model.domain(picture.variable) {
        Some(&Domain::Image(shape)) => Some(Fit { shape, resize: false, convert: false }),
        _ => None,
    }
}

fn at_fault(model: &Model, picture: &Picture, fault: &Fault) -> Diagnostic {
    let (name, about) = (model.name(picture.variable), &model.variables[picture.variable]);
    match fault {
        Fault::Broken(why) => Diagnostic::new("E0511", format!("the picture `{}` cannot be read", picture.path))
            .label(picture.span, why.clone())
            .help("paths are relative to the model file, on the command line to the working folder"),
        Fault::Shape(shape) => {
            let (found, wanted) = (Domain::Image(*shape), about.domain.clone().unwrap_or(Domain::Image(*shape)));
            Diagnostic::new("E0510", format!("the picture `{}` is {found}, and `{name}` is {wanted}", picture.path))
                .label(picture.span, format!("{found}"))
                .label(about.declared.unwrap_or(about.span), format!("{wanted}"))
                .help(format!("scale or colour the picture, or declare `{}: {found}`", spell(name)))
        }
    }
}
