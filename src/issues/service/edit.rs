//! Changing and deleting one issue.

use super::instances::refuse_merged;
use super::{Visible, check, get, writable};
use crate::access::audit;
use crate::access::checks::written;
use crate::access::model::Caller;
use crate::base::error::ApiError;
use crate::base::ids::IssueId;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::events::model::EventAction;
use crate::issues::model::{Issue, IssuePatch};
use crate::issues::status::IssueState;
use crate::issues::timeline::Entry;
use crate::issues::{recompute, repo};

/// Changes an issue. One that was closed and is not any more is recomputed in full.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`, `PreconditionFailed`; `Conflict` when a merged issue is to be reopened.
pub fn update(
    conn: &mut Conn,
    caller: &Caller,
    id: IssueId,
    patch: &IssuePatch,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Visible, ApiError> {
    let (before, _) = writable(conn, caller, id)?;
    if_match.check(before.version)?;
    check::patch(conn, caller, patch, "")?;
    let after = patched(&before, patch, now);
    let entries = entries(&before, &after, caller, now);
    if entries.is_empty() {
        return get(conn, caller, id);
    }
    if after.state != before.state {
        refuse_merged(&before)?;
    }
    written(repo::update(conn, &after, before.version)?)?;
    repo::timeline::insert(conn, &entries)?;
    if is_reopened(&before, &after) {
        recompute::of_issues(conn, caller.organization, &[id], now)?;
    }
    get(conn, caller, id)
}

/// Is it recomputed again from now on?
pub(super) fn is_reopened(before: &Issue, after: &Issue) -> bool {
    before.state == IssueState::Closed && after.state != IssueState::Closed
}

/// An issue after a change.
pub(super) fn patched(issue: &Issue, patch: &IssuePatch, now: UtcTime) -> Issue {
    let name = patch.name.as_set().map_or(issue.name.as_str(), |name| name.trim()).to_owned();
    let state = patch.state.or(issue.state);
    let assignee = patch.assignee.or(issue.assignee());
    Issue {
        search: name.to_lowercase(),
        name,
        description: patch.description.clone().or(issue.description.clone()),
        remediation: patch.remediation.clone().or(issue.remediation.clone()),
        risk: patch.risk.or(issue.risk),
        state,
        state_changed_at: if state == issue.state { issue.state_changed_at } else { now },
        due_at: patch.due_at.or(issue.due_at),
        assignee_kind: assignee.map(|assignee| assignee.kind),
        assignee_id: assignee.map(|assignee| assignee.id.as_bytes().to_vec()),
        version: issue.version + 1,
        updated_at: now,
        ..issue.clone()
    }
}

/// The entries of a change: one per field.
pub(super) fn entries(before: &Issue, after: &Issue, caller: &Caller, now: UtcTime) -> Vec<Entry> {
    let text = |text: &str| Some(text.to_owned());
    let fields = [
        ("name", text(&before.name), text(&after.name)),
        ("description", text(&before.description), text(&after.description)),
        ("remediation", text(&before.remediation), text(&after.remediation)),
        ("risk", text(before.risk.as_str()), text(after.risk.as_str())),
        ("state", text(before.state.as_str()), text(after.state.as_str())),
        ("due_at", before.due_at.map(|at| at.to_string()), after.due_at.map(|at| at.to_string())),
        ("assignee", before.assignee().map(|who| who.to_string()), after.assignee().map(|who| who.to_string())),
    ];
    let changed = fields.into_iter().filter(|(_, old, new)| old != new);
    let entry =
        |(field, old, new)| Entry::by(caller.actor, before.organization_id, before.id, now).change(field, old, new);
    changed.map(entry).collect()
}

/// Deletes an issue with its instances, snapshots and timeline. Where it also has instances that the caller does not
/// see, these stay: for the caller it is gone, for whoever sees them it is there.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`.
pub fn delete(conn: &mut Conn, caller: &Caller, id: IssueId, if_match: &IfMatch, now: UtcTime) -> Result<(), ApiError> {
    let (issue, products) = writable(conn, caller, id)?;
    if_match.check(issue.version)?;
    let parts = repo::products_of(conn, caller.organization, &[id])?;
    if parts.iter().all(|part| products.contains(&part.product_id)) {
        repo::delete(conn, &issue, &parts, now)?;
    } else {
        repo::instances::remove_of_products(conn, caller.organization, id, &products)?;
        super::settle(conn, &issue, now)?;
        let products: Vec<_> = products.into_iter().map(Some).collect();
        repo::tell(conn, caller.organization, id, EventAction::Changed, &products, now)?;
    }
    audit::Entry::new("issue.deleted", "issue", id.0)
        .change("name", issue.name, serde_json::Value::Null)
        .record(conn, caller, now)
}
