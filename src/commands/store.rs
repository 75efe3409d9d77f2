//! Commands on what is stored: the schema, a backup, the keys.

use std::path::Path;
use std::process::ExitCode;

use super::Done;
use crate::app;
use crate::config::Config;
use crate::db::pool::Target;
use crate::db::{backup, migrate};
use crate::keys::{Keys, KeysError};

pub(super) fn migrate(config: &Config) -> Done {
    app::make_data_folder(config)?;
    let applied = migrate::run(&app::target(config))?;
    applied.iter().for_each(|migration| println!("applied {migration}"));
    if applied.is_empty() {
        println!("the schema is up to date");
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn backup(config: &Config, file: &Path) -> Done {
    let Target::Sqlite { path } = app::target(config) else {
        return Err("the database is PostgreSQL: use pg_dump, and copy the keys file".into());
    };
    let inbox = backup::with_inbox(&path, file)?;
    println!("{} is a copy of {}.", file.display(), path.display());
    if let Some(inbox) = inbox {
        println!("{} is what trackers have sent and is not worked off yet: restore it as inbox.db.", inbox.display());
    }
    println!(
        "Keep {} as well, in another place: without it credentials of trackers cannot be read.",
        config.keys_file.display()
    );
    Ok(ExitCode::SUCCESS)
}

pub(super) fn rotate_keys(config: &Config, drop_old: bool) -> Done {
    let rotate = |keys: Keys| if drop_old { keys.rotated().without_old() } else { keys.rotated() };
    if let Some(text) = &config.keys {
        // Who keeps the keys elsewhere puts this there.
        println!("{}", rotate(Keys::parse(text.expose())?).to_json().expose());
        eprintln!("Set PATCHBAY_KEYS to this on every instance, and restart them.");
        return Ok(ExitCode::SUCCESS);
    }
    let keys = match Keys::read(&config.keys_file) {
        Err(KeysError::Missing(_)) if drop_old => Keys::generate(),
        keys => rotate(keys?),
    };
    keys.write(&config.keys_file)?;
    println!("{} has new keys. Restart every instance of the server.", config.keys_file.display());
    Ok(ExitCode::SUCCESS)
}
