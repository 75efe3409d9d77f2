//! Notes that people leave on observations.

use super::browse::require;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{NoteId, ObservationId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::observations::model::Note;
use crate::observations::repo;

/// The longest note.
pub const MAX_BODY_CHARS: usize = 10_000;

/// A part of the notes on an observation, newest first.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    observation: ObservationId,
    window: &Window<NoteId>,
) -> Result<Vec<Note>, ApiError> {
    require(conn, caller, observation)?;
    Ok(repo::notes(conn, caller.organization, observation, window)?)
}

/// A note.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, observation: ObservationId, id: NoteId) -> Result<Note, ApiError> {
    require(conn, caller, observation)?;
    let found = repo::find_note(conn, caller.organization, observation, id)?;
    found.ok_or_else(|| ApiError::not_found("note", id))
}

/// Leaves a note.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`.
pub fn create(
    conn: &mut Conn,
    caller: &Caller,
    observation: ObservationId,
    body: String,
    now: UtcTime,
) -> Result<Note, ApiError> {
    require(conn, caller, observation)?;
    caller.require(Permission::Write)?;
    check(&body)?;
    let note = Note {
        organization_id: caller.organization,
        id: NoteId::generate(),
        observation_id: observation,
        author_kind: caller.actor.kind(),
        author_id: caller.actor.id(),
        body,
        version: 1,
        created_at: now,
        edited_at: None,
    };
    repo::insert_note(conn, &note)?;
    Ok(note)
}

/// Rewrites a note of one's own.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`, `PreconditionFailed`.
pub fn edit(
    conn: &mut Conn,
    caller: &Caller,
    (observation, id): (ObservationId, NoteId),
    body: Option<String>,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Note, ApiError> {
    let note = get(conn, caller, observation, id)?;
    caller.require(Permission::Write)?;
    if !is_own(&note, caller) {
        return Err(ApiError::Forbidden("only its author edits a note".to_owned()));
    }
    if_match.check(note.version)?;
    let Some(body) = body.filter(|body| *body != note.body) else { return Ok(note) };
    check(&body)?;
    let edited = Note { body, version: note.version + 1, edited_at: Some(now), ..note };
    if !repo::update_note(conn, &edited, edited.version - 1)? {
        return Err(ApiError::PreconditionFailed);
    }
    Ok(edited)
}

/// Removes a note of one's own; admins remove any.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`.
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    observation: ObservationId,
    id: NoteId,
    if_match: &IfMatch,
) -> Result<(), ApiError> {
    let note = get(conn, caller, observation, id)?;
    caller.require(if is_own(&note, caller) { Permission::Write } else { Permission::Administer })?;
    if_match.check(note.version)?;
    Ok(repo::delete_note(conn, caller.organization, id)?)
}

fn is_own(note: &Note, caller: &Caller) -> bool {
    (note.author_kind, &note.author_id) == (caller.actor.kind(), &caller.actor.id())
}

fn check(body: &str) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    faults.require(!body.trim().is_empty(), "/body", "must not be empty");
    faults.require(body.chars().count() <= MAX_BODY_CHARS, "/body", "may have at most 10,000 characters");
    faults.finish()
}
