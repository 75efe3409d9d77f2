//! Users.

use diesel::prelude::*;

use crate::access::model::User;
use crate::base::ids::UserId;
use crate::base::page::Window;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::users;

/// Locks the set of superusers against other instances; any number that all agree on.
const SUPERUSERS_LOCK: i64 = 0x7061_7463_6861_646d;

/// Adds a user.
///
/// # Errors
/// The database's: a unique violation when the e-mail address is taken.
pub fn insert(conn: &mut Conn, user: &User) -> QueryResult<usize> {
    diesel::insert_into(users::table).values(user).execute(conn)
}

/// The user with that id.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, id: UserId) -> QueryResult<Option<User>> {
    users::table.find(id).select(User::as_select()).first(conn).optional()
}

/// The user with that e-mail address, in lower case.
///
/// # Errors
/// The database's.
pub fn find_by_email(conn: &mut Conn, email: &str) -> QueryResult<Option<User>> {
    users::table.filter(users::email.eq(email)).select(User::as_select()).first(conn).optional()
}

/// A page of all users, in the order of their making.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut Conn, window: &Window<UserId>) -> QueryResult<Vec<User>> {
    let mut query = users::table.select(User::as_select()).into_boxed::<MultiBackend>();
    if let Some(after) = window.after {
        query = query.filter(users::id.gt(after));
    }
    query.order(users::id).limit(window.fetch()).load(conn)
}

/// Writes the changed fields of a version that was read. False when another was faster.
///
/// # Errors
/// The database's.
pub fn update(conn: &mut Conn, changed: &User) -> QueryResult<bool> {
    let rows = diesel::update(users::table.find(changed.id))
        .filter(users::version.eq(changed.version - 1))
        .set((
            users::name.eq(&changed.name),
            users::password_hash.eq(&changed.password_hash),
            users::is_superuser.eq(changed.is_superuser),
            users::is_active.eq(changed.is_active),
            users::version.eq(changed.version),
        ))
        .execute(conn)?;
    Ok(rows == 1)
}

/// How many superusers can log in.
///
/// # Errors
/// The database's.
pub fn count_superusers(conn: &mut Conn) -> QueryResult<i64> {
    users::table.filter(users::is_superuser.eq(true).and(users::is_active.eq(true))).count().get_result(conn)
}

/// Lets transactions that make or unmake superusers pass one by one. SQLite has one writer anyway.
///
/// # Errors
/// The database's.
pub fn lock_superusers(conn: &mut Conn) -> QueryResult<()> {
    if let Conn::Pg(conn) = conn {
        diesel::sql_query(format!("SELECT pg_advisory_xact_lock({SUPERUSERS_LOCK})")).execute(conn)?;
    }
    Ok(())
}

/// How many users there are.
///
/// # Errors
/// The database's.
pub fn count(conn: &mut Conn) -> QueryResult<i64> {
    users::table.count().get_result(conn)
}
