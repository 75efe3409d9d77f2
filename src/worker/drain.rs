//! Works off what webhooks have brought: when something comes, and now and then for what was held or left.

use std::time::Duration;

use crate::app::App;
use crate::base::error::ApiError;
use crate::inbox;
use crate::trackers::sync::Tools;
use crate::webhooks::work;

/// How long the loop sleeps when nobody wakes it: another instance may have taken something in.
const POLL: Duration = Duration::from_secs(1);
/// How long it sleeps when the database does not answer.
const TROUBLED: Duration = Duration::from_secs(5);

/// Works until the server stops.
pub async fn run(app: App) {
    let tools = Tools::of(&app);
    if let Err(cause) = end_old_leases(&app).await {
        tracing::warn!(%cause, "deliveries that a killed server had begun wait until their leases end");
    }
    while !app.stop.has_begun() {
        let pause = match work::pass(&tools, &app.inbox).await {
            Ok(0) => POLL,
            Ok(_) => {
                app.work.notify_one();
                // There may be more than one pass takes.
                Duration::ZERO
            }
            Err(cause) => {
                tracing::warn!(%cause, "deliveries of webhooks cannot be worked off");
                TROUBLED
            }
        };
        tokio::select! {
            () = app.stop.begun() => {}
            () = app.inbox.arrived() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// On the embedded database no other server can be at work.
async fn end_old_leases(app: &App) -> Result<(), ApiError> {
    let now = app.clock.now();
    app.inbox.write(move |conn| if conn.is_sqlite() { inbox::repo::end_leases(conn, now) } else { Ok(()) }).await
}

/// Works off all that is due now, and says how much that was. For tests and for whoever wants to wait.
///
/// # Errors
/// A fault of the database.
pub async fn run_until_idle(app: &App) -> Result<usize, ApiError> {
    let tools = Tools::of(app);
    let mut done = 0;
    loop {
        match work::pass(&tools, &app.inbox).await? {
            0 => return Ok(done),
            some => done += some,
        }
    }
}
