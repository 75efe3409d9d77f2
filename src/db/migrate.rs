//! Migrations: embedded for both databases, run at start under a lock.

use std::path::Path;

use diesel::migration::{Migration, MigrationSource};
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::pool::{DbError, Target};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRESQL: EmbeddedMigrations = embed_migrations!("migrations/postgresql");
const INBOX: EmbeddedMigrations = embed_migrations!("migrations/inbox");

/// Any number: all instances that migrate one PostgreSQL database agree on it.
const ADVISORY_LOCK: i64 = 0x7061_7463_6862_6179;

/// Brings the schema up to this binary's, one process at a time.
///
/// # Errors
/// `Newer` when the database has a migration that this binary does not know: an older binary must not write to it.
pub fn run(target: &Target) -> Result<Vec<String>, DbError> {
    match target {
        Target::Sqlite { path } => run_sqlite(path, SQLITE),
        Target::Postgres { url } => {
            let mut conn = PgConnection::establish(url.expose())?;
            diesel::sql_query(format!("SELECT pg_advisory_lock({ADVISORY_LOCK})")).execute(&mut conn)?;
            let result = apply(&mut conn, POSTGRESQL);
            diesel::sql_query(format!("SELECT pg_advisory_unlock({ADVISORY_LOCK})")).execute(&mut conn)?;
            result
        }
    }
}

/// Brings the embedded inbox up to this binary's schema.
///
/// # Errors
/// As for [`run`].
pub fn run_inbox(path: &Path) -> Result<Vec<String>, DbError> {
    run_sqlite(path, INBOX)
}

fn run_sqlite(path: &Path, source: EmbeddedMigrations) -> Result<Vec<String>, DbError> {
    // The lock is a file beside the database: SQLite's own lock cannot span several transactions.
    let lock = std::fs::File::create(path.with_extension("migrate-lock"))?;
    lock.lock()?;
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
    diesel::sql_query("PRAGMA journal_mode = WAL").execute(&mut conn)?;
    diesel::sql_query("PRAGMA busy_timeout = 30000").execute(&mut conn)?;
    apply(&mut conn, source)
}

fn apply<C, DB>(conn: &mut C, source: EmbeddedMigrations) -> Result<Vec<String>, DbError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(DbError::Migration)?;
    let known: Vec<String> = known.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = conn.applied_migrations().map_err(DbError::Migration)?;
    if let Some(newer) = applied.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        return Err(DbError::Newer { version: newer });
    }
    let run = conn.run_pending_migrations(source).map_err(DbError::Migration)?;
    Ok(run.iter().map(ToString::to_string).collect())
}
