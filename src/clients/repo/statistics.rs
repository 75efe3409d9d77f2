//! How many observations a test has, by severity and status.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, SmallInt, Text};

use crate::base::ids::{BranchId, EngagementId, OrganizationId};
use crate::base::severity::Severity;
use crate::db::conn::Conn;
use crate::observations::status::ObservationStatus;

/// So many observations have this severity and status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Counted {
    /// The severity.
    #[diesel(sql_type = SmallInt)]
    pub severity: Severity,
    /// The status.
    #[diesel(sql_type = Text)]
    pub status: ObservationStatus,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub observations: i64,
}

/// Counts what the sources of an engagement and a branch with this name have found; without a name, all of them.
pub fn of_test(
    conn: &mut Conn,
    organization: OrganizationId,
    (engagement, branch): (EngagementId, BranchId),
    name: Option<&str>,
) -> QueryResult<Vec<Counted>> {
    let by_name = if name.is_some() { "AND s.name = $4 " } else { "AND $4 = '' " };
    diesel::sql_query(format!(
        "SELECT c.severity, c.status, CAST(sum(c.observations) AS BIGINT) AS observations FROM scan_sources s \
         JOIN observation_counts c ON c.organization_id = s.organization_id AND c.product_id = s.product_id \
         AND c.source_id = s.id WHERE s.organization_id = $1 AND s.engagement_id = $2 AND s.branch_id = $3 \
         {by_name} GROUP BY c.severity, c.status"
    ))
    .bind::<Binary, _>(organization)
    .bind::<Binary, _>(engagement)
    .bind::<Binary, _>(branch)
    .bind::<Text, _>(name.unwrap_or_default())
    .load(conn)
}
