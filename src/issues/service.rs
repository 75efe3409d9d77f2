//! What people and trackers do with issues, and how issues are read.

use std::collections::HashMap;

use super::filter::Reader;
use super::model::{Counts, Issue, IssueProduct};
use super::repo;
use super::standing::Standing;
use super::status::IssueEvent;
use super::timeline::Entry;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::{IssueId, OrganizationId, ProductId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;

pub mod browse;
pub mod bulk;
mod check;
pub mod comments;
pub mod create;
pub mod edit;
pub mod instances;
pub mod merge;
pub mod overdue;
pub mod tracker;

pub use tracker::{move_by_tracker, note_tracker_event};

/// An issue as a caller may see it: its counts are those of the products that they see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    /// The issue.
    pub issue: Issue,
    /// The products of the instances that the caller sees.
    pub products: Vec<ProductId>,
}

/// An issue.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, id: IssueId) -> Result<Visible, ApiError> {
    caller.require(Permission::Read)?;
    let issue = issue(conn, caller.organization, id)?;
    visible(conn, caller, vec![issue])?.pop().ok_or_else(|| ApiError::not_found("issue", id))
}

/// An issue, whoever asks.
fn issue(conn: &mut Conn, organization: OrganizationId, id: IssueId) -> Result<Issue, ApiError> {
    repo::find(conn, organization, id)?.ok_or_else(|| ApiError::not_found("issue", id))
}

/// What a caller sees of issues; those of which they see nothing are left out.
pub(super) fn visible(conn: &mut Conn, caller: &Caller, issues: Vec<Issue>) -> Result<Vec<Visible>, ApiError> {
    let ids: Vec<IssueId> = issues.iter().map(|issue| issue.id).collect();
    let (reader, mut parts) = (Reader::of(caller), HashMap::<IssueId, Vec<IssueProduct>>::new());
    for part in repo::products_of(conn, caller.organization, &ids)? {
        parts.entry(part.issue_id).or_default().push(part);
    }
    let see = |mut issue: Issue| {
        let Some(parts) = parts.remove(&issue.id) else {
            return reader.allows_empty(issue.product_id).then(|| Visible { issue, products: Vec::new() });
        };
        let (mut counts, mut products) = (Counts::default(), Vec::new());
        for part in parts.iter().filter(|part| reader.allows(part)) {
            counts += part.counts();
            products.push(part.product_id);
        }
        issue.counts = counts;
        (!products.is_empty()).then_some(Visible { issue, products })
    };
    Ok(issues.into_iter().filter_map(see).collect())
}

/// An issue that the caller may change, and the products of it that they see. Its organization is held until the
/// transaction ends.
fn writable(conn: &mut Conn, caller: &Caller, id: IssueId) -> Result<(Issue, Vec<ProductId>), ApiError> {
    repo::lock(conn, caller.organization)?;
    let seen = get(conn, caller, id)?;
    caller.require(Permission::Write)?;
    Ok((issue(conn, caller.organization, id)?, seen.products))
}

/// Counts the instances of an issue anew and does what follows: its product, and the move when the last instance that
/// was not remediated has gone from it. `before` is the issue as it was read.
fn settle(conn: &mut Conn, before: &Issue, now: UtcTime) -> Result<(), ApiError> {
    let (organization, id) = (before.organization_id, before.id);
    repo::instances::recount(conn, organization, id, now)?;
    let parts = repo::products_of(conn, organization, &[id])?;
    let product = match parts[..] {
        [] => before.product_id,
        [only] => Some(only.product_id),
        _ => None,
    };
    repo::set_product(conn, organization, id, product)?;
    let after = issue(conn, organization, id)?;
    let is_completed = !before.counts.is_complete() && after.counts.is_complete();
    if let Some(state) = after.state.after(IssueEvent::AllInstancesRemediated).filter(|_| is_completed) {
        repo::set_state(conn, organization, &[id], state, now)?;
        let entry = Entry::by(Actor::System, organization, id, now)
            .change("state", Some(after.state.to_string()), Some(state.to_string()))
            .saying("All instances are remediated.");
        repo::timeline::insert(conn, &[entry])?;
    }
    Ok(())
}

/// When an instance with this standing is remediated, if it is so from now on.
pub(super) fn remediated_from<T>(standing: Standing, now: T) -> Option<T> {
    standing.is_remediated().then_some(now)
}
