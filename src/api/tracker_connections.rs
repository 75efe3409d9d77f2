//! Tracker connections.

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
use crate::base::error::ApiError;
use crate::base::ids::ConnectionId;
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::base::tracker_kind::TrackerKind;
use crate::connections::model::Connection;
use crate::connections::service::{self, ConnectionChange, NewConnection};
use crate::connections::settings::{DEFAULT_LABEL, Settings};
use crate::tracker_configs::model::Switch;
use crate::trackers;
use crate::trackers::service::Health;
use crate::trackers::sync::Tools;
use crate::trackers::ticket::ProbeReport;

/// The routes of tracker connections.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_tracker_connections)
        .service(create_tracker_connection)
        .service(get_tracker_connection)
        .service(update_tracker_connection)
        .service(delete_tracker_connection)
        .service(test_tracker_connection)
        .service(get_tracker_connection_health);
}

/// One tracker account. Its credential is never shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionView {
    /// Its id.
    id: ConnectionId,
    /// Its name for people.
    #[schema(min_length = 1, max_length = 100, example = "GitHub of the shop team")]
    label: String,
    /// Which tracker.
    #[schema(inline)]
    kind: TrackerKind,
    /// Where it is.
    #[schema(example = "https://github.com")]
    base_url: String,
    /// The account's name, where the tracker wants one beside the credential.
    #[schema(example = "patchbay@example.com")]
    username: Option<String>,
    /// Whether it is used. Off: nothing is sent, and nothing is lost.
    enabled: bool,
    /// The label on every ticket, by which tickets are listed.
    #[schema(example = "patchbay")]
    ticket_label: String,
    /// Writing calls a minute, where they are limited other than usual.
    #[schema(example = 60)]
    calls_per_minute: Option<u32>,
    /// When it was made.
    created_at: UtcTime,
    /// When it was last changed.
    updated_at: UtcTime,
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        let settings = connection.settings();
        Self {
            id: connection.id,
            label: connection.label,
            kind: connection.kind,
            base_url: connection.base_url,
            username: connection.username,
            enabled: connection.is_enabled,
            ticket_label: settings.ticket_label,
            calls_per_minute: settings.calls_per_minute,
            created_at: connection.created_at,
            updated_at: connection.updated_at,
        }
    }
}

/// A connection to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "GitHub of the shop team", "kind": "github", "credential": "github_pat_0123456789"}))]
pub struct CreateConnection {
    /// Its name for people, unique in the organization.
    #[schema(min_length = 1, max_length = 100, example = "GitHub of the shop team")]
    pub(super) label: String,
    /// Which tracker.
    #[schema(inline)]
    pub(super) kind: TrackerKind,
    /// Where it is; github.com and gitlab.com may be left out.
    #[schema(max_length = 2000, example = "https://github.com")]
    pub(super) base_url: Option<String>,
    /// Jira Cloud: the e-mail of the token's account. Jira Data Center: the user of a password; a token needs none.
    #[schema(max_length = 255, example = "patchbay@example.com")]
    pub(super) username: Option<String>,
    /// The token or password. It is stored sealed and never shown.
    #[schema(value_type = String, format = Password, write_only, min_length = 1, max_length = 4096, example = "ghp_0123456789abcdef")]
    pub(super) credential: Secret<String>,
    /// Whether it is used.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(super) enabled: bool,
    /// The label on every ticket, by which tickets are listed.
    #[serde(default = "default_label")]
    #[schema(default = "patchbay", min_length = 1, max_length = 50, example = "patchbay")]
    pub(super) ticket_label: String,
    /// Writing calls a minute, where the tracker's own limits are other than usual.
    #[schema(minimum = 1, maximum = 6000, example = 60)]
    pub(super) calls_per_minute: Option<u32>,
}

const fn yes() -> bool {
    true
}

fn default_label() -> String {
    DEFAULT_LABEL.to_owned()
}

impl CreateConnection {
    /// The connection, with its address checked.
    pub(super) async fn checked(self, app: &App, caller: &Caller) -> Result<NewConnection, ApiError> {
        let base_url = service::checked_url(&app.egress, caller, self.kind, self.base_url).await?;
        Ok(NewConnection {
            label: self.label,
            kind: self.kind,
            base_url,
            username: self.username,
            credential: self.credential,
            is_enabled: self.enabled,
            settings: Settings { ticket_label: self.ticket_label, calls_per_minute: self.calls_per_minute },
        })
    }
}

/// What to change of a connection. Its kind stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateConnection {
    /// Its name for people.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Shop on GitHub")]
    label: Patch<String>,
    /// Where it is. Another host needs the credential again.
    #[serde(default)]
    #[schema(value_type = String, max_length = 2000, example = "https://github.com")]
    base_url: Patch<String>,
    /// The account's name.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255, example = "patchbay@example.com")]
    username: Patch<Option<String>>,
    /// The token or password.
    #[serde(default)]
    #[schema(value_type = String, format = Password, write_only, min_length = 1, max_length = 4096, example = "ghp_0123456789abcdef")]
    credential: Patch<Secret<String>>,
    /// Whether it is used.
    #[serde(default)]
    #[schema(value_type = bool)]
    enabled: Patch<bool>,
    /// The label on every ticket.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 50, example = "patchbay")]
    ticket_label: Patch<String>,
    /// Writing calls a minute; null for the usual.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 6000, example = 60)]
    calls_per_minute: Patch<Option<u32>>,
}

/// Which connections.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConnectionFilter {
    /// Of one of these trackers.
    #[serde(default)]
    #[param(max_items = 4, inline)]
    kind: Vec<TrackerKind>,
}

/// The connection of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ConnectionPath {
    /// The connection.
    pub connection: ConnectionId,
}

/// What to ask of a tracker.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestConnection {
    /// The projects to look at; without any, those of the configs that use the connection.
    #[schema(max_items = 20, example = json!(["acme/app"]))]
    projects: Vec<String>,
}

/// What a tracker says about a connection.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionTest {
    /// Whether it answered to this account.
    works: bool,
    /// Who the account is and what it may do.
    report: Option<ProbeReport>,
    /// What went wrong, in the tracker's words.
    #[schema(example = "401 Bad credentials")]
    error: Option<String>,
}

/// How a connection does.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionHealth {
    /// What stops it.
    #[schema(inline, max_items = 6)]
    switches_off: Vec<Switch>,
    /// Since when nothing is sent, because the tracker refuses the account.
    paused_at: Option<UtcTime>,
    /// What the tracker said then.
    #[schema(example = "401 Bad credentials")]
    paused_reason: Option<String>,
    /// The last call that worked.
    last_success_at: Option<UtcTime>,
    /// The last call that failed.
    last_error_at: Option<UtcTime>,
    /// Why it failed.
    #[schema(example = "503 Service Unavailable")]
    last_error: Option<String>,
    /// Jobs that wait or run, as all jobs here of products that the caller sees.
    #[schema(example = 2)]
    jobs_queued: i64,
    /// Jobs that a switch of their config holds.
    #[schema(example = 0)]
    jobs_held: i64,
    /// Jobs that failed for good and wait for a person.
    #[schema(example = 0)]
    jobs_parked: i64,
    /// When the oldest job that waits or runs was written.
    oldest_job_at: Option<UtcTime>,
}

impl From<Health> for ConnectionHealth {
    fn from(health: Health) -> Self {
        Self {
            jobs_queued: health.backlog.queued,
            jobs_held: health.backlog.held,
            jobs_parked: health.backlog.parked,
            oldest_job_at: health.backlog.oldest_at,
            switches_off: health.switches,
            paused_at: health.budget.paused_at,
            paused_reason: health.budget.paused_reason,
            last_success_at: health.budget.last_success_at,
            last_error_at: health.budget.last_error_at,
            last_error: health.budget.last_error,
        }
    }
}

/// List tracker connections.
#[utoipa::path(tag = "trackers", params(PageParams, ConnectionFilter), responses((status = 200, description = "A page of connections by their label.", body = Page<ConnectionView>)))]
#[get("/tracker-connections")]
async fn list_tracker_connections(
    app: Data<App>,
    caller: Caller,
    list: ListQuery<ConnectionFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window::<String>(app.keys.cursor.expose(), &caller)?;
    let kinds = list.filter.kind;
    let page = app.db.read(move |conn| {
        let connections = service::list(conn, &caller, &kinds, &window)?;
        let page = window.page(connections, &seal, |connection| connection.label.clone());
        Ok::<_, ApiError>(page.map(ConnectionView::from))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Create a tracker connection.
///
/// The address must be public unless the operator has opened it.
#[utoipa::path(tag = "trackers", request_body = CreateConnection, responses((status = 201, description = "The connection.", body = ConnectionView), (status = 409, description = "The label is taken.")))]
#[post("/tracker-connections")]
async fn create_tracker_connection(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CreateConnection>,
) -> Result<HttpResponse, ApiError> {
    let (new, now, keys) = (input.checked(&app, &caller).await?, app.clock.now(), app.keys.clone());
    let made = app.db.write(move |conn| service::create(conn, &caller, &keys, new, now)).await?;
    let (id, version) = (made.id, made.version);
    let mut response = HttpResponse::Created();
    Ok(response.insert_header(location(&request, id)).insert_header(etag(version)).json(ConnectionView::from(made)))
}

/// Get a tracker connection.
#[utoipa::path(tag = "trackers", params(ConnectionPath), responses((status = 200, description = "The connection.", body = ConnectionView)))]
#[get("/tracker-connections/{connection}")]
async fn get_tracker_connection(
    app: Data<App>,
    caller: Caller,
    path: Path<ConnectionPath>,
) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get(conn, &caller, path.connection)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.version)).json(ConnectionView::from(found)))
}

/// Change a tracker connection.
///
/// Another address, account or credential, and switching it on, end a pause; what waited goes on.
#[utoipa::path(tag = "trackers", params(ConnectionPath), request_body(content = UpdateConnection, content_type = "application/merge-patch+json"), responses((status = 200, description = "The connection.", body = ConnectionView), (status = 409, description = "The label is taken.")))]
#[patch("/tracker-connections/{connection}")]
async fn update_tracker_connection(
    app: Data<App>,
    caller: Caller,
    path: Path<ConnectionPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateConnection>,
) -> Result<HttpResponse, ApiError> {
    let base_url = service::checked_change(&app.egress, &caller, input.base_url).await?;
    let (now, keys) = (app.clock.now(), app.keys.clone());
    let change = ConnectionChange {
        label: input.label,
        base_url,
        username: input.username,
        credential: input.credential,
        is_enabled: input.enabled,
        ticket_label: input.ticket_label,
        calls_per_minute: input.calls_per_minute,
    };
    let changed =
        app.db.write(move |conn| service::change(conn, &caller, &keys, path.connection, change, &if_match, now));
    let changed = changed.await?;
    app.work.notify_one();
    app.inbox.wake();
    Ok(HttpResponse::Ok().insert_header(etag(changed.version)).json(ConnectionView::from(changed)))
}

/// Delete a tracker connection.
///
/// One that has tickets or configs cannot be deleted, only switched off.
#[utoipa::path(tag = "trackers", params(ConnectionPath), responses((status = 204, description = "It is gone."), (status = 409, description = "It is in use.")))]
#[delete("/tracker-connections/{connection}")]
async fn delete_tracker_connection(
    app: Data<App>,
    caller: Caller,
    path: Path<ConnectionPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| service::delete(conn, &caller, path.connection, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Test a tracker connection.
///
/// Asks the tracker who the account is and what it may do in the projects. When it answers, a pause ends.
#[utoipa::path(tag = "trackers", params(ConnectionPath), request_body = TestConnection, responses((status = 200, description = "What the tracker says.", body = ConnectionTest)))]
#[post("/tracker-connections/{connection}/test")]
async fn test_tracker_connection(
    app: Data<App>,
    caller: Caller,
    path: Path<ConnectionPath>,
    StrictJson(input): StrictJson<TestConnection>,
) -> Result<HttpResponse, ApiError> {
    let tools = Tools::of(&app);
    let outcome = trackers::service::test(&tools, &caller, path.connection, input.projects).await?;
    app.work.notify_one();
    let (works, error) = (outcome.is_ok(), outcome.as_ref().err().map(|error| error.message().to_owned()));
    Ok(HttpResponse::Ok().json(ConnectionTest { works, report: outcome.ok(), error }))
}

/// Get the health of a tracker connection.
///
/// Pauses, the last calls, and the jobs that wait.
#[utoipa::path(tag = "trackers", params(ConnectionPath), responses((status = 200, description = "How it does.", body = ConnectionHealth)))]
#[get("/tracker-connections/{connection}/health")]
async fn get_tracker_connection_health(
    app: Data<App>,
    caller: Caller,
    path: Path<ConnectionPath>,
) -> Result<HttpResponse, ApiError> {
    let health = app.db.read(move |conn| trackers::service::health(conn, &caller, path.connection)).await?;
    Ok(HttpResponse::Ok().json(ConnectionHealth::from(health)))
}
