//! From changes of observations to lines of the outbox: only for what has a ticket or should have one.
//!
//! All of it runs in the transaction of the change, with a few statements for any number of observations. Without a
//! config it costs two look-ups.

use diesel::QueryResult;

use super::model::{PushedBranches, TrackerConfig};
use super::policy;
use super::repo::{self, Deciding};
use crate::base::ids::{ObservationId, OrganizationId, ProductId, SubjectId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::outbox;
use crate::outbox::model::{Change, JobReason, SubjectKind};
use crate::tickets;

/// Call this in the transaction of an import, with what it made, changed, reopened and resolved; also when that is
/// nothing. Besides the changes it leaves one wish to compare the product's tickets with the tracker (SO-8).
///
/// # Errors
/// What the database says.
pub fn record_import(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    changed: &[ObservationId],
    now: UtcTime,
) -> QueryResult<()> {
    let Some(config) = repo::of_product(conn, organization, product)? else { return Ok(()) };
    if tickets::repo::product_has_tickets(conn, organization, config.connection_id, product)? {
        let all =
            Change { connection: config.connection_id, kind: SubjectKind::TrackerConfig, subject: config.id.into() };
        outbox::repo::record(conn, organization, product, &[all], JobReason::Verify, now)?;
    }
    record_of(conn, &config, changed, now)
}

/// Call this in the transaction that changes observations of a product (assessments, severities, verification), or
/// deletes them.
///
/// # Errors
/// What the database says.
pub fn record_for_observations(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    changed: &[ObservationId],
    now: UtcTime,
) -> QueryResult<()> {
    match repo::of_product(conn, organization, product)? {
        Some(config) => record_of(conn, &config, changed, now),
        None => Ok(()),
    }
}

/// Call this in the transaction that changes what decides about all tickets of a product: its default branch, its
/// config, the deletion of a branch or of the product itself. All tickets that it has or should have are looked at.
///
/// # Errors
/// What the database says.
pub fn record_product(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    now: UtcTime,
) -> QueryResult<()> {
    let with_tickets = repo::subjects_with_tickets(conn, organization, product)?;
    let change = |(connection, kind, subject)| Change { connection, kind, subject };
    let mut changes: Vec<Change> = with_tickets.into_iter().map(change).collect();
    if let Some(config) = repo::of_product(conn, organization, product)? {
        let branches = repo::pushed_branches(conn, organization, product)?;
        let ids = repo::candidates(conn, &config, &branches)?;
        let rows = repo::deciding(conn, organization, &ids)?;
        changes.extend(rows.iter().filter(|row| deserves(&config, &branches, row)).map(|row| of(&config, row.id)));
    }
    outbox::repo::record(conn, organization, product, &changes, JobReason::Change, now)
}

fn record_of(conn: &mut Conn, config: &TrackerConfig, changed: &[ObservationId], now: UtcTime) -> QueryResult<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let (organization, product) = (config.organization_id, config.product_id);
    let branches = repo::pushed_branches(conn, organization, product)?;
    let rows = repo::deciding(conn, organization, changed)?;
    let mut changes: Vec<Change> =
        rows.iter().filter(|row| deserves(config, &branches, row)).map(|row| of(config, row.id)).collect();
    if tickets::repo::product_has_tickets(conn, organization, config.connection_id, product)? {
        let subjects: Vec<SubjectId> = changed.iter().copied().map(SubjectId::from).collect();
        let kind = SubjectKind::Observation;
        let with = tickets::repo::with_ticket(conn, organization, config.connection_id, kind, &subjects)?;
        changes.extend(with.into_iter().map(|subject| Change { connection: config.connection_id, kind, subject }));
    }
    outbox::repo::record(conn, organization, product, &changes, JobReason::Change, now)
}

fn of(config: &TrackerConfig, observation: ObservationId) -> Change {
    Change { connection: config.connection_id, kind: SubjectKind::Observation, subject: observation.into() }
}

/// Whether a ticket would be made. Whether one was unlinked is left to the worker, which sees it anyway.
fn deserves(config: &TrackerConfig, branches: &PushedBranches, row: &Deciding) -> bool {
    policy::deserves_new(config, &row.facts(branches, false))
}
