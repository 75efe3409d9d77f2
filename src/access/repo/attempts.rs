//! Counters of logins, each over a window of time.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::login_attempts;

/// A counter after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, QueryableByName)]
pub struct Counter {
    /// The attempts in its window, this one included.
    #[diesel(sql_type = BigInt)]
    pub attempts: i64,
    /// When it starts anew.
    #[diesel(sql_type = BigInt)]
    pub window_ends_at: UtcTime,
}

/// Counts an attempt. A window that is over starts anew and ends at `new_window_ends_at`.
///
/// # Errors
/// The database's.
pub fn count(conn: &mut Conn, key: &str, now: UtcTime, new_window_ends_at: UtcTime) -> QueryResult<Counter> {
    // SQLite numbers parameters by their first appearance, whatever they are called.
    diesel::sql_query(
        "INSERT INTO login_attempts (attempt_key, attempts, window_ends_at) VALUES ($1, 1, $2) \
         ON CONFLICT (attempt_key) DO UPDATE SET \
         attempts = CASE WHEN login_attempts.window_ends_at <= $3 THEN 1 ELSE login_attempts.attempts + 1 END, \
         window_ends_at = CASE WHEN login_attempts.window_ends_at <= $3 THEN $2 ELSE login_attempts.window_ends_at END \
         RETURNING attempts, window_ends_at",
    )
    .bind::<Text, _>(key)
    .bind::<BigInt, _>(new_window_ends_at)
    .bind::<BigInt, _>(now)
    .get_result(conn)
}

/// A counter, whether its window is over or not.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, key: &str) -> QueryResult<Option<Counter>> {
    login_attempts::table
        .find(key)
        .select((login_attempts::attempts, login_attempts::window_ends_at))
        .first(conn)
        .optional()
}

/// Takes an attempt back that turned out to be right.
///
/// # Errors
/// The database's.
pub fn take_back(conn: &mut Conn, key: &str) -> QueryResult<usize> {
    diesel::update(login_attempts::table.filter(login_attempts::attempt_key.eq(key)))
        .filter(login_attempts::attempts.gt(0))
        .set(login_attempts::attempts.eq(login_attempts::attempts - 1))
        .execute(conn)
}

/// Forgets a counter.
///
/// # Errors
/// The database's.
pub fn forget(conn: &mut Conn, key: &str) -> QueryResult<usize> {
    diesel::delete(login_attempts::table.find(key)).execute(conn)
}

/// Is there a counter whose window is not over?
///
/// # Errors
/// The database's.
pub fn is_open(conn: &mut Conn, key: &str, now: UtcTime) -> QueryResult<bool> {
    let open = login_attempts::table.find(key).filter(login_attempts::window_ends_at.gt(now));
    diesel::select(diesel::dsl::exists(open)).get_result(conn)
}

/// Deletes the counters whose windows are over.
///
/// # Errors
/// The database's.
pub fn delete_ended(conn: &mut Conn, now: UtcTime) -> QueryResult<usize> {
    diesel::delete(login_attempts::table.filter(login_attempts::window_ends_at.le(now))).execute(conn)
}
