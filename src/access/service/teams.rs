//! Teams: who owns products together, and who answers for them.

use crate::access::audit::Entry;
use crate::access::checks;
use crate::access::model::{Caller, Team, User};
use crate::access::permission::Permission;
use crate::access::repo;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{TeamId, UserId};
use crate::base::page::Window;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;

const NAME_TAKEN: &str = "another team has this name";

/// A team to be made.
#[derive(Debug, Clone)]
pub struct NewTeam {
    /// Its name.
    pub name: String,
    /// Who answers for its products.
    pub responsible_user_id: Option<UserId>,
}

/// What of a team may change.
#[derive(Debug, Clone, Default)]
pub struct TeamPatch {
    /// Its name.
    pub name: Patch<String>,
    /// Who answers for its products.
    pub responsible_user_id: Patch<Option<UserId>>,
}

/// Makes a team.
///
/// # Errors
/// `Forbidden` for all but admins, `Invalid`, `Conflict` when the name is taken.
pub fn create(conn: &mut Conn, caller: &Caller, new: NewTeam, now: UtcTime) -> Result<Team, ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    let mut faults = Faults::default();
    let name = checks::name(&new.name, "/name", &mut faults);
    check_responsible(conn, caller, new.responsible_user_id, &mut faults)?;
    faults.finish()?;
    let team = Team {
        organization_id: caller.organization,
        id: TeamId::generate(),
        name,
        responsible_user_id: new.responsible_user_id,
        version: 1,
        created_at: now,
    };
    repo::teams::insert(conn, &team).map_err(|error| checks::taken(error, NAME_TAKEN))?;
    Entry::new("team.created", "team", team.id.0)
        .set("name", team.name.as_str())
        .set("responsible_user_id", text(team.responsible_user_id))
        .record(conn, caller, now)?;
    Ok(team)
}

/// A page of the organization's teams.
///
/// # Errors
/// `Forbidden` without permission to read everywhere.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    window: &Window<TeamId>,
    with_total: bool,
) -> Result<(Vec<Team>, Option<i64>), ApiError> {
    caller.require_everywhere(Permission::Read)?;
    let total = if with_total { Some(repo::teams::count(conn, caller.organization)?) } else { None };
    Ok((repo::teams::list(conn, caller.organization, window)?, total))
}

/// A team.
///
/// # Errors
/// `Forbidden` without permission to read everywhere, `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, id: TeamId) -> Result<Team, ApiError> {
    caller.require_everywhere(Permission::Read)?;
    require(conn, caller, id)
}

/// Changes a team.
///
/// # Errors
/// `Forbidden` for all but admins, `NotFound`, `PreconditionFailed`, `Invalid`, `Conflict` when the name is taken.
pub fn change(
    conn: &mut Conn,
    caller: &Caller,
    id: TeamId,
    patch: TeamPatch,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Team, ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    let old = require(conn, caller, id)?;
    if_match.check(old.version)?;
    let mut faults = Faults::default();
    let name = patch.name.into_option().map(|name| checks::name(&name, "/name", &mut faults));
    let responsible_user_id = patch.responsible_user_id.or(old.responsible_user_id);
    check_responsible(conn, caller, responsible_user_id, &mut faults)?;
    faults.finish()?;
    let name = name.unwrap_or_else(|| old.name.clone());
    let new = Team { name, responsible_user_id, version: old.version + 1, ..old.clone() };
    checks::written(repo::teams::update(conn, &new).map_err(|error| checks::taken(error, NAME_TAKEN))?)?;
    Entry::new("team.changed", "team", id.0)
        .change("name", old.name, new.name.as_str())
        .change("responsible_user_id", text(old.responsible_user_id), text(new.responsible_user_id))
        .record(conn, caller, now)?;
    Ok(new)
}

/// Deletes a team. Restricted products that only it owned are seen by admins alone from then on.
///
/// # Errors
/// `Forbidden` for all but admins, `NotFound`, `PreconditionFailed`.
pub fn delete(conn: &mut Conn, caller: &Caller, id: TeamId, if_match: &IfMatch, now: UtcTime) -> Result<(), ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    let old = require(conn, caller, id)?;
    if_match.check(old.version)?;
    repo::teams::delete(conn, caller.organization, id)?;
    Entry::new("team.deleted", "team", id.0).change("name", old.name, None::<String>).record(conn, caller, now)
}

/// A page of a team's members.
///
/// # Errors
/// `Forbidden` without permission to read everywhere, `NotFound`.
pub fn members(
    conn: &mut Conn,
    caller: &Caller,
    id: TeamId,
    window: &Window<UserId>,
    with_total: bool,
) -> Result<(Vec<User>, Option<i64>), ApiError> {
    caller.require_everywhere(Permission::Read)?;
    require(conn, caller, id)?;
    let total = if with_total { Some(repo::teams::count_members(conn, caller.organization, id)?) } else { None };
    Ok((repo::teams::members(conn, caller.organization, id, window)?, total))
}

/// Puts a member of the organization into a team; they see its products from their next request on.
///
/// # Errors
/// `Forbidden` for all but admins, `NotFound` for a team or a member that is not.
pub fn add_member(conn: &mut Conn, caller: &Caller, id: TeamId, user: UserId, now: UtcTime) -> Result<(), ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    require(conn, caller, id)?;
    repo::organizations::lock(conn, caller.organization)?;
    let is_member = repo::members::find(conn, caller.organization, user)?.is_some();
    if !is_member {
        return Err(ApiError::not_found("member", user));
    }
    if repo::teams::add_member(conn, caller.organization, id, user)? {
        Entry::new("team.member_added", "team", id.0).set("user_id", user.to_string()).record(conn, caller, now)?;
    }
    Ok(())
}

/// Takes a member out of a team; they no longer see its restricted products from their next request on.
///
/// # Errors
/// `Forbidden` for all but admins, `NotFound` for a team, or for somebody who is not in it.
pub fn remove_member(conn: &mut Conn, caller: &Caller, id: TeamId, user: UserId, now: UtcTime) -> Result<(), ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    require(conn, caller, id)?;
    if !repo::teams::remove_member(conn, caller.organization, id, user)? {
        return Err(ApiError::not_found("member", user));
    }
    Entry::new("team.member_removed", "team", id.0)
        .change("user_id", user.to_string(), None::<String>)
        .record(conn, caller, now)
}

fn require(conn: &mut Conn, caller: &Caller, id: TeamId) -> Result<Team, ApiError> {
    repo::teams::find(conn, caller.organization, id)?.ok_or_else(|| ApiError::not_found("team", id))
}

/// Only members answer for products; users of other organizations look like users that do not exist.
fn check_responsible(
    conn: &mut Conn,
    caller: &Caller,
    user: Option<UserId>,
    faults: &mut Faults,
) -> Result<(), ApiError> {
    if let Some(user) = user {
        let is_member = repo::members::find(conn, caller.organization, user)?.is_some();
        faults.require(is_member, "/responsible_user_id", "must be a member of the organization");
    }
    Ok(())
}

fn text(user: Option<UserId>) -> Option<String> {
    user.map(|id| id.to_string())
}
