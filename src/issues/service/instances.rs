//! Adding instances to an issue, each a snapshot of its own moment, and removing them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::create::count;
use super::{Visible, get, remediated_from, settle, visible, writable};
use crate::access::model::Caller;
use crate::base::actor::Actor;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{InstanceId, IssueId, OrganizationId, ProductId, VulnerabilityId};
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::issues::model::{Counts, Instance, InstanceSnapshot, Issue, Pair, VulnerabilitySnapshot};
use crate::issues::repo::instances::{self as repo, Material};
use crate::issues::repo::{pairs, timeline};
use crate::issues::selection::{self, MAX_IDS, Selection, pair};
use crate::issues::snapshot::{self, VulnerabilityFacts};
use crate::issues::timeline::Entry;
use crate::observations::repo::pairs::ObservedPair;
use crate::observations::repo::{rows, vulnerabilities};

/// Snapshots that are made and inserted at a time: bounds the memory of a large issue.
const BATCH: usize = 2_000;

/// Adds the instances of a selection to an issue; those that it has stay as they are.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`; `Conflict` when the selection is too large, or the issue was merged.
pub fn add_selected(
    conn: &mut Conn,
    caller: &Caller,
    id: IssueId,
    wanted: &Selection,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Visible, ApiError> {
    let (issue, _) = writable(conn, caller, id)?;
    if_match.check(issue.version)?;
    refuse_merged(&issue)?;
    let pairs = selection::resolve(conn, caller, wanted, "/selection")?;
    if add(conn, &issue, caller.actor, &pairs, now)? > 0 {
        settle(conn, &issue, now)?;
    }
    get(conn, caller, id)
}

/// Removes instances from an issue, with their snapshots. Those that it does not have, or that the caller cannot see,
/// are no fault: they are not there afterwards.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`, `Conflict` when the issue was merged.
pub fn remove(
    conn: &mut Conn,
    caller: &Caller,
    id: IssueId,
    wanted: &[InstanceId],
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Visible, ApiError> {
    let (issue, products) = writable(conn, caller, id)?;
    if_match.check(issue.version)?;
    refuse_merged(&issue)?;
    let mut faults = Faults::default();
    faults.require(!wanted.is_empty(), "/instance_ids", "must not be empty");
    faults.require(wanted.len() <= MAX_IDS, "/instance_ids", "may have at most 10,000 items");
    faults.finish()?;
    let found = repo::products_of(conn, caller.organization, id, wanted)?;
    let found: Vec<_> = found.into_iter().filter(|(_, product)| products.contains(product)).collect();
    let ids: Vec<InstanceId> = found.iter().map(|(id, _)| *id).collect();
    if repo::remove(conn, caller.organization, id, &ids)? > 0 {
        let gone = found.into_iter().map(|(_, product)| product);
        timeline::insert(conn, &entries(&issue, caller.actor, "removed", gone, now))?;
        settle(conn, &issue, now)?;
    }
    // Whoever removes the last instance that they see is not shown the rest.
    let after = super::issue(conn, caller.organization, id)?;
    Ok(visible(conn, caller, vec![after.clone()])?
        .pop()
        .unwrap_or(Visible { issue: Issue { counts: Counts::default(), ..after }, products: Vec::new() }))
}

pub(super) fn refuse_merged(issue: &Issue) -> Result<(), ApiError> {
    match issue.merged_into {
        None => Ok(()),
        Some(into) => Err(ApiError::Conflict(format!("this issue was merged into {into}"))),
    }
}

/// The entries of instances that came or went: one per product, so that nobody is told of products that they do not see.
pub(super) fn entries(
    issue: &Issue,
    actor: Actor,
    what: &str,
    products: impl Iterator<Item = ProductId>,
    now: UtcTime,
) -> Vec<Entry> {
    let mut numbers: BTreeMap<ProductId, usize> = BTreeMap::new();
    products.for_each(|product| *numbers.entry(product).or_default() += 1);
    let entry = |(product, number)| {
        let verb = if number == 1 { "was" } else { "were" };
        let entry = Entry::by(actor, issue.organization_id, issue.id, now);
        let entry = entry.saying(format!("{} {verb} {what}.", count(number, "instance")));
        Entry { field: Some("instances".to_owned()), product_id: Some(product), ..entry }
    };
    numbers.into_iter().map(entry).collect()
}

/// Adds the pairs that an issue does not have yet; answers how many. The caller settles it.
pub(super) fn add(
    conn: &mut Conn,
    issue: &Issue,
    actor: Actor,
    selected: &[ObservedPair],
    now: UtcTime,
) -> Result<usize, ApiError> {
    let (organization, id) = (issue.organization_id, issue.id);
    let known: HashSet<Pair> = repo::known_pairs(conn, organization, id)?.into_iter().collect();
    let new: Vec<Pair> = selected.iter().map(pair).filter(|pair| !known.contains(pair)).collect();
    if new.is_empty() {
        return Ok(0);
    }
    keep_vulnerabilities(conn, organization, &new)?;
    pairs::begin(conn)?;
    pairs::fill(conn, &new)?;
    let mut products = Vec::with_capacity(new.len());
    for from in (1..=new.len()).step_by(BATCH) {
        let material = repo::material(conn, organization, from, from + BATCH - 1)?;
        let (instances, snapshots): (Vec<_>, Vec<_>) =
            material.into_iter().map(|material| made(organization, id, material, now)).unzip();
        products.extend(instances.iter().map(|instance| instance.product_id));
        repo::insert(conn, &instances, &snapshots)?;
    }
    let added = products.len();
    timeline::insert(conn, &entries(issue, actor, "added", products.into_iter(), now))?;
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
