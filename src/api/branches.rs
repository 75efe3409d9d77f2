//! Branches of products.

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
use crate::assessments::removal;
use crate::base::error::ApiError;
use crate::base::ids::{BranchId, ProductId};
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::products::model::{Branch, PartQuery, PartSort};
use crate::products::service::branch as service;

/// The routes of branches.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_branches)
        .service(create_branch)
        .service(get_branch)
        .service(update_branch)
        .service(delete_branch);
}

/// A line of a product: a branch or a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct BranchView {
    /// Its id.
    id: BranchId,
    /// The product it is a line of.
    product_id: ProductId,
    /// Its name, unique in the product.
    #[schema(min_length = 1, max_length = 200, example = "main")]
    name: String,
    /// When it was made.
    created_at: UtcTime,
}

impl From<Branch> for BranchView {
    fn from(branch: Branch) -> Self {
        Self { id: branch.id, product_id: branch.product_id, name: branch.name, created_at: branch.created_at }
    }
}

/// A branch to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBranch {
    /// Its name, unique in the product.
    #[schema(min_length = 1, max_length = 200, example = "main")]
    name: String,
}

/// What to change of a branch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateBranch {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "trunk")]
    name: Patch<String>,
}

/// Which branches.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BranchFilter {
    /// Part of the name, whatever the case of its ASCII letters.
    #[param(max_length = 200, example = "release")]
    q: Option<String>,
    /// In which order.
    #[param(inline)]
    sort: Option<PartSort>,
}

/// The branch of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct BranchPath {
    /// The product.
    product: ProductId,
    /// The branch.
    branch: BranchId,
}

/// List branches.
#[utoipa::path(tag = "products", params(ProductPath, PageParams, BranchFilter), responses((status = 200, description = "A page of branches.", body = Page<BranchView>)))]
#[get("/products/{product}/branches")]
async fn list_branches(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    list: ListQuery<BranchFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let (with_total, filter) = (list.wants_total(), list.filter);
    let sort = filter.sort.unwrap_or(PartSort::Name);
    let wanted = PartQuery { product: path.product, q: filter.q, states: Vec::new(), sort };
    let page = app.db.read(move |conn| {
        let (branches, total) = service::list(conn, &caller, &wanted, &window, with_total)?;
        let page = window.page(branches, &seal, |branch| (branch.name.clone(), branch.id));
        Ok::<_, ApiError>(Page { total, ..page.map(BranchView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Create a branch.
#[utoipa::path(tag = "products", params(ProductPath), request_body = CreateBranch, responses((status = 201, description = "The branch.", body = BranchView), (status = 409, description = "The name is taken.")))]
#[post("/products/{product}/branches")]
async fn create_branch(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    StrictJson(input): StrictJson<CreateBranch>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let made = app.db.write(move |conn| service::create(conn, &caller, path.product, &input.name, now)).await?;
    let mut response = HttpResponse::Created();
    Ok(response
        .insert_header(location(&request, made.id))
        .insert_header(etag(made.version))
        .json(BranchView::from(made)))
}

/// Get a branch.
#[utoipa::path(tag = "products", params(BranchPath), responses((status = 200, description = "The branch.", body = BranchView)))]
#[get("/products/{product}/branches/{branch}")]
async fn get_branch(app: Data<App>, caller: Caller, path: Path<BranchPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get(conn, &caller, path.product, path.branch)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.version)).json(BranchView::from(found)))
}

/// Rename a branch.
///
/// What was found on it stays as it is.
#[utoipa::path(tag = "products", params(BranchPath), request_body(content = UpdateBranch, content_type = "application/merge-patch+json"), responses((status = 200, description = "The branch.", body = BranchView), (status = 409, description = "The name is taken.")))]
#[patch("/products/{product}/branches/{branch}")]
async fn update_branch(
    app: Data<App>,
    caller: Caller,
    path: Path<BranchPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateBranch>,
) -> Result<HttpResponse, ApiError> {
    let place = (path.product, path.branch);
    let now = app.clock.now();
    let renamed = app.db.write(move |conn| service::rename(conn, &caller, place, input.name, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(renamed.version)).json(BranchView::from(renamed)))
}

/// Delete a branch.
///
/// Its scans and observations go with it, and its tickets are closed. The default branch cannot be deleted.
#[utoipa::path(tag = "products", params(BranchPath), responses((status = 204, description = "It is gone."), (status = 409, description = "It is the default branch.")))]
#[delete("/products/{product}/branches/{branch}")]
async fn delete_branch(
    app: Data<App>,
    caller: Caller,
    path: Path<BranchPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let place = (path.product, path.branch);
    let now = app.clock.now();
    app.db.write_again(move |conn| removal::delete_branch(conn, &caller, place, &if_match, now)).await?;
    app.work.notify_one();
    Ok(HttpResponse::NoContent().finish())
}
