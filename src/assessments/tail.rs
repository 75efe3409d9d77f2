//! Where every change of observations ends: the rows, their history, the counts, the issues and the outbox, in one
//! transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;

use crate::base::actor::Actor;
use crate::base::ids::{HistoryId, ObservationId, OrganizationId, ProductId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::model::Pair;
use crate::issues::recompute;
use crate::observations::apply;
use crate::observations::model::HistoryEntry;
use crate::observations::repo::counts::Deltas;
use crate::observations::repo::{self, Assessable, Assessed};
use crate::tracker_configs::wishes;

/// Who changes observations, when and why.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: UtcTime,
    /// Why.
    pub comment: Option<&'a str>,
}

/// An observation as it was read (and locked), and what holds from now on.
#[derive(Debug, Clone)]
pub struct Change {
    /// Before.
    pub before: Assessable,
    /// After.
    pub after: Assessed,
}

/// Writes changes of one organization's observations, with all that follows from them.
///
/// # Errors
/// What the database says.
pub fn write(conn: &mut Conn, organization: OrganizationId, changes: &[Change], cause: Cause<'_>) -> QueryResult<()> {
    let mut alike: HashMap<Assessed, Vec<ObservationId>> = HashMap::new();
    let (mut counts, mut history) = (Deltas::default(), Vec::with_capacity(changes.len()));
    for Change { before, after } in changes {
        alike.entry(*after).or_default().push(before.id);
        counts.add(before.product_id, before.source_id, before.status, before.severity, -1);
        counts.add(before.product_id, before.source_id, after.status, after.severity, 1);
        history.extend(entries(organization, before, after, cause));
    }
    for (assessed, ids) in &alike {
        repo::assess(conn, organization, ids, assessed)?;
    }
    counts.apply(conn, organization)?;
    apply::insert_history(conn, &history)?;
    let changed = recompute::of_pairs(conn, organization, &pairs(changes), cause.at)?;
    wishes::record_issues(conn, organization, &changed, cause.at)?;
    tell(conn, organization, changes.iter().map(|change| (change.before.product_id, change.before.id)), cause.at)
}

/// The pairs whose issues need a look.
fn pairs(changes: &[Change]) -> Vec<Pair> {
    let changed = changes.iter().filter(|change| change.before.status != change.after.status);
    let pairs = changed.map(|Change { before, .. }| Pair {
        branch: before.branch_id,
        vulnerability: before.vulnerability_id,
        asset: before.asset_id,
    });
    pairs.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Tells the outbox of observations that changed, came or went.
///
/// # Errors
/// What the database says.
pub fn tell(
    conn: &mut Conn,
    organization: OrganizationId,
    changed: impl IntoIterator<Item = (ProductId, ObservationId)>,
    now: UtcTime,
) -> QueryResult<()> {
    let mut products: BTreeMap<ProductId, Vec<ObservationId>> = BTreeMap::new();
    for (product, id) in changed {
        products.entry(product).or_default().push(id);
    }
    for (product, ids) in products {
        wishes::record_for_observations(conn, organization, product, &ids, now)?;
    }
    Ok(())
}

/// The history of one change: what holds now, and what was said where that changes nothing of it.
fn entries(
    organization: OrganizationId,
    before: &Assessable,
    after: &Assessed,
    cause: Cause<'_>,
) -> impl Iterator<Item = HistoryEntry> {
    fn text(value: Option<impl ToString>) -> Option<String> {
        value.map(|value| value.to_string())
    }
    let status = if before.status == after.status {
        ("assessed_status", text(before.assessed_status), text(after.assessed_status))
    } else {
        ("status", text(Some(before.status)), text(Some(after.status)))
    };
    let severity = if before.severity == after.severity {
        ("assessed_severity", text(before.assessed_severity), text(after.assessed_severity))
    } else {
        ("severity", text(Some(before.severity)), text(Some(after.severity)))
    };
    let expiry = ("assessment_expires_at", text(before.assessment_expires_at), text(after.assessment_expires_at));
    let original = ("duplicate_of", text(before.duplicate_of), text(after.duplicate_of));
    let verified = ("is_verified", text(Some(before.is_verified)), text(Some(after.is_verified)));
    let id = before.id;
    [status, severity, expiry, original, verified]
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(move |(field, old, new)| entry(organization, id, field, old, new, cause))
}

/// One line of history.
#[must_use]
pub fn entry(
    organization: OrganizationId,
    observation: ObservationId,
    field: &str,
    old_value: Option<String>,
    new_value: Option<String>,
    cause: Cause<'_>,
) -> HistoryEntry {
    HistoryEntry {
        organization_id: organization,
        observation_id: observation,
        id: HistoryId::generate(),
        at: cause.at,
        actor_kind: cause.actor.kind(),
        actor_id: cause.actor.id(),
        field: field.to_owned(),
        old_value,
        new_value,
        comment: cause.comment.map(str::to_owned),
    }
}
