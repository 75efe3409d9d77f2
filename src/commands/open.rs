//! Opening what commands work on.

use std::error::Error;

use super::serve::runtime;
use crate::access::repo;
use crate::app::{self, App};
use crate::base::time::Clock;
use crate::config::Config;
use crate::db::pool::Db;

/// The application. New keys are made for a new database only: with keys of their own, an old database's credentials
/// of trackers would stay closed, and nobody would know why.
///
/// # Errors
/// When the keys of a database that is in use are not there, or something cannot be opened.
pub(super) fn app(config: Config) -> Result<App, Box<dyn Error>> {
    if config.keys.is_none() && !config.keys_file.exists() && is_in_use(&config)? {
        let file = config.keys_file.display();
        return Err(format!(
            "the database is in use, but its keys are not in {file}: put the file back. If it is lost, \
             `patchbay rotate-keys --drop-old` makes new keys: sessions end, and credentials of trackers must be entered again"
        )
        .into());
    }
    Ok(App::open(config, Clock::system())?)
}

fn is_in_use(config: &Config) -> Result<bool, Box<dyn Error>> {
    app::make_data_folder(config)?;
    let db = Db::open(app::target(config), 1)?;
    let superusers = runtime()?.block_on(db.read(repo::users::count_superusers))?;
    Ok(superusers > 0)
}
