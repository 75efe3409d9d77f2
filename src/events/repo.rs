//! Writing events, giving them positions, reading them.

use std::time::Duration;

use diesel::dsl::{exists, max};
use diesel::prelude::*;
use diesel::select;
use diesel::sql_types::BigInt;

use super::model::{Change, Event};
use crate::base::error::ApiError;
use crate::base::ids::{EventId, OrganizationId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::events;
use crate::on_backend;

/// How long events are kept for those who come back.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Rows of one statement: SQLite takes 32,766 values.
const CHUNK: usize = 1_000;
/// Events that get their positions at a time.
const NUMBERED: i64 = 1_000;
/// Any number: all instances on one PostgreSQL database agree on it.
const ADVISORY_LOCK: i64 = 0x7061_7463_6865_7674;

/// Writes that things have changed, in the transaction of their change; each once.
pub fn record(conn: &mut Conn, organization: OrganizationId, changes: &[Change], now: UtcTime) -> QueryResult<()> {
    let mut changes = changes.to_vec();
    changes.sort_unstable();
    changes.dedup();
    let event = |change: Change| Event {
        organization_id: organization,
        id: EventId::generate(),
        position: None,
        kind: change.kind,
        action: change.action,
        subject_id: change.subject.as_bytes().to_vec(),
        product_id: change.product,
        at: now,
    };
    let rows: Vec<Event> = changes.into_iter().map(event).collect();
    for chunk in rows.chunks(CHUNK) {
        on_backend!(conn, |conn| diesel::insert_into(events::table).values(chunk).execute(conn))?;
    }
    Ok(())
}

/// Whether there are events without a position.
pub fn has_unnumbered(conn: &mut Conn) -> QueryResult<bool> {
    select(exists(events::table.filter(events::position.is_null()))).get_result(conn)
}

/// Gives events their positions. One instance at a time does, until its transaction ends: so a position that is seen is
/// higher than all that were seen before.
pub fn number(conn: &mut Conn, now: UtcTime) -> QueryResult<usize> {
    if !conn.is_sqlite() {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(ADVISORY_LOCK).execute(conn)?;
    }
    // Times in place of a counter: they go on when no event is left to count from.
    let last = newest(conn)?.max(now.as_micros());
    diesel::sql_query(
        "UPDATE events SET position = $1 + fresh.place FROM ( \
            SELECT organization_id, id, row_number() OVER (ORDER BY id) AS place FROM ( \
                SELECT organization_id, id FROM events WHERE position IS NULL ORDER BY id LIMIT $2) AS oldest \
         ) AS fresh WHERE events.organization_id = fresh.organization_id AND events.id = fresh.id",
    )
    .bind::<BigInt, _>(last)
    .bind::<BigInt, _>(NUMBERED)
    .execute(conn)
}

/// The highest position; 0 without any.
pub fn newest(conn: &mut Conn) -> QueryResult<i64> {
    let newest: Option<i64> = events::table.select(max(events::position)).first(conn)?;
    Ok(newest.unwrap_or(0))
}

/// Events of all organizations behind a position, in order.
pub fn behind(conn: &mut Conn, position: i64, limit: i64) -> QueryResult<Vec<Event>> {
    events::table
        .filter(events::position.gt(position))
        .order(events::position)
        .limit(limit)
        .select(Event::as_select())
        .load(conn)
}

/// Events of an organization behind a position, in order.
pub fn of_organization(
    conn: &mut Conn,
    organization: OrganizationId,
    position: i64,
    limit: i64,
) -> QueryResult<Vec<Event>> {
    events::table
        .filter(events::organization_id.eq(organization).and(events::position.gt(position)))
        .order(events::position)
        .limit(limit)
        .select(Event::as_select())
        .load(conn)
}

/// Forgets old events.
///
/// # Errors
/// A fault of the database.
pub fn sweep(conn: &mut Conn, now: UtcTime) -> Result<(), ApiError> {
    let before = now.minus(KEPT);
    diesel::delete(events::table.filter(events::position.lt(before.as_micros()))).execute(conn)?;
    let unseen = events::position.is_null().and(events::at.lt(before));
    diesel::delete(events::table.filter(unseen)).execute(conn)?;
    Ok(())
}
