//! What NVIDIA's driver and libraries offer here, asked without linking to them.

use libloading::{Library, Symbol};
use std::ffi::{CStr, c_char, c_int};

/// NVIDIA's driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// The newest CUDA version that it runs, as (major, minor).
    pub cuda: (u32, u32),
    /// The GPUs, in the order of their numbers.
    pub gpus: Vec<Gpu>,
}

/// A GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// The product's name.
    pub name: String,
    /// Its memory in bytes.
    pub memory: u64,
    /// Its compute capability, as (major, minor).
    pub capability: (u32, u32),
}

const DRIVER: &[&str] = if cfg!(windows) { &["nvcuda.dll"] } else { &["libcuda.so.1", "libcuda.so"] };

/// The libraries that computing on a GPU opens, each with the names that it may have.
pub const LIBRARIES: &[(&str, &[&str])] = if cfg!(windows) {
    &[("cuBLAS", &["cublas64_13.dll", "cublas64_12.dll"]), ("cuRAND", &["curand64_10.dll"])]
} else {
    &[
        ("cuBLAS", &["libcublas.so", "libcublas.so.13", "libcublas.so.12"]),
        ("cuRAND", &["libcurand.so", "libcurand.so.10"]),
    ]
};

/// Finds the driver and its GPUs.
///
/// # Errors
/// Says what is missing: the driver's library, or an answer from it.
pub fn find() -> Result<Driver, String> {
    let library = load(DRIVER).ok_or_else(|| format!("there is no NVIDIA driver: {} was not found", DRIVER[0]))?;
    ask(&library).map_err(|why| format!("NVIDIA's driver does not answer: {why}"))
}

/// Whether a library can be opened under one of its names; the name that it was found under.
pub fn found(names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| load(&[name]).is_some())
}

fn load(names: &[&str]) -> Option<Library> {
    // SAFETY: these are NVIDIA's own libraries, whose initialisers have no conditions.
    names.iter().find_map(|name| unsafe { Library::new(*name) }.ok())
}

type Status = c_int;

fn ask(library: &Library) -> Result<Driver, String> {
    call(library, b"cuInit\0", |init: Symbol<unsafe extern "C" fn(u32) -> Status>| {
        // SAFETY: the signature is that of the CUDA driver API.
        unsafe { init(0) }
    })?;
    let number = |name: &[u8], device: Option<c_int>| -> Result<c_int, String> {
        let mut value: c_int = 0;
        match device {
            None => call(library, name, |get: Symbol<unsafe extern "C" fn(*mut c_int) -> Status>| {
                // SAFETY: as above; `value` outlives the call.
                unsafe { get(&raw mut value) }
            })?,
            Some(at) => call(library, name, |get: Symbol<unsafe extern "C" fn(*mut c_int, c_int) -> Status>| {
                // SAFETY: as above.
                unsafe { get(&raw mut value, at) }
            })?,
        }
        Ok(value)
    };
    let version = number(b"cuDriverGetVersion\0", None)?.unsigned_abs();
    let count = number(b"cuDeviceGetCount\0", None)?;
    let gpus = (0..count).map(|at| gpu(library, number(b"cuDeviceGet\0", Some(at))?)).collect::<Result<_, _>>()?;
    Ok(Driver { cuda: (version / 1000, version % 1000 / 10), gpus })
}

fn gpu(library: &Library, device: c_int) -> Result<Gpu, String> {
    const LONGEST: usize = 256;
    const MAJOR: c_int = 75;
    const MINOR: c_int = 76;
    let mut name = [0 as c_char; LONGEST];
    type Name = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> Status;
    call(library, b"cuDeviceGetName\0", |get: Symbol<Name>| {
        // SAFETY: the signature is that of the CUDA driver API; the buffer has the length that is passed, less one.
        unsafe { get(name.as_mut_ptr(), LONGEST as c_int - 1, device) }
    })?;
    let mut memory: usize = 0;
    type Memory = unsafe extern "C" fn(*mut usize, c_int) -> Status;
    call(library, b"cuDeviceTotalMem_v2\0", |get: Symbol<Memory>| {
        // SAFETY: as above.
        unsafe { get(&raw mut memory, device) }
    })?;
    type Attribute = unsafe extern "C" fn(*mut c_int, c_int, c_int) -> Status;
    let attribute = |which: c_int| -> Result<u32, String> {
        let mut value: c_int = 0;
        call(library, b"cuDeviceGetAttribute\0", |get: Symbol<Attribute>| {
            // SAFETY: as above.
            unsafe { get(&raw mut value, which, device) }
        })?;
        Ok(value.unsigned_abs())
    };
    let capability = (attribute(MAJOR)?, attribute(MINOR)?);
    // SAFETY: the buffer's last byte is never written, so it ends in zero.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned();
    Ok(Gpu { name, memory: memory as u64, capability })
}

/// Calls a function of the driver; anything but 0 is an error.
fn call<F>(library: &Library, name: &[u8], run: impl FnOnce(Symbol<F>) -> Status) -> Result<(), String> {
    let plain = String::from_utf8_lossy(&name[..name.len() - 1]).into_owned();
    // SAFETY: the caller names the function's type.
    let function = unsafe { library.get(name) }.map_err(|_| format!("it has no {plain}"))?;
    match run(function) {
        0 => Ok(()),
        100 => Err("it sees no GPU".to_owned()),
        error => Err(format!("{plain} failed with error {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_said() {
        assert_eq!(found(&["libno-such-library.so.99"]), None);
        match find() {
            Ok(driver) => assert!(driver.cuda.0 >= 11),
            Err(why) => assert!(why.contains("NVIDIA"), "{why}"),
        }
    }
}
