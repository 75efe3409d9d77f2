//! Sessions: login, refresh, logout, change of the password.
//!
//! A session lives as long as its row; an access token is worth nothing without it, so logout and revocation hold at
//! once. Each refresh replaces the refresh token. One that was replaced already ends the session for everybody: either
//! it was stolen, or its thief has the newer one. There is no grace for a client that refreshes twice at once.

use std::net::IpAddr;
use std::time::Duration;

use super::organizations::RoleIn;
use super::users;
use crate::access::attempts::{Attempt, Limits};
use crate::access::audit::Entry;
use crate::access::model::{Session, SignedIn, User};
use crate::access::{checks, jwt, password, repo, secret_text};
use crate::base::actor::Actor;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{SessionId, UserId};
use crate::base::patch::Patch;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::config::Config;
use crate::db::conn::Conn;
use crate::db::pool::Db;
use crate::keys::Keys;

const WRONG: ApiError = ApiError::Unauthenticated("the e-mail address or the password is wrong");
const REFUSED: ApiError = ApiError::Unauthenticated("the refresh token is not valid: log in again");

const LOGIN_TOKEN_LASTS: Duration = Duration::from_secs(24 * 3600);

/// How long sessions last and how many wrong passwords are borne.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long an access token is valid.
    pub access_lifetime: Duration,
    /// How long a session is.
    pub session_lifetime: Duration,
    /// The limits on logins.
    pub limits: Limits,
}

impl From<&Config> for Terms {
    fn from(config: &Config) -> Self {
        Self {
            access_lifetime: config.access_token_lifetime,
            session_lifetime: config.refresh_token_lifetime,
            limits: Limits { attempts: config.login_attempts, window: config.login_window },
        }
    }
}

/// Who somebody says they are, and from where.
#[derive(Debug, Clone)]
pub struct Login {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: Secret<String>,
    /// The client's address.
    pub address: IpAddr,
}

/// What a client needs to act for a person.
#[derive(Debug)]
pub struct Tokens {
    /// For every request.
    pub access_token: Secret<String>,
    /// How long it is valid.
    pub access_lifetime: Duration,
    /// For the next tokens; works once.
    pub refresh_token: Secret<String>,
    /// When a new login is needed.
    pub session_expires_at: UtcTime,
}

/// Somebody whose password was right.
pub(super) struct Proven {
    pub(super) user: User,
    attempt: Attempt,
}

impl Proven {
    /// Writes down that the password was right, and reads the user again: much may happen while a password is hashed.
    pub(super) fn confirm(&self, conn: &mut Conn, now: UtcTime) -> Result<User, ApiError> {
        self.attempt.succeed(conn, now)?;
        let user = repo::users::find(conn, self.user.id)?.filter(|user| user.is_active);
        user.filter(|user| user.password_hash == self.user.password_hash).ok_or(WRONG)
    }
}

/// Checks a password, within the limits and in the same time for every account, existing or not.
pub(super) async fn prove(db: &Db, limits: Limits, login: Login, now: UtcTime) -> Result<Proven, ApiError> {
    let email = checks::normal_email(&login.email);
    let attempt = Attempt::new(&email, login.address);
    let (checked, counted) = (attempt.clone(), attempt.clone());
    db.read(move |conn| checked.check(conn, limits, now)).await?;
    // Again, should it meet the sweep of old counters.
    let found = db.write_again(move |conn| {
        counted.begin(conn, limits, now)?;
        Ok(repo::users::find_by_email(conn, &email)?)
    });
    let user = found.await?.filter(|user| user.is_active);
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let is_right = password::is_right(login.password, stored).await?;
    let Some(user) = user.filter(|_| is_right) else {
        // Not the account: people type passwords into the wrong field.
        tracing::info!(address = %login.address, "a password was wrong");
        return Err(WRONG);
    };
    Ok(Proven { user, attempt })
}

/// Begins a session.
///
/// # Errors
/// `Unauthenticated`, the same for unknown accounts and wrong passwords; `TooManyRequests`.
pub async fn login(db: &Db, keys: &Keys, terms: Terms, login: Login, now: UtcTime) -> Result<Tokens, ApiError> {
    let address = login.address;
    let proven = prove(db, terms.limits, login, now).await?;
    let id = SessionId::generate();
    let refresh_token = secret_text::new_refresh_token(id);
    let session = Session {
        id,
        user_id: proven.user.id,
        refresh_hash: secret_text::hash(refresh_token.expose()),
        expires_at: now.plus(terms.session_lifetime),
        created_at: now,
    };
    let stored = session.clone();
    db.write_again(move |conn| {
        proven.confirm(conn, now)?;
        repo::sessions::insert(conn, &stored)?;
        Ok(())
    })
    .await?;
    tracing::info!(session = %id, user = %session.user_id, address = %address, "logged in");
    issue(keys, terms, &session, refresh_token, now)
}

/// Begins a session that has one token only, for machines that log in as people: it lasts for a day, and is not prolonged.
///
/// # Errors
/// As for [`login`].
pub async fn login_for_token(db: &Db, terms: Terms, login: Login, now: UtcTime) -> Result<Secret<String>, ApiError> {
    let address = login.address;
    let proven = prove(db, terms.limits, login, now).await?;
    let id = SessionId::generate();
    let token = secret_text::new_login_token(id);
    let session = Session {
        id,
        user_id: proven.user.id,
        refresh_hash: secret_text::hash(token.expose()),
        expires_at: now.plus(LOGIN_TOKEN_LASTS),
        created_at: now,
    };
    tracing::info!(session = %id, user = %session.user_id, address = %address, "logged in for a token");
    db.write_again(move |conn| {
        proven.confirm(conn, now)?;
        repo::sessions::insert(conn, &session)?;
        Ok(())
    })
    .await?;
    Ok(token)
}

/// Goes on with a session: new tokens for the newest refresh token.
///
/// # Errors
/// `Unauthenticated`.
pub async fn refresh(
    db: &Db,
    keys: &Keys,
    terms: Terms,
    token: &Secret<String>,
    now: UtcTime,
) -> Result<Tokens, ApiError> {
    let id = secret_text::session_of(token.expose()).ok_or(REFUSED)?;
    let next = secret_text::new_refresh_token(id);
    let (old_hash, new_hash) = (secret_text::hash(token.expose()), secret_text::hash(next.expose()));
    // The end of a session must be committed, so it is no error inside.
    let session = db.write(move |conn| replace(conn, id, &old_hash, &new_hash, now)).await?.ok_or(REFUSED)?;
    issue(keys, terms, &session, next, now)
}

fn replace(
    conn: &mut Conn,
    id: SessionId,
    old_hash: &[u8],
    new_hash: &[u8],
    now: UtcTime,
) -> Result<Option<Session>, ApiError> {
    let Some(session) = repo::sessions::find(conn, id, now)? else { return Ok(None) };
    let is_live = repo::credentials::live_session(conn, id, session.user_id, now)?.is_some();
    if is_live && repo::sessions::replace(conn, id, old_hash, new_hash)? {
        return Ok(Some(session));
    }
    tracing::warn!(session = %id, user = %session.user_id, "session ended: its refresh token had been used before");
    repo::sessions::delete(conn, id)?;
    Ok(None)
}

fn issue(
    keys: &Keys,
    terms: Terms,
    session: &Session,
    refresh_token: Secret<String>,
    now: UtcTime,
) -> Result<Tokens, ApiError> {
    Ok(Tokens {
        access_token: jwt::sign(keys, session.user_id, session.id, now, terms.access_lifetime)?,
        access_lifetime: terms.access_lifetime,
        refresh_token,
        session_expires_at: session.expires_at,
    })
}

/// Ends the person's session: neither of its tokens is worth anything then.
///
/// # Errors
/// `Internal`.
pub fn logout(conn: &mut Conn, person: &SignedIn) -> Result<(), ApiError> {
    repo::sessions::delete(conn, person.session)?;
    Ok(())
}

/// A change of one's own password.
#[derive(Debug)]
pub struct PasswordChange {
    /// The one that is valid.
    pub current: Secret<String>,
    /// The one to come.
    pub new: Secret<String>,
    /// The client's address.
    pub address: IpAddr,
}

/// Changes the person's password, and ends all their other sessions.
///
/// # Errors
/// `Invalid` for a wrong current or a bad new password, `TooManyRequests`.
pub async fn change_password(
    db: &Db,
    limits: Limits,
    person: SignedIn,
    change: PasswordChange,
    now: UtcTime,
) -> Result<(), ApiError> {
    let email = db.read(move |conn| require(conn, person.user)).await?.email;
    let mut faults = Faults::default();
    password::check_new(&change.new, &email, "/new_password", &mut faults);
    faults.finish()?;
    let login = Login { email, password: change.current, address: change.address };
    let proven = prove(db, limits, login, now).await.map_err(|error| match error {
        // The session is good; a 401 would tell the client to refresh it.
        ApiError::Unauthenticated(_) => ApiError::invalid("/current_password", "is not the password"),
        other => other,
    })?;
    let password_hash = password::hash(change.new).await?;
    db.write(move |conn| {
        let user = proven.confirm(conn, now)?;
        let changed = User { password_hash, version: user.version + 1, ..user };
        checks::written(repo::users::update(conn, &changed)?)?;
        repo::sessions::delete_others(conn, person.user, Some(person.session))?;
        let entry = Entry::new("user.password_changed", "user", person.user.0).secret("password");
        users::record_everywhere(conn, person.user, Actor::User(person.user), &entry, now)
    })
    .await
}

/// Who the person is, and in which organizations they have which role.
///
/// # Errors
/// `Unauthenticated` when they were just deleted.
pub fn me(conn: &mut Conn, person: &SignedIn) -> Result<(User, Vec<RoleIn>), ApiError> {
    let user = require(conn, person.user)?;
    Ok((user, repo::organizations::all_of(conn, person.user)?))
}

/// Changes the person's own name.
///
/// # Errors
/// `Invalid`, `PreconditionFailed`.
pub fn change_me(
    conn: &mut Conn,
    person: &SignedIn,
    name: Patch<String>,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<User, ApiError> {
    let old = require(conn, person.user)?;
    if_match.check(old.version)?;
    let mut faults = Faults::default();
    let name = name.into_option().map(|name| checks::name(&name, "/name", &mut faults));
    faults.finish()?;
    let new = User { name: name.unwrap_or_else(|| old.name.clone()), version: old.version + 1, ..old.clone() };
    checks::written(repo::users::update(conn, &new)?)?;
    let entry = Entry::new("user.changed", "user", new.id.0).change("name", old.name, new.name.as_str());
    users::record_everywhere(conn, new.id, Actor::User(new.id), &entry, now)?;
    Ok(new)
}

fn require(conn: &mut Conn, user: UserId) -> Result<User, ApiError> {
    repo::users::find(conn, user)?.ok_or(WRONG)
}

/// Deletes what has had its time: ended sessions, counters of logins.
///
/// # Errors
/// `Internal`.
pub fn sweep(conn: &mut Conn, now: UtcTime) -> Result<(), ApiError> {
    repo::sessions::delete_expired(conn, now)?;
    repo::attempts::delete_ended(conn, now)?;
    Ok(())
}
