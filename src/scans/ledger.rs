//! What changes besides the observations themselves: counts, history, and what the outbox must hear of.

use std::collections::{HashMap, HashSet};

use diesel::QueryResult;

use super::model::ScanSource;
use crate::base::actor::Actor;
use crate::base::ids::{AssetId, HistoryId, ObservationId, OrganizationId, VulnerabilityId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::model::Pair;
use crate::observations::apply::{self, CountDeltas, Standing};
use crate::observations::model::{HistoryEntry, Observation};
use crate::observations::status::{self, ObservationStatus};

/// Gathers while a source is written; written at its end.
#[derive(Debug)]
pub struct Ledger {
    organization: OrganizationId,
    now: UtcTime,
    counts: CountDeltas,
    history: Vec<HistoryEntry>,
    touched: Vec<ObservationId>,
    /// Those whose status came or changed: their issues are recomputed.
    pairs: HashSet<(VulnerabilityId, AssetId)>,
}

/// What changed of a source.
#[derive(Debug, Default)]
pub struct Touched {
    /// The observations whose tickets need a look.
    pub observations: Vec<ObservationId>,
    /// The pairs whose issues need a look.
    pub pairs: Vec<Pair>,
}

impl Ledger {
    /// An empty one.
    #[must_use]
    pub fn new(organization: OrganizationId, now: UtcTime) -> Self {
        Self {
            organization,
            now,
            counts: CountDeltas::new(),
            history: Vec::new(),
            touched: Vec::new(),
            pairs: HashSet::new(),
        }
    }

    /// Notes a new observation.
    pub fn add(&mut self, row: &Observation) {
        *self.counts.entry((row.status, row.severity)).or_default() += 1;
        self.touched.push(row.id);
        self.pairs.insert((row.vulnerability_id, row.asset_id));
    }

    /// Notes a changed observation.
    pub fn note(&mut self, before: &Standing, after: (ObservationStatus, Severity), why: &str) {
        *self.counts.entry((before.status, before.severity)).or_default() -= 1;
        *self.counts.entry(after).or_default() += 1;
        self.touched.push(before.id);
        if before.status != after.0 {
            self.pairs.insert((before.vulnerability_id, before.asset_id));
            self.record(before.id, "status", (before.status.as_str(), after.0.as_str()), why);
        }
        if before.severity != after.1 {
            self.record(before.id, "severity", (before.severity.as_str(), after.1.as_str()), why);
        }
    }

    fn record(&mut self, id: ObservationId, field: &str, (old, new): (&str, &str), why: &str) {
        self.history.push(HistoryEntry {
            organization_id: self.organization,
            observation_id: id,
            id: HistoryId::generate(),
            at: self.now,
            actor_kind: Actor::System.kind(),
            actor_id: Actor::System.id(),
            field: field.to_owned(),
            old_value: Some(old.to_owned()),
            new_value: Some(new.to_owned()),
            comment: Some(why.to_owned()),
        });
    }

    /// Marks observations as no longer reported, last seen at `seen_at`, and notes them.
    ///
    /// # Errors
    /// What the database says.
    pub fn mark_gone(
        &mut self,
        conn: &mut Conn,
        ids: &[ObservationId],
        seen_at: UtcTime,
        why: &str,
    ) -> QueryResult<()> {
        let mut groups: HashMap<(ObservationStatus, bool), Vec<ObservationId>> = HashMap::new();
        for before in apply::standing(conn, self.organization, ids)?.into_values() {
            let status = status::current(false, before.assessed_status, before.scan_status);
            self.note(&before, (status, before.severity), why);
            groups.entry((status, status != before.status)).or_default().push(before.id);
        }
        for ((status, is_change), ids) in groups {
            let changed_at = is_change.then_some(self.now);
            apply::mark_gone(conn, self.organization, &ids, status, seen_at, changed_at)?;
        }
        Ok(())
    }

    /// Was anything noted?
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Writes what was noted of a source; answers what needs a look.
    ///
    /// # Errors
    /// What the database says.
    pub fn write(self, conn: &mut Conn, source: &ScanSource) -> QueryResult<Touched> {
        apply::insert_history(conn, &self.history)?;
        apply::add_counts(conn, self.organization, source.product_id, source.id, &self.counts)?;
        let pair = |(vulnerability, asset)| Pair { branch: source.branch_id, vulnerability, asset };
        Ok(Touched { observations: self.touched, pairs: self.pairs.into_iter().map(pair).collect() })
    }
}
