//! What people do with notifications.

use uuid::Uuid;

use super::model::Notification;
use super::repo::{self, NotificationFilter, Reader};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::ApiError;
use crate::base::ids::NotificationId;
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;

/// A notification, and whether the caller has read it since it last happened.
pub type Seen = (Notification, bool);

fn reader(caller: &Caller) -> Result<Reader<'_>, ApiError> {
    caller.require(Permission::Read)?;
    let id = caller.actor.uuid().unwrap_or(Uuid::nil());
    Ok(Reader { organization: caller.organization, scope: &caller.products, id })
}

/// Notifications, the newest first.
///
/// # Errors
/// `Forbidden`.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    filter: NotificationFilter,
    window: &Window<NotificationId>,
) -> Result<Vec<Seen>, ApiError> {
    let reader = reader(caller)?;
    let rows = repo::list(conn, reader, filter, window)?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let read = repo::read_of(conn, reader, &ids)?;
    Ok(rows.into_iter().map(|row| (read.contains(&row.id), row)).map(|(is_read, row)| (row, is_read)).collect())
}

/// How many the caller has not read since they last happened.
///
/// # Errors
/// `Forbidden`.
pub fn count_unread(conn: &mut Conn, caller: &Caller) -> Result<i64, ApiError> {
    Ok(repo::count(conn, reader(caller)?, NotificationFilter { unread: true, open: false })?)
}

/// One notification.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, id: NotificationId) -> Result<Seen, ApiError> {
    let reader = reader(caller)?;
    let row = repo::find(conn, reader, id)?.ok_or_else(|| ApiError::not_found("notification", id))?;
    let is_read = repo::read_of(conn, reader, &[id])?.contains(&id);
    Ok((row, is_read))
}

/// Marks one as read.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn mark_read(conn: &mut Conn, caller: &Caller, id: NotificationId, now: UtcTime) -> Result<(), ApiError> {
    get(conn, caller, id)?;
    Ok(repo::mark_read(conn, reader(caller)?, &[id], now)?)
}

/// Marks all as read.
///
/// # Errors
/// `Forbidden`.
pub fn mark_all_read(conn: &mut Conn, caller: &Caller, now: UtcTime) -> Result<(), ApiError> {
    let reader = reader(caller)?;
    let unread = repo::unread_ids(conn, reader)?;
    Ok(repo::mark_read(conn, reader, &unread, now)?)
}
