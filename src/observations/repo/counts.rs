//! How many observations the sources have, by status and severity: kept by deltas, in the transaction of the change.

use std::collections::BTreeMap;

use diesel::QueryResult;

use crate::base::ids::{OrganizationId, ProductId, ScanSourceId};
use crate::base::severity::Severity;
use crate::db::conn::Conn;
use crate::observations::apply::{self, CountDeltas};
use crate::observations::status::ObservationStatus;

/// Changes of the counts of several sources, summed up; in one order, so that two transactions cannot wait for each
/// other.
#[derive(Debug, Default)]
pub struct Deltas(BTreeMap<(ProductId, ScanSourceId), CountDeltas>);

impl Deltas {
    /// Counts `by` more (or fewer) observations of a source with this status and severity.
    pub fn add(
        &mut self,
        product: ProductId,
        source: ScanSourceId,
        status: ObservationStatus,
        severity: Severity,
        by: i64,
    ) {
        *self.0.entry((product, source)).or_default().entry((status, severity)).or_default() += by;
    }

    /// Writes the changes.
    pub fn apply(&self, conn: &mut Conn, organization: OrganizationId) -> QueryResult<()> {
        for ((product, source), deltas) in &self.0 {
            apply::add_counts(conn, organization, *product, *source, deltas)?;
        }
        Ok(())
    }
}
