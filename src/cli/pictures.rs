//! The pictures of questions: read, and what they say of their causes learnt where that is asked.

use super::run::TrainedModel;
use super::run_directory::sha256;
use super::session::{Session, Stop, usage};
use crate::data::{self, Table};
use crate::diag::{self, Diagnostic, Severity};
use crate::model::{Model, Query, VarId};
use crate::nets::file::ModuleFile;
use crate::nets::image::Network;
use crate::query::{Pictures, Ratio, Refused, Runtime};
use crate::train::Trained;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Changes whenever classifiers of older versions must not be used any more.
const FORMAT: u32 = 1;

/// What keeps the queries of the model from being answered: pictures that are not there (E0511), and pictures by which rows
/// cannot be weighed (E0904).
pub(super) fn refuse(session: &mut Session) {
    for found in session.diagnostics.iter_mut().filter(|d| d.code == "W0711") {
        (found.code, found.severity) = ("E0511", Severity::Error);
    }
    let model = &session.model;
    let bare = Runtime {
        model,
        modules: vec![],
        refits: vec![],
        truth: None,
        seed: 0,
        samples: None,
        pictures: Pictures::default(),
    };
    let refused = |query: &Query| bare.weighed(query).err().map(|why| refusal(query, &why));
    let found: Vec<Diagnostic> = model.queries.iter().filter_map(refused).collect();
    session.diagnostics.extend(found);
    diag::sort(&mut session.diagnostics);
}

fn refusal(query: &Query, refused: &Refused) -> Diagnostic {
    Diagnostic::new(
        "E0904",
        format!("`{}` asks what a picture says of its causes, which this version cannot tell", query.name),
    )
    .label(query.span, refused.why.clone())
    .help(refused.help.clone())
}

/// Reads the pictures of the model, and learns what those by which `queries` weigh rows say.
pub(super) fn ready(trained: &mut TrainedModel, queries: &[Query], quiet: bool) -> Result<(), Stop> {
    let (model, base) = (&trained.session.model, &trained.session.base);
    let (mut pictures, mut wrong) = (Pictures::default(), vec![]);
    for (code, picture) in model.pictures.iter().enumerate() {
        match data::read_picture(model, base, picture) {
            Ok(bytes) => {
                let shape = match model.domain(picture.variable) {
                    Some(&crate::model::Domain::Image(shape)) => shape,
                    _ => continue,
                };
                pictures.add(code as u32, shape, &bytes);
            }
            Err(error) => wrong.push(error),
        }
    }
    let mut weighed = BTreeSet::new();
    for query in queries {
        match trained.runtime().weighed(query) {
            Ok(found) => weighed.extend(found),
            Err(why) => wrong.push(refusal(query, &why)),
        }
    }
    if !wrong.is_empty() {
        trained.session.diagnostics = wrong;
        diag::sort(&mut trained.session.diagnostics);
        return Err(Stop(trained.session.report()));
    }
    let variables: BTreeSet<VarId> = weighed.iter().map(|w| w.0).collect();
    for variable in variables {
        let ratio = ratio(trained, variable, quiet)?;
        let model = &trained.session.model;
        let of_model = |code: u32| model.pictures.get(code as usize).is_some_and(|p| p.variable == variable);
        for &(_, code) in weighed.iter().filter(|w| w.0 == variable && of_model(w.1)) {
            pictures.weigh(code, &ratio).map_err(usage)?;
        }
    }
    trained.pictures = pictures;
    Ok(())
}

/// Takes the pictures of a file's rows beside those of the model. For each image of the file the code of its first row's picture;
/// the others follow.
pub(super) fn of_rows(
    trained: &mut TrainedModel,
    query: &Query,
    rows: &Table,
    quiet: bool,
) -> Result<Vec<(VarId, u32)>, Stop> {
    let model = &trained.session.model;
    let (mut pictures, mut next) = (trained.pictures.clone(), model.pictures.len() as u32);
    let weighed = match trained.runtime().weighed(query) {
        Ok(found) => found.into_iter().map(|w| w.0).collect::<BTreeSet<VarId>>(),
        Err(why) => return Err(trained.session.stop(refusal(query, &why))),
    };
    let mut first = vec![];
    for variable in 0..model.variables.len() {
        let Some(images) = rows.images(variable) else { continue };
        let ratio = if weighed.contains(&variable) { Some(ratio(trained, variable, quiet)?) } else { None };
        first.push((variable, next));
        for row in 0..images.len() {
            let bytes = images.row(row).map_err(usage)?;
            pictures.add(next, images.shape(), &bytes);
            ratio.iter().try_for_each(|ratio| pictures.weigh(next, ratio)).map_err(usage)?;
            next += 1;
        }
    }
    trained.pictures = pictures;
    Ok(first)
}

/// The classifier of an image variable: that of an earlier run if nothing it was learnt from changed.
fn ratio(trained: &TrainedModel, variable: VarId, quiet: bool) -> Result<Ratio, Stop> {
    let model = &trained.session.model;
    let name = model.name(variable);
    let Some(module) = trained.modules().into_iter().find(|m| m.variables().contains(&variable)) else {
        return Err(usage(format!("`{name}` has no trained mechanism: train the whole model")));
    };
    let folder = trained.directory.root().join("ratios");
    let path = folder.join(format!("{variable}.safetensors"));
    let digest = digest(trained, module, variable)?;
    let earlier = ModuleFile::read(&path).ok().filter(|file| file.header.inputs == digest);
    let earlier = earlier.and_then(|file| Ratio::of_network(model, variable, Network::from_file(&file).ok()?));
    if let Some(ratio) = earlier {
        return Ok(ratio);
    }
    if !quiet {
        let parents = model.graph.parents(variable).iter().map(|&p| format!("`{}`", model.name(p)));
        eprintln!("learning once what pictures of `{name}` say of {}", parents.collect::<Vec<_>>().join(", "));
    }
    let ratio = Ratio::learn(model, module, variable, model.settings.seed()).map_err(usage)?;
    let names: Vec<String> = model.graph.parents(variable).iter().map(|&p| model.name(p).to_owned()).collect();
    let written = std::fs::create_dir_all(&folder).map_err(|e| e.to_string());
    let written =
        written.and_then(|()| ratio.network().to_file(&names, &digest).write(&path).map_err(|e| e.to_string()));
    written.map_err(|e| usage(format!("cannot write {}: {e}", path.display())))?;
    Ok(ratio)
}

/// The digest of all that a classifier is learnt from.
fn digest(trained: &TrainedModel, module: &Trained, variable: VarId) -> Result<String, Stop> {
    let model = &trained.session.model;
    let mechanism = match module {
        Trained::Pretrained(module) => module.sha256().to_owned(),
        _ => {
            let path = module_file(trained, model, variable);
            let bytes = std::fs::read(&path).map_err(|e| usage(format!("cannot read {}: {e}", path.display())))?;
            sha256(&bytes)
        }
    };
    let described = |v: VarId| format!("{}: {:?}", model.name(v), model.domain(v));
    let parents: Vec<String> = model.graph.parents(variable).iter().map(|&p| described(p)).collect();
    let all = (FORMAT, mechanism, described(variable), parents, model.settings.seed());
    Ok(sha256(format!("{all:?}").as_bytes()))
}

fn module_file(trained: &TrainedModel, model: &Model, variable: VarId) -> PathBuf {
    let name = model.name(variable);
    let module = trained.plan.modules.iter().find(|m| m.variables.iter().any(|v| v == name));
    trained.directory.modules().join(format!("{}.safetensors", module.map_or("", |m| &m.id)))
}
