//! Administrators of the server: the first one, and `patchbay create-admin`.

use std::io;
use std::process::ExitCode;

use super::serve::runtime;
use super::{Done, open};
use crate::access::service::first_start::{self, NewAdmin};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::secret::Secret;
use crate::config::Config;

pub(super) fn create(config: Config, email: String, password_stdin: bool) -> Done {
    let password = if password_stdin { Some(first_line()?) } else { None };
    let app = open::app(config)?;
    let now = app.clock.now();
    let create = app.db.write(move |conn| first_start::create_admin(conn, &email, password, now));
    print!("{}", describe(&runtime()?.block_on(create)?));
    Ok(ExitCode::SUCCESS)
}

/// Makes the first administrator on a server that has none, and says how they log in.
///
/// # Errors
/// When the configured address or password is refused.
pub(super) async fn ensure(app: &App) -> Result<Option<String>, ApiError> {
    let (email, password, now) = (app.config.admin_email.clone(), app.config.admin_password.clone(), app.clock.now());
    let admin = app.db.write(move |conn| first_start::ensure_admin(conn, &email, password, now)).await?;
    Ok(admin.as_ref().map(describe))
}

fn describe(admin: &NewAdmin) -> String {
    match &admin.made_up_password {
        Some(password) => {
            format!("  admin       {}, password {} (shown this once)\n", admin.email, password.expose())
        }
        None => format!("  admin       {}, with the password that you gave\n", admin.email),
    }
}

fn first_line() -> io::Result<Secret<String>> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}
