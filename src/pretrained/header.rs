//! The header of a safetensors file: eight bytes with its length, JSON, then the tensors' bytes.

use super::Fault;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// The key under which this program keeps a module's description.
const KEY: &str = "dcmc";
/// Headers of more bytes are not read: the format's own limit.
const MOST: u64 = 100_000_000;

/// What a safetensors file says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The tensors by name.
    pub tensors: BTreeMap<String, TensorInfo>,
    /// The description of a module of this program: see [`super::Module::parse`].
    pub module: Option<String>,
}

/// A tensor's type and shape.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// Its type, e.g. `F32`.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

impl Header {
    /// The header of the file at `path`.
    ///
    /// # Errors
    /// E0605 where the file cannot be read, is no safetensors file, or is cut off.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let io = |e: std::io::Error| unreadable(path, &e);
        let mut file = std::fs::File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let damaged = |why: String| Fault::file(format!("`{name}` is no whole safetensors file")).note(why);
        let mut length = [0; 8];
        if size < 8 {
            return Err(damaged(format!("it has {size} bytes")));
        }
        file.read_exact(&mut length).map_err(io)?;
        let length = u64::from_le_bytes(length);
        if length > MOST || length > size - 8 {
            return Err(damaged(format!("its header should have {length} bytes, the file has {size}")));
        }
        let mut text = vec![0; length as usize];
        file.read_exact(&mut text).map_err(io)?;
        let json: serde_json::Map<String, Value> =
            serde_json::from_slice(&text).map_err(|e| damaged(format!("its header is no JSON object: {e}")))?;
        let data = size - 8 - length;
        let (mut tensors, mut end, mut module) = (BTreeMap::new(), 0, None);
        for (key, value) in json {
            if key == "__metadata__" {
                module = value.get(KEY).and_then(Value::as_str).map(str::to_owned);
                continue;
            }
            let Some((info, last)) = tensor(&value) else {
                return Err(damaged(format!("the header's entry `{key}` describes no tensor")));
            };
            end = end.max(last);
            tensors.insert(key, info);
        }
        if end != data {
            return Err(damaged(format!("the tensors take {end} bytes, the file has {data} for them")));
        }
        Ok(Self { tensors, module })
    }
}

/// E0605 with the file system's answer.
fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::file(format!("`{}` cannot be read", path.file_name().unwrap_or_default().to_string_lossy()))
        .note(format!("{}: {error}", path.display()))
}

/// A tensor's entry, and where its bytes end; `None` where its parts do not fit together.
fn tensor(value: &Value) -> Option<(TensorInfo, u64)> {
    let numbers = |key: &str| value.get(key)?.as_array()?.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>();
    let dtype = value.get("dtype")?.as_str()?.to_owned();
    let (shape, offsets) = (numbers("shape")?, numbers("data_offsets")?);
    let [start, end] = offsets[..] else { return None };
    let count = shape.iter().try_fold(1u64, |count, &n| count.checked_mul(n))?;
    let bits = match dtype.as_str() {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => Some(1),
        "U16" | "I16" | "F16" | "BF16" => Some(2),
        "U32" | "I32" | "F32" => Some(4),
        "U64" | "I64" | "F64" => Some(8),
        _ => None,
    };
    let bytes = end.checked_sub(start)?;
    bits.is_none_or(|each| count.checked_mul(each) == Some(bytes)).then_some(())?;
    let shape = shape.into_iter().map(usize::try_from).collect::<Result<_, _>>().ok()?;
    Some((TensorInfo { dtype, shape }, end))
}
