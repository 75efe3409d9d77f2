//! Assets.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::StrictJson;
use super::etag::{IfMatch, etag, location};
use super::query::{ListQuery, PageParams};
use crate::access::model::Caller;
use crate::app::App;
use crate::assets::model::{Asset, AssetKind, AssetQuery, AssetSort};
use crate::assets::service;
use crate::base::error::ApiError;
use crate::base::ids::{AssetId, ProductId};
use crate::base::page::Page;
use crate::base::time::UtcTime;

/// The routes of assets.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_assets).service(create_asset).service(get_asset).service(delete_asset);
}

/// What vulnerabilities are found on. It has no more than its identity, so it never changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssetView {
    /// Its id.
    id: AssetId,
    /// What kind of thing it is.
    kind: AssetKind,
    /// Its name, without what changes with every build (image tag and digest, URL query).
    #[schema(min_length = 1, max_length = 500, example = "registry.example.com/shop")]
    name: String,
    /// When it was made.
    created_at: UtcTime,
}

impl From<Asset> for AssetView {
    fn from(asset: Asset) -> Self {
        Self { id: asset.id, kind: asset.kind, name: asset.name, created_at: asset.created_at }
    }
}

/// An asset to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAsset {
    /// What kind of thing it is.
    kind: AssetKind,
    /// Its name, without what changes with every build. Unique among its kind.
    #[schema(min_length = 1, max_length = 500, example = "registry.example.com/shop")]
    name: String,
}

/// Which assets.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AssetFilter {
    /// Part of the name, whatever its case.
    #[param(max_length = 200, example = "registry")]
    q: Option<String>,
    /// Of one of these kinds.
    #[serde(default)]
    #[param(max_items = 6)]
    kind: Vec<AssetKind>,
    /// Something was found on it in one of these products.
    #[serde(default)]
    #[param(max_items = 100)]
    product: Vec<ProductId>,
    /// In which order.
    #[param(inline)]
    sort: Option<AssetSort>,
}

/// The asset of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AssetPath {
    /// The asset.
    asset: AssetId,
}

/// List assets.
#[utoipa::path(tag = "assets", params(PageParams, AssetFilter), responses((status = 200, description = "A page of assets.", body = Page<AssetView>)))]
#[get("/assets")]
async fn list_assets(app: Data<App>, caller: Caller, list: ListQuery<AssetFilter>) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let (with_total, filter) = (list.wants_total(), list.filter);
    let sort = filter.sort.unwrap_or(AssetSort::CreatedAt);
    let wanted = AssetQuery { q: filter.q, kinds: filter.kind, products: filter.product, sort };
    let page = app.db.read(move |conn| {
        let (assets, total) = service::list(conn, &caller, &wanted, &window, with_total)?;
        let page = window.page(assets, &seal, |asset| (asset.kind, asset.name.clone(), asset.id));
        Ok::<_, ApiError>(Page { total, ..page.map(AssetView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Create an asset.
///
/// Imports make the assets that reports name by themselves.
#[utoipa::path(tag = "assets", request_body = CreateAsset, responses((status = 201, description = "The asset.", body = AssetView), (status = 409, description = "There is one of this kind and name.")))]
#[post("/assets")]
async fn create_asset(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CreateAsset>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let made = app.db.write(move |conn| service::create(conn, &caller, input.kind, &input.name, now)).await?;
    let mut response = HttpResponse::Created();
    Ok(response
        .insert_header(location(&request, made.id))
        .insert_header(etag(made.version))
        .json(AssetView::from(made)))
}

/// Get an asset.
#[utoipa::path(tag = "assets", params(AssetPath), responses((status = 200, description = "The asset.", body = AssetView)))]
#[get("/assets/{asset}")]
async fn get_asset(app: Data<App>, caller: Caller, path: Path<AssetPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get(conn, &caller, path.asset)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.version)).json(AssetView::from(found)))
}

/// Delete an asset.
///
/// Only while nothing was found on it.
#[utoipa::path(tag = "assets", params(AssetPath), responses((status = 204, description = "It is gone."), (status = 409, description = "Observations were made on it.")))]
#[delete("/assets/{asset}")]
async fn delete_asset(
    app: Data<App>,
    caller: Caller,
    path: Path<AssetPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| service::delete(conn, &caller, path.asset, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
