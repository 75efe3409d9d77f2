//! API tokens.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::idempotency::SECRET;
use super::query::{ListQuery, NoFilter, PageParams};
use crate::access::model::Caller;
use crate::access::permission::TokenScope;
use crate::access::repo::tokens::TokenAndUse;
use crate::access::service::tokens::{self, NewToken, TokenPatch};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{ApiTokenId, ProductId, UserId};
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;

/// The routes of API tokens.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_api_tokens)
        .service(create_api_token)
        .service(get_api_token)
        .service(update_api_token)
        .service(revoke_api_token);
}

/// A secret for a machine. It can do no more than who made it can now, and ends with their membership.
#[derive(Debug, Serialize, ToSchema)]
struct ApiTokenView {
    /// Its id.
    id: ApiTokenId,
    /// Its name.
    #[schema(example = "pipeline of the shop")]
    name: String,
    /// The first characters of the secret, to recognise it by.
    #[schema(example = "pb_Zk3V")]
    prefix: String,
    /// What it may do.
    #[schema(max_items = 4)]
    scopes: Vec<TokenScope>,
    /// The one product that it may see. Without one: all that are not restricted to teams, and with the scope `admin`
    /// those, too.
    product_id: Option<ProductId>,
    /// Until when it is valid.
    expires_at: Option<UtcTime>,
    /// When it was last used, to the minute.
    last_used_at: Option<UtcTime>,
    /// Who made it.
    created_by: UserId,
    /// When it was made.
    created_at: UtcTime,
}

impl From<TokenAndUse> for ApiTokenView {
    fn from((token, last_used_at): TokenAndUse) -> Self {
        Self {
            id: token.id,
            scopes: token.scopes(),
            name: token.name,
            prefix: token.token_prefix,
            product_id: token.product_id,
            expires_at: token.expires_at,
            last_used_at,
            created_by: token.created_by,
            created_at: token.created_at,
        }
    }
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "pipeline of the shop", "scopes": ["scan:upload"]}))]
struct CreateApiToken {
    /// Its name.
    #[schema(min_length = 1, max_length = 200, example = "pipeline of the shop")]
    name: String,
    /// What it may do.
    #[schema(min_items = 1, max_items = 4)]
    scopes: Vec<TokenScope>,
    /// The one product that it may see. Not together with the scope `admin`.
    product_id: Option<ProductId>,
    /// Until when it is valid; without it, until it is revoked.
    expires_at: Option<UtcTime>,
}

/// A new token.
#[derive(Serialize, ToSchema)]
struct CreatedApiTokenView {
    /// What is known of it later.
    #[serde(flatten)]
    view: ApiTokenView,
    /// The secret, 40 characters. It is shown this once.
    #[schema(example = "pb_Zk3V1hQ0aB2cD4eF6gH8iJ0kL2mN4oP6qR8sT")]
    token: String,
}

/// What to change of a token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateApiToken {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "pipeline of the shop")]
    name: Patch<String>,
    /// Until when it is valid; null for until it is revoked.
    #[serde(default)]
    #[schema(value_type = Option<UtcTime>)]
    expires_at: Patch<Option<UtcTime>>,
}

/// The token of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ApiTokenPath {
    /// The token.
    token: ApiTokenId,
}

/// List API tokens.
///
/// Those that were not revoked, oldest first. For admins.
#[utoipa::path(tag = "api-tokens", params(PageParams), responses((status = 200, description = "A page of tokens.", body = Page<ApiTokenView>)))]
#[get("/api-tokens")]
async fn list_api_tokens(app: Data<App>, caller: Caller, list: ListQuery<NoFilter>) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let with_total = list.wants_total();
    let page = app.db.read(move |conn| {
        let (found, total) = tokens::list(conn, &caller, &window, with_total)?;
        let page = window.page(found, &seal, |(token, _)| token.id);
        Ok::<_, ApiError>(Page { total, ..page.map(ApiTokenView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Create an API token.
///
/// The answer holds the secret, which is shown this once. For admins in person: tokens make no tokens.
#[utoipa::path(tag = "api-tokens", request_body = CreateApiToken, responses((status = 201, description = "The token and its secret.", body = CreatedApiTokenView)))]
#[post("/api-tokens")]
async fn create_api_token(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CreateApiToken>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let new =
        NewToken { name: input.name, scopes: input.scopes, product_id: input.product_id, expires_at: input.expires_at };
    let (made, secret) = app.db.write(move |conn| tokens::create(conn, &caller, new, now)).await?;
    let (place, version) = (location(&request, made.id), made.version);
    let view = CreatedApiTokenView { view: ApiTokenView::from((made, None)), token: secret.expose().clone() };
    Ok(HttpResponse::Created().insert_header(SECRET).insert_header(place).insert_header(etag(version)).json(view))
}

/// Get an API token.
///
/// Not its secret. For admins.
#[utoipa::path(tag = "api-tokens", params(ApiTokenPath), responses((status = 200, description = "The token.", body = ApiTokenView)))]
#[get("/api-tokens/{token}")]
async fn get_api_token(app: Data<App>, caller: Caller, path: Path<ApiTokenPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| tokens::get(conn, &caller, path.token)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.0.version)).json(ApiTokenView::from(found)))
}

/// Change an API token.
///
/// Its name or expiry; for other scopes make another token. For admins in person.
#[utoipa::path(tag = "api-tokens", params(ApiTokenPath), request_body(content = UpdateApiToken, content_type = "application/merge-patch+json"), responses((status = 200, description = "The token.", body = ApiTokenView)))]
#[patch("/api-tokens/{token}")]
async fn update_api_token(
    app: Data<App>,
    caller: Caller,
    path: Path<ApiTokenPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateApiToken>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let patch = TokenPatch { name: input.name, expires_at: input.expires_at };
    let changed = app.db.write(move |conn| tokens::change(conn, &caller, path.token, patch, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(changed.0.version)).json(ApiTokenView::from(changed)))
}

/// Revoke an API token.
///
/// For good, and at once. For admins.
#[utoipa::path(tag = "api-tokens", params(ApiTokenPath), responses((status = 204, description = "It is worth nothing.")))]
#[delete("/api-tokens/{token}")]
async fn revoke_api_token(
    app: Data<App>,
    caller: Caller,
    path: Path<ApiTokenPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| tokens::revoke(conn, &caller, path.token, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
