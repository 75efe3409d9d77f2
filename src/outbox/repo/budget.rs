//! How much each connection takes, and how it does.

use diesel::prelude::*;

use crate::base::ids::{ConnectionId, OrganizationId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::connection_budgets::{self, dsl};
use crate::outbox::model::ConnectionBudget;
use crate::outbox::rate::Rate;

/// Gives a new connection its budget.
pub fn add_budget(conn: &mut Conn, budget: &ConnectionBudget) -> QueryResult<()> {
    diesel::insert_into(connection_budgets::table).values(budget).execute(conn)?;
    Ok(())
}

/// The budget of a connection.
pub fn budget(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
) -> QueryResult<Option<ConnectionBudget>> {
    connection_budgets::table
        .find((organization, connection))
        .select(ConnectionBudget::as_select())
        .first(conn)
        .optional()
}

/// Changes the rate of a connection; what was spent stays spent.
pub fn set_rate(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    rate: Rate,
) -> QueryResult<()> {
    diesel::update(connection_budgets::table.find((organization, connection)))
        .set((
            dsl::interval_micros.eq(rate.interval_micros),
            dsl::burst_micros.eq(rate.burst_micros),
            dsl::max_leases.eq(rate.max_leases),
        ))
        .execute(conn)?;
    Ok(())
}

/// Counts so many calls; a negative number gives back what was not used.
pub fn charge(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    calls: i64,
    now: UtcTime,
) -> QueryResult<()> {
    move_arrival(conn, organization, connection, |budget| budget.rate().after(budget.arrival_at, calls, now))
}

/// Lets nothing pass before `until`.
pub fn close_until(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    until: UtcTime,
) -> QueryResult<()> {
    move_arrival(conn, organization, connection, |budget| budget.rate().closed_until(budget.arrival_at, until))
}

/// Reads and writes in one breath: SQLite has one writer, and on PostgreSQL the first statement locks the row.
fn move_arrival(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    arrival: impl FnOnce(&ConnectionBudget) -> UtcTime,
) -> QueryResult<()> {
    let row = connection_budgets::table.find((organization, connection));
    let locked = diesel::update(row).set(dsl::max_leases.eq(dsl::max_leases)).execute(conn)?;
    if locked == 0 {
        return Ok(());
    }
    let budget = row.select(ConnectionBudget::as_select()).first(conn)?;
    diesel::update(row).set(dsl::arrival_at.eq(arrival(&budget))).execute(conn)?;
    Ok(())
}

/// Notes a call that worked.
pub fn note_success(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    now: UtcTime,
) -> QueryResult<()> {
    diesel::update(connection_budgets::table.find((organization, connection)))
        .set(dsl::last_success_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Notes a call that failed. A success of the same moment does not hide it.
pub fn note_failure(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    error: &str,
    now: UtcTime,
) -> QueryResult<()> {
    diesel::update(connection_budgets::table.find((organization, connection)))
        .set((dsl::last_error.eq(error), dsl::last_error_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Stops a connection whose account the tracker refuses. False when it was stopped already.
pub fn pause(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    reason: &str,
    now: UtcTime,
) -> QueryResult<bool> {
    let running = connection_budgets::table.find((organization, connection)).filter(dsl::paused_at.is_null());
    let paused = diesel::update(running).set((dsl::paused_at.eq(now), dsl::paused_reason.eq(reason))).execute(conn)?;
    Ok(paused > 0)
}

/// Lets a stopped connection go on. False when it was not stopped.
pub fn resume(conn: &mut Conn, organization: OrganizationId, connection: ConnectionId) -> QueryResult<bool> {
    let paused = connection_budgets::table.find((organization, connection)).filter(dsl::paused_at.is_not_null());
    let resumed = diesel::update(paused)
        .set((dsl::paused_at.eq(None::<UtcTime>), dsl::paused_reason.eq(None::<String>)))
        .execute(conn)?;
    Ok(resumed > 0)
}
