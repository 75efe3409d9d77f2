//! The command line: what can be asked of the binary beside serving.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, variables};
use crate::{api, reports};

mod admin;
mod demo;
mod flags;
mod health;
mod open;
mod serve;
mod store;

use flags::Flags;

/// What a command answers: whether it found what it wanted, or why it could not look.
type Done = Result<ExitCode, Box<dyn Error>>;

/// Connects security scanners to issue trackers.
#[derive(Debug, Parser)]
#[command(name = "patchbay", version, about, max_term_width = 110)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    /// A file with settings: `key = value` in TOML [environment: PATCHBAY_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<String>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; what happens without a command
    Serve,
    /// Run the server on throw-away data: sample reports, and a tracker that only pretends
    Demo,
    /// Print what reports hold, one JSON line per file; needs no server
    Inspect {
        /// The reports
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Bring the database's schema up to date; the server does so itself when it starts
    Migrate,
    /// Make an administrator of the server, or give one a new password
    CreateAdmin {
        /// Who
        #[arg(long)]
        email: String,
        /// Their password is the first line of standard input; without this one is made up and printed
        #[arg(long)]
        password_stdin: bool,
    },
    /// Copy the embedded database while the server runs
    Backup {
        /// The copy; it must not be there yet
        file: PathBuf,
    },
    /// Print the configuration with secrets masked, and where each value came from
    Config {
        /// Print the table of all variables instead, in Markdown
        #[arg(long)]
        markdown: bool,
    },
    /// Make new keys; what the old ones signed and sealed stays readable. Restart the server afterwards
    RotateKeys {
        /// Forget the old keys: sessions end, and credentials of trackers sealed with them must be entered again
        #[arg(long)]
        drop_old: bool,
    },
    /// Ask the server on this machine whether it is ready
    Healthcheck,
}

/// Runs what the command line asks for.
#[must_use]
pub fn run() -> ExitCode {
    let CommandLine { command, config, flags } = CommandLine::parse();
    let configured = || Config::of_process(config, flags.values);
    let done = match command.unwrap_or(Command::Serve) {
        Command::Inspect { files } => inspect(&files),
        Command::Openapi => openapi(),
        Command::Config { markdown: true } => print(&variables::markdown()),
        other => match configured() {
            Ok(config) => with_config(other, config),
            Err(faults) => {
                eprintln!("The configuration has faults:");
                faults.iter().for_each(|fault| eprintln!("  {fault}"));
                return ExitCode::from(2);
            }
        },
    };
    done.unwrap_or_else(|error| {
        eprintln!("patchbay: {error}");
        ExitCode::FAILURE
    })
}

fn with_config(command: Command, config: Config) -> Done {
    match command {
        Command::Serve => serve::serve(config),
        Command::Demo => demo::demo(config),
        Command::Migrate => store::migrate(&config),
        Command::CreateAdmin { email, password_stdin } => admin::create(config, email, password_stdin),
        Command::Backup { file } => store::backup(&config, &file),
        Command::Config { .. } => print(&config.print()),
        Command::RotateKeys { drop_old } => store::rotate_keys(&config, drop_old),
        Command::Healthcheck => health::check(&config),
        Command::Inspect { .. } | Command::Openapi => unreachable!("these need no configuration"),
    }
}

fn inspect(files: &[PathBuf]) -> Done {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let all_read = reports::inspect::write_all(files, &mut out)?;
    out.flush()?;
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn openapi() -> Done {
    print(&format!("{}\n", api::openapi::document().to_pretty_json()?))
}

fn print(text: &str) -> Done {
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
