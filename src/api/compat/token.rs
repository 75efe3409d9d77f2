//! Logging in for a token, and who a token is.

use actix_web::web::{Data, Payload};
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::model::Caller;
use crate::access::service::profile;
use crate::access::service::sessions::{self, Login, Terms};
use crate::api::body::{StrictJson, check_content_type, read_bytes, unpacked};
use crate::api::client::ClientAddress;
use crate::api::idempotency::SECRET;
use crate::api::query::read_leniently;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::secret::Secret;

const FORM: &str = "application/x-www-form-urlencoded";
/// More than an address and a password need.
const MAX_FORM_BYTES: usize = 4096;

/// The route that needs no credential.
pub fn open_routes(config: &mut ServiceConfig) {
    config.service(compat_log_in);
}

/// The routes of who a token is.
pub fn routes(config: &mut ServiceConfig) {
    config.service(compat_user_profile);
}

/// Who somebody says they are.
#[derive(Deserialize, ToSchema, IntoParams)]
struct CompatLogin {
    /// The e-mail address.
    #[schema(max_length = 254, example = "ann@example.com")]
    username: String,
    /// The password.
    #[schema(value_type = String, format = Password, write_only, max_length = 256, example = "correct horse battery staple")]
    #[param(value_type = String)]
    password: Secret<String>,
}

/// A token for `Authorization: Token`.
#[derive(Serialize, ToSchema)]
struct CompatToken {
    /// 40 characters; it is valid for a day, on these endpoints.
    #[schema(example = "pbl_AZ8x2Vt6fT2bGi9tHA5LepQn7Kc1Xw3RyZ0b")]
    token: String,
}

/// Log in for a token, as DefectDojo does.
///
/// As JSON or as a form. Limited like `/api/v1/auth/login`, which is the better way for people; machines had better use
/// an API token.
#[utoipa::path(
    tag = "compatibility",
    request_body(content((CompatLogin = "application/json"), (CompatLogin = "application/x-www-form-urlencoded"))),
    security(()),
    responses(
        (status = 200, description = "The token.", body = CompatToken),
        (status = 401, description = "The address or the password is wrong."),
        (status = 429, description = "Too many attempts.")
    )
)]
#[post("")]
async fn compat_log_in(
    app: Data<App>,
    request: HttpRequest,
    address: ClientAddress,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let input = read_login(&request, payload).await?;
    let login = Login { email: input.username, password: input.password, address: address.0 };
    let token = sessions::login_for_token(&app.db, Terms::from(&*app.config), login, app.clock.now()).await?;
    Ok(HttpResponse::Ok().insert_header(SECRET).json(CompatToken { token: token.expose().clone() }))
}

async fn read_login(request: &HttpRequest, payload: Payload) -> Result<CompatLogin, ApiError> {
    let mut payload = payload.into_inner();
    if check_content_type(request, &[FORM]).is_err() {
        return StrictJson::from_request(request, &mut payload).await.map(|StrictJson(login)| login);
    }
    let bytes = read_bytes(request, unpacked(request, payload), MAX_FORM_BYTES).await?;
    read_leniently(&String::from_utf8_lossy(&bytes))
}

/// Who a token belongs to.
#[derive(Serialize, ToSchema)]
struct CompatProfile {
    /// The person, or the token itself.
    user: CompatUser,
}

/// A person, or a token.
#[derive(Serialize, ToSchema)]
struct CompatUser {
    /// A number that stays the same.
    #[schema(example = 17)]
    id: i64,
    /// The e-mail address of a person, the name of a token.
    #[schema(example = "ann@example.com")]
    username: String,
    /// The name of a person.
    #[schema(example = "Jo")]
    first_name: String,
    /// Always empty: people have one name here.
    #[schema(example = "")]
    last_name: String,
    /// The e-mail address of a person.
    #[schema(example = "jo@example.com")]
    email: Option<String>,
    /// Whether they may log in.
    is_active: bool,
    /// Whether they administer the server.
    is_superuser: bool,
}

/// Get who the token belongs to, as DefectDojo does.
#[utoipa::path(tag = "compatibility", responses((status = 200, description = "Who it is.", body = CompatProfile)))]
#[get("/v2/user_profile")]
async fn compat_user_profile(app: Data<App>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let profile = app.db.read(move |conn| profile::of_caller(conn, &caller)).await?;
    let user = CompatUser {
        id: super::number_of(profile.id),
        username: profile.email.clone().unwrap_or_else(|| profile.name.clone()),
        first_name: profile.name,
        last_name: String::new(),
        email: profile.email,
        is_active: true,
        is_superuser: profile.is_superuser,
    };
    Ok(HttpResponse::Ok().json(CompatProfile { user }))
}
