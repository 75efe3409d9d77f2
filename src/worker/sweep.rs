//! Duties of time: each is a function of its room that takes `now`; this is the list of them.

use std::time::Duration;

use super::overdue;
use crate::access;
use crate::app::App;
use crate::assessments;
use crate::base::error::ApiError;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::{events, idempotency, scans, webhooks, workloads};

/// How often everything is looked at.
const EVERY: Duration = Duration::from_secs(30);

type Duty = (&'static str, fn(&mut Conn, UtcTime) -> Result<(), ApiError>);

/// Every duty is idempotent: of several instances that do it at once, each finds less to do.
const DUTIES: &[Duty] = &[
    ("sessions", access::service::sessions::sweep),
    ("expired acceptances", |conn, now| assessments::expiry::expire(conn, now).map(drop)),
    ("idempotency keys", |conn, now| idempotency::service::sweep(conn, now).map(drop)),
    ("events", events::repo::sweep),
    ("deliveries of webhooks", webhooks::service::sweep),
    ("exchanged tokens", workloads::service::sweep),
    ("overdue issues", overdue::tell),
    ("abandoned uploads", |conn, now| scans::import::fail_abandoned(conn, now).map(drop)),
];

/// Does all duties again and again until the server stops.
pub async fn run(app: App) {
    while !app.stop.has_begun() {
        once(&app).await;
        tokio::select! {
            () = app.stop.begun() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Does all duties once. One that fails does not stop the others.
pub async fn once(app: &App) {
    for (name, duty) in DUTIES {
        let now = app.clock.now();
        if let Err(cause) = app.db.write(move |conn| duty(conn, now)).await {
            tracing::warn!(duty = name, %cause, "a duty could not be done");
        }
    }
}
