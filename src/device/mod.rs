//! The device that a run computes on, chosen by `device:` or `--device`.

pub mod driver;

use candle_core::Device;
use std::fmt;

/// What a user asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// An NVIDIA GPU where there is one and the model has images, which alone are worth it; else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU of this number.
    Cuda(usize),
    /// The Apple GPU of this number.
    Metal(usize),
}

impl Choice {
    /// `auto`, `cpu`, `cuda`, `cuda:1`, `metal`, `metal:0`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, number) = text.split_once(':').map_or((text, Some(0)), |(kind, n)| (kind, n.parse().ok()));
        match (kind, number?) {
            ("auto", 0) => Some(Self::Auto),
            ("cpu", 0) => Some(Self::Cpu),
            ("cuda", number) => Some(Self::Cuda(number)),
            ("metal", number) => Some(Self::Metal(number)),
            _ => None,
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal(number) => write!(f, "metal:{number}"),
        }
    }
}

/// Why a device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// What is missing, as a sentence without its end.
    pub why: String,
    /// What to do about it.
    pub help: String,
}

/// Opens the device of `choice`; `images` says whether the model has images. `auto` takes the CPU where there is no
/// GPU that works.
///
/// # Errors
/// [`Unavailable`] where a device that is asked for by name is not there.
pub fn open(choice: Choice, images: bool) -> Result<Device, Unavailable> {
    match choice {
        Choice::Auto if images => Ok(cuda(0).unwrap_or(Device::Cpu)),
        Choice::Auto | Choice::Cpu => Ok(Device::Cpu),
        Choice::Cuda(number) => cuda(number),
        Choice::Metal(number) => metal(number),
    }
}

/// The name of an open device: `cpu`, `cuda:0`, `metal:0`.
pub fn name(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}

fn cuda(number: usize) -> Result<Device, Unavailable> {
    if cfg!(not(feature = "cuda")) {
        return Err(Unavailable {
            why: "this dcmc was built without CUDA".to_owned(),
            help: "build it with `scripts/build-cuda.sh`, which needs no GPU".to_owned(),
        });
    }
    let driver = driver::find().map_err(|why| Unavailable {
        why,
        help: "install NVIDIA's driver; `dcmc doctor` says what else is needed".to_owned(),
    })?;
    if number >= driver.gpus.len() {
        let count = driver.gpus.len();
        let gpus = if count == 1 { "one NVIDIA GPU".to_owned() } else { format!("{count} NVIDIA GPUs") };
        return Err(Unavailable {
            why: format!("there is no GPU {number}: the driver sees {gpus}"),
            help: "they are numbered from `cuda:0`; `dcmc doctor` lists them".to_owned(),
        });
    }
    quietly(move || Device::new_cuda(number)).map_err(|why| Unavailable {
        why: format!("CUDA cannot be used: {why}"),
        help: "`dcmc doctor` says which libraries are needed".to_owned(),
    })
}

fn metal(number: usize) -> Result<Device, Unavailable> {
    let unavailable = |why: String| Unavailable { why, help: "leave out the device, or write `cpu`".to_owned() };
    if cfg!(not(feature = "metal")) {
        return Err(unavailable("this dcmc was built without Metal".to_owned()));
    }
    quietly(move || Device::new_metal(number)).map_err(unavailable)
}

/// Opens a device; where a library is missing the bindings panic, which is an error like others here.
fn quietly(open: impl FnOnce() -> candle_core::Result<Device> + std::panic::UnwindSafe) -> Result<Device, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let opened = std::panic::catch_unwind(open);
    std::panic::set_hook(hook);
    match opened {
        Ok(Ok(device)) => Ok(device),
        Ok(Err(error)) => Err(first_line(&error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Err(first_line(&text.unwrap_or_else(|| "a library is missing".to_owned())))
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_as_they_are_written() {
        for (text, choice) in
            [("auto", Choice::Auto), ("cpu", Choice::Cpu), ("cuda:1", Choice::Cuda(1)), ("metal:0", Choice::Metal(0))]
        {
            assert_eq!(Choice::parse(text), Some(choice));
            assert_eq!(choice.to_string(), text);
        }
        assert_eq!(Choice::parse("cuda"), Some(Choice::Cuda(0)));
        for wrong in ["", "gpu", "cuda:", "cuda:x", "cpu:1", "auto:2", "cuda:-1"] {
            assert_eq!(Choice::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_processor_is_always_there() {
        for choice in [Choice::Auto, Choice::Cpu] {
            assert_eq!(name(&open(choice, false).unwrap()), "cpu");
        }
        assert!(open(Choice::Auto, true).is_ok());
    }

    #[test]
    fn panics_of_a_library_are_errors() {
        assert_eq!(quietly(|| panic!("no libcublas\nand more")).unwrap_err(), "no libcublas");
        assert_eq!(quietly(|| candle_core::bail!("no GPU")).unwrap_err(), "no GPU");
        assert!(quietly(|| Ok(Device::Cpu)).is_ok());
    }
}
