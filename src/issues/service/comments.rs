//! What people say on issues.

use super::{check::MAX_TEXT, get};
use crate::access::checks::written;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{EntryId, IssueId};
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::issues::repo::timeline as repo;
use crate::issues::timeline::{Entry, EntryKind};

/// A comment.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn find(conn: &mut Conn, caller: &Caller, issue: IssueId, id: EntryId) -> Result<Entry, ApiError> {
    get(conn, caller, issue)?;
    let found = repo::find(conn, caller.organization, issue, id)?;
    found.filter(|entry| entry.kind == EntryKind::Comment).ok_or_else(|| ApiError::not_found("comment", id))
}

/// Says something.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`.
pub fn create(conn: &mut Conn, caller: &Caller, issue: IssueId, body: String, now: UtcTime) -> Result<Entry, ApiError> {
    get(conn, caller, issue)?;
    caller.require(Permission::Write)?;
    check(&body)?;
    let entry = Entry::by(caller.actor, caller.organization, issue, now).saying(body);
    let entry = Entry { kind: EntryKind::Comment, ..entry };
    repo::insert(conn, std::slice::from_ref(&entry))?;
    Ok(entry)
}

/// Rewrites a comment of one's own.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`, `PreconditionFailed`.
pub fn edit(
    conn: &mut Conn,
    caller: &Caller,
    (issue, id): (IssueId, EntryId),
    body: Option<String>,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Entry, ApiError> {
    let entry = find(conn, caller, issue, id)?;
    caller.require(Permission::Write)?;
    if !is_own(&entry, caller) {
        return Err(ApiError::Forbidden("only its author edits a comment".to_owned()));
    }
    if_match.check(entry.version)?;
    let Some(body) = body.filter(|body| Some(body) != entry.body.as_ref()) else { return Ok(entry) };
    check(&body)?;
    let edited = Entry { body: Some(body), version: entry.version + 1, edited_at: Some(now), ..entry };
    written(repo::update(conn, &edited, edited.version - 1)?)?;
    Ok(edited)
}

/// Removes a comment of one's own; admins remove any. That there was one stays in the timeline.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`.
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    (issue, id): (IssueId, EntryId),
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    let entry = find(conn, caller, issue, id)?;
    caller.require(if is_own(&entry, caller) { Permission::Write } else { Permission::Administer })?;
    if_match.check(entry.version)?;
    repo::delete(conn, &entry)?;
    let told = Entry::by(caller.actor, caller.organization, issue, now);
    repo::insert(conn, &[told.change("comment", None, None).saying("A comment was deleted.")])?;
    Ok(())
}

fn is_own(entry: &Entry, caller: &Caller) -> bool {
    (entry.actor_kind, &entry.actor_id) == (caller.actor.kind(), &caller.actor.id())
}

fn check(body: &str) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    faults.require(!body.trim().is_empty(), "/body", "must not be empty");
    faults.require(body.chars().count() <= MAX_TEXT, "/body", "may have at most 100,000 characters");
    faults.finish()
}
