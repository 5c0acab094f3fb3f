//! Which trained modules of an earlier run can be used again.

use super::Trained;
use crate::data::{Images, Table};
use crate::model::{Model, Overrides};
use crate::nets::file::ModuleFile;
use crate::nets::pretrained::PretrainedModule;
use crate::plan::Module;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Changes whenever trained modules of older versions must not be used any more.
const FORMAT: u32 = 1;

/// The digest of everything a module is trained from: its plan, the shape of its mechanisms, its
/// settings, the rows of its tasks, and the digests of the modules frozen in its training.
pub(super) fn digest(
    model: &Model,
    module: &Module,
    tables: &[Table],
    settings: &Overrides,
    frozen: &[&str],
) -> String {
    let mut hash = Sha256::new();
    let settings = Overrides { device: None, samples: None, ..settings.clone() };
    // The id says where in the plan the module stands, not what it is.
    let plan = (&module.variables, &module.c_components, &module.tasks, module.engine);
    let text = serde_json::to_string(&(FORMAT, plan, settings, model.settings.seed(), frozen)).unwrap_or_default();
    hash.update(text);
    for name in &module.variables {
        let Some(id) = model.id(name) else { continue };
        let parents: Vec<String> = model.graph.parents(id).iter().map(|&p| described(model, p)).collect();
        hash.update(format!("{} <- {parents:?}\n", described(model, id)));
        for (at, latent) in model.latents.iter().enumerate().filter(|(_, l)| l.children.contains(&id)) {
            // Module files name hidden causes by their numbers.
            hash.update(format!("{at} {:?}\n", model.sorted_names(latent.children.iter().copied())));
        }
    }
    for task in &module.tasks {
        let Some(table) = tables.iter().find(|t| t.name == task.data) else { continue };
        let mut needed: Vec<&String> =
            [&task.teaches, &task.ancestors, &task.conditions, &task.interventions].into_iter().flatten().collect();
        needed.sort();
        for name in needed {
            hash.update(name);
            if let Some(column) = model.id(name).and_then(|id| table.column(id)) {
                column.iter().for_each(|code| hash.update(code.to_le_bytes()));
            }
            if let Some(images) = model.id(name).and_then(|id| table.images(id)) {
                hash_images(&mut hash, images);
            }
        }
        for weight in table.weights.iter().flatten() {
            hash.update(weight.to_le_bytes());
        }
    }
    hex(hash)
}

fn hash_images(hash: &mut Sha256, images: &Images) {
    let mut pixels = vec![0; images.size()];
    for row in 0..images.len() {
        // Images that cannot be read end training with its own message.
        if images.read(row, &mut pixels).is_ok() {
            hash.update(&pixels);
        }
    }
}

fn described(model: &Model, variable: usize) -> String {
    let domain = model.domain(variable).map(ToString::to_string);
    format!("{}: {}", model.name(variable), domain.unwrap_or_default())
}

/// The module's file.
fn path(folder: &Path, module: &Module) -> PathBuf {
    folder.join(format!("{}.safetensors", module.id))
}

/// The trained module, if a file of the same inputs is there.
pub(super) fn load(model: &Model, folder: &Path, module: &Module, digest: &str) -> Option<Trained> {
    let file = ModuleFile::read(&path(folder, module)).ok().filter(|f| f.header.inputs == digest)?;
    Trained::from_file(&file, model).ok()
}

/// The digest of a module from a file: the file's, and how the model reads it.
pub(super) fn digest_of_file(module: &PretrainedModule) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{FORMAT} {} {:?}", module.sha256(), module.request()));
    hex(hash)
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the trained module.
pub(super) fn save(
    model: &Model,
    folder: &Path,
    module: &Module,
    trained: &Trained,
    digest: &str,
) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    let path = path(folder, module);
    let Some(file) = trained.to_file(model, digest) else { return Ok(()) };
    file.write(&path).map_err(|e| format!("cannot write {}: {e}", path.display()))
}
