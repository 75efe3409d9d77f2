//! The loop: claim what is due, connection by connection, carry it out, and stop in order.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::{Id, JoinSet};

use super::lanes::Lanes;
use super::{drain, sweep};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::ConnectionId;
use crate::outbox;
use crate::outbox::model::{Lease, SubjectKind, SyncJob};
use crate::outbox::repo::ReadyConnection;
use crate::trackers::sync::{self, LEASE, Tools};

/// How long the loop sleeps when nobody wakes it: back-offs end and budgets refill without a notice.
const POLL: Duration = Duration::from_secs(1);
/// How long it sleeps when the database does not answer.
const TROUBLED: Duration = Duration::from_secs(5);
/// A job that takes longer is given up before others take it over.
const JOB_TIMEOUT: Duration = Duration::from_secs(4 * 60 + 30);
/// The part of the server's grace after which jobs are handed back, so that there is time left to do so.
const OWN_GRACE: f64 = 0.7;
/// More jobs than any test makes.
const MAX_JOBS_UNTIL_IDLE: usize = 100_000;

/// Works until the server stops; then finishes what is in flight, or hands it back when the grace is over.
pub async fn run(app: App) {
    let _in_flight = app.stop.hold();
    let sweeping = tokio::spawn(sweep::run(app.clone()));
    let draining = tokio::spawn(drain::run(app.clone()));
    let mut worker = Worker::new(app.clone());
    while !app.stop.has_begun() {
        let pause = match worker.start_due().await {
            Ok(()) => POLL,
            Err(cause) => {
                tracing::warn!(%cause, "the worker cannot look for jobs");
                TROUBLED
            }
        };
        tokio::select! {
            () = app.stop.begun() => {}
            () = app.work.notified() => {}
            () = worker.one_ended() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    worker.end().await;
    sweeping.abort();
    // It stops by itself between two batches; what it has begun is done as a whole or not at all.
    drop(draining.await);
}

struct Worker {
    app: App,
    tools: Tools,
    lanes: Lanes,
    tasks: JoinSet<()>,
    running: HashMap<Id, (ConnectionId, Lease)>,
}

impl Worker {
    fn new(app: App) -> Self {
        let most = usize::try_from(app.config.worker_jobs).unwrap_or(usize::MAX);
        let tools = Tools::of(&app);
        Self { app, tools, lanes: Lanes::new(most), tasks: JoinSet::new(), running: HashMap::new() }
    }

    async fn start_due(&mut self) -> Result<(), ApiError> {
        let now = self.app.clock.now();
        let mut ready = self.app.db.read(move |conn| outbox::repo::ready(conn, now)).await?;
        self.lanes.take_turns(&mut ready);
        for connection in ready {
            let room = self.lanes.room(connection.connection_id);
            if room == 0 {
                continue;
            }
            for job in claim(&self.app, connection, room).await? {
                self.start(job);
            }
        }
        Ok(())
    }

    fn start(&mut self, job: SyncJob) {
        let Some(lease) = job.lease() else { return };
        let connection = job.connection_id;
        let tools = self.tools.clone();
        let task = self.tasks.spawn(async move { carry_out(&tools, job).await });
        self.lanes.begin(connection);
        self.running.insert(task.id(), (connection, lease));
    }

    /// Waits until a job is over; for ever when none runs.
    async fn one_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            None => std::future::pending().await,
            Some(Ok((id, ()))) => self.forget(id),
            Some(Err(failed)) => {
                // Its lease runs out, and another attempt shows whether it was chance.
                tracing::error!(%failed, "a sync job has panicked");
                self.forget(failed.id());
            }
        }
    }

    fn forget(&mut self, id: Id) {
        if let Some((connection, _)) = self.running.remove(&id) {
            self.lanes.end(connection);
        }
    }

    async fn end(mut self) {
        let grace = self.app.config.shutdown.mul_f64(OWN_GRACE);
        let all_ended = async {
            while !self.tasks.is_empty() {
                self.one_ended().await;
            }
        };
        if tokio::time::timeout(grace, all_ended).await.is_ok() {
            return;
        }
        self.tasks.shutdown().await;
        let (leases, now) =
            (self.running.into_values().map(|(_, lease)| lease).collect::<Vec<_>>(), self.app.clock.now());
        tracing::info!(jobs = leases.len(), "handing back sync jobs");
        let handed_back = self.app.db.write(move |conn| {
            for lease in &leases {
                outbox::repo::hand_back(conn, lease, now)?;
            }
            Ok(())
        });
        if let Err(cause) = handed_back.await {
            tracing::warn!(%cause, "could not hand back sync jobs; their leases run out");
        }
    }
}

async fn claim(app: &App, connection: ReadyConnection, most: usize) -> Result<Vec<SyncJob>, ApiError> {
    let (most, now) = (i64::try_from(most).unwrap_or(i64::MAX), app.clock.now());
    app.db.write(move |conn| Ok(outbox::repo::claim(conn, connection, most, LEASE, now)?)).await
}

async fn carry_out(tools: &Tools, job: SyncJob) {
    if job.subject_kind == SubjectKind::TrackerConfig {
        // It reads pages for as long as there are some, and prolongs its lease with each.
        return sync::carry_out(tools, job).await;
    }
    let (id, lease) = (job.id, job.lease());
    if tokio::time::timeout(JOB_TIMEOUT, sync::carry_out(tools, job)).await.is_err() {
        tracing::warn!(job = %id, ?lease, "a sync job took too long; its lease runs out");
    }
}

/// Carries out everything that is due now and may be sent now, and says how many jobs that were. For tests and for
/// whoever wants to wait: the loop does the same, but never ends.
///
/// # Errors
/// A fault of the database.
pub async fn run_until_idle(app: &App) -> Result<usize, ApiError> {
    let tools = Tools::of(app);
    let mut done = 0;
    while done < MAX_JOBS_UNTIL_IDLE {
        let now = app.clock.now();
        let mut jobs = Vec::new();
        for connection in app.db.read(move |conn| outbox::repo::ready(conn, now)).await? {
            jobs.extend(claim(app, connection, usize::MAX).await?);
        }
        if jobs.is_empty() {
            break;
        }
        done += jobs.len();
        join_all(jobs.into_iter().map(|job| carry_out(&tools, job))).await;
    }
    Ok(done)
}
