//! The questions to the tickets.

use std::collections::{BTreeSet, HashSet};

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::select;

use super::model::{Phase, RemoteState, Ticket};
use crate::base::ids::{ConnectionId, IssueId, OrganizationId, ProductId, SubjectId, TicketId};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::tickets;
use crate::events;
use crate::events::model::{Change, EventAction, EventKind};
use crate::in_scope;
use crate::outbox::model::SubjectKind;

/// Values in one statement: SQLite takes 32,766.
const CHUNK: usize = 10_000;

/// Which tickets.
#[derive(Debug, Clone, Default)]
pub struct TicketFilter {
    /// Of this product.
    pub product: Option<ProductId>,
    /// Of this connection.
    pub connection: Option<ConnectionId>,
    /// In one of these phases; all if empty.
    pub phases: Vec<Phase>,
    /// With or without an error.
    pub failed: Option<bool>,
}

/// Tickets, the newest first.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &TicketFilter,
    window: &Window<TicketId>,
) -> QueryResult<Vec<Ticket>> {
    let mut query = tickets::table
        .filter(tickets::organization_id.eq(organization))
        .select(Ticket::as_select())
        .into_boxed::<MultiBackend>();
    query = in_scope!(query, scope, tickets::product_id);
    if let Some(product) = filter.product {
        query = query.filter(tickets::product_id.eq(product));
    }
    if let Some(connection) = filter.connection {
        query = query.filter(tickets::connection_id.eq(connection));
    }
    if !filter.phases.is_empty() {
        query = query.filter(tickets::phase.eq_any(filter.phases.clone()));
    }
    match filter.failed {
        Some(true) => query = query.filter(tickets::last_error.is_not_null()),
        Some(false) => query = query.filter(tickets::last_error.is_null()),
        None => {}
    }
    if let Some(after) = window.after {
        query = query.filter(tickets::id.lt(after));
    }
    query.order(tickets::id.desc()).limit(window.fetch()).load(conn)
}

/// A ticket, if there is one that the scope shows.
pub fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    id: TicketId,
) -> QueryResult<Option<Ticket>> {
    let query = tickets::table.find((organization, id)).select(Ticket::as_select()).into_boxed::<MultiBackend>();
    in_scope!(query, scope, tickets::product_id).first(conn).optional()
}

/// The ticket that stands for a subject in a connection now.
pub fn current(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    kind: SubjectKind,
    subject: SubjectId,
) -> QueryResult<Option<Ticket>> {
    tickets::table
        .filter(tickets::organization_id.eq(organization).and(tickets::connection_id.eq(connection)))
        .filter(tickets::subject_kind.eq(kind).and(tickets::subject_id.eq(subject)))
        .filter(tickets::unlinked_at.is_null())
        .select(Ticket::as_select())
        .first(conn)
        .optional()
}

/// A ticket, locked until the transaction ends.
pub fn lock(conn: &mut Conn, organization: OrganizationId, id: TicketId) -> QueryResult<Option<Ticket>> {
    let row = tickets::table.find((organization, id));
    // SQLite has one writer; on PostgreSQL this statement takes the lock.
    diesel::update(row).set(tickets::version.eq(tickets::version)).execute(conn)?;
    row.select(Ticket::as_select()).first(conn).optional()
}

/// All tickets that a subject has or had, the newest first.
pub fn of_subject(
    conn: &mut Conn,
    organization: OrganizationId,
    kind: SubjectKind,
    subject: SubjectId,
) -> QueryResult<Vec<Ticket>> {
    tickets::table
        .filter(tickets::subject_id.eq(subject))
        .filter(tickets::organization_id.eq(organization).and(tickets::subject_kind.eq(kind)))
        .order(tickets::id.desc())
        .select(Ticket::as_select())
        .load(conn)
}

/// Those of the subjects that have a ticket in a connection, or lost it without closing it.
pub fn with_ticket(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    kind: SubjectKind,
    subjects: &[SubjectId],
) -> QueryResult<HashSet<SubjectId>> {
    let mut found = HashSet::new();
    for chunk in subjects.chunks(CHUNK) {
        let rows: Vec<SubjectId> = tickets::table
            .filter(tickets::organization_id.eq(organization).and(tickets::connection_id.eq(connection)))
            .filter(tickets::subject_kind.eq(kind).and(tickets::unlinked_at.is_null()))
            .filter(tickets::subject_id.eq_any(chunk.to_vec()))
            .select(tickets::subject_id)
            .load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The tickets of a product in a connection that stand for their subjects now.
pub fn of_product(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    product: ProductId,
) -> QueryResult<Vec<Ticket>> {
    tickets::table
        .filter(tickets::organization_id.eq(organization).and(tickets::product_id.eq(product)))
        .filter(tickets::connection_id.eq(connection).and(tickets::unlinked_at.is_null()))
        .order(tickets::id)
        .select(Ticket::as_select())
        .load(conn)
}

/// The linked tickets of these subjects in a connection, the newest first.
pub fn linked_of(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    kind: SubjectKind,
    subjects: &[SubjectId],
) -> QueryResult<Vec<Ticket>> {
    tickets::table
        .filter(tickets::organization_id.eq(organization).and(tickets::connection_id.eq(connection)))
        .filter(tickets::subject_kind.eq(kind).and(tickets::unlinked_at.is_null()))
        .filter(tickets::subject_id.eq_any(subjects.to_vec()).and(tickets::phase.eq(Phase::Linked)))
        .order(tickets::id.desc())
        .select(Ticket::as_select())
        .load(conn)
}

/// The open tickets of these subjects in any connection, the oldest first.
pub fn open_of(
    conn: &mut Conn,
    organization: OrganizationId,
    kind: SubjectKind,
    subjects: &[SubjectId],
) -> QueryResult<Vec<Ticket>> {
    let linked: Vec<Ticket> = tickets::table
        .filter(tickets::subject_id.eq_any(subjects.to_vec()).and(tickets::organization_id.eq(organization)))
        .filter(tickets::subject_kind.eq(kind).and(tickets::unlinked_at.is_null()))
        .filter(tickets::phase.eq(Phase::Linked))
        .order(tickets::id)
        .select(Ticket::as_select())
        .load(conn)?;
    Ok(linked.into_iter().filter(Ticket::is_open).collect())
}

/// Those of the issues that a ticket stands for now, in any connection, with where it is.
pub fn of_issues(
    conn: &mut Conn,
    organization: OrganizationId,
    issues: &[IssueId],
) -> QueryResult<Vec<(IssueId, ConnectionId, ProductId)>> {
    let mut found = Vec::new();
    for chunk in issues.chunks(CHUNK) {
        let subjects: Vec<SubjectId> = chunk.iter().copied().map(SubjectId::from).collect();
        let rows: Vec<(SubjectId, ConnectionId, ProductId)> = tickets::table
            .filter(tickets::subject_id.eq_any(subjects).and(tickets::organization_id.eq(organization)))
            .filter(tickets::subject_kind.eq(SubjectKind::Issue).and(tickets::unlinked_at.is_null()))
            .select((tickets::subject_id, tickets::connection_id, tickets::product_id))
            .load(conn)?;
        found.extend(rows.into_iter().map(|(id, connection, product)| (IssueId(id.0), connection, product)));
    }
    Ok(found)
}

/// Whether a product has tickets in a connection.
pub fn product_has_tickets(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    product: ProductId,
) -> QueryResult<bool> {
    let tickets = tickets::table
        .filter(tickets::organization_id.eq(organization).and(tickets::product_id.eq(product)))
        .filter(tickets::connection_id.eq(connection).and(tickets::unlinked_at.is_null()));
    select(exists(tickets)).get_result(conn)
}

/// Whether a connection has tickets.
pub fn connection_has_tickets(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
) -> QueryResult<bool> {
    let tickets = tickets::table
        .filter(tickets::organization_id.eq(organization).and(tickets::connection_id.eq(connection)))
        .filter(tickets::unlinked_at.is_null());
    select(exists(tickets)).get_result(conn)
}

/// Adds a ticket.
pub fn insert(conn: &mut Conn, ticket: &Ticket) -> QueryResult<()> {
    diesel::insert_into(tickets::table).values(ticket).execute(conn)?;
    tell(conn, ticket, EventAction::Created, ticket.created_at)
}

/// Stores a changed ticket and counts its version up. False when somebody else changed it since it was read.
pub fn save(conn: &mut Conn, ticket: &mut Ticket, now: UtcTime) -> QueryResult<bool> {
    let read = ticket.version;
    ticket.version += 1;
    ticket.updated_at = now;
    let row = tickets::table.find((ticket.organization_id, ticket.id)).filter(tickets::version.eq(read));
    let is_saved = diesel::update(row).set(&*ticket).execute(conn)? > 0;
    if is_saved {
        tell(conn, ticket, EventAction::Changed, now)?;
    }
    Ok(is_saved)
}

fn tell(conn: &mut Conn, ticket: &Ticket, action: EventAction, now: UtcTime) -> QueryResult<()> {
    events::repo::record(conn, ticket.organization_id, &[event(ticket.id, ticket.product_id, action)], now)
}

const fn event(id: TicketId, product: ProductId, action: EventAction) -> Change {
    Change { kind: EventKind::Ticket, action, subject: id.0, product: Some(product) }
}

/// Notes what a list of the project said about tickets.
pub fn note_seen(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[TicketId],
    seen: Option<RemoteState>,
    now: UtcTime,
) -> QueryResult<()> {
    for chunk in ids.chunks(CHUNK) {
        let own = || tickets::organization_id.eq(organization).and(tickets::id.eq_any(chunk.to_vec()));
        diesel::update(tickets::table.filter(own()))
            .set((tickets::state_seen.eq(seen), tickets::version.eq(tickets::version + 1)))
            .execute(conn)?;
        let rows: Vec<(TicketId, ProductId)> =
            tickets::table.filter(own()).select((tickets::id, tickets::product_id)).load(conn)?;
        let changes: Vec<Change> =
            rows.into_iter().map(|(id, product)| event(id, product, EventAction::Changed)).collect();
        events::repo::record(conn, organization, &changes, now)?;
    }
    Ok(())
}

/// Whether the subject's ticket was unlinked by hand, and nobody has pushed the subject since.
pub fn is_suppressed(
    conn: &mut Conn,
    organization: OrganizationId,
    kind: SubjectKind,
    subject: SubjectId,
) -> QueryResult<bool> {
    let suppressed = tickets::table
        .filter(tickets::subject_id.eq(subject).and(tickets::organization_id.eq(organization)))
        .filter(tickets::subject_kind.eq(kind).and(tickets::is_suppressed.eq(true)));
    select(exists(suppressed)).get_result(conn)
}

/// The subjects of a product whose tickets were unlinked by hand, and that nobody has pushed since.
pub fn suppressed_of_product(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
) -> QueryResult<BTreeSet<SubjectId>> {
    let subjects: Vec<SubjectId> = tickets::table
        .filter(tickets::organization_id.eq(organization).and(tickets::product_id.eq(product)))
        .filter(tickets::is_suppressed.eq(true))
        .select(tickets::subject_id)
        .load(conn)?;
    Ok(subjects.into_iter().collect())
}

/// Lets a subject be pushed automatically again.
pub fn lift_suppression(
    conn: &mut Conn,
    organization: OrganizationId,
    kind: SubjectKind,
    subject: SubjectId,
) -> QueryResult<()> {
    diesel::update(tickets::table)
        .filter(tickets::subject_id.eq(subject).and(tickets::organization_id.eq(organization)))
        .filter(tickets::subject_kind.eq(kind).and(tickets::is_suppressed.eq(true)))
        .set(tickets::is_suppressed.eq(false))
        .execute(conn)?;
    Ok(())
}
