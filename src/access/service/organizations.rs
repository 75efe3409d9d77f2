//! Organizations: made by superusers, changed by their admins, deleted when they are empty.

use crate::access::audit::Entry;
use crate::access::checks;
use crate::access::model::{Caller, Membership, Organization, SignedIn};
use crate::access::permission::{Permission, Role};
use crate::access::repo;
use crate::base::actor::Actor;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::OrganizationId;
use crate::base::page::Window;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;

const SLUG_TAKEN: &str = "another organization has this slug";

/// An organization and what somebody may do there.
pub type RoleIn = (Organization, Role);

/// An organization to be made.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// Its name in paths.
    pub slug: String,
    /// Its name for people.
    pub name: String,
}

/// What of an organization may change.
#[derive(Debug, Clone, Default)]
pub struct OrganizationPatch {
    /// Its name in paths.
    pub slug: Patch<String>,
    /// Its name for people.
    pub name: Patch<String>,
    /// Whether every call of a tracker is held (DD-27).
    pub tracker_traffic_stopped: Patch<bool>,
}

/// Makes an organization. Who made it is its first admin.
///
/// # Errors
/// `Forbidden` for all but superusers, `Invalid`, `Conflict` when the slug is taken.
pub fn create(
    conn: &mut Conn,
    person: &SignedIn,
    new: &NewOrganization,
    now: UtcTime,
) -> Result<Organization, ApiError> {
    person.require_superuser()?;
    let mut faults = Faults::default();
    let slug = checks::slug(&new.slug, "/slug", &mut faults);
    let name = checks::name(&new.name, "/name", &mut faults);
    faults.finish()?;
    let organization = Organization {
        id: OrganizationId::generate(),
        slug,
        name,
        tracker_traffic_stopped: false,
        version: 1,
        created_at: now,
    };
    repo::organizations::insert(conn, &organization).map_err(|error| checks::taken(error, SLUG_TAKEN))?;
    let (organization_id, user_id) = (organization.id, person.user);
    let membership = Membership { organization_id, user_id, role: Role::Admin, version: 1, created_at: now };
    repo::members::insert(conn, &membership)?;
    Entry::new("organization.created", "organization", organization_id.0)
        .set("slug", organization.slug.as_str())
        .set("name", organization.name.as_str())
        .record_in(conn, organization_id, Actor::User(user_id), now)?;
    Ok(organization)
}

/// A page of the person's organizations, with their role there.
///
/// # Errors
/// `Internal`.
pub fn list_of(
    conn: &mut Conn,
    person: &SignedIn,
    window: &Window<OrganizationId>,
    with_total: bool,
) -> Result<(Vec<RoleIn>, Option<i64>), ApiError> {
    let total = if with_total { Some(repo::organizations::count_of(conn, person.user)?) } else { None };
    Ok((repo::organizations::list_of(conn, person.user, window)?, total))
}

/// The caller's organization.
///
/// # Errors
/// `Forbidden` without permission to read.
pub fn get(conn: &mut Conn, caller: &Caller) -> Result<Organization, ApiError> {
    caller.require(Permission::Read)?;
    require(conn, caller)
}

/// Changes the caller's organization.
///
/// # Errors
/// `Forbidden` for all but admins, `PreconditionFailed`, `Invalid`, `Conflict` when the slug is taken.
pub fn change(
    conn: &mut Conn,
    caller: &Caller,
    patch: OrganizationPatch,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Organization, ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    let old = require(conn, caller)?;
    if_match.check(old.version)?;
    let new = apply(&old, patch)?;
    let is_written = repo::organizations::update(conn, &new).map_err(|error| checks::taken(error, SLUG_TAKEN))?;
    checks::written(is_written)?;
    Entry::new("organization.changed", "organization", new.id.0)
        .change("slug", old.slug, new.slug.as_str())
        .change("name", old.name, new.name.as_str())
        .change("tracker_traffic_stopped", old.tracker_traffic_stopped, new.tracker_traffic_stopped)
        .record(conn, caller, now)?;
    Ok(new)
}

fn apply(old: &Organization, patch: OrganizationPatch) -> Result<Organization, ApiError> {
    let mut faults = Faults::default();
    let slug = patch.slug.into_option().map(|slug| checks::slug(&slug, "/slug", &mut faults));
    let name = patch.name.into_option().map(|name| checks::name(&name, "/name", &mut faults));
    faults.finish()?;
    Ok(Organization {
        slug: slug.unwrap_or_else(|| old.slug.clone()),
        name: name.unwrap_or_else(|| old.name.clone()),
        tracker_traffic_stopped: patch.tracker_traffic_stopped.or(old.tracker_traffic_stopped),
        version: old.version + 1,
        ..old.clone()
    })
}

/// Deletes the caller's organization with its members, teams and tokens, once it has no product and no tracker
/// connection left: what trackers hold must be closed first.
///
/// # Errors
/// `Forbidden` for all but admins in person, `PreconditionFailed`, `Conflict` while it is not empty.
pub fn delete(conn: &mut Conn, caller: &Caller, if_match: &IfMatch, now: UtcTime) -> Result<(), ApiError> {
    caller.require_person()?;
    caller.require_everywhere(Permission::Administer)?;
    let old = require(conn, caller)?;
    if_match.check(old.version)?;
    Entry::new("organization.deleted", "organization", old.id.0)
        .change("slug", old.slug.as_str(), None::<String>)
        .record(conn, caller, now)?;
    let not_empty = "the organization still has products or tracker connections: delete them first";
    repo::organizations::delete(conn, caller.organization).map_err(|error| checks::in_use(error, not_empty))?;
    Ok(())
}

fn require(conn: &mut Conn, caller: &Caller) -> Result<Organization, ApiError> {
    let id = caller.organization;
    repo::organizations::find(conn, id)?.ok_or_else(|| ApiError::not_found("organization", id))
}
