//! The status of an observation, and the one function that decides it.

use crate::text_enum;

text_enum! {
    /// What holds for an observation.
    ObservationStatus {
        /// Found, nobody has looked at it yet.
        Open = "open",
        /// Found, and confirmed to be a problem.
        Affected = "affected",
        /// Found, somebody looks at it.
        InReview = "in_review",
        /// Gone from the newest scan, or set by a person.
        Resolved = "resolved",
        /// The same as another observation, which it names.
        Duplicate = "duplicate",
        /// Not a real finding.
        FalsePositive = "false_positive",
        /// Real, but it cannot be exploited here.
        NotAffected = "not_affected",
        /// True, but not a matter of security.
        NotSecurity = "not_security",
        /// Known and accepted, until the acceptance expires.
        RiskAccepted = "risk_accepted",
    }
}

impl ObservationStatus {
    /// Should there be an open ticket?
    #[must_use]
    pub const fn is_active(self) -> bool {
        match self {
            Self::Open | Self::Affected | Self::InReview => true,
            Self::Resolved
            | Self::Duplicate
            | Self::FalsePositive
            | Self::NotAffected
            | Self::NotSecurity
            | Self::RiskAccepted => false,
        }
    }

    /// Will it end by itself or by somebody's decision (NU-5)?
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        match self {
            Self::InReview | Self::RiskAccepted => true,
            Self::Open
            | Self::Affected
            | Self::Resolved
            | Self::Duplicate
            | Self::FalsePositive
            | Self::NotAffected
            | Self::NotSecurity => false,
        }
    }
}

/// The status that holds: of presence, of what people assessed, and of what the report itself says (`scanned`, which
/// counts where nobody assessed).
///
/// What is absent is resolved unless it was disposed of for good: an assessed `false_positive` stays one whether it is
/// found or not, while an `affected` or an accepted risk that vanishes is resolved.
#[must_use]
pub fn current(
    present: bool,
    assessed: Option<ObservationStatus>,
    scanned: Option<ObservationStatus>,
) -> ObservationStatus {
    match (present, assessed.or(scanned)) {
        (true, None) => ObservationStatus::Open,
        (false, None) => ObservationStatus::Resolved,
        (false, Some(said)) if said.is_active() || said.is_temporary() => ObservationStatus::Resolved,
        (_, Some(said)) => said,
    }
}

/// What stays of an assessment when a scan reports the observation (again): all but `resolved`, which the scan has just
/// refuted. What comes back is active again, also when a person had set `resolved` (a regression).
#[must_use]
pub fn assessment_after_found(assessed: Option<ObservationStatus>) -> Option<ObservationStatus> {
    assessed.filter(|&status| status != ObservationStatus::Resolved)
}

#[cfg(test)]
mod tests {
    use super::ObservationStatus::{
        Affected, Duplicate, FalsePositive, InReview, NotAffected, NotSecurity, Open, Resolved, RiskAccepted,
    };
    use super::*;

    #[test]
    fn only_open_affected_and_in_review_are_active() {
        let active: Vec<_> = ObservationStatus::ALL.iter().filter(|status| status.is_active()).copied().collect();
        assert_eq!(active, [Open, Affected, InReview]);
    }

    #[test]
    fn what_is_in_review_or_accepted_is_temporary() {
        let temporary: Vec<_> = ObservationStatus::ALL.iter().filter(|status| status.is_temporary()).copied().collect();
        assert_eq!(temporary, [InReview, RiskAccepted]);
    }

    /// SO-4, SO-5, SO-6
    #[test]
    fn presence_assessment_and_report_make_the_status() {
        for (present, assessed, scanned, expected) in [
            (true, None, None, Open),
            (false, None, None, Resolved),
            (true, Some(Affected), None, Affected),
            (false, Some(Affected), None, Resolved),
            (false, Some(Open), None, Resolved),
            (false, Some(InReview), None, Resolved),
            (true, Some(RiskAccepted), None, RiskAccepted),
            (false, Some(RiskAccepted), None, Resolved),
            (true, Some(Resolved), None, Resolved),
            (false, Some(Resolved), None, Resolved),
            (true, Some(FalsePositive), None, FalsePositive),
            (false, Some(FalsePositive), None, FalsePositive),
            (false, Some(NotAffected), None, NotAffected),
            (false, Some(NotSecurity), None, NotSecurity),
            (false, Some(Duplicate), None, Duplicate),
            (true, None, Some(NotAffected), NotAffected),
            (false, None, Some(NotAffected), NotAffected),
            (false, None, Some(Affected), Resolved),
            (true, Some(Open), Some(FalsePositive), Open),
            (false, Some(Open), Some(FalsePositive), Resolved),
        ] {
            let status = current(present, assessed, scanned);
            assert_eq!(status, expected, "present {present}, assessed {assessed:?}, the report says {scanned:?}");
        }
    }

    /// SO-6
    #[test]
    fn what_comes_back_is_active_again_also_when_a_person_had_resolved_it() {
        for (assessed, expected) in
            [(None, Open), (Some(Resolved), Open), (Some(Affected), Affected), (Some(FalsePositive), FalsePositive)]
        {
            let stays = assessment_after_found(assessed);
            assert_eq!(current(true, stays, None), expected, "{assessed:?} found again");
        }
    }
}
