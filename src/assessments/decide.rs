//! From what somebody says to what then holds: pure.

use std::fmt;

use super::model::Decision;
use crate::base::ids::{ObservationId, ProductId};
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::observations::repo::{Assessable, Assessed};
use crate::observations::status::{self, ObservationStatus};

/// Why a decision does not fit an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A duplicate names its original.
    NoOriginal,
    /// Only a duplicate has an original.
    NotADuplicate,
    /// It is its own original.
    OwnOriginal,
    /// The original is of another product, which not everybody who sees the duplicate may see.
    OtherProduct,
    /// Only an accepted risk expires.
    NotAccepted,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoOriginal => "a duplicate names its original in duplicate_of",
            Self::NotADuplicate => "only a duplicate has an original",
            Self::OwnOriginal => "it would be a duplicate of itself",
            Self::OtherProduct => "the original is in another product",
            Self::NotAccepted => "only an accepted risk expires",
        })
    }
}

/// An original, which is no duplicate itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Original {
    /// Its id.
    pub id: ObservationId,
    /// Its product.
    pub product: ProductId,
}

/// What holds for an observation after a decision. Where it names an original, that is `original`.
///
/// # Errors
/// The reason why the decision does not fit.
pub fn after(
    row: &Assessable,
    decision: &Decision,
    original: Option<Original>,
    now: UtcTime,
) -> Result<Assessed, Refusal> {
    let assessed_status = decision.assessed_status.or(row.assessed_status);
    let assessed_severity = decision.assessed_severity.or(row.assessed_severity);
    let duplicate_of = original_after(row, decision, original, assessed_status)?;
    let assessment_expires_at = expiry_after(row, decision, assessed_status)?;
    let status = status::current(row.last_seen_at.is_none(), assessed_status, row.scan_status);
    Ok(Assessed {
        status,
        severity: assessed_severity.unwrap_or(row.scan_severity),
        assessed_status,
        assessed_severity,
        assessment_expires_at,
        duplicate_of,
        is_verified: decision.is_verified.or(row.is_verified),
        status_changed_at: (status != row.status).then_some(now),
    })
}

fn original_after(
    row: &Assessable,
    decision: &Decision,
    original: Option<Original>,
    assessed_status: Option<ObservationStatus>,
) -> Result<Option<ObservationId>, Refusal> {
    let is_duplicate = assessed_status == Some(ObservationStatus::Duplicate);
    match (is_duplicate, original, decision.duplicate_of) {
        (false, Some(_), _) => Err(Refusal::NotADuplicate),
        (false, None, _) => Ok(None),
        (true, None, Patch::Set(_)) => Err(Refusal::NoOriginal),
        (true, None, Patch::Keep) => row.duplicate_of.map(Some).ok_or(Refusal::NoOriginal),
        (true, Some(original), _) if original.id == row.id => Err(Refusal::OwnOriginal),
        (true, Some(original), _) if original.product != row.product_id => Err(Refusal::OtherProduct),
        (true, Some(original), _) => Ok(Some(original.id)),
    }
}

fn expiry_after(
    row: &Assessable,
    decision: &Decision,
    assessed_status: Option<ObservationStatus>,
) -> Result<Option<UtcTime>, Refusal> {
    let is_accepted = assessed_status == Some(ObservationStatus::RiskAccepted);
    match (is_accepted, decision.assessment_expires_at) {
        (true, expiry) => Ok(expiry.or(row.assessment_expires_at)),
        (false, Patch::Set(Some(_))) => Err(Refusal::NotAccepted),
        (false, Patch::Set(None) | Patch::Keep) => Ok(None),
    }
}

/// Is anything other than before?
#[must_use]
pub fn is_change(row: &Assessable, after: &Assessed) -> bool {
    let before = Assessed {
        status: row.status,
        severity: row.severity,
        assessed_status: row.assessed_status,
        assessed_severity: row.assessed_severity,
        assessment_expires_at: row.assessment_expires_at,
        duplicate_of: row.duplicate_of,
        is_verified: row.is_verified,
        status_changed_at: None,
    };
    before != Assessed { status_changed_at: None, ..*after }
}

#[cfg(test)]
mod tests {
    use super::ObservationStatus::{Affected, Duplicate, FalsePositive, Open, Resolved, RiskAccepted};
    use super::*;
    use crate::base::ids::{AssetId, BranchId, ScanSourceId, VulnerabilityId};
    use crate::base::severity::Severity;

    const NOW: UtcTime = UtcTime::from_micros(1_000);

    fn row() -> Assessable {
        Assessable {
            id: ObservationId::generate(),
            product_id: ProductId::generate(),
            source_id: ScanSourceId::generate(),
            branch_id: BranchId::generate(),
            vulnerability_id: VulnerabilityId::generate(),
            asset_id: AssetId::generate(),
            status: Open,
            severity: Severity::High,
            scan_severity: Severity::High,
            scan_status: None,
            assessed_status: None,
            assessed_severity: None,
            assessment_expires_at: None,
            duplicate_of: None,
            is_verified: false,
            last_seen_at: None,
            version: 1,
        }
    }

    fn say(status: Option<ObservationStatus>) -> Decision {
        Decision { assessed_status: Patch::Set(status), ..Decision::default() }
    }

    /// SO-4, SO-6
    #[test]
    fn a_status_that_is_said_holds_until_it_is_taken_back() {
        let seen = row();
        let gone = Assessable { last_seen_at: Some(NOW), status: Resolved, ..row() };
        for (row, said, status) in [
            (&seen, Some(FalsePositive), FalsePositive),
            (&seen, Some(Affected), Affected),
            (&seen, None, Open),
            (&gone, Some(FalsePositive), FalsePositive),
            (&gone, Some(Affected), Resolved),
            (&gone, None, Resolved),
        ] {
            let after = after(row, &say(said), None, NOW).unwrap();
            assert_eq!((after.status, after.assessed_status), (status, said));
            assert_eq!(after.status_changed_at, (status != row.status).then_some(NOW));
        }
    }

    /// SO-3, SO-11
    #[test]
    fn an_assessed_severity_goes_before_the_tools() {
        let lower = Decision { assessed_severity: Patch::Set(Some(Severity::Low)), ..Decision::default() };
        let lowered = after(&row(), &lower, None, NOW).unwrap();
        assert_eq!(lowered.severity, Severity::Low);
        let assessed = Assessable { assessed_severity: Some(Severity::Low), severity: Severity::Low, ..row() };
        let back = Decision { assessed_severity: Patch::Set(None), ..Decision::default() };
        assert_eq!(after(&assessed, &back, None, NOW).unwrap().severity, Severity::High);
        assert_eq!(after(&assessed, &say(Some(Affected)), None, NOW).unwrap().severity, Severity::Low);
    }

    #[test]
    fn only_an_accepted_risk_expires_and_it_keeps_its_expiry() {
        let (soon, later) = (UtcTime::from_micros(2_000), UtcTime::from_micros(3_000));
        let until = |at| Decision { assessment_expires_at: Patch::Set(Some(at)), ..Decision::default() };
        assert_eq!(after(&row(), &until(soon), None, NOW), Err(Refusal::NotAccepted));
        let accept = Decision { assessed_status: Patch::Set(Some(RiskAccepted)), ..until(soon) };
        assert_eq!(after(&row(), &accept, None, NOW).unwrap().assessment_expires_at, Some(soon));
        let accepted = Assessable { assessed_status: Some(RiskAccepted), assessment_expires_at: Some(soon), ..row() };
        for (decision, expires_at) in [
            (until(later), Some(later)),
            (say(Some(RiskAccepted)), Some(soon)),
            (say(Some(Affected)), None),
            (Decision { assessment_expires_at: Patch::Set(None), ..Decision::default() }, None),
        ] {
            assert_eq!(after(&accepted, &decision, None, NOW).unwrap().assessment_expires_at, expires_at);
        }
    }

    #[test]
    fn a_duplicate_names_another_observation_of_its_product() {
        let row = row();
        let original = Original { id: ObservationId::generate(), product: row.product_id };
        let duplicate = Decision { duplicate_of: Patch::Set(Some(original.id)), ..say(Some(Duplicate)) };
        let marked = after(&row, &duplicate, Some(original), NOW).unwrap();
        assert_eq!((marked.status, marked.duplicate_of), (Duplicate, Some(original.id)));
        let own = Original { id: row.id, ..original };
        assert_eq!(after(&row, &duplicate, Some(own), NOW), Err(Refusal::OwnOriginal));
        let elsewhere = Original { product: ProductId::generate(), ..original };
        assert_eq!(after(&row, &duplicate, Some(elsewhere), NOW), Err(Refusal::OtherProduct));
        assert_eq!(after(&row, &say(Some(Duplicate)), None, NOW), Err(Refusal::NoOriginal));
        let only_original = Decision { duplicate_of: Patch::Set(Some(original.id)), ..Decision::default() };
        assert_eq!(after(&row, &only_original, Some(original), NOW), Err(Refusal::NotADuplicate));
        let marked_row = Assessable { assessed_status: Some(Duplicate), duplicate_of: Some(original.id), ..row };
        assert_eq!(after(&marked_row, &say(Some(Open)), None, NOW).unwrap().duplicate_of, None);
    }
}
