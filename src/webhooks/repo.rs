//! The questions to the webhooks, and to the tickets that they are about.

use diesel::prelude::*;

use super::model::{KindSeen, Outcome, Status, StatusSeen, Webhook, WorkedOff};
use crate::base::ids::{ConnectionId, DeliveryId, OrganizationId, TicketId};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::base::tracker_kind::TrackerKind;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{
    organizations, tickets, tracker_connections, tracker_webhooks, webhook_deliveries, webhook_kinds, webhook_statuses,
    webhook_tickets,
};
use crate::on_backend;
use crate::tickets::model::Ticket;

/// The webhook of a connection, if somebody has set it up.
pub fn find(conn: &mut Conn, organization: OrganizationId, connection: ConnectionId) -> QueryResult<Option<Webhook>> {
    tracker_webhooks::table.find((organization, connection)).select(Webhook::as_select()).first(conn).optional()
}

/// A webhook that may get deliveries.
#[derive(Debug, Clone, Queryable)]
pub struct Receiving {
    /// The webhook.
    pub webhook: Webhook,
    /// Its tracker.
    pub kind: TrackerKind,
    /// The switch of its connection: off, it holds what comes.
    is_enabled: bool,
    /// The switch of its organization: on, it holds what comes.
    is_stopped: bool,
}

impl Receiving {
    /// Whether a switch holds what comes.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.is_stopped || !self.is_enabled
    }
}

/// The webhook of a connection of whatever organization.
pub fn of_connection(conn: &mut Conn, connection: ConnectionId) -> QueryResult<Option<Receiving>> {
    tracker_webhooks::table
        .inner_join(
            tracker_connections::table.on(tracker_connections::organization_id
                .eq(tracker_webhooks::organization_id)
                .and(tracker_connections::id.eq(tracker_webhooks::connection_id))),
        )
        .inner_join(organizations::table.on(organizations::id.eq(tracker_webhooks::organization_id)))
        .filter(tracker_webhooks::connection_id.eq(connection))
        .select((
            Webhook::as_select(),
            tracker_connections::kind,
            tracker_connections::is_enabled,
            organizations::tracker_traffic_stopped,
        ))
        .first(conn)
        .optional()
}

/// The connections of an organization that have webhooks.
pub fn connections_of(conn: &mut Conn, organization: OrganizationId) -> QueryResult<Vec<ConnectionId>> {
    tracker_webhooks::table
        .filter(tracker_webhooks::organization_id.eq(organization))
        .select(tracker_webhooks::connection_id)
        .load(conn)
}

/// Stores a webhook that people changed and whose version was `read`; 0 for one that is not there yet. False when
/// somebody else was faster.
pub fn save(conn: &mut Conn, webhook: &Webhook, read: i64) -> QueryResult<bool> {
    if read == 0 {
        let inserted = on_backend!(conn, |conn| {
            diesel::insert_into(tracker_webhooks::table).values(webhook).on_conflict_do_nothing().execute(conn)
        })?;
        return Ok(inserted > 0);
    }
    let row = tracker_webhooks::table.find((webhook.organization_id, webhook.connection_id));
    Ok(diesel::update(row.filter(tracker_webhooks::version.eq(read))).set(webhook).execute(conn)? > 0)
}

/// Notes by which names the tracker calls our own account, or just that it was asked.
pub fn note_account(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    account_json: Option<String>,
    now: UtcTime,
) -> QueryResult<()> {
    let row = tracker_webhooks::table.find((organization, connection));
    diesel::update(row).set(tracker_webhooks::account_asked_at.eq(now)).execute(conn)?;
    if let Some(json) = account_json {
        diesel::update(row).set(tracker_webhooks::account_json.eq(json)).execute(conn)?;
    }
    Ok(())
}

/// The ticket that a tracker calls so: by its id, which survives a move, else by its key. Only one that stands for its
/// subject.
pub fn ticket(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    remote_id: Option<&str>,
    remote_key: Option<&str>,
) -> QueryResult<Option<Ticket>> {
    let standing = || {
        tickets::table
            .filter(tickets::organization_id.eq(organization).and(tickets::connection_id.eq(connection)))
            .filter(tickets::unlinked_at.is_null())
            .select(Ticket::as_select())
            .into_boxed::<MultiBackend>()
    };
    if let Some(id) = remote_id
        && let Some(found) = standing().filter(tickets::remote_id.eq(id)).first(conn).optional()?
    {
        return Ok(Some(found));
    }
    match remote_key {
        Some(key) => standing().filter(tickets::remote_key.eq(key)).first(conn).optional(),
        None => Ok(None),
    }
}

/// Notes that a delivery is worked off. False when it was before: then nothing more is to be done.
pub fn begin(conn: &mut Conn, delivery: &WorkedOff) -> QueryResult<bool> {
    let inserted = on_backend!(conn, |conn| {
        diesel::insert_into(webhook_deliveries::table).values(delivery).on_conflict_do_nothing().execute(conn)
    })?;
    Ok(inserted > 0)
}

/// Notes what came of a delivery.
pub fn end(conn: &mut Conn, delivery: &WorkedOff) -> QueryResult<()> {
    diesel::update(webhook_deliveries::table.find((delivery.organization_id, delivery.id)))
        .set((
            webhook_deliveries::outcome.eq(delivery.outcome),
            webhook_deliveries::effects_json.eq(&delivery.effects_json),
            webhook_deliveries::ticket_id.eq(delivery.ticket_id),
            webhook_deliveries::product_id.eq(delivery.product_id),
        ))
        .execute(conn)?;
    Ok(())
}

/// Which deliveries.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// With one of these outcomes; all if empty.
    pub outcomes: Vec<Outcome>,
}

/// What came of the deliveries of a connection, the newest first; those of products that the scope shows.
pub fn deliveries(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    scope: &ProductScope,
    filter: &DeliveryFilter,
    window: &Window<DeliveryId>,
) -> QueryResult<Vec<WorkedOff>> {
    let mut query = webhook_deliveries::table
        .filter(webhook_deliveries::organization_id.eq(organization))
        .filter(webhook_deliveries::connection_id.eq(connection))
        .select(WorkedOff::as_select())
        .into_boxed::<MultiBackend>();
    match scope {
        ProductScope::Except(hidden) if hidden.is_empty() => {}
        ProductScope::Except(_) => {
            let shown = webhook_deliveries::product_id.ne_all(scope.unseen()).assume_not_null();
            query = query.filter(webhook_deliveries::product_id.is_null().or(shown));
        }
        ProductScope::Only(product) => query = query.filter(webhook_deliveries::product_id.eq(*product)),
    }
    if !filter.outcomes.is_empty() {
        query = query.filter(webhook_deliveries::outcome.eq_any(filter.outcomes.clone()));
    }
    if let Some(after) = window.after {
        query = query.filter(webhook_deliveries::id.lt(after));
    }
    query.order(webhook_deliveries::id.desc()).limit(window.fetch()).load(conn)
}

/// The kinds of deliveries that came to a connection, by their name.
pub fn kinds(conn: &mut Conn, organization: OrganizationId, connection: ConnectionId) -> QueryResult<Vec<KindSeen>> {
    webhook_kinds::table
        .filter(webhook_kinds::organization_id.eq(organization).and(webhook_kinds::connection_id.eq(connection)))
        .order(webhook_kinds::event)
        .select(KindSeen::as_select())
        .load(conn)
}

/// Counts deliveries of a kind.
pub fn count_kind(conn: &mut Conn, seen: &KindSeen) -> QueryResult<()> {
    on_backend!(conn, |conn| {
        diesel::insert_into(webhook_kinds::table)
            .values(seen)
            .on_conflict((webhook_kinds::organization_id, webhook_kinds::connection_id, webhook_kinds::event))
            .do_update()
            .set((
                webhook_kinds::deliveries.eq(webhook_kinds::deliveries + seen.deliveries),
                webhook_kinds::last_at.eq(seen.last_at),
                webhook_kinds::is_known.eq(seen.is_known),
            ))
            .execute(conn)
    })?;
    Ok(())
}

/// The statuses that tickets of a connection were seen in, by their name.
pub fn statuses(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
) -> QueryResult<Vec<StatusSeen>> {
    webhook_statuses::table
        .filter(webhook_statuses::organization_id.eq(organization).and(webhook_statuses::connection_id.eq(connection)))
        .order(webhook_statuses::status)
        .select(StatusSeen::as_select())
        .load(conn)
}

/// Notes that a ticket was seen in a status.
pub fn note_status(conn: &mut Conn, seen: &StatusSeen) -> QueryResult<()> {
    on_backend!(conn, |conn| {
        diesel::insert_into(webhook_statuses::table)
            .values(seen)
            .on_conflict((webhook_statuses::organization_id, webhook_statuses::connection_id, webhook_statuses::status))
            .do_update()
            .set((webhook_statuses::last_at.eq(seen.last_at), webhook_statuses::is_done.eq(seen.is_done)))
            .execute(conn)
    })?;
    Ok(())
}

/// The newest that was heard of a ticket's status, and when it was said.
pub fn last_heard(
    conn: &mut Conn,
    organization: OrganizationId,
    ticket: TicketId,
) -> QueryResult<Option<(String, UtcTime)>> {
    webhook_tickets::table
        .find((organization, ticket))
        .select((webhook_tickets::status, webhook_tickets::said_at))
        .first(conn)
        .optional()
}

/// Keeps the newest that was heard of a ticket's status.
pub fn hear(
    conn: &mut Conn,
    organization: OrganizationId,
    ticket: TicketId,
    status: &Status,
    said_at: UtcTime,
) -> QueryResult<()> {
    let row = (
        webhook_tickets::organization_id.eq(organization),
        webhook_tickets::ticket_id.eq(ticket),
        webhook_tickets::status.eq(&status.name),
        webhook_tickets::said_at.eq(said_at),
    );
    on_backend!(conn, |conn| {
        diesel::insert_into(webhook_tickets::table)
            .values(row)
            .on_conflict((webhook_tickets::organization_id, webhook_tickets::ticket_id))
            .do_update()
            .set((webhook_tickets::status.eq(&status.name), webhook_tickets::said_at.eq(said_at)))
            .execute(conn)
    })?;
    Ok(())
}

/// Forgets what came of deliveries that are older than `before`, or of those that came to nothing, than `idle_before`.
pub fn forget(conn: &mut Conn, before: UtcTime, idle_before: UtcTime) -> QueryResult<usize> {
    let old = webhook_deliveries::received_at.lt(before);
    let idle = webhook_deliveries::ticket_id.is_null().and(webhook_deliveries::received_at.lt(idle_before));
    diesel::delete(webhook_deliveries::table.filter(old.or(idle))).execute(conn)
}

/// The connections with webhooks.
pub fn all(conn: &mut Conn) -> QueryResult<Vec<(OrganizationId, ConnectionId)>> {
    tracker_webhooks::table
        .select((tracker_webhooks::organization_id, tracker_webhooks::connection_id))
        .order(tracker_webhooks::connection_id)
        .load(conn)
}

/// Forgets all but the newest `most` deliveries of a connection.
pub fn keep_newest(
    conn: &mut Conn,
    (organization, connection): (OrganizationId, ConnectionId),
    most: i64,
) -> QueryResult<()> {
    let of_connection = || {
        webhook_deliveries::table
            .filter(webhook_deliveries::organization_id.eq(organization))
            .filter(webhook_deliveries::connection_id.eq(connection))
    };
    let last: Option<DeliveryId> = of_connection()
        .order(webhook_deliveries::id.desc())
        .offset(most)
        .limit(1)
        .select(webhook_deliveries::id)
        .first(conn)
        .optional()?;
    if let Some(last) = last {
        diesel::delete(of_connection().filter(webhook_deliveries::id.le(last))).execute(conn)?;
    }
    Ok(())
}
