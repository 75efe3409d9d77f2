//! What a tracker says of an issue's ticket, entered in its timeline and, where its config allows, followed.
//!
//! These are for rooms that have proven who speaks: they ask for no permission.

use crate::base::error::ApiError;
use crate::base::ids::{IssueId, OrganizationId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::status::IssueState;
use crate::issues::timeline::{Entry, TrackerEvent};
use crate::issues::{recompute, repo};

/// Who moved a ticket in a tracker, and by which change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackerCause {
    /// By which the change is known again: of two with the same, the second moves nothing.
    pub remote_key: Option<String>,
    /// Who, as the tracker calls them.
    pub actor_name: Option<String>,
    /// Why, as people will read it: `SHOP-7 went to Done`.
    pub reason: String,
}

/// Enters something that happened in a tracker. False: it has been entered before, or the issue is gone.
///
/// # Errors
/// `Internal`.
pub fn note_tracker_event(
    conn: &mut Conn,
    organization: OrganizationId,
    issue: IssueId,
    event: TrackerEvent,
    now: UtcTime,
) -> Result<bool, ApiError> {
    repo::lock(conn, organization)?;
    if repo::find(conn, organization, issue)?.is_none() {
        return Ok(false);
    }
    Ok(repo::timeline::insert_once(conn, &event.entry(organization, issue, now))?)
}

/// Changes what a tracker's comment says, or removes it. False: there is none with this key, or it says so already.
///
/// # Errors
/// `Internal`.
pub fn revise_tracker_comment(
    conn: &mut Conn,
    organization: OrganizationId,
    issue: IssueId,
    remote_key: &str,
    body: Option<String>,
    now: UtcTime,
) -> Result<bool, ApiError> {
    repo::lock(conn, organization)?;
    let Some(entry) = repo::timeline::find_remote(conn, organization, issue, remote_key)? else { return Ok(false) };
    let Some(body) = body else {
        repo::timeline::delete(conn, &entry)?;
        return Ok(true);
    };
    if entry.body.as_deref() == Some(&*body) {
        return Ok(false);
    }
    let version = entry.version;
    let edited = Entry { body: Some(body), version: version + 1, edited_at: Some(now), ..entry };
    Ok(repo::timeline::update(conn, &edited, version)?)
}

/// Moves an issue to the state that its ticket's maps to. False: it is there already, the change has been followed
/// before, the issue is gone, or another has its instances now.
///
/// # Errors
/// `Internal`.
pub fn move_by_tracker(
    conn: &mut Conn,
    organization: OrganizationId,
    issue: IssueId,
    state: IssueState,
    cause: TrackerCause,
    now: UtcTime,
) -> Result<bool, ApiError> {
    repo::lock(conn, organization)?;
    let Some(before) = repo::find(conn, organization, issue)? else { return Ok(false) };
    if before.state == state || before.merged_into.is_some() {
        return Ok(false);
    }
    let event = TrackerEvent {
        remote_key: cause.remote_key.unwrap_or_else(|| format!("move/{}/{}", before.version, state)),
        actor_name: cause.actor_name,
        field: Some("state".to_owned()),
        old_value: Some(before.state.to_string()),
        new_value: Some(state.to_string()),
        body: Some(cause.reason),
        ..TrackerEvent::default()
    };
    if !repo::timeline::insert_once(conn, &event.entry(organization, issue, now))? {
        return Ok(false);
    }
    repo::set_state(conn, organization, &[issue], state, now)?;
    if before.state == IssueState::Closed {
        recompute::of_issues(conn, organization, &[issue], now)?;
    }
    Ok(true)
}
