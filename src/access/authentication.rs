//! From an `Authorization` header to a caller. What a caller may do is read anew with every request: a few indexed
//! look-ups, whose cost does not grow with users, tokens or sessions.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::jwt::{self, Claims};
use super::model::{Caller, SignedIn};
use super::permission::{Permissions, Role, TokenScope};
use super::repo::credentials::{self, LiveToken};
use super::{repo, secret_text};
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::{ApiTokenId, OrganizationId, ProductId, SessionId};
use crate::base::scope::ProductScope;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::pool::Db;
use crate::keys::Keys;

/// How exactly the last use of a token is known.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

const SESSION_ENDED: ApiError = ApiError::Unauthenticated("the session has ended: log in again");
const UNKNOWN_TOKEN: ApiError = ApiError::Unauthenticated("the API token is unknown, expired or revoked");

/// What a request brings along, by its form.
enum Credential {
    Session(Claims),
    /// The session that a login token names, and the token's hash.
    Login(SessionId, Vec<u8>),
    /// The hash of an API token.
    Token(Vec<u8>),
}

impl Credential {
    fn read(keys: &Keys, bearer: &Secret<String>, now: UtcTime) -> Result<Self, ApiError> {
        let bearer = bearer.expose();
        if secret_text::is_api_token(bearer) {
            return Ok(Self::Token(secret_text::hash(bearer)));
        }
        if let Some(session) = secret_text::session_of_login(bearer) {
            return Ok(Self::Login(session, secret_text::hash(bearer)));
        }
        jwt::verify(keys, bearer, now).map(Self::Session)
    }
}

/// The caller of a request in the organization that its path names by slug or id.
///
/// # Errors
/// `Unauthenticated` for a credential that is not valid; `NotFound` for an organization that does not exist or is not
/// the caller's.
pub async fn authenticate(
    db: &Db,
    keys: &Keys,
    bearer: &Secret<String>,
    organization: &str,
    now: UtcTime,
) -> Result<Caller, ApiError> {
    let organization = organization.to_owned();
    match Credential::read(keys, bearer, now)? {
        Credential::Session(claims) => db.read(move |conn| of_session(conn, &claims, &organization, now)).await,
        Credential::Login(..) => Err(SESSION_ENDED),
        Credential::Token(hash) => {
            let found = db.read(move |conn| of_token(conn, &hash, Some(&organization), now)).await?;
            note_use(db, found.token, found.last_used_at, now);
            Ok(found.caller)
        }
    }
}

/// The caller of a request whose path names no organization: it is the token's, or the only one of the person. Here a
/// login token will do, too.
///
/// # Errors
/// `Unauthenticated` for a credential that is not valid; `Forbidden` for a person of several organizations.
pub async fn authenticate_at_home(
    db: &Db,
    keys: &Keys,
    bearer: &Secret<String>,
    now: UtcTime,
) -> Result<Caller, ApiError> {
    match Credential::read(keys, bearer, now)? {
        Credential::Session(claims) => {
            let person = move |conn: &mut Conn| signed_in(conn, &claims, now);
            db.read(move |conn| person(conn).and_then(|person| at_home(conn, person))).await
        }
        Credential::Login(session, hash) => {
            db.read(move |conn| logged_in(conn, session, &hash, now).and_then(|person| at_home(conn, person))).await
        }
        Credential::Token(hash) => {
            let found = db.read(move |conn| of_token(conn, &hash, None, now)).await?;
            note_use(db, found.token, found.last_used_at, now);
            Ok(found.caller)
        }
    }
}

/// The person of a login token.
fn logged_in(conn: &mut Conn, id: SessionId, hash: &[u8], now: UtcTime) -> Result<SignedIn, ApiError> {
    let session = repo::sessions::find(conn, id, now)?.filter(|session| session.refresh_hash == hash);
    let user = session.ok_or(SESSION_ENDED)?.user_id;
    let is_superuser = credentials::live_session(conn, id, user, now)?.ok_or(SESSION_ENDED)?;
    Ok(SignedIn { session: id, user, is_superuser })
}

/// The person in their only organization.
fn at_home(conn: &mut Conn, person: SignedIn) -> Result<Caller, ApiError> {
    match repo::organizations::all_of(conn, person.user)?.as_slice() {
        [(organization, role)] => of_person(conn, person, organization.id, *role),
        [] => Err(ApiError::Forbidden("this needs an organization, and you are a member of none".to_owned())),
        _ => {
            let detail = "you are a member of several organizations: use an API token, which knows its own";
            Err(ApiError::Forbidden(detail.to_owned()))
        }
    }
}

/// The person behind a request that belongs to no organization.
///
/// # Errors
/// `Unauthenticated` for a credential that is not valid, `Forbidden` for an API token that is.
pub async fn sign_in(db: &Db, keys: &Keys, bearer: &Secret<String>, now: UtcTime) -> Result<SignedIn, ApiError> {
    match Credential::read(keys, bearer, now)? {
        Credential::Session(claims) => db.read(move |conn| signed_in(conn, &claims, now)).await,
        Credential::Login(..) => Err(SESSION_ENDED),
        Credential::Token(hash) => {
            db.read(move |conn| credentials::live_token(conn, &hash, now)).await?.ok_or(UNKNOWN_TOKEN)?;
            Err(ApiError::Forbidden("this needs the access token of a person, not an API token".to_owned()))
        }
    }
}

fn signed_in(conn: &mut Conn, claims: &Claims, now: UtcTime) -> Result<SignedIn, ApiError> {
    let is_superuser = credentials::live_session(conn, claims.sid, claims.sub, now)?.ok_or(SESSION_ENDED)?;
    Ok(SignedIn { session: claims.sid, user: claims.sub, is_superuser })
}

fn of_session(conn: &mut Conn, claims: &Claims, organization: &str, now: UtcTime) -> Result<Caller, ApiError> {
    let live = credentials::live_membership(conn, claims.sid, claims.sub, organization, now)?;
    let (is_superuser, membership) = live.ok_or(SESSION_ENDED)?;
    let (id, role) = membership.ok_or_else(|| not_found(organization))?;
    of_person(conn, SignedIn { session: claims.sid, user: claims.sub, is_superuser }, id, role)
}

fn of_person(conn: &mut Conn, person: SignedIn, id: OrganizationId, role: Role) -> Result<Caller, ApiError> {
    let hidden = if role == Role::Admin || person.is_superuser {
        Vec::new()
    } else {
        credentials::hidden_products(conn, id, Some(person.user))?
    };
    Ok(Caller {
        organization: id,
        actor: Actor::User(person.user),
        permissions: Permissions::of_role(role),
        products: ProductScope::Except(hidden),
        branch: None,
    })
}

struct FoundToken {
    caller: Caller,
    token: ApiTokenId,
    last_used_at: Option<UtcTime>,
}

/// The caller of an API token, in the organization that the path names, if it names one.
fn of_token(conn: &mut Conn, hash: &[u8], organization: Option<&str>, now: UtcTime) -> Result<FoundToken, ApiError> {
    let live = credentials::live_token(conn, hash, now)?.ok_or(UNKNOWN_TOKEN)?;
    let (token, creator_role) = (&live.token, live.creator_role);
    if let Some(organization) = organization.filter(|path| !names(path, token.organization_id, &live.slug)) {
        return Err(not_found(organization));
    }
    let scopes = token.scopes();
    let products = match token.product_id {
        Some(product) => only_while_creator_sees(conn, &live, product)?,
        None if scopes.contains(&TokenScope::Admin) && creator_role == Role::Admin => ProductScope::all(),
        None => ProductScope::Except(credentials::hidden_products(conn, token.organization_id, None)?),
    };
    let caller = Caller {
        organization: token.organization_id,
        actor: Actor::Token(token.id),
        permissions: Permissions::of_scopes(&scopes).and(Permissions::of_role(creator_role)),
        products,
        branch: None,
    };
    Ok(FoundToken { caller, token: token.id, last_used_at: live.last_used_at })
}

/// A token's product is chosen on purpose, so it may be a restricted one; but not one that its creator lost.
fn only_while_creator_sees(conn: &mut Conn, live: &LiveToken, product: ProductId) -> Result<ProductScope, ApiError> {
    let (organization, creator) = (live.token.organization_id, live.token.created_by);
    let is_lost = live.creator_role != Role::Admin
        && credentials::hidden_products(conn, organization, Some(creator))?.contains(&product);
    if is_lost { Err(UNKNOWN_TOKEN) } else { Ok(ProductScope::Only(product)) }
}

fn names(path: &str, id: OrganizationId, slug: &str) -> bool {
    path == slug || path.parse() == Ok(id)
}

/// The same for an organization of others and for one that does not exist.
fn not_found(organization: &str) -> ApiError {
    ApiError::not_found("organization", organization)
}

/// Tokens whose use this process is just writing down: many requests at once are one write.
static NOTING: Mutex<BTreeSet<ApiTokenId>> = Mutex::new(BTreeSet::new());

/// Writes down that a token was used, once a minute at most and beside the request, which does not wait for it.
fn note_use(db: &Db, token: ApiTokenId, last_used_at: Option<UtcTime>, now: UtcTime) {
    let not_since = now.minus(USE_NOTED_EVERY);
    if last_used_at.is_some_and(|at| at > not_since) || !noting(|tokens| tokens.insert(token)) {
        return;
    }
    let db = db.clone();
    tokio::spawn(async move {
        let noted = db.write(move |conn| Ok(repo::tokens::note_use(conn, token, now, not_since)?)).await;
        noting(|tokens| tokens.remove(&token));
        if let Err(cause) = noted {
            tracing::warn!(%cause, %token, "could not note the use of an API token");
        }
    });
}

fn noting(change: impl FnOnce(&mut BTreeSet<ApiTokenId>) -> bool) -> bool {
    change(&mut NOTING.lock().unwrap_or_else(PoisonError::into_inner))
}
