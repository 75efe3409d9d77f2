//! Scans: post reports, see what they did.

use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::query::{ListQuery, PageParams};
use super::{query, upload};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::{ApiError, Fault};
use crate::base::ids::{BranchId, EngagementId, ProductId, ScanId, ScanSourceId, UploadId};
use crate::base::page::Page;
use crate::base::progress::ImportPhase;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::products::model::IdOrName;
use crate::products::target::Wanted;
use crate::scans::model::{Scan, ScanCounts, ScanOutcome, Upload, UploadSettings, UploadState};
use crate::scans::prepare::Prepared;
use crate::scans::repo::ScanFilter;
use crate::scans::service::{self, Submission, Waited};

/// The longest that a client may wait for its counts, in seconds.
const MAX_WAIT_S: u64 = 600;

/// How often a watched upload is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long a stream of events lasts: then the client connects again, and its permission is checked again.
const STREAM_LASTS: Duration = Duration::from_secs(60);

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(post_scan).service(list_scans).service(get_scan).service(get_upload).service(watch_upload);
}

/// What may be said with a report: as parts of the form, or in the query with a bare file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ScanParams {
    /// The product, by id or name.
    #[param(value_type = String, example = "shop")]
    product: IdOrName<ProductId>,
    /// The branch or version, by id or name.
    #[param(value_type = Option<String>, example = "main")]
    branch: Option<IdOrName<BranchId>>,
    /// The engagement, by id or name.
    #[param(value_type = Option<String>)]
    engagement: Option<IdOrName<EngagementId>>,
    /// The tool; by default the name in the report.
    tool: Option<String>,
    /// The format; by default it is recognised by the content.
    #[param(example = "sarif")]
    format: Option<String>,
    /// What makes this scan comparable with the next of the same tool; by default the target in the report.
    name: Option<String>,
    /// The asset of findings that name none; by default the product.
    asset: Option<String>,
    /// The commit that was scanned.
    commit: Option<String>,
    /// The environment that was scanned.
    environment: Option<String>,
    /// When the scan ran; by default the time in the report, else now.
    scanned_at: Option<UtcTime>,
    /// Resolve what the scan does not report. Default true.
    resolve_missing: Option<bool>,
    /// Reopen what the scan reports again. Default true.
    reopen: Option<bool>,
    /// Leave findings below this severity alone.
    minimum_severity: Option<Severity>,
    /// Make the product, branch and engagement when they are missing. Default true.
    create_missing: Option<bool>,
    /// Say what the scan would do, and do nothing. Default false.
    dry_run: Option<bool>,
    /// How many seconds to wait for the counts, 0 to 600. Default 30.
    wait: Option<u64>,
}

/// A report, and what is said with it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form to the document; the parts are read as they come")]
struct ScanUpload {
    /// The report as the tool wrote it; gzip, zstd and zip files are unpacked.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The product, by id or name.
    #[schema(example = "shop", max_length = 200)]
    product: String,
    /// The branch or version, by id or name.
    #[schema(example = "main", max_length = 200)]
    branch: Option<String>,
    /// The engagement, by id or name.
    #[schema(max_length = 200, example = "Release 1.2")]
    engagement: Option<String>,
    /// The tool; by default the name in the report.
    #[schema(max_length = 200, example = "Semgrep")]
    tool: Option<String>,
    /// The format; by default it is recognised by the content.
    #[schema(example = "sarif", max_length = 100)]
    format: Option<String>,
    /// What makes this scan comparable with the next of the same tool; by default the target in the report.
    #[schema(max_length = 500, example = "nightly")]
    name: Option<String>,
    /// The asset of findings that name none; by default the product.
    #[schema(max_length = 500, example = "registry.example.com/shop")]
    asset: Option<String>,
    /// The commit that was scanned.
    #[schema(max_length = 200, example = "4f2a91c")]
    commit: Option<String>,
    /// The environment that was scanned.
    #[schema(max_length = 200, example = "production")]
    environment: Option<String>,
    /// When the scan ran; by default the time in the report, else now.
    scanned_at: Option<UtcTime>,
    /// Resolve what the scan does not report.
    #[schema(default = true)]
    resolve_missing: Option<bool>,
    /// Reopen what the scan reports again.
    #[schema(default = true)]
    reopen: Option<bool>,
    /// Leave findings below this severity alone.
    minimum_severity: Option<Severity>,
    /// Make the product, branch and engagement when they are missing.
    #[schema(default = true)]
    create_missing: Option<bool>,
    /// Say what the scan would do, and do nothing.
    #[schema(default = false)]
    dry_run: Option<bool>,
    /// How many seconds to wait for the counts.
    #[schema(default = 30, minimum = 0, maximum = 600, example = 30)]
    wait: Option<u64>,
}

/// One report of one tool, and what it did to the observations of its source.
#[derive(Debug, Serialize, ToSchema)]
struct ScanView {
    /// Its id.
    id: ScanId,
    /// The file it came in.
    upload_id: UploadId,
    /// What makes it comparable with the scans before and after.
    source_id: ScanSourceId,
    /// Its product.
    product_id: ProductId,
    /// Its branch; scans without one share an implicit branch.
    branch_id: BranchId,
    /// The tool.
    tool: String,
    /// The tool's version.
    tool_version: Option<String>,
    /// The report's format.
    format: String,
    /// What it did.
    outcome: ScanOutcome,
    /// The commit that was scanned.
    commit: Option<String>,
    /// The environment that was scanned.
    environment: Option<String>,
    /// When it ran.
    scanned_at: UtcTime,
    /// When it was imported.
    created_at: UtcTime,
    /// What it did to the observations.
    #[serde(flatten)]
    counts: ScanCounts,
    /// Entries that could not be read, and other doubts, with their places.
    warnings: Vec<String>,
}

impl From<Scan> for ScanView {
    fn from(scan: Scan) -> Self {
        Self {
            id: scan.id,
            upload_id: scan.upload_id,
            source_id: scan.source_id,
            product_id: scan.product_id,
            branch_id: scan.branch_id,
            tool: scan.tool,
            tool_version: scan.tool_version,
            format: scan.format,
            outcome: scan.outcome,
            commit: scan.commit_id,
            environment: scan.environment,
            scanned_at: scan.scanned_at,
            created_at: scan.created_at,
            counts: scan.counts,
            warnings: serde_json::from_str(&scan.warnings_json).unwrap_or_default(),
        }
    }
}

/// One posted file, and the scans in it: one per tool.
#[derive(Debug, Serialize, ToSchema)]
struct UploadView {
    /// Its id.
    id: UploadId,
    /// The product it is for.
    product_id: ProductId,
    /// What became of it.
    state: UploadState,
    /// How far the import is, where it runs in the instance that answers.
    phase: Option<ImportPhase>,
    /// The format, once recognised.
    format: Option<String>,
    /// The size as received, in bytes.
    size_bytes: i64,
    /// When it came.
    created_at: UtcTime,
    /// When it was finished or failed.
    finished_at: Option<UtcTime>,
    /// What all its scans did to the observations.
    #[serde(flatten)]
    counts: ScanCounts,
    /// Its scans; none while it runs or when it failed.
    scans: Vec<ScanView>,
    /// Why it failed.
    faults: Vec<Fault>,
}

impl UploadView {
    fn with_phase(self, app: &App) -> Self {
        Self { phase: app.progress.of(self.id), ..self }
    }
}

impl From<(Upload, Vec<Scan>)> for UploadView {
    fn from((upload, scans): (Upload, Vec<Scan>)) -> Self {
        let counts = scans.iter().map(|scan| scan.counts).sum();
        Self {
            id: upload.id,
            product_id: upload.product_id,
            state: upload.state,
            phase: None,
            format: upload.format,
            size_bytes: upload.size_bytes,
            created_at: upload.created_at,
            finished_at: upload.finished_at,
            counts,
            scans: scans.into_iter().map(ScanView::from).collect(),
            faults: upload.faults_json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default(),
        }
    }
}

/// What an upload would do.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewView {
    /// What all its scans would do to the observations.
    #[serde(flatten)]
    counts: ScanCounts,
    /// What each would do.
    scans: Vec<PreviewScan>,
}

/// What one report would do.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewScan {
    /// The tool.
    tool: String,
    /// The name of its source.
    name: String,
    /// What it would do to the observations.
    #[serde(flatten)]
    counts: ScanCounts,
    /// Entries that could not be read, and other doubts, with their places.
    warnings: Vec<String>,
}

impl From<Vec<(Prepared, ScanCounts)>> for PreviewView {
    fn from(reports: Vec<(Prepared, ScanCounts)>) -> Self {
        let mut counts = ScanCounts::default();
        for (_, of_report) in &reports {
            counts += *of_report;
        }
        let scans = reports.into_iter().map(|(prepared, counts)| PreviewScan {
            warnings: prepared.report.warnings.iter().map(|w| format!("{}: {}", w.place, w.detail)).collect(),
            tool: prepared.source.tool,
            name: prepared.source.name,
            counts,
        });
        Self { scans: scans.collect(), counts }
    }
}

/// Post a report.
///
/// Any supported report, as the part `file` of a form or as the bare body. Answers when its observations are in the
/// database, or after `wait` seconds with the upload to watch.
#[utoipa::path(
    operation_id = "post_scan",
    tag = "scans",
    params(ScanParams),
    request_body(content((ScanUpload = "multipart/form-data"), (Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 200, description = "With `dry_run`: what it would do", body = PreviewView),
        (status = 201, description = "Imported", body = UploadView, headers(("Location" = String, description = "The upload"))),
        (status = 202, description = "Still running: watch the upload", body = UploadView,
            headers(("Location" = String, description = "The upload"))),
    )
)]
#[post("/scans")]
async fn post_scan(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let uploads = format!("{}uploads", request.path().trim_end_matches('/').trim_end_matches("scans"));
    let import = |upload| import(app.clone(), caller.clone(), upload, uploads);
    upload::once(&app, &caller, &request, payload.into_inner(), import).await
}

/// Imports a received upload; `uploads` is the path of uploads.
async fn import(
    app: Data<App>,
    caller: Caller,
    upload: upload::Upload,
    uploads: String,
) -> Result<HttpResponse, ApiError> {
    let params: ScanParams = query::read_strictly(&upload.fields)?;
    let (wait, now) = (wait_of(&params, &app)?, app.clock.now());
    let (dry_run, submission) = (params.dry_run.unwrap_or(false), submission(params, upload));
    if dry_run {
        let reports = service::preview(&app, caller, submission, now).await?;
        return Ok(HttpResponse::Ok().json(PreviewView::from(reports)));
    }
    let running = service::submit(&app, caller, submission, now).await?;
    let Waited { upload, scans, is_done } = running.ends_within(&app, wait).await?;
    let location = format!("{uploads}/{}", upload.id);
    let view = UploadView::from((upload, scans)).with_phase(&app);
    let mut answer = if is_done { HttpResponse::Created() } else { HttpResponse::Accepted() };
    Ok(answer.insert_header((LOCATION, location)).json(view))
}

fn wait_of(params: &ScanParams, app: &App) -> Result<Duration, ApiError> {
    match params.wait {
        None => Ok(app.config.import_wait),
        Some(seconds) if seconds <= MAX_WAIT_S => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(ApiError::invalid("wait", format!("must be 0 to {MAX_WAIT_S} seconds"))),
    }
}

fn submission(params: ScanParams, upload: upload::Upload) -> Submission {
    let defaults = UploadSettings::default();
    Submission {
        wanted: Wanted {
            product: params.product,
            branch: params.branch,
            engagement: params.engagement,
            create_missing: params.create_missing.unwrap_or(true),
        },
        settings: UploadSettings {
            tool: params.tool,
            format: params.format,
            name: params.name,
            asset: params.asset,
            commit: params.commit,
            environment: params.environment,
            scanned_at: params.scanned_at,
            resolve_missing: params.resolve_missing.unwrap_or(defaults.resolve_missing),
            reopen: params.reopen.unwrap_or(defaults.reopen),
            minimum_severity: params.minimum_severity.unwrap_or(defaults.minimum_severity),
            ..defaults
        },
        size_bytes: upload.file.size_bytes,
        file_hash: upload.file.hash,
        file: upload.file.source,
    }
}

/// Which scans.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ScanListParams {
    /// Of this product.
    product: Option<ProductId>,
    /// Of this source.
    source: Option<ScanSourceId>,
    /// Of this upload.
    upload: Option<UploadId>,
}

/// List scans, newest first.
#[utoipa::path(operation_id = "list_scans", tag = "scans", params(PageParams, ScanListParams), responses((status = 200, body = Page<ScanView>)))]
#[get("/scans")]
async fn list_scans(app: Data<App>, caller: Caller, list: ListQuery<ScanListParams>) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window::<ScanId>(app.keys.cursor.expose(), &caller)?;
    let filter = ScanFilter { product: list.filter.product, source: list.filter.source, upload: list.filter.upload };
    let (wanted, with_total) = (window.clone(), list.wants_total());
    let (scans, total) = app.db.read(move |conn| service::list(conn, &caller, &filter, &wanted, with_total)).await?;
    let mut page = window.page(scans, &seal, |scan| scan.id).map(ScanView::from);
    page.total = total;
    Ok(HttpResponse::Ok().json(page))
}

/// Get a scan.
#[utoipa::path(operation_id = "get_scan", tag = "scans", params(("id" = ScanId, Path)), responses((status = 200, body = ScanView)))]
#[get("/scans/{id}")]
async fn get_scan(app: Data<App>, caller: Caller, path: Path<(String, ScanId)>) -> Result<HttpResponse, ApiError> {
    let (_, id) = path.into_inner();
    let scan = app.db.read(move |conn| service::get(conn, &caller, id)).await?;
    Ok(HttpResponse::Ok().json(ScanView::from(scan)))
}

/// Get an upload: whether it runs, and what its scans did.
#[utoipa::path(operation_id = "get_upload", tag = "scans", params(("id" = UploadId, Path)), responses((status = 200, body = UploadView)))]
#[get("/uploads/{id}")]
async fn get_upload(app: Data<App>, caller: Caller, path: Path<(String, UploadId)>) -> Result<HttpResponse, ApiError> {
    let (_, id) = path.into_inner();
    Ok(HttpResponse::Ok().json(look(&app, &caller, id).await?))
}

/// Watch an upload.
///
/// Server-sent events: `running` while it is imported, with its phase, then `finished` or `failed`, each with the upload. The stream ends
/// with the import, or after a minute: connect again.
#[utoipa::path(
    operation_id = "watch_upload",
    tag = "scans",
    params(("id" = UploadId, Path)),
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream"))
)]
#[get("/uploads/{id}/events")]
async fn watch_upload(
    app: Data<App>,
    caller: Caller,
    path: Path<(String, UploadId)>,
) -> Result<HttpResponse, ApiError> {
    let (_, id) = path.into_inner();
    let first = look(&app, &caller, id).await?;
    let ends_at = Instant::now() + STREAM_LASTS;
    let events = stream::unfold(Some(first), move |upload| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let upload = upload?;
            let event = event_of(&upload);
            if upload.state != UploadState::Running || Instant::now() > ends_at || app.stop.has_begun() {
                return Some((Ok::<_, ApiError>(event), None));
            }
            tokio::time::sleep(LOOK_EVERY).await;
            Some((Ok(event), look(&app, &caller, id).await.ok()))
        }
    });
    let mut answer = HttpResponse::Ok();
    Ok(answer.content_type("text/event-stream").insert_header((CACHE_CONTROL, "no-store")).streaming(Box::pin(events)))
}

async fn look(app: &App, caller: &Caller, id: UploadId) -> Result<UploadView, ApiError> {
    let caller = caller.clone();
    let found = app.db.read(move |conn| service::get_upload(conn, &caller, id)).await?;
    Ok(UploadView::from(found).with_phase(app))
}

fn event_of(upload: &UploadView) -> Bytes {
    let json = serde_json::to_string(upload).expect("a view is text and numbers");
    Bytes::from(format!("event: {}\ndata: {json}\n\n", upload.state))
}
