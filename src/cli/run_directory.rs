//! The run directory: everything a run leaves behind, each file written whole or not at all.

use crate::data::write_whole;
use crate::train::Metric;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// `MODEL.dcm/`, or what `--out` says.
pub(super) struct RunDirectory {
    root: PathBuf,
}

impl RunDirectory {
    /// The directory of a model file; `out` wins. Nothing is created yet.
    pub(super) fn of(model: &Path, out: Option<&Path>) -> Self {
        Self { root: out.map_or_else(|| model.with_extension("dcm"), Path::to_path_buf) }
    }

    /// Creates it.
    pub(super) fn create(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.root)
    }

    /// Whether a run was ever written here.
    pub(super) fn exists(&self) -> bool {
        self.root.join("plan.json").is_file()
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where module files are kept.
    pub(super) fn modules(&self) -> PathBuf {
        self.root.join("modules")
    }

    /// Writes a text file; an unchanged one is left alone.
    pub(super) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.root.join(name);
        if std::fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            return Ok(());
        }
        write_whole(&path, |file| file.write_all(text.as_bytes()))
    }

    /// The metrics of earlier runs with those of `fresh` in place of the same modules' old ones, all written back.
    pub(super) fn merge_metrics(&self, fresh: Vec<Metric>) -> io::Result<Vec<Metric>> {
        let old = std::fs::read_to_string(self.root.join("metrics.jsonl")).unwrap_or_default();
        let trained = |module: &str| fresh.iter().any(|m| m.module == module);
        let kept = old.lines().filter_map(|line| serde_json::from_str::<Metric>(line).ok());
        let mut metrics: Vec<Metric> = kept.filter(|m| !trained(&m.module)).collect();
        metrics.extend(fresh);
        metrics.sort_by(|a, b| a.module.cmp(&b.module).then(a.step.cmp(&b.step)));
        let lines: Vec<String> = metrics.iter().filter_map(|m| serde_json::to_string(m).ok()).collect();
        self.write("metrics.jsonl", &(lines.join("\n") + "\n"))?;
        Ok(metrics)
    }
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
