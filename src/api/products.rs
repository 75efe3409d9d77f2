//! Products.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::query::{ListQuery, PageParams};
use crate::access::model::Caller;
use crate::app::App;
use crate::assessments::removal;
use crate::base::error::ApiError;
use crate::base::ids::{BranchId, ProductId, TeamId};
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::products::model::{NewProduct, ProductPatch, ProductQuery, ProductSort};
use crate::products::service::{self, OwnedProduct};
use crate::tracker_configs::products as tickets;

/// The routes of products.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_products)
        .service(create_product)
        .service(get_product)
        .service(update_product)
        .service(delete_product);
}

/// What is scanned and owned: an application, a service, a target.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductView {
    /// Its id.
    id: ProductId,
    /// Its name, unique in the organization whatever its case.
    #[schema(min_length = 1, max_length = 200, example = "shop")]
    name: String,
    /// What it is.
    #[schema(max_length = 10000, example = "The web shop and its checkout.")]
    description: String,
    /// Whether only its owning teams and admins see it.
    is_restricted: bool,
    /// The teams that own it.
    #[schema(max_items = 100)]
    team_ids: Vec<TeamId>,
    /// The branch whose observations get tickets. While there is none, only what was scanned without a branch does.
    default_branch_id: Option<BranchId>,
    /// When it was made.
    created_at: UtcTime,
    /// When it was last changed.
    updated_at: UtcTime,
}

impl From<OwnedProduct> for ProductView {
    fn from(OwnedProduct { product, team_ids }: OwnedProduct) -> Self {
        Self {
            id: product.id,
            name: product.name,
            description: product.description,
            is_restricted: product.is_restricted,
            team_ids,
            default_branch_id: product.default_branch_id,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

/// A product to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProduct {
    /// Its name, unique in the organization whatever its case.
    #[schema(min_length = 1, max_length = 200, example = "shop")]
    name: String,
    /// What it is.
    #[serde(default)]
    #[schema(max_length = 10000, example = "The web shop and its checkout.")]
    description: String,
    /// Whether only its owning teams and admins see it. For admins to say.
    #[serde(default)]
    is_restricted: bool,
    /// The teams that own it. For admins to say.
    #[serde(default)]
    #[schema(max_items = 100)]
    team_ids: Vec<TeamId>,
}

/// What to change of a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProduct {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "web-shop")]
    name: Patch<String>,
    /// What it is.
    #[serde(default)]
    #[schema(value_type = String, max_length = 10000, example = "The web shop")]
    description: Patch<String>,
    /// Whether only its owning teams and admins see it. For admins to say.
    #[serde(default)]
    #[schema(value_type = bool)]
    is_restricted: Patch<bool>,
    /// The teams that own it, all of them. For admins to say.
    #[serde(default)]
    #[schema(value_type = Vec<TeamId>, max_items = 100)]
    team_ids: Patch<Vec<TeamId>>,
    /// The branch whose observations get tickets; null for none.
    #[serde(default)]
    #[schema(value_type = Option<BranchId>)]
    default_branch_id: Patch<Option<BranchId>>,
}

/// Which products.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProductFilter {
    /// Part of the name, whatever its case.
    #[param(max_length = 200, example = "shop")]
    q: Option<String>,
    /// Owned by one of these teams.
    #[serde(default)]
    #[param(max_items = 100)]
    team: Vec<TeamId>,
    /// Restricted to their teams, or not.
    is_restricted: Option<bool>,
    /// In which order.
    #[param(inline)]
    sort: Option<ProductSort>,
}

/// The product of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProductPath {
    /// The product.
    pub product: ProductId,
}

/// List products.
///
/// Those of the organization that the caller may see.
#[utoipa::path(tag = "products", params(PageParams, ProductFilter), responses((status = 200, description = "A page of products.", body = Page<ProductView>)))]
#[get("/products")]
async fn list_products(
    app: Data<App>,
    caller: Caller,
    list: ListQuery<ProductFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let (with_total, filter) = (list.wants_total(), list.filter);
    let wanted = ProductQuery {
        q: filter.q,
        teams: filter.team,
        is_restricted: filter.is_restricted,
        sort: filter.sort.unwrap_or(ProductSort::Name),
    };
    let page = app.db.read(move |conn| {
        let (products, total) = service::list(conn, &caller, &wanted, &window, with_total)?;
        let page = window.page(products, &seal, |owned| (owned.product.name_key.clone(), owned.product.id));
        Ok::<_, ApiError>(Page { total, ..page.map(ProductView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Create a product.
///
/// Its name must be free in the whole organization, also among products that the caller does not see: then no more is
/// said than that it is taken.
#[utoipa::path(tag = "products", request_body = CreateProduct, responses((status = 201, description = "The product.", body = ProductView), (status = 409, description = "The name is taken, maybe by a product that the caller does not see.")))]
#[post("/products")]
async fn create_product(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CreateProduct>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let input = NewProduct {
        name: input.name,
        description: input.description,
        is_restricted: input.is_restricted,
        team_ids: input.team_ids,
    };
    let made = app.db.write(move |conn| service::create(conn, &caller, input, now)).await?;
    let (version, id) = (made.product.version, made.product.id);
    let mut response = HttpResponse::Created();
    Ok(response.insert_header(location(&request, id)).insert_header(etag(version)).json(ProductView::from(made)))
}

/// Get a product.
#[utoipa::path(tag = "products", params(ProductPath), responses((status = 200, description = "The product.", body = ProductView)))]
#[get("/products/{product}")]
async fn get_product(app: Data<App>, caller: Caller, path: Path<ProductPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get(conn, &caller, path.product)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.product.version)).json(ProductView::from(found)))
}

/// Change a product.
///
/// Changing the default branch moves its tickets to the observations of the new one. A new name must be free as for a
/// new product.
#[utoipa::path(tag = "products", params(ProductPath), request_body(content = UpdateProduct, content_type = "application/merge-patch+json"), responses((status = 200, description = "The product.", body = ProductView), (status = 409, description = "The name is taken, maybe by a product that the caller does not see.")))]
#[patch("/products/{product}")]
async fn update_product(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateProduct>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let patch = ProductPatch {
        name: input.name,
        description: input.description,
        is_restricted: input.is_restricted,
        team_ids: input.team_ids,
        default_branch_id: input.default_branch_id,
    };
    let changed = app.db.write(move |conn| tickets::update(conn, &caller, path.product, patch, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(changed.product.version)).json(ProductView::from(changed)))
}

/// Delete a product.
///
/// Its branches, engagements, scans and observations go with it, and its tickets are closed.
#[utoipa::path(tag = "products", params(ProductPath), responses((status = 204, description = "It is gone.")))]
#[delete("/products/{product}")]
async fn delete_product(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write_again(move |conn| removal::delete_product(conn, &caller, path.product, &if_match, now)).await?;
    app.work.notify_one();
    Ok(HttpResponse::NoContent().finish())
}
