//! SQL of how issues use trackers.

use diesel::prelude::*;

use crate::base::ids::{IssueId, ObservationId, OrganizationId, ProductId};
use crate::db::conn::Conn;
use crate::db::schema::{issue_instances, issue_trackers, observations};
use crate::on_backend;
use crate::tracker_configs::model::IssueTracker;

/// Values in one statement: SQLite takes 32,766.
const CHUNK: usize = 10_000;
/// Rows of one insert.
const ROWS: usize = 1_000;

/// How an issue uses a tracker.
pub fn find(conn: &mut Conn, organization: OrganizationId, issue: IssueId) -> QueryResult<Option<IssueTracker>> {
    issue_trackers::table.find((organization, issue)).select(IssueTracker::as_select()).first(conn).optional()
}

/// Stores how an issue uses a tracker, whether it did before or not.
pub fn put(conn: &mut Conn, tracker: &IssueTracker) -> QueryResult<()> {
    on_backend!(conn, |conn| diesel::insert_into(issue_trackers::table)
        .values(tracker)
        .on_conflict((issue_trackers::organization_id, issue_trackers::issue_id))
        .do_update()
        .set(tracker)
        .execute(conn))
    .map(drop)
}

/// Stores how issues use trackers that used none before.
pub fn insert(conn: &mut Conn, trackers: &[IssueTracker]) -> QueryResult<()> {
    for rows in trackers.chunks(ROWS) {
        on_backend!(conn, |conn| diesel::insert_into(issue_trackers::table).values(rows).execute(conn))?;
    }
    Ok(())
}

/// Those of the issues that use a tracker.
pub fn of_issues(conn: &mut Conn, organization: OrganizationId, issues: &[IssueId]) -> QueryResult<Vec<IssueTracker>> {
    let mut found = Vec::new();
    for chunk in issues.chunks(CHUNK) {
        let these = issue_trackers::table
            .filter(issue_trackers::organization_id.eq(organization))
            .filter(issue_trackers::issue_id.eq_any(chunk.to_vec()))
            .select(IssueTracker::as_select());
        found.extend(these.load::<IssueTracker>(conn)?);
    }
    Ok(found)
}

/// The observations whose pairs are in one of the issues, with their products; once for each issue.
pub fn members(
    conn: &mut Conn,
    organization: OrganizationId,
    issues: &[IssueId],
) -> QueryResult<Vec<(ProductId, ObservationId)>> {
    let mut found = Vec::new();
    for chunk in issues.chunks(CHUNK) {
        found.extend(members_of_chunk(conn, organization, chunk)?);
    }
    Ok(found)
}

fn members_of_chunk(
    conn: &mut Conn,
    organization: OrganizationId,
    issues: &[IssueId],
) -> QueryResult<Vec<(ProductId, ObservationId)>> {
    use {issue_instances as n, observations as o};
    n::table
        .inner_join(
            o::table.on(o::organization_id
                .eq(n::organization_id)
                .and(o::branch_id.eq(n::branch_id))
                .and(o::vulnerability_id.eq(n::vulnerability_id))
                .and(o::asset_id.eq(n::asset_id))),
        )
        .filter(n::organization_id.eq(organization).and(n::issue_id.eq_any(issues.to_vec())))
        .select((o::product_id, o::id))
        .load(conn)
}
