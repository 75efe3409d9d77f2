//! `patchbay serve`: opens everything, says where it is, serves until told to stop.

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use super::{Done, admin, open};
use crate::app::{self, App};
use crate::base::error::ApiError;
use crate::base::stop::Stop;
use crate::config::Config;
use crate::db::conn::Conn;
use crate::db::pool::Target;
use crate::server::{self, Listening};
use crate::{idempotency, scans, telemetry, worker};

/// How long threads may take to end once everything has stopped or its grace is over.
pub(super) const THREADS_END_WITHIN: Duration = Duration::from_secs(1);

pub(super) fn serve(config: Config) -> Done {
    telemetry::log(&config);
    let app = open::app(config)?;
    let alone = alone(&app)?;
    let runtime = runtime()?;
    let served = runtime.block_on(start(app, alone.is_some()));
    // What still runs was not waited for on purpose: the grace is over.
    runtime.shutdown_timeout(THREADS_END_WITHIN);
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Where the database is a file: keeps it from a second server until the process ends, however it ends.
fn alone(app: &App) -> Result<Option<File>, Box<dyn Error>> {
    let Target::Sqlite { path } = app::target(&app.config) else { return Ok(None) };
    let lock = File::create(path.with_extension("server-lock"))?;
    lock.try_lock().map_err(|_| {
        format!("another server uses {}: stop it first, or give this one its own data folder", path.display())
    })?;
    Ok(Some(lock))
}

/// What a server left behind that was killed. Where several share a database, their leases run out instead.
async fn clear_up(app: &App) -> Result<(), ApiError> {
    let now = app.clock.now();
    let work = move |conn: &mut Conn| {
        idempotency::service::release_all(conn)?;
        scans::import::fail_all(conn, now)
    };
    app.db.write(work).await.map(drop)
}

async fn start(app: App, is_alone: bool) -> Result<(), Box<dyn Error>> {
    if is_alone {
        clear_up(&app).await?;
    }
    let listening = server::listen(app.clone())?;
    // After that: a password that is shown once must not be lost because the port is taken.
    let admin = admin::ensure(&app).await?.unwrap_or_default();
    print!("{}{admin}", where_everything_is(&app, &listening));
    io::stdout().flush()?;
    Ok(run(app, listening).await?)
}

pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build()
}

/// Serves until a signal, with the worker beside.
pub(super) async fn run(app: App, listening: Listening) -> io::Result<()> {
    stop_on_signals(app.stop.clone())?;
    if app.config.worker {
        tokio::spawn(worker::run::run(app));
    }
    listening.serve().await
}

/// The first signal stops in order; the second one stops at once.
fn stop_on_signals(stop: Stop) -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
            if first {
                stop.begin();
            } else {
                tracing::warn!("stopped at once");
                std::process::exit(130);
            }
        }
    });
    Ok(())
}

/// Where the server is reached: with the port that the system gave, if it was asked for any.
pub(super) fn public_url(app: &App, listening: &Listening) -> String {
    if app.config.listen.port() == 0 { format!("http://{}", listening.address) } else { app.config.public_url.clone() }
}

/// What somebody who started the server wants to know first.
pub(super) fn where_everything_is(app: &App, listening: &Listening) -> String {
    let url = public_url(app, listening);
    let data = match app::target(&app.config) {
        Target::Sqlite { path } => path.display().to_string(),
        Target::Postgres { .. } => "PostgreSQL".to_owned(),
    };
    let keys =
        if app.config.keys.is_some() { "PATCHBAY_KEYS".to_owned() } else { app.config.keys_file.display().to_string() };
    format!(
        "Patchbay {}\n  API         {url}/api/v1\n  Swagger UI  {url}/docs/\n  data        {data}\n  keys        {keys}\n",
        env!("CARGO_PKG_VERSION"),
    )
}
