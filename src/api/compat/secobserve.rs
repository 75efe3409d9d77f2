//! Uploads and gates, as clients of SecObserve expect them.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::list::{PartOf, PartParams, Results};
use crate::access::model::Caller;
use crate::api::query::read_leniently;
use crate::api::upload;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{ProductId, UploadId};
use crate::clients::model::{NumberedProduct, Wish};
use crate::clients::service as clients;
use crate::gates::service as gates;
use crate::products::model::IdOrName;
use crate::products::target::Wanted;
use crate::reports::read::words;
use crate::scans::model::UploadSettings;
use crate::scans::service::{self, Submission};

/// How long an import is waited for: such clients know no other answer than that it is done.
const WAIT: Duration = Duration::from_secs(600);
/// The scan source of bills of materials, so that they never stand for a scan of the same tool.
const SBOM: &str = "sbom";

/// The routes of SecObserve's clients.
pub fn routes(config: &mut ServiceConfig) {
    config.service(compat_upload_observations).service(compat_upload_sbom).service(compat_list_gates);
}

/// What is said with a report. Parts that are not known here are ignored; the format is recognised by the content.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
struct CompatObservations {
    /// The report as the tool wrote it. Its observations are compared with those of files of the same name only.
    #[schema(value_type = String, format = Binary)]
    #[expect(dead_code, reason = "describes the form to the document; the file is read as it comes")]
    file: Option<String>,
    /// The name of the product; it is made if it is missing.
    #[schema(max_length = 200, example = "shop")]
    product_name: String,
    /// The branch.
    #[schema(max_length = 200, example = "main")]
    branch_name: Option<String>,
    /// The service that was scanned: its observations are compared with its own only.
    #[schema(max_length = 200, example = "checkout")]
    service: Option<String>,
    /// The image that was scanned. Its tag and digest do not matter: they change with every build.
    #[schema(max_length = 500, example = "registry.example.com/shop:1.2")]
    docker_image_name_tag: Option<String>,
    /// The address that was scanned.
    #[schema(max_length = 500, example = "https://shop.example.com")]
    endpoint_url: Option<String>,
}

/// What became of an upload.
#[derive(Debug, Serialize, ToSchema)]
struct CompatUploaded {
    /// Never seen before, or found again.
    #[schema(example = 7)]
    observations_new: i64,
    /// Seen again, with other content.
    #[schema(example = 1)]
    observations_updated: i64,
    /// No longer reported.
    #[schema(example = 2)]
    observations_resolved: i64,
    /// Always 0: licences are not kept.
    #[schema(example = 0)]
    license_components_new: i64,
    /// Always 0: licences are not kept.
    #[schema(example = 0)]
    license_components_updated: i64,
    /// Always 0: licences are not kept.
    #[schema(example = 0)]
    license_components_deleted: i64,
    /// The upload in Patchbay's own API.
    upload_id: UploadId,
}

/// A product and its gate.
#[derive(Debug, Serialize, ToSchema)]
struct CompatGate {
    /// Its number.
    #[schema(example = 3)]
    id: i64,
    /// Its name.
    #[schema(example = "shop")]
    name: String,
    /// Whether a pipeline may go on; null without a gate.
    security_gate_passed: Option<bool>,
    /// Its id in Patchbay's own API.
    product_id: ProductId,
}

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct GateFilter {
    /// With exactly this name, whatever its case.
    #[param(max_length = 200, example = "shop")]
    name: Option<String>,
}

/// Upload a report, as clients of SecObserve do.
#[utoipa::path(tag = "compatibility", request_body(content((CompatObservations = "multipart/form-data"))), responses((status = 200, description = "Imported.", body = CompatUploaded), (status = 202, description = "Still running.", body = CompatUploaded)))]
#[post("/import/file_upload_observations_by_name")]
async fn compat_upload_observations(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let import = |upload| import(app.clone(), caller.clone(), upload, false);
    upload::once(&app, &caller, &request, payload.into_inner(), import).await
}

/// Upload a bill of materials, as clients of SecObserve do.
///
/// What it says of vulnerabilities is kept; what it does not say resolves nothing.
#[utoipa::path(tag = "compatibility", request_body(content((CompatObservations = "multipart/form-data"))), responses((status = 200, description = "Imported.", body = CompatUploaded), (status = 202, description = "Still running.", body = CompatUploaded)))]
#[post("/import/file_upload_sbom_by_name")]
async fn compat_upload_sbom(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let import = |upload| import(app.clone(), caller.clone(), upload, true);
    upload::once(&app, &caller, &request, payload.into_inner(), import).await
}

async fn import(
    app: Data<App>,
    caller: Caller,
    upload: upload::Upload,
    is_sbom: bool,
) -> Result<HttpResponse, ApiError> {
    let parts: CompatObservations = read_leniently(&upload.fields)?;
    let submission = Submission {
        settings: parts.settings(is_sbom, upload.file_name),
        wanted: Wanted {
            product: IdOrName::Name(parts.product_name),
            branch: parts.branch_name.map(IdOrName::Name),
            engagement: None,
            create_missing: true,
        },
        size_bytes: upload.file.size_bytes,
        file_hash: upload.file.hash,
        file: upload.file.source,
    };
    let running = service::submit(&app, caller, submission, app.clock.now()).await;
    let waited = running.map_err(in_their_words)?.ends_within(&app, WAIT).await?;
    let counts = waited.counts();
    let mut answer = if waited.is_done { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    Ok(answer.json(CompatUploaded {
        observations_new: counts.observations_new + counts.observations_reopened,
        observations_updated: counts.observations_updated,
        observations_resolved: counts.observations_resolved,
        license_components_new: 0,
        license_components_updated: 0,
        license_components_deleted: 0,
        upload_id: waited.upload.id,
    }))
}

/// A fault named by the fields of these endpoints.
fn in_their_words(error: ApiError) -> ApiError {
    error.renamed(&[
        ("product", "product_name"),
        ("branch", "branch_name"),
        ("name", "service"),
        ("asset", "docker_image_name_tag"),
    ])
}

impl CompatObservations {
    /// What was scanned tells scans of the same tool apart, and so does the name of the file, as in SecObserve.
    fn settings(&self, is_sbom: bool, file_name: Option<String>) -> UploadSettings {
        let image = self.docker_image_name_tag.as_deref().map(words::image_name).filter(|name| !name.is_empty());
        let asset = image.or(self.endpoint_url.as_deref()).map(str::to_owned);
        let name = if is_sbom { Some(SBOM.to_owned()) } else { self.service.clone().or_else(|| asset.clone()) };
        UploadSettings { name, file_name, asset, resolve_missing: !is_sbom, ..UploadSettings::default() }
    }
}

/// List products with what their security gates say, as clients of SecObserve ask.
#[utoipa::path(tag = "compatibility", params(PartParams, GateFilter), responses((status = 200, description = "Products.", body = Results<CompatGate>)))]
#[get("/products")]
async fn compat_list_gates(app: Data<App>, caller: Caller, list: PartOf<GateFilter>) -> Result<HttpResponse, ApiError> {
    let wish = Wish { name: list.filter.name.clone(), ..Wish::default() };
    let clients::Rows { rows, count } = clients::products(&app.db, caller.clone(), wish, list.part).await?;
    let ids: Vec<ProductId> = rows.iter().map(|(product, _)| product.id).collect();
    let verdicts = app.db.read(move |conn| gates::verdicts(conn, &caller, &ids)).await?;
    let view = |(product, number): NumberedProduct| {
        gate_of(product.id, product.name, number.map_or(0, |n| n.number), &verdicts)
    };
    Ok(HttpResponse::Ok().json(list.answer(count, rows.into_iter().map(view).collect())))
}

fn gate_of(product_id: ProductId, name: String, id: i64, verdicts: &HashMap<ProductId, bool>) -> CompatGate {
    CompatGate { id, name, security_gate_passed: verdicts.get(&product_id).copied(), product_id }
}
