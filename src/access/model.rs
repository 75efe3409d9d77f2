//! The rows of this room, the caller of a request and the person behind a session.

use diesel::prelude::*;

use super::permission::{Permission, Permissions, Role, TokenScope};
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::{ApiTokenId, AuditId, InvitationId, OrganizationId, ProductId, SessionId, TeamId, UserId};
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::db::schema::{api_tokens, audit_log, invitations, memberships, organizations, sessions, teams, users};

/// Who makes a request, in which organization, and what they may do there.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The organization of the request: every query of tenant data filters by it.
    pub organization: OrganizationId,
    /// The user or token.
    pub actor: Actor,
    /// What they may do.
    pub permissions: Permissions,
    /// The products they may see.
    pub products: ProductScope,
    /// The one branch that they may upload to, by name: that of a CI's run.
    pub branch: Option<String>,
}

impl Caller {
    /// Refuses a caller who lacks a permission.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn require(&self, permission: Permission) -> Result<(), ApiError> {
        if self.permissions.allow(permission) {
            return Ok(());
        }
        let needs = match permission {
            Permission::Read => "the role viewer, or a token with the scope read",
            Permission::Upload => "the role editor, or a token with the scope scan:upload",
            Permission::Write => "the role editor, or a token with the scope write",
            Permission::Administer => "the role admin, or a token with the scope admin",
        };
        Err(ApiError::Forbidden(format!("this needs {needs}")))
    }

    /// Refuses an upload to another branch than that of the run that uploads.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn require_branch(&self, name: &str) -> Result<(), ApiError> {
        match &self.branch {
            Some(own) if own != name => {
                let detail = format!("this run may upload to its own branch, {own:?}, only: name that one, or none");
                Err(ApiError::Forbidden(detail))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a caller who lacks a permission, or whose token is bound to one product: for what belongs to the whole
    /// organization.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn require_everywhere(&self, permission: Permission) -> Result<(), ApiError> {
        self.require(permission)?;
        match self.products {
            ProductScope::Except(_) => Ok(()),
            ProductScope::Only(_) => Err(ApiError::Forbidden("this token is bound to one product".to_owned())),
        }
    }

    /// The person who makes the request.
    ///
    /// # Errors
    /// `Forbidden` for machines.
    pub fn require_person(&self) -> Result<UserId, ApiError> {
        match self.actor {
            Actor::User(user) => Ok(user),
            Actor::Token(_) | Actor::Workload(_) | Actor::System => {
                Err(ApiError::Forbidden("only people may do this".to_owned()))
            }
        }
    }

    /// Refuses a caller who may not see a product, as if it did not exist.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn see(&self, product: ProductId) -> Result<(), ApiError> {
        if self.products.allows(product) { Ok(()) } else { Err(ApiError::not_found("product", product)) }
    }
}

/// A person with a session, outside any organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// The session that the access token belongs to.
    pub session: SessionId,
    /// Who it is.
    pub user: UserId,
    /// May they create organizations and manage users?
    pub is_superuser: bool,
}

impl SignedIn {
    /// Refuses all but superusers.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn require_superuser(&self) -> Result<(), ApiError> {
        if self.is_superuser { Ok(()) } else { Err(ApiError::Forbidden("only a superuser may do this".to_owned())) }
    }
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = organizations, treat_none_as_default_value = false)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name in paths.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The switch that holds every call of a tracker.
    pub tracker_traffic_stopped: bool,
    /// Counts changes, for `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
}

/// A person, known to the whole server.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their e-mail address, in lower case: what they log in with.
    pub email: String,
    /// Their name for people.
    pub name: String,
    /// Argon2id, in PHC form.
    pub password_hash: String,
    /// May they create organizations and manage users?
    pub is_superuser: bool,
    /// May they log in?
    pub is_active: bool,
    /// Counts changes, for `ETag`.
    pub version: i64,
    /// When they were made known.
    pub created_at: UtcTime,
}

/// A user's place in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = memberships, treat_none_as_default_value = false)]
pub struct Membership {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The user.
    pub user_id: UserId,
    /// What they may do there.
    pub role: Role,
    /// Counts changes, for `ETag`.
    pub version: i64,
    /// Since when.
    pub created_at: UtcTime,
}

/// An open invitation; its code is stored hashed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = invitations, treat_none_as_default_value = false)]
pub struct Invitation {
    /// The organization to join.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: InvitationId,
    /// Who is meant.
    pub email: String,
    /// What they will be.
    pub role: Role,
    /// SHA-256 of the code.
    pub code_hash: Vec<u8>,
    /// Until when it can be accepted.
    pub expires_at: UtcTime,
    /// When it was made.
    pub created_at: UtcTime,
}

/// Users of one organization who own products together.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = teams, treat_none_as_default_value = false)]
pub struct Team {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: TeamId,
    /// Its name, unique in the organization.
    pub name: String,
    /// Whom tickets of its products go to when nobody else is named.
    pub responsible_user_id: Option<UserId>,
    /// Counts changes, for `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
}

/// A secret for a machine; stored hashed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_tokens, treat_none_as_default_value = false)]
pub struct ApiToken {
    /// Its id.
    pub id: ApiTokenId,
    /// The organization it is bound to.
    pub organization_id: OrganizationId,
    /// The product it is bound to, if any.
    pub product_id: Option<ProductId>,
    /// Its name for people.
    pub name: String,
    /// SHA-256 of the secret.
    pub token_hash: Vec<u8>,
    /// The first characters of the secret, to recognise it by.
    pub token_prefix: String,
    /// Words of scopes, separated by spaces.
    pub scopes: String,
    /// Until when it is valid.
    pub expires_at: Option<UtcTime>,
    /// Since when it is not.
    pub revoked_at: Option<UtcTime>,
    /// Whose rights it cannot exceed.
    pub created_by: UserId,
    /// Counts changes, for `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
}

impl ApiToken {
    /// Its scopes. A word of a newer release gives nothing.
    #[must_use]
    pub fn scopes(&self) -> Vec<TokenScope> {
        self.scopes.split(' ').filter_map(|word| word.parse().ok()).collect()
    }
}

/// A login and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who logged in.
    pub user_id: UserId,
    /// SHA-256 of the newest refresh token.
    pub refresh_hash: Vec<u8>,
    /// When a new login is needed.
    pub expires_at: UtcTime,
    /// When they logged in.
    pub created_at: UtcTime,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_log, treat_none_as_default_value = false)]
pub struct AuditLine {
    /// The organization it happened in.
    pub organization_id: OrganizationId,
    /// Its id, in the order of time.
    pub id: AuditId,
    /// When.
    pub at: UtcTime,
    /// What kind of actor did it.
    pub actor_kind: crate::base::actor::ActorKind,
    /// Which one.
    pub actor_id: Option<Vec<u8>>,
    /// What they did: `team.created`.
    pub action: String,
    /// To what kind of thing.
    pub subject_kind: String,
    /// To which one.
    pub subject_id: Option<Vec<u8>>,
    /// Old and new values by field, as JSON.
    pub changes_json: String,
}
