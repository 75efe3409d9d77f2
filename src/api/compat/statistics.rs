//! How many findings a test has, as DefectDojo counts them.

use serde::Serialize;
use utoipa::ToSchema;

use super::values::SeverityWord;
use crate::clients::repo::statistics::Counted;
use crate::observations::status::ObservationStatus;
use crate::scans::model::ScanCounts;

/// Findings by status.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
struct CompatStatusCounts {
    /// Active ones, without those in review.
    #[schema(example = 12)]
    active: i64,
    /// Duplicates.
    #[schema(example = 0)]
    duplicate: i64,
    /// False positives.
    #[schema(example = 1)]
    false_p: i64,
    /// What is no matter of security here.
    #[schema(example = 0)]
    out_of_scope: i64,
    /// Fixed ones.
    #[schema(example = 4)]
    is_mitigated: i64,
    /// Accepted risks.
    #[schema(example = 2)]
    risk_accepted: i64,
    /// All of them, with those in review.
    #[schema(example = 21)]
    total: i64,
}

impl CompatStatusCounts {
    fn add(&mut self, status: ObservationStatus, observations: i64) {
        self.total += observations;
        match status {
            ObservationStatus::Open | ObservationStatus::Affected => self.active += observations,
            // Findings that came as not active wait in review. DefectDojo counts such ones in the total only.
            ObservationStatus::InReview => {}
            ObservationStatus::Resolved => self.is_mitigated += observations,
            ObservationStatus::Duplicate => self.duplicate += observations,
            ObservationStatus::FalsePositive => self.false_p += observations,
            ObservationStatus::NotAffected | ObservationStatus::NotSecurity => self.out_of_scope += observations,
            ObservationStatus::RiskAccepted => self.risk_accepted += observations,
        }
    }
}

/// Findings by severity and status.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
struct CompatSeverityCounts {
    /// Informational ones, and those of no known severity.
    info: CompatStatusCounts,
    /// Low ones.
    low: CompatStatusCounts,
    /// Medium ones.
    medium: CompatStatusCounts,
    /// High ones.
    high: CompatStatusCounts,
    /// Critical ones.
    critical: CompatStatusCounts,
    /// All of them.
    total: CompatStatusCounts,
}

impl From<&[Counted]> for CompatSeverityCounts {
    fn from(counted: &[Counted]) -> Self {
        let mut all = Self::default();
        for Counted { severity, status, observations, .. } in counted {
            let of_severity = match SeverityWord::from(*severity) {
                SeverityWord::Info => &mut all.info,
                SeverityWord::Low => &mut all.low,
                SeverityWord::Medium => &mut all.medium,
                SeverityWord::High => &mut all.high,
                SeverityWord::Critical => &mut all.critical,
            };
            of_severity.add(*status, *observations);
            all.total.add(*status, *observations);
        }
        all
    }
}

/// How many in all.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct CompatTotal {
    /// How many in all.
    total: CompatTotalCount,
}

/// How many.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct CompatTotalCount {
    /// How many.
    #[schema(example = 19)]
    total: i64,
}

impl From<i64> for CompatTotal {
    fn from(total: i64) -> Self {
        Self { total: CompatTotalCount { total } }
    }
}

/// What an import changed.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct CompatDelta {
    /// Never seen before.
    created: CompatTotal,
    /// No longer reported.
    closed: CompatTotal,
    /// Found again.
    reactivated: CompatTotal,
    /// Seen again.
    untouched: CompatTotal,
}

impl From<ScanCounts> for CompatDelta {
    fn from(counts: ScanCounts) -> Self {
        Self {
            created: counts.observations_new.into(),
            closed: counts.observations_resolved.into(),
            reactivated: counts.observations_reopened.into(),
            untouched: (counts.observations_unchanged + counts.observations_updated).into(),
        }
    }
}

/// The findings of a test before and after an import, and what it changed.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CompatStatistics {
    before: CompatSeverityCounts,
    delta: CompatDelta,
    after: CompatSeverityCounts,
}

impl CompatStatistics {
    /// From what was counted before and after, and by the import.
    #[must_use]
    pub fn new(before: &[Counted], counts: ScanCounts, after: &[Counted]) -> Self {
        Self { before: before.into(), delta: counts.into(), after: after.into() }
    }
}
