//! Every variable as a flag: `PATCHBAY_LISTEN` is `--listen`.

use clap::error::Error;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::config::variables::{Shown, VARIABLES, Variable};

/// The variables that were given as flags, by key.
#[derive(Debug, Default)]
pub(super) struct Flags {
    pub values: Vec<(String, String)>,
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(flags().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        let given = |variable: &Variable| {
            let value: &String = matches.get_one(variable.key)?;
            Some((variable.key.to_owned(), value.clone()))
        };
        self.values.extend(flags().filter_map(given));
        Ok(())
    }
}

/// Secrets are no flags: everybody on the machine can read the command line of a process.
fn flags() -> impl Iterator<Item = &'static Variable> {
    VARIABLES.iter().filter(|variable| variable.shown == Shown::Whole)
}

fn argument(variable: &'static Variable) -> Arg {
    let default = if variable.default.is_empty() { String::new() } else { format!(" [default: {}]", variable.default) };
    let help = format!(
        "{} ({}){default} [environment: {}]",
        variable.help.trim_end_matches('.'),
        variable.unit,
        variable.environment_name()
    );
    Arg::new(variable.key).long(variable.flag()).value_name("VALUE").help(help).help_heading("Settings").global(true)
}
