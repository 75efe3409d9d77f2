//! The binary: see [`patchbay::commands`].

use std::process::ExitCode;

/// Imports run on many threads, and what one of them frees must serve the next.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    patchbay::commands::run()
}
