//! What `dcmc run` writes into the run directory: answers, rows, the report, and what it was all made from.

use super::run::{Samples, TrainedModel};
use super::run_directory::sha256;
use super::session::{Stop, pretty, usage};
use crate::data::{self, Grid, Table};
use crate::device;
use crate::model::{Engine, GridOptions, Model, Source};
use crate::query::answer::Answers;
use crate::query::gallery;
use crate::report::{self, Report};
use std::path::PathBuf;

/// Writes `results.json`, `manifest.json`, `report.html` and the output files.
pub(super) fn write(trained: &TrainedModel, answers: &Answers, samples: &Samples) -> Result<(), Stop> {
    let directory = &trained.directory;
    let cannot = |e: std::io::Error| usage(format!("cannot write to {}: {e}", directory.root().display()));
    let manifest = manifest(trained);
    directory.write("results.json", &(pretty(answers) + "\n")).map_err(cannot)?;
    directory.write("manifest.json", &(pretty(&manifest) + "\n")).map_err(cannot)?;
    let galleries = gallery(&trained.runtime(), &trained.tables).map_err(usage)?;
    let page = report::html(&Report {
        model: &trained.session.model,
        plan: &trained.plan,
        answers,
        metrics: &trained.metrics,
        samples,
        galleries: &galleries,
        manifest: &manifest,
    });
    directory.write("report.html", &page).map_err(cannot)?;
    write_samples(trained, samples).map_err(cannot)?;
    for output in &trained.session.model.outputs {
        let Some(answer) = answers.results.iter().find(|a| a.name == output.query && a.file.is_none()) else {
            continue;
        };
        data::write_table(&directory.root().join(&output.path), &report::columns(answer)).map_err(cannot)?;
    }
    Ok(())
}

/// The file that holds the rows of the query `name`, relative to the run directory: the first that an `output` names.
pub(super) fn file_of(model: &Model, name: &str, drawn: &Table) -> String {
    let written = model.outputs.iter().find(|o| o.query == name).map(|o| o.path.clone());
    let extension = if drawn.images.is_empty() { "csv" } else { "npz" };
    written.unwrap_or_else(|| format!("samples/{name}.{extension}"))
}

fn write_samples(trained: &TrainedModel, samples: &Samples) -> std::io::Result<()> {
    let (model, root) = (&trained.session.model, trained.directory.root());
    for (name, table) in samples {
        let outputs: Vec<(String, GridOptions)> =
            model.outputs.iter().filter(|o| o.query == *name).map(|o| (o.path.clone(), o.grid)).collect();
        if outputs.is_empty() {
            data::write_samples(&file_of(model, name, table), root, model, table, Grid::default())?;
        }
        for (path, grid) in outputs {
            data::write_samples(&path, root, model, table, laid_out(grid))?;
        }
    }
    Ok(())
}

fn laid_out(options: GridOptions) -> Grid {
    Grid { columns: options.columns.unwrap_or(0), scale: options.scale.unwrap_or(0), ..Grid::default() }
}

/// Versions, seeds and digests: what is needed to make the run again.
fn manifest(trained: &TrainedModel) -> serde_json::Value {
    let session = &trained.session;
    let digest = |path: PathBuf| std::fs::read(path).map(|bytes| sha256(&bytes)).ok();
    let data: Vec<serde_json::Value> = session
        .model
        .regimes
        .iter()
        .zip(&trained.tables)
        .map(|(regime, table)| {
            let file = match &regime.source {
                Source::File { path, .. } => digest(session.base.join(path)),
                Source::Simulate { .. } => None,
            };
            serde_json::json!({ "name": regime.name, "rows": table.rows, "sha256": file })
        })
        .collect();
    let modules = trained.plan.modules.iter().map(|m| {
        let model = &session.model;
        let pretrained = m.variables.iter().filter(|_| m.engine == Engine::Pretrained).find_map(|name| model.id(name));
        if let Some((path, _)) = pretrained.and_then(|id| model.variables[id].pretrained()) {
            let sha256 = digest(session.base.join(path));
            return serde_json::json!({
                "id": m.id, "variables": m.variables, "engine": m.engine, "file": path, "sha256": sha256
            });
        }
        let file = trained.directory.modules().join(format!("{}.safetensors", m.id));
        serde_json::json!({ "id": m.id, "variables": m.variables, "engine": m.engine, "sha256": digest(file) })
    });
    let pictures =
        session.model.pictures.iter().map(
            |picture| serde_json::json!({ "file": picture.path, "sha256": digest(session.base.join(&picture.path)) }),
        );
    serde_json::json!({
        "schema": 1,
        "dcmc": env!("CARGO_PKG_VERSION"),
        "model": sha256(&session.texts()),
        "seed": session.model.settings.seed(),
        "settings": session.model.settings.global,
        "device": device::name(&trained.device),
        "data": data,
        "pictures": pictures.collect::<Vec<_>>(),
        "modules": modules.collect::<Vec<_>>(),
    })
}
