//! Members and their roles. An organization always keeps an admin who can log in.

use crate::access::audit::Entry;
use crate::access::checks;
use crate::access::model::{Caller, Membership, User};
use crate::access::permission::{Permission, Role};
use crate::access::repo;
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::UserId;
use crate::base::page::Window;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;

/// A membership and who it is.
pub type Member = (Membership, User);

/// A page of the organization's members.
///
/// # Errors
/// `Forbidden` without permission to read everywhere.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    window: &Window<UserId>,
    with_total: bool,
) -> Result<(Vec<Member>, Option<i64>), ApiError> {
    caller.require_everywhere(Permission::Read)?;
    let total = if with_total { Some(repo::members::count(conn, caller.organization)?) } else { None };
    Ok((repo::members::list(conn, caller.organization, window)?, total))
}

/// A member of the organization.
///
/// # Errors
/// `Forbidden` without permission to read everywhere, `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, user: UserId) -> Result<Member, ApiError> {
    caller.require_everywhere(Permission::Read)?;
    require(conn, caller, user)
}

/// Gives a member another role, from their next request on.
///
/// # Errors
/// `Forbidden` for all but admins, `NotFound`, `PreconditionFailed`, `Conflict` for the last admin.
pub fn change(
    conn: &mut Conn,
    caller: &Caller,
    user: UserId,
    role: Patch<Role>,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Member, ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    repo::organizations::lock(conn, caller.organization)?;
    let (old, person) = require(conn, caller, user)?;
    if_match.check(old.version)?;
    let new = Membership { role: role.or(old.role), version: old.version + 1, ..old.clone() };
    checks::written(repo::members::update(conn, &new)?)?;
    keep_an_admin(conn, caller, &old)?;
    Entry::new("member.role_changed", "user", user.0)
        .change("role", old.role.as_str(), new.role.as_str())
        .record(conn, caller, now)?;
    Ok((new, person))
}

/// Removes a member, from their next request on; also from their teams, and with the API tokens that they made. Who is
/// no admin may remove themselves.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`, `Conflict` for the last admin.
pub fn remove(
    conn: &mut Conn,
    caller: &Caller,
    user: UserId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    if caller.actor != Actor::User(user) {
        caller.require_everywhere(Permission::Administer)?;
    }
    repo::organizations::lock(conn, caller.organization)?;
    let (old, person) = require(conn, caller, user)?;
    if_match.check(old.version)?;
    repo::teams::clear_responsible(conn, caller.organization, user)?;
    repo::tokens::revoke_made_by(conn, caller.organization, user, now)?;
    repo::members::delete(conn, caller.organization, user)?;
    keep_an_admin(conn, caller, &old)?;
    Entry::new("member.removed", "user", user.0)
        .change("email", person.email, None::<String>)
        .change("role", old.role.as_str(), None::<String>)
        .record(conn, caller, now)
}

/// Refuses the change of a membership that leaves nobody who could undo it.
fn keep_an_admin(conn: &mut Conn, caller: &Caller, old: &Membership) -> Result<(), ApiError> {
    if old.role != Role::Admin || repo::members::count_admins(conn, caller.organization)? > 0 {
        return Ok(());
    }
    Err(ApiError::Conflict("this is the last admin of the organization: make another one first".to_owned()))
}

fn require(conn: &mut Conn, caller: &Caller, user: UserId) -> Result<Member, ApiError> {
    let member = repo::members::find(conn, caller.organization, user)?;
    member.ok_or_else(|| ApiError::not_found("member", user))
}
