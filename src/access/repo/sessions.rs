//! Sessions: one row per login.

use diesel::prelude::*;

use crate::access::model::Session;
use crate::base::ids::{SessionId, UserId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::sessions;

/// Begins a session.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, session: &Session) -> QueryResult<usize> {
    diesel::insert_into(sessions::table).values(session).execute(conn)
}

/// The session with that id that has not expired.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, id: SessionId, now: UtcTime) -> QueryResult<Option<Session>> {
    sessions::table.find(id).filter(sessions::expires_at.gt(now)).select(Session::as_select()).first(conn).optional()
}

/// Puts a new refresh token in the place of the old one. False when the old one is not the newest.
///
/// # Errors
/// The database's.
pub fn replace(conn: &mut Conn, id: SessionId, old_hash: &[u8], new_hash: &[u8]) -> QueryResult<bool> {
    let changed = diesel::update(sessions::table.find(id))
        .filter(sessions::refresh_hash.eq(old_hash))
        .set(sessions::refresh_hash.eq(new_hash))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Ends a session.
///
/// # Errors
/// The database's.
pub fn delete(conn: &mut Conn, id: SessionId) -> QueryResult<usize> {
    diesel::delete(sessions::table.find(id)).execute(conn)
}

/// Ends all sessions of a user, but perhaps one.
///
/// # Errors
/// The database's.
pub fn delete_others(conn: &mut Conn, user: UserId, kept: Option<SessionId>) -> QueryResult<usize> {
    let of_user = sessions::table.filter(sessions::user_id.eq(user));
    match kept {
        Some(kept) => diesel::delete(of_user.filter(sessions::id.ne(kept))).execute(conn),
        None => diesel::delete(of_user).execute(conn),
    }
}

/// Deletes what has expired.
///
/// # Errors
/// The database's.
pub fn delete_expired(conn: &mut Conn, now: UtcTime) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::expires_at.le(now))).execute(conn)
}
