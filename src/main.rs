//! The `dcmc` program.

/// Large tensors come and go with every training step; the system's allocator is up to three times slower there.
#[cfg(feature = "run")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Deeply nested expressions are followed by recursion; the main thread's stack may be small.
const STACK: usize = 64 << 20;

fn main() -> std::process::ExitCode {
    let program = std::thread::Builder::new().stack_size(STACK).spawn(dcmc::cli::main);
    match program.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic has printed what happened: a bug of ours.
        _ => std::process::ExitCode::from(101),
    }
}
