//! The rows of a page, with what belongs to them.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Double, Integer, Nullable, SmallInt, Text};

use super::sql::Sql;
use crate::base::ids::{
    AssetId, BranchId, ComponentId, EngagementId, ObservationId, OrganizationId, ProductId, ScanSourceId,
    VulnerabilityId,
};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::vulnerability_aliases;
use crate::observations::filter::Key;
use crate::observations::status::ObservationStatus;
use crate::observations::ticket_state::TicketState;

/// An observation as lists show it: its own columns, and the names of what it refers to.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct ListedObservation {
    /// Its id.
    #[diesel(sql_type = Binary)]
    pub id: ObservationId,
    /// What holds now.
    #[diesel(sql_type = Text)]
    pub status: ObservationStatus,
    /// The severity that holds now.
    #[diesel(sql_type = SmallInt)]
    pub severity: Severity,
    /// The tool's severity.
    #[diesel(sql_type = SmallInt)]
    pub scan_severity: Severity,
    /// Somebody has confirmed it.
    #[diesel(sql_type = Bool)]
    pub is_verified: bool,
    /// The title: its own, else the vulnerability's.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// What was found.
    #[diesel(sql_type = Binary)]
    pub vulnerability_id: VulnerabilityId,
    /// Its identity: the CVE or GHSA id, or `tool:rule`.
    #[diesel(sql_type = Text)]
    pub vulnerability_key: String,
    /// The first CWE.
    #[diesel(sql_type = Nullable<Integer>)]
    pub cwe: Option<i32>,
    /// The highest CVSS base score given.
    #[diesel(sql_type = Nullable<Double>)]
    pub cvss_score: Option<f64>,
    /// EPSS probability.
    #[diesel(sql_type = Nullable<Double>)]
    pub epss: Option<f64>,
    /// In a catalogue of known exploited vulnerabilities.
    #[diesel(sql_type = Bool)]
    pub is_known_exploited: bool,
    /// The product.
    #[diesel(sql_type = Binary)]
    pub product_id: ProductId,
    /// The product's name.
    #[diesel(sql_type = Text)]
    pub product_name: String,
    /// The branch.
    #[diesel(sql_type = Binary)]
    pub branch_id: BranchId,
    /// The branch's name; empty for "no branch".
    #[diesel(sql_type = Text)]
    pub branch_name: String,
    /// The engagement of its source.
    #[diesel(sql_type = Nullable<Binary>)]
    pub engagement_id: Option<EngagementId>,
    /// What it was found on.
    #[diesel(sql_type = Binary)]
    pub asset_id: AssetId,
    /// The asset's kind.
    #[diesel(sql_type = Text)]
    pub asset_kind: String,
    /// The asset's name.
    #[diesel(sql_type = Text)]
    pub asset_name: String,
    /// In which component.
    #[diesel(sql_type = Nullable<Binary>)]
    pub component_id: Option<ComponentId>,
    /// The component's name.
    #[diesel(sql_type = Nullable<Text>)]
    pub component_name: Option<String>,
    /// The component's version.
    #[diesel(sql_type = Nullable<Text>)]
    pub component_version: Option<String>,
    /// The component's package URL.
    #[diesel(sql_type = Nullable<Text>)]
    pub purl: Option<String>,
    /// The version in which it is fixed.
    #[diesel(sql_type = Nullable<Text>)]
    pub fixed_version: Option<String>,
    /// The source that reports it.
    #[diesel(sql_type = Binary)]
    pub source_id: ScanSourceId,
    /// The source's tool.
    #[diesel(sql_type = Text)]
    pub tool: String,
    /// Where in the asset.
    #[diesel(sql_type = Text)]
    pub location: String,
    /// The line there.
    #[diesel(sql_type = Nullable<Integer>)]
    pub line: Option<i32>,
    /// When it was first reported.
    #[diesel(sql_type = BigInt)]
    pub first_seen_at: UtcTime,
    /// When it was last reported.
    #[diesel(sql_type = BigInt)]
    pub last_seen_at: UtcTime,
    /// The newest scan of its source reports it.
    #[diesel(sql_type = Bool)]
    pub is_present: bool,
    /// When its status last changed.
    #[diesel(sql_type = BigInt)]
    pub status_changed_at: UtcTime,
    /// When the assessed status ends.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub assessment_expires_at: Option<UtcTime>,
    /// The original, of a duplicate.
    #[diesel(sql_type = Nullable<Binary>)]
    pub duplicate_of: Option<ObservationId>,
    /// What its ticket is.
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub ticket_state: Option<TicketState>,
    /// Grows with every change.
    #[diesel(sql_type = BigInt)]
    pub version: i64,
}

const COLUMNS: &str = "\
    SELECT o.id, o.status, o.severity, o.scan_severity, o.is_verified, COALESCE(d.title, v.title) AS title, \
    o.vulnerability_id, v.vulnerability_key, v.cwe, v.cvss_score, v.epss, v.is_known_exploited, \
    o.product_id, p.name AS product_name, o.branch_id, b.name AS branch_name, s.engagement_id, \
    o.asset_id, a.kind AS asset_kind, a.name AS asset_name, \
    o.component_id, c.name AS component_name, c.component_version, c.purl, d.fixed_version, \
    o.source_id, s.tool, o.location, o.line, o.first_seen_at, \
    COALESCE(o.last_seen_at, s.latest_scan_at, o.first_seen_at) AS last_seen_at, \
    o.last_seen_at IS NULL AS is_present, o.status_changed_at, o.assessment_expires_at, o.duplicate_of, \
    o.ticket_state, o.version";

const JOINS: &str = " FROM observations o \
    JOIN vulnerabilities v ON v.organization_id = o.organization_id AND v.id = o.vulnerability_id \
    JOIN products p ON p.organization_id = o.organization_id AND p.id = o.product_id \
    JOIN branches b ON b.organization_id = o.organization_id AND b.id = o.branch_id \
    JOIN assets a ON a.organization_id = o.organization_id AND a.id = o.asset_id \
    JOIN scan_sources s ON s.organization_id = o.organization_id AND s.id = o.source_id \
    LEFT JOIN components c ON c.organization_id = o.organization_id AND c.id = o.component_id \
    LEFT JOIN observation_details d ON d.organization_id = o.organization_id AND d.observation_id = o.id";

/// The rows with these keys, in their order. Between reading the keys and the rows one may have been deleted: it is
/// left out.
pub(super) fn with_keys(
    conn: &mut Conn,
    organization: OrganizationId,
    keys: Vec<Key>,
) -> QueryResult<Vec<(Key, ListedObservation)>> {
    let ids: Vec<ObservationId> = keys.iter().map(Key::id).collect();
    let mut rows = with_ids(conn, organization, &ids)?;
    Ok(keys.into_iter().filter_map(|key| Some((key, rows.remove(&key.id())?))).collect())
}

/// The rows with these ids.
pub fn with_ids(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[ObservationId],
) -> QueryResult<HashMap<ObservationId, ListedObservation>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = Sql::for_database(conn);
    sql.push(COLUMNS).push(JOINS).push(" WHERE o.organization_id = ").bind(organization);
    sql.push(" AND o.id IN ").bind_list(ids.iter().copied());
    Ok(sql.load::<ListedObservation>(conn)?.into_iter().map(|row| (row.id, row)).collect())
}

/// All names of these vulnerabilities (CVE, GHSA, …), in order.
pub fn names(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[VulnerabilityId],
) -> QueryResult<HashMap<VulnerabilityId, Vec<String>>> {
    use vulnerability_aliases as a;
    let rows: Vec<(VulnerabilityId, String)> = a::table
        .filter(a::organization_id.eq(organization).and(a::vulnerability_id.eq_any(ids)))
        .order((a::vulnerability_id, a::alias))
        .select((a::vulnerability_id, a::alias))
        .load(conn)?;
    let mut names: HashMap<VulnerabilityId, Vec<String>> = HashMap::new();
    for (id, name) in rows {
        names.entry(id).or_default().push(name);
    }
    Ok(names)
}
