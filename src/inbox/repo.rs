//! The questions to the inbox.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use super::model::Delivery;
use crate::base::ids::{ConnectionId, DeliveryId, OrganizationId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::webhook_inbox;
use crate::on_backend;

/// Rows of one statement: SQLite takes 32,766 values.
const CHUNK: usize = 1_000;

/// A connection with deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Waiting {
    /// The organization.
    pub organization: OrganizationId,
    /// The connection.
    pub connection: ConnectionId,
}

/// Adds deliveries.
pub fn append(conn: &mut Conn, deliveries: &[Delivery]) -> QueryResult<()> {
    for chunk in deliveries.chunks(CHUNK) {
        on_backend!(conn, |conn| diesel::insert_into(webhook_inbox::table).values(chunk).execute(conn))?;
    }
    Ok(())
}

/// The connections with deliveries that are due. One index look-up per connection, however many deliveries wait.
pub fn waiting(conn: &mut Conn, now: UtcTime) -> QueryResult<Vec<Waiting>> {
    let (mut found, mut after) = (Vec::new(), None::<ConnectionId>);
    loop {
        let mut next = webhook_inbox::table
            .select((webhook_inbox::organization_id, webhook_inbox::connection_id))
            .order(webhook_inbox::connection_id)
            .into_boxed();
        if let Some(after) = after {
            next = next.filter(webhook_inbox::connection_id.gt(after));
        }
        let Some(waiting) = next.first::<Waiting>(conn).optional()? else { return Ok(found) };
        let due = webhook_inbox::table
            .filter(webhook_inbox::connection_id.eq(waiting.connection).and(webhook_inbox::due_at.le(now)));
        if diesel::select(diesel::dsl::exists(due)).get_result(conn)? {
            found.push(waiting);
        }
        after = Some(waiting.connection);
    }
}

/// Takes up to `most` deliveries of a connection that are due, the oldest first, until `lease_ends`.
pub fn claim(
    conn: &mut Conn,
    connection: ConnectionId,
    most: i64,
    lease_ends: UtcTime,
    now: UtcTime,
) -> QueryResult<Vec<Delivery>> {
    let lock = if conn.is_sqlite() { "" } else { "FOR UPDATE SKIP LOCKED" };
    let mut taken: Vec<Delivery> = diesel::sql_query(format!(
        "WITH due AS MATERIALIZED (SELECT id FROM webhook_inbox WHERE connection_id = $1 AND due_at <= $2 \
         ORDER BY due_at, id LIMIT $3 {lock}) \
         UPDATE webhook_inbox SET due_at = $4 WHERE id IN (SELECT id FROM due) RETURNING *"
    ))
    .bind::<Binary, _>(connection)
    .bind::<BigInt, _>(now)
    .bind::<BigInt, _>(most)
    .bind::<BigInt, _>(lease_ends)
    .load(conn)?;
    taken.sort_unstable_by_key(|delivery| delivery.id);
    Ok(taken)
}

/// Removes deliveries that were worked off.
pub fn remove(conn: &mut Conn, ids: &[DeliveryId]) -> QueryResult<()> {
    diesel::delete(webhook_inbox::table.filter(webhook_inbox::id.eq_any(ids.to_vec()))).execute(conn)?;
    Ok(())
}

/// Leaves deliveries for later.
pub fn postpone(conn: &mut Conn, ids: &[DeliveryId], until: UtcTime) -> QueryResult<()> {
    diesel::update(webhook_inbox::table.filter(webhook_inbox::id.eq_any(ids.to_vec())))
        .set(webhook_inbox::due_at.eq(until))
        .execute(conn)?;
    Ok(())
}

/// Ends all leases: whoever had them is dead.
pub fn end_leases(conn: &mut Conn, now: UtcTime) -> QueryResult<()> {
    diesel::update(webhook_inbox::table.filter(webhook_inbox::due_at.gt(now)))
        .set(webhook_inbox::due_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Whether `most` deliveries or more of these connections wait.
pub fn is_full(conn: &mut Conn, connections: &[ConnectionId], most: i64) -> QueryResult<bool> {
    let last: Option<DeliveryId> = webhook_inbox::table
        .filter(webhook_inbox::connection_id.eq_any(connections.to_vec()))
        .select(webhook_inbox::id)
        .offset(most - 1)
        .limit(1)
        .get_result(conn)
        .optional()?;
    Ok(last.is_some())
}

/// How many deliveries of a connection wait, and since when the oldest does.
pub fn backlog(conn: &mut Conn, connection: ConnectionId) -> QueryResult<(i64, Option<UtcTime>)> {
    webhook_inbox::table
        .filter(webhook_inbox::connection_id.eq(connection))
        .select((diesel::dsl::count_star(), diesel::dsl::min(webhook_inbox::received_at)))
        .first(conn)
}
