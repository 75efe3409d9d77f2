//! Trust rules: which runs of a CI may upload to a product, and the exchange of their tokens.

use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse, ResponseError, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson};
use super::caller::workload_desk;
use super::etag::{IfMatch, etag, location};
use super::idempotency::SECRET;
use super::problem::Problem;
use super::products::ProductPath;
use super::query::{ListQuery, NoFilter, PageParams};
use crate::access::model::Caller;
use crate::access::permission::TokenScope;
use crate::app::App;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{OrganizationId, ProductId, TrustRuleId};
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::workloads::exchange::{self, Exchanged};
use crate::workloads::model::{NewRule, Patterns, Provider, RulePatch, TrustRule};
use crate::workloads::service;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The routes of trust rules.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_trust_rules)
        .service(create_trust_rule)
        .service(get_trust_rule)
        .service(update_trust_rule)
        .service(delete_trust_rule);
}

/// The route of the exchange, which belongs to no organization.
pub fn global_routes(config: &mut ServiceConfig) {
    config.service(exchange_token);
}

/// Which runs of which repository of a CI may upload to a product.
#[derive(Debug, Serialize, ToSchema)]
struct TrustRuleView {
    /// Its id.
    id: TrustRuleId,
    /// The product.
    product_id: ProductId,
    /// Its name.
    #[schema(example = "Releases of the shop")]
    name: String,
    /// The CI.
    provider: Provider,
    /// Who issues the CI's tokens.
    #[schema(example = "https://token.actions.githubusercontent.com")]
    issuer: String,
    /// Whom they must be meant for.
    #[schema(example = "https://patchbay.example.com")]
    audience: String,
    /// The number of the repository (GitHub) or project (GitLab).
    #[schema(example = "74210193")]
    repository_id: String,
    /// Patterns of branches.
    #[schema(max_items = 50, example = json!(["main", "release/*"]))]
    branches: Vec<String>,
    /// Patterns of tags.
    #[schema(max_items = 50, example = json!(["v*"]))]
    tags: Vec<String>,
    /// Patterns of environments; none for any run.
    #[schema(max_items = 50)]
    environments: Vec<String>,
    /// A pattern of the workflow's file; null for any.
    #[schema(example = ".github/workflows/scan.yml")]
    workflow: Option<String>,
    /// Whether runs for pull requests are admitted.
    allow_pull_requests: bool,
    /// When it was made.
    created_at: UtcTime,
}

impl From<TrustRule> for TrustRuleView {
    fn from(rule: TrustRule) -> Self {
        let Patterns { branches, tags, environments } = rule.patterns().unwrap_or_default();
        Self {
            id: rule.id,
            product_id: rule.product_id,
            name: rule.name,
            provider: rule.provider,
            issuer: rule.issuer,
            audience: rule.audience,
            repository_id: rule.repository_id,
            branches,
            tags,
            environments,
            workflow: rule.workflow,
            allow_pull_requests: rule.allow_pull_requests,
            created_at: rule.created_at,
        }
    }
}

/// A trust rule to make. In patterns `*` stands for anything without a slash, `**` for anything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Releases of the shop", "provider": "github", "repository_id": "74210193", "branches": ["main", "release/*"]}))]
struct CreateTrustRule {
    /// Its name.
    #[schema(min_length = 1, max_length = 200, example = "Releases of the shop")]
    name: String,
    /// The CI.
    provider: Provider,
    /// Who issues the CI's tokens; by default GitHub's or GitLab's public service. The operator says which are trusted.
    #[schema(max_length = 500, example = "https://gitlab.example.com")]
    issuer: Option<String>,
    /// Whom they must be meant for; by default the organization at this server, `{public URL}/organizations/{id}`.
    #[schema(max_length = 500, example = "https://patchbay.example.com/organizations/acme")]
    audience: Option<String>,
    /// The number of the repository (GitHub: `repository_id`) or project (GitLab: `project_id`).
    #[schema(max_length = 20, pattern = "^[0-9]+$", example = "74210193")]
    repository_id: String,
    /// Patterns of branches.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["main", "release/*"]))]
    branches: Vec<String>,
    /// Patterns of tags.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["v*"]))]
    tags: Vec<String>,
    /// Patterns of environments; none for any run.
    #[serde(default)]
    #[schema(max_items = 50)]
    environments: Vec<String>,
    /// A pattern of the workflow's file; none for any.
    #[schema(max_length = 200, example = ".github/workflows/scan.yml")]
    workflow: Option<String>,
    /// Whether runs for pull requests are admitted, whoever opened them, and others that who may not write to the
    /// repository can cause (`workflow_run`, `issue_comment`). They upload to branches of their own, `pull/` and the
    /// name of the branch that they bring. Patterns of branches are compared with the branch
    /// that they are for; where the token does not tell it, as of older versions of GitLab, only `**` admits them.
    #[serde(default)]
    allow_pull_requests: bool,
}

/// What to change of a trust rule. Another CI, issuer or repository is another rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateTrustRule {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Releases")]
    name: Patch<String>,
    /// Whom tokens must be meant for.
    #[serde(default)]
    #[schema(value_type = String, max_length = 500, example = "https://patchbay.example.com")]
    audience: Patch<String>,
    /// Patterns of branches.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 50)]
    branches: Patch<Vec<String>>,
    /// Patterns of tags.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 50)]
    tags: Patch<Vec<String>>,
    /// Patterns of environments.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 50)]
    environments: Patch<Vec<String>>,
    /// A pattern of the workflow's file; null for any.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200, example = ".github/workflows/scan.yml")]
    workflow: Patch<Option<String>>,
    /// Whether runs for pull requests are admitted.
    #[serde(default)]
    #[schema(value_type = bool)]
    allow_pull_requests: Patch<bool>,
}

/// The trust rule of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TrustRulePath {
    /// The product.
    product: ProductId,
    /// The rule.
    rule: TrustRuleId,
}

/// A request to exchange the token of a run (RFC 8693, section 2.1). What is empty counts as left out, and what is not
/// known is ignored (RFC 6749, section 3.2).
#[derive(Deserialize, ToSchema)]
struct ExchangeRequest {
    /// What is asked for.
    #[schema(max_length = 100, example = "urn:ietf:params:oauth:grant-type:token-exchange")]
    grant_type: String,
    /// The token of the CI.
    #[schema(value_type = String, format = Password, write_only, max_length = 16384, example = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.e30.c2ln")]
    subject_token: Secret<String>,
    /// What it is.
    #[schema(max_length = 100, example = "urn:ietf:params:oauth:token-type:id_token")]
    subject_token_type: String,
    /// The id of the product to upload to; needed when several products trust the run, or when its token does not name
    /// the organization.
    #[schema(max_length = 36, example = "0198c8f2-5a5c-7d3e-9b1a-2f6d1c0e4b7a")]
    audience: Option<String>,
    /// What the token may do: `scan:upload`, which is all that it can.
    #[schema(max_length = 100, example = "scan:upload")]
    scope: Option<String>,
    /// What is wanted: an access token.
    #[schema(max_length = 100, example = "urn:ietf:params:oauth:token-type:access_token")]
    requested_token_type: Option<String>,
}

impl ExchangeRequest {
    /// The product that is named, if what is asked for can be given.
    fn product(&self) -> Result<Option<ProductId>, ApiError> {
        let mut faults = Faults::default();
        faults.require(self.grant_type == GRANT_TYPE, "grant_type", &format!("must be {GRANT_TYPE}"));
        let is_known = self.subject_token_type == ID_TOKEN || self.subject_token_type == JWT;
        faults.require(is_known, "subject_token_type", &format!("must be {ID_TOKEN} or {JWT}"));
        let gives = said(&self.requested_token_type).is_none_or(|wanted| wanted == ACCESS_TOKEN);
        faults.require(gives, "requested_token_type", &format!("must be {ACCESS_TOKEN}"));
        let gives = said(&self.scope).is_none_or(|scope| scope == TokenScope::Upload.as_str());
        faults.require(gives, "scope", "must be scan:upload");
        let product = said(&self.audience).map(str::parse::<ProductId>);
        faults.require(!matches!(product, Some(Err(_))), "audience", "must be the id of a product");
        faults.finish()?;
        Ok(product.and_then(Result::ok))
    }
}

fn said(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// An error in the words of OAuth, too (RFC 8693, section 2.2.2; RFC 6749, section 5.2).
fn in_words_of_oauth(error: &ApiError) -> HttpResponse {
    let is_at =
        |pointer| matches!(error, ApiError::Invalid(faults) if faults.iter().any(|fault| fault.pointer == pointer));
    let word = match error {
        _ if is_at("grant_type") => "unsupported_grant_type",
        _ if is_at("scope") => "invalid_scope",
        _ if is_at("audience") => "invalid_target",
        ApiError::Unavailable { .. } => "temporarily_unavailable",
        ApiError::Internal(_) => "server_error",
        _ => "invalid_request",
    };
    let mut answer = error.error_response();
    if let Some(problem) = answer.extensions_mut().get_mut::<Problem>() {
        problem.error = Some(word);
    }
    answer
}

/// A token that uploads to one branch of one product, for some minutes (RFC 8693, section 2.2).
#[derive(Serialize, ToSchema)]
struct ExchangeView {
    /// For `Authorization: Bearer` (and `Token`, on the endpoints of other servers): 40 characters.
    #[schema(example = "pbw_Zk3V1hQ8sT2bGi9tHA5LepQn7Kc1Xw3RyZ0b")]
    access_token: String,
    /// What it is.
    #[schema(example = "urn:ietf:params:oauth:token-type:access_token")]
    issued_token_type: &'static str,
    /// How it is sent.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// How long it is valid, in seconds.
    #[schema(example = 900, minimum = 1)]
    expires_in: u64,
    /// What it may do.
    #[schema(example = "scan:upload")]
    scope: &'static str,
    /// The organization of the product.
    organization_id: OrganizationId,
    /// Its name in paths.
    #[schema(example = "acme")]
    organization_slug: String,
    /// The product that it uploads to.
    product_id: ProductId,
    /// The rule that admits the run.
    trust_rule_id: TrustRuleId,
}

impl From<Exchanged> for ExchangeView {
    fn from(of: Exchanged) -> Self {
        Self {
            access_token: of.token.expose().clone(),
            issued_token_type: ACCESS_TOKEN,
            token_type: "Bearer",
            expires_in: of.lifetime.as_secs(),
            scope: TokenScope::Upload.as_str(),
            organization_id: of.rule.organization_id,
            organization_slug: of.slug,
            product_id: of.rule.product_id,
            trust_rule_id: of.rule.id,
        }
    }
}

/// List the trust rules of a product.
#[utoipa::path(tag = "products", params(PageParams, ProductPath), responses((status = 200, description = "A page of trust rules.", body = Page<TrustRuleView>)))]
#[get("/products/{product}/trust-rules")]
async fn list_trust_rules(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    list: ListQuery<NoFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window::<TrustRuleId>(app.keys.cursor.expose(), &caller)?;
    let (with_total, wanted) = (list.wants_total(), window.clone());
    let found = app.db.read(move |conn| service::list(conn, &caller, path.product, &wanted, with_total));
    let (rules, total) = found.await?;
    let page = window.page(rules, &seal, |rule| rule.id).map(TrustRuleView::from);
    Ok(HttpResponse::Ok().json(Page { total, ..page }))
}

/// Create a trust rule.
///
/// From then on runs of that repository upload to the product with nothing but the token of their CI. For admins.
#[utoipa::path(tag = "products", params(ProductPath), request_body = CreateTrustRule, responses((status = 201, description = "The trust rule.", body = TrustRuleView), (status = 409, description = "The product has too many.")))]
#[post("/products/{product}/trust-rules")]
async fn create_trust_rule(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    StrictJson(input): StrictJson<CreateTrustRule>,
) -> Result<HttpResponse, ApiError> {
    let (now, issuers, config) = (app.clock.now(), app.issuers.clone(), app.config.clone());
    let new = NewRule {
        name: input.name,
        provider: input.provider,
        issuer: input.issuer,
        audience: input.audience,
        repository_id: input.repository_id,
        patterns: Patterns { branches: input.branches, tags: input.tags, environments: input.environments },
        workflow: input.workflow,
        allow_pull_requests: input.allow_pull_requests,
    };
    let made = app
        .db
        .write(move |conn| service::create(conn, &caller, path.product, new, (&issuers, &config.public_url), now));
    let made = made.await?;
    let mut response = HttpResponse::Created();
    Ok(response
        .insert_header(location(&request, made.id))
        .insert_header(etag(made.version))
        .json(TrustRuleView::from(made)))
}

/// Get a trust rule.
#[utoipa::path(tag = "products", params(TrustRulePath), responses((status = 200, description = "The trust rule.", body = TrustRuleView)))]
#[get("/products/{product}/trust-rules/{rule}")]
async fn get_trust_rule(app: Data<App>, caller: Caller, path: Path<TrustRulePath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get(conn, &caller, path.product, path.rule)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.version)).json(TrustRuleView::from(found)))
}

/// Change a trust rule.
#[utoipa::path(tag = "products", params(TrustRulePath), request_body(content = UpdateTrustRule, content_type = "application/merge-patch+json"), responses((status = 200, description = "The trust rule.", body = TrustRuleView)))]
#[patch("/products/{product}/trust-rules/{rule}")]
async fn update_trust_rule(
    app: Data<App>,
    caller: Caller,
    path: Path<TrustRulePath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateTrustRule>,
) -> Result<HttpResponse, ApiError> {
    let (now, issuers) = (app.clock.now(), app.issuers.clone());
    let patch = RulePatch {
        name: input.name,
        audience: input.audience,
        branches: input.branches,
        tags: input.tags,
        environments: input.environments,
        workflow: input.workflow,
        allow_pull_requests: input.allow_pull_requests,
    };
    let changed = app.db.write(move |conn| {
        service::update(conn, &caller, (path.product, path.rule), patch, (&if_match, &issuers), now)
    });
    let changed = changed.await?;
    Ok(HttpResponse::Ok().insert_header(etag(changed.version)).json(TrustRuleView::from(changed)))
}

/// Delete a trust rule.
///
/// The tokens that it gave are worth nothing from then on.
#[utoipa::path(tag = "products", params(TrustRulePath), responses((status = 204, description = "It is gone.")))]
#[delete("/products/{product}/trust-rules/{rule}")]
async fn delete_trust_rule(
    app: Data<App>,
    caller: Caller,
    path: Path<TrustRulePath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| service::delete(conn, &caller, (path.product, path.rule), &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Exchange the token of a CI run.
///
/// OAuth 2.0 token exchange (RFC 8693) for runs of GitHub Actions and GitLab CI that a trust rule of a product admits. A
/// token works once. Uploads also take the token of the CI itself as `Bearer`.
///
/// The run says whose product is meant: by `audience`, or by the `aud` of its token, the server's public URL with
/// `/organizations/` and the organization's slug or id. It uploads to its own branch, which need not be named; a run for a
/// pull request to `pull/` and the name of the branch that it brings. Errors name `error` in the words of OAuth, too.
#[utoipa::path(
    tag = "auth",
    request_body(content = ExchangeRequest, content_type = "application/x-www-form-urlencoded"),
    security(()),
    responses(
        (status = 200, description = "A token that uploads to one product.", body = ExchangeView),
        (status = 401, description = "The token is not believed, or was exchanged before."),
        (status = 403, description = "No product trusts the run."),
        (status = 503, description = "The issuer of the token cannot be asked for its keys.")
    )
)]
#[post("/auth/oidc/exchange")]
async fn exchange_token(app: Data<App>, Form(input): Form<ExchangeRequest>) -> Result<HttpResponse, ApiError> {
    match exchange_form(&app, &input).await {
        Ok(exchanged) => Ok(HttpResponse::Ok().insert_header(SECRET).json(ExchangeView::from(exchanged))),
        Err(error) => Ok(in_words_of_oauth(&error)),
    }
}

async fn exchange_form(app: &App, input: &ExchangeRequest) -> Result<Exchanged, ApiError> {
    exchange::exchange(workload_desk(app), &input.subject_token, input.product()?, app.clock.now()).await
}
