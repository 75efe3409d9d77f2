//! Deleting an issue, and what becomes of its ticket.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sync;
use crate::access::model::Caller;
use crate::base::error::ApiError;
use crate::base::ids::IssueId;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::issues;
use crate::issues::service::edit;
use crate::outbox::model::SubjectKind;
use crate::tickets;
use crate::tracker_configs::wishes;

/// What becomes of the ticket of an issue that is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketFate {
    /// It is closed.
    #[default]
    Close,
    /// It stays as it is, and nothing is written to it any more.
    Unlink,
}

/// Deletes an issue. Where it stays for those who see more of it, so does its ticket.
///
/// # Errors
/// As [`edit::delete`].
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    id: IssueId,
    fate: TicketFate,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    wishes::around_issues(conn, caller.organization, &[id], now, |conn| {
        edit::delete(conn, caller, id, if_match, now)?;
        let is_gone = issues::repo::find(conn, caller.organization, id)?.is_none();
        if is_gone && fate == TicketFate::Unlink { unlink(conn, caller, id, now) } else { Ok(()) }
    })
}

/// Unlinks the tickets of an issue, in whatever tracker they are.
fn unlink(conn: &mut Conn, caller: &Caller, id: IssueId, now: UtcTime) -> Result<(), ApiError> {
    let organization = caller.organization;
    let tickets = tickets::repo::of_subject(conn, organization, SubjectKind::Issue, id.into())?;
    for ticket in tickets.into_iter().filter(|ticket| ticket.unlinked_at.is_none()) {
        sync::change_ticket(conn, organization, ticket.id, |ticket| ticket.unlink(now), now)?;
    }
    Ok(())
}
