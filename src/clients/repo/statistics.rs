//! How many observations the sources of a test have, by severity and status.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, SmallInt, Text};

use crate::base::ids::{BranchId, EngagementId, OrganizationId, ScanSourceId};
use crate::base::severity::Severity;
use crate::db::conn::Conn;
use crate::observations::status::ObservationStatus;

/// So many observations of a source have this severity and status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Counted {
    /// The source.
    #[diesel(sql_type = Binary)]
    pub source_id: ScanSourceId,
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

/// Counts what each source of an engagement and a branch has found.
pub fn of_sources(
    conn: &mut Conn,
    organization: OrganizationId,
    (engagement, branch): (EngagementId, BranchId),
) -> QueryResult<Vec<Counted>> {
    diesel::sql_query(
        "SELECT c.source_id, c.severity, c.status, c.observations FROM scan_sources s \
         JOIN observation_counts c ON c.organization_id = s.organization_id AND c.product_id = s.product_id \
         AND c.source_id = s.id WHERE s.organization_id = $1 AND s.engagement_id = $2 AND s.branch_id = $3",
    )
    .bind::<Binary, _>(organization)
    .bind::<Binary, _>(engagement)
    .bind::<Binary, _>(branch)
    .load(conn)
}
