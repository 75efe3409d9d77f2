//! Engagements on products.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::products::ProductPath;
use super::query::{ListQuery, PageParams};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{EngagementId, ProductId};
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::products::model::{Engagement, EngagementPatch, EngagementState, NewEngagement, PartQuery, PartSort};
use crate::products::service::engagement as service;

/// The routes of engagements.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_engagements)
        .service(create_engagement)
        .service(get_engagement)
        .service(update_engagement)
        .service(delete_engagement);
}

/// A time-boxed piece of work on a product: a pentest, a release check.
#[derive(Debug, Serialize, ToSchema)]
pub struct EngagementView {
    /// Its id.
    id: EngagementId,
    /// The product that is worked on.
    product_id: ProductId,
    /// Its name, unique in the product.
    #[schema(min_length = 1, max_length = 200, example = "Pentest 2026")]
    name: String,
    /// What is done.
    #[schema(max_length = 10000, example = "Grey box, all of the checkout.")]
    description: String,
    /// Where it stands.
    state: EngagementState,
    /// When it begins.
    starts_at: Option<UtcTime>,
    /// When it ends.
    ends_at: Option<UtcTime>,
    /// When it was made.
    created_at: UtcTime,
}

impl From<Engagement> for EngagementView {
    fn from(engagement: Engagement) -> Self {
        Self {
            id: engagement.id,
            product_id: engagement.product_id,
            name: engagement.name,
            description: engagement.description,
            state: engagement.state,
            starts_at: engagement.starts_at,
            ends_at: engagement.ends_at,
            created_at: engagement.created_at,
        }
    }
}

/// An engagement to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEngagement {
    /// Its name, unique in the product.
    #[schema(min_length = 1, max_length = 200, example = "Pentest 2026")]
    name: String,
    /// What is done.
    #[serde(default)]
    #[schema(max_length = 10000, example = "Grey box, all of the checkout.")]
    description: String,
    /// Where it stands. By default it is under way.
    state: Option<EngagementState>,
    /// When it begins.
    starts_at: Option<UtcTime>,
    /// When it ends.
    ends_at: Option<UtcTime>,
}

/// What to change of an engagement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateEngagement {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Pentest, spring 2026")]
    name: Patch<String>,
    /// What is done.
    #[serde(default)]
    #[schema(value_type = String, max_length = 10000, example = "Penetration test before the release")]
    description: Patch<String>,
    /// Where it stands.
    #[serde(default)]
    #[schema(value_type = EngagementState)]
    state: Patch<EngagementState>,
    /// When it begins; null if nobody knows.
    #[serde(default)]
    #[schema(value_type = Option<UtcTime>)]
    starts_at: Patch<Option<UtcTime>>,
    /// When it ends; null if nobody knows.
    #[serde(default)]
    #[schema(value_type = Option<UtcTime>)]
    ends_at: Patch<Option<UtcTime>>,
}

/// Which engagements.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EngagementFilter {
    /// Part of the name, whatever the case of its ASCII letters.
    #[param(max_length = 200, example = "pentest")]
    q: Option<String>,
    /// In one of these states.
    #[serde(default)]
    #[param(max_items = 3)]
    state: Vec<EngagementState>,
    /// In which order.
    #[param(inline)]
    sort: Option<PartSort>,
}

/// The engagement of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct EngagementPath {
    /// The product.
    product: ProductId,
    /// The engagement.
    engagement: EngagementId,
}

/// List engagements.
#[utoipa::path(tag = "products", params(ProductPath, PageParams, EngagementFilter), responses((status = 200, description = "A page of engagements.", body = Page<EngagementView>)))]
#[get("/products/{product}/engagements")]
async fn list_engagements(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    list: ListQuery<EngagementFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let (with_total, filter) = (list.wants_total(), list.filter);
    let sort = filter.sort.unwrap_or(PartSort::Name);
    let wanted = PartQuery { product: path.product, q: filter.q, states: filter.state, sort };
    let page = app.db.read(move |conn| {
        let (engagements, total) = service::list(conn, &caller, &wanted, &window, with_total)?;
        let page = window.page(engagements, &seal, |engagement| (engagement.name.clone(), engagement.id));
        Ok::<_, ApiError>(Page { total, ..page.map(EngagementView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Create an engagement.
#[utoipa::path(tag = "products", params(ProductPath), request_body = CreateEngagement, responses((status = 201, description = "The engagement.", body = EngagementView), (status = 409, description = "The name is taken.")))]
#[post("/products/{product}/engagements")]
async fn create_engagement(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    StrictJson(input): StrictJson<CreateEngagement>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let input = NewEngagement {
        name: input.name,
        description: input.description,
        state: input.state.unwrap_or(EngagementState::Active),
        starts_at: input.starts_at,
        ends_at: input.ends_at,
    };
    let made = app.db.write(move |conn| service::create(conn, &caller, path.product, input, now)).await?;
    let mut response = HttpResponse::Created();
    Ok(response
        .insert_header(location(&request, made.id))
        .insert_header(etag(made.version))
        .json(EngagementView::from(made)))
}

/// Get an engagement.
#[utoipa::path(tag = "products", params(EngagementPath), responses((status = 200, description = "The engagement.", body = EngagementView)))]
#[get("/products/{product}/engagements/{engagement}")]
async fn get_engagement(app: Data<App>, caller: Caller, path: Path<EngagementPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get(conn, &caller, path.product, path.engagement)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.version)).json(EngagementView::from(found)))
}

/// Change an engagement.
#[utoipa::path(tag = "products", params(EngagementPath), request_body(content = UpdateEngagement, content_type = "application/merge-patch+json"), responses((status = 200, description = "The engagement.", body = EngagementView), (status = 409, description = "The name is taken.")))]
#[patch("/products/{product}/engagements/{engagement}")]
async fn update_engagement(
    app: Data<App>,
    caller: Caller,
    path: Path<EngagementPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateEngagement>,
) -> Result<HttpResponse, ApiError> {
    let place = (path.product, path.engagement);
    let patch = EngagementPatch {
        name: input.name,
        description: input.description,
        state: input.state,
        starts_at: input.starts_at,
        ends_at: input.ends_at,
    };
    let now = app.clock.now();
    let changed = app.db.write(move |conn| service::update(conn, &caller, place, patch, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(changed.version)).json(EngagementView::from(changed)))
}

/// Delete an engagement.
///
/// What its scans found stays with the product.
#[utoipa::path(tag = "products", params(EngagementPath), responses((status = 204, description = "It is gone.")))]
#[delete("/products/{product}/engagements/{engagement}")]
async fn delete_engagement(
    app: Data<App>,
    caller: Caller,
    path: Path<EngagementPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let place = (path.product, path.engagement);
    let now = app.clock.now();
    app.db.write(move |conn| service::delete(conn, &caller, place, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
