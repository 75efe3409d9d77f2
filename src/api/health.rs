//! For who operates the server: is it alive, is it ready, what does it do.

use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, FORWARDED, X_FORWARDED_FOR};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get};
use diesel::connection::SimpleConnection;
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problem::Problem;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::time::UtcTime;
use crate::config::Config;
use crate::outbox;
use crate::outbox::model::Backlog;
use crate::telemetry::{Gauge, Metrics};

/// Longer than a healthy database needs, shorter than who asks waits.
const DATABASE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// More connections than that are not shown one by one: the series must not grow without end.
const MAX_CONNECTIONS: usize = 500;

/// Mounts the operations of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(alive).service(readiness).service(read_metrics);
}

/// The state of the server.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// The release.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
}

const OK: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// Tell whether the process is alive.
///
/// Says nothing about the database: a restart would not mend that.
#[utoipa::path(tag = "operations", operation_id = "get_liveness", security(()),
    responses((status = 200, description = "The process is alive.", body = Health)))]
#[get("/healthz")]
async fn alive() -> Json<Health> {
    Json(OK)
}

/// Tell whether requests should be sent here.
///
/// Not while the server stops, and not while its database does not answer.
#[utoipa::path(tag = "operations", operation_id = "get_readiness", security(()),
    responses(
        (status = 200, description = "Requests are served.", body = Health),
        (status = 503, description = "Not now.", body = Problem, content_type = "application/problem+json")))]
#[get("/readyz")]
async fn readiness(app: Data<App>) -> Result<Json<Health>, ApiError> {
    if app.stop.has_begun() {
        return Err(ApiError::Unavailable { detail: "the server is stopping".to_owned(), retry_after_s: 5 });
    }
    let query = app.db.read(|conn| conn.batch_execute("SELECT 1").map_err(|error| ApiError::internal(Box::new(error))));
    match tokio::time::timeout(DATABASE_ANSWERS_WITHIN, query).await {
        Ok(Ok(())) => Ok(Json(OK)),
        _ => Err(ApiError::Unavailable { detail: "the database does not answer".to_owned(), retry_after_s: 5 }),
    }
}

/// Read the metrics of this instance for Prometheus.
///
/// With `PATCHBAY_METRICS_TOKEN` set, that token is wanted as a bearer token; without it only callers on the same
/// machine are answered. With `PATCHBAY_METRICS_LISTEN` set, the metrics are on that address and not here.
#[utoipa::path(tag = "operations", operation_id = "get_metrics", security((), ("bearer" = [])),
    responses(
        (status = 200, description = "All series.", body = String, content_type = "text/plain"),
        (status = 401, description = "The token is missing or wrong.", body = Problem,
            content_type = "application/problem+json"),
        (status = 403, description = "The caller is on another machine.", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "They are on another address.", body = Problem,
            content_type = "application/problem+json")))]
#[get("/metrics")]
async fn read_metrics(request: HttpRequest, app: Data<App>, metrics: Data<Metrics>) -> Result<HttpResponse, ApiError> {
    may_read_metrics(&request, &app.config)?;
    Ok(render_metrics(&app, &metrics).await)
}

/// The metrics, without asking who reads them.
pub async fn render_metrics(app: &App, metrics: &Metrics) -> HttpResponse {
    let in_flight = vec![(Vec::new(), count(app.stop.in_flight()))];
    let mut gauges = vec![Gauge {
        name: "patchbay_in_flight",
        help: "What the server would wait for if it stopped now.",
        values: in_flight,
    }];
    let backlog = app.db.read(outbox::repo::backlog);
    match tokio::time::timeout(DATABASE_ANSWERS_WITHIN, backlog).await {
        Ok(Ok(backlog)) => gauges.extend(outbox_gauges(&backlog, app.clock.now())),
        Ok(Err(cause)) => tracing::warn!(%cause, "no metrics of the outbox"),
        Err(_) => tracing::warn!("no metrics of the outbox: the database does not answer"),
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics.render(&gauges))
}

/// How much waits for each connection, by state, and since when.
fn outbox_gauges(backlog: &[Backlog], now: UtcTime) -> [Gauge; 2] {
    let (mut jobs, mut ages) = (Vec::new(), Vec::new());
    for one in backlog.iter().take(MAX_CONNECTIONS) {
        let labels =
            vec![("organization", one.organization_id.to_string()), ("connection", one.connection_id.to_string())];
        for (state, number) in [("queued", one.queued), ("held", one.held), ("parked", one.parked)] {
            let labels = labels.iter().cloned().chain([("state", state.to_owned())]).collect();
            jobs.push((labels, count(number)));
        }
        let age_micros = one.oldest_at.map_or(0, |oldest| (now.as_micros() - oldest.as_micros()).max(0));
        ages.push((labels, count(age_micros) / 1e6));
    }
    [
        Gauge { name: "patchbay_outbox_jobs", help: "Sync jobs of each connection, by state.", values: jobs },
        Gauge {
            name: "patchbay_outbox_oldest_seconds",
            help: "How long the oldest sync job of each connection that is neither held nor parked has waited.",
            values: ages,
        },
    ]
}

/// Prometheus knows no whole numbers; above 2^53 nobody counts ours.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "see above")]
fn count(number: impl TryInto<i64>) -> f64 {
    number.try_into().unwrap_or(i64::MAX) as f64
}

fn may_read_metrics(request: &HttpRequest, config: &Config) -> Result<(), ApiError> {
    if config.metrics_listen.is_some() {
        return Err(ApiError::not_found("page", "/metrics"));
    }
    let Some(token) = &config.metrics_token else { return from_this_machine(request) };
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wanted = format!("Bearer {}", token.expose());
    if bool::from(given.as_bytes().ct_eq(wanted.as_bytes())) {
        return Ok(());
    }
    Err(ApiError::Unauthenticated("send the metrics token as `Authorization: Bearer`"))
}

/// A proxy on this machine speaks for somebody elsewhere.
fn from_this_machine(request: &HttpRequest) -> Result<(), ApiError> {
    let is_local = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let is_forwarded = [X_FORWARDED_FOR, FORWARDED].iter().any(|name| request.headers().contains_key(name));
    if is_local && !is_forwarded {
        return Ok(());
    }
    Err(ApiError::Forbidden("metrics are for this machine only, unless PATCHBAY_METRICS_TOKEN is set".to_owned()))
}
