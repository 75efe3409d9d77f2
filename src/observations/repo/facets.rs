//! How many observations there are of each kind, for the filters of a front end.
//!
//! A facet counts under all filters but its own, so that the other choices stay visible. Filters that the counts of the
//! sources know are answered from them, exactly; others by reading no more than [`MAX_COUNTED`] observations.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::MAX_COUNTED;
use super::plan::{self, Lead};
use super::sql::Sql;
use super::target::{Target, status_words};
use crate::base::ids::OrganizationId;
use crate::base::scope::ProductScope;
use crate::base::severity::Severity;
use crate::db::conn::Conn;
use crate::observations::filter::Filter;
use crate::observations::status::ObservationStatus;

/// The most values of a facet: those with the most observations.
const MAX_FACET_VALUES: i64 = 100;

/// What observations are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FacetField {
    /// By status.
    Status,
    /// By severity.
    Severity,
    /// By product.
    Product,
    /// By branch.
    Branch,
    /// By engagement.
    Engagement,
    /// By tool.
    Tool,
}

impl FacetField {
    /// Every field.
    pub const ALL: [Self; 6] =
        [Self::Status, Self::Severity, Self::Product, Self::Branch, Self::Engagement, Self::Tool];

    /// The filter without what it says of this field.
    fn widen(self, filter: &Filter) -> Filter {
        let mut wide = filter.clone();
        match self {
            Self::Status => (wide.status, wide.active) = (Vec::new(), None),
            Self::Severity => wide.severity.clear(),
            Self::Product => wide.product.clear(),
            Self::Branch => wide.branch.clear(),
            Self::Engagement => wide.engagement.clear(),
            Self::Tool => wide.tool.clear(),
        }
        wide
    }

    const fn column(self) -> &'static str {
        match self {
            Self::Status => "c.status",
            Self::Severity => "c.severity",
            Self::Product => "c.product_id",
            Self::Branch => "s.branch_id",
            Self::Engagement => "s.engagement_id",
            Self::Tool => "s.tool",
        }
    }

    /// The table that names the values.
    const fn names(self) -> Option<&'static str> {
        match self {
            Self::Product => Some("products"),
            Self::Branch => Some("branches"),
            Self::Engagement => Some("engagements"),
            Self::Status | Self::Severity | Self::Tool => None,
        }
    }

    /// A stored value as the API writes it.
    fn word(self, stored: String) -> String {
        match self {
            Self::Status | Self::Tool => stored,
            Self::Severity => {
                let severity = stored.parse().ok().and_then(Severity::from_rank);
                severity.map_or(stored, |severity| severity.to_string())
            }
            Self::Product | Self::Branch | Self::Engagement => {
                Uuid::parse_str(&stored).map_or(stored, |id| id.to_string())
            }
        }
    }
}

/// The counts of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// By what.
    pub field: FacetField,
    /// The values with the most observations, at most 100.
    pub values: Vec<FacetValue>,
    /// Counting stopped at [`MAX_COUNTED`] observations: the counts are lower bounds.
    pub is_capped: bool,
}

/// How many observations have one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetValue {
    /// The value, as the filter takes it.
    pub value: String,
    /// The name of what the value identifies; empty for the implicit branch.
    pub name: Option<String>,
    /// How many.
    pub observations: i64,
}

#[derive(QueryableByName)]
struct FacetRow {
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = BigInt)]
    observations: i64,
    #[diesel(sql_type = BigInt)]
    read: i64,
}

/// Counts observations by one field.
pub fn facet(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &Filter,
    field: FacetField,
) -> QueryResult<Facet> {
    let wide = field.widen(filter);
    let Some(target) = Target::of(conn, organization, scope, &wide)? else {
        return Ok(Facet { field, values: Vec::new(), is_capped: false });
    };
    let lead = if wide.is_counted() { None } else { Some(Lead::of(conn, &target, true)?) };
    let mut sql = Sql::for_database(conn);
    push_named(&mut sql, field, organization);
    match &lead {
        None => {
            sql.push("FROM observation_counts c");
            push_sources(&mut sql);
            sql.push(" WHERE ");
            push_counted(&mut sql, &target);
        }
        Some(lead) => {
            sql.push(
                "FROM (SELECT o.organization_id, o.status, o.severity, o.product_id, o.source_id, 1 AS observations",
            );
            plan::push_rows(&mut sql, lead, &target);
            sql.push(" LIMIT ").push(&MAX_COUNTED.to_string()).push(") c");
            push_sources(&mut sql);
            sql.push(" WHERE 1 = 1");
        }
    }
    sql.push(" AND ").push(field.column()).push(" IS NOT NULL GROUP BY ").push(field.column());
    sql.push(" HAVING SUM(c.observations) > 0 ORDER BY 2 DESC, 1 LIMIT ").push(&MAX_FACET_VALUES.to_string());
    sql.push(") f ORDER BY observations DESC, value");
    let rows: Vec<FacetRow> = sql.load(conn)?;
    let is_capped = lead.is_some() && rows.iter().any(|row| row.read >= MAX_COUNTED);
    let shape =
        |row: FacetRow| FacetValue { value: field.word(row.value), name: row.name, observations: row.observations };
    Ok(Facet { field, values: rows.into_iter().map(shape).collect(), is_capped })
}

/// Writes the outer select: values as text, with their names.
fn push_named(sql: &mut Sql, field: FacetField, organization: OrganizationId) {
    let Some(table) = field.names() else {
        sql.push("SELECT CAST(f.value AS TEXT) AS value, NULL AS name, f.observations, f.read FROM (");
        return push_sums(sql, field);
    };
    let hex = if sql.is_sqlite() { "hex(f.value)" } else { "encode(f.value, 'hex')" };
    sql.push("SELECT ").push(hex).push(" AS value, (SELECT n.name FROM ").push(table);
    sql.push(" n WHERE n.organization_id = ").bind(organization).push(" AND n.id = f.value) AS name, ");
    sql.push("f.observations, f.read FROM (");
    push_sums(sql, field);
}

fn push_sums(sql: &mut Sql, field: FacetField) {
    sql.push("SELECT ").push(field.column()).push(" AS value, CAST(SUM(c.observations) AS BIGINT) AS observations, ");
    sql.push("CAST(SUM(SUM(c.observations)) OVER () AS BIGINT) AS read ");
}

fn push_sources(sql: &mut Sql) {
    sql.push(" JOIN scan_sources s ON s.organization_id = c.organization_id AND s.id = c.source_id");
}

/// Writes the conditions on `observation_counts c`.
fn push_counted(sql: &mut Sql, target: &Target) {
    sql.push("c.organization_id = ").bind(target.organization);
    if !target.products.is_empty() {
        sql.push(" AND c.product_id IN ").bind_list(target.products.iter().copied());
    }
    if !target.hidden.is_empty() {
        sql.push(" AND c.product_id NOT IN ").bind_list(target.hidden.iter().copied());
    }
    if let Some(sources) = &target.sources {
        sql.push(" AND c.source_id IN ").bind_list(sources.iter().copied());
    }
    let statuses = target.counted_statuses();
    if statuses.len() < ObservationStatus::ALL.len() {
        sql.push(" AND c.status IN (").push(&status_words(&statuses)).push(")");
    }
    if !target.severities.is_empty() {
        let ranks: Vec<String> = target.severities.iter().map(|severity| severity.rank().to_string()).collect();
        sql.push(" AND c.severity IN (").push(&ranks.join(", ")).push(")");
    }
}

/// How many match a filter that the counts know.
pub(super) fn counted_total(conn: &mut Conn, target: &Target) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT CAST(COALESCE(SUM(c.observations), 0) AS BIGINT) AS total FROM observation_counts c WHERE ");
    push_counted(&mut sql, target);
    Ok(sql.load::<Total>(conn)?.first().map_or(0, |row| row.total))
}
