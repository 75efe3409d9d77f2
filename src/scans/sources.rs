//! The use cases of scan sources: see them, retire them, confirm what they say, move them to another branch.

use super::held;
use super::ledger::Ledger;
use super::model::ScanSource;
use super::repo::{self, SourceFilter};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::ApiError;
use crate::base::ids::{OrganizationId, ScanSourceId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::clients::model::OtherBranch;
use crate::db::conn::Conn;
use crate::issues::recompute;
use crate::issues::repo::instances;
use crate::tracker_configs::wishes;

/// Sources, newest first.
///
/// # Errors
/// `Forbidden`.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    filter: &SourceFilter,
    window: &Window<ScanSourceId>,
) -> Result<Vec<ScanSource>, ApiError> {
    caller.require(Permission::Read)?;
    Ok(repo::list_sources(conn, caller.organization, &caller.products, filter, window)?)
}

/// A source.
///
/// # Errors
/// `Forbidden`; `NotFound` when there is none with this id, or its product is hidden.
pub fn get(conn: &mut Conn, caller: &Caller, id: ScanSourceId) -> Result<ScanSource, ApiError> {
    caller.require(Permission::Read)?;
    let found = repo::lock_sources(conn, caller.organization, &[id])?.pop();
    found
        .filter(|source| caller.products.allows(source.product_id))
        .ok_or_else(|| ApiError::not_found("scan source", id))
}

/// Retires a source: no scans of it are expected any more, and what it still reports is resolved. A new scan of it
/// brings it back.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`.
pub fn retire(
    conn: &mut Conn,
    caller: &Caller,
    id: ScanSourceId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<ScanSource, ApiError> {
    let source = get(conn, caller, id)?;
    caller.require(Permission::Write)?;
    if_match.check(source.version)?;
    let (ids, known) = repo::known(conn, caller.organization, id)?;
    let present: Vec<_> = ids.into_iter().zip(known).filter(|(_, known)| known.is_present).map(|(id, _)| id).collect();
    let mut ledger = Ledger::new(caller.organization, now);
    ledger.mark_gone(conn, &present, source.latest_scan_at.unwrap_or(now), "the scan source was retired")?;
    let touched = ledger.write(conn, &source)?;
    repo::retire(conn, caller.organization, id, now)?;
    let changed = recompute::of_pairs(conn, caller.organization, &touched.pairs, now)?;
    wishes::record_issues(conn, caller.organization, &changed, now)?;
    wishes::record_for_observations(conn, caller.organization, source.product_id, &touched.observations, now)?;
    get(conn, caller, id)
}

/// Moves what was imported into an engagement to the branch that it belongs to. A source that is there already stays
/// where it is: two histories cannot become one.
///
/// # Errors
/// What the database says.
pub fn follow_engagement(
    conn: &mut Conn,
    organization: OrganizationId,
    other: &OtherBranch,
    now: UtcTime,
) -> Result<(), ApiError> {
    let mut left = Vec::new();
    for from in &other.from {
        if repo::move_sources(conn, organization, other.engagement, *from, other.to)? > 0 {
            instances::follow_observations(conn, organization, *from, other.to)?;
            left.push(*from);
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    for branch in left.into_iter().chain([other.to]) {
        let changed = recompute::of_branch(conn, organization, branch, now)?;
        wishes::record_issues(conn, organization, &changed, now)?;
    }
    Ok(wishes::record_product(conn, organization, other.product, now)?)
}

/// Confirms a mass disappearance: what vanished is gone, and its tickets are closed without waiting for another scan.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`; `Conflict` when no closes wait.
pub fn confirm(
    conn: &mut Conn,
    caller: &Caller,
    id: ScanSourceId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<ScanSource, ApiError> {
    let source = get(conn, caller, id)?;
    caller.require(Permission::Write)?;
    if_match.check(source.version)?;
    if source.closes_held_at.is_none() {
        return Err(ApiError::Conflict("nothing waits to be confirmed".to_owned()));
    }
    repo::release_closes(conn, caller.organization, id)?;
    let gone = held::release(conn, caller.organization, id, now)?;
    wishes::record_for_observations(conn, caller.organization, source.product_id, &gone, now)?;
    get(conn, caller, id)
}
