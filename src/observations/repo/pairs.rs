//! Observations as (vulnerability, asset) pairs on branches: what issues are made of.

use diesel::prelude::*;
use diesel::sql_types::{Binary, SmallInt};

use super::IDS;
use super::plan::{self, Lead};
use super::sql::Sql;
use super::target::Target;
use crate::base::ids::{AssetId, BranchId, ObservationId, OrganizationId, ProductId, ScanId, VulnerabilityId};
use crate::base::scope::ProductScope;
use crate::base::severity::Severity;
use crate::db::conn::Conn;
use crate::observations::filter::Filter;

/// A pair on a branch that has observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct ObservedPair {
    /// The product of the branch.
    #[diesel(sql_type = Binary)]
    pub product_id: ProductId,
    /// The branch.
    #[diesel(sql_type = Binary)]
    pub branch_id: BranchId,
    /// What was found.
    #[diesel(sql_type = Binary)]
    pub vulnerability_id: VulnerabilityId,
    /// On what.
    #[diesel(sql_type = Binary)]
    pub asset_id: AssetId,
    /// The highest severity of the observations.
    #[diesel(sql_type = SmallInt)]
    pub severity: Severity,
}

const PAIRS: &str = "SELECT o.product_id, o.branch_id, o.vulnerability_id, o.asset_id, max(o.severity) AS severity";
const GROUPS: &str = " GROUP BY o.product_id, o.branch_id, o.vulnerability_id, o.asset_id";

/// The pairs of all that match, in no particular order: at most `limit`.
pub fn matching(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &Filter,
    limit: usize,
) -> QueryResult<Vec<ObservedPair>> {
    let Some(target) = Target::of(conn, organization, scope, filter)? else { return Ok(Vec::new()) };
    let lead = Lead::of(conn, &target, true)?;
    let mut sql = Sql::for_database(conn);
    sql.push(PAIRS);
    plan::push_rows(&mut sql, &lead, &target);
    sql.push(GROUPS).push(" LIMIT ").push(&limit.to_string());
    sql.load(conn)
}

/// The pairs of active observations that a scan reported, as far as is known today: those of its source that were there
/// by then and have not vanished before.
pub fn of_scan(
    conn: &mut Conn,
    organization: OrganizationId,
    scan: ScanId,
    limit: usize,
) -> QueryResult<Vec<ObservedPair>> {
    let mut sql = Sql::for_database(conn);
    sql.push(PAIRS).push(" FROM scans s CROSS JOIN observations o").indexed_by("ix_observations_source");
    sql.push(" WHERE o.source_id = s.source_id AND o.organization_id = s.organization_id AND o.is_active = TRUE");
    sql.push(" AND o.first_seen_at <= s.created_at");
    sql.push(" AND (o.last_seen_at IS NULL OR o.last_seen_at >= s.scanned_at)");
    sql.push(" AND s.organization_id = ").bind(organization).push(" AND s.id = ").bind(scan);
    sql.push(GROUPS).push(" LIMIT ").push(&limit.to_string());
    sql.load(conn)
}

/// The pairs of these observations, each with its observation: those that may be seen, in the order of their ids.
pub fn of_observations(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    ids: &[ObservationId],
) -> QueryResult<Vec<(ObservationId, ObservedPair)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        id: ObservationId,
        #[diesel(embed)]
        pair: ObservedPair,
    }
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(IDS) {
        let mut sql = Sql::for_database(conn);
        sql.push("SELECT o.id, o.product_id, o.branch_id, o.vulnerability_id, o.asset_id, o.severity");
        sql.push(" FROM observations o WHERE o.organization_id = ").bind(organization);
        sql.push(" AND o.id IN ").bind_list(ids.iter().copied()).push(" ORDER BY o.id");
        let rows = sql.load::<Row>(conn)?.into_iter().filter(|row| scope.allows(row.pair.product_id));
        found.extend(rows.map(|row| (row.id, row.pair)));
    }
    Ok(found)
}
