//! Module files: safetensors with the architecture in the header.

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

/// The header key that holds a module's description.
const KEY: &str = "dcmc";

/// A module as it is written to and read from disk.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleFile {
    /// What the module is, kept as JSON under the header key `dcmc`.
    pub header: ModuleHeader,
    /// The tensors by name.
    pub tensors: BTreeMap<String, TensorData>,
}

/// The header of a module file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleHeader {
    /// `tables`, `generators`, `conditionals`, or that of a network on pictures.
    pub kind: String,
    /// The variables' names, in the order the architecture numbers them.
    pub variables: Vec<String>,
    /// The architecture, in the terms of its kind.
    pub architecture: serde_json::Value,
    /// The digest of everything the module was trained from.
    pub inputs: String,
}

/// A tensor's shape and values.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorData {
    /// The shape.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub values: Values,
}

/// A tensor's values.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
}

/// Why a module file could not be written or read.
#[derive(Debug)]
pub enum FileError {
    /// The file system's answer.
    Io(std::io::Error),
    /// The file is no module file of the kind asked for; what is wrong with it.
    Format(String),
}

impl std::fmt::Display for FileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Format(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for FileError {}

impl From<std::io::Error> for FileError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl ModuleFile {
    /// Writes the module to `path`, whole or not at all: to a temporary file beside it that then takes
    /// its place. Equal modules give equal bytes.
    ///
    /// # Errors
    /// [`FileError::Io`] where the file cannot be written, [`FileError::Format`] where a tensor's shape
    /// does not fit its values.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let bytes: Vec<(&String, Dtype, Vec<u8>)> = self.tensors.iter().map(|(n, t)| to_bytes(n, t)).collect();
        let views = bytes
            .iter()
            .map(|(name, dtype, bytes)| {
                let view = TensorView::new(*dtype, self.tensors[*name].shape.clone(), bytes);
                Ok((*name, view.map_err(format_error)?))
            })
            .collect::<Result<Vec<_>, FileError>>()?;
        let header = serde_json::to_string(&self.header).map_err(format_error)?;
        let whole = serialize(views, Some(HashMap::from([(KEY.to_owned(), header)]))).map_err(format_error)?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)] // as for any new file: the umask decides
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(&whole)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    }

    /// Reads a module from `path`.
    ///
    /// # Errors
    /// [`FileError::Io`] where the file cannot be read, [`FileError::Format`] where it is not a
    /// safetensors file, is cut off, was not written by this program, or has tensors of other types.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let bytes = std::fs::read(path)?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(format_error)?;
        let header = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
        let header = header.ok_or_else(|| FileError::Format(format!("no `{KEY}` entry in the header")))?;
        let header = serde_json::from_str(header).map_err(format_error)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(format_error)?;
        let tensors = tensors.iter().map(|(name, view)| Ok((name.to_owned(), from_bytes(name, &view)?)));
        Ok(Self { header, tensors: tensors.collect::<Result<_, FileError>>()? })
    }
}

/// The tensors of single or double precision in a safetensors file of any origin; others are left out.
///
/// # Errors
/// [`FileError::Io`] where the file cannot be read, [`FileError::Format`] where it is not a whole safetensors file.
pub fn read_tensors(path: &Path) -> Result<BTreeMap<String, TensorData>, FileError> {
    let bytes = std::fs::read(path)?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(format_error)?;
    let floats = tensors.iter().filter(|(_, view)| matches!(view.dtype(), Dtype::F32 | Dtype::F64));
    floats.map(|(name, view)| Ok((name.to_owned(), from_bytes(name, &view)?))).collect()
}

fn format_error(error: impl std::fmt::Display) -> FileError {
    FileError::Format(error.to_string())
}

fn to_bytes<'a>(name: &'a String, tensor: &TensorData) -> (&'a String, Dtype, Vec<u8>) {
    match &tensor.values {
        Values::F32(values) => (name, Dtype::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Values::F64(values) => (name, Dtype::F64, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
    }
}

fn from_bytes(name: &str, view: &TensorView) -> Result<TensorData, FileError> {
    let values = match view.dtype() {
        Dtype::F32 => Values::F32(view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        Dtype::F64 => Values::F64(view.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()),
        other => return Err(FileError::Format(format!("tensor {name} has values of type {other:?}"))),
    };
    Ok(TensorData { shape: view.shape().to_vec(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module() -> ModuleFile {
        let header = ModuleHeader {
            kind: "tables".into(),
            variables: vec!["A".into(), "B".into()],
            architecture: serde_json::json!({"levels": [2, 3]}),
            inputs: "abc".into(),
        };
        let tensors = BTreeMap::from([
            ("a".to_owned(), TensorData { shape: vec![2, 2], values: Values::F64(vec![0.1, -0.2, 1e-300, 4.0]) }),
            ("b".to_owned(), TensorData { shape: vec![3], values: Values::F32(vec![0.5, 1.5, -2.0]) }),
        ]);
        ModuleFile { header, tensors }
    }

    #[test]
    fn a_file_read_back_is_equal_and_writing_repeats() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one.safetensors"), folder.path().join("two.safetensors"));
        module().write(&one).unwrap();
        module().write(&two).unwrap();
        assert_eq!(ModuleFile::read(&one).unwrap(), module());
        assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "a temporary file was left over");
        let new = folder.path().join("new");
        std::fs::write(&new, "").unwrap();
        let permissions = |path| std::fs::metadata(path).unwrap().permissions();
        assert_eq!(permissions(&one), permissions(&new), "others may read it as any new file");
    }

    #[test]
    fn damaged_and_foreign_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("module.safetensors");
        module().write(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for end in 0..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            assert!(matches!(ModuleFile::read(&path), Err(FileError::Format(_))), "cut at {end}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x5a;
            std::fs::write(&path, &changed).unwrap();
            let _ = ModuleFile::read(&path); // Other values or an error, but no panic.
        }
        let plain = serialize(Vec::<(&str, TensorView)>::new(), None).unwrap();
        std::fs::write(&path, plain).unwrap();
        assert!(matches!(ModuleFile::read(&path), Err(FileError::Format(_))));
        assert!(read_tensors(&path).unwrap().is_empty());
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(matches!(read_tensors(&path), Err(FileError::Format(_))));
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(read_tensors(&path).unwrap(), module().tensors);
        assert!(matches!(ModuleFile::read(&folder.path().join("none")), Err(FileError::Io(_))));
    }

    #[test]
    fn a_shape_that_does_not_fit_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("module.safetensors");
        let mut wrong = module();
        wrong.tensors.insert("a".into(), TensorData { shape: vec![5], values: Values::F64(vec![1.0]) });
        assert!(wrong.write(&path).is_err());
        assert!(!path.exists());
    }
}
