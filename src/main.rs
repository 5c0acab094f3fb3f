//! The `dcmc` program.

/// Large tensors come and go with every training step; the system's allocator is up to three times slower there.
#[cfg(feature = "run")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    dcmc::cli::main()
}
