//! A copy of the embedded database while it is used.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use diesel::sql_types::Text;
use diesel::{Connection, ConnectionError, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection};

use super::pool;

/// Why there is no backup. What was begun is removed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no database {0}")]
    Missing(PathBuf),
    /// A backup never replaces a file.
    #[error("{0} is already there")]
    Exists(PathBuf),
    /// The database cannot be opened.
    #[error("cannot open the database: {0}")]
    Connect(#[from] ConnectionError),
    /// The copy failed.
    #[error("cannot copy the database: {0}")]
    Copy(#[from] diesel::result::Error),
    /// The copy is there but not sound.
    #[error("the copy is not sound: {0}")]
    Unsound(String),
    /// A file cannot be written.
    #[error("cannot write the backup: {0}")]
    Io(#[from] io::Error),
}

#[derive(QueryableByName)]
struct Check {
    #[diesel(sql_type = Text)]
    quick_check: String,
}

/// Copies the database into `file` as it is at one moment. Nobody waits for it: not readers, not writers.
///
/// # Errors
/// See [`BackupError`].
pub fn sqlite(database: &Path, file: &Path) -> Result<(), BackupError> {
    if !database.is_file() {
        return Err(BackupError::Missing(database.to_owned()));
    }
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The folder is made 0700, so nobody reads the copy while it grows; it goes with whatever is left in it.
    let unfinished = tempfile::Builder::new().prefix(".backup-").tempdir_in(folder)?;
    let copy = unfinished.path().join("copy.db");
    vacuum_into(database, &copy)?;
    check(&copy)?;
    close_to_others(&copy)?;
    File::open(&copy)?.sync_all()?;
    fs::rename(&copy, file)?;
    Ok(File::open(folder)?.sync_all()?)
}

/// Copies the database as [`sqlite`] does, and beside the copy what waits in its inbox, if it has one; answers where that
/// copy is.
///
/// # Errors
/// See [`BackupError`].
pub fn with_inbox(database: &Path, file: &Path) -> Result<Option<PathBuf>, BackupError> {
    let (inbox, inbox_file) = (pool::inbox_of(database), file.with_extension("inbox.db"));
    for file in [file, &inbox_file] {
        if file.exists() {
            return Err(BackupError::Exists(file.to_owned()));
        }
    }
    if !inbox.is_file() {
        return sqlite(database, file).map(|()| None);
    }
    // First: what is worked off meanwhile is in both copies, and known again. Last, it would be in none.
    sqlite(&inbox, &inbox_file)?;
    if let Err(error) = sqlite(database, file) {
        fs::remove_file(&inbox_file)?;
        return Err(error);
    }
    Ok(Some(inbox_file))
}

fn vacuum_into(database: &Path, copy: &Path) -> Result<(), BackupError> {
    let mut conn = SqliteConnection::establish(&database.to_string_lossy())?;
    diesel::sql_query("PRAGMA busy_timeout = 30000").execute(&mut conn)?;
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(copy.to_string_lossy()).execute(&mut conn)?;
    Ok(())
}

fn check(copy: &Path) -> Result<(), BackupError> {
    let mut conn = SqliteConnection::establish(&copy.to_string_lossy())?;
    let found: QueryResult<Vec<Check>> = diesel::sql_query("PRAGMA quick_check(1)").load(&mut conn);
    match found?.into_iter().next() {
        Some(Check { quick_check }) if quick_check != "ok" => Err(BackupError::Unsound(quick_check)),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn close_to_others(copy: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(copy, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn close_to_others(_copy: &Path) -> io::Result<()> {
    Ok(())
}
