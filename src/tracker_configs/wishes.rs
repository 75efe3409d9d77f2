//! From changes of observations to lines of the outbox: only for what has a ticket or should have one.
//!
//! All of it runs in the transaction of the change, with a few statements for any number of observations. Without a
//! config it costs two look-ups.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryResult;

use super::model::{IssueTracker, PushedBranches, TrackerConfig};
use super::policy;
use super::repo::{self, Deciding};
use crate::base::error::ApiError;
use crate::base::ids::{ConnectionId, IssueId, ObservationId, OrganizationId, ProductId, SubjectId};
use crate::base::scope::SEVERAL;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues;
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

/// Call this in the transaction of an import whose client asks for tickets of what it made or changed: they are made, and
/// those that are there follow, as if somebody pushed each by hand.
///
/// # Errors
/// What the database says.
pub fn record_pushes(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    changed: &[ObservationId],
    now: UtcTime,
) -> QueryResult<()> {
    let Some(config) = repo::of_product(conn, organization, product)? else { return Ok(()) };
    let rows = repo::deciding(conn, organization, changed)?;
    let active = rows.iter().filter(|row| row.status.is_active()).map(|row| of(&config, row.id));
    let mut changes: Vec<Change> = active.collect();
    changes.extend(having_tickets(conn, &config, changed)?);
    outbox::repo::record(conn, organization, product, &changes, JobReason::Push, now)
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

/// Call this in the transaction that makes, changes or recomputes issues: those that have a ticket or should have one
/// are looked at.
///
/// # Errors
/// What the database says.
pub fn record_issues(conn: &mut Conn, organization: OrganizationId, ids: &[IssueId], now: UtcTime) -> QueryResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut known = repo::issues::of_issues(conn, organization, ids)?;
    let without: Vec<IssueId> = without_tracker(ids, &known);
    known.extend(adopt(conn, organization, &without, now)?);
    let with_tracker: Vec<IssueId> = known.iter().map(|tracker| tracker.issue_id).collect();
    let mut wishes: BTreeMap<ProductId, BTreeSet<Change>> = BTreeMap::new();
    let rows = issues::repo::with_ids(conn, organization, &with_tracker)?;
    let products: BTreeMap<IssueId, Option<ProductId>> =
        rows.iter().map(|issue| (issue.id, issue.product_id)).collect();
    for tracker in &known {
        let product = products.get(&tracker.issue_id).copied().flatten().unwrap_or(SEVERAL);
        wishes.entry(product).or_default().insert(of_issue(tracker.connection_id, tracker.issue_id));
    }
    for (issue, connection, product) in tickets::repo::of_issues(conn, organization, ids)? {
        wishes.entry(product).or_default().insert(of_issue(connection, issue));
    }
    for (product, changes) in wishes {
        let changes: Vec<Change> = changes.into_iter().collect();
        outbox::repo::record(conn, organization, product, &changes, JobReason::Change, now)?;
    }
    Ok(())
}

/// Call this in the transaction that opens or closes the ticket of an issue: those of its observations follow.
///
/// # Errors
/// What the database says.
pub fn record_members(conn: &mut Conn, organization: OrganizationId, issue: IssueId, now: UtcTime) -> QueryResult<()> {
    let members = members_of(conn, organization, &BTreeSet::from([issue]))?;
    record_observations(conn, organization, members, now)
}

/// Changes issues, and tells the outbox what follows: for their own tickets, and for those of the observations that are
/// in them before or after.
///
/// # Errors
/// Those of `change`, and what the database says.
pub fn around_issues<T>(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[IssueId],
    now: UtcTime,
    change: impl FnOnce(&mut Conn) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let tickets = tickets::repo::of_issues(conn, organization, ids)?;
    let with_ticket: BTreeSet<IssueId> = tickets.iter().map(|(issue, ..)| *issue).collect();
    let mut members = members_of(conn, organization, &with_ticket)?;
    let changed = change(conn)?;
    record_issues(conn, organization, ids, now)?;
    members.extend(members_of(conn, organization, &with_ticket)?);
    record_observations(conn, organization, members, now)?;
    Ok(changed)
}

fn members_of(
    conn: &mut Conn,
    organization: OrganizationId,
    issues: &BTreeSet<IssueId>,
) -> QueryResult<BTreeSet<(ProductId, ObservationId)>> {
    let issues: Vec<IssueId> = issues.iter().copied().collect();
    Ok(repo::issues::members(conn, organization, &issues)?.into_iter().collect())
}

fn record_observations(
    conn: &mut Conn,
    organization: OrganizationId,
    members: BTreeSet<(ProductId, ObservationId)>,
    now: UtcTime,
) -> QueryResult<()> {
    let mut products: BTreeMap<ProductId, Vec<ObservationId>> = BTreeMap::new();
    for (product, observation) in members {
        products.entry(product).or_default().push(observation);
    }
    for (product, observations) in products {
        record_for_observations(conn, organization, product, &observations, now)?;
    }
    Ok(())
}

fn of_issue(connection: ConnectionId, issue: IssueId) -> Change {
    Change { connection, kind: SubjectKind::Issue, subject: issue.into() }
}

fn without_tracker(ids: &[IssueId], known: &[IssueTracker]) -> Vec<IssueId> {
    let with: BTreeSet<IssueId> = known.iter().map(|tracker| tracker.issue_id).collect();
    ids.iter().copied().filter(|id| !with.contains(id)).collect()
}

/// Makes issues use the tracker of their product, where its config says that issues get tickets by themselves.
fn adopt(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[IssueId],
    now: UtcTime,
) -> QueryResult<Vec<IssueTracker>> {
    let mut configs: BTreeMap<ProductId, Option<TrackerConfig>> = BTreeMap::new();
    let mut adopted = Vec::new();
    for issue in issues::repo::with_ids(conn, organization, ids)? {
        let Some(product) = issue.product_id else { continue };
        if let Entry::Vacant(entry) = configs.entry(product) {
            entry.insert(repo::of_product(conn, organization, product)?.filter(|it| it.settings().push_issues));
        }
        let Some(Some(config)) = configs.get(&product) else { continue };
        if issue.state.is_unsettled() && Severity::from(issue.risk) >= config.minimum_severity {
            adopted.push(IssueTracker::like(config, issue.id, now));
        }
    }
    repo::issues::insert(conn, &adopted)?;
    Ok(adopted)
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
    changes.extend(having_tickets(conn, config, changed)?);
    outbox::repo::record(conn, organization, product, &changes, JobReason::Change, now)
}

/// Those of the observations that have a ticket.
fn having_tickets(conn: &mut Conn, config: &TrackerConfig, ids: &[ObservationId]) -> QueryResult<Vec<Change>> {
    let (organization, connection) = (config.organization_id, config.connection_id);
    if !tickets::repo::product_has_tickets(conn, organization, connection, config.product_id)? {
        return Ok(Vec::new());
    }
    let subjects: Vec<SubjectId> = ids.iter().copied().map(SubjectId::from).collect();
    let kind = SubjectKind::Observation;
    let with = tickets::repo::with_ticket(conn, organization, connection, kind, &subjects)?;
    Ok(with.into_iter().map(|subject| Change { connection, kind, subject }).collect())
}

fn of(config: &TrackerConfig, observation: ObservationId) -> Change {
    Change { connection: config.connection_id, kind: SubjectKind::Observation, subject: observation.into() }
}

/// Whether a ticket would be made. Whether one was unlinked is left to the worker, which sees it anyway.
fn deserves(config: &TrackerConfig, branches: &PushedBranches, row: &Deciding) -> bool {
    policy::deserves_new(config, &row.facts(branches, false))
}
