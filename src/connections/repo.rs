//! The questions to the connections.

use diesel::prelude::*;

use super::model::Connection;
use crate::base::ids::{ConnectionId, OrganizationId};
use crate::base::page::Window;
use crate::base::tracker_kind::TrackerKind;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::tracker_connections;

/// A connection.
pub fn find(conn: &mut Conn, organization: OrganizationId, id: ConnectionId) -> QueryResult<Option<Connection>> {
    tracker_connections::table.find((organization, id)).select(Connection::as_select()).first(conn).optional()
}

/// Connections of these kinds (all if none is named) by their label.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    kinds: &[TrackerKind],
    window: &Window<String>,
) -> QueryResult<Vec<Connection>> {
    let mut query = tracker_connections::table
        .filter(tracker_connections::organization_id.eq(organization))
        .select(Connection::as_select())
        .into_boxed::<MultiBackend>();
    if !kinds.is_empty() {
        query = query.filter(tracker_connections::kind.eq_any(kinds.to_vec()));
    }
    if let Some(after) = &window.after {
        query = query.filter(tracker_connections::label.gt(after.clone()));
    }
    query.order(tracker_connections::label).limit(window.fetch()).load(conn)
}

/// Adds a connection.
pub fn insert(conn: &mut Conn, connection: &Connection) -> QueryResult<()> {
    diesel::insert_into(tracker_connections::table).values(connection).execute(conn)?;
    Ok(())
}

/// Stores a changed connection whose version was `read`. False when somebody else changed it since.
pub fn save(conn: &mut Conn, connection: &Connection, read: i64) -> QueryResult<bool> {
    let row = tracker_connections::table.find((connection.organization_id, connection.id));
    Ok(diesel::update(row.filter(tracker_connections::version.eq(read))).set(connection).execute(conn)? > 0)
}

/// Removes a connection; its budget goes with it.
pub fn delete(conn: &mut Conn, organization: OrganizationId, id: ConnectionId) -> QueryResult<()> {
    diesel::delete(tracker_connections::table.find((organization, id))).execute(conn)?;
    Ok(())
}
