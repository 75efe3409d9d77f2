//! Sessions: login, refresh, logout, password, joining by invitation.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::StrictJson;
use super::client::ClientAddress;
use super::idempotency::SECRET;
use crate::access::model::SignedIn;
use crate::access::permission::Role;
use crate::access::service::invitations::{self, Acceptance, Joined};
use crate::access::service::sessions::{self, Login, PasswordChange, Terms, Tokens};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{OrganizationId, UserId};
use crate::base::secret::Secret;
use crate::base::time::UtcTime;

/// The routes of sessions.
pub fn routes(config: &mut ServiceConfig) {
    config.service(login).service(refresh).service(logout).service(change_password).service(accept_invitation);
}

/// Who somebody says they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginRequest {
    /// The e-mail address.
    #[schema(max_length = 254, example = "ann@example.com")]
    email: String,
    /// The password.
    #[schema(value_type = String, format = Password, write_only, max_length = 256, example = "correct horse battery staple")]
    password: Secret<String>,
}

/// The newest refresh token of a session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    /// It works once.
    #[schema(value_type = String, format = Password, write_only, max_length = 256, example = "pbr_0198c8f25a5c7d3e9b1a2f6d1c0e4b7aV1hQ")]
    refresh_token: Secret<String>,
}

/// What a client needs to act for a person.
#[derive(Serialize, ToSchema)]
struct TokensView {
    /// How the access token is sent.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// For the `Authorization` header of every request.
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")]
    access_token: String,
    /// How long the access token is valid.
    #[schema(example = 900, minimum = 1)]
    expires_in_seconds: u64,
    /// For the next tokens. It works once; whoever sends it a second time ends the session.
    #[schema(example = "pbr_0198c8f25a5c7d3e9b1a2f6d1c0e4b7aV1hQ")]
    refresh_token: String,
    /// When a new login is needed.
    session_expires_at: UtcTime,
}

impl From<Tokens> for TokensView {
    fn from(tokens: Tokens) -> Self {
        Self {
            token_type: "Bearer",
            access_token: tokens.access_token.expose().clone(),
            expires_in_seconds: tokens.access_lifetime.as_secs(),
            refresh_token: tokens.refresh_token.expose().clone(),
            session_expires_at: tokens.session_expires_at,
        }
    }
}

/// A change of one's own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordRequest {
    /// The one that is valid.
    #[schema(value_type = String, format = Password, write_only, max_length = 256, example = "correct horse battery staple")]
    current_password: Secret<String>,
    /// The one to come.
    #[schema(value_type = String, format = Password, write_only, min_length = 12, max_length = 256, example = "another horse another staple")]
    new_password: Secret<String>,
}

/// What a person sends to join an organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptRequest {
    /// The code of the invitation.
    #[schema(value_type = String, format = Password, write_only, max_length = 256, example = "pbi_Zk3V1hQ")]
    code: Secret<String>,
    /// The name of the account, if there is none yet for the invited address.
    #[schema(max_length = 200, example = "Ann Archer")]
    name: Option<String>,
    /// The password of the account; of a new one, the password to be.
    #[schema(value_type = String, format = Password, write_only, max_length = 256, example = "correct horse battery staple")]
    password: Secret<String>,
}

/// A person who joined an organization.
#[derive(Serialize, ToSchema)]
struct JoinedView {
    /// Who.
    user_id: UserId,
    /// What they log in with.
    #[schema(example = "ann@example.com")]
    email: String,
    /// The organization.
    organization_id: OrganizationId,
    /// Its name in paths.
    #[schema(example = "acme")]
    organization_slug: String,
    /// What they may do there.
    role: Role,
}

impl From<Joined> for JoinedView {
    fn from(joined: Joined) -> Self {
        Self {
            user_id: joined.user.id,
            email: joined.user.email,
            organization_id: joined.organization.id,
            organization_slug: joined.organization.slug,
            role: joined.role,
        }
    }
}

/// Log in.
///
/// The answer is the same, and takes as long, for an unknown account and for a wrong password. Too many wrong ones are
/// refused for a while: per account and address, per account and per address.
#[utoipa::path(tag = "auth", request_body = LoginRequest, security(()), responses((status = 200, description = "A new session.", body = TokensView), (status = 401, description = "The address or the password is wrong."), (status = 429, description = "Too many attempts.")))]
#[post("/auth/login")]
async fn login(
    app: Data<App>,
    address: ClientAddress,
    StrictJson(input): StrictJson<LoginRequest>,
) -> Result<HttpResponse, ApiError> {
    let login = Login { email: input.email, password: input.password, address: address.0 };
    let tokens = sessions::login(&app.db, &app.keys, Terms::from(&*app.config), login, app.clock.now()).await?;
    Ok(HttpResponse::Ok().insert_header(SECRET).json(TokensView::from(tokens)))
}

/// Get new tokens of a session.
///
/// A refresh token works once. When one comes a second time, somebody stole it: the session ends.
#[utoipa::path(tag = "auth", request_body = RefreshRequest, security(()), responses((status = 200, description = "The next tokens.", body = TokensView), (status = 401, description = "The token is not the newest of a session.")))]
#[post("/auth/refresh")]
async fn refresh(app: Data<App>, StrictJson(input): StrictJson<RefreshRequest>) -> Result<HttpResponse, ApiError> {
    let (terms, now) = (Terms::from(&*app.config), app.clock.now());
    let tokens = sessions::refresh(&app.db, &app.keys, terms, &input.refresh_token, now).await?;
    Ok(HttpResponse::Ok().insert_header(SECRET).json(TokensView::from(tokens)))
}

/// Log out.
///
/// Ends the session: its access and refresh tokens are worth nothing from now on.
#[utoipa::path(tag = "auth", responses((status = 204, description = "The session has ended.")))]
#[post("/auth/logout")]
async fn logout(app: Data<App>, person: SignedIn) -> Result<HttpResponse, ApiError> {
    app.db.write(move |conn| sessions::logout(conn, &person)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Change one's own password.
///
/// All other sessions of the person end.
#[utoipa::path(tag = "auth", request_body = PasswordRequest, responses((status = 204, description = "It is changed."), (status = 429, description = "Too many attempts.")))]
#[post("/auth/password")]
async fn change_password(
    app: Data<App>,
    person: SignedIn,
    address: ClientAddress,
    StrictJson(input): StrictJson<PasswordRequest>,
) -> Result<HttpResponse, ApiError> {
    let change = PasswordChange { current: input.current_password, new: input.new_password, address: address.0 };
    let (terms, now) = (Terms::from(&*app.config), app.clock.now());
    sessions::change_password(&app.db, terms.limits, person, change, now).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Join an organization by invitation.
///
/// With the account of the invited address and its password. If there is no such account it is made, with the name and
/// password of this request.
#[utoipa::path(tag = "auth", request_body = AcceptRequest, security(()), responses((status = 200, description = "The person is a member.", body = JoinedView), (status = 401, description = "The account's password is wrong."), (status = 409, description = "The person is a member already."), (status = 429, description = "Too many attempts.")))]
#[post("/auth/invitations/accept")]
async fn accept_invitation(
    app: Data<App>,
    address: ClientAddress,
    StrictJson(input): StrictJson<AcceptRequest>,
) -> Result<HttpResponse, ApiError> {
    let acceptance = Acceptance { code: input.code, name: input.name, password: input.password, address: address.0 };
    let (terms, now) = (Terms::from(&*app.config), app.clock.now());
    let joined = invitations::accept(&app.db, terms.limits, acceptance, now).await?;
    Ok(HttpResponse::Ok().insert_header(SECRET).json(JoinedView::from(joined)))
}
