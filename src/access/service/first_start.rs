//! The first administrator, and the way back in for an operator who lost theirs.

use super::users;
use crate::access::audit::Entry;
use crate::access::checks;
use crate::access::model::{Membership, Organization, User};
use crate::access::permission::Role;
use crate::access::{password, repo, secret_text};
use crate::base::actor::Actor;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{OrganizationId, UserId};
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;

/// The slug of the first organization.
pub const FIRST_ORGANIZATION: &str = "default";

/// An administrator of the server who was just made.
#[derive(Debug)]
pub struct NewAdmin {
    /// What they log in with.
    pub email: String,
    /// Their password, if it was made up: to be shown once.
    pub made_up_password: Option<Secret<String>>,
}

/// Makes the first superuser and, if there is none, the organization `default` with them as its admin. Does nothing on
/// a server that has a superuser. Of several instances that start at once, one makes them.
///
/// # Errors
/// `Invalid` for a bad e-mail address or password.
pub fn ensure_admin(
    conn: &mut Conn,
    email: &str,
    password: Option<Secret<String>>,
    now: UtcTime,
) -> Result<Option<NewAdmin>, ApiError> {
    repo::users::lock_superusers(conn)?;
    if repo::users::count_superusers(conn)? > 0 {
        return Ok(None);
    }
    create_admin(conn, email, password, now).map(Some)
}

/// Makes a user a superuser with a new password: an existing one, whose sessions end, or a new one. On a server without
/// an organization they get `default`.
///
/// # Errors
/// `Invalid` for a bad e-mail address or password.
pub fn create_admin(
    conn: &mut Conn,
    email: &str,
    password: Option<Secret<String>>,
    now: UtcTime,
) -> Result<NewAdmin, ApiError> {
    let mut faults = Faults::default();
    let email = checks::email(email, "email", &mut faults);
    if let Some(password) = &password {
        password::check_new(password, &email, "password", &mut faults);
    }
    faults.finish()?;
    let made_up_password = password.is_none().then(secret_text::new_password);
    let password_hash = password::hash_now(&password.or_else(|| made_up_password.clone()).unwrap_or_default())?;
    let user = match repo::users::find_by_email(conn, &email)? {
        Some(user) => users::set_password(conn, User { is_superuser: true, is_active: true, ..user }, password_hash)?,
        None => users::insert(conn, new_superuser(email, password_hash, now))?,
    };
    let entry = Entry::new("user.made_superuser", "user", user.id.0).secret("password");
    users::record_everywhere(conn, user.id, Actor::System, &entry, now)?;
    if !repo::organizations::any(conn)? {
        first_organization(conn, user.id, now)?;
    }
    Ok(NewAdmin { email: user.email, made_up_password })
}

fn new_superuser(email: String, password_hash: String, now: UtcTime) -> User {
    User {
        id: UserId::generate(),
        email,
        name: "Administrator".to_owned(),
        password_hash,
        is_superuser: true,
        is_active: true,
        version: 1,
        created_at: now,
    }
}

fn first_organization(conn: &mut Conn, user_id: UserId, now: UtcTime) -> Result<(), ApiError> {
    let organization_id = OrganizationId::generate();
    let organization = Organization {
        id: organization_id,
        slug: FIRST_ORGANIZATION.to_owned(),
        name: "Default".to_owned(),
        tracker_traffic_stopped: false,
        version: 1,
        created_at: now,
    };
    repo::organizations::insert(conn, &organization)?;
    let membership = Membership { organization_id, user_id, role: Role::Admin, version: 1, created_at: now };
    repo::members::insert(conn, &membership)?;
    Entry::new("organization.created", "organization", organization_id.0).set("slug", organization.slug).record_in(
        conn,
        organization_id,
        Actor::System,
        now,
    )
}
