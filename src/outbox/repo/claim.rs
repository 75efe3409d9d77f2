//! Taking jobs: by connection, within its budget.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use super::budget::charge;
use crate::base::ids::{ConnectionId, LeaseToken, OrganizationId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::{connection_budgets, sync_jobs};
use crate::outbox::model::{ConnectionBudget, JobState, SyncJob};

/// A connection may be used when nothing stops it: the organization, a person, or the tracker itself. The table of
/// connections belongs to a room above; the claim must judge all switches and take the jobs in one transaction.
const USABLE: &str = "FROM connection_budgets b \
    JOIN tracker_connections c ON c.organization_id = b.organization_id AND c.id = b.connection_id \
    JOIN organizations o ON o.id = b.organization_id \
    WHERE b.paused_at IS NULL AND c.is_enabled = TRUE AND o.tracker_traffic_stopped = FALSE";

/// A connection with jobs that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, QueryableByName)]
pub struct ReadyConnection {
    /// The organization.
    #[diesel(sql_type = Binary)]
    pub organization_id: OrganizationId,
    /// The connection.
    #[diesel(sql_type = Binary)]
    pub connection_id: ConnectionId,
}

/// The connections that may be used and have jobs due. One index look-up per connection, however long the queues are.
pub fn ready(conn: &mut Conn, now: UtcTime) -> QueryResult<Vec<ReadyConnection>> {
    diesel::sql_query(format!(
        "SELECT b.organization_id, b.connection_id {USABLE} AND EXISTS (SELECT 1 FROM sync_jobs j \
         WHERE j.connection_id = b.connection_id AND j.state IN ('queued', 'leased') AND j.due_at <= $1) \
         ORDER BY b.connection_id"
    ))
    .bind::<BigInt, _>(now)
    .load(conn)
}

/// Takes up to `most` jobs of a connection that are due, as far as its budget of calls and of jobs at a time allows.
/// Each costs one call of the budget until it is settled. Whoever locks the budget first claims; the other gets none.
pub fn claim(
    conn: &mut Conn,
    of: ReadyConnection,
    most: i64,
    lease: Duration,
    now: UtcTime,
) -> QueryResult<Vec<SyncJob>> {
    if !lock_usable(conn, of)? {
        return Ok(Vec::new());
    }
    let budget = connection_budgets::table
        .find((of.organization_id, of.connection_id))
        .select(ConnectionBudget::as_select())
        .first(conn)?;
    let leased: i64 = sync_jobs::table
        .filter(sync_jobs::connection_id.eq(of.connection_id))
        .filter(sync_jobs::state.eq(JobState::Leased).and(sync_jobs::due_at.gt(now)))
        .count()
        .get_result(conn)?;
    let count = budget.free(leased, now).min(most);
    if count == 0 {
        return Ok(Vec::new());
    }
    let jobs = take(conn, of, count, lease, now)?;
    let taken = i64::try_from(jobs.len()).unwrap_or(count);
    charge(conn, of.organization_id, of.connection_id, taken, now)?;
    Ok(jobs)
}

fn lock_usable(conn: &mut Conn, of: ReadyConnection) -> QueryResult<bool> {
    let lock = if conn.is_sqlite() { "" } else { "FOR UPDATE OF b SKIP LOCKED" };
    let locked: Vec<ReadyConnection> = diesel::sql_query(format!(
        "SELECT b.organization_id, b.connection_id {USABLE} AND b.organization_id = $1 AND b.connection_id = $2 {lock}"
    ))
    .bind::<Binary, _>(of.organization_id)
    .bind::<Binary, _>(of.connection_id)
    .load(conn)?;
    Ok(!locked.is_empty())
}

fn take(conn: &mut Conn, of: ReadyConnection, count: i64, lease: Duration, now: UtcTime) -> QueryResult<Vec<SyncJob>> {
    let lock = if conn.is_sqlite() { "" } else { "FOR UPDATE SKIP LOCKED" };
    // Materialized: PostgreSQL may run a locking subquery once per row, and then its limit limits nothing.
    diesel::sql_query(format!(
        "WITH due AS MATERIALIZED (SELECT id FROM sync_jobs WHERE connection_id = $1 \
         AND state IN ('queued', 'leased') AND due_at <= $2 ORDER BY due_at, id LIMIT $3 {lock}) \
         UPDATE sync_jobs SET state = 'leased', due_at = $4, lease_token = $5, attempts = attempts + 1 \
         WHERE organization_id = $6 AND id IN (SELECT id FROM due) RETURNING *"
    ))
    .bind::<Binary, _>(of.connection_id)
    .bind::<BigInt, _>(now)
    .bind::<BigInt, _>(count)
    .bind::<BigInt, _>(now.plus(lease))
    .bind::<Binary, _>(LeaseToken::generate())
    .bind::<Binary, _>(of.organization_id)
    .load(conn)
}
