//! Invitations: how people come into an organization.
//!
//! An admin gets a code and hands it to the person. The answer is the same whether the person has an account or not,
//! and nobody becomes a member without the code and the account's password. So an admin can neither learn who has
//! accounts elsewhere nor get into one.

use std::net::IpAddr;
use std::time::Duration;

use super::sessions::{self, Login, Proven};
use super::users;
use crate::access::attempts::Limits;
use crate::access::audit::Entry;
use crate::access::checks;
use crate::access::model::{Caller, Invitation, Membership, Organization, User};
use crate::access::permission::{Permission, Role};
use crate::access::{password, repo, secret_text};
use crate::base::actor::Actor;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{InvitationId, UserId};
use crate::base::page::Window;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::pool::Db;

const VALID_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// Invites a person, in the place of an older invitation. The code is known now and never again.
///
/// # Errors
/// `Forbidden` for all but admins, `Invalid`, `Conflict` for somebody who is a member.
pub fn create(
    conn: &mut Conn,
    caller: &Caller,
    email: &str,
    role: Role,
    now: UtcTime,
) -> Result<(Invitation, Secret<String>), ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    let mut faults = Faults::default();
    let email = checks::email(email, "/email", &mut faults);
    faults.finish()?;
    if repo::members::has_email(conn, caller.organization, &email)? {
        return Err(ApiError::Conflict("this person is a member already".to_owned()));
    }
    let code = secret_text::new_invitation_code();
    let invitation = Invitation {
        organization_id: caller.organization,
        id: InvitationId::generate(),
        email,
        role,
        code_hash: secret_text::hash(code.expose()),
        expires_at: now.plus(VALID_FOR),
        created_at: now,
    };
    repo::invitations::put(conn, &invitation)?;
    Entry::new("invitation.created", "invitation", invitation.id.0)
        .set("email", invitation.email.as_str())
        .set("role", role.as_str())
        .record(conn, caller, now)?;
    Ok((invitation, code))
}

/// A page of the organization's invitations.
///
/// # Errors
/// `Forbidden` for all but admins.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    window: &Window<InvitationId>,
    with_total: bool,
) -> Result<(Vec<Invitation>, Option<i64>), ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    let total = if with_total { Some(repo::invitations::count(conn, caller.organization)?) } else { None };
    Ok((repo::invitations::list(conn, caller.organization, window)?, total))
}

/// An invitation of the organization.
///
/// # Errors
/// `Forbidden` for all but admins, `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, id: InvitationId) -> Result<Invitation, ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    let invitation = repo::invitations::find(conn, caller.organization, id)?;
    invitation.ok_or_else(|| ApiError::not_found("invitation", id))
}

/// Takes an invitation back.
///
/// # Errors
/// `Forbidden` for all but admins, `NotFound`.
pub fn withdraw(conn: &mut Conn, caller: &Caller, id: InvitationId, now: UtcTime) -> Result<(), ApiError> {
    let invitation = get(conn, caller, id)?;
    repo::invitations::delete(conn, caller.organization, id)?;
    Entry::new("invitation.withdrawn", "invitation", id.0)
        .change("email", invitation.email, None::<String>)
        .record(conn, caller, now)
}

/// What a person sends to join.
#[derive(Debug)]
pub struct Acceptance {
    /// The code of the invitation.
    pub code: Secret<String>,
    /// The name of the account, if it is new.
    pub name: Option<String>,
    /// The account's password: its own, or, if it is new, the one to be.
    pub password: Secret<String>,
    /// The client's address.
    pub address: IpAddr,
}

/// A person who joined.
#[derive(Debug)]
pub struct Joined {
    /// Who.
    pub user: User,
    /// What.
    pub organization: Organization,
    /// As what.
    pub role: Role,
}

/// Joins an organization with the account of the invited address, which is made if there is none.
///
/// # Errors
/// `Invalid` for a code that is not (or no longer) one and for a bad new account, `Unauthenticated` for a wrong
/// password of an existing one, `TooManyRequests`.
pub async fn accept(db: &Db, limits: Limits, acceptance: Acceptance, now: UtcTime) -> Result<Joined, ApiError> {
    let code_hash = secret_text::hash(acceptance.code.expose());
    let (invitation, account) = {
        let code_hash = code_hash.clone();
        db.read(move |conn| open(conn, &code_hash, now)).await?
    };
    let person = if account.is_some() {
        let login = Login { email: invitation.email, password: acceptance.password, address: acceptance.address };
        Person::Known(sessions::prove(db, limits, login, now).await?)
    } else {
        Person::New(new_user(invitation.email, acceptance.name, acceptance.password, now).await?)
    };
    db.write(move |conn| join(conn, &code_hash, person, now)).await
}

enum Person {
    Known(Proven),
    New(User),
}

fn open(conn: &mut Conn, code_hash: &[u8], now: UtcTime) -> Result<(Invitation, Option<User>), ApiError> {
    let invitation = repo::invitations::find_by_code(conn, code_hash, now)?;
    let invitation = invitation
        .ok_or_else(|| ApiError::invalid("/code", "is not the code of an open invitation: ask for a new one"))?;
    let account = repo::users::find_by_email(conn, &invitation.email)?;
    Ok((invitation, account))
}

async fn new_user(
    email: String,
    name: Option<String>,
    password: Secret<String>,
    now: UtcTime,
) -> Result<User, ApiError> {
    let mut faults = Faults::default();
    let name = checks::name(&name.unwrap_or_default(), "/name", &mut faults);
    password::check_new(&password, &email, "/password", &mut faults);
    faults.finish()?;
    let password_hash = password::hash(password).await?;
    let id = UserId::generate();
    Ok(User { id, email, name, password_hash, is_superuser: false, is_active: true, version: 1, created_at: now })
}

fn join(conn: &mut Conn, code_hash: &[u8], person: Person, now: UtcTime) -> Result<Joined, ApiError> {
    // Read again: it may have been used or withdrawn while the password was hashed.
    let (invitation, _) = open(conn, code_hash, now)?;
    let (organization_id, role) = (invitation.organization_id, invitation.role);
    let user = match person {
        Person::Known(proven) => proven.confirm(conn, now)?,
        Person::New(user) => users::insert(conn, user)?,
    };
    repo::invitations::delete(conn, organization_id, invitation.id)?;
    let membership = Membership { organization_id, user_id: user.id, role, version: 1, created_at: now };
    let already = "this person is a member already";
    repo::members::insert(conn, &membership).map_err(|error| checks::taken(error, already))?;
    Entry::new("member.joined", "user", user.id.0)
        .set("email", user.email.as_str())
        .set("role", role.as_str())
        .record_in(conn, organization_id, Actor::User(user.id), now)?;
    let organization = repo::organizations::find(conn, organization_id)?;
    let organization = organization.ok_or_else(|| ApiError::not_found("organization", organization_id))?;
    Ok(Joined { user, organization, role })
}
