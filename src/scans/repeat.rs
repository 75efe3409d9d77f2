//! The same file again, with the same settings: nothing to parse, nothing to compare.
//!
//! Pipelines send the same report over and over. When the newest scan of every source in the file came from the same
//! bytes, each source gets a scan that changes nothing.

use super::import;
use super::ledger::Touched;
use super::model::{Scan, ScanCounts, ScanOutcome, ScanSource};
use super::repo::{self, NewestScan};
use super::write::{Order, Written};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::ScanId;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;

/// Imports a file that is the newest one already. `None`: it is not.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn import_again(app: &App, order: &Order) -> Result<Option<(&'static str, ScanCounts)>, ApiError> {
    let (organization, product) = (order.target.organization, order.target.product);
    let hash = order.report_hash.clone();
    let known = app.db.read(move |conn| repo::upload_with_hash(conn, organization, product, &hash)).await?;
    let Some(before) = known else { return Ok(None) };
    let (mut order, now) = (order.clone(), order.now());
    let work = move |conn: &mut Conn| {
        let scans = repo::scans_of_upload(conn, organization, before.id)?;
        let ids: Vec<_> = scans.iter().map(|scan| scan.source_id).collect();
        let sources = repo::lock_sources(conn, organization, &ids)?;
        if scans.is_empty() || !scans.iter().all(|scan| is_newest(scan, &sources, &order.report_hash)) {
            return Ok(None);
        }
        if repo::has_tombstones(conn, organization, &ids)? {
            return Ok(None);
        }
        let format = crate::reports::parsers::by_name(&scans[0].format);
        order.format = format.map_or("", |parser| parser.name);
        let mut written = Vec::with_capacity(scans.len());
        for scan in &scans {
            written.push(repeat(conn, &order, scan, &sources, now)?);
        }
        let counts = import::finish(conn, &order, &written, now)?;
        Ok(Some((order.format, counts)))
    };
    app.db.write_again(work).await
}

/// A retired source has no hash, and one whose observations were deleted has tombstones: both must be compared.
fn is_newest(scan: &Scan, sources: &[ScanSource], hash: &[u8]) -> bool {
    sources.iter().any(|source| {
        source.id == scan.source_id
            && source.latest_scan_id == Some(scan.id)
            && source.latest_report_hash.as_deref() == Some(hash)
            && source.retired_at.is_none()
    })
}

fn repeat(
    conn: &mut Conn,
    order: &Order,
    before: &Scan,
    sources: &[ScanSource],
    now: UtcTime,
) -> Result<Written, ApiError> {
    let source = sources.iter().find(|source| source.id == before.source_id);
    let source = source.ok_or_else(|| ApiError::internal("a scan without its source"))?;
    let present = before.counts.observations_new
        + before.counts.observations_updated
        + before.counts.observations_unchanged
        + before.counts.observations_reopened;
    let scan = Scan {
        id: ScanId::generate(),
        upload_id: order.upload,
        outcome: ScanOutcome::Unchanged,
        commit_id: order.settings.commit.clone(),
        environment: order.settings.environment.clone(),
        scanned_at: before.reported_at.map_or(order.received_at, |reported_at| reported_at.min(order.received_at)),
        counts: ScanCounts { observations_unchanged: present, ..ScanCounts::default() },
        created_at: now,
        ..before.clone()
    };
    repo::insert_scan(conn, &scan)?;
    let newest = NewestScan {
        latest_scan_id: Some(scan.id),
        latest_scan_at: Some(scan.scanned_at),
        latest_reported_at: scan.reported_at,
        latest_report_hash: source.latest_report_hash.clone(),
        latest_sequence: source.latest_sequence,
        closes_held_at: None,
        retired_at: None,
    };
    let closes_released = source.closes_held_at.is_some();
    repo::set_newest(conn, order.target.organization, source.id, &newest)?;
    Ok(Written { scan, touched: Touched::default(), closes_held: false, closes_released })
}
