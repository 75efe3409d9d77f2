//! Adding instances to an issue: each a snapshot of its own moment.

use std::collections::{BTreeSet, HashSet};

use crate::base::error::ApiError;
use crate::base::ids::{InstanceId, IssueId, OrganizationId, VulnerabilityId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::model::{Instance, InstanceSnapshot, Pair, VulnerabilitySnapshot};
use crate::issues::repo::instances::{self as repo, Material};
use crate::issues::repo::pairs;
use crate::issues::selection::pair;
use crate::issues::snapshot::{self, VulnerabilityFacts};
use crate::observations::repo::pairs::ObservedPair;
use crate::observations::repo::rows;
use crate::observations::repo::vulnerabilities;

use super::remediated_from;

/// Snapshots that are made and inserted at a time: bounds the memory of a large issue.
const BATCH: usize = 2_000;

/// Adds the pairs that an issue does not have yet; answers how many. The caller counts anew.
pub(super) fn add(
    conn: &mut Conn,
    organization: OrganizationId,
    issue: IssueId,
    selected: &[ObservedPair],
    now: UtcTime,
) -> Result<usize, ApiError> {
    let known: HashSet<Pair> = repo::known_pairs(conn, organization, issue)?.into_iter().collect();
    let new: Vec<Pair> = selected.iter().map(pair).filter(|pair| !known.contains(pair)).collect();
    if new.is_empty() {
        return Ok(0);
    }
    keep_vulnerabilities(conn, organization, &new)?;
    pairs::begin(conn)?;
    pairs::fill(conn, &new)?;
    let mut added = 0;
    for from in (1..=new.len()).step_by(BATCH) {
        let material = repo::material(conn, organization, from, from + BATCH - 1)?;
        added += material.len();
        let (instances, snapshots): (Vec<_>, Vec<_>) =
            material.into_iter().map(|material| made(organization, issue, material, now)).unzip();
        repo::insert(conn, &instances, &snapshots)?;
    }
    Ok(added)
}

fn keep_vulnerabilities(conn: &mut Conn, organization: OrganizationId, pairs: &[Pair]) -> Result<(), ApiError> {
    let distinct: BTreeSet<VulnerabilityId> = pairs.iter().map(|pair| pair.vulnerability).collect();
    let distinct: Vec<VulnerabilityId> = distinct.into_iter().collect();
    let missing = repo::without_snapshot(conn, organization, &distinct)?;
    for missing in missing.chunks(BATCH) {
        let mut names = rows::names(conn, organization, missing)?;
        let kept = vulnerabilities::said(conn, organization, missing)?.into_iter().map(|vulnerability| {
            let (id, version) = (vulnerability.id, vulnerability.version);
            let facts = VulnerabilityFacts::of(vulnerability, names.remove(&id).unwrap_or_default());
            let snapshot_json = serde_json::to_string(&facts).map_err(ApiError::internal)?;
            Ok(VulnerabilitySnapshot { organization_id: organization, vulnerability_id: id, version, snapshot_json })
        });
        let kept: Vec<VulnerabilitySnapshot> = kept.collect::<Result<_, ApiError>>()?;
        repo::insert_vulnerabilities(conn, &kept)?;
    }
    Ok(())
}

fn made(
    organization: OrganizationId,
    issue: IssueId,
    material: Material,
    now: UtcTime,
) -> (Instance, InstanceSnapshot) {
    let Material { pair, place, vulnerability_version, observations } = material;
    let taken = snapshot::take(place, observations);
    let instance = Instance {
        organization_id: organization,
        issue_id: issue,
        id: InstanceId::generate(),
        product_id: taken.product.id,
        branch_id: pair.branch,
        vulnerability_id: pair.vulnerability,
        asset_id: pair.asset,
        severity: taken.severity,
        standing: taken.status,
        remediated_at: remediated_from(taken.status, now),
        regressions: 0,
        added_at: now,
    };
    let snapshot = InstanceSnapshot {
        organization_id: organization,
        issue_id: issue,
        instance_id: instance.id,
        vulnerability_id: pair.vulnerability,
        vulnerability_version,
        snapshot_json: serde_json::to_string(&taken).expect("a snapshot is plain values"),
    };
    (instance, snapshot)
}
