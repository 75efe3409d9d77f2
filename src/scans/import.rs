//! The whole import, read from top to bottom: parse, prepare, compare, commit.
//!
//! Parsing and comparing hold no lock and no transaction. The commit holds the write lock for its writes only; when
//! another import of the source came first, it compares again. A process that dies leaves nothing behind.

use std::time::Duration;

use tokio::sync::oneshot;

use super::model::{ScanCounts, ScanOutcome, UploadState};
use super::prepare::{self, Prepared, Target};
use super::write::{self, Compared, Order, Written};
use super::{held, repeat, repo};
use crate::app::App;
use crate::base::error::{ApiError, Fault};
use crate::base::ids::{OrganizationId, UploadId};
use crate::base::measure;
use crate::base::progress::{ImportPhase, RunningImport};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::pool::BlockingDb;
use crate::events;
use crate::events::model::{Change, EventAction, EventKind};
use crate::issues::recompute;
use crate::issues::repo::recompute::Scanned;
use crate::products::repo::branches;
use crate::reports::decode::Source;
use crate::reports::parsers;
use crate::reports::report::ParsedFile;
use crate::tracker_configs::wishes;

/// How often an import may find that another one came first.
const TRIES: u32 = 50;
/// A running upload whose process has not been heard of for so long is taken for dead.
pub const LEASE: Duration = Duration::from_secs(15 * 60);

/// Imports a file: all of it or nothing. The upload ends as finished or as failed.
///
/// # Errors
/// What is wrong with the file, with its place; or why the database could not be written.
pub async fn run(app: &App, order: Order, file: Source) -> Result<(), ApiError> {
    let _in_flight = app.stop.hold();
    let running = app.progress.begin(order.upload);
    let lane = format!("{} {}", order.target.product, order.target.branch);
    let _turn = app.imports.turn(&lane).await;
    let (organization, upload) = (order.target.organization, order.upload);
    let (settings_format, received, received_at) = (order.settings.format.clone(), order.received, order.received_at);
    let result = import(app, order, file, running).await;
    match &result {
        Ok((format, counts)) => {
            app.work.notify_one();
            measure::import_finished(format, measured(*counts), received.elapsed());
        }
        Err(error) => {
            let refused =
                matches!(error, ApiError::Invalid(_) | ApiError::Unprocessable(_) | ApiError::TooLarge { .. });
            let format = settings_format.as_deref().unwrap_or("unknown");
            measure::import_failed(format, if refused { "refused" } else { "failed" }, received.elapsed());
            let now = received_at.plus(received.elapsed());
            give_up(app, organization, upload, error, now).await;
        }
    }
    result.map(drop)
}

async fn import(
    app: &App,
    order: Order,
    file: Source,
    running: RunningImport,
) -> Result<(&'static str, ScanCounts), ApiError> {
    running.reach(ImportPhase::Reading);
    if let Some(counts) = repeat::import_again(app, &order).await? {
        return Ok(counts);
    }
    let (db, limit_bytes) = (app.db.blocking(), app.config.max_upload_bytes);
    on_own_thread(move || whole(&db, order, file, limit_bytes, &running)).await
}

fn whole(
    db: &BlockingDb,
    mut order: Order,
    file: Source,
    limit_bytes: u64,
    running: &RunningImport,
) -> Result<(&'static str, ScanCounts), ApiError> {
    let parsed = parsers::parse_source(file, order.settings.format.as_deref(), limit_bytes)?;
    order.format = parsed.format;
    let prepared = prepare_all(&order, parsed);
    for _ in 0..TRIES {
        running.reach(ImportPhase::Comparing);
        let compared = compare_all(db, order.target.organization, &prepared)?;
        running.reach(ImportPhase::Writing);
        if let Some(counts) = commit_all(db, &order, &prepared, &compared)? {
            return Ok((order.format, counts));
        }
    }
    Err(ApiError::Unavailable { detail: "too many imports of one source at once".to_owned(), retry_after_s: 10 })
}

/// What an import of the file would count. Writes nothing.
///
/// # Errors
/// As for [`run`].
pub async fn dry_run(app: &App, order: Order, file: Source) -> Result<Vec<(Prepared, ScanCounts)>, ApiError> {
    let (db, limit_bytes) = (app.db.blocking(), app.config.max_upload_bytes);
    let work = move || {
        let parsed = parsers::parse_source(file, order.settings.format.as_deref(), limit_bytes)?;
        let prepared = prepare_all(&order, parsed);
        let compared = compare_all(&db, order.target.organization, &prepared)?;
        Ok(prepared.into_iter().zip(compared.iter().map(Compared::counts)).collect())
    };
    on_own_thread(work).await
}

fn prepare_all(order: &Order, parsed: ParsedFile) -> Vec<Prepared> {
    let prepare = |report| prepare::prepare(report, &order.target, &order.settings, order.received_at);
    let mut prepared: Vec<Prepared> = parsed.reports.into_iter().map(prepare).collect();
    prepare::tell_apart(&mut prepared);
    prepared
}

fn compare_all(
    db: &BlockingDb,
    organization: OrganizationId,
    prepared: &[Prepared],
) -> Result<Vec<Compared>, ApiError> {
    db.read(|conn| prepared.iter().map(|prepared| write::compare(conn, organization, prepared)).collect())
}

/// One transaction for all reports of the file. `None`: another import of a source came first.
fn commit_all(
    db: &BlockingDb,
    order: &Order,
    prepared: &[Prepared],
    compared: &[Compared],
) -> Result<Option<ScanCounts>, ApiError> {
    let now = order.now();
    let committed = db.write_again(|conn| {
        hold(conn, &order.target)?;
        let mut written = Vec::with_capacity(prepared.len());
        for (prepared, compared) in prepared.iter().zip(compared) {
            match write::commit(conn, order, prepared, compared, now)? {
                Some(report) => written.push(report),
                // Nothing of the transaction may stay.
                None => return Err(came_second()),
            }
        }
        finish(conn, order, &written, now)
    });
    match committed {
        Err(error) if is_came_second(&error) => Ok(None),
        committed => committed.map(Some),
    }
}

/// Ends the upload and tells those who listen, in the transaction of the import.
pub(super) fn finish(
    conn: &mut Conn,
    order: &Order,
    written: &[Written],
    now: UtcTime,
) -> Result<ScanCounts, ApiError> {
    let (organization, product) = (order.target.organization, order.target.product);
    let format = Some(order.format).filter(|format| !format.is_empty());
    if !repo::end_upload(conn, organization, order.upload, UploadState::Finished, format, None, now)? {
        return Err(ApiError::Conflict("this upload was given up meanwhile; send it again".to_owned()));
    }
    let (mut counts, mut touched, mut pairs) = (ScanCounts::default(), Vec::new(), Vec::new());
    for written in written {
        counts += written.scan.counts;
        touched.extend_from_slice(&written.touched.observations);
        pairs.extend_from_slice(&written.touched.pairs);
        touched.extend(held::settle(conn, written, now)?);
    }
    let scans: Vec<Scanned> = written.iter().filter_map(scanned).collect();
    let changed = recompute::after_scans(conn, organization, &pairs, &scans, now)?;
    wishes::record_issues(conn, organization, &changed, now)?;
    wishes::record_import(conn, organization, product, &touched, now)?;
    if order.settings.push {
        wishes::record_pushes(conn, organization, product, &touched, now)?;
    }
    let made = |written: &Written| Change {
        kind: EventKind::Scan,
        action: EventAction::Created,
        subject: written.scan.id.0,
        product: Some(product),
    };
    events::repo::record(conn, organization, &written.iter().map(made).collect::<Vec<_>>(), now)?;
    Ok(counts)
}

/// Keeps the product and the branch until the transaction ends.
///
/// # Errors
/// `Conflict` when somebody deleted one of them meanwhile.
pub(super) fn hold(conn: &mut Conn, target: &Target) -> Result<(), ApiError> {
    if branches::hold(conn, target.organization, target.product, target.branch)? {
        return Ok(());
    }
    Err(ApiError::Conflict("the product or branch was deleted meanwhile; nothing was imported".to_owned()))
}

/// What a scan says about issues; nothing where it is older than what is known.
fn scanned(written: &Written) -> Option<Scanned> {
    let scan = &written.scan;
    let is_newest = scan.outcome != ScanOutcome::Outdated;
    is_newest.then_some(Scanned { source: scan.source_id, branch: scan.branch_id, at: scan.scanned_at })
}

#[derive(Debug, thiserror::Error)]
#[error("another import of the source came first")]
struct CameSecond;

fn came_second() -> ApiError {
    ApiError::internal(CameSecond)
}

fn is_came_second(error: &ApiError) -> bool {
    matches!(error, ApiError::Internal(cause) if cause.is::<CameSecond>())
}

fn measured(counts: ScanCounts) -> measure::ImportCounts {
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    measure::ImportCounts {
        new: number(counts.observations_new),
        updated: number(counts.observations_updated),
        unchanged: number(counts.observations_unchanged),
        reopened: number(counts.observations_reopened),
        resolved: number(counts.observations_resolved),
    }
}

/// Marks the upload as failed. When even that cannot be written, its lease runs out.
async fn give_up(app: &App, organization: OrganizationId, upload: UploadId, error: &ApiError, now: UtcTime) {
    let faults = faults_of(error);
    let ended = app
        .db
        .write(move |conn| {
            let faults = serde_json::to_string(&faults).map_err(ApiError::internal)?;
            Ok(repo::end_upload(conn, organization, upload, UploadState::Failed, None, Some(faults), now)?)
        })
        .await;
    if let Err(cause) = ended {
        tracing::warn!(%upload, %cause, "could not mark an upload as failed");
    }
}

/// What may be told of an error to whoever looks at the upload later.
fn faults_of(error: &ApiError) -> Vec<Fault> {
    match error {
        ApiError::Invalid(faults) | ApiError::Unprocessable(faults) => faults.clone(),
        ApiError::Internal(_) => vec![Fault::new("", "an internal error; send the file again")],
        other => vec![Fault::new("", other.to_string())],
    }
}

/// Fails the uploads whose process died, so that whoever watches them knows to send them again.
///
/// # Errors
/// When the database cannot be written.
pub fn fail_abandoned(conn: &mut Conn, now: UtcTime) -> Result<usize, ApiError> {
    fail_leased_until(conn, now, now)
}

/// Fails all uploads that seem to run, for a server that just started and is the only one.
///
/// # Errors
/// When the database cannot be written.
pub fn fail_all(conn: &mut Conn, now: UtcTime) -> Result<usize, ApiError> {
    fail_leased_until(conn, now.plus(2 * LEASE), now)
}

fn fail_leased_until(conn: &mut Conn, until: UtcTime, now: UtcTime) -> Result<usize, ApiError> {
    let faults = vec![Fault::new("", "the server stopped during the import and nothing was kept; send the file again")];
    let faults = serde_json::to_string(&faults).map_err(ApiError::internal)?;
    Ok(repo::fail_leased_until(conn, until, &faults, now)?)
}

/// Runs an import on a thread of its own, which ends with it: what it freed serves the next one. Spread over the threads
/// that all share, it would be kept by each of them.
async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let (done, result) = oneshot::channel();
    // Log lines of the work keep the request's id.
    let span = tracing::Span::current();
    // Who waits may be gone.
    let work = move || drop(done.send(span.in_scope(work)));
    std::thread::Builder::new().name("import".to_owned()).spawn(work).map_err(ApiError::internal)?;
    result.await.map_err(ApiError::internal)?
}
