//! Pools and transactions. Nothing here blocks the async threads, and no connection outlives its closure.
//!
//! SQLite has one writer at a time: all writers go through one fair queue, so an import cannot starve a login.
//! Readers have connections of their own and never wait for a writer (WAL).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ManageConnection, Pool, PooledConnection};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{Connection, ConnectionError, PgConnection, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::conn::Conn;
use super::migrate;
use crate::base::error::ApiError;
use crate::base::secret::Secret;

/// Pages of 4 KiB; above this many a checkpoint also shortens the log.
const LONG_LOG_PAGES: i32 = 32_768;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(30);
const PG_TRIES: u32 = 5;

/// Which database.
#[derive(Debug, Clone)]
pub enum Target {
    /// A file.
    Sqlite {
        /// Where it is.
        path: PathBuf,
    },
    /// A server.
    Postgres {
        /// `postgres://user:password@host/database`.
        url: Secret<String>,
    },
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database cannot be reached.
    #[error("cannot connect to the database: {0}")]
    Connect(#[from] ConnectionError),
    /// A migration failed; nothing of it stayed.
    #[error("cannot migrate the database: {0}")]
    Migration(Box<dyn std::error::Error + Send + Sync>),
    /// The database belongs to a newer release.
    #[error(
        "the database has migration {version}, which this binary does not know: start the newer release that made it, or restore a backup"
    )]
    Newer {
        /// The unknown migration.
        version: String,
    },
    /// A statement of the set-up failed.
    #[error("cannot set up the database: {0}")]
    Query(#[from] DieselError),
    /// A file could not be made.
    #[error("cannot set up the database's files: {0}")]
    Io(#[from] std::io::Error),
    /// No connection in time.
    #[error("cannot open the database: {0}")]
    Pool(#[from] diesel::r2d2::PoolError),
}

/// The database: clone it freely.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    target: Target,
    readers: Lane,
    /// SQLite: its one writer. PostgreSQL: the same pool as the readers'.
    writers: Option<Lane>,
    written: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
}

/// A pool and the fair queue before it, so that waiting blocks no thread.
struct Lane {
    pool: Pool<Manager>,
    queue: Semaphore,
}

impl Lane {
    fn new(manager: Manager, size: u32) -> Result<Self, DbError> {
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(WAIT_FOR_CONNECTION)
            .build(manager)?;
        Ok(Self { pool, queue: Semaphore::new(size as usize) })
    }

    async fn enter(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        match tokio::time::timeout(WAIT_FOR_CONNECTION, self.queue.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(closed)) => Err(ApiError::internal(closed)),
            Err(_) => Err(busy()),
        }
    }
}

/// Where the inbox of an embedded database is: a file of its own beside it.
#[must_use]
pub fn inbox_of(database: &Path) -> PathBuf {
    database.with_file_name("inbox.db")
}

impl Db {
    /// Opens the database, brings its schema up to date, and makes the pools.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn open(target: Target, connections: u32) -> Result<Self, DbError> {
        if let Target::Sqlite { path } = &target
            && let Some(folder) = path.parent()
        {
            std::fs::create_dir_all(folder)?;
        }
        for migration in migrate::run(&target)? {
            tracing::info!(migration, "schema migrated");
        }
        Self::with_pools(target, connections)
    }

    /// The inbox beside this database: a file with a writer of its own, or this database itself where writers do not
    /// wait for each other.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn open_inbox(&self) -> Result<Self, DbError> {
        let Target::Sqlite { path } = self.target() else { return Ok(self.clone()) };
        let path = inbox_of(path);
        for migration in migrate::run_inbox(&path)? {
            tracing::info!(migration, "inbox migrated");
        }
        Self::with_pools(Target::Sqlite { path }, 1)
    }

    fn with_pools(target: Target, connections: u32) -> Result<Self, DbError> {
        let readers = Lane::new(Manager { target: target.clone(), writes: false }, connections)?;
        let (written, stopped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let writers = match &target {
            Target::Postgres { .. } => None,
            Target::Sqlite { path } => {
                spawn_checkpoints(path.clone(), Arc::clone(&written), Arc::clone(&stopped))?;
                Some(Lane::new(Manager { target: target.clone(), writes: true }, 1)?)
            }
        };
        Ok(Self(Arc::new(Inner { target, readers, writers, written, stopped })))
    }

    /// Which database this is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.0.target
    }

    /// Reads: `query` runs on a thread that may block, without a transaction.
    ///
    /// # Errors
    /// What `query` answers; `Unavailable` when no connection was free in time.
    pub async fn read<T, E, F>(&self, query: F) -> Result<T, ApiError>
    where
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<ApiError>,
    {
        let _place = self.0.readers.enter().await?;
        let pool = self.0.readers.pool.clone();
        blocking(move || query(&mut *checkout(&pool)?).map_err(Into::into)).await
    }

    /// Writes: `work` runs in one transaction, committed when it answers `Ok`.
    ///
    /// # Errors
    /// What `work` answers, then nothing was written; `Unavailable` when the database was busy for too long.
    pub async fn write<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        F: FnOnce(&mut Conn) -> Result<T, ApiError> + Send + 'static,
        T: Send + 'static,
    {
        let lane = self.write_lane();
        let _place = lane.enter().await?;
        let (pool, written) = (lane.pool.clone(), Arc::clone(&self.0.written));
        blocking(move || {
            let mut conn = checkout(&pool)?;
            let result = transaction(&mut conn, work);
            written.store(true, Ordering::Release);
            result
        })
        .await
    }

    /// Writes like [`Db::write`], again when PostgreSQL ends the transaction because it met another (deadlock,
    /// serialization). `work` must be repeatable.
    ///
    /// # Errors
    /// As for [`Db::write`].
    pub async fn write_again<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        F: FnMut(&mut Conn) -> Result<T, ApiError> + Send + 'static,
        T: Send + 'static,
    {
        let lane = self.write_lane();
        let _place = lane.enter().await?;
        let (pool, written) = (lane.pool.clone(), Arc::clone(&self.0.written));
        blocking(move || {
            let result = transaction_again(&mut *checkout(&pool)?, work);
            written.store(true, Ordering::Release);
            result
        })
        .await
    }

    /// For work that has a thread of its own; to be called where the async runtime is.
    #[must_use]
    pub fn blocking(&self) -> BlockingDb {
        BlockingDb { db: self.clone(), runtime: Handle::current() }
    }

    fn write_lane(&self) -> &Lane {
        self.0.writers.as_ref().unwrap_or(&self.0.readers)
    }
}

/// The database for work that has a thread of its own: it waits in the same queues, and runs on that thread.
#[derive(Clone)]
pub struct BlockingDb {
    db: Db,
    runtime: Handle,
}

impl BlockingDb {
    /// As [`Db::read`].
    ///
    /// # Errors
    /// As for [`Db::read`].
    pub fn read<T, E: Into<ApiError>>(&self, query: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, ApiError> {
        let lane = &self.db.0.readers;
        let _place = self.runtime.block_on(lane.enter())?;
        query(&mut *checkout(&lane.pool)?).map_err(Into::into)
    }

    /// As [`Db::write_again`].
    ///
    /// # Errors
    /// As for [`Db::write`].
    pub fn write_again<T>(&self, work: impl FnMut(&mut Conn) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let lane = self.db.write_lane();
        let _place = self.runtime.block_on(lane.enter())?;
        let result = transaction_again(&mut *checkout(&lane.pool)?, work);
        self.db.0.written.store(true, Ordering::Release);
        result
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
    }
}

fn transaction<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, ApiError>) -> Result<T, ApiError> {
    conn.begin_write().map_err(busy_or_internal)?;
    match work(conn) {
        Ok(value) => {
            conn.commit().map_err(busy_or_internal)?;
            Ok(value)
        }
        Err(error) => {
            // A broken connection cannot roll back; the database does it when the connection goes.
            if let Err(cause) = conn.rollback() {
                tracing::warn!(%cause, "could not roll back");
            }
            Err(error)
        }
    }
}

/// Again, when PostgreSQL ends the transaction because it met another.
fn transaction_again<T>(
    conn: &mut Conn,
    mut work: impl FnMut(&mut Conn) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match transaction(conn, &mut work) {
            Err(error) if tries < PG_TRIES && met_another(&error) => {
                std::thread::sleep(Duration::from_millis(u64::from(20 * tries)));
            }
            result => return result,
        }
    }
}

fn checkout(pool: &Pool<Manager>) -> Result<PooledConnection<Manager>, ApiError> {
    pool.get().map_err(|cause| {
        tracing::error!(%cause, "no database connection");
        ApiError::Unavailable { detail: "the database cannot be reached".to_owned(), retry_after_s: 5 }
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    // Log lines of the work keep the request's id.
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .unwrap_or_else(|cause| Err(ApiError::internal(cause)))
}

fn busy() -> ApiError {
    ApiError::Unavailable { detail: "the database is busy".to_owned(), retry_after_s: 2 }
}

fn busy_or_internal(error: DieselError) -> ApiError {
    match &error {
        DieselError::DatabaseError(_, info) if info.message().contains("locked") => busy(),
        _ => error.into(),
    }
}

fn met_another(error: &ApiError) -> bool {
    let ApiError::Internal(cause) = error else { return false };
    match cause.downcast_ref::<DieselError>() {
        Some(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
        Some(DieselError::DatabaseError(_, info)) => info.message().contains("deadlock detected"),
        _ => false,
    }
}

/// Makes connections for a pool.
#[derive(Debug)]
struct Manager {
    target: Target,
    writes: bool,
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Conn, Self::Error> {
        let failed = diesel::r2d2::Error::ConnectionError;
        match &self.target {
            Target::Postgres { url } => {
                let mut conn = PgConnection::establish(url.expose()).map_err(failed)?;
                conn.batch_execute(
                    "SET TIME ZONE 'UTC'; SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '300s'",
                )
                .map_err(diesel::r2d2::Error::QueryError)?;
                Ok(Conn::Pg(conn))
            }
            Target::Sqlite { path } => open_sqlite(path, self.writes).map(Conn::Sqlite),
        }
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), Self::Error> {
        conn.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        use diesel::r2d2::R2D2Connection;
        std::thread::panicking() || conn.is_broken()
    }
}

fn open_sqlite(path: &Path, writes: bool) -> Result<SqliteConnection, diesel::r2d2::Error> {
    let mut conn =
        SqliteConnection::establish(&path.to_string_lossy()).map_err(diesel::r2d2::Error::ConnectionError)?;
    // FULL: a commit that was answered survives a power cut, too. Checkpoints run on a thread of their own, where
    // nobody waits for them.
    // Pages are read through the map; the cache holds what is being written, and what is still in the log.
    let cache_kib = if writes { 32_768 } else { 2_048 };
    let query_only = if writes { "OFF" } else { "ON" };
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 268435456; \
         PRAGMA cache_size = -{cache_kib}; PRAGMA query_only = {query_only};"
    ))
    .map_err(diesel::r2d2::Error::QueryError)?;
    Ok(conn)
}

#[derive(diesel::QueryableByName)]
struct Checkpointed {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    log: i32,
}

/// Moves the write-ahead log into the database in the background: it costs up to a second after a large import.
fn spawn_checkpoints(path: PathBuf, written: Arc<AtomicBool>, stopped: Arc<AtomicBool>) -> Result<(), DbError> {
    use diesel::RunQueryDsl;
    std::thread::Builder::new().name("checkpoints".to_owned()).spawn(move || {
        let mut conn = match open_sqlite(&path, true) {
            Ok(conn) => conn,
            Err(cause) => return tracing::error!(%cause, "no checkpoints: the log will grow"),
        };
        while !stopped.load(Ordering::Acquire) {
            std::thread::sleep(CHECKPOINT_EVERY);
            if !written.swap(false, Ordering::AcqRel) {
                continue;
            }
            let pages = diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result::<Checkpointed>(&mut conn);
            match pages {
                Ok(Checkpointed { log }) if log > LONG_LOG_PAGES => {
                    // Not worth waiting for readers: the next round tries again.
                    let shortened = conn.batch_execute("PRAGMA busy_timeout = 50; PRAGMA wal_checkpoint(TRUNCATE);");
                    if let Err(cause) = shortened {
                        tracing::debug!(%cause, "the log was in use");
                    }
                    written.store(true, Ordering::Release);
                }
                Ok(_) => {}
                Err(cause) => tracing::warn!(%cause, "checkpoint failed"),
            }
        }
    })?;
    Ok(())
}
