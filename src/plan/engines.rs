//! Which engine trains which c-component.

use crate::diag::Diagnostic;
use crate::model::{Domain, Engine, EngineChoice, Model, VarId};

/// The engine of a c-component, fixed before anything is merged. By itself: `likelihood` where every
/// variable of the c-component is discrete or real and every parent that or an image, else `wgan_gp`, which also
/// plans variables without a type yet. `Err` where `likelihood` is asked for but does not apply (E0612).
pub(super) fn engine_of(model: &Model, c_component: &[VarId]) -> Result<Engine, Box<Diagnostic>> {
    if is_pretrained(model, c_component) {
        return Ok(Engine::Pretrained);
    }
    if c_component.iter().any(|&v| model.variables[v].is_diffusion()) {
        return Ok(Engine::Diffusion);
    }
    // Everything at once is one adversarial module.
    if !model.settings.modular() {
        return Ok(Engine::WganGp);
    }
    let mut involved = c_component.to_vec();
    involved.extend(model.graph.parents_of(c_component));
    // A network takes an image as input; nothing needs to know how likely the image is.
    let image = |v: VarId| matches!(model.domain(v), Some(Domain::Image(_))) && !c_component.contains(&v);
    let fits = |v: &VarId| model.domain(*v).is_some_and(|d| d.is_real() || d.cardinality().is_some()) || image(*v);
    match model.settings.of(c_component).engine.unwrap_or_default() {
        EngineChoice::WganGp => Ok(Engine::WganGp),
        EngineChoice::Auto if involved.iter().all(fits) => Ok(Engine::Likelihood),
        EngineChoice::Auto => Ok(Engine::WganGp),
        EngineChoice::Likelihood => {
            let barred = involved.iter().find(|v| model.domain(**v).is_some() && !fits(v));
            barred.map_or(Ok(Engine::Likelihood), |&v| Err(Box::new(not_applicable(model, c_component, v))))
        }
    }
}

/// Whether every mechanism of `variables` comes from a file.
pub(super) fn is_pretrained(model: &Model, variables: &[VarId]) -> bool {
    variables.iter().all(|&v| model.variables[v].pretrained().is_some())
}

fn not_applicable(model: &Model, c_component: &[VarId], barred: VarId) -> Diagnostic {
    let (name, module) = (model.name(barred), model.sorted_names(c_component.iter().copied()).join(", "));
    let domain = model.domain(barred).map(ToString::to_string).unwrap_or_default();
    let part = if c_component.contains(&barred) { "in it" } else { "a parent of it" };
    Diagnostic::new("E0612", format!("the module {{{module}}} cannot be trained by likelihood"))
        .label(model.variables[barred].span, format!("`{name}` is {part} and has the type {domain}"))
        .note("it needs discrete or real variables whose parents are discrete, real or images")
        .help(format!("write `train {{{module}}} {{ engine: wgan_gp }}`, or leave the engine to `auto`"))
}
