//! The unique findings, with how often and where they were seen.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::sql::Sql;
use super::target::{boolean, named_vulnerabilities, push_cwes, push_text_index, push_words};
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{OrganizationId, ProductId, VulnerabilityId};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::base::severity::Severity;
use crate::db::conn::Conn;
use crate::db::schema::vulnerabilities;
use crate::observations::filter::words;
use crate::observations::model::Vulnerability;

/// Where a total stops.
pub const MAX_COUNTED: i64 = 10_000;

/// Which vulnerabilities. Only those are listed that were observed in a product that the caller may see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct VulnerabilityFilter {
    /// Whose title or ids hold these words, letter case ignored. At least one word has three characters.
    #[param(max_length = 300, example = "remote code execution")]
    pub q: Option<String>,
    /// With this severity.
    #[param(max_items = 200)]
    pub severity: Vec<Severity>,
    /// With one of these CWEs.
    #[param(max_items = 200, example = json!([79]))]
    pub cwe: Vec<i32>,
    /// With this id: any of its names (CVE, GHSA, …), or Patchbay's id of it.
    #[param(max_items = 200, example = json!(["CVE-2021-44228"]))]
    pub id: Vec<String>,
    /// Observed in this product.
    #[param(max_items = 200)]
    pub product: Vec<ProductId>,
    /// With an active observation, or without one.
    pub active: Option<bool>,
    /// In a catalogue of known exploited vulnerabilities, or not.
    pub known_exploited: Option<bool>,
}

impl VulnerabilityFilter {
    /// Refuses what cannot be answered.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check(&self) -> Result<(), ApiError> {
        let text = self.q.as_deref().unwrap_or("");
        let mut faults = Faults::default();
        faults.require(text.chars().count() <= 300, "q", "may have at most 300 characters");
        let searchable = self.q.is_none() || words(text).iter().any(|word| word.chars().count() >= 3);
        faults.require(searchable, "q", "needs a word of at least three characters");
        faults.finish()
    }
}

/// The order of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum VulnerabilitySort {
    /// The most severe first.
    #[default]
    #[serde(rename = "-severity")]
    SeverityDown,
    /// The least severe first.
    #[serde(rename = "severity")]
    Severity,
    /// The newest first.
    #[serde(rename = "-created")]
    CreatedDown,
    /// The oldest first.
    #[serde(rename = "created")]
    Created,
}

impl VulnerabilitySort {
    const fn by_severity(self) -> bool {
        matches!(self, Self::SeverityDown | Self::Severity)
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::SeverityDown | Self::CreatedDown => ("<", "DESC"),
            Self::Severity | Self::Created => (">", "ASC"),
        }
    }
}

/// The sort key of a row: what a cursor holds.
pub type VulnerabilityKey = (Severity, VulnerabilityId);

/// What these vulnerabilities say, in no particular order.
pub fn said(conn: &mut Conn, organization: OrganizationId, ids: &[VulnerabilityId]) -> QueryResult<Vec<Vulnerability>> {
    use vulnerabilities as v;
    let these = v::table.filter(v::organization_id.eq(organization)).filter(v::id.eq_any(ids.iter().copied()));
    these.select(Vulnerability::as_select()).load(conn)
}

/// How often and where a vulnerability was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spread {
    /// Active observations.
    pub active: i64,
    /// All observations.
    pub observations: i64,
    /// Assets that it was observed on.
    pub assets: i64,
}

/// A vulnerability and its spread.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// The vulnerability.
    pub vulnerability: Vulnerability,
    /// Its spread, in the products that the caller may see.
    pub spread: Spread,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Binary)]
    id: VulnerabilityId,
}

/// A part of the vulnerabilities that the caller may see, one more than the page has.
pub fn page(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &VulnerabilityFilter,
    sort: VulnerabilitySort,
    window: &Window<VulnerabilityKey>,
) -> QueryResult<Vec<Counted>> {
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT v.id FROM vulnerabilities v WHERE ");
    if !push_conditions(&mut sql, conn, organization, scope, filter)? {
        return Ok(Vec::new());
    }
    let (comparison, order) = sort.words();
    match window.after {
        Some((severity, id)) if sort.by_severity() => {
            sql.push(" AND (v.severity, v.id) ").push(comparison).push(" (").push(&severity.rank().to_string());
            sql.push(", ").bind(id).push(")");
        }
        Some((_, id)) => {
            sql.push(" AND v.id ").push(comparison).push(" ").bind(id);
        }
        None => {}
    }
    sql.push(" ORDER BY ");
    if sort.by_severity() {
        sql.push("v.severity ").push(order).push(", ");
    }
    sql.push("v.id ").push(order).push(" LIMIT ").push(&window.fetch().to_string());
    let keys: Vec<KeyRow> = sql.load(conn)?;
    let ids: Vec<VulnerabilityId> = keys.iter().map(|row| row.id).collect();
    let mut counted = with_ids(conn, organization, scope, &ids)?;
    Ok(keys.iter().filter_map(|row| counted.remove(&row.id)).collect())
}

/// How many match, counted no further than [`MAX_COUNTED`].
pub fn total(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &VulnerabilityFilter,
) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT count(*) AS total FROM (SELECT 1 FROM vulnerabilities v WHERE ");
    if !push_conditions(&mut sql, conn, organization, scope, filter)? {
        return Ok(0);
    }
    sql.push(" LIMIT ").push(&MAX_COUNTED.to_string()).push(") found");
    Ok(sql.load::<Total>(conn)?.first().map_or(0, |row| row.total))
}

/// Writes all conditions; false when nothing can match.
fn push_conditions(
    sql: &mut Sql,
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &VulnerabilityFilter,
) -> QueryResult<bool> {
    sql.push("v.organization_id = ").bind(organization);
    if !filter.id.is_empty() {
        let ids = named_vulnerabilities(conn, organization, &filter.id)?;
        if ids.is_empty() {
            return Ok(false);
        }
        sql.push(" AND v.id IN ").bind_list(ids);
    }
    if !filter.severity.is_empty() {
        let ranks: Vec<String> = filter.severity.iter().map(|severity| severity.rank().to_string()).collect();
        sql.push(" AND v.severity IN (").push(&ranks.join(", ")).push(")");
    }
    let words = words(filter.q.as_deref().unwrap_or(""));
    push_text_index(sql, &words);
    push_words(sql, &words);
    push_cwes(sql, organization, &filter.cwe);
    if let Some(known) = filter.known_exploited {
        sql.push(" AND v.is_known_exploited = ").push(boolean(known));
    }
    sql.push(" AND ");
    push_exists(sql, scope, &filter.product, false);
    if let Some(active) = filter.active {
        sql.push(if active { " AND " } else { " AND NOT " });
        push_exists(sql, scope, &filter.product, true);
    }
    Ok(true)
}

/// Writes: it was observed where the caller may look.
fn push_exists(sql: &mut Sql, scope: &ProductScope, products: &[ProductId], active: bool) {
    sql.push("EXISTS (SELECT 1 FROM observations o").indexed_by("ix_observations_pair");
    sql.push(" WHERE o.vulnerability_id = v.id");
    if active {
        sql.push(" AND o.is_active = TRUE");
    }
    push_scope(sql, scope);
    if !products.is_empty() {
        sql.push(" AND o.product_id IN ").bind_list(products.iter().copied());
    }
    sql.push(")");
}

fn push_scope(sql: &mut Sql, scope: &ProductScope) {
    match scope {
        ProductScope::Except(hidden) if hidden.is_empty() => {}
        ProductScope::Except(hidden) => {
            sql.push(" AND o.product_id NOT IN ").bind_list(hidden.iter().copied());
        }
        ProductScope::Only(product) => {
            sql.push(" AND o.product_id = ").bind(*product);
        }
    }
}

/// A vulnerability that was observed where the caller may look.
pub fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    id: VulnerabilityId,
) -> QueryResult<Option<Counted>> {
    let found = with_ids(conn, organization, scope, &[id])?.remove(&id);
    Ok(found.filter(|counted| counted.spread.observations > 0))
}

fn with_ids(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    ids: &[VulnerabilityId],
) -> QueryResult<HashMap<VulnerabilityId, Counted>> {
    use vulnerabilities as v;
    let rows: Vec<Vulnerability> = v::table
        .filter(v::organization_id.eq(organization).and(v::id.eq_any(ids)))
        .select(Vulnerability::as_select())
        .load(conn)?;
    let ids: Vec<VulnerabilityId> = rows.iter().map(|row| row.id).collect();
    let mut spreads = spreads(conn, scope, &ids)?;
    let counted = |row: Vulnerability| {
        let spread = spreads.remove(&row.id).unwrap_or_default();
        (row.id, Counted { vulnerability: row, spread })
    };
    Ok(rows.into_iter().map(counted).collect())
}

#[derive(QueryableByName)]
struct SpreadRow {
    #[diesel(sql_type = Binary)]
    vulnerability_id: VulnerabilityId,
    #[diesel(sql_type = BigInt)]
    active: i64,
    #[diesel(sql_type = BigInt)]
    observations: i64,
    #[diesel(sql_type = BigInt)]
    assets: i64,
}

/// The spread of these vulnerabilities, which are the organization's. Read from one index alone unless products are
/// hidden; so the organization is not asked for again.
fn spreads(
    conn: &mut Conn,
    scope: &ProductScope,
    ids: &[VulnerabilityId],
) -> QueryResult<HashMap<VulnerabilityId, Spread>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT o.vulnerability_id, SUM(CASE WHEN o.is_active THEN 1 ELSE 0 END) AS active, ");
    sql.push("COUNT(*) AS observations, COUNT(DISTINCT o.asset_id) AS assets FROM observations o");
    sql.indexed_by("ix_observations_pair").push(" WHERE o.vulnerability_id IN ").bind_list(ids.iter().copied());
    push_scope(&mut sql, scope);
    sql.push(" GROUP BY o.vulnerability_id");
    let spread = |row: SpreadRow| {
        (row.vulnerability_id, Spread { active: row.active, observations: row.observations, assets: row.assets })
    };
    Ok(sql.load::<SpreadRow>(conn)?.into_iter().map(spread).collect())
}
