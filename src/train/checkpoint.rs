//! Which trained modules of an earlier run can be used again.

use super::Trained;
use crate::data::Table;
use crate::model::{Model, Overrides};
use crate::nets::file::ModuleFile;
use crate::nets::pretrained::PretrainedModule;
use crate::plan::Module;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};

/// Changes whenever trained modules of older versions must not be used any more.
const FORMAT: u32 = 4;

/// The digest of everything a module is trained from: its plan, the shape of its mechanisms, its
/// settings, the rows of its tasks, and the digests of the modules frozen in its training and of the encoders its
/// critics use.
///
/// # Errors
/// Where images that are kept in a temporary file cannot be read.
pub(super) fn digest(
    model: &Model,
    module: &Module,
    tables: &[Table],
    settings: &Overrides,
    (frozen, encoders): (&[&str], &[&str]),
) -> io::Result<String> {
    let mut hash = Hasher::default();
    let settings = Overrides { device: None, samples: None, ensemble: None, image_memory: None, ..settings.clone() };
    // The id says where in the plan the module stands, not what it is.
    let plan = (&module.variables, &module.c_components, &module.tasks, module.engine);
    let all = (FORMAT, plan, settings, model.settings.seed(), frozen, encoders);
    hash.add(serde_json::to_string(&all).unwrap_or_default());
    for name in &module.variables {
        let Some(id) = model.id(name) else { continue };
        let parents: Vec<String> = model.graph.parents(id).iter().map(|&p| described(model, p)).collect();
        hash.add(format!("{} <- {parents:?}\n", described(model, id)));
        for (at, latent) in model.latents.iter().enumerate().filter(|(_, l)| l.children.contains(&id)) {
            // Module files name hidden causes by their numbers.
            hash.add(format!("{at} {:?}\n", model.sorted_names(latent.children.iter().copied())));
        }
    }
    for task in &module.tasks {
        let Some(table) = tables.iter().find(|t| t.name == task.data) else { continue };
        let needed = [&task.teaches, &task.ancestors, &task.conditions, &task.interventions].into_iter().flatten();
        let mut needed: Vec<&String> = needed.collect();
        needed.sort();
        hash.rows(model, table, &needed.into_iter().filter_map(|name| model.id(name)).collect::<Vec<_>>())?;
    }
    Ok(hash.finish())
}

/// A digest in the making (SHA-256).
#[derive(Default)]
pub(super) struct Hasher(Sha256);

impl Hasher {
    pub fn add(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// Adds what `table` has of `variables`: names, types, values, weights.
    ///
    /// # Errors
    /// Where images cannot be read.
    pub fn rows(&mut self, model: &Model, table: &Table, variables: &[usize]) -> io::Result<()> {
        for &v in variables {
            self.add(described(model, v));
            table.column(v).into_iter().flatten().for_each(|code| self.add(code.to_le_bytes()));
            table.reals.get(&v).into_iter().flatten().for_each(|number| self.add(number.to_le_bytes()));
            if let Some(images) = table.images(v) {
                let mut pixels = vec![0; images.size()];
                for row in 0..images.len() {
                    images.read(row, &mut pixels)?;
                    self.add(&pixels);
                }
            }
        }
        table.weights.iter().flatten().for_each(|weight| self.add(weight.to_le_bytes()));
        Ok(())
    }

    /// The digest in hexadecimal digits.
    pub fn finish(self) -> String {
        hex(self.0)
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
