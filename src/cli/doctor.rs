//! `dcmc doctor`: what this program can compute on here, and what is missing.

use super::session::{pretty, print};
use super::{Format, OK};
use crate::device::{self, Choice, driver};
use clap::Args;
use serde_json::{Value, json};

#[derive(Args)]
pub(super) struct Arguments {
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The features that matter for where things are computed.
const FEATURES: [(&str, bool); 5] = [
    ("onnx", cfg!(feature = "onnx")),
    ("cuda", cfg!(feature = "cuda")),
    ("cudnn", cfg!(feature = "cudnn")),
    ("metal", cfg!(feature = "metal")),
    ("mkl", cfg!(feature = "mkl")),
];

pub(super) fn run(arguments: &Arguments) -> u8 {
    let facts = facts();
    match arguments.format {
        Format::Json => print(&pretty(&facts)),
        Format::Text => print(&text(&facts)),
    }
    OK
}

fn facts() -> Value {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let features = |wanted: bool| FEATURES.iter().filter(|f| f.1 == wanted).map(|f| f.0).collect::<Vec<_>>();
    let found = driver::find();
    let gpus = found.iter().flat_map(|d| &d.gpus).enumerate().map(|(at, gpu)| {
        let capability = format!("{}.{}", gpu.capability.0, gpu.capability.1);
        json!({ "device": format!("cuda:{at}"), "name": gpu.name, "memory": gpu.memory, "capability": capability })
    });
    let gpus: Vec<Value> = gpus.collect();
    let libraries = driver::LIBRARIES
        .iter()
        .map(|(name, files)| json!({ "name": name, "file": driver::found(files), "looked_for": files }));
    let device = |images: bool| device::open(Choice::Auto, images).map_or_else(|e| e.why, |d| device::name(&d));
    let problem = device::open(Choice::Cuda(0), true).err();
    json!({
        "schema": 1,
        "dcmc": env!("CARGO_PKG_VERSION"),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "processor": { "name": processor(), "threads": threads, "extensions": extensions() },
        "built_with": features(true),
        "built_without": features(false),
        "cuda": {
            "driver": found.as_ref().ok().map(|d| format!("CUDA {}.{}", d.cuda.0, d.cuda.1)),
            "gpus": gpus,
            "libraries": libraries.collect::<Vec<_>>(),
            "problem": problem.as_ref().map(|p| &p.why),
            "help": problem.as_ref().map(|p| &p.help),
        },
        "auto": { "tables": device(false), "images": device(true) },
    })
}

fn text(facts: &Value) -> String {
    let words = |value: &Value| {
        let list = value.as_array().map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
        list.filter(|l| !l.is_empty()).unwrap_or_else(|| "nothing".to_owned())
    };
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let processor = &facts["processor"];
    let mut lines = vec![
        ("dcmc", format!("{} on {}", word(&facts["dcmc"]), word(&facts["system"]))),
        (
            "processor",
            format!(
                "{}, {} threads; {}",
                word(&processor["name"]),
                processor["threads"],
                words(&processor["extensions"])
            ),
        ),
        ("built with", format!("{}; without {}", words(&facts["built_with"]), words(&facts["built_without"]))),
    ];
    let cuda = &facts["cuda"];
    if let Some(driver) = cuda["driver"].as_str() {
        lines.push(("driver", format!("NVIDIA, up to {driver}")));
    }
    for gpu in cuda["gpus"].as_array().into_iter().flatten() {
        let memory = gpu["memory"].as_u64().unwrap_or(0) as f64 / f64::from(1 << 30);
        let about = format!("{}, {memory:.0} GiB, compute capability {}", word(&gpu["name"]), word(&gpu["capability"]));
        lines.push(("GPU", format!("{}: {about}", word(&gpu["device"]))));
    }
    for library in cuda["libraries"].as_array().into_iter().flatten().filter(|_| cuda["driver"].is_string()) {
        let about = match library["file"].as_str() {
            Some(file) => file.to_owned(),
            None => format!("not found ({}); add its folder to LD_LIBRARY_PATH", words(&library["looked_for"])),
        };
        lines.push(("library", format!("{}: {about}", word(&library["name"]))));
    }
    match cuda["problem"].as_str() {
        None => lines.push(("CUDA", "ready".to_owned())),
        Some(problem) => {
            lines.push(("CUDA", format!("not used: {problem}")));
            lines.push(("", word(&cuda["help"])));
        }
    }
    let auto = &facts["auto"];
    lines.push((
        "auto",
        format!("models with images on {}, others on {}", word(&auto["images"]), word(&auto["tables"])),
    ));
    lines.iter().map(|(name, about)| format!("{name:<11} {about}").trim_end().to_owned() + "\n").collect()
}

/// The processor's name as the system gives it.
fn processor() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// Vector extensions that the fused operations use.
fn extensions() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        let all = [("AVX2", is_x86_feature_detected!("avx2")), ("AVX-512", is_x86_feature_detected!("avx512f"))];
        all.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    vec![]
}
