//! Users, as superusers manage them. The server always keeps a superuser who can log in.

use crate::access::audit::Entry;
use crate::access::checks;
use crate::access::model::{SignedIn, User};
use crate::access::{password, repo, secret_text};
use crate::base::actor::Actor;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::UserId;
use crate::base::page::Window;
use crate::base::patch::Patch;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::db::pool::Db;

/// A user to be made known.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What they log in with.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their first password; without one it is made up.
    pub password: Option<Secret<String>>,
    /// May they create organizations and manage users?
    pub is_superuser: bool,
}

/// What of a user a superuser may change.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// Their name.
    pub name: Patch<String>,
    /// May they log in?
    pub is_active: Patch<bool>,
    /// May they create organizations and manage users?
    pub is_superuser: Patch<bool>,
}

/// A page of all users.
///
/// # Errors
/// `Forbidden` for all but superusers.
pub fn list(
    conn: &mut Conn,
    person: &SignedIn,
    window: &Window<UserId>,
    with_total: bool,
) -> Result<(Vec<User>, Option<i64>), ApiError> {
    person.require_superuser()?;
    let total = if with_total { Some(repo::users::count(conn)?) } else { None };
    Ok((repo::users::list(conn, window)?, total))
}

/// A user.
///
/// # Errors
/// `Forbidden` for all but superusers, `NotFound`.
pub fn get(conn: &mut Conn, person: &SignedIn, id: UserId) -> Result<User, ApiError> {
    person.require_superuser()?;
    require(conn, id)
}

/// Makes a user known. Answers the password if it was made up: it is known now and never again.
///
/// # Errors
/// `Forbidden` for all but superusers, `Invalid`, `Conflict` when the e-mail address is taken.
pub async fn create(
    db: &Db,
    person: SignedIn,
    new: NewUser,
    now: UtcTime,
) -> Result<(User, Option<Secret<String>>), ApiError> {
    person.require_superuser()?;
    let mut faults = Faults::default();
    let email = checks::email(&new.email, "/email", &mut faults);
    let name = checks::name(&new.name, "/name", &mut faults);
    if let Some(password) = &new.password {
        password::check_new(password, &email, "/password", &mut faults);
    }
    faults.finish()?;
    let made_up = new.password.is_none().then(secret_text::new_password);
    let password = new.password.or_else(|| made_up.clone()).unwrap_or_default();
    let user = User {
        id: UserId::generate(),
        email,
        name,
        password_hash: password::hash(password).await?,
        is_superuser: new.is_superuser,
        is_active: true,
        version: 1,
        created_at: now,
    };
    let user = db.write(move |conn| insert(conn, user)).await?;
    // No organization has a log of this yet.
    tracing::info!(user = %user.id, by = %person.user, is_superuser = user.is_superuser, "made a user known");
    Ok((user, made_up))
}

pub(super) fn insert(conn: &mut Conn, user: User) -> Result<User, ApiError> {
    repo::users::insert(conn, &user).map_err(|error| checks::taken(error, "another user has this e-mail address"))?;
    Ok(user)
}

/// Changes a user. Who may no longer log in loses their sessions and, while that lasts, the API tokens they made.
///
/// # Errors
/// `Forbidden` for all but superusers, `NotFound`, `PreconditionFailed`, `Invalid`, `Conflict` for the last superuser.
pub fn change(
    conn: &mut Conn,
    person: &SignedIn,
    id: UserId,
    patch: UserPatch,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<User, ApiError> {
    person.require_superuser()?;
    repo::users::lock_superusers(conn)?;
    let old = require(conn, id)?;
    if_match.check(old.version)?;
    let mut faults = Faults::default();
    let name = patch.name.into_option().map(|name| checks::name(&name, "/name", &mut faults));
    faults.finish()?;
    let new = User {
        name: name.unwrap_or_else(|| old.name.clone()),
        is_active: patch.is_active.or(old.is_active),
        is_superuser: patch.is_superuser.or(old.is_superuser),
        version: old.version + 1,
        ..old.clone()
    };
    checks::written(repo::users::update(conn, &new)?)?;
    if repo::users::count_superusers(conn)? == 0 {
        return Err(ApiError::Conflict("this is the last superuser: make another one first".to_owned()));
    }
    if !new.is_active {
        repo::sessions::delete_others(conn, id, None)?;
    }
    let entry = Entry::new("user.changed", "user", id.0)
        .change("name", old.name, new.name.as_str())
        .change("is_active", old.is_active, new.is_active)
        .change("is_superuser", old.is_superuser, new.is_superuser);
    record_everywhere(conn, id, Actor::User(person.user), &entry, now)?;
    Ok(new)
}

/// Gives a user a made-up password, and ends their sessions.
///
/// # Errors
/// `Forbidden` for all but superusers, `NotFound`.
pub async fn reset_password(db: &Db, person: SignedIn, id: UserId, now: UtcTime) -> Result<Secret<String>, ApiError> {
    person.require_superuser()?;
    let made_up = secret_text::new_password();
    let password_hash = password::hash(made_up.clone()).await?;
    db.write(move |conn| {
        let user = require(conn, id)?;
        set_password(conn, user, password_hash)?;
        let entry = Entry::new("user.password_reset", "user", id.0).secret("password");
        record_everywhere(conn, id, Actor::User(person.user), &entry, now)
    })
    .await?;
    Ok(made_up)
}

pub(super) fn set_password(conn: &mut Conn, user: User, password_hash: String) -> Result<User, ApiError> {
    let changed = User { password_hash, version: user.version + 1, ..user };
    checks::written(repo::users::update(conn, &changed)?)?;
    repo::sessions::delete_others(conn, changed.id, None)?;
    Ok(changed)
}

/// Writes a line into the audit log of each organization that the user is a member of.
pub(super) fn record_everywhere(
    conn: &mut Conn,
    user: UserId,
    actor: Actor,
    entry: &Entry,
    now: UtcTime,
) -> Result<(), ApiError> {
    for (organization, _role) in repo::organizations::all_of(conn, user)? {
        entry.clone().record_in(conn, organization.id, actor, now)?;
    }
    Ok(())
}

fn require(conn: &mut Conn, id: UserId) -> Result<User, ApiError> {
    repo::users::find(conn, id)?.ok_or_else(|| ApiError::not_found("user", id))
}
