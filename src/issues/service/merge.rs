//! Merging two issues: one goes on with the instances of both.

use super::instances::{entries, refuse_merged};
use super::{Visible, get, settle, writable};
use crate::access::checks::written;
use crate::access::model::Caller;
use crate::base::error::ApiError;
use crate::base::ids::IssueId;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::issues::model::Issue;
use crate::issues::status::IssueState;
use crate::issues::timeline::Entry;
use crate::issues::{recompute, repo};

/// Merges `from` into an issue: its instances move with their snapshots, but for those that the other has already. It
/// stays, closed and empty, with its timeline, and names the issue that has its instances.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`; `Invalid` for an issue and itself; `Conflict` when one of them was
/// merged before.
pub fn merge(
    conn: &mut Conn,
    caller: &Caller,
    into: IssueId,
    from: IssueId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Visible, ApiError> {
    let (target, _) = writable(conn, caller, into)?;
    if_match.check(target.version)?;
    let unknown = |_| ApiError::invalid("/from", "is not an issue that you can see");
    let (source, _) = writable(conn, caller, from).map_err(unknown)?;
    if into == from {
        return Err(ApiError::invalid("/from", "is the issue itself"));
    }
    refuse_merged(&target)?;
    refuse_merged(&source)?;
    let organization = caller.organization;
    let moved = repo::instances::move_between(conn, organization, from, into)?;
    let mut told = entries(&target, caller.actor, "taken over", moved.into_iter(), now);
    told.push(said(caller, &target, "merged", &source, now));
    told.push(said(caller, &source, "merged_into", &target, now));
    if source.state != IssueState::Closed {
        let (old, new) = (source.state.to_string(), IssueState::Closed.to_string());
        told.push(Entry::by(caller.actor, organization, from, now).change("state", Some(old), Some(new)));
    }
    let closed = Issue {
        state: IssueState::Closed,
        state_changed_at: if source.state == IssueState::Closed { source.state_changed_at } else { now },
        merged_into: Some(into),
        version: source.version + 1,
        updated_at: now,
        ..source
    };
    written(repo::update(conn, &closed, closed.version - 1)?)?;
    repo::timeline::insert(conn, &told)?;
    settle(conn, &target, now)?;
    settle(conn, &closed, now)?;
    if target.state != IssueState::Closed {
        // What came from a closed issue was left as it was.
        recompute::of_issues(conn, organization, &[into], now)?;
    }
    get(conn, caller, into)
}

fn said(caller: &Caller, issue: &Issue, field: &str, other: &Issue, now: UtcTime) -> Entry {
    Entry::by(caller.actor, issue.organization_id, issue.id, now).change(field, None, Some(other.id.to_string()))
}
