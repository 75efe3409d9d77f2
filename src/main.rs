//! The binary: see [`patchbay::commands`].

use std::process::ExitCode;

fn main() -> ExitCode {
    patchbay::commands::run()
}
