//! How products use trackers.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, patch, put};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson};
use super::etag::{IfMatch, etag};
use super::products::ProductPath;
use super::query::{ListQuery, PageParams};
use super::tracker_connections::CreateConnection;
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{ConnectionId, ObservationId, ProductId, TrackerConfigId};
use crate::base::patch::Patch;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::outbox::model::{JobReason, ProductJobs};
use crate::tracker_configs::model::{ConfigSettings, Switch, TrackerConfig};
use crate::tracker_configs::service::{self, Account, Wanted, WantedChange};
use crate::trackers::preview::{self, PreviewItem};
use crate::trackers::service::NextStep;
use crate::trackers::sync::Tools;
use crate::trackers::ticket::PlannedRequest;

/// The routes of tracker configs.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(get_tracker_config)
        .service(put_tracker_config)
        .service(update_tracker_config)
        .service(delete_tracker_config)
        .service(preview_tracker_config);
}

/// How a product uses a tracker.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrackerConfigView {
    /// Its id.
    id: TrackerConfigId,
    /// The product.
    product_id: ProductId,
    /// The account.
    connection_id: ConnectionId,
    /// Off: nothing is pushed, and nothing is lost.
    active: bool,
    /// On: nothing is sent; the preview shows what would be.
    dry_run: bool,
    /// Off: only pushes by hand pass.
    auto_sync: bool,
    /// Off: tickets are made by hand only; those that exist still follow.
    push_all: bool,
    /// On: only verified observations get tickets by themselves.
    require_verified: bool,
    /// Where new tickets go.
    #[schema(example = "acme/shop")]
    project_key: String,
    /// Below it no ticket is made by itself, and an open one is closed.
    minimum_severity: Severity,
    /// Labels that every ticket gets.
    #[schema(max_items = 20, example = json!(["security"]))]
    labels: Vec<String>,
    /// Jira: the issue type. GitLab: `issue` or `incident`.
    #[schema(example = "Task")]
    issue_type: Option<String>,
    /// Jira: the status that tickets are closed to.
    #[schema(example = "Done")]
    closed_status: Option<String>,
    /// GitLab: tickets are hidden from guests.
    confidential: bool,
    /// Issues of the product get tickets by themselves, from the minimum severity on.
    push_issues: bool,
    /// The switch of this config that holds automatic pushes.
    #[schema(inline)]
    held_by: Option<Switch>,
    /// Its jobs that wait or run.
    #[schema(example = 2)]
    jobs_queued: i64,
    /// Its jobs that a switch holds.
    #[schema(example = 0)]
    jobs_held: i64,
    /// Its jobs that failed for good and wait for a person.
    #[schema(example = 0)]
    jobs_parked: i64,
    /// What the tracker said to the last of those.
    #[schema(example = "503 Service Unavailable")]
    last_error: Option<String>,
    /// When it was made.
    created_at: UtcTime,
    /// When it was last changed.
    updated_at: UtcTime,
}

impl From<(TrackerConfig, ProductJobs)> for TrackerConfigView {
    fn from((config, jobs): (TrackerConfig, ProductJobs)) -> Self {
        let settings = config.settings();
        Self {
            id: config.id,
            product_id: config.product_id,
            connection_id: config.connection_id,
            active: config.is_active,
            dry_run: config.is_dry_run,
            auto_sync: config.auto_sync,
            push_all: config.push_all,
            require_verified: config.require_verified,
            held_by: config.holds(JobReason::Change),
            project_key: config.project_key,
            minimum_severity: config.minimum_severity,
            labels: settings.labels,
            issue_type: settings.issue_type,
            closed_status: settings.closed_status,
            confidential: settings.confidential,
            push_issues: settings.push_issues,
            jobs_queued: jobs.queued,
            jobs_held: jobs.held,
            jobs_parked: jobs.parked,
            last_error: jobs.last_error,
            created_at: config.created_at,
            updated_at: config.updated_at,
        }
    }
}

/// A config to make or to replace. Names a connection, or makes one (for admins).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"connection_id": "018f3b7e-5f00-7cc0-8000-000000000001", "project_key": "acme/shop", "minimum_severity": "high", "dry_run": true}))]
pub struct PutTrackerConfig {
    /// The account to use.
    connection_id: Option<ConnectionId>,
    /// The account to make and use, instead.
    connection: Option<CreateConnection>,
    /// Off: nothing is pushed, and nothing is lost.
    #[serde(default = "yes")]
    #[schema(default = true)]
    active: bool,
    /// On: nothing is sent; the preview shows what would be.
    #[serde(default)]
    dry_run: bool,
    /// Off: only pushes by hand pass.
    #[serde(default = "yes")]
    #[schema(default = true)]
    auto_sync: bool,
    /// Off: tickets are made by hand only; those that exist still follow.
    #[serde(default = "yes")]
    #[schema(default = true)]
    push_all: bool,
    /// On: only verified observations get tickets by themselves.
    #[serde(default)]
    require_verified: bool,
    /// Where new tickets go: `owner/repository` on GitHub, the id or full path on GitLab, the key of a Jira project.
    #[schema(min_length = 1, max_length = 255, example = "acme/shop")]
    project_key: String,
    /// Below it no ticket is made by itself, and an open one is closed. Without it all severities have tickets.
    #[serde(default)]
    minimum_severity: Severity,
    /// Labels that every ticket gets. Labels that people add survive.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["security"]))]
    labels: Vec<String>,
    /// Jira needs one: the issue type. GitLab: `issue` or `incident`.
    #[schema(max_length = 100, example = "Bug")]
    issue_type: Option<String>,
    /// Jira: the status that tickets are closed to; discovered where none is given.
    #[schema(max_length = 100, example = "Done")]
    closed_status: Option<String>,
    /// GitLab: hide tickets from guests.
    #[serde(default)]
    confidential: bool,
    /// On: issues of the product get tickets by themselves, if their risk is at least the minimum severity. The
    /// observations in such an issue have none of their own.
    #[serde(default)]
    push_issues: bool,
}

const fn yes() -> bool {
    true
}

impl PutTrackerConfig {
    async fn checked(self, app: &App, caller: &Caller) -> Result<(Account, Wanted), ApiError> {
        let account = match (self.connection_id, self.connection) {
            (Some(id), None) => Account::Known(id),
            (None, Some(new)) => Account::New(Box::new(new.checked(app, caller).await?)),
            _ => return Err(ApiError::invalid("/connection_id", "give either `connection_id` or `connection`")),
        };
        let settings = ConfigSettings {
            labels: self.labels,
            issue_type: self.issue_type,
            closed_status: self.closed_status,
            confidential: self.confidential,
            push_issues: self.push_issues,
        };
        let wanted = Wanted {
            is_active: self.active,
            is_dry_run: self.dry_run,
            auto_sync: self.auto_sync,
            push_all: self.push_all,
            require_verified: self.require_verified,
            project_key: self.project_key,
            minimum_severity: self.minimum_severity,
            settings,
        };
        Ok((account, wanted))
    }
}

/// What to change of a config.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTrackerConfig {
    /// The account to use.
    #[serde(default)]
    #[schema(value_type = ConnectionId)]
    connection_id: Patch<ConnectionId>,
    /// Off: nothing is pushed, and nothing is lost.
    #[serde(default)]
    #[schema(value_type = bool)]
    active: Patch<bool>,
    /// On: nothing is sent; the preview shows what would be.
    #[serde(default)]
    #[schema(value_type = bool)]
    dry_run: Patch<bool>,
    /// Off: only pushes by hand pass.
    #[serde(default)]
    #[schema(value_type = bool)]
    auto_sync: Patch<bool>,
    /// Off: tickets are made by hand only; those that exist still follow.
    #[serde(default)]
    #[schema(value_type = bool)]
    push_all: Patch<bool>,
    /// On: only verified observations get tickets by themselves.
    #[serde(default)]
    #[schema(value_type = bool)]
    require_verified: Patch<bool>,
    /// Where new tickets go; those that exist stay where they are.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 255, example = "acme/shop")]
    project_key: Patch<String>,
    /// Below it no ticket is made by itself, and an open one is closed.
    #[serde(default)]
    #[schema(value_type = Severity)]
    minimum_severity: Patch<Severity>,
    /// Labels that every ticket gets.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 20)]
    labels: Patch<Vec<String>>,
    /// Jira: the issue type. GitLab: `issue` or `incident`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100, example = "Task")]
    issue_type: Patch<Option<String>>,
    /// Jira: the status that tickets are closed to.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100, example = "Done")]
    closed_status: Patch<Option<String>>,
    /// GitLab: hide tickets from guests.
    #[serde(default)]
    #[schema(value_type = bool)]
    confidential: Patch<bool>,
    /// On: issues of the product get tickets by themselves.
    #[serde(default)]
    #[schema(value_type = bool)]
    push_issues: Patch<bool>,
}

impl From<UpdateTrackerConfig> for WantedChange {
    fn from(input: UpdateTrackerConfig) -> Self {
        Self {
            connection: input.connection_id,
            is_active: input.active,
            is_dry_run: input.dry_run,
            auto_sync: input.auto_sync,
            push_all: input.push_all,
            require_verified: input.require_verified,
            project_key: input.project_key,
            minimum_severity: input.minimum_severity,
            labels: input.labels,
            issue_type: input.issue_type,
            closed_status: input.closed_status,
            confidential: input.confidential,
            push_issues: input.push_issues,
        }
    }
}

/// What a config would send.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewView {
    /// The switch of the config that holds it.
    #[schema(inline)]
    held_by: Option<Switch>,
    /// How many tickets would be made.
    #[schema(value_type = i64, example = 12)]
    tickets_to_create: usize,
    /// A page of what would be done, one item per observation.
    #[schema(max_items = 500)]
    items: Vec<PreviewItemView>,
    /// What to send as `cursor` for the next page; null on the last one.
    #[schema(example = "eyJrIjoiMDE4ZiJ9")]
    next_cursor: Option<String>,
}

/// What would be done about one observation.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewItemView {
    /// The observation.
    observation_id: ObservationId,
    /// The title of its ticket.
    #[schema(example = "[High] Prototype pollution in lodash")]
    title: String,
    /// What would be done.
    #[schema(inline)]
    step: NextStep,
    /// The requests in their order, without credentials. Those that depend on an answer of the tracker are left out.
    #[schema(max_items = 20)]
    requests: Vec<PlannedRequest>,
    /// Why no requests can be shown.
    #[schema(example = "the title is empty")]
    fault: Option<String>,
}

impl From<PreviewItem> for PreviewItemView {
    fn from(item: PreviewItem) -> Self {
        Self {
            observation_id: item.observation,
            title: item.title,
            step: item.step,
            requests: item.requests,
            fault: item.fault,
        }
    }
}

/// Which part of a preview.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PreviewFilter {
    /// Only what would be done about this observation and those made after it.
    from: Option<ObservationId>,
}

/// Get the tracker config of a product.
#[utoipa::path(tag = "trackers", params(ProductPath), responses((status = 200, description = "The config.", body = TrackerConfigView)))]
#[get("/products/{product}/tracker-config")]
async fn get_tracker_config(app: Data<App>, caller: Caller, path: Path<ProductPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get_with_jobs(conn, &caller, path.product)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.0.version)).json(TrackerConfigView::from(found)))
}

/// Make or replace the tracker config of a product.
///
/// All tickets that the product has or should have are looked at, and what an old config held goes on.
#[utoipa::path(tag = "trackers", params(ProductPath), request_body = PutTrackerConfig, responses((status = 200, description = "The config, replaced.", body = TrackerConfigView), (status = 201, description = "The config, made.", body = TrackerConfigView), (status = 409, description = "It has tickets in another connection.")))]
#[put("/products/{product}/tracker-config")]
async fn put_tracker_config(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    if_match: IfMatch,
    StrictJson(input): StrictJson<PutTrackerConfig>,
) -> Result<HttpResponse, ApiError> {
    let wanted = input.checked(&app, &caller).await?;
    let (now, keys) = (app.clock.now(), app.keys.clone());
    let stored = app.db.write(move |conn| {
        let (config, is_new) = service::put(conn, &caller, &keys, path.product, wanted, &if_match, now)?;
        Ok((service::with_jobs(conn, config)?, is_new))
    });
    let (config, is_new) = stored.await?;
    app.work.notify_one();
    let mut response = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.insert_header(etag(config.0.version)).json(TrackerConfigView::from(config)))
}

/// Change the tracker config of a product.
#[utoipa::path(tag = "trackers", params(ProductPath), request_body(content = UpdateTrackerConfig, content_type = "application/merge-patch+json"), responses((status = 200, description = "The config.", body = TrackerConfigView), (status = 409, description = "It has tickets in another connection.")))]
#[patch("/products/{product}/tracker-config")]
async fn update_tracker_config(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateTrackerConfig>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let changed = app.db.write(move |conn| {
        let config = service::change(conn, &caller, path.product, input.into(), &if_match, now)?;
        service::with_jobs(conn, config)
    });
    let changed = changed.await?;
    app.work.notify_one();
    Ok(HttpResponse::Ok().insert_header(etag(changed.0.version)).json(TrackerConfigView::from(changed)))
}

/// Delete the tracker config of a product.
///
/// One that has tickets cannot be deleted, only switched off.
#[utoipa::path(tag = "trackers", params(ProductPath), responses((status = 204, description = "It is gone."), (status = 409, description = "It has tickets.")))]
#[delete("/products/{product}/tracker-config")]
async fn delete_tracker_config(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| service::delete(conn, &caller, path.product, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Preview what a tracker config would send.
///
/// How many tickets would be made, which, and the exact requests. Nothing is sent.
#[utoipa::path(tag = "trackers", params(ProductPath, PageParams, PreviewFilter), responses((status = 200, description = "What would be sent.", body = PreviewView)))]
#[get("/products/{product}/tracker-config/preview")]
async fn preview_tracker_config(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    list: ListQuery<PreviewFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window::<ObservationId>(app.keys.cursor.expose(), &caller)?;
    let tools = Tools::of(&app);
    let preview = preview::preview(&tools, &caller, path.product, window, list.filter.from).await?;
    Ok(HttpResponse::Ok().json(PreviewView {
        held_by: preview.held_by,
        tickets_to_create: preview.tickets_to_create,
        items: preview.items.into_iter().map(PreviewItemView::from).collect(),
        next_cursor: preview.next.map(|last| seal.seal(&last)),
    }))
}
