//! What people and trackers do with issues, and how issues are read.

use super::model::{Counts, Issue};
use super::repo;
use super::standing::Standing;
use super::status::IssueState;
use super::timeline::Entry;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::{IssueId, ProductId};
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;

mod check;
pub mod create;
pub mod instances;
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
    let issue = repo::find(conn, caller.organization, id)?;
    let issue = issue.ok_or_else(|| ApiError::not_found("issue", id))?;
    visible(conn, caller, vec![issue])?.pop().ok_or_else(|| ApiError::not_found("issue", id))
}

/// What a caller sees of issues; those of which they see nothing are left out.
pub(super) fn visible(conn: &mut Conn, caller: &Caller, issues: Vec<Issue>) -> Result<Vec<Visible>, ApiError> {
    let ids: Vec<IssueId> = issues.iter().map(|issue| issue.id).collect();
    let parts = repo::products_of(conn, caller.organization, &ids)?;
    let mut seen = Vec::with_capacity(issues.len());
    for mut issue in issues {
        let first = parts.partition_point(|part| part.issue_id < issue.id);
        let own = parts[first..].iter().take_while(|part| part.issue_id == issue.id);
        let (mut counts, mut products) = (Counts::default(), Vec::new());
        let mut is_empty = true;
        for part in own {
            is_empty = false;
            if caller.products.allows(part.product_id) {
                counts += part.counts();
                products.push(part.product_id);
            }
        }
        let is_seen = if is_empty { sees_empty(&caller.products, issue.product_id) } else { !products.is_empty() };
        if is_seen {
            issue.counts = counts;
            seen.push(Visible { issue, products });
        }
    }
    Ok(seen)
}

/// Who sees an issue without instances: whoever may see its product, or where it has none, the whole organization.
fn sees_empty(scope: &ProductScope, product: Option<ProductId>) -> bool {
    match (product, scope) {
        (Some(product), scope) => scope.allows(product),
        (None, ProductScope::Except(_)) => true,
        (None, ProductScope::Only(_)) => false,
    }
}

/// The entry of a move that Patchbay makes by itself.
pub(super) fn moved_by_system(issue: &Issue, state: IssueState, why: &str, now: UtcTime) -> Entry {
    Entry::by(Actor::System, issue.organization_id, issue.id, now)
        .change("state", Some(issue.state.to_string()), Some(state.to_string()))
        .saying(why)
}

/// When an instance with this standing is remediated, if it is so from now on.
pub(super) fn remediated_from<T>(standing: Standing, now: T) -> Option<T> {
    standing.is_remediated().then_some(now)
}
