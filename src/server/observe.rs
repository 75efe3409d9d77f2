//! The outermost middleware: what comes in and goes out is logged, counted, and waited for when the server stops.

use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest};
use tracing::Instrument;

use crate::access::model::Caller;
use crate::api::client::ClientAddress;
use crate::api::request_id::RequestId;
use crate::app::App;
use crate::base::measure;

/// The longest path that is logged.
const MAX_PATH_BYTES: usize = 512;
/// What the addresses of webhooks begin with; the tracker, the connection and the secret follow.
const WEBHOOKS: &str = "/api/v1/webhooks/";

/// Middleware: names the request, measures it and writes one line about it.
///
/// # Errors
/// Those of the framework.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = RequestId::of(&request);
    let span = tracing::info_span!("request", request_id = %id);
    request.extensions_mut().insert(id);
    let app = request.app_data::<Data<App>>().cloned();
    let in_flight = app.as_ref().map(|app| app.stop.hold());
    let running = Running::begin(method(&request));
    async move {
        let mut response = next.call(request).await?;
        running.end(response.request(), response.status().as_u16());
        if app.is_some_and(|app| app.stop.has_begun()) {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        drop(in_flight);
        Ok(response)
    }
    .instrument(span)
    .await
}

/// A request that is being answered. One that is dropped was given up by its client.
struct Running {
    method: &'static str,
    since: Instant,
    ended: bool,
}

impl Running {
    fn begin(method: &'static str) -> Self {
        measure::request_began();
        Self { method, since: Instant::now(), ended: false }
    }

    fn end(mut self, request: &HttpRequest, status: u16) {
        self.ended = true;
        let took = self.since.elapsed();
        let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
        measure::request_ended(self.method, &route, status, took);
        log(request, self.method, &route, status, took);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            // 499, as others call it: the client closed the connection.
            measure::request_ended(self.method, "unfinished", 499, self.since.elapsed());
            tracing::info!(target: "patchbay::access", method = self.method, "the client went away");
        }
    }
}

fn log(request: &HttpRequest, method: &str, route: &str, status: u16, took: Duration) {
    let caller = request.extensions().get::<Caller>().map(|caller| format!("{:?}", caller.actor));
    tracing::info!(
        target: "patchbay::access",
        method,
        path = path(request),
        route,
        status,
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        client = %ClientAddress::of(request).0,
        caller,
        "{method} {status}",
    );
}

/// The path without secrets: those of webhooks stand in it, also where a wrong method reaches no route. The query is
/// never logged.
fn path(request: &HttpRequest) -> String {
    let mut path = request.path().to_owned();
    let of_webhook = |path: &str| Some(WEBHOOKS.len() + path.strip_prefix(WEBHOOKS)?.match_indices('/').nth(1)?.0 + 1);
    if let Some(secret_at) = of_webhook(&path) {
        path.truncate(secret_at);
        path.push_str("•••");
    }
    path.truncate(path.floor_char_boundary(MAX_PATH_BYTES));
    path
}

/// Methods that clients make up are one, or the series would have no end.
fn method(request: &ServiceRequest) -> &'static str {
    const KNOWN: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.iter().find(|known| **known == request.method().as_str()).copied().unwrap_or("OTHER")
}
