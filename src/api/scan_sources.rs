//! Scan sources: what makes scans comparable.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::etag::{IfMatch, etag};
use super::query::{ListQuery, PageParams};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{BranchId, EngagementId, ProductId, ScanId, ScanSourceId};
use crate::base::page::Page;
use crate::base::time::UtcTime;
use crate::scans::model::ScanSource;
use crate::scans::repo::SourceFilter;
use crate::scans::sources;

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_scan_sources).service(get_scan_source).service(retire_scan_source).service(confirm_scan_source);
}

/// What makes two scans comparable: product, branch, engagement, tool and name.
#[derive(Debug, Serialize, ToSchema)]
struct ScanSourceView {
    /// Its id.
    id: ScanSourceId,
    /// Its product.
    product_id: ProductId,
    /// Its branch; scans without one share an implicit branch.
    branch_id: BranchId,
    /// Its engagement.
    engagement_id: Option<EngagementId>,
    /// The tool.
    #[schema(example = "Semgrep")]
    tool: String,
    /// The name: by default what was scanned.
    #[schema(example = "shop:1.2")]
    name: String,
    /// Its newest scan.
    latest_scan_id: Option<ScanId>,
    /// When its newest scan ran: what is present was last seen then.
    latest_scan_at: Option<UtcTime>,
    /// Since when the ticket closes of a mass disappearance wait for a second scan that agrees, or to be confirmed.
    closes_held_at: Option<UtcTime>,
    /// Since when no scans are expected any more.
    retired_at: Option<UtcTime>,
    /// When its first scan came.
    created_at: UtcTime,
}

impl From<ScanSource> for ScanSourceView {
    fn from(source: ScanSource) -> Self {
        Self {
            id: source.id,
            product_id: source.product_id,
            branch_id: source.branch_id,
            engagement_id: source.engagement_id,
            tool: source.tool,
            name: source.name,
            latest_scan_id: source.latest_scan_id,
            latest_scan_at: source.latest_scan_at,
            closes_held_at: source.closes_held_at,
            retired_at: source.retired_at,
            created_at: source.created_at,
        }
    }
}

/// Which sources.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ScanSourceParams {
    /// Of this product.
    product: Option<ProductId>,
    /// Of this branch.
    branch: Option<BranchId>,
    /// Of this tool.
    #[param(max_length = 200)]
    tool: Option<String>,
}

/// List scan sources, newest first.
#[utoipa::path(
    operation_id = "list_scan_sources",
    tag = "scans",
    params(PageParams, ScanSourceParams),
    responses((status = 200, description = "A page of scan sources", body = Page<ScanSourceView>))
)]
#[get("/scan-sources")]
async fn list_scan_sources(
    app: Data<App>,
    caller: Caller,
    list: ListQuery<ScanSourceParams>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window::<ScanSourceId>(app.keys.cursor.expose(), &caller)?;
    let ScanSourceParams { product, branch, tool } = list.filter;
    let (filter, wanted) = (SourceFilter { product, branch, tool }, window.clone());
    let found = app.db.read(move |conn| sources::list(conn, &caller, &filter, &wanted)).await?;
    Ok(HttpResponse::Ok().json(window.page(found, &seal, |source| source.id).map(ScanSourceView::from)))
}

/// Get a scan source.
#[utoipa::path(
    operation_id = "get_scan_source",
    tag = "scans",
    params(("id" = ScanSourceId, Path)),
    responses((status = 200, description = "The scan source", body = ScanSourceView))
)]
#[get("/scan-sources/{id}")]
async fn get_scan_source(
    app: Data<App>,
    caller: Caller,
    path: Path<(String, ScanSourceId)>,
) -> Result<HttpResponse, ApiError> {
    let (_, id) = path.into_inner();
    let source = app.db.read(move |conn| sources::get(conn, &caller, id)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(source.version)).json(ScanSourceView::from(source)))
}

/// Retire a scan source.
///
/// No scans of it are expected any more: what it still reports is resolved. A new scan brings it back.
#[utoipa::path(
    operation_id = "retire_scan_source",
    tag = "scans",
    params(("id" = ScanSourceId, Path)),
    responses((status = 200, description = "The retired scan source", body = ScanSourceView))
)]
#[post("/scan-sources/{id}/retire")]
async fn retire_scan_source(
    app: Data<App>,
    caller: Caller,
    path: Path<(String, ScanSourceId)>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let ((_, id), now) = (path.into_inner(), app.clock.now());
    let source = app.db.write(move |conn| sources::retire(conn, &caller, id, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(source.version)).json(ScanSourceView::from(source)))
}

/// Confirm a mass disappearance.
///
/// When most of what a source reported vanishes at once, the tickets stay open until a second scan agrees, or somebody
/// confirms that it is so.
#[utoipa::path(
    operation_id = "confirm_scan_source",
    tag = "scans",
    params(("id" = ScanSourceId, Path)),
    responses((status = 200, description = "The scan source, whose closes wait no more", body = ScanSourceView))
)]
#[post("/scan-sources/{id}/confirm")]
async fn confirm_scan_source(
    app: Data<App>,
    caller: Caller,
    path: Path<(String, ScanSourceId)>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let ((_, id), now) = (path.into_inner(), app.clock.now());
    let source = app.db.write(move |conn| sources::confirm(conn, &caller, id, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(source.version)).json(ScanSourceView::from(source)))
}
