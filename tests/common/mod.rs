//! Running the program on model files in folders of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a call of the program did.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// The JSON object on standard output.
    #[allow(dead_code)] // each test file uses its own part of this module
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Fails unless the program ended with `code`.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// Calls `dcmc` in `folder`.
pub fn dcmc(folder: &Path, arguments: &[&str]) -> Outcome {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_dcmc")).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

/// The folder of the examples.
#[allow(dead_code)] // each test file uses its own part of this module
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// A fresh folder with these files.
#[allow(dead_code)] // each test file uses its own part of this module
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}
