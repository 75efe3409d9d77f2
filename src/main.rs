//! The commands of the binary.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use patchbay::reports::inspect;

/// Connects security scanners to issue trackers.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Says what report files hold, as JSON lines, without importing them.
    Inspect {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Inspect { files } => match inspect::write_all(&files, &mut std::io::stdout().lock()) {
            Ok(true) => ExitCode::SUCCESS,
            // The error of a file stands in its line; a closed pipe needs no words.
            Ok(false) | Err(_) => ExitCode::FAILURE,
        },
    }
}
