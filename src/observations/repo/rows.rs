//! The rows of a page, with what belongs to them.
//!
//! The observations come with their vulnerabilities and texts; sources, assets and components, which many of them
//! share, are read once each. Every statement is typed: PostgreSQL plans it once per connection.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use diesel::prelude::*;

use crate::base::ids::{
    AssetId, BranchId, ComponentId, EngagementId, ObservationId, OrganizationId, ProductId, ScanSourceId,
    VulnerabilityId,
};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::{
    assets, branches, components, observation_details, observations, products, scan_sources, vulnerabilities,
    vulnerability_aliases,
};
use crate::observations::filter::Key;
use crate::observations::status::ObservationStatus;
use crate::observations::ticket_state::TicketState;
use crate::on_backend;

/// An observation as lists show it: its own columns, and what it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedObservation {
    /// Its own columns.
    pub row: ListedRow,
    /// Its texts, where it has some of its own.
    pub texts: Option<OwnTexts>,
    /// What was found.
    pub vulnerability: ListedVulnerability,
    /// Which scans report it.
    pub source: ListedSource,
    /// What it was found on.
    pub asset: ListedAsset,
    /// In which component.
    pub component: Option<ListedComponent>,
}

impl ListedObservation {
    /// Its title: its own, else the vulnerability's.
    #[must_use]
    pub fn title(&self) -> &str {
        let own = self.texts.as_ref().and_then(|texts| texts.title.as_deref());
        own.unwrap_or(&self.vulnerability.title)
    }

    /// The version in which it is fixed.
    #[must_use]
    pub fn fixed_version(&self) -> Option<&str> {
        self.texts.as_ref()?.fixed_version.as_deref()
    }

    /// When it was last reported: what is present, by the newest scan of its source.
    #[must_use]
    pub fn last_seen_at(&self) -> UtcTime {
        self.row.last_seen_at.or(self.source.latest_scan_at).unwrap_or(self.row.first_seen_at)
    }
}

/// Columns of an observation.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = observations)]
pub struct ListedRow {
    /// Its id.
    pub id: ObservationId,
    /// What holds now.
    pub status: ObservationStatus,
    /// The severity that holds now.
    pub severity: Severity,
    /// The tool's severity.
    pub scan_severity: Severity,
    /// Somebody has confirmed it.
    pub is_verified: bool,
    /// The product.
    pub product_id: ProductId,
    /// The branch.
    pub branch_id: BranchId,
    /// The source that reports it.
    pub source_id: ScanSourceId,
    /// What it was found on.
    pub asset_id: AssetId,
    /// In which component.
    pub component_id: Option<ComponentId>,
    /// Where in the asset.
    pub location: String,
    /// The line there.
    pub line: Option<i32>,
    /// When it was first reported.
    pub first_seen_at: UtcTime,
    /// When it was last reported; none when the newest scan of its source reports it.
    pub last_seen_at: Option<UtcTime>,
    /// When its status last changed.
    pub status_changed_at: UtcTime,
    /// When the assessed status ends.
    pub assessment_expires_at: Option<UtcTime>,
    /// The original, of a duplicate.
    pub duplicate_of: Option<ObservationId>,
    /// What its ticket is.
    pub ticket_state: Option<TicketState>,
}

/// Texts of one observation.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = observation_details)]
pub struct OwnTexts {
    /// The title, where it differs from the vulnerability's.
    pub title: Option<String>,
    /// The version in which it is fixed.
    pub fixed_version: Option<String>,
}

/// A vulnerability, in short.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = vulnerabilities)]
pub struct ListedVulnerability {
    /// Its id.
    pub id: VulnerabilityId,
    /// Its identity: the CVE or GHSA id, or `tool:rule`.
    pub vulnerability_key: String,
    /// Its title.
    pub title: String,
    /// The first CWE.
    pub cwe: Option<i32>,
    /// The highest CVSS base score given.
    pub cvss_score: Option<f64>,
    /// EPSS probability.
    pub epss: Option<f64>,
    /// In a catalogue of known exploited vulnerabilities.
    pub is_known_exploited: bool,
}

/// A scan source, with the names of what it belongs to.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct ListedSource {
    /// Its id.
    pub id: ScanSourceId,
    /// Its tool.
    pub tool: String,
    /// Its engagement.
    pub engagement_id: Option<EngagementId>,
    /// When its newest scan ran.
    pub latest_scan_at: Option<UtcTime>,
    /// The product's name.
    pub product_name: String,
    /// The branch's name; empty for "no branch".
    pub branch_name: String,
}

/// An asset, in short.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = assets)]
pub struct ListedAsset {
    /// Its id.
    pub id: AssetId,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A component, in short.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = components)]
pub struct ListedComponent {
    /// Its id.
    pub id: ComponentId,
    /// Its name.
    pub name: String,
    /// Its version; empty where unknown.
    pub component_version: String,
    /// Its package URL; empty where unknown.
    pub purl: String,
}

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
    let found = found(conn, organization, ids)?;
    let sources = sources(conn, organization, &distinct(found.iter().map(|(row, ..)| row.source_id)))?;
    let assets = listed_assets(conn, organization, &distinct(found.iter().map(|(row, ..)| row.asset_id)))?;
    let components = distinct(found.iter().filter_map(|(row, ..)| row.component_id));
    let components = listed_components(conn, organization, &components)?;
    let whole = |(row, vulnerability, texts): Found| {
        let source = sources.get(&row.source_id)?.clone();
        let asset = assets.get(&row.asset_id)?.clone();
        let component = row.component_id.and_then(|id| components.get(&id).cloned());
        Some((row.id, ListedObservation { row, texts, vulnerability, source, asset, component }))
    };
    Ok(found.into_iter().filter_map(whole).collect())
}

type Found = (ListedRow, ListedVulnerability, Option<OwnTexts>);

fn found(conn: &mut Conn, organization: OrganizationId, ids: &[ObservationId]) -> QueryResult<Vec<Found>> {
    use observation_details as d;
    use observations as o;
    use vulnerabilities as v;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    on_backend!(conn, |conn| {
        o::table
            .inner_join(v::table.on(v::organization_id.eq(o::organization_id).and(v::id.eq(o::vulnerability_id))))
            .left_join(d::table.on(d::organization_id.eq(o::organization_id).and(d::observation_id.eq(o::id))))
            .filter(o::organization_id.eq(organization).and(o::id.eq_any(ids)))
            .select((ListedRow::as_select(), ListedVulnerability::as_select(), Option::<OwnTexts>::as_select()))
            .load(conn)
    })
}

fn sources(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[ScanSourceId],
) -> QueryResult<HashMap<ScanSourceId, ListedSource>> {
    use branches as b;
    use products as p;
    use scan_sources as s;
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<ListedSource> = on_backend!(conn, |conn| {
        s::table
            .inner_join(p::table.on(p::organization_id.eq(s::organization_id).and(p::id.eq(s::product_id))))
            .inner_join(b::table.on(b::organization_id.eq(s::organization_id).and(b::id.eq(s::branch_id))))
            .filter(s::organization_id.eq(organization).and(s::id.eq_any(ids)))
            .select((s::id, s::tool, s::engagement_id, s::latest_scan_at, p::name, b::name))
            .load(conn)
    })?;
    Ok(rows.into_iter().map(|source| (source.id, source)).collect())
}

fn listed_assets(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[AssetId],
) -> QueryResult<HashMap<AssetId, ListedAsset>> {
    use assets as a;
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<ListedAsset> = on_backend!(conn, |conn| {
        a::table
            .filter(a::organization_id.eq(organization).and(a::id.eq_any(ids)))
            .select(ListedAsset::as_select())
            .load(conn)
    })?;
    Ok(rows.into_iter().map(|asset| (asset.id, asset)).collect())
}

fn listed_components(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[ComponentId],
) -> QueryResult<HashMap<ComponentId, ListedComponent>> {
    use components as c;
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<ListedComponent> = on_backend!(conn, |conn| {
        c::table
            .filter(c::organization_id.eq(organization).and(c::id.eq_any(ids)))
            .select(ListedComponent::as_select())
            .load(conn)
    })?;
    Ok(rows.into_iter().map(|component| (component.id, component)).collect())
}

fn distinct<T: Eq + Hash>(ids: impl Iterator<Item = T>) -> Vec<T> {
    ids.collect::<HashSet<T>>().into_iter().collect()
}

/// All names of these vulnerabilities (CVE, GHSA, …), in order.
pub fn names(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[VulnerabilityId],
) -> QueryResult<HashMap<VulnerabilityId, Vec<String>>> {
    use vulnerability_aliases as a;
    let rows: Vec<(VulnerabilityId, String)> = on_backend!(conn, |conn| {
        a::table
            .filter(a::organization_id.eq(organization).and(a::vulnerability_id.eq_any(ids)))
            .order((a::vulnerability_id, a::alias))
            .select((a::vulnerability_id, a::alias))
            .load(conn)
    })?;
    let mut names: HashMap<VulnerabilityId, Vec<String>> = HashMap::new();
    for (id, name) in rows {
        names.entry(id).or_default().push(name);
    }
    Ok(names)
}
