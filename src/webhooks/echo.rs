//! Our own changes that come back. Pure.
//!
//! People use the account of a connection, too: what it did is ours only if it is what we have sent. States and comments
//! can be compared; of other fields trackers tell texts in forms of their own, so there the time decides.

use std::time::Duration;

use super::model::Status;
use super::payload::{Happening, HappeningKind, News};
use crate::base::time::UtcTime;
use crate::tickets::model::{RemoteState, Ticket};

/// A change of a field that came so close to a push of ours is that push; clocks differ.
const NEAR: Duration = Duration::from_secs(5 * 60);

/// The fields that a push may change, as trackers call them.
const PUSHED: [&str; 16] = [
    "title",
    "summary",
    "body",
    "description",
    "description_html",
    "last_edited_by_id",
    "label",
    "labels",
    "priority",
    "assignee",
    "assignees",
    "assignee_id",
    "component",
    "attachment",
    "confidential",
    "issue_type",
];
/// The fields that a move changes.
const MOVED: [&str; 4] = ["status", "state", "resolution", "resolutiondate"];

/// Whose doing news are, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doer {
    /// Our own account.
    Us,
    /// Somebody else.
    Other,
    /// Nobody knows the names of our account.
    Unknown,
}

/// Whose doing it is.
#[must_use]
pub fn doer(news: &News, account: &[String]) -> Doer {
    let is_ours = |id: &String| account.iter().any(|name| name.eq_ignore_ascii_case(id));
    match &news.actor {
        _ if account.is_empty() => Doer::Unknown,
        Some(person) if person.ids.iter().any(is_ours) => Doer::Us,
        _ => Doer::Other,
    }
}

/// Whether this is what we have sent ourselves.
#[must_use]
pub fn is_own(doer: Doer, happening: &Happening, status: Option<&Status>, ticket: &Ticket, at: UtcTime) -> bool {
    let has_marker = happening.body.as_deref().is_some_and(|body| body.contains(&ticket.marker));
    let is_pushed_state = status.is_some_and(|status| ticket.state_pushed == Some(remote(status)));
    let field = happening.field.as_deref().unwrap_or_default().to_ascii_lowercase();
    match doer {
        Doer::Other => false,
        _ if happening.kind != HappeningKind::Change => has_marker,
        _ if MOVED.contains(&field.as_str()) => is_pushed_state && (doer == Doer::Us || is_near(ticket, at)),
        Doer::Us if field == "issue" => happening.new.as_deref() == Some("opened"),
        Doer::Us => PUSHED.contains(&field.as_str()) && is_near(ticket, at),
        Doer::Unknown => false,
    }
}

/// What a status makes of an item.
#[must_use]
pub const fn remote(status: &Status) -> RemoteState {
    if status.is_done { RemoteState::Closed } else { RemoteState::Open }
}

fn is_near(ticket: &Ticket, at: UtcTime) -> bool {
    ticket.last_synced_at.is_some_and(|pushed_at| pushed_at.since(at).max(at.since(pushed_at)) <= NEAR)
}
