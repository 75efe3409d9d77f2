//! One connection type for both databases.

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::{PgConnection, QueryResult, SqliteConnection};

/// A connection to either database. Queries written against it serve both; where the two differ, match on it or use
/// [`on_backend!`](crate::on_backend).
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL, where several instances share the work.
    Pg(PgConnection),
    /// The embedded database.
    Sqlite(SqliteConnection),
}

impl Conn {
    /// Is this the embedded database?
    #[must_use]
    pub const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Begins a transaction that will write. On SQLite it takes the write lock at once: a reader that turns writer
    /// could not wait for it.
    pub(super) fn begin_write(&mut self) -> QueryResult<()> {
        match self {
            Self::Pg(conn) => AnsiTransactionManager::begin_transaction(conn),
            Self::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
        }
    }

    pub(super) fn commit(&mut self) -> QueryResult<()> {
        match self {
            Self::Pg(conn) => AnsiTransactionManager::commit_transaction(conn),
            Self::Sqlite(conn) => AnsiTransactionManager::commit_transaction(conn),
        }
    }

    pub(super) fn rollback(&mut self) -> QueryResult<()> {
        match self {
            Self::Pg(conn) => AnsiTransactionManager::rollback_transaction(conn),
            Self::Sqlite(conn) => AnsiTransactionManager::rollback_transaction(conn),
        }
    }
}

/// Runs the same query on the concrete connection: for what the combined one cannot express (slice inserts,
/// `ON CONFLICT`). The body is written once and compiled per database.
#[macro_export]
macro_rules! on_backend {
    ($conn:expr, |$concrete:ident| $body:expr) => {
        match $conn {
            $crate::db::conn::Conn::Pg($concrete) => $body,
            $crate::db::conn::Conn::Sqlite($concrete) => $body,
        }
    };
}
