//! API tokens: made by admins in person, shown once, revoked for good.

use crate::access::audit::Entry;
use crate::access::checks;
use crate::access::model::{ApiToken, Caller};
use crate::access::permission::{Permission, TokenScope};
use crate::access::repo::tokens::{self, TokenAndUse};
use crate::access::secret_text;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{ApiTokenId, ProductId};
use crate::base::page::Window;
use crate::base::patch::Patch;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its name for people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<TokenScope>,
    /// The one product it may see.
    pub product_id: Option<ProductId>,
    /// Until when it is valid.
    pub expires_at: Option<UtcTime>,
}

/// What of a token may change. Not what it may do: that would change what its owner agreed to hold.
#[derive(Debug, Clone, Default)]
pub struct TokenPatch {
    /// Its name for people.
    pub name: Patch<String>,
    /// Until when it is valid.
    pub expires_at: Patch<Option<UtcTime>>,
}

/// Makes a token. Its secret is known now and never again.
///
/// # Errors
/// `Forbidden` for all but admins in person, `Invalid`.
pub fn create(
    conn: &mut Conn,
    caller: &Caller,
    new: NewToken,
    now: UtcTime,
) -> Result<(ApiToken, Secret<String>), ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    // A token that could make tokens would outlive its own end.
    let created_by = caller.require_person()?;
    let name = check(conn, caller, &new, now)?;
    let secret = secret_text::new_api_token();
    let token = ApiToken {
        id: ApiTokenId::generate(),
        organization_id: caller.organization,
        product_id: new.product_id,
        name,
        token_hash: secret_text::hash(secret.expose()),
        token_prefix: secret_text::shown_part(&secret),
        scopes: words(&new.scopes),
        expires_at: new.expires_at,
        revoked_at: None,
        created_by,
        version: 1,
        created_at: now,
    };
    tokens::insert(conn, &token)?;
    Entry::new("api_token.created", "api_token", token.id.0)
        .set("name", token.name.as_str())
        .set("scopes", token.scopes.as_str())
        .set("product_id", token.product_id.map(|id| id.to_string()))
        .set("expires_at", token.expires_at.map(|at| at.to_string()))
        .record(conn, caller, now)?;
    Ok((token, secret))
}

fn check(conn: &mut Conn, caller: &Caller, new: &NewToken, now: UtcTime) -> Result<String, ApiError> {
    let mut faults = Faults::default();
    let name = checks::name(&new.name, "/name", &mut faults);
    faults.require(!new.scopes.is_empty(), "/scopes", "must name at least one scope");
    check_expiry(new.expires_at, now, &mut faults);
    if let Some(product) = new.product_id {
        let is_there = caller.see(product).is_ok() && tokens::has_product(conn, caller.organization, product)?;
        faults.require(is_there, "/product_id", "must be a product of the organization");
        let is_bounded = !new.scopes.contains(&TokenScope::Admin);
        faults.require(is_bounded, "/scopes", "a token bound to a product cannot administer the organization");
    }
    faults.finish()?;
    Ok(name)
}

fn check_expiry(expires_at: Option<UtcTime>, now: UtcTime, faults: &mut Faults) {
    faults.require(expires_at.is_none_or(|at| at > now), "/expires_at", "must be in the future");
}

/// Each scope once, in one order.
fn words(scopes: &[TokenScope]) -> String {
    let given = TokenScope::ALL.iter().filter(|scope| scopes.contains(scope));
    given.map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

/// A page of the organization's tokens that were not revoked.
///
/// # Errors
/// `Forbidden` for all but admins.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    window: &Window<ApiTokenId>,
    with_total: bool,
) -> Result<(Vec<TokenAndUse>, Option<i64>), ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    let total = if with_total { Some(tokens::count(conn, caller.organization)?) } else { None };
    Ok((tokens::list(conn, caller.organization, window)?, total))
}

/// A token that was not revoked.
///
/// # Errors
/// `Forbidden` for all but admins, `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, id: ApiTokenId) -> Result<TokenAndUse, ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    require(conn, caller, id)
}

/// Changes a token's name or expiry.
///
/// # Errors
/// `Forbidden` for all but admins in person, `NotFound`, `PreconditionFailed`, `Invalid`.
pub fn change(
    conn: &mut Conn,
    caller: &Caller,
    id: ApiTokenId,
    patch: TokenPatch,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<TokenAndUse, ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    // As for making one: a token must not prolong its own life.
    caller.require_person()?;
    let (old, last_used_at) = require(conn, caller, id)?;
    if_match.check(old.version)?;
    let mut faults = Faults::default();
    let name = patch.name.into_option().map(|name| checks::name(&name, "/name", &mut faults));
    if let Some(expires_at) = patch.expires_at.as_set() {
        check_expiry(*expires_at, now, &mut faults);
    }
    faults.finish()?;
    let name = name.unwrap_or_else(|| old.name.clone());
    let new =
        ApiToken { name, expires_at: patch.expires_at.or(old.expires_at), version: old.version + 1, ..old.clone() };
    checks::written(tokens::update(conn, &new)?)?;
    Entry::new("api_token.changed", "api_token", id.0)
        .change("name", old.name, new.name.as_str())
        .change("expires_at", old.expires_at.map(|at| at.to_string()), new.expires_at.map(|at| at.to_string()))
        .record(conn, caller, now)?;
    Ok((new, last_used_at))
}

/// Revokes a token, for good and at once.
///
/// # Errors
/// `Forbidden` for all but admins, `NotFound`, `PreconditionFailed`.
pub fn revoke(
    conn: &mut Conn,
    caller: &Caller,
    id: ApiTokenId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    let (old, _) = require(conn, caller, id)?;
    if_match.check(old.version)?;
    let new = ApiToken { revoked_at: Some(now), version: old.version + 1, ..old };
    checks::written(tokens::update(conn, &new)?)?;
    Entry::new("api_token.revoked", "api_token", id.0)
        .change("name", new.name, None::<String>)
        .record(conn, caller, now)
}

fn require(conn: &mut Conn, caller: &Caller, id: ApiTokenId) -> Result<TokenAndUse, ApiError> {
    tokens::find(conn, caller.organization, id)?.ok_or_else(|| ApiError::not_found("API token", id))
}
