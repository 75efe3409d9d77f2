//! Deleting an observation.

use super::service::take_back;
use super::tail::{self, Cause};
use crate::access::audit;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::ObservationId;
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::issues::model::Pair;
use crate::issues::recompute;
use crate::observations::repo;
use crate::observations::repo::counts::Deltas;
use crate::tracker_configs::wishes;

/// Deletes an observation with its history and notes. Its identity stays as a tombstone: when a scan reports it again
/// it is new, and finds its old ticket. Its ticket is closed; its duplicates are none any more.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`.
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    id: ObservationId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    let organization = caller.organization;
    // Locked, so that no import changes it between here and the end.
    repo::lock(conn, organization, &caller.products, &[id])?;
    let found = repo::find(conn, organization, &caller.products, id)?;
    let observation = found.ok_or_else(|| ApiError::not_found("observation", id))?;
    caller.require(Permission::Write)?;
    if_match.check(observation.version)?;
    let duplicates = repo::duplicates_of(conn, organization, id)?;
    let rows = repo::lock(conn, organization, &ProductScope::all(), &duplicates)?;
    let mut counts = Deltas::default();
    counts.add(observation.product_id, observation.source_id, observation.status, observation.severity, -1);
    counts.apply(conn, organization)?;
    repo::delete(conn, &observation, now)?;
    let cause = Cause { actor: Actor::System, at: now, comment: Some("its original was deleted") };
    tail::write(conn, organization, &take_back(rows, now), cause)?;
    let (branch, vulnerability, asset) = (observation.branch_id, observation.vulnerability_id, observation.asset_id);
    let changed = recompute::of_pairs(conn, organization, &[Pair { branch, vulnerability, asset }], now)?;
    wishes::record_issues(conn, organization, &changed, now)?;
    audit::Entry::new("observation.deleted", "observation", id.0)
        .change("status", observation.status.as_str(), serde_json::Value::Null)
        .change("location", observation.location.as_str(), serde_json::Value::Null)
        .record(conn, caller, now)?;
    Ok(tail::tell(conn, organization, [(observation.product_id, id)], now)?)
}
