//! The jobs that carry changes to trackers.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::query::{ListQuery, PageParams};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{ConnectionId, ProductId, SubjectId, SyncJobId};
use crate::base::page::Page;
use crate::base::scope::SEVERAL;
use crate::base::time::UtcTime;
use crate::outbox::model::{JobReason, JobState, SubjectKind, SyncJob};
use crate::outbox::repo::JobFilter;
use crate::trackers::service;

/// The routes of sync jobs.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_sync_jobs).service(get_sync_job).service(retry_sync_job).service(discard_sync_job);
}

/// The wish that a ticket be looked at. It is gone when the ticket is what it should be.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncJobView {
    /// Its id.
    id: SyncJobId,
    /// Which tracker.
    connection_id: ConnectionId,
    /// The product of its subject; null where the subject spans several.
    product_id: Option<ProductId>,
    /// What it is about.
    #[schema(inline)]
    subject_kind: SubjectKind,
    /// What it is about.
    subject_id: SubjectId,
    /// Why it was written.
    #[schema(inline)]
    reason: JobReason,
    /// Where it stands.
    #[schema(inline)]
    state: JobState,
    /// Queued: when it may run. Leased: when its worker is taken for dead.
    due_at: UtcTime,
    /// How often it was tried since the last success.
    #[schema(example = 1)]
    attempts: i32,
    /// Why the last attempt failed, in the tracker's words.
    #[schema(example = "503 Service Unavailable")]
    last_error: Option<String>,
    /// When the first change came.
    created_at: UtcTime,
}

impl From<SyncJob> for SyncJobView {
    fn from(job: SyncJob) -> Self {
        Self {
            id: job.id,
            connection_id: job.connection_id,
            product_id: Some(job.product_id).filter(|product| *product != SEVERAL),
            subject_kind: job.subject_kind,
            subject_id: job.subject_id,
            reason: job.reason,
            state: job.state,
            due_at: job.due_at,
            attempts: job.attempts,
            last_error: job.last_error,
            created_at: job.created_at,
        }
    }
}

/// Which jobs.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SyncJobFilter {
    /// In one of these states.
    #[serde(default)]
    #[param(max_items = 4, inline)]
    state: Vec<JobState>,
    /// Of this connection.
    connection: Option<ConnectionId>,
    /// Of this product.
    product: Option<ProductId>,
}

/// The job of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SyncJobPath {
    /// The job.
    job: SyncJobId,
}

/// List sync jobs.
///
/// The newest first; those of products that the caller may see.
#[utoipa::path(tag = "trackers", params(PageParams, SyncJobFilter), responses((status = 200, description = "A page of jobs.", body = Page<SyncJobView>)))]
#[get("/sync-jobs")]
async fn list_sync_jobs(
    app: Data<App>,
    caller: Caller,
    list: ListQuery<SyncJobFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window::<SyncJobId>(app.keys.cursor.expose(), &caller)?;
    let filter =
        JobFilter { states: list.filter.state, connection: list.filter.connection, product: list.filter.product };
    let page = app.db.read(move |conn| {
        let jobs = service::list_jobs(conn, &caller, &filter, &window)?;
        Ok::<_, ApiError>(window.page(jobs, &seal, |job| job.id).map(SyncJobView::from))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Get a sync job.
#[utoipa::path(tag = "trackers", params(SyncJobPath), responses((status = 200, description = "The job.", body = SyncJobView)))]
#[get("/sync-jobs/{job}")]
async fn get_sync_job(app: Data<App>, caller: Caller, path: Path<SyncJobPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get_job(conn, &caller, path.job)).await?;
    Ok(HttpResponse::Ok().json(SyncJobView::from(found)))
}

/// Retry a sync job.
///
/// It runs now, whatever it waited for.
#[utoipa::path(tag = "trackers", params(SyncJobPath), responses((status = 202, description = "The job, queued.", body = SyncJobView), (status = 409, description = "It runs already.")))]
#[post("/sync-jobs/{job}/retry")]
async fn retry_sync_job(app: Data<App>, caller: Caller, path: Path<SyncJobPath>) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let job = app.db.write(move |conn| service::retry_job(conn, &caller, path.job, now)).await?;
    app.work.notify_one();
    Ok(HttpResponse::Accepted().json(SyncJobView::from(job)))
}

/// Discard a sync job.
///
/// What it would have done is not done, until its subject changes again.
#[utoipa::path(tag = "trackers", params(SyncJobPath), responses((status = 204, description = "It is gone.")))]
#[delete("/sync-jobs/{job}")]
async fn discard_sync_job(app: Data<App>, caller: Caller, path: Path<SyncJobPath>) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| service::discard_job(conn, &caller, path.job, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
